//! Quiet hours: the log is read on for what is urgent, and the rest is passed over, to be read again
//! when they are over. So nothing has to be kept of it, however much it is.

use std::collections::VecDeque;

use super::reading::Reading;
use crate::{
    audit::entry::Entry,
    notification::{Notification, Urgency, marked, pattern::Pattern, tell::Terms, urgency},
    store::StoredEntry,
};

/// What is read ahead.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    /// As it is at `wanted`: the one of the reading stays where that stopped.
    pattern: Pattern,
    pub(super) outbox: VecDeque<Notification>,
    /// The entry that is to be read next.
    pub(super) wanted: u64,
}

impl Ahead {
    pub(super) fn of(reading: &Reading) -> Self {
        Self {
            pattern: reading.pattern.clone(),
            outbox: VecDeque::new(),
            wanted: reading.wanted,
        }
    }

    /// Reads the next entry. Urgent ones before `urgent` were told already.
    pub(super) fn read(&mut self, terms: &Terms, origin: &str, stored: &StoredEntry, urgent: u64) {
        self.wanted = stored.index + 1;
        let Ok(entry) = Entry::parse(&stored.line) else {
            if stored.index >= urgent {
                let notification = Notification::of_unreadable(origin, stored);
                self.outbox.push_back(notification);
            }
            return;
        };
        let seen = self.pattern.learn(stored.index, &entry);
        let urgency = marked(urgency(&entry.event), &seen.marks);
        let is_told = urgency == Urgency::Urgent && stored.index >= urgent;
        if is_told && terms.is_told(&entry.event, urgency) {
            let notification =
                Notification::of_entry(origin, stored, &entry, seen.times, &seen.marks);
            self.outbox.push_back(notification);
        }
    }

    /// The first urgent entry that needs telling, or the first one that is not read yet.
    pub(super) fn untold(&self) -> u64 {
        (self.outbox.front()).map_or(self.wanted, |notification| notification.index)
    }
}
