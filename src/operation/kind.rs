//! Kinds of secrets: what each is, and which operations it has.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{OperationName, input::bounded, list};

/// What a secret is, and so what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An Ed25519 signing key.
    Ed25519,
    /// An ECDSA key on NIST P-256.
    P256,
    /// An ECDSA key on NIST P-384.
    P384,
    /// An RSA signing key, 2048 to 8192 bits.
    Rsa,
    /// A key for HMAC, at least 16 bytes.
    Hmac,
    /// A 256-bit key for AES-GCM.
    Aes256,
    /// A line of text: a password, an API token.
    Token,
    /// A user name and a password (RFC 7617): `user:password`.
    Basic,
    /// An AWS access key: id and secret.
    Aws,
    /// An OAuth 2 client: id, secret, and perhaps a refresh token.
    Oauth2,
    /// A TLS client certificate with its private key.
    Mtls,
    /// The private key of a GitHub App.
    GithubApp,
    /// A Google Cloud service account key.
    Gcp,
    /// The seed of one-time codes (RFC 6238).
    Totp,
    /// Any other bytes.
    Opaque,
}

/// A text that names no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of secret; use {kinds}", kinds = list(&Kind::ALL))]
pub struct UnknownKind(String);

impl Kind {
    /// Every kind, asymmetric keys first.
    pub const ALL: [Self; 15] = [
        Self::Ed25519,
        Self::P256,
        Self::P384,
        Self::Rsa,
        Self::Hmac,
        Self::Aes256,
        Self::Token,
        Self::Basic,
        Self::Aws,
        Self::Oauth2,
        Self::Mtls,
        Self::GithubApp,
        Self::Gcp,
        Self::Totp,
        Self::Opaque,
    ];

    /// The kind's name, as in policies, records and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::P256 => "p256",
            Self::P384 => "p384",
            Self::Rsa => "rsa",
            Self::Hmac => "hmac",
            Self::Aes256 => "aes256",
            Self::Token => "token",
            Self::Basic => "basic",
            Self::Aws => "aws",
            Self::Oauth2 => "oauth2",
            Self::Mtls => "mtls",
            Self::GithubApp => "github-app",
            Self::Gcp => "gcp",
            Self::Totp => "totp",
            Self::Opaque => "opaque",
        }
    }

    /// Whether secrets of this kind are key pairs, with a public half to hand out.
    pub fn is_asymmetric(self) -> bool {
        matches!(self, Self::Ed25519 | Self::P256 | Self::P384 | Self::Rsa)
    }

    /// What this kind can do. `release` is among it only for secrets marked releasable.
    pub fn operations(self) -> &'static [OperationName] {
        use OperationName::{
            AwsSign, DataKey, Decrypt, Encrypt, Http, Mac, PublicKey, Release, Sign,
            SshCertificate, SshSign, Token, Totp, VerifyMac,
        };
        match self {
            Self::Ed25519 | Self::P256 | Self::Rsa => {
                &[PublicKey, Sign, Token, SshSign, SshCertificate, Release]
            }
            Self::P384 => &[PublicKey, Sign, Release],
            Self::Hmac => &[Mac, VerifyMac, Release],
            Self::Aes256 => &[Encrypt, Decrypt, DataKey, Release],
            Self::Token | Self::Basic | Self::Mtls => &[Http, Release],
            Self::Aws => &[Http, AwsSign, Token, Release],
            Self::Oauth2 => &[Http, Token, Release],
            Self::GithubApp | Self::Gcp => &[Token, Release],
            Self::Totp => &[Totp, Release],
            Self::Opaque => &[Release],
        }
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownKind(bounded(text)))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
