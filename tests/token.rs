//! `token` through the built program: readers of tokens, an authorization server, and what GitHub
//! and Google document; none of them has anything of ours.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    Agent, Vault, authority::Authority, eventually, peer::Peer, python, script, succeed, with_input,
};

mod jwt;
mod oauth2;
mod providers;

/// A running `issuer.py`; it ends with the test.
struct Issuer {
    peer: Peer,
    cacert: String,
}

impl Issuer {
    fn start(vault: &Vault, more: &[&str]) -> Self {
        let authority = Authority::create(vault.path(), "issuer-authority");
        let names = "subjectAltName=IP:127.0.0.1";
        let (certificate, key) = authority.sign("issuer", names);
        let mut command = python();
        command
            .arg(script("issuer.py"))
            .args(["--cert", &certificate, "--key", &key])
            .args(more);
        Self {
            peer: Peer::start(&mut command),
            cacert: authority.certificate(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.peer.port)
    }

    /// Where it is, as a binding says it.
    fn endpoint(&self, path: &str) -> Value {
        json!({
            "url": self.url(path),
            "networks": ["127.0.0.1/32"],
            "cacert": fs::read_to_string(&self.cacert).unwrap(),
        })
    }

    fn control(&self, what: &str) {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"])
            .args(["--cacert", &self.cacert, "--request", "POST"])
            .arg(self.url(&format!("/control/{what}")));
        succeed(curl);
    }

    /// What it was asked.
    fn said(&self) -> Vec<Value> {
        self.peer.got()
    }
}

/// Adds a secret with this binding.
fn add(vault: &Vault, name: &str, kind: &str, value: &[u8], binding: &Value) {
    vault.run_with_input(&["secret", "add", name, "--kind", kind], value);
    bind(vault, name, binding);
}

fn bind(vault: &Vault, name: &str, binding: &Value) {
    let arguments = ["secret", "bind", name, "--file", "-"];
    vault.run_with_input(&arguments, binding.to_string().as_bytes());
}

fn ask(agent: &Agent<'_>, key: &Path, secret: &str, input: Value) -> Value {
    let body = json!({"secret": secret, "operation": "token", "input": input});
    agent.python(key, &body, &[])
}

/// A token that was issued: the sealed answer, opened.
fn issued(told: &Value) -> &Value {
    assert_eq!(told["status"], 200, "{told}");
    assert_eq!(told["answer"].get("result"), None, "only sealed: {told}");
    &told["answer"]["opened"]
}

/// The newest outcome in the audit log; the caller's entry is the use that it belongs to.
fn outcome(vault: &Vault) -> Value {
    let entries = vault.entries();
    let mut outcomes = entries
        .into_iter()
        .filter(|entry| entry["kind"] == "outcome");
    outcomes.next_back().expect("there is an outcome")
}

fn assert_nowhere(vault: &Vault, agent: &Agent<'_>, secrets: &[&str]) {
    let log = vault.run(&["audit", "show", "--json"]) + &agent.log();
    for secret in secrets {
        assert!(!log.contains(secret), "`{secret}` is in a log");
    }
}

/// What each operation must refuse: 403 without a policy, 400 what is no input, 422 what the
/// secret can't do.
fn refuses(agent: &Agent<'_>, key: &Path, secret: &str, outside: Value) {
    let status = |key: &Path, input| ask(agent, key, secret, input)["status"].clone();
    assert_eq!(status(key, json!({"lifetime": "long"})), 400);
    assert_eq!(status(key, json!({"sudo": true})), 400);
    let refused = ask(agent, key, secret, outside);
    assert_eq!(refused["status"], 422, "{refused}");
    assert_eq!(refused["answer"].get("opened"), None);
}

#[test]
fn only_who_is_permitted_gets_a_token_and_only_of_a_secret_that_issues_some() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "ci-key", "--kind", "ed25519"]);
    vault.run(&["secret", "generate", "hmac-key", "--kind", "hmac"]);
    vault.run(&["secret", "generate", "unbound", "--kind", "p256"]);
    let binding = json!({"token": {"jwt": {
        "issuer": "ci", "audience": ["api.example"], "max_lifetime": 60}}});
    bind(&vault, "ci-key", &binding);
    let wrong = with_input(
        vault.command(&["secret", "bind", "hmac-key", "--file", "-"]),
        binding.to_string().as_bytes(),
    );
    assert!(!wrong.status.success());
    let (atlas, borg) = (vault.enrol("atlas"), vault.enrol("borg"));
    vault.run(&["grant", "atlas", "token", "ci-key"]);
    let policy = "permit (principal == Service::\"atlas\", action == Action::\"token\", resource);";
    let file = vault.path().join("all.cedar");
    fs::write(&file, policy).unwrap();
    vault.run(&["policy", "set", "all", file.to_str().unwrap()]);
    let agent = vault.agent();

    issued(&ask(&agent, &atlas, "ci-key", json!({})));
    for (secret, expected) in [
        ("ci-key", 403),
        ("hmac-key", 403),
        ("unbound", 403),
        ("none", 403),
    ] {
        let told = ask(&agent, &borg, secret, json!({}));
        assert_eq!(told["status"], expected, "{secret}: {told}");
    }
    for (secret, why) in [
        ("hmac-key", "not possible with a secret of kind `hmac`"),
        ("unbound", "it has no section `token`"),
    ] {
        let told = ask(&agent, &atlas, secret, json!({}));
        assert_eq!(told["status"], 422, "{told}");
        assert!(told["answer"].to_string().contains(why), "{told}");
    }
    // Nothing is handed out that would have to stand in the clear.
    let mut body = json!({"secret": "ci-key", "operation": "token", "input": {}});
    body["reply_to"] = Value::Null;
    let told = agent.python(&atlas, &body, &[]);
    assert_eq!(told["status"], 422, "{told}");
    assert!(
        told["answer"].to_string().contains("send `reply_to`"),
        "{told}"
    );
    eventually("all of it is on record", || {
        let refusals = vault.entries();
        refusals
            .iter()
            .filter(|entry| entry["kind"] == "refusal")
            .count()
            >= 6
    });
}
