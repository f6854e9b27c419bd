//! Private JSON Web Keys (RFC 7517; RFC 7518, section 6; RFC 8037).

use std::{borrow::Cow, fmt};

use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use super::{KeyPair, Material, MaterialError, curve, rejected, rsa::Numbers};
use crate::operation::Kind;

/// A JWK: the members that make up a key. Others (`kid`, `use`, …) are of no interest here.
#[derive(Deserialize)]
pub(super) struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    alg: Option<Cow<'a, str>>,
    crv: Option<Cow<'a, str>>,
    x: Option<Binary>,
    y: Option<Binary>,
    n: Option<Binary>,
    e: Option<Binary>,
    d: Option<Binary>,
    p: Option<Binary>,
    q: Option<Binary>,
    qi: Option<Binary>,
    k: Option<Binary>,
    oth: Option<de::IgnoredAny>,
}

/// Base64url without padding, decoded.
struct Binary(Zeroizing<Vec<u8>>);

impl<'a> Jwk<'a> {
    /// Reads the text if it is a JSON object with a `kty`. `None`: it is not meant as a JWK.
    pub(super) fn read(text: &'a [u8]) -> Option<Result<Self, MaterialError>> {
        #[derive(Deserialize)]
        struct Marker {
            #[serde(rename = "kty")]
            _kty: de::IgnoredAny,
        }
        if text.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        serde_json::from_slice::<Marker>(text).ok()?;
        let jwk = serde_json::from_slice(text);
        Some(jwk.map_err(|_| malformed("a member is not what RFC 7518 says")))
    }

    /// The key in it. `kind` settles what a plain `oct` key is for.
    pub(super) fn material(self, kind: Option<Kind>) -> Result<Material, MaterialError> {
        match (&*self.kty, self.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                let (x, d) = (need(&self.x)?, self.private(&self.d)?);
                let pair = Ed25519KeyPair::from_seed_and_public_key(d, x);
                Material::pair(KeyPair::Ed25519(pair.map_err(rejected)?))
            }
            ("EC", Some("P-256")) => self.ecdsa(Kind::P256),
            ("EC", Some("P-384")) => self.ecdsa(Kind::P384),
            ("RSA", _) => self.rsa(),
            ("oct", _) => self.symmetric(kind),
            _ => Err(MaterialError::UnsupportedKey),
        }
    }

    fn ecdsa(&self, kind: Kind) -> Result<Material, MaterialError> {
        let (x, y, d) = (need(&self.x)?, need(&self.y)?, self.private(&self.d)?);
        // An uncompressed point: SEC 1, section 2.3.3.
        let point = [&[4], x, y].concat();
        let pair = EcdsaKeyPair::from_private_key_and_public_key(curve(kind)?, d, &point);
        Material::pair(KeyPair::Ecdsa(pair.map_err(rejected)?))
    }

    fn rsa(&self) -> Result<Material, MaterialError> {
        if self.oth.is_some() {
            return Err(MaterialError::UnsupportedKey);
        }
        let numbers = Numbers {
            n: need(&self.n)?,
            e: need(&self.e)?,
            d: self.private(&self.d)?,
            p: need(&self.p)?,
            q: need(&self.q)?,
            q_inv: need(&self.qi)?,
        };
        Material::pair(numbers.key_pair()?)
    }

    fn symmetric(&self, kind: Option<Kind>) -> Result<Material, MaterialError> {
        let key = self.private(&self.k)?;
        let found = match self.alg.as_deref() {
            Some("HS256" | "HS384" | "HS512") => Some(Kind::Hmac),
            Some("A256GCM") => Some(Kind::Aes256),
            _ => None,
        };
        match (found.or(kind), kind) {
            (None, _) => Err(MaterialError::NeedsKind),
            (Some(found @ (Kind::Hmac | Kind::Aes256)), _) => Material::raw(found, key.to_vec()),
            (Some(kind), _) => Err(MaterialError::NotOfKind {
                kind,
                expected: "a key pair, and this JWK is a symmetric key",
            }),
        }
    }

    fn private<'b>(&self, member: &'b Option<Binary>) -> Result<&'b [u8], MaterialError> {
        match member {
            Some(Binary(bytes)) => Ok(bytes),
            None => Err(MaterialError::NotPrivate(
                "the public half of a JWK".to_owned(),
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Decodes straight from the text, so that no copy of the base64 is left behind.
        struct Decoded;

        impl de::Visitor<'_> for Decoded {
            type Value = Binary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64url without padding")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Binary, E> {
                let bytes = URL_SAFE_NO_PAD.decode(text);
                let bytes = bytes.map_err(|_| E::custom("not base64url without padding"))?;
                Ok(Binary(Zeroizing::new(bytes)))
            }
        }

        deserializer.deserialize_str(Decoded)
    }
}

fn need(member: &Option<Binary>) -> Result<&[u8], MaterialError> {
    match member {
        Some(Binary(bytes)) => Ok(bytes),
        None => Err(malformed(
            "a member that this key type must have is missing",
        )),
    }
}

const fn malformed(problem: &'static str) -> MaterialError {
    MaterialError::Malformed {
        format: "JWK",
        problem,
    }
}
