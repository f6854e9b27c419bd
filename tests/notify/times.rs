//! What is told later, or together: digests by the clock, and after an outage.

use std::fs;

use jiff::Timestamp;
use serde_json::Value;

use super::{sign, vault_at};
use crate::support::{Vault, clock::Clock, eventually};

/// A program that keeps what it is told while a file says that it may.
fn channel(vault: &Vault, tell: &str) -> String {
    let told = vault.path().join("told");
    format!(
        "[[notify]]\nname = \"ops\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", 'test -e \"$0.up\" && cat >> \"$0\"', \"{}\"]\n[notify.tell]\n{tell}",
        told.display()
    )
}

fn come_up(vault: &Vault) {
    fs::write(vault.path().join("told.up"), "").unwrap();
}

fn told(vault: &Vault) -> Vec<Value> {
    let text = fs::read_to_string(vault.path().join("told")).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn sentence(told: &Value) -> &str {
    told["sentence"].as_str().unwrap()
}

/// Waits for a digest.
fn digest(vault: &Vault) -> Value {
    let mut found = None;
    eventually("there is a digest", || {
        found = told(vault)
            .into_iter()
            .find(|told| told["kind"] == "digest");
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn what_repeats_itself_is_told_in_one_sentence_when_its_window_ends() {
    // The first minutes of a window, so that the test does not run into its end.
    let now = Timestamp::now().as_second();
    let window = now - now % 600;
    let clock = Clock::at(&format!("{:+}", window + 60 - now));
    let (vault, key) = vault_at(&clock, |vault| channel(vault, "digest = 10\n"));
    come_up(&vault);
    let agent = vault.agent();
    for _ in 0..5 {
        sign(&agent, &key, "release");
    }
    eventually("the first one is told at once", || {
        told(&vault)
            .iter()
            .any(|told| sentence(told).starts_with("atlas signed with deploy-key for 'release'"))
    });
    assert!(told(&vault).iter().all(|told| told["kind"] != "digest"));
    let row = &vault.json(&["notify", "list"])[0];
    assert_eq!(row["state"], "well");
    assert!(row["holds"].is_string(), "{row}");

    // Nobody asks for anything: the clock alone ends the window.
    clock.set(&format!("{:+}", window + 600 - now));
    let digest = digest(&vault);
    assert!(
        sentence(&digest).contains("atlas signed with deploy-key 4 more times, all for 'release'"),
        "{digest}"
    );
    let uses = told(&vault)
        .iter()
        .filter(|told| told["kind"] == "use")
        .count();
    assert_eq!(uses, 1, "none of them by itself");
    agent.stop();
}

#[test]
fn after_an_outage_of_hours_one_digest_says_how_many() {
    // The first of its kind is marked, and what is marked is never folded.
    for (catch_up, by_themselves) in [("each", 6), ("digest", 1)] {
        let clock = Clock::at("-3h");
        let (vault, key) = vault_at(&clock, |vault| {
            channel(vault, &format!("digest = 0\ncatch_up = \"{catch_up}\"\n"))
        });
        let agent = vault.agent();
        for release in 0..6 {
            sign(&agent, &key, &format!("release {release}"));
        }
        eventually("the channel is ill", || {
            vault.json(&["notify", "list"])[0]["state"] == "trying"
        });
        agent.kill();
        // Nobody was there for three hours.
        clock.set("+0");
        come_up(&vault);
        let agent = vault.agent();
        sign(&agent, &key, "after the outage");
        eventually("all is told", || {
            vault.json(&["notify", "list"])[0]["behind"] == 0
                && told(&vault)
                    .iter()
                    .any(|told| sentence(told).contains("'after the outage'"))
        });
        let told = told(&vault);
        let late = told
            .iter()
            .filter(|told| sentence(told).contains("'release "))
            .count();
        assert_eq!(late, by_themselves, "{catch_up}: {told:#?}");
        let digests: Vec<_> = told
            .iter()
            .filter(|told| told["kind"] == "digest")
            .collect();
        assert_eq!(
            digests.len(),
            usize::from(catch_up == "digest"),
            "{told:#?}"
        );
        for digest in digests {
            let said = sentence(digest);
            assert!(said.contains("could not be sent in time: 5 uses"), "{said}");
            assert!(
                said.contains("`strongroom audit show"),
                "how to read them: {said}"
            );
        }
        agent.stop();
    }
}
