//! A vault in a directory of its own, with a real store, log and identity.

use std::{path::PathBuf, sync::Arc, time::Duration};

use age::x25519;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    audit::{Committed, Log, Submission},
    client::{Draft, SigningKey},
    errand::Step,
    identity::Identity,
    name::Name,
    operation::{Done, Kind, Operation},
    policy::{Permit, PolicyText},
    request::{Arrival, PATH, Request, WayIn},
    service::key::PublicKey,
    store::{
        Reader as _, StoredRecord, StoredSlot, Usage,
        sqlite::{SqliteReader, SqliteStore},
    },
    vault::{
        Change, Changed, NotUsed, Outcome, Parameters, Passphrase, RecoveryKey, SecretOptions,
        UseError, Used, Vault, VaultError, Version, material::Material,
    },
};

pub const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A vault, where it is stored, and a service that may ask.
pub struct Kept {
    pub vault: Vault,
    pub reader: SqliteReader,
    pub recovery_key: RecoveryKey,
    pub service_key: SigningKey,
    pub identity: Identity,
    log: Log<SqliteStore>,
    asked: u8,
    _directory: TempDir,
}

impl Kept {
    /// Only created: one record.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strongroom.db");
        let identity = Identity::generate("strongroom.test/vault").unwrap();
        let store = SqliteStore::create(&path).unwrap();
        let vkey = identity.checkpoint_vkey();
        let log = Log::open(store, identity.checkpoint_signer(), &vkey).unwrap();
        let reader = SqliteReader::open(&path).unwrap();
        let (vault, change, recovery_key) =
            Vault::create_with(&passphrase(), Parameters::FLOOR, NOW).unwrap();
        let (service_key, _) = SigningKey::generate().unwrap();
        let mut kept = Self {
            vault,
            reader,
            recovery_key,
            service_key,
            identity,
            log,
            asked: 0,
            _directory: directory,
        };
        kept.commit(change);
        kept
    }

    /// With an Ed25519 key, a token, an alias, a service and a policy: six records.
    pub fn furnished() -> Self {
        let mut kept = Self::new();
        let token = Material::import(Some(Kind::Token), b"hunter2-of-the-vault").unwrap();
        let options = SecretOptions {
            labels: ["prod".to_owned()].into(),
            releasable: true,
        };
        let service_key = kept.service_key.public_key().clone();
        let all = PolicyText::check(name("all"), "permit (principal, action, resource);").unwrap();
        kept.keep(|vault| {
            vault.add_secret(&name("deploy"), &key(), &SecretOptions::default(), NOW)
        });
        kept.keep(|vault| vault.add_secret(&name("heroku/prod"), &token, &options, NOW));
        kept.keep(|vault| vault.set_alias(&name("release"), &name("deploy"), NOW));
        kept.keep(|vault| vault.add_service(&name("atlas"), &[service_key], NOW));
        kept.keep(|vault| vault.set_policy(&all, NOW));
        kept
    }

    pub fn records(&self) -> Vec<StoredRecord> {
        self.reader.records(0).unwrap()
    }

    pub fn slots(&self) -> Vec<StoredSlot> {
        self.reader.slots().unwrap()
    }

    /// Makes a change durable and takes it over, as the agent does.
    pub fn keep(&mut self, make: impl FnOnce(&Vault) -> Result<Change, VaultError>) -> Changed {
        let change = make(&self.vault).unwrap();
        let changed = self.commit(change);
        self.vault.apply(&changed).unwrap();
        changed
    }

    /// The number of a version's record.
    pub fn record(&self, secret: &str, number: u32) -> u64 {
        self.version(secret, number).record
    }

    /// As if a version had been used so often: written by hand, which the store allows upwards.
    pub fn preset(&self, record: u64, usage: Usage) {
        let raw = rusqlite::Connection::open(self.store()).unwrap();
        let Usage { uses, encryptions } = usage;
        raw.execute(
            "INSERT INTO usage VALUES (?1, ?2, ?3)",
            rusqlite::params![record as i64, uses as i64, encryptions as i64],
        )
        .unwrap();
    }

    /// The store's file.
    pub fn store(&self) -> PathBuf {
        self._directory.path().join("strongroom.db")
    }

    /// Another agent of a fleet, or this one after a restart.
    pub fn another_log(&self) -> Log<SqliteStore> {
        Log::open(
            SqliteStore::open(&self.store()).unwrap(),
            self.identity.checkpoint_signer(),
            &self.identity.checkpoint_vkey(),
        )
        .unwrap()
    }

    /// Records a batch.
    pub fn submit(&mut self, batch: Vec<Submission>) -> Vec<Committed> {
        let committed = self.log.commit(batch, NOW);
        committed.into_iter().map(Result::unwrap).collect()
    }

    fn commit(&mut self, change: Change) -> Changed {
        match self.log.commit(vec![Submission::Change(change)], NOW).pop() {
            Some(Ok(Committed::Changed(changed))) => changed,
            other => panic!("{other:?}"),
        }
    }

    pub fn version(&self, secret: &str, number: u32) -> Arc<Version> {
        Arc::clone(self.vault.catalog().version(&name(secret), number).unwrap())
    }

    /// The service's request, up to the permit.
    pub fn permit(&mut self, secret: &str, operation: &str, input: Value) -> Permit {
        self.asked += 1;
        let draft = Draft {
            agent: self.identity.thumbprint().clone(),
            secret: name(secret),
            operation: operation.parse().unwrap(),
            input,
            purpose: None,
            ticket: None,
            reply_to: Some(x25519::Identity::generate().to_public()),
        };
        let signed = draft
            .sign(
                &self.service_key,
                [self.asked; 16],
                Duration::from_secs(60),
                NOW,
            )
            .unwrap();
        let request =
            Request::parse(&http::Method::POST, PATH, signed.headers(), signed.body()).unwrap();
        let catalog = self.vault.catalog();
        let arrival = Arrival {
            way_in: WayIn::Local,
            address: None,
        };
        request
            .authenticate(catalog.services(), self.identity.thumbprint(), arrival, NOW)
            .unwrap()
            .authorize(&catalog)
            .unwrap()
            .into_permit()
            .unwrap()
    }

    /// Records a permit and uses the key.
    pub fn spend(&mut self, permit: Permit) -> Result<Outcome, UseError> {
        match self.log.commit(vec![Submission::Use(permit)], NOW).pop() {
            Some(Ok(Committed::Use(recorded))) => match self.vault.use_key(recorded)? {
                Used::Done(outcome) => Ok(outcome),
                Used::Begun(_) => panic!("it calls a provider"),
            },
            other => panic!("{other:?}"),
        }
    }

    /// A request from end to end; what comes out as JSON, if it may leave unsealed.
    pub fn ask(&mut self, secret: &str, operation: &str, input: Value) -> Value {
        let permit = self.permit(secret, operation, input);
        match self.spend(permit).unwrap().done() {
            Done::Plain(value) => value.clone(),
            Done::Written(json) => serde_json::from_str(json.get()).unwrap(),
            Done::Secret(_) => Value::Null,
        }
    }
}

/// Signs without a request and an entry, which only the vault's own module can: for several
/// threads at once.
pub fn sign(vault: &Vault, version: &Arc<Version>) -> Result<Done, NotUsed> {
    let operation = Operation::parse("sign", message()).unwrap();
    match vault.perform(&name("atlas"), version, None, &operation, NOW)? {
        Step::Done(done) => Ok(done),
        _ => panic!("it calls a provider"),
    }
}

pub fn message() -> Value {
    serde_json::json!({ "message": "aGk=" })
}

pub fn passphrase() -> Passphrase {
    Passphrase::from("correct horse")
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn key() -> Material {
    Material::generate(Kind::Ed25519).unwrap()
}

pub fn public_key() -> PublicKey {
    key().public_key().unwrap()
}
