//! A channel's credential, out of the vault: taken once, each time with an entry first, and then kept.
//!
//! What is taken stays until the agent ends, also after `lock`: the owner is told while the vault is
//! locked. It is taken again when its owner rotates or binds the secret; it is not used any more when
//! they retire or suspend it, or bind it to something else, and that at the next delivery.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, anyhow};
use strongroom::{
    binding::Destination,
    name::Name,
    vault::{ChannelCredential, ForChannel, VaultError},
};

use crate::{
    administration::{Stop, change},
    host::Host,
};

/// What channels have taken, by channel and secret.
#[derive(Default)]
pub struct Credentials {
    held: Mutex<HashMap<(Name, Name), Arc<Credential>>>,
    /// Two deliveries at once take a credential once.
    taking: tokio::sync::Mutex<()>,
}

/// A channel's credential.
#[derive(Debug)]
pub struct Credential {
    /// What was taken; not the same as before after the owner changed anything about the secret.
    pub of: ForChannel,
    /// The current version's value.
    pub value: ChannelCredential,
    /// The values of the other versions that are not retired, the newest first, if all were taken.
    pub older: Vec<ChannelCredential>,
}

/// Which versions of a secret a channel needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// The newest that is not retired.
    Current,
    /// All that are not retired: what is signed with each of them is understood by a receiver that
    /// has not changed over yet.
    All,
}

/// The credential of `channel`: the current version of this secret (or of what this alias points at),
/// to be sent `to` there, `https://host[:port]` or `host:port`. It fails if the secret is not bound so,
/// and while the vault is locked and it was not taken before ([`is_locked`]).
///
/// Ask for it at every delivery: it is cheap when nothing has changed, and then the same [`Arc`].
/// Without TLS it must go to this machine only; its authorities are those of
/// [`cacert`](ForChannel::cacert) and no others.
pub async fn take(
    host: &Arc<Host>,
    channel: &Name,
    secret: &Name,
    to: &str,
) -> anyhow::Result<Arc<Credential>> {
    let to: Destination = to.parse()?;
    taken(host, channel, secret, Some(&to), Which::Current).await
}

/// The same with all versions that are not retired.
pub async fn take_all(
    host: &Arc<Host>,
    channel: &Name,
    secret: &Name,
    to: &str,
) -> anyhow::Result<Arc<Credential>> {
    let to: Destination = to.parse()?;
    taken(host, channel, secret, Some(&to), Which::All).await
}

/// The same of a secret that itself says where it goes, because it is a URL: the caller makes sure
/// that this is where [`ForChannel::to`] says.
pub async fn take_where_bound(
    host: &Arc<Host>,
    channel: &Name,
    secret: &Name,
) -> anyhow::Result<Arc<Credential>> {
    taken(host, channel, secret, None, Which::Current).await
}

/// Whether it failed only because the vault is locked: it works when that is unlocked.
pub fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(VaultError::Locked))
}

async fn taken(
    host: &Arc<Host>,
    channel: &Name,
    secret: &Name,
    to: Option<&Destination>,
    which: Which,
) -> anyhow::Result<Arc<Credential>> {
    let credentials = host.credentials();
    let key = (channel.clone(), secret.clone());
    if let Some(held) = credentials.current(host, &key, to)? {
        return Ok(held);
    }
    let _one_at_a_time = credentials.taking.lock().await;
    // Somebody may have taken it meanwhile.
    if let Some(held) = credentials.current(host, &key, to)? {
        return Ok(held);
    }
    let of = host.vault().catalog().for_channel(secret, channel, to)?;
    let numbers = match which {
        Which::Current => of.versions.get(..1),
        Which::All => Some(of.versions.as_slice()),
    };
    let mut values = Vec::new();
    for number in numbers.unwrap_or_default() {
        let intent = change(host, |vault| {
            vault.credential_intent(secret, channel, to, *number)
        });
        let proof = intent.await.map_err(|stop| match stop {
            Stop::Locked => VaultError::Locked.into(),
            Stop::PassphraseNeeded => anyhow!("a passphrase is needed"),
            Stop::Failed(message) => anyhow!(message),
        })?;
        values.push(host.vault().credential(proof)?);
    }
    let mut values = values.into_iter();
    let credential = Arc::new(Credential {
        of,
        value: values.next().context("the secret has no version in use")?,
        older: values.collect(),
    });
    credentials.held().insert(key, Arc::clone(&credential));
    Ok(credential)
}

impl Credentials {
    /// What is held, if it still counts; what does not count any more is forgotten.
    fn current(
        &self,
        host: &Host,
        key: &(Name, Name),
        to: Option<&Destination>,
    ) -> Result<Option<Arc<Credential>>, VaultError> {
        let (channel, secret) = key;
        let may = host.vault().catalog().for_channel(secret, channel, to);
        let mut held = self.held();
        let may = may.inspect_err(|_| drop(held.remove(key)))?;
        let Some(credential) = held.get(key) else {
            return Ok(None);
        };
        if credential.of == may {
            return Ok(Some(Arc::clone(credential)));
        }
        // Locked between the change and the delivery: what was taken does, as long as all of it is
        // still meant for there.
        let still = credential.of.secret == may.secret
            && credential.of.to == may.to
            && credential.of.cacert == may.cacert
            && credential
                .taken()
                .all(|number| may.versions.contains(&number));
        match still && !host.vault().is_unlocked() {
            true => Ok(Some(Arc::clone(credential))),
            false => {
                held.remove(key);
                Ok(None)
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(Name, Name), Arc<Credential>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Credential {
    /// All values, the current version's first.
    pub fn values(&self) -> impl Iterator<Item = &ChannelCredential> {
        std::iter::once(&self.value).chain(&self.older)
    }

    /// The numbers of the versions whose values these are.
    fn taken(&self) -> impl Iterator<Item = u32> {
        let count = 1 + self.older.len();
        self.of.versions.iter().take(count).copied()
    }
}

/// Says how many there are; nothing that is in them.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, [secret])", self.held().len())
    }
}
