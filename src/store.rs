//! Where ciphertext, signed records and the audit log are kept.
//!
//! A small trait; SQLite is the embedded engine. Everything is written through a
//! [`Transaction`], so that a vault change and the audit log entry that tells of it become
//! durable together or not at all. Nothing above this module may assume that it is the only
//! process: sequence numbers and nonces are settled inside the transaction.

use std::{collections::BTreeMap, path::PathBuf};

mod approval;
pub mod sqlite;

pub use approval::{StoredDecision, StoredPending};

/// A vault record as stored: a C2SP signed note, split into its text and its signature lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Position in the chain of records, from 1.
    pub seq: u64,
    /// Canonical JSON, one line, no newline at the end.
    pub body: String,
    /// The signed note's signature line, without its newline.
    pub signature: String,
}

/// One way to unlock the vault, as stored: an age file that holds the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSlot {
    /// `passphrase`, `recovery`; unique.
    pub name: String,
    /// What opens it: `passphrase` or `recovery-key`.
    pub kind: String,
    /// RFC 3339 time of creation.
    pub created: String,
    /// The root as an age file.
    pub root: Vec<u8>,
}

/// One stored line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Zero-based index in the Merkle tree.
    pub index: u64,
    /// The line as it was hashed, with no newline at the end.
    pub line: String,
}

/// How often one version of a secret was used, ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Uses of the key itself: all operations but `public-key`.
    pub uses: u64,
    /// The encryptions among them: `encrypt` and `data-key`.
    pub encryptions: u64,
}

/// What a store can't do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote the same sequence number first: read again and retry.
    #[error("another process changed the vault at the same moment; try again")]
    Conflict,
    /// The disk is full, the file system is read-only, the file is damaged, …
    #[error("the store at `{}` {problem}", path.display())]
    Machine {
        /// The file.
        path: PathBuf,
        /// What happened and what to do next, as a phrase that follows the path.
        problem: String,
    },
}

/// Read access: what is committed, seen without stopping the writer.
pub trait Reader {
    /// The vault records whose sequence number is greater than `after`, in order.
    fn records(&self, after: u64) -> Result<Vec<StoredRecord>, StoreError>;
    /// All slots, by name.
    fn slots(&self) -> Result<Vec<StoredSlot>, StoreError>;
    /// How many entries the audit log has.
    fn log_size(&self) -> Result<u64, StoreError>;
    /// At most `limit` entries from index `from` on, in order.
    fn entries(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError>;
    /// The stored hashes of the Merkle tree at these indexes (the numbering of `tlog_tiles::stored_hash_index`), in this order.
    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError>;
    /// The newest signed checkpoint, whole, if there is one.
    fn checkpoint(&self) -> Result<Option<String>, StoreError>;
    /// How many entries this channel has delivered; `None` if it was never seen.
    fn position(&self, channel: &str) -> Result<Option<u64>, StoreError>;
    /// How often each version was used, by the number of its record; one that never was is left out.
    fn usage(&self) -> Result<BTreeMap<u64, Usage>, StoreError>;
    /// When the newest uses were counted under `counter` for this service, in milliseconds since
    /// 1970: at most `limit`, the newest first.
    fn counted(&self, counter: &str, service: &str, limit: u32) -> Result<Vec<i64>, StoreError>;
    /// The request whose pending entry has this index.
    fn pending(&self, id: u64) -> Result<Option<StoredPending>, StoreError>;
    /// The ids of the requests that nothing has ended, those whose time is over too, in order.
    fn waiting(&self) -> Result<Vec<u64>, StoreError>;
    /// What was said to this request, in order.
    fn decisions(&self, id: u64) -> Result<Vec<StoredDecision>, StoreError>;
    /// The ids of requests for this same operation to which somebody said a yes that stands at
    /// `now`, in milliseconds since 1970, and nobody said no; in order.
    fn standing(&self, same: &[u8; 32], now: i64) -> Result<Vec<u64>, StoreError>;
    /// How the request ended, and the index of the entry that says so.
    fn settled(&self, id: u64) -> Result<Option<(String, u64)>, StoreError>;
}

/// The one writer.
pub trait Store: Reader + Send {
    /// The transaction that this engine opens.
    type Transaction<'a>: Transaction
    where
        Self: 'a;
    /// Takes the write lock.
    fn begin(&mut self) -> Result<Self::Transaction<'_>, StoreError>;
}

/// A write in progress; dropped without [`Transaction::commit`], it leaves nothing behind.
pub trait Transaction {
    /// How many entries the audit log has, seen under the write lock.
    fn log_size(&self) -> Result<u64, StoreError>;
    /// The stored hashes at these indexes, seen under the write lock.
    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError>;
    /// The newest signed checkpoint, seen under the write lock.
    fn checkpoint(&self) -> Result<Option<String>, StoreError>;
    /// Spends (service, nonce); `false` if it was ever spent before, in this transaction too.
    fn spend_nonce(&mut self, service: &str, nonce: &[u8]) -> Result<bool, StoreError>;
    /// When the use was counted under `counter` for this service that lies `back` uses back (1 is
    /// the newest), in this transaction too; `None` if there are fewer.
    fn counted(&self, counter: &str, service: &str, back: u32) -> Result<Option<i64>, StoreError>;
    /// Counts a use at `time`, in milliseconds since 1970; never before the last one.
    fn count(&mut self, counter: &str, service: &str, time: i64) -> Result<(), StoreError>;
    /// Adds an entry at `index`, which must be the next one, with the stored hashes that it
    /// completes: its own, and those of the subtrees that end with it.
    fn append_entry(
        &mut self,
        index: u64,
        line: &str,
        hashes: &[[u8; 32]],
    ) -> Result<(), StoreError>;
    /// Keeps the newest checkpoint.
    fn put_checkpoint(&mut self, size: u64, note: &str) -> Result<(), StoreError>;
    /// Adds a vault record; [`StoreError::Conflict`] if its number is taken.
    fn append_record(&mut self, record: &StoredRecord) -> Result<(), StoreError>;
    /// Adds a slot or puts another root into the slot of that name.
    fn put_slot(&mut self, slot: &StoredSlot) -> Result<(), StoreError>;
    /// Moves a channel forward: it has delivered `delivered` entries.
    fn advance(&mut self, channel: &str, delivered: u64) -> Result<(), StoreError>;
    /// How often the version with this record was used, seen under the write lock.
    fn usage(&self, record: u64) -> Result<Usage, StoreError>;
    /// Adds to the counts of the version with this record.
    fn add_usage(&mut self, record: u64, more: Usage) -> Result<(), StoreError>;
    /// Marks that the owner is told that this version passed this limit; `false` if that was
    /// marked before, in this transaction too.
    fn mark_due(&mut self, record: u64, limit: &str) -> Result<bool, StoreError>;
    /// Adds a request that waits for an approval, with its entry, which must be the newest.
    fn put_pending(&mut self, pending: &StoredPending) -> Result<(), StoreError>;
    /// Until when the request waits, in milliseconds since 1970; `None` if there is none of this id.
    fn waits_until(&self, id: u64) -> Result<Option<i64>, StoreError>;
    /// How many requests count against what may wait at `now`: of this service, and of all. Those
    /// that were given up since `since` count as well.
    fn waiting(&self, service: &str, now: i64, since: i64) -> Result<(u64, u64), StoreError>;
    /// Whether this approver, or the owner, said this to the request.
    fn has_decided(
        &self,
        id: u64,
        approver: Option<&str>,
        decided: &str,
    ) -> Result<bool, StoreError>;
    /// Adds what was said; `false` if the same approver said the same before, in this transaction
    /// too.
    fn put_decision(&mut self, decision: &StoredDecision) -> Result<bool, StoreError>;
    /// Whether somebody said no to this request.
    fn is_denied(&self, id: u64) -> Result<bool, StoreError>;
    /// When somebody last said no to this same operation.
    fn denied_at(&self, same: &[u8; 32]) -> Result<Option<i64>, StoreError>;
    /// How the request ended.
    fn settled(&self, id: u64) -> Result<Option<String>, StoreError>;
    /// Ends the request; `false` if something else ended it, in this transaction too.
    fn settle(&mut self, id: u64, how: &str, entry: u64) -> Result<bool, StoreError>;
    /// Makes all of it durable (fsync) or none.
    fn commit(self) -> Result<(), StoreError>;
}
