//! The key that a service signs its requests with.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};

use crate::{
    operation::Kind,
    service::key::{PublicKey, Thumbprint},
    vault::material::{Material, MaterialError},
};

/// A private key, Ed25519 or P-256.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

/// Why a key can't sign requests.
#[derive(Debug, thiserror::Error)]
pub enum BadSigningKey {
    /// It has no format that a private key has.
    #[error("it is not a private key in PEM, OpenSSH or JWK format")]
    NotAKey,
    /// It can't be read.
    #[error(transparent)]
    Unread(#[from] MaterialError),
    /// It is of another kind.
    #[error("requests are signed with Ed25519 or P-256 keys, and this one is of kind `{0}`")]
    Kind(Kind),
    /// The machine's fault.
    #[error("the key cannot be used: the cryptographic library refuses it")]
    Refused,
}

impl SigningKey {
    /// Reads a private key in PEM, OpenSSH format or as a JWK.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadSigningKey> {
        match Material::import(None, bytes) {
            // The owner could say what other bytes are; here only a key will do.
            Err(MaterialError::NeedsKind) => Err(BadSigningKey::NotAKey),
            material => Self::from_material(&material?),
        }
    }

    /// Makes a new Ed25519 key; what comes with it is the key as PKCS#8 in PEM.
    pub fn generate() -> Result<(Self, zeroize::Zeroizing<Vec<u8>>), BadSigningKey> {
        let material = Material::generate(Kind::Ed25519)?;
        Ok((Self::from_material(&material)?, material.to_stored()))
    }

    fn from_material(material: &Material) -> Result<Self, BadSigningKey> {
        let der = material.to_der();
        let pair = match material.kind() {
            Kind::Ed25519 => Ed25519KeyPair::from_pkcs8(&der).map(Pair::Ed25519),
            Kind::P256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).map(Pair::P256)
            }
            kind => return Err(BadSigningKey::Kind(kind)),
        };
        let pair = pair.map_err(|_| BadSigningKey::Refused)?;
        let public = material.public_key().ok_or(BadSigningKey::Refused)?;
        Ok(Self { pair, public })
    }

    /// The public half: what the owner enrols.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key's name in requests.
    pub fn thumbprint(&self) -> Thumbprint {
        self.public.thumbprint()
    }

    /// The name of its algorithm in RFC 9421.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Ed25519(_) => "ed25519",
            Pair::P256(_) => "ecdsa-p256-sha256",
        }
    }

    pub(super) fn sign(&self, base: &[u8]) -> Result<Vec<u8>, BadSigningKey> {
        let signature = match &self.pair {
            Pair::Ed25519(pair) => pair.try_sign(base),
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), base),
        };
        let signature = signature.map_err(|_| BadSigningKey::Refused)?;
        Ok(signature.as_ref().to_vec())
    }
}

/// Says which key it is, and hides it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?}, [secret])", self.public)
    }
}
