//! Why something is not in the audit log.

use std::sync::Arc;

use crate::{audit::checkpoint::BadCheckpoint, store::StoreError};

/// Why a submission is not in the log. Nothing of it is: no key may be used for it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotRecorded {
    /// Somebody else changed the vault first: make the change again.
    #[error("another change was made to the vault at the same moment; try again")]
    Conflict,
    /// The submission is not what its variant says.
    #[error("not recorded: not {0}")]
    Unfit(&'static str),
    /// The store could not make it durable.
    #[error("not recorded: {0}")]
    Store(Arc<StoreError>),
    /// The log in the store is not the one that was signed.
    #[error("not recorded: {0}")]
    Untrusted(Arc<Untrusted>),
    /// The checkpoint could not be signed.
    #[error("not recorded: the checkpoint could not be signed")]
    Unsigned,
    /// The writer has stopped.
    #[error("not recorded: the agent is stopping")]
    Stopped,
}

/// Why a store's log cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum Untrusted {
    /// The signer and the verifier key do not belong together.
    #[error("the checkpoint key and its verifier key do not belong together")]
    OtherKey,
    /// There are entries that no checkpoint vouches for.
    #[error("the audit log has {size} entries and no checkpoint; run `strongroom audit verify`")]
    NoCheckpoint {
        /// How many.
        size: u64,
    },
    /// The checkpoint is not believed.
    #[error("{0}; run `strongroom audit verify`")]
    Checkpoint(#[from] BadCheckpoint),
    /// Entries were removed or added.
    #[error(
        "the audit log has {size} entries, but its signed checkpoint is for {signed}; run `strongroom audit verify`"
    )]
    Size {
        /// How many there are.
        size: u64,
        /// How many were signed.
        signed: u64,
    },
    /// Tree hashes were changed.
    #[error(
        "the audit log's tree does not have the root that was signed; run `strongroom audit verify`"
    )]
    Root,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NotRecorded {
    /// The writer has stopped.
    pub fn stopped() -> Self {
        Self::Stopped
    }
}

impl From<StoreError> for NotRecorded {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<Untrusted> for NotRecorded {
    fn from(error: Untrusted) -> Self {
        Self::Untrusted(Arc::new(error))
    }
}
