//! The provider: a bare hyper and rustls server, which looks at the key and answers some JSON.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::KEY;

/// What it answers: as much as an API says of one thing that was made.
pub const ANSWER: &str = r#"{"id":"01234567-89ab-cdef-0123-456789abcdef","version":11,"status":"succeeded","description":"Deploy 4f2a9c1","current":true,"user":{"id":"01234567-89ab-cdef-0123-456789abcdef","email":"ops@example.com"},"slug":{"id":"01234567-89ab-cdef-0123-456789abcdef"},"created_at":"2026-01-01T12:00:00Z"}"#;

/// The certificate that it shows.
pub fn certificate(directory: &Path) -> PathBuf {
    directory.join("provider.pem")
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
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(certificate(directory), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new());
            let _ = builder
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, 1 << 20).collect().await.unwrap();
    let expected = HeaderValue::from_str(&format!("Bearer {KEY}")).unwrap();
    let allowed = parts.headers.get(header::AUTHORIZATION) == Some(&expected);
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    if !allowed || body.to_bytes().is_empty() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
