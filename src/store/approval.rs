//! Requests that wait for an approval, and what was said to them, as stored.
//!
//! What counts is in the audit log: these rows say where, and keep what the log must not hold, the
//! request itself, encrypted.

use std::fmt;

/// A request that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPending {
    /// The index of its entry in the audit log.
    pub id: u64,
    /// Who asked.
    pub service: String,
    /// The secret that the name asked for stands for.
    pub secret: String,
    /// The SHA-256 of what makes another request the same operation.
    pub same: [u8; 32],
    /// Until when it waits, in milliseconds since 1970.
    pub expires: i64,
    /// When it came, in milliseconds since 1970.
    pub received: i64,
    /// The request, as an age file to the root.
    pub request: Vec<u8>,
}

/// What one approver said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    /// The request that it is about.
    pub id: u64,
    /// The approver's name; `None` for the owner.
    pub approver: Option<String>,
    /// `approved` or `denied`.
    pub decided: String,
    /// The index of the entry that tells of it, where the evidence is.
    pub entry: u64,
    /// For how many minutes a yes stands; once if it is missing.
    pub minutes: Option<u32>,
    /// When it was said, in milliseconds since 1970.
    pub time: i64,
}

/// Leaves the request out: it is ciphertext, and long.
impl fmt::Debug for StoredPending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredPending")
            .field("id", &self.id)
            .field("service", &self.service)
            .field("secret", &self.secret)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
