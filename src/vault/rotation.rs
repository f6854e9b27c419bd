//! A new value on its way from a provider into the vault.
//!
//! The owner's program is handed the old value, makes a new one at the provider and prints it.
//! From that moment it is in one place only, so the first thing that happens to it is that it is
//! sealed to the root, which takes no passphrase, and written down. Then it becomes a version. The
//! old value is given up at the provider only after that.
//!
//! **Invariant: nothing is lost in between.** What is sealed can be put in at any later time, and
//! putting it in twice makes one version ([`Put::Already`]).

use std::fmt;

use age::x25519::Recipient;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Change, Unlocked, Vault, VaultError, catalog::Catalog, material::Material,
    memory::with_clean_stack, open_material, root::Root,
};
use crate::{
    audit::{Action, By, Event},
    name::Name,
};

/// What an owner's program printed as the new value of a secret.
pub struct NewValue {
    /// The secret.
    pub secret: Name,
    /// The version that was handed to the program.
    pub replaces: u32,
    /// What it printed.
    pub value: Zeroizing<Vec<u8>>,
}

/// What putting in a new value comes to.
#[derive(Debug)]
pub enum Put {
    /// A new version, signed but not yet durable.
    New(Box<Change>),
    /// It is this version already.
    Already(u32),
}

/// Why a text is no new value of this vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no new value that was sealed to this vault's root")]
pub struct NotSealedHere;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<'a> {
    secret: Name,
    replaces: u32,
    /// Base64 has nothing to unescape, so that no copy is made of it.
    value: &'a str,
}

impl NewValue {
    /// An age file to the vault's root, ASCII armor: it may be written and shown anywhere.
    pub fn seal(&self, root: &Recipient) -> Result<String, VaultError> {
        let encoded = Zeroizing::new(STANDARD.encode(&*self.value));
        // A name has no character that JSON would escape.
        let head = format!(
            "{{\"secret\":\"{}\",\"replaces\":{},\"value\":\"",
            self.secret, self.replaces
        );
        // Reserved whole: a vector that grows leaves its old contents behind.
        let mut json = Zeroizing::new(Vec::with_capacity(head.len() + encoded.len() + 2));
        json.extend_from_slice(head.as_bytes());
        json.extend_from_slice(encoded.as_bytes());
        json.extend_from_slice(b"\"}");
        with_clean_stack(|| age::encrypt_and_armor(root, &json))
            .map_err(|_| VaultError::NotEncrypted)
    }
}

impl Vault {
    /// What values are sealed to. Public, and the same for the vault's life.
    pub fn recipient(&self) -> Result<Recipient, VaultError> {
        self.with_root(|root, _| Ok(root.recipient()))
    }

    /// Opens what [`NewValue::seal`] made.
    pub fn open_sealed(&self, sealed: &str) -> Result<NewValue, VaultError> {
        self.with_root(|root, _| {
            let json = root.decrypt(sealed).map_err(|_| NotSealedHere)?;
            let Sealed {
                secret,
                replaces,
                value,
            } = serde_json::from_slice(&json).map_err(|_| NotSealedHere)?;
            let value = STANDARD.decode(value).map_err(|_| NotSealedHere)?;
            Ok(NewValue {
                secret,
                replaces,
                value: Zeroizing::new(value),
            })
        })
    }

    /// Makes the new value a version of its secret, unless it is one already: then the agent
    /// died after the version was durable, and before anybody heard of it.
    pub fn put_new_value(
        &self,
        new: &NewValue,
        program: &str,
        now: Timestamp,
    ) -> Result<Put, VaultError> {
        let name = &new.secret;
        let material = self.with_root(|root, catalog| {
            let secret = catalog
                .secret(name)
                .ok_or_else(|| VaultError::NoSecret(name.clone()))?;
            let material = Material::import(Some(secret.kind), &new.value).map_err(|why| {
                VaultError::NotAValue {
                    secret: name.clone(),
                    why,
                }
            })?;
            let stored = material.to_stored();
            for version in secret.versions() {
                if version.number < new.replaces {
                    continue;
                }
                // A version that is damaged is not the one that was just made.
                let is_same =
                    open_material(root, version).is_ok_and(|known| *known.to_stored() == *stored);
                match (is_same, version.number == new.replaces) {
                    (true, true) => return Err(VaultError::SameValue(name.clone())),
                    (true, false) => return Ok(Err(version.number)),
                    (false, _) => {}
                }
            }
            Ok(Ok(material))
        })?;
        match material {
            Err(already) => Ok(Put::Already(already)),
            Ok(material) => {
                let detail = format!("`{program}` made it, in place of version {}", new.replaces);
                self.next_version(name, &material, By::Owner, Some(detail), now)
                    .map(Box::new)
                    .map(Put::New)
            }
        }
    }

    /// The owner's wish to hand a value to a program of theirs, as
    /// [`reveal_intent`](Vault::reveal_intent) is the wish to see it: when it is durable,
    /// [`Vault::reveal`] takes it. An alias is not followed, and a retired secret has no new value.
    pub fn hand_over_intent(
        &self,
        name: &Name,
        version: u32,
        program: &str,
    ) -> Result<Change, VaultError> {
        self.with_root(|_, catalog| {
            let secret = super::administration::secrets::secret(catalog, name)?;
            if secret.retired {
                return Err(VaultError::Retired(name.clone()));
            }
            let version = catalog.version(name, version)?.number;
            Ok(Change {
                event: Event::Administration {
                    action: Action::SecretRevealed,
                    subject: Some(name.to_string()),
                    version: Some(version),
                    detail: Some(format!("handed to `{program}`, to rotate it")),
                    by: By::Owner,
                    record: None,
                },
                records: Vec::new(),
                slots: Vec::new(),
            })
        })
    }

    fn with_root<T>(
        &self,
        work: impl FnOnce(&Root, &Catalog) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let catalog = self.catalog();
        with_clean_stack(|| work(root, &catalog))
    }
}

impl fmt::Debug for NewValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "NewValue({} in place of version {}, [secret])",
            self.secret, self.replaces
        )
    }
}
