//! When a channel that could not deliver tries again: soon at first, then ever later, and never all
//! at the same moment.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use jiff::Timestamp;

/// The pause after the first failure, and the longest.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);
/// The longest pause that a receiver can ask for: it says when, but not whether the owner is told.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// The failures since the last delivery.
#[derive(Debug)]
pub struct Retry {
    /// Whose they are: others pause a little longer or shorter.
    salt: u64,
    since: Option<Timestamp>,
    tries: u32,
}

impl Retry {
    pub fn new(origin: &str, channel: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (origin, channel).hash(&mut hasher);
        Self {
            salt: hasher.finish(),
            since: None,
            tries: 0,
        }
    }

    /// Something was delivered.
    pub fn reset(&mut self) {
        self.since = None;
        self.tries = 0;
    }

    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Counts a failure: when the first one was, and how long to pause now. `asked` is for how long the
    /// receiver wants to be left alone.
    pub fn failed(&mut self, asked: Option<Duration>, now: Timestamp) -> (Timestamp, Duration) {
        let since = *self.since.get_or_insert(now);
        let doubled = SHORTEST.saturating_mul(1 << self.tries.min(16));
        self.tries = self.tries.saturating_add(1);
        let own = self.jittered(doubled.min(LONGEST));
        (since, own.max(asked.unwrap_or_default().min(LONGEST_ASKED)))
    }

    /// Something between half of it and all of it, other at each try and for each channel: those of
    /// a fleet that lost the same receiver come back one after the other.
    fn jittered(&self, pause: Duration) -> Duration {
        let mut hasher = DefaultHasher::new();
        (self.salt, self.tries).hash(&mut hasher);
        let share = u32::try_from(hasher.finish() % 1024).unwrap_or_default();
        pause / 2 + pause * share / 2048
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(channel: &str, asked: Option<Duration>) -> Vec<Duration> {
        let mut retry = Retry::new("strongroom/here", channel);
        (0..40)
            .map(|_| retry.failed(asked, Timestamp::UNIX_EPOCH).1)
            .collect()
    }

    #[test]
    fn pauses_grow_up_to_a_minute_and_differ() {
        let ours = pauses("ops", None);
        for (tries, pause) in ours.iter().enumerate() {
            let whole = SHORTEST.saturating_mul(1 << tries.min(16)).min(LONGEST);
            assert!((whole / 2..=whole).contains(pause), "{tries}: {pause:?}");
        }
        assert!(ours.iter().all(|pause| *pause <= LONGEST));
        let late: std::collections::BTreeSet<_> = ours[20..].iter().collect();
        assert!(late.len() > 10, "the same channel does not keep step");
        assert_ne!(ours, pauses("mail", None), "nor do two of them");
    }

    #[test]
    fn a_delivery_starts_anew() {
        let mut retry = Retry::new("strongroom/here", "ops");
        let first = retry.failed(None, Timestamp::UNIX_EPOCH);
        let later = Timestamp::from_second(60).unwrap();
        assert_eq!(retry.failed(None, later).0, Timestamp::UNIX_EPOCH);
        assert_eq!(retry.tries(), 2);
        retry.reset();
        assert_eq!(retry.failed(None, later), (later, first.1));
    }

    #[test]
    fn a_receiver_says_when_within_bounds() {
        for (asked, least, most) in [(0, 0, 1), (5, 5, 5), (86_400, 3600, 3600)] {
            let first = pauses("ops", Some(Duration::from_secs(asked)))[0];
            let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
            assert!(bounds.contains(&first), "{asked}: {first:?}");
        }
    }
}
