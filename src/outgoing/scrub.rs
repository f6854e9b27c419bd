//! Takes a credential out of what a provider answers, in whatever common form it comes back.
//!
//! Providers echo: in error texts, in debugging pages, in redirects. Each text of a
//! [`Credential`](super::Credential) is looked for as it is; as base64, standard or URL-safe, at
//! each of the three places where it may begin inside a longer base64 text; as hexadecimal digits
//! of either case; and all of this again after percent-encoding, the escapes of JSON and
//! JavaScript, HTML entities and line ends are undone, up to three times over, mixed and partial
//! as they may be ([`unescape`]). It becomes `[credential]`.
//!
//! A text of fewer than [`MIN_LEN`] bytes is not looked for, since ordinary answers would be full
//! of it; what it was sent in (`user:password`, the value of the header) still is.
//!
//! Each pass takes time in proportion to the text, whatever is in it, and there is one for each
//! pattern and each view of the text: the text, all escapes undone up to three times, and each
//! format's undone by itself. A secret that itself looks as if it had escapes in it (`%41`) is
//! looked for in more views, with one format inside another one.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue};
use memchr::memmem;
use zeroize::Zeroizing;

use self::unescape::{Escapes, source_ranges, unescape};
use crate::errand::Reply;

mod unescape;

/// The fewest bytes of a text that is looked for by itself.
pub const MIN_LEN: usize = 8;

/// What stands in the credential's place.
pub const REPLACEMENT: &str = "[credential]";

/// How often escapes are undone.
const LEVELS: usize = 3;

/// Looks for the texts of one credential.
pub struct Scrubber {
    patterns: Vec<Pattern>,
    /// Whether a text itself looks as if it had escapes in it.
    looks_escaped: bool,
}

/// One form of one text.
struct Pattern {
    needle: Zeroizing<Vec<u8>>,
    /// A character of base64 before it, and one after it, may hold some bits of it too.
    widen: (bool, bool),
}

impl Scrubber {
    /// For the texts of one credential.
    pub fn new<T: AsRef<[u8]>>(secrets: &[T]) -> Self {
        let mut scrubber = Self {
            patterns: Vec::new(),
            looks_escaped: false,
        };
        for secret in secrets.iter().map(AsRef::as_ref) {
            if secret.len() < MIN_LEN {
                continue;
            }
            scrubber.add_forms(secret);
            // What undoing escapes makes of a secret that looks as if it had some.
            let mut undone = Zeroizing::new(secret.to_vec());
            for _ in 0..LEVELS {
                let shorter = unescape(&undone, Escapes::ALL);
                if shorter.len() == undone.len() {
                    break;
                }
                undone = shorter;
                scrubber.looks_escaped = true;
                if undone.len() >= MIN_LEN {
                    scrubber.add(undone.clone(), (false, false));
                }
            }
            if secret.contains(&b' ') {
                // `application/x-www-form-urlencoded`.
                let plus = secret.iter().map(|byte| match byte {
                    b' ' => b'+',
                    other => *other,
                });
                scrubber.add(Zeroizing::new(plus.collect()), (false, false));
            }
        }
        scrubber
    }

    /// Takes the credential out of a reply, and says whether it was there.
    pub fn scrub(&self, reply: &mut Reply) -> bool {
        let in_headers = self.scrub_headers(&mut reply.headers);
        match self.scrub_text(&reply.body) {
            Some(body) => {
                reply.body = body;
                true
            }
            None => in_headers,
        }
    }

    /// The text without the credential; `None` if it is not in there.
    pub fn scrub_text(&self, text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let found = merged(self.find(text, LEVELS, None));
        if found.is_empty() {
            return None;
        }
        let mut clean = Zeroizing::new(Vec::with_capacity(
            text.len() + found.len() * REPLACEMENT.len(),
        ));
        let mut from = 0;
        for range in found {
            clean.extend_from_slice(text.get(from..range.start).unwrap_or_default());
            clean.extend_from_slice(REPLACEMENT.as_bytes());
            from = range.end;
        }
        clean.extend_from_slice(text.get(from..).unwrap_or_default());
        Some(clean)
    }

    fn scrub_headers(&self, headers: &mut HeaderMap) -> bool {
        let mut scrubbed = false;
        for value in headers.values_mut() {
            if let Some(clean) = self.scrub_text(value.as_bytes()) {
                scrubbed = true;
                // What is left of a header's value is one.
                *value = HeaderValue::from_bytes(&clean)
                    .unwrap_or_else(|_| HeaderValue::from_static(REPLACEMENT));
            }
        }
        // The names are in lower case, whatever they came in.
        let named = headers.keys().filter(|name| {
            let name = name.as_str().as_bytes();
            name.len() >= MIN_LEN
                && self.patterns.iter().any(|pattern| {
                    name.len() >= pattern.needle.len() && {
                        let lower = Zeroizing::new(pattern.needle.to_ascii_lowercase());
                        memmem::find(name, &lower).is_some()
                    }
                })
        });
        let named: Vec<_> = named.cloned().collect();
        for name in named {
            scrubbed = true;
            headers.remove(name);
        }
        scrubbed
    }

    /// Where it is in the text or in what undoing its escapes makes of it, in the text's own
    /// places.
    fn find(&self, text: &[u8], levels: usize, after: Option<Escapes>) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = self
            .patterns
            .iter()
            .flat_map(|pattern| pattern.find(text))
            .collect();
        for escapes in Escapes::EACH {
            if levels == 0 || !escapes.may_be_in(text) {
                continue;
            }
            let undone = unescape(text, escapes);
            // An escape is longer than what it stands for.
            if undone.len() == text.len() {
                continue;
            }
            // All at once goes to the end. A format by itself finds what an escape of another one
            // took along that begins before the credential; inside another one it only matters to
            // a secret that looks escaped.
            let left = match after {
                Some(other) if other != escapes => 0,
                _ if escapes == Escapes::ALL || self.looks_escaped => levels - 1,
                _ => 0,
            };
            let inner = merged(self.find(&undone, left, Some(escapes)));
            drop(undone);
            found.extend(source_ranges(text, escapes, &inner));
        }
        found
    }

    fn add_forms(&mut self, secret: &[u8]) {
        self.add(Zeroizing::new(secret.to_vec()), (false, false));
        self.add(hex(secret, b"0123456789abcdef"), (false, false));
        self.add(hex(secret, b"0123456789ABCDEF"), (false, false));
        for before in 0..3_usize {
            // With bytes of another text before it: only the characters that are all of this one.
            let mut bytes = Zeroizing::new(vec![0; before]);
            bytes.reserve_exact(secret.len());
            bytes.extend_from_slice(secret);
            let first = (before * 8).div_ceil(6);
            let last = bytes.len() * 8 / 6;
            let widen = (before > 0, bytes.len() % 3 > 0);
            for encoded in [
                STANDARD_NO_PAD.encode(&*bytes),
                URL_SAFE_NO_PAD.encode(&*bytes),
            ] {
                let encoded = Zeroizing::new(encoded.into_bytes());
                let whole = encoded.get(first..last).unwrap_or_default();
                self.add(Zeroizing::new(whole.to_vec()), widen);
            }
        }
    }

    fn add(&mut self, needle: Zeroizing<Vec<u8>>, widen: (bool, bool)) {
        let known = |pattern: &Pattern| pattern.needle == needle;
        if !self.patterns.iter().any(known) {
            self.patterns.push(Pattern { needle, widen });
        }
    }
}

impl Pattern {
    fn find<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
        let is_base64 = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
        };
        memmem::find_iter(text, self.needle.as_slice()).map(move |start| {
            let end = start + self.needle.len();
            let (before, after) = self.widen;
            let start = match before && is_base64(start.checked_sub(1)) {
                true => start.saturating_sub(1),
                false => start,
            };
            let end = match after && is_base64(Some(end)) {
                true => end + 1,
                false => end,
            };
            start..end
        })
    }
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(2 * bytes.len()));
    let digit = |half: u8| digits.get(usize::from(half)).copied();
    for byte in bytes {
        text.extend(digit(byte >> 4));
        text.extend(digit(byte & 15));
    }
    text
}

/// In order, and none overlapping another.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
pub(crate) mod tests;
