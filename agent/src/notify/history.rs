//! The audit log as a channel reads it back when it starts.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use strongroom::store::{
    Reader, StoreError, StoredDecision, StoredEntry, StoredPending, StoredRecord, StoredSlot,
    Usage, sqlite::SqliteReader,
};
use tokio_util::sync::CancellationToken;

use crate::host::Host;

/// Reads through the agent's one connection, which others want too: each call has it for itself for
/// one page, and not for the whole way back. A channel that is told to stop stops here.
pub struct History {
    host: Arc<Host>,
    stop: CancellationToken,
}

impl History {
    pub fn new(host: Arc<Host>, stop: CancellationToken) -> Self {
        Self { host, stop }
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&SqliteReader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.stop.is_cancelled() {
            return Err(StoreError::Machine {
                path: self.path(),
                problem: "is not read back any further: the agent stops".to_owned(),
            });
        }
        self.host.read(read)
    }

    fn path(&self) -> PathBuf {
        self.host.home().store()
    }
}

impl Reader for History {
    fn records(&self, after: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.read(|store| store.records(after))
    }

    fn slots(&self) -> Result<Vec<StoredSlot>, StoreError> {
        self.read(SqliteReader::slots)
    }

    fn log_size(&self) -> Result<u64, StoreError> {
        self.read(SqliteReader::log_size)
    }

    fn entries(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(|store| store.entries(from, limit))
    }

    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        self.read(|store| store.hashes(indexes))
    }

    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.read(SqliteReader::checkpoint)
    }

    fn position(&self, channel: &str) -> Result<Option<u64>, StoreError> {
        self.read(|store| store.position(channel))
    }

    fn usage(&self) -> Result<BTreeMap<u64, Usage>, StoreError> {
        self.read(SqliteReader::usage)
    }

    fn counted(&self, counter: &str, service: &str, limit: u32) -> Result<Vec<i64>, StoreError> {
        self.read(|store| store.counted(counter, service, limit))
    }

    fn pending(&self, id: u64) -> Result<Option<StoredPending>, StoreError> {
        self.read(|store| store.pending(id))
    }

    fn waiting(&self) -> Result<Vec<u64>, StoreError> {
        self.read(SqliteReader::waiting)
    }

    fn decisions(&self, id: u64) -> Result<Vec<StoredDecision>, StoreError> {
        self.read(|store| store.decisions(id))
    }

    fn standing(&self, same: &[u8; 32], now: i64) -> Result<Vec<u64>, StoreError> {
        self.read(|store| store.standing(same, now))
    }

    fn settled(&self, id: u64) -> Result<Option<(String, u64)>, StoreError> {
        self.read(|store| store.settled(id))
    }
}
