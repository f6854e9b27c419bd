//! The two servers, each a process of its own: the built agent on a vault made through its command
//! line, and the provider. And what a process has used of the CPU.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use strongroom::{client::SigningKey, identity::Identity};
use tempfile::TempDir;

/// The provider's key, by its name in the vault, and the service that may have it used.
pub const SECRET: &str = "provider/root";
pub const KEY: &str = "the-root-key-of-the-provider-0123456789";
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
        fs::write(vault.passphrase(), "battery staple, correct horse\n").unwrap();
        vault.run(&["init"], "");
        let settings = "[listen]\ntls = \"127.0.0.1:0\"\n";
        fs::write(vault.home().join("agent.toml"), settings).unwrap();
        vault
    }

    /// Puts in the provider's key, and lets the service have a part of it.
    pub fn fill(&self, provider: &Server) {
        let url = format!("https://{}", provider.address);
        let cacert = certificate(self.path());
        let mut add = vec![
            "secret",
            "add",
            SECRET,
            "--kind",
            "token",
            "--base-url",
            &url,
        ];
        add.extend([
            "--network",
            "127.0.0.1/32",
            "--cacert",
            cacert.to_str().unwrap(),
        ]);
        self.run(&add, KEY);
        let public = self.path().join("service.pub");
        fs::write(&public, self.service.public_key().ssh(SERVICE)).unwrap();
        self.run(
            &["service", "add", SERVICE, "--key", public.to_str().unwrap()],
            "",
        );
        let policy = format!(
            r#"permit (principal == Service::"{SERVICE}", action == Action::"http", resource == Secret::"{SECRET}")
               when {{ context.http.method == "POST" && context.http.path like "/apps/*/releases" }};"#
        );
        self.run(&["policy", "set", "releases", "-"], &policy);
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// The keys that the agent signs answers with.
    pub fn identity(&self) -> Identity {
        Identity::from_pem(&fs::read_to_string(self.home().join("identity")).unwrap()).unwrap()
    }

    fn passphrase(&self) -> PathBuf {
        self.path().join("passphrase")
    }

    fn command(&self, arguments: &[&str]) -> Command {
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

    fn run(&self, arguments: &[&str], input: &str) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }
}

/// The certificate that the provider shows.
pub fn certificate(directory: &Path) -> PathBuf {
    directory.join("provider.pem")
}

/// A running server, ended with the benchmark.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// The agent under test, unlocked.
    pub fn agent(vault: &Vault) -> Self {
        let log = fs::File::create(vault.path().join("agent.log")).unwrap();
        let mut command = vault.command(&["agent", "--unlock"]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
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
        Self { child, address }
    }

    /// This program again, as the provider.
    pub fn provider(vault: &Vault) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("--provider").arg(vault.path());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut line).unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    /// See [`cpu`].
    pub fn cpu(&self) -> f64 {
        cpu(&self.child.id().to_string())
    }
}

/// Seconds of CPU that all threads of a process have used, in user and in system mode.
pub fn cpu(pid: &str) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The program's name, in parentheses, may hold spaces. utime and stime are fields 14 and 15,
    // counted from 1; the name is the second. Linux gives both in 1/100 s (USER_HZ).
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
