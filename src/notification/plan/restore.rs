//! A channel goes on: what its plan has to know of the entries that were told already.

use super::{Entries, Pattern, StoreError, Terms, reading::Reading, window::Span};
use crate::audit::entry::Entry;

/// Entries read at once.
const PAGE: u32 = 256;
/// A window's entries are read back no farther than this. In one that has more, a group may be told
/// a second time for being the first.
const DEPTH: u64 = 10_000;

/// The log as it was read up to `told`, with nothing to tell.
pub(super) fn reading(
    terms: &Terms,
    origin: &str,
    log: &impl Entries,
    told: u64,
) -> Result<Reading, StoreError> {
    let begin = begin_of_window(terms, log, told)?;
    let mut reading = Reading {
        pattern: Pattern::up_to(log, begin)?,
        wanted: begin,
        ..Reading::default()
    };
    while reading.wanted < told {
        let limit = u32::try_from(told - reading.wanted).map_or(PAGE, |left| left.min(PAGE));
        let page = log.page(reading.wanted, limit)?;
        if page.is_empty() {
            break;
        }
        for stored in page {
            let time = Entry::parse(&stored.line).map(|entry| entry.time);
            // They were told when they were new.
            let now = time.unwrap_or_default();
            reading.read(terms, origin, &stored, now, told);
            reading.all_told();
        }
    }
    reading.wanted = told;
    Ok(reading)
}

/// Where the window begins that the last entry before `told` is of.
fn begin_of_window(terms: &Terms, log: &impl Entries, told: u64) -> Result<u64, StoreError> {
    let mut window = None;
    let mut begin = told;
    while begin > 0 && told - begin < DEPTH {
        let start = begin.saturating_sub(PAGE.into());
        let limit = u32::try_from(begin - start).unwrap_or(PAGE);
        for stored in log.page(start, limit)?.iter().rev() {
            if let Ok(entry) = Entry::parse(&stored.line) {
                let span = Span::of(terms, entry.time, entry.time);
                let Some(open) = *window.get_or_insert(span) else {
                    return Ok(begin);
                };
                if (open.begin()).is_none_or(|since| entry.time < since) {
                    return Ok(begin);
                }
            }
            begin = stored.index;
        }
    }
    Ok(begin)
}
