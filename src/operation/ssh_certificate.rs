//! `ssh-certificate`: issues a short-lived SSH user certificate (OpenSSH's `PROTOCOL.certkeys`).
//!
//! The caller keeps its own key pair and sends the public half; what comes back is public, so it
//! is not sealed. Everything in the certificate is a field that policy sees and the audit log
//! keeps before the key is used, the serial number too: it is drawn when the request is read, so
//! that a certificate can be revoked by what the log says. Only the times are not: they follow
//! from when the agent received the request, and from the lifetime.
//!
//! Without `ssh.certificate` in its binding a key certifies nothing. Host certificates are not
//! made.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{
    BadInput, Done, Kind, OperationError, OperationName, Setting, Unsuitable,
    input::{Fields, bounded},
    list,
    ssh_wire::{Wire, sign},
};
use crate::{
    binding::{Binding, SshCertificates},
    vault::material::Material,
};

mod option;
mod subject;

pub use option::{CriticalOptions, SshExtension};
pub use subject::{BadCertifiedKey, CertifiedKey, SshKeyType};

/// The most principals in a certificate.
pub const MAX_PRINCIPALS: usize = 64;

/// How long before now a certificate begins to be good: clocks differ.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A public key, and what the certificate over it is to say.
pub struct SshCertificateInput {
    key: CertifiedKey,
    principals: BTreeSet<String>,
    /// In seconds.
    lifetime: u32,
    key_id: Option<String>,
    critical_options: CriticalOptions,
    extensions: BTreeSet<SshExtension>,
    /// Zero if none could be drawn.
    serial: u64,
}

/// What the binding makes of it.
struct Choice {
    key_id: String,
    critical_options: CriticalOptions,
}

/// Whether a text can be a principal: what can be a user's name, and more, but nothing that a
/// list of principals would take apart.
pub(crate) fn is_principal(text: &str) -> bool {
    is_principal_pattern(text) && !text.contains('*')
}

/// Likewise, with `*`.
pub(crate) fn is_principal_pattern(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'"' | b'\\');
    (1..=128).contains(&text.len()) && text.bytes().all(fits)
}

/// Whether a text can be a key id, which `sshd` writes into its log.
pub(crate) fn is_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

impl SshCertificateInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let form = |field, expected| BadInput::Form { field, expected };
        let key = CertifiedKey::parse(&fields.required_text("public_key")?)
            .map_err(|error| form("public_key", error.expected()))?;
        let principals = fields
            .set_of_texts("principals")?
            .ok_or_else(|| fields.missing(&["principals"]))?;
        // A certificate with no principal would be good for all of them.
        if !(1..=MAX_PRINCIPALS).contains(&principals.len())
            || !principals.iter().all(|principal| is_principal(principal))
        {
            let expected = "a list of 1 to 64 principals, without spaces, commas and `*`";
            return Err(form("principals", expected));
        }
        let lifetime = fields
            .whole_number("lifetime", 1, "a number of seconds from 1 on")?
            .ok_or_else(|| fields.missing(&["lifetime"]))?;
        let key_id = fields.string("key_id")?;
        if key_id.as_deref().is_some_and(|id| !is_key_id(id)) {
            return Err(form("key_id", "1 to 128 printable ASCII characters"));
        }
        let critical_options = fields.map_of_texts("critical_options")?.unwrap_or_default();
        let critical_options = CriticalOptions::read(critical_options)
            .map_err(|expected| form("critical_options", expected))?;
        let extensions = fields.set_of_texts("extensions")?.unwrap_or_default();
        let extensions = extensions.iter().map(|name| {
            name.parse().map_err(|()| BadInput::Choice {
                field: "extensions",
                value: bounded(name),
                choices: list(&SshExtension::ALL),
            })
        });
        Ok(Self {
            key,
            principals,
            lifetime,
            key_id,
            critical_options,
            extensions: extensions.collect::<Result<_, _>>()?,
            serial: draw().map(u64::from_be_bytes).unwrap_or_default(),
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let key_id = self.own_key_id();
        self.context(&key_id, &self.critical_options)
    }

    /// With the prefix of the key id and the critical options that the binding has.
    pub(super) fn fields_for(&self, binding: Option<&Binding>) -> Map<String, Value> {
        let Some(bound) = bound(binding) else {
            return self.fields();
        };
        let options = self.critical_options(bound);
        // What is not possible is refused, and recorded as it was asked.
        let options = options.as_ref().unwrap_or(&self.critical_options);
        self.context(&self.key_id(bound), options)
    }

    pub(super) fn suits(&self, kind: Kind, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        let operation = OperationName::SshCertificate;
        if !kind.operations().contains(&operation) {
            return Err(Unsuitable::Kind { kind, operation });
        }
        self.choose(binding).map(|_| ())
    }

    /// Holds everything that was asked for against the binding.
    fn choose(&self, binding: Option<&Binding>) -> Result<Choice, Unsuitable> {
        let refuse = |what: String| Err(Unsuitable::NotBound(what));
        let Some(bound) = bound(binding) else {
            return refuse(
                "issue SSH certificates; `ssh.certificate` would make it an authority".to_owned(),
            );
        };
        let SshCertificates {
            principals,
            max_lifetime,
            extensions,
            key_types,
            min_rsa_bits,
            critical_options: _,
            key_id_prefix: _,
        } = bound;
        let key_type = self.key.key_type();
        if !key_types.contains(&key_type) {
            return refuse(format!(
                "certify a key of type `{key_type}`; it allows {}",
                list(&key_types.iter().collect::<Vec<_>>())
            ));
        }
        if let Some(bits) = self.key.rsa_bits().filter(|bits| bits < min_rsa_bits) {
            return refuse(format!(
                "certify an RSA key of {bits} bits; it takes {min_rsa_bits} or more"
            ));
        }
        if let Some(principal) = self
            .principals
            .iter()
            .find(|principal| !bound.allows_principal(principal))
        {
            return refuse(format!(
                "certify the principal `{}`; it allows {}",
                bounded(principal),
                list(&principals.iter().collect::<Vec<_>>())
            ));
        }
        if self.lifetime > *max_lifetime {
            return refuse(format!(
                "certify for {} seconds; it allows {max_lifetime} at most",
                self.lifetime
            ));
        }
        if let Some(extension) = self.extensions.difference(extensions).next() {
            let allowed = match extensions.len() {
                0 => "none".to_owned(),
                _ => list(&extensions.iter().collect::<Vec<_>>()),
            };
            return refuse(format!(
                "give the extension `{extension}`; it allows {allowed}"
            ));
        }
        let critical_options = match self.critical_options(bound) {
            Ok(options) => options,
            Err(why) => return refuse(why.to_owned()),
        };
        let key_id = self.key_id(bound);
        if !is_key_id(&key_id) {
            return refuse(format!(
                "give a key id as long as that; with its prefix it may have 128 characters, and has {}",
                key_id.len()
            ));
        }
        Ok(Choice {
            key_id,
            critical_options,
        })
    }

    /// `{"certificate", "serial", "key_id", "valid_after", "valid_before", "version"}`.
    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        let Choice {
            key_id,
            critical_options,
        } = self.choose(setting.binding())?;
        let authority = material
            .public_key()
            .ok_or(OperationError::Machine("read the public key"))?;
        let nonce: [u8; 32] = draw().ok_or(OperationError::Machine("draw a nonce"))?;
        if self.serial == 0 {
            return Err(OperationError::Machine("draw a serial number"));
        }
        let lifetime = SignedDuration::from_secs(self.lifetime.into());
        let (valid_after, valid_before) = window(setting.now, lifetime)
            .ok_or(OperationError::Machine("tell when the certificate ends"))?;
        let key_type = self.key.certificate_type();
        let principals = self.principals.iter();
        let extensions = self.extensions.iter();
        let signed = Wire::default()
            .string(&key_type)
            .string(nonce)
            .raw(self.key.numbers())
            .uint64(self.serial)
            // A user's, not a host's.
            .uint32(1)
            .string(&key_id)
            .string(
                principals
                    .fold(Wire::default(), |wire, principal| wire.string(principal))
                    .bytes(),
            )
            .uint64(unix(valid_after))
            .uint64(unix(valid_before))
            .string(critical_options.to_wire())
            // In the order of their names, each without a value.
            .string(
                extensions
                    .fold(Wire::default(), |wire, extension| {
                        wire.string(extension.to_string()).string("")
                    })
                    .bytes(),
            )
            // Reserved.
            .string("")
            .string(authority.ssh_blob());
        let signed = signed.bytes();
        let signature = sign(material, OperationName::SshCertificate, &signed)?;
        let blob = Wire::default().raw(&signed).string(signature).bytes();
        Ok(Done::Plain(json!({
            "certificate": format!("{key_type} {}", STANDARD.encode(blob)),
            "serial": self.serial.to_string(),
            "key_id": key_id,
            "valid_after": valid_after.to_string(),
            "valid_before": valid_before.to_string(),
            "version": setting.version,
        })))
    }

    fn key_id(&self, bound: &SshCertificates) -> String {
        format!("{}{}", bound.key_id_prefix, self.own_key_id())
    }

    /// Those of the owner and the caller's; the error says what the caller's are not allowed to.
    fn critical_options(&self, bound: &SshCertificates) -> Result<CriticalOptions, &'static str> {
        CriticalOptions::read(bound.critical_options.clone())?.narrowed(&self.critical_options)
    }

    /// The caller's, or the serial number: something by which the certificate can be told.
    fn own_key_id(&self) -> String {
        self.key_id
            .clone()
            .unwrap_or_else(|| self.serial.to_string())
    }

    fn context(&self, key_id: &str, critical_options: &CriticalOptions) -> Map<String, Value> {
        let options: BTreeMap<&str, &str> = critical_options.iter().collect();
        let extensions: Vec<String> = self.extensions.iter().map(ToString::to_string).collect();
        let fields = json!({
            "public_key": self.key.fingerprint(),
            "key_type": self.key.key_type().to_string(),
            "principals": self.principals,
            "lifetime": self.lifetime,
            "key_id": key_id,
            "critical_options": options,
            "extensions": extensions,
            // As text: JSON's numbers don't hold 64 bits.
            "serial": self.serial.to_string(),
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

fn bound(binding: Option<&Binding>) -> Option<&SshCertificates> {
    binding?.ssh.as_ref()?.certificate.as_ref()
}

/// From when until when, in whole seconds. `sshd` takes the certificate from the first second on,
/// and not in the last one any more.
fn window(now: Timestamp, lifetime: SignedDuration) -> Option<(Timestamp, Timestamp)> {
    let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).ok();
    let after = now.checked_sub(SKEW).ok()?.max(Timestamp::UNIX_EPOCH);
    Some((whole(after)?, whole(now.checked_add(lifetime).ok()?)?))
}

fn unix(time: Timestamp) -> u64 {
    u64::try_from(time.as_second()).unwrap_or_default()
}

fn draw<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).ok().map(|()| bytes)
}

impl fmt::Debug for SshCertificateInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SshCertificateInput({})", Value::Object(self.fields()))
    }
}

#[cfg(test)]
mod tests;
