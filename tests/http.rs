//! `http` through the built program: a real HTTPS provider, a caller with nothing of ours, and what
//! both of them and the audit log saw.

use serde_json::Value;

use crate::support::{Vault, provider::Provider};

mod meta_key;

/// Adds a token for a provider.
fn add(vault: &Vault, provider: &Provider, name: &str, value: &str, more: &[&str]) {
    let flags = provider.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let named = ["secret", "add", name, "--kind", "token"];
    vault.run_with_input(&[&named, &flags[..], more].concat(), value.as_bytes());
}

/// The value of a header that a provider got; it must be there once.
fn header(request: &Value, name: &str) -> Option<String> {
    let headers = request["headers"].as_array().unwrap();
    let mut found = headers.iter().filter(|header| header[0] == name);
    let value = found
        .next()
        .map(|header| header[1].as_str().unwrap().to_owned());
    assert!(found.next().is_none(), "`{name}` is there twice: {request}");
    value
}
