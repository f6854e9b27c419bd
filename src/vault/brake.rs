//! The brake: a root that can stop things, and do nothing else.
//!
//! Stopping must not wait, and what is stopped is a record that the owner key signs. So where
//! everything is to be stopped, the root is first taken out of the vault, which is locked from
//! that moment on, and signs its last record then. The same for a vault that is locked already:
//! its passphrase signs a suspension and opens nothing, so that nothing can be used between the
//! unlocking and the suspending.

use jiff::Timestamp;

use super::{
    Change, Passphrase, Unlocked, Vault, VaultError,
    administration::{Scope, Status},
    root::Root,
    slot::{self, UnlockError},
};
use crate::store::StoredSlot;

/// A root that only suspends; it is wiped when this is dropped.
pub struct Brake {
    root: Root,
}

impl Vault {
    /// Locks the vault, with everything that [`Vault::lock`] promises, and keeps the root for its
    /// last word. `None` if it was locked already.
    pub fn pull_brake(&self) -> Option<Brake> {
        let taken = self
            .unlocked
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        taken.map(|Unlocked { root, .. }| Brake { root })
    }

    /// The brake of a vault that is locked, and stays so.
    pub fn brake(
        &self,
        slots: &[StoredSlot],
        passphrase: &Passphrase,
    ) -> Result<Brake, UnlockError> {
        let root = slot::open_with_passphrase(slots, passphrase)?;
        self.check_owner(&root)?;
        Ok(Brake { root })
    }
}

impl Brake {
    /// Stops it from now on, as [`Vault::suspend`] does.
    pub fn suspend(
        &self,
        vault: &Vault,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        scope.change(Status::Suspended, &vault.catalog(), &self.root, now)
    }
}
