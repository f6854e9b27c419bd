//! Keys, signatures, MACs and ciphertexts that go back and forth between the agent and programs
//! that have nothing of ours: openssl, ssh-keygen, and Python's `cryptography`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::support::{Agent, Vault, python, script, succeed, text, with_input};

mod services;
mod symmetric;

const MESSAGE: &[u8] = b"release 4f2a\n\x00with a byte that is no text: \xff";

/// Where the outside programs find what is to be signed.
fn message(vault: &Vault) -> PathBuf {
    let path = vault.path().join("message");
    fs::write(&path, MESSAGE).unwrap();
    path
}

fn openssl(arguments: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(arguments);
    succeed(command)
}

/// The public half as the key's own maker sees it, in PEM.
fn public_half(vault: &Vault, name: &str, private: &Path) -> PathBuf {
    let path = vault.path().join(format!("{name}.public"));
    openssl(&[
        "pkey",
        "-in",
        private.to_str().unwrap(),
        "-pubout",
        "-out",
        path.to_str().unwrap(),
    ]);
    path
}

/// Has `openssl` check a signature; `algorithm` is the JOSE name.
fn openssl_accepts(public: &Path, algorithm: &str, message: &Path, signature: &Path) -> bool {
    let (public, message, signature) = (
        public.to_str().unwrap(),
        message.to_str().unwrap(),
        signature.to_str().unwrap(),
    );
    let mut command = Command::new("openssl");
    if algorithm == "Ed25519" {
        command.args([
            "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", message, "-sigfile",
            signature,
        ]);
    } else {
        let (family, bits) = algorithm.split_at(2);
        command.args([
            "dgst",
            &format!("-sha{bits}"),
            "-verify",
            public,
            "-signature",
            signature,
        ]);
        if family == "PS" {
            command.args([
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ]);
        }
        command.arg(message);
    }
    command.output().unwrap().status.success()
}

/// Signs with an imported key through `strongroom request`, and has openssl check it against the
/// public half that the key's maker gave.
fn signs(agent: &Agent<'_>, service: &Path, secret: &str, algorithm: &str, public: &Path) {
    let vault = agent.vault;
    let signature = vault.path().join(format!("{secret}-{algorithm}.sig"));
    let input = json!({"message": STANDARD.encode(MESSAGE), "algorithm": algorithm}).to_string();
    let answered = agent.request(
        service,
        &[
            "sign",
            secret,
            "--input",
            &input,
            "--out",
            signature.to_str().unwrap(),
        ],
    );
    assert!(
        answered.status.success(),
        "{secret}, {algorithm}: {}",
        text(&answered)
    );
    let message = message(vault);
    assert!(
        openssl_accepts(public, algorithm, &message, &signature),
        "{secret}, {algorithm}"
    );

    let other = vault.path().join(format!("{secret}-{algorithm}.other"));
    fs::write(&other, b"something else").unwrap();
    assert!(
        !openssl_accepts(public, algorithm, &other, &signature),
        "{secret}, {algorithm}"
    );
}

fn add(vault: &Vault, name: &str, file: &Path, kind: &str) {
    let stored = vault.json(&["secret", "add", name, "--file", file.to_str().unwrap()]);
    assert_eq!(stored["kind"], kind, "found out by itself: {stored}");
}

#[test]
fn keys_made_by_openssl_sign_what_openssl_verifies() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let made: [(&str, &str, &[&str], &[&str]); 6] = [
        (
            "ed25519-pkcs8",
            "ed25519",
            &["genpkey", "-algorithm", "ed25519"],
            &["Ed25519"],
        ),
        (
            "p256-sec1",
            "p256",
            &["ecparam", "-name", "prime256v1", "-genkey", "-noout"],
            &["ES256"],
        ),
        // With the parameters in front, as `openssl ecparam -genkey` writes them by default.
        (
            "p256-parameters",
            "p256",
            &["ecparam", "-name", "prime256v1", "-genkey"],
            &["ES256"],
        ),
        (
            "p384-pkcs8",
            "p384",
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-384",
            ],
            &["ES384"],
        ),
        (
            "rsa-pkcs1",
            "rsa",
            &["genrsa", "-traditional", "2048"],
            &["RS256", "PS256"],
        ),
        (
            "rsa-pkcs8",
            "rsa",
            &[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:3072",
            ],
            &["PS256", "PS384", "RS512"],
        ),
    ];
    for (name, kind, recipe, algorithms) in made {
        let private = vault.path().join(name);
        fs::write(&private, openssl(recipe)).unwrap();
        add(&vault, name, &private, kind);
        vault.run(&["grant", "atlas", "sign,public-key", name]);
        let public = public_half(&vault, name, &private);
        for algorithm in algorithms {
            signs(&agent, &service, name, algorithm, &public);
        }
        // What the agent hands out is what openssl derives from the private key, byte for byte.
        let handed_out = vault.path().join(format!("{name}.handed-out"));
        let answered = agent.request(
            &service,
            &["public-key", name, "--out", handed_out.to_str().unwrap()],
        );
        assert!(answered.status.success(), "{}", text(&answered));
        assert_eq!(
            fs::read_to_string(&handed_out).unwrap(),
            fs::read_to_string(&public).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn keys_made_by_ssh_keygen_sign_what_openssl_verifies() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let made: [(&str, &str, &[&str], &str); 4] = [
        ("ssh-ed25519", "ed25519", &["-t", "ed25519"], "Ed25519"),
        ("ssh-p256", "p256", &["-t", "ecdsa", "-b", "256"], "ES256"),
        ("ssh-p384", "p384", &["-t", "ecdsa", "-b", "384"], "ES384"),
        ("ssh-rsa", "rsa", &["-t", "rsa", "-b", "2048"], "RS256"),
    ];
    for (name, kind, options, algorithm) in made {
        let private = vault.path().join(name);
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-N", "", "-C", "", "-f"])
            .arg(&private)
            .args(options);
        succeed(keygen);
        assert!(
            fs::read_to_string(&private)
                .unwrap()
                .contains("OPENSSH PRIVATE KEY")
        );
        add(&vault, name, &private, kind);
        vault.run(&["grant", "atlas", "sign,public-key", name]);

        // Both forms of the public key: the one is what ssh-keygen wrote, and openssl takes the other.
        let ssh = vault.path().join(format!("{name}.ssh"));
        let pem = vault.path().join(format!("{name}.pem"));
        for (format, path) in [("ssh", &ssh), ("pem", &pem)] {
            let input = json!({ "format": format }).to_string();
            let answered = agent.request(
                &service,
                &[
                    "public-key",
                    name,
                    "--input",
                    &input,
                    "--out",
                    path.to_str().unwrap(),
                ],
            );
            assert!(answered.status.success(), "{}", text(&answered));
        }
        let theirs = fs::read_to_string(private.with_extension("pub")).unwrap();
        assert_eq!(
            fs::read_to_string(&ssh).unwrap().trim(),
            theirs.trim(),
            "{name}"
        );
        assert_eq!(fingerprint(&ssh), fingerprint(&private), "{name}");
        signs(&agent, &service, name, algorithm, &pem);
    }
}

fn fingerprint(path: &Path) -> String {
    let mut command = Command::new("ssh-keygen");
    command.arg("-l").arg("-f").arg(path);
    // Size, hash, comment, type: the comment is the file's own.
    succeed(command)
        .split(' ')
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn keys_written_as_jwks_sign_what_openssl_verifies() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    for (kind, algorithm) in [
        ("ed25519", "Ed25519"),
        ("p256", "ES256"),
        ("p384", "ES384"),
        ("rsa", "PS256"),
    ] {
        let name = format!("jwk-{kind}");
        let public = vault.path().join(format!("{name}.public"));
        let private = vault.path().join(&name);
        fs::write(
            &private,
            keys_py(&["jwk", kind, public.to_str().unwrap()], b""),
        )
        .unwrap();
        add(&vault, &name, &private, kind);
        vault.run(&["grant", "atlas", "sign,public-key", &name]);
        signs(&agent, &service, &name, algorithm, &public);

        // And the public half comes out as a JWK that others read.
        let jwk = vault.path().join(format!("{name}.jwk"));
        let answered = agent.request(
            &service,
            &[
                "public-key",
                &name,
                "--input",
                r#"{"format": "jwk"}"#,
                "--out",
                jwk.to_str().unwrap(),
            ],
        );
        assert!(answered.status.success(), "{}", text(&answered));
        assert_eq!(
            keys_py(&["from-jwk"], &fs::read(&jwk).unwrap()),
            fs::read_to_string(&public).unwrap(),
            "{name}"
        );
    }
}

fn keys_py(arguments: &[&str], input: &[u8]) -> String {
    let mut command = python();
    command.arg(script("keys.py")).args(arguments);
    let output = with_input(command, input);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}
