//! Which secrets are due for a new version: their current version is older, or was used more
//! often, than the owner said it may be.
//!
//! Nothing stops working then; the owner is told, once for each version and limit. What does stop
//! is encryption with a key that has made as many encryptions as it may ([`MAX_ENCRYPTIONS`]).

use std::{collections::BTreeMap, fmt};

use jiff::{SignedDuration, Timestamp};

use super::catalog::{Catalog, Secret, Version};
use crate::{
    audit::{Action, By, Event},
    binding::{Bound, MaxAge, Rotation},
    name::Name,
    operation::Kind,
    store::Usage,
};

/// The most encryptions by one AES-256-GCM key with random IVs: NIST SP 800-38D section 8.3 allows
/// 2^32, and the count stops before it. It is exact, so it needs no margin.
pub const MAX_ENCRYPTIONS: u64 = (1 << 32) - 1;

/// When its owner is told that a key nears [`MAX_ENCRYPTIONS`]: halfway.
pub const MANY_ENCRYPTIONS: u64 = 1 << 31;

/// A version that passed a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The secret.
    pub secret: Name,
    /// Its current version.
    pub version: u32,
    /// The number of that version's record.
    pub record: u64,
    /// Which limit it passed.
    pub passed: Passed,
}

/// A limit that a version passed, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The binding's `max_age`.
    Age {
        /// How old the version is.
        age: SignedDuration,
        /// How old it may be.
        limit: MaxAge,
    },
    /// The binding's `max_uses`.
    Uses {
        /// How often the version was used.
        uses: u64,
        /// How often it may be.
        limit: u64,
    },
    /// [`MANY_ENCRYPTIONS`].
    Encryptions(u64),
}

/// Everything that is due, by name.
pub fn due(catalog: &Catalog, usage: &BTreeMap<u64, Usage>, now: Timestamp) -> Vec<Due> {
    in_use(catalog)
        .flat_map(|(secret, version)| {
            let counted = usage.get(&version.record).copied().unwrap_or_default();
            let age = age_passed(secret.bound.as_deref(), version, now);
            let counts = counts_passed(secret.bound.as_deref(), version, counted);
            age.into_iter().chain(counts)
        })
        .collect()
}

/// When the next version passes its age, after `now`.
pub fn next_due(catalog: &Catalog, now: Timestamp) -> Option<Timestamp> {
    in_use(catalog)
        .filter_map(|(secret, version)| due_at(secret.bound.as_deref(), version))
        .filter(|at| *at > now)
        .min()
}

/// The limits on counts that a version has passed, when it was used so often.
pub(crate) fn counts_passed(
    bound: Option<&Bound>,
    version: &Version,
    counted: Usage,
) -> impl Iterator<Item = Due> {
    let uses = rotation(bound)
        .and_then(|rotation| rotation.max_uses)
        .filter(|limit| counted.uses >= *limit)
        .map(|limit| Passed::Uses {
            uses: counted.uses,
            limit,
        });
    let many = version.kind == Kind::Aes256 && counted.encryptions >= MANY_ENCRYPTIONS;
    let encryptions = many.then_some(Passed::Encryptions(counted.encryptions));
    let due = |passed| Due::new(version, passed);
    uses.into_iter()
        .chain(encryptions)
        .map(due)
        .collect::<Vec<_>>()
        .into_iter()
}

fn age_passed(bound: Option<&Bound>, version: &Version, now: Timestamp) -> Option<Due> {
    let at = due_at(bound, version)?;
    let limit = rotation(bound)?.max_age?;
    let age = now.duration_since(version.created);
    (at <= now).then(|| Due::new(version, Passed::Age { age, limit }))
}

fn due_at(bound: Option<&Bound>, version: &Version) -> Option<Timestamp> {
    let limit = rotation(bound)?.max_age?;
    version.created.checked_add(limit.duration()).ok()
}

fn rotation(bound: Option<&Bound>) -> Option<&Rotation> {
    bound?.binding.rotation.as_ref()
}

/// The secrets that can be rotated, each with the version that new uses take.
fn in_use(catalog: &Catalog) -> impl Iterator<Item = (&Secret, &Version)> {
    catalog
        .secrets()
        .filter(|secret| !secret.retired)
        .filter_map(|secret| Some((secret, secret.current()?.as_ref())))
}

impl Due {
    fn new(version: &Version, passed: Passed) -> Self {
        Self {
            secret: version.secret.clone(),
            version: version.number,
            record: version.record,
            passed,
        }
    }

    /// What marks in the store that the owner was told: a limit that the owner changes is another.
    pub fn mark(&self) -> String {
        match self.passed {
            Passed::Age { limit, .. } => format!("max_age {limit}"),
            Passed::Uses { limit, .. } => format!("max_uses {limit}"),
            Passed::Encryptions(_) => format!("encryptions {MANY_ENCRYPTIONS}"),
        }
    }

    /// What the audit log says of it.
    pub(crate) fn event(&self) -> Event {
        Event::Administration {
            action: Action::SecretDue,
            subject: Some(self.secret.to_string()),
            version: Some(self.version),
            detail: Some(self.passed.to_string()),
            by: By::Agent,
            record: None,
        }
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Age { age, .. } => write!(f, "{} old", Age(*age)),
            Self::Uses { uses: 1, .. } => f.write_str("used once"),
            Self::Uses { uses, .. } => write!(f, "used {uses} times"),
            Self::Encryptions(made) => {
                write!(
                    f,
                    "{made} encryptions of {MAX_ENCRYPTIONS} that one key may make"
                )
            }
        }
    }
}

/// An age in its largest whole unit: `90 days`, `1 hour`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub SignedDuration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().max(0);
        let (count, unit) = match seconds {
            0..60 => (seconds, "second"),
            60..3600 => (seconds / 60, "minute"),
            3600..86_400 => (seconds / 3600, "hour"),
            _ => (seconds / 86_400, "day"),
        };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}
