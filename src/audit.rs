//! Permit → Recorded: the audit log.
//!
//! The log is an RFC 6962 Merkle tree whose leaves are the entries' lines, under checkpoints
//! that the agent signs (C2SP tlog-checkpoint, signed-note). What is committed together becomes
//! durable together: one transaction, one checkpoint, one sync to disk.
//!
//! **Invariant: recorded before used.** [`Recorded`] is the only thing that a key can be used
//! with, [`Log::commit`] is the only place that makes one, and it does so after the store said
//! that the entry is durable.
//!
//! **Invariant: once.** A (service, nonce) is spent inside the transaction that records it, so
//! replay protection survives restarts and is shared by everything that shares the store.
//!
//! **Invariant: nothing is deleted.** The log is only added to; [`verify()`] finds the first entry
//! that was tampered with, and needs nothing but the log and the public key.

mod checkpoint;
pub mod entry;
pub mod filter;
pub mod log;
pub mod receipt;
pub mod remembered;
mod tree;
pub mod verify;

pub use checkpoint::BadCheckpoint;
pub(crate) use checkpoint::LogKey;
pub use entry::{Action, Ask, BadEntry, By, Decided, Ending, Entry, Event, Kind, Reason};
pub use filter::Filter;
pub use log::{Committed, Log, NotRecorded, Noted, Recorded, Submission, Untrusted};
pub use receipt::{BadReceipt, NoReceipt, Receipt, receipt_for};
pub use verify::{Broken, Tampered, Verified, verify};

#[cfg(test)]
pub(crate) mod tests;
