//! Secrets and aliases: added, rotated, retired, pointed at. A version is never changed.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Told;
use crate::{
    audit::{Action, By},
    binding::Binding,
    errand::Keeping,
    name::Name,
    vault::{
        Catalog, Change, Secret, Vault, VaultError, material::Material, record::Record, root::Root,
    },
};

/// The most labels that a secret may have.
pub const MAX_LABELS: usize = 32;
/// The longest label, in characters.
pub const MAX_LABEL_LEN: usize = 64;

/// What an owner may say of a new secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretOptions {
    /// Words that policies may ask for.
    pub labels: BTreeSet<String>,
    /// Whether the value may leave, sealed, if a policy allows it.
    pub releasable: bool,
}

impl Vault {
    /// Adds a secret, as version 1.
    pub fn add_secret(
        &self,
        name: &Name,
        material: &Material,
        options: &SecretOptions,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        check_labels(&options.labels)?;
        self.change(now, |catalog, root| {
            if catalog.resolve(name).is_some() {
                return Err(VaultError::NameTaken(name.clone()));
            }
            let record = version_record(root, name, 1, material, options)?;
            let detail = Some(format!("kind `{}`", material.kind()));
            Ok((
                record,
                Told {
                    action: Action::SecretAdded,
                    subject: name,
                    version: Some(1),
                    detail,
                    by: By::Owner,
                },
            ))
        })
    }

    /// Adds a version to a secret. The older ones stay: what was encrypted with them can be
    /// decrypted, until they are retired.
    pub fn rotate_secret(
        &self,
        name: &Name,
        material: &Material,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.next_version(name, material, By::Owner, None, now)
    }

    /// What a provider handed out in the course of a use, as the secret's next version: it is
    /// durable before the use goes on.
    pub fn keep(&self, keeping: &Keeping, now: Timestamp) -> Result<Change, VaultError> {
        let detail = format!(
            "its provider gave a new value in exchange for version {}",
            keeping.replaces()
        );
        let (name, material) = (keeping.secret(), keeping.material());
        let catalog = self.catalog();
        let current = catalog.secret(name).and_then(Secret::current);
        // What the owner put in meanwhile counts, and is not to be replaced by what follows from
        // the version before.
        if let Some(current) = current.filter(|current| current.number != keeping.replaces()) {
            return Err(VaultError::Overtaken {
                secret: name.clone(),
                version: current.number,
            });
        }
        self.next_version(name, material, By::Agent, Some(detail), now)
    }

    /// Signs the next version of a secret.
    pub(in crate::vault) fn next_version(
        &self,
        name: &Name,
        material: &Material,
        by: By,
        detail: Option<String>,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, root| {
            let secret = secret(catalog, name)?;
            if secret.retired {
                return Err(VaultError::Retired(name.clone()));
            }
            if secret.kind != material.kind() {
                let (kind, given) = (secret.kind, material.kind());
                return Err(VaultError::OtherKind {
                    secret: name.clone(),
                    kind,
                    given,
                });
            }
            let version = secret.newest().saturating_add(1);
            let options = SecretOptions {
                labels: secret.labels.clone(),
                releasable: secret.releasable,
            };
            let record = version_record(root, name, version, material, &options)?;
            Ok((
                record,
                Told {
                    action: Action::SecretRotated,
                    subject: name,
                    version: Some(version),
                    detail,
                    by,
                },
            ))
        })
    }

    /// Says what a secret is for; the newest binding counts, for all versions.
    pub fn bind_secret(
        &self,
        name: &Name,
        binding: &Binding,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let secret = secret(catalog, name)?;
            if secret.retired {
                return Err(VaultError::Retired(name.clone()));
            }
            binding.check(secret.kind)?;
            let last = secret.bound.as_ref().map_or(0, |bound| bound.number);
            let record = Record::Binding {
                secret: name.clone(),
                version: last.saturating_add(1),
                binding: Box::new(binding.clone()),
            };
            Ok((
                record,
                Told {
                    action: Action::SecretBound,
                    subject: name,
                    version: None,
                    detail: Some(binding.summary()),
                    by: By::Owner,
                },
            ))
        })
    }

    /// Retires one version, or a secret with all its versions: no use of it is possible any more.
    /// There is no way back; the owner can still reveal the value.
    pub fn retire(
        &self,
        name: &Name,
        version: Option<u32>,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let secret = secret(catalog, name)?;
            if secret.retired {
                return Err(VaultError::Retired(name.clone()));
            }
            if let Some(version) = version
                && catalog.version(name, version)?.retired
            {
                return Err(VaultError::VersionRetired {
                    secret: name.clone(),
                    version,
                });
            }
            let record = Record::Retirement {
                secret: name.clone(),
                version,
            };
            Ok((
                record,
                Told {
                    action: Action::SecretRetired,
                    subject: name,
                    version,
                    detail: None,
                    by: By::Owner,
                },
            ))
        })
    }

    /// Points an alias at a secret: a new alias, or one that pointed elsewhere until now.
    pub fn set_alias(
        &self,
        name: &Name,
        target: &Name,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            if catalog.secret(name).is_some() {
                return Err(VaultError::NameOfSecret(name.clone()));
            }
            if secret(catalog, target)?.retired {
                return Err(VaultError::Retired(target.clone()));
            }
            let before = catalog
                .resolve(name)
                .map(|secret| format!(", before at `{}`", secret.name));
            let detail = Some(format!(
                "points at `{target}`{}",
                before.unwrap_or_default()
            ));
            let record = Record::Alias {
                name: name.clone(),
                secret: target.clone(),
            };
            Ok((
                record,
                Told {
                    action: Action::AliasSet,
                    subject: name,
                    version: None,
                    detail,
                    by: By::Owner,
                },
            ))
        })
    }
}

fn version_record(
    root: &Root,
    name: &Name,
    version: u32,
    material: &Material,
    options: &SecretOptions,
) -> Result<Record, VaultError> {
    let value = material.to_stored();
    Ok(Record::SecretVersion {
        secret: name.clone(),
        version,
        kind: material.kind(),
        labels: options.labels.clone(),
        releasable: options.releasable,
        public_key: material.public_key().map(|key| key.spki_pem()),
        value: root.encrypt(&value).map_err(|_| VaultError::NotEncrypted)?,
    })
}

/// The secret of that name, and an error that says what an alias points at.
pub(in crate::vault) fn secret<'a>(
    catalog: &'a Catalog,
    name: &Name,
) -> Result<&'a Secret, VaultError> {
    catalog
        .secret(name)
        .ok_or_else(|| match catalog.resolve(name) {
            Some(secret) => VaultError::IsAlias {
                alias: name.clone(),
                secret: secret.name.clone(),
            },
            None => VaultError::NoSecret(name.clone()),
        })
}

fn check_labels(labels: &BTreeSet<String>) -> Result<(), VaultError> {
    if labels.len() > MAX_LABELS {
        return Err(VaultError::TooManyLabels);
    }
    let bad = |label: &&String| {
        let length = label.chars().count();
        length == 0 || length > MAX_LABEL_LEN || label.chars().any(char::is_control)
    };
    match labels.iter().find(bad) {
        Some(label) => Err(VaultError::BadLabel(
            label.chars().take(MAX_LABEL_LEN).collect(),
        )),
        None => Ok(()),
    }
}
