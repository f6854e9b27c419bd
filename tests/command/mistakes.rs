//! What the command says when something is wrong: what it is, and what to do about it.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::bare;
use crate::support::{Vault, succeed, text, with_input};

#[test]
fn mistakes_are_answered_with_what_to_do() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    vault.run(&["alias", "set", "deploy", "deploy-key"]);
    let key = vault.enrol("atlas");
    let (private, public) = (key.to_str().unwrap(), key.with_extension("pub"));
    let public = public.to_str().unwrap();
    let rsa = vault.service_key("rsa", "rsa").with_extension("pub");
    let file = |name: &str, content: &str| {
        let path = vault.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (junk, short, empty) = (
        file("junk", "junk\n"),
        file("short", "short\n"),
        file("empty", "\n"),
    );
    let wrong = file("wrong", "not the passphrase\n");
    let encrypted = vault.path().join("encrypted");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-N", "a passphrase of its own", "-t", "ed25519", "-f"])
        .arg(&encrypted);
    succeed(keygen);
    let encrypted = encrypted.to_str().unwrap();

    let table: &[(&[&str], &str)] = &[
        (&["init"], "; nothing was changed"),
        (
            &["unlock"],
            "no agent runs here, so there is nothing to unlock; start one with `strongroom agent` or `strongroom up`",
        ),
        (&["lock"], "no agent runs here, so nothing is unlocked"),
        (
            &["secret", "show", "nothing"],
            "there is no secret or alias `nothing`; `strongroom secret list` shows them",
        ),
        (
            &["secret", "rotate", "nothing", "--generate"],
            "there is no secret `nothing`; `strongroom secret list` shows them",
        ),
        (
            &["secret", "rotate", "deploy", "--generate"],
            "`deploy` is an alias; the secret is `deploy-key`",
        ),
        (
            &["secret", "retire", "deploy"],
            "`deploy` is an alias; the secret is `deploy-key`",
        ),
        (
            &["secret", "retire", "deploy-key", "--version", "9"],
            "secret `deploy-key` has no version 9",
        ),
        (
            &["secret", "generate", "deploy-key", "--kind", "hmac"],
            "`deploy-key` is the name of a secret or alias already; choose another, or rotate the secret",
        ),
        (
            &["secret", "add", "x", "--file", &junk],
            "can't tell what kind of secret this is; name it: `hmac`",
        ),
        (
            &["secret", "add", "x", "--kind", "hmac", "--file", &junk],
            "a secret of kind `hmac` must be 16 bytes or more",
        ),
        (
            &["secret", "add", "x", "--kind", "p256", "--file", private],
            "this is a key of kind `ed25519`, not `p256`",
        ),
        (
            &["secret", "add", "x", "--file", encrypted],
            "the key is protected by a passphrase; take it off first: `ssh-keygen -p",
        ),
        (
            &["secret", "rotate", "deploy-key", "--file", &junk],
            "a secret of kind `ed25519` must be a private key as PEM, OpenSSH, JWK or DER",
        ),
        (
            &["alias", "set", "deploy-key", "deploy-key"],
            "`deploy-key` is the name of a secret, so it can't be an alias; choose another name",
        ),
        (
            &["alias", "set", "other", "nothing"],
            "there is no secret `nothing`",
        ),
        (
            &["service", "add", "other", "--key", "/no/such/file"],
            "cannot open `/no/such/file`",
        ),
        (
            &["service", "add", "other", "--key", &junk],
            "not a public key; give an OpenSSH line (`ssh-ed25519 AAAA…`), a PEM `PUBLIC KEY` or a JWK",
        ),
        (
            &["service", "add", "other", "--key", private],
            "this is a private key; give the public half, and keep this one where it was",
        ),
        (
            &["service", "add", "other", "--key", rsa.to_str().unwrap()],
            "Ed25519 or P-256",
        ),
        (
            &["service", "add", "other", "--key", public],
            "is or was a key of service `atlas`; every service needs keys of its own",
        ),
        (
            &["service", "add", "atlas", "--key", public],
            "service `atlas` is enrolled already; `strongroom service list` shows its keys",
        ),
        (
            &["service", "suspend", "nobody"],
            "there is no service `nobody`; `strongroom service list` shows them",
        ),
        (
            &["service", "resume", "atlas"],
            "service `atlas` is not suspended",
        ),
        (
            &["grant", "atlas", "sign", "nothing"],
            "there is no secret or alias `nothing`; `strongroom secret list` shows them",
        ),
        (
            &["grant", "atlas", "sign", "deploy-key", "--address", "home"],
            "`home` is not an address or a range",
        ),
        (
            &["policy", "show", "nothing"],
            "there is no policy `nothing`; `strongroom policy show` lists them",
        ),
        (
            &["policy", "retire", "nothing"],
            "there is no policy `nothing` in force; `strongroom policy show` shows them",
        ),
        (
            &["audit", "show", "--kind", "pigeon"],
            "`pigeon` is no kind of entry; there are use, outcome, refusal, noise, pending, decision, administration",
        ),
        (
            &["audit", "show", "--since", "yesterday"],
            "`yesterday` is not a time; write 2026-11-23T10:00:00Z, 2026-11-23, 15m, 2h or 7d",
        ),
        (
            &["audit", "receipt", "999"],
            "the audit log has no entry 999",
        ),
        (
            &["audit", "receipt", &junk],
            "is not JSON with an `entry` and a `receipt`",
        ),
        (
            &["notify", "test"],
            "there are no channels; add a `[[notify]]` to `agent.toml`",
        ),
        (
            &["passwd", "--new-passphrase-file", &short],
            "the passphrase is too short: use at least 8 characters",
        ),
        (
            &["passwd", "--new-passphrase-file", &empty],
            "is empty; the passphrase goes there",
        ),
    ];
    for (arguments, expected) in table {
        says(&vault.fail(1, arguments), expected, arguments);
    }
    let with = |passphrase_file: Option<&str>, arguments: &[&str]| {
        let mut command = bare(arguments);
        command.arg("--home").arg(vault.home());
        if let Some(file) = passphrase_file {
            command.args(["--passphrase-file", file]);
        }
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(1),
            "{arguments:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stderr).unwrap()
    };
    let reveal = ["secret", "reveal", "deploy-key"];
    says(
        &with(Some(&wrong), &reveal),
        "the passphrase is wrong; if it is lost, the recovery key opens the vault",
        &reveal,
    );
    says(
        &with(Some("/no/such/file"), &reveal),
        "cannot open the passphrase file `/no/such/file`",
        &reveal,
    );
    says(
        &with(None, &reveal),
        "no terminal to ask at; in a script use `--passphrase-file FILE`",
        &reveal,
    );
}

/// One line for the error, one for each cause; nothing that is meant for programmers.
fn says(told: &str, expected: &str, arguments: &[&str]) {
    assert!(told.contains(expected), "{arguments:?}: {told}");
    let mut lines = told.lines();
    assert!(
        lines.next().unwrap().starts_with("strongroom: "),
        "{arguments:?}: {told}"
    );
    assert!(
        lines.all(|line| line.starts_with("  because ")),
        "{arguments:?}: {told}"
    );
    for word in ["Error", "Some(", "None", "panicked", "{", "unwrap"] {
        assert!(!told.contains(word), "{arguments:?}: {told}");
    }
}

#[test]
fn what_a_service_does_wrong_is_answered_with_what_to_do() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    let agent = vault.agent();
    let url = agent.url();
    let certificate = vault.certificate();
    let ask = |key: &Path, agent: &str, more: &[&str]| {
        let key = key.to_str().unwrap();
        let mut command = bare(&[
            "request",
            "sign",
            "deploy-key",
            "--message",
            "hello",
            "--key",
            key,
            "--agent",
            agent,
        ]);
        command.args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    let trusted = ["--cacert", certificate.to_str().unwrap()];
    let told = ask(&key, &url, &[]);
    assert!(
        told.contains(&format!("cannot reach the agent at `{url}`")),
        "{told}"
    );
    assert!(
        told.contains(
            "because its certificate is not trusted; name one that is with `--cacert FILE`"
        ),
        "{told}"
    );
    let told = ask(&key, "https://127.0.0.1:1", &trusted);
    assert_eq!(
        told.lines().nth(1).unwrap(),
        "  because Connection refused (os error 111)",
        "{told}"
    );
    let told = ask(&key, &agent.address, &trusted);
    assert!(
        told.contains("is neither `https://host:port` nor the path of a local socket"),
        "{told}"
    );
    let told = ask(
        &key,
        &url,
        &[&trusted[..], &["--thumbprint", "another"]].concat(),
    );
    assert!(
        told.contains("another agent answers there: its thumbprint is "),
        "{told}"
    );
    let told = ask(Path::new("/no/such/key"), &url, &trusted);
    assert!(
        told.contains("cannot read the service's key `/no/such/key`"),
        "{told}"
    );
    let told = ask(&vault.passphrase_file(), &url, &trusted);
    assert!(
        told.contains("because it is not a private key in PEM, OpenSSH or JWK format"),
        "{told}"
    );
    let told = ask(&vault.service_key("rsa", "rsa"), &url, &trusted);
    assert!(
        told.contains(
            "requests are signed with Ed25519 or P-256 keys, and this one is of kind `rsa`"
        ),
        "{told}"
    );

    vault.run(&["lock"]);
    let locked = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    vault.run(&["unlock"]);
    let denied = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    assert!(
        text(&denied).contains("strongroom: refused (403): not allowed"),
        "{}",
        text(&denied)
    );
    // Nothing is allowed yet, so a locked vault says no more than an open one.
    assert_eq!(locked.status.code(), denied.status.code());
}

#[test]
fn a_mistake_in_a_policy_is_shown_where_it_is() {
    let vault = Vault::create();
    let policy = vault.path().join("deploy.cedar");
    fs::write(
        &policy,
        "permit (principal == Service::\"atlas\",\n  action == Action::\"sign\", resource)\nwhen { context.purposee like \"release *\" };\n",
    )
    .unwrap();
    // Checked without a vault, and before it is stored.
    let path = policy.to_str().unwrap();
    let expected = "\
strongroom: policy `deploy`, line 3: attribute `purposee` in context for Action::\"sign\" not found
  |
3 | when { context.purposee like \"release *\" };
  |        ^^^^^^^^^^^^^^^^
  = did you mean `purpose`?
";
    let checked = bare(&["policy", "check", path]).output().unwrap();
    assert_eq!(
        (
            checked.status.code(),
            String::from_utf8(checked.stderr).unwrap().as_str()
        ),
        (Some(1), expected)
    );
    assert_eq!(vault.fail(1, &["policy", "set", "deploy", path]), expected);
    assert_eq!(vault.json(&["policy", "show"]), Value::Array(Vec::new()));

    let right = fs::read_to_string(&policy).unwrap().replace(
        "context.purposee like",
        "context has purpose && context.purpose like",
    );
    let checked = with_input(bare(&["policy", "check", "-"]), right.as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&checked.stdout),
        "valid: `atlas` may `sign` with any secret, on conditions\n"
    );
    vault.run_with_input(&["policy", "set", "deploy", "-"], right.as_bytes());
    assert_eq!(
        vault.json(&["policy", "show", "deploy"])["text"],
        right.as_str()
    );
}

#[test]
fn a_mistake_in_the_settings_is_named_with_its_line() {
    let vault = Vault::create();
    vault.configure("[limits]\nbodyy = 3\n");
    let told = vault.fail(1, &["agent"]);
    assert!(
        told.contains("agent.toml` has a mistake")
            && told.contains("line 2")
            && told.contains("bodyy"),
        "{told}"
    );
    vault.configure("[limits]\nbody = 2097152\n");
    let told = vault.fail(1, &["agent"]);
    assert!(
        told.contains("`limits.body` is 2097152; it must be from 4096 to 1048576"),
        "{told}"
    );
    vault.configure("[listen]\ntls = \"192.0.2.1:7443\"\n");
    let told = vault.fail(1, &["agent"]);
    assert!(told.contains("cannot listen on 192.0.2.1:7443; choose another address in `agent.toml` under `[listen]`"), "{told}");
}
