//! A server of the tests' own: a program that prints its port on the first line, then one JSON line
//! for each thing that it got, before it answers.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::NamedTempFile;

use super::eventually;

/// A running peer; it ends with the test.
pub struct Peer {
    child: Child,
    pub port: u16,
    /// A file and no pipe: a line that was written before an answer is there when the answer is.
    printed: NamedTempFile,
}

impl Peer {
    pub fn start(command: &mut Command) -> Self {
        let printed = NamedTempFile::new().unwrap();
        let output = File::options().append(true).open(printed.path()).unwrap();
        let child = command.stdin(Stdio::piped()).stdout(output).spawn();
        let mut peer = Self {
            child: child.unwrap(),
            port: 0,
            printed,
        };
        eventually("the peer says its port", || {
            assert!(peer.child.try_wait().unwrap().is_none(), "it ended");
            let port = peer.lines().next().and_then(|line| line.parse().ok());
            peer.port = port.unwrap_or_default();
            port.is_some()
        });
        peer
    }

    /// Everything that it got so far.
    pub fn got(&self) -> Vec<Value> {
        let lines = self.lines().skip(1);
        lines
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect()
    }

    /// The last of it.
    pub fn last(&self) -> Value {
        self.got().pop().expect("it was asked")
    }

    /// The lines that are whole.
    fn lines(&self) -> impl Iterator<Item = String> {
        let printed = fs::read_to_string(self.printed.path()).unwrap();
        let whole = printed.rfind('\n').map_or(0, |end| end + 1);
        let lines: Vec<_> = printed[..whole].lines().map(str::to_owned).collect();
        lines.into_iter()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
