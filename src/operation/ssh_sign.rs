//! `ssh-sign`: makes an SSH signature (OpenSSH's `PROTOCOL.sshsig`), as `ssh-keygen -Y sign` does.
//!
//! The namespace says what the signature is for, and is signed too, so that one that was made
//! for a file is none of a commit. Which namespaces a key signs is its owner's to say: without
//! `ssh.sign` in the binding it signs none.

use std::{collections::BTreeSet, fmt};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    BadInput, Done, Kind, OperationError, OperationName, Setting, Unsuitable,
    input::{Fields, bounded},
    list,
    ssh_wire::{Wire, sign},
};
use crate::{binding::Binding, vault::material::Material};

/// What to sign, and for what.
pub struct SshSignInput {
    namespace: String,
    hash: SshHash,
    /// Of the message, by [`SshSignInput::hash`].
    digest: Vec<u8>,
    /// The length of the message, if it was sent.
    message: Option<usize>,
}

/// A hash that SSH signatures are over.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum SshHash {
    /// SHA-512.
    #[default]
    Sha512,
    /// SHA-256.
    Sha256,
}

impl SshHash {
    const ALL: [Self; 2] = [Self::Sha512, Self::Sha256];

    pub(crate) fn all() -> BTreeSet<Self> {
        Self::ALL.into()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha512 => &digest::SHA512,
            Self::Sha256 => &digest::SHA256,
        }
    }

    fn digest_expected(self) -> &'static str {
        match self {
            Self::Sha512 => "base64 of 64 bytes, the length of a SHA-512 hash",
            Self::Sha256 => "base64 of 32 bytes, the length of a SHA-256 hash",
        }
    }
}

/// Whether a text can be a namespace: 1 to 255 printable ASCII characters.
pub(crate) fn is_namespace(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

impl SshSignInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let message = fields.optional_bytes("message")?;
        let digest = fields.optional_bytes("digest")?;
        let hash = fields.choice("hash", &SshHash::ALL)?.unwrap_or_default();
        let namespace = fields.required_text("namespace")?;
        if !is_namespace(&namespace) {
            return Err(BadInput::Form {
                field: "namespace",
                expected: "1 to 255 printable ASCII characters",
            });
        }
        let (digest, message) = match (message, digest) {
            (Some(message), None) => {
                let digest = digest::digest(hash.algorithm(), &message);
                (digest.as_ref().to_vec(), Some(message.len()))
            }
            (None, Some(digest)) if digest.len() != hash.algorithm().output_len() => {
                return Err(BadInput::Form {
                    field: "digest",
                    expected: hash.digest_expected(),
                });
            }
            (None, Some(digest)) => (digest.to_vec(), None),
            (None, None) => return Err(fields.missing(&["message", "digest"])),
            (Some(_), Some(_)) => return Err(fields.both("message", "digest")),
        };
        Ok(Self {
            namespace,
            hash,
            digest,
            message,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let (input, size) = match self.message {
            Some(size) => ("message", size),
            None => ("digest", self.digest.len()),
        };
        let mut fields = Map::new();
        fields.insert("namespace".to_owned(), self.namespace.as_str().into());
        fields.insert("hash".to_owned(), self.hash.to_string().into());
        fields.insert("input".to_owned(), input.into());
        fields.insert("size".to_owned(), size.into());
        fields
    }

    pub(super) fn suits(&self, kind: Kind, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        let operation = OperationName::SshSign;
        if !kind.operations().contains(&operation) {
            return Err(Unsuitable::Kind { kind, operation });
        }
        let bound = binding.and_then(|binding| binding.ssh.as_ref()?.sign.as_ref());
        let Some(bound) = bound else {
            return Err(Unsuitable::NotBound(
                "make SSH signatures; it would name the namespaces in `ssh.sign`".to_owned(),
            ));
        };
        if !bound.namespaces.contains(&self.namespace) {
            return Err(Unsuitable::NotBound(format!(
                "sign in the namespace `{}`; it allows {}",
                bounded(&self.namespace),
                list(&bound.namespaces.iter().collect::<Vec<_>>())
            )));
        }
        if !bound.hashes.contains(&self.hash) {
            return Err(Unsuitable::NotBound(format!(
                "sign a `{}` hash; it allows {}",
                self.hash,
                list(&bound.hashes.iter().collect::<Vec<_>>())
            )));
        }
        Ok(())
    }

    /// `{"signature", "namespace", "hash", "version"}`; the signature is armored text.
    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        self.suits(material.kind(), setting.binding())?;
        let key = material
            .public_key()
            .ok_or(OperationError::Machine("read the public key"))?;
        // What is signed begins with letters, and what SSH signs otherwise with a length: the
        // one can't be taken for the other.
        let signed = self
            .beginning(Wire::default().raw(MAGIC))
            .string(&self.digest)
            .bytes();
        let signature = sign(material, OperationName::SshSign, &signed)?;
        let blob = self
            .beginning(Wire::default().raw(MAGIC).uint32(1).string(key.ssh_blob()))
            .string(signature)
            .bytes();
        Ok(Done::Plain(json!({
            "signature": armored(&blob),
            "namespace": self.namespace,
            "hash": self.hash.to_string(),
            "version": setting.version,
        })))
    }

    /// What the signed bytes and the signature have in common: namespace, a reserved string,
    /// and the hash's name.
    fn beginning(&self, wire: Wire) -> Wire {
        wire.string(&self.namespace)
            .string("")
            .string(self.hash.to_string())
    }
}

const MAGIC: &[u8] = b"SSHSIG";

/// Lines of 70 characters, as `ssh-keygen` writes them.
fn armored(blob: &[u8]) -> String {
    let base64 = STANDARD.encode(blob);
    let mut text = "-----BEGIN SSH SIGNATURE-----\n".to_owned();
    for (position, character) in base64.chars().enumerate() {
        if position > 0 && position % 70 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str("\n-----END SSH SIGNATURE-----\n");
    text
}

impl fmt::Display for SshHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha512 => "sha512",
            Self::Sha256 => "sha256",
        })
    }
}

impl fmt::Debug for SshSignInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshSignInput({})", Value::Object(self.fields()))
    }
}

#[cfg(test)]
mod tests;
