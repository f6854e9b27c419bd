//! What a permit asks for beside its conditions: annotations that the agent acts on.
//!
//! | annotation | grammar | what it does |
//! | --- | --- | --- |
//! | `@limit("20 per hour, 100 per day")` | `limit *("," limit)`, each `N per [M] minute(s)\|hour(s)\|day(s)` | so many uses at most in any such span of time |
//! | `@notify("urgent")` | `urgent`, `normal` or `quiet` | how soon a person should look at the use |
//! | `@approve("1 of security")` | `N of GROUP` | an approver has to say yes first |
//!
//! The obligations of every permit that matches a request apply. On a `forbid` they are a mistake.
//!
//! **Invariant: a limit is exact.** It is a sliding window and no counter that begins anew at the
//! full hour: at no moment lie more than `N` counted uses in the span before it. Uses are counted
//! in the transaction that records them, for each statement and each service.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use super::mistake::Mistake;
use crate::{name::Name, notification::Urgency};

/// The annotations that are obligations.
pub(super) const KEYS: [&str; 3] = ["limit", "notify", "approve"];

/// The most uses that one limit may speak of.
const MOST_USES: u32 = 1_000_000;
/// The longest span of one limit: 31 days.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// The most limits of one statement.
const MOST_LIMITS: usize = 4;
/// The most approvers that may be asked for.
const MOST_APPROVERS: u32 = 16;

/// So many uses at most in any span of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least one.
    pub uses: u32,
    /// In which time; whole minutes.
    pub per: Duration,
}

/// How many of whom have to say yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// How many; at least one.
    pub approvers: u32,
    /// Of which group.
    pub group: Name,
}

/// What one statement asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Duty {
    /// All of them hold.
    pub limits: Vec<Limit>,
    /// How soon a person should look.
    pub urgency: Option<Urgency>,
    /// Who has to say yes.
    pub approval: Option<Approval>,
}

/// A statement with what it asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Obliging {
    /// The statement as the audit log names it.
    pub statement: String,
    /// What its uses are counted under: the policy's name and the statement's number, `name#1`
    /// for the only one too, so that a second statement below it does not begin the count anew.
    pub counter: String,
    /// What it asks for.
    pub duty: Duty,
}

/// What the permits that match a request ask for together.
#[derive(Clone, Debug, Default)]
pub struct Obligations(Vec<Arc<Obliging>>);

/// Why the text of an annotation is none, as a phrase that follows it.
type Why = String;

impl Duty {
    /// Reads the annotations of one statement; of one that is wrong it says which and why.
    pub(super) fn read<'a>(
        annotations: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, (&'a str, Why)> {
        let mut duty = Self::default();
        for (key, value) in annotations {
            let read = match key {
                "limit" => limits(value).map(|limits| duty.limits = limits),
                "notify" => urgency(value).map(|urgency| duty.urgency = Some(urgency)),
                "approve" => approval(value).map(|approval| duty.approval = Some(approval)),
                _ => Ok(()),
            };
            read.map_err(|why| (key, why))?;
        }
        Ok(duty)
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Obliging {
    /// `None` for a statement that asks for nothing.
    pub(super) fn new(statement: String, counter: String, duty: Duty) -> Option<Arc<Self>> {
        (!duty.is_nothing()).then(|| {
            Arc::new(Self {
                statement,
                counter,
                duty,
            })
        })
    }
}

impl Obligations {
    pub(super) fn new(each: Vec<Arc<Obliging>>) -> Self {
        Self(each)
    }

    /// Each statement that asks for something.
    pub fn each(&self) -> impl Iterator<Item = &Obliging> {
        self.0.iter().map(Arc::as_ref)
    }

    /// The statements whose uses are counted.
    pub fn limited(&self) -> impl Iterator<Item = &Obliging> {
        self.each().filter(|one| !one.duty.limits.is_empty())
    }

    /// How soon a person should look, if a policy says it: of several, the most urgent.
    pub fn urgency(&self) -> Option<Urgency> {
        self.each().filter_map(|one| one.duty.urgency).max()
    }

    /// The first approval that is asked for, and the statement that asks for it.
    pub fn approval(&self) -> Option<(&str, &Approval)> {
        self.approvals().next()
    }

    /// Each approval that is asked for, and the statement that asks for it: all of them hold.
    pub fn approvals(&self) -> impl Iterator<Item = (&str, &Approval)> {
        self.each()
            .filter_map(|one| Some((one.statement.as_str(), one.duty.approval.as_ref()?)))
    }
}

impl FromStr for Approval {
    type Err = String;

    /// Reads `1 of security`; the error is a phrase that says what to write.
    fn from_str(text: &str) -> Result<Self, String> {
        approval(text)
    }
}

impl Limit {
    /// When the next use is possible, if none is now. `nth` is when the use was counted that lies
    /// [`Limit::uses`] back; both times are in milliseconds since 1970.
    pub fn free_at(&self, nth: Option<i64>, now: i64) -> Option<i64> {
        let per = i64::try_from(self.per.as_millis()).unwrap_or(i64::MAX);
        let free = nth?.saturating_add(per);
        (free > now).then_some(free)
    }
}

fn limits(text: &str) -> Result<Vec<Limit>, Why> {
    let limits: Vec<Limit> = text.split(',').map(limit).collect::<Result<_, _>>()?;
    if limits.len() > MOST_LIMITS {
        return Err(format!(
            "at most {MOST_LIMITS} limits can stand on a permit"
        ));
    }
    Ok(limits)
}

fn limit(text: &str) -> Result<Limit, Why> {
    let form =
        || "write `20 per hour`, `5 per 10 minutes` or `20 per hour, 100 per day`".to_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let (uses, many, unit) = match words.as_slice() {
        [uses, "per", unit] => (*uses, "1", *unit),
        [uses, "per", many, unit] => (*uses, *many, *unit),
        _ => return Err(form()),
    };
    let unit = match unit {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return Err(form()),
    };
    let (uses, many) = (
        number(uses).ok_or_else(form)?,
        number(many).ok_or_else(form)?,
    );
    if uses > MOST_USES {
        return Err(format!("a limit has at most {MOST_USES} uses"));
    }
    let per = Duration::from_secs(u64::from(many).saturating_mul(unit));
    if per > LONGEST {
        return Err("a limit is for 31 days at most".to_owned());
    }
    Ok(Limit { uses, per })
}

fn urgency(text: &str) -> Result<Urgency, Why> {
    match text {
        "urgent" => Ok(Urgency::Urgent),
        "normal" => Ok(Urgency::Normal),
        "quiet" => Ok(Urgency::Quiet),
        _ => Err("write `urgent`, `normal` or `quiet`".to_owned()),
    }
}

fn approval(text: &str) -> Result<Approval, Why> {
    let form = || "write how many of which group have to say yes: `1 of security`".to_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let [approvers, "of", group] = words.as_slice() else {
        return Err(form());
    };
    let approvers = number(approvers).ok_or_else(form)?;
    if approvers > MOST_APPROVERS {
        return Err(format!("at most {MOST_APPROVERS} can be asked for"));
    }
    let group = group.parse().map_err(|_| form())?;
    Ok(Approval { approvers, group })
}

/// A whole number from 1 on, in plain digits without a zero in front.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

/// A mistake in an obligation, without its place.
pub(super) fn mistake(key: &str, why: &str) -> Mistake {
    Mistake::new(format!("annotation `@{key}` can't be understood")).hint(why)
}

/// An obligation where it would have no effect.
pub(super) fn on_forbid(key: &str) -> Mistake {
    Mistake::new(format!("annotation `@{key}` has no effect on a `forbid`"))
        .hint("remove it, or put it on the `permit` whose uses it is about")
}

/// `20 per hour`, `5 per 10 minutes`: as it is written.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.per.as_secs() / 60;
        let (many, unit) = match minutes {
            m if m % (24 * 60) == 0 => (m / (24 * 60), "day"),
            m if m % 60 == 0 => (m / 60, "hour"),
            m => (m, "minute"),
        };
        match many {
            1 => write!(f, "{} per {unit}", self.uses),
            many => write!(f, "{} per {many} {unit}s", self.uses),
        }
    }
}

/// `1 of security`: as it is written.
impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.approvers, self.group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> Result<Duty, String> {
        Duty::read([(key, value)].into_iter()).map_err(|(_, why)| why)
    }

    fn written(text: &str) -> Vec<String> {
        let duty = read("limit", text).unwrap();
        duty.limits.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn limits_are_read_as_they_are_written() {
        for (text, limits) in [
            ("20 per hour", &["20 per hour"][..]),
            ("1 per minute", &["1 per minute"]),
            ("5 per 10 minutes", &["5 per 10 minutes"]),
            (" 5  per 60 minutes ", &["5 per hour"]),
            ("20 per hour, 100 per day", &["20 per hour", "100 per day"]),
            (
                "20 per hour,100 per 31 days",
                &["20 per hour", "100 per 31 days"],
            ),
            ("3 per 24 hours", &["3 per day"]),
            ("1000000 per 2 days", &["1000000 per 2 days"]),
        ] {
            assert_eq!(written(text), limits, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            ",",
            "20",
            "20 per",
            "per hour",
            "20 an hour",
            "20 per fortnight",
            "0 per hour",
            "-1 per hour",
            "+1 per hour",
            "020 per hour",
            "1.5 per hour",
            "20 per 0 hours",
            "20 per hour,",
            "20 per hour 30",
            "1000001 per day",
            "20 per 32 days",
            "20 PER hour",
            "4294967296 per day",
            "20 per 4294967295 days",
            "٢ per hour",
            "1 per day, 1 per day, 1 per day, 1 per day, 1 per day",
        ] {
            assert!(read("limit", text).is_err(), "{text}");
        }
    }

    #[test]
    fn urgencies_and_approvals_are_read() {
        assert_eq!(
            read("notify", "quiet").unwrap().urgency,
            Some(Urgency::Quiet)
        );
        for text in ["", "Urgent", "loud", "urgent "] {
            assert!(read("notify", text).is_err(), "{text}");
        }
        let approval = read("approve", "2 of security/on-call").unwrap().approval;
        assert_eq!(approval.unwrap().to_string(), "2 of security/on-call");
        for text in [
            "",
            "security",
            "0 of security",
            "17 of security",
            "1 of",
            "1 of a b",
            "1 of ?",
        ] {
            assert!(read("approve", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_slot_is_free_when_the_window_has_passed() {
        let limit = Limit {
            uses: 2,
            per: Duration::from_secs(60),
        };
        assert_eq!(limit.free_at(None, 0), None);
        assert_eq!(limit.free_at(Some(1_000), 60_999), Some(61_000));
        assert_eq!(limit.free_at(Some(1_000), 61_000), None);
        // A clock that was set back lets nobody in earlier.
        assert_eq!(limit.free_at(Some(100_000), 50_000), Some(160_000));
    }
}
