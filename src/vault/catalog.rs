//! What the records add up to: readable while the vault is locked, and without anything secret
//! but ciphertext.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use jiff::Timestamp;

use super::{NotUsed, OwnerKey, VaultError, chain::Head};
use crate::{
    approval::Approver,
    binding::Bound,
    name::Name,
    operation::{Kind, OperationName},
    policy::{Policies, PolicyText, Subject},
    service::{Services, key::PublicKey},
};

/// The vault's content at one moment. It is never changed: a change makes another one.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) owner: OwnerKey,
    pub(super) head: Head,
    pub(super) secrets: BTreeMap<Name, Arc<Secret>>,
    pub(super) aliases: BTreeMap<Name, Name>,
    pub(super) enrolled: BTreeMap<Name, Enrolled>,
    pub(super) policy_versions: BTreeMap<Name, PolicyVersion>,
    pub(super) approvers: BTreeMap<Name, Approver>,
    /// Whether nothing at all may be used.
    pub(super) suspended: bool,
    /// When the owner last stopped everything.
    pub(super) stopped: Option<Timestamp>,
    pub(super) services: Arc<Services>,
    pub(super) policies: Arc<Policies>,
}

/// A secret and its versions.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: Name,
    /// The same for all versions.
    pub kind: Kind,
    /// Words of the owner's that policies may ask for.
    pub labels: BTreeSet<String>,
    /// Whether the value may leave, sealed, if a policy allows it.
    pub releasable: bool,
    /// Whether the whole secret is retired: there will be no new version.
    pub retired: bool,
    /// Whether every use is refused until the owner resumes it.
    pub suspended: bool,
    /// When it was last suspended.
    pub(super) stopped: Option<Timestamp>,
    /// What it is for, if the owner has said it.
    pub bound: Option<Arc<Bound>>,
    pub(super) subject: Subject,
    pub(super) versions: BTreeMap<u32, Arc<Version>>,
}

/// One version of a secret. Its value is never changed.
#[derive(Clone)]
pub struct Version {
    /// The secret's name.
    pub secret: Name,
    /// From 1.
    pub number: u32,
    /// The secret's kind.
    pub kind: Kind,
    /// Whether the value may leave, sealed, if a policy allows it.
    pub releasable: bool,
    /// Whether it can't be used any more.
    pub retired: bool,
    /// For kinds that have one.
    pub public_key: Option<PublicKey>,
    /// When the owner signed it.
    pub created: Timestamp,
    /// The number of its record, which no other version has.
    pub record: u64,
    pub(super) value: Arc<str>,
}

/// A service that may ask.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Its name.
    pub name: Name,
    /// The keys that it may sign with; several, so that it can change them.
    pub keys: Vec<PublicKey>,
    /// The keys that it may not sign with any more.
    pub retired_keys: Vec<PublicKey>,
    /// Whether its requests are rejected.
    pub suspended: bool,
    /// When it was last suspended.
    pub(super) stopped: Option<Timestamp>,
}

/// The newest text of a policy.
#[derive(Clone, Debug)]
pub struct PolicyVersion {
    /// Its name.
    pub name: Name,
    /// From 1.
    pub version: u32,
    /// Whether it is out of force.
    pub retired: bool,
    /// The text.
    pub text: PolicyText,
}

impl Catalog {
    /// The key that signs every record.
    pub fn owner(&self) -> &OwnerKey {
        &self.owner
    }

    /// The number of the newest record. The audit log names the records that were written with
    /// its entries: one with a higher number says that the end of the chain was cut off.
    pub fn newest_record(&self) -> u64 {
        self.head.seq
    }

    /// All secrets, by name.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.secrets.values().map(Arc::as_ref)
    }

    /// The secret of that name; an alias is not one.
    pub fn secret(&self, name: &Name) -> Option<&Secret> {
        self.secrets.get(name).map(Arc::as_ref)
    }

    /// The secret that a name stands for: its own, or an alias.
    pub fn resolve(&self, asked: &Name) -> Option<&Secret> {
        self.secret(self.aliases.get(asked).unwrap_or(asked))
    }

    /// All aliases by name, each with the secret that it points at.
    pub fn aliases(&self) -> impl Iterator<Item = (&Name, &Name)> {
        self.aliases.iter()
    }

    /// All services, by name.
    pub fn enrolled(&self) -> impl Iterator<Item = &Enrolled> {
        self.enrolled.values()
    }

    /// The service of that name.
    pub fn service(&self, name: &Name) -> Option<&Enrolled> {
        self.enrolled.get(name)
    }

    /// All approvers, those retired too, by name.
    pub fn approvers(&self) -> impl Iterator<Item = &Approver> {
        self.approvers.values()
    }

    /// The approver of that name.
    pub fn approver(&self, name: &Name) -> Option<&Approver> {
        self.approvers.get(name)
    }

    /// Whether the owner has stopped everything.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// What of the owner's stops this service and this secret at the moment, if anything does.
    pub fn stopped(&self, service: &Name, secret: &Name) -> Option<NotUsed> {
        if self.service(service).is_some_and(|known| known.suspended) {
            Some(NotUsed::Suspended(service.clone()))
        } else if self.suspended {
            Some(NotUsed::AllSuspended)
        } else if self.secret(secret).is_some_and(|known| known.suspended) {
            Some(NotUsed::SecretSuspended(secret.clone()))
        } else {
            None
        }
    }

    /// When the owner last stopped this service, this secret or everything: a yes that was said before
    /// stands no longer, also when it is resumed.
    pub fn last_stopped(&self, service: &Name, secret: &Name) -> Option<Timestamp> {
        let service = self.service(service).and_then(|known| known.stopped);
        let secret = self.secret(secret).and_then(|known| known.stopped);
        self.stopped.max(service).max(secret)
    }

    /// All policies, those out of force too, by name.
    pub fn policy_texts(&self) -> impl Iterator<Item = &PolicyVersion> {
        self.policy_versions.values()
    }

    /// The policy of that name.
    pub fn policy_text(&self, name: &Name) -> Option<&PolicyVersion> {
        self.policy_versions.get(name)
    }

    /// The services by their keys: what requests are authenticated with.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The policies in force: what requests are decided with.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The version, retired or not; the error says what is missing.
    pub fn version(&self, secret: &Name, number: u32) -> Result<&Arc<Version>, VaultError> {
        let found = self
            .secret(secret)
            .ok_or_else(|| VaultError::NoSecret(secret.clone()))?;
        found.version(number).ok_or_else(|| VaultError::NoVersion {
            secret: secret.clone(),
            version: number,
        })
    }

    /// Whether a permit that was given a moment ago still counts. A retired version's public key
    /// still verifies old signatures, so that may be handed out.
    pub(super) fn still_allows(
        &self,
        service: &Name,
        version: &Version,
        bound: Option<&Bound>,
        operation: OperationName,
    ) -> Result<(), NotUsed> {
        if let Some(stopped) = self.stopped(service, &version.secret) {
            return Err(stopped);
        }
        let secret = self.secret(&version.secret);
        let newest = secret.and_then(|secret| secret.bound.as_deref());
        if newest.map(|bound| bound.record) != bound.map(|bound| bound.record) {
            return Err(NotUsed::Rebound(version.secret.clone()));
        }
        let known = secret.and_then(|secret| secret.version(version.number));
        match known {
            Some(known) if !known.retired || operation == OperationName::PublicKey => Ok(()),
            _ => Err(NotUsed::Retired {
                secret: version.secret.clone(),
                version: version.number,
            }),
        }
    }
}

impl Secret {
    /// The version that is used unless a request names another: the newest that is not retired.
    pub fn current(&self) -> Option<&Arc<Version>> {
        self.versions
            .values()
            .rev()
            .find(|version| !version.retired)
    }

    /// The version of that number, retired or not.
    pub fn version(&self, number: u32) -> Option<&Arc<Version>> {
        self.versions.get(&number)
    }

    /// All versions, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<Version>> {
        self.versions.values()
    }

    /// The secret as policy sees it.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The newest version's number.
    pub(super) fn newest(&self) -> u32 {
        self.versions.keys().next_back().copied().unwrap_or(0)
    }
}

impl Version {
    /// The value as it is stored: an age file to the root, ASCII armor.
    pub(super) fn value(&self) -> &str {
        &self.value
    }
}

/// Leaves the value out: it is ciphertext, and long.
impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("secret", &self.secret)
            .field("number", &self.number)
            .field("kind", &self.kind)
            .field("retired", &self.retired)
            .finish_non_exhaustive()
    }
}
