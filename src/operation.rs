//! What a caller can ask for, and doing it: each operation's input, bounds and answer.
//!
//! [`Operation::parse`] is the one way in: unknown operations, fields and algorithms are refused
//! there, and everything binary (standard base64 in JSON) is decoded once. [`Operation::suits`]
//! says before anything is recorded whether a kind of secret can do it. `perform` is what uses
//! the key; only the vault calls it, and only for a request that the audit log already holds.
//!
//! What policy sees as `context.<operation>` and what the audit log keeps ([`Operation::fields`]):
//!
//! | operation | fields (`?`: only when the caller named it) |
//! | --- | --- |
//! | `public-key` | `format`, `version`? |
//! | `sign` | `input` (`message` or `digest`), `size`, `algorithm`?, `encoding`? |
//! | `mac` | `algorithm`, `size` |
//! | `verify-mac` | `algorithm`, `size`, `version`? |
//! | `encrypt` | `size`, `aad`? |
//! | `decrypt` | `size`, `aad`?, `version`? |
//! | `release` | none |
//!
//! `size` is the length in bytes of what is signed, authenticated, encrypted or decrypted; the
//! bytes themselves are never a field. [`Operation::fields_for`] also fills in the algorithm and
//! encoding that a kind implies, so that a policy may rely on them.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    binding::{Binding, Bound},
    errand::Step,
    vault::material::Material,
};

pub mod aead;
mod input;
mod kind;
pub mod mac;
pub mod public_key;
pub mod release;
pub mod sign;

pub use aead::{DecryptInput, EncryptInput, MAX_AAD};
pub use input::BadInput;
pub use kind::{Kind, UnknownKind};
pub use mac::{MacAlgorithm, MacInput, VerifyMacInput};
pub use public_key::{PublicKeyFormat, PublicKeyInput};
pub use release::ReleaseInput;
pub use sign::{Encoding, SignAlgorithm, SignInput};

/// The name of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationName {
    /// Hands out the public half of a key.
    PublicKey,
    /// Signs a message or a digest.
    Sign,
    /// Computes a MAC.
    Mac,
    /// Says whether a MAC is right.
    VerifyMac,
    /// Encrypts with AES-256-GCM.
    Encrypt,
    /// Decrypts with AES-256-GCM; the plaintext leaves sealed.
    Decrypt,
    /// Hands out the value itself, sealed.
    Release,
}

/// An operation with its parsed, bounded input.
#[derive(Debug)]
pub enum Operation {
    /// See [`OperationName::PublicKey`].
    PublicKey(PublicKeyInput),
    /// See [`OperationName::Sign`].
    Sign(SignInput),
    /// See [`OperationName::Mac`].
    Mac(MacInput),
    /// See [`OperationName::VerifyMac`].
    VerifyMac(VerifyMacInput),
    /// See [`OperationName::Encrypt`].
    Encrypt(EncryptInput),
    /// See [`OperationName::Decrypt`].
    Decrypt(DecryptInput),
    /// See [`OperationName::Release`].
    Release(ReleaseInput),
}

/// What came out of an operation.
pub enum Done {
    /// May be sent as it is.
    Plain(Value),
    /// JSON that may only leave sealed to the caller's `reply_to`.
    Secret(Zeroizing<Vec<u8>>),
}

/// Why this operation can't be done with this secret. The caller's mistake: 422.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// The kind of secret has no such operation.
    #[error("`{operation}` is not possible with a secret of kind `{kind}`; it can do {}", list(kind.operations()))]
    Kind {
        /// The kind of the secret.
        kind: Kind,
        /// What was asked for.
        operation: OperationName,
    },
    /// The secret's binding does not allow it.
    #[error("the binding of the secret does not allow to {0}")]
    NotBound(String),
    /// The owner did not mark the secret as one that may leave.
    #[error("the secret is not marked releasable")]
    NotReleasable,
    /// The kind has the operation, but not with this algorithm.
    #[error("a key of kind `{kind}` can't sign with `{algorithm}`; it can with {}", list(SignAlgorithm::of(*kind)))]
    Algorithm {
        /// The kind of the secret.
        kind: Kind,
        /// What was asked for.
        algorithm: SignAlgorithm,
    },
    /// The algorithm signs messages only.
    #[error("`{0}` signs a message, not a digest; send `message`")]
    NoDigest(SignAlgorithm),
    /// The digest is not as long as the algorithm's hash.
    #[error("`{algorithm}` signs a digest of {expected} bytes, and this one has {found}")]
    DigestLength {
        /// The algorithm that would have signed it.
        algorithm: SignAlgorithm,
        /// The length of the algorithm's hash in bytes.
        expected: usize,
        /// The length of the digest in bytes.
        found: usize,
    },
    /// Only ECDSA signatures come in two encodings.
    #[error("a signature by `{0}` has one encoding only; leave `encoding` out")]
    NoEncoding(SignAlgorithm),
}

/// Why an operation failed after it was allowed and recorded.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The caller's: the operation is not possible with this secret.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
    /// The caller's: wrong key version, or something in it was changed.
    #[error("the ciphertext does not decrypt; check `version`, `iv`, `tag` and `aad`")]
    DoesNotDecrypt,
    /// The machine's: the cryptographic library refused what should have worked.
    #[error("the cryptographic library failed to {0}")]
    Machine(&'static str),
}

impl OperationName {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::PublicKey,
        Self::Sign,
        Self::Mac,
        Self::VerifyMac,
        Self::Encrypt,
        Self::Decrypt,
        Self::Release,
    ];

    /// The operation's name, as in requests, policies and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public-key",
            Self::Sign => "sign",
            Self::Mac => "mac",
            Self::VerifyMac => "verify-mac",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Release => "release",
        }
    }
}

impl Operation {
    /// Reads an operation and its input. `null` stands for an input left out.
    pub fn parse(name: &str, input: Value) -> Result<Self, BadInput> {
        let name: OperationName = name.parse()?;
        let mut fields = input::Fields::new(name, input)?;
        let operation = match name {
            OperationName::PublicKey => Self::PublicKey(PublicKeyInput::read(&mut fields)?),
            OperationName::Sign => Self::Sign(SignInput::read(&mut fields)?),
            OperationName::Mac => Self::Mac(MacInput::read(&mut fields)?),
            OperationName::VerifyMac => Self::VerifyMac(VerifyMacInput::read(&mut fields)?),
            OperationName::Encrypt => Self::Encrypt(EncryptInput::read(&mut fields)?),
            OperationName::Decrypt => Self::Decrypt(DecryptInput::read(&mut fields)?),
            OperationName::Release => Self::Release(ReleaseInput::read()),
        };
        fields.finish()?;
        Ok(operation)
    }

    /// Which operation it is.
    pub fn name(&self) -> OperationName {
        match self {
            Self::PublicKey(_) => OperationName::PublicKey,
            Self::Sign(_) => OperationName::Sign,
            Self::Mac(_) => OperationName::Mac,
            Self::VerifyMac(_) => OperationName::VerifyMac,
            Self::Encrypt(_) => OperationName::Encrypt,
            Self::Decrypt(_) => OperationName::Decrypt,
            Self::Release(_) => OperationName::Release,
        }
    }

    /// What policy sees and the audit log keeps; see the table above.
    pub fn fields(&self) -> Map<String, Value> {
        match self {
            Self::PublicKey(input) => input.fields(),
            Self::Sign(input) => input.fields(),
            Self::Mac(input) => input.fields(),
            Self::VerifyMac(input) => input.fields(),
            Self::Encrypt(input) => input.fields(),
            Self::Decrypt(input) => input.fields(),
            Self::Release(_) => Map::new(),
        }
    }

    /// [`Operation::fields`], with what the kind of the secret and its binding imply filled in:
    /// for `sign`, `algorithm` is always there, and `encoding` for ECDSA.
    pub fn fields_for(&self, kind: Kind, binding: Option<&Binding>) -> Map<String, Value> {
        match self {
            Self::Sign(input) => input.fields_for(kind, binding),
            _ => self.fields(),
        }
    }

    /// The version of the secret that the caller names; without one it is the newest.
    pub fn version(&self) -> Option<u32> {
        match self {
            Self::PublicKey(input) => input.version,
            Self::VerifyMac(input) => input.version,
            Self::Decrypt(input) => input.version,
            Self::Sign(_) | Self::Mac(_) | Self::Encrypt(_) | Self::Release(_) => None,
        }
    }

    /// Whether the answer holds something secret, so that the request must name a `reply_to`.
    pub fn wants_sealed(&self) -> bool {
        matches!(self, Self::Decrypt(_) | Self::Release(_))
    }

    /// Whether a secret of this kind, with this binding, can do it with this algorithm and input:
    /// asked before anything is recorded or used.
    pub fn suits(
        &self,
        kind: Kind,
        releasable: bool,
        binding: Option<&Binding>,
    ) -> Result<(), Unsuitable> {
        let operation = self.name();
        if !kind.operations().contains(&operation) {
            return Err(Unsuitable::Kind { kind, operation });
        }
        match self {
            Self::Release(_) if !releasable => Err(Unsuitable::NotReleasable),
            Self::Sign(input) => input.choose(kind, binding).map(|_| ()),
            _ => Ok(()),
        }
    }
}

/// What an operation has beside its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    /// Which version of the secret it is.
    pub(crate) version: u32,
    /// What the secret is for, as policy saw it.
    pub(crate) binding: Option<&'a Bound>,
    /// When the agent received the request.
    pub(crate) now: Timestamp,
}

impl<'a> Setting<'a> {
    pub(crate) fn binding(&self) -> Option<&'a Binding> {
        self.binding.map(|bound| &bound.binding)
    }
}

/// Runs an operation on opened material, or begins it where a provider has to be called. Only
/// the vault calls it, with a recorded request in hand.
pub(crate) fn perform(
    material: &Material,
    operation: &Operation,
    setting: Setting<'_>,
) -> Result<Step, OperationError> {
    let version = setting.version;
    match operation {
        Operation::PublicKey(input) => input.perform(material, version),
        Operation::Sign(input) => input.perform(material, version, setting.binding()),
        Operation::Mac(input) => input.perform(material, version),
        Operation::VerifyMac(input) => input.perform(material, version),
        Operation::Encrypt(input) => input.perform(material, version),
        Operation::Decrypt(input) => input.perform(material, version),
        Operation::Release(input) => Ok(input.perform(material, version)),
    }
    .map(Step::Done)
}

impl FromStr for OperationName {
    type Err = BadInput;

    fn from_str(text: &str) -> Result<Self, BadInput> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| BadInput::UnknownOperation(input::bounded(text)))
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => f.debug_tuple("Plain").field(value).finish(),
            Self::Secret(_) => f.write_str("Secret([secret])"),
        }
    }
}

/// Words for an error message: `` `a`, `b`, `c` ``.
fn list(words: &[impl fmt::Display]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// `{"<member>": "<base64>", "version": n}` in memory that is wiped, with no copy left behind.
fn secret_json(member: &str, bytes: &[u8], version: u32) -> Done {
    let encoded = Zeroizing::new(STANDARD.encode(bytes));
    let (head, tail) = (
        format!("{{\"{member}\":\""),
        format!("\",\"version\":{version}}}"),
    );
    // Reserved whole: a vector that grows leaves its old contents behind.
    let mut json = Zeroizing::new(Vec::with_capacity(head.len() + encoded.len() + tail.len()));
    json.extend_from_slice(head.as_bytes());
    json.extend_from_slice(encoded.as_bytes());
    json.extend_from_slice(tail.as_bytes());
    Done::Secret(json)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Done, Kind, Operation, OperationName, Setting, Unsuitable, perform, secret_json};
    use crate::{errand::Step, vault::material::Material};

    /// What comes of an operation that calls nobody, with a secret that has no binding.
    pub(crate) fn done(
        material: &Material,
        operation: &Operation,
    ) -> Result<Done, super::OperationError> {
        let setting = Setting {
            version: 1,
            binding: None,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        match perform(material, operation, setting)? {
            Step::Done(done) => Ok(done),
            _ => panic!("it calls a provider"),
        }
    }

    /// What a caller sees: the JSON result, opened if it was to be sealed.
    pub(crate) fn run(
        material: &Material,
        name: &str,
        input: serde_json::Value,
    ) -> serde_json::Value {
        let operation = Operation::parse(name, input).unwrap();
        operation.suits(material.kind(), true, None).unwrap();
        match done(material, &operation).unwrap() {
            Done::Plain(value) => {
                assert!(!operation.wants_sealed());
                value
            }
            Done::Secret(bytes) => {
                assert!(operation.wants_sealed());
                serde_json::from_slice(&bytes).unwrap()
            }
        }
    }

    #[test]
    fn names_are_the_same_in_json_and_in_text() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
            assert_eq!(kind.to_string().parse::<Kind>(), Ok(kind));
        }
        for name in OperationName::ALL {
            assert_eq!(serde_json::to_value(name).unwrap(), json!(name.as_str()));
            assert_eq!(name.to_string().parse::<OperationName>(), Ok(name));
        }
        assert!("".parse::<Kind>().is_err());
        assert!("Sign".parse::<OperationName>().is_err());
    }

    #[test]
    fn unknown_things_are_refused() {
        let refused = |name: &str, input| Operation::parse(name, input).unwrap_err().to_string();
        assert_eq!(
            refused("export", json!({})),
            "`export` is not an operation; use `public-key`, `sign`, `mac`, `verify-mac`, `encrypt`, `decrypt`, `release`"
        );
        assert_eq!(
            refused("sign", json!({"message": "", "base_url": "x"})),
            "`sign` takes no field `base_url`; it takes `message`, `digest`, `algorithm`, `encoding`"
        );
        assert_eq!(
            refused("release", json!({"a": 1})),
            "`release` takes no field `a`; its input is empty"
        );
        assert_eq!(
            refused("mac", json!([])),
            "the input of `mac` must be a JSON object"
        );
        assert_eq!(refused("mac", json!({})), "`mac` needs the field `message`");
        assert_eq!(
            refused("mac", json!({"message": "%"})),
            "the field `message` must be standard base64 with padding"
        );
        assert_eq!(
            refused("mac", json!({"message": 7})),
            "the field `message` must be a string"
        );
        assert_eq!(
            refused("mac", json!({"message": "", "algorithm": "HS1"})),
            "`HS1` is not a value of the field `algorithm`; use `HS256`, `HS384`, `HS512`"
        );
        for version in [json!(0), json!(-1), json!("1"), json!(1.5), json!(u64::MAX)] {
            let input = json!({"version": version});
            assert_eq!(
                refused("public-key", input),
                "the field `version` must be a whole number from 1 on"
            );
        }
        assert!(Operation::parse("release", serde_json::Value::Null).is_ok());
    }

    #[test]
    fn a_kind_does_only_its_own_operations() {
        let operations = [
            ("public-key", json!({})),
            ("sign", json!({"message": "aGk="})),
            ("mac", json!({"message": "aGk="})),
            ("verify-mac", json!({"message": "aGk=", "mac": "aGk="})),
            ("encrypt", json!({"plaintext": "aGk="})),
            (
                "decrypt",
                json!({"ciphertext": "", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA=="}),
            ),
            ("release", json!({})),
        ];
        for (name, input) in operations {
            let operation = Operation::parse(name, input).unwrap();
            for kind in Kind::ALL {
                let expected = kind.operations().contains(&operation.name());
                assert_eq!(
                    operation.suits(kind, true, None).is_ok(),
                    expected,
                    "{name} {kind}"
                );
            }
        }
        let release = Operation::parse("release", json!({})).unwrap();
        assert_eq!(
            release.suits(Kind::Token, false, None),
            Err(Unsuitable::NotReleasable)
        );
    }

    #[test]
    fn secret_answers_do_not_show_in_debug() {
        let done = secret_json("value", b"hunter2", 3);
        assert_eq!(format!("{done:?}"), "Secret([secret])");
        let Done::Secret(json) = done else {
            panic!("sealed")
        };
        assert_eq!(&json[..], br#"{"value":"aHVudGVyMg==","version":3}"#);
    }

    proptest! {
        #[test]
        fn parsing_never_panics(name in "public-key|sign|mac|verify-mac|encrypt|decrypt|release|.{0,8}", fields in
            proptest::collection::hash_map(
                "message|digest|algorithm|encoding|mac|version|plaintext|aad|ciphertext|iv|tag|format|.{0,4}",
                prop_oneof![
                    "[A-Za-z0-9+/=]{0,64}".prop_map(serde_json::Value::from),
                    any::<i64>().prop_map(serde_json::Value::from),
                    Just(serde_json::Value::Null),
                ],
                0..5,
            )) {
            let input = serde_json::Value::Object(fields.into_iter().collect());
            if let Ok(operation) = Operation::parse(&name, input) {
                prop_assert_eq!(operation.name().as_str(), name);
                for kind in Kind::ALL {
                    let _ = operation.suits(kind, true, None);
                    let _ = operation.fields_for(kind, None);
                }
            }
        }
    }
}
