//! The live feed: what happens as it happens, what waits for a decision, and how the channels do, in
//! plain lines.
//!
//! `up` shows it in its own window, `watch` beside an agent that runs elsewhere. A request that waits
//! has everything that a decider must see below its line, and the commands that decide it. On a
//! terminal each line goes on under its own beginning, so that text from outside can't begin one;
//! elsewhere a line is a line, and as `--json` one JSON object.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use anstyle::Style;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use strongroom::{
    audit::{Entry, Event, entry::Kind},
    notification::{Audience, Fact, Notification, Plan, Progress, Tally, Tell, Urgency, escaped},
    store::{Reader as _, StoredEntry, sqlite::SqliteReader},
};

use crate::{
    home::Home,
    notify::{ChannelRow, State},
    show::{self, BAD, GOOD, MILD, STRONG, say},
};

mod rows;

use rows::rows;

/// How often the feed looks for more; a person does not see the difference.
pub const LOOK: Duration = Duration::from_millis(100);
/// How often it looks how the channels do.
pub const CHANNELS: Duration = Duration::from_secs(1);
/// How many of the last entries give the picture when one comes back.
const BEFORE: u64 = 10;
/// How far the facts stand in.
const INDENT: usize = 4;
/// Rows of a terminal that one fact may take; all of it is one command away.
const MOST: usize = 6;

/// Entries read at once.
const PAGE: u32 = 256;

/// The feed, from some moment on.
pub struct Feed {
    reader: SqliteReader,
    origin: String,
    /// What is told, with what is out of the ordinary about it: all of it, each entry by itself.
    plan: Plan,
    json: bool,
    /// The requests that wait.
    waiting: BTreeSet<u64>,
    /// Since when some of them do not any more, and the rest was not counted.
    fewer: Option<Instant>,
    /// What was said of each channel last.
    channels: BTreeMap<String, Said>,
}

/// What the feed says of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Well,
    Ill(String),
    Waits,
}

/// A line of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a> {
    /// What waited when the feed began.
    Waiting(&'a Notification),
    Told(&'a Notification),
    Channel(&'a ChannelRow),
}

impl Feed {
    /// Begins a few entries back.
    pub fn open(home: &Home, json: bool) -> anyhow::Result<Self> {
        let reader = SqliteReader::open(&home.store())?;
        let origin = home.identity()?.origin().to_owned();
        let from = reader.log_size()?.saturating_sub(BEFORE);
        let terms = Tell::default().terms(Audience::Program, TimeZone::system())?;
        let progress = Progress {
            told: from,
            urgent: from,
        };
        Ok(Self {
            plan: Plan::restore(terms, &origin, &reader, progress)?,
            origin,
            reader,
            json,
            waiting: BTreeSet::new(),
            fewer: None,
            channels: BTreeMap::new(),
        })
    }

    /// Shows what waits already, and then the last few entries.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.waiting = self.still_waiting()?;
        let mut older = Vec::new();
        for id in self.waiting.range(..self.plan.wanted()) {
            let entry = self.reader.entries(*id, 1)?.pop();
            older.extend(entry.filter(|entry| !is_over(entry)));
        }
        if !older.is_empty() && !self.json {
            say!("{STRONG}{}{STRONG:#}", wait(older.len()))?;
        }
        for entry in older {
            let told = Notification::of(&self.origin, &entry, &mut Tally::default());
            match self.json {
                true => line(&Line::Waiting(&told))?,
                false => with_facts(&told)?,
            }
        }
        self.entries()
    }

    /// Shows the entries that have come since.
    pub fn entries(&mut self) -> anyhow::Result<()> {
        let mut any = false;
        loop {
            let now = Timestamp::now();
            while let Some(told) = self.plan.next(now) {
                self.entry(&told)?;
                self.plan.delivered();
            }
            let page = self.reader.entries(self.plan.wanted(), PAGE)?;
            if page.is_empty() {
                break;
            }
            any = true;
            for entry in &page {
                self.plan.read(entry, now);
            }
        }
        if any {
            let now = self.still_waiting()?;
            if self.waiting.iter().any(|id| !now.contains(id)) {
                self.fewer.get_or_insert_with(Instant::now);
            }
            self.waiting = now;
        }
        self.count(any)
    }

    fn entry(&self, told: &Notification) -> anyhow::Result<()> {
        if self.json {
            return line(&Line::Told(told));
        }
        // What is over needs no command any more.
        let asks = told.kind == Kind::Pending.as_str();
        let entry = match asks && self.reader.settled(told.index)?.is_none() {
            true => self.reader.entries(told.index, 1)?.pop(),
            false => None,
        };
        match entry.is_some_and(|entry| !is_over(&entry)) {
            true => with_facts(told),
            false => sentence(told),
        }
    }

    /// Says how many still wait after some ended: once the feed is quiet, since often all end at once.
    fn count(&mut self, is_busy: bool) -> anyhow::Result<()> {
        let due = |since: Instant| !is_busy || since.elapsed() >= CHANNELS;
        if !self.fewer.is_some_and(due) {
            return Ok(());
        }
        self.fewer = None;
        if !self.waiting.is_empty() && !self.json {
            say!(
                "{:INDENT$}{MILD}{}: `strongroom pending`{MILD:#}",
                "",
                still(self.waiting.len())
            )?;
        }
        Ok(())
    }

    fn still_waiting(&self) -> anyhow::Result<BTreeSet<u64>> {
        Ok(self.reader.waiting()?.into_iter().collect())
    }

    /// Shows what is new of the channels. The first time all of them are named.
    pub fn channels(&mut self, channels: &[ChannelRow]) -> anyhow::Result<()> {
        let well = channels
            .iter()
            .filter(|row| row.state == State::Well && !self.channels.contains_key(&row.name))
            .map(|row| format!("{} ({})", row.name, row.kind));
        let well: Vec<String> = well.collect();
        if !well.is_empty() && !self.json {
            let text = format!("channels that are well: {}", well.join(", "));
            at(Timestamp::now(), &text, MILD)?;
        }
        for row in channels {
            let Some(says) = Said::of(row) else { continue };
            let said = self.channels.insert(row.name.clone(), says.clone());
            if said.as_ref() == Some(&says) {
                continue;
            }
            if self.json {
                line(&Line::Channel(row))?;
                continue;
            }
            let name = format!("channel {} ({})", row.name, row.kind);
            match (&says, said) {
                (Said::Well, None) => {}
                (Said::Well, Some(_)) => {
                    let text = format!("{name} delivers again{}", behind(row));
                    at(Timestamp::now(), &text, GOOD)?;
                }
                (Said::Ill(problem), said) => {
                    let still = match said {
                        Some(Said::Ill(_)) => "still does not deliver",
                        _ => "does not deliver",
                    };
                    let text = format!("{name} {still}: {problem}{}", behind(row));
                    at(Timestamp::now(), &text, BAD)?;
                }
                (Said::Waits, _) => {
                    let text = format!("{name} waits until the vault is unlocked{}", behind(row));
                    at(Timestamp::now(), &text, BAD)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether its time to be decided is over, though that may not be on record yet.
fn is_over(entry: &StoredEntry) -> bool {
    match Entry::parse(&entry.line).map(|entry| entry.event) {
        Ok(Event::Pending { expires, .. }) => expires <= Timestamp::now(),
        _ => true,
    }
}

impl Said {
    /// `None` while nobody delivers: then there is nothing to say of it.
    fn of(row: &ChannelRow) -> Option<Self> {
        match &row.state {
            State::Idle => None,
            State::Well => Some(Self::Well),
            State::Trying { problem, .. } => Some(Self::Ill(escaped(problem))),
            State::Waiting => Some(Self::Waits),
        }
    }
}

fn behind(row: &ChannelRow) -> String {
    match row.behind {
        0 => String::new(),
        1 => "; 1 entry waits".to_owned(),
        several => format!("; {several} entries wait"),
    }
}

fn wait(requests: usize) -> String {
    match requests {
        1 => "1 request waits for a decision:".to_owned(),
        several => format!("{several} requests wait for a decision:"),
    }
}

fn still(requests: usize) -> String {
    match requests {
        1 => "1 other request still waits".to_owned(),
        several => format!("{several} other requests still wait"),
    }
}

/// One JSON object in a line of its own.
fn line(line: &Line<'_>) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string(line)?)?;
    Ok(())
}

/// One notification as a line for a person.
fn sentence(told: &Notification) -> anyhow::Result<()> {
    let style = match told.urgency {
        Urgency::Urgent => BAD,
        Urgency::Normal => Style::new(),
        Urgency::Quiet => MILD,
    };
    at(told.time, &told.sentence, style)
}

/// A line with its time; on a terminal it goes on under its own beginning.
fn at(time: Timestamp, text: &str, style: Style) -> anyhow::Result<()> {
    let time = time.to_zoned(TimeZone::system());
    let time = time.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let indent = time.len() + 2;
    let mut beginning = time;
    for row in rows(text, room(indent)) {
        say!("{MILD}{beginning}{MILD:#}  {style}{row}{style:#}")?;
        beginning = " ".repeat(indent - 2);
    }
    Ok(())
}

/// The line of a request that waits, and below it all that is known of it.
fn with_facts(told: &Notification) -> anyhow::Result<()> {
    sentence(told)?;
    let widest = told.facts.iter().map(|fact| fact.label.chars().count());
    let label = widest.max().unwrap_or(0).min(24);
    for Fact { label: name, text } in &told.facts {
        let style = if name == "decide" {
            STRONG
        } else {
            Style::new()
        };
        let room = room(INDENT + 2 + label + 2);
        let text = rows(text, room);
        let most = room.map_or(usize::MAX, |_| MOST);
        let mut beginning = name.as_str();
        for row in text.iter().take(most) {
            say!(
                "{:INDENT$}{MILD}│ {beginning:<label$}{MILD:#}  {style}{row}{style:#}",
                ""
            )?;
            beginning = "";
        }
        let cut: usize = text.iter().skip(most).map(|row| row.chars().count()).sum();
        if cut > 0 {
            say!(
                "{:INDENT$}{MILD}│ {:<label$}  … and {cut} more characters: `strongroom pending {}`{MILD:#}",
                "",
                "",
                told.index
            )?;
        }
    }
    Ok(())
}

/// How many columns a text has beside so many others; `None` where lines need not fit.
fn room(others: usize) -> Option<usize> {
    show::columns(std::io::stdout()).map(|columns| columns.saturating_sub(others).max(20))
}
