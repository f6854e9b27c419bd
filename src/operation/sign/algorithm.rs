//! Signature algorithms by their JOSE names, and the encodings of a signature.

use std::fmt;

use aws_lc_rs::{
    digest,
    signature::{self, RsaEncoding},
};

use serde::{Deserialize, Serialize};

use crate::operation::Kind;

/// A signature algorithm by its JOSE name (RFC 7518, section 3.1, and RFC 9864).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignAlgorithm {
    /// Pure Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384 with SHA-384.
    #[serde(rename = "ES384")]
    Es384,
    /// RSASSA-PSS with SHA-256 and a salt as long as the hash.
    #[serde(rename = "PS256")]
    Ps256,
    /// The same with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// The same with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// The same with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// The same with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
}

/// How an ECDSA signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// ASN.1 `ECDSA-Sig-Value` (RFC 3279, section 2.2.3): X.509, TLS, cloud key services.
    #[default]
    Der,
    /// r and s at full length, one after the other (RFC 7518, section 3.4): JOSE, RFC 9421.
    Raw,
}

impl SignAlgorithm {
    pub(super) const ALL: [Self; 9] = [
        Self::Ed25519,
        Self::Es256,
        Self::Es384,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// What keys of this kind can sign with, the default first; nothing for other secrets.
    pub fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Ed25519 => &[Self::Ed25519],
            Kind::P256 => &[Self::Es256],
            Kind::P384 => &[Self::Es384],
            Kind::Rsa => &[
                Self::Ps256,
                Self::Ps384,
                Self::Ps512,
                Self::Rs256,
                Self::Rs384,
                Self::Rs512,
            ],
            _ => &[],
        }
    }

    /// The hash whose digest may stand in for the message; Ed25519 has none.
    pub(super) fn hash(self) -> Option<&'static digest::Algorithm> {
        match self {
            Self::Ed25519 => None,
            Self::Es256 | Self::Ps256 | Self::Rs256 => Some(&digest::SHA256),
            Self::Es384 | Self::Ps384 | Self::Rs384 => Some(&digest::SHA384),
            Self::Ps512 | Self::Rs512 => Some(&digest::SHA512),
        }
    }

    pub(super) fn is_ecdsa(self) -> bool {
        matches!(self, Self::Es256 | Self::Es384)
    }

    pub(super) fn rsa_padding(self) -> Option<&'static dyn RsaEncoding> {
        match self {
            Self::Ed25519 | Self::Es256 | Self::Es384 => None,
            Self::Ps256 => Some(&signature::RSA_PSS_SHA256),
            Self::Ps384 => Some(&signature::RSA_PSS_SHA384),
            Self::Ps512 => Some(&signature::RSA_PSS_SHA512),
            Self::Rs256 => Some(&signature::RSA_PKCS1_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_SHA512),
        }
    }
}

impl Encoding {
    pub(super) const ALL: [Self; 2] = [Self::Der, Self::Raw];
}

impl fmt::Display for SignAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        })
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Der => "der",
            Self::Raw => "raw",
        })
    }
}
