//! Syslog over TLS, RFC 5425: octet counting, and a receiver that has proved who it is.
//!
//! Syslog answers nothing, so what was written to a connection may be lost with it. But who receives
//! over TLS has one thing to say: after the sender's `close_notify` it has to answer with its own
//! (RFC 5425 section 4.4), and TLS delivers in order, so that it has then read all that came before,
//! and nobody between could say it instead. Each notification therefore has a connection of its own,
//! and counts as delivered when the receiver has ended that well. Anything else, and the same
//! notification is sent again, with the same id.

use std::{io, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use rustls::{ClientConfig, RootCertStore, client::Resumption, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::Settings;
use crate::{host::Host, serve::listen::certificates};

/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// What a receiver may say before it ends the connection; it has no reason to say anything.
const MOST_SAID: u64 = 16 * 1024;

/// A receiver over TLS.
pub struct Receiver {
    host: String,
    port: u16,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl Receiver {
    #[expect(
        clippy::unused_async,
        reason = "a certificate out of the vault takes a while"
    )]
    pub async fn open(
        _host: &Arc<Host>,
        settings: &Settings,
        host: &str,
        port: u16,
    ) -> anyhow::Result<Self> {
        let name = ServerName::try_from(host.to_owned())
            .with_context(|| format!("`{host}` is not a host name"))?;
        Ok(Self {
            host: host.to_owned(),
            port,
            name,
            config: Arc::new(config(settings)?),
        })
    }

    pub async fn deliver(&self, message: &[u8]) -> anyhow::Result<()> {
        let Self { host, port, .. } = self;
        let deliver = self.send(message);
        tokio::time::timeout(PATIENCE, deliver)
            .await
            .unwrap_or_else(|_| bail!("it took longer than {} s", PATIENCE.as_secs()))
            .with_context(|| format!("`{host}:{port}`"))
    }

    async fn send(&self, message: &[u8]) -> anyhow::Result<()> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .context("cannot connect")?;
        // The frame and the end of the connection go out at once, each when it is written.
        stream.set_nodelay(true)?;
        let mut stream = TlsConnector::from(Arc::clone(&self.config))
            .connect(self.name.clone(), stream)
            .await
            .context("no TLS connection")?;
        stream.write_all(&frame(message)).await.context(LOST)?;
        stream.shutdown().await.context(LOST)?;
        let mut said = stream.take(MOST_SAID);
        match tokio::io::copy(&mut said, &mut tokio::io::sink()).await {
            Ok(MOST_SAID) => bail!("the receiver talks, which a syslog receiver does not"),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => bail!(
                "the receiver cut the connection off, so that nobody knows whether it has read the message; it has to end it with close_notify (RFC 5425 section 4.4)"
            ),
            Err(error) => Err(error).context(LOST),
        }
    }
}

const LOST: &str = "the connection broke, so that nobody knows whether the message was read";

/// `MSG-LEN SP SYSLOG-MSG`, RFC 5425 section 4.3: one write, one TLS record as a rule.
fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = format!("{} ", message.len()).into_bytes();
    frame.extend_from_slice(message);
    frame
}

/// TLS 1.2 and 1.3, with the suites that RFC 9662 asks for among them, and without early data. Each
/// connection checks the receiver's certificate anew: no session outlives it.
fn config(settings: &Settings) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match &settings.cacert {
        None => builder.with_platform_verifier()?,
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).with_context(|| {
                    format!("`{}` can't be trusted as a certificate", path.display())
                })?;
            }
            builder.with_root_certificates(roots)
        }
    };
    let mut config = builder.with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}
