//! The `command` channel: a program that gets each notification as JSON on standard input.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use strongroom::notification::Notification;
use tokio::{io::AsyncWriteExt as _, process};

/// How long the program may take for one notification.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Command {
    program: Vec<String>,
}

impl Command {
    pub fn new(program: &[String]) -> Self {
        Self {
            program: program.to_vec(),
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
