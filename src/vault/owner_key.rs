//! The owner key: it signs every record. In public it is a C2SP signed-note verifier key.

use std::{fmt, str::FromStr};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use signed_note::{Signer, VerificationError, Verifier, Verifiers};

/// The name of the owner key in the signature lines.
pub const OWNER_KEY_NAME: &str = "strongroom-owner";

/// C2SP signed-note's byte for Ed25519.
const ED25519_TYPE: u8 = 1;

/// The public half of the owner key. Its text form is a C2SP verifier key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerKey {
    id: u32,
    public: [u8; 32],
}

/// A text that is no owner key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an owner key: it is a signed-note verifier key `strongroom-owner+…+…`")]
pub struct BadOwnerKey;

impl OwnerKey {
    /// The public half of a key pair.
    pub(super) fn of(pair: &Ed25519KeyPair) -> Option<Self> {
        pair.public_key().as_ref().try_into().ok().map(Self::new)
    }

    /// The key with these bytes (RFC 8032).
    fn new(public: [u8; 32]) -> Self {
        let typed = [&[ED25519_TYPE], public.as_slice()].concat();
        Self {
            id: signed_note::key_id(OWNER_KEY_NAME, &typed),
            public,
        }
    }
}

impl fmt::Display for OwnerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519_TYPE], self.public.as_slice()].concat();
        write!(
            f,
            "{OWNER_KEY_NAME}+{:08x}+{}",
            self.id,
            STANDARD.encode(typed)
        )
    }
}

impl FromStr for OwnerKey {
    type Err = BadOwnerKey;

    fn from_str(text: &str) -> Result<Self, BadOwnerKey> {
        // Base64 has pluses of its own, so from the front.
        let encoded = text.splitn(3, '+').nth(2).ok_or(BadOwnerKey)?;
        let typed = STANDARD.decode(encoded).map_err(|_| BadOwnerKey)?;
        let Some((&ED25519_TYPE, public)) = typed.split_first() else {
            return Err(BadOwnerKey);
        };
        let key = Self::new(public.try_into().map_err(|_| BadOwnerKey)?);
        // One text per key: this checks the name and the key id as well.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(BadOwnerKey)
        }
    }
}

impl Verifier for OwnerKey {
    fn name(&self) -> &str {
        OWNER_KEY_NAME
    }

    fn key_id(&self) -> u32 {
        self.id
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl Verifiers for OwnerKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if name == OWNER_KEY_NAME && id == self.id {
            Ok(self)
        } else {
            Err(VerificationError::UnknownKey {
                name: name.to_owned(),
                id,
            })
        }
    }
}

/// Signs for the time of one record.
pub(super) struct OwnerSigner<'a> {
    pair: &'a Ed25519KeyPair,
    key: OwnerKey,
}

impl<'a> OwnerSigner<'a> {
    pub(super) fn new(pair: &'a Ed25519KeyPair) -> Option<Self> {
        Some(Self {
            pair,
            key: OwnerKey::of(pair)?,
        })
    }
}

impl Signer for OwnerSigner<'_> {
    fn name(&self) -> &str {
        OWNER_KEY_NAME
    }

    fn key_id(&self) -> u32 {
        self.key.id
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signed = self
            .pair
            .try_sign(message)
            .map_err(|_| signature::Error::new())?;
        Ok(signed.as_ref().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> OwnerKey {
        OwnerKey::of(&Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()).unwrap()
    }

    #[test]
    fn an_owner_key_has_one_text() {
        for seed in 0..50 {
            let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
            let key = OwnerKey::of(&pair).unwrap();
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        let text = owner().to_string();
        for bad in [
            "",
            "+",
            "strongroom-owner",
            &text.replace("owner", "other"),
            &format!("{text} "),
            &text[..60],
        ] {
            assert_eq!(bad.parse::<OwnerKey>(), Err(BadOwnerKey), "{bad}");
        }
    }
}
