//! What a secret is for: which algorithms it may be used with, where its credential goes and how it
//! is attached, and what may be made with it.
//!
//! The owner sets a binding with `strongroom secret bind`; a request never names what is in it.
//! So pointing an alias from one provider's secret to another's changes nothing for the caller.
//! A binding is one JSON object with a section for each thing that it says; [`Binding::check`]
//! refuses a section that the kind of the secret has no use for, and what contradicts itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::operation::{Kind, SignAlgorithm};

mod attach;
mod aws;
mod base_url;
mod channel;
mod endpoint;
mod http;
mod rotation;
mod sign;
mod ssh;
mod token;

pub use attach::{Attach, CannotAttach};
pub(crate) use aws::is_name as is_aws_name;
pub use aws::{Aws, HostPattern};
pub use base_url::{BadUrl, BaseUrl};
pub use channel::{BadDestination, Channel, Destination};
pub use endpoint::{Endpoint, MAX_REPLY};
pub use http::Http;
pub use rotation::{BadMaxAge, MaxAge, Rotation};
pub use sign::Sign;
pub use ssh::{Ssh, SshCertificates, SshSignatures};
pub(crate) use token::is_aws_session;
pub use token::{
    Access, AwsToken, ClientAuthentication, Gcp, GithubApp, Grant, Jwt, JwtAlgorithm, Oauth2,
    Pattern, SHORTEST_AWS_TOKEN, Token,
};

/// What one secret is for. What a binding does not say, the operations' own bounds say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// For `sign`: the algorithms that the key may be used with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<Sign>,
    /// Where the credential goes, and how it is attached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// The regions and services that a key signs for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
    /// What may be issued: claims, scopes and the longest lifetime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// The namespaces and certificates that a key signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Box<Ssh>>,
    /// When a new version is due, and how it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
    /// The channel that takes the value for its credential, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
}

/// For what a provider is called: calls for different purposes share no connection, also where
/// binding and version are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The caller's own request.
    Http,
    /// Issuing a token.
    Token,
    /// Rotating the secret.
    Rotation,
}

/// A binding that the owner has set.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// From 1; the newest counts.
    pub number: u32,
    /// The number of its record, which no other binding has.
    pub record: u64,
    /// When the owner signed it.
    pub created: Timestamp,
    /// What it says.
    pub binding: Binding,
}

/// Why this binding can't be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBinding {
    /// It is not JSON of the right form.
    #[error("this is not a binding: {0}")]
    Malformed(String),
    /// The kind has no use for a section.
    #[error("a secret of kind `{kind}` has no use for the section `{section}`{}", uses(*kind))]
    Section {
        /// The kind of the secret.
        kind: Kind,
        /// The section.
        section: &'static str,
    },
    /// The key can't do one of the algorithms.
    #[error("a key of kind `{kind}` can't sign with `{algorithm}`")]
    Algorithm {
        /// The kind of the secret.
        kind: Kind,
        /// The algorithm.
        algorithm: SignAlgorithm,
    },
    /// A value that can't be meant.
    #[error("{section}.{field}: {problem}")]
    Value {
        /// The section.
        section: &'static str,
        /// The field in it.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl Binding {
    /// The longest binding, in bytes of JSON.
    pub const MAX_LEN: usize = 64 * 1024;

    /// Reads a binding for a secret of this kind.
    pub fn parse(kind: Kind, json: &str) -> Result<Self, BadBinding> {
        if json.len() > Self::MAX_LEN {
            let problem = format!("it has more than {} bytes", Self::MAX_LEN);
            return Err(BadBinding::Malformed(problem));
        }
        let binding: Self =
            serde_json::from_str(json).map_err(|error| BadBinding::Malformed(harmless(&error)))?;
        binding.check(kind)?;
        Ok(binding)
    }

    /// Whether a secret of this kind can be bound so.
    pub fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        for (section, is_there) in self.sections() {
            if is_there && !sections(kind).contains(&section) {
                return Err(BadBinding::Section { kind, section });
            }
        }
        if let Some(sign) = &self.sign {
            sign.check(kind)?;
        }
        if let Some(http) = &self.http {
            http.check(kind)?;
        }
        if let Some(aws) = &self.aws {
            aws.check(kind)?;
        }
        if let (Kind::Aws, Some(http)) = (kind, &self.http) {
            aws::check_http(self.aws.as_ref(), http)?;
        }
        if let Some(token) = &self.token {
            token.check(kind)?;
        }
        if let Some(ssh) = &self.ssh {
            ssh.check(kind)?;
        }
        if let Some(rotation) = &self.rotation {
            rotation.check(kind)?;
        }
        if let Some(channel) = &self.channel {
            channel.check(kind)?;
        }
        Ok(())
    }

    /// What it says, in a few words: for the audit log.
    pub fn summary(&self) -> String {
        let said: Vec<&str> = self
            .sections()
            .into_iter()
            .filter_map(|(section, is_there)| is_there.then_some(section))
            .collect();
        match said.as_slice() {
            [] => "it says nothing any more".to_owned(),
            some => format!("it says {}", some.join(", ")),
        }
    }

    /// Every section, and whether it is there.
    fn sections(&self) -> [(&'static str, bool); 7] {
        [
            ("sign", self.sign.is_some()),
            ("http", self.http.is_some()),
            ("aws", self.aws.is_some()),
            ("token", self.token.is_some()),
            ("ssh", self.ssh.is_some()),
            ("rotation", self.rotation.is_some()),
            ("channel", self.channel.is_some()),
        ]
    }
}

/// The sections that a kind has a use for.
fn sections(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Ed25519 | Kind::P256 | Kind::Rsa => &["sign", "token", "ssh", "rotation"],
        Kind::P384 => &["sign", "rotation"],
        Kind::Token | Kind::Basic | Kind::Mtls => &["http", "rotation", "channel"],
        Kind::Aws => &["http", "aws", "token", "rotation"],
        Kind::Oauth2 => &["http", "token", "rotation"],
        Kind::GithubApp | Kind::Gcp => &["token", "rotation"],
        Kind::Hmac => &["rotation", "channel"],
        Kind::Aes256 | Kind::Totp | Kind::Opaque => &["rotation"],
    }
}

fn uses(kind: Kind) -> String {
    let sections: Vec<String> = sections(kind)
        .iter()
        .map(|section| format!("`{section}`"))
        .collect();
    format!("; it has {}", sections.join(", "))
}

/// What the parser says, which repeats names out of the JSON.
fn harmless(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let escaped = text.chars().take(400).map(|c| match c {
        '"' | '\'' => c.to_string(),
        other => other.escape_debug().to_string(),
    });
    escaped.collect()
}

/// Whether this is PEM with one certificate or more.
fn certificates(pem: &str) -> Result<(), &'static str> {
    let blocks = ::pem::parse_many(pem).map_err(|_| "it is not well-formed PEM")?;
    match blocks.as_slice() {
        [] => Err("there is no certificate in it; give PEM"),
        blocks if blocks.iter().all(|block| block.tag() == "CERTIFICATE") => Ok(()),
        _ => Err("there is something else than certificates in it"),
    }
}

#[cfg(test)]
mod tests;
