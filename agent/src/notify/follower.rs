//! A channel on its way through the audit log.

use std::{sync::Arc, time::Duration};

use strongroom::{
    audit::Submission,
    notification::{Notification, Tally},
    store::Reader as _,
};
use tokio_util::sync::CancellationToken;

use super::{channel::Channel, credential, post, route::Route};
use crate::host::Host;

/// Entries read at once.
const PAGE: u32 = 256;
/// Deliveries after which the position is made durable, at the latest.
const STRIDE: u64 = 64;
/// How long a channel may go on after the agent was told to stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// The first pause between two tries, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A channel on its way through the audit log.
pub struct Follower {
    name: String,
    route: Route,
    tally: Tally,
    /// Entries delivered.
    delivered: u64,
    /// How far the store knows that.
    durable: u64,
}

impl Follower {
    /// Finds the channel's position; a channel that is new begins with what comes next.
    pub async fn open(host: &Arc<Host>, channel: &Channel) -> anyhow::Result<Self> {
        let name = channel.name().as_str().to_owned();
        let route = Route::open(host, channel).await?;
        let known = host.read(|store| store.position(&name))?;
        let delivered = match known {
            Some(delivered) => delivered,
            None => {
                let size = host.read(|store| store.log_size())?;
                host.writer()
                    .submit(Submission::Advance {
                        channel: name.clone(),
                        delivered: size,
                    })
                    .await?;
                size
            }
        };
        let tally = host.read(|store| Tally::up_to(store, delivered))?;
        Ok(Self {
            name,
            route,
            tally,
            delivered,
            durable: delivered,
        })
    }

    /// Delivers what there is until told to stop, retrying with growing pauses. Told to stop, it
    /// tells of the stop too, as far as that takes no longer than [`FAREWELL`]: a delivery that
    /// is cut off in the middle would be repeated.
    pub async fn run(mut self, host: Arc<Host>, stop: CancellationToken) {
        let mut size = host.writer().size();
        let mut pause = SHORTEST_PAUSE;
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::pin!(overdue);
        loop {
            let progress = tokio::select! {
                progress = self.catch_up(&host) => progress,
                () = &mut overdue => break,
            };
            let stopping = stop.is_cancelled();
            match progress {
                Ok(()) => {
                    host.channels().well(&self.name);
                    if stopping {
                        break;
                    }
                    pause = SHORTEST_PAUSE;
                    // The sender lives as long as the writer: an error means that the agent ends.
                    tokio::select! {
                        () = stop.cancelled() => {}
                        grown = size.changed() => if grown.is_err() { break },
                    }
                }
                Err(error) => {
                    let problem = format!("{error:#}");
                    tracing::warn!(channel = self.name, problem, "not delivered; trying again");
                    host.channels().ill(&self.name, &problem);
                    if stopping {
                        break;
                    }
                    // A receiver that wants to be left alone is, as long as it said.
                    let wait = post::pause(&error).map_or(pause, |asked| asked.max(pause));
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(wait) => {}
                        // Unlocking is an entry.
                        _ = size.changed(), if credential::is_locked(&error) => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self.settle(&host).await;
    }

    /// Delivers everything that the audit log has and this channel has not.
    pub async fn catch_up(&mut self, host: &Host) -> anyhow::Result<()> {
        loop {
            let entries = host.read(|store| store.entries(self.delivered, PAGE))?;
            if entries.is_empty() {
                self.settle(host).await;
                return Ok(());
            }
            for entry in entries {
                // The tally is moved only after delivery: a retry must not count an entry twice.
                let mut tally = self.tally.clone();
                let notification = Notification::of(host.origin(), &entry, &mut tally);
                self.route.deliver(&notification).await?;
                self.tally = tally;
                self.delivered = entry.index + 1;
                if self.delivered - self.durable >= STRIDE {
                    self.settle(host).await;
                }
            }
        }
    }

    /// Makes the position durable. A failure only means that a crash would repeat more.
    async fn settle(&mut self, host: &Host) {
        if self.delivered == self.durable {
            return;
        }
        let advance = Submission::Advance {
            channel: self.name.clone(),
            delivered: self.delivered,
        };
        match host.writer().submit(advance).await {
            Ok(_) => self.durable = self.delivered,
            Err(error) => tracing::warn!(channel = self.name, %error, "position not kept"),
        }
    }
}
