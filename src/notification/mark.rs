//! Marks: what is out of the ordinary about a use, in a word and in a sentence.

use std::{
    fmt::{self, Write as _},
    net::IpAddr,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::sentence::clock;

/// Why a use, or a request that waits, is out of the ordinary. The rules are in
/// [`manual::notification`](crate::manual::notification#marks).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// This service did not do this with this secret before.
    FirstUse,
    /// This service did not come from there before.
    NewAddress,
    /// This service does not use this secret at this time of day.
    UnusualHour,
    /// This service uses this secret far more often than it did.
    UnusualRate,
}

impl Mark {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::FirstUse,
        Self::NewAddress,
        Self::UnusualHour,
        Self::UnusualRate,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstUse => "first-use",
            Self::NewAddress => "new-address",
            Self::UnusualHour => "unusual-hour",
            Self::UnusualRate => "unusual-rate",
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The marks of one entry, with what their sentences need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// In the order of [`Mark::ALL`].
    pub(super) marks: Vec<Mark>,
    /// From where it came.
    pub(super) address: Option<IpAddr>,
    /// How many uses there were in this hour, and when it began.
    pub(super) hour: Option<(u32, Timestamp)>,
}

impl Marks {
    pub(super) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Says them at the end of a sentence.
    pub(super) fn push_to(&self, sentence: &mut String) {
        for mark in &self.marks {
            let _ = match (mark, self.address, self.hour) {
                (Mark::FirstUse, ..) => write!(sentence, "; first of its kind"),
                (Mark::NewAddress, Some(address), _) => {
                    write!(sentence, "; new address {}", address.to_canonical())
                }
                (Mark::NewAddress, None, _) => write!(sentence, "; new way in"),
                (Mark::UnusualHour, ..) => write!(sentence, "; unusual hour"),
                (Mark::UnusualRate, _, Some((count, since))) => write!(
                    sentence,
                    "; unusual rate: {count} times since {}",
                    clock(since, since)
                ),
                (Mark::UnusualRate, ..) => write!(sentence, "; unusual rate"),
            };
        }
    }
}
