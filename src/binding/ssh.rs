//! The section `ssh`: the namespaces and certificates that a key signs.
//!
//! Without `ssh.sign` a key makes no SSH signature, and without `ssh.certificate` it certifies
//! nothing: no signing key is a certificate authority because a policy was written too widely. A
//! key does both only if its owner writes both. A key with this section does not `sign` bare
//! messages either, unless the section `sign` says so too: a bare signature could be a
//! certificate with nothing of what stands here.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::{
    Kind,
    ssh_certificate::{
        CriticalOptions, SshExtension, SshKeyType, is_key_id, is_principal, is_principal_pattern,
    },
    ssh_sign::{SshHash, is_namespace},
};

/// `{"sign": {"namespaces": ["git"]}, "certificate": {"principals": ["deploy"], "max_lifetime": 3600}}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {
    /// For `ssh-sign`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign: Option<SshSignatures>,
    /// For `ssh-certificate`: makes the key a certificate authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SshCertificates>,
}

/// What a key signs for SSH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshSignatures {
    /// At least one, such as `git` or `file`; compared exactly.
    pub namespaces: BTreeSet<String>,
    /// The hashes that a signature may be over; both if left out.
    #[serde(default = "SshHash::all", skip_serializing_if = "is_every_hash")]
    pub hashes: BTreeSet<SshHash>,
}

/// Which certificates a key signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshCertificates {
    /// At least one: a principal, or a pattern in which `*` stands for any text.
    pub principals: BTreeSet<String>,
    /// In seconds, at most [`SshCertificates::LONGEST`].
    pub max_lifetime: u32,
    /// In every certificate. A caller can't take one out or change it, but may narrow
    /// `source-address` to a part of it, and add what is not there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub critical_options: BTreeMap<String, String>,
    /// What a caller may ask for; none if left out, so that a certificate has no terminal and
    /// forwards nothing.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub extensions: BTreeSet<SshExtension>,
    /// The types of keys that are certified; all that are known if left out.
    #[serde(default = "SshKeyType::all", skip_serializing_if = "is_every_type")]
    pub key_types: BTreeSet<SshKeyType>,
    /// The fewest bits of an RSA key that is certified; 3072 if left out.
    #[serde(default = "min_rsa_bits", skip_serializing_if = "is_min_rsa_bits")]
    pub min_rsa_bits: u32,
    /// What every key id begins with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key_id_prefix: String,
}

impl Ssh {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        if self.sign.is_none() && self.certificate.is_none() {
            return Err(wrong(
                "sign",
                "say `sign`, `certificate` or both, or leave the section out",
            ));
        }
        if let Some(sign) = &self.sign {
            sign.check()?;
        }
        if let Some(certificate) = &self.certificate {
            certificate.check()?;
        }
        Ok(())
    }
}

impl SshSignatures {
    fn check(&self) -> Result<(), BadBinding> {
        if self.namespaces.is_empty() {
            return Err(wrong("sign.namespaces", "name at least one"));
        }
        if let Some(namespace) = self.namespaces.iter().find(|name| !is_namespace(name)) {
            return Err(wrong(
                "sign.namespaces",
                &format!("`{}` is not a namespace", namespace.escape_debug()),
            ));
        }
        if self.hashes.is_empty() {
            return Err(wrong(
                "sign.hashes",
                "name at least one, or leave the field out",
            ));
        }
        Ok(())
    }
}

impl SshCertificates {
    /// The longest lifetime that a binding may allow: a day, in seconds. A certificate can't be
    /// taken back, so it should end before anybody would want to.
    pub const LONGEST: u32 = 24 * 60 * 60;

    fn check(&self) -> Result<(), BadBinding> {
        let field = "certificate.principals";
        if self.principals.is_empty() {
            return Err(wrong(field, "name at least one"));
        }
        if let Some(pattern) = self
            .principals
            .iter()
            .find(|pattern| !is_principal_pattern(pattern))
        {
            let problem = format!(
                "`{}` is not a principal or a pattern; a principal has no spaces and no commas",
                pattern.escape_debug()
            );
            return Err(wrong(field, &problem));
        }
        if !(1..=Self::LONGEST).contains(&self.max_lifetime) {
            return Err(wrong(
                "certificate.max_lifetime",
                &format!("must be 1 to {} seconds", Self::LONGEST),
            ));
        }
        CriticalOptions::read(self.critical_options.clone())
            .map_err(|problem| wrong("certificate.critical_options", problem))?;
        if self.key_types.is_empty() {
            return Err(wrong(
                "certificate.key_types",
                "name at least one, or leave the field out",
            ));
        }
        if !(2048..=8192).contains(&self.min_rsa_bits) {
            return Err(wrong("certificate.min_rsa_bits", "must be 2048 to 8192"));
        }
        if !self.key_id_prefix.is_empty() && !is_key_id(&self.key_id_prefix) {
            return Err(wrong(
                "certificate.key_id_prefix",
                "must be at most 128 printable characters",
            ));
        }
        Ok(())
    }

    /// Whether a certificate may name this principal.
    pub fn allows_principal(&self, principal: &str) -> bool {
        is_principal(principal)
            && self
                .principals
                .iter()
                .any(|pattern| matches(pattern.as_bytes(), principal.as_bytes()))
    }
}

/// Whether a text is what a pattern says, where `*` stands for any text, also none. The number of
/// steps is bounded by the product of the lengths: only the last `*` is ever returned to.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((at, from)) => {
                    *from += 1;
                    (p, t) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

fn min_rsa_bits() -> u32 {
    3072
}

fn is_min_rsa_bits(bits: &u32) -> bool {
    *bits == min_rsa_bits()
}

fn is_every_hash(hashes: &BTreeSet<SshHash>) -> bool {
    *hashes == SshHash::all()
}

fn is_every_type(types: &BTreeSet<SshKeyType>) -> bool {
    *types == SshKeyType::all()
}

fn wrong(field: &'static str, problem: &str) -> BadBinding {
    BadBinding::Value {
        section: "ssh",
        field,
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{SshCertificates, matches};
    use crate::{binding::Binding, operation::Kind};

    fn parse(ssh: Value) -> Result<Binding, String> {
        let binding = json!({ "ssh": ssh }).to_string();
        Binding::parse(Kind::Ed25519, &binding).map_err(|error| error.to_string())
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("deploy", "deploy", true),
            ("deploy", "deploy2", false),
            ("deploy", "", false),
            ("web-*", "web-1", true),
            ("web-*", "web-", true),
            ("web-*", "aweb-1", false),
            ("*-admin", "db-admin-admin", true),
            ("*-admin", "db-admins", false),
            ("a*b*c", "axxbybzc", true),
            ("a*b*c", "acb", false),
            ("*", "anything", true),
            ("**", "x", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn what_is_left_out_is_narrow() {
        let binding = parse(json!({"certificate": {"principals": ["deploy"], "max_lifetime": 60}}));
        let ssh = binding.unwrap().ssh.unwrap();
        assert!(ssh.sign.is_none());
        let certificate = ssh.certificate.clone().unwrap();
        assert!(certificate.extensions.is_empty() && certificate.critical_options.is_empty());
        assert_eq!(certificate.min_rsa_bits, 3072);
        assert!(certificate.allows_principal("deploy"));
        assert!(!certificate.allows_principal("root"));
        // What is left out is not written either.
        assert_eq!(
            serde_json::to_value(&ssh).unwrap(),
            json!({"certificate": {"principals": ["deploy"], "max_lifetime": 60}})
        );
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        let certificate = |more: Value| {
            let mut section = json!({"principals": ["deploy"], "max_lifetime": 60});
            for (name, value) in more.as_object().unwrap() {
                section[name] = value.clone();
            }
            json!({ "certificate": section })
        };
        let longest = format!(
            "ssh.certificate.max_lifetime: must be 1 to {} seconds",
            SshCertificates::LONGEST
        );
        let table = [
            (
                json!({}),
                "ssh.sign: say `sign`, `certificate` or both, or leave the section out",
            ),
            (
                json!({"sign": {"namespaces": []}}),
                "ssh.sign.namespaces: name at least one",
            ),
            (
                json!({"sign": {"namespaces": [""]}}),
                "ssh.sign.namespaces: `` is not a namespace",
            ),
            (
                json!({"sign": {"namespaces": ["git"], "hashes": []}}),
                "ssh.sign.hashes: name at least one, or leave the field out",
            ),
            (
                certificate(json!({"principals": []})),
                "ssh.certificate.principals: name at least one",
            ),
            (
                certificate(json!({"principals": ["a,b"]})),
                "ssh.certificate.principals: `a,b` is not a principal or a pattern; a principal has no spaces and no commas",
            ),
            (certificate(json!({"max_lifetime": 0})), &longest),
            (certificate(json!({"max_lifetime": 86_401})), &longest),
            (
                certificate(json!({"key_types": []})),
                "ssh.certificate.key_types: name at least one, or leave the field out",
            ),
            (
                certificate(json!({"min_rsa_bits": 1024})),
                "ssh.certificate.min_rsa_bits: must be 2048 to 8192",
            ),
            (
                certificate(json!({"key_id_prefix": "a\nb"})),
                "ssh.certificate.key_id_prefix: must be at most 128 printable characters",
            ),
        ];
        for (section, message) in table {
            assert_eq!(parse(section.clone()).unwrap_err(), message, "{section}");
        }
        for section in [
            certificate(json!({"critical_options": {"no-such-option": ""}})),
            certificate(json!({"critical_options": {"source-address": "10.0.0.1/8"}})),
            certificate(json!({"extensions": ["permit-everything"]})),
            certificate(json!({"key_types": ["ssh-dss"]})),
            certificate(json!({"surprise": true})),
            json!({"sign": {"namespaces": ["git"], "hashes": ["md5"]}}),
            json!({"certificate": {"principals": ["deploy"]}}),
        ] {
            assert!(parse(section.clone()).is_err(), "{section}");
        }
    }
}
