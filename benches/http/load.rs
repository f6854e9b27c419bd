//! The load: connections that each call again as soon as they are answered, in either way. The
//! first answer on each connection is checked in full.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header, response::Parts};
use serde_json::{Value, json};
use strongroom::{
    client::{self, CheckedAnswer, SignedRequest},
    operation::OperationName,
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::{
    KEY, SECRET,
    common::{
        caller::{self, Caller, Sender, trusting},
        figures::Pace,
        server::{Server, cpu},
        vault::{self, Vault},
    },
    provider::{self, ANSWER},
};

/// What is asked of the provider.
const TARGET: &str = "/apps/web/releases";
const BODY: &str = r#"{"slug":"01234567-89ab-cdef-0123-456789abcdef"}"#;

/// Which way a call takes.
#[derive(Clone, Copy)]
pub enum Way {
    Direct,
    Agent,
}

/// What one round showed.
pub struct Measured {
    pub pace: Pace,
    /// Seconds of CPU for one request, of each process.
    pub caller: f64,
    pub agent: f64,
    pub provider: f64,
}

impl Measured {
    /// Of all processes together.
    pub fn all(&self) -> f64 {
        self.caller + self.agent + self.provider
    }
}

pub struct Load<'a> {
    runtime: Runtime,
    provider: &'a Server,
    agent: &'a Server,
    /// Whom to trust, in either way.
    tls: [TlsConnector; 2],
    caller: Arc<Caller>,
}

impl<'a> Load<'a> {
    pub fn new(vault: &Vault, provider: &'a Server, agent: &'a Server) -> Self {
        let body: Value = serde_json::from_str(BODY).unwrap();
        let input = json!({"method": "POST", "path": TARGET, "body": body});
        let certificates = [
            provider::certificate(vault.path()),
            vault::certificate(vault.path()),
        ];
        Self {
            runtime: Runtime::new().unwrap(),
            provider,
            agent,
            tls: certificates.map(|certificate| trusting(&certificate)),
            caller: Arc::new(Caller::new(vault, SECRET, OperationName::Http, input)),
        }
    }

    /// One round of about so many requests. Connecting is not part of what is measured.
    pub fn run(&self, way: Way, connections: usize, requests: usize) -> Measured {
        self.runtime.block_on(async {
            let mut senders = Vec::new();
            for _ in 0..connections {
                let mut sender = self.connect(way).await;
                call_and_check(&self.caller, way, &mut sender).await;
                senders.push(sender);
            }
            let each = requests.div_ceil(connections);
            let used = || [cpu("self"), self.agent.cpu(), self.provider.cpu()];
            let (before, start) = (used(), Instant::now());
            let mut calling = JoinSet::new();
            for sender in senders {
                calling.spawn(call_again(Arc::clone(&self.caller), way, sender, each));
            }
            let times: Vec<Duration> = calling.join_all().await.concat();
            let (after, seconds) = (used(), start.elapsed().as_secs_f64());
            let count = times.len() as f64;
            let spent = |process: usize| (after[process] - before[process]) / count;
            Measured {
                pace: Pace::of(times, seconds),
                caller: spent(0),
                agent: spent(1),
                provider: spent(2),
            }
        })
    }

    async fn connect(&self, way: Way) -> Sender {
        let (server, tls) = match way {
            Way::Direct => (self.provider, &self.tls[0]),
            Way::Agent => (self.agent, &self.tls[1]),
        };
        caller::connect(server.address, tls).await
    }
}

/// One call. What the caller does itself is a part of it: signing, or attaching the key.
async fn call(
    caller: &Caller,
    way: Way,
    sender: &mut Sender,
) -> (Option<SignedRequest>, Parts, Bytes) {
    match way {
        Way::Agent => {
            let signed = caller.sign();
            let (parts, body) = caller::ask(sender, &signed).await;
            (Some(signed), parts, body)
        }
        Way::Direct => {
            let mut headers = HeaderMap::new();
            let key = format!("Bearer {KEY}").parse().unwrap();
            headers.insert(header::AUTHORIZATION, key);
            headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            let body = Bytes::from_static(BODY.as_bytes());
            let (parts, body) = caller::send(sender, TARGET, headers, body).await;
            (None, parts, body)
        }
    }
}

async fn call_and_check(caller: &Caller, way: Way, sender: &mut Sender) {
    let (signed, parts, body) = call(caller, way, sender).await;
    let Some(signed) = signed else {
        assert_eq!((parts.status, &*body), (StatusCode::OK, ANSWER.as_bytes()));
        return;
    };
    let answer =
        client::check(&signed, parts.status, &parts.headers, &body, &caller.agent).unwrap();
    let CheckedAnswer::Result { result, .. } = answer else {
        panic!("{answer:?}")
    };
    let expected: Value = serde_json::from_str(ANSWER).unwrap();
    assert_eq!(
        (&result["status"], &result["body"]),
        (&json!(200), &expected)
    );
}

async fn call_again(
    caller: Arc<Caller>,
    way: Way,
    mut sender: Sender,
    times: usize,
) -> Vec<Duration> {
    let mut took = Vec::with_capacity(times);
    for _ in 0..times {
        let start = Instant::now();
        let (_, parts, body) = call(&caller, way, &mut sender).await;
        took.push(start.elapsed());
        let told = || String::from_utf8_lossy(&body).into_owned();
        assert_eq!(parts.status, StatusCode::OK, "{}", told());
    }
    took
}
