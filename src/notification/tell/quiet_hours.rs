//! `22:00-07:00`: the hours of each day in which only what is urgent is told.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde::Deserialize;

/// Two times of day; the second may be on the next day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct QuietHours {
    begin: Time,
    end: Time,
}

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` are no quiet hours: write two times of day, as in `22:00-07:00`", .0.escape_debug())]
pub struct BadQuietHours(String);

impl QuietHours {
    /// The hours around `time` on the clocks of `zone`: from when, and until when; `None` outside of
    /// them. A time of day that a change of the clocks skips is the moment of the change; one that it repeats is
    /// the first of the two.
    pub fn around(self, time: Timestamp, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let today = zone.to_datetime(time).date();
        // Near a change of the clocks the civil date alone does not say which night it is.
        [today.yesterday(), Ok(today)]
            .into_iter()
            .flatten()
            .filter_map(|date| self.from(date, zone))
            .find(|(begin, end)| *begin <= time && time < *end)
    }

    /// The hours that begin on this day.
    fn from(self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let last = match self.end > self.begin {
            true => date,
            false => date.checked_add(1.day()).ok()?,
        };
        let moment = |date: Date, time: Time| {
            zone.to_ambiguous_timestamp(date.to_datetime(time))
                .compatible()
                .ok()
        };
        Some((moment(date, self.begin)?, moment(last, self.end)?))
    }
}

impl FromStr for QuietHours {
    type Err = BadQuietHours;

    fn from_str(text: &str) -> Result<Self, BadQuietHours> {
        let parsed = || {
            let (begin, end) = text.split_once('-')?;
            let (begin, end) = (time_of_day(begin.trim())?, time_of_day(end.trim())?);
            (begin != end).then_some(Self { begin, end })
        };
        parsed().ok_or_else(|| BadQuietHours(text.chars().take(64).collect()))
    }
}

/// `HH:MM`, and nothing else.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

impl TryFrom<String> for QuietHours {
    type Error = BadQuietHours;

    fn try_from(text: String) -> Result<Self, BadQuietHours> {
        text.parse()
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begin, end } = self;
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            begin.hour(),
            begin.minute(),
            end.hour(),
            end.minute()
        )
    }
}
