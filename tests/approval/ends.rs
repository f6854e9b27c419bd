//! How a request ends that is not used: denied, given up, or out of time.

use serde_json::json;

use super::{
    answer, approve_with, approver, ask, collect, entries, in_the_background, refusal,
    vault_that_asks, waiting,
};
use crate::support::{eventually, text};

#[test]
fn one_no_is_enough() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let held = in_the_background(
        &agent,
        &key,
        &["sign", "deploy-key", "--message", "hello", "--wait", "600"],
    );
    let id = waiting(&vault, 1).remove(0);
    vault.run(&["approve", &id, "--yes"]);
    answer(&held.wait_with_output().unwrap());

    let id = ask(&agent, &key, "release 2");
    let other = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    vault.run(&["deny", &id]);
    let told = refusal(&other.wait_with_output().unwrap(), 3);
    assert_eq!(told["type"], "urn:strongroom:problem:denied");
    assert_eq!(refusal(&collect(&agent, &key, &id), 3)["status"], 403);
    let told = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(told.contains("it was denied"), "{told}");
    assert_eq!(entries(&vault, "use").len(), 1);

    // The same is not asked again for ten minutes: nobody is worn down.
    let again = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    let again = refusal(&again, 3);
    assert!(
        (1..=600).contains(&again["retry_after"].as_u64().unwrap()),
        "{again}"
    );
}

#[test]
fn a_no_of_one_outweighs_the_yes_of_another() {
    let (vault, key) = vault_that_asks("2 of security", "");
    let (ana, ben) = (approver(&vault, "ana"), approver(&vault, "ben"));
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    approve_with(&vault, &id, &ana, &[]);
    vault.run(&["deny", &id, "--sign-with", ben.to_str().unwrap()]);
    let told = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(told.contains("it was denied"), "{told}");
    assert_eq!(refusal(&collect(&agent, &key, &id), 3)["status"], 403);
    assert!(entries(&vault, "use").is_empty());
}

#[test]
fn a_service_gives_its_own_requests_up_and_no_others() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let other = vault.enrol("borg");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    for arguments in [
        ["--result", &id],
        ["--cancel", &id],
        ["--result", "0"],
        ["--cancel", "999999"],
    ] {
        let told = refusal(&agent.request(&other, &arguments), 1);
        assert_eq!(
            told["type"], "urn:strongroom:problem:unknown-id",
            "{arguments:?}"
        );
    }
    let given_up = answer(&agent.request(&key, &["--cancel", &id]));
    assert_eq!(given_up, json!({"cancelled": id}));
    let told = refusal(&held.wait_with_output().unwrap(), 1);
    assert_eq!(told["type"], "urn:strongroom:problem:cancelled");
    for arguments in [["--result", &id], ["--cancel", &id]] {
        let told = refusal(&agent.request(&key, &arguments), 1);
        assert_eq!(
            (&told["status"], &told["type"]),
            (&json!(410), &json!("urn:strongroom:problem:cancelled"))
        );
    }
    let told = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(told.contains("it was cancelled"), "{told}");
    let decisions = entries(&vault, "decision");
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0]["entry"]["decided"], "cancelled");
    assert_eq!(decisions[0]["entry"]["by"], "service");
}

#[test]
fn what_nobody_decides_on_in_time_is_over() {
    let (vault, key) = vault_that_asks("1 of security", "[approvals]\nexpire_seconds = 5\n");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    // Held to the end, and told then.
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    let told = refusal(&held.wait_with_output().unwrap(), 1);
    assert_eq!(told["type"], "urn:strongroom:problem:approval-expired");
    eventually("it is on record", || {
        !entries(&vault, "decision").is_empty()
    });
    let decisions = entries(&vault, "decision");
    assert_eq!(decisions[0]["entry"]["decided"], "expired");
    assert_eq!(decisions[0]["entry"]["by"], "agent");
    assert_eq!(refusal(&collect(&agent, &key, &id), 1)["status"], 410);
    let told = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(told.contains("it was expired"), "{told}");

    // Also if the agent was not there when the time was over, and if somebody approved it.
    let id = ask(&agent, &key, "release 2");
    vault.run(&["approve", &id, "--yes"]);
    agent.kill();
    eventually("its time is over", || {
        vault.json(&["pending", &id])["ended"] == "expired"
    });
    let agent = vault.agent();
    eventually("it is on record", || {
        entries(&vault, "decision").last().unwrap()["entry"]["decided"] == "expired"
    });
    let told = refusal(&collect(&agent, &key, &id), 1);
    assert_eq!(told["type"], "urn:strongroom:problem:approval-expired");
    assert!(entries(&vault, "use").is_empty());
}

#[test]
fn not_many_may_wait() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    for number in 0..16 {
        ask(&agent, &key, &format!("release {number}"));
    }
    let refused = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    let told = refusal(&refused, 1);
    assert_eq!(told["status"], 429, "{}", text(&refused));
    assert_eq!(entries(&vault, "pending").len(), 16);
    assert_eq!(
        entries(&vault, "refusal")[0]["entry"]["reason"],
        "too-many-pending"
    );
}
