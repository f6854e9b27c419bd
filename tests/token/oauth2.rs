//! OAuth 2 with a real authorization server: tokens for callers, tokens for requests, and refresh
//! tokens that are good once.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{Issuer, add, ask, assert_nowhere, bind, issued, outcome, refuses};
use crate::support::{Vault, eventually, script, text};

const REFRESHED: &str = r#"{"client_id": "refreshed", "client_secret": "planted-refresh-secret",
    "refresh_token": "planted-refresh-token-1"}"#;

fn refreshing(issuer: &Issuer) -> Value {
    json!({
        "token": {"oauth2": {
            "endpoint": issuer.endpoint("/oauth/token"), "grant": "refresh_token",
            "max_lifetime": 3600,
        }},
        "http": {"base_url": issuer.endpoint("/api")},
    })
}

/// How often the server was asked for a token, and how often it gave one.
fn exchanges(issuer: &Issuer) -> (usize, usize) {
    let said = issuer.said();
    let asked = said.iter().filter(|line| line["endpoint"] == "oauth");
    let given = asked.clone().filter(|line| line["status"] == 200).count();
    (asked.count(), given)
}

fn versions(vault: &Vault, name: &str) -> usize {
    let shown = vault.json(&["secret", "show", name]);
    shown["versions"].as_array().unwrap().len()
}

fn get(agent: &crate::support::Agent<'_>, key: &std::path::Path, secret: &str) -> Value {
    let input = json!({"method": "GET", "path": "/accounts"});
    let body = json!({"secret": secret, "operation": "http", "input": input});
    agent.python(key, &body, &[])
}

#[test]
fn a_client_gets_a_token_for_some_of_its_scopes() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    let secret = json!({"client_id": "crm: app", "client_secret": "planted secret:%+&/="});
    let binding = json!({"token": {"oauth2": {
        "endpoint": issuer.endpoint("/oauth/token"), "grant": "client_credentials",
        "scopes": ["read", "write"], "resource": ["https://crm.example"], "max_lifetime": 3600,
    }}});
    add(
        &vault,
        "crm",
        "oauth2",
        secret.to_string().as_bytes(),
        &binding,
    );
    let posted = json!({"client_id": "posted", "client_secret": "planted-posted-secret"});
    let mut other = binding.clone();
    other["token"]["oauth2"]["authentication"] = "post".into();
    other["token"]["oauth2"]["path"] = "/".into();
    add(
        &vault,
        "posted",
        "oauth2",
        posted.to_string().as_bytes(),
        &other,
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    vault.run(&["grant", "atlas", "token", "posted"]);
    let agent = vault.agent();

    let told = ask(&agent, &key, "crm", json!({"scopes": ["read"]}));
    let answer = issued(&told);
    assert_eq!(answer["scope"], "read");
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["type"], "oauth2");
    let entry: Value = serde_json::from_str(told["answer"]["entry"].as_str().unwrap()).unwrap();
    assert_eq!(
        entry["ask"]["fields"],
        json!({"type": "oauth2", "audience": "https://crm.example", "scopes": ["read"],
            "claims": {}, "lifetime": 3600})
    );
    let ended = outcome(&vault);
    assert_eq!(
        (&ended["ending"], &ended["status"]),
        (&json!("issued"), &json!(200))
    );
    assert!(
        ended["expires"].as_str() > ended["time"].as_str(),
        "{ended}"
    );
    let said = issuer.said();
    assert_eq!(
        said,
        [
            json!({"endpoint": "oauth", "path": "/oauth/token", "grant": "client_credentials", "scope": "read",
            "resource": "https://crm.example", "basic": true, "status": 200,
            "parameters": ["grant_type", "resource", "scope"]})
        ]
    );
    assert_eq!(
        issued(&ask(&agent, &key, "posted", json!({})))["scope"],
        "read write"
    );
    assert_eq!(issuer.said()[1]["basic"], false);
    assert_eq!(issuer.said()[1]["path"], "/oauth/token/");

    refuses(&agent, &key, "crm", json!({"scopes": ["admin"]}));
    refuses(
        &agent,
        &key,
        "crm",
        json!({"audience": "https://other.example"}),
    );
    assert_eq!(
        exchanges(&issuer),
        (2, 2),
        "what is not allowed is not asked for"
    );
    let token = answer["token"].as_str().unwrap();
    assert_nowhere(
        &vault,
        &agent,
        &["planted secret", "planted-posted-secret", token],
    );
}

#[test]
fn a_refresh_token_is_kept_before_its_access_token_is_handed_out() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    let agent = vault.agent();

    // Six at the same time, of whom each gets a token, and none spends another's refresh token.
    let body = json!({"secret": "crm", "operation": "token", "input": {}});
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = crate::support::python();
            command
                .arg(script("client.py"))
                .args(["--agent", &agent.url(), "--cacert"])
                .arg(vault.certificate())
                .arg("--key")
                .arg(&key)
                .arg(body.to_string());
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut used: Vec<i64> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        used.push(issued(&told)["version"].as_i64().unwrap());
    }
    used.sort_unstable();
    assert_eq!(
        used,
        [1, 2, 3, 4, 5, 6],
        "each works with the version before it"
    );
    assert_eq!(exchanges(&issuer), (6, 6));
    assert!(
        issuer
            .said()
            .iter()
            .all(|line| line.get("reused").is_none())
    );
    assert_eq!(versions(&vault, "crm"), 7);

    // The log tells of the new version before it tells that a token was issued.
    let entries = vault.entries();
    let place = |of: &dyn Fn(&Value) -> bool| entries.iter().position(of).unwrap();
    let kept = place(&|entry| entry["action"] == "secret-rotated" && entry["version"] == 2);
    let told = place(&|entry| entry["kind"] == "outcome" && entry["version"] == 1);
    assert!(kept < told);
    assert_eq!(entries[kept]["by"], "agent");

    // After a restart the newest one is used.
    agent.stop();
    let agent = vault.agent();
    assert_eq!(issued(&ask(&agent, &key, "crm", json!({})))["version"], 7);
    assert_nowhere(&vault, &agent, &["planted-refresh"]);
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_request_is_sent_with_a_token_that_is_used_again() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "http", "crm"]);
    let agent = vault.agent();

    for _ in 0..3 {
        let told = get(&agent, &key, "crm");
        assert_eq!(told["status"], 200, "{told}");
        let result = &told["answer"]["result"];
        assert_eq!(result["status"], 200, "{told}");
        assert!(
            !told.to_string().contains("Bearer "),
            "it does not come back: {told}"
        );
    }
    assert_eq!(exchanges(&issuer), (1, 1), "one token for three requests");
    assert_eq!(versions(&vault, "crm"), 2);

    // One that the provider ends early is not used a third time.
    issuer.control("revoke");
    assert_eq!(get(&agent, &key, "crm")["answer"]["result"]["status"], 401);
    assert_eq!(get(&agent, &key, "crm")["answer"]["result"]["status"], 200);
    assert_eq!(exchanges(&issuer), (2, 2));

    // Nothing is kept over a lock, nor under another binding.
    vault.run(&["lock"]);
    vault.run(&["unlock"]);
    assert_eq!(get(&agent, &key, "crm")["answer"]["result"]["status"], 200);
    assert_eq!(exchanges(&issuer), (3, 3));
    bind(&vault, "crm", &refreshing(&issuer));
    assert_eq!(get(&agent, &key, "crm")["answer"]["result"]["status"], 200);
    assert_eq!(exchanges(&issuer), (4, 4));
    let ended = outcome(&vault);
    assert_eq!(
        (&ended["operation"], &ended["ending"]),
        (&json!("http"), &json!("answered"))
    );
}

#[test]
fn a_grant_that_is_over_is_told_to_the_owner() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    let other = REFRESHED.replace("token-1", "token-0");
    add(
        &vault,
        "crm",
        "oauth2",
        other.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token,http", "crm"]);
    let agent = vault.agent();
    for _ in 0..2 {
        let told = ask(&agent, &key, "crm", json!({}));
        assert_eq!(told["status"], 502, "{told}");
        assert!(!told.to_string().contains("invalid_grant"), "{told}");
    }
    assert_eq!(get(&agent, &key, "crm")["status"], 502);
    let ended = outcome(&vault);
    assert_eq!(ended["ending"], "refused");
    assert_eq!(ended["status"], 400);
    assert_eq!(
        ended["detail"],
        "the token endpoint refused: `invalid_grant`"
    );
    assert_eq!(versions(&vault, "crm"), 1);
}

#[test]
fn what_is_no_answer_is_not_handed_out() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    let key = vault.enrol("atlas");
    let kinds = [
        ("html", "bad-answer"),
        ("error", "refused"),
        ("invented", "bad-answer"),
        ("long", "bad-answer"),
        ("timeless", "bad-answer"),
        ("more", "bad-answer"),
        ("mac", "bad-answer"),
        ("large", "bad-answer"),
        ("redirect", "bad-answer"),
    ];
    let secret = br#"{"client_id": "a", "client_secret": "planted-odd-secret"}"#;
    for (kind, _) in kinds {
        let binding = json!({"token": {"oauth2": {
            "endpoint": issuer.endpoint(&format!("/odd/{kind}")), "grant": "client_credentials",
            "scopes": ["read"], "max_lifetime": 3600,
        }}});
        add(&vault, kind, "oauth2", secret, &binding);
        vault.run(&["grant", "atlas", "token", kind]);
    }
    let agent = vault.agent();
    for (kind, expected) in kinds {
        let told = ask(&agent, &key, kind, json!({}));
        assert_eq!(told["status"], 502, "{kind}: {told}");
        let ended = outcome(&vault);
        assert_eq!(ended["ending"], expected, "{kind}: {ended}");
        assert_eq!(ended["secret"], kind);
        assert!(!told.to_string().contains("planted-odd"), "{told}");
    }
    assert_nowhere(&vault, &agent, &["planted-odd"]);
}

#[test]
fn an_agent_that_dies_before_it_has_kept_a_refresh_token_hands_nothing_out() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    let agent = vault.agent();

    issuer.control("hold");
    let asking = start(&agent, &key, "crm");
    eventually("the server has made the exchange", || {
        exchanges(&issuer).1 == 1
    });
    agent.kill();
    issuer.control("open");
    let output = asking.wait_with_output().unwrap();
    assert!(!output.status.success(), "{}", text(&output));

    // The use is on record, with no outcome; the version is what it was, and the provider's
    // answer to it is what the owner is told.
    let agent = vault.agent();
    let entries = vault.entries();
    let count = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!((count("use"), count("outcome")), (1, 0));
    assert_eq!(versions(&vault, "crm"), 1);
    assert_eq!(ask(&agent, &key, "crm", json!({}))["status"], 502);
    assert_eq!(outcome(&vault)["ending"], "refused");
    vault.run(&["audit", "verify"]);
}

#[test]
fn what_the_owner_puts_in_meanwhile_counts() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    let agent = vault.agent();

    issuer.control("hold");
    let asking = start(&agent, &key, "crm");
    eventually("the server has made the exchange", || {
        exchanges(&issuer).1 == 1
    });
    let newer = REFRESHED.replace("token-1", "token-9");
    vault.run_with_input(&["secret", "rotate", "crm"], newer.as_bytes());
    issuer.control("open");
    let output = asking.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["status"], 500, "{told}");
    let ended = outcome(&vault);
    assert_eq!(ended["ending"], "not-kept");
    assert!(
        ended["detail"]
            .as_str()
            .unwrap()
            .contains("version 2 of secret `crm` was put in meanwhile"),
        "{ended}"
    );
    assert_eq!(versions(&vault, "crm"), 2);
}

#[test]
fn a_use_that_waited_for_its_turn_is_stopped_if_it_is_not_allowed_any_more() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    let agent = vault.agent();
    issuer.control("hold");
    let first = start(&agent, &key, "crm");
    eventually("the server has made the exchange", || {
        exchanges(&issuer).1 == 1
    });
    let second = start(&agent, &key, "crm");
    eventually("both are on record", || {
        let entries = vault.entries();
        entries
            .iter()
            .filter(|entry| entry["kind"] == "use")
            .count()
            == 2
    });
    bind(&vault, "crm", &json!({}));
    issuer.control("open");
    let told = |child: std::process::Child| -> Value {
        serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
    };
    issued(&told(first));
    let second = told(second);
    assert_eq!(second["status"], 422, "{second}");
    let ended = outcome(&vault);
    assert_eq!(ended["ending"], "stopped");
    assert!(
        ended["detail"]
            .as_str()
            .unwrap()
            .contains("the binding of secret `crm`"),
        "{ended}"
    );
    assert_eq!(exchanges(&issuer), (1, 1));
    assert_eq!(versions(&vault, "crm"), 2, "what the first got is kept");
}

#[test]
fn a_lock_ends_an_exchange_that_is_under_way() {
    let vault = Vault::create();
    let issuer = Issuer::start(&vault, &[]);
    add(
        &vault,
        "crm",
        "oauth2",
        REFRESHED.as_bytes(),
        &refreshing(&issuer),
    );
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "crm"]);
    let agent = vault.agent();
    issuer.control("hold");
    let asking = [start(&agent, &key, "crm"), start(&agent, &key, "crm")];
    eventually("the server has made the exchange", || {
        exchanges(&issuer).1 == 1
    });
    eventually("both are on record", || {
        let entries = vault.entries();
        entries
            .iter()
            .filter(|entry| entry["kind"] == "use")
            .count()
            == 2
    });
    vault.run(&["lock"]);
    for asking in asking {
        let output = asking.wait_with_output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told["status"], 423, "{told}");
    }
    issuer.control("open");
    let ended = outcome(&vault);
    assert_eq!(ended["ending"], "cut-off");
}

/// A caller that waits for its token.
fn start(
    agent: &crate::support::Agent<'_>,
    key: &std::path::Path,
    secret: &str,
) -> std::process::Child {
    let body = json!({"secret": secret, "operation": "token", "input": {}});
    let mut command: Command = crate::support::python();
    command
        .arg(script("client.py"))
        .args(["--agent", &agent.url(), "--cacert"])
        .arg(agent.vault.certificate())
        .arg("--key")
        .arg(key)
        .arg(body.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}
