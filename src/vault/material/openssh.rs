//! OpenSSH's private key file, `openssh-key-v1`, without a passphrase.
//!
//! Specified in OpenSSH's `PROTOCOL.key`. Read here and not by `ssh-key`, because that crate
//! refuses the one ECDSA key in 256 whose scalar starts with a zero byte.

use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use zeroize::Zeroizing;

use super::{KeyPair, MaterialError, curve, rejected, rsa::Numbers};
use crate::operation::Kind;

/// Reads the bytes inside an `OPENSSH PRIVATE KEY` block.
pub(super) fn read(bytes: &[u8]) -> Result<KeyPair, MaterialError> {
    let mut file = Reader(bytes.strip_prefix(b"openssh-key-v1\0").ok_or(TRUNCATED)?);
    let cipher = file.string()?;
    let (_derivation, _options) = (file.string()?, file.string()?);
    if cipher != b"none" {
        let command = "ssh-keygen -p -N '' -f COPY_OF_THE_KEY";
        return Err(MaterialError::Encrypted { command });
    }
    if file.number()? != 1 {
        return Err(MaterialError::SeveralKeys);
    }
    let _public = file.string()?;
    let mut key = Reader(file.string()?);
    if key.number()? != key.number()? {
        return Err(malformed("its check numbers differ"));
    }
    match key.string()? {
        b"ssh-ed25519" => ed25519(&mut key),
        b"ecdsa-sha2-nistp256" => ecdsa(&mut key, Kind::P256, 32),
        b"ecdsa-sha2-nistp384" => ecdsa(&mut key, Kind::P384, 48),
        b"ssh-rsa" => rsa(&mut key),
        _ => Err(MaterialError::UnsupportedKey),
    }
}

fn ed25519(key: &mut Reader<'_>) -> Result<KeyPair, MaterialError> {
    let public = key.string()?;
    // The seed, and the public key once more.
    let (seed, again) = key.string()?.split_at_checked(32).ok_or(TRUNCATED)?;
    if again != public {
        return Err(MaterialError::Inconsistent);
    }
    let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
    pair.map(KeyPair::Ed25519).map_err(rejected)
}

fn ecdsa(key: &mut Reader<'_>, kind: Kind, len: usize) -> Result<KeyPair, MaterialError> {
    let (_curve, point, scalar) = (key.string()?, key.string()?, key.string()?);
    let leading = scalar.iter().take_while(|byte| **byte == 0).count();
    let digits = scalar.get(leading..).unwrap_or_default();
    let missing = len
        .checked_sub(digits.len())
        .ok_or(MaterialError::Inconsistent)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.resize(missing, 0);
    padded.extend_from_slice(digits);
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve(kind)?, &padded, point);
    pair.map(KeyPair::Ecdsa).map_err(rejected)
}

fn rsa(key: &mut Reader<'_>) -> Result<KeyPair, MaterialError> {
    let (n, e, d) = (key.string()?, key.string()?, key.string()?);
    let (q_inv, p, q) = (key.string()?, key.string()?, key.string()?);
    Numbers {
        n,
        e,
        d,
        p,
        q,
        q_inv,
    }
    .key_pair()
}

/// The wire format of RFC 4251, section 5. It borrows: nothing secret is copied.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u32, MaterialError> {
        let (number, rest) = self.0.split_first_chunk::<4>().ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn string(&mut self) -> Result<&'a [u8], MaterialError> {
        let len = usize::try_from(self.number()?).map_err(|_| TRUNCATED)?;
        let (string, rest) = self.0.split_at_checked(len).ok_or(TRUNCATED)?;
        self.0 = rest;
        Ok(string)
    }
}

const TRUNCATED: MaterialError = malformed("it ends too early");

const fn malformed(problem: &'static str) -> MaterialError {
    MaterialError::Malformed {
        format: "OpenSSH private key",
        problem,
    }
}
