//! The `journald` channel.

use anyhow::bail;
use serde::Deserialize;
use strongroom::{name::Name, notification::Notification};

use super::tell::Tell;

/// `kind = "journald"`.
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

pub struct Journald;

impl Journald {
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        Ok(Self)
    }

    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        bail!("{} is not delivered", notification.id)
    }
}
