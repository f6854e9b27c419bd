//! A mail server of the tests' own: `aiosmtpd`, with certificates by openssl. What arrives there is read
//! by Python's `email`.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{authority::Authority, peer::Peer, python, script};

/// A mail server; it ends with the test.
pub struct MailServer {
    directory: PathBuf,
    /// `implicit`, `starttls` or `none`.
    tls: &'static str,
    peer: Option<Peer>,
    pub port: u16,
    /// Whom to trust for its certificate.
    pub cacert: String,
    /// What arrived before the server was stopped last.
    past: Vec<Value>,
}

impl MailServer {
    /// A running one.
    pub fn start(directory: &Path, tls: &'static str, more: &[&str]) -> Self {
        let mut server = Self::down(directory, tls);
        server.start_again(more);
        server
    }

    /// One that does not run yet, on a port that nobody listens on.
    pub fn down(directory: &Path, tls: &'static str) -> Self {
        let directory = tempfile::TempDir::with_prefix_in("mail-", directory)
            .unwrap()
            .keep();
        let authority = Authority::create(&directory, "mail-authority");
        authority.sign("mail", "subjectAltName=IP:127.0.0.1");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            tls,
            peer: None,
            port: free.local_addr().unwrap().port(),
            cacert: authority.certificate(),
            past: Vec::new(),
            directory,
        }
    }

    /// Starts it on the same port, with these options of `smtp.py`.
    pub fn start_again(&mut self, more: &[&str]) {
        self.stop();
        let file = |name: &str| self.directory.join(name);
        let peer = Peer::start(
            python()
                .arg(script("smtp.py"))
                .args(["--port", &self.port.to_string(), "--tls", self.tls])
                .arg("--cert")
                .arg(file("mail.pem"))
                .arg("--key")
                .arg(file("mail.key"))
                .args(more),
        );
        self.peer = Some(peer);
    }

    pub fn stop(&mut self) {
        if let Some(peer) = self.peer.take() {
            self.past.extend(peer.got());
        }
    }

    /// What makes a channel of it in `agent.toml` that tells each thing by itself; `more` are lines of its
    /// own, before those of `[notify.tell]`.
    pub fn settings(&self, name: &str, more: &str) -> String {
        format!(
            "[[notify]]\nname = \"{name}\"\nkind = \"mail\"\nhost = \"127.0.0.1\"\nport = {}\ntls = \"{}\"\nfrom = \"Strongroom <strongroom@vault.example>\"\n{more}\n[notify.tell]\ndigest = 0\ncatch_up = \"each\"\n",
            self.port, self.tls
        )
    }

    /// A line of the settings that trusts it.
    pub fn trusted(&self) -> String {
        format!("cacert = \"{}\"", self.cacert)
    }

    /// Every message that it took, in order.
    pub fn got(&self) -> Vec<Value> {
        let mut got = self.past.clone();
        got.extend(self.peer.iter().flat_map(Peer::got));
        got
    }

    /// The ids of the notifications that it took, in order, with repeats.
    pub fn received(&self) -> Vec<String> {
        let id = |message: &Value| header(message, "Strongroom-Id").unwrap();
        self.got().iter().map(id).collect()
    }
}

/// A header of a message that arrived.
pub fn header(message: &Value, name: &str) -> Option<String> {
    let headers = message["headers"].as_array().unwrap();
    let found = headers.iter().find(|header| header[0] == name)?;
    Some(found[1].as_str().unwrap().to_owned())
}
