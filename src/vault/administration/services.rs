//! Services and policies: who may ask, and for what.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Told;
use crate::{
    audit::{Action, By},
    name::Name,
    policy::PolicyText,
    service::key::{PublicKey, Thumbprint},
    vault::{Catalog, Change, Vault, VaultError, record::Record},
};

impl Vault {
    /// Enrols a service with its public keys.
    pub fn add_service(
        &self,
        name: &Name,
        keys: &[PublicKey],
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            if catalog.service(name).is_some() {
                return Err(VaultError::ServiceExists(name.clone()));
            }
            if keys.is_empty() {
                return Err(VaultError::NoKey(name.clone()));
            }
            let mut thumbprints = BTreeSet::new();
            for key in keys {
                check_key(catalog, key)?;
                if !thumbprints.insert(key.thumbprint()) {
                    return Err(VaultError::KeyTwice(key.thumbprint()));
                }
            }
            let thumbprints: Vec<_> = keys
                .iter()
                .map(|key| format!("`{}`", key.thumbprint()))
                .collect();
            let detail = Some(format!("keys {}", thumbprints.join(", ")));
            let record = Record::Service {
                name: name.clone(),
                keys: keys.iter().map(PublicKey::spki_pem).collect(),
            };
            Ok((
                record,
                Told {
                    action: Action::ServiceAdded,
                    subject: name,
                    version: None,
                    detail,
                    by: By::Owner,
                },
            ))
        })
    }

    /// Gives a service another key. The ones that it has go on counting.
    pub fn add_service_key(
        &self,
        name: &Name,
        key: &PublicKey,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            catalog
                .service(name)
                .ok_or_else(|| VaultError::NoService(name.clone()))?;
            check_key(catalog, key)?;
            let detail = Some(format!("key `{}`", key.thumbprint()));
            let record = Record::ServiceKey {
                service: name.clone(),
                key: key.spki_pem(),
            };
            Ok((
                record,
                Told {
                    action: Action::ServiceKeyAdded,
                    subject: name,
                    version: None,
                    detail,
                    by: By::Owner,
                },
            ))
        })
    }

    /// Takes a key from a service: requests signed with it are rejected from now on, and no
    /// service gets it again.
    pub fn retire_service_key(
        &self,
        name: &Name,
        key: &Thumbprint,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let service = catalog
                .service(name)
                .ok_or_else(|| VaultError::NoService(name.clone()))?;
            let (service_name, thumbprint) = (name.clone(), key.clone());
            if !service.keys.iter().any(|held| held.thumbprint() == *key) {
                return Err(VaultError::NoSuchKey {
                    service: service_name,
                    key: thumbprint,
                });
            }
            if service.keys.len() == 1 {
                return Err(VaultError::OnlyKey {
                    service: service_name,
                    key: thumbprint,
                });
            }
            let record = Record::ServiceKeyRetirement {
                service: service_name,
                key: thumbprint,
            };
            Ok((
                record,
                Told {
                    action: Action::ServiceKeyRetired,
                    subject: name,
                    version: None,
                    detail: Some(format!("key `{key}`")),
                    by: By::Owner,
                },
            ))
        })
    }

    /// Puts a policy in force: a new one, or another text for one.
    pub fn set_policy(&self, policy: &PolicyText, now: Timestamp) -> Result<Change, VaultError> {
        let name = policy.name();
        self.change(now, |catalog, _| {
            let version = catalog
                .policy_text(name)
                .map_or(0, |known| known.version)
                .saturating_add(1);
            let record = Record::Policy {
                name: name.clone(),
                version,
                text: policy.text().to_owned(),
            };
            Ok((
                record,
                Told {
                    action: Action::PolicySet,
                    subject: name,
                    version: Some(version),
                    detail: None,
                    by: By::Owner,
                },
            ))
        })
    }

    /// Takes a policy out of force.
    pub fn retire_policy(&self, name: &Name, now: Timestamp) -> Result<Change, VaultError> {
        self.change(now, |catalog, _| {
            let known = catalog.policy_text(name).filter(|policy| !policy.retired);
            let version = known
                .ok_or_else(|| VaultError::NoPolicy(name.clone()))?
                .version;
            let record = Record::PolicyRetirement { name: name.clone() };
            let told = Told {
                action: Action::PolicyRetired,
                subject: name,
                version: Some(version),
                detail: None,
                by: By::Owner,
            };
            Ok((record, told))
        })
    }
}

fn check_key(catalog: &Catalog, key: &PublicKey) -> Result<(), VaultError> {
    if !key.can_sign_requests() {
        return Err(VaultError::UnfitKey(key.thumbprint()));
    }
    if let Some(approver) = catalog.approver_with(&key.thumbprint()) {
        return Err(VaultError::KeyOfApprover {
            key: key.thumbprint(),
            approver: approver.name.clone(),
        });
    }
    match catalog.holder(key) {
        Some(holder) => Err(VaultError::KeyTaken {
            key: key.thumbprint(),
            service: holder.name.clone(),
        }),
        None => Ok(()),
    }
}
