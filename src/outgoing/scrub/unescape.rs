//! Undoing the escapes of several formats at once, and finding the way back.
//!
//! Leniently: what is no escape in any of them stands for itself, so that every text has a plain
//! form. Undone are `%41`; `\u0041` with surrogate pairs, `\x41` and the short forms of JSON;
//! `&#65;`, `&#x41;` and HTML's names of ASCII characters; line ends vanish, since base64 is
//! wrapped at them.

use std::{ops::Range, str};

use zeroize::Zeroizing;

/// Of which formats escapes are undone; by the bytes that begin them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Escapes(&'static [u8]);

impl Escapes {
    pub(super) const ALL: Self = Self(b"%\\&\r\n");

    /// All at once, and each for itself.
    pub(super) const EACH: [Self; 4] = [Self::ALL, Self(b"%"), Self(b"\\"), Self(b"&")];

    /// Whether there may be anything to undo.
    pub(super) fn may_be_in(self, text: &[u8]) -> bool {
        self.0
            .iter()
            .any(|byte| memchr::memchr(*byte, text).is_some())
    }
}

/// A part of a text that stands for a few bytes: an escape, or one byte for itself.
struct Unit {
    /// How long it is in the text.
    len: usize,
    bytes: [u8; 4],
    /// How many of the bytes count.
    count: usize,
}

/// The parts of a text, in order.
struct Units<'a>(&'a [u8], Escapes);

/// The plain form.
pub(super) fn unescape(text: &[u8], escapes: Escapes) -> Zeroizing<Vec<u8>> {
    // Never longer than the text: reserved whole, so that no part of it is left behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    for unit in Units(text, escapes) {
        plain.extend_from_slice(unit.bytes.get(..unit.count).unwrap_or_default());
    }
    plain
}

/// Where ranges of the plain form, in order, are in the text itself.
pub(super) fn source_ranges(
    text: &[u8],
    escapes: Escapes,
    plain: &[Range<usize>],
) -> Vec<Range<usize>> {
    let mut found = Vec::with_capacity(plain.len());
    let mut wanted = plain.iter();
    let mut range = wanted.next();
    let mut begun = None;
    let (mut at, mut plain_at) = (0, 0);
    for unit in Units(text, escapes) {
        let next = plain_at + unit.count;
        // One unit may end a range and begin another.
        while let Some(current) = range {
            if begun.is_none() && unit.count > 0 && (plain_at..next).contains(&current.start) {
                begun = Some(at);
            }
            match begun {
                Some(start) if next >= current.end => {
                    found.push(start..at + unit.len);
                    begun = None;
                    range = wanted.next();
                }
                _ => break,
            }
        }
        (at, plain_at) = (at + unit.len, next);
    }
    found
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let first = *self.0.first()?;
        let unit = match first {
            other if !self.1.0.contains(&other) => None,
            b'%' => percent(self.0),
            b'\\' => backslash(self.0),
            b'&' => entity(self.0),
            b'\r' | b'\n' => Some(Unit {
                len: 1,
                bytes: [0; 4],
                count: 0,
            }),
            _ => None,
        };
        let unit = unit.unwrap_or_else(|| byte(1, first));
        self.0 = self.0.get(unit.len..).unwrap_or_default();
        Some(unit)
    }
}

fn byte(len: usize, byte: u8) -> Unit {
    // A line end that was escaped vanishes too.
    let count = usize::from(!matches!(byte, b'\r' | b'\n'));
    Unit {
        len,
        bytes: [byte, 0, 0, 0],
        count,
    }
}

fn character(len: usize, number: u32) -> Option<Unit> {
    let character = char::from_u32(number)?;
    if character.is_ascii() {
        return Some(byte(len, character as u8));
    }
    let mut bytes = [0; 4];
    let count = character.encode_utf8(&mut bytes).len();
    // An escape is never shorter than what it stands for.
    (count <= len).then_some(Unit { len, bytes, count })
}

fn hex(digits: Option<&[u8]>) -> Option<u32> {
    let digits = digits?;
    // `from_str_radix` would take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

fn percent(text: &[u8]) -> Option<Unit> {
    hex(text.get(1..3)).map(|number| byte(3, number as u8))
}

/// RFC 8259, section 7, and JavaScript's `\x41` and `\'`.
fn backslash(text: &[u8]) -> Option<Unit> {
    match text.get(1)? {
        b'u' => {
            let first = hex(text.get(2..6))?;
            match (first, text.get(6..8), hex(text.get(8..12))) {
                (0xd800..=0xdbff, Some(b"\\u"), Some(second @ 0xdc00..=0xdfff)) => {
                    character(12, 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
                }
                _ => character(6, first),
            }
        }
        b'x' => hex(text.get(2..4)).map(|number| byte(4, number as u8)),
        same @ (b'"' | b'\\' | b'/' | b'\'') => Some(byte(2, *same)),
        b'n' => Some(byte(2, b'\n')),
        b'r' => Some(byte(2, b'\r')),
        b't' => Some(byte(2, b'\t')),
        b'b' => Some(byte(2, 8)),
        b'f' => Some(byte(2, 12)),
        _ => None,
    }
}

/// The longest that is looked at: leading zeros are as good as none.
const LONGEST_ENTITY: usize = 16;

fn entity(text: &[u8]) -> Option<Unit> {
    let within = text.get(..LONGEST_ENTITY.min(text.len()))?;
    let end = memchr::memchr(b';', within)?;
    let name = within.get(1..end)?;
    let len = end + 1;
    match name {
        [b'#', b'x' | b'X', digits @ ..] => character(len, hex(Some(digits))?),
        [b'#', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            character(len, str::from_utf8(digits).ok()?.parse().ok()?)
        }
        name => NAMES
            .iter()
            .find(|(known, _)| known.as_bytes() == name)
            .map(|(_, plain)| byte(len, *plain)),
    }
}

/// The names that HTML has for printable ASCII characters.
const NAMES: [(&str, u8); 44] = [
    ("amp", b'&'),
    ("AMP", b'&'),
    ("lt", b'<'),
    ("LT", b'<'),
    ("gt", b'>'),
    ("GT", b'>'),
    ("quot", b'"'),
    ("QUOT", b'"'),
    ("apos", b'\''),
    ("sol", b'/'),
    ("bsol", b'\\'),
    ("plus", b'+'),
    ("equals", b'='),
    ("colon", b':'),
    ("semi", b';'),
    ("comma", b','),
    ("period", b'.'),
    ("excl", b'!'),
    ("quest", b'?'),
    ("num", b'#'),
    ("dollar", b'$'),
    ("percnt", b'%'),
    ("commat", b'@'),
    ("lpar", b'('),
    ("rpar", b')'),
    ("lsqb", b'['),
    ("lbrack", b'['),
    ("rsqb", b']'),
    ("rbrack", b']'),
    ("lcub", b'{'),
    ("lbrace", b'{'),
    ("rcub", b'}'),
    ("rbrace", b'}'),
    ("ast", b'*'),
    ("midast", b'*'),
    ("Hat", b'^'),
    ("lowbar", b'_'),
    ("UnderBar", b'_'),
    ("grave", b'`'),
    ("DiacriticalGrave", b'`'),
    ("verbar", b'|'),
    ("vert", b'|'),
    ("VerticalLine", b'|'),
    ("Tab", b'\t'),
];
