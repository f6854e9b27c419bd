//! What the owner signs: one record is one line of canonical JSON (RFC 8785).
//!
//! ```json
//! {"previous":"…","record":{"name":"deploy","secret":"heroku/prod","type":"alias"},"seq":7,"time":"2026-01-02T03:04:05.678Z"}
//! ```
//!
//! `previous` is the SHA-256 of the line before, in hex; the first record has none. Unknown types
//! and members are refused: a record that this version does not fully understand could be the one
//! that takes something away.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{binding::Binding, name::Name, operation::Kind, service::key::Thumbprint};

/// The version of the vault's format that this program reads and writes.
pub const FORMAT: u32 = 1;

/// A signed line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Position in the chain, from 1.
    pub seq: u64,
    /// SHA-256 of the line before, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When the owner signed it; whole milliseconds.
    pub time: Timestamp,
    /// What it says.
    pub record: Record,
}

/// What one record says. The member `type` of the JSON object names the variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// The first one.
    VaultCreated {
        /// [`FORMAT`].
        format: u32,
        /// The owner key, as a C2SP verifier key.
        owner: String,
        /// The root's age recipient.
        recipient: String,
    },
    /// A new secret, or a new version of one.
    SecretVersion {
        /// The secret's name.
        secret: Name,
        /// 1 for a new secret, else one more than the last.
        version: u32,
        /// The same for all versions.
        kind: Kind,
        /// Words of the owner's that policies may ask for.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        labels: BTreeSet<String>,
        /// Whether the value may leave, sealed, if a policy allows it.
        releasable: bool,
        /// SPKI PEM, for kinds that have a public key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        public_key: Option<String>,
        /// The value: an age file to the root, ASCII armor.
        value: String,
    },
    /// What a secret is for, from now on.
    Binding {
        /// The secret's name.
        secret: Name,
        /// 1 for the first binding of a secret, else one more than the last.
        version: u32,
        /// What it is for.
        binding: Box<Binding>,
    },
    /// A version that is not used any more, or a whole secret. There is no way back.
    Retirement {
        /// The secret's name.
        secret: Name,
        /// Only this version; all of them, and no new one, if it is missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u32>,
    },
    /// A second name for a secret; the newest record of a name counts.
    Alias {
        /// The alias.
        name: Name,
        /// The secret that it points at.
        secret: Name,
    },
    /// A service is enrolled.
    Service {
        /// Its name.
        name: Name,
        /// Its public keys, SPKI PEM.
        keys: Vec<String>,
    },
    /// A service has another key.
    ServiceKey {
        /// The service's name.
        service: Name,
        /// A public key, SPKI PEM.
        key: String,
    },
    /// A service does not sign with a key any more.
    ServiceKeyRetirement {
        /// The service's name.
        service: Name,
        /// The key's RFC 7638 thumbprint.
        key: Thumbprint,
    },
    /// A service may not ask any more, or may again.
    ServiceStatus {
        /// The service's name.
        service: Name,
        /// Whether its requests are rejected from now on.
        suspended: bool,
    },
    /// A secret may not be used any more, or may again.
    SecretStatus {
        /// The secret's name.
        secret: Name,
        /// Whether every use of it is refused from now on.
        suspended: bool,
    },
    /// Nothing at all may be used any more, or may again.
    VaultStatus {
        /// Whether every use of every secret is refused from now on.
        suspended: bool,
    },
    /// Somebody who may approve, or what is true of them from now on.
    Approver {
        /// The name.
        name: Name,
        /// 1 for a new approver, else one more than the last.
        version: u32,
        /// Public keys, as lines of OpenSSH without a comment.
        keys: Vec<String>,
        /// The groups that policies name.
        groups: BTreeSet<Name>,
        /// The services that the approver runs, and can't approve for.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        operates: BTreeSet<Name>,
        /// Where mail channels write to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mail: Option<String>,
    },
    /// An approver has no say any more.
    ApproverRetirement {
        /// The name.
        name: Name,
    },
    /// A new policy, or a new text of one. It is in force from now on.
    Policy {
        /// Its name.
        name: Name,
        /// 1 for a new policy, else one more than the last.
        version: u32,
        /// Cedar.
        text: String,
    },
    /// A policy is not in force any more.
    PolicyRetirement {
        /// Its name.
        name: Name,
    },
}

impl Record {
    /// Every `type`.
    pub const TYPES: [&str; 15] = [
        "vault-created",
        "secret-version",
        "binding",
        "retirement",
        "alias",
        "service",
        "service-key",
        "service-key-retirement",
        "service-status",
        "secret-status",
        "vault-status",
        "approver",
        "approver-retirement",
        "policy",
        "policy-retirement",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Record> {
        let name = |text: &str| text.parse::<Name>().unwrap();
        vec![
            Record::VaultCreated {
                format: FORMAT,
                owner: "o".into(),
                recipient: "r".into(),
            },
            Record::SecretVersion {
                secret: name("s"),
                version: 1,
                kind: Kind::Token,
                labels: BTreeSet::from(["ü".to_owned()]),
                releasable: true,
                public_key: None,
                value: "v\n".into(),
            },
            Record::Binding {
                secret: name("s"),
                version: 1,
                binding: Box::default(),
            },
            Record::Retirement {
                secret: name("s"),
                version: None,
            },
            Record::Alias {
                name: name("a"),
                secret: name("s"),
            },
            Record::Service {
                name: name("atlas"),
                keys: vec!["k".into()],
            },
            Record::ServiceKey {
                service: name("atlas"),
                key: "k".into(),
            },
            Record::ServiceKeyRetirement {
                service: name("atlas"),
                key: "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
                    .parse()
                    .unwrap(),
            },
            Record::ServiceStatus {
                service: name("atlas"),
                suspended: true,
            },
            Record::SecretStatus {
                secret: name("s"),
                suspended: true,
            },
            Record::VaultStatus { suspended: true },
            Record::Approver {
                name: name("ana"),
                version: 1,
                keys: vec!["k".into()],
                groups: BTreeSet::from([name("security")]),
                operates: BTreeSet::new(),
                mail: Some("ana@example.com".into()),
            },
            Record::ApproverRetirement { name: name("ana") },
            Record::Policy {
                name: name("p"),
                version: 1,
                text: "t".into(),
            },
            Record::PolicyRetirement { name: name("p") },
        ]
    }

    #[test]
    fn every_type_is_listed_and_read_back() {
        let records = one_of_each();
        assert_eq!(records.len(), Record::TYPES.len());
        for (record, name) in records.into_iter().zip(Record::TYPES) {
            let value = serde_json::to_value(&record).unwrap();
            assert_eq!(value["type"], name);
            assert_eq!(serde_json::from_value::<Record>(value).unwrap(), record);
        }
    }

    #[test]
    fn unknown_members_are_refused() {
        for record in one_of_each() {
            let mut value = serde_json::to_value(&record).unwrap();
            value
                .as_object_mut()
                .unwrap()
                .insert("unless".to_owned(), true.into());
            assert!(
                serde_json::from_value::<Record>(value).is_err(),
                "{record:?}"
            );
        }
    }
}
