//! The section `rotation`: when a new version is due, and how it is made.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, fmt::temporal::SpanParser};
use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{"max_age": "P90D", "max_uses": 1000000, "command": ["/usr/local/bin/rotate-heroku"]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long a version is used before the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<MaxAge>,
    /// After how many uses of a version the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u64>,
    /// The owner's program that makes a new value at the provider and then revokes the old one,
    /// with its arguments. `strongroom secret rotate` runs it; the agent never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// How long the program may take for each of its two steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
}

/// A length of time as RFC 3339 (appendix A) writes it: `P90D`, `P12W`, `PT36H`. Months and years
/// are of no fixed length, and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxAge(SignedDuration);

/// A text that is no [`MaxAge`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a length of time: write it as `P90D`, `P12W` or `PT36H`, from one second to {MAX_DAYS} days",
    .0.escape_debug()
)]
pub struct BadMaxAge(String);

/// A hundred years: what is longer is a slip.
const MAX_DAYS: i64 = 36_500;
const DAY: i64 = 24 * 60 * 60;
/// What JSON numbers say exactly.
const MAX_USES: u64 = (1 << 53) - 1;
/// The most arguments, and the most bytes of each.
const MAX_ARGUMENTS: usize = 64;
const MAX_ARGUMENT_LEN: usize = 4096;

impl Rotation {
    /// How long the program may take for a step when the binding does not say it, in seconds.
    pub const TIMEOUT_SECONDS: u32 = 120;

    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        let wrong = |field, problem: &str| {
            Err(BadBinding::Value {
                section: "rotation",
                field,
                problem: problem.to_owned(),
            })
        };
        if self.max_age.is_none() && self.max_uses.is_none() && self.command.is_none() {
            return wrong(
                "max_age",
                "say when a new version is due (`max_age`, `max_uses`) or how it is made (`command`), or leave the section out",
            );
        }
        if self
            .max_uses
            .is_some_and(|uses| !(1..=MAX_USES).contains(&uses))
        {
            return wrong("max_uses", "a number from 1 to 9007199254740991");
        }
        if let Some(command) = &self.command {
            if command.first().is_none_or(String::is_empty) {
                return wrong("command", "name the program, then its arguments");
            }
            let too_long = |one: &String| one.len() > MAX_ARGUMENT_LEN || one.contains('\0');
            if command.len() > MAX_ARGUMENTS || command.iter().any(too_long) {
                return wrong(
                    "command",
                    "at most 64 arguments of at most 4096 bytes, none of which is zero",
                );
            }
        }
        match self.timeout_seconds {
            Some(_) if self.command.is_none() => wrong(
                "timeout_seconds",
                "it goes with `command`, which is missing",
            ),
            Some(seconds) if !(1..=3600).contains(&seconds) => {
                wrong("timeout_seconds", "a number from 1 to 3600")
            }
            _ => Ok(()),
        }
    }
}

impl MaxAge {
    /// The length of time.
    pub fn duration(self) -> SignedDuration {
        self.0
    }
}

impl FromStr for MaxAge {
    type Err = BadMaxAge;

    fn from_str(text: &str) -> Result<Self, BadMaxAge> {
        let bad = || BadMaxAge(text.chars().take(40).collect());
        let span = SpanParser::new().parse_span(text).map_err(|_| bad())?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(bad());
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        // The units below a day have fixed lengths, so that no calendar is asked.
        let rest = span
            .weeks(0)
            .days(0)
            .to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        let whole = SignedDuration::from_secs(days.saturating_mul(DAY))
            .checked_add(rest.map_err(|_| bad())?)
            .ok_or_else(bad)?;
        let allowed = SignedDuration::from_secs(1)..=SignedDuration::from_secs(MAX_DAYS * DAY);
        match allowed.contains(&whole) && whole.subsec_nanos() == 0 {
            true => Ok(Self(whole)),
            false => Err(bad()),
        }
    }
}

/// In one way for each length: whole days, then hours, minutes and seconds.
impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, rest) = (seconds / DAY, seconds % DAY);
        f.write_str("P")?;
        if days > 0 {
            write!(f, "{days}D")?;
        }
        if rest > 0 {
            f.write_str("T")?;
        }
        for (count, unit) in [(rest / 3600, 'H'), (rest / 60 % 60, 'M'), (rest % 60, 'S')] {
            if count > 0 {
                write!(f, "{count}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for MaxAge {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MaxAge {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::MaxAge;
    use crate::{
        binding::{BadBinding, Binding},
        operation::Kind,
    };

    fn parse(rotation: serde_json::Value) -> Result<Binding, BadBinding> {
        Binding::parse(Kind::Token, &json!({ "rotation": rotation }).to_string())
    }

    #[test]
    fn every_kind_can_be_rotated() {
        for kind in Kind::ALL {
            let text = json!({"rotation": {"max_age": "P90D"}}).to_string();
            Binding::parse(kind, &text).unwrap();
        }
    }

    #[test]
    fn lengths_of_time_have_one_spelling_each() {
        for (text, spelling) in [
            ("P90D", "P90D"),
            ("P2W", "P14D"),
            ("PT36H", "P1DT12H"),
            ("PT1S", "PT1S"),
            ("P1DT2H3M4S", "P1DT2H3M4S"),
            ("PT90M", "PT1H30M"),
            ("P36500D", "P36500D"),
        ] {
            let age: MaxAge = text.parse().unwrap();
            assert_eq!(age.to_string(), spelling);
            assert_eq!(spelling.parse::<MaxAge>().unwrap(), age);
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in [
            "",
            "P",
            "90",
            "90d",
            "90 days",
            "P3M",
            "P1Y",
            "-P1D",
            "P0D",
            "PT0S",
            "PT0.5S",
            "P36501D",
            "PT1S ",
            "P1DT",
            "P999999999999999999D",
        ] {
            assert!(text.parse::<MaxAge>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (rotation, said) in [
            (json!({}), "rotation.max_age: say when"),
            (json!({"max_uses": 0}), "rotation.max_uses: a number"),
            (json!({"command": []}), "rotation.command: name the program"),
            (
                json!({"command": [""]}),
                "rotation.command: name the program",
            ),
            (json!({"command": ["a\u{0}"]}), "rotation.command: at most"),
            (
                json!({"command": vec!["a"; 65]}),
                "rotation.command: at most",
            ),
            (
                json!({"max_uses": 1, "timeout_seconds": 5}),
                "it goes with `command`",
            ),
            (
                json!({"command": ["a"], "timeout_seconds": 0}),
                "from 1 to 3600",
            ),
            (
                json!({"max_age": "90 days"}),
                "`90 days` is not a length of time",
            ),
            (json!({"max_age": "P1D", "more": 1}), "unknown field"),
            (json!({"max_uses": -1}), "this is not a binding"),
        ] {
            let error = parse(rotation).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let good =
            json!({"max_age": "P1D", "max_uses": 3, "command": ["a", ""], "timeout_seconds": 5});
        let binding = parse(good.clone()).unwrap();
        assert_eq!(serde_json::to_value(binding).unwrap()["rotation"], good);
    }
}
