use std::process::Command;

use serde_json::{Value, json};
use ssh_key::{Certificate, certificate::CertType};

use super::{CertifiedKey, window};
use crate::{
    operation::{
        Kind, Operation,
        tests::{NOW, bound, run_bound},
    },
    vault::material::Material,
};

const HOLDER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPlFUg9xcf8i4DzVRSx65FHAgXDEHeV0v7jMEkqDhTUL a@b";

fn binding() -> Value {
    json!({"ssh": {"certificate": {
        "principals": ["deploy", "web-*"],
        "max_lifetime": 3600,
        "critical_options": {"source-address": "10.0.0.0/8"},
        "extensions": ["permit-pty", "permit-port-forwarding"],
        "min_rsa_bits": 2048,
        "key_id_prefix": "vault:",
    }}})
}

fn input(more: Value) -> Value {
    let mut input = json!({"public_key": HOLDER, "principals": ["deploy"], "lifetime": 300});
    for (name, value) in more.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

/// A key made by `ssh-keygen`: its line, without the comment.
fn made(options: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-C", "", "-f"]).arg(&path);
    assert!(keygen.args(options).status().unwrap().success());
    let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
    line.trim().to_owned()
}

/// What `ssh-keygen -L` says; it reads no certificate whose signature is wrong.
fn listed(certificate: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key-cert.pub");
    std::fs::write(&path, certificate).unwrap();
    let mut keygen = Command::new("ssh-keygen");
    let output = keygen
        .arg("-L")
        .arg("-f")
        .arg(&path)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn certificates_are_read_by_ssh_keygen_and_by_another_library() {
    for kind in [Kind::Ed25519, Kind::P256, Kind::Rsa] {
        let authority = match kind {
            Kind::Rsa => Material::generate_rsa(2048).unwrap(),
            kind => Material::generate(kind).unwrap(),
        };
        let asked = input(json!({
            "principals": ["web-2", "deploy"],
            "key_id": "atlas",
            "extensions": ["permit-pty"],
            "critical_options": {"force-command": "deploy --now"},
        }));
        let answer = run_bound(&authority, &binding(), "ssh-certificate", asked);
        assert_eq!(answer["key_id"], "vault:atlas");
        assert_eq!(answer["valid_after"], "2026-01-02T03:03:05Z");
        assert_eq!(answer["valid_before"], "2026-01-02T03:09:05Z");
        let line = answer["certificate"].as_str().unwrap();
        let read = Certificate::from_openssh(line).unwrap();
        assert_eq!(read.to_openssh().unwrap(), line, "one form");
        assert_eq!(read.cert_type(), CertType::User);
        assert_eq!(read.serial().to_string(), answer["serial"]);
        assert_eq!(read.key_id(), "vault:atlas");
        assert_eq!(read.valid_principals(), ["deploy", "web-2"]);
        assert_eq!(read.valid_after(), NOW as u64 / 1000 - 60);
        assert_eq!(read.valid_before(), NOW as u64 / 1000 + 300);
        assert_eq!(read.nonce().len(), 32);
        let holder = ssh_key::PublicKey::from_openssh(HOLDER).unwrap();
        assert_eq!(read.public_key(), holder.key_data());
        let ours = authority.public_key().unwrap().ssh("");
        let ours = ssh_key::PublicKey::from_openssh(&ours).unwrap();
        assert_eq!(read.signature_key(), ours.key_data());

        let listed = listed(line);
        for expected in [
            "user certificate",
            "Key ID: \"vault:atlas\"",
            "Valid: from 2026-01-02T03:03:05 to 2026-01-02T03:09:05",
            "force-command deploy --now",
            "source-address 10.0.0.0/8",
            "permit-pty",
            if kind == Kind::Rsa {
                "(using rsa-sha2-512)"
            } else {
                "Signing CA"
            },
        ] {
            assert!(listed.contains(expected), "{expected}: {listed}");
        }
        assert!(!listed.contains("permit-port-forwarding"), "{listed}");

        // One bit of it changed, and OpenSSH refuses it.
        let mut blob = read.to_bytes().unwrap();
        let place = blob.windows(5).position(|part| part == b"web-2").unwrap();
        blob[place + 4] = b'3';
        let changed = Certificate::from_bytes(&blob)
            .unwrap()
            .to_openssh()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key-cert.pub");
        std::fs::write(&path, changed).unwrap();
        let mut keygen = Command::new("ssh-keygen");
        let output = keygen.arg("-L").arg("-f").arg(&path).output().unwrap();
        assert!(!output.status.success(), "{kind}");
    }
}

#[test]
fn every_type_of_key_is_certified() {
    let authority = Material::generate(Kind::Ed25519).unwrap();
    let lines = [
        made(&["-t", "ed25519"]),
        made(&["-t", "ecdsa", "-b", "256"]),
        made(&["-t", "ecdsa", "-b", "384"]),
        made(&["-t", "rsa", "-b", "2048"]),
        token_key(HOLDER, "sk-ssh-ed25519@openssh.com"),
        token_key(
            &made(&["-t", "ecdsa", "-b", "256"]),
            "sk-ecdsa-sha2-nistp256@openssh.com",
        ),
    ];
    for line in lines {
        let asked = input(json!({ "public_key": line }));
        let answer = run_bound(&authority, &binding(), "ssh-certificate", asked);
        let certificate = answer["certificate"].as_str().unwrap();
        let read = Certificate::from_openssh(certificate).unwrap();
        let holder = ssh_key::PublicKey::from_openssh(&line).unwrap();
        assert_eq!(read.public_key(), holder.key_data(), "{line}");
        let fingerprint = CertifiedKey::parse(&line).unwrap().fingerprint();
        let listed = listed(certificate);
        assert!(
            listed.contains(&format!("Public key: {} {fingerprint}", read_type(&listed))),
            "{listed}"
        );
        assert_eq!(
            answer["serial"],
            answer["key_id"].as_str().unwrap()["vault:".len()..]
        );
    }
}

/// What `ssh-keygen -L` calls the holder's key.
fn read_type(listed: &str) -> &str {
    let line = listed
        .lines()
        .find(|line| line.contains("Public key:"))
        .unwrap();
    line.split_whitespace().nth(2).unwrap()
}

/// A key as a FIDO token's: the same numbers, and the application.
fn token_key(line: &str, name: &str) -> String {
    use crate::operation::ssh_wire::{Wire, first_string};
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let blob = STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap();
    let (_, numbers) = first_string(&blob).unwrap();
    let blob = Wire::default()
        .string(name)
        .raw(numbers)
        .string("ssh:")
        .bytes();
    format!("{name} {}", STANDARD.encode(blob))
}

#[test]
fn nothing_is_certified_that_the_binding_does_not_name() {
    let refused = |more: Value, binding: Option<Value>| {
        let binding = binding.map(|binding| bound(Kind::Ed25519, &binding));
        let operation = Operation::parse("ssh-certificate", input(more)).unwrap();
        let suits = operation.suits(Kind::Ed25519, true, binding.as_ref());
        let why = suits.unwrap_err().to_string();
        let why = why.strip_prefix("the binding of the secret does not allow to ");
        why.unwrap().to_owned()
    };
    let none = "issue SSH certificates; `ssh.certificate` would make it an authority";
    assert_eq!(refused(json!({}), None), none);
    let signs = json!({"ssh": {"sign": {"namespaces": ["git"]}}});
    assert_eq!(refused(json!({}), Some(signs)), none);
    let bound_to = |more: Value| refused(more, Some(binding()));
    assert_eq!(
        bound_to(json!({"principals": ["deploy", "root"]})),
        "certify the principal `root`; it allows `deploy`, `web-*`"
    );
    assert_eq!(
        bound_to(json!({"lifetime": 3601})),
        "certify for 3601 seconds; it allows 3600 at most"
    );
    assert_eq!(
        bound_to(json!({"extensions": ["permit-pty", "permit-user-rc"]})),
        "give the extension `permit-user-rc`; it allows `permit-port-forwarding`, `permit-pty`"
    );
    assert_eq!(
        bound_to(json!({"critical_options": {"source-address": "0.0.0.0/0"}})),
        "widen `source-address`; ask for a part of it, or leave it out"
    );
    let mut narrow = binding();
    let section = &mut narrow["ssh"]["certificate"];
    section["critical_options"] = json!({"force-command": "deploy"});
    section["key_types"] = json!(["ssh-ed25519", "ssh-rsa"]);
    section["min_rsa_bits"] = 3072.into();
    section["extensions"] = json!([]);
    section["key_id_prefix"] = "x".repeat(100).into();
    let narrowly = |more: Value| refused(more, Some(narrow.clone()));
    assert_eq!(
        narrowly(json!({"critical_options": {"force-command": "sh"}})),
        "change a critical option; leave it out"
    );
    assert_eq!(
        narrowly(json!({"public_key": made(&["-t", "ecdsa", "-b", "256"])})),
        "certify a key of type `ecdsa-sha2-nistp256`; it allows `ssh-ed25519`, `ssh-rsa`"
    );
    assert_eq!(
        narrowly(json!({"public_key": made(&["-t", "rsa", "-b", "2048"])})),
        "certify an RSA key of 2048 bits; it takes 3072 or more"
    );
    assert_eq!(
        narrowly(json!({"extensions": ["permit-pty"]})),
        "give the extension `permit-pty`; it allows none"
    );
    assert_eq!(
        narrowly(json!({"key_id": "y".repeat(29)})),
        "give a key id as long as that; with its prefix it may have 128 characters, and has 129"
    );
}

#[test]
fn fields_are_what_stands_in_the_certificate() {
    let asked = input(json!({"key_id": "atlas", "extensions": ["permit-pty"]}));
    let operation = Operation::parse("ssh-certificate", asked).unwrap();
    let fields = operation.fields_for(Kind::Ed25519, Some(&bound(Kind::Ed25519, &binding())));
    let serial = fields["serial"].clone();
    assert!(serial.as_str().unwrap().parse::<u64>().unwrap() > 0);
    let expected = json!({
        // As `ssh-keygen -l` shows it.
        "public_key": "SHA256:v7ylPuZX6+lm2cGL4+RVdNByhk1b0vzG6ruZ4LDZisw",
        "key_type": "ssh-ed25519",
        "principals": ["deploy"],
        "lifetime": 300,
        "key_id": "vault:atlas",
        "critical_options": {"source-address": "10.0.0.0/8"},
        "extensions": ["permit-pty"],
        "serial": serial,
    });
    assert_eq!(Value::Object(fields), expected);
    // Without a binding that fits: as it was asked.
    let fields = Value::Object(operation.fields());
    assert_eq!(fields["key_id"], "atlas");
    assert_eq!(fields["critical_options"], json!({}));
    assert_eq!(fields["serial"], serial, "the same in both");
    assert!(!operation.wants_sealed());
}

#[test]
fn input_is_bounded() {
    let refused = |more: Value| {
        let parsed = Operation::parse("ssh-certificate", input(more));
        parsed.unwrap_err().to_string()
    };
    let principals = "the field `principals` must be a list of 1 to 64 principals, without spaces, commas and `*`";
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    for wrong in [
        json!([]),
        json!(["a b"]),
        json!(["a,b"]),
        json!(["*"]),
        json!([""]),
        json!(["é"]),
        json!(many),
    ] {
        assert_eq!(refused(json!({ "principals": wrong })), principals);
    }
    for wrong in [json!("deploy"), json!(["a", "a"]), json!([1])] {
        assert_eq!(
            refused(json!({ "principals": wrong })),
            "the field `principals` must be a list of strings, each of them once"
        );
    }
    for wrong in [
        json!(0),
        json!(-1),
        json!("300"),
        json!(1.5),
        json!(u64::MAX),
    ] {
        assert_eq!(
            refused(json!({ "lifetime": wrong })),
            "the field `lifetime` must be a number of seconds from 1 on"
        );
    }
    assert_eq!(
        refused(json!({"extensions": ["permit-all"]})),
        "`permit-all` is not a value of the field `extensions`; use `no-touch-required`, `permit-X11-forwarding`, `permit-agent-forwarding`, `permit-port-forwarding`, `permit-pty`, `permit-user-rc`"
    );
    assert!(
        refused(json!({"critical_options": {"x": ""}}))
            .starts_with("the field `critical_options` must be")
    );
    assert!(
        refused(json!({"critical_options": {"force-command": 1}}))
            .ends_with("an object of strings")
    );
    assert!(refused(json!({"key_id": "a\nb"})).starts_with("the field `key_id` must be"));
    assert!(refused(json!({"valid_before": "always"})).contains("takes no field `valid_before`"));
    assert!(refused(json!({"public_key": 7})).contains("must be a string"));
}

#[test]
fn only_a_plain_line_with_a_real_key_is_certified() {
    let blob = HOLDER.split(' ').nth(1).unwrap();
    let error = |line: &str| CertifiedKey::parse(line).unwrap_err().to_string();
    assert!(CertifiedKey::parse(&format!("  {HOLDER} more words \n")).is_ok());
    let line =
        "the public key must be an OpenSSH line such as `ssh-ed25519 AAAA…`, with nothing in front";
    for wrong in [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !",
        &format!("command=\"sh\" {HOLDER}"),
        &format!("cert-authority {HOLDER}"),
        &format!("ssh-rsa {blob}"),
        &format!("{HOLDER}\n{HOLDER}"),
        &"A".repeat(20_000),
    ] {
        assert_eq!(error(wrong), line, "{wrong}");
    }
    let unknown = made(&["-t", "ecdsa", "-b", "521"]);
    assert!(error(&unknown).contains("Ed25519, ECDSA P-256"));
    // A certificate is no key, and neither is half a key or one with more behind it.
    let shorter = HOLDER.replace("AAAAIPlF", "AAAAH/lF");
    assert!(error(&shorter).contains("a valid key"));
    let longer = format!("ssh-ed25519 {blob}AAAA");
    assert!(CertifiedKey::parse(&longer).is_err());
    let point = made(&["-t", "ecdsa", "-b", "256"]);
    let (head, _) = point.split_at(point.len() - 8);
    assert!(
        error(&format!("{head}AAAAAAA=")).contains("a valid key"),
        "not on the curve"
    );
}

#[test]
fn the_window_is_in_whole_seconds() {
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let lifetime = jiff::SignedDuration::from_secs(10);
    assert_eq!(
        window(at("2026-01-02T03:04:05.999Z"), lifetime),
        Some((at("2026-01-02T03:03:05Z"), at("2026-01-02T03:04:15Z")))
    );
    assert_eq!(
        window(at("1970-01-01T00:00:10Z"), lifetime),
        Some((at("1970-01-01T00:00:00Z"), at("1970-01-01T00:00:20Z")))
    );
    assert_eq!(window(jiff::Timestamp::MAX, lifetime), None);
}
