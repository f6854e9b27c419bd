//! A secret's value for a channel of the owner's: what the channel signs with, logs in with or shows.
//!
//! Where the value may go is in the secret's binding, which the owner signed; what `agent.toml` says
//! only chooses among that. As with [`Vault::reveal`], the value is handed out for the proof that
//! its entry is durable, and that is spent for it.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    Catalog, Change, Changed, NotUsed, Unlocked, Vault, VaultError,
    material::{Basic, Material, Mtls},
    memory,
};
use crate::{
    audit::{Action, By, Event},
    binding::{Channel, Destination},
    errand::ClientCertificate,
    name::Name,
    operation::Kind,
};

/// What a channel may take now. It is another one as soon as the owner rotates, retires, suspends or
/// binds the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForChannel {
    /// The secret; never an alias.
    pub secret: Name,
    /// The number of its binding's record.
    pub bound: u64,
    /// Where the value may go.
    pub to: Destination,
    /// PEM certificates of the authorities to trust there instead of the platform's.
    pub cacert: Option<String>,
    /// The versions that are not retired, the newest, which is the current one, first.
    pub versions: Vec<u32>,
}

/// What a channel needs of a secret, by its kind. Wiped when it is dropped.
pub enum ChannelCredential {
    /// Kind `token`: one line of text.
    Text(Zeroizing<String>),
    /// Kind `hmac`: a key.
    Key(Zeroizing<Vec<u8>>),
    /// Kind `basic`.
    Basic {
        /// The user name.
        username: Zeroizing<String>,
        /// The password.
        password: Zeroizing<String>,
    },
    /// Kind `mtls`: what the TLS connection shows.
    Certificate(ClientCertificate),
}

impl Catalog {
    /// What the channel of this name may take of a secret, to send it `to` there, or to wherever the
    /// binding says if the secret itself is an address. An alias is followed.
    pub fn for_channel(
        &self,
        name: &Name,
        channel: &Name,
        to: Option<&Destination>,
    ) -> Result<ForChannel, VaultError> {
        let secret = self
            .resolve(name)
            .ok_or_else(|| VaultError::NoSecret(name.clone()))?;
        let bound = secret.bound.as_deref();
        let section = bound.and_then(|bound| bound.binding.channel.as_ref());
        let fits =
            |section: &&Channel| section.name == *channel && to.is_none_or(|to| section.to == *to);
        let (Some(bound), Some(section)) = (bound, section.filter(fits)) else {
            return Err(VaultError::NotForChannel {
                secret: secret.name.clone(),
                channel: channel.clone(),
                to: to.map_or_else(|| "URL".to_owned(), ToString::to_string),
                bound: section.map_or_else(
                    || "it is bound to no channel".to_owned(),
                    |section| format!("it is bound to `{}` at `{}`", section.name, section.to),
                ),
            });
        };
        if secret.suspended {
            return Err(VaultError::SuspendedForChannel(secret.name.clone()));
        }
        let unretired = secret.versions().filter(|version| !version.retired);
        let mut versions: Vec<u32> = unretired.map(|version| version.number).collect();
        versions.reverse();
        match versions.is_empty() {
            true => Err(VaultError::Retired(secret.name.clone())),
            false => Ok(ForChannel {
                secret: secret.name.clone(),
                bound: bound.record,
                to: section.to.clone(),
                cacert: section.cacert.clone(),
                versions,
            }),
        }
    }
}

impl Vault {
    /// The wish of a channel to take a version of a secret for its credential. When it is durable, it
    /// is the proof that [`Vault::credential`] asks for.
    pub fn credential_intent(
        &self,
        name: &Name,
        channel: &Name,
        to: Option<&Destination>,
        version: u32,
    ) -> Result<Change, VaultError> {
        let may = self.catalog().for_channel(name, channel, to)?;
        if !may.versions.contains(&version) {
            let secret = may.secret;
            return Err(VaultError::NoVersion { secret, version });
        }
        if !self.is_unlocked() {
            return Err(VaultError::Locked);
        }
        Ok(Change {
            event: Event::Administration {
                action: Action::ChannelOpened,
                subject: Some(may.secret.to_string()),
                version: Some(version),
                detail: Some(said(channel, &may.to)),
                by: By::Agent,
                record: None,
            },
            records: Vec::new(),
            slots: Vec::new(),
        })
    }

    /// A channel's credential. The proof says which: its entry, durable by now, is the
    /// [`Vault::credential_intent`] for this secret, version, channel and destination; what the owner
    /// did since then counts.
    pub fn credential(&self, proof: Changed) -> Result<ChannelCredential, VaultError> {
        let Event::Administration {
            action: Action::ChannelOpened,
            subject: Some(name),
            version: Some(number),
            detail: Some(detail),
            ..
        } = proof.event()
        else {
            return Err(VaultError::NotACredential);
        };
        let name: Name = name.parse().map_err(|_| VaultError::NotACredential)?;
        let unlocked = self.unlocked();
        let Some(unlocked) = unlocked.as_ref() else {
            return Err(VaultError::Locked);
        };
        let catalog = self.catalog();
        let version = catalog.version(&name, *number)?;
        let secret = catalog.secret(&name);
        let section = secret
            .and_then(|secret| secret.bound.as_deref())
            .and_then(|bound| bound.binding.channel.as_ref());
        match (secret, section) {
            (Some(secret), Some(section))
                if !secret.suspended
                    && !version.retired
                    && said(&section.name, &section.to) == *detail => {}
            _ => return Err(VaultError::NotACredential),
        }
        memory::with_clean_stack(|| read(unlocked, version)).map_err(|_| VaultError::Damaged {
            secret: name,
            version: *number,
        })
    }
}

/// What the entry says of where the value goes.
fn said(channel: &Name, to: &Destination) -> String {
    format!("`{channel}`, to `{to}`")
}

fn read(unlocked: &Unlocked, version: &super::Version) -> Result<ChannelCredential, NotUsed> {
    let material: Material = unlocked.open(version)?;
    Ok(match material.kind() {
        Kind::Basic => {
            let basic = Basic::of(&material).map_err(NotUsed::Operation)?;
            ChannelCredential::Basic {
                username: Zeroizing::new(basic.user.to_owned()),
                password: Zeroizing::new(basic.password.to_owned()),
            }
        }
        Kind::Mtls => {
            let certificate = Mtls::of(&material).and_then(Mtls::certificate);
            ChannelCredential::Certificate(certificate.map_err(NotUsed::Operation)?)
        }
        Kind::Hmac => ChannelCredential::Key(material.to_der()),
        _ => {
            let text = material.text().map_err(NotUsed::Operation)?;
            ChannelCredential::Text(Zeroizing::new(text.to_owned()))
        }
    })
}

/// Says what form it has; nothing that is in it.
impl fmt::Debug for ChannelCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "ChannelCredential(text, [secret])",
            Self::Key(_) => "ChannelCredential(key, [secret])",
            Self::Basic { .. } => "ChannelCredential(user name and password, [secret])",
            Self::Certificate(_) => "ChannelCredential(certificate, [secret])",
        })
    }
}
