//! What is out of the ordinary for a service and a secret, worked out from the audit log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a use, or a request that waits, is out of the ordinary.
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
