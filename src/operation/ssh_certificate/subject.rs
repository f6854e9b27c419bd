//! The public key that a certificate is over: an OpenSSH line, checked.
//!
//! A certificate over numbers that are no key would be refused by every server, so they are
//! checked as keys of the vault's own are: points on their curve, RSA of at least 2048 bits.

use std::{collections::BTreeSet, fmt};

use aws_lc_rs::digest;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use serde::{Deserialize, Serialize};
use ssh_key::public::KeyData;

use crate::{
    operation::ssh_wire::{Wire, first_string},
    service::key::PublicKey,
};

/// More than any key that is certified takes as a line.
const MAX_LINE: usize = 16 * 1024;

/// The types of keys that are certified, by their SSH names. `sk-…` keys live in a FIDO token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SshKeyType {
    /// Ed25519.
    #[serde(rename = "ssh-ed25519")]
    Ed25519,
    /// Ed25519 in a FIDO token.
    #[serde(rename = "sk-ssh-ed25519@openssh.com")]
    SkEd25519,
    /// ECDSA on NIST P-256.
    #[serde(rename = "ecdsa-sha2-nistp256")]
    P256,
    /// ECDSA on NIST P-256 in a FIDO token.
    #[serde(rename = "sk-ecdsa-sha2-nistp256@openssh.com")]
    SkP256,
    /// ECDSA on NIST P-384.
    #[serde(rename = "ecdsa-sha2-nistp384")]
    P384,
    /// RSA.
    #[serde(rename = "ssh-rsa")]
    Rsa,
}

/// A public key to certify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedKey {
    key_type: SshKeyType,
    /// RFC 4253, section 6.6: the type's name, then [`CertifiedKey::numbers`].
    blob: Vec<u8>,
    /// Where the numbers begin.
    numbers: usize,
    rsa_bits: Option<u32>,
}

/// Why a line is no key that can be certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public key must be {}", self.expected())]
pub enum BadCertifiedKey {
    /// It is not an OpenSSH public key.
    NotALine,
    /// It is one, and of another type.
    UnknownType,
    /// What is in it is no key.
    Invalid,
}

impl SshKeyType {
    const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::SkEd25519,
        Self::P256,
        Self::SkP256,
        Self::P384,
        Self::Rsa,
    ];

    pub(crate) fn all() -> BTreeSet<Self> {
        Self::ALL.into()
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::P256 => "ecdsa-sha2-nistp256",
            Self::SkP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
            Self::P384 => "ecdsa-sha2-nistp384",
            Self::Rsa => "ssh-rsa",
        }
    }
}

impl BadCertifiedKey {
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::NotALine => "an OpenSSH line such as `ssh-ed25519 AAAA…`, with nothing in front",
            Self::UnknownType => "an Ed25519, ECDSA P-256 or P-384, or RSA key, also of a token",
            Self::Invalid => "a valid key; an RSA key has 2048 to 8192 bits",
        }
    }
}

impl CertifiedKey {
    /// Reads a line as in a `.pub` file; the comment is dropped. There may be no options in
    /// front, and no second line.
    pub fn parse(line: &str) -> Result<Self, BadCertifiedKey> {
        let line = line.trim();
        if line.len() > MAX_LINE || line.contains(char::is_control) {
            return Err(BadCertifiedKey::NotALine);
        }
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (Some(named), Some(base64)) = (words.next(), words.next()) else {
            return Err(BadCertifiedKey::NotALine);
        };
        let blob = STANDARD
            .decode(base64)
            .map_err(|_| BadCertifiedKey::NotALine)?;
        let (inside, numbers) = first_string(&blob).ok_or(BadCertifiedKey::NotALine)?;
        if inside != named.as_bytes() {
            return Err(BadCertifiedKey::NotALine);
        }
        let key_type = SshKeyType::ALL
            .into_iter()
            .find(|known| known.as_str() == named)
            .ok_or(BadCertifiedKey::UnknownType)?;
        let numbers = blob.len() - numbers.len();
        let key = ssh_key::PublicKey::from_bytes(&blob).map_err(|_| BadCertifiedKey::Invalid)?;
        // One key has one form; whatever else is in the bytes would be signed too.
        if key.to_bytes().ok().as_ref() != Some(&blob) {
            return Err(BadCertifiedKey::Invalid);
        }
        let rsa_bits = check(key_type, key.key_data())?;
        Ok(Self {
            key_type,
            blob,
            numbers,
            rsa_bits,
        })
    }

    /// Its type.
    pub fn key_type(&self) -> SshKeyType {
        self.key_type
    }

    /// As `ssh-keygen -l` shows it: `SHA256:` and base64 without padding.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&digest::SHA256, &self.blob);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest))
    }

    /// The length of an RSA modulus.
    pub fn rsa_bits(&self) -> Option<u32> {
        self.rsa_bits
    }

    /// The type of a certificate over it.
    pub(super) fn certificate_type(&self) -> String {
        match self.key_type.as_str().strip_suffix("@openssh.com") {
            Some(name) => format!("{name}-cert-v01@openssh.com"),
            None => format!("{}-cert-v01@openssh.com", self.key_type),
        }
    }

    /// What a certificate repeats of the key: all but the name of its type.
    pub(super) fn numbers(&self) -> &[u8] {
        self.blob.get(self.numbers..).unwrap_or_default()
    }
}

/// Whether it is a key, and how many bits it has if it is RSA. A token's key is checked as the
/// plain key in it.
fn check(key_type: SshKeyType, data: &KeyData) -> Result<Option<u32>, BadCertifiedKey> {
    let plain = match data {
        KeyData::SkEd25519(key) => Wire::default()
            .string("ssh-ed25519")
            .string(key.public_key().0),
        KeyData::SkEcdsaSha2NistP256(key) => Wire::default()
            .string("ecdsa-sha2-nistp256")
            .string("nistp256")
            .string(key.ec_point().as_bytes()),
        other => {
            let key = ssh_key::PublicKey::from(other.clone());
            Wire::default().raw(&key.to_bytes().map_err(|_| BadCertifiedKey::Invalid)?)
        }
    };
    let plain = plain.bytes();
    let (named, _) = first_string(&plain).ok_or(BadCertifiedKey::Invalid)?;
    let line = format!(
        "{} {}",
        String::from_utf8_lossy(named),
        STANDARD.encode(&plain)
    );
    PublicKey::parse(&line).map_err(|_| BadCertifiedKey::Invalid)?;
    match (key_type, data) {
        (SshKeyType::Rsa, KeyData::Rsa(numbers)) => {
            let digits = numbers.n.as_positive_bytes().unwrap_or_default();
            let top = digits.first().map_or(0, |byte| byte.leading_zeros());
            let bits = digits.len() as u32 * 8 - top;
            Ok(Some(bits))
        }
        _ => Ok(None),
    }
}

/// The line, without a comment.
impl fmt::Display for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type, STANDARD.encode(&self.blob))
    }
}

impl fmt::Display for SshKeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
