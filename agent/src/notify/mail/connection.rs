//! A connection to a mail server (RFC 5321), over TLS, that is used for one message after the other.
//!
//! Every answer of the server is waited for within a time, and what it says goes on only escaped and
//! cut: it is text from outside.

use std::{
    error::Error as _,
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail};
use lettre::{
    Address,
    transport::smtp::{
        self,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
        commands::{Data, Mail, Rcpt, Rset},
        extension::ClientId,
    },
};
use strongroom::notification::escaped;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How long a server may take to be reached and to say who it is, TLS included.
const CONNECTING: Duration = Duration::from_secs(30);
/// How long it may take for one command.
const COMMAND: Duration = Duration::from_secs(60);
/// How long it may take to accept a message. RFC 5321 grants ten minutes, because who gives up early
/// sends twice; but a repeat has the same `Message-ID`, and an owner who is not told is worse off.
const MESSAGE: Duration = Duration::from_secs(120);
/// After so long a time without a message a server may have gone away without a word.
const IDLE: Duration = Duration::from_secs(120);

/// How what is sent is protected.
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Implicit(TlsParameters),
    /// TLS before anything but `EHLO` is said (RFC 3207).
    StartTls(TlsParameters),
    /// None: the server is on this machine.
    None,
}

/// Where the mail server is.
pub struct Server<'a> {
    pub host: &'a str,
    pub port: u16,
    pub security: Security,
    /// What it is told at `EHLO`.
    pub hello: ClientId,
}

/// An open connection, between two messages.
pub struct Connection {
    smtp: AsyncSmtpConnection,
    used: Option<Instant>,
}

/// What a server answered instead of yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reply code: 4yz for now, 5yz for good.
    pub code: u16,
    /// What it said, escaped and cut.
    pub text: String,
}

/// Why a message was not sent.
pub enum NotSent {
    /// The connection or the dialogue broke, or the server wants no message at all.
    Failed(anyhow::Error),
    /// The server does not want this one, for good.
    Message(Refusal),
}

impl Refusal {
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

impl Connection {
    /// Connects, and logs in if there is something to log in with.
    pub async fn open(
        server: Server<'_>,
        credentials: Option<&Credentials>,
    ) -> anyhow::Result<Self> {
        let at = format!("the mail server `{}:{}`", server.host, server.port);
        let mut smtp = within(CONNECTING, connect(server))
            .await
            .with_context(|| format!("{at} can't be used"))?;
        if let Some(credentials) = credentials {
            // A server's own words may repeat what it was told: they are left out.
            let logged_in = smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            let logged_in = tokio::time::timeout(COMMAND, logged_in).await;
            match logged_in.with_context(|| format!("{at} takes too long to log in to"))? {
                Ok(_) => {}
                Err(error) => match error.status() {
                    Some(code) if error.is_permanent() => {
                        bail!("{at} does not take the user name and password ({code})")
                    }
                    Some(code) => bail!("{at} can't check the user name and password now ({code})"),
                    None if error.is_client() => {
                        bail!("{at} offers no way to log in by a password; leave `credential` out")
                    }
                    None => bail!("{at} ended the connection at the login"),
                },
            }
        }
        Ok(Self { smtp, used: None })
    }

    /// Whether it can be used once more.
    pub async fn is_alive(&mut self) -> bool {
        match self.used {
            None => true,
            Some(used) if used.elapsed() > IDLE => false,
            Some(_) => within(CONNECTING, command(&mut self.smtp, Rset))
                .await
                .is_ok(),
        }
    }

    /// Sends a message to all that the server takes it for; who was refused, and why. It is sent to
    /// nobody if all were.
    pub async fn send(
        &mut self,
        from: &Address,
        to: &[Address],
        message: &[u8],
    ) -> Result<Vec<(Address, Refusal)>, NotSent> {
        self.used = Some(Instant::now());
        let begin = command(&mut self.smtp, Mail::new(Some(from.clone()), Vec::new()));
        within(COMMAND, begin)
            .await
            .with_context(|| format!("the mail server takes nothing from `{from}`"))
            .map_err(NotSent::Failed)?;
        let mut refused = Vec::new();
        for address in to {
            let recipient = self.smtp.command(Rcpt::new(address.clone(), Vec::new()));
            let answer = timely(COMMAND, recipient).await.map_err(NotSent::Failed)?;
            match answer {
                Ok(_) => {}
                Err(error) => match refusal(&error) {
                    // 421 is no answer about the recipient: the server is about to go away.
                    Some(refusal) if refusal.code != 421 => {
                        refused.push((address.clone(), refusal))
                    }
                    _ => return Err(NotSent::Failed(said(&error))),
                },
            }
        }
        if refused.len() == to.len() {
            return Ok(refused);
        }
        within(COMMAND, command(&mut self.smtp, Data))
            .await
            .map_err(NotSent::Failed)?;
        let answer = timely(MESSAGE, self.smtp.message(message))
            .await
            .map_err(NotSent::Failed)?;
        match answer {
            Ok(_) => Ok(refused),
            Err(error) => match refusal(&error) {
                Some(refusal) if refusal.is_permanent() => Err(NotSent::Message(refusal)),
                _ => Err(NotSent::Failed(said(&error))),
            },
        }
    }
}

async fn connect(server: Server<'_>) -> anyhow::Result<AsyncSmtpConnection> {
    let Server {
        host,
        port,
        security,
        hello,
    } = server;
    match security {
        Security::Implicit(tls) => {
            let connected =
                AsyncSmtpConnection::connect_tokio1((host, port), None, &hello, Some(tls), None);
            connected.await.map_err(|error| said(&error))
        }
        Security::StartTls(tls) => {
            let mut smtp = plainly(host, port, &hello).await?;
            if !smtp.can_starttls() {
                bail!("it does not offer STARTTLS, so it was told nothing");
            }
            let secured = smtp.starttls(tls, &hello).await;
            secured.map_err(|error| said(&error))?;
            if !smtp.is_encrypted() {
                bail!("the connection did not become encrypted");
            }
            Ok(smtp)
        }
        Security::None => plainly(host, port, &hello).await,
    }
}

async fn plainly(host: &str, port: u16, hello: &ClientId) -> anyhow::Result<AsyncSmtpConnection> {
    let stream = TcpStream::connect((host, port)).await?;
    // The end of a message is written by itself: it must not wait until the server has
    // acknowledged the message, which that does late.
    stream.set_nodelay(true)?;
    let stream = Box::new(Plain {
        stream,
        over: false,
    });
    let connected = AsyncSmtpConnection::connect_with_transport(stream, hello).await;
    connected.map_err(|error| said(&error))
}

async fn command(smtp: &mut AsyncSmtpConnection, command: impl fmt::Display) -> anyhow::Result<()> {
    match smtp.command(command).await {
        Ok(_) => Ok(()),
        Err(error) => Err(said(&error)),
    }
}

async fn timely<T>(patience: Duration, answer: impl Future<Output = T>) -> anyhow::Result<T> {
    tokio::time::timeout(patience, answer).await.map_err(|_| {
        anyhow!(
            "the mail server did not answer within {} s",
            patience.as_secs()
        )
    })
}

async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    timely(patience, answer).await?
}

/// What the server refused, if it is a reply of its own.
fn refusal(error: &smtp::Error) -> Option<Refusal> {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    Some(Refusal {
        code: u16::from(error.status()?),
        text: escaped(text.trim()),
    })
}

/// An error as the owner reads it.
fn said(error: &smtp::Error) -> anyhow::Error {
    match refusal(error) {
        Some(refusal) => anyhow!("the mail server answered {refusal}"),
        None => {
            let reason = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            anyhow!("{}", escaped(&reason))
        }
    }
}

/// A connection before TLS, read one byte at a time.
///
/// Whoever is in the middle can put more behind the answer to `STARTTLS`. Read ahead, that would be
/// taken later for answers that came over TLS: of a message that was accepted, for instance. What
/// was not read ahead is no TLS and ends the connection.
#[derive(Debug)]
struct Plain {
    stream: TcpStream,
    /// Whether our side has begun TLS.
    over: bool,
}

/// The first byte of a TLS handshake (RFC 8446 section 5.1); no command begins with it.
const HANDSHAKE: u8 = 22;

impl AsyncTokioStream for Plain {
    fn peer_addr(&self) -> io::Result<std::net::SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.over || buffer.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let mut one = [0];
        let mut one = ReadBuf::new(&mut one);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut one))?;
        buffer.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.over |= bytes.first() == Some(&HANDSHAKE);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
