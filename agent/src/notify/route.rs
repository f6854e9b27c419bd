//! How one channel delivers.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use strongroom::notification::Notification;

use super::{
    channel::Channel,
    command::Command,
    desktop::Desktop,
    file::File,
    journald::Journald,
    mail::{self, Mail},
    ntfy::Ntfy,
    syslog::Syslog,
    webhook::Webhook,
};
use crate::host::Host;

/// How long one step may take: opening, or one delivery.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open way to a receiver.
pub enum Route {
    Command(Command),
    Desktop(Desktop),
    File(File),
    Journald(Journald),
    Mail(Box<Mail>),
    Ntfy(Box<Ntfy>),
    Syslog(Syslog),
    Webhook(Box<Webhook>),
}

impl Route {
    /// Opens it. A credential is taken out of the vault here, which fails while that is locked: who
    /// opens a route tries again.
    pub async fn open(host: &Arc<Host>, channel: &Channel) -> anyhow::Result<Self> {
        in_time(PATIENCE, Self::of(host, channel)).await
    }

    /// Delivers one notification; returns when the receiver has it, or says why it has not.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        in_time(self.patience(), self.hand_over(notification)).await
    }

    /// How long one delivery may take. A mail server may look at a message for minutes before it
    /// takes it, and whoever gives up before that sends it again and again.
    fn patience(&self) -> Duration {
        match self {
            Self::Mail(_) => mail::PATIENCE,
            // Its own settings say it; a little more, so that it can say so itself.
            Self::Command(route) => route.patience() + PATIENCE,
            _ => PATIENCE,
        }
    }

    async fn of(host: &Arc<Host>, channel: &Channel) -> anyhow::Result<Self> {
        Ok(match channel {
            Channel::Command(settings) => Self::Command(Command::open(settings)),
            Channel::Desktop(settings) => Self::Desktop(Desktop::open(settings)),
            Channel::File(settings) => Self::File(File::open(settings)?),
            Channel::Journald(settings) => Self::Journald(Journald::open(settings)?),
            Channel::Mail(settings) => Self::Mail(Box::new(Mail::open(host, settings).await?)),
            Channel::Ntfy(settings) => Self::Ntfy(Box::new(Ntfy::open(host, settings).await?)),
            Channel::Syslog(settings) => Self::Syslog(Syslog::open(host, settings).await?),
            Channel::Webhook(settings) => {
                Self::Webhook(Box::new(Webhook::open(host, settings).await?))
            }
        })
    }

    async fn hand_over(&self, notification: &Notification) -> anyhow::Result<()> {
        match self {
            Self::Command(route) => route.deliver(notification).await,
            Self::Desktop(route) => route.deliver(notification).await,
            Self::File(route) => route.deliver(notification).await,
            Self::Journald(route) => route.deliver(notification).await,
            Self::Mail(route) => route.deliver(notification).await,
            Self::Ntfy(route) => route.deliver(notification).await,
            Self::Syslog(route) => route.deliver(notification).await,
            Self::Webhook(route) => route.deliver(notification).await,
        }
    }
}

async fn in_time<T>(
    patience: Duration,
    step: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::time::timeout(patience, step)
        .await
        .with_context(|| format!("no answer within {} s", patience.as_secs()))?
}
