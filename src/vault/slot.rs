//! Slots: the root as an age file, once for each way of unlocking.
//!
//! | slot | encrypted to | stock `age` |
//! | --- | --- | --- |
//! | `passphrase` | an [`argon2id`] stanza | needs this program |
//! | `recovery` | an age identity, printed once: the recovery key | `age -d -i recovery-key.txt` |
//!
//! A slot is not signed. Whoever may write to the disk can put back an old slot, and with it the
//! old passphrase of this same vault; another root in it is refused, because its owner key did
//! not sign the records.
//!
//! A passphrase is used as the bytes that were typed, in no normal form: `é` typed on one machine
//! may be two characters on another. Plain ASCII avoids that.

use age::DecryptError;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use super::{
    Passphrase, RecoveryKey, VaultError,
    argon2id::{self, Parameters, UnfitParameters},
    memory::{Unavailable, with_clean_stack},
    root::{self, BadRoot, Root},
};
use crate::store::StoredSlot;

/// The slot that the passphrase opens.
pub const PASSPHRASE: &str = "passphrase";
/// The slot that the recovery key opens.
pub const RECOVERY: &str = "recovery";

/// The shortest new passphrase, in characters.
pub const MIN_PASSPHRASE_LEN: usize = 8;

/// A root with its armor is about 600 bytes; more than this is none.
const MAX_SLOT_LEN: usize = 64 * 1024;

/// A new passphrase that is too easy to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the passphrase is too short: use at least {MIN_PASSPHRASE_LEN} characters; four random words are easy to keep in mind"
)]
pub struct ShortPassphrase;

/// Why the vault stays locked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockError {
    /// Not this one.
    #[error("the passphrase is wrong; if it is lost, the recovery key opens the vault")]
    WrongPassphrase,
    /// Not this one.
    #[error("this recovery key is of another vault")]
    WrongRecoveryKey,
    /// Not even one of another vault.
    #[error(
        "this is not a recovery key: it is one line that begins with `AGE-SECRET-KEY-1`; look for a typing error"
    )]
    NotARecoveryKey,
    /// Nothing to open with it.
    #[error("the vault has no slot `{0}`; restore the vault from a copy")]
    NoSlot(&'static str),
    /// The slot opens nothing.
    #[error(
        "the slot `{slot}` is damaged ({problem}); try the other way to unlock, or restore the vault from a copy"
    )]
    Damaged {
        /// The slot.
        slot: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The slot opens, but to another root.
    #[error(
        "the vault's records are signed by another owner key than this slot's: somebody replaced them; restore the vault from a copy"
    )]
    OtherOwner,
    /// A claim in the slot that is not believed.
    #[error(transparent)]
    Parameters(UnfitParameters),
    /// The machine's.
    #[error("there is not enough free memory to unlock: the passphrase takes {0} (m in KiB)")]
    NoMemoryForPassphrase(Parameters),
    /// The machine's.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Whether a passphrase may be a new one. Checked again where it is set.
pub fn check_new_passphrase(passphrase: &Passphrase) -> Result<(), ShortPassphrase> {
    let long_enough = passphrase.expose_secret().chars().count() >= MIN_PASSPHRASE_LEN;
    if long_enough {
        Ok(())
    } else {
        Err(ShortPassphrase)
    }
}

/// The slot for a passphrase. Takes as long as unlocking with it.
pub(super) fn with_passphrase(
    root_file: &str,
    passphrase: &Passphrase,
    parameters: Parameters,
    now: Timestamp,
) -> Result<StoredSlot, VaultError> {
    check_new_passphrase(passphrase)?;
    let root = with_clean_stack(|| {
        age::encrypt_and_armor(
            &argon2id::Recipient::new(passphrase, parameters),
            root_file.as_bytes(),
        )
    });
    Ok(slot(
        PASSPHRASE,
        "passphrase",
        root.map_err(|_| VaultError::NotEncrypted)?,
        now,
    ))
}

/// The slot for a recovery key.
pub(super) fn with_recovery_key(
    root_file: &str,
    key: &RecoveryKey,
    now: Timestamp,
) -> Result<StoredSlot, VaultError> {
    let root = with_clean_stack(|| {
        let recipient = key.identity().ok()?.to_public();
        age::encrypt_and_armor(&recipient, root_file.as_bytes()).ok()
    });
    Ok(slot(
        RECOVERY,
        "recovery-key",
        root.ok_or(VaultError::NotEncrypted)?,
        now,
    ))
}

fn slot(name: &str, kind: &str, root: String, now: Timestamp) -> StoredSlot {
    let created = Timestamp::from_second(now.as_second())
        .unwrap_or(now)
        .to_string();
    StoredSlot {
        name: name.to_owned(),
        kind: kind.to_owned(),
        created,
        root: root.into_bytes(),
    }
}

/// The root in the slot `passphrase`.
pub(super) fn open_with_passphrase(
    slots: &[StoredSlot],
    passphrase: &Passphrase,
) -> Result<Root, UnlockError> {
    let opened = with_clean_stack(|| open(slots, PASSPHRASE, &argon2id::Identity::new(passphrase)));
    opened.map_err(|error| match error {
        Unopened::Age(DecryptError::NoMatchingKeys) => {
            damaged(PASSPHRASE, "it is for no passphrase")
        }
        other => other.into_unlock_error(PASSPHRASE),
    })
}

/// The root in the slot `recovery`.
pub(super) fn open_with_recovery_key(
    slots: &[StoredSlot],
    key: &RecoveryKey,
) -> Result<Root, UnlockError> {
    with_clean_stack(|| {
        open(slots, RECOVERY, &key.identity()?).map_err(|error| match error {
            Unopened::Age(DecryptError::NoMatchingKeys) => UnlockError::WrongRecoveryKey,
            other => other.into_unlock_error(RECOVERY),
        })
    })
}

/// Why a slot gave no root.
enum Unopened {
    Missing,
    TooLong,
    Age(DecryptError),
    Root(BadRoot),
}

fn open(slots: &[StoredSlot], name: &str, identity: &dyn age::Identity) -> Result<Root, Unopened> {
    let slot = slots
        .iter()
        .find(|slot| slot.name == name)
        .ok_or(Unopened::Missing)?;
    if slot.root.len() > MAX_SLOT_LEN {
        return Err(Unopened::TooLong);
    }
    let file = root::decrypt(identity, &slot.root).map_err(Unopened::Age)?;
    Root::parse(&file).map_err(Unopened::Root)
}

impl Unopened {
    fn into_unlock_error(self, slot: &'static str) -> UnlockError {
        match self {
            Self::Missing => UnlockError::NoSlot(slot),
            Self::TooLong => damaged(slot, "it is too long"),
            Self::Root(BadRoot::Unavailable(unavailable)) => UnlockError::Unavailable(unavailable),
            Self::Root(bad) => damaged(slot, bad),
            Self::Age(error) => match argon2id::problem(&error) {
                Some(argon2id::Problem::WrongPassphrase) => UnlockError::WrongPassphrase,
                Some(argon2id::Problem::Parameters(unfit)) => UnlockError::Parameters(unfit),
                Some(argon2id::Problem::NoMemory(parameters)) => {
                    UnlockError::NoMemoryForPassphrase(parameters)
                }
                Some(problem) => damaged(slot, problem),
                None => damaged(slot, "it is no whole age file"),
            },
        }
    }
}

fn damaged(slot: &'static str, problem: impl ToString) -> UnlockError {
    UnlockError::Damaged {
        slot,
        problem: problem.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn passphrase() -> Passphrase {
        Passphrase::from("correct horse")
    }

    fn slots() -> (Root, Vec<StoredSlot>, RecoveryKey) {
        let root = Root::generate().unwrap();
        let key = RecoveryKey::generate();
        let file = root.to_file();
        let slots = vec![
            with_passphrase(&file, &passphrase(), Parameters::FLOOR, NOW).unwrap(),
            with_recovery_key(&file, &key, NOW).unwrap(),
        ];
        (root, slots, key)
    }

    #[test]
    fn each_slot_opens_the_same_root() {
        let (root, slots, key) = slots();
        assert_eq!(
            open_with_passphrase(&slots, &passphrase())
                .unwrap()
                .owner_key(),
            root.owner_key()
        );
        assert_eq!(
            open_with_recovery_key(&slots, &key).unwrap().owner_key(),
            root.owner_key()
        );
        // As it is typed: with a newline, in lower case, or as the file that age wrote.
        let key = &**key.reveal();
        for typed in [
            format!(" {key}\n"),
            key.to_lowercase(),
            format!("# created: today\n\n{key}\n"),
        ] {
            let key = typed.parse().unwrap();
            assert!(open_with_recovery_key(&slots, &key).is_ok());
        }
    }

    #[test]
    fn a_wrong_passphrase_or_recovery_key_is_told_from_a_damaged_slot() {
        let (_, mut slots, key) = slots();
        let wrong = Passphrase::from("wrong horse");
        assert_eq!(
            open_with_passphrase(&slots, &wrong).err(),
            Some(UnlockError::WrongPassphrase)
        );
        let other = RecoveryKey::generate();
        assert_eq!(
            open_with_recovery_key(&slots, &other).err(),
            Some(UnlockError::WrongRecoveryKey)
        );
        assert_eq!(
            open_with_passphrase(&slots[1..], &wrong).err(),
            Some(UnlockError::NoSlot(PASSPHRASE))
        );

        for slot in &mut slots {
            let middle = slot.root.len() - 100;
            slot.root[middle] ^= 1;
        }
        assert!(matches!(
            open_with_passphrase(&slots, &passphrase()),
            Err(UnlockError::Damaged { .. })
        ));
        assert!(matches!(
            open_with_recovery_key(&slots, &key),
            Err(UnlockError::Damaged { .. })
        ));
    }

    #[test]
    fn a_slot_that_claims_too_much_or_too_little_work_is_refused() {
        let (_, slots, _) = slots();
        let armored = String::from_utf8(slots[0].root.clone()).unwrap();
        let mut binary = Vec::new();
        std::io::Read::read_to_end(
            &mut age::armor::ArmoredReader::new(armored.as_bytes()),
            &mut binary,
        )
        .unwrap();
        for claim in [b"m=99999,t=9".as_slice(), b"m=10456,t=2"] {
            let at = binary
                .windows(11)
                .position(|window| window == b"m=19456,t=2")
                .unwrap();
            let mut changed = binary.clone();
            changed[at..at + 11].copy_from_slice(claim);
            let slot = StoredSlot {
                root: changed,
                ..slots[0].clone()
            };
            let refused = open_with_passphrase(&[slot], &passphrase()).err();
            if claim == b"m=10456,t=2" {
                assert!(
                    matches!(
                        refused,
                        Some(UnlockError::Parameters(UnfitParameters::TooLow(_)))
                    ),
                    "{refused:?}"
                );
            } else {
                // Within the bounds: another key comes out.
                assert_eq!(refused, Some(UnlockError::WrongPassphrase));
            }
        }
    }

    #[test]
    fn a_new_passphrase_is_not_short() {
        assert!(check_new_passphrase(&Passphrase::from("1234567")).is_err());
        assert!(check_new_passphrase(&Passphrase::from("ääääääää")).is_ok());
        let root = Root::generate().unwrap();
        let refused = with_passphrase(
            &root.to_file(),
            &Passphrase::from("short"),
            Parameters::FLOOR,
            NOW,
        );
        assert!(matches!(refused, Err(VaultError::ShortPassphrase(_))));
    }

    proptest! {
        #[test]
        fn opening_never_panics(bytes: Vec<u8>, tail in "[ -~\n]{0,200}") {
            let passphrase = Passphrase::from("correct horse");
            let key = RecoveryKey::generate();
            for root in [bytes.clone(), format!("age-encryption.org/v1\n-> argon2id {tail}").into_bytes()] {
                let slots = [PASSPHRASE, RECOVERY].map(|name| slot(name, name, String::new(), NOW));
                let slots = slots.map(|slot| StoredSlot { root: root.clone(), ..slot });
                prop_assert!(open_with_passphrase(&slots, &passphrase).is_err());
                prop_assert!(open_with_recovery_key(&slots, &key).is_err());
            }
            let _ = tail.parse::<RecoveryKey>();
            let _ = Root::parse(&bytes);
        }
    }
}
