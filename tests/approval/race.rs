//! Everything at once: however it turns out, a key is used at most once, after a valid yes and before
//! any no.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::{approver, vault_that_asks};
use crate::support::{Agent, Vault, python, script};

/// How often.
const ROUNDS: usize = 12;

/// A signed word of this approver, in a file.
fn signed(vault: &Vault, id: &str, word: &str, key: &Path) -> String {
    let statement = vault.run(&["pending", id, "--statement", word]);
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-Y", "sign", "-n", "approval@strongroom", "-f"])
        .arg(key);
    let output = crate::support::with_input(command, statement.as_bytes());
    let signature = String::from_utf8(output.stdout).unwrap();
    let path = vault.path().join(format!("{id}-{word}.json"));
    let body = serde_json::json!({"statement": statement, "signature": signature});
    fs::write(&path, body.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Calls that wait for the word to go.
fn ready(agent: &Agent<'_>, key: &Path, id: &str, more: &[&str]) -> Child {
    let mut command = python();
    command
        .arg(script("race.py"))
        .args(["--agent", &agent.url(), "--id", id, "--cacert"])
        .arg(agent.vault.certificate())
        .arg("--key")
        .arg(key)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::with_capacity(1, child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[test]
fn whatever_comes_first_a_key_is_used_at_most_once() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let (ana, ben) = (approver(&vault, "ana"), approver(&vault, "ben"));
    let agent = vault.agent();
    let mut ways: BTreeMap<String, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        // A size of its own, or a no of one round would count in the next one.
        let message = "m".repeat(round + 1);
        let asked = agent.request(&key, &["sign", "deploy-key", "--message", &message]);
        let id = super::answer(&asked)["pending"]
            .as_str()
            .unwrap()
            .to_owned();
        let yes = signed(&vault, &id, "approve", &ana);
        let no = signed(&vault, &id, "deny", &ben);
        let mut arguments = vec!["--results", "4", "--signed", &yes];
        match round % 4 {
            0 => {}
            1 => arguments.extend(["--cancels", "1"]),
            2 => arguments.extend(["--signed", &no]),
            _ => arguments.extend(["--cancels", "1", "--signed", &no]),
        }
        let mut calls = ready(&agent, &key, &id, &arguments);
        let suspended = (round % 3 == 2).then(|| {
            vault
                .command(&["service", "suspend", "atlas"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        });
        calls.stdin.take().unwrap().write_all(b"go\n").unwrap();
        let mut told = String::new();
        calls
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut told)
            .unwrap();
        assert!(calls.wait().unwrap().success(), "{told}");
        if let Some(mut suspended) = suspended {
            suspended.wait().unwrap();
            vault.run(&["service", "resume", "atlas"]);
        }
        // Whoever collects late gets what there is.
        super::collect(&agent, &key, &id);
        let outcomes: Vec<Value> = serde_json::from_str(&told).unwrap();
        *ways
            .entry(hold_together(&vault, &id, &outcomes))
            .or_default() += 1;
    }
    // It is a race only if it turns out in more than one way.
    assert!(ways.len() > 1, "{ways:?}");
    vault.run(&["audit", "verify"]);
}

/// What the audit log says of one request, and what its callers were told, is one story.
fn hold_together(vault: &Vault, id: &str, outcomes: &[Value]) -> String {
    let (mut uses, mut yes, mut end) = (Vec::new(), None, None);
    let id: u64 = id.parse().unwrap();
    for (index, entry) in vault.entries().iter().enumerate() {
        if entry["kind"] == "use" && entry["pending"] == id {
            uses.push((index, entry.clone()));
        }
        if entry["kind"] == "decision" && entry["entry"] == id {
            match entry["decided"].as_str().unwrap() {
                "approved" => yes = Some(index),
                how => {
                    let before = end.replace((index, how.to_owned()));
                    assert!(before.is_none(), "{id} ended twice: {before:?} and {end:?}");
                }
            }
        }
    }
    assert!(uses.len() <= 1, "{uses:?}");
    if let Some((used, entry)) = uses.first() {
        assert!(
            yes.is_some_and(|yes| yes < *used),
            "used before it was approved"
        );
        assert_eq!(entry["approvals"], serde_json::json!([yes.unwrap()]));
        // A no may come after the use: it ends what a yes stands for, and nothing else may.
        assert!(
            end.as_ref()
                .is_none_or(|(ended, how)| used < ended && how == "denied"),
            "{end:?} and used at {used}"
        );
    }
    let results = outcomes.iter().filter(|one| one["what"] == "result");
    let given: Vec<_> = results.filter(|one| one["status"] == 200).collect();
    // Several may get it: it is one answer to one use.
    for one in &given {
        assert_eq!(one["answer"]["entry"], given[0]["answer"]["entry"]);
        assert_eq!(uses.len(), 1);
    }
    match (uses.is_empty(), end) {
        (false, _) => "used".to_owned(),
        (true, Some((_, how))) => how,
        (true, None) => "waits".to_owned(),
    }
}
