//! What is listed: rows that travel over the local socket, are printed as tables, or as JSON.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom::{
    name::Name,
    service::key::PublicKey,
    store::{Reader as _, StoreError},
    vault::{
        catalog::{Catalog, Version},
        due::due,
    },
};

use crate::{
    due,
    host::Host,
    notify::{self, ChannelRow},
};

/// A secret, without anything that is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecretRow {
    pub name: String,
    pub kind: String,
    pub labels: Vec<String>,
    pub releasable: bool,
    pub aliases: Vec<String>,
    /// Whether every use of it is refused until the owner resumes it.
    pub suspended: bool,
    /// The version that new uses take; none if all are retired.
    pub current: Option<u32>,
    /// What it is for, if the owner has said it.
    pub bound: Option<BoundRow>,
    /// Why a new version is due: `90 days old`.
    pub due: Vec<String>,
    pub versions: Vec<VersionRow>,
}

impl SecretRow {
    /// Whether this is its name, or an alias of it.
    pub fn is_called(&self, name: &Name) -> bool {
        self.name == name.as_str() || self.aliases.iter().any(|alias| alias == name.as_str())
    }
}

/// A binding, as JSON in its own form.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundRow {
    pub number: u32,
    pub created: Timestamp,
    pub binding: Value,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionRow {
    pub version: u32,
    pub created: Timestamp,
    pub retired: bool,
    /// How often it was used, `public-key` aside.
    pub uses: u64,
    /// SPKI PEM, for kinds that have a public key.
    pub public_key: Option<String>,
    /// The same as a line for OpenSSH.
    pub ssh: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AliasRow {
    pub name: String,
    pub secret: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServiceRow {
    pub name: String,
    pub suspended: bool,
    /// RFC 7638 thumbprints.
    pub keys: Vec<String>,
    /// Thumbprints of keys that it may not sign with any more.
    pub retired_keys: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApproverRow {
    pub name: String,
    pub groups: Vec<String>,
    /// `SHA256:…`, as `ssh-keygen -l` prints them, each with the kind of the key.
    pub keys: Vec<ApproverKeyRow>,
    pub operates: Vec<String>,
    pub mail: Option<String>,
    pub retired: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApproverKeyRow {
    /// `ssh-ed25519`, `sk-ssh-ed25519@openssh.com`, …
    pub kind: String,
    pub fingerprint: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PolicyRow {
    pub name: String,
    pub version: u32,
    pub retired: bool,
    pub summary: String,
    pub text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    pub name: String,
    pub home: String,
    pub unlocked: bool,
    /// What the owner has stopped.
    pub suspended: Suspended,
    /// Where services reach the agent over TLS, while it runs.
    pub listening: Option<String>,
    pub thumbprint: String,
    /// The audit log's public key: a C2SP verifier key.
    pub checkpoint_key: String,
    pub recording: bool,
    /// Whether the keys' memory is kept from being swapped out; unknown while locked.
    pub memory_locked: Option<bool>,
    pub secrets: usize,
    /// How many of them are due for a new version.
    pub due: usize,
    pub services: usize,
    pub policies: usize,
    pub entries: u64,
    pub channels: Vec<ChannelRow>,
}

/// What may not be used until the owner resumes it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Suspended {
    pub everything: bool,
    pub services: Vec<String>,
    pub secrets: Vec<String>,
}

impl Suspended {
    fn of(catalog: &Catalog) -> Self {
        Self {
            everything: catalog.is_suspended(),
            services: catalog
                .enrolled()
                .filter(|service| service.suspended)
                .map(|service| service.name.to_string())
                .collect(),
            secrets: catalog
                .secrets()
                .filter(|secret| secret.suspended)
                .map(|secret| secret.name.to_string())
                .collect(),
        }
    }

    /// Each service and secret, as it is called in a sentence.
    pub fn each(&self) -> impl Iterator<Item = String> {
        let services = self.services.iter().map(|name| format!("service {name}"));
        let secrets = self.secrets.iter().map(|name| format!("secret {name}"));
        services.chain(secrets)
    }
}

pub fn secrets(host: &Host) -> Result<Vec<SecretRow>, StoreError> {
    let usage = host.read(|store| store.usage())?;
    let catalog = host.vault().catalog();
    let due = due(&catalog, &usage, Timestamp::now());
    let uses = |version: &Version| usage.get(&version.record).map_or(0, |usage| usage.uses);
    let rows = catalog
        .secrets()
        .map(|secret| SecretRow {
            name: secret.name.to_string(),
            kind: secret.kind.to_string(),
            labels: secret.labels.iter().cloned().collect(),
            releasable: secret.releasable,
            aliases: catalog
                .aliases()
                .filter(|(_, target)| **target == secret.name)
                .map(|(alias, _)| alias.to_string())
                .collect(),
            suspended: secret.suspended,
            current: secret.current().map(|version| version.number),
            bound: secret.bound.as_ref().map(|bound| BoundRow {
                number: bound.number,
                created: bound.created,
                binding: json!(bound.binding),
            }),
            due: due
                .iter()
                .filter(|due| due.secret == secret.name)
                .map(|due| due.passed.to_string())
                .collect(),
            versions: secret
                .versions()
                .map(|version| VersionRow {
                    version: version.number,
                    created: version.created,
                    retired: version.retired,
                    uses: uses(version),
                    public_key: version.public_key.as_ref().map(|key| key.spki_pem()),
                    ssh: version
                        .public_key
                        .as_ref()
                        .map(|key| key.ssh(secret.name.as_str())),
                })
                .collect(),
        })
        .collect();
    Ok(rows)
}

pub fn aliases(catalog: &Catalog) -> Vec<AliasRow> {
    catalog
        .aliases()
        .map(|(name, target)| AliasRow {
            name: name.to_string(),
            secret: target.to_string(),
        })
        .collect()
}

pub fn services(catalog: &Catalog) -> Vec<ServiceRow> {
    catalog
        .enrolled()
        .map(|service| ServiceRow {
            name: service.name.to_string(),
            suspended: service.suspended,
            keys: thumbprints(&service.keys),
            retired_keys: thumbprints(&service.retired_keys),
        })
        .collect()
}

fn thumbprints(keys: &[PublicKey]) -> Vec<String> {
    keys.iter()
        .map(|key| key.thumbprint().to_string())
        .collect()
}

pub fn approvers(catalog: &Catalog) -> Vec<ApproverRow> {
    let names = |names: &BTreeSet<Name>| names.iter().map(Name::to_string).collect();
    catalog
        .approvers()
        .map(|approver| ApproverRow {
            name: approver.name.to_string(),
            groups: names(&approver.groups),
            keys: approver
                .keys
                .iter()
                .map(|key| ApproverKeyRow {
                    kind: key.kind(),
                    fingerprint: key.fingerprint(),
                })
                .collect(),
            operates: names(&approver.operates),
            mail: approver.mail.clone(),
            retired: approver.retired,
        })
        .collect()
}

pub fn policies(catalog: &Catalog) -> Vec<PolicyRow> {
    catalog
        .policy_texts()
        .map(|policy| PolicyRow {
            name: policy.name.to_string(),
            version: policy.version,
            retired: policy.retired,
            summary: policy.text.summary(),
            text: policy.text.text().to_owned(),
        })
        .collect()
}

pub fn status(host: &Host) -> anyhow::Result<Value> {
    let catalog = host.vault().catalog();
    let identity = host.identity();
    Ok(serde_json::to_value(Status {
        name: host.origin().to_owned(),
        home: host.home().directory().display().to_string(),
        unlocked: host.vault().is_unlocked(),
        suspended: Suspended::of(&catalog),
        listening: host.address().map(|address| address.to_string()),
        thumbprint: identity.thumbprint().to_string(),
        checkpoint_key: identity.checkpoint_vkey(),
        recording: host.is_recording(),
        memory_locked: host.vault().is_memory_locked(),
        secrets: catalog.secrets().count(),
        due: due::list(host, Timestamp::now())?
            .iter()
            .map(|due| &due.secret)
            .collect::<BTreeSet<_>>()
            .len(),
        services: catalog.enrolled().count(),
        policies: catalog
            .policy_texts()
            .filter(|policy| !policy.retired)
            .count(),
        entries: host.read(strongroom::store::Reader::log_size)?,
        channels: notify::rows(host)?,
    })?)
}
