//! What an owner does to a vault from day to day, and what a service then finds.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::bare;
use crate::support::{Agent, PASSPHRASE, Vault, program, succeed, text};

/// Asks with the Python client; the answer must be allowed, and its result comes back.
fn result(agent: &Agent<'_>, key: &Path, secret: &str, operation: &str, input: Value) -> Value {
    let told = agent.python(
        key,
        &json!({"secret": secret, "operation": operation, "input": input}),
        &[],
    );
    assert_eq!(told["status"], 200, "{told}");
    let answer = &told["answer"];
    if answer["opened"].is_null() {
        answer["result"].clone()
    } else {
        answer["opened"].clone()
    }
}

fn status(agent: &Agent<'_>, key: &Path, secret: &str, operation: &str, input: Value) -> u64 {
    let told = agent.python(
        key,
        &json!({"secret": secret, "operation": operation, "input": input}),
        &[],
    );
    told["status"].as_u64().unwrap()
}

#[test]
fn a_grant_on_an_alias_holds_when_the_alias_is_pointed_elsewhere() {
    let vault = Vault::create();
    for name in ["heroku-1", "heroku-2"] {
        vault.run(&["secret", "generate", name, "--kind", "ed25519"]);
    }
    let key = vault.enrol("atlas");
    vault.run(&["alias", "set", "deploy", "heroku-1"]);
    vault.run(&["grant", "atlas", "public-key,sign", "deploy"]);
    let agent = vault.agent();
    let public_key =
        || result(&agent, &key, "deploy", "public-key", json!({}))["public_key"].clone();
    let listed =
        |name: &str| vault.json(&["secret", "show", name])["versions"][0]["public_key"].clone();

    assert_eq!(public_key(), listed("heroku-1"));
    vault.run(&["alias", "set", "deploy", "heroku-2"]);
    assert_eq!(
        public_key(),
        listed("heroku-2"),
        "the caller changed nothing"
    );
    assert_eq!(
        vault.json(&["alias", "list"]),
        json!([{"name": "deploy", "secret": "heroku-2"}])
    );
    // The grant is for the alias: the secrets behind it have names that open nothing.
    for name in ["heroku-1", "heroku-2"] {
        assert_eq!(status(&agent, &key, name, "public-key", json!({})), 403);
    }
    let used: Vec<_> = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["kind"] == "use")
        .collect();
    let told: Vec<_> = used
        .iter()
        .map(|entry| (&entry["ask"]["asked"], &entry["secret"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("deploy"), &json!("heroku-1")),
            (&json!("deploy"), &json!("heroku-2"))
        ]
    );
}

#[test]
fn after_a_rotation_the_old_version_reads_and_the_new_one_writes() {
    let vault = Vault::create();
    for (name, kind) in [("box", "aes256"), ("hook", "hmac"), ("signer", "ed25519")] {
        vault.run(&["secret", "generate", name, "--kind", kind]);
    }
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "encrypt,decrypt", "box"]);
    vault.run(&["grant", "atlas", "mac,verify-mac", "hook"]);
    vault.run(&["grant", "atlas", "sign,public-key", "signer"]);
    let agent = vault.agent();
    let message = STANDARD.encode("release 4f2a");

    let encrypted = result(
        &agent,
        &key,
        "box",
        "encrypt",
        json!({"plaintext": message}),
    );
    let mac = result(&agent, &key, "hook", "mac", json!({"message": message}));
    let signed = result(&agent, &key, "signer", "sign", json!({"message": message}));
    for old in [&encrypted, &mac, &signed] {
        assert_eq!(old["version"], 1);
    }
    for name in ["box", "hook", "signer"] {
        let rotated = vault.json(&["secret", "rotate", name, "--generate"]);
        assert_eq!(rotated["current"], 2, "{rotated}");
    }

    // What the first version made is still read, by its number.
    assert_eq!(
        result(&agent, &key, "box", "decrypt", encrypted.clone())["plaintext"],
        message.as_str()
    );
    let claim = |version: u32| json!({"message": message, "mac": mac["mac"], "version": version});
    assert_eq!(
        result(&agent, &key, "hook", "verify-mac", claim(1))["valid"],
        true
    );
    assert_eq!(
        result(&agent, &key, "hook", "verify-mac", claim(2))["valid"],
        false
    );
    let public = |version: u32| {
        result(
            &agent,
            &key,
            "signer",
            "public-key",
            json!({"version": version}),
        )["public_key"]
            .clone()
    };
    assert_ne!(public(1), public(2));
    // What is made now is made by the second.
    assert_eq!(
        result(
            &agent,
            &key,
            "box",
            "encrypt",
            json!({"plaintext": message})
        )["version"],
        2
    );
    assert_eq!(
        result(&agent, &key, "hook", "mac", json!({"message": message}))["version"],
        2
    );
    let again = result(&agent, &key, "signer", "sign", json!({"message": message}));
    assert_eq!(again["version"], 2);
    assert_ne!(again["signature"], signed["signature"]);

    // A version that is retired reads nothing any more; a secret that is retired does nothing.
    vault.run(&["secret", "retire", "box", "--version", "1"]);
    assert_eq!(status(&agent, &key, "box", "decrypt", encrypted), 422);
    assert_eq!(
        result(
            &agent,
            &key,
            "box",
            "encrypt",
            json!({"plaintext": message})
        )["version"],
        2
    );
    vault.run(&["secret", "retire", "signer"]);
    assert_eq!(
        status(&agent, &key, "signer", "sign", json!({"message": message})),
        422
    );
    let told = vault.fail(1, &["secret", "rotate", "signer", "--generate"]);
    assert!(
        told.contains("secret `signer` is retired; add a new one under another name"),
        "{told}"
    );
    // Nothing is deleted.
    assert_eq!(
        vault.json(&["secret", "show", "signer"])["versions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_value_is_shown_to_its_owner_only_for_the_passphrase_and_on_record() {
    let vault = Vault::create();
    vault.run_with_input(
        &["secret", "add", "heroku/prod", "--kind", "token"],
        b"the value\n",
    );
    let agent = vault.agent();
    // The vault is open and the passphrase was given a moment ago: it is asked for all the same.
    let mut reveal = bare(&["secret", "reveal", "heroku/prod"]);
    reveal.arg("--home").arg(vault.home());
    let output = reveal.output().unwrap();
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{}",
        text(&output)
    );
    let before = vault.entries().len();

    assert_eq!(
        vault.run(&["secret", "reveal", "heroku/prod"]),
        "the value",
        "as bytes, with nothing added"
    );
    let shown = vault.json(&["secret", "reveal", "heroku/prod"]);
    assert_eq!(shown["value"], STANDARD.encode("the value"));
    let entries = vault.entries();
    let actions: Vec<_> = entries[before..]
        .iter()
        .map(|entry| (&entry["action"], &entry["subject"]))
        .collect();
    assert_eq!(
        actions,
        [(&json!("secret-revealed"), &json!("heroku/prod")); 2]
    );

    // A wrong passphrase shows nothing, and is on record too.
    fs::write(vault.passphrase_file(), "a wrong passphrase\n").unwrap();
    vault.fail(1, &["secret", "reveal", "heroku/prod"]);
    assert_eq!(vault.entries().last().unwrap()["action"], "unlock-failed");
    agent.stop();
}

#[test]
fn a_passphrase_is_changed_and_the_recovery_key_still_opens() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let agent = vault.agent();
    let new = vault.path().join("new-passphrase");
    fs::write(&new, "four other random words\n").unwrap();
    vault.run(&["passwd", "--new-passphrase-file", new.to_str().unwrap()]);

    vault.run(&["lock"]);
    let told = vault.fail(1, &["unlock"]);
    assert!(
        told.contains("the passphrase is wrong; if it is lost, the recovery key opens the vault"),
        "{told}"
    );
    fs::copy(&new, vault.passphrase_file()).unwrap();
    vault.run(&["unlock"]);
    assert_eq!(
        status(&agent, &key, "deploy-key", "sign", json!({"message": ""})),
        200
    );

    // The passphrase is lost: the recovery key opens the vault. Another one does not.
    vault.run(&["lock"]);
    fs::write(vault.passphrase_file(), format!("{}\n", vault.recovery_key)).unwrap();
    vault.run(&["unlock", "--recovery"]);
    assert_eq!(
        status(&agent, &key, "deploy-key", "sign", json!({"message": ""})),
        200
    );
    vault.run(&["lock"]);
    let other = Vault::create();
    fs::write(vault.passphrase_file(), format!("{}\n", other.recovery_key)).unwrap();
    vault.fail(1, &["unlock", "--recovery"]);
    fs::write(vault.passphrase_file(), format!("{PASSPHRASE}\n")).unwrap();
    let told = vault.fail(1, &["unlock", "--recovery"]);
    assert!(told.contains("recovery key"), "{told}");
    assert_eq!(
        status(&agent, &key, "deploy-key", "sign", json!({"message": ""})),
        423
    );
}

#[test]
fn a_service_that_is_suspended_is_refused_at_its_next_request() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let (atlas, boreas) = (vault.enrol("atlas"), vault.enrol("boreas"));
    for service in ["atlas", "boreas"] {
        vault.run(&["grant", service, "sign", "deploy-key"]);
    }
    let agent = vault.agent();
    let signs = |key: &Path| status(&agent, key, "deploy-key", "sign", json!({"message": ""}));
    assert_eq!((signs(&atlas), signs(&boreas)), (200, 200));

    vault.run(&["service", "suspend", "atlas"]);
    assert_eq!((signs(&atlas), signs(&boreas)), (401, 200));
    assert!(vault.run(&["service", "list"]).contains("suspended"));
    vault.run(&["service", "resume", "atlas"]);
    assert_eq!((signs(&atlas), signs(&boreas)), (200, 200));

    // So is one whose policy is out of force.
    vault.run(&["policy", "retire", "boreas-sign-deploy-key"]);
    assert_eq!((signs(&atlas), signs(&boreas)), (200, 403));
    agent.stop();
    let refused: Vec<_> = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["reason"] == "suspended")
        .collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        refused[0]["service"], "atlas",
        "the owner is told who it was: {refused:?}"
    );
}

#[test]
fn without_an_agent_the_command_opens_the_vault_by_itself() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    assert_eq!(vault.json(&["status"])["running"], false);
    assert_eq!(vault.json(&["secret", "list"])[0]["name"], "deploy-key");
    // And two agents never hold one vault.
    let _agent = vault.locked_agent();
    assert_eq!(vault.json(&["status"])["running"], true);
    let told = vault.fail(1, &["agent"]);
    assert!(
        told.contains("an agent, or another command, holds")
            && told.contains("`strongroom status` tells more"),
        "{told}"
    );

    // Where the vault is can also come from the environment.
    let mut status = std::process::Command::new(program());
    status.arg("status").env("STRONGROOM_HOME", vault.home());
    assert!(succeed(status).contains("locked; unlock it with `strongroom unlock`"));
}
