//! What was seen of the log before, held against what is there now.
//!
//! Whoever can write to the disk can put back an older copy of all of it, signed and whole. The
//! only thing that notices is a later checkpoint, kept in another place: a file outside the
//! vault's directory, a witness, a receipt in somebody's hands.

use tlog_tiles::Hash;

use super::{
    checkpoint::{BadCheckpoint, LogKey},
    tree::Edge,
};
use crate::store::{Reader, StoreError};

/// Why a remembered checkpoint and the log do not fit.
#[derive(Debug, thiserror::Error)]
pub enum RolledBack {
    /// Entries that were there are gone.
    #[error(
        "it has {now} entries, and had {then} when it was last seen: an older copy was put in its place"
    )]
    Shorter {
        /// Entries now.
        now: u64,
        /// Entries when the checkpoint was signed.
        then: u64,
    },
    /// Other entries were put in their place.
    #[error("its first {then} entries are not those that were there when it was last seen")]
    Forked {
        /// Entries when the checkpoint was signed.
        then: u64,
    },
    /// What was remembered is no checkpoint of this log.
    #[error("what was remembered of it is not believed: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks that the log still holds every entry that `checkpoint` was signed over, by the stored
/// hashes alone; [`verify`](super::verify()) checks those against the lines.
pub fn holds(reader: &impl Reader, checkpoint: &str, vkey: &str) -> Result<(), RolledBack> {
    let head = LogKey::parse(vkey)?.open(checkpoint)?;
    let (then, now) = (head.size(), reader.log_size()?);
    if now < then {
        return Err(RolledBack::Shorter { now, then });
    }
    let edge = Edge::read(then, |indexes| reader.hashes(indexes))?;
    match edge.root() {
        Ok(root) if root == Hash(head.hash().0) => Ok(()),
        _ => Err(RolledBack::Forked { then }),
    }
}
