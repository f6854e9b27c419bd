//! Every kind of channel, side by side on one agent, through the same misfortunes.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    peers::{PEERS, Peer},
    sign, vault_that_tells,
};
use crate::support::{Agent, Vault, eventually};

/// All of them, each told of every entry by itself.
struct All(Vec<(&'static str, Box<dyn Peer>)>);

impl All {
    fn make(directory: &Path) -> Self {
        let peers = PEERS.iter().map(|(kind, make)| {
            let own = directory.join(kind);
            fs::create_dir(&own).unwrap();
            (*kind, make(&own))
        });
        Self(peers.collect())
    }

    fn settings(&self, vault: &Vault) -> String {
        let tell = "[notify.tell]\nurgency = \"quiet\"\ndigest = 0\ncatch_up = \"each\"\n";
        let channels = self.0.iter().map(|(_, peer)| {
            let settings = peer.settings(vault);
            let own = settings.split("[notify.tell]").next().unwrap();
            format!("{own}{tell}")
        });
        channels.collect()
    }

    fn go_down(&mut self) {
        for (_, peer) in &mut self.0 {
            peer.go_down();
        }
    }

    fn come_up(&mut self) {
        for (_, peer) in &mut self.0 {
            peer.come_up();
        }
    }

    /// Waits until each has received every entry from this one on, and looks at the order: what was
    /// not received before is always the next one.
    fn complete(&self, vault: &Vault, first: usize) {
        for (kind, peer) in &self.0 {
            let (mut received, mut expected) = (BTreeSet::new(), BTreeSet::new());
            eventually(&format!("`{kind}` is told of everything"), || {
                received = peer.received().iter().map(|id| index(id)).collect();
                // The log is looked at when there is a chance, which takes a process each time.
                if received.len() >= expected.len() {
                    expected = (first..vault.entries().len()).collect();
                }
                received == expected
            });
            let mut next = first;
            for index in peer.received().iter().map(|id| index(id)) {
                assert!(index <= next, "`{kind}`: {index} overtook {next}");
                next = next.max(index + 1);
            }
        }
    }
}

fn index(id: &str) -> usize {
    id.rsplit_once('/').unwrap().1.parse().unwrap()
}

/// Waits until the owner can see of each that it does not deliver.
fn all_ill(vault: &Vault) {
    eventually("the owner can see that all channels are ill", || {
        let rows = vault.json(&["notify", "list"]);
        let mut rows = rows.as_array().unwrap().iter();
        rows.all(|row| row["state"] == "trying" && row["problem"].is_string())
    });
}

#[test]
fn every_kind_of_channel_misses_nothing_in_an_outage_a_restart_and_a_crash() {
    let mut all = None;
    let (vault, key) = vault_that_tells(|vault| {
        let peers = All::make(vault.path());
        let settings = peers.settings(vault);
        all = Some(peers);
        settings
    });
    let mut all = all.unwrap();
    let first = vault.entries().len();
    let agent = vault.agent();
    sign(&agent, &key, "when all is well");
    all.complete(&vault, first);

    // An outage, in which the agent is stopped and killed. Its answers come as ever.
    all.go_down();
    sign(&agent, &key, "in the outage");
    all_ill(&vault);
    agent.stop();
    let agent = vault.agent();
    sign(&agent, &key, "in the outage, after a restart");
    all_ill(&vault);
    agent.kill();
    let agent = vault.agent();
    sign(&agent, &key, "in the outage, after a crash");
    all_ill(&vault);
    all.come_up();
    all.complete(&vault, first);

    // Crashes in the middle of telling.
    let mut agent = agent;
    for round in 0..3 {
        for release in 0..4 {
            sign(&agent, &key, &format!("release {round}.{release}"));
        }
        agent = crash(agent, &vault);
    }
    all.complete(&vault, first);
    eventually("all channels are well again", || {
        let rows = vault.json(&["notify", "list"]);
        let mut rows = rows.as_array().unwrap().iter();
        rows.all(|row| row["state"] == "well" && row["behind"] == 0)
    });
    agent.stop();
    all.complete(&vault, first);
}

fn crash<'a>(agent: Agent<'a>, vault: &'a Vault) -> Agent<'a> {
    agent.kill();
    vault.agent()
}

/// The table of peers is as long as the program's own of kinds.
#[test]
fn every_kind_of_channel_is_tested() {
    let vault = Vault::create();
    vault.configure("[[notify]]\nname = \"p\"\nkind = \"pigeon\"\n");
    let told = vault.fail(1, &["notify", "list"]);
    let (_, kinds) = told.split_once("expected one of").unwrap();
    let kinds: BTreeSet<&str> = kinds.split('`').skip(1).step_by(2).collect();
    let tested: BTreeSet<&str> = PEERS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(tested, kinds, "{told}");
}
