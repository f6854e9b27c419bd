//! What is read of the log, and what is to be told of it.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::window::{Fate, Span, Window};
use crate::{
    audit::entry::Entry,
    notification::{
        Notification, Urgency, marked,
        pattern::{Pattern, Seen},
        tell::Terms,
        urgency,
    },
    store::StoredEntry,
};

/// A notification that waits for its delivery.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    /// The first entry of which it tells.
    pub(super) first: u64,
    pub(super) notification: Notification,
}

/// An entry with all that is known of it.
struct Told<'a> {
    stored: &'a StoredEntry,
    entry: &'a Entry,
    seen: &'a Seen,
    urgency: Urgency,
}

impl Told<'_> {
    fn notification(&self, origin: &str) -> Notification {
        let Seen { times, marks } = self.seen;
        Notification::of_entry(origin, self.stored, self.entry, *times, marks)
    }
}

/// The log up to some entry, and what was made of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    pub(super) pattern: Pattern,
    pub(super) window: Option<Window>,
    pub(super) outbox: VecDeque<Outgoing>,
    /// The entry that is to be read next.
    pub(super) wanted: u64,
}

impl Reading {
    /// Reads the next entry. Urgent ones before `urgent` were told already.
    pub(super) fn read(
        &mut self,
        terms: &Terms,
        origin: &str,
        stored: &StoredEntry,
        now: Timestamp,
        urgent: u64,
    ) {
        self.wanted = stored.index + 1;
        let Ok(entry) = Entry::parse(&stored.line) else {
            // It has no time that could be believed: it stands beside all windows.
            if stored.index >= urgent {
                self.push(Notification::of_unreadable(origin, stored));
            }
            return;
        };
        let seen = self.pattern.learn(stored.index, &entry);
        let urgency = marked(urgency(&entry.event), &seen.marks);
        if !terms.is_told(&entry.event, urgency) {
            return;
        }
        let told = Told {
            stored,
            entry: &entry,
            seen: &seen,
            urgency,
        };
        match self.fate(terms, origin, &told, now) {
            Fate::Alone => {
                if urgency < Urgency::Urgent || stored.index >= urgent {
                    self.push(told.notification(origin));
                }
            }
            Fate::Folded(is_more) => {
                let Some(window) = &mut self.window else {
                    return;
                };
                match &mut window.digest {
                    Some(digest) => digest.add(stored.index, &entry, urgency, is_more),
                    None => window.fold(&entry, told.notification(origin), is_more),
                }
            }
        }
    }

    /// Opens the window to which the entry belongs, after the end of the one before.
    fn fate(&mut self, terms: &Terms, origin: &str, told: &Told<'_>, now: Timestamp) -> Fate {
        let time = told.entry.time;
        let span = Span::of(terms, time, now);
        if self
            .window
            .as_ref()
            .is_some_and(|open| !open.takes(span, time))
        {
            self.end_window(origin);
        }
        if self.window.is_none() {
            self.window = span.map(Window::new);
        }
        match &mut self.window {
            Some(window) => window.settle(told.entry, told.urgency, !told.seen.marks.is_empty()),
            None => Fate::Alone,
        }
    }

    /// Ends the open window: what it folded is told.
    pub(super) fn end_window(&mut self, origin: &str) {
        if let Some(digest) = self.window.take().and_then(|window| window.digest) {
            self.outbox.push_back(Outgoing {
                first: digest.first(),
                notification: digest.tell(origin),
            });
        }
    }

    fn push(&mut self, notification: Notification) {
        self.outbox.push_back(Outgoing {
            first: notification.index,
            notification,
        });
    }

    /// Forgets what is to be told: it was.
    pub(super) fn all_told(&mut self) {
        self.outbox.clear();
        if let Some(window) = &mut self.window {
            window.digest = None;
        }
    }

    /// The first entry that needs telling, or is not read yet.
    pub(super) fn untold(&self) -> u64 {
        let folded = self
            .window
            .as_ref()
            .and_then(|window| window.digest.as_ref());
        let waiting = self.outbox.iter().map(|outgoing| outgoing.first);
        (waiting.chain(folded.map(|digest| digest.first())))
            .min()
            .unwrap_or(self.wanted)
    }

    /// The first urgent one in the outbox: its place there.
    pub(super) fn first_urgent(&self) -> Option<usize> {
        (self.outbox.iter()).position(|outgoing| outgoing.notification.urgency == Urgency::Urgent)
    }
}
