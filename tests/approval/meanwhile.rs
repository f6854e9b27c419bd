//! What happens between the ask and the answer: crashes, locks, suspensions, other policies and other
//! approvers. What counts is what holds when the key is used.

use super::{
    answer, approve_with, approver, ask, collect, entries, in_the_background, refusal, set_policy,
    vault_that_asks, waiting,
};
use crate::support::text;

#[test]
fn a_crash_loses_no_request_no_yes_and_uses_no_key_twice() {
    let (vault, key) = vault_that_asks("2 of security", "");
    let (ana, ben) = (approver(&vault, "ana"), approver(&vault, "ben"));
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    agent.kill();
    // Approvers need no agent, and no unlocked vault.
    approve_with(&vault, &id, &ana, &[]);
    let agent = vault.locked_agent();
    approve_with(&vault, &id, &ben, &[]);
    agent.kill();
    let agent = vault.agent();
    let given = answer(&collect(&agent, &key, &id));
    assert_eq!(answer(&collect(&agent, &key, &id))["entry"], given["entry"]);
    agent.kill();
    // Answers are not kept on the disk.
    let agent = vault.agent();
    let told = refusal(&collect(&agent, &key, &id), 1);
    assert_eq!(told["type"], "urn:strongroom:problem:answered");
    assert_eq!(entries(&vault, "use").len(), 1);
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_locked_vault_answers_held_calls_and_keeps_what_waits() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    let other = in_the_background(
        &agent,
        &key,
        &["sign", "deploy-key", "--message", "hello", "--wait", "600"],
    );
    let ids = waiting(&vault, 2);
    vault.run(&["lock"]);
    for held in [held, other] {
        let told = refusal(&held.wait_with_output().unwrap(), 4);
        assert_eq!(told["type"], "urn:strongroom:problem:locked");
    }
    // To ask is refused, and to collect; to deny works as ever, and to approve.
    let asked = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    assert_eq!(refusal(&asked, 4)["status"], 423);
    vault.run(&["approve", &ids[0], "--yes"]);
    vault.run(&["deny", &ids[1]]);
    assert_eq!(refusal(&collect(&agent, &key, &ids[0]), 4)["status"], 423);
    assert!(entries(&vault, "use").is_empty());
    vault.run(&["unlock"]);
    assert!(collect(&agent, &key, &ids[0]).status.success());
    // An answer that was given is given to nobody again once the vault was locked.
    vault.run(&["lock"]);
    let told = refusal(&collect(&agent, &key, &ids[0]), 1);
    assert_eq!(told["type"], "urn:strongroom:problem:answered");
}

#[test]
fn a_suspended_service_collects_nothing() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    vault.run(&["service", "suspend", "atlas"]);
    let told = text(&held.wait_with_output().unwrap());
    assert!(told.contains("401") || told.contains("403"), "{told}");
    let told = refusal(&collect(&agent, &key, &id), 1);
    assert_eq!(told["status"], 401);
    // What waited is denied, for good.
    assert_eq!(vault.json(&["pending", &id])["ended"], "denied");
    vault.run(&["service", "resume", "atlas"]);
    assert_eq!(refusal(&collect(&agent, &key, &id), 3)["status"], 403);
    assert!(entries(&vault, "use").is_empty());
}

#[test]
fn the_policies_of_now_decide() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    vault.run(&["approve", &id, "--yes"]);
    // More are asked for: the request waits again.
    set_policy(&vault, "2 of security");
    assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);
    // Nothing permits it.
    vault.run(&["policy", "retire", "releases"]);
    let told = refusal(&collect(&agent, &key, &id), 3);
    assert_eq!(told["type"], "urn:strongroom:problem:denied");
    assert!(entries(&vault, "use").is_empty());
    // A held call goes on when the policy is changed to what was said already.
    set_policy(&vault, "2 of security");
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    set_policy(&vault, "1 of release-managers");
    let given = answer(&held.wait_with_output().unwrap());
    assert!(given["result"]["signature"].is_string(), "{given}");
}

#[test]
fn the_approvers_of_now_count() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let (ana, ben) = (approver(&vault, "ana"), approver(&vault, "ben"));
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    approve_with(&vault, &id, &ana, &[]);
    // Whoever said yes may not say it any more: for each reason.
    let still_waits = || assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);
    vault.run(&["approver", "set", "ana", "--operates", "atlas"]);
    still_waits();
    vault.run(&["approver", "set", "ana", "--operates-nothing"]);
    vault.run(&["approver", "set", "ana", "--group", "other"]);
    still_waits();
    vault.run(&["approver", "set", "ana", "--group", "security"]);
    let fresh = vault.service_key("fresh", "ecdsa").with_extension("pub");
    vault.run(&["approver", "set", "ana", "--key", fresh.to_str().unwrap()]);
    still_waits();
    vault.run(&["approver", "retire", "ana"]);
    still_waits();
    assert!(entries(&vault, "use").is_empty());
    approve_with(&vault, &id, &ben, &[]);
    assert!(collect(&agent, &key, &id).status.success());
}
