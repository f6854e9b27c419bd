//! The service that asks: every request is signed with a nonce of its own, over keep-alive TLS 1.3
//! connections.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Request, header, response::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use serde_json::Value;
use strongroom::{
    client::{AgentKeys, Draft, SignedRequest, SigningKey},
    operation::OperationName,
    request::PATH,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::vault::{Vault, identity};

/// How long a request is good for.
const VALIDITY: Duration = Duration::from_secs(60);

/// An open connection.
pub type Sender = SendRequest<Full<Bytes>>;

/// Who asks, and for what.
pub struct Caller {
    service: Arc<SigningKey>,
    draft: Draft,
    /// What answers are checked with.
    pub agent: AgentKeys,
}

impl Caller {
    pub fn new(vault: &Vault, secret: &str, operation: OperationName, input: Value) -> Self {
        let identity = identity(vault.path());
        Self {
            service: Arc::clone(&vault.service),
            draft: Draft {
                agent: identity.thumbprint().clone(),
                secret: secret.parse().unwrap(),
                operation,
                input,
                purpose: Some("release 4f2a".to_owned()),
                ticket: None,
                reply_to: None,
            },
            agent: AgentKeys {
                answers: identity.answer_public().clone(),
                checkpoints: identity.checkpoint_vkey(),
            },
        }
    }

    /// A new request, signed.
    pub fn sign(&self) -> SignedRequest {
        let mut nonce = [0; 16];
        aws_lc_rs::rand::fill(&mut nonce).unwrap();
        self.draft
            .sign(&self.service, nonce, VALIDITY, Timestamp::now())
            .unwrap()
    }
}

/// Sends a signed request to the agent.
pub async fn ask(sender: &mut Sender, signed: &SignedRequest) -> (Parts, Bytes) {
    let body = Bytes::copy_from_slice(signed.body());
    send(sender, PATH, signed.headers().clone(), body).await
}

/// Sends a POST, and has the whole answer.
pub async fn send(
    sender: &mut Sender,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> (Parts, Bytes) {
    let mut request = Request::post(path).body(Full::new(body)).unwrap();
    *request.headers_mut() = headers;
    let host = "127.0.0.1".parse().unwrap();
    request.headers_mut().insert(header::HOST, host);
    sender.ready().await.unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    (parts, body.collect().await.unwrap().to_bytes())
}

/// TLS that trusts this certificate alone.
pub fn trusting(certificate: &Path) -> TlsConnector {
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

pub async fn connect(address: SocketAddr, tls: &TlsConnector) -> Sender {
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
