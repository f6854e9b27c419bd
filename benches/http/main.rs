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

#[path = "../common/mod.rs"]
mod common;

mod load;
mod provider;

use common::{
    figures::{self, median, option},
    server::Server,
    vault::{SERVICE, Vault},
};
use load::{Load, Measured, Way};

/// The provider's key, by its name in the vault.
const SECRET: &str = "provider/root";
const KEY: &str = "the-root-key-of-the-provider-0123456789";
/// Connections at the same time.
const CONNECTIONS: [usize; 2] = [1, 16];
/// Rounds of each measurement, the two ways in turns; the median counts.
const ROUNDS: usize = 3;

fn main() {
    if let Some(directory) = option("--provider") {
        return provider::serve(directory.as_ref());
    }
    let requests = figures::requests(5_000, 100);

    let vault = Vault::create();
    let provider = Server::this_program("--provider", vault.path());
    fill(&vault, &provider);
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
        for (at, way) in ["direct", "agent"].into_iter().enumerate() {
            println!(
                "{way:<7} {connections:>5} {:>10.0} {:>7.2} {:>7.2} {:>7.0} {:>7.0} {:>9.0} {:>7.0} {:>6.2}",
                median(&rounds, |round| round[at].pace.per_second),
                median(&rounds, |round| round[at].pace.p50 * 1e3),
                median(&rounds, |round| round[at].pace.p99 * 1e3),
                median(&rounds, |round| round[at].caller * 1e6),
                median(&rounds, |round| round[at].agent * 1e6),
                median(&rounds, |round| round[at].provider * 1e6),
                median(&rounds, |round| round[at].all() * 1e6),
                median(&rounds, |round| round[at].all() / round[0].all()),
            );
        }
        println!(
            "added   {connections:>5} {:>10} {:>7.2} {:>7.2} {:>15.0}",
            "",
            median(&rounds, |[direct, agent]| (agent.pace.p50
                - direct.pace.p50)
                * 1e3),
            median(&rounds, |[direct, agent]| (agent.pace.p99
                - direct.pace.p99)
                * 1e3),
            median(&rounds, |[_, agent]| agent.agent * 1e6),
        );
    }
}

/// Puts in the provider's key, and lets the service have a part of it.
fn fill(vault: &Vault, provider: &Server) {
    let url = format!("https://{}", provider.address);
    let cacert = provider::certificate(vault.path());
    let mut add = vec!["secret", "add", SECRET, "--kind", "token"];
    add.extend(["--base-url", &url, "--network", "127.0.0.1/32"]);
    add.extend(["--cacert", cacert.to_str().unwrap()]);
    vault.run(&add, KEY);
    let policy = format!(
        r#"permit (principal == Service::"{SERVICE}", action == Action::"http", resource == Secret::"{SECRET}")
           when {{ context.http.method == "POST" && context.http.path like "/apps/*/releases" }};"#
    );
    vault.run(&["policy", "set", "releases", "-"], &policy);
}
