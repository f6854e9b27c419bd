//! The floor: what any server must do that is asked like this. It reads the request, verifies its
//! signature, signs the message, and signs the answer. TLS, HTTP and runtime are set as the
//! agent sets them; there is no policy, no audit log, and the key lies ready in memory.

use std::{convert::Infallible, fs, path::Path, sync::Arc, time::Duration};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use jiff::Timestamp;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    server::NoServerSessionStorage,
};
use serde::{Deserialize, Serialize};
use strongroom::{
    answer::Answer,
    identity::Identity,
    request::SignedMessage,
    service::{EnrolledKey, PublicKey, Services, Thumbprint},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::common::vault::{self, SERVICE};

struct Floor {
    identity: Identity,
    services: Services,
    key: Ed25519KeyPair,
}

#[derive(Deserialize)]
struct Body {
    agent: Thumbprint,
    input: Input,
}

#[derive(Deserialize)]
struct Input {
    message: String,
}

#[derive(Serialize)]
struct Success {
    result: Signed,
}

#[derive(Serialize)]
struct Signed {
    signature: String,
    algorithm: &'static str,
    version: u32,
}

/// Prints the address on a line, then serves until it is killed.
pub fn serve(directory: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(listen(directory));
}

async fn listen(directory: &Path) {
    let identity = vault::identity(directory);
    let acceptor = acceptor(&vault::certificate(directory), identity.tls_pkcs8());
    let public = fs::read_to_string(vault::public_key(directory)).unwrap();
    let enrolled = EnrolledKey {
        service: SERVICE.parse().unwrap(),
        key: PublicKey::parse(&public).unwrap(),
        suspended: false,
    };
    let floor = Arc::new(Floor {
        identity,
        services: Services::new([enrolled]),
        key: Ed25519KeyPair::generate().unwrap(),
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        tokio::spawn(connection(Arc::clone(&floor), acceptor.clone(), stream));
    }
}

/// As `agent/src/serve/listen.rs` does it.
fn acceptor(certificate: &Path, key: &[u8]) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(certificate)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivatePkcs8KeyDer::from(key.to_vec()).into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    TlsAcceptor::from(Arc::new(config))
}

/// As `agent/src/serve/connection.rs` does it.
async fn connection(floor: Arc<Floor>, acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(16 * 1024);
    let service = service_fn(move |request: Request<Incoming>| {
        let floor = Arc::clone(&floor);
        async move { Ok::<_, Infallible>(floor.answer(request).await) }
    });
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Floor {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, 1 << 20)
            .collect()
            .await
            .unwrap()
            .to_bytes();
        let now = Timestamp::now();

        let message =
            SignedMessage::parse(&parts.method, parts.uri.path(), &parts.headers, &body).unwrap();
        let asked: Body = serde_json::from_slice(&body).unwrap();
        self.services
            .authenticate(&message, &asked.agent, self.identity.thumbprint(), now)
            .unwrap();
        let signature = self
            .key
            .sign(&STANDARD.decode(asked.input.message).unwrap());
        let result = Signed {
            signature: STANDARD.encode(signature),
            algorithm: "Ed25519",
            version: 1,
        };
        let answer = Answer::json(StatusCode::OK, &Success { result });
        let headers = answer.sign(&self.identity, Some(message.signature()), now);

        let mut reply = Response::new(Full::new(Bytes::from(answer.body)));
        *reply.status_mut() = answer.status;
        reply
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply.headers_mut().extend(headers);
        reply
    }
}
