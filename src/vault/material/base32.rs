//! Base32 (RFC 4648, section 6) in memory that is wiped.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// As people write it down: either case, in groups, with padding or without.
/// Bits that are left over at the end are dropped, as the apps do.
pub(super) fn decode(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
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
            _ => return None,
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
    // No number of whole bytes fills so many characters.
    match characters % 8 {
        1 | 3 | 6 => None,
        _ => Some(bytes),
    }
}

/// In capitals, without padding.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() * 8 / 5 + 1));
    let (mut bits, mut held) = (0_u32, 0_u32);
    let character = |value: u32| ALPHABET.get(value as usize & 31).copied().unwrap_or(b'A');
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

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn base32_is_that_of_rfc_4648() {
        // Section 10.
        for (bytes, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(*encode(bytes.as_bytes()), text.as_bytes());
            let written = format!("{}==", text.to_lowercase());
            assert_eq!(*decode(written.as_bytes()).unwrap(), bytes.as_bytes());
        }
        for wrong in ["A", "AAA", "AAAAAA", "A=AA", "M1", "MÄ"] {
            assert!(decode(wrong.as_bytes()).is_none(), "{wrong}");
        }
        for len in 0..=128_u8 {
            let bytes: Vec<u8> = (0..len).map(|number| number.wrapping_mul(151)).collect();
            assert_eq!(*decode(&encode(&bytes)).unwrap(), bytes);
        }
    }
}
