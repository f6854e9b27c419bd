//! A stretch of the log whose entries are folded together, and which of them are not.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    audit::entry::{Entry, Kind},
    notification::{
        Notification, Urgency,
        digest::{Digest, Fold, Group},
        tell::Terms,
    },
};

/// So many entries are told at once in one window for being the first of their group.
const MOST_FIRSTS: usize = 20;
/// So many groups are known to have been told in a window; others are folded from the first on.
const MOST_GROUPS: usize = 256;
/// An entry may be older than the window that is open by this, and is counted in it: several agents
/// write one log, and their clocks differ.
const SLACK: SignedDuration = SignedDuration::from_secs(60);
/// A window ends by the clock this long after its time: what was recorded at its very end is read
/// a moment later.
pub(super) const GRACE: SignedDuration = SignedDuration::from_secs(1);

/// Which entries are folded together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Those of so many minutes by the clock.
    Minutes {
        begin: Timestamp,
        end: Timestamp,
        minutes: i64,
    },
    /// Those of the same quiet hours.
    QuietHours { begin: Timestamp, end: Timestamp },
    /// Those that are late.
    Late,
}

impl Span {
    /// Where an entry of this time belongs that is told at `now`; nowhere if nothing is folded then.
    pub(super) fn of(terms: &Terms, time: Timestamp, now: Timestamp) -> Option<Self> {
        if terms.is_late(time, now) {
            return Some(Self::Late);
        }
        if let Some((begin, end)) = terms.quiet_at(time) {
            return Some(Self::QuietHours { begin, end });
        }
        let length = terms.digest?;
        let since = time.as_second().rem_euclid(length.as_secs());
        let begin = Timestamp::from_second(time.as_second() - since).ok()?;
        Some(Self::Minutes {
            begin,
            end: begin.checked_add(length).ok()?,
            minutes: length.as_mins(),
        })
    }

    /// When it begins and ends by the clock.
    fn times(self) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Minutes { begin, end, .. } | Self::QuietHours { begin, end } => {
                Some((begin, end))
            }
            Self::Late => None,
        }
    }

    pub(super) fn begin(self) -> Option<Timestamp> {
        self.times().map(|(begin, _)| begin)
    }

    /// When it is over by the clock; `None` if it is as soon as there is nothing more to read.
    pub(super) fn over(self) -> Option<Timestamp> {
        let (_, end) = self.times()?;
        end.checked_add(GRACE).ok()
    }

    /// Whether an entry of this time that belongs to `other` is counted here all the same.
    fn takes(self, other: Option<Self>, time: Timestamp) -> bool {
        if other == Some(self) {
            return true;
        }
        match (self.begin(), other) {
            (Some(begin), Some(Self::Minutes { .. } | Self::QuietHours { .. })) => {
                time < begin && begin.duration_since(time) <= SLACK
            }
            _ => false,
        }
    }
}

/// An open window.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) span: Span,
    /// What was told by itself of each group.
    told: HashSet<Group>,
    /// How many were for being the first.
    firsts: usize,
    pub(super) digest: Option<Digest>,
}

/// What becomes of an entry in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is told by itself.
    Alone,
    /// It is counted; `true` if one of its group was told by itself before.
    Folded(bool),
}

impl Window {
    pub(super) fn new(span: Span) -> Self {
        Self {
            span,
            told: HashSet::new(),
            firsts: 0,
            digest: None,
        }
    }

    /// Whether this entry is of this window.
    pub(super) fn takes(&self, span: Option<Span>, time: Timestamp) -> bool {
        self.span.takes(span, time)
    }

    /// Whether it is over by the clock, when there is nothing more to read. One that lies in the
    /// future is over too: the clock was set back, and nobody knows by how much.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        let has_begun = (self.span.begin()).is_none_or(|begin| begin.duration_since(now) <= SLACK);
        !has_begun || self.span.over().is_none_or(|over| over <= now)
    }

    /// Settles what becomes of an entry, and remembers it.
    pub(super) fn settle(&mut self, entry: &Entry, urgency: Urgency, is_marked: bool) -> Fate {
        let group = Group::of(&entry.event);
        let was_told = self.told.contains(&group);
        let fate = self.fate(entry.event.kind(), urgency, is_marked, was_told);
        if fate == Fate::Alone && self.told.len() < MOST_GROUPS {
            self.told.insert(group);
        }
        fate
    }

    fn fate(&mut self, kind: Kind, urgency: Urgency, is_marked: bool, was_told: bool) -> Fate {
        if urgency == Urgency::Urgent || is_marked {
            return Fate::Alone;
        }
        if self.span == Span::Late || urgency == Urgency::Quiet {
            return Fate::Folded(was_told);
        }
        match (kind, self.span) {
            (Kind::Pending | Kind::Decision | Kind::Administration, _) => Fate::Alone,
            (_, Span::Minutes { .. }) if !was_told && self.firsts < MOST_FIRSTS => {
                self.firsts += 1;
                Fate::Alone
            }
            _ => Fate::Folded(was_told),
        }
    }

    /// Counts an entry.
    pub(super) fn fold(&mut self, entry: &Entry, notification: Notification, is_more: bool) {
        let fold = match self.span {
            Span::Minutes { minutes, .. } => Fold::Window(minutes),
            Span::QuietHours { .. } => Fold::QuietHours,
            Span::Late => Fold::Late,
        };
        self.digest = Some(Digest::of(fold, entry, notification, is_more));
    }
}
