//! A change to the vault: made by the owner, not yet durable; and the proof that it is.

use crate::{
    audit::{Event, Noted},
    store::{StoredRecord, StoredSlot},
};

/// Signed records and slots with the event that tells of them, to be committed together.
#[derive(Clone, Debug)]
#[must_use = "nothing is changed before the audit log has committed it"]
pub struct Change {
    pub(crate) event: Event,
    pub(crate) records: Vec<StoredRecord>,
    pub(crate) slots: Vec<StoredSlot>,
}

/// Proof that a change is durable, with its entry in the audit log.
#[derive(Debug)]
pub struct Changed {
    change: Change,
    noted: Noted,
}

impl Change {
    /// What the audit log will say.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The version that the change makes or is about, if it is about one.
    pub fn version(&self) -> Option<u32> {
        match &self.event {
            Event::Administration { version, .. } => *version,
            _ => None,
        }
    }
}

impl Changed {
    /// Called in [`Log::commit`](crate::audit::Log::commit) after the transaction, nowhere else.
    pub(crate) fn new(change: Change, noted: Noted) -> Self {
        Self { change, noted }
    }

    /// What the audit log says.
    pub fn event(&self) -> &Event {
        &self.change.event
    }

    /// The version that the change made or is about, if it is about one.
    pub fn version(&self) -> Option<u32> {
        self.change.version()
    }

    /// The entry's line.
    pub fn entry(&self) -> &str {
        &self.noted.entry
    }

    /// The entry with its place and receipt.
    pub fn noted(&self) -> &Noted {
        &self.noted
    }

    pub(crate) fn records(&self) -> &[StoredRecord] {
        &self.change.records
    }
}
