//! The root: what opens the vault. An age identity that all values are encrypted to, and the
//! owner's Ed25519 key that signs all records.
//!
//! Its plaintext is an age identity file, so that stock `age` reads what it opens:
//!
//! ```text
//! # the root of a strongroom vault: it opens every secret and signs every change
//! # owner-key: <the Ed25519 seed (RFC 8032), 32 bytes in base64>
//! AGE-SECRET-KEY-1…
//! ```

use std::{fmt, io::Read as _, str};

use age::{DecryptError, Decryptor, EncryptError, armor::ArmoredReader, x25519};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{
    OwnerKey, VaultError,
    chain::{self, Head},
    memory::{self, Locked, Unavailable, with_clean_stack},
    record::Record,
};
use crate::store::StoredRecord;

const TITLE: &str =
    "# the root of a strongroom vault: it opens every secret and signs every change";
const OWNER_KEY: &str = "# owner-key: ";

/// An open root. The keys are in locked memory.
pub(super) struct Root {
    keys: Locked<Keys>,
    owner_key: OwnerKey,
}

struct Keys {
    identity: x25519::Identity,
    /// The key pair is built from it for one signature: the library's own memory is not locked.
    owner_seed: [u8; 32],
}

/// Why a plaintext is no root. It tells nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRoot {
    #[error("it holds no root")]
    Malformed,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Root {
    /// A new one.
    pub(super) fn generate() -> Result<Self, VaultError> {
        let owner_seed = memory::random()?;
        let root = with_clean_stack(|| Self::new(x25519::Identity::generate(), &owner_seed));
        root.map_err(|error| match error {
            BadRoot::Unavailable(unavailable) => VaultError::Unavailable(unavailable),
            BadRoot::Malformed => VaultError::NotSigned,
        })
    }

    /// Reads the plaintext of a slot.
    pub(super) fn parse(file: &[u8]) -> Result<Self, BadRoot> {
        let text = str::from_utf8(file).map_err(|_| BadRoot::Malformed)?;
        let (mut identity, mut owner_seed) = (None, None);
        for line in text.lines() {
            if let Some(seed) = line.strip_prefix(OWNER_KEY) {
                let seed = STANDARD
                    .decode(seed)
                    .map(Zeroizing::new)
                    .map_err(|_| BadRoot::Malformed)?;
                let seed = <[u8; 32]>::try_from(seed.as_slice()).map_err(|_| BadRoot::Malformed)?;
                // Two would leave it open which one counts.
                if owner_seed.replace(Zeroizing::new(seed)).is_some() {
                    return Err(BadRoot::Malformed);
                }
            } else if !line.is_empty() && !line.starts_with('#') {
                let key = line
                    .parse::<x25519::Identity>()
                    .map_err(|_| BadRoot::Malformed)?;
                if identity.replace(key).is_some() {
                    return Err(BadRoot::Malformed);
                }
            }
        }
        match (identity, owner_seed) {
            (Some(identity), Some(seed)) => Self::new(identity, &seed),
            _ => Err(BadRoot::Malformed),
        }
    }

    fn new(identity: x25519::Identity, owner_seed: &[u8; 32]) -> Result<Self, BadRoot> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(owner_seed).map_err(|_| BadRoot::Malformed)?;
        let owner_key = OwnerKey::of(&pair).ok_or(BadRoot::Malformed)?;
        let keys = Locked::new(Keys {
            identity,
            owner_seed: *owner_seed,
        })?;
        Ok(Self { keys, owner_key })
    }

    /// The plaintext for a slot.
    pub(super) fn to_file(&self) -> Zeroizing<String> {
        with_clean_stack(|| self.write_file())
    }

    fn write_file(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(STANDARD.encode(self.keys.owner_seed));
        let identity = self.keys.identity.to_string();
        let parts = [
            TITLE,
            "\n",
            OWNER_KEY,
            &seed,
            "\n",
            identity.expose_secret(),
            "\n",
        ];
        // Room for all of it from the start: a growing string leaves copies behind.
        let mut file = Zeroizing::new(String::with_capacity(
            parts.iter().map(|part| part.len()).sum(),
        ));
        parts.iter().for_each(|part| file.push_str(part));
        file
    }

    /// What records are checked with.
    pub(super) fn owner_key(&self) -> &OwnerKey {
        &self.owner_key
    }

    /// What values are encrypted to.
    pub(super) fn recipient(&self) -> x25519::Recipient {
        with_clean_stack(|| self.keys.identity.to_public())
    }

    /// Whether the system keeps the keys in RAM.
    pub(super) fn is_memory_locked(&self) -> bool {
        self.keys.is_in_ram()
    }

    /// Signs the record that follows `head`.
    pub(super) fn sign(
        &self,
        head: Option<&Head>,
        now: Timestamp,
        record: Record,
    ) -> Result<StoredRecord, VaultError> {
        with_clean_stack(|| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&self.keys.owner_seed)
                .map_err(|_| VaultError::NotSigned)?;
            chain::sign(&pair, head, now, record).ok_or(VaultError::NotSigned)
        })
    }

    /// An age file to this root, ASCII armor.
    pub(super) fn encrypt(&self, value: &[u8]) -> Result<String, EncryptError> {
        with_clean_stack(|| age::encrypt_and_armor(&self.recipient(), value))
    }

    /// An age file to this root, as bytes.
    pub(super) fn encrypt_binary(&self, value: &[u8]) -> Result<Vec<u8>, EncryptError> {
        with_clean_stack(|| age::encrypt(&self.recipient(), value))
    }

    /// What such a file holds.
    pub(super) fn decrypt_binary(&self, file: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        with_clean_stack(|| decrypt(&self.keys.identity, file))
    }

    /// What an age file to this root holds.
    pub(super) fn decrypt(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        with_clean_stack(|| decrypt(&self.keys.identity, file.as_bytes()))
    }
}

/// Decrypts an age file, armored or not, leaving no copy behind.
pub(super) fn decrypt(
    identity: &dyn age::Identity,
    file: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let mut reader =
        Decryptor::new_buffered(ArmoredReader::new(file))?.decrypt(std::iter::once(identity))?;
    // A plaintext is shorter than its file, so this never grows: growing leaves copies behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(file.len()));
    reader.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}

/// Names the root by its public halves.
impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("owner_key", &format_args!("{}", self.owner_key))
            .field("recipient", &format_args!("{}", self.recipient()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_an_age_identity_file() {
        let root = Root::generate().unwrap();
        let file = root.to_file();
        let value = root.encrypt(b"hunter2").unwrap();

        // age's own reader of identity files, not ours.
        let identities = age::IdentityFile::from_buffer(file.as_bytes())
            .unwrap()
            .into_identities()
            .unwrap();
        let mut opened = Vec::new();
        Decryptor::new_buffered(ArmoredReader::new(value.as_bytes()))
            .unwrap()
            .decrypt(
                identities
                    .iter()
                    .map(|identity| identity.as_ref() as &dyn age::Identity),
            )
            .unwrap()
            .read_to_end(&mut opened)
            .unwrap();
        assert_eq!(opened, b"hunter2");
    }

    #[test]
    fn a_root_is_read_back() {
        let root = Root::generate().unwrap();
        let again = Root::parse(root.to_file().as_bytes()).unwrap();
        assert_eq!(again.owner_key(), root.owner_key());
        assert_eq!(again.recipient(), root.recipient());
        assert_eq!(*again.decrypt(&root.encrypt(b"x").unwrap()).unwrap(), b"x");
    }

    #[test]
    fn what_is_no_root_is_refused_without_a_word_of_it() {
        let good = Root::generate().unwrap().to_file();
        let lines: Vec<&str> = good.lines().collect();
        let (seed, identity) = (lines[1], lines[2]);
        for bad in [
            String::new(),
            seed.to_owned(),
            identity.to_owned(),
            format!("{seed}\n{seed}\n{identity}\n"),
            format!("{seed}\n{identity}\n{identity}\n"),
            format!("{}\n{identity}\n", &seed[..30]),
            format!("{seed}\n{}\n", &identity[..40]),
        ] {
            assert_eq!(Root::parse(bad.as_bytes()).err(), Some(BadRoot::Malformed));
        }
    }

    #[test]
    fn debug_hides_the_keys() {
        let root = Root::generate().unwrap();
        let shown = format!("{root:?}");
        for line in root.to_file().lines().skip(1) {
            let secret = line.trim_start_matches(OWNER_KEY);
            assert!(!shown.contains(secret));
        }
    }
}
