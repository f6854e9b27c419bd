//! Keys to certify, seeds of one-time codes, and the inputs of what is done with them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use strongroom::{operation::Kind, service::PublicKey, vault::material::Material};

use super::{
    super::targets::published::{ATLAS, ATLAS_P256},
    Seed, seed,
};

pub(super) fn seeds() -> Vec<Seed> {
    let line = |text: &str| PublicKey::parse(text).unwrap().ssh("");
    let (ed25519, p256) = (line(ATLAS), line(ATLAS_P256));
    let rsa = Material::generate_rsa(2048).unwrap();
    let p384 = Material::generate(Kind::P384).unwrap();
    let public = |material: &Material| material.public_key().unwrap().ssh("a comment");
    let key = |path: &str, line: &str| seed(&format!("certified_key/{path}"), line);
    let keys = vec![
        key("good-ed25519", &format!("{ed25519} atlas@example.com\n")),
        key("good-p256", &p256),
        key("good-p384", &public(&p384)),
        key("good-rsa", &public(&rsa)),
        key(
            "good-sk-ed25519",
            &token(&ed25519, "sk-ssh-ed25519@openssh.com"),
        ),
        key(
            "good-sk-p256",
            &token(&p256, "sk-ecdsa-sha2-nistp256@openssh.com"),
        ),
        key("bad-options", &format!("command=\"sh\" {ed25519}")),
        key("bad-two-lines", &format!("{ed25519}\n{ed25519}")),
        key(
            "bad-other-name",
            &ed25519.replace("ssh-ed25519 ", "ssh-rsa "),
        ),
        key("bad-type", "ssh-dss AAAAB3NzaC1kc3M= a"),
        key("bad-point", &other_point(&p256)),
        key("bad-trailing", &format!("{ed25519}AAAA")),
        key("bad-base64", "ssh-ed25519 %%%"),
    ];

    let totp = |path: &str, value: &str| seed(&format!("material/{path}"), value);
    let secret = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let totps = vec![
        totp(
            "good-totp",
            "totp\ngezd gnbv gy3t qojq gezd gnbv gy3t qojq\n",
        ),
        totp(
            "good-totp-uri",
            &format!(
                "-\notpauth://totp/ACME%20Co:john@example.com?{secret}&issuer=ACME%20Co&algorithm=SHA512&digits=8&period=60"
            ),
        ),
        totp(
            "good-totp-uri-short",
            &format!("totp\nOTPAUTH://TOTP/?{secret}"),
        ),
        totp("bad-totp", "totp\nnot base32!"),
        totp(
            "bad-totp-hotp",
            &format!("totp\notpauth://hotp/a?{secret}&counter=0"),
        ),
        totp(
            "bad-totp-digits",
            &format!("totp\notpauth://totp/a?{secret}&digits=99"),
        ),
        totp(
            "bad-totp-percent",
            &format!("totp\notpauth://totp/%4?{secret}"),
        ),
        totp(
            "bad-totp-twice",
            &format!("totp\notpauth://totp/a?{secret}&{secret}"),
        ),
    ];

    let operation = |path: &str, name: &str, input: Value| {
        seed(&format!("operation/{path}"), format!("{name}\n{input}"))
    };
    let certificate = |more: Value| {
        let mut input = json!({"public_key": ed25519, "principals": ["deploy"], "lifetime": 300});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    };
    let operations = vec![
        operation(
            "good-data-key",
            "data-key",
            json!({"size": 64, "aad": "YQ=="}),
        ),
        operation("bad-data-key-size", "data-key", json!({"size": 24})),
        operation("good-totp", "totp", json!({})),
        operation("bad-totp-time", "totp", json!({"time": 59})),
        operation(
            "good-ssh-sign",
            "ssh-sign",
            json!({"message": "aGk=", "namespace": "git"}),
        ),
        operation(
            "good-ssh-sign-digest",
            "ssh-sign",
            json!({"digest": STANDARD.encode([0; 32]), "hash": "sha256", "namespace": "file"}),
        ),
        operation(
            "bad-ssh-sign-digest",
            "ssh-sign",
            json!({"digest": "AAAA", "namespace": "file"}),
        ),
        operation(
            "bad-ssh-sign-namespace",
            "ssh-sign",
            json!({"message": "", "namespace": "\u{202e}"}),
        ),
        operation(
            "good-ssh-certificate",
            "ssh-certificate",
            certificate(json!({
                "key_id": "atlas", "extensions": ["permit-pty"],
                "critical_options": {"source-address": "10.1.0.0/16", "force-command": "deploy"},
            })),
        ),
        operation(
            "good-ssh-certificate-not-bound",
            "ssh-certificate",
            certificate(json!({"lifetime": u32::MAX})),
        ),
        operation(
            "bad-ssh-certificate-principals",
            "ssh-certificate",
            certificate(json!({"principals": []})),
        ),
        operation(
            "bad-ssh-certificate-option",
            "ssh-certificate",
            certificate(json!({"critical_options": {"x": ""}})),
        ),
        operation(
            "bad-ssh-certificate-extension",
            "ssh-certificate",
            certificate(json!({"extensions": ["all"]})),
        ),
        operation(
            "bad-ssh-certificate-lifetime",
            "ssh-certificate",
            certificate(json!({"lifetime": 1e99})),
        ),
    ];

    let binding = |path: &str, kind: &str, ssh: Value| {
        seed(
            &format!("binding/{path}"),
            format!("{kind}\n{}", json!({ "ssh": ssh })),
        )
    };
    let certificate = |name: &str, value: Value| {
        let mut section = json!({"principals": ["deploy", "web-*"], "max_lifetime": 3600});
        section[name] = value;
        json!({ "certificate": section })
    };
    let bindings = vec![
        binding(
            "good-ssh-sign",
            "p256",
            json!({"sign": {"namespaces": ["git"], "hashes": ["sha256"]}}),
        ),
        binding(
            "good-ssh-certificate",
            "ed25519",
            certificate(
                "critical_options",
                json!({"source-address": "10.0.0.0/8", "verify-required": ""}),
            ),
        ),
        binding(
            "good-ssh-key-types",
            "rsa",
            certificate("key_types", json!(["sk-ssh-ed25519@openssh.com"])),
        ),
        binding("bad-ssh-nothing", "ed25519", json!({})),
        binding(
            "bad-ssh-lifetime",
            "ed25519",
            certificate("max_lifetime", 86_401.into()),
        ),
        binding(
            "bad-ssh-network",
            "ed25519",
            certificate("critical_options", json!({"source-address": "10.0.0.1/8"})),
        ),
        binding(
            "bad-ssh-extension",
            "ed25519",
            certificate("extensions", json!(["permit-all"])),
        ),
        binding(
            "bad-ssh-kind",
            "p384",
            certificate("min_rsa_bits", 4096.into()),
        ),
    ];
    [keys, totps, operations, bindings].concat()
}

/// A key as a FIDO token has it: the same numbers, and the application behind them.
fn token(line: &str, name: &str) -> String {
    let blob = STANDARD.decode(line.split(' ').nth(1).unwrap()).unwrap();
    let length = u32::from_be_bytes(*blob.first_chunk().unwrap()) as usize;
    let string = |text: &str| [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat();
    let token = [&string(name), &blob[4 + length..], &string("ssh:")].concat();
    format!("{name} {}", STANDARD.encode(token))
}

/// The same x with another y: no point on the curve.
fn other_point(line: &str) -> String {
    let (name, base64) = line.split_once(' ').unwrap();
    let mut blob = STANDARD.decode(base64).unwrap();
    *blob.last_mut().unwrap() ^= 1;
    format!("{name} {}", STANDARD.encode(blob))
}
