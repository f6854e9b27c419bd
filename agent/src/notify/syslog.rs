//! The `syslog` channel: RFC 5424 messages, over TLS (RFC 5425) or to a socket on this machine.

use std::{
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use strongroom::{
    name::Name,
    notification::{Notification, Urgency},
};

use super::{local::Local, tell::Tell};
use crate::host::Host;

mod message;
mod tls;

use message::Writer;
pub use message::timestamp;
use tls::Receiver;

/// The name under which the messages stand.
pub const APP_NAME: &str = "strongroom";
/// The port of syslog over TLS, RFC 5425 section 4.1.
const PORT: u16 = 6514;
/// What each receiver has to take, and the most that is sent (RFC 5425 section 4.3.1).
const SHORTEST: usize = 2048;
const LONGEST: usize = 64 * 1024;

/// `kind = "syslog"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The receiver over TLS, `logs.example.com` or `logs.example.com:6514`.
    pub server: Option<String>,
    /// PEM certificates to trust instead of the platform's; with a `certificate`, its binding says it.
    pub cacert: Option<PathBuf>,
    /// The secret, of kind `mtls`, whose certificate is shown to the receiver.
    pub certificate: Option<Name>,
    /// A socket on this machine; `/dev/log` if there is no `server`.
    pub socket: Option<PathBuf>,
    #[serde(default)]
    pub facility: Facility,
    /// The name of this machine, if it is not the one that it says.
    pub hostname: Option<String>,
    /// The owner's own private enterprise number, as IANA assigned it.
    pub enterprise: Option<u32>,
    /// The longest message, in bytes.
    #[serde(default = "default_longest")]
    pub max_bytes: usize,
}

fn default_longest() -> usize {
    8192
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        match (&self.server, &self.socket) {
            (Some(_), Some(_)) => bail!(
                "channel `{name}`: `server` and `socket` are two ways; give the one that is meant"
            ),
            (Some(server), None) => {
                host_and_port(server).with_context(|| format!("channel `{name}`: `server`"))?;
                if self.cacert.is_some() && self.certificate.is_some() {
                    bail!(
                        "channel `{name}`: whom a certificate of the vault is shown to is said in its binding: put `cacert` there"
                    )
                }
            }
            (None, socket) => {
                if socket.as_ref().is_some_and(|socket| !socket.is_absolute()) {
                    bail!(
                        "channel `{name}`: `socket` must be a path from the root, such as `/dev/log`"
                    )
                }
                if self.cacert.is_some() || self.certificate.is_some() {
                    bail!(
                        "channel `{name}`: `cacert` and `certificate` are for TLS; give the `server`"
                    )
                }
            }
        }
        if let Some(hostname) = &self.hostname
            && !message::is_printable(hostname, 255)
        {
            bail!(
                "channel `{name}`: `hostname` must be 1 to 255 printable ASCII characters without spaces"
            )
        }
        // 0 is reserved, and 32473 is for examples (RFC 5612): who sends it is nobody.
        if matches!(self.enterprise, Some(0 | 32473)) {
            bail!(
                "channel `{name}`: `enterprise` must be a number that IANA assigned to you; leave it out if you have none"
            )
        }
        if !(SHORTEST..=LONGEST).contains(&self.max_bytes) {
            bail!(
                "channel `{name}`: `max_bytes` is {}; it must be from {SHORTEST} to {LONGEST}",
                self.max_bytes
            )
        }
        Ok(())
    }
}

/// `host`, `host:port`, `[::1]:port`.
fn host_and_port(server: &str) -> anyhow::Result<(String, u16)> {
    let mistake = || format!("`{server}` is not a host and port such as `logs.example.com:6514`");
    if let Ok(address) = server.parse::<IpAddr>() {
        return Ok((address.to_string(), PORT));
    }
    let authority: http::uri::Authority = server.parse().with_context(mistake)?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16();
    // A port that is no number would be left out without a word, and a user name makes no sense.
    let is_whole = match port {
        Some(port) => server == format!("{}:{port}", authority.host()),
        None => server == authority.host(),
    };
    if host.is_empty() || !is_whole {
        bail!(mistake());
    }
    Ok((host.to_owned(), port.unwrap_or(PORT)))
}

/// Which part of a system a message is about, RFC 5424 section 6.2.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Facility {
    User = 1,
    Mail,
    Daemon,
    Auth,
    Syslog,
    Lpr,
    News,
    Uucp,
    Cron,
    #[default]
    AuthPriv,
    Ftp,
    Ntp,
    Audit,
    Alert,
    Clock,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Facility {
    pub fn code(self) -> u8 {
        self as u8
    }
}

/// How severe a notification is, RFC 5424 section 6.2.1.
pub fn severity(urgency: Urgency) -> u8 {
    match urgency {
        // Alert: action must be taken immediately.
        Urgency::Urgent => 1,
        // Notice: normal but significant condition.
        Urgency::Normal => 5,
        // Informational.
        Urgency::Quiet => 6,
    }
}

pub struct Syslog {
    writer: Writer,
    way: Way,
    /// How many messages were sent, for the receiver to see that one is missing.
    sent: AtomicU32,
}

enum Way {
    Tls(Box<Receiver>),
    Local(Local),
}

impl Syslog {
    pub async fn open(host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let way = match &settings.server {
            Some(server) => {
                let (name, port) = host_and_port(server)?;
                Way::Tls(Box::new(Receiver::open(host, settings, &name, port).await?))
            }
            None => Way::Local(Local::new(
                settings
                    .socket
                    .as_deref()
                    .unwrap_or_else(|| "/dev/log".as_ref()),
            )),
        };
        Ok(Self {
            writer: Writer::new(settings),
            way,
            sent: AtomicU32::new(0),
        })
    }

    /// Delivered means: over TLS, that the receiver ended the connection as it has to, after the
    /// message; at a socket, that the message waits in its queue.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let sequence = message::sequence(self.sent.fetch_add(1, Ordering::Relaxed));
        let message = self.writer.message(notification, sequence);
        match &self.way {
            Way::Tls(receiver) => receiver.deliver(&message).await,
            Way::Local(local) => {
                let send = async {
                    let socket = local.connect().await?;
                    Local::patiently(socket.send(&message)).await
                };
                send.await
                    .map(|_| ())
                    .with_context(|| format!("nobody takes it at `{}`", local.path().display()))
            }
        }
    }
}

#[cfg(test)]
pub mod tests;
