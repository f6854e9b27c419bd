//! SSHSIG, read and verified; also by OpenSSH, and of its making.

use std::{
    fs::{self, File},
    process::Command,
};

use super::signer::{How, Key, armored, string};
use crate::approval::{
    ApproverKey, BadSshSignature, BadStatement, NAMESPACE, NotSigned, SshSignature, Statement,
    Verdict,
};

const MESSAGE: &str = "{\"agent\":\"…\"}";

fn verify(key: &Key, signature: &str) -> Result<(), NotSigned> {
    let approver = ApproverKey::parse(&key.line()).unwrap();
    SshSignature::parse(signature)
        .unwrap()
        .verify(&approver, NAMESPACE, MESSAGE.as_bytes())
}

fn keys() -> [Key; 4] {
    [
        Key::ed25519(1),
        Key::p256(2),
        Key::ed25519(3).on_security_key("ssh:"),
        Key::p256(4).on_security_key("ssh:work"),
    ]
}

/// `ssh-keygen -Y verify` against the one key that is allowed.
fn keygen_verifies(line: &str, signature: &str, message: &str) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("allowed"), format!("alice {line}\n")).unwrap();
    fs::write(path("signature"), signature).unwrap();
    fs::write(path("message"), message).unwrap();
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-Y", "verify", "-I", "alice", "-n", NAMESPACE, "-f"])
        .arg(path("allowed"))
        .arg("-s")
        .arg(path("signature"))
        .stdin(File::open(path("message")).unwrap());
    keygen.output().unwrap().status.success()
}

#[test]
fn signatures_of_all_kinds_hold_here_and_for_ssh_keygen() {
    for key in keys() {
        for hash in ["sha256", "sha512"] {
            let how = How {
                hash,
                counter: 0xffff_fffe,
                ..How::default()
            };
            let signature = key.sign_so(MESSAGE, &how);
            assert_eq!(verify(&key, &signature), Ok(()), "{}", key.line());
            assert!(keygen_verifies(&key.line(), &signature, MESSAGE));
            let read = SshSignature::parse(&signature).unwrap();
            assert_eq!(read.to_text(), signature);
            assert_eq!(
                read.fingerprint(),
                ApproverKey::parse(&key.line()).unwrap().fingerprint()
            );
            assert!(!keygen_verifies(&key.line(), &signature, "another"));
            let other = read.verify(
                &ApproverKey::parse(&key.line()).unwrap(),
                NAMESPACE,
                b"another",
            );
            assert_eq!(other, Err(NotSigned::Invalid));
        }
    }
}

#[test]
fn what_ssh_keygen_signs_holds_here() {
    let directory = tempfile::tempdir().unwrap();
    for (kind, bits) in [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("rsa", "2048"),
        ("rsa", "3072"),
    ] {
        let path = directory.path().join(format!("{kind}-{bits}"));
        let run = |arguments: &[&str]| {
            let mut keygen = Command::new("ssh-keygen");
            let output = keygen.args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        let file = path.to_str().unwrap();
        run(&["-q", "-t", kind, "-b", bits, "-N", "", "-f", file]);
        let public = fs::read_to_string(format!("{file}.pub")).unwrap();
        let key = ApproverKey::parse(&public).unwrap();
        for hash in ["sha512", "sha256"] {
            let message = directory.path().join("message");
            fs::write(&message, MESSAGE).unwrap();
            let signature = directory.path().join("message.sig");
            let _ = fs::remove_file(&signature);
            let hashalg = format!("hashalg={hash}");
            let message = message.to_str().unwrap();
            run(&[
                "-q", "-Y", "sign", "-O", &hashalg, "-n", NAMESPACE, "-f", file, message,
            ]);
            let signature = fs::read_to_string(signature).unwrap();
            let read = SshSignature::parse(&signature).unwrap();
            read.verify(&key, NAMESPACE, MESSAGE.as_bytes()).unwrap();
            assert_eq!(read.to_text(), signature);
            let other = read.verify(&key, NAMESPACE, b"another");
            assert_eq!(other, Err(NotSigned::Invalid));
        }
    }
}

#[test]
fn a_security_key_that_nobody_touched_signs_nothing() {
    for key in &keys()[2..] {
        for (flags, expected) in [
            (0x00, Err(NotSigned::NotPresent)),
            (0x04, Err(NotSigned::NotPresent)),
            (0x01, Ok(())),
            (0x05, Ok(())),
        ] {
            let how = How {
                flags,
                ..How::default()
            };
            assert_eq!(verify(key, &key.sign_so(MESSAGE, &how)), expected);
        }
    }
    // A browser signs for any site that its user visits.
    let web = Key::ed25519(9).on_security_key("https://example.com");
    assert_eq!(
        verify(&web, &web.sign(MESSAGE)),
        Err(NotSigned::Application)
    );
}

#[test]
fn what_a_security_key_says_is_signed() {
    let key = &keys()[2];
    let signature = key.sign(MESSAGE);
    let blob = blob(&signature);
    let end = blob.len();
    for (at, bit) in [(end - 5, 0x04), (end - 1, 1)] {
        let mut changed = blob.clone();
        changed[at] ^= bit;
        assert_eq!(verify(key, &armored(&changed)), Err(NotSigned::Invalid));
    }
}

fn blob(signature: &str) -> Vec<u8> {
    use base64::Engine as _;
    let lines: Vec<&str> = signature.lines().collect();
    let base64 = lines[1..lines.len() - 1].concat();
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .unwrap()
}

#[test]
fn each_bit_of_a_signature_matters() {
    for key in keys() {
        let blob = blob(&key.sign(MESSAGE));
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            let approver = ApproverKey::parse(&key.line()).unwrap();
            let holds = SshSignature::parse(&armored(&changed)).is_ok_and(|signature| {
                signature
                    .verify(&approver, NAMESPACE, MESSAGE.as_bytes())
                    .is_ok()
            });
            assert!(!holds, "byte {at} of {}", key.line());
        }
    }
}

#[test]
fn another_key_or_another_purpose_is_none() {
    let (key, other) = (Key::ed25519(1), Key::ed25519(2));
    assert_eq!(verify(&other, &key.sign(MESSAGE)), Err(NotSigned::OtherKey));
    for namespace in ["file", "git", "approval", "approval@strongroom "] {
        let how = How {
            namespace,
            ..How::default()
        };
        assert_eq!(
            verify(&key, &key.sign_so(MESSAGE, &how)),
            Err(NotSigned::Namespace(namespace.to_owned()))
        );
    }
}

#[test]
fn what_is_no_signature_is_refused() {
    let good = Key::ed25519(1).sign(MESSAGE);
    let parse = |text: &str| SshSignature::parse(text);
    parse(&good.replace('\n', "\r\n")).unwrap();
    parse(&format!("\n  {good}\n")).unwrap();
    let blob = blob(&good);
    for bad in [
        String::new(),
        good.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        good.replace("-----BEGIN", "BEGIN"),
        good.replace("U1NIU0lH", "U1NIU0lI"),
        good.replace("\n-----END", "=\n-----END"),
        good.replace('\n', " "),
        armored(&blob[..blob.len() - 1]),
        armored(&[blob.as_slice(), b"x"].concat()),
        armored(b"SSHSIG"),
        armored(&[]),
        "x".repeat(9 * 1024),
    ] {
        assert_eq!(parse(&bad), Err(BadSshSignature::Malformed), "{bad}");
    }
    let mut later = blob.clone();
    later[9] = 2;
    assert_eq!(parse(&armored(&later)), Err(BadSshSignature::Version(2)));
    let how = How {
        hash: "sha1",
        ..How::default()
    };
    let sha1 = Key::ed25519(1).sign_so(MESSAGE, &how);
    assert_eq!(parse(&sha1), Err(BadSshSignature::Hash));
}

/// `ssh-rsa` is RSA with SHA-1.
#[test]
fn rsa_with_sha_1_is_refused() {
    let key = crate::vault::material::Material::generate_rsa(2048).unwrap();
    let public = key.public_key().unwrap();
    let blob = [
        b"SSHSIG".to_vec(),
        1_u32.to_be_bytes().to_vec(),
        string(public.ssh_blob()),
        string(NAMESPACE),
        string(""),
        string("sha512"),
        string([string("ssh-rsa"), string([7; 256])].concat()),
    ]
    .concat();
    let approver = ApproverKey::parse(&public.ssh("")).unwrap();
    let signature = SshSignature::parse(&armored(&blob)).unwrap();
    assert_eq!(
        signature.verify(&approver, NAMESPACE, MESSAGE.as_bytes()),
        Err(NotSigned::Algorithm("ssh-rsa".to_owned()))
    );
}

#[test]
fn a_statement_has_one_form() {
    let agent = super::fixture::agent();
    let entry = "{\"kind\":\"pending\",\"purpose\":\"a \\\"b\\\" \\\\ \u{e9}\"}";
    let yes = Statement::new(agent.clone(), 12, entry, Verdict::Approve, Some(15)).unwrap();
    let line = yes.to_line();
    assert_eq!(
        line,
        format!(
            r#"{{"agent":"{agent}","decision":"approve","entry":"{{\"kind\":\"pending\",\"purpose\":\"a \\\"b\\\" \\\\ é\"}}","id":"12","minutes":15}}"#
        )
    );
    // By another implementation.
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), line);
    let read = Statement::parse(&line).unwrap();
    assert_eq!(read, yes);
    assert_eq!(
        (read.id(), read.minutes(), read.entry()),
        (12, Some(15), entry)
    );
    for (bad, why) in [
        (format!("{line}\n"), BadStatement::NotCanonical),
        (format!(" {line}"), BadStatement::NotCanonical),
        (line.replace("é", "\\u00e9"), BadStatement::NotCanonical),
        (line.replace(":15", ":15.0"), BadStatement::Malformed),
        (line.replace("\"12\"", "12"), BadStatement::Malformed),
        (line.replace("\"12\"", "\"012\""), BadStatement::Malformed),
        (line.replace("\"12\"", "\"+12\""), BadStatement::Malformed),
        (
            line.replace(",\"minutes\":15", ",\"minutes\":15,\"x\":1"),
            BadStatement::Malformed,
        ),
        (line.replace("approve", "maybe"), BadStatement::Malformed),
        (line.replace("approve", "deny"), BadStatement::MinutesOfDeny),
        (line.replace(":15", ":0"), BadStatement::Minutes),
        (line.replace(":15", ":1441"), BadStatement::Minutes),
        (line.replace(":15", ":null"), BadStatement::NotCanonical),
        ("[]".to_owned(), BadStatement::Malformed),
        (" ".repeat(300_000), BadStatement::TooLong),
    ] {
        assert_eq!(Statement::parse(&bad), Err(why), "{bad}");
    }
}
