//! A secret text in JSON, read and written without a copy that is not wiped.
//!
//! A JSON reader unescapes through a buffer of its own and frees that as it is; a private key in
//! JSON has an escape in every line.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// A text that is wiped and not shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one or more printable ASCII characters: what RFC 6749, appendix A, allows
    /// in secrets and tokens.
    pub(crate) fn is_printable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    }
}

impl From<Zeroizing<String>> for SecretText {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

/// `value` as JSON in memory that is wiped; `texts` are the bytes that it has in it.
pub(crate) fn write(
    value: &impl Serialize,
    texts: usize,
) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    // Reserved whole, at six bytes for each that may have to be escaped: a vector that grows
    // leaves its old contents behind.
    let mut json = Zeroizing::new(Vec::with_capacity(1024 + 6 * texts));
    serde_json::to_writer(&mut *json, value)?;
    Ok(json)
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        unescape(raw)
            .map(Self)
            .ok_or_else(|| de::Error::custom("not a text"))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The text that a JSON string stands for (RFC 8259, section 7).
fn unescape(raw: &str) -> Option<Zeroizing<String>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    // No escape is shorter than what it stands for.
    let mut text = Zeroizing::new(String::with_capacity(inner.len()));
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        text.push(match characters.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut unit = || {
                    let digits = characters.as_str().get(..4)?;
                    let unit = u16::from_str_radix(digits, 16).ok()?;
                    characters.nth(3)?;
                    Some(unit)
                };
                let first = unit()?;
                match (0xd800..0xdc00).contains(&first) {
                    false => char::from_u32(first.into())?,
                    true => {
                        let mut rest = characters.clone();
                        if (rest.next(), rest.next()) != (Some('\\'), Some('u')) {
                            return None;
                        }
                        let digits = rest.as_str().get(..4)?;
                        let second = u16::from_str_radix(digits, 16).ok()?;
                        characters.nth(5)?;
                        char::decode_utf16([first, second]).next()?.ok()?
                    }
                }
            }
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        });
    }
    Some(text)
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText([secret])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_stand_for_what_the_rfc_says() {
        let table = [
            (r#""a\"b\\c\/d""#, Some("a\"b\\c/d")),
            (r#""\b\f\n\r\t""#, Some("\u{8}\u{c}\n\r\t")),
            (r#""\u00e9\uD834\uDD1E""#, Some("\u{e9}\u{1d11e}")),
            (r#""\uD834""#, None),
            (r#""\uD834\n""#, None),
            (r#""\uDD1E""#, None),
            ("7", None),
            ("null", None),
        ];
        for (raw, expected) in table {
            let text = serde_json::from_str::<SecretText>(raw).ok();
            assert_eq!(text.as_ref().map(SecretText::as_str), expected, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde(text: String, raw in "\"(\\\\[\"\\\\/bfnrtu]|[0-9a-fD\\\\ ]){0,12}\"") {
            let json = serde_json::to_string(&text).unwrap();
            let read: SecretText = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read.as_str(), &text);
            let theirs = serde_json::from_str::<String>(&raw).ok();
            let ours = serde_json::from_str::<SecretText>(&raw).ok();
            prop_assert_eq!(ours.as_ref().map(SecretText::as_str), theirs.as_deref());
        }
    }
}
