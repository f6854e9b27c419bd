//! The `ntfy` channel: a message on a topic of a public or self-hosted ntfy server, published as JSON.
//!
//! Title, tags and priority are our own words; the message is plain text, never Markdown, and has no
//! click action, no buttons and no attachment. Its sequence id is the same at every try: a repeat
//! takes the place of what the phone shows already.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context as _, bail};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD,
};
use http::{HeaderValue, Uri, header::AUTHORIZATION};
use serde::Deserialize;
use serde_json::{Value, json};
use strongroom::{
    binding::Destination,
    name::Name,
    notification::{Notification, Urgency},
    vault::ChannelCredential,
};
use zeroize::Zeroizing;

use super::{
    chat::{Words, words},
    credential,
    post::{Letter, Post},
    tell::Tell,
};
use crate::host::Host;

/// The most bytes of a message that is shown as one: a server makes a file of what is longer than
/// 4096 bytes, and takes at most twice that as JSON.
const LONGEST: usize = 3_600;

/// `kind = "ntfy"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The server: `https://ntfy.example.com`.
    pub url: String,
    pub topic: String,
    /// The secret to log in with, an access token or a user name and password; none for a topic that
    /// anybody may write to.
    pub secret: Option<Name>,
    /// PEM certificates to trust instead of the platform's, where there is no secret; the binding of
    /// the secret says it otherwise.
    pub cacert: Option<PathBuf>,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        self.check_form()
            .with_context(|| format!("channel `{}`", self.name))
    }

    fn check_form(&self) -> anyhow::Result<()> {
        self.server()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&self.topic.len()) || !self.topic.bytes().all(is_plain) {
            bail!("`topic` must be 1 to 64 letters, digits, `-` or `_`")
        }
        if self.secret.is_some() && self.cacert.is_some() {
            bail!(
                "`cacert` stands in the binding of the secret: `strongroom secret bind … --channel {} \
                 --to {} --channel-cacert FILE`",
                self.name,
                self.url
            )
        }
        Ok(())
    }

    /// The server's origin, and where messages are published: at its root.
    fn server(&self) -> anyhow::Result<(Destination, Uri)> {
        let origin: Destination = self
            .url
            .trim_end_matches('/')
            .parse()
            .context("`url` must be the server's: `https://ntfy.example.com`")?;
        let uri = format!("{origin}/");
        Ok((
            origin,
            uri.parse()
                .context("`url` must be the server's, `https://…`")?,
        ))
    }
}

pub struct Ntfy {
    host: Arc<Host>,
    settings: Settings,
    cacert: Option<String>,
    post: Post,
}

impl Ntfy {
    /// Needs nothing yet: the credential is taken when there is something to tell.
    #[expect(
        clippy::unused_async,
        reason = "all channels with credentials are opened alike"
    )]
    pub async fn open(host: &Arc<Host>, settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        let read = |path: &PathBuf| {
            fs::read_to_string(path)
                .with_context(|| format!("cannot read the certificates `{}`", path.display()))
        };
        Ok(Self {
            host: Arc::clone(host),
            settings: settings.clone(),
            cacert: settings.cacert.as_ref().map(read).transpose()?,
            post: Post::default(),
        })
    }

    /// Delivered means that the server has it.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let (origin, url) = self.settings.server()?;
        let credential = match &self.settings.secret {
            Some(secret) => {
                let to = origin.to_string();
                Some(credential::take(&self.host, &self.settings.name, secret, &to).await?)
            }
            None => None,
        };
        let authorization = credential
            .as_deref()
            .map(|taken| authorization(&taken.value));
        let authorization = authorization
            .transpose()?
            .map(|value| (AUTHORIZATION, value));
        let cacert = match &credential {
            Some(credential) => credential.of.cacert.as_deref(),
            None => self.cacert.as_deref(),
        };
        self.post
            .send(Letter {
                url,
                cacert,
                headers: authorization.into_iter().collect(),
                body: serde_json::to_vec(&message(&self.settings.topic, notification))?,
            })
            .await
    }
}

/// How ntfy is logged in to: an access token, or a user name and password.
fn authorization(value: &ChannelCredential) -> anyhow::Result<HeaderValue> {
    let text = match value {
        ChannelCredential::Text(token) => Zeroizing::new(format!("Bearer {}", **token)),
        ChannelCredential::Basic { username, password } => {
            let joined = Zeroizing::new(format!("{}:{}", **username, **password));
            let encoded = Zeroizing::new(STANDARD.encode(&*joined));
            Zeroizing::new(format!("Basic {}", *encoded))
        }
        _ => bail!("its secret must be of kind `token` (an access token) or `basic`"),
    };
    let mut value = HeaderValue::from_str(&text)
        .ok()
        .context("its secret has characters in it that can't stand in a header")?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is published.
fn message(topic: &str, notification: &Notification) -> Value {
    let Words {
        sentence,
        facts,
        foot,
    } = words(notification, LONGEST - 400);
    let mut lines = vec![sentence];
    // The separators count too: what does not fit any more is left out, and the foot says so.
    let mut room =
        LONGEST.saturating_sub(foot.len() + 2 + lines.iter().map(String::len).sum::<usize>());
    for (label, text) in facts {
        let line = format!("{label}: {text}");
        if line.len() + 1 > room {
            break;
        }
        room -= line.len() + 1;
        lines.push(line);
    }
    lines.push(foot);
    let (priority, tag) = match (notification.urgency, notification.kind.as_str()) {
        (Urgency::Urgent, "pending") => (5, Some("raised_hand")),
        (Urgency::Urgent, _) => (5, Some("rotating_light")),
        (Urgency::Normal, _) => (3, None),
        (Urgency::Quiet, _) => (2, None),
    };
    let tags: Vec<&str> = tag
        .into_iter()
        .chain([notification.kind.as_str()])
        .collect();
    json!({
        "topic": topic,
        "title": "Strongroom",
        "message": lines.join("\n"),
        "priority": priority,
        "tags": tags,
        "sequence_id": sequence_id(&notification.id),
    })
}

/// The id in the characters, and the length, that ntfy takes.
fn sequence_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::chat::tests::{borrowed, long_facts, notification};

    #[test]
    fn how_loud_it_is_follows_from_how_urgent_it_is() {
        let mut told = notification("atlas signed", &[("purpose", "release")]);
        for (urgency, kind, priority, tags) in [
            (Urgency::Quiet, "use", 2, json!(["use"])),
            (Urgency::Normal, "digest", 3, json!(["digest"])),
            (
                Urgency::Urgent,
                "pending",
                5,
                json!(["raised_hand", "pending"]),
            ),
            (
                Urgency::Urgent,
                "refusal",
                5,
                json!(["rotating_light", "refusal"]),
            ),
        ] {
            (told.urgency, told.kind) = (urgency, kind.to_owned());
            let message = message("ops", &told);
            assert_eq!(message["priority"], priority);
            assert_eq!(message["tags"], tags);
            assert_eq!(message["title"], "Strongroom");
        }
    }

    #[test]
    fn a_credential_is_marked_as_one_and_told_of_without_its_value() {
        let text = |text: &str| ChannelCredential::Text(Zeroizing::new(text.to_owned()));
        let bearer = authorization(&text("tk_1")).unwrap();
        assert_eq!(
            (bearer.to_str().unwrap(), bearer.is_sensitive()),
            ("Bearer tk_1", true)
        );
        let basic = authorization(&ChannelCredential::Basic {
            username: Zeroizing::new("phil".to_owned()),
            password: Zeroizing::new("mypass".to_owned()),
        });
        // The example of the ntfy documentation.
        assert_eq!(basic.unwrap().to_str().unwrap(), "Basic cGhpbDpteXBhc3M=");
        let told = authorization(&text("hunter2\u{7f}"))
            .unwrap_err()
            .to_string();
        assert!(!told.contains("hunter2"), "{told}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_is_a_message_and_no_file(
            id in "\\PC{1,200}", facts in long_facts(), piece in "[\"\\\\a😀]{1,9}",
        ) {
            let mut told = notification(&piece.repeat(5000), &borrowed(&facts));
            told.id = id;
            let message = message("ops", &told);
            prop_assert!(message["message"].as_str().unwrap().len() <= 4096);
            prop_assert!(message.to_string().len() <= 8192);
            let id = message["sequence_id"].as_str().unwrap();
            prop_assert!(id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }
    }
}
