//! The `command` channel: a program that gets each notification as JSON on standard input.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use strongroom::{name::Name, notification::Notification};
use tokio::{io::AsyncWriteExt as _, process};

use super::tell::Tell;

/// How long the program may take for one notification.
const PATIENCE: Duration = Duration::from_secs(30);

/// `kind = "command"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The program and its arguments.
    pub program: Vec<String>,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        if self.program.is_empty() {
            bail!(
                "channel `{}`: `program` is empty; give the program and its arguments as a list",
                self.name
            )
        }
        Ok(())
    }
}

pub struct Command {
    program: Vec<String>,
}

impl Command {
    pub fn open(settings: &Settings) -> Self {
        Self {
            program: settings.program.clone(),
        }
    }

    /// Delivered means that the program ended with 0.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let Some((name, arguments)) = self.program.split_first() else {
            bail!("no program is configured");
        };
        let mut child = process::Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let mut line = serde_json::to_vec(notification)?;
        line.push(b'\n');
        let run = async {
            if let Some(mut input) = child.stdin.take() {
                // A program that does not care what it is told may close its input first.
                let _ = input.write_all(&line).await;
            }
            child.wait().await
        };
        let status = tokio::time::timeout(PATIENCE, run)
            .await
            .with_context(|| format!("`{name}` took longer than {} s", PATIENCE.as_secs()))??;
        if !status.success() {
            bail!("`{name}` failed: {status}");
        }
        Ok(())
    }
}
