//! MACs and ciphertexts, both ways: openssl and Python's `cryptography` at the other end.

use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{MESSAGE, keys_py, message, openssl};
use crate::support::{Vault, text};

#[test]
fn macs_agree_with_openssl_both_ways() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let message = message(&vault);
    // A line end at the end of binary bytes belongs to the key; behind text it does not.
    for (name, key, meant) in [
        (
            "binary",
            &b"\x00\x01\x02 sixteen bytes and \xff\n"[..],
            &b"\x00\x01\x02 sixteen bytes and \xff\n"[..],
        ),
        (
            "typed",
            b"a shared secret that was typed\n",
            b"a shared secret that was typed",
        ),
    ] {
        vault.run_with_input(&["secret", "add", name, "--kind", "hmac"], key);
        vault.run(&["grant", "atlas", "mac,verify-mac", name]);
        for (algorithm, digest) in [
            ("HS256", "-sha256"),
            ("HS384", "-sha384"),
            ("HS512", "-sha512"),
        ] {
            let hex = format!("hexkey:{}", hex(meant));
            let theirs = vault.path().join(format!("{name}-{algorithm}.theirs"));
            openssl(&[
                "dgst",
                digest,
                "-mac",
                "HMAC",
                "-macopt",
                &hex,
                "-binary",
                "-out",
                theirs.to_str().unwrap(),
                message.to_str().unwrap(),
            ]);
            let theirs = STANDARD.encode(fs::read(theirs).unwrap());
            let input = json!({"message": STANDARD.encode(MESSAGE), "algorithm": algorithm});
            let told = agent.python(
                &service,
                &json!({"secret": name, "operation": "mac", "input": input}),
                &[],
            );
            assert_eq!(
                told["answer"]["result"]["mac"],
                theirs.as_str(),
                "{name}, {algorithm}"
            );

            let verify = |mac: &str| {
                let mut input = input.clone();
                input["mac"] = mac.into();
                let told = agent.python(
                    &service,
                    &json!({"secret": name, "operation": "verify-mac", "input": input}),
                    &[],
                );
                told["answer"]["result"]["valid"].as_bool().unwrap()
            };
            assert!(verify(&theirs), "{name}, {algorithm}");
            let mut wrong = STANDARD.decode(&theirs).unwrap();
            wrong[0] ^= 1;
            assert!(!verify(&STANDARD.encode(wrong)), "{name}, {algorithm}");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn ciphertexts_go_both_ways_between_the_agent_and_python() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let key = openssl(&["rand", "-hex", "32"]).trim().to_owned();
    vault.run_with_input(
        &["secret", "add", "box", "--kind", "aes256"],
        key.as_bytes(),
    );
    vault.run(&["grant", "atlas", "encrypt,decrypt", "box"]);

    for aad in [None, Some(STANDARD.encode("invoice 17"))] {
        let mut plain = json!({"plaintext": STANDARD.encode(MESSAGE)});
        if let Some(aad) = &aad {
            plain["aad"] = aad.as_str().into();
        }
        let told = agent.python(
            &service,
            &json!({"secret": "box", "operation": "encrypt", "input": plain}),
            &[],
        );
        let mut ours = told["answer"]["result"].clone();
        if let Some(aad) = &aad {
            ours["aad"] = aad.as_str().into();
        }
        let opened: Value =
            serde_json::from_str(&keys_py(&["decrypt", &key], ours.to_string().as_bytes()))
                .unwrap();
        assert_eq!(opened["plaintext"], plain["plaintext"]);

        let mut theirs: Value =
            serde_json::from_str(&keys_py(&["encrypt", &key], plain.to_string().as_bytes()))
                .unwrap();
        let out = vault.path().join("plaintext");
        let answered = agent.request(
            &service,
            &[
                "decrypt",
                "box",
                "--input",
                &theirs.to_string(),
                "--out",
                out.to_str().unwrap(),
            ],
        );
        assert!(answered.status.success(), "{}", text(&answered));
        assert_eq!(fs::read(&out).unwrap(), MESSAGE);

        // Other additional data, and it is not the same message any more.
        theirs["aad"] = STANDARD.encode("invoice 18").into();
        let refused = agent.python(
            &service,
            &json!({"secret": "box", "operation": "decrypt", "input": theirs}),
            &[],
        );
        assert_eq!(refused["status"], 422, "{refused}");
        assert!(refused["answer"].get("sealed").is_none(), "{refused}");
    }
}
