//! SSHSIG: signatures as `ssh-keygen -Y sign` makes them (OpenSSH's `PROTOCOL.sshsig`), also on a
//! security key (`PROTOCOL.u2f`).
//!
//! The container is read here, strictly; the signature itself is verified by the cryptographic
//! library. RSA only with SHA-2 (RFC 8332), never `ssh-rsa`.

use std::fmt;

use aws_lc_rs::{
    digest::{Algorithm, SHA256, SHA512, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
        RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use ssh_key::public::KeyData;

use super::ApproverKey;
use crate::operation::ssh_wire::{Wire, first_string};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const VERSION: u32 = 1;
/// The longest armored signature, in bytes: one with RSA of 8192 bits has less than half of it.
pub const MAX_SIGNATURE: usize = 8 * 1024;
/// What the application of a security key begins with: one of a web site's is not for SSH.
const APPLICATION: &str = "ssh:";
/// The flag by which a security key says that somebody touched it.
const USER_PRESENT: u8 = 0x01;

/// A signature that was read, and is not verified yet.
#[derive(Clone, PartialEq, Eq)]
pub struct SshSignature {
    /// The public key as SSH sends it.
    key: Vec<u8>,
    namespace: String,
    hash: Hash,
    algorithm: String,
    signature: Vec<u8>,
    /// What a security key adds.
    touch: Option<Touch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Touch {
    flags: u8,
    counter: u32,
}

/// Why a text is no SSH signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSshSignature {
    /// Not the armor, or not what belongs into it.
    #[error(
        "this is not an SSH signature; make one with `ssh-keygen -Y sign -n approval@strongroom`"
    )]
    Malformed,
    /// Of a later version of the format.
    #[error("SSH signatures of version {0} are not known here")]
    Version(u32),
    /// Over a hash that nobody should rely on.
    #[error("an SSH signature is over a `sha256` or `sha512` hash")]
    Hash,
}

/// Why a signature is not by a key over a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Made for another purpose.
    #[error("the signature is in the namespace `{0}`")]
    Namespace(String),
    /// By another key.
    #[error("the signature is by another key")]
    OtherKey,
    /// Not the algorithm of the key.
    #[error("the algorithm `{0}` does not go with the key")]
    Algorithm(String),
    /// A security key that nobody touched.
    #[error("nobody touched the security key: its signature says that no user was present")]
    NotPresent,
    /// The security key's credential was made for something else than SSH.
    #[error("the security key's application is not `ssh:`")]
    Application,
    /// It does not fit.
    #[error("the signature does not fit what was signed")]
    Invalid,
}

impl SshSignature {
    /// Reads the armored form.
    pub fn parse(text: &str) -> Result<Self, BadSshSignature> {
        use BadSshSignature::Malformed;
        if text.len() > MAX_SIGNATURE {
            return Err(Malformed);
        }
        let inner = text.trim().strip_prefix(BEGIN).ok_or(Malformed)?;
        let inner = inner.strip_suffix(END).ok_or(Malformed)?;
        let base64: String = inner.split(['\r', '\n']).collect();
        let blob = STANDARD.decode(base64).map_err(|_| Malformed)?;
        Self::read(&blob)
    }

    /// Reads the bytes that the armor has in base64.
    fn read(blob: &[u8]) -> Result<Self, BadSshSignature> {
        use BadSshSignature::Malformed;
        let rest = blob.strip_prefix(MAGIC).ok_or(Malformed)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(Malformed)?;
        match u32::from_be_bytes(*version) {
            VERSION => {}
            other => return Err(BadSshSignature::Version(other)),
        }
        let (key, rest) = first_string(rest).ok_or(Malformed)?;
        let (namespace, rest) = text(rest).ok_or(Malformed)?;
        // Reserved for later; nothing that is known now puts anything into it.
        let (reserved, rest) = first_string(rest).ok_or(Malformed)?;
        let (hash, rest) = text(rest).ok_or(Malformed)?;
        let (signature, rest) = first_string(rest).ok_or(Malformed)?;
        if !reserved.is_empty() || !rest.is_empty() || namespace.is_empty() || key.is_empty() {
            return Err(Malformed);
        }
        let hash = match hash.as_str() {
            "sha256" => Hash::Sha256,
            "sha512" => Hash::Sha512,
            _ => return Err(BadSshSignature::Hash),
        };
        let (algorithm, rest) = text(signature).ok_or(Malformed)?;
        let (signature, rest) = first_string(rest).ok_or(Malformed)?;
        let touch = match (algorithm.starts_with("sk-"), rest) {
            (false, []) => None,
            (true, [flags, a, b, c, d]) => Some(Touch {
                flags: *flags,
                counter: u32::from_be_bytes([*a, *b, *c, *d]),
            }),
            _ => return Err(Malformed),
        };
        Ok(Self {
            key: key.to_vec(),
            namespace,
            hash,
            algorithm,
            signature: signature.to_vec(),
            touch,
        })
    }

    /// The armored form, as `ssh-keygen` writes it.
    pub fn to_text(&self) -> String {
        let mut signature = Wire::default()
            .string(&self.algorithm)
            .string(&self.signature);
        if let Some(touch) = self.touch {
            signature = signature.raw(&[touch.flags]).uint32(touch.counter);
        }
        let blob = Wire::default()
            .raw(MAGIC)
            .uint32(VERSION)
            .string(&self.key)
            .string(&self.namespace)
            .string("")
            .string(self.hash.name())
            .string(signature.bytes())
            .bytes();
        let base64 = STANDARD.encode(blob);
        let mut text = format!("{BEGIN}\n");
        let mut left = base64.as_str();
        while let Some((line, rest)) = left.split_at_checked(70) {
            text.push_str(line);
            text.push('\n');
            left = rest;
        }
        if !left.is_empty() {
            text.push_str(left);
            text.push('\n');
        }
        text.push_str(END);
        text.push('\n');
        text
    }

    /// The public key that it claims to be by, as SSH sends it.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// `SHA256:…` of that key, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        let hash = STANDARD_NO_PAD.encode(digest(&SHA256, &self.key));
        format!("SHA256:{hash}")
    }

    /// What it was made for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether it is by this key, over this message, for this purpose, and somebody was there.
    pub fn verify(
        &self,
        key: &ApproverKey,
        namespace: &str,
        message: &[u8],
    ) -> Result<(), NotSigned> {
        if self.namespace != namespace {
            return Err(NotSigned::Namespace(self.namespace.clone()));
        }
        if key.blob() != self.key {
            return Err(NotSigned::OtherKey);
        }
        let signed = Wire::default()
            .raw(MAGIC)
            .string(&self.namespace)
            .string("")
            .string(self.hash.name())
            .string(digest(self.hash.algorithm(), message))
            .bytes();
        match (key.key_data(), self.algorithm.as_str()) {
            (KeyData::Ed25519(key), "ssh-ed25519") => {
                verify(&ED25519, &key.0, &signed, &self.signature)
            }
            (KeyData::Ecdsa(key), "ecdsa-sha2-nistp256") => {
                self.verify_p256(key.as_sec1_bytes(), &signed)
            }
            (KeyData::Rsa(key), "rsa-sha2-512") => {
                self.verify_rsa(key, &RSA_PKCS1_2048_8192_SHA512, &signed)
            }
            (KeyData::Rsa(key), "rsa-sha2-256") => {
                self.verify_rsa(key, &RSA_PKCS1_2048_8192_SHA256, &signed)
            }
            (KeyData::SkEd25519(key), "sk-ssh-ed25519@openssh.com") => {
                let signed = self.touched(key.application(), &signed)?;
                verify(&ED25519, &key.public_key().0, &signed, &self.signature)
            }
            (KeyData::SkEcdsaSha2NistP256(key), "sk-ecdsa-sha2-nistp256@openssh.com") => {
                let signed = self.touched(key.application(), &signed)?;
                self.verify_p256(key.ec_point().as_ref(), &signed)
            }
            _ => Err(NotSigned::Algorithm(self.algorithm.clone())),
        }
    }

    /// What a security key signs (`PROTOCOL.u2f`): hashes of the application and of the message,
    /// with flags and counter between them.
    fn touched(&self, application: &str, signed: &[u8]) -> Result<Vec<u8>, NotSigned> {
        let touch = self.touch.ok_or(NotSigned::Invalid)?;
        if !application.starts_with(APPLICATION) {
            return Err(NotSigned::Application);
        }
        if touch.flags & USER_PRESENT == 0 {
            return Err(NotSigned::NotPresent);
        }
        Ok(Wire::default()
            .raw(digest(&SHA256, application.as_bytes()).as_ref())
            .raw(&[touch.flags])
            .uint32(touch.counter)
            .raw(digest(&SHA256, signed).as_ref())
            .bytes())
    }

    /// RFC 5656 section 3.1.2: r and s, each as an mpint.
    fn verify_p256(&self, point: &[u8], signed: &[u8]) -> Result<(), NotSigned> {
        let numbers = || {
            let (r, rest) = first_string(&self.signature)?;
            let (s, rest) = first_string(rest)?;
            rest.is_empty().then_some(())?;
            Some([scalar(r)?, scalar(s)?].concat())
        };
        let fixed = numbers().ok_or(NotSigned::Invalid)?;
        verify(&ECDSA_P256_SHA256_FIXED, point, signed, &fixed)
    }

    fn verify_rsa(
        &self,
        key: &ssh_key::public::RsaPublicKey,
        parameters: &RsaParameters,
        signed: &[u8],
    ) -> Result<(), NotSigned> {
        let numbers = (key.n.as_positive_bytes(), key.e.as_positive_bytes());
        let (Some(n), Some(e)) = numbers else {
            return Err(NotSigned::Invalid);
        };
        RsaPublicKeyComponents { n, e }
            .verify(parameters, signed, &self.signature)
            .map_err(|_| NotSigned::Invalid)
    }
}

impl Hash {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha512 => &SHA512,
        }
    }
}

fn verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), NotSigned> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| NotSigned::Invalid)
}

fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (text, rest) = first_string(bytes)?;
    Some((String::from_utf8(text.to_vec()).ok()?, rest))
}

/// An mpint (RFC 4251 section 5) as the 32 bytes of a P-256 scalar: positive, and in its one form.
fn scalar(mpint: &[u8]) -> Option<[u8; 32]> {
    let digits = match mpint {
        // The zero is there so that the number is not negative, and only then.
        [0, rest @ ..] => rest.first().filter(|first| **first >= 0x80).map(|_| rest)?,
        digits => mpint
            .first()
            .filter(|first| **first < 0x80)
            .map(|_| digits)?,
    };
    let mut scalar = [0; 32];
    scalar
        .get_mut(32_usize.checked_sub(digits.len())?..)?
        .copy_from_slice(digits);
    Some(scalar)
}

impl fmt::Debug for SshSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshSignature")
            .field("key", &self.fingerprint())
            .field("namespace", &self.namespace)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
