//! A provider of the tests' own: HTTPS in Python's standard library, with certificates by openssl.

use std::{path::Path, process::Command};

use serde_json::Value;

use super::{Vault, authority::Authority, eventually, peer::Peer, python, script, succeed};

/// A running provider; it ends with the test.
pub struct Provider {
    peer: Peer,
    pub port: u16,
    /// Whom to trust for its certificate.
    pub cacert: String,
}

impl Provider {
    /// One that shows a certificate for 127.0.0.1 and `localhost`.
    pub fn start(vault: &Vault) -> Self {
        Self::start_with(vault, &[])
    }

    /// The same with more arguments for `provider.py`.
    pub fn start_with(vault: &Vault, more: &[&str]) -> Self {
        Self::start_in(vault.path(), more)
    }

    /// The same with its certificates somewhere in this directory.
    pub fn start_in(directory: &Path, more: &[&str]) -> Self {
        let directory = tempfile::TempDir::with_prefix_in("provider-", directory)
            .unwrap()
            .keep();
        let authority = Authority::create(&directory, "provider-authority");
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
        let (certificate, key) = authority.sign("provider", names);
        let more = [&["--cert", &certificate, "--key", &key], more].concat();
        Self::run(&more, authority.certificate())
    }

    /// One without TLS.
    pub fn start_plain() -> Self {
        Self::run(&[], String::new())
    }

    fn run(arguments: &[&str], cacert: String) -> Self {
        let peer = Peer::start(python().arg(script("provider.py")).args(arguments));
        Self {
            port: peer.port,
            peer,
            cacert,
        }
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// What says in a binding that the secret is for this provider.
    pub fn flags(&self) -> Vec<String> {
        [
            "--base-url",
            &self.url(),
            "--network",
            "127.0.0.1/32",
            "--cacert",
            &self.cacert,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// The same as a member `base_url`.
    pub fn endpoint(&self) -> Value {
        serde_json::json!({
            "url": self.url(),
            "networks": ["127.0.0.1/32"],
            "cacert": std::fs::read_to_string(&self.cacert).unwrap(),
        })
    }

    /// Every request that it got so far.
    pub fn got(&self) -> Vec<Value> {
        self.peer.got()
    }

    /// The last request that it got.
    pub fn last(&self) -> Value {
        self.peer.last()
    }

    /// Waits until so many requests have arrived there.
    pub fn wait_for(&self, requests: usize) {
        eventually("the provider gets the request", || {
            self.got().len() >= requests
        });
    }

    /// Lets the requests to `/gate/NAME` go on.
    pub fn open(&self, name: &str) {
        let mut command = Command::new("curl");
        command
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--noproxy",
                "*",
                "--cacert",
            ])
            .arg(&self.cacert)
            .arg(format!("{}/open/{name}", self.url()));
        succeed(command);
    }
}
