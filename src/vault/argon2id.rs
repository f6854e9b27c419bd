//! The passphrase stanza of an age file: Argon2id (RFC 9106) instead of age's own scrypt.
//!
//! ```text
//! -> argon2id $argon2id$v=19$m=65536,t=3,p=4$<salt, 16 bytes in base64 without padding>
//! <the file key, encrypted under the derived key as in age's scrypt stanza>
//! ```
//!
//! The one argument is a PHC string without the hash. As with scrypt, the derived key encrypts
//! the file key with ChaCha20-Poly1305 under a zero nonce (the salt makes every key a one-time
//! key), and the stanza must be the only one: a passphrase beside another recipient would not
//! authenticate the sender. age's grease stanzas, which open nothing, may be there.
//!
//! The parameters in a file are somebody's claim. They are held between a floor, below which
//! guessing gets cheap, and a ceiling, before any memory is taken.

use std::{collections::HashSet, io, iter};

use age::{DecryptError, EncryptError};
use age_core::{
    format::{FILE_KEY_BYTES, FileKey, Stanza},
    primitives::{aead_decrypt, aead_encrypt},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use self::parameters::SALT_LEN;
use super::Passphrase;

mod parameters;

pub use parameters::{Argument, Parameters, UnfitParameters};

const TAG: &str = "argon2id";
/// The file key and the authentication tag.
const BODY_LEN: usize = FILE_KEY_BYTES + 16;

/// Encrypts an age file under a passphrase.
pub struct Recipient<'a> {
    passphrase: &'a Passphrase,
    parameters: Parameters,
}

/// Decrypts an age file with a passphrase.
pub struct Identity<'a> {
    passphrase: &'a Passphrase,
}

/// Why a stanza does not open. It travels through age inside an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The owner's.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A claim in the file that is not believed.
    #[error(transparent)]
    Parameters(UnfitParameters),
    /// Not of the form at the top of this module.
    #[error("the stanza is malformed")]
    Stanza,
    /// Another recipient is beside it.
    #[error("the passphrase stanza is not the only one")]
    NotAlone,
    /// The machine's.
    #[error("no memory for the work that the passphrase takes ({0})")]
    NoMemory(Parameters),
}

/// What was wrong, if it was this stanza that did not open.
pub(super) fn problem(error: &DecryptError) -> Option<Problem> {
    match error {
        DecryptError::Io(error) => error.get_ref()?.downcast_ref().copied(),
        _ => None,
    }
}

impl<'a> Recipient<'a> {
    /// Under this passphrase, with so much work.
    pub fn new(passphrase: &'a Passphrase, parameters: Parameters) -> Self {
        Self {
            passphrase,
            parameters,
        }
    }
}

impl<'a> Identity<'a> {
    /// With this passphrase.
    pub fn new(passphrase: &'a Passphrase) -> Self {
        Self { passphrase }
    }

    fn open(&self, stanza: &Stanza) -> Result<FileKey, Problem> {
        let [argument] = stanza.args.as_slice() else {
            return Err(Problem::Stanza);
        };
        if stanza.body.len() != BODY_LEN {
            return Err(Problem::Stanza);
        }
        let Argument { parameters, salt } = argument.parse()?;
        let key = parameters.derive(self.passphrase, &salt)?;
        let opened = aead_decrypt(&key, FILE_KEY_BYTES, &stanza.body)
            .map_err(|_| Problem::WrongPassphrase)?;
        let opened = Zeroizing::new(opened);
        Ok(FileKey::init_with_mut(|file_key| {
            file_key.copy_from_slice(&opened)
        }))
    }
}

impl age::Recipient for Recipient<'_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mut random = [0; SALT_LEN + 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| io::Error::other("no randomness"))?;
        let (salt, label) = random.split_at(SALT_LEN);
        let salt = salt.try_into().map_err(|_| io::Error::other("no salt"))?;
        let key = self
            .parameters
            .derive(self.passphrase, &salt)
            .map_err(io::Error::other)?;
        let argument = Argument {
            parameters: self.parameters,
            salt,
        };
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![argument.to_string()],
            body: aead_encrypt(&key, file_key.expose_secret()),
        };
        // A label that no other recipient has: age refuses to add one beside this.
        Ok((
            vec![stanza],
            iter::once(STANDARD_NO_PAD.encode(label)).collect(),
        ))
    }
}

impl age::Identity for Identity<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        let opened = (stanza.tag == TAG).then(|| self.open(stanza))?;
        Some(opened.map_err(|problem| DecryptError::Io(io::Error::other(problem))))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        let ours = stanzas.iter().find(|stanza| stanza.tag == TAG)?;
        let others = stanzas
            .iter()
            .filter(|stanza| !stanza.tag.ends_with("-grease"))
            .count();
        if others > 1 {
            return Some(Err(DecryptError::Io(io::Error::other(Problem::NotAlone))));
        }
        self.unwrap_stanza(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"the root";

    fn encrypt(passphrase: &str) -> Vec<u8> {
        age::encrypt(
            &Recipient::new(&Passphrase::from(passphrase), Parameters::FLOOR),
            PLAIN,
        )
        .unwrap()
    }

    fn decrypt(passphrase: &str, file: &[u8]) -> Result<Vec<u8>, Option<Problem>> {
        age::decrypt(&Identity::new(&Passphrase::from(passphrase)), file)
            .map_err(|error| problem(&error))
    }

    #[test]
    fn the_passphrase_opens_and_another_does_not() {
        let file = encrypt("correct horse");
        assert!(
            String::from_utf8_lossy(&file)
                .contains("\n-> argon2id $argon2id$v=19$m=19456,t=2,p=1$")
        );
        assert_eq!(decrypt("correct horse", &file).unwrap(), PLAIN);
        assert_eq!(
            decrypt("wrong horse", &file),
            Err(Some(Problem::WrongPassphrase))
        );
    }

    /// 4 TiB of memory would be asked for: that this ends at once is the test.
    #[test]
    fn work_beyond_the_ceiling_is_refused_before_it_is_done() {
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![format!(
                "$argon2id$v=19$m=4294967295,t=16,p=1${}",
                STANDARD_NO_PAD.encode([0; SALT_LEN])
            )],
            body: vec![0; BODY_LEN],
        };
        let passphrase = Passphrase::from("x");
        let refused = Identity::new(&passphrase).open(&stanza).err();
        assert!(
            matches!(
                refused,
                Some(Problem::Parameters(UnfitParameters::TooHigh(_)))
            ),
            "{refused:?}"
        );
    }

    #[test]
    fn the_stanza_stands_alone() {
        let passphrase = Passphrase::from("correct horse");
        let ours = Recipient::new(&passphrase, Parameters::FLOOR);
        let other = age::x25519::Identity::generate().to_public();
        let both: [&dyn age::Recipient; 2] = [&ours, &other];
        assert!(age::Encryptor::with_recipients(both.into_iter()).is_err());

        let stanza = |tag: &str| Stanza {
            tag: tag.to_owned(),
            args: Vec::new(),
            body: Vec::new(),
        };
        for other in ["X25519", TAG, "scrypt"] {
            let refused = age::Identity::unwrap_stanzas(
                &Identity::new(&passphrase),
                &[stanza(other), stanza(TAG)],
            );
            assert_eq!(
                refused.and_then(|result| problem(&result.err()?)),
                Some(Problem::NotAlone),
                "{other}"
            );
        }
        assert!(
            age::Identity::unwrap_stanzas(&Identity::new(&passphrase), &[stanza("X25519")])
                .is_none()
        );
    }
}
