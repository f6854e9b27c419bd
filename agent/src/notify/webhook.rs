//! The `webhook` channel: a POST for each notification, in one of three forms.
//!
//! `standard` is signed as Standard Webhooks 1.0 describes it, with each of its secrets and each
//! version of them that is not retired: a receiver changes over to a new one whenever it likes. The URL
//! of Slack's and Teams' webhooks is itself the secret: whoever has it may post.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use http::Uri;
use jiff::Timestamp;
use serde::Deserialize;
use strongroom::{
    binding::Destination, name::Name, notification::Notification, vault::ChannelCredential,
};

use super::{
    credential::{self, Credential},
    post::{Letter, Post},
    tell::{Audience, Tell},
};
use crate::host::Host;

mod slack;
mod standard;
mod teams;

/// The most signing secrets: each has a signature of its own in a header.
const MOST_SECRETS: usize = 8;

/// `kind = "webhook"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    #[serde(default)]
    pub format: Format,
    /// Where it goes; for `standard`.
    pub url: Option<String>,
    /// The secrets that `standard` is signed with.
    #[serde(default)]
    pub secrets: Vec<Name>,
    /// The secret whose value is the URL; for `slack` and `teams`.
    pub secret: Option<Name>,
    /// What these were before credentials came out of the vault: told apart from a slip.
    secret_file: Option<PathBuf>,
    cacert: Option<PathBuf>,
}

/// What the receiver understands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    #[default]
    Standard,
    Slack,
    Teams,
}

impl Settings {
    /// Who is at the other end: a chat is read by persons.
    pub fn audience(&self) -> Audience {
        match self.format {
            Format::Standard => Audience::Program,
            Format::Slack | Format::Teams => Audience::Person,
        }
    }

    pub fn check(&self) -> anyhow::Result<()> {
        self.check_form()
            .with_context(|| format!("channel `{}`", self.name))
    }

    fn check_form(&self) -> anyhow::Result<()> {
        if self.secret_file.is_some() {
            bail!(
                "`secret_file` is no setting any more: put the secret into the vault (`strongroom \
                 secret add hooks/{0} --kind token --channel {0} --to https://…`) and name it in \
                 `secrets`",
                self.name
            )
        }
        if self.cacert.is_some() {
            bail!(
                "`cacert` stands in the binding of the secret: `strongroom secret bind … --channel {} \
                 --to https://… --channel-cacert FILE`",
                self.name
            )
        }
        match (self.format, &self.url, &self.secret) {
            (Format::Standard, Some(url), None) => {
                origin_and_uri(url)?;
                if !(1..=MOST_SECRETS).contains(&self.secrets.len()) {
                    bail!(
                        "`secrets` must name the secrets that it is signed with: 1 to {MOST_SECRETS}"
                    )
                }
            }
            (Format::Standard, _, _) => bail!("`url` and `secrets` are needed, and no `secret`"),
            (Format::Slack | Format::Teams, None, Some(_)) if self.secrets.is_empty() => {}
            (Format::Slack | Format::Teams, _, _) => bail!(
                "`secret` is needed, and nothing else: the value of this secret is the webhook's URL"
            ),
        }
        Ok(())
    }
}

/// A URL with the origin that it has. The two agree on what the host is, or it is refused; nothing of
/// the URL is told, which may be a secret.
fn origin_and_uri(url: &str) -> anyhow::Result<(Destination, Uri)> {
    let origin = Destination::of_url(url)
        .ok()
        .context("the URL must begin with `https://host/` (plain http is taken for 127.0.0.1 and [::1] only)")?;
    let uri: Uri = url.parse().ok().context("the URL can't be read")?;
    let host = uri.host().unwrap_or_default().trim_end_matches('.');
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if !host.eq_ignore_ascii_case(origin.host())
        || uri.port_u16().is_some_and(|port| port != origin.port())
    {
        bail!("the host of the URL can't be read; write it in its usual spelling")
    }
    Ok((origin, uri))
}

pub struct Webhook {
    host: Arc<Host>,
    settings: Settings,
    post: Post,
}

impl Webhook {
    /// Needs nothing yet: the credential is taken when there is something to tell.
    #[expect(
        clippy::unused_async,
        reason = "all channels with credentials are opened alike"
    )]
    pub async fn open(host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        Ok(Self {
            host: Arc::clone(host),
            settings: settings.clone(),
            post: Post::default(),
        })
    }

    /// Delivered means a 2xx answer. The id is the same at every try, so that the receiver can
    /// drop what it has already seen.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        match (
            self.settings.format,
            &self.settings.url,
            &self.settings.secret,
        ) {
            (Format::Standard, Some(url), _) => self.deliver_signed(url, notification).await,
            (Format::Slack, _, Some(secret)) => {
                self.deliver_to(secret, slack::body(notification)?).await
            }
            (Format::Teams, _, Some(secret)) => {
                self.deliver_to(secret, teams::body(notification)?).await
            }
            _ => self.settings.check(),
        }
    }

    async fn deliver_signed(&self, url: &str, notification: &Notification) -> anyhow::Result<()> {
        let (origin, url) = origin_and_uri(url)?;
        let (host, channel) = (&self.host, &self.settings.name);
        let mut credentials: Vec<Arc<Credential>> = Vec::new();
        for secret in &self.settings.secrets {
            let taken = credential::take_all(host, channel, secret, &origin.to_string()).await?;
            credentials.push(taken);
        }
        let mut signers = Vec::new();
        for credential in &credentials {
            for value in credential.values() {
                signers.push(standard::signer(&credential.of.secret, value)?);
            }
        }
        let body = standard::body(notification)?;
        let headers = standard::headers(&signers, &notification.id, Timestamp::now(), &body)?;
        self.post
            .send(Letter {
                url,
                cacert: one_cacert(&credentials)?,
                headers,
                body,
            })
            .await
    }

    async fn deliver_to(&self, secret: &Name, body: Vec<u8>) -> anyhow::Result<()> {
        let credential =
            credential::take_where_bound(&self.host, &self.settings.name, secret).await?;
        let of = &credential.of;
        let ChannelCredential::Text(url) = &credential.value else {
            bail!("secret `{secret}` must be of kind `token`: its value is the webhook's URL")
        };
        let (origin, url) = origin_and_uri(url).with_context(|| format!("secret `{secret}`"))?;
        if origin != of.to {
            bail!(
                "the URL in secret `{secret}` is not at `{}`, where it is bound to",
                of.to
            )
        }
        self.post
            .send(Letter {
                url,
                cacert: of.cacert.as_deref(),
                headers: Vec::new(),
                body,
            })
            .await
    }
}

/// The authorities that all of the secrets are bound to.
fn one_cacert(credentials: &[Arc<Credential>]) -> anyhow::Result<Option<&str>> {
    let mut all = credentials.iter().map(|one| one.of.cacert.as_deref());
    let first = all.next().flatten();
    match all.all(|other| other == first) {
        true => Ok(first),
        false => bail!("the bindings of its secrets name different authorities; bind them alike"),
    }
}
