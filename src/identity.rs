//! The agent's own keys: they prove who answers, and open nothing.
//!
//! One file, mode 0600, like an SSH host key: three PKCS#8 keys in PEM, each under a comment that
//! says what it is for. Answers are signed with one (its thumbprint is the audience that requests
//! name), checkpoints of the audit log with another, and TLS has the third. A key is never used
//! for two purposes, so that a signature made for one can't be passed off as one for another.
//!
//! ```text
//! # Private keys of a Strongroom agent: they prove who answers, and open nothing.
//! # origin: vault.example.com
//! # purpose: answers
//! -----BEGIN PRIVATE KEY-----
//! …
//! ```

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::service::key::{PublicKey, Thumbprint};

mod file;

use file::{ANSWERS, CHECKPOINTS, File, TLS, der};

/// The algorithm byte of Ed25519 keys in C2SP signed notes.
const NOTE_ED25519: u8 = 1;

/// The agent's own keys.
pub struct Identity {
    origin: String,
    answers: Ed25519KeyPair,
    answers_public: PublicKey,
    thumbprint: Thumbprint,
    checkpoints: Arc<Ed25519KeyPair>,
    tls: Zeroizing<Vec<u8>>,
    tls_public: PublicKey,
    pem: Zeroizing<String>,
}

/// Why there is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// The origin names the audit log in every checkpoint.
    #[error(
        "`{}` is not an origin: use 1 to {} ASCII characters without spaces and `+`, such as `vault.example.com`",
        .0.escape_debug(), Identity::MAX_ORIGIN
    )]
    Origin(String),
    /// Something is missing in the file.
    #[error("the identity file has no {0}; restore it from a backup")]
    Missing(&'static str),
    /// A key is there and can't be read.
    #[error("the key for {0} in the identity file is damaged; restore it from a backup")]
    Damaged(&'static str),
    /// The machine's fault.
    #[error("no key could be generated")]
    NotGenerated,
}

/// Signs checkpoints in the name of the agent.
struct CheckpointSigner {
    origin: String,
    key_id: u32,
    key: Arc<Ed25519KeyPair>,
}

impl Identity {
    /// The longest origin, in bytes.
    pub const MAX_ORIGIN: usize = 255;

    /// Makes new keys for an agent whose audit log has this origin: a name like
    /// `vault.example.com`, without a scheme (C2SP tlog-checkpoint).
    pub fn generate(origin: &str) -> Result<Self, BadIdentity> {
        check_origin(origin)?;
        let not_generated = |_| BadIdentity::NotGenerated;
        let answers = Ed25519KeyPair::generate().map_err(not_generated)?;
        let checkpoints = Ed25519KeyPair::generate().map_err(not_generated)?;
        let tls =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(not_generated)?;
        Self::new(origin, answers, checkpoints, tls.as_ref())
    }

    /// Reads the identity file.
    pub fn from_pem(text: &str) -> Result<Self, BadIdentity> {
        let file = File::read(text);
        let origin = file.origin.ok_or(BadIdentity::Missing("origin"))?;
        check_origin(origin)?;
        let ed25519 = |purpose, block: Option<Zeroizing<String>>| {
            Ed25519KeyPair::from_pkcs8(&der(purpose, block)?)
                .map_err(|_| BadIdentity::Damaged(purpose))
        };
        let answers = ed25519(ANSWERS, file.answers)?;
        let checkpoints = ed25519(CHECKPOINTS, file.checkpoints)?;
        Self::new(origin, answers, checkpoints, &der(TLS, file.tls)?)
    }

    fn new(
        origin: &str,
        answers: Ed25519KeyPair,
        checkpoints: Ed25519KeyPair,
        tls: &[u8],
    ) -> Result<Self, BadIdentity> {
        let answers_public = public(ANSWERS, answers.public_key())?;
        let tls_pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, tls)
            .map_err(|_| BadIdentity::Damaged(TLS))?;
        let pem = file::write(
            origin,
            &pkcs8(ANSWERS, &answers)?,
            &pkcs8(CHECKPOINTS, &checkpoints)?,
            tls,
        );
        Ok(Self {
            origin: origin.to_owned(),
            thumbprint: answers_public.thumbprint(),
            answers,
            answers_public,
            checkpoints: Arc::new(checkpoints),
            tls: Zeroizing::new(tls.to_vec()),
            tls_public: public(TLS, tls_pair.public_key())?,
            pem,
        })
    }

    /// The identity file.
    pub fn to_pem(&self) -> &str {
        &self.pem
    }

    /// The name of the audit log in its checkpoints.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// What requests for this agent name as `agent`: the thumbprint of the key for answers.
    pub fn thumbprint(&self) -> &Thumbprint {
        &self.thumbprint
    }

    /// The public half of the key for answers.
    pub fn answer_public(&self) -> &PublicKey {
        &self.answers_public
    }

    /// Signs an answer.
    pub(crate) fn sign_answer(&self, base: &[u8]) -> Vec<u8> {
        self.answers.sign(base).as_ref().to_vec()
    }

    /// The public half of the key for checkpoints, as a C2SP signed-note verifier key:
    /// `origin+id+key`.
    pub fn checkpoint_vkey(&self) -> String {
        let key = self.note_key();
        let id = signed_note::key_id(&self.origin, &key);
        format!("{}+{id:08x}+{}", self.origin, STANDARD.encode(key))
    }

    /// Signs checkpoints.
    pub fn checkpoint_signer(&self) -> Box<dyn signed_note::Signer + Send> {
        Box::new(CheckpointSigner {
            origin: self.origin.clone(),
            key_id: signed_note::key_id(&self.origin, &self.note_key()),
            key: Arc::clone(&self.checkpoints),
        })
    }

    fn note_key(&self) -> Vec<u8> {
        [&[NOTE_ED25519], self.checkpoints.public_key().as_ref()].concat()
    }

    /// The private key for TLS: P-256, PKCS#8 in DER.
    pub fn tls_pkcs8(&self) -> &[u8] {
        &self.tls
    }

    /// The public half of the key for TLS.
    pub fn tls_public(&self) -> &PublicKey {
        &self.tls_public
    }
}

/// Says whose keys these are, and hides them.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("origin", &self.origin)
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

impl signed_note::Signer for CheckpointSigner {
    fn name(&self) -> &str {
        &self.origin
    }

    fn key_id(&self) -> u32 {
        self.key_id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signature = self
            .key
            .try_sign(message)
            .map_err(|_| signature::Error::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

/// Version 1, without the public key: what OpenSSL reads.
fn pkcs8(purpose: &'static str, key: &Ed25519KeyPair) -> Result<Zeroizing<Vec<u8>>, BadIdentity> {
    let der = key
        .to_pkcs8v1()
        .map_err(|_| BadIdentity::Damaged(purpose))?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

fn public(
    purpose: &'static str,
    key: &impl AsDer<PublicKeyX509Der<'static>>,
) -> Result<PublicKey, BadIdentity> {
    let der = key.as_der().map_err(|_| BadIdentity::Damaged(purpose))?;
    PublicKey::from_spki_der(der.as_ref()).map_err(|_| BadIdentity::Damaged(purpose))
}

fn check_origin(origin: &str) -> Result<(), BadIdentity> {
    let good = origin.len() <= Identity::MAX_ORIGIN
        && signed_note::is_key_name_valid(origin)
        && origin.bytes().all(|byte| byte.is_ascii_graphic());
    if good {
        Ok(())
    } else {
        Err(BadIdentity::Origin(origin.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests;
