//! Approving from another machine, which has the approver's key and no vault: with a key in a file
//! and one in ssh-agent, from what a channel told.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{answer, approver, ask, collect, entries, vault_that_asks};
use crate::support::{Agent, eventually, program, succeed, text, with_input};

/// A command on a machine that has no vault.
fn there(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env("STRONGROOM_HOME", "/nowhere")
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null());
    command
}

/// An ssh-agent that ends with the test.
struct SshAgent {
    child: Child,
    socket: std::path::PathBuf,
}

impl SshAgent {
    fn with(key: &Path) -> Self {
        let socket = key.with_extension("agent");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        eventually("ssh-agent answers", || socket.exists());
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(key).env("SSH_AUTH_SOCK", &socket);
        succeed(add);
        Self { child, socket }
    }
}

impl Drop for SshAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn saved(agent: &Agent<'_>, name: &str, value: &Value) -> String {
    let path = agent.vault.path().join(name);
    fs::write(&path, value.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_approver_signs_on_another_machine() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let ana = approver(&vault, "ana");
    let agent = vault.agent();
    let ana = ana.to_str().unwrap();
    let certificate = vault.certificate();
    let (url, certificate) = (agent.url(), certificate.to_str().unwrap());

    // In one step, with the agent's address.
    let id = ask(&agent, &key, "release 1");
    let file = saved(&agent, "one.json", &vault.json(&["pending", &id]));
    let at = ["--agent", &url, "--cacert", certificate];
    let command = there(
        &[
            &["approve", "--yes", "--from", &file, "--sign-with", ana][..],
            &at,
        ]
        .concat(),
    );
    let shown = with_input(command, b"");
    assert!(shown.status.success(), "{}", text(&shown));
    assert!(
        text(&shown).contains("purpose    release 1"),
        "{}",
        text(&shown)
    );
    assert!(collect(&agent, &key, &id).status.success());
    // A second one does not count, and says why.
    let command = there(
        &[
            &["approve", "--yes", "--from", &file, "--sign-with", ana][..],
            &at,
        ]
        .concat(),
    );
    let told = with_input(command, b"");
    assert_eq!(told.status.code(), Some(1), "{}", text(&told));

    // In two, where there is no way to it: somebody carries the file.
    let id = ask(&agent, &key, "release 2");
    let file = saved(&agent, "two.json", &vault.json(&["pending", &id]));
    let signed = succeed(there(&[
        "approve",
        "--yes",
        "--minutes",
        "5",
        "--from",
        &file,
        "--sign-with",
        ana,
    ]));
    let signed = saved(
        &agent,
        "signed.json",
        &serde_json::from_str(&signed).unwrap(),
    );
    vault.run(&["approve", "--signed", &signed]);
    assert!(collect(&agent, &key, &id).status.success());
    assert_eq!(
        entries(&vault, "decision").last().unwrap()["entry"]["minutes"],
        5
    );
    // A no too. It is another operation, or the yes would stand for it.
    let asked = agent.request(&key, &["sign", "deploy-key", "--message", "something else"]);
    let id = answer(&asked)["pending"].as_str().unwrap().to_owned();
    let file = saved(&agent, "three.json", &vault.json(&["pending", &id]));
    succeed(there(
        &[&["deny", "--from", &file, "--sign-with", ana][..], &at].concat(),
    ));
    assert_eq!(collect(&agent, &key, &id).status.code(), Some(3));
}

#[test]
fn a_key_in_ssh_agent_signs() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let ana = approver(&vault, "ana");
    let agent = vault.agent();
    let ssh_agent = SshAgent::with(&ana);
    // From here on the private half is in ssh-agent alone.
    fs::remove_file(&ana).unwrap();
    let public = ana.with_extension("pub");
    let id = ask(&agent, &key, "release 1");
    let mut command = vault.command(&[
        "approve",
        &id,
        "--yes",
        "--sign-with",
        public.to_str().unwrap(),
    ]);
    command.env("SSH_AUTH_SOCK", &ssh_agent.socket);
    succeed(command);
    assert!(collect(&agent, &key, &id).status.success());
    // Without it there is nothing to sign with.
    let id = ask(&agent, &key, "release 2");
    let mut command = vault.command(&[
        "approve",
        &id,
        "--yes",
        "--sign-with",
        public.to_str().unwrap(),
    ]);
    command.env_remove("SSH_AUTH_SOCK");
    let told = text(&command.output().unwrap());
    assert!(told.contains("nothing was decided"), "{told}");
    assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);
}

#[test]
fn what_a_channel_told_is_enough() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let ana = approver(&vault, "ana");
    let told = vault.path().join("told");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\n[[notify]]\nname = \"file\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", \"cat >> {}\"]\n",
        told.display()
    ));
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let notification = || {
        let told = fs::read_to_string(&told).ok()?;
        let mut notifications = serde_json::Deserializer::from_str(&told)
            .into_iter::<Value>()
            .map_while(Result::ok);
        notifications.find(|told| told["kind"] == "pending")
    };
    eventually("the channel tells", || notification().is_some());
    let notification = notification().unwrap();
    let decide = notification["facts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fact| fact["label"] == "decide");
    assert!(
        decide.unwrap()["text"]
            .as_str()
            .unwrap()
            .contains(&format!("strongroom approve {id}"))
    );

    let thumbprint = vault.json(&["status"])["thumbprint"]
        .as_str()
        .unwrap()
        .to_owned();
    let wrapped = json!({"type": "pending", "data": notification});
    let (plain, wrapped) = (
        saved(&agent, "plain.json", &notification),
        saved(&agent, "wrapped.json", &wrapped),
    );
    let sign = |file: &str, more: &[&str]| {
        let arguments = [
            "approve",
            "--yes",
            "--sign-with",
            ana.to_str().unwrap(),
            "--from",
            file,
        ];
        there(&[&arguments, more].concat())
    };
    let told = text(&sign(&plain, &[]).output().unwrap());
    assert!(told.contains("say which agent it is for"), "{told}");
    let from_plain = succeed(sign(&plain, &["--thumbprint", &thumbprint]));
    let from_wrapped = succeed(sign(&wrapped, &["--thumbprint", &thumbprint]));
    let statement =
        |signed: &str| serde_json::from_str::<Value>(signed).unwrap()["statement"].clone();
    assert_eq!(statement(&from_plain), statement(&from_wrapped));
    let statement = statement(&from_plain);
    assert_eq!(
        statement,
        vault.run(&["pending", &id, "--statement", "approve"])
    );
    let signed = saved(
        &agent,
        "signed.json",
        &serde_json::from_str(&from_plain).unwrap(),
    );
    vault.run(&["approve", "--signed", &signed]);
    assert!(collect(&agent, &key, &id).status.success());
}
