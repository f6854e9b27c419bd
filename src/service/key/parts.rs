//! What a key is made of, and the forms that are written from it: OpenSSH line and JWK.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ssh_key::{
    Mpint,
    public::{EcdsaPublicKey, Ed25519PublicKey, KeyData, RsaPublicKey},
};

/// The numbers of a key.
pub(super) enum Parts {
    /// As RFC 8032 encodes it.
    Ed25519([u8; 32]),
    /// x and y, of equal length.
    Ec(Vec<u8>),
    /// Modulus and exponent, big-endian and without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Parts {
    /// RFC 7517, RFC 8037.
    pub(super) fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(raw) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(raw)}),
            Self::Ec(point) => {
                let (x, y) = halves(point);
                json!({"kty": "EC", "crv": curve(point), "x": base64url(x), "y": base64url(y)})
            }
            Self::Rsa { n, e } => json!({"kty": "RSA", "n": base64url(n), "e": base64url(e)}),
        }
    }

    /// The members that a thumbprint is computed over (RFC 7638 section 3.2, RFC 8037 section 2):
    /// in lexicographic order and without white space.
    pub(super) fn members(&self) -> String {
        match self {
            Self::Ed25519(raw) => {
                let x = base64url(raw);
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)
            }
            Self::Ec(point) => {
                let (x, y) = halves(point);
                let (crv, x, y) = (curve(point), base64url(x), base64url(y));
                format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Rsa { n, e } => {
                let (n, e) = (base64url(n), base64url(e));
                format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
            }
        }
    }

    /// An OpenSSH line without a newline.
    pub(super) fn openssh(&self, comment: &str) -> ssh_key::Result<String> {
        let line = ssh_key::PublicKey::new(self.key_data()?, comment).to_openssh()?;
        Ok(line.trim_end().to_owned())
    }

    /// The bytes that an OpenSSH line has in base64.
    pub(super) fn openssh_blob(&self) -> ssh_key::Result<Vec<u8>> {
        ssh_key::PublicKey::from(self.key_data()?).to_bytes()
    }

    fn key_data(&self) -> ssh_key::Result<KeyData> {
        Ok(match self {
            Self::Ed25519(raw) => KeyData::Ed25519(Ed25519PublicKey(*raw)),
            Self::Ec(point) => {
                KeyData::Ecdsa(EcdsaPublicKey::from_sec1_bytes(&uncompressed(point))?)
            }
            Self::Rsa { n, e } => KeyData::Rsa(RsaPublicKey {
                e: Mpint::from_positive_bytes(e)?,
                n: Mpint::from_positive_bytes(n)?,
            }),
        })
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn curve(point: &[u8]) -> &'static str {
    if point.len() == 64 { "P-256" } else { "P-384" }
}

fn halves(point: &[u8]) -> (&[u8], &[u8]) {
    point.split_at(point.len() / 2)
}

/// SEC 1 section 2.3.3: 04, x, y.
pub(super) fn uncompressed(point: &[u8]) -> Vec<u8> {
    [&[4], point].concat()
}
