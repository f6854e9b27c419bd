//! The load of signatures: connections that each ask for one again as soon as they are answered.
//! The first answer on each connection is checked in full, so that a server is known to do what it
//! is measured at.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use strongroom::{
    client::{self, CheckedAnswer, check_signature},
    operation::OperationName,
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::common::{
    caller::{Caller, Sender, ask, connect, trusting},
    figures::Pace,
    server::Server,
    vault::{SERVICE, Vault, certificate},
};

/// The key that is asked to sign.
const SECRET: &str = "bench-key";

/// What an answer has to come with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The agent's signature.
    Signed,
    /// An entry and a receipt as well.
    Recorded,
}

/// What one round showed.
pub struct Measured {
    pub pace: Pace,
    /// Seconds of the server's CPU for one request.
    pub cpu: f64,
    /// Audit log entries for each checkpoint that they were committed under.
    pub shared: f64,
}

pub struct Load {
    runtime: Runtime,
    tls: TlsConnector,
    caller: Arc<Caller>,
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    checkpoints: HashSet<String>,
}

#[derive(Deserialize)]
struct Receipted {
    receipt: Option<String>,
}

impl Load {
    /// Puts the key into the vault, and lets the service sign with it.
    pub fn new(vault: &Vault) -> Self {
        vault.run(&["secret", "generate", SECRET, "--kind", "ed25519"], "");
        vault.run(&["grant", SERVICE, "sign", SECRET], "");
        let input = json!({"message": "YSByZWxlYXNlLCBieSBpdHMgU0hBLTI1NiBvciBzbw=="});
        Self {
            runtime: Runtime::new().unwrap(),
            tls: trusting(&certificate(vault.path())),
            caller: Arc::new(Caller::new(vault, SECRET, OperationName::Sign, input)),
        }
    }

    /// One round of about so many requests. Connecting is not part of what is measured.
    pub fn run(
        &self,
        server: &Server,
        expected: Expected,
        connections: usize,
        requests: usize,
    ) -> Measured {
        self.runtime.block_on(async {
            let mut senders = Vec::new();
            for _ in 0..connections {
                let mut sender = connect(server.address, &self.tls).await;
                ask_and_check(&self.caller, &mut sender, expected).await;
                senders.push(sender);
            }
            let each = requests.div_ceil(connections);
            let (cpu, start) = (server.cpu(), Instant::now());
            let mut asking = JoinSet::new();
            for sender in senders {
                asking.spawn(ask_again(Arc::clone(&self.caller), sender, each));
            }
            let seen = asking.join_all().await;
            let (cpu, seconds) = (server.cpu() - cpu, start.elapsed().as_secs_f64());
            Measured::new(seen, seconds, cpu)
        })
    }
}

async fn ask_and_check(caller: &Caller, sender: &mut Sender, expected: Expected) {
    let signed = caller.sign();
    let (parts, body) = ask(sender, &signed).await;
    let (status, headers) = (parts.status, &parts.headers);
    match expected {
        Expected::Recorded => {
            let answer = client::check(&signed, status, headers, &body, &caller.agent).unwrap();
            assert!(matches!(answer, CheckedAnswer::Result { .. }), "{answer:?}");
        }
        Expected::Signed => {
            let key = &caller.agent.answers;
            check_signature(status, headers, &body, key, Some(signed.signature())).unwrap();
        }
    }
}

async fn ask_again(caller: Arc<Caller>, mut sender: Sender, times: usize) -> Seen {
    let mut seen = Seen::default();
    for _ in 0..times {
        let signed = caller.sign();
        let start = Instant::now();
        let (parts, body) = ask(&mut sender, &signed).await;
        seen.times.push(start.elapsed());
        let told = || String::from_utf8_lossy(&body).into_owned();
        assert_eq!(parts.status, StatusCode::OK, "{}", told());
        let receipted: Receipted = serde_json::from_slice(&body).unwrap();
        // After an empty line, a receipt ends in the checkpoint that it is under.
        let receipt = receipted.receipt.unwrap_or_default();
        if let Some((_, checkpoint)) = receipt.split_once("\n\n") {
            seen.checkpoints.insert(checkpoint.to_owned());
        }
    }
    seen
}

impl Measured {
    fn new(seen: Vec<Seen>, seconds: f64, cpu: f64) -> Self {
        let mut times = Vec::new();
        let mut checkpoints = HashSet::new();
        for one in seen {
            times.extend(one.times);
            checkpoints.extend(one.checkpoints);
        }
        let requests = times.len() as f64;
        Self {
            pace: Pace::of(times, seconds),
            cpu: cpu / requests,
            shared: requests / checkpoints.len() as f64,
        }
    }
}
