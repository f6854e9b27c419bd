//! A vault made through the command line, and a service that may ask.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use strongroom::{client::SigningKey, identity::Identity};
use tempfile::TempDir;

/// The service that asks.
pub const SERVICE: &str = "bench";

/// A vault in a directory of its own, with one service.
pub struct Vault {
    directory: TempDir,
    pub service: Arc<SigningKey>,
}

impl Vault {
    /// Creates one whose agent listens on a port that the kernel chooses.
    pub fn create() -> Self {
        let (service, _) = SigningKey::generate().unwrap();
        let vault = Self {
            directory: TempDir::new().unwrap(),
            service: Arc::new(service),
        };
        let public = public_key(vault.path());
        fs::write(&public, vault.service.public_key().ssh(SERVICE)).unwrap();
        fs::write(vault.passphrase(), "battery staple, correct horse\n").unwrap();
        vault.run(&["init"], "");
        let settings = "[listen]\ntls = \"127.0.0.1:0\"\n";
        fs::write(vault.home().join("agent.toml"), settings).unwrap();
        let public = public.to_str().unwrap();
        vault.run(&["service", "add", SERVICE, "--key", public], "");
        vault
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn home(&self) -> PathBuf {
        home(self.path())
    }

    fn passphrase(&self) -> PathBuf {
        self.path().join("passphrase")
    }

    /// A command on this vault, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command
            .arg("--home")
            .arg(self.home())
            .arg("--passphrase-file")
            .arg(self.passphrase())
            .args(arguments)
            .env("XDG_STATE_HOME", self.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed, with this on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }
}

/// The vault's home in the benchmark's directory.
fn home(directory: &Path) -> PathBuf {
    directory.join("home")
}

/// The service's public key.
pub fn public_key(directory: &Path) -> PathBuf {
    directory.join("service.pub")
}

/// The certificate that the agent shows.
pub fn certificate(directory: &Path) -> PathBuf {
    home(directory).join("certificate.pem")
}

/// The keys that the agent signs answers and proves itself with.
pub fn identity(directory: &Path) -> Identity {
    Identity::from_pem(&fs::read_to_string(home(directory).join("identity")).unwrap()).unwrap()
}
