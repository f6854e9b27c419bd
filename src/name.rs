//! Names of secrets, aliases, services, policies and channels: one grammar for all of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name: 1 to 128 of `A-Z a-z 0-9 . _ - /`, starting and ending with a letter or digit,
/// with no empty, `.` or `..` segment between slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is not a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a name: use 1 to 128 of letters, digits, `.`, `_`, `-` and `/`, starting and ending with a letter or digit",
    .0.escape_debug()
)]
pub struct BadName(String);

impl Name {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bytes = text.as_bytes();
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let well_formed = text.len() <= Self::MAX_LEN
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(b))
            && text
                .split('/')
                .all(|segment| !matches!(segment, "" | "." | ".."));
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            // What is echoed is bounded: the text may come from outside.
            Err(BadName(text.chars().take(Self::MAX_LEN).collect()))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn names_are_plain() {
        for good in ["a", "heroku/prod", "deploy-key", "v1.2_x", "A/b/c9"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        let long = "x".repeat(129);
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "a/../b",
            "-a",
            "a b",
            "ä",
            "a\n",
            long.as_str(),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
