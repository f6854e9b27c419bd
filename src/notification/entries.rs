//! Where a plan reads back what was told before.

use crate::store::{Reader, StoreError, StoredEntry};

/// The audit log, to be read from any entry on: all that a plan needs of a store.
pub trait Entries {
    /// At most `limit` entries from index `from` on, in order; none at the end of the log.
    fn page(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError>;
}

impl<R: Reader> Entries for R {
    fn page(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        self.entries(from, limit)
    }
}
