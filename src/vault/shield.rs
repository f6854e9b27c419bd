//! The shield: opened values, kept for the next use under a key that lives only until the vault
//! is locked.
//!
//! Opening an age file takes an X25519 exchange and two key derivations; opening from here takes
//! a microsecond. What lies on the heap is ciphertext (AES-256-GCM, the secret's name and version
//! as associated data). The key is random, in locked memory, and wiped first when the vault is
//! locked: then all of it is noise, wherever copies may be.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use super::{
    Version,
    memory::{Locked, Unavailable},
};

/// So many opened values are kept; then any one makes room. That bounds memory, and the number
/// of random nonces under one key far below the 2^32 that NIST SP 800-38D allows.
const CAPACITY: usize = 1024;

pub(super) struct Shield {
    key: Locked<[u8; 32]>,
    /// By the version's record number, which no other version has.
    sealed: RwLock<HashMap<u64, Arc<Sealed>>>,
}

/// A value as ciphertext.
pub(super) struct Sealed {
    nonce: [u8; NONCE_LEN],
    bytes: Vec<u8>,
}

impl Sealed {
    /// Encrypts a value in place.
    pub(super) fn new(
        key: &Locked<[u8; 32]>,
        aad: Aad<Vec<u8>>,
        mut value: Zeroizing<Vec<u8>>,
    ) -> Option<Self> {
        let (nonce, tag) = ready(key)?
            .seal_in_place_separate_tag(aad, &mut value)
            .ok()?;
        // Ciphertext by now: it may grow and move.
        let bytes = [value.as_slice(), tag.as_ref()].concat();
        Some(Self {
            nonce: *nonce.as_ref(),
            bytes,
        })
    }

    /// Decrypts it.
    pub(super) fn open(
        &self,
        key: &Locked<[u8; 32]>,
        aad: Aad<Vec<u8>>,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(self.bytes.clone());
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let length = ready(key)?
            .open_in_place(nonce, aad, &mut bytes)
            .ok()?
            .len();
        bytes.truncate(length);
        Some(bytes)
    }
}

impl Shield {
    /// Empty, under a new key.
    pub(super) fn new() -> Result<Self, Unavailable> {
        Ok(Self {
            key: Locked::random()?,
            sealed: RwLock::default(),
        })
    }

    /// The opened value of a version, if it is kept.
    pub(super) fn open(&self, version: &Version) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = Arc::clone(
            self.sealed
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&version.record)?,
        );
        sealed.open(&self.key, aad(version))
    }

    /// Keeps the opened value of a version. If that fails, the next use opens the age file again.
    pub(super) fn keep(&self, version: &Version, value: Zeroizing<Vec<u8>>) {
        let Some(sealed) = Sealed::new(&self.key, aad(version), value) else {
            return;
        };
        let sealed = Arc::new(sealed);
        let mut kept = self.sealed.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= CAPACITY && !kept.contains_key(&version.record) {
            let any = kept.keys().next().copied();
            any.map(|any| kept.remove(&any));
        }
        kept.insert(version.record, sealed);
    }

    /// Whether the system keeps the key in RAM.
    pub(super) fn is_memory_locked(&self) -> bool {
        self.key.is_in_ram()
    }
}

/// The key, ready for one use: the library's own memory is wiped after it.
fn ready(key: &Locked<[u8; 32]>) -> Option<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key.as_slice()).ok()
}

/// Binds a sealed value to its place: no other secret or version opens it.
fn aad(version: &Version) -> Aad<Vec<u8>> {
    let mut place = version.secret.as_str().as_bytes().to_vec();
    place.push(0);
    place.extend(version.number.to_be_bytes());
    Aad::from(place)
}

/// Says how many values are kept.
impl fmt::Debug for Shield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self
            .sealed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        f.debug_struct("Shield")
            .field("kept", &kept)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::operation::Kind;

    fn version(name: &str, number: u32, record: u64) -> Version {
        Version {
            secret: name.parse().unwrap(),
            number,
            kind: Kind::Token,
            releasable: false,
            retired: false,
            public_key: None,
            created: Timestamp::UNIX_EPOCH,
            record,
            value: "".into(),
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_is_not_in_the_clear() {
        let shield = Shield::new().unwrap();
        let version = version("deploy", 1, 2);
        assert!(shield.open(&version).is_none());
        shield.keep(&version, Zeroizing::new(b"hunter2".to_vec()));
        assert_eq!(*shield.open(&version).unwrap(), b"hunter2");
        let kept = shield.sealed.read().unwrap();
        assert!(!kept[&2].bytes.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(format!("{shield:?}"), "Shield { kept: 1, .. }");
    }

    #[test]
    fn a_value_opens_only_in_its_place() {
        let shield = Shield::new().unwrap();
        shield.keep(
            &version("deploy", 1, 2),
            Zeroizing::new(b"hunter2".to_vec()),
        );
        assert!(shield.open(&version("deploy", 2, 2)).is_none());
        assert!(shield.open(&version("other", 1, 2)).is_none());
    }

    #[test]
    fn the_number_of_kept_values_is_bounded() {
        let shield = Shield::new().unwrap();
        for record in 0..(CAPACITY as u64 + 10) {
            shield.keep(&version("deploy", 1, record), Zeroizing::new(vec![1]));
        }
        assert_eq!(shield.sealed.read().unwrap().len(), CAPACITY);
    }
}
