//! Access tokens that were fetched for requests, kept until shortly before they expire.
//!
//! Like what the [shield](super::shield) keeps, they are ciphertext under a key that lives only
//! until the vault is locked. A token is found again only with the very value that would be used
//! to fetch the next one, under the very same binding: a secret that is rotated, retired or bound
//! anew has none.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::{aead::Aad, hmac};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    material::Material,
    memory::{Locked, Unavailable},
    shield::Sealed,
};
use crate::name::Name;

/// So many are kept; then any one makes room.
const CAPACITY: usize = 1024;

/// The tokens of an unlocked vault; none once it is locked.
pub(crate) struct Tokens(Mutex<Option<Kept>>);

struct Kept {
    key: Locked<[u8; 32]>,
    tokens: HashMap<[u8; 32], Token>,
}

struct Token {
    sealed: Sealed,
    until: Timestamp,
}

/// What a token is found by.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) secret: &'a Name,
    /// The number of the binding's record.
    pub(crate) binding: u64,
    /// What the next token would be fetched with.
    pub(crate) material: &'a Material,
}

/// Where a token is kept.
#[derive(Clone, Copy)]
pub(crate) struct Place([u8; 32]);

impl Tokens {
    /// None yet, under a new key.
    pub(super) fn new() -> Result<Self, Unavailable> {
        let kept = Kept {
            key: Locked::random()?,
            tokens: HashMap::new(),
        };
        Ok(Self(Mutex::new(Some(kept))))
    }

    /// Where the token of this source is kept; `None` when the vault was locked.
    pub(crate) fn place(&self, source: Source<'_>) -> Option<Place> {
        let kept = self.kept();
        let key = hmac::Key::new(hmac::HMAC_SHA256, kept.as_ref()?.key.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(source.secret.as_str().as_bytes());
        // No name has a NUL in it.
        context.update(&[0]);
        context.update(&source.binding.to_be_bytes());
        context.update(&source.material.to_der());
        Some(Place(context.sign().as_ref().try_into().ok()?))
    }

    /// The token that is kept there, if it is still good.
    pub(crate) fn find(&self, place: Place, now: Timestamp) -> Option<Zeroizing<Vec<u8>>> {
        let kept = self.kept();
        let kept = kept.as_ref()?;
        let token = kept.tokens.get(&place.0)?;
        match token.until > now {
            true => token.sealed.open(&kept.key, Aad::from(place.0.to_vec())),
            false => None,
        }
    }

    /// Keeps a token. If that fails, the next request fetches another.
    pub(crate) fn keep(
        &self,
        place: Place,
        token: Zeroizing<Vec<u8>>,
        until: Timestamp,
        now: Timestamp,
    ) {
        let mut kept = self.kept();
        let Some(Kept { key, tokens }) = kept.as_mut() else {
            return;
        };
        tokens.retain(|_, token| token.until > now);
        if tokens.len() >= CAPACITY {
            let any = tokens.keys().next().copied();
            any.map(|any| tokens.remove(&any));
        }
        if let Some(sealed) = Sealed::new(key, Aad::from(place.0.to_vec()), token) {
            tokens.insert(place.0, Token { sealed, until });
        }
    }

    /// The provider does not take it any more.
    pub(crate) fn forget(&self, place: Place) {
        if let Some(kept) = self.kept().as_mut() {
            kept.tokens.remove(&place.0);
        }
    }

    /// Wipes the key, and keeps nothing any more.
    pub(super) fn close(&self) {
        drop(self.kept().take());
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how many are kept.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept().as_ref().map_or(0, |kept| kept.tokens.len());
        f.debug_struct("Tokens")
            .field("kept", &kept)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Kind;

    const fn at(second: i64) -> Timestamp {
        Timestamp::constant(second, 0)
    }

    #[test]
    fn a_token_is_found_with_its_own_source_only_and_while_it_is_good() {
        let tokens = Tokens::new().unwrap();
        let (name, other) = ("crm".parse().unwrap(), "erp".parse().unwrap());
        let material = Material::import(Some(Kind::Opaque), b"one").unwrap();
        let rotated = Material::import(Some(Kind::Opaque), b"two").unwrap();
        let source = Source {
            secret: &name,
            binding: 7,
            material: &material,
        };
        let place = tokens.place(source).unwrap();
        let token = || Zeroizing::new(b"planted".to_vec());
        tokens.keep(place, token(), at(100), at(0));
        assert_eq!(*tokens.find(place, at(99)).unwrap(), b"planted");
        assert!(tokens.find(place, at(100)).is_none());
        for source in [
            Source {
                secret: &other,
                ..source
            },
            Source {
                binding: 8,
                ..source
            },
            Source {
                material: &rotated,
                ..source
            },
        ] {
            let place = tokens.place(source).unwrap();
            assert!(tokens.find(place, at(0)).is_none());
        }
        assert_eq!(format!("{tokens:?}"), "Tokens { kept: 1, .. }");
        tokens.forget(place);
        assert!(tokens.find(place, at(0)).is_none());
        tokens.keep(place, token(), at(100), at(0));
        tokens.close();
        assert!(tokens.find(place, at(0)).is_none());
        tokens.keep(place, token(), at(100), at(0));
        assert_eq!(format!("{tokens:?}"), "Tokens { kept: 0, .. }");
    }
}
