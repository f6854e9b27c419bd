//! Unauthenticated refusals, folded so that nobody can fill the disk with them.
//!
//! The first of a kind from a source is recorded at once, so that the owner hears of it; what
//! follows is counted and recorded as one entry a minute. The number of sources that are told
//! apart is bounded, and what comes past it shares one count.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use strongroom::{
    audit::{Event, Reason, Submission},
    name::Name,
    request::{Arrival, WayIn},
};
use tokio_util::sync::CancellationToken;

use crate::{host::Host, remembered};

/// How often counts become entries.
const WINDOW: Duration = Duration::from_secs(60);
/// How many sources are told apart within one window.
const SOURCES: usize = 256;

/// One refused request.
#[derive(Debug)]
pub struct Noise {
    source: Source,
    detail: String,
}

/// What is folded together: same reason, same source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Source {
    reason: Reason,
    way_in: WayIn,
    address: Option<IpAddr>,
    service: Option<Name>,
}

#[derive(Debug)]
struct Count {
    since: Timestamp,
    count: u64,
    /// What was wrong with the newest one, for the entry.
    detail: String,
}

/// The counts of the running window.
#[derive(Debug, Default)]
pub struct Folder {
    counts: Mutex<HashMap<Source, Count>>,
}

impl Noise {
    /// A request that was refused before its sender was known.
    pub fn new(arrival: Arrival, reason: Reason, service: Option<Name>, detail: &str) -> Self {
        let Arrival { way_in, address } = arrival;
        Self {
            source: Source {
                reason,
                way_in,
                address,
                service,
            },
            detail: detail.to_owned(),
        }
    }

    /// A replay, as the audit log found it. It proves nobody's presence: anybody who saw the
    /// bytes can send them again, so it is folded like the requests of unknown senders.
    pub fn replay(event: Event) -> Option<Self> {
        match event {
            Event::Noise {
                reason,
                way_in,
                address,
                service,
                detail,
                ..
            } => Some(Self {
                source: Source {
                    reason,
                    way_in,
                    address,
                    service,
                },
                detail,
            }),
            _ => None,
        }
    }
}

impl Folder {
    /// Counts one.
    pub fn count(&self, host: &Arc<Host>, noise: Noise) {
        let now = Timestamp::now();
        let Noise { mut source, detail } = noise;
        let first = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            if counts.len() >= SOURCES && !counts.contains_key(&source) {
                source = Source {
                    address: None,
                    service: None,
                    ..source
                };
            }
            match counts.get_mut(&source) {
                Some(count) => {
                    if count.count == 0 {
                        count.since = now;
                    }
                    count.count = count.count.saturating_add(1);
                    count.detail = detail;
                    None
                }
                None => {
                    counts.insert(
                        source.clone(),
                        Count {
                            since: now,
                            count: 0,
                            detail: String::new(),
                        },
                    );
                    Some(event(source, 1, now, detail))
                }
            }
        };
        if let Some(event) = first {
            let host = Arc::clone(host);
            tokio::spawn(async move { record(&host, event).await });
        }
    }

    /// Turns the counts into entries; a source that was silent is forgotten.
    pub async fn fold(&self, host: &Host) {
        let events: Vec<Event> = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.retain(|_, count| count.count > 0);
            counts
                .iter_mut()
                .map(|(source, count)| {
                    let detail = std::mem::take(&mut count.detail);
                    event(
                        source.clone(),
                        std::mem::take(&mut count.count),
                        count.since,
                        detail,
                    )
                })
                .collect()
        };
        for event in events {
            record(host, event).await;
        }
    }
}

/// Folds once a window until told to stop, and keeps what this machine knows of the log.
pub async fn run(host: Arc<Host>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(WINDOW) => {
                host.noise().fold(&host).await;
                remembered::keep(&host);
            }
        }
    }
}

fn event(source: Source, count: u64, since: Timestamp, detail: String) -> Event {
    let Source {
        reason,
        way_in,
        address,
        service,
    } = source;
    Event::Noise {
        reason,
        way_in,
        address,
        service,
        count,
        since,
        detail,
    }
}

async fn record(host: &Host, event: Event) {
    if let Err(error) = host.writer().submit(Submission::Noise(event)).await {
        tracing::error!(%error, "refused requests could not be recorded");
    }
}
