//! What the owner does to the vault. Each makes a [`Change`], signed but not yet durable; nothing
//! is ever overwritten or deleted.

use jiff::Timestamp;

use super::{
    Catalog, Change, Parameters, Passphrase, Unlocked, Vault, VaultError, check_new_passphrase,
    record::Record, root::Root, slot,
};
use crate::{
    audit::{Action, By, Event},
    name::Name,
};

pub mod approvers;
pub mod secrets;
mod services;
mod status;

pub use approvers::{ApproverChanges, ApproverOptions};
pub use secrets::SecretOptions;
pub use status::Scope;
pub(super) use status::Status;

/// What the audit log says of a record that is about to be signed.
struct Told<'a> {
    action: Action,
    subject: &'a Name,
    version: Option<u32>,
    detail: Option<String>,
    by: By,
}

impl Vault {
    /// Puts the root under another passphrase. Whoever has an old copy of the vault's file still
    /// opens that copy with the old one.
    pub fn change_passphrase(
        &self,
        new: &Passphrase,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        check_new_passphrase(new)?;
        // The root's own lock is let go before the slow part, so that `lock` need not wait for it.
        let root_file = self
            .unlocked()
            .as_ref()
            .ok_or(VaultError::Locked)?
            .root
            .to_file();
        let slot = slot::with_passphrase(&root_file, new, Parameters::DEFAULT, now)?;
        let event = Event::Administration {
            action: Action::PassphraseChanged,
            subject: None,
            version: None,
            detail: None,
            by: By::Owner,
            record: None,
        };
        Ok(Change {
            event,
            records: Vec::new(),
            slots: vec![slot],
        })
    }

    /// The owner's wish to see a secret's value: this version, or the current one. When it is
    /// durable, it is the proof that [`Vault::reveal`] asks for. An alias is followed.
    pub fn reveal_intent(&self, name: &Name, version: Option<u32>) -> Result<Change, VaultError> {
        let catalog = self.catalog();
        let secret = catalog
            .resolve(name)
            .ok_or_else(|| VaultError::NoSecret(name.clone()))?;
        let version = match version {
            Some(number) => catalog.version(&secret.name, number)?.number,
            // Of a retired secret, the newest: it can't be used, but its owner may look at it.
            None => secret
                .current()
                .map_or(secret.newest(), |version| version.number),
        };
        if !self.is_unlocked() {
            return Err(VaultError::Locked);
        }
        let event = Event::Administration {
            action: Action::SecretRevealed,
            subject: Some(secret.name.to_string()),
            version: Some(version),
            detail: None,
            by: By::Owner,
            record: None,
        };
        Ok(Change {
            event,
            records: Vec::new(),
            slots: Vec::new(),
        })
    }

    /// Signs one record with the event that tells of it.
    fn change<'a>(
        &self,
        now: Timestamp,
        make: impl FnOnce(&Catalog, &Root) -> Result<(Record, Told<'a>), VaultError>,
    ) -> Result<Change, VaultError> {
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let catalog = self.catalog();
        let (
            record,
            Told {
                action,
                subject,
                version,
                detail,
                by,
            },
        ) = make(&catalog, root)?;
        sign(&catalog, root, now, record, |seq| Event::Administration {
            action,
            subject: Some(subject.to_string()),
            version,
            detail,
            by,
            record: Some(seq),
        })
    }
}

/// Signs one record; the event that tells of it has its number.
pub(super) fn sign(
    catalog: &Catalog,
    root: &Root,
    now: Timestamp,
    record: Record,
    told: impl FnOnce(u64) -> Event,
) -> Result<Change, VaultError> {
    let stored = root.sign(Some(&catalog.head), now, record)?;
    // What is signed must be readable: a vault that can't be opened again is a lost one.
    catalog.extend(std::slice::from_ref(&stored))?;
    Ok(Change {
        event: told(stored.seq),
        records: vec![stored],
        slots: Vec::new(),
    })
}
