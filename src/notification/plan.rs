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

use jiff::Timestamp;

use super::{Entries, Notification, pattern::Pattern, tell::Terms};
use crate::store::{StoreError, StoredEntry};

mod ahead;
mod reading;
mod restore;
mod window;

use ahead::Ahead;
use reading::Reading;

/// How far a channel is. Both numbers are made durable, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries before this index need no telling any more.
    pub told: u64,
    /// Urgent ones before this index need none either. It runs ahead of `told` while other entries are
    /// held, in quiet hours and for a digest. A channel that does not keep it may put `told`: a restart
    /// then repeats urgent ones.
    pub urgent: u64,
}

/// What one channel tells next.
#[derive(Clone, Debug)]
pub struct Plan {
    terms: Terms,
    origin: String,
    /// What is told, in the order of the log.
    reading: Reading,
    /// In quiet hours: what is read beyond that, for the sake of urgent entries.
    ahead: Option<Ahead>,
    /// Urgent entries before this index were told before this plan was made, or in quiet hours.
    urgent: u64,
    /// The end of what was read, ahead or not.
    seen: u64,
    offered: Option<Offer>,
    /// The newest time that was told.
    now: Timestamp,
}

/// Which notification was given last.
#[derive(Clone, Copy, Debug)]
enum Offer {
    /// The one in this place of the outbox.
    Outbox(usize),
    /// The first one ahead.
    Ahead,
}

impl Plan {
    /// The plan of a channel that is this far. Reads back what it has to know of the entries before:
    /// some 200,000 at most, and those of a window.
    pub fn restore(
        terms: Terms,
        origin: &str,
        log: &impl Entries,
        progress: Progress,
    ) -> Result<Self, StoreError> {
        let Progress { told, urgent } = progress;
        Ok(Self {
            reading: restore::reading(&terms, origin, log, told)?,
            terms,
            origin: origin.to_owned(),
            ahead: None,
            urgent: urgent.max(told),
            seen: told,
            offered: None,
            now: Timestamp::MIN,
        })
    }

    /// The index of the entry that is to be read next. It goes back when quiet hours end: what was
    /// passed over in them is read again.
    pub fn wanted(&self) -> u64 {
        match &self.ahead {
            Some(ahead) => ahead.wanted,
            None => self.reading.wanted,
        }
    }

    /// Reads the entry that is [`wanted`](Self::wanted); any other one is left aside. `now` is the
    /// time, by which it is settled whether the entry is late, and whether these are quiet hours.
    pub fn read(&mut self, entry: &StoredEntry, now: Timestamp) {
        self.turn_to(now);
        if entry.index != self.wanted() {
            return;
        }
        let Self {
            terms,
            origin,
            reading,
            urgent,
            ..
        } = self;
        if self.ahead.is_none() && terms.quiet_at(now).is_some() {
            self.ahead = Some(Ahead::of(reading));
        }
        match &mut self.ahead {
            Some(ahead) => ahead.read(terms, origin, entry, *urgent),
            None => reading.read(terms, origin, entry, now, *urgent),
        }
        self.seen = self.seen.max(self.wanted());
    }

    /// Says that the log had nothing more to read at `now`: windows that are over by then are told of.
    pub fn caught_up(&mut self, now: Timestamp) {
        self.turn_to(now);
        let is_read = self.ahead.is_none() && self.reading.wanted == self.seen;
        if !is_read || self.terms.quiet_at(now).is_some() {
            return;
        }
        let window = self.reading.window.as_ref();
        if window.is_some_and(|window| window.is_over(now)) {
            self.reading.end_window(&self.origin);
        }
    }

    /// Ends the open window before its time, so that a channel that stops for good has told all.
    /// What quiet hours hold stays held.
    pub fn close(&mut self) {
        if self.ahead.is_none() && self.terms.quiet_at(self.now).is_none() {
            self.reading.end_window(&self.origin);
        }
    }

    /// What is to be told now; the same until [`delivered`](Self::delivered), but that in quiet hours
    /// only what is urgent is.
    pub fn next(&mut self, now: Timestamp) -> Option<Notification> {
        self.turn_to(now);
        self.offered = self.offer(now);
        let outgoing = match self.offered? {
            Offer::Outbox(place) => &self.reading.outbox.get(place)?.notification,
            Offer::Ahead => self.ahead.as_ref()?.outbox.front()?,
        };
        Some(outgoing.clone())
    }

    fn offer(&self, now: Timestamp) -> Option<Offer> {
        let is_quiet = self.terms.quiet_at(now).is_some();
        if let Some(place) = self.reading.first_urgent()
            && (is_quiet || self.ahead.is_some())
        {
            return Some(Offer::Outbox(place));
        }
        match &self.ahead {
            Some(ahead) => (!ahead.outbox.is_empty()).then_some(Offer::Ahead),
            None if is_quiet || self.reading.outbox.is_empty() => None,
            None => Some(Offer::Outbox(0)),
        }
    }

    /// Says that the receiver has what [`next`](Self::next) gave last.
    pub fn delivered(&mut self) {
        match self.offered.take() {
            Some(Offer::Outbox(place)) => {
                self.reading.outbox.remove(place);
            }
            Some(Offer::Ahead) => {
                if let Some(ahead) = &mut self.ahead {
                    ahead.outbox.pop_front();
                }
            }
            None => {}
        }
    }

    /// When to go on though the log has not grown: with [`next`](Self::next), and then with what is
    /// [`wanted`](Self::wanted). A time that is not later than `now` means at once.
    pub fn wake(&self, now: Timestamp) -> Option<Timestamp> {
        let window = self.reading.window.as_ref();
        let window = window.filter(|window| window.digest.is_some());
        if let Some((_, end)) = self.terms.quiet_at(now) {
            let is_held =
                self.ahead.is_some() || window.is_some() || !self.reading.outbox.is_empty();
            return is_held.then_some(end);
        }
        if self.ahead.is_some() || self.reading.wanted < self.seen {
            return Some(now);
        }
        let window = window?;
        match window.is_over(now) {
            true => Some(now),
            false => window.span.over(),
        }
    }

    /// How far the channel is: what [`restore`](Self::restore) needs after a crash.
    pub fn progress(&self) -> Progress {
        let told = self.reading.untold();
        let waiting = (self.reading.first_urgent())
            .and_then(|place| self.reading.outbox.get(place))
            .map(|outgoing| outgoing.first);
        let ahead = (self.ahead.as_ref()).map(Ahead::untold);
        let read = ahead.unwrap_or(self.reading.wanted).max(self.urgent);
        Progress {
            told,
            urgent: waiting.unwrap_or(read),
        }
    }

    /// Goes back to what was passed over in quiet hours, when they are over and all that was urgent
    /// in them is told.
    fn turn_to(&mut self, now: Timestamp) {
        self.now = now;
        if self.terms.quiet_at(now).is_none()
            && let Some(ahead) = self.ahead.take_if(|ahead| ahead.outbox.is_empty())
        {
            self.urgent = self.urgent.max(ahead.wanted);
        }
    }
}
