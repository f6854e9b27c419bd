//! How the corpus comes to be: a small vault with published keys, and mistakes made by hand.
//!
//! `cargo test -p strongroom --test fuzz_corpus -- --ignored` writes it anew. Values in it are of
//! keys out of RFCs or made up on the spot: nothing there opens anything.

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;
use strongroom::{
    answer::Answer,
    audit::{Committed, Log, Submission},
    identity::Identity,
    name::Name,
    policy::PolicyText,
    request::{Arrival, PATH, Request, WayIn},
    service::PublicKey,
    store::{
        Reader as _, StoredEntry,
        sqlite::{SqliteReader, SqliteStore},
    },
    vault::{
        Change, Parameters, Scope, SecretOptions, Used, Vault, VaultError, material::Material,
    },
};

use super::targets::{
    message::SENT,
    published::{ATLAS, ATLAS_P256, ATLAS_PRIVATE, BORG, IDENTITY, NOW},
};

mod approval;
mod aws;
mod channel;
mod keys;
mod outgoing;
mod rotation;
mod ssh;
mod text;
mod token;
mod vault;
mod wire;

type Seed = (String, Vec<u8>);

/// Every seed, by its path in the corpus.
pub fn seeds() -> Vec<Seed> {
    let small = Small::new();
    [
        wire::requests(),
        wire::signature_bases(),
        wire::preferences(),
        wire::answers(&small),
        keys::keys(),
        ssh::seeds(),
        outgoing::bindings(),
        channel::bindings(),
        rotation::bindings(),
        outgoing::targets(),
        outgoing::scrubs(),
        approval::calls(),
        approval::signed(),
        approval::waiting(),
        aws::answers(),
        aws::bindings(),
        aws::materials(),
        aws::operations(),
        token::answers(),
        token::bindings(),
        token::materials(),
        token::operations(),
        text::operations(),
        text::policies(),
        text::suites(),
        text::receipts(&small),
        text::entries(&small),
        vault::records(&small),
        vault::slots(),
    ]
    .concat()
}

fn seed(path: &str, bytes: impl AsRef<[u8]>) -> Seed {
    (path.to_owned(), bytes.as_ref().to_vec())
}

/// A vault with one secret, one service and one policy, whose key was used once.
struct Small {
    records: Vec<String>,
    entries: Vec<StoredEntry>,
    receipt: String,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Small {
    fn new() -> Self {
        let now = Timestamp::from_second(NOW).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strongroom.db");
        let identity = Identity::from_pem(IDENTITY).unwrap();
        let store = SqliteStore::create(&path).unwrap();
        let mut log = Log::open(
            store,
            identity.checkpoint_signer(),
            &identity.checkpoint_vkey(),
        )
        .unwrap();
        let passphrase = "correct horse battery".to_owned().into();
        let (vault, change, _) = Vault::create_with(&passphrase, Parameters::FLOOR, now).unwrap();
        commit(&mut log, Submission::Change(change));
        let mut keep = |make: &dyn Fn(&Vault) -> Result<Change, VaultError>| {
            let Committed::Changed(changed) =
                commit(&mut log, Submission::Change(make(&vault).unwrap()))
            else {
                panic!("no change")
            };
            vault.apply(&changed).unwrap();
        };
        let material = Material::import(None, ATLAS_PRIVATE.as_bytes()).unwrap();
        let options = SecretOptions {
            labels: ["blue".to_owned()].into(),
            releasable: true,
        };
        let all = PolicyText::check(name("all"), "permit (principal, action, resource);").unwrap();
        let key = |text| PublicKey::parse(text).unwrap();
        keep(&|vault| vault.add_secret(&name("deploy/key"), &material, &options, now));
        keep(&|vault| vault.set_alias(&name("key"), &name("deploy/key"), now));
        keep(&|vault| vault.add_service(&name("atlas"), &[key(ATLAS)], now));
        keep(&|vault| vault.add_service_key(&name("atlas"), &key(ATLAS_P256), now));
        keep(&|vault| vault.add_service(&name("borg"), &[key(BORG)], now));
        keep(&|vault| vault.suspend(&Scope::Service(name("borg")), now));
        keep(&|vault| vault.set_policy(&all, now));

        let arrival = Arrival {
            way_in: WayIn::Tls,
            address: Some([10, 0, 0, 7].into()),
        };
        let catalog = vault.catalog();
        let permit = Request::parse(&Method::POST, PATH, SENT.headers(), SENT.body())
            .unwrap()
            .authenticate(catalog.services(), identity.thumbprint(), arrival, now)
            .unwrap()
            .authorize(&catalog)
            .unwrap()
            .into_permit()
            .unwrap();
        let Committed::Use(recorded) = commit(&mut log, Submission::Use(permit)) else {
            panic!("no use")
        };
        let Used::Done(outcome) = vault.use_key(recorded).unwrap() else {
            panic!("it calls a provider")
        };
        let receipt = outcome.noted().receipt.clone();
        let answer = Answer::to_outcome(outcome);
        let reader = SqliteReader::open(&path).unwrap();
        let record =
            |body: &str| serde_json::from_str::<Value>(body).unwrap()["record"].to_string();
        Self {
            records: reader
                .records(0)
                .unwrap()
                .iter()
                .map(|stored| record(&stored.body))
                .collect(),
            entries: reader.entries(0, 100).unwrap(),
            receipt,
            status: answer.status.as_u16(),
            headers: answer
                .sign(&identity, Some(SENT.signature()), now)
                .into_iter()
                .collect(),
            body: answer.body,
        }
    }

    /// The entry of the one use.
    fn used(&self) -> &str {
        &self.entries.last().unwrap().line
    }
}

fn commit(log: &mut Log<SqliteStore>, submission: Submission) -> Committed {
    let now = Timestamp::from_second(NOW).unwrap();
    log.commit(vec![submission], now).pop().unwrap().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}
