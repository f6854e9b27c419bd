//! What a channel tells of, and how soon: the settings that all kinds of channels have.
//!
//! [`Tell`] is what the owner wrote; [`Terms`] is what holds: nothing in it is left open. The rules
//! are in [`manual::notification`](crate::manual::notification).

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::Urgency;
use crate::{
    audit::{
        entry::{Event, Kind},
        filter::{is_about_secret, is_about_service},
    },
    name::Name,
};

mod quiet_hours;

pub use quiet_hours::QuietHours;

/// The longest window of a digest, in minutes: a day.
const LONGEST_DIGEST: u32 = 24 * 60;

/// How long a window is on a channel that persons read, in minutes.
const DIGEST_FOR_PERSONS: u32 = 10;

/// What could have been told longer ago than this is late.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// `[notify.tell]`. What is left out has the default of the channel's [`Audience`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tell {
    /// Which kinds of entries are told of; all if it is empty.
    pub kinds: Vec<Kind>,
    /// Of which services' entries; of everybody's if it is empty.
    pub services: Vec<Name>,
    /// Of which secrets', by the secret's name or the alias that was asked for; of all if it is empty.
    pub secrets: Vec<Name>,
    /// How urgent it must be at least.
    pub urgency: Option<Urgency>,
    /// How many minutes are folded into one digest; 0 folds nothing.
    pub digest: Option<u32>,
    /// When only what is urgent is told: `22:00-07:00`.
    pub quiet_hours: Option<QuietHours>,
    /// The IANA name of the time zone of `quiet_hours`: `Europe/Berlin`. The machine's if it is missing.
    pub time_zone: Option<String>,
    /// What becomes of what is late.
    pub catch_up: Option<CatchUp>,
}

/// What becomes of entries that can be told only more than an hour after they could have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatchUp {
    /// They are told like any others.
    Each,
    /// They are folded into one digest.
    Digest,
}

/// Who is at the other end of a channel, which settles the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A program, which does not tire: everything, each by itself.
    Program,
    /// A person.
    Person,
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTell {
    /// A digest of more than a day.
    #[error("`digest` is {0} minutes; a day, 1440, is the most")]
    Digest(u32),
    /// A time zone without hours to which it applies.
    #[error("`time_zone` says in which zone `quiet_hours` are, and there are none")]
    ZoneOfNothing,
}

impl Tell {
    /// Settles what was left open, for a channel with this audience; `zone` is the one that
    /// `time_zone` names, or the machine's.
    pub fn terms(&self, audience: Audience, zone: TimeZone) -> Result<Terms, BadTell> {
        if self.time_zone.is_some() && self.quiet_hours.is_none() {
            return Err(BadTell::ZoneOfNothing);
        }
        let (urgency, digest, catch_up) = match audience {
            Audience::Program => (Urgency::Quiet, 0, CatchUp::Each),
            Audience::Person => (Urgency::Normal, DIGEST_FOR_PERSONS, CatchUp::Digest),
        };
        let minutes = self.digest.unwrap_or(digest);
        if minutes > LONGEST_DIGEST {
            return Err(BadTell::Digest(minutes));
        }
        Ok(Terms {
            kinds: self.kinds.clone(),
            services: self.services.clone(),
            secrets: self.secrets.clone(),
            urgency: self.urgency.unwrap_or(urgency),
            digest: (minutes > 0).then(|| SignedDuration::from_mins(minutes.into())),
            quiet_hours: self.quiet_hours,
            zone,
            catch_up: self.catch_up.unwrap_or(catch_up),
        })
    }
}

/// Settings in which nothing is left open.
#[derive(Clone, Debug)]
pub struct Terms {
    pub(super) kinds: Vec<Kind>,
    pub(super) services: Vec<Name>,
    pub(super) secrets: Vec<Name>,
    pub(super) urgency: Urgency,
    pub(super) digest: Option<SignedDuration>,
    pub(super) quiet_hours: Option<QuietHours>,
    pub(super) zone: TimeZone,
    pub(super) catch_up: CatchUp,
}

impl Terms {
    /// Whether the owner is told of this at all.
    pub(super) fn is_told(&self, event: &Event, urgency: Urgency) -> bool {
        let any_or = |list: &[Name], is_about: fn(&Event, &Name) -> bool| {
            list.is_empty() || list.iter().any(|name| is_about(event, name))
        };
        urgency >= self.urgency
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind()))
            && any_or(&self.services, is_about_service)
            && any_or(&self.secrets, is_about_secret)
    }

    /// Whether what was recorded at `time` is told too late at `now` to be told like any other: more
    /// than an hour after it could have been.
    pub(super) fn is_late(&self, time: Timestamp, now: Timestamp) -> bool {
        let possible = self.quiet_at(time).map_or(time, |(_, end)| end);
        self.catch_up == CatchUp::Digest && now.duration_since(possible) > LATE
    }

    /// The quiet hours that hold at `time`: when they began, and when they are over.
    pub(super) fn quiet_at(&self, time: Timestamp) -> Option<(Timestamp, Timestamp)> {
        self.quiet_hours?.around(time, &self.zone)
    }
}
