//! A text that must not be shown: a passphrase, a recovery key, a value in base64.

use std::fmt;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use strongroom::vault::Passphrase;
use zeroize::{Zeroize as _, Zeroizing};

/// It travels over the local socket, so it has a form in JSON; its `Debug` says only that it is
/// there, and it is wiped when it is dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A value of any bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What [`Hidden::of_bytes`] was made from.
    pub fn bytes(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        Ok(Zeroizing::new(
            STANDARD
                .decode(&self.0)
                .context("the value is not base64")?,
        ))
    }

    pub fn passphrase(&self) -> Passphrase {
        Passphrase::from(self.0.as_str())
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}
