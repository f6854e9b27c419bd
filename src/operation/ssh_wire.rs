//! What SSH sends: the encoding of RFC 4251, section 5, and signatures as RFC 8709, RFC 5656 and
//! RFC 8332 have them.
//!
//! Written here and not by `ssh-key`: that crate takes a signing key as a number to compute with,
//! and the vault's keys never leave the cryptographic library. What comes out is read by
//! `ssh-key` and by OpenSSH in tests.

use aws_lc_rs::{
    digest::{self, SHA256, SHA512},
    signature::RSA_PKCS1_SHA512,
};

use super::{Kind, OperationError, OperationName, Unsuitable, sign::sign_rsa};
use crate::vault::material::{KeyPair, Material};

/// Bytes being written.
#[derive(Default)]
pub(crate) struct Wire(Vec<u8>);

impl Wire {
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn uint32(self, number: u32) -> Self {
        self.raw(&number.to_be_bytes())
    }

    pub(crate) fn uint64(self, number: u64) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// Its length, then the bytes. Everything that is written here is far below 4 GiB: a request
    /// has at most a few MiB.
    pub(crate) fn string(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.uint32(bytes.len() as u32).raw(bytes)
    }

    /// A positive number, big-endian: without zeros in front, but with one where the top bit
    /// would make it negative.
    fn mpint(self, digits: &[u8]) -> Self {
        let zeros = digits.iter().take_while(|byte| **byte == 0).count();
        let digits = digits.get(zeros..).unwrap_or_default();
        match digits.first() {
            Some(0x80..) => self.string([&[0], digits].concat()),
            _ => self.string(digits),
        }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The first string of some bytes, and what comes after it.
pub(crate) fn first_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Signs, for an operation that has its form of the message from SSH. RSA signatures are
/// `rsa-sha2-512`.
pub(super) fn sign(
    material: &Material,
    operation: OperationName,
    message: &[u8],
) -> Result<Vec<u8>, OperationError> {
    const FAILED: OperationError = OperationError::Machine("sign");
    let kind = material.kind();
    match (kind, material.key_pair()) {
        (Kind::Ed25519, Some(KeyPair::Ed25519(key))) => {
            let signature = key.try_sign(message).map_err(|_| FAILED)?;
            Ok(signature_of("ssh-ed25519", signature.as_ref()))
        }
        (Kind::P256, Some(KeyPair::Ecdsa(key))) => {
            let digest = digest::digest(&SHA256, message);
            let signature = key.sign_digest(&digest).map_err(|_| FAILED)?;
            let (r, s) = signature.as_ref().split_at(signature.as_ref().len() / 2);
            let numbers = Wire::default().mpint(r).mpint(s).bytes();
            Ok(signature_of("ecdsa-sha2-nistp256", &numbers))
        }
        (Kind::Rsa, Some(KeyPair::Rsa(key))) => {
            let digest = digest::digest(&SHA512, message);
            let signature = sign_rsa(key, &RSA_PKCS1_SHA512, &digest)?;
            Ok(signature_of("rsa-sha2-512", &signature))
        }
        _ => Err(Unsuitable::Kind { kind, operation }.into()),
    }
}

fn signature_of(algorithm: &str, signature: &[u8]) -> Vec<u8> {
    Wire::default().string(algorithm).string(signature).bytes()
}

#[cfg(test)]
mod tests {
    use super::{Wire, first_string};

    #[test]
    fn numbers_and_strings_are_those_of_the_rfc() {
        // RFC 4251, section 5.
        let mpint = |digits: &[u8]| Wire::default().mpint(digits).bytes();
        assert_eq!(mpint(&[0]), [0, 0, 0, 0]);
        assert_eq!(
            mpint(&[9, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]),
            [0, 0, 0, 8, 9, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7]
        );
        assert_eq!(mpint(&[0, 0, 0x80]), [0, 0, 0, 2, 0, 0x80]);
        let written = Wire::default()
            .string("testing")
            .uint32(699_921_578)
            .uint64(1)
            .bytes();
        assert_eq!(written[..4], [0, 0, 0, 7]);
        let (first, rest) = first_string(&written).unwrap();
        assert_eq!(first, b"testing");
        assert_eq!(rest, [0x29, 0xb7, 0xf4, 0xaa, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(first_string(&written[..10]), None);
        assert_eq!(first_string(&[0, 0]), None);
    }
}
