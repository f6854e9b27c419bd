//! Reading a pattern back: no more of each line than it needs.

use std::{borrow::Cow, net::IpAddr};

use serde::Deserialize;

use super::{Asked, DEPTH, Day, Name, OperationName, Pattern, Timestamp, WayIn, day};
use crate::{audit::entry::Kind, notification::Entries, store::StoreError};

/// Entries read at once.
const PAGE: u32 = 1024;

/// What the pattern needs of a line.
#[derive(Deserialize)]
struct Glance<'a> {
    time: Timestamp,
    kind: Kind,
    #[serde(borrow)]
    ask: Option<AskedThen<'a>>,
    #[serde(borrow)]
    secret: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct AskedThen<'a> {
    address: Option<IpAddr>,
    operation: OperationName,
    #[serde(borrow)]
    service: Cow<'a, str>,
    way_in: WayIn,
}

#[derive(Deserialize)]
struct When {
    time: Timestamp,
}

impl Pattern {
    /// The pattern as it is after the first `size` entries of the log: what reading them one by one
    /// would have made.
    pub(in super::super) fn up_to(log: &impl Entries, size: u64) -> Result<Self, StoreError> {
        Self::read_back(log, size, DEPTH)
    }

    pub(super) fn read_back(log: &impl Entries, size: u64, depth: u64) -> Result<Self, StoreError> {
        let mut pattern = Self::within(depth);
        let mut index = first_needed(log, size, depth)?;
        while index < size {
            let limit = u32::try_from(size - index).map_or(PAGE, |left| left.min(PAGE));
            let page = log.page(index, limit)?;
            if page.is_empty() {
                break;
            }
            for stored in page {
                pattern.glance(stored.index, &stored.line);
                index = stored.index + 1;
            }
        }
        Ok(pattern)
    }

    /// Learns from a line without reading all of it. One that cannot be read teaches nothing, as in
    /// [`learn`](Self::learn).
    fn glance(&mut self, index: u64, line: &str) {
        let Ok(Glance {
            time,
            kind,
            ask,
            secret,
        }) = serde_json::from_str(line)
        else {
            return;
        };
        let names = ask.as_ref().zip(secret).and_then(|(ask, secret)| {
            let names: (Name, Name) = (ask.service.parse().ok()?, secret.parse().ok()?);
            Some((ask, names))
        });
        let asked = names.as_ref().and_then(|(ask, (service, secret))| {
            // A request that waits leaves no trace.
            (kind == Kind::Use).then_some(Asked {
                service,
                operation: ask.operation,
                secret,
                address: ask.address,
                way_in: ask.way_in,
                is_pending: false,
            })
        });
        self.learn_of(index, time, asked.as_ref());
    }
}

/// The index from which on entries have to be read. One more than the memory has is among them,
/// by which the memory knows that it does not reach back farther.
fn first_needed(log: &impl Entries, size: u64, depth: u64) -> Result<u64, StoreError> {
    let mut newest: Option<Day> = None;
    let mut first = size;
    let mut end = size;
    while end > 0 && size - end <= depth {
        let start = end.saturating_sub(PAGE.into());
        let limit = u32::try_from(end - start).unwrap_or(PAGE);
        let mut latest = None;
        for stored in log.page(start, limit)? {
            let Ok(When { time }) = serde_json::from_str(&stored.line) else {
                continue;
            };
            let day = day(time);
            latest = latest.max(Some(day));
            if newest.max(Some(day)) == Some(day) && (newest < Some(day) || stored.index < first) {
                first = stored.index;
            }
            newest = newest.max(Some(day));
        }
        if latest < newest {
            break;
        }
        end = start;
    }
    Ok(first.saturating_sub(depth + 1))
}
