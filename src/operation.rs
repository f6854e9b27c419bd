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
//! | `data-key` | `size`, `aad`? |
//! | `http` | `method`, `host`, `path`, `query`, `headers`, `body`, `size`, `content_type`? |
//! | `aws-sign` | `service`, `region`, `method`, `host`, `path`, `query`, `headers`, `presigned`, `expires`?, `unsigned_payload`, `action`? |
//! | `token` | `scopes`, `claims`, and what of `audience`, `subject`, `lifetime` was asked for; the rest with a binding |
//! | `ssh-sign` | `namespace`, `hash`, `input` (`message` or `digest`), `size` |
//! | `ssh-certificate` | `public_key` (its fingerprint), `key_type`, `principals`, `lifetime`, `key_id`, `critical_options`, `extensions`, `serial` |
//! | `totp` | none |
//! | `release` | none |
//!
//! `size` is the length in bytes of what is signed, authenticated, encrypted or decrypted; the
//! bytes themselves are never a field. [`Operation::fields_for`] also fills in the algorithm and
//! encoding that a kind implies, so that a policy may rely on them.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value, value::RawValue};
use zeroize::Zeroizing;

use crate::{
    binding::{Binding, Bound, Purpose},
    errand::Step,
    vault::material::Material,
};

pub mod aead;
pub mod aws_sign;
pub mod data_key;
mod error;
pub mod http;
pub(crate) mod input;
mod kind;
pub mod mac;
mod name;
pub mod public_key;
pub mod release;
pub mod sign;
pub mod ssh_certificate;
pub mod ssh_sign;
pub(crate) mod ssh_wire;
pub mod token;
pub mod totp;

pub use aead::{DecryptInput, EncryptInput, MAX_AAD};
pub use aws_sign::AwsSignInput;
pub use data_key::DataKeyInput;
pub use error::{OperationError, Unsuitable};
pub use http::HttpInput;
pub use input::BadInput;
pub use kind::{Kind, UnknownKind};
pub use mac::{MacAlgorithm, MacInput, VerifyMacInput};
pub use name::OperationName;
pub use public_key::{PublicKeyFormat, PublicKeyInput};
pub use release::ReleaseInput;
pub use sign::{Encoding, SignAlgorithm, SignInput};
pub use ssh_certificate::SshCertificateInput;
pub use ssh_sign::SshSignInput;
pub use token::{LONGEST as LONGEST_TOKEN, TokenInput};
pub use totp::TotpInput;

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
    /// See [`OperationName::DataKey`].
    DataKey(DataKeyInput),
    /// See [`OperationName::Http`].
    Http(Box<HttpInput>),
    /// See [`OperationName::AwsSign`].
    AwsSign(Box<AwsSignInput>),
    /// See [`OperationName::Token`].
    Token(Box<TokenInput>),
    /// See [`OperationName::SshSign`].
    SshSign(SshSignInput),
    /// See [`OperationName::SshCertificate`].
    SshCertificate(Box<SshCertificateInput>),
    /// See [`OperationName::Totp`].
    Totp(TotpInput),
    /// See [`OperationName::Release`].
    Release(ReleaseInput),
}

/// What came out of an operation.
pub enum Done {
    /// May be sent as it is.
    Plain(Value),
    /// May be sent as it is, and is written already.
    Written(Box<RawValue>),
    /// JSON that may only leave sealed to the caller's `reply_to`.
    Secret(Zeroizing<Vec<u8>>),
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
            OperationName::DataKey => Self::DataKey(DataKeyInput::read(&mut fields)?),
            OperationName::Http => Self::Http(Box::new(HttpInput::read(&mut fields)?)),
            OperationName::AwsSign => Self::AwsSign(Box::new(AwsSignInput::read(&mut fields)?)),
            OperationName::Token => Self::Token(Box::new(TokenInput::read(&mut fields)?)),
            OperationName::SshSign => Self::SshSign(SshSignInput::read(&mut fields)?),
            OperationName::SshCertificate => {
                Self::SshCertificate(Box::new(SshCertificateInput::read(&mut fields)?))
            }
            OperationName::Totp => Self::Totp(TotpInput::read(&mut fields)?),
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
            Self::DataKey(_) => OperationName::DataKey,
            Self::Http(_) => OperationName::Http,
            Self::AwsSign(_) => OperationName::AwsSign,
            Self::Token(_) => OperationName::Token,
            Self::SshSign(_) => OperationName::SshSign,
            Self::SshCertificate(_) => OperationName::SshCertificate,
            Self::Totp(_) => OperationName::Totp,
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
            Self::DataKey(input) => input.fields(),
            Self::Http(input) => input.fields(),
            Self::AwsSign(input) => input.fields(),
            Self::Token(input) => input.fields(),
            Self::SshSign(input) => input.fields(),
            Self::SshCertificate(input) => input.fields(),
            Self::Totp(_) | Self::Release(_) => Map::new(),
        }
    }

    /// [`Operation::fields`], with what the kind of the secret and its binding imply filled in:
    /// for `sign`, `algorithm` is always there, and `encoding` for ECDSA.
    pub fn fields_for(&self, kind: Kind, binding: Option<&Binding>) -> Map<String, Value> {
        match self {
            Self::Sign(input) => input.fields_for(kind, binding),
            Self::Http(input) => input.fields_for(binding),
            Self::AwsSign(input) => input.fields_for(binding),
            Self::Token(input) => input.fields_for(kind, binding),
            Self::SshCertificate(input) => input.fields_for(binding),
            _ => self.fields(),
        }
    }

    /// The version of the secret that the caller names; without one it is the newest.
    pub fn version(&self) -> Option<u32> {
        match self {
            Self::PublicKey(input) => input.version,
            Self::VerifyMac(input) => input.version,
            Self::Decrypt(input) => input.version,
            _ => None,
        }
    }

    /// Whether its input is a document for somebody else, so that the request may be much longer
    /// than a key's own business ever is ([`MAX_LARGE_BODY`](crate::request::MAX_LARGE_BODY)).
    pub fn takes_large_body(&self) -> bool {
        matches!(self, Self::Http(_))
    }

    /// Whether the answer holds something secret, so that the request must name a `reply_to`.
    pub fn wants_sealed(&self) -> bool {
        self.name().wants_sealed()
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
            Self::Http(input) => input.suits(kind, binding),
            Self::AwsSign(input) => input.suits(binding),
            Self::Token(input) => input.suits(kind, binding),
            Self::SshSign(input) => input.suits(kind, binding),
            Self::SshCertificate(input) => input.suits(kind, binding),
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

    /// Tells routes apart: see [`Route::key`](crate::errand::Route::key).
    pub(crate) fn route_key(&self, purpose: Purpose) -> (u64, u64) {
        let record = self.binding.map_or(0, |bound| bound.record);
        (record, u64::from(self.version) << 8 | purpose as u64)
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
    let done = match operation {
        Operation::PublicKey(input) => input.perform(material, version),
        Operation::Sign(input) => input.perform(material, version, setting.binding()),
        Operation::Mac(input) => input.perform(material, version),
        Operation::VerifyMac(input) => input.perform(material, version),
        Operation::Encrypt(input) => input.perform(material, version),
        Operation::Decrypt(input) => input.perform(material, version),
        Operation::DataKey(input) => input.perform(material, version),
        Operation::SshSign(input) => input.perform(material, setting),
        Operation::SshCertificate(input) => input.perform(material, setting),
        Operation::Totp(input) => input.perform(material, setting),
        Operation::Release(input) => Ok(input.perform(material, version)),
        // What may have to call a provider.
        Operation::Http(input) => return input.perform(material, setting),
        Operation::AwsSign(input) => input.perform(material, setting),
        Operation::Token(input) => return input.perform(material, setting),
    };
    done.map(Step::Done)
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => f.debug_tuple("Plain").field(value).finish(),
            Self::Written(json) => f.debug_tuple("Written").field(&json.get().len()).finish(),
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
    sealed(&[&head, &encoded, &tail])
}

/// JSON in parts, joined in memory that is wiped, with no copy left behind.
fn sealed(parts: &[&str]) -> Done {
    // Reserved whole: a vector that grows leaves its old contents behind.
    let whole = parts.iter().map(|part| part.len()).sum();
    let mut json = Zeroizing::new(Vec::with_capacity(whole));
    for part in parts {
        json.extend_from_slice(part.as_bytes());
    }
    Done::Secret(json)
}

#[cfg(test)]
mod tests;
