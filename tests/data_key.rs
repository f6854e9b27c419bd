//! Data keys: Python's `cryptography` opens with the vault's key what the agent sealed under it,
//! and so does the agent.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Vault, python, script, text, with_input};

#[test]
fn a_data_key_is_opened_by_the_agent_and_by_who_has_the_vaults_key() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let key = "8f3c".repeat(16);
    vault.run_with_input(
        &["secret", "add", "box", "--kind", "aes256"],
        key.as_bytes(),
    );
    vault.run(&["grant", "atlas", "data-key,decrypt", "box"]);
    let ask = |operation: &str, input: &Value| {
        let body = json!({"secret": "box", "operation": operation, "input": input});
        let told = agent.python(&service, &body, &[]);
        assert_eq!(told["status"], 200, "{told}");
        assert!(told["answer"].get("result").is_none(), "{told}");
        told["answer"]["opened"].clone()
    };
    for (input, size) in [
        (json!({}), 32),
        (json!({"size": 16}), 16),
        (
            json!({"size": 64, "aad": STANDARD.encode("invoice 17")}),
            64,
        ),
    ] {
        let made = ask("data-key", &input);
        assert_eq!(
            STANDARD
                .decode(made["plaintext"].as_str().unwrap())
                .unwrap()
                .len(),
            size
        );
        let mut stored = made.clone();
        stored.as_object_mut().unwrap().remove("plaintext");
        if let Some(aad) = input.get("aad") {
            stored["aad"] = aad.clone();
        }
        let mut command = python();
        command.arg(script("keys.py")).args(["decrypt", &key]);
        let output = with_input(command, stored.to_string().as_bytes());
        assert!(output.status.success(), "{}", text(&output));
        let opened: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(opened["plaintext"], made["plaintext"]);
        assert_eq!(ask("decrypt", &stored)["plaintext"], made["plaintext"]);
    }
    // `--out` writes the key itself.
    let out = vault.path().join("data-key");
    let answered = agent.request(
        &service,
        &["data-key", "box", "--out", out.to_str().unwrap()],
    );
    assert!(answered.status.success(), "{}", text(&answered));
    let told: Value = serde_json::from_slice(&answered.stdout).unwrap();
    let plaintext = told["result"]["plaintext"].as_str().unwrap();
    assert_eq!(STANDARD.encode(fs::read(&out).unwrap()), plaintext);
}

#[test]
fn data_keys_are_made_within_policy_only() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    vault.run(&["secret", "generate", "box", "--kind", "aes256"]);
    vault.run(&["secret", "generate", "mac", "--kind", "hmac"]);
    vault.run_with_input(
        &["policy", "set", "invoices", "-"],
        br#"permit (principal == Service::"atlas", action == Action::"data-key", resource)
            when {
                context.data_key.size == 32 &&
                context.data_key has aad && context.data_key.aad == "aW52b2ljZXM="
            };"#,
    );
    let agent = vault.agent();
    let status = |secret: &str, input: Value| {
        let body = json!({"secret": secret, "operation": "data-key", "input": input});
        agent.python(&service, &body, &[])["status"].clone()
    };
    let aad = STANDARD.encode("invoices");
    assert_eq!(status("box", json!({"aad": aad})), 200);
    assert_eq!(status("box", json!({})), 403);
    assert_eq!(status("box", json!({"aad": aad, "size": 64})), 403);
    assert_eq!(status("box", json!({"size": 24})), 400);
    assert_eq!(status("box", json!({"aad": 7})), 400);
    assert_eq!(status("mac", json!({"aad": aad})), 422);
}
