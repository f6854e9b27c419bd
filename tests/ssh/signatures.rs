//! `ssh-sign`, and who checks it: `ssh-keygen` for files, git for commits.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::support::program;

const MESSAGE: &[u8] = b"release 4f2a\n\x00with a byte that is no text: \xff";

fn verifies(
    vault: &Vault,
    public: &str,
    namespace: &str,
    signature: &Path,
    message: &Path,
) -> bool {
    let allowed = vault.path().join("allowed");
    fs::write(&allowed, format!("atlas {public}\n")).unwrap();
    let check = |arguments: &[&str]| {
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(arguments)
            .args(["-n", namespace, "-s"])
            .arg(signature)
            .stdin(fs::File::open(message).unwrap());
        keygen.output().unwrap().status.success()
    };
    let allowed = allowed.to_str().unwrap();
    let whole = check(&["-Y", "check-novalidate"]);
    let by = check(&["-Y", "verify", "-I", "atlas", "-f", allowed]);
    assert_eq!(whole, by, "{namespace}");
    by
}

#[test]
fn signatures_are_good_for_their_namespace_and_message() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    let agent = vault.agent();
    let message = vault.path().join("message");
    fs::write(&message, MESSAGE).unwrap();
    let other = vault.path().join("other");
    fs::write(&other, b"release 4f2b").unwrap();
    for kind in ["ed25519", "p256", "rsa"] {
        let name = format!("signer-{kind}");
        vault.run(&["secret", "generate", &name, "--kind", kind]);
        bind(
            &vault,
            &name,
            &json!({"ssh": {"sign": {"namespaces": ["file"]}}}),
        );
        vault.run(&["grant", "atlas", "ssh-sign", &name]);
        let public = public_line(&vault, &name);
        let signature = vault.path().join(format!("{name}.sig"));
        let answered = agent.request(
            &service,
            &[
                "ssh-sign",
                &name,
                "--namespace",
                "file",
                "--message-file",
                message.to_str().unwrap(),
                "--out",
                signature.to_str().unwrap(),
            ],
        );
        assert!(answered.status.success(), "{}", text(&answered));
        assert!(
            verifies(&vault, &public, "file", &signature, &message),
            "{kind}"
        );
        assert!(
            !verifies(&vault, &public, "git", &signature, &message),
            "{kind}"
        );
        assert!(
            !verifies(&vault, &public, "file", &signature, &other),
            "{kind}"
        );

        // The hash alone, made by another program: the agent never sees the message.
        let mut hash = Command::new("openssl");
        hash.args(["dgst", "-sha256", "-binary"]).arg(&message);
        let digest = STANDARD.encode(hash.output().unwrap().stdout);
        let told = agent.python(
            &service,
            &json!({
                "secret": name, "operation": "ssh-sign",
                "input": {"digest": digest, "hash": "sha256", "namespace": "file"},
            }),
            &[],
        );
        let armored = told["answer"]["result"]["signature"].as_str().unwrap();
        fs::write(&signature, armored).unwrap();
        assert!(
            verifies(&vault, &public, "file", &signature, &message),
            "{kind}"
        );
    }
    let sentences = vault.run(&["audit", "show"]);
    let sentence = "atlas made an SSH signature for 'file' with signer-rsa";
    assert!(sentences.contains(sentence), "{sentences}");
}

#[test]
fn git_signs_commits_with_a_key_that_it_never_sees() {
    let vault = Vault::create();
    let service = vault.enrol("atlas");
    vault.run(&["secret", "generate", "commits", "--kind", "ed25519"]);
    bind(
        &vault,
        "commits",
        &json!({"ssh": {"sign": {"namespaces": ["git"]}}}),
    );
    vault.run(&["grant", "atlas", "ssh-sign", "commits"]);
    let agent = vault.agent();

    // What git calls to sign: the last argument is the file, and the signature goes beside it.
    let public = public_line(&vault, "commits");
    let path = |name: &str| vault.path().join(name);
    let signer = format!(
        "#!/bin/sh\n[ \"$2\" = sign ] || exec ssh-keygen \"$@\"\n\
         for file; do :; done\n\
         exec {} request ssh-sign commits --namespace git --message-file \"$file\" --out \"$file.sig\" \
         --agent {} --cacert {} --key {}\n",
        program().display(),
        agent.url(),
        vault.certificate().display(),
        service.display(),
    );
    fs::write(path("signer"), signer).unwrap();
    fs::set_permissions(path("signer"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path("commits.pub"), &public).unwrap();
    fs::write(path("allowed"), format!("atlas@example.com {public}\n")).unwrap();
    let repository = path("repository");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(vault.path())
            .args([
                "-c",
                "user.name=atlas",
                "-c",
                "user.email=atlas@example.com",
            ])
            .args(["-c", "gpg.format=ssh", "-c"])
            .arg(format!("user.signingkey={}", path("commits.pub").display()))
            .arg("-c")
            .arg(format!("gpg.ssh.program={}", path("signer").display()))
            .arg("-c")
            .arg(format!(
                "gpg.ssh.allowedSignersFile={}",
                path("allowed").display()
            ))
            .args(arguments)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("HOME", vault.path());
        git.output().unwrap()
    };
    let there = repository.to_str().unwrap();
    for arguments in [
        &["init", "-q", there][..],
        &[
            "-C",
            there,
            "commit",
            "-q",
            "-S",
            "--allow-empty",
            "-m",
            "release 4f2a",
        ],
    ] {
        let output = git(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let verified = git(&["-C", there, "verify-commit", "--verbose", "HEAD"]);
    let told = text(&verified);
    assert!(verified.status.success(), "{told}");
    assert!(
        told.contains("Good \"git\" signature for atlas@example.com"),
        "{told}"
    );

    // Another allowed signer, and it is nobody's.
    let stranger = fs::read_to_string(service.with_extension("pub")).unwrap();
    fs::write(path("allowed"), format!("atlas@example.com {stranger}")).unwrap();
    assert!(
        !git(&["-C", there, "verify-commit", "HEAD"])
            .status
            .success()
    );
}
