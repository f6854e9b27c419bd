//! The first day with Strongroom: a vault, a key, a service, a grant, and signed requests from a
//! client that has nothing of ours.

use serde_json::json;

use crate::support::{Vault, text};

#[test]
fn a_service_signs_with_a_key_that_it_never_sees() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&[
        "grant",
        "atlas",
        "sign",
        "deploy-key",
        "--purpose",
        "release *",
    ]);
    let agent = vault.agent();

    let body = json!({
        "secret": "deploy-key", "operation": "sign", "purpose": "release 4f2a",
        "input": {"message": "aGVsbG8="},
    });
    let told = agent.python(&key, &body, &["--replay"]);
    assert_eq!(told["status"], 200, "{told}");
    assert_eq!(told["answer"]["result"]["version"], 1);
    assert_eq!(
        told["replay"]["status"], 409,
        "the same bytes again are refused: {told}"
    );

    let denied = agent.python(
        &key,
        &json!({
            "secret": "deploy-key", "operation": "sign", "purpose": "curiosity",
            "input": {"message": "aGVsbG8="},
        }),
        &[],
    );
    assert_eq!(denied["status"], 403, "{denied}");

    agent.stop();
    let entries = vault.entries();
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"use") && kinds.contains(&"refusal") && kinds.contains(&"noise"),
        "{kinds:?}"
    );
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_released_value_is_sealed_to_the_caller_alone() {
    let vault = Vault::create();
    vault.run_with_input(
        &[
            "secret",
            "add",
            "heroku/prod",
            "--kind",
            "token",
            "--releasable",
        ],
        b"planted-token-value",
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "release", "heroku/prod"]);
    let agent = vault.agent();
    let told = agent.python(
        &key,
        &json!({"secret": "heroku/prod", "operation": "release", "input": {}}),
        &[],
    );
    assert_eq!(told["status"], 200, "{told}");
    assert_eq!(
        told["answer"]["opened"]["value"],
        "cGxhbnRlZC10b2tlbi12YWx1ZQ=="
    );
    assert!(told["answer"].get("result").is_none());
}

#[test]
fn a_locked_agent_says_so_and_tells_the_owner_who_asked() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let agent = vault.locked_agent();
    let arguments = ["sign", "deploy-key", "--message", "hello"];
    let refused = agent.request(&key, &arguments);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));

    vault.run(&["unlock"]);
    let allowed = agent.request(&key, &arguments);
    assert!(allowed.status.success(), "{}", text(&allowed));

    vault.run(&["lock"]);
    assert_eq!(agent.request(&key, &arguments).status.code(), Some(4));
    let refusals = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["reason"] == "locked")
        .count();
    assert_eq!(refusals, 2);
}
