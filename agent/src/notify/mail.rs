//! The `mail` channel: each notification is a message to a mail server, over TLS.
//!
//! Delivered means that the server took it for at least one of the channel's recipients, and for each
//! other one that it does not refuse.

use std::{
    collections::BTreeSet,
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use lettre::{
    Address,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use serde::{Deserialize, Deserializer, de};
use serde_json::json;
use strongroom::{
    approval::Shown, binding::Destination, name::Name, notification::Notification,
    store::Reader as _, vault::ChannelCredential,
};
use tokio::sync::Mutex;

use super::{
    credential::{self, Credential},
    tell::Tell,
};
use crate::{home::machine_name, host::Host};

mod connection;
mod html;
mod letter;
mod recipients;

use connection::{Connection, NotSent, Refusal, Security, Server};
use letter::Letter;
pub use recipients::Mailboxes;
use recipients::address;

/// How long one delivery may take, with all that it consists of.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// The most recipients of one channel.
const MOST_RECIPIENTS: usize = 50;

/// `kind = "mail"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The mail server's name, or its address.
    pub host: String,
    /// Without it 465 for implicit TLS, 587 for STARTTLS, 25 for none.
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: Tls,
    #[serde(deserialize_with = "mailbox")]
    pub from: Mailbox,
    #[serde(deserialize_with = "mailboxes")]
    pub to: Vec<Mailbox>,
    /// A secret of kind `basic`: what to log in with.
    pub credential: Option<Name>,
    /// PEM certificates to trust instead of the platform's, where there is no credential; one has
    /// them in its binding.
    pub cacert: Option<PathBuf>,
}

/// How what is sent is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// From the first byte.
    #[default]
    Implicit,
    /// After `STARTTLS`, before anything else.
    #[serde(rename = "starttls")]
    Upgraded,
    None,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        let name = &self.name;
        Destination::of_host(&self.host, self.port()).with_context(|| {
            format!("channel `{name}`: `host` is a name such as `mail.example.com`, or an address")
        })?;
        if !(1..=MOST_RECIPIENTS).contains(&self.to.len()) {
            bail!("channel `{name}`: `to` has 1 to {MOST_RECIPIENTS} addresses");
        }
        let is_here = |host: &str| host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self.tls == Tls::None && !is_here(&self.host) {
            bail!(
                "channel `{name}`: `tls = \"none\"` is for a mail server on this machine only, by its address (127.0.0.1 or ::1); use \"implicit\" or \"starttls\""
            );
        }
        if self.cacert.is_some() && self.tls == Tls::None {
            bail!(
                "channel `{name}`: without TLS there is no certificate to check; leave `cacert` out"
            );
        }
        // Else whoever writes this file could have the password sent to a server of their own.
        if self.cacert.is_some() && self.credential.is_some() {
            bail!(
                "channel `{name}`: where the credential goes is what its binding says; put the certificates there (`strongroom secret bind … --channel-cacert FILE`) and leave `cacert` out"
            );
        }
        Ok(())
    }

    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::Implicit => 465,
            Tls::Upgraded => 587,
            Tls::None => 25,
        })
    }
}

pub struct Mail {
    host: Arc<Host>,
    settings: Settings,
    /// The certificates of the settings.
    cacert: Option<String>,
    /// What was delivered with last.
    open: Mutex<Option<Open>>,
}

/// A connection, with what it was logged in with.
struct Open {
    connection: Connection,
    with: Option<Arc<Credential>>,
}

/// What goes along with a request that waits.
struct Pending {
    /// The entry as it stands in the audit log, as `strongroom approve --from` reads it.
    file: String,
    /// Whom to ask.
    approvers: Vec<Address>,
}

impl Mail {
    pub async fn open(host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        let cacert = settings.cacert.as_ref().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
        });
        let mail = Self {
            host: Arc::clone(host),
            settings: settings.clone(),
            cacert: cacert.transpose()?,
            open: Mutex::default(),
        };
        // What is missing is better said now than with the first notification.
        mail.credential().await?;
        Ok(mail)
    }

    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let mut kept = self.open.lock().await;
        // What fails or is cut off leaves no connection in the middle of a dialogue.
        let mut open = self.connection(kept.take()).await?;
        let Settings { name, from, to, .. } = &self.settings;
        let pending = self.pending(notification)?;
        let approvers = pending
            .as_ref()
            .map_or(&[][..], |pending| &pending.approvers);
        let letter = Letter {
            notification,
            channel: name,
            origin: self.host.origin(),
            from,
            to,
            cc: approvers,
            file: pending.as_ref().map(|pending| pending.file.as_str()),
        };
        let mailbox = self.host.mailboxes().of(name);
        let mailbox = || mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        let id = notification.id.as_str();
        let own: BTreeSet<&Address> = to.iter().map(|to| &to.email).collect();
        let all: BTreeSet<&Address> = own.iter().copied().chain(approvers).collect();
        let left: Vec<Address> = all
            .into_iter()
            .filter(|address| !mailbox().has(id, address))
            .cloned()
            .collect();
        if !left.is_empty() {
            let refused = send(&mut open.connection, &letter, &left).await?;
            mailbox().sent(id, &left, &refused);
        }
        *kept = Some(open);
        let mut mailbox = mailbox();
        let others = recipients::everybody(&self.host.vault().catalog());
        mailbox.forget_all_but(|address| own.contains(address) || others.contains(address));
        let refused = mailbox.refused();
        self.host.channels().remark(name, refused.clone());
        if !own.iter().any(|address| mailbox.has(id, address)) {
            bail!(
                "nobody whom this channel tells gets mail: {}",
                refused.unwrap_or_default()
            );
        }
        if let Some((address, refusal)) = left
            .iter()
            .find_map(|address| Some((address, mailbox.waits_for(address)?)))
        {
            bail!("the mail server does not take it for `{address}` now: {refusal}");
        }
        Ok(())
    }

    /// What goes along, for a request that waits.
    fn pending(&self, notification: &Notification) -> anyhow::Result<Option<Pending>> {
        if notification.kind != "pending" {
            return Ok(None);
        }
        let stored = self
            .host
            .read(|store| store.entries(notification.index, 1))?;
        let Some(stored) = stored.into_iter().next() else {
            return Ok(None);
        };
        let Some(asked) = Shown::of_line(stored.index, stored.line) else {
            return Ok(None);
        };
        let approvers = recipients::approvers(&self.host.vault().catalog(), &asked);
        let is_other = |address: &Address| {
            let mut own = self.settings.to.iter();
            !own.any(|to| to.email == *address)
        };
        Ok(Some(Pending {
            approvers: approvers.into_iter().filter(is_other).collect(),
            file: serde_json::to_string_pretty(&json!({
                "agent": self.host.identity().thumbprint().as_str(),
                "id": asked.id.to_string(),
                "entry": asked.line,
            }))?,
        }))
    }

    /// The connection that is open already, if it does, or a new one.
    async fn connection(&self, kept: Option<Open>) -> anyhow::Result<Open> {
        let with = self.credential().await?;
        let same = |kept: &Open| match (&kept.with, &with) {
            (None, None) => true,
            (Some(kept), Some(now)) => Arc::ptr_eq(kept, now),
            _ => false,
        };
        if let Some(mut kept) = kept.filter(same)
            && kept.connection.is_alive().await
        {
            return Ok(kept);
        }
        let credentials = match with.as_ref().map(|credential| &credential.value) {
            None => None,
            Some(ChannelCredential::Basic { username, password }) => Some(Credentials::new(
                username.as_str().to_owned(),
                password.as_str().to_owned(),
            )),
            Some(_) => {
                bail!("a mail server takes a user name and a password: a secret of kind `basic`")
            }
        };
        let server = Server {
            host: &self.settings.host,
            port: self.settings.port(),
            security: self.security(with.as_deref())?,
            hello: hello(),
        };
        Ok(Open {
            connection: Connection::open(server, credentials.as_ref()).await?,
            with,
        })
    }

    async fn credential(&self) -> anyhow::Result<Option<Arc<Credential>>> {
        let Settings {
            name,
            host,
            credential,
            ..
        } = &self.settings;
        let Some(secret) = credential else {
            return Ok(None);
        };
        let to = Destination::of_host(host, self.settings.port())?.to_string();
        credential::take(&self.host, name, secret, &to)
            .await
            .map(Some)
    }

    fn security(&self, with: Option<&Credential>) -> anyhow::Result<Security> {
        let secure = match self.settings.tls {
            Tls::None => return Ok(Security::None),
            Tls::Implicit => Security::Implicit,
            Tls::Upgraded => Security::StartTls,
        };
        let cacert = match with {
            Some(credential) => credential.of.cacert.as_deref(),
            None => self.cacert.as_deref(),
        };
        let mut parameters = TlsParameters::builder(self.settings.host.clone());
        if let Some(pem) = cacert {
            let authorities = Certificate::from_pem(pem.as_bytes())
                .context("`cacert` has no certificates that can be read")?;
            parameters = parameters
                .certificate_store(CertificateStore::None)
                .add_root_certificate(authorities);
        }
        Ok(secure(parameters.build()?))
    }
}

/// Sends it, or less of it if the server does not take it: who was refused.
async fn send(
    connection: &mut Connection,
    letter: &Letter<'_>,
    to: &[Address],
) -> anyhow::Result<Vec<(Address, Refusal)>> {
    let from = &letter.from.email;
    let refusal = match connection.send(from, to, &letter.whole()?).await {
        Ok(refused) => return Ok(refused),
        Err(NotSent::Failed(error)) => return Err(error),
        Err(NotSent::Message(refusal)) => refusal,
    };
    // It would refuse it for ever, and nobody would be told of anything any more.
    let bare = letter.bare(&refusal.to_string())?;
    match connection.send(from, to, &bare).await {
        Ok(refused) => Ok(refused),
        Err(NotSent::Failed(error)) => Err(error),
        Err(NotSent::Message(refusal)) => {
            bail!("the mail server takes no message from here: {refusal}")
        }
    }
}

/// How the agent introduces itself: RFC 5321 section 4.1.4 wants a whole domain name, or an address.
fn hello() -> ClientId {
    match machine_name().filter(|name| name.contains('.')) {
        Some(name) => ClientId::Domain(name),
        None => ClientId::default(),
    }
}

/// An address, with a name or without.
fn mailbox_of(text: &str) -> Result<Mailbox, String> {
    let mailbox = text.parse::<Mailbox>().map_err(|_| {
        format!(
            "`{}` is not an address such as `ops@example.com` or `Ops <ops@example.com>`",
            text.escape_debug()
        )
    })?;
    address(mailbox.email.as_ref())?;
    match mailbox
        .name
        .as_ref()
        .is_some_and(|name| name.contains(char::is_control))
    {
        true => Err("a name has control characters in it".to_owned()),
        false => Ok(mailbox),
    }
}

fn mailbox<'de, D: Deserializer<'de>>(from: D) -> Result<Mailbox, D::Error> {
    mailbox_of(&String::deserialize(from)?).map_err(de::Error::custom)
}

fn mailboxes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Mailbox>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let each = texts.iter().map(|text| mailbox_of(text));
    each.collect::<Result<_, _>>().map_err(de::Error::custom)
}

#[cfg(test)]
mod tests;
