//! RFC 7638 thumbprints: a key's name, computed from the key itself.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// The SHA-256 JWK thumbprint of a public key (RFC 7638), as 43 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Thumbprint(String);

/// Why a text is not a [`Thumbprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key thumbprint: RFC 7638 makes it 43 characters of base64url")]
pub struct BadThumbprint;

impl Thumbprint {
    /// The thumbprint of a JWK: `members` are its required members as RFC 7638 section 3 orders
    /// and spaces them.
    pub(super) fn of_members(members: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, members.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(digest))
    }

    /// The thumbprint as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Thumbprint {
    type Err = BadThumbprint;

    fn from_str(text: &str) -> Result<Self, BadThumbprint> {
        match URL_SAFE_NO_PAD.decode(text) {
            Ok(digest) if digest.len() == digest::SHA256_OUTPUT_LEN => Ok(Self(text.to_owned())),
            _ => Err(BadThumbprint),
        }
    }
}

impl TryFrom<String> for Thumbprint {
    type Error = BadThumbprint;

    fn try_from(text: String) -> Result<Self, BadThumbprint> {
        text.parse()
    }
}

impl From<Thumbprint> for String {
    fn from(thumbprint: Thumbprint) -> Self {
        thumbprint.0
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Thumbprint;

    #[test]
    fn thumbprints_are_sha256_in_base64url() {
        assert!(
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
                .parse::<Thumbprint>()
                .is_ok()
        );
        for bad in [
            "",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X",
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=",
            "NzbLsXh8uDCcd+6MNwXF4W/7noWXFZAfHkxZsRGC9Xs",
            // The last character has bits that no digest sets.
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xt",
        ] {
            assert!(bad.parse::<Thumbprint>().is_err(), "{bad}");
        }
    }
}
