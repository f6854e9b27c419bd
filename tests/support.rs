//! What the stories need: a vault in a directory of its own, a running agent, outside programs.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

pub mod authority;
pub mod clock;
pub mod desktop;
pub mod hook;
pub mod journald;
pub mod mail;
pub mod peer;
pub mod provider;
pub mod syslogd;
pub mod told;

/// The passphrase of every test's vault.
pub const PASSPHRASE: &str = "battery staple, correct horse";

/// How long anything may take before a test gives up; never how long something should take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_strongroom"))
}

/// The Python that has the client's libraries; `tests/run` makes it.
pub fn python() -> Command {
    let python = std::env::var_os("STRONGROOM_TEST_PYTHON")
        .expect("STRONGROOM_TEST_PYTHON is not set: run the tests with `tests/run`");
    Command::new(python)
}

/// A script of the tests' own.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../tests/python")
        .join(name)
}

/// A vault directory of the test's own, removed at its end.
pub struct Vault {
    directory: TempDir,
    pub recovery_key: String,
    /// What its programs find in their environment beside the test's own.
    environment: Vec<(String, String)>,
}

impl Vault {
    /// Creates a vault whose agent will listen on a port that the kernel chooses.
    pub fn create() -> Self {
        Self::create_in(TempDir::new().unwrap())
    }

    /// The same in a directory that the test prepared.
    pub fn create_in(directory: TempDir) -> Self {
        Self::create_with(directory, Vec::new())
    }

    /// The same with programs that see another time of day.
    pub fn create_at(clock: &clock::Clock) -> Self {
        Self::create_with(TempDir::new().unwrap(), clock.environment())
    }

    fn create_with(directory: TempDir, environment: Vec<(String, String)>) -> Self {
        let mut vault = Self {
            directory,
            recovery_key: String::new(),
            environment,
        };
        fs::write(vault.passphrase_file(), format!("{PASSPHRASE}\n")).unwrap();
        let created = vault.json(&["init"]);
        vault.recovery_key = created["recovery_key"].as_str().unwrap().to_owned();
        vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n");
        vault
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub fn store(&self) -> PathBuf {
        self.home().join("strongroom.db")
    }

    pub fn certificate(&self) -> PathBuf {
        self.home().join("certificate.pem")
    }

    pub fn passphrase_file(&self) -> PathBuf {
        self.path().join("passphrase")
    }

    /// Puts other settings in place.
    pub fn configure(&self, text: &str) {
        fs::write(self.home().join("agent.toml"), text).unwrap();
    }

    /// A command on this vault, ready to run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .arg("--home")
            .arg(self.home())
            .arg("--passphrase-file")
            .arg(self.passphrase_file())
            .args(arguments)
            .env_remove("STRONGROOM_HOME")
            .env("XDG_STATE_HOME", self.path().join("state"))
            .envs(self.environment.clone())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed; its standard output.
    pub fn run(&self, arguments: &[&str]) -> String {
        succeed(self.command(arguments))
    }

    /// The same, with this on standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> String {
        let output = with_input(self.command(arguments), input);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command with `--json` that must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut command = self.command(arguments);
        command.arg("--json");
        serde_json::from_str(&succeed(command)).unwrap()
    }

    /// Runs a command that must fail with this exit code; what it says on standard error.
    pub fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts an agent and unlocks it.
    pub fn agent(&self) -> Agent<'_> {
        Agent::start(self, &["--unlock"])
    }

    /// Starts an agent that stays locked.
    pub fn locked_agent(&self) -> Agent<'_> {
        Agent::start(self, &[])
    }

    /// The audit log's lines.
    pub fn entries(&self) -> Vec<Value> {
        self.run(&["audit", "show", "--json"])
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A fresh key pair of a service, made by ssh-keygen; the private key's path.
    pub fn service_key(&self, name: &str, kind: &str) -> PathBuf {
        let path = self.path().join(name);
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-N", "", "-C", name, "-t", kind, "-f"])
            .arg(&path);
        succeed(command);
        path
    }

    /// Enrols a service with a fresh Ed25519 key; the private key's path.
    pub fn enrol(&self, name: &str) -> PathBuf {
        let key = self.service_key(name, "ed25519");
        let public = key.with_extension("pub");
        self.run(&["service", "add", name, "--key", public.to_str().unwrap()]);
        key
    }
}

/// A running agent; killed at the end of the test if it was not stopped.
pub struct Agent<'a> {
    pub vault: &'a Vault,
    pub child: Child,
    /// `127.0.0.1:port`, or empty if it does not listen.
    pub address: String,
}

impl<'a> Agent<'a> {
    fn start(vault: &'a Vault, arguments: &[&str]) -> Self {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(vault.path().join("agent.log"))
            .unwrap();
        let mut command = vault.command(&["agent"]);
        command
            .args(arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command.spawn().unwrap();
        let mut agent = Self {
            vault,
            child,
            address: String::new(),
        };
        let unlocked = arguments.contains(&"--unlock");
        eventually("the agent answers", || {
            assert!(
                agent.child.try_wait().unwrap().is_none(),
                "the agent ended: {}",
                agent.log()
            );
            if !vault.home().join("agent.sock").exists() {
                return false;
            }
            let output = vault.command(&["status", "--json"]).output().unwrap();
            let Ok(status) = serde_json::from_slice::<Value>(&output.stdout) else {
                return false;
            };
            agent.address = status["listening"].as_str().unwrap_or_default().to_owned();
            status["running"] == true && (!unlocked || status["unlocked"] == true)
        });
        agent
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// What the agent wrote to standard error.
    pub fn log(&self) -> String {
        fs::read_to_string(self.vault.path().join("agent.log")).unwrap_or_default()
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let mut command = Command::new("kill");
        command.args(["-s", name, &pid]);
        succeed(command);
    }

    /// SIGTERM, and waits; the agent must end well.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks through our own client. The answer's JSON if it was allowed, else what was said.
    pub fn request(&self, key: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        command
            .arg("request")
            .args(arguments)
            .args(["--json", "--agent", &self.url(), "--key"])
            .arg(key)
            .arg("--cacert")
            .arg(self.vault.certificate())
            .envs(self.vault.environment.clone());
        command.output().unwrap()
    }

    /// Asks with the Python client, which has nothing of ours.
    pub fn python(&self, key: &Path, body: &Value, more: &[&str]) -> Value {
        let mut command = self.python_command(key, more);
        command.arg(body.to_string());
        serde_json::from_str(&succeed(command)).unwrap()
    }

    /// The same with a body that is too long for an argument.
    pub fn python_large(&self, key: &Path, body: &Value) -> Value {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        serde_json::to_writer(&mut file, body).unwrap();
        let mut command = self.python_command(key, &[]);
        command.arg(format!("@{}", file.path().display()));
        serde_json::from_str(&succeed(command)).unwrap()
    }

    /// The Python client, but for what it asks.
    pub fn python_command(&self, key: &Path, more: &[&str]) -> Command {
        let mut command = python();
        command
            .arg(script("client.py"))
            .args(["--agent", &self.url(), "--cacert"])
            .arg(self.vault.certificate())
            .arg("--key")
            .arg(key)
            .args(more);
        command
    }

    /// curl on this agent's TLS port, with its certificate trusted.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--noproxy", "*", "--cacert"])
            .arg(self.vault.certificate())
            .args(arguments)
            .arg(format!("{}{path}", self.url()));
        command.output().unwrap()
    }
}

impl Drop for Agent<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command that must succeed; its standard output.
pub fn succeed(mut command: Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run the tests with `tests/run`"));
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command with this on its standard input.
pub fn with_input(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Everything that a command printed.
pub fn text(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Waits until something holds; panics when it never does.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        // A pause between two looks, not a time that anything has to take.
        std::thread::sleep(Duration::from_millis(10));
    }
}
