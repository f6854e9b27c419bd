//! A write in progress.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    approval, checkpoint, hashes, log_size,
    problem::{integer, machine},
    usage,
};
use crate::store::{
    StoreError, StoredDecision, StoredPending, StoredRecord, StoredSlot, Transaction, Usage,
};

/// Holds the write lock; dropped without commit, it rolls back.
#[derive(Debug)]
pub struct SqliteTransaction<'a> {
    inner: rusqlite::Transaction<'a>,
    path: &'a Path,
}

impl<'a> SqliteTransaction<'a> {
    pub(super) fn new(inner: rusqlite::Transaction<'a>, path: &'a Path) -> Self {
        Self { inner, path }
    }

    fn run<T>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        run(&self.inner).map_err(|error| machine(self.path, error))
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn log_size(&self) -> Result<u64, StoreError> {
        self.run(log_size)
    }

    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        self.run(|connection| hashes(connection, indexes))
    }

    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.run(checkpoint)
    }

    fn spend_nonce(&mut self, service: &str, nonce: &[u8]) -> Result<bool, StoreError> {
        self.run(|connection| {
            let new = connection
                .prepare_cached(
                    "INSERT INTO nonce (service, nonce) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![service, nonce])?;
            Ok(new == 1)
        })
    }

    fn counted(&self, counter: &str, service: &str, back: u32) -> Result<Option<i64>, StoreError> {
        self.run(|connection| {
            // By its number: one look however many uses there are.
            connection
                .prepare_cached(
                    "SELECT time FROM counted WHERE counter = ?1 AND service = ?2 AND number =
                     (SELECT max(number) + 1 - ?3 FROM counted WHERE counter = ?1 AND service = ?2)",
                )?
                .query_row(params![counter, service, back], |row| row.get(0))
                .optional()
        })
    }

    fn count(&mut self, counter: &str, service: &str, time: i64) -> Result<(), StoreError> {
        self.run(|connection| {
            // Where the clock was set back, or another agent's is ahead, time stands still.
            connection
                .prepare_cached(
                    "INSERT INTO counted (counter, service, number, time)
                     SELECT ?1, ?2, coalesce(max(number), 0) + 1, max(?3, coalesce(max(time), ?3))
                     FROM (SELECT number, time FROM counted WHERE counter = ?1 AND service = ?2
                           ORDER BY number DESC LIMIT 1)",
                )?
                .execute(params![counter, service, time])?;
            Ok(())
        })
    }

    fn append_entry(
        &mut self,
        index: u64,
        line: &str,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached("INSERT INTO entry (idx, line, hashes) VALUES (?1, ?2, ?3)")?
                .execute(params![integer(index)?, line, hashes.as_flattened()])?;
            Ok(())
        })
    }

    fn put_checkpoint(&mut self, size: u64, note: &str) -> Result<(), StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO checkpoint (only_one, size, note) VALUES (1, ?1, ?2)
                     ON CONFLICT DO UPDATE SET size = excluded.size, note = excluded.note",
                )?
                .execute(params![integer(size)?, note])?;
            Ok(())
        })
    }

    fn append_record(&mut self, record: &StoredRecord) -> Result<(), StoreError> {
        let added = self.run(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO record (seq, body, signature) SELECT ?1, ?2, ?3
                     WHERE ?1 = (SELECT coalesce(max(seq), 0) + 1 FROM record)",
                )?
                .execute(params![integer(record.seq)?, record.body, record.signature])
        })?;
        if added == 1 {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }

    fn put_slot(&mut self, slot: &StoredSlot) -> Result<(), StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO slot (name, kind, created, root) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET kind = excluded.kind, created = excluded.created, root = excluded.root",
                )?
                .execute(params![slot.name, slot.kind, slot.created, slot.root])?;
            Ok(())
        })
    }

    fn advance(&mut self, channel: &str, delivered: u64) -> Result<(), StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO channel (name, delivered) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET delivered = max(delivered, excluded.delivered)",
                )?
                .execute(params![channel, integer(delivered)?])?;
            Ok(())
        })
    }

    fn usage(&self, record: u64) -> Result<Usage, StoreError> {
        self.run(|connection| {
            let found = connection
                .prepare_cached("SELECT uses, encryptions FROM usage WHERE record = ?1")?
                .query_row([integer(record)?], usage)
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    fn add_usage(&mut self, record: u64, more: Usage) -> Result<(), StoreError> {
        self.run(|connection| {
            let more = params![
                integer(record)?,
                integer(more.uses)?,
                integer(more.encryptions)?
            ];
            // Not an upsert: the trigger against REPLACE would refuse its INSERT.
            let updated = connection
                .prepare_cached(
                    "UPDATE usage SET uses = uses + ?2, encryptions = encryptions + ?3 WHERE record = ?1",
                )?
                .execute(more)?;
            if updated == 0 {
                connection
                    .prepare_cached(
                        "INSERT INTO usage (record, uses, encryptions) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(more)?;
            }
            Ok(())
        })
    }

    fn mark_due(&mut self, record: u64, limit: &str) -> Result<bool, StoreError> {
        self.run(|connection| {
            let new = connection
                .prepare_cached(
                    "INSERT INTO due (record, passed) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                )?
                .execute(params![integer(record)?, limit])?;
            Ok(new == 1)
        })
    }

    fn put_pending(&mut self, pending: &StoredPending) -> Result<(), StoreError> {
        self.run(|connection| approval::put_pending(connection, pending))
    }

    fn waits_until(&self, id: u64) -> Result<Option<i64>, StoreError> {
        self.run(|connection| approval::waits_until(connection, id))
    }

    fn waiting(&self, service: &str, now: i64, since: i64) -> Result<(u64, u64), StoreError> {
        self.run(|connection| approval::count_waiting(connection, service, now, since))
    }

    fn has_decided(
        &self,
        id: u64,
        approver: Option<&str>,
        decided: &str,
    ) -> Result<bool, StoreError> {
        self.run(|connection| approval::has_decided(connection, id, approver, decided))
    }

    fn put_decision(&mut self, decision: &StoredDecision) -> Result<bool, StoreError> {
        self.run(|connection| approval::put_decision(connection, decision))
    }

    fn is_denied(&self, id: u64) -> Result<bool, StoreError> {
        self.run(|connection| approval::is_denied(connection, id))
    }

    fn denied_at(&self, same: &[u8; 32]) -> Result<Option<i64>, StoreError> {
        self.run(|connection| approval::denied_at(connection, same))
    }

    fn settled(&self, id: u64) -> Result<Option<String>, StoreError> {
        self.run(|connection| Ok(approval::settled(connection, id)?.map(|(how, _)| how)))
    }

    fn settle(&mut self, id: u64, how: &str, entry: u64) -> Result<bool, StoreError> {
        self.run(|connection| approval::settle(connection, id, how, entry))
    }

    fn commit(self) -> Result<(), StoreError> {
        self.inner
            .commit()
            .map_err(|error| machine(self.path, error))
    }
}
