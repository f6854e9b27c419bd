//! How often today: counts that make "3rd time today" true.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date, tz::Offset};

use crate::{
    audit::entry::{Entry, Event},
    name::Name,
    operation::OperationName,
    store::{Reader, StoreError},
};

/// Entries read at once when a tally is rebuilt.
const PAGE: u32 = 1024;

/// How often each service did what with which secret, on the newest UTC day that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    day: Option<Date>,
    uses: HashMap<(Name, OperationName, Name), u64>,
}

impl Tally {
    /// The tally as it is after the first `size` entries of the log.
    pub fn up_to(reader: &impl Reader, size: u64) -> Result<Self, StoreError> {
        // Backwards page by page, until a whole page is older than the newest day.
        let mut pages = Vec::new();
        let mut newest = None;
        let mut end = size;
        while end > 0 {
            let start = end.saturating_sub(PAGE.into());
            let limit = u32::try_from(end - start).unwrap_or(PAGE);
            let lines = reader.entries(start, limit)?;
            let page: Vec<Entry> = lines
                .iter()
                .filter_map(|stored| Entry::parse(&stored.line).ok())
                .collect();
            let last = page.iter().map(|entry| day(entry.time)).max();
            newest = newest.max(last);
            pages.push(page);
            if last < newest {
                break;
            }
            end = start;
        }
        let mut tally = Self::default();
        for entry in pages.iter().rev().flatten() {
            tally.count(entry);
        }
        Ok(tally)
    }

    /// Counts an entry; for a use, says the how-manieth of its kind it is that day.
    pub fn count(&mut self, entry: &Entry) -> Option<u64> {
        let today = day(entry.time);
        if self.day < Some(today) {
            self.day = Some(today);
            self.uses.clear();
        }
        let Event::Use { ask, secret, .. } = &entry.event else {
            return None;
        };
        if self.day != Some(today) {
            // The clock was set back over midnight: that day's counts are gone.
            return None;
        }
        let key = (ask.service.clone(), ask.operation, secret.clone());
        let times = self.uses.entry(key).or_default();
        *times += 1;
        Some(*times)
    }
}

fn day(time: Timestamp) -> Date {
    Offset::UTC.to_datetime(time).date()
}
