//! An approver: a person with SSH keys and groups.

use std::{collections::BTreeSet, fmt};

use ssh_key::{HashAlg, public::KeyData};

use crate::{
    name::Name,
    service::key::{PublicKey, Thumbprint},
};

/// The longest public key, in bytes of text.
const MAX_LEN: usize = 16 * 1024;

/// Somebody whose yes or no counts.
#[derive(Clone, Debug)]
pub struct Approver {
    /// The name.
    pub name: Name,
    /// From 1; it goes up with each change.
    pub version: u32,
    /// What the approver signs with.
    pub keys: Vec<ApproverKey>,
    /// The groups that policies name.
    pub groups: BTreeSet<Name>,
    /// The services that the approver runs: nobody approves what they asked for themselves.
    pub operates: BTreeSet<Name>,
    /// Where mail channels write to.
    pub mail: Option<String>,
    /// Whether the approver has no say any more.
    pub retired: bool,
}

/// A public key that an approver signs with: Ed25519, P-256 or RSA, in a file or, for the first two,
/// on a security key (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`).
#[derive(Clone, PartialEq, Eq)]
pub struct ApproverKey(ssh_key::PublicKey);

/// Why a text is not a key that an approver can have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadApproverKey {
    /// Not a line of an OpenSSH public key file.
    #[error(
        "this is not an OpenSSH public key; give the `.pub` file, one line: `ssh-ed25519 AAAA…`"
    )]
    Malformed,
    /// OpenSSH knows the kind, and nobody should rely on it.
    #[error(
        "keys of the kind `{0}` are not taken; use Ed25519, P-256, RSA of 2048 bits or more, or a security key"
    )]
    Kind(String),
}

impl ApproverKey {
    /// Reads one line of an OpenSSH public key file.
    pub fn parse(text: &str) -> Result<Self, BadApproverKey> {
        if text.len() > MAX_LEN {
            return Err(BadApproverKey::Malformed);
        }
        let mut key =
            ssh_key::PublicKey::from_openssh(text.trim()).map_err(|_| BadApproverKey::Malformed)?;
        // The comment says whose it is at home; here the approver's name does.
        key.set_comment("");
        let key = Self(key);
        match key.0.key_data() {
            KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => Ok(key),
            KeyData::Ed25519(_) | KeyData::Ecdsa(_) | KeyData::Rsa(_)
                if key.as_plain().is_some() =>
            {
                Ok(key)
            }
            _ => Err(BadApproverKey::Kind(key.0.algorithm().to_string())),
        }
    }

    /// The key as `ssh-key` has it.
    pub fn key_data(&self) -> &KeyData {
        self.0.key_data()
    }

    /// What OpenSSH calls its kind: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, …
    pub fn kind(&self) -> String {
        self.0.algorithm().to_string()
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The line of an OpenSSH public key file, without a comment.
    pub fn to_line(&self) -> String {
        // Only a name that can't be encoded fails, and it was read from this form.
        self.0.to_openssh().unwrap_or_default()
    }

    /// The key as SSH sends it: the bytes that the line has in base64.
    pub fn blob(&self) -> Vec<u8> {
        // As above.
        self.0.to_bytes().unwrap_or_default()
    }

    /// The key, if it is not on a security key: what a service could sign requests with too.
    pub fn as_plain(&self) -> Option<PublicKey> {
        PublicKey::parse(&self.to_line()).ok()
    }

    /// The RFC 7638 thumbprint, if it is not on a security key.
    pub fn thumbprint(&self) -> Option<Thumbprint> {
        Some(self.as_plain()?.thumbprint())
    }
}

impl fmt::Debug for ApproverKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApproverKey({})", self.fingerprint())
    }
}
