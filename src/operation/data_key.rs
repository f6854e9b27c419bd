//! `data-key`: makes a data key for envelope encryption: sealed, and encrypted under the secret.
//!
//! The caller encrypts its data with the plaintext key, keeps the encrypted one beside it, and
//! forgets the plaintext; `decrypt` opens it again. The encrypted key is what `encrypt` would
//! have made of it, so it counts as one encryption by this version of the secret.

use std::fmt;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    BadInput, Done, OperationError, OperationName,
    aead::{context, read_aad, seal},
    input::Fields,
    sealed,
};
use crate::vault::material::Material;

/// How long the data key is, and what it is bound to.
pub struct DataKeyInput {
    size: Size,
    aad: Option<Vec<u8>>,
}

/// The lengths of keys that ciphers take, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Size {
    Sixteen,
    #[default]
    ThirtyTwo,
    SixtyFour,
}

impl Size {
    fn bytes(self) -> usize {
        match self {
            Self::Sixteen => 16,
            Self::ThirtyTwo => 32,
            Self::SixtyFour => 64,
        }
    }
}

impl DataKeyInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let expected = "16, 32 or 64: the length of the key in bytes";
        let size = match fields.whole_number("size", 1, expected)? {
            None => Size::default(),
            Some(16) => Size::Sixteen,
            Some(32) => Size::ThirtyTwo,
            Some(64) => Size::SixtyFour,
            Some(_) => {
                return Err(BadInput::Form {
                    field: "size",
                    expected,
                });
            }
        };
        Ok(Self {
            size,
            aad: read_aad(fields)?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        context(self.size.bytes(), self.aad.as_deref())
    }

    /// `{"plaintext", "ciphertext", "iv", "tag", "version"}`, to be sealed.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        let mut key = Zeroizing::new(vec![0; self.size.bytes()]);
        rand::fill(&mut key).map_err(|_| OperationError::Machine("make a data key"))?;
        let plaintext = Zeroizing::new(STANDARD.encode(&*key));
        let operation = OperationName::DataKey;
        let (iv, tag) = seal(material, operation, self.aad.as_deref(), &mut key)?;
        // Encrypted in place: this is the ciphertext now.
        let ciphertext = STANDARD.encode(&*key);
        Ok(sealed(&[
            r#"{"plaintext":""#,
            &plaintext,
            r#"","ciphertext":""#,
            &ciphertext,
            r#"","iv":""#,
            &STANDARD.encode(iv),
            r#"","tag":""#,
            &STANDARD.encode(tag),
            &format!(r#"","version":{version}}}"#),
        ]))
    }
}

impl fmt::Debug for DataKeyInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeyInput({} bytes)", self.size.bytes())
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};

    use crate::{
        operation::{Kind, Operation, tests::run},
        vault::material::Material,
    };

    #[test]
    fn a_data_key_comes_back_through_decrypt() {
        let key = Material::generate(Kind::Aes256).unwrap();
        for (input, size) in [
            (json!({}), 32),
            (json!({"size": 16, "aad": "aGVhZA=="}), 16),
            (json!({"size": 64}), 64),
        ] {
            let made = run(&key, "data-key", input.clone());
            let plaintext = STANDARD
                .decode(made["plaintext"].as_str().unwrap())
                .unwrap();
            assert_eq!(plaintext.len(), size);
            let mut sealed = json!({
                "ciphertext": made["ciphertext"], "iv": made["iv"], "tag": made["tag"],
                "version": made["version"],
            });
            if let Some(aad) = input.get("aad") {
                sealed["aad"] = aad.clone();
            }
            assert_eq!(run(&key, "decrypt", sealed)["plaintext"], made["plaintext"]);
            let other = run(&key, "data-key", input);
            assert_ne!(other["plaintext"], made["plaintext"]);
            assert_ne!(other["iv"], made["iv"]);
        }
    }

    #[test]
    fn sizes_are_those_of_ciphers_and_fields_hold_them() {
        for size in [json!(0), json!(24), json!(33), json!("32"), json!(32.5)] {
            let refused = Operation::parse("data-key", json!({ "size": size }));
            assert_eq!(
                refused.unwrap_err().to_string(),
                "the field `size` must be 16, 32 or 64: the length of the key in bytes"
            );
        }
        let operation = Operation::parse("data-key", json!({"aad": "aGVhZA=="})).unwrap();
        assert_eq!(
            Value::Object(operation.fields()),
            json!({"size": 32, "aad": "aGVhZA=="})
        );
        assert!(operation.wants_sealed());
        assert!(operation.suits(Kind::Hmac, true, None).is_err());
        assert_eq!(format!("{operation:?}"), "DataKey(DataKeyInput(32 bytes))");
    }
}
