//! The kill switch: what may not be used any more, and what may again.

use jiff::Timestamp;

use super::{secrets::secret, sign};
use crate::{
    audit::{Action, By, Event},
    name::Name,
    vault::{Catalog, Change, Unlocked, Vault, VaultError, record::Record, root::Root},
};

/// What the owner stops, or lets go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whatever this service asks for.
    Service(Name),
    /// Every use of this secret.
    Secret(Name),
    /// Every use of every secret.
    Everything,
}

/// Stopped, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::vault) enum Status {
    Suspended,
    Resumed,
}

impl Scope {
    /// Whether a use of this secret by this service is in it.
    pub fn covers(&self, service: &Name, secret: &Name) -> bool {
        match self {
            Self::Service(name) => name == service,
            Self::Secret(name) => name == secret,
            Self::Everything => true,
        }
    }

    /// With the secret that an alias points at in the alias's place: who is in a hurry types the
    /// name that they know.
    pub fn resolved(self, catalog: &Catalog) -> Self {
        match self {
            Self::Secret(name) => {
                let secret = catalog.resolve(&name).map(|secret| secret.name.clone());
                Self::Secret(secret.unwrap_or(name))
            }
            other => other,
        }
    }

    /// Signs the change; the error says that there is none to make.
    pub(in crate::vault) fn change(
        &self,
        status: Status,
        catalog: &Catalog,
        root: &Root,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        let suspended = status == Status::Suspended;
        let (action, record) = match self {
            Self::Service(name) => {
                let service = catalog
                    .service(name)
                    .ok_or_else(|| VaultError::NoService(name.clone()))?;
                let action = match (service.suspended, suspended) {
                    (false, true) => Action::ServiceSuspended,
                    (true, false) => Action::ServiceResumed,
                    (true, true) => return Err(VaultError::SuspendedAlready(name.clone())),
                    (false, false) => return Err(VaultError::NotSuspended(name.clone())),
                };
                let service = name.clone();
                (action, Record::ServiceStatus { service, suspended })
            }
            Self::Secret(name) => {
                let action = match (secret(catalog, name)?.suspended, suspended) {
                    (false, true) => Action::SecretSuspended,
                    (true, false) => Action::SecretResumed,
                    (true, true) => return Err(VaultError::SecretSuspendedAlready(name.clone())),
                    (false, false) => return Err(VaultError::SecretNotSuspended(name.clone())),
                };
                let secret = name.clone();
                (action, Record::SecretStatus { secret, suspended })
            }
            Self::Everything => {
                let action = match (catalog.is_suspended(), suspended) {
                    (false, true) => Action::Panicked,
                    (true, false) => Action::Resumed,
                    (true, true) => return Err(VaultError::AllSuspendedAlready),
                    (false, false) => return Err(VaultError::AllNotSuspended),
                };
                (action, Record::VaultStatus { suspended })
            }
        };
        let subject = match self {
            Self::Service(name) | Self::Secret(name) => Some(name.to_string()),
            Self::Everything => None,
        };
        sign(catalog, root, now, record, |seq| Event::Administration {
            action,
            subject,
            version: None,
            detail: None,
            by: By::Owner,
            record: Some(seq),
        })
    }
}

impl Vault {
    /// Stops it from now on. What is stopped stays what it is, and is readable by its owner.
    pub fn suspend(&self, scope: &Scope, now: Timestamp) -> Result<Change, VaultError> {
        self.set_status(scope, Status::Suspended, now)
    }

    /// Lets it go on.
    pub fn resume(&self, scope: &Scope, now: Timestamp) -> Result<Change, VaultError> {
        self.set_status(scope, Status::Resumed, now)
    }

    fn set_status(
        &self,
        scope: &Scope,
        status: Status,
        now: Timestamp,
    ) -> Result<Change, VaultError> {
        let unlocked = self.unlocked();
        let Some(Unlocked { root, .. }) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        scope.change(status, &self.catalog(), root, now)
    }
}
