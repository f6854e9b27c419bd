//! Uses that policies limit, counted in the transaction that records them: so a limit holds across
//! restarts and across the agents of a fleet, and requests of one batch count each other.

use jiff::Timestamp;

use crate::{
    policy::Permit,
    store::{StoreError, Transaction},
};

/// A limit is reached.
pub(super) struct Full {
    /// Which, for the audit log.
    pub(super) detail: String,
    /// In how many seconds the next use is possible; at least 1.
    pub(super) retry_after: u32,
}

/// Counts the use under every statement that limits it, or under none of them if one of the
/// limits is reached: what is refused does not count.
pub(super) fn count(
    transaction: &mut impl Transaction,
    permit: &Permit,
    now: Timestamp,
) -> Result<Option<Full>, StoreError> {
    let (obligations, service) = (
        permit.obligations(),
        permit.authenticated().service().as_str(),
    );
    let now = now.as_millisecond();
    let mut full: Option<(i64, String)> = None;
    for obliging in obligations.limited() {
        for limit in &obliging.duty.limits {
            let nth = transaction.counted(&obliging.counter, service, limit.uses)?;
            let free_at = limit.free_at(nth, now);
            // Of several that are reached, the one that holds the longest.
            if let Some(free_at) = free_at
                && full.as_ref().is_none_or(|(other, _)| *other < free_at)
            {
                let statement = &obliging.statement;
                full = Some((free_at, format!("policy `{statement}` permits {limit}")));
            }
        }
    }
    if let Some((free_at, detail)) = full {
        let milliseconds = free_at.saturating_sub(now);
        let seconds = milliseconds / 1000 + i64::from(milliseconds % 1000 != 0);
        return Ok(Some(Full {
            detail,
            retry_after: u32::try_from(seconds).unwrap_or(u32::MAX).max(1),
        }));
    }
    for obliging in obligations.limited() {
        transaction.count(&obliging.counter, service, now)?;
    }
    Ok(None)
}
