//! The `command` channel: a program that gets each notification as JSON on standard input.
//!
//! It is run without a shell, with a bounded time, and with no more of the agent's environment than
//! a program needs to find its files, its language and the desktop.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use strongroom::{
    name::Name,
    notification::{Notification, escaped},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{self, Child, ChildStderr},
};

use super::tell::Tell;

/// The longest time that a program may be given, in seconds.
const LONGEST: u64 = 3600;
/// How much of what a program says at the end is kept.
const TAIL: usize = 4096;
/// How long what a program said is waited for after its end: something that it started may go on,
/// and hold its standard error open.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What is passed on of the agent's environment, and variables that begin with `LC_`. All else stays:
/// what started the agent may have put secrets, or ways to them, into the environment.
const PASSED_ON: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CURRENT_DESKTOP",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// `kind = "command"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The program and its arguments.
    pub program: Vec<String>,
    /// Seconds that it may take for one notification.
    #[serde(default = "default_seconds")]
    pub timeout_seconds: u64,
}

fn default_seconds() -> u64 {
    30
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        if self.program.first().is_none_or(String::is_empty) {
            bail!(
                "channel `{name}`: `program` is empty; give the program and its arguments as a list"
            )
        }
        if !(1..=LONGEST).contains(&self.timeout_seconds) {
            bail!(
                "channel `{name}`: `timeout_seconds` is {}; it must be from 1 to {LONGEST}",
                self.timeout_seconds
            )
        }
        Ok(())
    }
}

pub struct Command {
    program: Vec<String>,
    timeout: Duration,
}

impl Command {
    pub fn open(settings: &Settings) -> Self {
        Self {
            program: settings.program.clone(),
            timeout: Duration::from_secs(settings.timeout_seconds),
        }
    }

    /// How long the program may take.
    pub fn patience(&self) -> Duration {
        self.timeout
    }

    /// Delivered means that the program ended with 0.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let Some((name, arguments)) = self.program.split_first() else {
            bail!("no program is configured");
        };
        let mut line = serde_json::to_vec(notification)?;
        line.push(b'\n');
        let mut command = process::Command::new(name);
        command
            .args(arguments)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_passed_on(name.to_str())))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A group of its own: what it starts ends with it when its time is over.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let mut group = Group(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
        let Ok(ended) = tokio::time::timeout(self.timeout, run(&mut child, &line)).await else {
            bail!(
                "`{name}` took longer than {} s and was stopped",
                self.timeout.as_secs()
            );
        };
        group.0 = None;
        let (status, said) = ended.with_context(|| format!("cannot run `{name}`"))?;
        match (status.success(), last_line(&said)) {
            (true, _) => Ok(()),
            (false, None) => bail!("`{name}` failed: {status}"),
            (false, Some(said)) => bail!("`{name}` failed: {status}: {said}"),
        }
    }
}

/// A program that runs with what it started. Who stops waiting for it (its time is over, or the agent
/// ends) stops all of that.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn is_passed_on(name: Option<&str>) -> bool {
    name.is_some_and(|name| PASSED_ON.contains(&name) || name.starts_with("LC_"))
}

/// Feeds the program and waits for its end; the end of what it said on standard error.
async fn run(child: &mut Child, line: &[u8]) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (input, errors) = (child.stdin.take(), child.stderr.take());
    let feed = async {
        if let Some(mut input) = input {
            // A program that does not care what it is told may close its input first.
            let _ = input.write_all(line).await;
        }
    };
    let mut said = Vec::new();
    let status = {
        let listen = listen(errors, &mut said);
        let wait = async {
            feed.await;
            child.wait().await
        };
        tokio::pin!(listen, wait);
        tokio::select! {
            status = &mut wait => {
                let _ = tokio::time::timeout(LAST_WORDS, listen).await;
                status?
            }
            () = &mut listen => wait.await?,
        }
    };
    Ok((status, said))
}

/// Reads all that a program says, so that it never has to wait, and keeps the end of it.
async fn listen(errors: Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(mut errors) = errors else { return };
    let mut some = [0; TAIL];
    while let Ok(count @ 1..) = errors.read(&mut some).await {
        said.extend_from_slice(some.get(..count).unwrap_or_default());
        let surplus = said.len().saturating_sub(TAIL);
        said.drain(..surplus);
    }
}

/// The last line that says anything, fit to be shown.
fn last_line(said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.lines().map(str::trim);
    lines.rfind(|line| !line.is_empty()).map(escaped)
}

#[cfg(test)]
mod tests;
