//! Calls to providers that are under way when something is stopped.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
};

use serde_json::{Value, json};

use super::{assert_nothing_stopped_is_used, at_once};
use crate::support::{Agent, Vault, eventually, provider::Provider};

/// A vault with two providers' keys, two services that may use both, and the provider.
fn calls() -> (Vault, Provider, PathBuf, PathBuf) {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let flags = provider.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    for secret in ["heroku/prod", "heroku/dev"] {
        let named = ["secret", "add", secret, "--kind", "token"];
        vault.run_with_input(&[&named, &flags[..]].concat(), secret.as_bytes());
    }
    let (atlas, boreas) = (vault.enrol("atlas"), vault.enrol("boreas"));
    for service in ["atlas", "boreas"] {
        vault.run(&["grant", service, "http", "heroku/prod", "heroku/dev"]);
    }
    (vault, provider, atlas, boreas)
}

fn call(agent: &Agent<'_>, key: &Path, secret: &str, path: &str) -> u64 {
    let body =
        json!({"secret": secret, "operation": "http", "input": {"method": "GET", "path": path}});
    agent.python(key, &body, &[])["status"].as_u64().unwrap()
}

/// How each call ended, by its service and secret.
fn endings(vault: &Vault) -> BTreeSet<(String, String, String)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    vault
        .entries()
        .iter()
        .filter(|entry| entry["kind"] == "outcome")
        .map(|entry| {
            (
                word(&entry["service"]),
                word(&entry["secret"]),
                word(&entry["ending"]),
            )
        })
        .collect()
}

fn ended(service: &str, secret: &str, ending: &str) -> (String, String, String) {
    (service.to_owned(), secret.to_owned(), ending.to_owned())
}

#[test]
fn suspending_cuts_off_the_calls_that_it_is_about_and_no_others() {
    let (vault, provider, atlas, boreas) = calls();
    let agent = vault.agent();
    thread::scope(|scope| {
        let begin = |key, secret, gate| {
            let agent = &agent;
            scope.spawn(move || call(agent, key, secret, gate))
        };
        let first = begin(&atlas, "heroku/prod", "/gate/a");
        let second = begin(&boreas, "heroku/prod", "/gate/b");
        let third = begin(&boreas, "heroku/dev", "/gate/c");
        provider.wait_for(3);

        let said = at_once(&vault, &["service", "suspend", "atlas"]);
        assert!(
            said.contains("a call that was under way is cut off"),
            "{said}"
        );
        assert_eq!(first.join().unwrap(), 401);
        let said = at_once(&vault, &["secret", "suspend", "heroku/prod"]);
        assert!(
            said.contains("a call that was under way is cut off"),
            "{said}"
        );
        assert_eq!(second.join().unwrap(), 423);
        provider.open("c");
        assert_eq!(third.join().unwrap(), 200);
    });
    assert_eq!(
        endings(&vault),
        BTreeSet::from([
            ended("atlas", "heroku/prod", "cut-off"),
            ended("boreas", "heroku/prod", "cut-off"),
            ended("boreas", "heroku/dev", "answered"),
        ])
    );
    let told = vault.run(&["audit", "show", "--kind", "outcome"]);
    assert!(
        told.contains("was cut off: secret `heroku/prod` is suspended"),
        "{told}"
    );
    assert_nothing_stopped_is_used(&vault.entries());
}

#[test]
fn a_panic_cuts_off_every_call_and_its_channels_tell_of_it() {
    let (vault, provider, atlas, boreas) = calls();
    let told = vault.path().join("told");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\n[[notify]]\nname = \"desk\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", \"cat >> {}\"]\n",
        told.display()
    ));
    let agent = vault.agent();
    thread::scope(|scope| {
        let calls = [(&atlas, "heroku/prod"), (&boreas, "heroku/dev")].map(|(key, secret)| {
            let agent = &agent;
            scope.spawn(move || call(agent, key, secret, "/never"))
        });
        provider.wait_for(2);
        let said = vault.json(&["panic"]);
        assert_eq!(said, json!({"suspended": true, "cut_off": 2, "denied": 0}));
        for call in calls {
            assert_eq!(call.join().unwrap(), 423);
        }
    });
    assert_eq!(
        endings(&vault),
        BTreeSet::from([
            ended("atlas", "heroku/prod", "cut-off"),
            ended("boreas", "heroku/dev", "cut-off"),
        ])
    );
    let mut panicked = Value::Null;
    eventually("the channel tells of it", || {
        let text = fs::read_to_string(&told).unwrap_or_default();
        // The last line may be half written.
        let mut lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        panicked = lines
            .find(|told| told["entry"]["action"] == "panicked")
            .unwrap_or_default();
        !panicked.is_null()
    });
    assert_eq!(panicked["urgency"], "urgent");
    assert_eq!(panicked["sentence"], "the owner stopped everything");
    assert_nothing_stopped_is_used(&vault.entries());
}
