//! The `file` channel: one JSON object on each line, the notification itself or an OCSF event.
//!
//! Delivered means that the line is on the disk. Whatever is not plainly printable is an escape in
//! it, so that a terminal shows the file unharmed.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, TryLockError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use strongroom::{name::Name, notification::Notification};

use super::tell::Tell;

mod lines;
mod ocsf;

use lines::Lines;

/// How long the disk may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// `kind = "file"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    pub path: PathBuf,
    #[serde(default)]
    pub format: Format,
}

/// What a line holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The notification.
    #[default]
    Json,
    /// An event of the Open Cybersecurity Schema Framework.
    Ocsf,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        if !self.path.is_absolute() {
            bail!(
                "channel `{}`: `path` must be a path from the root, such as `/var/log/strongroom.jsonl`",
                self.name
            )
        }
        Ok(())
    }
}

pub struct File {
    path: PathBuf,
    format: Format,
    lines: Arc<Mutex<Lines>>,
}

impl File {
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        Ok(Self {
            path: settings.path.clone(),
            format: settings.format,
            lines: Arc::new(Mutex::new(Lines::new(&settings.path))),
        })
    }

    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let line = match self.format {
            Format::Json => line(notification)?,
            Format::Ocsf => line(&ocsf::event(notification))?,
        };
        let lines = Arc::clone(&self.lines);
        // A disk that hangs holds a thread, and this only one: the next try finds it taken.
        let append = tokio::task::spawn_blocking(move || match lines.try_lock() {
            Ok(mut lines) => lines.append(&line),
            Err(TryLockError::Poisoned(broken)) => broken.into_inner().append(&line),
            Err(TryLockError::WouldBlock) => bail!("the disk has not taken the line before"),
        });
        match tokio::time::timeout(PATIENCE, append).await {
            Ok(appended) => appended?,
            Err(_) => bail!("the disk took longer than {} s", PATIENCE.as_secs()),
        }
        .with_context(|| format!("cannot write `{}`", self.path.display()))
    }
}

/// As a line. Outside its strings JSON is plain ASCII, so that every other character may be an escape.
fn line(of: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let json = serde_json::to_string(of)?;
    let mut line = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        let is_plain = matches!(character, ' '..='~')
            || (!character.is_ascii() && character.escape_debug().len() == 1);
        if is_plain {
            line.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    line.push('\n');
    Ok(line.into_bytes())
}

#[cfg(test)]
mod tests;
