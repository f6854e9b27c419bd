//! The `syslog` channel.

use anyhow::bail;
use serde::Deserialize;
use strongroom::{name::Name, notification::Notification};

use super::tell::Tell;
use crate::host::Host;
use std::sync::Arc;

/// `kind = "syslog"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        bail!("channel `{}`: this kind is not there yet", self.name)
    }
}

pub struct Syslog;

impl Syslog {
    pub async fn open(_host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        Ok(Self)
    }

    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        bail!("{} is not delivered", notification.id)
    }
}
