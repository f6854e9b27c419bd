//! A journal of the tests' own: the real `systemd-journald` in a mount namespace where `/run` is a
//! directory of the test's, so that it is not the machine's, and needs no root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{eventually, succeed};

/// A journal in a directory of its own; it ends with the test.
pub struct Journald {
    directory: PathBuf,
    running: Option<Child>,
}

impl Journald {
    pub fn start(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("run/systemd/journal")).unwrap();
        fs::create_dir_all(directory.join("run/log/journal")).unwrap();
        let mut journald = Self {
            directory: directory.to_owned(),
            running: None,
        };
        journald.come_up();
        journald
    }

    /// The channel that tells it.
    pub fn settings(&self, name: &str) -> String {
        format!(
            "[[notify]]\nname = \"{name}\"\nkind = \"journald\"\nsocket = \"{}\"\n",
            self.socket().display()
        )
    }

    /// Starts it again where it was; what it kept is still there.
    pub fn come_up(&mut self) {
        let directory = &self.directory;
        let _ = fs::remove_file(directory.join("run/systemd/journal/socket"));
        let mut command = Command::new("unshare");
        command
            .args(["--map-root-user", "--mount", "sh", "-c"])
            .arg(r#"mount --bind "$1" /run && exec /lib/systemd/systemd-journald"#)
            .arg("sh")
            .arg(directory.join("run"))
            // Nobody is told that it is ready, and nobody watches it.
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(directory.join("said")).unwrap());
        let mut child = command
            .spawn()
            .expect("`unshare` is missing; run the tests with `tests/run`");
        eventually("journald listens", || {
            let said = || fs::read_to_string(directory.join("said")).unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{}", said());
            self.socket().exists() && !self.read(&[]).is_empty()
        });
        self.running = Some(child);
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("run/systemd/journal/socket")
    }

    /// What `journalctl` finds, the oldest first.
    pub fn read(&self, matches: &[&str]) -> Vec<Value> {
        let kept = self.directory.join("run/log/journal");
        let Some(Ok(of_this_machine)) = fs::read_dir(kept).unwrap().next() else {
            return Vec::new();
        };
        let mut command = Command::new("journalctl");
        command
            .args(["--quiet", "--all", "--output", "json", "--directory"])
            .arg(of_this_machine.path())
            .args(matches);
        let lines = succeed(command);
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What it got of this program.
    pub fn got(&self) -> Vec<Value> {
        self.read(&["SYSLOG_IDENTIFIER=strongroom"])
    }

    /// The ids of the notifications that it got so far.
    pub fn ids(&self) -> Vec<String> {
        let id = |entry: &Value| entry["STRONGROOM_ID"].as_str().unwrap().to_owned();
        self.got().iter().map(id).collect()
    }

    /// SIGTERM, and waits: it writes out all that it has read.
    pub fn go_down(&mut self) {
        let mut child = self.running.take().unwrap();
        let mut command = Command::new("kill");
        command.args(["-s", "TERM", &child.id().to_string()]);
        succeed(command);
        child.wait().unwrap();
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        if let Some(child) = &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
