//! `[[notify]]` in `agent.toml`: which channels there are, each with its kind's own settings.

use anyhow::Context as _;
use serde::Deserialize;
use strongroom::name::Name;

use super::{
    command, desktop, file, journald, mail, ntfy, syslog,
    tell::{self, Audience, Tell, Terms},
    webhook,
};

/// One channel by which the owner is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Channel {
    Command(command::Settings),
    Desktop(desktop::Settings),
    File(file::Settings),
    Journald(journald::Settings),
    Mail(mail::Settings),
    Ntfy(ntfy::Settings),
    Syslog(syslog::Settings),
    Webhook(webhook::Settings),
}

/// The same for each kind of channel.
macro_rules! each {
    ($channel:expr, $settings:ident => $what:expr) => {
        match $channel {
            Channel::Command($settings) => $what,
            Channel::Desktop($settings) => $what,
            Channel::File($settings) => $what,
            Channel::Journald($settings) => $what,
            Channel::Mail($settings) => $what,
            Channel::Ntfy($settings) => $what,
            Channel::Syslog($settings) => $what,
            Channel::Webhook($settings) => $what,
        }
    };
}

impl Channel {
    /// What its position in the audit log is kept under.
    pub fn name(&self) -> &Name {
        each!(self, settings => &settings.name)
    }

    /// The kind as it is written in the file.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Desktop(_) => "desktop",
            Self::File(_) => "file",
            Self::Journald(_) => "journald",
            Self::Mail(_) => "mail",
            Self::Ntfy(_) => "ntfy",
            Self::Syslog(_) => "syslog",
            Self::Webhook(_) => "webhook",
        }
    }

    fn tell(&self) -> &Tell {
        each!(self, settings => &settings.tell)
    }

    /// Who is at the other end, which settles what is told where the file does not say.
    fn audience(&self) -> Audience {
        match self {
            Self::Desktop(_) | Self::Mail(_) | Self::Ntfy(_) => Audience::Person,
            Self::Webhook(settings) => settings.audience(),
            Self::Command(_) | Self::File(_) | Self::Journald(_) | Self::Syslog(_) => {
                Audience::Program
            }
        }
    }

    /// What it tells, and how soon.
    pub fn terms(&self) -> anyhow::Result<Terms> {
        tell::terms(self.tell(), self.audience())
            .with_context(|| format!("channel `{}`", self.name()))
    }

    /// Fails for settings that can't be meant.
    pub fn check(&self) -> anyhow::Result<()> {
        self.terms()?;
        each!(self, settings => settings.check())
    }
}
