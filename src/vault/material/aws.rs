//! AWS access keys: the forms in which they are handed out, and the one in which they are stored.
//!
//! Stored is `{"access_key_id":…,"secret_access_key":…,"session_token":…}`, the members in this
//! order and without white space, the last one only if there is one: one text for each key.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Material, MaterialError,
    text::{self, SecretText},
};
use crate::operation::Kind;

/// The longest access key id; AWS's own have 20 characters and may have 128.
const MAX_ID: usize = 128;
/// The longest secret access key; AWS's own have 40 characters.
const MAX_SECRET: usize = 256;
/// The longest session token; AWS says that there is no bound and gives about 1 KiB.
const MAX_SESSION_TOKEN: usize = 8 * 1024;

/// What an access key looks like, for who put in something else.
const EXPECTED: &str = "an access key: the JSON object with `access_key_id` and `secret_access_key`, \
     what `aws iam create-access-key` prints, or a profile of a credentials file";

/// An opened access key: what SigV4 signs with.
pub(crate) struct AccessKey {
    id: String,
    secret: SecretText,
    session_token: Option<SecretText>,
}

/// Our own form.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    access_key_id: SecretText,
    secret_access_key: SecretText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_token: Option<SecretText>,
}

/// What `aws iam create-access-key` prints; `Status`, `CreateDate` and the like don't matter.
#[derive(Deserialize)]
struct Created {
    #[serde(rename = "AccessKey")]
    access_key: CreatedKey,
}

#[derive(Deserialize)]
struct CreatedKey {
    #[serde(rename = "AccessKeyId")]
    id: SecretText,
    #[serde(rename = "SecretAccessKey")]
    secret: SecretText,
}

/// Takes in an access key in one of its usual forms.
pub(super) fn import(bytes: &[u8]) -> Result<Material, MaterialError> {
    let text = std::str::from_utf8(bytes).map_err(|_| not_of_kind(EXPECTED))?;
    let key = if text.trim_start().starts_with('{') {
        from_json(text)?
    } else {
        from_profile(text)?
    };
    Ok(Material {
        kind: Kind::Aws,
        bytes: key.to_stored()?,
        pair: None,
    })
}

/// Whether these bytes are an access key exactly as [`import`] stores it.
pub(super) fn is_stored(bytes: &[u8]) -> bool {
    AccessKey::from_stored(bytes).is_ok_and(|key| {
        key.to_stored()
            .is_ok_and(|stored| stored.as_slice() == bytes)
    })
}

impl AccessKey {
    /// The key in a material of kind `aws`; `None` for every other kind.
    pub(crate) fn of(material: &Material) -> Option<Self> {
        match material.kind {
            Kind::Aws => Self::from_stored(&material.bytes).ok(),
            _ => None,
        }
    }

    /// Which key it is; every request signed with it says so.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What is signed with.
    pub(crate) fn secret(&self) -> &str {
        self.secret.as_str()
    }

    /// What a temporary key has to be sent with. As secret as the key: who has both has all.
    pub(crate) fn session_token(&self) -> Option<&str> {
        self.session_token.as_ref().map(SecretText::as_str)
    }

    fn new(
        id: &str,
        secret: SecretText,
        session_token: Option<SecretText>,
    ) -> Result<Self, MaterialError> {
        // The id stands between `=`, `/` and `,` in the header `authorization`.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if id.is_empty() || id.len() > MAX_ID || !id.chars().all(plain) {
            return Err(not_of_kind(
                "an access key whose id has 1 to 128 letters, digits, `-`, `_` or `.`",
            ));
        }
        let fits = |text: &SecretText, most: usize| {
            let text = text.as_str();
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !fits(&secret, MAX_SECRET) {
            return Err(not_of_kind(
                "an access key whose secret has 1 to 256 printable characters and no white space",
            ));
        }
        if session_token
            .as_ref()
            .is_some_and(|token| !fits(token, MAX_SESSION_TOKEN))
        {
            return Err(not_of_kind(
                "an access key whose session token has 1 to 8192 printable characters and no white space",
            ));
        }
        Ok(Self {
            id: id.to_owned(),
            secret,
            session_token,
        })
    }

    fn from_stored(bytes: &[u8]) -> Result<Self, MaterialError> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|_| not_of_kind(EXPECTED))?;
        Self::new(
            stored.access_key_id.as_str(),
            stored.secret_access_key,
            stored.session_token,
        )
    }

    fn to_stored(&self) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
        let stored = Stored {
            access_key_id: secret_text(&self.id),
            secret_access_key: self.secret.clone(),
            session_token: self.session_token.clone(),
        };
        let texts = self.id.len() + self.secret().len() + self.session_token().map_or(0, str::len);
        text::write(&stored, texts).map_err(|_| MaterialError::Machine("encode a key"))
    }
}

fn from_json(text: &str) -> Result<AccessKey, MaterialError> {
    if let Ok(Created {
        access_key: CreatedKey { id, secret },
    }) = serde_json::from_str(text)
    {
        return AccessKey::new(id.as_str(), secret, None);
    }
    let stored: Stored = serde_json::from_str(text).map_err(|_| MaterialError::Malformed {
        format: "JSON with an AWS access key",
        problem: "it has the strings `access_key_id` and `secret_access_key`, perhaps `session_token`, and no other member",
    })?;
    AccessKey::new(
        stored.access_key_id.as_str(),
        stored.secret_access_key,
        stored.session_token,
    )
}

/// A credentials file (`~/.aws/credentials`) with one profile in it.
fn from_profile(text: &str) -> Result<AccessKey, MaterialError> {
    let (mut id, mut secret, mut session_token) = (None, None, None);
    for line in text.lines().map(str::trim) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        if line.starts_with(['#', ';']) {
            continue;
        }
        let found = match name.trim() {
            "aws_access_key_id" => &mut id,
            "aws_secret_access_key" => &mut secret,
            "aws_session_token" => &mut session_token,
            // `region`, `output` and the like.
            _ => continue,
        };
        if found.replace(secret_text(without_comment(value))).is_some() {
            return Err(malformed_profile(
                "there are several keys in it; give one profile",
            ));
        }
    }
    match (id, secret) {
        (Some(id), Some(secret)) => AccessKey::new(id.as_str(), secret, session_token),
        (None, None) => Err(not_of_kind(EXPECTED)),
        (None, Some(_)) => Err(malformed_profile("it lacks `aws_access_key_id`")),
        (Some(_), None) => Err(malformed_profile("it lacks `aws_secret_access_key`")),
    }
}

/// A value without the comment that white space and `#` or `;` begin.
fn without_comment(value: &str) -> &str {
    let value = value.trim();
    let comment = value
        .match_indices(['#', ';'])
        .find(|(at, _)| {
            value
                .get(..*at)
                .is_some_and(|before| before.ends_with([' ', '\t']))
        })
        .map(|(at, _)| at);
    comment
        .and_then(|at| value.get(..at))
        .unwrap_or(value)
        .trim_end()
}

fn secret_text(text: &str) -> SecretText {
    Zeroizing::new(text.to_owned()).into()
}

fn not_of_kind(expected: &'static str) -> MaterialError {
    MaterialError::NotOfKind {
        kind: Kind::Aws,
        expected,
    }
}

fn malformed_profile(problem: &'static str) -> MaterialError {
    MaterialError::Malformed {
        format: "text of an AWS credentials file",
        problem,
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({}, [secret])", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::{AccessKey, Material};
    use crate::operation::Kind;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const STORED: &str = r#"{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}"#;

    fn import(text: &str) -> Result<Material, String> {
        Material::import(Some(Kind::Aws), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_is_stored_as_the_same_text() {
        let created = format!(
            r#"{{"AccessKey": {{"UserName": "deployer", "AccessKeyId": "{ID}", "Status": "Active",
                "SecretAccessKey": "{SECRET}", "CreateDate": "2026-01-02T03:04:05+00:00"}}}}"#
        );
        let profile = format!(
            "# from the console\r\n[deployer]\r\naws_access_key_id = {ID} ; since May\r\n\
             aws_secret_access_key={SECRET}\r\nregion = eu-west-1\r\n"
        );
        let spaced = STORED.replace(',', " ,\n ");
        for text in [STORED, &created, &profile, &spaced] {
            let material = import(text).unwrap();
            assert_eq!(material.kind(), Kind::Aws);
            assert_eq!(*material.to_stored(), STORED.as_bytes(), "{text}");
            let again = Material::from_stored(Kind::Aws, &material.to_der()).unwrap();
            let key = AccessKey::of(&again).unwrap();
            assert_eq!(
                (key.id(), key.secret(), key.session_token()),
                (ID, SECRET, None)
            );
            assert_eq!(
                format!("{key:?}"),
                "AccessKey(AKIAIOSFODNN7EXAMPLE, [secret])"
            );
        }
        // What is stored has one spelling.
        assert!(Material::from_stored(Kind::Aws, spaced.as_bytes()).is_err());
    }

    #[test]
    fn a_session_token_stays_with_its_key() {
        let profile = format!(
            "aws_access_key_id={ID}\naws_secret_access_key={SECRET}\naws_session_token=IQoJb3Jp\"+/==\n"
        );
        let material = import(&profile).unwrap();
        let key = AccessKey::of(&material).unwrap();
        assert_eq!(key.session_token(), Some("IQoJb3Jp\"+/=="));
        assert!(Material::from_stored(Kind::Aws, &material.to_stored()).is_ok());
    }

    #[test]
    fn what_is_no_access_key_says_what_would_be() {
        let refused = |text: &str, part: &str| {
            let told = import(text).unwrap_err();
            assert!(told.contains(part), "{text:?}: {told}");
            assert!(
                !told.contains(SECRET),
                "the message must not repeat the key"
            );
        };
        refused("", "an access key: the JSON object with `access_key_id`");
        refused(SECRET, "or a profile of a credentials file");
        refused(
            &format!("aws_access_key_id={ID}"),
            "lacks `aws_secret_access_key`",
        );
        refused(
            &format!("aws_secret_access_key={SECRET}"),
            "lacks `aws_access_key_id`",
        );
        let one = format!("aws_access_key_id={ID}\naws_secret_access_key={SECRET}\n");
        refused(
            &format!("[a]\n{one}[b]\n{one}"),
            "several keys in it; give one profile",
        );
        refused(&one.replace(ID, "AKIA/IO"), "whose id has");
        refused(&one.replace(SECRET, "two words"), "whose secret has");
        refused(
            &format!("{one}aws_session_token={}", "x".repeat(8193)),
            "whose session token has",
        );
        refused(&STORED.replace('}', r#","region":"x"}"#), "no other member");
        refused(r#"{"AccessKey":{}}"#, "no other member");
        refused("{", "no other member");
        assert!(Material::import(Some(Kind::Aws), b"\xff").is_err());
    }
}
