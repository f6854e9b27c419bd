//! The recovery key: a plain age identity, so that stock `age` opens the vault with it.

use std::{fmt, str::FromStr};

use age::x25519;
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

use super::{UnlockError, memory::with_clean_stack};

/// What opens the vault when the passphrase is lost: an age identity. It is shown once and kept
/// nowhere.
pub struct RecoveryKey(Zeroizing<String>);

impl RecoveryKey {
    pub(super) fn generate() -> Self {
        let key = x25519::Identity::generate().to_string();
        Self(Zeroizing::new(key.expose_secret().to_owned()))
    }

    /// The key, to be shown to its owner.
    pub fn reveal(&self) -> &Zeroizing<String> {
        &self.0
    }

    pub(super) fn identity(&self) -> Result<x25519::Identity, UnlockError> {
        self.0.parse().map_err(|_| UnlockError::NotARecoveryKey)
    }
}

impl FromStr for RecoveryKey {
    type Err = UnlockError;

    /// Reads what was typed, or an age identity file: blank lines and comments are passed over.
    fn from_str(text: &str) -> Result<Self, UnlockError> {
        let mut lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(UnlockError::NotARecoveryKey);
        };
        let key = Self(Zeroizing::new(line.to_owned()));
        with_clean_stack(|| key.identity().map(drop))?;
        Ok(key)
    }
}

/// Hides the key.
impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_key_hides_itself() {
        let key = RecoveryKey::generate();
        assert_eq!(format!("{key:?}"), "RecoveryKey(…)");
        let mistyped = key.reveal().replace("KEY-1", "KEY-1Q");
        let error = mistyped.parse::<RecoveryKey>().unwrap_err();
        assert!(!error.to_string().contains(&mistyped[20..]));
    }
}
