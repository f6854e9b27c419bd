//! How far a channel is in the audit log, and how much of that is durable.
//!
//! The position is kept after delivery, so a crash repeats notifications rather than losing one:
//! no more than [`STRIDE`], and no more than what was delivered in the last second.

use std::{sync::Arc, time::Duration};

use strongroom::{audit::Submission, name::Name, notification::Progress, store::Reader as _};
use tokio::time::Instant;

use crate::host::Host;

/// Deliveries after which the position is made durable, at the latest.
const STRIDE: u32 = 64;
/// The time after which it is, at the latest, when there are fewer.
const UNSETTLED: Duration = Duration::from_secs(1);

/// How far a channel is.
pub struct Position {
    host: Arc<Host>,
    channel: Name,
    progress: Progress,
    /// What the store knows, how many deliveries it does not know of, and since when.
    durable: Progress,
    deliveries: u32,
    since: Option<Instant>,
}

impl Position {
    /// Finds it; a channel that is new begins with what comes next.
    pub async fn find(host: &Arc<Host>, channel: &Name) -> anyhow::Result<Self> {
        let known = host.read(|store| store.position(channel.as_str()))?;
        let told = match known {
            Some(told) => told,
            None => {
                let size = host.read(|store| store.log_size())?;
                let advance = advance(channel.to_string(), size);
                host.writer().submit(advance).await?;
                size
            }
        };
        let urgent = host.read(|store| store.position(&urgent(channel)))?;
        let progress = Progress {
            told,
            urgent: urgent.unwrap_or(told).max(told),
        };
        Ok(Self {
            host: Arc::clone(host),
            channel: channel.clone(),
            progress,
            durable: progress,
            deliveries: 0,
            since: None,
        })
    }

    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The channel is this far now.
    pub fn moved(&mut self, progress: Progress) {
        self.progress = progress;
        if self.progress != self.durable {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// The channel is this far because something was delivered.
    pub async fn delivered(&mut self, progress: Progress) {
        self.moved(progress);
        self.deliveries += 1;
        if self.deliveries >= STRIDE {
            self.settle().await;
        }
    }

    /// Waits until it should be made durable, which may be never.
    pub async fn time_to_settle(&self) {
        match self.since {
            Some(since) => tokio::time::sleep_until(since + UNSETTLED).await,
            None => std::future::pending().await,
        }
    }

    /// Makes it durable. A failure only means that a crash would repeat more.
    pub async fn settle(&mut self) {
        let progress = self.progress;
        let mut steps = Vec::new();
        if progress.told != self.durable.told {
            steps.push((self.channel.to_string(), progress.told));
        }
        // Where the one for urgent ones is not ahead, it counts for nothing.
        if progress.urgent != self.durable.urgent && progress.urgent > progress.told {
            steps.push((urgent(&self.channel), progress.urgent));
        }
        (self.deliveries, self.since) = (0, None);
        for (name, delivered) in steps {
            if let Err(error) = self.host.writer().submit(advance(name, delivered)).await {
                tracing::warn!(channel = %self.channel, %error, "position not kept");
                self.since = Some(Instant::now());
                return;
            }
        }
        self.durable = progress;
    }
}

/// What the position for urgent ones is kept under: no channel can have this name.
fn urgent(channel: &Name) -> String {
    format!("{channel} (urgent)")
}

fn advance(channel: String, delivered: u64) -> Submission {
    Submission::Advance { channel, delivered }
}
