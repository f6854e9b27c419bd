//! The live feed: what happens as it happens, what waits for a decision, and how the channels do, in
//! plain lines.
//!
//! `up` shows it in its own window, `watch` beside an agent that runs elsewhere. A request that waits
//! has everything that a decider must see below its line, and the commands that decide it. On a
//! terminal each line goes on under its own beginning, so that text from outside can't begin one;
//! elsewhere a line is a line, and as `--json` one JSON object.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anstyle::Style;
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use strongroom::{
    notification::{Fact, Notification, Urgency, escaped},
    store::{Reader as _, StoredEntry, sqlite::SqliteReader},
};

use super::audit::Feed as Log;
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

/// The feed, from some moment on.
pub struct Feed {
    log: Log,
    reader: SqliteReader,
    json: bool,
    /// The requests that wait.
    waiting: BTreeSet<u64>,
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
        let from = reader.log_size()?.saturating_sub(BEFORE);
        Ok(Self {
            log: Log::open(home, from)?,
            reader,
            json,
            waiting: BTreeSet::new(),
            channels: BTreeMap::new(),
        })
    }

    /// Shows what waits already, and then the last few entries.
    pub fn begin(&mut self) -> anyhow::Result<()> {
        self.waiting = self.still_waiting()?;
        let older: Vec<u64> = self.waiting.range(..self.log.next()).copied().collect();
        if !older.is_empty() && !self.json {
            say!("{STRONG}{}{STRONG:#}", wait(older.len()))?;
        }
        for id in older {
            for entry in self.reader.entries(id, 1)? {
                let told = self.log.tell_apart(&entry);
                match self.json {
                    true => line(&Line::Waiting(&told))?,
                    false => with_facts(&told)?,
                }
            }
        }
        self.entries()
    }

    /// Shows the entries that have come since.
    pub fn entries(&mut self) -> anyhow::Result<()> {
        let mut any = false;
        while let Some(page) = self.log.next_page()? {
            any = true;
            for (entry, told) in page {
                self.entry(&entry, &told)?;
            }
        }
        if any {
            self.count()?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &StoredEntry, told: &Notification) -> anyhow::Result<()> {
        if self.json {
            return line(&Line::Told(told));
        }
        // What is over needs no command any more.
        let waits = told.kind == "pending" && self.reader.settled(entry.index)?.is_none();
        if waits {
            with_facts(told)
        } else {
            sentence(told)
        }
    }

    /// Says how many still wait, when one does not any more.
    fn count(&mut self) -> anyhow::Result<()> {
        let now = self.still_waiting()?;
        let is_fewer = self.waiting.iter().any(|id| !now.contains(id));
        if is_fewer && !now.is_empty() && !self.json {
            say!(
                "{:INDENT$}{MILD}{}; `strongroom pending` lists them{MILD:#}",
                "",
                still(now.len())
            )?;
        }
        self.waiting = now;
        Ok(())
    }

    fn still_waiting(&self) -> anyhow::Result<BTreeSet<u64>> {
        Ok(self.reader.waiting()?.into_iter().collect())
    }

    /// Shows what is new of the channels. The first time all of them are named.
    pub fn channels(&mut self, channels: &[ChannelRow]) -> anyhow::Result<()> {
        let first = self.channels.is_empty();
        let mut well = Vec::new();
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
                (Said::Well, None) => well.push(format!("{} ({})", row.name, row.kind)),
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
        if first && !well.is_empty() {
            let text = format!("channels that are well: {}", well.join(", "));
            at(Timestamp::now(), &text, MILD)?;
        }
        Ok(())
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
                "{:INDENT$}{MILD}│ {:<label$}  … and {cut} more characters; `strongroom pending {}` shows all of it{MILD:#}",
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
