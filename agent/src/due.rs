//! Tells the owner which secrets are due for a new version, in time and once.
//!
//! Ages are looked at when the next one is passed, counts with the use that passes them (the audit
//! log does that), and both once a day. That the owner was told is marked with the entry itself:
//! a restart repeats nothing and loses nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use strongroom::{
    audit::{Committed, Submission},
    store::{Reader as _, StoreError},
    vault::due::{Due, due, next_due},
};
use tokio_util::sync::CancellationToken;

use crate::host::Host;

/// The longest pause between two looks: clocks are set, and machines sleep.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The pause after a look that failed: the disk may have room again by then.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Looks until told to stop.
pub async fn run(host: Arc<Host>, stop: CancellationToken) {
    // Only so that what is known to be told is not put to the store at each look.
    let mut told = HashSet::new();
    loop {
        let pause = match tell(&host, &mut told).await {
            Ok(()) => until_next(&host),
            Err(error) => {
                tracing::warn!(%error, "it could not be told which secrets are due");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            // A binding may have been set, or a version added.
            () = host.changed().notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// What is due now, by name.
pub fn list(host: &Host, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    let usage = host.read(|store| store.usage())?;
    Ok(due(&host.vault().catalog(), &usage, now))
}

async fn tell(host: &Host, told: &mut HashSet<String>) -> anyhow::Result<()> {
    for due in list(host, Timestamp::now())? {
        let mark = format!("{} {}", due.record, due.mark());
        if told.contains(&mark) {
            continue;
        }
        if let Committed::Noted(_) = host.record(Submission::Due(due.clone())).await? {
            tracing::info!(secret = %due.secret, version = due.version, "due for rotation: {}", due.passed);
        }
        told.insert(mark);
    }
    Ok(())
}

fn until_next(host: &Host) -> Duration {
    let now = Timestamp::now();
    let next = next_due(&host.vault().catalog(), now);
    let left = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    left.map_or(DAY, |left| left.min(DAY))
}
