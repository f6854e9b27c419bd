//! Conditions on when a request comes: until a day, between two hours, on some days of the week.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

/// When the request may come, in UTC. All that is set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Before this moment; whole seconds.
    pub until: Option<Timestamp>,
    /// Between these hours.
    pub hours: Option<Hours>,
    /// On these days.
    pub days: Option<Days>,
}

/// From one full hour to another, over midnight if the second is the smaller: `9-17` begins at
/// 9:00 and ends before 17:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: u8,
    to: u8,
}

/// Days of the week: `mon-fri`, `sat,sun`, `fri-mon`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    /// 1 is Monday; in order, each once.
    numbers: Vec<u8>,
}

/// Why a text is not [`Hours`] or [`Days`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTimes {
    /// No hours.
    #[error("`{}` is not two hours of a day: write `9-17`, or `22-6` over midnight", .0.escape_debug())]
    Hours(String),
    /// No days.
    #[error("`{}` is not days of the week: write `mon-fri` or `sat,sun`", .0.escape_debug())]
    Days(String),
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Times {
    /// The conditions, in Cedar.
    pub(super) fn conditions(&self) -> Vec<String> {
        let until = self
            .until
            .map(|until| format!("context.time < datetime(\"{until:.0}\")"));
        let hours = self.hours.map(|hours| hours.to_string());
        let days = self.days.as_ref().map(ToString::to_string);
        until.into_iter().chain(days).chain(hours).collect()
    }
}

impl FromStr for Hours {
    type Err = BadTimes;

    fn from_str(text: &str) -> Result<Self, BadTimes> {
        let hour = |text: &str| {
            let plain = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse::<u8>().ok()).flatten()
        };
        text.split_once('-')
            .and_then(|(from, to)| Some((hour(from)?, hour(to)?)))
            .filter(|(from, to)| *from < 24 && *to <= 24 && from != to && (*from, *to) != (0, 24))
            .map(|(from, to)| Self { from, to })
            .ok_or_else(|| BadTimes::Hours(text.to_owned()))
    }
}

impl FromStr for Days {
    type Err = BadTimes;

    fn from_str(text: &str) -> Result<Self, BadTimes> {
        let bad = || BadTimes::Days(text.to_owned());
        let number = |word: &str| {
            let at = DAYS.iter().position(|day| day.eq_ignore_ascii_case(word));
            at.ok_or_else(bad)
        };
        let mut is_in = [false; DAYS.len()];
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            let many = (last + DAYS.len() - first) % DAYS.len();
            for day in first..=first + many {
                if let Some(day) = is_in.get_mut(day % DAYS.len()) {
                    *day = true;
                }
            }
        }
        let numbers = (1..)
            .zip(is_in)
            .filter_map(|(number, is_in)| is_in.then_some(number));
        Ok(Self {
            numbers: numbers.collect(),
        })
    }
}

/// As a condition in Cedar.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        match (from, to) {
            (0, to) => write!(f, "context.hour < {to}"),
            (from, 0 | 24) => write!(f, "context.hour >= {from}"),
            (from, to) if from < to => {
                write!(f, "context.hour >= {from} && context.hour < {to}")
            }
            (from, to) => write!(f, "(context.hour >= {from} || context.hour < {to})"),
        }
    }
}

/// As a condition in Cedar.
impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.numbers.iter().map(ToString::to_string).collect();
        write!(f, "[{}].contains(context.weekday)", numbers.join(", "))
    }
}
