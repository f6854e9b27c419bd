//! `http` through the built program: a real HTTPS provider, a caller with nothing of ours, and what
//! both of them and the audit log saw.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, provider::Provider, text, with_input};

mod answers;
mod attach;
mod binding;
mod failures;
mod large;
mod life;
mod meta_key;
mod policy;

/// The credential of most tests; what it consists of is written differently in every encoding.
const KEY: &str = "root-key/of+the~provider=0?&x";

/// A vault with a provider's key in it, a service that may use it for everything, and the provider.
struct Story {
    vault: Vault,
    provider: Provider,
    service: PathBuf,
}

impl Story {
    fn begin() -> Self {
        Self::begin_with(&[])
    }

    /// The same with more flags for `secret add`.
    fn begin_with(more: &[&str]) -> Self {
        let vault = Vault::create();
        let provider = Provider::start(&vault);
        add(&vault, &provider, "heroku/prod", KEY, more);
        let service = vault.enrol("atlas");
        vault.run(&["grant", "atlas", "http", "heroku/prod"]);
        Self {
            vault,
            provider,
            service,
        }
    }

    /// What the provider answered to a request that must be allowed.
    fn result(&self, agent: &Agent<'_>, input: Value) -> Value {
        let told = ask(agent, &self.service, "heroku/prod", input);
        assert_eq!(told["status"], 200, "{told}");
        told["answer"]["result"].clone()
    }

    /// The status, and the words, of a request that comes to nothing.
    fn refused(&self, agent: &Agent<'_>, input: Value) -> (u64, String) {
        let told = ask(agent, &self.service, "heroku/prod", input);
        assert_eq!(told["answer"].get("result"), None, "{told}");
        let detail = told["answer"]["detail"].as_str().unwrap_or_default();
        (told["status"].as_u64().unwrap(), detail.to_owned())
    }
}

/// Asks with the Python client.
fn ask(agent: &Agent<'_>, key: &Path, secret: &str, input: Value) -> Value {
    let body = json!({"secret": secret, "operation": "http", "input": input});
    agent.python(key, &body, &[])
}

fn get(path: &str) -> Value {
    json!({"method": "GET", "path": path})
}

/// Adds a token for a provider.
fn add(vault: &Vault, provider: &Provider, name: &str, value: &str, more: &[&str]) {
    add_kind(vault, provider, name, "token", value.as_bytes(), more);
}

/// Adds a secret of another kind for a provider.
fn add_kind(
    vault: &Vault,
    provider: &Provider,
    name: &str,
    kind: &str,
    value: &[u8],
    more: &[&str],
) {
    let flags = provider.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let named = ["secret", "add", name, "--kind", kind];
    vault.run_with_input(&[&named, &flags[..], more].concat(), value);
}

/// Sets a policy.
fn set_policy(vault: &Vault, name: &str, cedar: &str) {
    vault.run_with_input(&["policy", "set", name, "-"], cedar.as_bytes());
}

/// The value of a header that a provider got; if it is there, it is there once.
fn header(request: &Value, name: &str) -> Option<String> {
    let headers = request["headers"].as_array().unwrap();
    let mut found = headers.iter().filter(|header| header[0] == name);
    let value = found
        .next()
        .map(|header| header[1].as_str().unwrap().to_owned());
    assert!(found.next().is_none(), "`{name}` is there twice: {request}");
    value
}

/// The newest outcome in the audit log; the use that it belongs to is where it says.
fn outcome(vault: &Vault) -> Value {
    let entries = vault.entries();
    let outcome = entries
        .iter()
        .rfind(|entry| entry["kind"] == "outcome")
        .expect("there is an outcome");
    let used = &entries[usize::try_from(outcome["entry"].as_u64().unwrap()).unwrap()];
    assert_eq!(used["kind"], "use", "{outcome}");
    for member in ["secret", "version"] {
        assert_eq!(used[member], outcome[member], "{outcome}");
    }
    outcome.clone()
}

/// A command that must fail, with this on standard input; what it says.
fn fail_with_input(vault: &Vault, arguments: &[&str], input: &[u8]) -> String {
    let output = with_input(vault.command(arguments), input);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    String::from_utf8(output.stderr).unwrap()
}
