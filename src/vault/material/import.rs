//! Telling the formats of secrets apart, and taking them in.

use aws_lc_rs::{rsa::KeyPair as RsaKeyPair, signature::EcdsaKeyPair};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{
    KeyPair, MAX_LEN, Material, MaterialError, Mtls, aws, basic, curve, gcp::ServiceAccount,
    jwk::Jwk, oauth2::Client, openssh, pem, rejected, totp,
};
use crate::operation::Kind;

pub(super) fn import(kind: Option<Kind>, bytes: &[u8]) -> Result<Material, MaterialError> {
    if bytes.len() > MAX_LEN {
        return Err(MaterialError::TooLong);
    }
    // What a token or opaque bytes look like does not matter.
    match kind {
        Some(Kind::Token) => return Material::raw(Kind::Token, without_line_end(bytes).to_vec()),
        Some(Kind::Opaque) => return Material::raw(Kind::Opaque, bytes.to_vec()),
        Some(Kind::Aws) => return aws::import(bytes),
        Some(Kind::Basic) => return basic::import(bytes),
        Some(Kind::Mtls) => {
            Mtls::read(bytes)?;
            return Material::raw(Kind::Mtls, bytes.to_vec());
        }
        Some(Kind::Oauth2) => return Client::read(bytes)?.to_material(),
        Some(Kind::Gcp) => return ServiceAccount::read(bytes)?.to_material(),
        Some(Kind::GithubApp) => {
            let key = import(Some(Kind::Rsa), bytes).map_err(|error| match error {
                MaterialError::NotOfKind { .. } => MaterialError::NotOfKind {
                    kind: Kind::GithubApp,
                    expected: "an RSA key as PEM, as GitHub hands it out",
                },
                telling => telling,
            })?;
            return Material::raw(Kind::GithubApp, key.to_stored().to_vec());
        }
        None if totp::is_uri(bytes) => return Material::raw(Kind::Totp, bytes.to_vec()),
        Some(kind @ Kind::Totp) => return Material::raw(kind, bytes.to_vec()),
        _ => {}
    }
    let material = if pem::is_in(bytes) {
        Material::pair(from_pem(bytes)?)?
    } else if let Some(jwk) = Jwk::read(bytes) {
        jwk?.material(kind)?
    } else {
        match kind {
            None => return Err(MaterialError::NeedsKind),
            Some(Kind::Hmac) => Material::raw(Kind::Hmac, without_line_end(bytes).to_vec())?,
            Some(Kind::Aes256) => aes256(bytes)?,
            Some(kind) => Material::pair(from_der(kind, bytes)?)?,
        }
    };
    match kind {
        Some(expected) if expected != material.kind => Err(MaterialError::KindMismatch {
            expected,
            found: material.kind,
        }),
        _ => Ok(material),
    }
}

/// Whether the bytes are one line of text, with nothing in it that could end a header field.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_control))
}

/// The one private key among the blocks: certificates and parameters often stand beside it.
pub(super) fn from_pem(text: &[u8]) -> Result<KeyPair, MaterialError> {
    let blocks = pem::blocks(text)?;
    let mut private = blocks
        .iter()
        .filter(|block| block.label.ends_with(b"PRIVATE KEY"));
    let block = match (private.next(), private.next()) {
        (Some(block), None) => block,
        (Some(_), Some(_)) => return Err(MaterialError::SeveralKeys),
        (None, _) => {
            let label = blocks.first().map_or(&b""[..], |block| block.label);
            let label: String = String::from_utf8_lossy(label).chars().take(64).collect();
            return Err(MaterialError::NotPrivate(format!(
                "a `{}`",
                label.escape_debug()
            )));
        }
    };
    if block.encrypted || block.label == b"ENCRYPTED PRIVATE KEY" {
        return Err(MaterialError::Encrypted {
            command: "openssl pkey -in KEY",
        });
    }
    match block.label {
        b"PRIVATE KEY" => from_pkcs8(&block.der),
        b"EC PRIVATE KEY" => from_sec1(&block.der),
        b"RSA PRIVATE KEY" => from_pkcs1(&block.der),
        b"OPENSSH PRIVATE KEY" => openssh::read(&block.der),
        _ => Err(MaterialError::UnsupportedKey),
    }
}

/// The first kind of key that it is, or the most telling reason why it is none.
fn from_pkcs8(der: &[u8]) -> Result<KeyPair, MaterialError> {
    first([Kind::Ed25519, Kind::P256, Kind::P384, Kind::Rsa], |kind| {
        KeyPair::from_pkcs8(kind, der)
    })
}

/// RFC 5915. The curve may be left out of it, so the length of the key decides.
fn from_sec1(der: &[u8]) -> Result<KeyPair, MaterialError> {
    first([Kind::P256, Kind::P384], |kind| {
        let pair = EcdsaKeyPair::from_private_key_der(curve(kind)?, der);
        pair.map(KeyPair::Ecdsa).map_err(rejected)
    })
}

/// RFC 8017, appendix A.1.2.
fn from_pkcs1(der: &[u8]) -> Result<KeyPair, MaterialError> {
    RsaKeyPair::from_der(der)
        .map(KeyPair::Rsa)
        .map_err(rejected)
}

/// Bare DER says little about itself: only when the kind is named.
fn from_der(kind: Kind, der: &[u8]) -> Result<KeyPair, MaterialError> {
    let pair = from_pkcs8(der).or_else(|_| match kind {
        Kind::P256 | Kind::P384 => from_sec1(der),
        _ => from_pkcs1(der),
    });
    pair.map_err(|error| match error {
        MaterialError::UnsupportedKey => MaterialError::NotOfKind {
            kind,
            expected: "a private key as PEM, OpenSSH, JWK or DER",
        },
        telling => telling,
    })
}

fn first<const N: usize>(
    kinds: [Kind; N],
    read: impl Fn(Kind) -> Result<KeyPair, MaterialError>,
) -> Result<KeyPair, MaterialError> {
    let mut reason = MaterialError::UnsupportedKey;
    for kind in kinds {
        match read(kind) {
            Ok(pair) => return Ok(pair),
            Err(MaterialError::UnsupportedKey) => {}
            Err(telling) => reason = telling,
        }
    }
    Err(reason)
}

/// 32 bytes as they are, or written down as hexadecimal digits or base64.
fn aes256(bytes: &[u8]) -> Result<Material, MaterialError> {
    let text = bytes.trim_ascii();
    let decoded = match text.len() {
        64 => from_hex(text),
        43 | 44 => from_base64(text),
        // A key of 32 printable characters is half a key in hexadecimal, or a passphrase.
        _ if bytes.iter().all(u8::is_ascii_graphic) => None,
        _ => Some(Zeroizing::new(bytes.to_vec())),
    };
    Material::raw(
        Kind::Aes256,
        decoded.map(|key| key.to_vec()).unwrap_or_default(),
    )
}

fn from_hex(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.chunks(2) {
        let digits = std::str::from_utf8(pair).ok()?;
        // `from_str_radix` would take a sign.
        if !pair.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
    }
    Some(bytes)
}

fn from_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const ANY_PADDING: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, ANY_PADDING).decode(text).ok())
        .map(Zeroizing::new)
}

/// Text without the one line end that editors and `echo` add. Binary bytes stay as they are.
pub(super) fn without_line_end(bytes: &[u8]) -> &[u8] {
    let stripped = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let stripped = stripped.strip_suffix(b"\r").unwrap_or(stripped);
    if is_token(stripped) { stripped } else { bytes }
}
