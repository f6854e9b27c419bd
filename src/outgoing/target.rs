//! What a request is about: path and query, in one spelling, made once.
//!
//! The same text is what policy sees and what is sent. What servers are known to read differently
//! from each other is refused rather than repaired: dot segments and empty segments, slashes and
//! backslashes that are encoded, anything that turns into one of these when it is decoded again,
//! control characters, a query inside a path. The rest is normalised as RFC 3986, section 6.2.2,
//! says: unreserved characters stand for themselves, hexadecimal digits are upper-case.

use std::{
    fmt::{self, Write as _},
    str,
};

/// An absolute path in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(String);

/// Named values, each name once, in the order of their names; plain text, not encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// Why a text is not a path that can be sent; it goes on after "must be".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a path must be {0}")]
pub struct BadPath(pub(crate) &'static str);

/// Why values are not a query that can be sent; it goes on after "must be".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a query must be {0}")]
pub struct BadQuery(pub(crate) &'static str);

/// How often a path may be encoded over: `%2525` is twice.
const LEVELS: usize = 3;

impl Path {
    /// The longest path in bytes, before and after it is normalised.
    pub const MAX_LEN: usize = 8 * 1024;

    /// Reads a path, percent-encoded or as plain text.
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let too_long = Err(BadPath("at most 8192 bytes"));
        if text.len() > Self::MAX_LEN {
            return too_long;
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(BadPath("absolute: it begins with `/`"));
        };
        let mut path = String::with_capacity(text.len() + 16);
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            // The last one is empty after a slash at the end.
            if segment.is_empty() && segments.peek().is_some() {
                return Err(BadPath("without empty segments (`//`)"));
            }
            path.push('/');
            add_segment(segment, &mut path)?;
        }
        if path.len() > Self::MAX_LEN {
            return too_long;
        }
        Ok(Self(path))
    }

    /// This path under another one, which it can't leave: no path has dot segments.
    pub fn under(&self, base: &str) -> Self {
        Self([base, &self.0].concat())
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Query {
    /// The longest query in bytes, as it is sent.
    pub const MAX_LEN: usize = 8 * 1024;

    /// Puts values into their order.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, BadQuery> {
        let mut pairs: Vec<(String, String)> = pairs.into_iter().collect();
        pairs.sort();
        if pairs.iter().any(|(name, _)| name.is_empty()) {
            return Err(BadQuery("values whose names are not empty"));
        }
        if pairs
            .iter()
            .any(|(name, _)| name.contains(char::is_control))
        {
            return Err(BadQuery(
                "values whose names have no control characters in them",
            ));
        }
        if pairs.iter().any(|(_, value)| value.contains('\0')) {
            return Err(BadQuery("values without NUL in them"));
        }
        if pairs
            .iter()
            .zip(pairs.iter().skip(1))
            .any(|((one, _), (next, _))| one == next)
        {
            // Servers disagree whether the first, the last or all of them count.
            return Err(BadQuery("values each of whose names stands once"));
        }
        let query = Self(pairs);
        if query.to_string().len() > Self::MAX_LEN {
            return Err(BadQuery("at most 8192 bytes"));
        }
        Ok(query)
    }

    /// Names and values, as plain text.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there is a value of this name.
    pub fn has(&self, name: &str) -> bool {
        self.pairs().any(|(known, _)| known == name)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As it is sent, without the question mark.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (name, value) in self.pairs() {
            if !text.is_empty() {
                text.push('&');
            }
            encode(name, &mut text);
            text.push('=');
            encode(value, &mut text);
        }
        f.write_str(&text)
    }
}

/// `host[:port]` as in URLs and in `Host`, without the scheme's own port: what policy sees is what
/// is sent. An IPv6 address comes without its brackets.
pub(crate) fn authority(tls: bool, host: &str, port: u16) -> String {
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    match (tls, port) {
        (true, 443) | (false, 80) => host,
        (_, port) => format!("{host}:{port}"),
    }
}

/// Writes plain text so that every reader takes it for one value: all but the unreserved
/// characters of RFC 3986 are encoded, a space as `%20`.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match is_unreserved(byte) {
            true => out.push(char::from(byte)),
            false => escape(byte, out),
        }
    }
}

/// Reads what [`encode`] wrote.
pub(crate) fn decoded(text: &[u8]) -> Option<String> {
    String::from_utf8(decode(text)?).ok()
}

fn add_segment(segment: &str, path: &mut String) -> Result<(), BadPath> {
    let decoded = decode(segment.as_bytes()).ok_or(BadPath(
        "well-formed: a `%` is followed by two hexadecimal digits, or written as `%25`",
    ))?;
    if str::from_utf8(&decoded).is_err() {
        return Err(BadPath("UTF-8, also where it is percent-encoded"));
    }
    check_segment(&decoded)?;
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next(), bytes.next()].map(|digit| digit.and_then(hex));
                let [Some(high), Some(low)] = digits else {
                    return Err(BadPath("well-formed"));
                };
                match high << 4 | low {
                    byte if is_unreserved(byte) || means_itself(byte) => {
                        path.push(char::from(byte));
                    }
                    byte => escape(byte, path),
                }
            }
            // Some servers read them otherwise when they are encoded: they are as they came.
            b'+' | b';' => path.push(char::from(byte)),
            byte if is_unreserved(byte) || means_itself(byte) => path.push(char::from(byte)),
            byte => escape(byte, path),
        }
    }
    Ok(())
}

/// Looks at a segment as a server may that decodes it once, or several times.
fn check_segment(decoded: &[u8]) -> Result<(), BadPath> {
    let mut seen = decoded.to_vec();
    for _ in 0..LEVELS {
        check_decoded(&seen)?;
        // As the most lenient would: beside a stray `%` too, and after it once more.
        let again = lenient(&seen);
        if again == seen {
            return Ok(());
        }
        seen = again;
    }
    Err(BadPath("percent-encoded once, not several times over"))
}

fn check_decoded(segment: &[u8]) -> Result<(), BadPath> {
    if segment.contains(&b'/') || segment.contains(&b'\\') {
        return Err(BadPath("without encoded slashes, and without backslashes"));
    }
    if segment.contains(&b'?') || segment.contains(&b'#') {
        return Err(BadPath(
            "without `?` and `#`, also encoded; the query goes into `query`",
        ));
    }
    let text = String::from_utf8_lossy(segment);
    if text.contains(char::is_control) {
        return Err(BadPath("without control characters"));
    }
    // Before a matrix parameter too: to some servers `..;x` is `..`.
    let name = text.split(';').next().unwrap_or(&text);
    if matches!(name.trim(), "." | "..") {
        return Err(BadPath("without dot segments (`.` and `..`)"));
    }
    Ok(())
}

/// Decodes; `None` if a `%` is not followed by two hexadecimal digits.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(*bytes.next()?)? << 4 | hex(*bytes.next()?)?,
            other => *other,
        });
    }
    Some(decoded)
}

/// Decodes what can be decoded, and leaves the rest, as lenient servers do.
fn lenient(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let digit = |digit| hex(digit).unwrap_or_default();
                decoded.push(digit(*high) << 4 | digit(*low));
                rest = after;
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

fn escape(byte: u8, out: &mut String) {
    // Writing to a string can't fail.
    let _ = write!(out, "%{byte:02X}");
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// What may stand in a segment as it is (`pchar`, RFC 3986, section 3.3) and means the same when
/// it is encoded.
fn means_itself(byte: u8) -> bool {
    b"!$&'()*,=:@".contains(&byte)
}

#[cfg(test)]
mod tests;
