//! Syslog over TLS, RFC 5425: octet counting, and a receiver that has proved who it is.
//!
//! Syslog answers nothing, so what was written to a connection may be lost with it. But who receives
//! over TLS has one thing to say: after the sender's `close_notify` it has to answer with its own
//! (RFC 5425 section 4.4), and TLS delivers in order, so that it has then read all that came before,
//! and nobody between could say it instead. Each notification therefore has a connection of its own,
//! and counts as delivered when the receiver has ended that well. Anything else, and the same
//! notification is sent again, with the same id.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject as _,
    },
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use strongroom::{name::Name, vault::ChannelCredential};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::Settings;
use crate::{
    host::Host,
    notify::credential::{self, Credential},
    serve::listen::certificates,
};

/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// What a receiver may say before it ends the connection; it has no reason to say anything.
const MOST_SAID: u64 = 16 * 1024;

/// A receiver over TLS.
pub struct Receiver {
    host: String,
    port: u16,
    name: ServerName<'static>,
    trust: Trust,
}

/// Who is believed to be the receiver, and who this agent is to it.
enum Trust {
    /// The receiver asks for no certificate.
    Anonymous(Arc<ClientConfig>),
    /// It is shown one out of the vault. That is asked for each time, and costs next to nothing as
    /// long as it is the same.
    Certificate {
        agent: Arc<Host>,
        channel: Name,
        secret: Name,
        made: Mutex<Option<(Arc<Credential>, Arc<ClientConfig>)>>,
    },
}

impl Receiver {
    pub async fn open(
        agent: &Arc<Host>,
        settings: &Settings,
        host: &str,
        port: u16,
    ) -> anyhow::Result<Self> {
        let name = ServerName::try_from(host.to_owned())
            .with_context(|| format!("`{host}` is not a host name"))?;
        let trust = match &settings.certificate {
            None => Trust::Anonymous(Arc::new(anonymous(settings)?)),
            Some(secret) => Trust::Certificate {
                agent: Arc::clone(agent),
                channel: settings.name.clone(),
                secret: secret.clone(),
                made: Mutex::default(),
            },
        };
        let receiver = Self {
            host: host.to_owned(),
            port,
            name,
            trust,
        };
        // What is wrong with a certificate is told at once.
        receiver.config().await?;
        Ok(receiver)
    }

    async fn config(&self) -> anyhow::Result<Arc<ClientConfig>> {
        match &self.trust {
            Trust::Anonymous(config) => Ok(Arc::clone(config)),
            Trust::Certificate {
                agent,
                channel,
                secret,
                made,
            } => {
                let to = match self.host.contains(':') {
                    true => format!("[{}]:{}", self.host, self.port),
                    false => format!("{}:{}", self.host, self.port),
                };
                let credential = credential::take(agent, channel, secret, &to).await?;
                let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((with, config)) = made.as_ref()
                    && Arc::ptr_eq(with, &credential)
                {
                    return Ok(Arc::clone(config));
                }
                let config = Arc::new(
                    authenticated(&credential).with_context(|| format!("the secret `{secret}`"))?,
                );
                *made = Some((credential, Arc::clone(&config)));
                Ok(config)
            }
        }
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
        let config = self.config().await?;
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .context("cannot connect")?;
        // The frame and the end of the connection go out at once, each when it is written.
        stream.set_nodelay(true)?;
        let mut stream = TlsConnector::from(config)
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

/// Without a certificate of its own.
fn anonymous(settings: &Settings) -> anyhow::Result<ClientConfig> {
    let builder = match &settings.cacert {
        None => builder()?.with_platform_verifier()?,
        Some(path) => builder()?.with_root_certificates(
            roots(certificates(path)?).with_context(|| format!("`{}`", path.display()))?,
        ),
    };
    Ok(strict(builder.with_no_client_auth()))
}

/// With the certificate, and the authorities that its owner named with it.
fn authenticated(credential: &Credential) -> anyhow::Result<ClientConfig> {
    let ChannelCredential::Certificate(certificate) = &credential.value else {
        bail!("it is not of kind `mtls`, which a client certificate has");
    };
    let builder = match &credential.of.cacert {
        None => builder()?.with_platform_verifier()?,
        Some(pem) => {
            let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            builder()?.with_root_certificates(roots(read.context("`cacert` is not PEM")?)?)
        }
    };
    let chain = certificate.chain.iter().cloned().map(CertificateDer::from);
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.to_vec()));
    let config = builder
        .with_client_auth_cert(chain.collect(), key)
        .context("its certificate can't be used")?;
    Ok(strict(config))
}

fn roots(certificates: Vec<CertificateDer<'static>>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate)
            .context("a certificate can't be trusted as an authority's")?;
    }
    ensure!(!roots.is_empty(), "there is no certificate to trust");
    Ok(roots)
}

/// TLS 1.2 and 1.3, with the suites that RFC 9662 asks for among them, and without early data.
fn builder() -> anyhow::Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?)
}

/// Each connection checks and shows certificates anew: no session outlives one.
fn strict(mut config: ClientConfig) -> ClientConfig {
    config.resumption = Resumption::disabled();
    config
}
