//! A receiver of notifications over HTTP, which checks each by the format's own public package: see
//! `tests/python/hooks.py`.

use std::{path::Path, process::Stdio};

use serde_json::Value;

use super::{Vault, eventually, peer::Peer, python, script};

/// A running receiver; it ends when it is dropped.
pub struct Hook {
    peer: Peer,
    pub port: u16,
}

impl Hook {
    /// Of this format, on a port that the kernel chooses.
    pub fn start(format: &str, more: &[&str]) -> Self {
        Self::on(0, format, more)
    }

    /// On this port: the same as before an outage.
    pub fn on(port: u16, format: &str, more: &[&str]) -> Self {
        let mut command = python();
        command
            .arg(script("hooks.py"))
            .args([format, "--port", &port.to_string()])
            .args(more)
            .stderr(Stdio::inherit());
        let peer = Peer::start(&mut command);
        Self {
            port: peer.port,
            peer,
        }
    }

    /// Everything that came: what was right, what was wrong, and what was answered otherwise.
    pub fn got(&self) -> Vec<Value> {
        self.peer.got()
    }

    /// What was right, in the order in which it came.
    pub fn delivered(&self) -> Vec<Value> {
        let mut got = self.got();
        for told in &got {
            assert!(told.get("wrong").is_none(), "{told}");
        }
        got.retain(|told| told.get("id").is_some());
        got
    }

    /// The ids of the notifications that were right, in the order in which they came.
    pub fn ids(&self) -> Vec<String> {
        let delivered = self.delivered();
        let id = |told: &Value| told["id"].as_str().unwrap().to_owned();
        delivered.iter().map(id).collect()
    }

    /// The indices in the audit log of what was right, in the order in which it came.
    pub fn indices(&self) -> Vec<usize> {
        let index = |id: &String| id.rsplit('/').next().unwrap().parse().unwrap();
        self.ids().iter().map(index).collect()
    }

    /// Waits until a delivery holds this text, and returns it.
    pub fn until(&self, text: &str) -> Value {
        let mut found = None;
        eventually(text, || {
            let all = self.delivered();
            found = all.into_iter().find(|told| told.to_string().contains(text));
            found.is_some()
        });
        found.unwrap()
    }
}

/// Puts a secret in that the channel may send there.
pub fn give(vault: &Vault, secret: &str, kind: &str, value: &str, channel: &str, to: &str) {
    vault.run_with_input(
        &[
            "secret",
            "add",
            secret,
            "--kind",
            kind,
            "--channel",
            channel,
            "--to",
            to,
        ],
        value.as_bytes(),
    );
}

/// What tells of each entry by itself, for persons too: comes last in a `[[notify]]`.
pub const EACH: &str = "[notify.tell]\nurgency = \"quiet\"\ndigest = 0\ncatch_up = \"each\"\n";

/// The problem that a channel has, as `notify list` tells it; empty if there is none.
pub fn problem(vault: &Vault, channel: &str) -> String {
    let rows = vault.json(&["notify", "list"]);
    let row = rows.as_array().unwrap().iter();
    let row = row.clone().find(|row| row["name"] == channel).unwrap();
    match row["state"].as_str().unwrap() {
        "waiting" => "the vault is locked".to_owned(),
        _ => row["problem"].as_str().unwrap_or_default().to_owned(),
    }
}

/// Channels in `agent.toml`.
pub fn configure(vault: &Vault, channels: &str) {
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{channels}"));
}

/// Every entry from the first that was told to the last, each once and in order.
pub fn assert_complete(indices: &[usize]) {
    let expected: Vec<_> = (indices[0]..).take(indices.len()).collect();
    assert_eq!(indices, expected);
}

/// A vault that has one key, and one service that may sign with it.
pub fn vault() -> (Vault, std::path::PathBuf) {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    (vault, key)
}

/// Signs, with this as the purpose; must be allowed.
pub fn sign(agent: &super::Agent<'_>, key: &Path, purpose: &str) {
    let signing = [
        "sign",
        "deploy-key",
        "--message",
        "hello",
        "--purpose",
        purpose,
    ];
    let answered = agent.request(key, &signing);
    assert!(answered.status.success(), "{}", super::text(&answered));
}
