//! The way from a command to the vault: through the running agent, or straight into the
//! directory when none runs. The command above does not see the difference.

use std::{path::PathBuf, sync::Arc, thread::JoinHandle};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use interprocess::local_socket::{
    GenericFilePath, ToFsName as _,
    tokio::{Stream, prelude::*},
};
use serde::de::DeserializeOwned;

use super::prompt;
use crate::{
    administration::{self, Call, Command, Reply},
    exit::Exit,
    hidden::Hidden,
    home::Home,
    host::{self, Host, Purpose},
    notify, remembered,
};

/// Answers of the agent are listings at most.
const LARGEST_REPLY: usize = 64 * 1024 * 1024;

/// A vault that can be asked.
pub struct Door {
    way: Way,
    passphrase_file: Option<PathBuf>,
}

enum Way {
    Agent(Home),
    Direct {
        host: Arc<Host>,
        writer: JoinHandle<()>,
    },
}

impl Door {
    /// Finds the running agent, or takes the directory for this command.
    pub fn open(home: &Home, passphrase_file: Option<PathBuf>) -> anyhow::Result<Self> {
        home.check()?;
        let way = match home.hold_in_turn()? {
            Some(held) => {
                let (host, writer) = Host::open(home.clone(), held, Purpose::OneCommand)?;
                Way::Direct {
                    host: Arc::new(host),
                    writer,
                }
            }
            None => Way::Agent(home.clone()),
        };
        Ok(Self {
            way,
            passphrase_file,
        })
    }

    /// Whether an agent runs.
    pub fn is_agent(&self) -> bool {
        matches!(self.way, Way::Agent(_))
    }

    /// Has a command carried out, asking for the passphrase where it is needed.
    pub async fn ask<T: DeserializeOwned>(&self, make: impl Fn() -> Command) -> anyhow::Result<T> {
        // A vault that this command opened by itself is locked until the passphrase is known.
        self.ask_where(make, !self.is_agent()).await
    }

    /// The same for what suspends: of a locked vault it takes the passphrase, and leaves it locked.
    pub async fn stop<T: DeserializeOwned>(&self, make: impl Fn() -> Command) -> anyhow::Result<T> {
        self.ask_where(make, true).await
    }

    async fn ask_where<T: DeserializeOwned>(
        &self,
        make: impl Fn() -> Command,
        takes_locked: bool,
    ) -> anyhow::Result<T> {
        let mut passphrase = None;
        loop {
            let asked = passphrase.is_some();
            let call = Call {
                passphrase: passphrase.take(),
                command: make(),
            };
            match self.call(call).await? {
                Reply::PassphraseNeeded if !asked => passphrase = Some(self.passphrase()?),
                Reply::Locked if !asked && takes_locked => passphrase = Some(self.passphrase()?),
                reply => return result(reply),
            }
        }
    }

    /// The same with a passphrase that was asked for before: for what takes several steps.
    pub async fn ask_with<T: DeserializeOwned>(
        &self,
        passphrase: &Hidden,
        make: impl Fn() -> Command,
    ) -> anyhow::Result<T> {
        let call = Call {
            passphrase: Some(passphrase.clone()),
            command: make(),
        };
        result(self.call(call).await?)
    }

    /// Has the passphrase proved now, so that what follows does not ask.
    pub async fn prove(&self) -> anyhow::Result<()> {
        let _: serde::de::IgnoredAny = self.ask(|| Command::Prove).await?;
        Ok(())
    }

    /// Asks for the passphrase.
    pub fn passphrase(&self) -> anyhow::Result<Hidden> {
        prompt::passphrase(self.passphrase_file.as_deref(), "Passphrase of the vault: ")
    }

    async fn call(&self, call: Call) -> anyhow::Result<Reply> {
        match &self.way {
            Way::Direct { host, .. } => Ok(administration::perform(host, call).await),
            Way::Agent(home) => over_socket(home, &call).await,
        }
    }

    /// Tells the channels of what this command did, if no agent does, and lets the directory go.
    pub async fn close(self) {
        if let Way::Direct { host, writer } = self.way {
            notify::catch_up_once(&host).await;
            host.vault().lock();
            remembered::keep(&host);
            let _ = tokio::task::spawn_blocking(move || host::close(host, writer)).await;
        }
    }
}

/// Asks an agent that runs; `None` if none does. Nothing is opened for it, and no question asked.
pub async fn ask_running<T: DeserializeOwned>(
    home: &Home,
    command: Command,
) -> anyhow::Result<Option<T>> {
    let path = home.socket();
    let Ok(stream) = Stream::connect(path.to_fs_name::<GenericFilePath>()?).await else {
        return Ok(None);
    };
    let call = Call {
        passphrase: None,
        command,
    };
    match over(stream, &call).await {
        Ok(reply) => result(reply).map(Some),
        // It went away in the middle.
        Err(_) => Ok(None),
    }
}

fn result<T: DeserializeOwned>(reply: Reply) -> anyhow::Result<T> {
    match reply {
        Reply::Done { result } => serde_json::from_value(result).context(
            "the agent answered in a form that this command does not know; restart the agent",
        ),
        Reply::Failed { message } => bail!(message),
        Reply::Locked => {
            Err(Exit::Locked.with("the vault is locked; unlock it with `strongroom unlock`"))
        }
        Reply::PassphraseNeeded => bail!("the agent did not take the passphrase"),
    }
}

async fn over_socket(home: &Home, call: &Call) -> anyhow::Result<Reply> {
    let path = home.socket();
    let stream = Stream::connect(path.to_fs_name::<GenericFilePath>()?)
        .await
        .context("another process holds the vault, and no agent answers on its socket; wait for the other command, or end it")?;
    over(stream, call).await
}

async fn over(stream: Stream, call: &Call) -> anyhow::Result<Reply> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let body = zeroize::Zeroizing::new(serde_json::to_vec(call)?);
    let request = http::Request::post("/v1/admin")
        .header(http::header::HOST, "localhost")
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::copy_from_slice(&body)))?;
    let response = sender
        .send_request(request)
        .await
        .context("the agent went away")?;
    let status = response.status();
    let body = Limited::new(response.into_body(), LARGEST_REPLY)
        .collect()
        .await
        .map_err(|error| anyhow::anyhow!("the agent's answer did not arrive whole: {error}"))?
        .to_bytes();
    driver.abort();
    if !status.is_success() {
        bail!(
            "the agent answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
    }
    serde_json::from_slice(&body)
        .context("the agent answered in a form that this command does not know; restart the agent")
}
