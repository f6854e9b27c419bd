//! Calls that something comes in between: a lock, a stop, a caller who hangs up.

use std::{process::Stdio, thread};

use serde_json::json;

use super::{Story, get, outcome};
use crate::support::eventually;

#[test]
fn a_lock_cuts_off_what_is_under_way() {
    let story = Story::begin();
    let agent = story.vault.agent();
    thread::scope(|scope| {
        let asked = scope.spawn(|| story.refused(&agent, get("/gate/a")));
        story.provider.wait_for(1);
        story.vault.run(&["lock"]);
        assert_eq!(asked.join().unwrap().0, 423);
    });
    let told = outcome(&story.vault);
    assert_eq!(told["ending"], "cut-off", "{told}");
    assert_eq!(story.refused(&agent, get("/")).0, 423);
    assert_eq!(story.provider.got().len(), 1);
    story.vault.run(&["unlock"]);
    assert_eq!(story.result(&agent, get("/"))["status"], 200);
}

#[test]
fn a_stop_waits_for_the_provider() {
    let story = Story::begin();
    let mut agent = story.vault.agent();
    let asked = thread::scope(|scope| {
        let asked = scope.spawn(|| story.result(&agent, get("/gate/a")));
        story.provider.wait_for(1);
        agent.signal("TERM");
        // It takes no new connections any more, and is still there.
        eventually("the agent stops", || {
            !agent.curl("/healthz", &[]).status.success()
        });
        story.provider.open("a");
        asked.join().unwrap()
    });
    assert_eq!(asked["status"], 200);
    assert!(agent.child.wait().unwrap().success(), "{}", agent.log());
    let told = outcome(&story.vault);
    assert_eq!(told["ending"], "answered", "{told}");
    story.vault.run(&["audit", "verify"]);
}

#[test]
fn a_stop_does_not_wait_for_ever() {
    let story = Story::begin();
    story
        .vault
        .configure("[listen]\ntls = \"127.0.0.1:0\"\n[limits]\nstop_seconds = 1\n");
    let mut agent = story.vault.agent();
    let mut caller = agent.python_command(&story.service, &[]);
    let body = json!({"secret": "heroku/prod", "operation": "http", "input": get("/never")});
    let mut caller = caller
        .arg(body.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    story.provider.wait_for(1);
    agent.signal("TERM");
    assert!(agent.child.wait().unwrap().success(), "{}", agent.log());
    caller.wait().unwrap();
    let told = outcome(&story.vault);
    assert_eq!(told["ending"], "cut-off", "{told}");
    story.vault.run(&["audit", "verify"]);
}

#[test]
fn what_happened_is_on_record_though_the_caller_hung_up() {
    let story = Story::begin();
    let agent = story.vault.agent();
    let mut caller = agent.python_command(&story.service, &[]);
    let input = json!({"method": "POST", "path": "/gate/a", "body": {"do": "it"}});
    let body = json!({"secret": "heroku/prod", "operation": "http", "input": input});
    let mut caller = caller
        .arg(body.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    story.provider.wait_for(1);
    caller.kill().unwrap();
    caller.wait().unwrap();
    let outcomes = || {
        let entries = story.vault.entries();
        entries
            .iter()
            .filter(|entry| entry["kind"] == "outcome")
            .count()
    };
    assert_eq!(outcomes(), 0);
    story.provider.open("a");
    eventually("the outcome is on record", || outcomes() == 1);
    let told = outcome(&story.vault);
    assert_eq!(
        (&told["ending"], &told["status"]),
        (&json!("answered"), &json!(200))
    );
    agent.stop();
}
