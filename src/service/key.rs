//! Public keys: read in the forms that people have them in, written in the forms that tools want.
//!
//! A key is parsed once, when it is enrolled or loaded; verifying with it only verifies.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use aws_lc_rs::{
    encoding::AsDer as _,
    rsa,
    signature::{self, ParsedPublicKey, VerificationAlgorithm},
};
use serde_json::Value;

mod parts;
mod read;
mod thumbprint;

use parts::Parts;
pub use thumbprint::{BadThumbprint, Thumbprint};

/// The kinds of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// ECDSA on NIST P-256.
    P256,
    /// ECDSA on NIST P-384.
    P384,
    /// RSA, 2048 to 8192 bits.
    Rsa,
}

/// A public key that is known to be well-formed.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    algorithm: KeyAlgorithm,
    parts: Parts,
    spki: Vec<u8>,
    parsed: ParsedPublicKey,
    thumbprint: Thumbprint,
}

/// Why a text is not a public key that can be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// None of the forms that are read.
    #[error(
        "not a public key; give an OpenSSH line (`ssh-ed25519 AAAA…`), a PEM `PUBLIC KEY` or a JWK"
    )]
    UnknownForm,
    /// The form is known, and broken.
    #[error("the {form} is damaged: {problem}")]
    Damaged {
        /// `OpenSSH key`, `PEM`, `JWK`.
        form: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// It is a private key, which has no business here.
    #[error("this is a private key; give the public half, and keep this one where it was")]
    Private,
    /// A key type that is not supported.
    #[error("keys of type `{0}` are not supported; use Ed25519, P-256, P-384 or RSA")]
    UnknownType(String),
    /// RSA outside of 2048 to 8192 bits.
    #[error("an RSA key of {0} bits is not accepted; it must have 2048 to 8192")]
    RsaSize(usize),
    /// The numbers in it are not a key.
    #[error("the key is not valid: {0}")]
    Invalid(&'static str),
}

impl KeyAlgorithm {
    const ALL: [Self; 4] = [Self::Ed25519, Self::P256, Self::P384, Self::Rsa];

    /// The name that RFC 9421 section 6.2.2 gives to signatures by such a key, if requests may
    /// be signed with it.
    pub fn signature_name(self) -> Option<&'static str> {
        match self {
            Self::Ed25519 => Some("ed25519"),
            Self::P256 => Some("ecdsa-p256-sha256"),
            Self::P384 | Self::Rsa => None,
        }
    }

    /// RFC 9421 sections 3.3.1, 3.3.4, 3.3.5 and 3.3.6: ECDSA signatures are r and s in a row.
    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &signature::ED25519,
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::Rsa => &signature::RSA_PSS_2048_8192_SHA512,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ed25519 => "Ed25519",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Rsa => "RSA",
        })
    }
}

impl PublicKey {
    /// Reads an OpenSSH line, a PEM block (`PUBLIC KEY` or `RSA PUBLIC KEY`) or a JWK.
    pub fn parse(text: &str) -> Result<Self, BadKey> {
        read::parse(text)
    }

    /// Reads an X.509 `SubjectPublicKeyInfo` (RFC 5280) in DER.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, BadKey> {
        let key = KeyAlgorithm::ALL.into_iter().find_map(|algorithm| {
            let parsed = ParsedPublicKey::new(algorithm.verification(), der).ok()?;
            Some(Self::new(algorithm, parsed))
        });
        let key = key.unwrap_or(Err(BadKey::Invalid("not a key of a supported type")))?;
        // The parser takes lone points and keys, and what follows a key, for a key as well.
        if key.spki_der() != der {
            return Err(BadKey::Invalid("not a SubjectPublicKeyInfo as DER has it"));
        }
        Ok(key)
    }

    /// From a raw Ed25519 key or an uncompressed ECDSA point.
    fn from_raw(algorithm: KeyAlgorithm, bytes: &[u8]) -> Result<Self, BadKey> {
        let parsed = ParsedPublicKey::new(algorithm.verification(), bytes)
            .map_err(|_| BadKey::Invalid("not a point on the curve"))?;
        Self::new(algorithm, parsed)
    }

    /// From modulus and exponent, big-endian.
    fn from_rsa(n: &[u8], e: &[u8]) -> Result<Self, BadKey> {
        let bits = bits(n);
        if !(2048..=8192).contains(&bits) {
            return Err(BadKey::RsaSize(bits));
        }
        let der = rsa::PublicKeyComponents { n, e }
            .as_der()
            .map_err(|_| BadKey::Invalid("not an RSA modulus and exponent"))?;
        Self::from_spki_der(der.as_ref())
    }

    fn new(algorithm: KeyAlgorithm, parsed: ParsedPublicKey) -> Result<Self, BadKey> {
        // Encoded again, so that one key has one form whatever it was read from.
        let spki = parsed
            .as_der()
            .map_err(|_| BadKey::Invalid("it cannot be encoded"))?;
        let spki = spki.as_ref().to_vec();
        let tail = |length: usize| {
            let start = spki.len().checked_sub(length)?;
            spki.get(start..)
        };
        let parts = match algorithm {
            KeyAlgorithm::Ed25519 => tail(32)
                .and_then(|raw| raw.try_into().ok())
                .map(Parts::Ed25519),
            KeyAlgorithm::P256 => tail(64).map(|point| Parts::Ec(point.to_vec())),
            KeyAlgorithm::P384 => tail(96).map(|point| Parts::Ec(point.to_vec())),
            KeyAlgorithm::Rsa => rsa::PublicKey::from_der(&spki).ok().map(|key| Parts::Rsa {
                n: key.modulus().big_endian_without_leading_zero().to_vec(),
                e: key.exponent().big_endian_without_leading_zero().to_vec(),
            }),
        };
        let parts = parts.ok_or(BadKey::Invalid("it cannot be taken apart"))?;
        if let Parts::Rsa { n, .. } = &parts
            && !(2048..=8192).contains(&bits(n))
        {
            return Err(BadKey::RsaSize(bits(n)));
        }
        let thumbprint = Thumbprint::of_members(&parts.members());
        Ok(Self(Arc::new(Inner {
            algorithm,
            parts,
            spki,
            parsed,
            thumbprint,
        })))
    }

    /// Which kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// Whether a service may sign requests with such a key.
    pub fn can_sign_requests(&self) -> bool {
        self.algorithm().signature_name().is_some()
    }

    /// The key as `SubjectPublicKeyInfo` in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// The key as a PEM block `PUBLIC KEY`.
    pub fn spki_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("PUBLIC KEY", self.spki_der()), config)
    }

    /// The key as an OpenSSH line, without a newline; the comment may be empty.
    pub fn ssh(&self, comment: &str) -> String {
        // A comment goes to the end of the line: a newline in it would begin another one.
        let comment = comment.replace(char::is_control, " ");
        #[expect(clippy::expect_used, reason = "the parts are of a key that was parsed")]
        let line = self
            .0
            .parts
            .openssh(comment.trim())
            .expect("every key has an OpenSSH form");
        line
    }

    /// The key as SSH sends it (RFC 4253 section 6.6): the bytes that the line has in base64.
    pub(crate) fn ssh_blob(&self) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "the parts are of a key that was parsed")]
        let blob = self
            .0
            .parts
            .openssh_blob()
            .expect("every key has an OpenSSH form");
        blob
    }

    /// The key as a JWK (RFC 7517, RFC 8037).
    pub fn jwk(&self) -> Value {
        self.0.parts.jwk()
    }

    /// The key's name: what a request puts into `keyid`.
    pub fn thumbprint(&self) -> Thumbprint {
        self.0.thumbprint.clone()
    }

    /// Whether `signature` over `message` is by this key, in the form that RFC 9421 section 3.3
    /// gives to its algorithm: Ed25519; ECDSA as r and s in a row, with SHA-256 on P-256 and
    /// SHA-384 on P-384; RSASSA-PSS with SHA-512.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.parsed.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki_der() == other.spki_der()
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki_der().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.0.algorithm, self.0.thumbprint)
    }
}

/// The length of a big-endian number in bits.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let leading = number
        .get(zeros)
        .map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - leading
}

#[cfg(test)]
mod tests;
