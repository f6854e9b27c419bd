//! The kill switch: what is suspended, locked or stopped by a panic is not used from the next
//! request on, and the audit log says the same.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, program, python, script, text};

mod calls;
mod waiting;

/// Clients that sign without a pause, until this is dropped.
struct Load(Child);

impl Load {
    fn on(agent: &Agent<'_>, keys: &[&Path], secret: &str) -> Self {
        let mut command = python();
        command
            .arg(script("load.py"))
            .args(["--agent", &agent.url(), "--cacert"])
            .arg(agent.vault.certificate())
            .args(["--threads", "2", "--until-eof"]);
        for key in keys {
            command.arg("--key").arg(key);
        }
        let body = json!({"secret": secret, "operation": "sign", "input": {"message": ""}});
        command.arg(body.to_string());
        let out = fs::File::create(agent.vault.path().join(format!("load-{secret}"))).unwrap();
        Self(command.stdin(Stdio::piped()).stdout(out).spawn().unwrap())
    }

    /// Every answer must have held: its signature, its binding to the request, its receipt.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A vault with two keys and two services that may sign with both.
fn two_of_each() -> (Vault, PathBuf, PathBuf) {
    let vault = Vault::create();
    for secret in ["deploy-key", "other-key"] {
        vault.run(&["secret", "generate", secret, "--kind", "ed25519"]);
    }
    let (atlas, boreas) = (vault.enrol("atlas"), vault.enrol("boreas"));
    for service in ["atlas", "boreas"] {
        vault.run(&[
            "grant",
            service,
            "sign,public-key",
            "deploy-key",
            "other-key",
        ]);
    }
    (vault, atlas, boreas)
}

fn ask(agent: &Agent<'_>, key: &Path, secret: &str) -> Value {
    let body = json!({"secret": secret, "operation": "sign", "input": {"message": ""}});
    agent.python(key, &body, &[])
}

fn status(agent: &Agent<'_>, key: &Path, secret: &str) -> u64 {
    ask(agent, key, secret)["status"].as_u64().unwrap()
}

/// How often this service used this secret.
fn uses(entries: &[Value], service: &str, secret: &str) -> usize {
    let is_one = |entry: &&Value| {
        entry["kind"] == "use" && entry["ask"]["service"] == service && entry["secret"] == secret
    };
    entries.iter().filter(is_one).count()
}

/// Walks the audit log: no use stands where its service, its secret or everything is stopped.
fn assert_nothing_stopped_is_used(entries: &[Value]) {
    let mut stopped = BTreeSet::new();
    for entry in entries {
        let subject = entry["subject"].as_str().unwrap_or_default();
        match entry["action"].as_str().unwrap_or_default() {
            "service-suspended" | "secret-suspended" => drop(stopped.insert(subject.to_owned())),
            "service-resumed" | "secret-resumed" => drop(stopped.remove(subject)),
            "panicked" if entry.get("record").is_some() => {
                stopped.insert("everything".to_owned());
                stopped.insert("the vault".to_owned());
            }
            "locked" => drop(stopped.insert("the vault".to_owned())),
            "unlocked" => drop(stopped.remove("the vault")),
            "resumed" => drop(stopped.remove("everything")),
            _ => {}
        }
        if entry["kind"] == "use" {
            let (service, secret) = (
                entry["ask"]["service"].as_str().unwrap(),
                entry["secret"].as_str().unwrap(),
            );
            for stop in [service, secret, "everything", "the vault"] {
                assert!(!stopped.contains(stop), "{stop} is stopped: {entry}");
            }
        }
    }
}

/// A command with no passphrase file and no terminal: it can't answer any question.
fn with_no_passphrase(vault: &Vault, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .arg("--home")
        .arg(vault.home())
        .args(arguments)
        .env_remove("STRONGROOM_HOME")
        .env("XDG_STATE_HOME", vault.path().join("state"))
        .stdin(Stdio::null());
    command
}

/// One that must be carried out all the same.
fn at_once(vault: &Vault, arguments: &[&str]) -> String {
    let output = with_no_passphrase(vault, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_is_suspended_under_load_is_not_used_from_the_next_request_on() {
    let (vault, atlas, boreas) = two_of_each();
    let agent = vault.agent();
    let loads =
        ["deploy-key", "other-key"].map(|secret| Load::on(&agent, &[&atlas, &boreas], secret));
    let all_are_used = |after: usize| {
        let entries = vault.entries();
        [
            ("atlas", "deploy-key"),
            ("atlas", "other-key"),
            ("boreas", "deploy-key"),
            ("boreas", "other-key"),
        ]
        .iter()
        .all(|(service, secret)| uses(&entries[after..], service, secret) > 0)
    };
    eventually("both sign with both", || all_are_used(0));

    at_once(&vault, &["secret", "suspend", "deploy-key"]);
    let told = ask(&agent, &atlas, "deploy-key");
    assert_eq!(told["status"], 423, "{told}");
    assert_eq!(told["answer"]["type"], "urn:strongroom:problem:suspended");
    assert_eq!(
        told["answer"]["detail"],
        "the owner has suspended this secret"
    );
    assert_eq!(status(&agent, &atlas, "other-key"), 200);

    at_once(&vault, &["service", "suspend", "atlas"]);
    assert_eq!(status(&agent, &atlas, "other-key"), 401);
    assert_eq!(status(&agent, &boreas, "deploy-key"), 423);
    assert_eq!(status(&agent, &boreas, "other-key"), 200);

    vault.run(&["lock"]);
    assert_eq!(status(&agent, &boreas, "other-key"), 423);
    vault.run(&["unlock"]);
    assert_eq!(status(&agent, &boreas, "deploy-key"), 423);

    vault.run(&["service", "resume", "atlas"]);
    vault.run(&["secret", "resume", "deploy-key"]);
    let resumed = vault.entries().len();
    eventually("both sign with both again", || all_are_used(resumed));
    loads.into_iter().for_each(Load::end);
    agent.stop();
    let entries = vault.entries();
    assert_nothing_stopped_is_used(&entries);
    let refused = entries
        .iter()
        .filter(|entry| entry["reason"] == "secret-suspended");
    assert!(refused.count() > 2, "those under load were refused too");
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_panic_under_load_stops_everything_and_a_restart_does_not_end_it() {
    let (vault, atlas, boreas) = two_of_each();
    let agent = vault.agent();
    let load = Load::on(&agent, &[&atlas, &boreas], "deploy-key");
    eventually("both sign", || {
        let entries = vault.entries();
        uses(&entries, "atlas", "deploy-key") > 2 && uses(&entries, "boreas", "deploy-key") > 2
    });
    let said = at_once(&vault, &["panic"]);
    assert!(said.starts_with("everything is stopped"), "{said}");
    for (key, secret) in [(&atlas, "deploy-key"), (&boreas, "other-key")] {
        let told = ask(&agent, key, secret);
        assert_eq!(told["status"], 423, "{told}");
        assert_eq!(told["answer"]["type"], "urn:strongroom:problem:suspended");
        assert_eq!(
            told["answer"]["detail"],
            "the owner has suspended everything"
        );
    }
    // Who is not permitted learns nothing of it.
    assert_eq!(status(&agent, &atlas, "no-such-key"), 403);
    let status_now = vault.json(&["status"]);
    assert_eq!(status_now["unlocked"], false);
    assert_eq!(status_now["suspended"]["everything"], true);
    load.end();
    agent.stop();

    let agent = vault.agent();
    assert_eq!(status(&agent, &atlas, "deploy-key"), 423);
    let ready = agent.curl("/readyz", &[]);
    assert_eq!(
        String::from_utf8(ready.stdout).unwrap(),
        r#"{"recording":true,"suspended":true,"unlocked":true}"#
    );
    assert!(
        vault
            .run(&["status"])
            .contains("suspended   everything, by a panic")
    );

    // The passphrase was proved a moment ago: it is asked for all the same, and has to be right.
    let refused = with_no_passphrase(&vault, &["resume"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    assert!(
        text(&refused).contains("no terminal to ask at"),
        "{}",
        text(&refused)
    );
    let right = fs::read(vault.passphrase_file()).unwrap();
    fs::write(vault.passphrase_file(), "a wrong passphrase\n").unwrap();
    vault.fail(1, &["resume"]);
    assert_eq!(vault.entries().last().unwrap()["action"], "unlock-failed");
    assert_eq!(status(&agent, &atlas, "deploy-key"), 423);
    assert_eq!(vault.json(&["status"])["suspended"]["everything"], true);

    fs::write(vault.passphrase_file(), right).unwrap();
    assert_eq!(vault.run(&["resume"]), "the vault may be used again\n");
    assert_eq!(status(&agent, &atlas, "deploy-key"), 200);
    let again = vault.fail(1, &["resume"]);
    assert!(again.contains("the vault is not suspended"), "{again}");
    agent.stop();

    let entries = vault.entries();
    assert_nothing_stopped_is_used(&entries);
    let actions: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .filter(|action| ["panicked", "resumed"].contains(action))
        .collect();
    assert_eq!(actions, ["panicked", "resumed"]);
    vault.run(&["audit", "verify"]);
}

#[test]
fn letting_go_on_asks_for_the_passphrase_however_recent_the_last_proof_is() {
    let (vault, atlas, _) = two_of_each();
    let agent = vault.agent();
    at_once(&vault, &["secret", "suspend", "deploy-key"]);
    at_once(&vault, &["service", "suspend", "atlas"]);
    for resume in [
        ["secret", "resume", "deploy-key"],
        ["service", "resume", "atlas"],
    ] {
        let refused = with_no_passphrase(&vault, &resume).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    }
    let listed = vault.json(&["status"])["suspended"].clone();
    assert_eq!(
        listed,
        json!({"everything": false, "services": ["atlas"], "secrets": ["deploy-key"]})
    );
    // What is locked is not resumed: it says so before a passphrase is typed.
    vault.run(&["lock"]);
    vault.fail(4, &["secret", "resume", "deploy-key"]);
    vault.run(&["unlock"]);
    vault.run(&["service", "resume", "atlas"]);
    assert_eq!(status(&agent, &atlas, "other-key"), 200);
    assert_eq!(status(&agent, &atlas, "deploy-key"), 423);
    vault.run(&["secret", "resume", "deploy-key"]);
    assert_eq!(status(&agent, &atlas, "deploy-key"), 200);
}

#[test]
fn a_locked_vault_is_stopped_with_its_passphrase_and_stays_locked() {
    let (vault, atlas, boreas) = two_of_each();
    let agent = vault.locked_agent();

    // What takes no root is done at once, and it says what is not done.
    let refused = with_no_passphrase(&vault, &["panic"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert!(
        text(&refused).contains("nothing is suspended: the vault was locked already"),
        "{}",
        text(&refused)
    );
    let last = vault.entries().pop().unwrap();
    assert_eq!(last["action"], "panicked", "{last}");
    assert_eq!(last["by"], "owner", "{last}");
    assert_eq!(
        last["detail"],
        "the vault was locked, so nothing is suspended yet"
    );
    let right = fs::read(vault.passphrase_file()).unwrap();
    fs::write(vault.passphrase_file(), "a wrong passphrase\n").unwrap();
    vault.fail(1, &["panic"]);
    vault.fail(1, &["service", "suspend", "atlas"]);
    assert_eq!(vault.entries().last().unwrap()["action"], "unlock-failed");
    fs::write(vault.passphrase_file(), right).unwrap();
    assert_eq!(vault.json(&["status"])["suspended"]["everything"], false);

    vault.run(&["service", "suspend", "atlas"]);
    assert_eq!(
        vault.json(&["panic"]),
        json!({"suspended": true, "cut_off": 0, "denied": 0})
    );
    let now = vault.json(&["status"]);
    assert_eq!(now["unlocked"], false, "{now}");
    assert_eq!(now["suspended"]["everything"], true, "{now}");
    assert_eq!(now["suspended"]["services"], json!(["atlas"]), "{now}");
    // A second one is no mistake.
    assert_eq!(vault.json(&["panic"])["suspended"], true);

    vault.run(&["unlock"]);
    assert_eq!(status(&agent, &boreas, "deploy-key"), 423);
    let said = vault.run(&["resume"]);
    assert_eq!(
        said,
        "the vault may be used again\nstill suspended: service atlas\n"
    );
    assert_eq!(status(&agent, &boreas, "deploy-key"), 200);
    assert_eq!(status(&agent, &atlas, "deploy-key"), 401);
    agent.stop();
    assert_nothing_stopped_is_used(&vault.entries());

    // The same without an agent: the command opens what it needs by itself.
    vault.run(&["secret", "suspend", "deploy-key"]);
    assert_eq!(vault.json(&["panic"])["suspended"], true);
    let agent = vault.agent();
    assert_eq!(status(&agent, &boreas, "other-key"), 423);
    vault.run(&["resume"]);
    assert_eq!(status(&agent, &boreas, "deploy-key"), 423);
    assert_eq!(status(&agent, &boreas, "other-key"), 200);
}

#[test]
fn the_owner_sees_what_is_suspended_wherever_they_look() {
    let (vault, _, _) = two_of_each();
    vault.run(&["alias", "set", "deploy", "deploy-key"]);
    let _agent = vault.agent();
    // By the name that they know.
    let output = vault
        .command(&["secret", "suspend", "deploy"])
        .output()
        .unwrap();
    let said = text(&output);
    assert!(
        said.contains("`deploy` stands for the secret `deploy-key`"),
        "{said}"
    );
    assert!(
        said.contains("let it be used again with `strongroom secret resume deploy-key`"),
        "{said}"
    );
    assert!(vault.run(&["secret", "list"]).contains("1, suspended"));
    assert_eq!(vault.json(&["secret", "show", "deploy"])["suspended"], true);
    let shown = vault.run(&["secret", "show", "deploy"]);
    assert!(
        shown.contains("suspended   every use of it is refused"),
        "{shown}"
    );
    let shown = vault.run(&["status"]);
    assert!(shown.contains("suspended   secret deploy-key"), "{shown}");
    let sentences = vault.run(&["audit", "show", "--secret", "deploy-key"]);
    assert!(
        sentences.contains("secret deploy-key was suspended"),
        "{sentences}"
    );

    let granted = vault
        .command(&["grant", "atlas", "sign", "deploy"])
        .output()
        .unwrap();
    assert!(
        text(&granted)
            .contains("the policy takes effect after `strongroom secret resume deploy-key`"),
        "{}",
        text(&granted)
    );
    let asks = |secret: &str| {
        let request = json!({"service": "atlas", "operation": "sign", "secret": secret, "input": {"message": ""}});
        let file = vault.path().join("request");
        fs::write(&file, request.to_string()).unwrap();
        let output = vault
            .command(&["policy", "explain", file.to_str().unwrap()])
            .output()
            .unwrap();
        text(&output)
    };
    let explained = asks("deploy-key");
    assert!(explained.contains("suspended: permitted by"), "{explained}");
    assert!(
        explained.contains("`strongroom secret resume deploy-key` ends that"),
        "{explained}"
    );
    assert!(asks("other-key").contains("allowed by"));

    vault.run(&["panic"]);
    vault.run(&["unlock"]);
    let explained = asks("other-key");
    assert!(
        explained.contains("suspended: permitted by")
            && explained.contains("`strongroom resume` ends that"),
        "{explained}"
    );
    let already = vault.fail(1, &["secret", "suspend", "deploy-key"]);
    assert!(
        already.contains("secret `deploy-key` is suspended already"),
        "{already}"
    );
    let resumed = vault.fail(1, &["secret", "resume", "other-key"]);
    assert!(
        resumed.contains("secret `other-key` is not suspended"),
        "{resumed}"
    );
    vault.run(&["resume"]);
    vault.run(&["secret", "resume", "deploy-key"]);
    let shown = vault.run(&["status"]);
    assert!(!shown.contains("suspended"), "{shown}");
}
