//! The two servers, each a process of its own: the built agent on a vault made through its
//! command line, and the floor.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use strongroom::{client::SigningKey, identity::Identity};
use tempfile::TempDir;

/// The key that is asked to sign, and the service that asks.
pub const SECRET: &str = "bench-key";
pub const SERVICE: &str = "bench";

/// How long a server may take to start before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A vault with one key, one service and one grant.
pub struct Vault {
    directory: TempDir,
    pub service: Arc<SigningKey>,
}

impl Vault {
    pub fn create() -> Self {
        let (service, _) = SigningKey::generate().unwrap();
        let vault = Self {
            directory: TempDir::new().unwrap(),
            service: Arc::new(service),
        };
        let public = public_key(vault.path());
        fs::write(&public, vault.service.public_key().ssh(SERVICE)).unwrap();
        fs::write(vault.passphrase(), "battery staple, correct horse\n").unwrap();
        vault.run(&["init"]);
        fs::write(
            home(vault.path()).join("agent.toml"),
            "[listen]\ntls = \"127.0.0.1:0\"\n",
        )
        .unwrap();
        vault.run(&["secret", "generate", SECRET, "--kind", "ed25519"]);
        vault.run(&["service", "add", SERVICE, "--key", public.to_str().unwrap()]);
        vault.run(&["grant", SERVICE, "sign", SECRET]);
        vault
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    fn passphrase(&self) -> PathBuf {
        self.path().join("passphrase")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command
            .arg("--home")
            .arg(home(self.path()))
            .arg("--passphrase-file")
            .arg(self.passphrase())
            .args(arguments)
            .env("XDG_STATE_HOME", self.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The vault's home in the benchmark's directory.
fn home(directory: &Path) -> PathBuf {
    directory.join("home")
}

/// The service's public key, for the agent and for the floor.
pub fn public_key(directory: &Path) -> PathBuf {
    directory.join("service.pub")
}

/// The certificate that both servers show.
pub fn certificate(directory: &Path) -> PathBuf {
    home(directory).join("certificate.pem")
}

/// The keys that both servers sign answers and prove themselves with.
pub fn identity(directory: &Path) -> Identity {
    Identity::from_pem(&fs::read_to_string(home(directory).join("identity")).unwrap()).unwrap()
}

/// A running server, ended with the benchmark.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// Whether its answers come with an entry and a receipt.
    pub records: bool,
}

impl Server {
    /// The agent under test, unlocked.
    pub fn agent(vault: &Vault) -> Self {
        let log = fs::File::create(vault.path().join("agent.log")).unwrap();
        let child = vault
            .command(&["agent", "--unlock"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let start = Instant::now();
        let address = loop {
            assert!(start.elapsed() < PATIENCE, "the agent does not answer");
            let output = vault.command(&["status", "--json"]).output().unwrap();
            let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            match status["listening"].as_str() {
                Some(address) if status["unlocked"] == true => break address.parse().unwrap(),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        Self {
            child,
            address,
            records: true,
        }
    }

    /// This program again, as the floor.
    pub fn floor(vault: &Vault) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--floor")
            .arg(vault.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
            records: false,
        }
    }

    /// Seconds of CPU that all threads of the process have used, in user and in system mode.
    pub fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // The program's name, in parentheses, may hold spaces. utime and stime are fields 14 and
        // 15, counted from 1; the name is the second. Linux gives both in 1/100 s (USER_HZ).
        let after_name = stat.rsplit_once(") ").unwrap().1;
        let ticks = after_name
            .split(' ')
            .skip(11)
            .take(2)
            .map(|field| field.parse::<f64>().unwrap());
        ticks.sum::<f64>() / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
