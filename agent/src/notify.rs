//! Channels: each follows the audit log at its own pace, from a durable position.
//!
//! A channel reads entries that are durable already, so it can never delay an answer, and the
//! audit log itself is its queue: an outage of days costs no memory and loses nothing. The
//! position moves after delivery, so a crash repeats a notification rather than losing one.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use strongroom::{
    audit::{Action, Submission},
    name::Name,
    notification::{Notification, Tally},
    store::{Reader as _, StoreError},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Channel, host::Host, serve::lifecycle};

mod command;
mod webhook;

/// Entries read at once.
const PAGE: u32 = 256;
/// Deliveries after which the position is made durable, at the latest.
const STRIDE: u64 = 64;
/// How long a channel may go on after the agent was told to stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long a single command waits for one channel.
const ONE_COMMAND: Duration = Duration::from_secs(10);
/// The first pause between two tries, and the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How one channel delivers.
enum Route {
    Command(command::Command),
    Webhook(Box<webhook::Webhook>),
}

impl Route {
    fn open(channel: &Channel) -> anyhow::Result<Self> {
        Ok(match channel {
            Channel::Command { program, .. } => Self::Command(command::Command::new(program)),
            Channel::Webhook {
                url,
                secret_file,
                cacert,
                ..
            } => Self::Webhook(Box::new(webhook::Webhook::open(
                url,
                secret_file,
                cacert.as_deref(),
            )?)),
        })
    }

    async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        match self {
            Self::Command(command) => command.deliver(notification).await,
            Self::Webhook(webhook) => webhook.deliver(notification).await,
        }
    }
}

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
    pub async fn open(host: &Host, channel: &Channel) -> anyhow::Result<Self> {
        let name = channel.name().as_str().to_owned();
        let route = Route::open(channel)?;
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
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(pause) => {}
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

/// How a channel does, for `notify list` and `status`.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ChannelRow {
    pub name: String,
    pub kind: String,
    /// Entries of the audit log that were delivered.
    pub delivered: u64,
    /// Entries that wait.
    pub behind: u64,
    /// What went wrong at the last try, if it did.
    pub problem: Option<String>,
}

/// Every configured channel with its position.
pub fn rows(host: &Host) -> Result<Vec<ChannelRow>, StoreError> {
    let size = host.read(|store| store.log_size())?;
    host.config()
        .notify
        .iter()
        .map(|channel| {
            let name = channel.name().as_str().to_owned();
            let delivered = host.read(|store| store.position(&name))?.unwrap_or(size);
            Ok(ChannelRow {
                problem: host.channels().problem(&name),
                kind: channel.kind().to_owned(),
                behind: size.saturating_sub(delivered),
                delivered,
                name,
            })
        })
        .collect()
}

/// What became of a test.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Tested {
    pub name: String,
    pub problem: Option<String>,
}

/// Sends a test through every channel, or through one. The test is recorded like anything else,
/// and the channels that are well deliver that entry too.
pub async fn test(host: &Host, only: Option<&Name>) -> anyhow::Result<serde_json::Value> {
    let chosen: Vec<&Channel> = host
        .config()
        .notify
        .iter()
        .filter(|channel| only.is_none_or(|name| channel.name() == name))
        .collect();
    if chosen.is_empty() {
        match only {
            Some(name) => {
                bail!("there is no channel `{name}`; `strongroom notify list` shows them")
            }
            None => bail!(
                "there are no channels; add a `[[notify]]` to `agent.toml`, where two are shown in comments"
            ),
        }
    }
    let names: Vec<&str> = chosen
        .iter()
        .map(|channel| channel.name().as_str())
        .collect();
    host.record(lifecycle(
        host,
        Action::NotificationTest,
        Some(names.join(", ")),
    ))
    .await?;
    let size = host.read(|store| store.log_size())?;
    let entry = host
        .read(|store| store.entries(size.saturating_sub(1), 1))?
        .pop()
        .context("the audit log has no entry to tell of")?;
    let notification = Notification::of(host.origin(), &entry, &mut Tally::default());
    let mut rows = Vec::new();
    for channel in chosen {
        let delivered = match Route::open(channel) {
            Ok(route) => route.deliver(&notification).await,
            Err(error) => Err(error),
        };
        rows.push(Tested {
            name: channel.name().to_string(),
            problem: delivered.err().map(|error| format!("{error:#}")),
        });
    }
    Ok(serde_json::to_value(rows)?)
}

/// Tells every channel of what a single command did. What can't be delivered now stays for the
/// agent, which goes on from the same position.
pub async fn catch_up_once(host: &Host) {
    for channel in &host.config().notify {
        let attempt = async { Follower::open(host, channel).await?.catch_up(host).await };
        let problem = match tokio::time::timeout(ONE_COMMAND, attempt).await {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "it takes too long".to_owned(),
        };
        crate::show::remark(format!(
            "channel `{}` could not be told now ({}); it will be when the agent runs",
            channel.name(),
            problem.escape_debug()
        ));
    }
}

/// What went wrong last, by channel.
#[derive(Debug, Default)]
pub struct Health {
    problems: std::sync::Mutex<std::collections::HashMap<String, String>>,
}

impl Health {
    fn well(&self, channel: &str) {
        self.problems().remove(channel);
    }

    fn ill(&self, channel: &str, problem: &str) {
        self.problems()
            .insert(channel.to_owned(), problem.to_owned());
    }

    fn problem(&self, channel: &str) -> Option<String> {
        self.problems().get(channel).cloned()
    }

    fn problems(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, String>> {
        self.problems
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
