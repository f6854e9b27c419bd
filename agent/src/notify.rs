//! Channels: each follows the audit log at its own pace, from a durable position.
//!
//! A channel reads entries that are durable already, so it can never delay an answer, and the
//! audit log itself is its queue: an outage of days costs no memory and loses nothing. The
//! position moves after delivery, so a crash repeats a notification rather than losing one.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
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
mod follower;
mod health;
mod post;
mod route;
mod tell;

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
pub use health::Health;
use route::Route;

/// How long a single command waits for one channel.
const ONE_COMMAND: Duration = Duration::from_secs(10);

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
    let mut rows = Vec::new();
    for channel in chosen {
        let delivered = match Route::open(host, channel).await {
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
pub async fn catch_up_once(host: &Arc<Host>) {
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
