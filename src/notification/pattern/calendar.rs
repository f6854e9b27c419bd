//! How far back the memory reaches: whole UTC days, as many as every restart can read again.

use super::{Timestamp, VecDeque};

/// Days since 1970, in UTC.
pub(super) type Day = i64;
/// Hours since 1970, in UTC.
pub(super) type Hour = i64;

/// So many days before the newest one are remembered.
pub(super) const DAYS: i64 = 30;
/// A memory that was cut to less than this says nothing of what is usual: what happens once a week
/// would be marked each time.
const LONG: i64 = 7;

/// The newest day, and where the days before it begin.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    /// So many entries before the first one of the newest day are remembered, and so many of that day.
    depth: u64,
    /// Each day that has entries with the index of its first one; the newest is the last.
    days: VecDeque<(Day, u64)>,
    /// Where the memory was emptied because the clock was set back.
    emptied: Option<Day>,
    /// The first day of the memory.
    begin: Day,
    is_long: bool,
}

/// What an entry's day means for the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is the newest day.
    Same,
    /// It is a new day.
    Next,
    /// The clock was set back by days: what was learned of a time that is yet to come is worth nothing.
    Back,
    /// The entry is left aside: it is of the evening before, or beyond so many entries of one day.
    Unknown,
}

impl Calendar {
    pub(super) fn within(depth: u64) -> Self {
        Self {
            depth,
            days: VecDeque::new(),
            emptied: None,
            begin: 0,
            is_long: false,
        }
    }

    pub(super) fn turn_to(&mut self, day: Day, index: u64) -> Turn {
        let Some((newest, first)) = self.days.back().copied() else {
            self.begin_day(day, index);
            return Turn::Next;
        };
        if day > newest {
            self.begin_day(day, index);
            Turn::Next
        } else if day < newest - 1 {
            self.days.clear();
            self.emptied = Some(day);
            self.begin_day(day, index);
            Turn::Back
        } else if day < newest || index.saturating_sub(first) >= self.depth {
            Turn::Unknown
        } else {
            Turn::Same
        }
    }

    fn begin_day(&mut self, day: Day, index: u64) {
        self.days.push_back((day, index));
        self.begin = day - DAYS;
        let mut is_cut = false;
        while let Some((oldest, first)) = self.days.front().copied() {
            if oldest < day - DAYS {
                self.days.pop_front();
            } else if first < index.saturating_sub(self.depth) {
                self.days.pop_front();
                self.begin = oldest + 1;
                is_cut = true;
            } else {
                break;
            }
        }
        if let Some(emptied) = self.emptied.filter(|emptied| *emptied >= self.begin) {
            self.begin = emptied;
            is_cut = true;
        }
        self.is_long = !is_cut || self.begin <= day - LONG;
    }

    /// The first day of the memory.
    pub(super) fn begin(&self) -> Day {
        self.begin
    }

    /// Whether the memory says what is usual: it has the whole log, 30 days, or 7 at least.
    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }
}

pub(super) fn day(time: Timestamp) -> Day {
    time.as_second().div_euclid(24 * 3600)
}

pub(super) fn hour(time: Timestamp) -> Hour {
    time.as_second().div_euclid(3600)
}

pub(super) fn begin_of(hour: Hour) -> Timestamp {
    Timestamp::from_second(hour * 3600).unwrap_or_default()
}
