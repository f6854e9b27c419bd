//! Requests that wait for an approval, and the calls that are held for them, when something is
//! stopped.

use std::{
    path::{Path, PathBuf},
    process::Output,
    thread::{self, Scope, ScopedJoinHandle},
};

use serde_json::{Value, json};

use super::{assert_nothing_stopped_is_used, at_once, uses};
use crate::support::{Agent, Vault, eventually, text};

/// A vault with two keys and two services that may sign with both once somebody says yes.
fn two_that_ask() -> (Vault, PathBuf, PathBuf) {
    let vault = Vault::create();
    for secret in ["deploy-key", "other-key"] {
        vault.run(&["secret", "generate", secret, "--kind", "ed25519"]);
    }
    let (atlas, boreas) = (vault.enrol("atlas"), vault.enrol("boreas"));
    let policy =
        r#"@approve("1 of security") permit (principal, action == Action::"sign", resource);"#;
    vault.run_with_input(&["policy", "set", "asks", "-"], policy.as_bytes());
    (vault, atlas, boreas)
}

/// A call that is held until somebody decides, far longer than the test takes.
fn held<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    agent: &'env Agent<'env>,
    key: &'env Path,
    secret: &'env str,
) -> ScopedJoinHandle<'scope, Output> {
    let arguments = ["sign", secret, "--message", "hello", "--wait", "110"];
    scope.spawn(move || agent.request(key, &arguments))
}

/// The ids of what waits, by its service and secret.
fn waiting(vault: &Vault) -> Vec<(String, String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rows: Vec<_> = vault
        .json(&["pending"])
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                word(&row["service"]),
                word(&row["secret"]),
                word(&row["id"]),
            )
        })
        .collect();
    rows.sort();
    rows
}

/// The details of all denials.
fn denials(vault: &Vault) -> Vec<Value> {
    vault
        .entries()
        .into_iter()
        .filter(|entry| entry["decided"] == "denied")
        .map(|entry| {
            json!([
                entry["service"],
                entry["secret"],
                entry["by"],
                entry["detail"]
            ])
        })
        .collect()
}

fn refused(output: &Output, with: &str) {
    assert!(!output.status.success(), "{}", text(output));
    assert!(text(output).contains(with), "{}", text(output));
}

#[test]
fn what_waits_of_a_suspended_service_or_secret_is_denied_and_held_calls_end() {
    let (vault, atlas, boreas) = two_that_ask();
    let agent = vault.agent();
    thread::scope(|scope| {
        let first = held(scope, &agent, &atlas, "deploy-key");
        let second = held(scope, &agent, &boreas, "deploy-key");
        let third = held(scope, &agent, &boreas, "other-key");
        eventually("all of them wait", || waiting(&vault).len() == 3);
        let ids = waiting(&vault);

        let said = at_once(&vault, &["service", "suspend", "atlas"]);
        assert!(
            said.contains("a request that waited for an approval is denied"),
            "{said}"
        );
        refused(&first.join().unwrap(), "");
        assert_eq!(waiting(&vault).len(), 2);
        at_once(&vault, &["secret", "suspend", "deploy-key"]);
        // Suspended or denied, whichever it hears of first.
        refused(&second.join().unwrap(), "");
        assert_eq!(waiting(&vault), ids[2..]);

        let id = &ids[2].2;
        vault.run(&["approve", id, "--yes"]);
        let output = third.join().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    });
    assert_eq!(
        denials(&vault),
        [
            json!(["atlas", "deploy-key", "owner", "suspended"]),
            json!(["boreas", "deploy-key", "owner", "suspended"]),
        ]
    );
    agent.stop();
    let entries = vault.entries();
    assert_nothing_stopped_is_used(&entries);
    assert_eq!(uses(&entries, "boreas", "other-key"), 1);
}

#[test]
fn what_was_approved_and_not_collected_is_not_used_after_a_suspension() {
    let (vault, atlas, _) = two_that_ask();
    let agent = vault.agent();
    let body = json!({"secret": "deploy-key", "operation": "sign", "input": {"message": ""}});
    let told = agent.python(&atlas, &body, &[]);
    assert_eq!(told["status"], 202, "{told}");
    let id = told["answer"]["id"].as_str().unwrap().to_owned();
    vault.run(&["approve", &id, "--yes"]);
    at_once(&vault, &["secret", "suspend", "deploy-key"]);
    let collect = || agent.request(&atlas, &["--result", &id]);
    refused(&collect(), "");
    // Resumed, it is what was said to it last.
    vault.run(&["secret", "resume", "deploy-key"]);
    let output = collect();
    refused(&output, "");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let over = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(over.contains("denied"), "{over}");
    agent.stop();
    assert_eq!(uses(&vault.entries(), "atlas", "deploy-key"), 0);
}

#[test]
fn a_panic_denies_all_that_waits_also_while_the_vault_is_locked() {
    let (vault, atlas, boreas) = two_that_ask();
    let agent = vault.agent();
    thread::scope(|scope| {
        let calls = [
            held(scope, &agent, &atlas, "deploy-key"),
            held(scope, &agent, &boreas, "other-key"),
        ];
        eventually("both wait", || waiting(&vault).len() == 2);
        let said = vault.json(&["panic"]);
        assert_eq!(said, json!({"suspended": true, "cut_off": 0, "denied": 2}));
        for call in calls {
            let output = call.join().unwrap();
            refused(&output, "");
        }
    });
    assert_eq!(waiting(&vault), []);
    assert_eq!(
        denials(&vault)
            .iter()
            .map(|one| &one[3])
            .collect::<Vec<_>>(),
        ["everything was stopped"; 2]
    );

    // Locked in the ordinary way what waits goes on waiting, until a panic.
    vault.run(&["unlock"]);
    vault.run(&["resume"]);
    let body = json!({"secret": "other-key", "operation": "sign", "input": {"message": "aGk="}});
    let told = agent.python(&atlas, &body, &[]);
    assert_eq!(told["status"], 202, "{told}");
    vault.run(&["lock"]);
    assert_eq!(waiting(&vault).len(), 1);
    let said = vault.json(&["panic"]);
    assert_eq!(said, json!({"suspended": true, "cut_off": 0, "denied": 1}));
    assert_eq!(waiting(&vault), []);
    agent.stop();
    let entries = vault.entries();
    assert_nothing_stopped_is_used(&entries);
    assert!(!entries.iter().any(|entry| entry["kind"] == "use"));
}
