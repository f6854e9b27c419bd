//! What channels that are ill cost the agent, beside none at all, and what becomes of what they could
//! not tell, in one run.
//!
//! Two agents serve the same load of signatures in turns. One has no channels. The other has a webhook
//! at which nobody answers, a mail server that takes a second for each message, and a desktop whose bus
//! is gone. The figures to look at are the ratios of CPU time per request and of throughput. The CPU
//! time is that of the whole run, so that what a channel does while the other agent is asked counts too.
//!
//! Afterwards the receivers are made well, and each must be told of every entry of the log: the webhook
//! and the mail server of each by itself, the desktop in digests.
//!
//! `cargo bench -p strongroom-agent --bench notify -- --requests 20000 --connections 64` asks less
//! often than the default, and over that many connections.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and it prints what it measured"
)]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "here is no server of the benchmark's own")]
mod common;
#[path = "../common/signing.rs"]
#[expect(dead_code, reason = "everything that is asked here is recorded")]
mod signing;

mod receivers;

use std::{
    fs,
    time::{Duration, Instant},
};

use common::{
    figures::{self, median, option},
    server::Server,
    vault::Vault,
};
use receivers::{Desktop, Hook, MailServer, Receivers};
use serde_json::Value;
use signing::{Expected, Load, Measured};

/// Connections at the same time.
const CONNECTIONS: usize = 16;
/// Rounds of each of the two agents, in turns.
const ROUNDS: usize = 10;
/// How long the receivers may take to be told of everything before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(1800);

fn main() {
    let requests = figures::requests(100_000, 200);
    let connections = option("--connections").map_or(CONNECTIONS, |text| text.parse().unwrap());

    let (without, with) = (Vault::create(), Vault::create());
    let loads = [Load::new(&without), Load::new(&with)];
    let mut receivers = Receivers::ill(with.path());
    receivers.configure(&with);
    let first = size(&with);
    let agents = [Server::agent(&without), Server::agent(&with)];
    println!(
        "{requests} requests of each agent over {connections} connections, in {ROUNDS} rounds; ratios are medians"
    );

    let before = agents.each_ref().map(Server::cpu);
    let rounds: Vec<[Measured; 2]> = (0..ROUNDS)
        .map(|round| {
            // Whoever begins finds the disk as the other has left it: each does in its turn.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            let mut measured = order.map(|at| {
                let each = requests.div_ceil(ROUNDS);
                loads[at].run(&agents[at], Expected::Recorded, connections, each)
            });
            if order == [1, 0] {
                measured.reverse();
            }
            measured
        })
        .collect();
    let after = agents.each_ref().map(Server::cpu);
    let cpu = |at: usize| (after[at] - before[at]) / requests as f64;

    println!(
        "{:<12} {:>11} {:>8} {:>8} {:>11} {:>6} {:>13} {:>13}",
        "channels",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "CPU us/req",
        "ratio",
        "throughput",
        "entries/sync"
    );
    for (at, name) in ["none", "three, ill"].into_iter().enumerate() {
        println!(
            "{name:<12} {:>11.0} {:>8.2} {:>8.2} {:>11.1} {:>6.3} {:>13.3} {:>13.1}",
            median(&rounds, |round| round[at].pace.per_second),
            median(&rounds, |round| round[at].pace.p50 * 1e3),
            median(&rounds, |round| round[at].pace.p99 * 1e3),
            cpu(at) * 1e6,
            cpu(at) / cpu(0),
            median(&rounds, |round| round[at].pace.per_second
                / round[0].pace.per_second),
            median(&rounds, |round| round[at].shared),
        );
    }
    println!(
        "{:<12} {:>61.3}",
        "  of rounds",
        median(&rounds, |[none, three]| three.cpu / none.cpu)
    );

    // All of it must be told in the end.
    let start = Instant::now();
    receivers.get_well();
    let size = caught_up(&with);
    println!(
        "told of {} entries, {:.0} s after the receivers were well again",
        size - first,
        start.elapsed().as_secs_f64()
    );
    let Receivers {
        hook: Hook { told: hook, .. },
        mail: MailServer { told: mail, .. },
        desktop: Desktop { told: desktop, .. },
    } = &receivers;
    for (name, told) in [("webhook", hook), ("mail", mail), ("desktop", desktop)] {
        told.lock().unwrap().account(name, first, size);
    }
}

/// How many entries the log has.
fn size(vault: &Vault) -> u64 {
    let output = vault.command(&["status", "--json"]).output().unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["entries"].as_u64().unwrap()
}

/// Waits until no channel is behind; how many entries the log has.
fn caught_up(vault: &Vault) -> u64 {
    let start = Instant::now();
    loop {
        let output = vault.command(&["notify", "list", "--json"]).output();
        let rows: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
        let mut all = rows.as_array().unwrap().iter();
        if all.all(|row| row["behind"] == 0 && row["state"] == "well") {
            return size(vault);
        }
        let log = vault.path().join("agent.log");
        assert!(
            start.elapsed() < PATIENCE,
            "not told: {rows:#}; {}",
            fs::read_to_string(log).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
