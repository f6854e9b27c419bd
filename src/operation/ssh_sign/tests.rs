use std::process::Command;

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use ssh_key::{HashAlg, SshSig};

use crate::{
    operation::{
        Kind, Operation,
        tests::{bound, run_bound},
    },
    vault::material::Material,
};

const MESSAGE: &[u8] = b"release 4f2a\n\xff";

fn sign(key: &Material, input: Value) -> String {
    let binding = json!({"ssh": {"sign": {"namespaces": ["file", "git"]}}});
    let answer = run_bound(key, &binding, "ssh-sign", input);
    answer["signature"].as_str().unwrap().to_owned()
}

/// `ssh-keygen -Y check-novalidate`, or `verify` against the one key that is allowed.
fn keygen_verifies(key: &Material, signature: &str, namespace: &str, message: &[u8]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let public = key.public_key().unwrap();
    std::fs::write(path("allowed"), format!("atlas {}\n", public.ssh(""))).unwrap();
    std::fs::write(path("signature"), signature).unwrap();
    std::fs::write(path("message"), message).unwrap();
    let check = |arguments: &[&str]| {
        let mut command = Command::new("ssh-keygen");
        command
            .args(arguments)
            .args(["-n", namespace, "-s"])
            .arg(path("signature"))
            .stdin(std::fs::File::open(path("message")).unwrap());
        command.output().unwrap().status.success()
    };
    let allowed = path("allowed");
    let valid = check(&["-Y", "check-novalidate"]);
    let verified = check(&[
        "-Y",
        "verify",
        "-I",
        "atlas",
        "-f",
        allowed.to_str().unwrap(),
    ]);
    assert_eq!(valid, verified);
    verified
}

#[test]
fn signatures_are_read_by_ssh_keygen_and_by_another_library() {
    for kind in [Kind::Ed25519, Kind::P256, Kind::Rsa] {
        let key = match kind {
            Kind::Rsa => Material::generate_rsa(2048).unwrap(),
            kind => Material::generate(kind).unwrap(),
        };
        for (name, hash, algorithm) in [
            ("sha512", HashAlg::Sha512, &digest::SHA512),
            ("sha256", HashAlg::Sha256, &digest::SHA256),
        ] {
            let hashed = digest::digest(algorithm, MESSAGE);
            for input in [
                json!({"message": STANDARD.encode(MESSAGE), "namespace": "file", "hash": name}),
                json!({"digest": STANDARD.encode(hashed), "namespace": "file", "hash": name}),
            ] {
                let signature = sign(&key, input);
                let read = SshSig::from_pem(&signature).unwrap();
                assert_eq!((read.namespace(), read.hash_alg()), ("file", hash));
                assert_eq!(
                    read.to_pem(ssh_key::LineEnding::LF).unwrap(),
                    signature.trim_end().to_owned() + "\n"
                );
                assert!(
                    keygen_verifies(&key, &signature, "file", MESSAGE),
                    "{kind} {name}"
                );
                assert!(
                    !keygen_verifies(&key, &signature, "git", MESSAGE),
                    "{kind} {name}"
                );
                assert!(
                    !keygen_verifies(&key, &signature, "file", b"else"),
                    "{kind} {name}"
                );
            }
        }
    }
}

#[test]
fn p256_numbers_keep_their_form_whatever_they_are() {
    let key = Material::generate(Kind::P256).unwrap();
    // Often enough for r and s to have a leading zero, and to need one.
    for number in 0..300_u32 {
        let input = json!({"message": STANDARD.encode(number.to_be_bytes()), "namespace": "git"});
        SshSig::from_pem(sign(&key, input)).unwrap();
    }
}

#[test]
fn nothing_is_signed_that_the_binding_does_not_name() {
    let operation = |input: Value| Operation::parse("ssh-sign", input).unwrap();
    let refused = |input: Value, binding: Option<Value>| {
        let binding = binding.map(|binding| bound(Kind::Ed25519, &binding));
        let suits = operation(input).suits(Kind::Ed25519, true, binding.as_ref());
        suits.unwrap_err().to_string()
    };
    let git = json!({"message": "", "namespace": "git"});
    let none = "the binding of the secret does not allow to make SSH signatures; it would name the namespaces in `ssh.sign`";
    assert_eq!(refused(git.clone(), None), none);
    let authority = json!({"ssh": {"certificate": {"principals": ["*"], "max_lifetime": 60}}});
    assert_eq!(refused(git.clone(), Some(authority.clone())), none);
    let files = json!({"ssh": {"sign": {"namespaces": ["file"], "hashes": ["sha256"]}}});
    assert_eq!(
        refused(git, Some(files.clone())),
        "the binding of the secret does not allow to sign in the namespace `git`; it allows `file`"
    );
    assert_eq!(
        refused(
            json!({"message": "", "namespace": "file"}),
            Some(files.clone())
        ),
        "the binding of the secret does not allow to sign a `sha512` hash; it allows `sha256`"
    );
    let fits = operation(json!({"message": "", "namespace": "file", "hash": "sha256"}));
    let files = bound(Kind::Ed25519, &files);
    assert!(fits.suits(Kind::Ed25519, true, Some(&files)).is_ok());
    assert!(fits.suits(Kind::P384, true, Some(&files)).is_err());
}

#[test]
fn a_key_for_ssh_signs_no_bare_messages_unless_its_owner_says_so() {
    let operation = Operation::parse("sign", json!({"message": ""})).unwrap();
    let ssh = json!({"certificate": {"principals": ["*"], "max_lifetime": 60}});
    let only = bound(Kind::Ed25519, &json!({ "ssh": ssh }));
    assert_eq!(
        operation
            .suits(Kind::Ed25519, true, Some(&only))
            .unwrap_err()
            .to_string(),
        "the binding of the secret does not allow to sign bare messages: the key is for SSH; it would name the algorithms in `sign`"
    );
    let both = json!({"ssh": ssh, "sign": {"algorithms": ["Ed25519"]}});
    let both = bound(Kind::Ed25519, &both);
    assert!(operation.suits(Kind::Ed25519, true, Some(&both)).is_ok());
}

#[test]
fn input_is_bounded_and_fields_hold_what_is_signed_for() {
    let refused = |input| Operation::parse("ssh-sign", input).unwrap_err().to_string();
    assert_eq!(
        refused(json!({"message": ""})),
        "`ssh-sign` needs the field `namespace`"
    );
    assert_eq!(
        refused(json!({"namespace": "git"})),
        "`ssh-sign` needs the field `message` or `digest`"
    );
    assert_eq!(
        refused(json!({"namespace": "git", "message": "", "digest": ""})),
        "`ssh-sign` takes `message` or `digest`, not both"
    );
    assert_eq!(
        refused(json!({"namespace": "git", "digest": "AAAA"})),
        "the field `digest` must be base64 of 64 bytes, the length of a SHA-512 hash"
    );
    for namespace in ["", "a\nb", "é", &"x".repeat(256)] {
        assert_eq!(
            refused(json!({"namespace": namespace, "message": ""})),
            "the field `namespace` must be 1 to 255 printable ASCII characters"
        );
    }
    let operation = |input| Operation::parse("ssh-sign", input).unwrap();
    let message = operation(json!({"namespace": "git", "message": "aGk="}));
    assert_eq!(
        Value::Object(message.fields()),
        json!({"namespace": "git", "hash": "sha512", "input": "message", "size": 2})
    );
    let digest = STANDARD.encode([0; 32]);
    let digest = operation(json!({"namespace": "git", "digest": digest, "hash": "sha256"}));
    assert_eq!(
        Value::Object(digest.fields()),
        json!({"namespace": "git", "hash": "sha256", "input": "digest", "size": 32})
    );
    assert!(!message.wants_sealed());
}
