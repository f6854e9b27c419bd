//! Ends requests on which nobody decided in time, or which nobody collected.
//!
//! Whoever collects is told so whether or not it is on record yet; that it is, within seconds and also
//! after a restart, is for the owner.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use strongroom::{
    approval::{Asked, Settlement},
    audit::{Committed, Submission},
};
use tokio_util::sync::CancellationToken;

use crate::host::Host;

/// The longest pause between two looks: clocks are set, and machines sleep.
const LONGEST: Duration = Duration::from_secs(60);
/// The shortest, so that a clock that stands still makes no haste.
const SHORTEST: Duration = Duration::from_millis(10);

/// Looks until told to stop.
pub async fn run(host: Arc<Host>, stop: CancellationToken) {
    loop {
        host.waiting().kept.tidy();
        let next = match end(&host).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "requests whose time is over could not be ended");
                None
            }
        };
        // All wait equally long, so another one is never the next to end, unless none waits now.
        tokio::select! {
            () = stop.cancelled() => return,
            () = host.waiting().asked.notified(), if next.is_none() => {}
            () = tokio::time::sleep(pause(next, Timestamp::now())) => {}
        }
    }
}

/// Ends those whose time is over; when the next one's is.
async fn end(host: &Arc<Host>) -> anyhow::Result<Option<Timestamp>> {
    let vkey = host.identity().checkpoint_vkey();
    let waiting = host.read(|store| Asked::all_waiting(store, &vkey))?;
    let now = Timestamp::now();
    let mut next = None;
    for asked in &waiting {
        if asked.expires > now {
            next = next.into_iter().chain([asked.expires]).min();
            continue;
        }
        let settlement = Settlement::expired(asked, now)?;
        // What somebody else ended at the same moment has ended.
        if let Committed::Settled(_) = host
            .record(Submission::Settle(Box::new(settlement)))
            .await?
        {
            tracing::info!(id = asked.id, service = %asked.ask.service, "expired: nobody decided in time");
        }
        host.waiting().wake(asked.id);
    }
    Ok(next)
}

fn pause(next: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
    match next {
        None => LONGEST,
        Some(_) => left.unwrap_or(SHORTEST).clamp(SHORTEST, LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_ends_with_the_next_request() {
        let now = Timestamp::UNIX_EPOCH;
        let in_seconds = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(pause(None, now), LONGEST);
        assert_eq!(pause(Some(in_seconds(5)), now), Duration::from_secs(5));
        assert_eq!(pause(Some(in_seconds(3600)), now), LONGEST);
        assert_eq!(pause(Some(now), in_seconds(1)), SHORTEST);
    }
}
