//! Obligations as a service meets them, and policy for people who have to write it.

use serde_json::{Value, json};

use crate::support::{Agent, Vault, text};

mod edit;
mod people;

const SIGN: [&str; 4] = ["sign", "deploy-key", "--message", "hello"];

/// A vault with a key and a service, and this policy.
fn vault_with(policy: &str) -> (Vault, std::path::PathBuf) {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run_with_input(&["policy", "set", "deployers", "-"], policy.as_bytes());
    (vault, key)
}

fn sign(agent: &Agent<'_>, key: &std::path::Path) -> Value {
    let body = json!({
        "secret": "deploy-key", "operation": "sign", "purpose": "release 1",
        "input": {"message": "aGVsbG8="},
    });
    agent.python(key, &body, &[])
}

/// The newest entry of a kind.
fn newest(vault: &Vault, kind: &str) -> Value {
    let entries = vault.entries();
    let newest = entries
        .into_iter()
        .rev()
        .find(|entry| entry["kind"] == kind);
    newest.unwrap_or_else(|| panic!("no entry of kind {kind}"))
}

#[test]
fn a_limit_is_told_and_holds_across_a_restart() {
    let (vault, key) = vault_with(
        "@limit(\"2 per hour\") @notify(\"urgent\")\npermit (principal, action == Action::\"sign\", resource);\n",
    );
    let agent = vault.agent();
    for _ in 0..2 {
        let told = sign(&agent, &key);
        assert_eq!(
            (&told["status"], &told["retry_after"]),
            (&json!(200), &Value::Null),
            "{told}"
        );
    }
    let over = |agent: &Agent<'_>| {
        let told = sign(agent, &key);
        assert_eq!(told["status"], 429, "{told}");
        assert_eq!(
            told["answer"]["type"],
            "urn:strongroom:problem:too-many-requests"
        );
        assert!(told["answer"].get("entry").is_none(), "{told}");
        // What the header says is signed as a member of the body.
        let seconds = told["answer"]["retry_after"].as_u64().unwrap();
        assert_eq!(told["retry_after"], seconds.to_string());
        assert!((1..=3600).contains(&seconds), "{told}");
    };
    over(&agent);
    agent.stop();

    let agent = vault.agent();
    over(&agent);
    let refused = agent.request(&key, &SIGN);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused);
    assert!(
        said.contains("refused (429)") && said.contains("possible again in "),
        "{said}"
    );
    agent.stop();

    let entry = newest(&vault, "refusal");
    assert_eq!(
        (&entry["reason"], &entry["detail"], &entry["policies"]),
        (
            &json!("limit"),
            &json!("policy `deployers` permits 2 per hour"),
            &json!(["deployers"])
        )
    );
    assert_eq!(newest(&vault, "use")["urgency"], "urgent");
    let uses = vault
        .entries()
        .iter()
        .filter(|entry| entry["kind"] == "use")
        .count();
    assert_eq!(uses, 2);
    vault.run(&["audit", "verify"]);
    // The owner sees why, and when it will be possible again.
    let question = json!({
        "service": "atlas", "operation": "sign", "secret": "deploy-key", "input": {"message": ""},
    });
    let told = vault.run_with_input(&["policy", "explain"], question.to_string().as_bytes());
    assert!(
        told.starts_with("refused for now: permitted by `deployers`"),
        "{told}"
    );
    assert!(
        told.contains("✗ limit 2 per hour  2 used, the next one is possible at "),
        "{told}"
    );
}

#[test]
fn of_requests_that_race_exactly_as_many_pass_as_the_limit_says() {
    let (vault, key) = vault_with(
        "@limit(\"4 per day\") permit (principal, action == Action::\"sign\", resource);",
    );
    let agent = vault.agent();
    let codes: Vec<_> = std::thread::scope(|scope| {
        let asks: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| agent.request(&key, &SIGN).status.code()))
            .collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    });
    let of = |code| codes.iter().filter(|one| **one == Some(code)).count();
    assert_eq!((of(0), of(1)), (4, 8), "{codes:?}");
    let entries = vault.entries();
    let uses = entries
        .iter()
        .filter(|entry| entry["kind"] == "use")
        .count();
    let refused = entries
        .iter()
        .filter(|entry| entry["reason"] == "limit")
        .count();
    assert_eq!((uses, refused), (4, 8));
}

#[test]
fn a_request_that_needs_an_approval_waits_for_it() {
    let (vault, key) = vault_with(
        "@approve(\"1 of security\")\npermit (principal, action == Action::\"sign\", resource);",
    );
    let agent = vault.agent();
    let told = sign(&agent, &key);
    assert_eq!(told["status"], 202, "{told}");
    let entry = newest(&vault, "pending");
    assert_eq!(entry["needs"][0], "1 of security", "{entry}");
    assert_eq!(entry["policies"][0], "deployers", "{entry}");
    assert!(
        vault.entries().iter().all(|entry| entry["kind"] != "use"),
        "no key is used before somebody says yes"
    );
}

#[test]
fn a_mistake_in_an_obligation_is_shown_where_it_is() {
    let (vault, _) = vault_with("permit (principal, action, resource);");
    let file = vault.path().join("odd.cedar");
    std::fs::write(
        &file,
        "@id(\"x\")\n@limit(\"20 an hour\")\npermit (principal, action, resource);\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let expected = "\
strongroom: policy `odd`, line 2: annotation `@limit` can't be understood
  |
2 | @limit(\"20 an hour\")
  |        ^^^^^^^^^^^^
  = write `20 per hour`, `5 per 10 minutes` or `20 per hour, 100 per day`
";
    assert_eq!(vault.fail(1, &["policy", "check", file]), expected);
    assert_eq!(vault.fail(1, &["policy", "set", "odd", file]), expected);
}
