//! The TLS 1.3 way in.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use strongroom::request::{Arrival, WayIn};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection;
use crate::{config::Listen, host::Host};

/// Binds the port, so that a mistake is told before the agent says that it is ready.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; choose another address in `agent.toml` under `[listen]`"
        )
    })
}

/// Accepts connections until told to stop, then waits for the requests in flight.
pub async fn run(
    host: Arc<Host>,
    listener: TcpListener,
    acceptor: TlsAcceptor,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(host.config().limits.connections));
    loop {
        // The place is taken before the connection is: a flood waits in the kernel's queue.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            break;
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: give the others time to close.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (host, acceptor, watcher) = (Arc::clone(&host), acceptor.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            // Answers are small and whole: waiting to fill a segment only delays them.
            let _ = stream.set_nodelay(true);
            match tokio::time::timeout(host.config().limits.first_byte(), acceptor.accept(stream))
                .await
            {
                Ok(Ok(stream)) => {
                    let arrival = Arrival {
                        way_in: WayIn::Tls,
                        address: Some(peer.ip()),
                    };
                    connection::serve(host, arrival, stream, watcher).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, %peer, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The TLS configuration: 1.3 only, the owner's certificate or the agent's own.
pub fn acceptor(
    listen: &Listen,
    own_certificate: &Path,
    own_key: &[u8],
) -> anyhow::Result<TlsAcceptor> {
    let (chain, key) = match (&listen.certificate, &listen.key) {
        (Some(certificate), Some(key)) => (certificates(certificate)?, private_key(key)?),
        _ => (
            certificates(own_certificate)?,
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own_key.to_vec())),
        ),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?;
    let builder = match &listen.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| {
                    format!("`{}` is not an authority's certificate", path.display())
                })?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .context("the TLS certificate and its key do not go together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A resumed session would outlive the client certificate that opened it.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A PEM file of certificates.
pub fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = fs::read(path)
        .with_context(|| format!("cannot read the certificate `{}`", path.display()))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .with_context(|| format!("`{}` is not PEM", path.display()))?;
    if chain.is_empty() {
        bail!("`{}` has no certificate in it", path.display());
    }
    Ok(chain)
}

fn private_key(path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_file(path)
        .with_context(|| format!("cannot read a private key from `{}`", path.display()))
}
