//! What each service usually does with which secret, worked out from the audit log: what makes
//! "3rd time today" and the marks true.
//!
//! It promises to be the same however it came about: entry by entry, or read back after a restart.
//! So it is a function of entries that every restart can read again: whole UTC days, at most 30 of
//! them, within [`DEPTH`] entries before the newest day. The rules are in
//! [`manual::notification`](crate::manual::notification#marks).

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv6Addr},
};

use jiff::Timestamp;

use super::mark::{Mark, Marks};
use crate::{
    audit::entry::{Ask, Entry, Event},
    name::Name,
    operation::OperationName,
    request::WayIn,
};

mod calendar;
mod glance;
mod habit;

use calendar::{Calendar, Day, Turn, day, hour};
use habit::Habit;

/// So many entries before the first one of the newest day are remembered, and so many of that day.
const DEPTH: u64 = 100_000;
/// So many pairs of a service and a secret are remembered; what comes beyond is not marked.
const MOST_PAIRS: usize = 20_000;
/// A service that came from more places than this has none that would be its own.
const MOST_PLACES: usize = 8;

/// What each service usually does.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    calendar: Calendar,
    services: HashMap<Name, Service>,
    pairs: usize,
}

#[derive(Clone, Debug, Default)]
struct Service {
    /// From where it came, the latest last, with the day on which it did last.
    places: Vec<(Place, Day)>,
    secrets: HashMap<Name, Habit>,
}

/// From where a request came, as exactly as it is worth to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Address(IpAddr),
    WayIn(WayIn),
}

/// What the pattern says of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The how-manieth use of its kind it is today, where that is known.
    pub(super) times: Option<u64>,
    /// What is out of the ordinary about it.
    pub(super) marks: Marks,
}

/// A use, or a request for one.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    service: &'a Name,
    operation: OperationName,
    secret: &'a Name,
    address: Option<IpAddr>,
    way_in: WayIn,
    /// Nothing was used yet.
    is_pending: bool,
}

impl Default for Pattern {
    fn default() -> Self {
        Self::within(DEPTH)
    }
}

impl Pattern {
    /// Nothing known yet; `depth` is [`DEPTH`].
    fn within(depth: u64) -> Self {
        Self {
            calendar: Calendar::within(depth),
            services: HashMap::new(),
            pairs: 0,
        }
    }

    /// Says what is out of the ordinary about an entry, and remembers it.
    pub(super) fn learn(&mut self, index: u64, entry: &Entry) -> Seen {
        let asked = |ask: &Ask, is_pending| (ask.address, ask.way_in, is_pending);
        let (ask, secret, (address, way_in, is_pending)) = match &entry.event {
            Event::Use { ask, secret, .. } => (ask, secret, asked(ask, false)),
            Event::Pending { ask, secret, .. } => (ask, secret, asked(ask, true)),
            _ => return self.learn_of(index, entry.time, None),
        };
        let asked = Asked {
            service: &ask.service,
            operation: ask.operation,
            secret,
            address,
            way_in,
            is_pending,
        };
        self.learn_of(index, entry.time, Some(&asked))
    }

    fn learn_of(&mut self, index: u64, time: Timestamp, asked: Option<&Asked<'_>>) -> Seen {
        let today = day(time);
        match self.calendar.turn_to(today, index) {
            Turn::Same => {}
            Turn::Next => self.forget(),
            Turn::Back => {
                self.services.clear();
                self.pairs = 0;
            }
            // Nobody could say after a restart what came before it on this day.
            Turn::Unknown => return Seen::default(),
        }
        match asked {
            Some(asked) => self.seen(asked, time),
            None => Seen::default(),
        }
    }

    fn seen(&mut self, asked: &Asked<'_>, time: Timestamp) -> Seen {
        let (today, hour) = (day(time), hour(time));
        let place = Place::of(asked);
        let is_known = (self.services.get(asked.service))
            .is_some_and(|service| service.secrets.contains_key(asked.secret));
        if !is_known && self.pairs >= MOST_PAIRS {
            return Seen::default();
        }
        let mut marks = Vec::new();
        let mut rate = None;
        // A request that waits leaves no trace: whoever is refused must not get used to.
        let (mut unknown_service, mut unknown_habit) = (Service::default(), Habit::default());
        let service = match asked.is_pending {
            true => (self.services.get_mut(asked.service)).unwrap_or(&mut unknown_service),
            false => self.services.entry(asked.service.clone()).or_default(),
        };
        if service.is_new(place) {
            marks.push(Mark::NewAddress);
        }
        let habit = match asked.is_pending {
            true => (service.secrets.get_mut(asked.secret)).unwrap_or(&mut unknown_habit),
            false => service.secrets.entry(asked.secret.clone()).or_default(),
        };
        if habit.is_new(asked.operation) {
            marks.push(Mark::FirstUse);
        }
        if habit.is_unusual_hour(today, hour) {
            marks.push(Mark::UnusualHour);
        }
        let times = match asked.is_pending {
            true => None,
            false => {
                self.pairs += usize::from(!is_known);
                let (times, in_hour, is_unusual) = habit.count(asked.operation, today, hour);
                if is_unusual {
                    marks.push(Mark::UnusualRate);
                    rate = Some((in_hour, calendar::begin_of(hour)));
                }
                service.came_from(place, today);
                Some(times)
            }
        };
        if !self.calendar.is_long() {
            marks.clear();
        }
        marks.sort_unstable();
        Seen {
            times,
            marks: Marks {
                marks,
                address: asked.address,
                hour: rate,
            },
        }
    }

    /// Forgets what is older than the memory of the new day reaches.
    fn forget(&mut self) {
        let begin = self.calendar.begin();
        self.services.retain(|_, service| {
            service.places.retain(|(_, last)| *last >= begin);
            service.secrets.retain(|_, habit| habit.forget(begin));
            !service.secrets.is_empty()
        });
        self.pairs = self.services.values().map(|of| of.secrets.len()).sum();
    }
}

impl Service {
    /// Whether it came from other places only.
    fn is_new(&self, place: Place) -> bool {
        !self.places.is_empty()
            && self.places.len() <= MOST_PLACES
            && self.places.iter().all(|(known, _)| *known != place)
    }

    fn came_from(&mut self, place: Place, today: Day) {
        self.places.retain(|(known, _)| *known != place);
        if self.places.len() > MOST_PLACES {
            self.places.remove(0);
        }
        self.places.push((place, today));
    }
}

impl Place {
    /// A host has an IPv6 network of 64 bits to itself, and may take another address each day.
    fn of(asked: &Asked<'_>) -> Self {
        match asked.address.map(|address| address.to_canonical()) {
            Some(IpAddr::V6(address)) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Self::Address(Ipv6Addr::from_bits(network).into())
            }
            Some(address) => Self::Address(address),
            None => Self::WayIn(asked.way_in),
        }
    }
}

#[cfg(test)]
mod tests;
