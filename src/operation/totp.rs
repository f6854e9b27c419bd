//! `totp`: computes the current one-time code (RFC 6238), sealed.
//!
//! HMAC comes from the vault's cryptographic library, so that a seed is in no other hands; what
//! is left is the truncation of RFC 4226, section 5.3.

use aws_lc_rs::hmac;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    BadInput, Done, Kind, OperationError, OperationName, Setting, Unsuitable, input::Fields, sealed,
};
use crate::vault::material::{
    Material,
    totp::{Seed, TotpHash},
};

/// The empty input of `totp`.
#[derive(Debug)]
pub struct TotpInput {
    _private: (),
}

impl TotpInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    /// `{"code", "valid_until", "version"}`, to be sealed. The code is that of the period in
    /// which the agent received the request; `valid_until` is the period's end.
    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        const FAILED: OperationError = OperationError::Machine("compute a code");
        let seed = match (material.kind(), material.secret_bytes()) {
            (Kind::Totp, Some(bytes)) => Seed::read(bytes).map_err(|_| FAILED)?,
            (kind, _) => {
                let operation = OperationName::Totp;
                return Err(Unsuitable::Kind { kind, operation }.into());
            }
        };
        let now = u64::try_from(setting.now.as_second()).map_err(|_| FAILED)?;
        let period = u64::from(seed.period());
        let code = code(&seed, now / period).ok_or(FAILED)?;
        let end = i64::try_from((now / period + 1) * period).map_err(|_| FAILED)?;
        let valid_until = Timestamp::from_second(end).map_err(|_| FAILED)?;
        Ok(sealed(&[
            r#"{"code":""#,
            &code,
            &format!(
                r#"","valid_until":"{valid_until}","version":{}}}"#,
                setting.version
            ),
        ]))
    }
}

/// RFC 4226, section 5.3: four bytes from where the last half byte says, without the sign.
fn code(seed: &Seed, counter: u64) -> Option<Zeroizing<String>> {
    let algorithm = match seed.hash() {
        TotpHash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        TotpHash::Sha256 => hmac::HMAC_SHA256,
        TotpHash::Sha512 => hmac::HMAC_SHA512,
    };
    let key = hmac::Key::new(algorithm, seed.bytes());
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last()? & 0xf);
    let word = tag.get(offset..)?.first_chunk::<4>()?;
    let number = u32::from_be_bytes(*word) & 0x7fff_ffff;
    let digits = seed.digits();
    let number = number % 10_u32.pow(digits);
    Some(Zeroizing::new(format!(
        "{number:0width$}",
        width = digits as usize
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::code;
    use crate::{
        operation::{Kind, Operation, tests::run},
        vault::material::{Material, totp::Seed},
    };

    /// The ASCII digits of the RFCs' seeds, as base32 (`base32` of coreutils made them).
    const SHA1: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    const SHA256: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
    const SHA512: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";

    fn seed(secret: &str, algorithm: &str, digits: u32) -> Seed {
        let uri = format!(
            "otpauth://totp/rfc?secret={secret}&algorithm={algorithm}&digits={digits}&period=30"
        );
        let material = Material::import(Some(Kind::Totp), uri.as_bytes()).unwrap();
        Seed::read(&material.to_stored()).unwrap()
    }

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B.
        let table = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (time, sha1, sha256, sha512) in table {
            for (secret, algorithm, expected) in [
                (SHA1, "SHA1", sha1),
                (SHA256, "SHA256", sha256),
                (SHA512, "SHA512", sha512),
            ] {
                let seed = seed(secret, algorithm, 8);
                assert_eq!(
                    *code(&seed, time / 30).unwrap(),
                    expected,
                    "{algorithm} {time}"
                );
            }
        }
    }

    #[test]
    fn codes_are_those_of_rfc_4226() {
        // Appendix D.
        let seed = seed(SHA1, "SHA1", 6);
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, expected) in expected.into_iter().enumerate() {
            assert_eq!(*code(&seed, counter as u64).unwrap(), expected, "{counter}");
        }
    }

    #[test]
    fn the_answer_says_how_long_the_code_is_good() {
        let material = Material::import(Some(Kind::Totp), SHA1.as_bytes()).unwrap();
        // At the beginning of Unix time.
        assert_eq!(
            run(&material, "totp", json!({})),
            json!({"code": "755224", "valid_until": "1970-01-01T00:00:30Z", "version": 1})
        );
        let operation = Operation::parse("totp", json!({})).unwrap();
        assert!(operation.wants_sealed() && operation.fields().is_empty());
        assert!(operation.suits(Kind::Token, true, None).is_err());
        assert_eq!(
            Operation::parse("totp", json!({"time": 0}))
                .unwrap_err()
                .to_string(),
            "`totp` takes no field `time`; its input is empty"
        );
    }
}
