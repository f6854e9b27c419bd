//! One-time codes: PyOTP, which has nothing of ours, computes the same from the same seed.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Agent, Vault, python, script, text, with_input};

/// The code that PyOTP computes from an `otpauth` URI or base32 for the period that ends then.
fn theirs(seed: &str, valid_until: &str) -> String {
    let mut command = python();
    command.arg(script("totp.py")).arg(valid_until);
    let output = with_input(command, seed.as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn ask(agent: &Agent<'_>, service: &std::path::Path, secret: &str, input: Value) -> Value {
    let body = json!({"secret": secret, "operation": "totp", "input": input});
    agent.python(service, &body, &[])
}

#[test]
fn codes_are_those_that_another_program_computes() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let base32 = "HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ";
    let uri = "otpauth://totp/ACME%20Co:john@example.com?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&issuer=ACME%20Co&algorithm=SHA256&digits=8&period=60";
    let other = "otpauth://totp/ACME:x?secret=HXDMVJECJJWSRB3HWIZR4IFUGFTMXBOZ&algorithm=SHA512&digits=7&period=15";
    for (name, given, theirs_of) in [
        ("plain", "hxdm vjec jjws rb3h wizr 4ifu gftm xboz\n", base32),
        ("long", uri, uri),
        ("short", other, other),
    ] {
        let file = vault.path().join(name);
        fs::write(&file, given).unwrap();
        vault.run(&[
            "secret",
            "add",
            name,
            "--kind",
            "totp",
            "--file",
            file.to_str().unwrap(),
        ]);
        vault.run(&["grant", "atlas", "totp", name]);
        let told = ask(&agent, &service, name, json!({}));
        assert_eq!(told["status"], 200, "{told}");
        assert!(told["answer"].get("result").is_none(), "{told}");
        let opened = &told["answer"]["opened"];
        let until = opened["valid_until"].as_str().unwrap();
        assert_eq!(opened["code"], theirs(theirs_of, until), "{name}: {opened}");
        assert_eq!(opened["version"], 1);
        let entry = told["answer"]["entry"].as_str().unwrap();
        assert!(!entry.contains(opened["code"].as_str().unwrap()), "{entry}");
    }
}

#[test]
fn a_seed_made_in_the_vault_is_enrolled_by_its_uri() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    vault.run(&["secret", "generate", "robot", "--kind", "totp"]);
    vault.run(&["grant", "atlas", "totp", "robot"]);
    let agent = vault.agent();
    // The owner shows it to the provider, or to a phone.
    let uri = vault.run(&["secret", "reveal", "robot"]);
    assert!(
        uri.starts_with("otpauth://totp/strongroom?secret="),
        "an `otpauth` URI"
    );
    let out = vault.path().join("code");
    let answered = agent.request(&service, &["totp", "robot", "--out", out.to_str().unwrap()]);
    assert!(answered.status.success(), "{}", text(&answered));
    let told: Value = serde_json::from_slice(&answered.stdout).unwrap();
    let until = told["result"]["valid_until"].as_str().unwrap();
    let code = fs::read_to_string(&out).unwrap();
    assert_eq!(code.trim(), theirs(uri.trim(), until));
    let sentences = vault.run(&["audit", "show"]);
    assert!(
        sentences.contains("atlas was given a one-time code of robot"),
        "{sentences}"
    );
}

#[test]
fn codes_are_for_whom_policy_permits_and_seeds_are_seeds() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    vault.run(&["secret", "generate", "robot", "--kind", "totp"]);
    vault.run(&["secret", "generate", "key", "--kind", "ed25519"]);
    let agent = vault.agent();
    assert_eq!(ask(&agent, &service, "robot", json!({}))["status"], 403);
    vault.run(&["grant", "atlas", "totp", "robot"]);
    vault.run(&["grant", "atlas", "totp", "key"]);
    assert_eq!(
        ask(&agent, &service, "robot", json!({"time": 59}))["status"],
        400
    );
    assert_eq!(ask(&agent, &service, "key", json!({}))["status"], 422);
    assert_eq!(ask(&agent, &service, "robot", json!({}))["status"], 200);

    let file = vault.path().join("seed");
    for (seed, problem) in [
        ("JBSWY3DPEHPK3PX1", "a base32 seed of 10 to 128 bytes"),
        (
            "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP&counter=0",
            "not of the type `totp`",
        ),
        (
            "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP&digits=12",
            "`digits` must be 6 to 8",
        ),
    ] {
        fs::write(&file, seed).unwrap();
        let arguments = [
            "secret",
            "add",
            "bad",
            "--kind",
            "totp",
            "--file",
            file.to_str().unwrap(),
        ];
        let told = vault.fail(1, &arguments);
        assert!(told.contains(problem), "{told}");
        assert!(!told.contains("JBSWY3DP"), "a seed in a message");
    }
}
