//! Channels: each follows the audit log at its own pace, from a durable position.
//!
//! A channel reads entries that are durable already, so it can never delay an answer, and the
//! audit log itself is its queue: an outage of days costs no memory and loses nothing. The
//! position moves after delivery, so a crash repeats a notification rather than losing one.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom::{
    audit::Action,
    name::Name,
    notification::{Notification, Tally},
    store::{Reader as _, StoreError},
};

use crate::{host::Host, serve::lifecycle};

mod channel;
mod chat;
mod credential;
mod cut;
mod follower;
mod health;
mod history;
mod local;
mod markup;
mod position;
mod post;
mod retry;
mod route;
mod tell;
mod unlinked;

// One file for each kind of channel: its settings, and how it delivers.
mod command;
mod desktop;
mod file;
mod journald;
mod mail;
mod ntfy;
mod syslog;
mod webhook;

pub use channel::Channel;
pub use credential::Credentials;
pub use follower::Follower;
use health::Condition;
pub use health::{Health, State};
pub use mail::Mailboxes;
use route::Route;

/// How long a single command waits for one channel.
const ONE_COMMAND: Duration = Duration::from_secs(10);

/// How a channel does, for `notify list` and `status`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChannelRow {
    pub name: String,
    pub kind: String,
    #[serde(flatten)]
    pub state: State,
    /// How many entries of the audit log need no telling any more.
    pub delivered: u64,
    /// How many came after them: they wait to be delivered, or for the end of a digest.
    pub behind: u64,
    /// When something was delivered last, in this run of the agent.
    pub last: Option<Timestamp>,
    /// Until when it holds what it has read: the end of a digest, or of quiet hours.
    pub holds: Option<Timestamp>,
    /// What is not as it should be though it delivers.
    pub remark: Option<String>,
}

/// Every configured channel with its position.
pub fn rows(host: &Host) -> Result<Vec<ChannelRow>, StoreError> {
    let size = host.read(|store| store.log_size())?;
    host.config()
        .notify
        .iter()
        .map(|channel| {
            let name = channel.name();
            let condition = match host.channels().of(name) {
                Some(condition) => condition,
                // Nobody follows: what the last one left is in the store.
                None => Condition {
                    delivered: host
                        .read(|store| store.position(name.as_str()))?
                        .unwrap_or(size),
                    ..Condition::default()
                },
            };
            Ok(ChannelRow {
                name: name.to_string(),
                kind: channel.kind().to_owned(),
                state: condition.state,
                delivered: condition.delivered,
                behind: size.saturating_sub(condition.delivered),
                last: condition.last,
                holds: condition.holds,
                remark: condition.remark,
            })
        })
        .collect()
}

/// What became of a test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tested {
    pub name: String,
    pub problem: Option<String>,
}

/// Sends a test through every channel, or through one. The test is recorded like anything else,
/// and the channels that are well deliver that entry too.
pub async fn test(host: &Arc<Host>, only: Option<&Name>) -> anyhow::Result<serde_json::Value> {
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
    // All at once: one that hangs keeps nobody waiting but for itself.
    let tests = chosen.into_iter().map(|channel| async {
        let delivered = match Route::open(host, channel).await {
            Ok(route) => route.deliver(&notification).await,
            Err(error) => Err(error),
        };
        Tested {
            name: channel.name().to_string(),
            problem: delivered.err().map(|error| format!("{error:#}")),
        }
    });
    let rows = join_all(tests).await;
    if rows.iter().any(|row| row.problem.is_none()) {
        host.channels().try_again();
    }
    Ok(serde_json::to_value(rows)?)
}

/// Tells every channel of what a single command did. What can't be delivered now stays for the
/// agent, which goes on from the same position.
pub async fn catch_up_once(host: &Arc<Host>) {
    let told = host.config().notify.iter().map(|channel| async move {
        let attempt = async {
            let follower = Follower::open(host, channel).await?;
            follower.catch_up_once(ONE_COMMAND).await
        };
        (channel.name(), attempt.await)
    });
    for (name, told) in join_all(told).await {
        if let Err(error) = told {
            crate::show::remark(format!(
                "channel `{name}` could not be told now ({}); it will be when the agent runs",
                format!("{error:#}").escape_debug()
            ));
        }
    }
}
