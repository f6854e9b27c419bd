//! JSON Web Tokens (RFC 7519): which claims, for how long, signed with which algorithm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{BadBinding, MAX_MEMBERS, Pattern, bad, lifetime, text, texts};
use crate::operation::{Kind, SignAlgorithm};

/// The claims that are always the agent's own (RFC 7519, section 4.1).
pub const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

const SECTION: &str = "token.jwt";

/// `{"issuer": "https://ci.example", "audience": ["api.example"], "subject": ["ci-*"],
/// "claims": {"tenant": "acme"}, "allow": {"env": ["prod", "test-*"]}, "max_lifetime": 900}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// The claim `iss`.
    pub issuer: String,
    /// What a caller may ask for as `aud`; the only one is taken if none is asked for. With an
    /// empty list there is no such claim.
    pub audience: Vec<String>,
    /// What a caller may ask for as `sub`; the only one without `*` is taken if none is asked
    /// for. With an empty list there is no such claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subject: Vec<Pattern>,
    /// Claims that are the same in every token.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub claims: Map<String, Value>,
    /// Claims that a caller may set, each with the texts that it may have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub allow: BTreeMap<String, Vec<Pattern>>,
    /// The longest that a token may be good, in seconds; at most 24 hours.
    pub max_lifetime: u32,
    /// What it is signed with: one that fits the key, which may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<JwtAlgorithm>,
    /// The header `kid`; the RFC 7638 thumbprint of the public key if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The header `typ`; `JWT` if left out, `at+jwt` for access tokens of RFC 9068.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typ: Option<String>,
}

/// A signature algorithm for JSON Web Signatures, by its name in the header `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// Ed25519 (RFC 8037).
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
}

impl Jwt {
    /// What it is signed with.
    pub fn algorithm(&self, kind: Kind) -> Option<JwtAlgorithm> {
        self.algorithm
            .or_else(|| JwtAlgorithm::of(kind).first().copied())
    }

    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        text(SECTION, "issuer", &self.issuer)?;
        texts(SECTION, "audience", &self.audience)?;
        if self.subject.len() > MAX_MEMBERS {
            return Err(bad(SECTION, "subject", "at most 64"));
        }
        for subject in &self.subject {
            subject.check(SECTION, "subject")?;
        }
        self.check_claims()?;
        lifetime(SECTION, "max_lifetime", self.max_lifetime)?;
        if let Some(algorithm) = self.algorithm
            && !JwtAlgorithm::of(kind).contains(&algorithm)
        {
            let problem = format!(
                "a key of kind `{kind}` can't sign with `{}`",
                algorithm.as_str()
            );
            return Err(bad(SECTION, "algorithm", problem));
        }
        for (field, value) in [("key_id", &self.key_id), ("typ", &self.typ)] {
            if let Some(value) = value {
                text(SECTION, field, value)?;
            }
        }
        Ok(())
    }

    fn check_claims(&self) -> Result<(), BadBinding> {
        if self.claims.len() > MAX_MEMBERS || self.allow.len() > MAX_MEMBERS {
            return Err(bad(SECTION, "claims", "at most 64, and as many of `allow`"));
        }
        for (field, name) in (self.claims.keys().map(|name| ("claims", name)))
            .chain(self.allow.keys().map(|name| ("allow", name)))
        {
            text(SECTION, field, name)?;
            if REGISTERED.contains(&name.as_str()) {
                let problem = format!("`{name}` is set by the agent; leave it out");
                return Err(bad(SECTION, field, problem));
            }
        }
        if let Some(both) = self
            .allow
            .keys()
            .find(|name| self.claims.contains_key(*name))
        {
            let problem = format!("`{}` is in `claims` too", both.escape_debug());
            return Err(bad(SECTION, "allow", problem));
        }
        for patterns in self.allow.values() {
            if patterns.is_empty() || patterns.len() > MAX_MEMBERS {
                return Err(bad(SECTION, "allow", "name 1 to 64 texts for each claim"));
            }
            for pattern in patterns {
                pattern.check(SECTION, "allow")?;
            }
        }
        Ok(())
    }
}

impl JwtAlgorithm {
    /// What keys of this kind can sign with, the default first.
    pub fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Ed25519 => &[Self::EdDsa],
            Kind::P256 => &[Self::Es256],
            Kind::Rsa => &[Self::Rs256, Self::Ps256],
            _ => &[],
        }
    }

    /// Its name in the header `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }

    /// The signature beneath.
    pub(crate) fn signature(self) -> SignAlgorithm {
        match self {
            Self::EdDsa => SignAlgorithm::Ed25519,
            Self::Es256 => SignAlgorithm::Es256,
            Self::Rs256 => SignAlgorithm::Rs256,
            Self::Ps256 => SignAlgorithm::Ps256,
        }
    }
}
