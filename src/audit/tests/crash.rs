//! A store that dies at any step, as a machine may.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use crate::store::{
    Reader, Store, StoreError, StoredDecision, StoredEntry, StoredPending, StoredRecord,
    StoredSlot, Transaction, Usage,
    sqlite::{SqliteStore, SqliteTransaction},
};

/// Counts the steps of a store down; when none is left the machine is dead, for good.
#[derive(Clone)]
pub(crate) struct Fuse {
    left: Arc<AtomicU32>,
    blown: Arc<AtomicBool>,
    /// Whether a commit that dies does so after the disk has it.
    late: bool,
}

pub(crate) struct Dying {
    pub inner: SqliteStore,
    pub fuse: Fuse,
}

pub(crate) struct DyingTransaction<'a> {
    inner: SqliteTransaction<'a>,
    fuse: Fuse,
}

impl Fuse {
    pub fn new(steps: u32, late: bool) -> Self {
        Self {
            left: Arc::new(steps.into()),
            blown: Arc::default(),
            late,
        }
    }

    /// From now on so many steps are left.
    pub fn set(&self, steps: u32) {
        self.left.store(steps, Ordering::Relaxed);
    }

    /// The machine recovers: it was only the disk that was full.
    pub fn renew(&self) {
        self.left.store(u32::MAX, Ordering::Relaxed);
    }

    /// Whether it has died.
    pub fn is_blown(&self) -> bool {
        self.blown.load(Ordering::Relaxed)
    }

    fn burn(&self) -> Result<(), StoreError> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            self.blown.store(true, Ordering::Relaxed);
            return Err(StoreError::Machine {
                path: "test".into(),
                problem: "died".to_owned(),
            });
        }
        self.left.store(left - 1, Ordering::Relaxed);
        Ok(())
    }
}

impl Reader for Dying {
    fn records(&self, after: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.inner.records(after)
    }
    fn slots(&self) -> Result<Vec<StoredSlot>, StoreError> {
        self.inner.slots()
    }
    fn log_size(&self) -> Result<u64, StoreError> {
        self.inner.log_size()
    }
    fn entries(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.entries(from, limit)
    }
    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        self.inner.hashes(indexes)
    }
    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.inner.checkpoint()
    }
    fn position(&self, channel: &str) -> Result<Option<u64>, StoreError> {
        self.inner.position(channel)
    }
    fn usage(&self) -> Result<BTreeMap<u64, Usage>, StoreError> {
        Reader::usage(&self.inner)
    }
    fn counted(&self, counter: &str, service: &str, limit: u32) -> Result<Vec<i64>, StoreError> {
        Reader::counted(&self.inner, counter, service, limit)
    }
    fn pending(&self, id: u64) -> Result<Option<StoredPending>, StoreError> {
        self.inner.pending(id)
    }
    fn waiting(&self) -> Result<Vec<u64>, StoreError> {
        Reader::waiting(&self.inner)
    }
    fn decisions(&self, id: u64) -> Result<Vec<StoredDecision>, StoreError> {
        self.inner.decisions(id)
    }
    fn standing(&self, same: &[u8; 32], now: i64) -> Result<Vec<u64>, StoreError> {
        self.inner.standing(same, now)
    }
    fn settled(&self, id: u64) -> Result<Option<(String, u64)>, StoreError> {
        Reader::settled(&self.inner, id)
    }
}

impl Store for Dying {
    type Transaction<'a> = DyingTransaction<'a>;

    fn begin(&mut self) -> Result<DyingTransaction<'_>, StoreError> {
        self.fuse.burn()?;
        Ok(DyingTransaction {
            inner: self.inner.begin()?,
            fuse: self.fuse.clone(),
        })
    }
}

impl Transaction for DyingTransaction<'_> {
    fn log_size(&self) -> Result<u64, StoreError> {
        self.fuse.burn()?;
        self.inner.log_size()
    }
    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        self.fuse.burn()?;
        self.inner.hashes(indexes)
    }
    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.fuse.burn()?;
        self.inner.checkpoint()
    }
    fn spend_nonce(&mut self, service: &str, nonce: &[u8]) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.spend_nonce(service, nonce)
    }
    fn counted(&self, counter: &str, service: &str, back: u32) -> Result<Option<i64>, StoreError> {
        self.fuse.burn()?;
        self.inner.counted(counter, service, back)
    }
    fn count(&mut self, counter: &str, service: &str, time: i64) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.count(counter, service, time)
    }
    fn append_entry(
        &mut self,
        index: u64,
        line: &str,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.append_entry(index, line, hashes)
    }
    fn put_checkpoint(&mut self, size: u64, note: &str) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.put_checkpoint(size, note)
    }
    fn append_record(&mut self, record: &StoredRecord) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.append_record(record)
    }
    fn put_slot(&mut self, slot: &StoredSlot) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.put_slot(slot)
    }
    fn advance(&mut self, channel: &str, delivered: u64) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.advance(channel, delivered)
    }
    fn usage(&self, record: u64) -> Result<Usage, StoreError> {
        self.fuse.burn()?;
        self.inner.usage(record)
    }
    fn add_usage(&mut self, record: u64, more: Usage) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.add_usage(record, more)
    }
    fn mark_due(&mut self, record: u64, limit: &str) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.mark_due(record, limit)
    }
    fn put_pending(&mut self, pending: &StoredPending) -> Result<(), StoreError> {
        self.fuse.burn()?;
        self.inner.put_pending(pending)
    }
    fn waits_until(&self, id: u64) -> Result<Option<i64>, StoreError> {
        self.fuse.burn()?;
        self.inner.waits_until(id)
    }
    fn waiting(&self, service: &str, now: i64, since: i64) -> Result<(u64, u64), StoreError> {
        self.fuse.burn()?;
        self.inner.waiting(service, now, since)
    }
    fn has_decided(
        &self,
        id: u64,
        approver: Option<&str>,
        decided: &str,
    ) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.has_decided(id, approver, decided)
    }
    fn put_decision(&mut self, decision: &StoredDecision) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.put_decision(decision)
    }
    fn is_denied(&self, id: u64) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.is_denied(id)
    }
    fn denied_at(&self, same: &[u8; 32]) -> Result<Option<i64>, StoreError> {
        self.fuse.burn()?;
        self.inner.denied_at(same)
    }
    fn settled(&self, id: u64) -> Result<Option<String>, StoreError> {
        self.fuse.burn()?;
        self.inner.settled(id)
    }
    fn settle(&mut self, id: u64, how: &str, entry: u64) -> Result<bool, StoreError> {
        self.fuse.burn()?;
        self.inner.settle(id, how, entry)
    }
    fn commit(self) -> Result<(), StoreError> {
        let Self { inner, fuse } = self;
        match fuse.burn() {
            Ok(()) => inner.commit(),
            Err(died) if fuse.late => inner.commit().and(Err(died)),
            Err(died) => Err(died),
        }
    }
}
