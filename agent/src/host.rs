//! An open vault directory: what both the running agent and a single command work with.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use strongroom::{
    audit::{Committed, Log, NotRecorded, Submission},
    identity::Identity,
    store::{
        Reader as _,
        sqlite::{SqliteReader, SqliteStore},
    },
    vault::{Brake, Vault},
};

use tokio::sync::{Notify, RwLockReadGuard, RwLockWriteGuard};
use tokio_util::task::TaskTracker;

use crate::{
    config::Config,
    home::{Held, Home},
    noise::Folder,
    notify::{Credentials, Health, Mailboxes},
    outbound::Outbound,
    remembered,
    turns::Turns,
    under_way::UnderWay,
    waiting::Waiting,
    writer::Writer,
};

/// For how long a proved passphrase allows administration.
const PROOF_LASTS: Duration = Duration::from_secs(5 * 60);

/// One open vault directory. There is one per directory and machine: it holds the lock.
pub struct Host {
    home: Home,
    config: Config,
    identity: Identity,
    vault: Vault,
    // Dropped before the writer: the last one to close moves the WAL into the store's one file,
    // and a reader may not write.
    reader: Mutex<SqliteReader>,
    writer: Writer,
    noise: Folder,
    channels: Health,
    /// What channels have taken out of the vault.
    credentials: Credentials,
    mailboxes: Mailboxes,
    recording: AtomicBool,
    proved: Mutex<Option<Instant>>,
    address: OnceLock<SocketAddr>,
    outbound: Outbound,
    /// Uses that wait for a provider.
    errands: TaskTracker,
    under_way: Arc<UnderWay>,
    /// Told when the vault was changed.
    changed: Notify,
    turns: Turns,
    waiting: Waiting,
    /// Held shared from the decision on a request to the use of its key, and alone while a change
    /// becomes durable and counts.
    uses: tokio::sync::RwLock<()>,
    /// Vault changes build on each other's signatures: one at a time.
    pub(crate) changing: tokio::sync::Mutex<()>,
    purpose: Purpose,
    _held: Held,
}

/// What a directory was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The agent: it starts locked, and stays locked until somebody unlocks it.
    Serve,
    /// One command of the owner's: the passphrase that it asks for unlocks the vault too.
    OneCommand,
}

/// What `GET /v1/agent` tells anybody.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Introduction {
    /// The audit log's origin, which is the agent's name.
    pub name: String,
    pub version: String,
    /// What a request names as its `agent`.
    pub thumbprint: String,
    pub keys: Keys,
    pub unlocked: bool,
}

/// The public halves of the agent's own keys.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Keys {
    /// Signs answers: a JWK.
    pub answer: serde_json::Value,
    /// Signs checkpoints: a C2SP signed-note verifier key.
    pub checkpoint: String,
}

impl Host {
    /// Opens the directory, locked. The thread ends after the last use of the host.
    pub fn open(
        home: Home,
        held: Held,
        purpose: Purpose,
    ) -> anyhow::Result<(Self, JoinHandle<()>)> {
        home.check()?;
        let config = Config::read(&home.config())?;
        let identity = home.identity()?;
        let path = home.store();
        let store = SqliteStore::open(&path)?;
        let reader = SqliteReader::open(&path)?;
        let vault = Vault::open(&reader.records(0)?).with_context(|| {
            format!(
                "the vault in `{}` cannot be trusted",
                home.directory().display()
            )
        })?;
        vault.check_complete(&reader).with_context(|| {
            format!(
                "the vault in `{}` cannot be trusted",
                home.directory().display()
            )
        })?;
        remembered::check(
            &home,
            &reader,
            identity.thumbprint().as_str(),
            &identity.checkpoint_vkey(),
        )?;
        let log = Log::open(
            store,
            identity.checkpoint_signer(),
            &identity.checkpoint_vkey(),
        )
        .with_context(|| format!("the audit log in `{}` cannot be trusted", path.display()))?;
        let (writer, thread) = Writer::start(log)?;
        let held_bytes = config.limits.held;
        let waiting = Waiting::new(config.limits.waiting);
        let host = Self {
            home,
            config,
            identity,
            vault,
            writer,
            reader: Mutex::new(reader),
            noise: Folder::default(),
            channels: Health::default(),
            credentials: Credentials::default(),
            mailboxes: Mailboxes::default(),
            recording: AtomicBool::new(true),
            proved: Mutex::new(None),
            address: OnceLock::new(),
            outbound: Outbound::new(held_bytes),
            errands: TaskTracker::new(),
            under_way: Arc::default(),
            changed: Notify::new(),
            turns: Turns::default(),
            waiting,
            uses: tokio::sync::RwLock::new(()),
            changing: tokio::sync::Mutex::new(()),
            purpose,
            _held: held,
        };
        Ok((host, thread))
    }

    pub fn home(&self) -> &Home {
        &self.home
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Who waits for which secret.
    pub fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The calls that wait until somebody approves.
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// The way to providers.
    pub fn outbound(&self) -> &Outbound {
        &self.outbound
    }

    /// Uses that wait for a provider, and outlive the request that began them.
    pub fn errands(&self) -> &TaskTracker {
        &self.errands
    }

    /// Those of them whose call to a provider is under way.
    pub fn under_way(&self) -> &Arc<UnderWay> {
        &self.under_way
    }

    /// Told when the vault was changed; there is one that listens.
    pub fn changed(&self) -> &Notify {
        &self.changed
    }

    /// While this is held nothing in the vault changes: what a request was decided by is what it is
    /// done by, and its entry stands on the same side of a change's entry as its effect. So an alias
    /// or a binding can be changed under load, and no caller notices.
    pub async fn unchanged(&self) -> RwLockReadGuard<'_, ()> {
        self.uses.read().await
    }

    /// While this is held no request is between its decision and its use. It waits for those that
    /// are, which takes as long as their entries take to be durable; a provider is not waited for.
    pub async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.uses.write().await
    }

    /// Locks the vault, and cuts off what is under way to providers: the credential is in it.
    pub fn lock(&self) {
        self.vault.lock();
        self.outbound.cut_off();
        self.waiting.stop_all();
    }

    /// Locks the vault in the same way, and keeps the root for signing that everything is suspended.
    /// `None` if the vault was locked already.
    pub fn pull_brake(&self) -> Option<Brake> {
        let brake = self.vault.pull_brake();
        self.outbound.cut_off();
        self.waiting.stop_all();
        brake
    }

    pub fn noise(&self) -> &Folder {
        &self.noise
    }

    pub fn channels(&self) -> &Health {
        &self.channels
    }

    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What mail channels know of their recipients.
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.mailboxes
    }

    /// The agent's name: the origin of its audit log.
    pub fn origin(&self) -> &str {
        self.identity.origin()
    }

    /// Reads what is committed.
    pub fn read<T, E>(&self, read: impl FnOnce(&SqliteReader) -> Result<T, E>) -> Result<T, E> {
        read(&self.reader.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a submission durable, and remembers whether that works, for `/readyz`.
    pub async fn record(&self, submission: Submission) -> Result<Committed, NotRecorded> {
        let committed = self.writer.submit(submission).await;
        self.recording.store(committed.is_ok(), Ordering::Relaxed);
        committed
    }

    /// Whether entries can be made durable now. After one that could not, this tries whether a
    /// write can: whoever sends requests only to an agent that is ready would never find out.
    pub async fn can_record(&self) -> bool {
        if !self.is_recording() {
            // A position of nobody's: no channel can have this name.
            let write = Submission::Advance {
                channel: "(readiness)".to_owned(),
                delivered: 0,
            };
            let _ = self.record(write).await;
        }
        self.is_recording()
    }

    /// Whether the last entry could be made durable.
    pub fn is_recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    /// Remembers that the passphrase was proved just now, or forgets it.
    pub fn set_proved(&self, proved: bool) {
        *self.proved.lock().unwrap_or_else(PoisonError::into_inner) = proved.then(Instant::now);
    }

    /// Whether the passphrase was proved within the last five minutes.
    pub fn is_proved(&self) -> bool {
        self.proved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < PROOF_LASTS)
    }

    /// Remembers where services reach this agent, now that the port is bound.
    pub fn set_address(&self, address: SocketAddr) {
        self.address.get_or_init(|| address);
    }

    /// Where services reach this agent over TLS, while it runs.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address.get().copied()
    }

    pub fn introduction(&self) -> Introduction {
        Introduction {
            name: self.origin().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            thumbprint: self.identity.thumbprint().to_string(),
            keys: Keys {
                answer: self.identity.answer_public().jwk(),
                checkpoint: self.identity.checkpoint_vkey(),
            },
            unlocked: self.vault.is_unlocked(),
        }
    }
}

/// Ends the agent's part of the log: waits until everything submitted is durable.
pub fn close(host: Arc<Host>, thread: JoinHandle<()>) {
    drop(host);
    // The thread ends when the last writer is gone; a panic in it was logged already.
    let _ = thread.join();
}
