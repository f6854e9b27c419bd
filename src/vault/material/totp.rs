//! The seed of one-time codes: taken as base32 or as an `otpauth://` URI, kept as one such URI.
//!
//! The URI is what a phone scans and what other programs import, so the owner enrols a device
//! with what `strongroom secret reveal` prints. In the vault it has one spelling: the seed in
//! capitals without padding, then issuer, algorithm, digits and period, always written out.

use std::fmt;

use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::MaterialError;

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

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

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
            None => Ok(Self::new(from_base32(bytes)?)),
        }
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
        let mut seed = Self::new(from_base32(&secret)?);
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
        let secret = to_base32(&self.bytes);
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

/// RFC 4648, section 6, as people write it down: either case, in groups, with padding or without.
/// Bits that are left over at the end are dropped, as the apps do.
fn from_base32(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let problem = MaterialError::NotOfKind {
        kind: crate::operation::Kind::Totp,
        expected: "a base32 seed of 10 to 128 bytes, or an `otpauth://totp/…` URI",
    };
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let text = text.get(..text.len() - padding).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut held, mut characters) = (0_u32, 0_u32, 0_usize);
    for byte in text {
        if matches!(byte, b' ' | b'-') {
            continue;
        }
        let value = match byte.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            digit @ b'2'..=b'7' => digit - b'2' + 26,
            _ => return Err(problem),
        };
        characters += 1;
        held = held << 5 | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    let whole = !matches!(characters % 8, 1 | 3 | 6);
    match whole && (MIN_SEED..=MAX_SEED).contains(&bytes.len()) {
        true => Ok(bytes),
        false => Err(problem),
    }
}

fn to_base32(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() * 8 / 5 + 1));
    let (mut bits, mut held) = (0_u32, 0_u32);
    let character = |value: u32| BASE32.get(value as usize & 31).copied().unwrap_or(b'A');
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character(held >> bits));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(character(held << (5 - bits)));
    }
    text
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
mod tests {
    use super::{canonical, from_base32, generate, to_base32};
    use crate::{operation::Kind, vault::material::Material};

    fn kept(text: &str) -> Result<String, String> {
        let uri = canonical(text.as_bytes()).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(uri.to_vec()).unwrap())
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        // Section 10, below the length of any seed: written only.
        for (bytes, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(*to_base32(bytes.as_bytes()), text.as_bytes());
        }
        for len in 10..=128_u8 {
            let bytes: Vec<u8> = (0..len).map(|number| number.wrapping_mul(151)).collect();
            assert_eq!(*from_base32(&to_base32(&bytes)).unwrap(), bytes);
        }
    }

    #[test]
    fn a_seed_has_one_spelling_however_it_was_written() {
        let plain =
            "otpauth://totp/strongroom?secret=JBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30";
        for text in [
            "JBSWY3DPEHPK3PXP",
            " jbsw y3dp ehpk 3pxp\n",
            "JBSW-Y3DP-EHPK-3PXP",
            "JBSWY3DPEHPK3PXP======",
            "otpauth://totp/?secret=jbswy3dpehpk3pxp",
            "OTPAUTH://TOTP/strongroom?secret=JBSWY3DPEHPK3PXP%3D%3D&image=https%3A%2F%2Fa",
            plain,
        ] {
            assert_eq!(kept(text).as_deref(), Ok(plain), "{text}");
        }
        let full = "otpauth://totp/ACME%20Co:john@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=ACME%20Co&algorithm=SHA512&digits=8&period=60";
        assert_eq!(kept(full).as_deref(), Ok(full));
        let unordered = "otpauth://totp/ACME Co%3Ajohn%40example.com?period=60&digits=8&issuer=ACME%20Co&algorithm=sha512&secret=jbswy3dpehpk3pxpjbswy3dpehpk3pxp";
        assert_eq!(kept(unordered).as_deref(), Ok(full));
        // Bits that are left over are dropped: 26 characters hold 16 bytes and two bits.
        assert_eq!(
            kept("AAAAAAAAAAAAAAAAAAAAAAAAAB"),
            kept("AAAAAAAAAAAAAAAAAAAAAAAAAA")
        );
    }

    #[test]
    fn what_is_no_seed_is_refused_without_showing_it() {
        let kind = "a secret of kind `totp` must be a base32 seed of 10 to 128 bytes, or an `otpauth://totp/…` URI";
        for text in [
            "",
            "JBSWY3DPEHPK3PX",
            "JBSWY3DPEHPK3PX1",
            "JBSWY3DPEHPK3PXPA",
            &"A".repeat(208),
            "otpauth://totp/a?secret=",
            "http://totp/a?secret=JBSWY3DPEHPK3PXP",
        ] {
            assert_eq!(kept(text).unwrap_err(), kind, "{text}");
        }
        let uri = |rest: &str| {
            let error = kept(&format!("otpauth://{rest}")).unwrap_err();
            assert!(!error.contains("JBSWY3DP"), "{error}");
            error.replace("this is not well-formed `otpauth` URI: ", "")
        };
        let secret = "secret=JBSWY3DPEHPK3PXP";
        for (rest, problem) in [
            ("totp/a".to_owned(), "it has no `secret`"),
            ("totp/a?digits=6".to_owned(), "it has no `secret`"),
            (format!("totp?{secret}"), "it has no label"),
            (
                format!("hotp/a?{secret}&counter=0"),
                "it is not of the type `totp`",
            ),
            (
                format!("totp/a?{secret}&{secret}"),
                "a parameter is there twice",
            ),
            (
                format!("totp/a?{secret}&encoder=steam"),
                "it has a parameter that is not known",
            ),
            (
                format!("totp/a?{secret}&digits"),
                "a parameter has no value",
            ),
            (
                format!("totp/a?{secret}&digits=9"),
                "its `digits` must be 6 to 8",
            ),
            (
                format!("totp/a?{secret}&digits=+6"),
                "its `digits` must be 6 to 8",
            ),
            (
                format!("totp/a?{secret}&period=10"),
                "its `period` must be 15 to 120 seconds",
            ),
            (
                format!("totp/a?{secret}&algorithm=MD5"),
                "its `algorithm` must be SHA1, SHA256 or SHA512",
            ),
            (
                format!("totp/%0a?{secret}"),
                "its label or issuer is not plain text of at most 256 bytes",
            ),
            (
                format!("totp/%ff?{secret}"),
                "its label or issuer is not plain text of at most 256 bytes",
            ),
            (
                format!("totp/%4?{secret}"),
                "a `%` has no two digits behind it",
            ),
            ("a".repeat(4096), "it is longer than any such URI"),
        ] {
            assert_eq!(uri(&rest), problem, "{rest}");
        }
    }

    #[test]
    fn a_generated_seed_is_new_and_can_be_imported() {
        let (one, other) = (generate().unwrap(), generate().unwrap());
        assert_ne!(*one, *other);
        assert_eq!(*canonical(&one).unwrap(), *one);
        // The URI tells what it is.
        let material = Material::import(None, &one).unwrap();
        assert_eq!(material.kind(), Kind::Totp);
        assert_eq!(*material.to_stored(), *one);
        assert_eq!(format!("{material:?}"), "Material(totp, [secret])");
    }
}
