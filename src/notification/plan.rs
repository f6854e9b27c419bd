//! What one channel tells next, and from where it has to go on after a crash.
//!
//! No sockets and no clock: a follower reads the audit log into the plan, takes what is to be told,
//! delivers it and says so. The rules are in [`manual::notification`](crate::manual::notification).
//!
//! ```text
//! loop {
//!     while let Some(notification) = plan.next(now) { deliver(notification); plan.delivered() }
//!     make plan.progress() durable, now and then
//!     page = entries from plan.wanted() on
//!     if page is empty { plan.caught_up(now); if plan.next(now) is none { wait for the log to grow, or for plan.wake(now) } }
//!     for entry in page { plan.read(entry, now) }
//! }
//! when the agent stops: plan.close(), deliver what there is, make plan.progress() durable
//! ```
//!
//! A page is read only when there is nothing to tell, so that memory is bounded however long an
//! outage was.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Notification, Tally, tell::Terms};
use crate::store::{Reader, StoreError, StoredEntry};

/// How far a channel is. Both numbers are made durable, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries before this index need no telling any more.
    pub told: u64,
    /// Urgent ones before this index need none either; at least `told`. It runs ahead while the rest is
    /// held, in quiet hours and in a digest. A channel that does not keep it may put `told`:
    /// a restart then repeats them.
    pub urgent: u64,
}

/// What one channel tells next.
#[derive(Clone, Debug)]
pub struct Plan {
    #[expect(dead_code, reason = "not yet")]
    terms: Terms,
    origin: String,
    tally: Tally,
    outbox: VecDeque<Notification>,
    wanted: u64,
}

impl Plan {
    /// The plan of a channel that is this far. Reads back what it has to know of the entries before.
    pub fn restore(
        terms: Terms,
        origin: &str,
        reader: &impl Reader,
        progress: Progress,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            terms,
            origin: origin.to_owned(),
            tally: Tally::up_to(reader, progress.told)?,
            outbox: VecDeque::new(),
            wanted: progress.told,
        })
    }

    /// The index of the entry that is to be read next. It goes back when quiet hours end.
    pub fn wanted(&self) -> u64 {
        self.wanted
    }

    /// Reads the entry that is [`wanted`](Self::wanted); any other one is left aside. `now` is the
    /// time, by which it is settled whether the entry is late, and whether these are quiet hours.
    pub fn read(&mut self, entry: &StoredEntry, _now: Timestamp) {
        if entry.index != self.wanted {
            return;
        }
        self.wanted += 1;
        let notification = Notification::of(&self.origin, entry, &mut self.tally);
        self.outbox.push_back(notification);
    }

    /// Says that the log had nothing more to read at `now`: windows that are over by then are told of.
    pub fn caught_up(&mut self, _now: Timestamp) {}

    /// Ends the open window before its time, so that a channel that stops for good has told all.
    /// What quiet hours hold stays held.
    pub fn close(&mut self) {}

    /// What is to be told now; the same until [`delivered`](Self::delivered), but that something urgent
    /// goes first in quiet hours.
    pub fn next(&mut self, _now: Timestamp) -> Option<Notification> {
        self.outbox.front().cloned()
    }

    /// Says that the receiver has what [`next`](Self::next) gave last.
    pub fn delivered(&mut self) {
        self.outbox.pop_front();
    }

    /// When to call [`caught_up`](Self::caught_up) and [`next`](Self::next) again though the log has not grown.
    pub fn wake(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }

    /// How far the channel is: what [`restore`](Self::restore) needs after a crash.
    pub fn progress(&self) -> Progress {
        let told = self
            .outbox
            .front()
            .map_or(self.wanted, |notification| notification.index);
        Progress { told, urgent: told }
    }
}
