//! What the agent adds to a request, beside its floor, in one run.
//!
//! The floor is a bare hyper and rustls server that verifies the RFC 9421 signature, signs the
//! message and signs the answer: no policy, no audit log. Both serve the same load: keep-alive
//! TLS 1.3 connections that each ask for an Ed25519 signature, again and again. The figure to
//! look at is CPU time per request of the server's process, and its ratio to the floor: wall time
//! depends on what else the machine does, and here the load runs on the same cores.
//!
//! `entries/sync` shows how the commit window adapts: a lone request never waits for company, and
//! many connections share one transaction and its sync.
//!
//! `cargo bench -p strongroom-agent -- --requests 20000 --connections 16` asks more often than the
//! default, and over that many connections only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and it prints what it measured"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/signing.rs"]
mod signing;

mod floor;

use common::{
    figures::{self, median, option},
    server::Server,
    vault::Vault,
};
use signing::{Expected, Load, Measured};

/// Connections at the same time.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Rounds of each measurement, the two servers in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    if let Some(directory) = option("--floor") {
        return floor::serve(directory.as_ref());
    }
    let requests = figures::requests(10_000, 200);

    let vault = Vault::create();
    let load = Load::new(&vault);
    let agent = Server::agent(&vault);
    let floor = Server::this_program("--floor", vault.path());

    println!("{requests} requests a round, median of {ROUNDS} rounds");
    println!(
        "{:<6} {:>5} {:>11} {:>8} {:>8} {:>11} {:>6} {:>13}",
        "server", "conns", "requests/s", "p50 ms", "p99 ms", "CPU us/req", "ratio", "entries/sync"
    );
    let only = option("--connections").map(|number| number.parse::<usize>().unwrap());
    for connections in only.map_or(CONNECTIONS.to_vec(), |only| vec![only]) {
        let rounds: Vec<[Measured; 2]> = (0..ROUNDS)
            .map(|_| {
                [(&floor, Expected::Signed), (&agent, Expected::Recorded)]
                    .map(|(server, expected)| load.run(server, expected, connections, requests))
            })
            .collect();
        for (at, server) in ["floor", "agent"].into_iter().enumerate() {
            let shared = match at {
                0 => "-".to_owned(),
                _ => format!("{:.1}", median(&rounds, |round| round[at].shared)),
            };
            println!(
                "{server:<6} {connections:>5} {:>11.0} {:>8.2} {:>8.2} {:>11.1} {:>6.2} {shared:>13}",
                median(&rounds, |round| round[at].pace.per_second),
                median(&rounds, |round| round[at].pace.p50 * 1e3),
                median(&rounds, |round| round[at].pace.p99 * 1e3),
                median(&rounds, |round| round[at].cpu * 1e6),
                median(&rounds, |round| round[at].cpu / round[0].cpu),
            );
        }
    }
}
