//! `strongroom audit …`. The log is read from the store itself: no passphrase, no agent.

use std::{io::Read as _, time::Duration};

use anyhow::Context as _;
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use serde_json::json;
use strongroom::{
    audit::{self, Entry, Filter, entry::Kind},
    notification::{Notification, Tally, Urgency},
    store::{Reader as _, StoredEntry, sqlite::SqliteReader},
};

use super::Audit;
use crate::{
    home::Home,
    show::{self, BAD, GOOD, MILD, say},
};

/// Entries read at once.
const PAGE: u32 = 1024;
/// How often a follower looks for more.
const LOOK: Duration = Duration::from_millis(200);

pub async fn audit(home: &Home, command: Audit, json: bool) -> anyhow::Result<()> {
    match command {
        Audit::Show {
            follow,
            since,
            service,
            secret,
            kind,
            last,
        } => {
            home.check()?;
            let since = since
                .map(|text| super::since(&text, Timestamp::now()))
                .transpose()?;
            let kind = kind.as_deref().map(entry_kind).transpose()?;
            let filter = Filter {
                since,
                service,
                secret,
                kind,
            };
            show_entries(home, &filter, last, follow, json).await
        }
        Audit::Verify { key, store } => verify(home, key, store.as_deref(), json),
        Audit::Receipt { what, key } => receipt(home, &what, key, json),
    }
}

async fn show_entries(
    home: &Home,
    filter: &Filter,
    last: Option<u64>,
    follow: bool,
    json: bool,
) -> anyhow::Result<()> {
    let mut feed = Feed::open(home, 0)?;
    let mut lines = std::collections::VecDeque::new();
    while let Some(entries) = feed.next_page()? {
        for (entry, notification) in entries {
            if !is_shown(filter, &entry) {
                continue;
            }
            match last {
                // Only the newest are kept, however long the log is.
                Some(last) => {
                    lines.push_back((entry, notification));
                    while lines.len() as u64 > last {
                        lines.pop_front();
                    }
                }
                None => print(&entry, &notification, json)?,
            }
        }
    }
    for (entry, notification) in lines {
        print(&entry, &notification, json)?;
    }
    if !follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(LOOK).await;
        while let Some(entries) = feed.next_page()? {
            for (entry, notification) in entries {
                if is_shown(filter, &entry) {
                    print(&entry, &notification, json)?;
                }
            }
        }
    }
}

/// The audit log as sentences, from some entry on.
pub struct Feed {
    reader: SqliteReader,
    origin: String,
    tally: Tally,
    next: u64,
}

impl Feed {
    pub fn open(home: &Home, from: u64) -> anyhow::Result<Self> {
        let reader = SqliteReader::open(&home.store())?;
        let tally = Tally::up_to(&reader, from)?;
        Ok(Self {
            origin: home.identity()?.origin().to_owned(),
            reader,
            tally,
            next: from,
        })
    }

    /// The entries that are there and were not given yet, some at a time.
    pub fn next_page(&mut self) -> anyhow::Result<Option<Vec<(StoredEntry, Notification)>>> {
        let entries = self.reader.entries(self.next, PAGE)?;
        if entries.is_empty() {
            return Ok(None);
        }
        let told = entries.into_iter().map(|entry| {
            let notification = Notification::of(&self.origin, &entry, &mut self.tally);
            self.next = entry.index + 1;
            (entry, notification)
        });
        Ok(Some(told.collect()))
    }
}

/// An entry that cannot be read is always shown: hiding it would hide that something is wrong.
fn is_shown(filter: &Filter, entry: &StoredEntry) -> bool {
    Entry::parse(&entry.line).map_or(true, |entry| filter.matches(&entry))
}

fn entry_kind(word: &str) -> anyhow::Result<Kind> {
    Kind::ALL
        .iter()
        .copied()
        .find(|kind| kind.as_str() == word)
        .ok_or_else(|| {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            anyhow::anyhow!(
                "`{}` is no kind of entry; there are {}",
                word.escape_debug(),
                known.join(", ")
            )
        })
}

fn print(entry: &StoredEntry, notification: &Notification, json: bool) -> anyhow::Result<()> {
    if json {
        // The line as it is stored and hashed: one JSON object a line.
        say!("{}", entry.line)?;
        return Ok(());
    }
    sentence(notification)
}

/// One notification as a line for a person.
pub fn sentence(notification: &Notification) -> anyhow::Result<()> {
    let local = notification.time.to_zoned(TimeZone::system());
    let time = local.strftime("%Y-%m-%d %H:%M:%S");
    let text = &notification.sentence;
    match notification.urgency {
        Urgency::Urgent => say!("{MILD}{time}{MILD:#}  {BAD}{text}{BAD:#}")?,
        Urgency::Normal => say!("{MILD}{time}{MILD:#}  {text}")?,
        Urgency::Quiet => say!("{MILD}{time}  {text}{MILD:#}")?,
    }
    Ok(())
}

fn verify(
    home: &Home,
    key: Option<String>,
    store: Option<&std::path::Path>,
    json: bool,
) -> anyhow::Result<()> {
    let path = match store {
        Some(path) => path.to_owned(),
        None => {
            home.check()?;
            home.store()
        }
    };
    let key = match key {
        Some(key) => key,
        None => home.identity()?.checkpoint_vkey(),
    };
    let reader = SqliteReader::open(&path)?;
    match audit::verify(&reader, &key) {
        Ok(verified) => {
            if json {
                return show::json(
                    &json!({ "valid": true, "size": verified.size, "root": verified.root }),
                );
            }
            say!(
                "{GOOD}valid{GOOD:#}: {} entries, each as it was written, under one signed checkpoint",
                verified.size
            )?;
            say!("{MILD}root {}{MILD:#}", verified.root)?;
            Ok(())
        }
        Err(broken) => {
            if json {
                show::json(&json!({ "valid": false, "problem": broken.to_string() }))?;
            }
            Err(broken).context("the audit log does not verify")
        }
    }
}

/// What an answer carries, as far as a receipt goes.
#[derive(Deserialize)]
struct Answered {
    entry: String,
    receipt: String,
}

fn receipt(home: &Home, what: &str, key: Option<String>, json: bool) -> anyhow::Result<()> {
    if let Ok(index) = what.parse::<u64>() {
        home.check()?;
        let reader = SqliteReader::open(&home.store())?;
        let (entry, receipt) = audit::receipt_for(&reader, index)?;
        if json {
            return show::json(&json!({ "entry": entry, "receipt": receipt }));
        }
        say!("{entry}")?;
        say!("{}", receipt.trim_end())?;
        return Ok(());
    }
    let mut text = String::new();
    let from: Box<dyn std::io::Read> = if what == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(what).with_context(|| format!("cannot open `{what}`"))?)
    };
    from.take(8 * 1024 * 1024).read_to_string(&mut text)?;
    let answered: Answered = serde_json::from_str(&text)
        .with_context(|| format!("`{what}` is not JSON with an `entry` and a `receipt`"))?;
    let key = match key {
        Some(key) => key,
        None => home
            .identity()
            .context("no `--key VKEY` was given")?
            .checkpoint_vkey(),
    };
    let index = audit::receipt::verify(&answered.entry, &answered.receipt, &key)?;
    if json {
        return show::json(&json!({ "valid": true, "index": index }));
    }
    say!("{GOOD}valid{GOOD:#}: entry {index} is in the log that this key signs")?;
    let mut tally = Tally::default();
    let entry = StoredEntry {
        index,
        line: answered.entry,
    };
    sentence(&Notification::of("", &entry, &mut tally))
}
