//! The forms in which a public key is read: OpenSSH line, PEM, JWK.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use ssh_key::public::KeyData;

use super::{BadKey, KeyAlgorithm, PublicKey, parts::uncompressed};

/// More than any supported key takes in any form.
const MAX_LEN: usize = 16 * 1024;

pub(super) fn parse(text: &str) -> Result<PublicKey, BadKey> {
    let text = text.trim();
    if text.len() > MAX_LEN {
        return Err(BadKey::UnknownForm);
    }
    if text.starts_with('{') {
        jwk(text)
    } else if text.contains("-----BEGIN ") {
        pem(text)
    } else {
        openssh(text)
    }
}

fn pem(text: &str) -> Result<PublicKey, BadKey> {
    let block = ::pem::parse(text).map_err(|error| BadKey::Damaged {
        form: "PEM",
        problem: error.to_string(),
    })?;
    match block.tag() {
        "PUBLIC KEY" => PublicKey::from_spki_der(block.contents()),
        "RSA PUBLIC KEY" => rsa_public_key(block.contents()),
        tag if tag.ends_with("PRIVATE KEY") => Err(BadKey::Private),
        tag => Err(BadKey::UnknownType(printable(tag))),
    }
}

/// PKCS#1 `RSAPublicKey` (RFC 8017 appendix A.1.1).
fn rsa_public_key(der: &[u8]) -> Result<PublicKey, BadKey> {
    let key = aws_lc_rs::rsa::PublicKey::from_der(der)
        .map_err(|_| BadKey::Invalid("not an RSAPublicKey"))?;
    PublicKey::from_rsa(
        key.modulus().big_endian_without_leading_zero(),
        key.exponent().big_endian_without_leading_zero(),
    )
}

fn openssh(text: &str) -> Result<PublicKey, BadKey> {
    let (kind, rest) = text.split_once([' ', '\t']).ok_or(BadKey::UnknownForm)?;
    // Says clearly what the parser would call damaged.
    if kind.starts_with("sk-") || kind == "ssh-dss" || kind.contains("-cert-") {
        return Err(BadKey::UnknownType(printable(kind)));
    }
    if !(kind.starts_with("ssh-") || kind.starts_with("ecdsa-")) {
        return Err(BadKey::UnknownForm);
    }
    // The line of an `.pub` file may have been pasted with more white space than the parser takes.
    let line = format!("{kind} {}", rest.trim());
    let key = ssh_key::PublicKey::from_openssh(&line).map_err(|error| BadKey::Damaged {
        form: "OpenSSH key",
        problem: error.to_string(),
    })?;
    match key.key_data() {
        KeyData::Ed25519(raw) => PublicKey::from_raw(KeyAlgorithm::Ed25519, &raw.0),
        KeyData::Ecdsa(point) => match point.curve() {
            ssh_key::EcdsaCurve::NistP256 => {
                PublicKey::from_raw(KeyAlgorithm::P256, point.as_sec1_bytes())
            }
            ssh_key::EcdsaCurve::NistP384 => {
                PublicKey::from_raw(KeyAlgorithm::P384, point.as_sec1_bytes())
            }
            ssh_key::EcdsaCurve::NistP521 => Err(BadKey::UnknownType(printable(kind))),
        },
        KeyData::Rsa(numbers) => {
            match (numbers.n.as_positive_bytes(), numbers.e.as_positive_bytes()) {
                (Some(n), Some(e)) => PublicKey::from_rsa(n, e),
                _ => Err(BadKey::Invalid("not an RSA modulus and exponent")),
            }
        }
        _ => Err(BadKey::UnknownType(printable(kind))),
    }
}

fn jwk(text: &str) -> Result<PublicKey, BadKey> {
    let damaged = |problem: String| BadKey::Damaged {
        form: "JWK",
        problem,
    };
    let key: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
    if key.contains_key("d") || key.contains_key("k") {
        return Err(BadKey::Private);
    }
    let word = |name: &str| {
        key.get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| damaged(format!("it has no text `{name}`")))
    };
    let number = |name: &str| {
        URL_SAFE_NO_PAD
            .decode(word(name)?)
            .map_err(|_| damaged(format!("`{name}` is not base64url without padding")))
    };
    let coordinates = |algorithm, length| {
        let (x, y) = (number("x")?, number("y")?);
        if x.len() != length || y.len() != length {
            return Err(BadKey::Invalid("a coordinate has the wrong length"));
        }
        PublicKey::from_raw(algorithm, &uncompressed(&[x, y].concat()))
    };
    match word("kty")? {
        "RSA" => PublicKey::from_rsa(&number("n")?, &number("e")?),
        "EC" => match word("crv")? {
            "P-256" => coordinates(KeyAlgorithm::P256, 32),
            "P-384" => coordinates(KeyAlgorithm::P384, 48),
            other => Err(BadKey::UnknownType(printable(other))),
        },
        "OKP" => match word("crv")? {
            "Ed25519" => match number("x")? {
                raw if raw.len() == 32 => PublicKey::from_raw(KeyAlgorithm::Ed25519, &raw),
                _ => Err(BadKey::Invalid("an Ed25519 key has 32 bytes")),
            },
            other => Err(BadKey::UnknownType(printable(other))),
        },
        other => Err(BadKey::UnknownType(printable(other))),
    }
}

/// A few characters of what was given, safe to show.
fn printable(text: &str) -> String {
    text.chars().take(40).flat_map(char::escape_debug).collect()
}
