//! Kind `basic`: a user name and a password, RFC 7617.

use super::{Material, without_line_end};
use crate::operation::{Kind, OperationError, Unsuitable};

/// What such a secret looks like.
pub(super) const FORM: &str =
    "`user:password` in one line of text; the user name has no colon in it";

/// A user name and a password.
pub(crate) struct Basic<'a> {
    joined: &'a str,
    /// Before the first colon: RFC 7617, section 2, lets it have none.
    pub(crate) user: &'a str,
    /// All after it.
    pub(crate) password: &'a str,
}

impl<'a> Basic<'a> {
    /// Reads `user:password`; one of the two may be empty, as with providers that take a key for
    /// the user name.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let joined = std::str::from_utf8(bytes).ok()?;
        let (user, password) = joined.split_once(':')?;
        let is_something = !user.is_empty() || !password.is_empty();
        (is_something && !joined.contains(char::is_control)).then_some(Self {
            joined,
            user,
            password,
        })
    }

    /// As it was imported.
    pub(crate) fn of(material: &'a Material) -> Result<Self, OperationError> {
        let basic = material.secret_bytes().and_then(Self::read);
        basic.ok_or_else(|| {
            OperationError::Unsuitable(Unsuitable::Kind {
                kind: material.kind(),
                operation: crate::operation::OperationName::Http,
            })
        })
    }

    /// `user:password`.
    pub(crate) fn joined(&self) -> &'a str {
        self.joined
    }
}

/// Takes it in from outside, without the line end that editors and `echo` add.
pub(super) fn import(bytes: &[u8]) -> Result<Material, super::MaterialError> {
    Material::raw(Kind::Basic, without_line_end(bytes).to_vec())
}

#[cfg(test)]
mod tests {
    use super::Basic;
    use crate::{operation::Kind, vault::material::Material};

    #[test]
    fn a_credential_that_is_too_short_to_be_looked_for_is_told() {
        let advised = |kind, bytes: &[u8]| {
            let material = Material::import(Some(kind), bytes).unwrap();
            material.advice().is_some()
        };
        assert!(advised(Kind::Token, b"hunter2"));
        assert!(!advised(Kind::Token, b"hunter22"));
        assert!(advised(Kind::Basic, b"administrator:hunter2"));
        assert!(!advised(Kind::Basic, b"me:hunter22"));
        assert!(!advised(Kind::Basic, b"sk_live_4f2a:"));
        assert!(advised(Kind::Basic, b"sk_live:"));
        assert!(!advised(Kind::Opaque, b"x"));
    }

    #[test]
    fn a_user_name_and_a_password_are_told_apart() {
        let table: [(&[u8], &str, &str); 5] = [
            (b"atlas:correct horse\n", "atlas", "correct horse"),
            (b"atlas:a:b:c\r\n", "atlas", "a:b:c"),
            (b"sk_live_4f2a:", "sk_live_4f2a", ""),
            (b":4f2a", "", "4f2a"),
            ("\u{e9}:\u{20ac}".as_bytes(), "\u{e9}", "\u{20ac}"),
        ];
        for (bytes, user, password) in table {
            let material = Material::import(Some(Kind::Basic), bytes).unwrap();
            let basic = Basic::of(&material).unwrap();
            assert_eq!((basic.user, basic.password), (user, password));
            let stored = Material::from_stored(Kind::Basic, &material.to_stored()).unwrap();
            assert_eq!(Basic::of(&stored).unwrap().joined(), basic.joined());
        }
        let bad: [&[u8]; 7] = [
            b"",
            b":",
            b"atlas",
            b"a\nb:c",
            b"a:b\0c",
            b"a:b\nc\n",
            b"a:\xff",
        ];
        for bytes in bad {
            assert_eq!(
                Material::import(Some(Kind::Basic), bytes)
                    .unwrap_err()
                    .to_string(),
                "a secret of kind `basic` must be `user:password` in one line of text; the user name has no colon in it"
            );
        }
        let token = Material::import(Some(Kind::Token), b"a:b").unwrap();
        assert!(Basic::of(&token).is_ok());
        let key = Material::generate(Kind::Ed25519).unwrap();
        assert!(Basic::of(&key).is_err());
    }
}
