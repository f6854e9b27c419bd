//! A journal of the tests' own: the real `systemd-journald` in a mount namespace where `/run` is a
//! directory of the test's, so that it is not the machine's, and needs no root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{eventually, succeed};

/// A running `systemd-journald`; it ends with the test.
pub struct Journald {
    child: Child,
    directory: PathBuf,
}

impl Journald {
    /// Starts it; what it kept in this directory before is still there.
    pub fn start(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("run/systemd/journal")).unwrap();
        fs::create_dir_all(directory.join("run/log/journal")).unwrap();
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
        let child = command.spawn().expect("`unshare` is missing; run the tests with `tests/run`");
        let mut journald = Self {
            child,
            directory: directory.to_owned(),
        };
        eventually("journald listens", || {
            let said = || fs::read_to_string(directory.join("said")).unwrap();
            assert!(journald.child.try_wait().unwrap().is_none(), "{}", said());
            journald.socket().exists() && !journald.read(&[]).is_empty()
        });
        journald
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
    pub fn stop(mut self) {
        let mut command = Command::new("kill");
        command.args(["-s", "TERM", &self.child.id().to_string()]);
        succeed(command);
        self.child.wait().unwrap();
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
