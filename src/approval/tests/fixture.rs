//! A vault with approvers, a service that asks, and a log that tells of it.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tempfile::TempDir;

use super::signer::Key;
use crate::{
    approval::{
        ApproverKey, Asked, Asking, Decision, Missing, NotDecided, Quorum, Statement, Verdict,
        Waiting,
    },
    audit::{Committed, Entry, Event, Log, NotRecorded, Submission},
    client::{Call, Draft, SignedRequest, SigningKey},
    identity::Identity,
    name::Name,
    operation::Kind,
    policy::{Authorized, Permit, PolicyText, Proposal, Refused},
    request::{self, Arrival, PATH, Request, WayIn},
    service::{Authenticated, PublicKey, Thumbprint},
    store::{
        Reader as _,
        sqlite::{SqliteReader, SqliteStore},
    },
    vault::{
        Change, Parameters, Passphrase, SecretOptions, Used, Vault, VaultError,
        administration::approvers::ApproverOptions, material::Material,
    },
};

/// Two yes-es of one group.
pub const TWO: &str = "@approve(\"2 of security\") permit (principal, action, resource);";
/// One.
pub const ONE: &str = "@approve(\"1 of security\") permit (principal, action, resource);";
/// For how long a request waits.
pub const HOUR: i64 = 3_600;

pub struct Desk {
    pub vault: Vault,
    pub agent: Thumbprint,
    key: SigningKey,
    other_key: SigningKey,
    identity: Identity,
    log: Mutex<Log<SqliteStore>>,
    nonces: AtomicU8,
    directory: TempDir,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// So many seconds after the beginning.
pub fn at(seconds: i64) -> Timestamp {
    let beginning: Timestamp = "2026-03-01T14:02:03.123Z".parse().unwrap();
    beginning + SignedDuration::from_secs(seconds)
}

/// The same key each time.
fn signing_key(seed: u8) -> SigningKey {
    let mut der = vec![
        0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
    ];
    der.extend([seed; 32]);
    let pem = pem::encode(&pem::Pem::new("PRIVATE KEY", der));
    SigningKey::parse(pem.as_bytes()).unwrap()
}

/// The agent that everything is meant for.
pub fn agent() -> Thumbprint {
    signing_key(1).thumbprint()
}

pub fn service_key() -> PublicKey {
    signing_key(2).public_key().clone()
}

impl Desk {
    /// A vault with the secret `deploy-key`, its alias `release`, the services `atlas` and `borg`,
    /// and this policy; no approver.
    pub fn bare(policy: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("strongroom.db");
        let identity = Identity::generate("strongroom.test/approval").unwrap();
        let store = SqliteStore::create(&path).unwrap();
        let vkey = identity.checkpoint_vkey();
        let log = Log::open(store, identity.checkpoint_signer(), &vkey).unwrap();
        let passphrase = Passphrase::from("correct horse");
        let (vault, created, _) =
            Vault::create_with(&passphrase, Parameters::FLOOR, at(0)).unwrap();
        let desk = Self {
            vault,
            agent: agent(),
            key: signing_key(2),
            other_key: signing_key(3),
            identity,
            log: Mutex::new(log),
            nonces: AtomicU8::new(0),
            directory,
        };
        desk.submit(Submission::Change(created), at(0)).unwrap();
        let options = SecretOptions::default();
        for secret in ["deploy-key", "other-key"] {
            let key = Material::generate(Kind::Ed25519).unwrap();
            desk.keep(|vault| vault.add_secret(&name(secret), &key, &options, at(0)));
        }
        desk.keep(|vault| vault.set_alias(&name("release"), &name("deploy-key"), at(0)));
        let (atlas, borg) = (service_key(), desk.other_key.public_key().clone());
        desk.keep(|vault| vault.add_service(&name("atlas"), &[atlas], at(0)));
        desk.keep(|vault| vault.add_service(&name("borg"), &[borg], at(0)));
        desk.set_policy(policy);
        desk
    }

    /// With the approvers `alice`, `bob` and `carol` in `security`, and `dave` in `on-call`, who
    /// operates `atlas`; their keys are [`key_of`].
    pub fn new(policy: &str) -> Self {
        let desk = Self::bare(policy);
        for approver in ["alice", "bob", "carol"] {
            desk.enrol(approver, &["security"], &[]);
        }
        desk.enrol("dave", &["security", "on-call"], &["atlas"]);
        desk
    }

    pub fn enrol(&self, approver: &str, groups: &[&str], operates: &[&str]) {
        let options = ApproverOptions {
            keys: vec![ApproverKey::parse(&key_of(approver).line()).unwrap()],
            groups: groups.iter().map(|group| name(group)).collect(),
            operates: operates.iter().map(|service| name(service)).collect(),
            mail: None,
        };
        self.keep(|vault| vault.add_approver(&name(approver), &options, at(0)));
    }

    pub fn set_policy(&self, text: &str) {
        let policy = PolicyText::check(name("deployers"), text).unwrap();
        self.keep(|vault| vault.set_policy(&policy, at(0)));
    }

    pub fn keep(&self, make: impl FnOnce(&Vault) -> Result<Change, VaultError>) {
        let change = make(&self.vault).unwrap();
        match self.submit(Submission::Change(change), at(0)).unwrap() {
            Committed::Changed(changed) => self.vault.apply(&changed).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("strongroom.db")
    }

    pub fn vkey(&self) -> String {
        self.identity.checkpoint_vkey()
    }

    /// Another agent of the fleet, or this one after a restart.
    pub fn another_log(&self) -> Log<SqliteStore> {
        let store = SqliteStore::open(&self.path()).unwrap();
        Log::open(store, self.identity.checkpoint_signer(), &self.vkey()).unwrap()
    }

    pub fn checkpoint_signer(&self) -> Box<dyn signed_note::Signer + Send> {
        self.identity.checkpoint_signer()
    }

    pub fn reader(&self) -> SqliteReader {
        SqliteReader::open(&self.path()).unwrap()
    }

    pub fn submit(&self, submission: Submission, now: Timestamp) -> Result<Committed, NotRecorded> {
        let mut log = self.log.lock().unwrap();
        log.commit(vec![submission], now).pop().unwrap()
    }

    pub fn nonce(&self) -> [u8; 16] {
        [self.nonces.fetch_add(1, Ordering::Relaxed); 16]
    }

    /// A request of `atlas` to sign a message.
    pub fn draft(&self) -> Draft {
        Draft {
            agent: self.agent.clone(),
            secret: name("deploy-key"),
            operation: "sign".parse().unwrap(),
            input: json!({"message": STANDARD.encode("release 4f2a")}),
            purpose: Some("release 4f2a".to_owned()),
            ticket: None,
            reply_to: None,
        }
    }

    pub fn sign(&self, draft: &Draft, seconds: i64) -> SignedRequest {
        let validity = Duration::from_secs(60);
        draft
            .sign(&self.key, self.nonce(), validity, at(seconds))
            .unwrap()
    }

    pub fn authenticated(&self, signed: &SignedRequest, seconds: i64) -> Authenticated {
        let request = Request::parse(&http::Method::POST, PATH, signed.headers(), signed.body());
        let arrival = Arrival {
            way_in: WayIn::Tls,
            address: Some([10, 0, 0, 7].into()),
        };
        let services = self.vault.catalog();
        let services = services.services();
        let request = request.unwrap();
        request
            .authenticate(services, &self.agent, arrival, at(seconds))
            .unwrap()
    }

    /// What policy says to a request, if it wants an approval.
    pub fn propose(&self, draft: &Draft, seconds: i64) -> (Proposal, Waiting) {
        let signed = self.sign(draft, seconds);
        let waiting = Waiting::of(PATH, signed.headers(), signed.body()).unwrap();
        let authenticated = self.authenticated(&signed, seconds);
        match authenticated.authorize(&self.vault.catalog()).unwrap() {
            Authorized::Proposal(proposal) => (*proposal, waiting),
            Authorized::Permit(permit) => panic!("{permit:?}"),
        }
    }

    pub fn asking(&self, draft: &Draft, seconds: i64) -> Asking {
        let (proposal, waiting) = self.propose(draft, seconds);
        let sealed = self.vault.seal_request(&waiting).unwrap();
        Asking::new(proposal, sealed, at(seconds + HOUR))
    }

    pub fn try_ask(&self, draft: &Draft, seconds: i64) -> Committed {
        let asking = Box::new(self.asking(draft, seconds));
        self.submit(Submission::Ask(asking), at(seconds)).unwrap()
    }

    /// Asks, and gives the id.
    pub fn ask_for(&self, draft: &Draft, seconds: i64) -> u64 {
        match self.try_ask(draft, seconds) {
            Committed::Pending(noted) => noted.index,
            other => panic!("{other:?}"),
        }
    }

    pub fn ask(&self, seconds: i64) -> u64 {
        self.ask_for(&self.draft(), seconds)
    }

    pub fn asked(&self, id: u64) -> Asked {
        Asked::read(&self.reader(), &self.vkey(), id)
            .unwrap()
            .unwrap()
    }

    /// The statement about this request, and its signature by an approver.
    pub fn signed(
        &self,
        approver: &str,
        id: u64,
        verdict: Verdict,
        minutes: Option<u32>,
    ) -> (Statement, String) {
        let line = self.asked(id).line.clone();
        let statement = Statement::new(self.agent.clone(), id, line, verdict, minutes).unwrap();
        let signature = key_of(approver).sign(&statement.to_line());
        (statement, signature)
    }

    /// An approver's decision, as far as it goes before the log.
    pub fn decision(
        &self,
        approver: &str,
        id: u64,
        verdict: Verdict,
        minutes: Option<u32>,
        seconds: i64,
    ) -> Result<Decision, NotDecided> {
        let asked = self.asked(id);
        if approver == "owner" {
            return Decision::by_owner(&asked, verdict, minutes, None, at(seconds));
        }
        let (statement, signature) = self.signed(approver, id, verdict, minutes);
        Decision::by_approver(
            &statement,
            &signature,
            Some(&asked),
            &self.vault.catalog(),
            &self.agent,
            at(seconds),
        )
    }

    /// Says yes or no; what becomes of it.
    pub fn try_say(
        &self,
        approver: &str,
        id: u64,
        verdict: Verdict,
        minutes: Option<u32>,
        seconds: i64,
    ) -> Result<u64, NotDecided> {
        let decision = Box::new(self.decision(approver, id, verdict, minutes, seconds)?);
        match self
            .submit(Submission::Decide(decision), at(seconds))
            .unwrap()
        {
            Committed::Decided(noted) => Ok(noted.index),
            Committed::NotDecided(why) => Err(why),
            other => panic!("{other:?}"),
        }
    }

    pub fn approve(&self, approver: &str, id: u64, seconds: i64) -> u64 {
        self.try_say(approver, id, Verdict::Approve, None, seconds)
            .unwrap()
    }

    pub fn approve_for(&self, approver: &str, id: u64, minutes: u32, seconds: i64) -> u64 {
        self.try_say(approver, id, Verdict::Approve, Some(minutes), seconds)
            .unwrap()
    }

    pub fn deny(&self, approver: &str, id: u64, seconds: i64) -> u64 {
        self.try_say(approver, id, Verdict::Deny, None, seconds)
            .unwrap()
    }

    /// The request as it was stored, authenticated and authorised again.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal carries the request on, as a permit does"
    )]
    pub fn again(&self, id: u64, seconds: i64) -> Result<Authorized, Refused> {
        let stored = self.reader().pending(id).unwrap().unwrap();
        let catalog = self.vault.catalog();
        self.vault
            .open_request(&stored.request)
            .unwrap()
            .authenticate_again(
                &self.asked(id),
                catalog.services(),
                &self.agent,
                at(seconds),
            )
            .unwrap()
            .authorize(&catalog)
    }

    pub fn quorum(&self, proposal: &Proposal, seconds: i64) -> Result<Quorum, Missing> {
        let asked = Asked::about(&self.reader(), &self.vkey(), proposal, at(seconds)).unwrap();
        let catalog = self.vault.catalog();
        Quorum::of(proposal, &asked, &catalog, &self.agent, at(seconds))
    }

    pub fn approved(&self, proposal: Proposal, seconds: i64) -> Result<Permit, Missing> {
        let quorum = self.quorum(&proposal, seconds)?;
        Ok(proposal.approved_by(quorum).unwrap())
    }

    /// The permit for a request that waits, if there is a quorum.
    pub fn collect(&self, id: u64, seconds: i64) -> Result<Permit, Missing> {
        match self.again(id, seconds).unwrap() {
            Authorized::Proposal(proposal) => self.approved(*proposal, seconds),
            Authorized::Permit(permit) => Ok(permit),
        }
    }

    /// Records the use and uses the key: the entry's index.
    pub fn use_it(&self, permit: Permit, seconds: i64) -> Result<u64, Box<Refused>> {
        match self.submit(Submission::Use(permit), at(seconds)).unwrap() {
            Committed::Use(recorded) => {
                let index = recorded.noted().index;
                assert!(matches!(self.vault.use_key(recorded), Ok(Used::Done(_))));
                Ok(index)
            }
            Committed::Refused(refused) => Err(refused),
            other => panic!("{other:?}"),
        }
    }

    /// A call of a service's about a request.
    pub fn called(&self, by_borg: bool, id: u64, seconds: i64) -> request::Called {
        let call = Call {
            agent: self.agent.clone(),
            id,
        };
        let key = match by_borg {
            true => &self.other_key,
            false => &self.key,
        };
        let validity = Duration::from_secs(60);
        let signed = call
            .sign_cancel(key, self.nonce(), validity, at(seconds))
            .unwrap();
        match self
            .submit(self.call(&signed, seconds), at(seconds))
            .unwrap()
        {
            Committed::Called(called) => called,
            other => panic!("{other:?}"),
        }
    }

    pub fn call(&self, signed: &SignedRequest, seconds: i64) -> Submission {
        let call = request::Call::parse(
            &http::Method::POST,
            signed.path(),
            signed.headers(),
            signed.body(),
        );
        let arrival = Arrival {
            way_in: WayIn::Tls,
            address: None,
        };
        let catalog = self.vault.catalog();
        let call =
            call.unwrap()
                .authenticate(catalog.services(), &self.agent, arrival, at(seconds));
        Submission::Call(Box::new(call.unwrap()))
    }

    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    pub fn event(&self, index: u64) -> Event {
        let line = &self.reader().entries(index, 1).unwrap()[0].line;
        Entry::parse(line).unwrap().event
    }

    pub fn asked_line(&self, id: u64) -> String {
        self.reader().entries(id, 1).unwrap().remove(0).line
    }

    pub fn size(&self) -> u64 {
        self.reader().log_size().unwrap()
    }
}

/// Each approver's key, of another kind each.
pub fn key_of(approver: &str) -> Key {
    match approver {
        "alice" => Key::ed25519(11),
        "bob" => Key::p256(12),
        "carol" => Key::ed25519(13).on_security_key("ssh:"),
        "dave" => Key::p256(14).on_security_key("ssh:deploy"),
        "mallory" => Key::ed25519(15),
        "web" => Key::ed25519(16).on_security_key("https://example.com"),
        "atlas" => Key::ed25519(2),
        other => panic!("{other}"),
    }
}
