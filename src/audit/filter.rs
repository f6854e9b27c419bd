//! Which entries `audit show` shows.

use jiff::Timestamp;

use crate::{
    audit::entry::{Action, Entry, Event, Kind},
    name::Name,
};

/// All that is set must hold; nothing set means every entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// By or about this service.
    pub service: Option<Name>,
    /// About this secret, under its own name or the alias that was asked for.
    pub secret: Option<Name>,
    /// Of this kind.
    pub kind: Option<Kind>,
}

impl Filter {
    /// Whether the entry is wanted.
    pub fn matches(&self, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.time >= since)
            && self.kind.is_none_or(|kind| entry.event.kind() == kind)
            && self
                .service
                .as_ref()
                .is_none_or(|service| is_about_service(&entry.event, service))
            && self
                .secret
                .as_ref()
                .is_none_or(|secret| is_about_secret(&entry.event, secret))
    }
}

/// Whether this service asked, or something was done to it.
pub(crate) fn is_about_service(event: &Event, service: &Name) -> bool {
    match event {
        Event::Use { ask, .. } | Event::Refusal { ask, .. } | Event::Pending { ask, .. } => {
            ask.service == *service
        }
        Event::Outcome { service: asker, .. } | Event::Decision { service: asker, .. } => {
            asker == service
        }
        Event::Noise {
            service: Some(signer),
            ..
        } => signer == service,
        Event::Noise { service: None, .. } => false,
        Event::Administration {
            action, subject, ..
        } => {
            use Action::{
                ServiceAdded, ServiceKeyAdded, ServiceKeyRetired, ServiceResumed, ServiceSuspended,
            };
            matches!(
                action,
                ServiceAdded
                    | ServiceKeyAdded
                    | ServiceKeyRetired
                    | ServiceResumed
                    | ServiceSuspended
            ) && subject.as_deref() == Some(service.as_str())
        }
    }
}

/// Whether it is about the secret with this name, or what was asked for under this name.
pub(crate) fn is_about_secret(event: &Event, name: &Name) -> bool {
    match event {
        Event::Use { ask, secret, .. } | Event::Pending { ask, secret, .. } => {
            secret == name || ask.asked == *name
        }
        Event::Refusal { ask, .. } => ask.asked == *name,
        Event::Outcome { secret, .. } | Event::Decision { secret, .. } => secret == name,
        Event::Noise { .. } => false,
        Event::Administration {
            action, subject, ..
        } => {
            use Action::{
                AliasSet, RotationFailed, SecretAdded, SecretBound, SecretDue, SecretResumed,
                SecretRetired, SecretRevealed, SecretRevoked, SecretRotated, SecretSuspended,
            };
            matches!(
                action,
                SecretAdded
                    | SecretRotated
                    | SecretRetired
                    | SecretDue
                    | SecretRevoked
                    | RotationFailed
                    | SecretRevealed
                    | SecretBound
                    | SecretSuspended
                    | SecretResumed
                    | AliasSet
            ) && subject.as_deref() == Some(name.as_str())
        }
    }
}
