//! The field `Prefer` (RFC 7240): how long the caller would wait for an approval.
//!
//! It is a wish and never an error: what can't be read, and every other preference, is passed over.
//! `respond-async` alone is a wish not to wait, which is what happens without any; beside `wait` it
//! changes nothing (section 4.3).

use std::time::Duration;

use http::{HeaderMap, HeaderName};

/// The field `Prefer`.
pub const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The field `Preference-Applied`.
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// The longest wait that is granted.
pub const MAX_WAIT: Duration = Duration::from_secs(120);

/// For how long the caller would wait, at most [`MAX_WAIT`]; `None` if it would not.
///
/// Of several preferences with this name, the first one counts (section 2), also if it can't be
/// understood.
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all(PREFER).iter();
    let value = lines
        .filter_map(|line| line.to_str().ok())
        .find_map(named_wait)?;
    let seconds = match value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        // More digits than fit are more seconds than are granted.
        true => value.parse::<u64>().unwrap_or(u64::MAX),
        false => 0,
    };
    let wait = Duration::from_secs(seconds).min(MAX_WAIT);
    (!wait.is_zero()).then_some(wait)
}

/// The value of the first `wait` in one line; empty if it has none.
fn named_wait(line: &str) -> Option<String> {
    let mut rest = Rest(line);
    loop {
        // Empty elements of a list are passed over (RFC 9110 section 5.6.1.2).
        rest.skip(&[' ', '\t', ',']);
        let (name, value) = rest.pair()?;
        loop {
            rest.skip(&[' ', '\t']);
            match rest.0.chars().next() {
                Some(';') => {
                    rest.skip(&[' ', '\t', ';']);
                    // The parameters of a preference; `wait` has none that mean anything.
                    let _ = rest.pair();
                }
                Some(',') | None => break,
                // Not a list of preferences from here on.
                Some(_) => return None,
            }
        }
        if name.eq_ignore_ascii_case("wait") {
            return Some(value);
        }
    }
}

/// What is left to read of a line.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip(&mut self, these: &[char]) {
        self.0 = self.0.trim_start_matches(these);
    }

    /// `token [ BWS "=" BWS word ]`: no value and an empty one are the same.
    fn pair(&mut self) -> Option<(String, String)> {
        let name = self.token()?;
        let before = self.0;
        self.skip(&[' ', '\t']);
        let Some(rest) = self.0.strip_prefix('=') else {
            self.0 = before;
            return Some((name, String::new()));
        };
        self.0 = rest;
        self.skip(&[' ', '\t']);
        let value = match self.0.starts_with('"') {
            true => self.quoted()?,
            false => self.token().unwrap_or_default(),
        };
        Some((name, value))
    }

    /// RFC 9110 section 5.6.2.
    fn token(&mut self) -> Option<String> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        (!token.is_empty()).then(|| token.to_owned())
    }

    /// RFC 9110 section 5.6.4.
    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.0.strip_prefix('"')?.chars();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => text.push(characters.next()?),
                other => text.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{PREFER, wait};

    fn seconds(lines: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(PREFER, line.parse().unwrap());
        }
        wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_and_granted_up_to_a_bound() {
        for (lines, granted) in [
            (&["wait=10"][..], 10),
            (&["respond-async, wait=100"], 100),
            (&["wait=10, respond-async"], 10),
            (&["Wait = 10"], 10),
            (&["wait=\"10\""], 10),
            (&["wait=1;x=2; y"], 1),
            (&[r#"foo="wait=3, \" wait=4"; a=b, wait=5"#], 5),
            (&[", ,wait=7,"], 7),
            (&["handling=lenient", "wait=20"], 20),
            // Only the first instance of a preference counts.
            (&["wait=1, wait=2"], 1),
            (&["wait=1", "wait=2"], 1),
            (&["wait=121"], 120),
            (&["wait=99999999999999999999999999"], 120),
        ] {
            assert_eq!(seconds(lines), Some(granted), "{lines:?}");
        }
    }

    #[test]
    fn what_is_no_wait_is_passed_over() {
        for lines in [
            &[][..],
            &[""],
            &["respond-async"],
            &["wait"],
            &["wait="],
            &["wait=\"\""],
            &["wait=0"],
            &["wait=-1"],
            &["wait=1.5"],
            &["wait=ten, wait=10"],
            &["wait=\"10"],
            &["wait=10 20"],
            &["waiting=10"],
            &["x-wait=10"],
            &["foo=wait=10"],
            &["return=representation; wait=10"],
        ] {
            assert_eq!(seconds(lines), None, "{lines:?}");
        }
    }
}
