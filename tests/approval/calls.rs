//! The wire: with a client that has nothing of ours, replays, bounds, and decisions from anywhere.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::{
    answer, approve_with, approver, ask, collect, entries, in_the_background, refusal,
    vault_that_asks, waiting,
};
use crate::support::{Agent, eventually, succeed, text};

fn sign() -> Value {
    json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGVsbG8="}, "purpose": "release"})
}

/// A call about a request that waits, with the Python client.
fn call(agent: &Agent<'_>, key: &std::path::Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&succeed(agent.python_command(key, arguments))).unwrap()
}

#[test]
fn a_client_with_nothing_of_ours_waits_and_collects() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let asked = agent.python(&key, &sign(), &[]);
    assert_eq!(asked["status"], 202);
    let id = asked["answer"]["id"].as_str().unwrap().to_owned();
    let entry: Value = serde_json::from_str(asked["answer"]["entry"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&entry["kind"], &entry["expires"]),
        (&json!("pending"), &asked["answer"]["expires"])
    );
    assert_eq!(asked.get("applied"), None);
    let polled = call(&agent, &key, &["--result", &id]);
    assert_eq!(
        (&polled["status"], &polled["answer"]["id"]),
        (&json!(202), &json!(id))
    );
    // Held for a second, and told how long it was to be.
    let held = call(&agent, &key, &["--result", &id, "--prefer", "wait=1"]);
    assert_eq!(
        (&held["status"], &held["applied"]),
        (&json!(202), &json!("wait=1"))
    );
    vault.run(&["approve", &id, "--yes"]);
    let given = call(&agent, &key, &["--result", &id]);
    assert_eq!(given["status"], 200);
    assert!(given["answer"]["result"]["signature"].is_string());

    let other = agent.python(&key, &sign(), &[]);
    let id = other["answer"]["id"].as_str().unwrap();
    let cancelled = call(&agent, &key, &["--cancel", id]);
    assert_eq!(
        (&cancelled["status"], &cancelled["answer"]),
        (&json!(200), &json!({"id": id, "cancelled": true}))
    );
    assert_eq!(call(&agent, &key, &["--cancel", id])["status"], 410);
}

#[test]
fn a_call_that_somebody_saw_is_good_for_nothing() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let polled = call(&agent, &key, &["--result", &id, "--replay"]);
    assert_eq!(
        (&polled["status"], &polled["replay"]["status"]),
        (&json!(202), &json!(409))
    );
    // The request itself, sent again, asks nobody again.
    let again = agent.python(&key, &sign(), &["--replay"]);
    assert_eq!(
        (&again["status"], &again["replay"]["status"]),
        (&json!(202), &json!(409))
    );
    assert_eq!(entries(&vault, "pending").len(), 2);
}

#[test]
fn as_many_calls_are_held_as_may() {
    let (vault, key) = vault_that_asks("1 of security", "[limits]\nwaiting = 1\n");
    let agent = vault.agent();
    let held = in_the_background(
        &agent,
        &key,
        &["sign", "deploy-key", "--message", "hello", "--wait", "600"],
    );
    let id = waiting(&vault, 1).remove(0);
    // Taken: whoever comes next is told at once that it waits.
    eventually("the one place is taken", || {
        call(&agent, &key, &["--result", &id, "--prefer", "wait=1"])
            .get("applied")
            .is_none()
    });
    let next = agent.python(&key, &sign(), &["--prefer", "wait=60"]);
    assert_eq!((&next["status"], next.get("applied")), (&json!(202), None));
    vault.run(&["approve", &id, "--yes"]);
    answer(&held.wait_with_output().unwrap());
}

#[test]
fn an_agent_that_stops_lets_held_calls_go() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let called = std::thread::scope(|scope| {
        let held = scope.spawn(|| call(&agent, &key, &["--result", &id, "--prefer", "wait=120"]));
        // That the call is held shows nowhere; that its nonce is spent does.
        eventually("the call is held", || nonces(&vault) == 2);
        agent.signal("TERM");
        held.join().unwrap()
    });
    assert_eq!(
        (&called["status"], &called["answer"]["id"]),
        (&json!(202), &json!(id))
    );
}

/// How many nonces were spent.
fn nonces(vault: &crate::support::Vault) -> u64 {
    let mut sqlite = Command::new("sqlite3");
    sqlite
        .arg("-readonly")
        .arg(vault.store())
        .arg("SELECT count(*) FROM nonce");
    succeed(sqlite).trim().parse().unwrap()
}

#[test]
fn a_decision_counts_only_as_it_was_signed_by_who_may_say_it() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let (ana, eve) = (approver(&vault, "ana"), vault.service_key("eve", "ed25519"));
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let statement = vault.run(&["pending", &id, "--statement", "approve"]);
    assert!(!statement.ends_with('\n'));
    let hand_in = |body: &Value| {
        let file = vault.path().join("body.json");
        fs::write(&file, body.to_string()).unwrap();
        let body = format!("@{}", file.display());
        let answered = agent.curl(
            "/v1/approval",
            &["--data-binary", &body, "--write-out", "\n%{http_code}"],
        );
        let told = String::from_utf8(answered.stdout.clone()).unwrap();
        let (body, status) = told
            .rsplit_once('\n')
            .unwrap_or_else(|| panic!("{}", text(&answered)));
        let body: Value = serde_json::from_str(body).unwrap();
        (status.parse::<u16>().unwrap(), body)
    };
    let signed = |statement: &str, key: &std::path::Path, namespace: &str| {
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .arg(key);
        let output = crate::support::with_input(command, statement.as_bytes());
        assert!(output.status.success(), "{}", text(&output));
        json!({"statement": statement, "signature": String::from_utf8(output.stdout).unwrap()})
    };
    let namespace = "approval@strongroom";
    let good = signed(&statement, &ana, namespace);
    let altered = statement.replace("release 1", "release 2");
    let foreign = statement.replacen(&statement[10..20], "AAAAAAAAAA", 1);
    let other_word = statement.replace("\"approve\"", "\"deny\"");
    for (body, expected, says) in [
        (
            signed(&statement, &eve, namespace),
            403,
            "no approver has the key",
        ),
        (
            signed(&statement, &key, namespace),
            403,
            "a key of service `atlas`",
        ),
        (signed(&statement, &ana, "file"), 403, "namespace `file`"),
        (
            signed(&altered, &ana, namespace),
            403,
            "is not about request",
        ),
        (signed(&foreign, &ana, namespace), 403, "another one"),
        (
            signed(&format!("{statement}\n"), &ana, namespace),
            400,
            "canonical form",
        ),
        (
            json!({"statement": other_word, "signature": good["signature"]}),
            403,
            "",
        ),
        (
            json!({"statement": statement, "signature": "hello"}),
            400,
            "not an SSH signature",
        ),
        (
            json!({"statement": statement}),
            400,
            "`statement` and `signature`",
        ),
        (json!([]), 400, "`statement` and `signature`"),
    ] {
        let (status, told) = hand_in(&body);
        assert_eq!(status, expected, "{told}");
        assert!(
            told["detail"].as_str().unwrap().contains(says),
            "{says}: {told}"
        );
    }
    assert!(entries(&vault, "decision").is_empty());
    assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);

    let (status, told) = hand_in(&good);
    assert_eq!(status, 200, "{told}");
    let entry: Value = serde_json::from_str(told["entry"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&entry["approver"], &entry["decided"]),
        (&json!("ana"), &json!("approved"))
    );
    // Said once is enough, and when it is over nothing counts.
    let (status, told) = hand_in(&good);
    assert_eq!(status, 403, "{told}");
    assert!(collect(&agent, &key, &id).status.success());
    let (status, told) = hand_in(&good);
    assert_eq!(
        (status, &told["type"]),
        (410, &json!("urn:strongroom:problem:answered"))
    );
    // Whoever tried is not forgotten, and fills no disk.
    eventually("what did not count is counted", || {
        let noise = entries(&vault, "noise");
        let reasons: Vec<_> = noise
            .iter()
            .map(|one| one["entry"]["reason"].as_str().unwrap())
            .collect();
        [
            "unknown-key",
            "bad-signature",
            "wrong-audience",
            "malformed",
        ]
        .iter()
        .all(|reason| reasons.contains(reason))
    });
}

#[test]
fn who_operates_the_service_or_is_of_another_group_does_not_count() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let ana = approver(&vault, "ana");
    let ben = vault.service_key("ben", "ecdsa");
    vault.run(&[
        "approver",
        "add",
        "ben",
        "--group",
        "finance",
        "--key",
        ben.with_extension("pub").to_str().unwrap(),
    ]);
    vault.run(&["approver", "set", "ana", "--operates", "atlas"]);
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    for (key, says) in [
        (&ana, "operates service `atlas`"),
        (&ben, "none of the groups"),
    ] {
        let told = vault.fail(
            1,
            &[
                "approve",
                &id,
                "--yes",
                "--sign-with",
                key.to_str().unwrap(),
            ],
        );
        assert!(told.contains(says), "{told}");
    }
    vault.run(&["approver", "set", "ben", "--group", "security"]);
    approve_with(&vault, &id, &ben, &[]);
    assert!(collect(&agent, &key, &id).status.success());
    assert_eq!(
        refusal(&agent.request(&ana, &["--result", &id]), 1)["status"],
        401
    );
}
