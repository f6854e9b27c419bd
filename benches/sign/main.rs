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

mod floor;
mod load;
mod servers;

use load::{Load, Measured};
use servers::{Server, Vault};

/// Connections at the same time.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Rounds of each measurement, the two servers in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(directory) = option("--floor") {
        return floor::serve(directory.as_ref());
    }
    // `cargo test --benches` only wants to know that it runs.
    let default = if arguments.iter().any(|argument| argument == "--bench") {
        10_000
    } else {
        200
    };
    let requests: usize = option("--requests").map_or(default, |number| number.parse().unwrap());

    let vault = Vault::create();
    let agent = Server::agent(&vault);
    let floor = Server::floor(&vault);
    let load = Load::new(&vault);

    println!("{requests} requests a round, median of {ROUNDS} rounds");
    println!(
        "{:<6} {:>5} {:>11} {:>8} {:>8} {:>11} {:>6} {:>13}",
        "server", "conns", "requests/s", "p50 ms", "p99 ms", "CPU us/req", "ratio", "entries/sync"
    );
    let only = option("--connections").map(|number| number.parse::<usize>().unwrap());
    for connections in only.map_or(CONNECTIONS.to_vec(), |only| vec![only]) {
        let rounds: Vec<(Measured, Measured)> = (0..ROUNDS)
            .map(|_| {
                let floor = load.run(&floor, connections, requests);
                (floor, load.run(&agent, connections, requests))
            })
            .collect();
        let median = |figure: fn(&(Measured, Measured)) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        println!(
            "{:<6} {connections:>5} {:>11.0} {:>8.2} {:>8.2} {:>11.1} {:>6.2} {:>13}",
            "floor",
            median(|(floor, _)| floor.per_second),
            median(|(floor, _)| floor.p50 * 1e3),
            median(|(floor, _)| floor.p99 * 1e3),
            median(|(floor, _)| floor.cpu * 1e6),
            1.0,
            "-",
        );
        println!(
            "{:<6} {connections:>5} {:>11.0} {:>8.2} {:>8.2} {:>11.1} {:>6.2} {:>13.1}",
            "agent",
            median(|(_, agent)| agent.per_second),
            median(|(_, agent)| agent.p50 * 1e3),
            median(|(_, agent)| agent.p99 * 1e3),
            median(|(_, agent)| agent.cpu * 1e6),
            median(|(floor, agent)| agent.cpu / floor.cpu),
            median(|(_, agent)| agent.shared),
        );
    }
}
