//! The services' side with public libraries only: keys in every form, several of them, and
//! requests that are wrong in one way each.

use std::fs;

use serde_json::{Value, json};

use super::{keys_py, openssl, public_half};
use crate::support::{Vault, python, script, succeed};

#[test]
fn a_p256_service_key_enrols_in_every_form_and_signs_requests() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let ssh = vault.service_key("by-ssh", "ecdsa");
    let from_openssl = |name: &str| {
        let path = vault.path().join(name);
        fs::write(
            &path,
            openssl(&[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ]),
        )
        .unwrap();
        path
    };
    let (pem, jwk) = (from_openssl("by-pem"), from_openssl("by-jwk"));
    let jwk_file = vault.path().join("by-jwk.public");
    fs::write(
        &jwk_file,
        keys_py(&["public-jwk", jwk.to_str().unwrap()], b""),
    )
    .unwrap();
    let forms = [
        ("by-ssh", ssh.with_extension("pub"), ssh),
        ("by-pem", public_half(&vault, "by-pem", &pem), pem),
        ("by-jwk", jwk_file, jwk),
    ];
    for (name, public, _) in &forms {
        vault.run(&["service", "add", name, "--key", public.to_str().unwrap()]);
        vault.run(&["grant", name, "sign", "deploy-key"]);
    }
    let agent = vault.agent();
    let body =
        json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGVsbG8="}});
    for (name, _, private) in &forms {
        let told = agent.python(private, &body, &[]);
        assert_eq!(told["status"], 200, "{name}: {told}");
        let entry: Value = serde_json::from_str(told["answer"]["entry"].as_str().unwrap()).unwrap();
        assert_eq!(entry["ask"]["service"], *name);
    }
}

#[test]
fn a_service_has_several_keys_and_changes_from_one_to_the_other() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let keys = [
        vault.service_key("first", "ed25519"),
        vault.service_key("second", "ecdsa"),
        vault.service_key("third", "ed25519"),
    ];
    let public = |index: usize| {
        keys[index]
            .with_extension("pub")
            .to_str()
            .unwrap()
            .to_owned()
    };
    vault.run(&[
        "service",
        "add",
        "atlas",
        "--key",
        &public(0),
        "--key",
        &public(1),
    ]);
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let agent = vault.agent();
    let body =
        json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGVsbG8="}});
    let asks_with = |index: usize| agent.python(&keys[index], &body, &[]);

    let keyids: Vec<String> = [0, 1]
        .map(|index| {
            let told = asks_with(index);
            assert_eq!(told["status"], 200, "{told}");
            let entry: Value =
                serde_json::from_str(told["answer"]["entry"].as_str().unwrap()).unwrap();
            assert_eq!(entry["ask"]["service"], "atlas");
            entry["ask"]["key"].as_str().unwrap().to_owned()
        })
        .into();
    assert_ne!(keyids[0], keyids[1], "the log says which key it was");
    assert_eq!(asks_with(2)["status"], 401);

    vault.run(&["service", "add-key", "atlas", "--key", &public(2)]);
    assert_eq!(asks_with(2)["status"], 200, "from the next request on");
    vault.run(&["service", "retire-key", "atlas", &keyids[0]]);
    assert_eq!(asks_with(0)["status"], 401, "from the next request on");
    assert_eq!(asks_with(1)["status"], 200);
}

#[test]
fn what_is_wrong_with_a_request_is_refused_and_recorded() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    let stranger = vault.service_key("stranger", "ed25519");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let agent = vault.agent();

    let mut command = python();
    command
        .arg(script("mistakes.py"))
        .args(["--agent", &agent.url(), "--cacert"])
        .arg(vault.certificate());
    command
        .arg("--key")
        .arg(&key)
        .arg("--stranger")
        .arg(&stranger);
    command.arg(
        json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGVsbG8="}})
            .to_string(),
    );
    let told: Value = serde_json::from_str(&succeed(command)).unwrap();

    // What the caller gets, and the reason that the owner finds in the audit log.
    let table = [
        ("another-agent", 401, "wrong-audience"),
        ("expired", 401, "expired"),
        ("from-the-future", 401, "not-yet-valid"),
        ("good-for-too-long", 400, "malformed"),
        ("unknown-key", 401, "unknown-key"),
        ("altered-body", 400, "malformed"),
        ("altered-body-and-digest", 401, "bad-signature"),
        ("another-content-type", 400, "malformed"),
        ("no-digest", 400, "malformed"),
        ("no-signature", 400, "malformed"),
        ("short-nonce", 400, "malformed"),
        ("unknown-field", 400, "malformed"),
        ("unknown-secret", 403, "unknown-secret"),
    ];
    assert_eq!(told.as_object().unwrap().len(), table.len());
    for (mistake, status, _) in table {
        let answer = &told[mistake];
        assert_eq!(answer["status"], status, "{mistake}: {answer}");
        assert!(
            answer["answer"].get("result").is_none() && answer["answer"].get("entry").is_none(),
            "{mistake}: {answer}"
        );
    }
    // A service that is in order learns what to mend; a stranger learns nothing about who is enrolled.
    assert_eq!(
        told["unknown-key"]["answer"]["detail"],
        told["altered-body-and-digest"]["answer"]["detail"]
    );

    agent.stop();
    let entries = vault.entries();
    for reason in table.map(|(_, _, reason)| reason) {
        let expected = table.iter().filter(|row| row.2 == reason).count() as u64;
        let counted: u64 = entries
            .iter()
            .filter(|entry| entry["reason"] == reason)
            .map(|entry| {
                if entry["kind"] == "noise" {
                    entry["count"].as_u64().unwrap()
                } else {
                    1
                }
            })
            .sum();
        assert_eq!(counted, expected, "{reason}: {entries:#?}");
    }
    let refused: Vec<_> = entries
        .iter()
        .filter(|entry| entry["kind"] == "refusal")
        .collect();
    assert_eq!(
        refused.len(),
        1,
        "only a request whose sender is known is an entry of its own: {refused:?}"
    );
    assert_eq!(refused[0]["ask"]["service"], "atlas");
    assert!(
        !entries.iter().any(|entry| entry["kind"] == "use"),
        "no key was used"
    );
    vault.run(&["audit", "verify"]);
}
