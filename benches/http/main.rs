//! What a call costs through the agent, beside the same call made directly, in one run.
//!
//! Directly, the caller has the provider's key and sends the request itself. Through the agent, it
//! signs a request to the agent, which decides, records, attaches the key, calls the provider,
//! searches the answer for the key, records how it ended, signs and answers. All connections are
//! TLS and stay open; the provider is a bare hyper and rustls server that looks at the key.
//!
//! The figures to look at are the CPU time that the agent adds to a request, and the ratio of what
//! all processes together use: wall time depends on what else the machine does, and here all of
//! them run on the same cores. Latency is what the caller waits for an answer.
//!
//! `cargo bench -p strongroom-agent --bench http -- --requests 20000 --connections 16` asks more
//! often than the default, and over that many connections only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops, and it prints what it measured"
)]

mod load;
mod provider;
mod servers;

use load::{Load, Measured, Way};
use servers::{Server, Vault};

/// Connections at the same time.
const CONNECTIONS: [usize; 2] = [1, 16];
/// Rounds of each measurement, the two ways in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(directory) = option("--provider") {
        return provider::serve(directory.as_ref());
    }
    // `cargo test --benches` only wants to know that it runs.
    let default = if arguments.iter().any(|argument| argument == "--bench") {
        5_000
    } else {
        100
    };
    let requests: usize = option("--requests").map_or(default, |number| number.parse().unwrap());

    let vault = Vault::create();
    let provider = Server::provider(&vault);
    vault.fill(&provider);
    let agent = Server::agent(&vault);
    let load = Load::new(&vault, &provider, &agent);

    println!("{requests} requests a round, median of {ROUNDS} rounds; CPU in us for a request");
    println!(
        "{:<7} {:>5} {:>10} {:>7} {:>7} {:>7} {:>7} {:>9} {:>7} {:>6}",
        "way",
        "conns",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "caller",
        "agent",
        "provider",
        "all",
        "ratio"
    );
    let only = option("--connections").map(|number| number.parse::<usize>().unwrap());
    for connections in only.map_or(CONNECTIONS.to_vec(), |only| vec![only]) {
        let rounds: Vec<[Measured; 2]> = (0..ROUNDS)
            .map(|_| [Way::Direct, Way::Agent].map(|way| load.run(way, connections, requests)))
            .collect();
        let median = |figure: &dyn Fn(&[Measured; 2]) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        for (at, way) in ["direct", "agent"].into_iter().enumerate() {
            println!(
                "{way:<7} {connections:>5} {:>10.0} {:>7.2} {:>7.2} {:>7.0} {:>7.0} {:>9.0} {:>7.0} {:>6.2}",
                median(&|round| round[at].per_second),
                median(&|round| round[at].p50 * 1e3),
                median(&|round| round[at].p99 * 1e3),
                median(&|round| round[at].caller * 1e6),
                median(&|round| round[at].agent * 1e6),
                median(&|round| round[at].provider * 1e6),
                median(&|round| round[at].all() * 1e6),
                median(&|round| round[at].all() / round[0].all()),
            );
        }
        println!(
            "added   {connections:>5} {:>10} {:>7.2} {:>7.2} {:>15.0}",
            "",
            median(&|[direct, agent]| (agent.p50 - direct.p50) * 1e3),
            median(&|[direct, agent]| (agent.p99 - direct.p99) * 1e3),
            median(&|[_, agent]| agent.agent * 1e6),
        );
    }
}
