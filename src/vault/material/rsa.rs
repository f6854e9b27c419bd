//! RSA private keys from their numbers, as JWK and OpenSSH give them.

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, PublicKeyComponents};
use crypto_bigint::{BitOps, BoxedUint, NonZero};
use zeroize::Zeroizing;

use super::{KeyPair, MaterialError, rejected};

/// Big-endian numbers, named as in RFC 8017, section 3.2.
pub(super) struct Numbers<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) q_inv: &'a [u8],
}

/// The largest number that is looked at: 8192 bits, and a byte for the sign.
const MAX_LEN: usize = 1025;

impl Numbers<'_> {
    /// Builds the key; the library checks that all numbers belong to one key.
    pub(super) fn key_pair(&self) -> Result<KeyPair, MaterialError> {
        let numbers = [self.n, self.e, self.d, self.p, self.q, self.q_inv];
        if numbers.iter().any(|number| number.len() > MAX_LEN) {
            return Err(MaterialError::RsaSize("large"));
        }
        let components = KeyPairComponents {
            public_key: PublicKeyComponents {
                n: trimmed(self.n),
                e: trimmed(self.e),
            },
            d: self.d,
            p: self.p,
            q: self.q,
            dP: &*modulo_predecessor(self.d, self.p)?,
            dQ: &*modulo_predecessor(self.d, self.q)?,
            qInv: self.q_inv,
        };
        RsaKeyPair::from_components(&components)
            .map(KeyPair::Rsa)
            .map_err(rejected)
    }
}

/// `d mod (prime - 1)`: OpenSSH leaves it out and the library wants it. In constant time, and
/// what comes out is checked by the library against the rest of the key.
fn modulo_predecessor(d: &[u8], prime: &[u8]) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
    let d = Zeroizing::new(number(d)?);
    let mut predecessor = number(prime)?;
    // A prime is odd, so its predecessor differs in the last bit only.
    predecessor.set_bit_vartime(0, false);
    let modulus: Option<NonZero<BoxedUint>> = NonZero::new(predecessor).into_option();
    let modulus = Zeroizing::new(modulus.ok_or(MaterialError::Inconsistent)?);
    let remainder = Zeroizing::new(d.rem(&*modulus));
    Ok(Zeroizing::new(remainder.to_be_bytes().into_vec()))
}

fn number(bytes: &[u8]) -> Result<BoxedUint, MaterialError> {
    let bits = u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX).max(8);
    BoxedUint::from_be_slice(bytes, bits).map_err(|_| MaterialError::Inconsistent)
}

/// The library wants public numbers without zeros in front.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let leading = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(leading..).unwrap_or_default()
}
