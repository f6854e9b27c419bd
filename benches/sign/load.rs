//! The load: connections that each ask again as soon as they are answered. Every request is
//! signed with a nonce of its own; the first answer on each connection is checked in full, so
//! that both servers are known to do what they are measured at.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode, header, response::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde::Deserialize;
use serde_json::json;
use strongroom::{
    client::{self, AgentKeys, CheckedAnswer, Draft, SignedRequest, SigningKey, check_signature},
    operation::OperationName,
    request::PATH,
};
use tokio::{net::TcpStream, runtime::Runtime, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::servers::{self, SECRET, Server, Vault};

/// How long a request is good for.
const VALIDITY: Duration = Duration::from_secs(60);

/// What one round showed.
pub struct Measured {
    pub per_second: f64,
    /// Seconds from sending a request to having its answer.
    pub p50: f64,
    pub p99: f64,
    /// Seconds of the server's CPU for one request.
    pub cpu: f64,
    /// Audit log entries for each checkpoint that they were committed under.
    pub shared: f64,
}

pub struct Load {
    runtime: Runtime,
    tls: TlsConnector,
    asker: Arc<Asker>,
}

/// Who asks, and for what.
struct Asker {
    service: Arc<SigningKey>,
    draft: Draft,
    agent: AgentKeys,
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
    pub fn new(vault: &Vault) -> Self {
        let certificate =
            CertificateDer::from_pem_file(servers::certificate(vault.path())).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let identity = servers::identity(vault.path());
        let draft = Draft {
            agent: identity.thumbprint().clone(),
            secret: SECRET.parse().unwrap(),
            operation: OperationName::Sign,
            input: json!({"message": "YSByZWxlYXNlLCBieSBpdHMgU0hBLTI1NiBvciBzbw=="}),
            purpose: Some("release 4f2a".to_owned()),
            ticket: None,
            reply_to: None,
        };
        let agent = AgentKeys {
            answers: identity.answer_public().clone(),
            checkpoints: identity.checkpoint_vkey(),
        };
        Self {
            runtime: Runtime::new().unwrap(),
            tls: TlsConnector::from(Arc::new(config)),
            asker: Arc::new(Asker {
                service: Arc::clone(&vault.service),
                draft,
                agent,
            }),
        }
    }

    /// One round of about so many requests. Connecting is not part of what is measured.
    pub fn run(&self, server: &Server, connections: usize, requests: usize) -> Measured {
        self.runtime.block_on(async {
            let mut senders = Vec::new();
            for _ in 0..connections {
                let mut sender = self.connect(server).await;
                self.asker.ask_and_check(&mut sender, server.records).await;
                senders.push(sender);
            }
            let each = requests.div_ceil(connections);
            let (cpu, start) = (server.cpu(), Instant::now());
            let mut asking = JoinSet::new();
            for sender in senders {
                asking.spawn(Arc::clone(&self.asker).ask_again(sender, each));
            }
            let seen = asking.join_all().await;
            let (cpu, seconds) = (server.cpu() - cpu, start.elapsed().as_secs_f64());
            Measured::new(seen, seconds, cpu)
        })
    }

    async fn connect(&self, server: &Server) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(server.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = self.tls.connect(name, stream).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }
}

impl Asker {
    fn sign(&self) -> SignedRequest {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).unwrap();
        self.draft
            .sign(&self.service, nonce, VALIDITY, Timestamp::now())
            .unwrap()
    }

    async fn ask_and_check(&self, sender: &mut SendRequest<Full<Bytes>>, records: bool) {
        let signed = self.sign();
        let (parts, body) = send(sender, &signed).await;
        let (status, headers) = (parts.status, &parts.headers);
        if records {
            let answer = client::check(&signed, status, headers, &body, &self.agent).unwrap();
            assert!(matches!(answer, CheckedAnswer::Result { .. }), "{answer:?}");
        } else {
            let key = &self.agent.answers;
            check_signature(status, headers, &body, key, Some(signed.signature())).unwrap();
        }
    }

    async fn ask_again(
        self: Arc<Self>,
        mut sender: SendRequest<Full<Bytes>>,
        times: usize,
    ) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..times {
            let signed = self.sign();
            let start = Instant::now();
            let (parts, body) = send(&mut sender, &signed).await;
            seen.times.push(start.elapsed());
            assert_eq!(
                parts.status,
                StatusCode::OK,
                "{}",
                String::from_utf8_lossy(&body)
            );
            let receipted: Receipted = serde_json::from_slice(&body).unwrap();
            // After an empty line, a receipt ends in the checkpoint that it is under.
            let receipt = receipted.receipt.unwrap_or_default();
            if let Some((_, checkpoint)) = receipt.split_once("\n\n") {
                seen.checkpoints.insert(checkpoint.to_owned());
            }
        }
        seen
    }
}

async fn send(sender: &mut SendRequest<Full<Bytes>>, signed: &SignedRequest) -> (Parts, Bytes) {
    let mut request = Request::post(PATH)
        .body(Full::new(Bytes::copy_from_slice(signed.body())))
        .unwrap();
    *request.headers_mut() = signed.headers().clone();
    request
        .headers_mut()
        .insert(header::HOST, "localhost".parse().unwrap());
    sender.ready().await.unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

impl Measured {
    fn new(seen: Vec<Seen>, seconds: f64, cpu: f64) -> Self {
        let mut times = Vec::new();
        let mut checkpoints = HashSet::new();
        for one in seen {
            times.extend(one.times);
            checkpoints.extend(one.checkpoints);
        }
        times.sort();
        let requests = times.len() as f64;
        Self {
            per_second: requests / seconds,
            p50: times[times.len() / 2].as_secs_f64(),
            p99: times[times.len() * 99 / 100].as_secs_f64(),
            cpu: cpu / requests,
            shared: requests / checkpoints.len() as f64,
        }
    }
}
