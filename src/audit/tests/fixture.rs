//! A log in a directory of its own.

use std::path::PathBuf;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use signed_note::{Signer, StandardSigner, key_id};
use tempfile::TempDir;

use crate::{
    audit::{Action, By, Committed, Event, Log, Noted, Submission},
    store::sqlite::{SqliteReader, SqliteStore},
};

pub(super) const ORIGIN: &str = "strongroom.test/agent";

/// A directory with a store in it.
pub(super) struct Home {
    _directory: TempDir,
    pub path: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strongroom.db");
        drop(SqliteStore::create(&path).unwrap());
        Self {
            _directory: directory,
            path,
        }
    }

    pub fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path).unwrap()
    }

    pub fn log(&self) -> Log<SqliteStore> {
        Log::open(self.store(), signer(1), &vkey(1)).unwrap()
    }

    pub fn reader(&self) -> SqliteReader {
        SqliteReader::open(&self.path).unwrap()
    }

    /// What somebody does who may write the file and knows SQLite.
    pub fn tamper(&self, sql: &str) {
        let raw = rusqlite::Connection::open(&self.path).unwrap();
        let triggers: Vec<String> = raw
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for trigger in triggers {
            raw.execute_batch(&format!("DROP TRIGGER {trigger}"))
                .unwrap();
        }
        raw.execute_batch(sql).unwrap();
    }
}

pub(super) fn signer(seed: u8) -> Box<dyn Signer + Send> {
    let encoded = [&[1], [seed; 32].as_slice()].concat();
    let id = key_id(ORIGIN, &public(seed));
    let skey = format!(
        "PRIVATE+KEY+{ORIGIN}+{id:08x}+{}",
        BASE64_STANDARD.encode(encoded)
    );
    Box::new(StandardSigner::new(&skey).unwrap())
}

pub(super) fn vkey(seed: u8) -> String {
    let public = public(seed);
    format!(
        "{ORIGIN}+{:08x}+{}",
        key_id(ORIGIN, &public),
        BASE64_STANDARD.encode(&public)
    )
}

fn public(seed: u8) -> Vec<u8> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    [&[1], pair.public_key().as_ref()].concat()
}

pub(super) fn now() -> Timestamp {
    "2026-03-01T14:02:03.123Z".parse().unwrap()
}

pub(super) fn event(detail: impl ToString) -> Event {
    Event::Administration {
        action: Action::NotificationTest,
        subject: None,
        version: None,
        detail: Some(detail.to_string()),
        by: By::Owner,
        record: None,
    }
}

pub(super) fn note(detail: impl ToString) -> Submission {
    Submission::Note(event(detail))
}

pub(super) fn noted(committed: Committed) -> Noted {
    match committed {
        Committed::Noted(noted) => noted,
        other => panic!("{other:?}"),
    }
}

/// A log with `size` entries, written in batches of three.
pub(super) fn written(size: u64) -> Home {
    let home = Home::new();
    let mut log = home.log();
    let notes: Vec<u64> = (0..size).collect();
    for batch in notes.chunks(3) {
        for committed in log.commit(batch.iter().map(note).collect(), now()) {
            committed.unwrap();
        }
    }
    home
}
