//! Secret material, opened: what a version of a secret holds, ready for use.
//!
//! A [`Material`] is generated, imported from one of the usual formats, or read back from what
//! the vault stored. Key pairs are stored as PKCS#8 PEM, so that stock tools can use what stock
//! `age` decrypted; all other kinds are stored as their bytes. Everything is wiped on drop.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    error::{KeyRejected, Unspecified},
    rand,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::memory::with_clean_stack;
use crate::{
    operation::{Kind, OperationError},
    outgoing::scrub::MIN_LEN,
    service::key::PublicKey,
};

mod aws;
mod base32;
mod basic;
pub(crate) mod gcp;
mod import;
mod jwk;
mod mtls;
pub(crate) mod oauth2;
mod openssh;
mod pem;
mod rsa;
pub(crate) mod text;
pub(crate) mod totp;

use self::import::without_line_end;
pub(crate) use self::{aws::AccessKey, basic::Basic, mtls::Mtls};

/// The most bytes that one secret may have.
pub const MAX_LEN: usize = 256 * 1024;

/// The fewest bytes that an HMAC key may have: 128 bits.
pub const MIN_HMAC_LEN: usize = 16;

/// A secret in the clear: its kind and its key or bytes.
pub struct Material {
    kind: Kind,
    /// PKCS#8 DER of a key pair, else the bytes themselves: what [`Material::to_der`] hands out.
    bytes: Zeroizing<Vec<u8>>,
    pair: Option<KeyPair>,
}

/// A key pair as the cryptographic library holds it; the library wipes what it frees.
pub(crate) enum KeyPair {
    Ed25519(Ed25519KeyPair),
    /// Makes signatures as r and s at full length.
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// Why bytes are not a secret of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaterialError {
    /// The bytes have no format of their own that would tell.
    #[error(
        "can't tell what kind of secret this is; name it: `hmac`, `aes256`, `token` or `opaque`, or give a key as PEM, OpenSSH or JWK"
    )]
    NeedsKind,
    /// It is something else than what it was said to be.
    #[error("this is a key of kind `{found}`, not `{expected}`")]
    KindMismatch {
        /// What it was said to be.
        expected: Kind,
        /// What it is.
        found: Kind,
    },
    /// The private key is under a passphrase of its own.
    #[error("the key is protected by a passphrase; take it off first: `{command}`")]
    Encrypted {
        /// What takes it off.
        command: &'static str,
    },
    /// There is only a public half.
    #[error("this is {0}, and not a private key")]
    NotPrivate(String),
    /// More than one private key.
    #[error("there are several private keys in this file; give one of them")]
    SeveralKeys,
    /// A key that no operation can use.
    #[error("this key is of a type that can't be used; use Ed25519, P-256, P-384 or RSA")]
    UnsupportedKey,
    /// RSA outside 2048 to 8192 bits.
    #[error("an RSA key must have 2048 to 8192 bits; this one is too {0}")]
    RsaSize(&'static str),
    /// Parts of the key contradict each other.
    #[error("the parts of this key don't belong together: its public half is of another key")]
    Inconsistent,
    /// The format is known, and this is not right in it.
    #[error("this is not well-formed {format}: {problem}")]
    Malformed {
        /// The format it looks like.
        format: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The bytes can't be a secret of that kind.
    #[error("a secret of kind `{kind}` must be {expected}")]
    NotOfKind {
        /// The kind.
        kind: Kind,
        /// What a secret of that kind looks like.
        expected: &'static str,
    },
    /// More than [`MAX_LEN`] bytes.
    #[error("a secret may have at most {MAX_LEN} bytes")]
    TooLong,
    /// RSA keys come in a few sizes.
    #[error("can't generate an RSA key of {0} bits; use 2048, 3072, 4096 or 8192")]
    NoSuchRsaSize(u32),
    /// Only a provider makes one.
    #[error(
        "a secret of kind `{0}` comes from its provider; put it in with `strongroom secret add`"
    )]
    NotGenerated(Kind),
    /// The machine's: the cryptographic library refused what should have worked.
    #[error("the cryptographic library failed to {0}")]
    Machine(&'static str),
}

impl Material {
    /// Makes a new secret: RSA keys of 3072 bits, everything symmetric of 256. A token is 43
    /// characters of base64url, a `totp` seed an `otpauth` URI with 160 bits.
    pub fn generate(kind: Kind) -> Result<Self, MaterialError> {
        with_clean_stack(|| Self::make(kind))
    }

    fn make(kind: Kind) -> Result<Self, MaterialError> {
        let failed = |_| MaterialError::Machine("generate a key");
        match kind {
            Kind::Ed25519 => Self::pair(KeyPair::Ed25519(
                Ed25519KeyPair::generate().map_err(failed)?,
            )),
            Kind::P256 | Kind::P384 => {
                let pair = EcdsaKeyPair::generate(curve(kind)?).map_err(failed)?;
                Self::pair(KeyPair::Ecdsa(pair))
            }
            Kind::Rsa => Self::generate_rsa(3072),
            Kind::Hmac | Kind::Aes256 | Kind::Opaque => Self::raw(kind, random()?.to_vec()),
            Kind::Token => Self::raw(
                kind,
                URL_SAFE_NO_PAD.encode(random()?.as_slice()).into_bytes(),
            ),
            Kind::Totp => Self::raw(kind, totp::generate()?.to_vec()),
            Kind::Basic | Kind::Aws | Kind::Oauth2 | Kind::Mtls | Kind::GithubApp | Kind::Gcp => {
                Err(MaterialError::NotGenerated(kind))
            }
        }
    }

    /// Makes a new RSA key of 2048, 3072, 4096 or 8192 bits.
    pub fn generate_rsa(bits: u32) -> Result<Self, MaterialError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ => return Err(MaterialError::NoSuchRsaSize(bits)),
        };
        let pair =
            RsaKeyPair::generate(size).map_err(|_| MaterialError::Machine("generate a key"))?;
        Self::pair(KeyPair::Rsa(pair))
    }

    /// Takes in a secret from outside. Without a kind, the format must tell it.
    ///
    /// Key pairs come as PEM (PKCS#8, SEC1 `EC PRIVATE KEY`, PKCS#1 `RSA PRIVATE KEY`, OpenSSH),
    /// as private JWK, or, when the kind is named, as bare DER. A JWK may also hold an `hmac` or
    /// `aes256` key. The other kinds, always named, are taken from the bytes themselves:
    ///
    /// | kind | bytes |
    /// | --- | --- |
    /// | `hmac` | 16 bytes or more, as they are; text loses the line end that editors and `echo` add |
    /// | `aes256` | 32 bytes, or these as 64 hexadecimal digits or base64 |
    /// | `token` | one line of text; loses its line end |
    /// | `aws` | an access key: JSON (`access_key_id`, `secret_access_key`, `session_token`?), what `aws iam create-access-key` prints, or one profile of a credentials file |
    /// | `totp` | a base32 seed, or an `otpauth://totp/…` URI, which tells its kind by itself |
    /// | `basic` | `user:password` in one line of text; loses its line end |
    /// | `mtls` | PEM: a certificate, the rest of its chain, and its private key |
    /// | `opaque` | anything, as it is |
    /// | `oauth2` | JSON: `client_id`, and `client_secret` or `refresh_token` or both |
    /// | `github-app` | an RSA key as PEM, as GitHub hands it out |
    /// | `gcp` | the JSON key file of a service account, as Google hands it out |
    pub fn import(kind: Option<Kind>, bytes: &[u8]) -> Result<Self, MaterialError> {
        with_clean_stack(|| import::import(kind, bytes))
    }

    /// Reads back what [`Material::to_stored`] or [`Material::to_der`] wrote.
    pub fn from_stored(kind: Kind, bytes: &[u8]) -> Result<Self, MaterialError> {
        if !kind.is_asymmetric() {
            return Self::raw(kind, bytes.to_vec());
        }
        if bytes.starts_with(b"-----BEGIN ") {
            return Self::import(Some(kind), bytes);
        }
        let pair = KeyPair::from_pkcs8(kind, bytes)?;
        let bytes = Zeroizing::new(bytes.to_vec());
        Ok(Self {
            kind,
            bytes,
            pair: Some(pair),
        })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What is encrypted into the vault: PKCS#8 PEM for key pairs, else the bytes themselves.
    pub fn to_stored(&self) -> Zeroizing<Vec<u8>> {
        match self.pair {
            Some(_) => pem::write("PRIVATE KEY", &self.bytes),
            None => self.bytes.clone(),
        }
    }

    /// The form that is fastest to read back: PKCS#8 DER for key pairs, else the bytes themselves.
    pub fn to_der(&self) -> Zeroizing<Vec<u8>> {
        self.bytes.clone()
    }

    /// The public half of a key pair; `None` for every other kind.
    pub fn public_key(&self) -> Option<PublicKey> {
        let spki = self.pair.as_ref()?.spki().ok()?;
        PublicKey::from_spki_der(&spki).ok()
    }

    /// The key pair, if it is one.
    pub(crate) fn key_pair(&self) -> Option<&KeyPair> {
        self.pair.as_ref()
    }

    /// The bytes of a secret that is no key pair.
    pub(crate) fn secret_bytes(&self) -> Option<&[u8]> {
        match self.pair {
            Some(_) => None,
            None => Some(&self.bytes),
        }
    }

    /// What its owner should know of a credential that is sent to providers.
    pub fn advice(&self) -> Option<String> {
        let longest = match self.kind {
            Kind::Token => self.bytes.len(),
            // An empty half is what some providers want; one long half is looked for.
            Kind::Basic => {
                let basic = Basic::read(&self.bytes)?;
                basic.password.len().max(match basic.password {
                    "" => basic.user.len(),
                    _ => 0,
                })
            }
            _ => return None,
        };
        (longest < MIN_LEN).then(|| {
            format!(
                "it has fewer than {MIN_LEN} bytes: where a provider echoes it, it is taken out of \
                 the answer only together with what it was sent in"
            )
        })
    }

    /// The text of a secret that is one.
    pub(crate) fn text(&self) -> Result<&str, OperationError> {
        self.secret_bytes()
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or(OperationError::Machine("read the secret as text"))
    }

    fn pair(pair: KeyPair) -> Result<Self, MaterialError> {
        let bytes = pair
            .pkcs8()
            .map_err(|_| MaterialError::Machine("encode a key"))?;
        let material = Self {
            kind: pair.kind(),
            bytes,
            pair: Some(pair),
        };
        // A key whose public half can't be handed out is refused now, not at its first use.
        match material.public_key() {
            Some(_) => Ok(material),
            None => Err(MaterialError::UnsupportedKey),
        }
    }

    fn raw(kind: Kind, bytes: Vec<u8>) -> Result<Self, MaterialError> {
        let bytes = Zeroizing::new(bytes);
        let bytes = match kind {
            Kind::Totp => totp::canonical(&bytes)?,
            _ => bytes,
        };
        let expected = match kind {
            Kind::Hmac if bytes.len() < MIN_HMAC_LEN => "16 bytes or more",
            Kind::Aes256 if bytes.len() != 32 => {
                "32 bytes, as they are, as 64 hexadecimal digits or as base64"
            }
            Kind::Token if !import::is_token(&bytes) => {
                "one line of text that is not empty; for other bytes use `opaque`"
            }
            Kind::Aws if !aws::is_stored(&bytes) => "an access key in its canonical form",
            Kind::Basic if Basic::read(&bytes).is_none() => basic::FORM,
            _ if bytes.is_empty() => "at least one byte",
            Kind::Ed25519 | Kind::P256 | Kind::P384 | Kind::Rsa => {
                "a private key as PEM, OpenSSH or JWK"
            }
            _ if bytes.len() > MAX_LEN => return Err(MaterialError::TooLong),
            _ => {
                return Ok(Self {
                    kind,
                    bytes,
                    pair: None,
                });
            }
        };
        Err(MaterialError::NotOfKind { kind, expected })
    }
}

impl KeyPair {
    fn from_pkcs8(kind: Kind, der: &[u8]) -> Result<Self, MaterialError> {
        match kind {
            Kind::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519),
            Kind::Rsa => RsaKeyPair::from_pkcs8(der).map(Self::Rsa),
            _ => EcdsaKeyPair::from_pkcs8(curve(kind)?, der).map(Self::Ecdsa),
        }
        .map_err(rejected)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Ed25519(_) => Kind::Ed25519,
            Self::Ecdsa(pair) if pair.algorithm() == &ECDSA_P256_SHA256_FIXED_SIGNING => Kind::P256,
            Self::Ecdsa(_) => Kind::P384,
            Self::Rsa(_) => Kind::Rsa,
        }
    }

    /// PKCS#8 version 1, which every tool reads.
    fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let der = |bytes: &[u8]| Zeroizing::new(bytes.to_vec());
        Ok(match self {
            Self::Ed25519(pair) => der(pair.to_pkcs8v1()?.as_ref()),
            Self::Ecdsa(pair) => der(pair.to_pkcs8v1()?.as_ref()),
            Self::Rsa(pair) => der(AsDer::<Pkcs8V1Der<'_>>::as_der(pair)?.as_ref()),
        })
    }

    fn spki(&self) -> Result<Vec<u8>, Unspecified> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Ed25519(pair) => pair.public_key().as_der()?,
            Self::Ecdsa(pair) => pair.public_key().as_der()?,
            Self::Rsa(pair) => pair.public_key().as_der()?,
        };
        Ok(der.as_ref().to_vec())
    }
}

/// The curve of an ECDSA kind.
fn curve(kind: Kind) -> Result<&'static EcdsaSigningAlgorithm, MaterialError> {
    match kind {
        Kind::P256 => Ok(&ECDSA_P256_SHA256_FIXED_SIGNING),
        Kind::P384 => Ok(&ECDSA_P384_SHA384_FIXED_SIGNING),
        _ => Err(MaterialError::UnsupportedKey),
    }
}

/// What the cryptographic library says about a key, as far as it says it.
fn rejected(error: KeyRejected) -> MaterialError {
    match error.to_string().as_str() {
        "TooSmall" => MaterialError::RsaSize("small"),
        "TooLarge" => MaterialError::RsaSize("large"),
        "InconsistentComponents" => MaterialError::Inconsistent,
        _ => MaterialError::UnsupportedKey,
    }
}

fn random() -> Result<Zeroizing<[u8; 32]>, MaterialError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(bytes.as_mut_slice()).map_err(|_| MaterialError::Machine("generate a key"))?;
    Ok(bytes)
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({}, [secret])", self.kind)
    }
}

#[cfg(test)]
pub(crate) mod tests;
