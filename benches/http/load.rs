//! The load: connections that each call again as soon as they are answered, in either way. The
//! first answer on each connection is checked in full.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header, response::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::{Value, json};
use strongroom::{
    client::{self, AgentKeys, CheckedAnswer, Draft, SignedRequest, SigningKey},
    operation::OperationName,
    request::PATH,
};
use tokio::{net::TcpStream, runtime::Runtime, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::{
    provider::ANSWER,
    servers::{KEY, SECRET, Server, Vault, certificate, cpu},
};

/// How long a request is good for.
const VALIDITY: Duration = Duration::from_secs(60);
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
    pub per_second: f64,
    /// Seconds from sending a request to having its answer.
    pub p50: f64,
    pub p99: f64,
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
    asker: Arc<Asker>,
}

/// Who asks, and for what.
struct Asker {
    service: Arc<SigningKey>,
    draft: Draft,
    agent: AgentKeys,
}

type Sender = SendRequest<Full<Bytes>>;

impl<'a> Load<'a> {
    pub fn new(vault: &Vault, provider: &'a Server, agent: &'a Server) -> Self {
        let identity = vault.identity();
        let body: Value = serde_json::from_str(BODY).unwrap();
        let draft = Draft {
            agent: identity.thumbprint().clone(),
            secret: SECRET.parse().unwrap(),
            operation: OperationName::Http,
            input: json!({"method": "POST", "path": TARGET, "body": body}),
            purpose: Some("release 4f2a".to_owned()),
            ticket: None,
            reply_to: None,
        };
        let keys = AgentKeys {
            answers: identity.answer_public().clone(),
            checkpoints: identity.checkpoint_vkey(),
        };
        let certificates: [PathBuf; 2] = [
            certificate(vault.path()),
            vault.home().join("certificate.pem"),
        ];
        Self {
            runtime: Runtime::new().unwrap(),
            provider,
            agent,
            tls: certificates.map(|certificate| trusting(&certificate)),
            asker: Arc::new(Asker {
                service: Arc::clone(&vault.service),
                draft,
                agent: keys,
            }),
        }
    }

    /// One round of about so many requests. Connecting is not part of what is measured.
    pub fn run(&self, way: Way, connections: usize, requests: usize) -> Measured {
        self.runtime.block_on(async {
            let mut senders = Vec::new();
            for _ in 0..connections {
                let mut sender = self.connect(way).await;
                self.asker.ask_and_check(way, &mut sender).await;
                senders.push(sender);
            }
            let each = requests.div_ceil(connections);
            let used = || [cpu("self"), self.agent.cpu(), self.provider.cpu()];
            let (before, start) = (used(), Instant::now());
            let mut asking = JoinSet::new();
            for sender in senders {
                asking.spawn(Arc::clone(&self.asker).ask_again(way, sender, each));
            }
            let mut times: Vec<Duration> = asking.join_all().await.concat();
            let (after, seconds) = (used(), start.elapsed().as_secs_f64());
            times.sort();
            let count = times.len() as f64;
            let spent = |process: usize| (after[process] - before[process]) / count;
            Measured {
                per_second: count / seconds,
                p50: times[times.len() / 2].as_secs_f64(),
                p99: times[times.len() * 99 / 100].as_secs_f64(),
                caller: spent(0),
                agent: spent(1),
                provider: spent(2),
            }
        })
    }

    async fn connect(&self, way: Way) -> Sender {
        let (address, tls) = match way {
            Way::Direct => (self.provider.address, &self.tls[0]),
            Way::Agent => (self.agent.address, &self.tls[1]),
        };
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = tls.connect(name, stream).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }
}

fn trusting(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

impl Asker {
    fn sign(&self) -> SignedRequest {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).unwrap();
        self.draft
            .sign(&self.service, nonce, VALIDITY, Timestamp::now())
            .unwrap()
    }

    /// One call. What the caller does itself is a part of it: signing, or attaching the key.
    async fn ask(&self, way: Way, sender: &mut Sender) -> (Option<SignedRequest>, Parts, Bytes) {
        let (signed, target, headers, body) = match way {
            Way::Agent => {
                let signed = self.sign();
                let body = Bytes::copy_from_slice(signed.body());
                let headers = signed.headers().clone();
                (Some(signed), PATH, headers, body)
            }
            Way::Direct => {
                let mut headers = HeaderMap::new();
                let key = format!("Bearer {KEY}").parse().unwrap();
                headers.insert(header::AUTHORIZATION, key);
                headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
                (None, TARGET, headers, Bytes::from_static(BODY.as_bytes()))
            }
        };
        let mut request = Request::post(target).body(Full::new(body)).unwrap();
        *request.headers_mut() = headers;
        let host = "127.0.0.1".parse().unwrap();
        request.headers_mut().insert(header::HOST, host);
        sender.ready().await.unwrap();
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        (signed, parts, body.collect().await.unwrap().to_bytes())
    }

    async fn ask_and_check(&self, way: Way, sender: &mut Sender) {
        let (signed, parts, body) = self.ask(way, sender).await;
        let Some(signed) = signed else {
            assert_eq!((parts.status, &*body), (StatusCode::OK, ANSWER.as_bytes()));
            return;
        };
        let answer =
            client::check(&signed, parts.status, &parts.headers, &body, &self.agent).unwrap();
        let CheckedAnswer::Result { result, .. } = answer else {
            panic!("{answer:?}")
        };
        let expected: Value = serde_json::from_str(ANSWER).unwrap();
        assert_eq!(
            (&result["status"], &result["body"]),
            (&json!(200), &expected)
        );
    }

    async fn ask_again(
        self: Arc<Self>,
        way: Way,
        mut sender: Sender,
        times: usize,
    ) -> Vec<Duration> {
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let start = Instant::now();
            let (_, parts, body) = self.ask(way, &mut sender).await;
            took.push(start.elapsed());
            let told = || String::from_utf8_lossy(&body).into_owned();
            assert_eq!(parts.status, StatusCode::OK, "{}", told());
        }
        took
    }
}
