//! SSH with nothing of ours at the other end: a real `sshd` that lets the holder of a certificate
//! in, `ssh-keygen` that checks signatures, and git that checks commits.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, succeed, text};

mod refusals;
mod server;
mod signatures;

use server::Server;

/// A vault with a certificate authority, and a server that trusts it.
struct Story {
    vault: Vault,
    service: PathBuf,
    server: Server,
    /// The key of who wants to log in.
    holder: PathBuf,
}

impl Story {
    /// The authority is bound to `deploy` and `web-*`, with some extensions, and this besides.
    fn new(kind: &str, more: Value) -> Self {
        let vault = Vault::create();
        let service = vault.enrol("atlas");
        let holder = vault.service_key("holder", "ed25519");
        vault.run(&["secret", "generate", "ssh-ca", "--kind", kind]);
        let mut certificate = json!({
            "principals": ["deploy", "web-*"],
            "max_lifetime": 3600,
            "extensions": ["permit-pty"],
            "key_id_prefix": "vault:",
        });
        for (name, value) in more.as_object().unwrap() {
            certificate[name] = value.clone();
        }
        bind(
            &vault,
            "ssh-ca",
            &json!({"ssh": {"certificate": certificate}}),
        );
        vault.run(&["grant", "atlas", "ssh-certificate", "ssh-ca"]);
        let server = Server::new(&public_line(&vault, "ssh-ca"));
        Self {
            vault,
            service,
            server,
            holder,
        }
    }

    /// What to ask for, for the holder.
    fn input(&self, more: &Value) -> Value {
        let mut input = json!({
            "public_key": fs::read_to_string(self.holder.with_extension("pub")).unwrap(),
            "principals": ["deploy"],
            "lifetime": 300,
        });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        input
    }

    /// A certificate for the holder, through `strongroom request`: its path.
    fn certificate(&self, agent: &Agent<'_>, name: &str, more: &Value) -> PathBuf {
        let path = self.vault.path().join(name);
        let answered = agent.request(
            &self.service,
            &[
                "ssh-certificate",
                "ssh-ca",
                "--input",
                &self.input(more).to_string(),
                "--out",
                path.to_str().unwrap(),
            ],
        );
        assert!(answered.status.success(), "{}", text(&answered));
        path
    }

    /// Logs in as `deploy` and runs a command.
    fn log_in(&self, certificate: &Path, options: &[&str], command: &str) -> Output {
        self.server
            .log_in(&self.holder, certificate, options, command)
    }
}

fn bind(vault: &Vault, secret: &str, binding: &Value) {
    vault.run_with_input(
        &["secret", "bind", secret, "--file", "-"],
        binding.to_string().as_bytes(),
    );
}

/// The public half of a key, as the owner sees it.
fn public_line(vault: &Vault, secret: &str) -> String {
    let shown = vault.json(&["secret", "show", secret]);
    shown["versions"][0]["ssh"].as_str().unwrap().to_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn listed(certificate: &Path) -> String {
    let mut keygen = Command::new("ssh-keygen");
    keygen.arg("-L").arg("-f").arg(certificate);
    succeed(keygen)
}

#[test]
fn a_holder_logs_in_for_some_minutes_and_the_log_says_with_which_certificate() {
    let story = Story::new("ed25519", json!({}));
    let agent = story.vault.agent();
    let told = agent.python(
        &story.service,
        &json!({
            "secret": "ssh-ca", "operation": "ssh-certificate", "purpose": "release 4f2a",
            "input": story.input(&json!({"key_id": "atlas"})),
        }),
        &[],
    );
    assert_eq!(told["status"], 200, "{told}");
    let result = &told["answer"]["result"];
    let certificate = story.vault.path().join("holder-cert.pub");
    fs::write(&certificate, result["certificate"].as_str().unwrap()).unwrap();

    let let_in = story.log_in(&certificate, &[], "echo let in");
    assert_eq!(stdout(&let_in), "let in", "{}", text(&let_in));
    let serial = result["serial"].as_str().unwrap();
    let log = story.server.log();
    assert!(
        log.contains(&format!("ID vault:atlas (serial {serial})")),
        "{log}"
    );

    // What stands in the certificate stands in the audit log, from before the key was used.
    let entry: Value = serde_json::from_str(told["answer"]["entry"].as_str().unwrap()).unwrap();
    let fields = &entry["ask"]["fields"];
    let listed = listed(&certificate);
    for said in [
        format!("Serial: {serial}"),
        "Key ID: \"vault:atlas\"".to_owned(),
        fields["public_key"].as_str().unwrap().to_owned(),
    ] {
        assert!(listed.contains(&said), "{said}: {listed}");
    }
    assert_eq!(fields["serial"], serial);
    assert_eq!(fields["principals"], json!(["deploy"]));
    assert_eq!(fields["lifetime"], 300);
    let sentences = story.vault.run(&["audit", "show"]);
    let sentence =
        "atlas was issued an SSH certificate for deploy, 5 min, by ssh-ca for 'release 4f2a'";
    assert!(sentences.contains(sentence), "{sentences}");
}

#[test]
fn certificates_of_every_kind_of_authority_and_holder_let_in() {
    for kind in ["p256", "rsa"] {
        let story = Story::new(kind, json!({}));
        let agent = story.vault.agent();
        for options in [
            &["-t", "ed25519"][..],
            &["-t", "ecdsa", "-b", "256"],
            &["-t", "ecdsa", "-b", "384"],
            &["-t", "rsa", "-b", "3072"],
        ] {
            let name = format!("holder-{}", options.join(""));
            let holder = story.vault.path().join(&name);
            let mut keygen = Command::new("ssh-keygen");
            keygen
                .args(["-q", "-N", "", "-C", "", "-f"])
                .arg(&holder)
                .args(options);
            succeed(keygen);
            let public = fs::read_to_string(holder.with_extension("pub")).unwrap();
            let more = json!({ "public_key": public });
            let certificate = story.certificate(&agent, &format!("{name}-cert.pub"), &more);
            let let_in = story
                .server
                .log_in(&holder, &certificate, &[], "echo let in");
            assert_eq!(
                stdout(&let_in),
                "let in",
                "{kind}, {name}: {}",
                text(&let_in)
            );
        }
    }
}

#[test]
fn an_expired_certificate_lets_nobody_in() {
    let story = Story::new("ed25519", json!({}));
    let agent = story.vault.agent();
    let short = story.certificate(&agent, "short-cert.pub", &json!({"lifetime": 1}));
    eventually("the certificate is refused", || {
        !story.log_in(&short, &[], "echo let in").status.success()
    });
    let log = story.server.log();
    assert!(log.contains("expired"), "{log}");
    let long = story.certificate(&agent, "long-cert.pub", &json!({}));
    assert!(story.log_in(&long, &[], "true").status.success());
}

#[test]
fn a_certificate_is_good_for_its_principals_and_no_other() {
    let story = Story::new("ed25519", json!({}));
    let agent = story.vault.agent();
    let other = json!({"principals": ["web-1", "web-2"]});
    let other = story.certificate(&agent, "other-cert.pub", &other);
    let refused = story.log_in(&other, &[], "echo let in");
    assert!(!refused.status.success(), "{}", text(&refused));
    let log = story.server.log();
    assert!(log.contains("name is not a listed principal"), "{log}");
    let both = json!({"principals": ["web-1", "deploy"]});
    let both = story.certificate(&agent, "both-cert.pub", &both);
    assert_eq!(stdout(&story.log_in(&both, &[], "echo let in")), "let in");
    // Nobody else's key fits the certificate.
    let thief = story.vault.service_key("thief", "ed25519");
    let refused = story.server.log_in(&thief, &both, &[], "echo let in");
    assert!(!refused.status.success(), "{}", text(&refused));
}

#[test]
fn what_the_owner_fixed_holds_on_the_server() {
    let fixed = json!({"critical_options": {
        "force-command": "echo forced", "source-address": "127.0.0.0/8",
    }});
    let story = Story::new("ed25519", fixed);
    let agent = story.vault.agent();
    let plain = story.certificate(&agent, "plain-cert.pub", &json!({}));
    let forced = story.log_in(&plain, &[], "echo chosen");
    assert_eq!(stdout(&forced), "forced", "{}", text(&forced));

    // Narrowed to where nobody comes from.
    let narrow = json!({"critical_options": {"source-address": "127.1.0.0/16"}});
    let narrow = story.certificate(&agent, "narrow-cert.pub", &narrow);
    let refused = story.log_in(&narrow, &[], "true");
    assert!(!refused.status.success(), "{}", text(&refused));

    // A terminal is there if it was asked for.
    let terminal = json!({"extensions": ["permit-pty"]});
    let terminal = story.certificate(&agent, "terminal-cert.pub", &terminal);
    let no_terminal = "PTY allocation request failed";
    let without = story.log_in(&plain, &["-tt"], "true");
    assert!(text(&without).contains(no_terminal), "{}", text(&without));
    let with = story.log_in(&terminal, &["-tt"], "true");
    assert!(!text(&with).contains(no_terminal), "{}", text(&with));
}
