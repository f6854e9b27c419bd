//! Kinds of secrets: what each is, and which operations it has.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{OperationName, input::bounded, list};

/// What a secret is, and so what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// Any other bytes.
    Opaque,
}

/// A text that names no [`Kind`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of secret; use {kinds}", kinds = list(&Kind::ALL))]
pub struct UnknownKind(String);

impl Kind {
    /// Every kind, asymmetric keys first.
    pub const ALL: [Self; 8] = [
        Self::Ed25519,
        Self::P256,
        Self::P384,
        Self::Rsa,
        Self::Hmac,
        Self::Aes256,
        Self::Token,
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
            Self::Opaque => "opaque",
        }
    }

    /// Whether secrets of this kind are key pairs, with a public half to hand out.
    pub fn is_asymmetric(self) -> bool {
        matches!(self, Self::Ed25519 | Self::P256 | Self::P384 | Self::Rsa)
    }

    /// What this kind can do. `release` is among it only for secrets marked releasable.
    pub fn operations(self) -> &'static [OperationName] {
        use OperationName::{Decrypt, Encrypt, Mac, PublicKey, Release, Sign, VerifyMac};
        match self {
            Self::Ed25519 | Self::P256 | Self::P384 | Self::Rsa => &[PublicKey, Sign, Release],
            Self::Hmac => &[Mac, VerifyMac, Release],
            Self::Aes256 => &[Encrypt, Decrypt, Release],
            Self::Token | Self::Opaque => &[Release],
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
