//! The owner is told in the journal: by the real `systemd-journald`, read back by `journalctl`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{
    Vault, eventually,
    journald::Journald,
    told::{HOSTILE, complete, ill, long_and_hostile, shown, sign, vault_that_tells},
};

fn vault_that_logs() -> (Vault, PathBuf, Journald) {
    let mut journald = None;
    let (vault, key) = vault_that_tells(|directory: &Path| {
        let started = Journald::start(&directory.join("journal"));
        let settings = started.settings("journal");
        journald = Some(started);
        settings
    });
    (vault, key, journald.unwrap())
}

/// Waits for the entry of the use with this purpose.
fn until(journald: &Journald, purpose: &str) -> Value {
    let mut found = None;
    eventually(purpose, || {
        let mut got = journald.got().into_iter();
        found = got.find(|told| {
            let told = told["STRONGROOM_PURPOSE"].as_str();
            told.is_some_and(|told| told.starts_with(purpose))
        });
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn every_entry_is_in_the_journal_with_fields_of_its_own() {
    let (vault, key, journald) = vault_that_logs();
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    sign(&agent, &key, HOSTILE);
    sign(&agent, &key, &long_and_hostile());
    vault.run(&["secret", "reveal", "deploy-key"]);
    complete(&vault, || journald.ids());

    let told = until(&journald, "release 5");
    let message = told["MESSAGE"].as_str().unwrap();
    assert!(
        message.starts_with("atlas signed with deploy-key for 'release 5'"),
        "{message}"
    );
    assert_eq!(told["PRIORITY"], "5");
    assert_eq!(told["SYSLOG_FACILITY"], "10");
    assert_eq!(told["STRONGROOM_KIND"], "use");
    assert_eq!(told["STRONGROOM_URGENCY"], "normal");
    assert_eq!(told["STRONGROOM_SERVICE"], "atlas");
    assert_eq!(told["STRONGROOM_SECRET"], "deploy-key");
    assert_eq!(told["STRONGROOM_OPERATION"], "sign");
    // The journal says itself who sent it.
    assert_eq!(told["_PID"], agent.child.id().to_string());
    assert_eq!(told["_TRANSPORT"], "journal");
    let index: usize = told["STRONGROOM_INDEX"].as_str().unwrap().parse().unwrap();
    let entry: Value = serde_json::from_str(told["STRONGROOM_ENTRY"].as_str().unwrap()).unwrap();
    assert_eq!(entry, vault.entries()[index]);
    assert_eq!(told["STRONGROOM_TIME"], entry["time"]);

    // All of a kind by its id, as a person looks for them.
    let id = told["MESSAGE_ID"].as_str().unwrap();
    let uses = journald.read(&[&format!("MESSAGE_ID={id}")]);
    assert_eq!(uses.len(), 3);
    assert!(uses.iter().all(|told| told["STRONGROOM_KIND"] == "use"));
    let urgent = journald.read(&["PRIORITY=1"]);
    assert_eq!(urgent.len(), 1);
    assert_eq!(urgent[0]["STRONGROOM_KIND"], "administration");

    // Nothing of a hostile text got out of its field.
    for told in journald.got() {
        assert!(told["PRIORITY"] != "0", "{told}");
        assert!(told["MESSAGE"].is_string(), "{told}");
    }
    assert_eq!(
        uses[2]["STRONGROOM_PURPOSE"],
        shown(&long_and_hostile()),
        "in full"
    );
}

#[test]
fn an_outage_a_restart_and_a_crash_lose_nothing() {
    let (vault, key, mut journald) = vault_that_logs();
    let agent = vault.agent();
    sign(&agent, &key, "before the outage");
    until(&journald, "before the outage");
    journald.go_down();
    sign(&agent, &key, "in the outage");
    ill(&vault, "the journal does not take it at");
    agent.kill();
    let agent = vault.agent();
    sign(&agent, &key, "after the crash");
    journald.come_up();
    until(&journald, "after the crash");
    agent.stop();
    let agent = vault.agent();
    sign(&agent, &key, "after the restart");
    complete(&vault, || journald.ids());
    agent.stop();
}
