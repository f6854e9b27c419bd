//! The agent while it runs: its ways in, its channels, and how it stops.

use std::{sync::Arc, thread::JoinHandle};

use anyhow::Context as _;
use strongroom::audit::{Action, By, Event, Submission};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    due,
    host::{self, Host},
    noise,
    notify::Follower,
    remembered, waiting,
};

pub mod api;
pub mod body;
mod connection;
pub mod listen;
mod local;

/// A running agent.
pub struct Agent {
    host: Arc<Host>,
    writer: JoinHandle<()>,
    stop: CancellationToken,
    /// Told to the channels last: they tell of the stop too.
    farewell: CancellationToken,
    ways_in: JoinSet<()>,
    channels: JoinSet<()>,
    signals: Signals,
}

impl Agent {
    /// Opens the ways in and starts the channels. What fails here fails before anybody was told
    /// that the agent is ready.
    pub async fn start(host: Host, writer: JoinHandle<()>) -> anyhow::Result<Self> {
        // Before anything can be seen of the agent: whoever sees it may stop it, and it stops well.
        let signals = Signals::catch()?;
        let host = Arc::new(host);
        let stop = CancellationToken::new();
        let farewell = CancellationToken::new();
        let mut ways_in = JoinSet::new();
        let mut channels = JoinSet::new();

        // Channels find their position before the first entry of this run, so that they tell of it.
        for channel in &host.config().notify {
            let follower = Follower::open(&host, channel)
                .await
                .with_context(|| format!("channel `{}` has no position", channel.name()))?;
            channels.spawn(follower.run(farewell.clone()));
        }

        let socket = local::bind(&host.home().socket())?;
        ways_in.spawn(local::run(Arc::clone(&host), socket, stop.clone()));
        if let Some(address) = host.config().listen.tls {
            let certificate = host.home().certificate();
            let acceptor = listen::acceptor(
                &host.config().listen,
                &certificate,
                host.identity().tls_pkcs8(),
            )?;
            let listener = listen::bind(address).await?;
            host.set_address(listener.local_addr()?);
            ways_in.spawn(listen::run(
                Arc::clone(&host),
                listener,
                acceptor,
                stop.clone(),
            ));
        }
        ways_in.spawn(due::run(Arc::clone(&host), stop.clone()));
        ways_in.spawn(noise::run(Arc::clone(&host), stop.clone()));
        ways_in.spawn(waiting::expire(Arc::clone(&host), stop.clone()));

        let detail = host
            .address()
            .map(|address| format!("listening on {address}"));
        host.record(lifecycle(&host, Action::AgentStarted, detail))
            .await?;
        tracing::info!(home = %host.home().directory().display(), address = ?host.address(), "the agent runs, locked");
        remembered::keep(&host);
        // Systemd wants to know; anywhere else this does nothing.
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        Ok(Self {
            host,
            writer,
            stop,
            farewell,
            ways_in,
            channels,
            signals,
        })
    }

    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Waits for SIGTERM or an interrupt from the terminal; one that came since the start counts.
    pub async fn asked_to_stop(&mut self) {
        let Signals {
            terminate,
            interrupt,
        } = &mut self.signals;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }

    /// Stops: no new connections, requests in flight finish, counts and positions are kept.
    pub async fn stop(mut self) {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
        self.stop.cancel();
        self.host.waiting().close();
        let patience = self.host.config().limits.stop();
        let finish = async { while self.ways_in.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, finish).await.is_err() {
            tracing::warn!("some requests did not finish in time");
            self.ways_in.shutdown().await;
        }
        // Errands end by themselves: they keep what their providers answer before the lock.
        self.host.errands().close();
        if tokio::time::timeout(patience, self.host.errands().wait())
            .await
            .is_err()
        {
            tracing::warn!("some providers did not answer in time");
        }
        self.host.lock();
        let _ = tokio::time::timeout(patience, self.host.errands().wait()).await;
        self.host.noise().fold(&self.host).await;
        if let Err(error) = self
            .host
            .record(lifecycle(&self.host, Action::AgentStopped, None))
            .await
        {
            tracing::error!(%error, "the stop could not be recorded");
        }
        self.farewell.cancel();
        while self.channels.join_next().await.is_some() {}
        remembered::keep(&self.host);
        let _ = std::fs::remove_file(self.host.home().socket());
        tracing::info!("the agent has stopped");
        let writer = self.writer;
        let host = self.host;
        // Joining a thread blocks. A request that did not finish in time still holds the host: all
        // that was submitted is durable, so there is no reason to wait for it for ever.
        let closed = tokio::task::spawn_blocking(move || host::close(host, writer));
        let _ = tokio::time::timeout(patience, closed).await;
    }
}

/// An entry about the agent itself. It says which vault record is the newest, so that cutting
/// records off the end is noticed without reading far back.
pub fn lifecycle(host: &Host, action: Action, detail: Option<String>) -> Submission {
    let by = match action {
        Action::Unlocked | Action::Locked | Action::Panicked | Action::NotificationTest => {
            By::Owner
        }
        _ => By::Agent,
    };
    Submission::Note(Event::Administration {
        action,
        by,
        subject: None,
        version: None,
        detail,
        record: Some(host.vault().catalog().newest_record()),
    })
}

/// The signals that ask the agent to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From here on they no longer end the process at once.
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}
