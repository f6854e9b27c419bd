//! The owner's own program, which makes a new value at the provider and revokes the old one.
//!
//! It is run once for each of its two steps. On standard input it gets one JSON object; standard
//! output is taken for the new value in the step `create`, and thrown away in the step `revoke`;
//! standard error goes to the terminal. Values are never in its arguments or its environment.

use std::{process::Stdio, time::Duration};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use strongroom::{binding::Rotation, name::Name, vault::material::MAX_LEN};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process,
};
use zeroize::Zeroizing;

/// The most bytes that are read of what it prints; one more than a value may have.
const MOST: usize = MAX_LEN + 1;

/// A program and its arguments.
#[derive(Debug, Clone)]
pub struct Program {
    pub command: Vec<String>,
    pub timeout: Duration,
}

/// What it is told.
#[derive(Serialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Step<'a> {
    /// Make a new value, and print it. The old one goes on working.
    Create { secret: About<'a>, old: &'a Value },
    /// The new value is stored: revoke the old one.
    Revoke {
        secret: About<'a>,
        old: &'a Value,
        new: &'a Value,
    },
}

#[derive(Clone, Copy, Serialize)]
pub struct About<'a> {
    pub name: &'a Name,
    pub kind: &'a str,
}

/// One version of the secret.
pub struct Value {
    pub version: u32,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// How a run ended, and what was printed until then: it may be worth keeping in any case.
pub struct Ran {
    pub printed: Zeroizing<Vec<u8>>,
    pub ended: Result<(), String>,
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            version: u32,
            /// Left out if it is no text.
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<&'a str>,
            value_base64: &'a str,
        }
        Form {
            version: self.version,
            value: std::str::from_utf8(&self.bytes).ok(),
            value_base64: &Zeroizing::new(STANDARD.encode(&*self.bytes)),
        }
        .serialize(serializer)
    }
}

impl Program {
    /// The one that a binding names.
    pub fn of(rotation: &Rotation) -> Option<Self> {
        let seconds = rotation
            .timeout_seconds
            .unwrap_or(Rotation::TIMEOUT_SECONDS);
        Some(Self {
            command: rotation.command.clone()?,
            timeout: Duration::from_secs(seconds.into()),
        })
    }

    /// Its name, for messages and the audit log.
    pub fn name(&self) -> String {
        self.command.first().cloned().unwrap_or_default()
    }

    /// Runs one step.
    pub async fn run(&self, step: &Step<'_>) -> Ran {
        let mut printed = Zeroizing::new(Vec::with_capacity(MOST));
        let ended = self.attempt(step, &mut printed).await;
        Ran {
            printed,
            ended: ended.map_err(|error| format!("{error:#}")),
        }
    }

    async fn attempt(&self, step: &Step<'_>, printed: &mut Vec<u8>) -> anyhow::Result<()> {
        let mut line = Zeroizing::new(serde_json::to_vec(step)?);
        line.push(b'\n');
        let creates = matches!(step, Step::Create { .. });
        let (name, arguments) = self.command.split_first().context("no program is named")?;
        let mut child = process::Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(if creates {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .kill_on_drop(true)
            .spawn()
            .context("it cannot be started")?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let told = async {
            if let Some(mut input) = input {
                // A program that needs none of it may close its input first.
                let _ = input.write_all(&line).await;
            }
        };
        let work = async {
            let (read, ()) = tokio::join!(read(output, printed), told);
            read?;
            let status = child.wait().await?;
            anyhow::ensure!(status.success(), "it ended with {status}");
            Ok(())
        };
        // What was printed before the time was over, or the owner cut it off, is still there.
        tokio::select! {
            done = work => done,
            () = tokio::time::sleep(self.timeout) => {
                anyhow::bail!("it took longer than {} s", self.timeout.as_secs())
            }
            _ = tokio::signal::ctrl_c() => anyhow::bail!("it was interrupted"),
        }
    }
}

async fn read(output: Option<impl AsyncRead + Unpin>, printed: &mut Vec<u8>) -> anyhow::Result<()> {
    let Some(mut output) = output else {
        return Ok(());
    };
    // Never more than there is room for: a vector that grows leaves its old contents behind.
    while printed.len() < MOST {
        let room = (MOST - printed.len()) as u64;
        if (&mut output).take(room).read_buf(printed).await? == 0 {
            return Ok(());
        }
    }
    anyhow::bail!("it printed more than {MAX_LEN} bytes, the most that a secret may have")
}
