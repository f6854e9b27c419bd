//! Records → catalog: one at a time, each checked against those before it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{
    OwnerKey,
    catalog::{Catalog, PolicyVersion, Secret, Version},
    chain::{self, BadRecord, Head, RecordProblem},
    record::{Body, FORMAT, Record},
};
use crate::{
    approval::Approver,
    binding::Bound,
    name::Name,
    policy::{Policies, PolicyText, Subject},
    service::{EnrolledKey, Services, key::PublicKey},
    store::StoredRecord,
};

mod people;

use people::approver_keys;

/// A policy text of this batch. Only the newest of each name is parsed: an older one may have
/// been written for an older schema.
struct Draft {
    record: u64,
    version: u32,
    retired: bool,
    text: String,
}

/// A catalog in the making.
struct Fold {
    catalog: Catalog,
    drafts: BTreeMap<Name, Draft>,
    services_changed: bool,
    policies_changed: bool,
}

impl Catalog {
    /// Reads all records, from the first. The owner key is the one that the first record names;
    /// unlocking compares it with the root's.
    pub fn load(records: &[StoredRecord]) -> Result<Self, BadRecord> {
        let Some((first, rest)) = records.split_first() else {
            return Err(BadRecord {
                number: 1,
                problem: RecordProblem::NoBeginning,
            });
        };
        let owner = chain::owner_of(first)?;
        let (body, head) = chain::verify(&owner, None, first)?;
        begin(owner, head, &body)?.extend(rest)
    }

    /// The catalog after these records too; they are the ones that follow.
    pub fn extend(&self, records: &[StoredRecord]) -> Result<Self, BadRecord> {
        let mut fold = Fold {
            catalog: self.clone(),
            drafts: BTreeMap::new(),
            services_changed: false,
            policies_changed: false,
        };
        for stored in records {
            let (body, head) = chain::verify(&self.owner, Some(&fold.catalog.head), stored)?;
            fold.add(body).map_err(|why| BadRecord {
                number: stored.seq,
                problem: RecordProblem::Inconsistent(why),
            })?;
            fold.catalog.head = head;
        }
        fold.finish()
    }
}

fn begin(owner: OwnerKey, head: Head, body: &Body) -> Result<Catalog, BadRecord> {
    let bad = |problem| BadRecord {
        number: body.seq,
        problem,
    };
    match body.record {
        Record::VaultCreated { format: FORMAT, .. } => Ok(Catalog {
            owner,
            head,
            secrets: BTreeMap::new(),
            aliases: BTreeMap::new(),
            enrolled: BTreeMap::new(),
            approvers: BTreeMap::new(),
            suspended: false,
            stopped: None,
            policy_versions: BTreeMap::new(),
            services: Arc::default(),
            policies: Arc::default(),
        }),
        Record::VaultCreated { format, .. } => Err(bad(RecordProblem::UnknownFormat(format))),
        _ => Err(bad(RecordProblem::NoBeginning)),
    }
}

impl Fold {
    fn add(&mut self, body: Body) -> Result<(), String> {
        let Body {
            seq, time, record, ..
        } = body;
        match record {
            Record::VaultCreated { .. } => Err("the vault was created already".to_owned()),
            Record::SecretVersion { .. } => self.add_version(seq, time, record),
            Record::Binding {
                secret,
                version,
                binding,
            } => self.bind(
                &secret,
                Bound {
                    number: version,
                    record: seq,
                    created: time,
                    binding: *binding,
                },
            ),
            Record::Retirement { secret, version } => self.retire(&secret, version),
            Record::Alias { name, secret } => self.set_alias(name, secret),
            Record::Service { name, keys } => self.add_service(name, &keys),
            Record::ServiceKey { service, key } => {
                let key = self.service_key(&key)?;
                self.service(&service)?.keys.push(key);
                Ok(())
            }
            Record::ServiceKeyRetirement { service, key } => self.retire_key(&service, &key),
            Record::ServiceStatus { service, suspended } => {
                let service = self.service(&service)?;
                service.suspended = suspended;
                service.stopped = suspended.then_some(time).or(service.stopped);
                Ok(())
            }
            Record::SecretStatus { secret, suspended } => self.suspend(&secret, suspended, time),
            Record::VaultStatus { suspended } => {
                self.catalog.suspended = suspended;
                self.catalog.stopped = suspended.then_some(time).or(self.catalog.stopped);
                Ok(())
            }
            Record::Approver {
                name,
                version,
                keys,
                groups,
                operates,
                mail,
            } => {
                let keys = approver_keys(&keys)?;
                self.set_approver(Approver {
                    name,
                    version,
                    keys,
                    groups,
                    operates,
                    mail,
                    retired: false,
                })
            }
            Record::ApproverRetirement { name } => self.retire_approver(&name),
            Record::Policy {
                name,
                version,
                text,
            } => self.set_policy(seq, name, version, text),
            Record::PolicyRetirement { name } => self.retire_policy(&name),
        }
    }

    fn add_version(&mut self, record: u64, created: Timestamp, body: Record) -> Result<(), String> {
        let Record::SecretVersion {
            secret: name,
            version: number,
            kind,
            labels,
            releasable,
            public_key,
            value,
        } = body
        else {
            return Err("it is no version of a secret".to_owned());
        };
        if self.catalog.aliases.contains_key(&name) {
            return Err(format!("`{name}` is an alias"));
        }
        let public_key = public_key
            .as_deref()
            .map(PublicKey::parse)
            .transpose()
            .map_err(|error| error.to_string())?;
        let known = self.catalog.secrets.get(&name);
        let next = known.map_or(0, |secret| secret.newest()).checked_add(1);
        if next != Some(number) {
            return Err(format!("version {number} of `{name}` is not the next one"));
        }
        if known.is_some_and(|secret| secret.kind != kind) {
            return Err(format!("`{name}` is of another kind than `{kind}`"));
        }
        if known.is_some_and(|secret| secret.retired) {
            return Err(format!("`{name}` is retired"));
        }
        let mut versions = known
            .map(|secret| secret.versions.clone())
            .unwrap_or_default();
        let version = Version {
            secret: name.clone(),
            number,
            kind,
            releasable,
            retired: false,
            public_key,
            created,
            record,
            value: value.into(),
        };
        versions.insert(number, Arc::new(version));
        let subject = Subject::new(&name, kind, &labels, releasable);
        let bound = known.and_then(|secret| secret.bound.clone());
        let secret = Secret {
            name: name.clone(),
            kind,
            labels,
            releasable,
            retired: false,
            suspended: known.is_some_and(|secret| secret.suspended),
            stopped: known.and_then(|secret| secret.stopped),
            bound,
            subject,
            versions,
        };
        self.catalog.secrets.insert(name, Arc::new(secret));
        Ok(())
    }

    fn bind(&mut self, name: &Name, bound: Bound) -> Result<(), String> {
        let Some(secret) = self.catalog.secrets.get_mut(name).map(Arc::make_mut) else {
            return Err(format!("there is no secret `{name}`"));
        };
        let last = secret.bound.as_ref().map_or(0, |bound| bound.number);
        if last.checked_add(1) != Some(bound.number) {
            let number = bound.number;
            return Err(format!("binding {number} of `{name}` is not the next one"));
        }
        bound
            .binding
            .check(secret.kind)
            .map_err(|error| error.to_string())?;
        secret.bound = Some(Arc::new(bound));
        Ok(())
    }

    fn retire(&mut self, name: &Name, version: Option<u32>) -> Result<(), String> {
        let Some(secret) = self.catalog.secrets.get_mut(name).map(Arc::make_mut) else {
            return Err(format!("there is no secret `{name}`"));
        };
        match version {
            Some(number) => match secret.versions.get_mut(&number) {
                Some(version) => Arc::make_mut(version).retired = true,
                None => return Err(format!("secret `{name}` has no version {number}")),
            },
            None => {
                secret.retired = true;
                secret
                    .versions
                    .values_mut()
                    .for_each(|version| Arc::make_mut(version).retired = true);
            }
        }
        Ok(())
    }

    fn suspend(&mut self, name: &Name, suspended: bool, time: Timestamp) -> Result<(), String> {
        let secret = self.catalog.secrets.get_mut(name).map(Arc::make_mut);
        let secret = secret.ok_or_else(|| format!("there is no secret `{name}`"))?;
        secret.suspended = suspended;
        secret.stopped = suspended.then_some(time).or(secret.stopped);
        Ok(())
    }

    fn set_alias(&mut self, name: Name, secret: Name) -> Result<(), String> {
        if self.catalog.secrets.contains_key(&name) {
            return Err(format!("`{name}` is a secret"));
        }
        if !self.catalog.secrets.contains_key(&secret) {
            return Err(format!("there is no secret `{secret}`"));
        }
        self.catalog.aliases.insert(name, secret);
        Ok(())
    }

    fn set_policy(
        &mut self,
        record: u64,
        name: Name,
        version: u32,
        text: String,
    ) -> Result<(), String> {
        let known = self.drafts.get(&name).map(|draft| draft.version);
        let known = known.or_else(|| {
            self.catalog
                .policy_versions
                .get(&name)
                .map(|policy| policy.version)
        });
        if known.unwrap_or(0).checked_add(1) != Some(version) {
            return Err(format!(
                "version {version} of policy `{name}` is not the next one"
            ));
        }
        self.drafts.insert(
            name,
            Draft {
                record,
                version,
                retired: false,
                text,
            },
        );
        Ok(())
    }

    fn retire_policy(&mut self, name: &Name) -> Result<(), String> {
        self.policies_changed = true;
        if let Some(draft) = self.drafts.get_mut(name) {
            draft.retired = true;
        } else if let Some(policy) = self.catalog.policy_versions.get_mut(name) {
            policy.retired = true;
        } else {
            return Err(format!("there is no policy `{name}`"));
        }
        Ok(())
    }

    fn finish(self) -> Result<Catalog, BadRecord> {
        let Self {
            mut catalog,
            drafts,
            services_changed,
            policies_changed,
        } = self;
        let policies_changed = policies_changed || !drafts.is_empty();
        for (
            name,
            Draft {
                record,
                version,
                retired,
                text,
            },
        ) in drafts
        {
            let text = PolicyText::check(name.clone(), &text).map_err(|error| BadRecord {
                number: record,
                problem: RecordProblem::Inconsistent(error.to_string()),
            })?;
            catalog.policy_versions.insert(
                name.clone(),
                PolicyVersion {
                    name,
                    version,
                    retired,
                    text,
                },
            );
        }
        if policies_changed {
            let in_force = catalog
                .policy_versions
                .values()
                .filter(|policy| !policy.retired);
            catalog.policies = Arc::new(Policies::new(in_force.map(|policy| policy.text.clone())));
        }
        if services_changed {
            catalog.services = Arc::new(Services::new(catalog.enrolled.values().flat_map(
                |service| {
                    service.keys.iter().map(|key| EnrolledKey {
                        service: service.name.clone(),
                        key: key.clone(),
                        suspended: service.suspended,
                    })
                },
            )));
        }
        Ok(catalog)
    }
}
