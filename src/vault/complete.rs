//! Records and audit log belong together: each record was written in one transaction with an
//! entry that names it. Whoever can write to the disk but cannot sign could still cut off the
//! newest records (the suspension of a service, say) or the newest entries; not both to the same
//! moment without the agent's checkpoint of that moment.

use super::{Vault, VaultError};
use crate::{
    audit::{Entry, Event},
    store::{Reader, StoreError},
};

/// So many entries are read at once, from the newest backwards.
const PAGE: u32 = 1000;

impl Vault {
    /// Refuses a store whose audit log and records do not end with the same change. Rolling both
    /// back together is caught by whatever remembers a later checkpoint.
    pub fn check_complete(&self, store: &impl Reader) -> Result<(), VaultError> {
        let newest = self.catalog().newest_record();
        let told = newest_told(store)?;
        if told == Some(newest) {
            Ok(())
        } else {
            Err(VaultError::CutOff {
                newest,
                told: told.unwrap_or(0),
            })
        }
    }
}

/// The newest record that the audit log tells of.
fn newest_told(store: &impl Reader) -> Result<Option<u64>, StoreError> {
    let mut end = store.log_size()?;
    while end > 0 {
        let from = end.saturating_sub(PAGE.into());
        // `end - from` is at most `PAGE`.
        let limit = u32::try_from(end - from).unwrap_or(PAGE);
        let page = store.entries(from, limit)?;
        if let Some(record) = page.iter().rev().find_map(|entry| record_of(&entry.line)) {
            return Ok(Some(record));
        }
        end = from;
    }
    Ok(None)
}

fn record_of(line: &str) -> Option<u64> {
    // Most lines tell of uses: they are passed over without being parsed.
    if !line.contains(r#""record":"#) {
        return None;
    }
    match Entry::parse(line).ok()?.event {
        Event::Administration { record, .. } => record,
        _ => None,
    }
}
