//! The seed of one-time codes: taken as base32 or as an `otpauth://` URI, kept as one such URI.
//!
//! The URI is what a phone scans and what other programs import, so the owner enrols a device
//! with what `strongroom secret reveal` prints. In the vault it has one spelling: the seed in
//! capitals without padding, then issuer, algorithm, digits and period, always written out.

use std::fmt;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::{MaterialError, base32};
use crate::operation::Kind;

/// What a code is computed from.
pub(crate) struct Seed {
    bytes: Zeroizing<Vec<u8>>,
    hash: TotpHash,
    digits: u32,
    period: u32,
    label: String,
    issuer: Option<String>,
}

/// The hash under the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TotpHash {
    Sha1,
    Sha256,
    Sha512,
}

/// The longest text that is looked at.
const MAX_LEN: usize = 4096;
/// RFC 4226 asks for 16 bytes, but the provider chooses, and many give 10.
const MIN_SEED: usize = 10;
const MAX_SEED: usize = 128;
/// The longest label or issuer, in bytes.
const MAX_NAME: usize = 256;

/// Whether it says by itself what it is.
pub(super) fn is_uri(bytes: &[u8]) -> bool {
    after_scheme(bytes).is_some()
}

/// The one spelling of a seed.
pub(super) fn canonical(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    Ok(Seed::read(bytes)?.to_uri())
}

/// A new seed of 160 bits, which RFC 4226 recommends, with what every device can do: SHA-1, six
/// digits, 30 seconds.
pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let mut bytes = Zeroizing::new(vec![0; 20]);
    rand::fill(&mut bytes).map_err(|_| MaterialError::Machine("generate a seed"))?;
    Ok(Seed::new(bytes).to_uri())
}

impl Seed {
    fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            bytes,
            hash: TotpHash::Sha1,
            digits: 6,
            period: 30,
            label: "strongroom".to_owned(),
            issuer: None,
        }
    }

    /// Reads base32, in groups and in either case, or a URI.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, MaterialError> {
        let bytes = bytes.trim_ascii();
        if bytes.len() > MAX_LEN {
            return Err(malformed("it is longer than any such URI"));
        }
        match after_scheme(bytes) {
            Some(rest) => Self::from_uri(rest),
            None => Self::from_base32(bytes),
        }
    }

    fn from_base32(text: &[u8]) -> Result<Self, MaterialError> {
        let fits = |bytes: &Zeroizing<Vec<u8>>| (MIN_SEED..=MAX_SEED).contains(&bytes.len());
        let bytes = base32::decode(text).filter(fits);
        bytes.map(Self::new).ok_or(MaterialError::NotOfKind {
            kind: Kind::Totp,
            expected: "a base32 seed of 10 to 128 bytes, or an `otpauth://totp/…` URI",
        })
    }

    fn from_uri(rest: &[u8]) -> Result<Self, MaterialError> {
        let (path, query) = split(rest, b'?').ok_or(malformed("it has no `secret`"))?;
        let (kind, label) = split(path, b'/').ok_or(malformed("it has no label"))?;
        if !kind.eq_ignore_ascii_case(b"totp") {
            return Err(malformed("it is not of the type `totp`"));
        }
        let mut seen = Seen::default();
        for pair in query.split(|byte| *byte == b'&') {
            let (name, value) = split(pair, b'=').ok_or(malformed("a parameter has no value"))?;
            let place = match name {
                b"secret" => &mut seen.secret,
                b"issuer" => &mut seen.issuer,
                b"algorithm" => &mut seen.algorithm,
                b"digits" => &mut seen.digits,
                b"period" => &mut seen.period,
                // What an app shows beside the code.
                b"image" | b"color" => continue,
                _ => return Err(malformed("it has a parameter that is not known")),
            };
            if place.replace(unescaped(value)?).is_some() {
                return Err(malformed("a parameter is there twice"));
            }
        }
        let secret = seen.secret.ok_or(malformed("it has no `secret`"))?;
        let mut seed = Self::from_base32(&secret)?;
        if !label.is_empty() {
            seed.label = named(&unescaped(label)?)?;
        }
        seed.issuer = seen.issuer.map(|issuer| named(&issuer)).transpose()?;
        if let Some(algorithm) = seen.algorithm {
            seed.hash = TotpHash::ALL
                .into_iter()
                .find(|hash| algorithm.eq_ignore_ascii_case(hash.as_str().as_bytes()))
                .ok_or(malformed("its `algorithm` must be SHA1, SHA256 or SHA512"))?;
        }
        if let Some(digits) = seen.digits {
            seed.digits = number(&digits, 6, 8).ok_or(malformed("its `digits` must be 6 to 8"))?;
        }
        if let Some(period) = seen.period {
            let problem = malformed("its `period` must be 15 to 120 seconds");
            seed.period = number(&period, 15, 120).ok_or(problem)?;
        }
        Ok(seed)
    }

    fn to_uri(&self) -> Zeroizing<Vec<u8>> {
        let label = escaped(&self.label);
        let issuer = self.issuer.as_deref().map(escaped);
        let issuer = issuer.map_or_else(String::new, |issuer| format!("&issuer={issuer}"));
        let secret = base32::encode(&self.bytes);
        let head = format!("otpauth://totp/{label}?secret=");
        let tail = format!(
            "{issuer}&algorithm={}&digits={}&period={}",
            self.hash.as_str(),
            self.digits,
            self.period
        );
        // Reserved whole: a vector that grows leaves its old contents behind.
        let mut uri = Zeroizing::new(Vec::with_capacity(head.len() + secret.len() + tail.len()));
        uri.extend_from_slice(head.as_bytes());
        uri.extend_from_slice(&secret);
        uri.extend_from_slice(tail.as_bytes());
        uri
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn hash(&self) -> TotpHash {
        self.hash
    }

    /// 6 to 8.
    pub(crate) fn digits(&self) -> u32 {
        self.digits
    }

    /// In seconds, 15 to 120.
    pub(crate) fn period(&self) -> u32 {
        self.period
    }
}

/// The parameters of a URI.
#[derive(Default)]
struct Seen {
    secret: Option<Zeroizing<Vec<u8>>>,
    issuer: Option<Zeroizing<Vec<u8>>>,
    algorithm: Option<Zeroizing<Vec<u8>>>,
    digits: Option<Zeroizing<Vec<u8>>>,
    period: Option<Zeroizing<Vec<u8>>>,
}

impl TotpHash {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }
}

fn after_scheme(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start();
    let (scheme, rest) = bytes.split_at_checked(b"otpauth://".len())?;
    scheme.eq_ignore_ascii_case(b"otpauth://").then_some(rest)
}

fn split(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == at)?;
    Some((bytes.get(..position)?, bytes.get(position + 1..)?))
}

/// RFC 3986, section 2.1.
fn unescaped(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let (byte, after) = match byte {
            b'%' => {
                let digits = after.first_chunk::<2>();
                let escape = digits.and_then(|[high, low]| {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    Some((digit(*high)? * 16 + digit(*low)?) as u8)
                });
                let escape = escape.ok_or(malformed("a `%` has no two digits behind it"))?;
                (escape, after.get(2..).unwrap_or_default())
            }
            other => (*other, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Ok(bytes)
}

/// A label or an issuer.
fn named(bytes: &[u8]) -> Result<String, MaterialError> {
    let problem = malformed("its label or issuer is not plain text of at most 256 bytes");
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= MAX_NAME && !text.contains(char::is_control) => {
            Ok(text.to_owned())
        }
        _ => Err(problem),
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:@".contains(&byte);
    let escape = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

fn number(text: &[u8], least: u32, most: u32) -> Option<u32> {
    let digits = std::str::from_utf8(text).ok()?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    (least..=most).contains(&number).then_some(number)
}

const fn malformed(problem: &'static str) -> MaterialError {
    MaterialError::Malformed {
        format: "`otpauth` URI",
        problem,
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Seed({:?}, {} digits, {} s, [secret])",
            self.hash, self.digits, self.period
        )
    }
}

#[cfg(test)]
mod tests;
