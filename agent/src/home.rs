//! The vault's directory: what is in it, with which modes, and who may hold it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use etcetera::BaseStrategy as _;
use strongroom::identity::Identity;
use zeroize::Zeroizing;

/// How long a single command is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One vault directory (mode 0700).
#[derive(Debug, Clone)]
pub struct Home {
    directory: PathBuf,
    /// Where this machine keeps what it knows of vaults, apart from them.
    state: PathBuf,
}

/// The exclusive right to write in this directory, held by the agent while it runs, or by one
/// command when no agent runs; the kernel gives it back when the process ends, however it ends.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl Home {
    /// `--home`, else `$STRONGROOM_HOME` (clap reads both), else the platform's data directory.
    pub fn locate(chosen: Option<PathBuf>) -> anyhow::Result<Self> {
        let platform = etcetera::choose_base_strategy()
            .context("no home directory is known; set `HOME` to one")?;
        let directory = chosen.unwrap_or_else(|| platform.data_dir().join("strongroom"));
        let state = platform
            .state_dir()
            .unwrap_or_else(|| platform.data_dir())
            .join("strongroom");
        Ok(Self { directory, state })
    }

    /// A directory whose state is kept beside it: for the demo, which leaves nothing behind.
    pub fn apart(directory: PathBuf, state: PathBuf) -> Self {
        Self { directory, state }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn state(&self) -> &Path {
        &self.state
    }

    pub fn store(&self) -> PathBuf {
        self.directory.join("strongroom.db")
    }

    pub fn config(&self) -> PathBuf {
        self.directory.join("agent.toml")
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("agent.sock")
    }

    /// The TLS certificate that goes with the identity's TLS key: public, for `--cacert`.
    pub fn certificate(&self) -> PathBuf {
        self.directory.join("certificate.pem")
    }

    fn identity_file(&self) -> PathBuf {
        self.directory.join("identity")
    }

    /// Whether a vault was created here.
    pub fn has_vault(&self) -> bool {
        self.store().exists()
    }

    /// Fails unless a vault is here and nobody else can look into its directory.
    pub fn check(&self) -> anyhow::Result<()> {
        if !self.has_vault() {
            bail!(
                "no vault in `{}`; create one with `strongroom init`, or say where it is with `--home DIR`",
                self.directory.display()
            );
        }
        let mode = fs::metadata(&self.directory)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "`{0}` is open to other users (mode {mode:04o}); close it with `chmod 700 {0}`",
                self.directory.display()
            );
        }
        Ok(())
    }

    /// Makes the directory, closed to everybody else.
    pub fn create(&self) -> anyhow::Result<()> {
        if self.has_vault() {
            bail!(
                "a vault is already in `{}`; nothing was changed",
                self.directory.display()
            );
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .with_context(|| format!("cannot create `{}`", self.directory.display()))?;
        let mode = fs::metadata(&self.directory)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "`{0}` exists and is open to other users (mode {mode:04o}); close it with `chmod 700 {0}`, or choose another directory",
                self.directory.display()
            );
        }
        Ok(())
    }

    /// Takes the directory, and waits for a single command that has it, or an agent that is on
    /// its way out: an agent that is started anew must not fail because of a `status` meanwhile.
    /// `None` when an agent answers, or another process does not let go.
    pub fn hold_in_turn(&self) -> anyhow::Result<Option<Held>> {
        let start = Instant::now();
        loop {
            let held = self.hold()?;
            if held.is_some()
                || start.elapsed() > PATIENCE
                || UnixStream::connect(self.socket()).is_ok()
            {
                return Ok(held);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Takes the directory for this process alone; `None` when another process holds it.
    pub fn hold(&self) -> anyhow::Result<Option<Held>> {
        let path = self.directory.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open `{}` for writing", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Held { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
            }
        }
    }

    /// The agent's own keys.
    pub fn identity(&self) -> anyhow::Result<Identity> {
        let path = self.identity_file();
        let mode = fs::metadata(&path)
            .with_context(|| format!("cannot read the agent's identity `{}`", path.display()))?
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            bail!(
                "`{0}` is open to other users (mode {mode:04o}); close it with `chmod 600 {0}`",
                path.display()
            );
        }
        let mut text = Zeroizing::new(String::new());
        File::open(&path)?
            .take(64 * 1024)
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Identity::from_pem(&text).with_context(|| format!("`{}` is damaged", path.display()))
    }

    /// Writes the files that a new vault has beside its store.
    pub fn write_new(
        &self,
        identity: &Identity,
        certificate: &str,
        config: &str,
    ) -> anyhow::Result<()> {
        write_new(&self.identity_file(), 0o600, identity.to_pem().as_bytes())?;
        write_new(&self.certificate(), 0o644, certificate.as_bytes())?;
        if !self.config().exists() {
            write_new(&self.config(), 0o600, config.as_bytes())?;
        }
        // The names of the new files are durable before the vault is called created.
        File::open(&self.directory)?.sync_all()?;
        Ok(())
    }
}

/// This machine's name, if it is one that a certificate and a checkpoint may carry.
pub fn machine_name() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    let plain = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    (plain && (1..=64).contains(&name.len())).then_some(name)
}

/// Writes a file durably. What an unfinished `init` left is written over: no vault is there yet.
fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}
