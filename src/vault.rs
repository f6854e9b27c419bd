//! The vault: secrets encrypted to a root, records signed by the owner, and the only place where
//! a key is used.
//!
//! Everything is plain [age](https://age-encryption.org/v1) and C2SP signed notes, so that the
//! stock tools open a vault without this program. The root is an age identity that all values
//! are encrypted to, with the owner key that signs every [`record`]; a [`slot`] is that root,
//! encrypted to one way of unlocking. The [`catalog`] is what the records add up to; reading it
//! needs no key.
//!
//! **Invariant: what the owner did not sign is not there.** Records carry the owner's signature
//! and the hash of the record before them; [`Vault::open`] refuses a chain with a record edited,
//! moved, dropped from the middle or added by anybody else, and names it. Unlocking refuses a
//! chain that another owner key signed from the start; [`Vault::check_complete`] refuses one
//! whose end was cut off.
//!
//! **Invariant: recorded before used.** [`Vault::use_key`] is the only way to a key and takes
//! [`Recorded`], the proof that the use is durably in the audit log;
//! [`Vault::reveal`] demands the like from the owner, and [`Vault::credential`] from a channel.
//!
//! **Invariant: locked is locked.** [`Vault::lock`] waits for the uses that have begun, which
//! take milliseconds, and when it returns the root and the shield's key are wiped.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
};

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::{
    approval::{
        Waiting,
        waiting::{BadWaiting, Sealed},
    },
    audit::{Action, By, Event, Recorded},
    binding::Bound,
    errand::{Begin, Begun, InTurn, Opened, Owed, Progress, Step, Turn},
    name::Name,
    operation::{self, Operation, Setting},
    store::{StoredRecord, StoredSlot},
};

pub mod administration;
pub mod argon2id;
pub mod brake;
pub mod catalog;
pub mod chain;
pub mod change;
mod channel;
mod complete;
pub mod due;
mod error;
mod fold;
pub mod history;
pub mod material;
pub mod memory;
pub mod outcome;
pub mod owner_key;
pub mod record;
mod recovery_key;
mod root;
pub mod rotation;
mod shield;
pub mod slot;
pub(crate) mod tokens;

pub use administration::{ApproverChanges, ApproverOptions, Scope, SecretOptions};
pub use argon2id::Parameters;
pub use brake::Brake;
pub use catalog::{Catalog, Enrolled, PolicyVersion, Secret, Version};
pub use chain::BadRecord;
pub use change::{Change, Changed};
pub use channel::{ChannelCredential, ForChannel};
pub use error::VaultError;
pub use outcome::{NotUsed, Outcome, UseError};
pub use owner_key::OwnerKey;
pub use recovery_key::RecoveryKey;
pub use rotation::{NewValue, Put};
pub use secrecy::SecretString as Passphrase;
pub use slot::{ShortPassphrase, UnlockError, check_new_passphrase};

use self::{material::Material, record::Record, root::Root, shield::Shield, tokens::Tokens};

/// A vault, locked or unlocked. All of it can be shared between threads.
pub struct Vault {
    catalog: RwLock<Arc<Catalog>>,
    unlocked: RwLock<Option<Unlocked>>,
}

/// What is in memory only while the vault is unlocked.
struct Unlocked {
    root: Root,
    shield: Shield,
    tokens: OpenTokens,
}

/// Replies that come too late still know them; they keep nothing any more once this is dropped.
struct OpenTokens(Arc<Tokens>);

impl Unlocked {
    fn new(root: Root) -> Result<Self, memory::Unavailable> {
        Ok(Self {
            root,
            shield: Shield::new()?,
            tokens: OpenTokens(Arc::new(Tokens::new()?)),
        })
    }

    fn open(&self, version: &Version) -> Result<Material, NotUsed> {
        let damaged = || NotUsed::Damaged {
            secret: version.secret.clone(),
            version: version.number,
        };
        if let Some(opened) = self.shield.open(version) {
            return Material::from_stored(version.kind, &opened).map_err(|_| damaged());
        }
        let material = open_material(&self.root, version).map_err(|_| damaged())?;
        self.shield.keep(version, material.to_der());
        Ok(material)
    }
}

impl Drop for OpenTokens {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What [`Vault::use_key`] leads to.
#[derive(Debug)]
pub enum Used {
    /// The use is over.
    Done(Outcome),
    /// A provider has to be called.
    Begun(Progress),
}

impl Vault {
    /// Makes a new vault, unlocked, with Argon2id at [`Parameters::DEFAULT`]. Nothing is stored
    /// until the change is committed. The recovery key is in no other place: show it once.
    pub fn create(
        passphrase: &Passphrase,
        now: Timestamp,
    ) -> Result<(Self, Change, RecoveryKey), VaultError> {
        Self::create_with(passphrase, Parameters::DEFAULT, now)
    }

    /// Like [`Vault::create`], with other work for Argon2id.
    pub fn create_with(
        passphrase: &Passphrase,
        parameters: Parameters,
        now: Timestamp,
    ) -> Result<(Self, Change, RecoveryKey), VaultError> {
        check_new_passphrase(passphrase)?;
        let root = Root::generate()?;
        let created = Record::VaultCreated {
            format: record::FORMAT,
            owner: root.owner_key().to_string(),
            recipient: root.recipient().to_string(),
        };
        let stored = root.sign(None, now, created)?;
        let catalog = Catalog::load(std::slice::from_ref(&stored))?;
        let recovery_key = RecoveryKey::generate();
        let root_file = root.to_file();
        let slots = vec![
            slot::with_passphrase(&root_file, passphrase, parameters, now)?,
            slot::with_recovery_key(&root_file, &recovery_key, now)?,
        ];
        let event = Event::Administration {
            action: Action::VaultCreated,
            subject: None,
            version: None,
            detail: Some(format!("owner key {}", root.owner_key())),
            by: By::Owner,
            record: Some(stored.seq),
        };
        let vault = Self {
            catalog: RwLock::new(Arc::new(catalog)),
            unlocked: RwLock::new(Some(Unlocked::new(root)?)),
        };
        Ok((
            vault,
            Change {
                event,
                records: vec![stored],
                slots,
            },
            recovery_key,
        ))
    }

    /// Opens a vault from all of its records, locked. Every signature and the chain are checked
    /// against the owner key in the first record; [`Vault::unlock`] checks that key, and
    /// [`Vault::check_complete`] that no record is missing at the end.
    pub fn open(records: &[StoredRecord]) -> Result<Self, VaultError> {
        Ok(Self {
            catalog: RwLock::new(Arc::new(Catalog::load(records)?)),
            unlocked: RwLock::new(None),
        })
    }

    /// What the vault holds, without anything secret. Cheap; a change makes a new one.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Unlocks with the passphrase. Takes a moment, and as much memory as the slot says.
    pub fn unlock(&self, slots: &[StoredSlot], passphrase: &Passphrase) -> Result<(), UnlockError> {
        self.unlock_with(slot::open_with_passphrase(slots, passphrase)?)
    }

    /// Unlocks with the recovery key.
    pub fn unlock_with_recovery_key(
        &self,
        slots: &[StoredSlot],
        key: &RecoveryKey,
    ) -> Result<(), UnlockError> {
        self.unlock_with(slot::open_with_recovery_key(slots, key)?)
    }

    /// Whether this is the passphrase: asked for again before administration. A locked vault
    /// stays locked.
    pub fn check_passphrase(
        &self,
        slots: &[StoredSlot],
        passphrase: &Passphrase,
    ) -> Result<(), UnlockError> {
        self.check_owner(&slot::open_with_passphrase(slots, passphrase)?)
    }

    /// Wipes the root and everything that was opened with it.
    pub fn lock(&self) {
        drop(
            self.unlocked
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }

    /// Whether keys can be used.
    pub fn is_unlocked(&self) -> bool {
        self.unlocked().is_some()
    }

    /// Whether the system keeps the root in RAM, never swapped out; `None` while there is no root
    /// in memory. If not, the limit on locked memory is too low (`ulimit -l`).
    pub fn is_memory_locked(&self) -> Option<bool> {
        let unlocked = self.unlocked();
        unlocked
            .as_ref()
            .map(|open| open.root.is_memory_locked() && open.shield.is_memory_locked())
    }

    /// Takes over a change that is durable now.
    pub fn apply(&self, changed: &Changed) -> Result<(), VaultError> {
        self.extend(changed.records())
    }

    /// Takes over records that somebody added to the store; those known already are passed over.
    pub fn extend(&self, records: &[StoredRecord]) -> Result<(), VaultError> {
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        let known = catalog.newest_record();
        let new: Vec<_> = records
            .iter()
            .filter(|record| record.seq > known)
            .cloned()
            .collect();
        if !new.is_empty() {
            *catalog = Arc::new(catalog.extend(&new)?);
        }
        Ok(())
    }

    /// Uses a key. The one place where that happens: the proof that the use is in the audit log
    /// is spent for it. A vault that was locked, a version that was retired, a binding that was
    /// changed, and what was suspended since the permit was given refuses.
    pub fn use_key(&self, recorded: Recorded) -> Result<Used, UseError> {
        let (permit, noted) = recorded.into_parts();
        let (asker, version) = (permit.authenticated(), permit.version());
        let (service, request) = (asker.service(), asker.request());
        let bound = permit.bound().map(AsRef::as_ref);
        let performed = memory::with_clean_stack(|| {
            self.perform(
                service,
                version,
                bound,
                request.operation(),
                asker.received(),
            )
        });
        let reply_to = request.reply_to().cloned();
        let urgency = permit.obligations().urgency();
        match performed {
            Ok(Step::Done(done)) => Ok(Used::Done(Outcome::new(noted, done, reply_to))),
            Ok(step) => {
                let owed = Owed {
                    noted,
                    reply_to,
                    service: service.clone(),
                    secret: version.secret.clone(),
                    version: version.number,
                    operation: request.operation().name(),
                    bound: permit.bound().cloned(),
                    urgency,
                };
                Ok(Used::Begun(owed.progress(Ok(step))))
            }
            Err(cause) => Err(UseError::new(noted, cause)),
        }
    }

    fn perform(
        &self,
        service: &Name,
        version: &Arc<Version>,
        bound: Option<&Bound>,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<Step, NotUsed> {
        // Held to the end: `lock` returns when no use is under way any more.
        let unlocked = self.unlocked();
        let Some(unlocked) = unlocked.as_ref() else {
            return Err(NotUsed::Locked);
        };
        // The permit is as old as the commit took; what the owner did since then counts.
        self.catalog()
            .still_allows(service, version, bound, operation.name())?;
        let material = unlocked.open(version)?;
        let setting = Setting {
            version: version.number,
            binding: bound,
            now,
        };
        operation::perform(&material, operation, setting).map_err(NotUsed::Operation)
    }

    /// Begins a use whose turn has come, with the version that is current now: whoever had the
    /// turn before may have exchanged the one that was permitted. What the owner did meanwhile
    /// counts. The caller makes sure that no other use of the same secret is in its turn.
    pub fn take_turn(&self, turn: Turn, now: Timestamp) -> InTurn {
        let Turn { mut owed, begin } = turn;
        match memory::with_clean_stack(|| self.begin(&mut owed, begin, now)) {
            Ok(begun) => owed.begun(begun),
            Err(cause) => InTurn::Over(owed.stopped(cause)),
        }
    }

    fn begin(&self, owed: &mut Owed, begin: Begin, now: Timestamp) -> Result<Begun, NotUsed> {
        let unlocked = self.unlocked();
        let Some(unlocked) = unlocked.as_ref() else {
            return Err(NotUsed::Locked);
        };
        let catalog = self.catalog();
        let current = catalog.secret(&owed.secret).and_then(Secret::current);
        let version = current.ok_or_else(|| NotUsed::Retired {
            secret: owed.secret.clone(),
            version: owed.version,
        })?;
        let bound = owed.bound.as_deref();
        catalog.still_allows(&owed.service, version, bound, owed.operation)?;
        owed.version = version.number;
        let opened = Opened {
            secret: &owed.secret,
            material: &unlocked.open(version)?,
            setting: Setting {
                version: version.number,
                binding: bound,
                now,
            },
            tokens: &unlocked.tokens.0,
        };
        begin(opened).map_err(NotUsed::Operation)
    }

    /// A request that is to wait for an approval, encrypted to the root: it may hold a plaintext.
    pub fn seal_request(&self, request: &Waiting) -> Result<Sealed, VaultError> {
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let stored = request.to_bytes().map_err(VaultError::CannotWait)?;
        let file = root.encrypt_binary(&stored);
        Ok(Sealed(file.map_err(|_| VaultError::NotEncrypted)?))
    }

    /// A request that waited, as [`Vault::seal_request`] has sealed it.
    pub fn open_request(&self, sealed: &[u8]) -> Result<Waiting, VaultError> {
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let damaged = VaultError::CannotWait(BadWaiting::Malformed);
        let Ok(stored) = root.decrypt_binary(sealed) else {
            return Err(damaged);
        };
        Waiting::parse(&stored).map_err(VaultError::CannotWait)
    }

    /// A secret's value for its owner's eyes, in the form that stock tools read: PKCS#8 PEM for
    /// asymmetric keys, else the bytes. The proof says which: its entry, durable by now, is the
    /// [`Vault::reveal_intent`] for this secret and version.
    pub fn reveal(&self, proof: &Changed) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let Event::Administration {
            action: Action::SecretRevealed,
            subject: Some(name),
            version: Some(number),
            ..
        } = proof.event()
        else {
            return Err(VaultError::NotARevelation);
        };
        let name = name.parse().map_err(|_| VaultError::NotARevelation)?;
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let catalog = self.catalog();
        let version = catalog.version(&name, *number)?;
        let value = memory::with_clean_stack(|| Ok(open_material(root, version)?.to_stored()));
        value.map_err(|_: Unreadable| VaultError::Damaged {
            secret: name,
            version: version.number,
        })
    }

    fn unlock_with(&self, root: Root) -> Result<(), UnlockError> {
        self.check_owner(&root)?;
        let unlocked = Unlocked::new(root)?;
        *self
            .unlocked
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(unlocked);
        Ok(())
    }

    fn check_owner(&self, root: &Root) -> Result<(), UnlockError> {
        if self.catalog().owner() == root.owner_key() {
            Ok(())
        } else {
            Err(UnlockError::OtherOwner)
        }
    }

    fn unlocked(&self) -> RwLockReadGuard<'_, Option<Unlocked>> {
        self.unlocked.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how much the vault holds and whether it is unlocked; nothing that is in it.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("records", &self.catalog().newest_record())
            .field("unlocked", &self.is_unlocked())
            .finish_non_exhaustive()
    }
}

/// Decrypts a version's value. The error tells nothing, because nothing of it may be told.
fn open_material(root: &Root, version: &Version) -> Result<Material, Unreadable> {
    let value = root.decrypt(version.value()).map_err(|_| Unreadable)?;
    Material::from_stored(version.kind, &value).map_err(|_| Unreadable)
}

/// A value that is not what its record says.
struct Unreadable;

#[cfg(test)]
mod tests;
