//! A service and an agent, with everything but the network between them.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{AgentKeys, BadAnswer, Call, CheckedAnswer, Draft, SignedRequest, SigningKey, check};
use crate::{
    answer::{Answer, Problem},
    approval::{Asking, Waiting},
    audit::{Committed, Event, Log, Submission, receipt::BadReceipt},
    identity::Identity,
    operation::{Kind, OperationName},
    policy::{Authorized, PolicyText},
    request::{
        PATH, Request,
        tests::{ARRIVAL, NOW, at},
    },
    store::sqlite::SqliteStore,
    vault::{
        Change, Parameters, Passphrase, SecretOptions, Used, Vault, VaultError, material::Material,
    },
};

const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
";
/// RFC 9421 appendix B.1.3, as it stands there.
const P256_PEM: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49
AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM
4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END EC PRIVATE KEY-----
";

/// An agent with a vault and an audit log, but without sockets.
struct Agent {
    identity: Identity,
    vault: Vault,
    log: Log<SqliteStore>,
    _directory: tempfile::TempDir,
}

/// What comes back over the network.
#[derive(Clone, Debug)]
struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Agent {
    /// `atlas` has both keys and may do everything that has no ticket.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&directory.path().join("strongroom.db")).unwrap();
        let identity = Identity::generate("vault.example.com").unwrap();
        let log = Log::open(
            store,
            identity.checkpoint_signer(),
            &identity.checkpoint_vkey(),
        )
        .unwrap();
        let passphrase = Passphrase::from("correct horse battery staple".to_owned());
        let (vault, created, _) =
            Vault::create_with(&passphrase, Parameters::FLOOR, at(NOW)).unwrap();
        let mut agent = Self {
            identity,
            vault,
            log,
            _directory: directory,
        };
        agent
            .log
            .commit(vec![Submission::Change(created)], at(NOW))
            .pop()
            .unwrap()
            .unwrap();
        let options = SecretOptions {
            releasable: true,
            ..SecretOptions::default()
        };
        let signing = Material::generate(Kind::Ed25519).unwrap();
        let token = Material::import(Some(Kind::Token), b"hunter2-of-heroku").unwrap();
        agent.change(|vault| {
            vault.add_secret(&"deploy/key".parse().unwrap(), &signing, &options, at(NOW))
        });
        agent.change(|vault| {
            vault.add_secret(&"heroku".parse().unwrap(), &token, &options, at(NOW))
        });
        let data = Material::generate(Kind::Aes256).unwrap();
        agent.change(|vault| {
            vault.add_secret(&"data/key".parse().unwrap(), &data, &options, at(NOW))
        });
        let keys = [ED25519_PEM, P256_PEM].map(|pem| {
            SigningKey::parse(pem.as_bytes())
                .unwrap()
                .public_key()
                .clone()
        });
        agent.change(|vault| vault.add_service(&"atlas".parse().unwrap(), &keys, at(NOW)));
        let policy = r#"permit (principal == Service::"atlas", action, resource) when { !(context has ticket) };"#;
        let policy = PolicyText::check("atlas".parse().unwrap(), policy).unwrap();
        agent.change(|vault| vault.set_policy(&policy, at(NOW)));
        agent
    }

    fn change(&mut self, make: impl FnOnce(&Vault) -> Result<Change, VaultError>) {
        let change = make(&self.vault).unwrap();
        let committed = self
            .log
            .commit(vec![Submission::Change(change)], at(NOW))
            .pop()
            .unwrap();
        let Committed::Changed(changed) = committed.unwrap() else {
            panic!("not a change")
        };
        self.vault.apply(&changed).unwrap();
    }

    fn keys(&self) -> AgentKeys {
        AgentKeys {
            answers: self.identity.answer_public().clone(),
            checkpoints: self.identity.checkpoint_vkey(),
        }
    }

    /// The pipeline.
    fn answer(&mut self, sent: &SignedRequest) -> Received {
        let answer = self.decide(sent);
        self.sign(&answer, Some(sent))
    }

    fn sign(&self, answer: &Answer, sent: Option<&SignedRequest>) -> Received {
        let signed = answer.sign(&self.identity, sent.map(SignedRequest::signature), at(NOW));
        Received {
            status: answer.status,
            headers: signed.into_iter().collect(),
            body: answer.body.clone(),
        }
    }

    fn decide(&mut self, sent: &SignedRequest) -> Answer {
        let request = Request::parse(&Method::POST, PATH, sent.headers(), sent.body()).unwrap();
        let catalog = self.vault.catalog();
        let audience = self.identity.thumbprint();
        let authenticated =
            match request.authenticate(catalog.services(), audience, ARRIVAL, at(NOW)) {
                Ok(authenticated) => authenticated,
                Err(refused) => {
                    return Answer::refusal(Problem::NotAuthenticated, refused.told(), None);
                }
            };
        match authenticated.authorize(&catalog) {
            Err(refused) => {
                let (problem, told) = (refused.problem(), refused.told().to_owned());
                let batch = vec![Submission::Refusal(refused)];
                let committed = self.log.commit(batch, at(NOW)).pop().unwrap();
                assert!(matches!(committed, Ok(Committed::Noted(_))));
                Answer::refusal(problem, &told, None)
            }
            Ok(authorized) => {
                let permit = authorized.into_permit().unwrap();
                let batch = vec![Submission::Use(permit)];
                match self.log.commit(batch, at(NOW)).pop().unwrap().unwrap() {
                    Committed::Use(recorded) => match self.vault.use_key(recorded) {
                        Ok(Used::Done(outcome)) => Answer::to_outcome(outcome),
                        Ok(Used::Begun(progress)) => panic!("{progress:?}"),
                        Err(error) => {
                            Answer::refusal(error.problem(), &error.told(), Some(error.noted()))
                        }
                    },
                    Committed::Replay(_) => Answer::refusal(Problem::Replay, "", None),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn draft(&self, secret: &str, operation: OperationName, input: Value) -> Draft {
        Draft {
            agent: self.keys().answers.thumbprint(),
            secret: secret.parse().unwrap(),
            operation,
            input,
            purpose: Some("release 1.2".to_owned()),
            ticket: None,
            reply_to: None,
        }
    }

    fn signing(&self, nonce: u8) -> SignedRequest {
        let draft = self.draft(
            "deploy/key",
            OperationName::Sign,
            json!({"message": "aGVsbG8="}),
        );
        sign(&draft, nonce)
    }
}

fn sign(draft: &Draft, nonce: u8) -> SignedRequest {
    let key = SigningKey::parse(ED25519_PEM.as_bytes()).unwrap();
    draft
        .sign(&key, [nonce; 16], Duration::from_secs(60), at(NOW))
        .unwrap()
}

impl Received {
    fn check(&self, sent: &SignedRequest, agent: &AgentKeys) -> Result<CheckedAnswer, BadAnswer> {
        check(sent, self.status, &self.headers, &self.body, agent)
    }

    fn set(&mut self, name: &'static str, value: &str) {
        let name = HeaderName::from_static(name);
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
    }

    fn header(&self, name: &str) -> String {
        self.headers.get(name).unwrap().to_str().unwrap().to_owned()
    }
}

#[test]
fn a_service_asks_and_believes_the_answer() {
    let mut agent = Agent::new();
    for (nonce, pem) in [(1, ED25519_PEM), (2, P256_PEM)] {
        let key = SigningKey::parse(pem.as_bytes()).unwrap();
        let draft = agent.draft(
            "deploy/key",
            OperationName::Sign,
            json!({"message": "aGVsbG8="}),
        );
        let sent = draft
            .sign(&key, [nonce; 16], Duration::from_secs(60), at(NOW))
            .unwrap();
        let received = agent.answer(&sent);
        let CheckedAnswer::Result { result, proof } = received.check(&sent, &agent.keys()).unwrap()
        else {
            panic!("no result");
        };
        assert!(result["signature"].is_string(), "{result}");
        let Event::Use { ask, secret, .. } = &proof.entry.event else {
            panic!("no use")
        };
        assert_eq!(
            (ask.service.as_str(), secret.as_str()),
            ("atlas", "deploy/key")
        );
        assert_eq!((&ask.digest, &ask.key), (&sent.digest(), &key.thumbprint()));
        assert_eq!(proof.index + 1, agent.log.size());
    }
}

#[test]
fn what_waits_is_proved_and_asked_for_by_its_number() {
    let mut agent = Agent::new();
    let policy = r#"@approve("1 of security") permit (principal, action, resource) when { context has ticket };"#;
    let policy = PolicyText::check("tickets".parse().unwrap(), policy).unwrap();
    agent.change(|vault| vault.set_policy(&policy, at(NOW)));
    let draft = Draft {
        ticket: Some("CHG-1".to_owned()),
        ..agent.draft(
            "deploy/key",
            OperationName::Sign,
            json!({"message": "aGVsbG8="}),
        )
    };
    let sent = sign(&draft, 1);
    let request = Request::parse(&Method::POST, PATH, sent.headers(), sent.body()).unwrap();
    let catalog = agent.vault.catalog();
    let audience = agent.identity.thumbprint();
    let authenticated = request.authenticate(catalog.services(), audience, ARRIVAL, at(NOW));
    let Authorized::Proposal(proposal) = authenticated.unwrap().authorize(&catalog).unwrap() else {
        panic!("nobody is asked")
    };
    let waiting = Waiting::of(PATH, sent.headers(), sent.body()).unwrap();
    let sealed = agent.vault.seal_request(&waiting).unwrap();
    let asking = Asking::new(*proposal, sealed, at(NOW + 60));
    let batch = vec![Submission::Ask(Box::new(asking))];
    let Some(Ok(Committed::Pending(noted))) = agent.log.commit(batch, at(NOW)).pop() else {
        panic!("it does not wait")
    };
    let accepted = Answer::to_waiting(at(NOW + 60), &noted);
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
    let keys = agent.keys();
    let received = agent.sign(&accepted, Some(&sent));
    let CheckedAnswer::Pending(pending) = received.check(&sent, &keys).unwrap() else {
        panic!("it does not wait")
    };
    assert_eq!((pending.id, pending.expires), (noted.index, at(NOW + 60)));

    // Another process of the service, which knows the number alone.
    let key = SigningKey::parse(ED25519_PEM.as_bytes()).unwrap();
    let call = |id| Call {
        agent: keys.answers.thumbprint(),
        id,
    };
    let (nonce, validity) = ([2; 16], Duration::from_secs(60));
    let result = call(noted.index).sign_result(&key, nonce, validity, at(NOW));
    let result = result.unwrap();
    let received = agent.sign(&accepted, Some(&result));
    assert!(matches!(
        received.check(&result, &keys),
        Ok(CheckedAnswer::Pending(again)) if again == pending
    ));
    // What is about another request is no answer, though the agent signed it for this call.
    let other = call(noted.index + 1).sign_result(&key, nonce, validity, at(NOW));
    let other = other.unwrap();
    let received = agent.sign(&accepted, Some(&other));
    let refused = received.check(&other, &keys).unwrap_err();
    assert_eq!(refused, BadAnswer::AnotherEntry);
    let cancel = call(noted.index).sign_cancel(&key, nonce, validity, at(NOW));
    let cancel = cancel.unwrap();
    for (id, is_it) in [(noted.index, true), (noted.index + 1, false)] {
        let received = agent.sign(&Answer::to_cancelled(id), Some(&cancel));
        let checked = received.check(&cancel, &keys);
        assert_eq!(matches!(checked, Ok(CheckedAnswer::Cancelled)), is_it);
    }
}

#[test]
fn a_secret_comes_sealed_and_only_so() {
    let mut agent = Agent::new();
    let me = age::x25519::Identity::generate();
    let mut draft = agent.draft("heroku", OperationName::Release, json!({}));
    draft.reply_to = Some(me.to_public());
    let sent = sign(&draft, 1);
    let received = agent.answer(&sent);
    assert!(!String::from_utf8_lossy(&received.body).contains("hunter2"));
    let CheckedAnswer::Sealed { sealed, .. } = received.check(&sent, &agent.keys()).unwrap() else {
        panic!("not sealed");
    };
    assert!(
        sealed
            .as_str()
            .starts_with("-----BEGIN AGE ENCRYPTED FILE-----")
    );
    let opened: Value = serde_json::from_slice(&sealed.open(&me).unwrap()).unwrap();
    assert_eq!(opened["value"], "aHVudGVyMi1vZi1oZXJva3U=");
    assert!(sealed.open(&age::x25519::Identity::generate()).is_err());
    // Nobody to seal it to: not possible.
    draft.reply_to = None;
    let sent = sign(&draft, 2);
    let checked = agent.answer(&sent).check(&sent, &agent.keys()).unwrap();
    let CheckedAnswer::Refused(refusal) = checked else {
        panic!("not refused")
    };
    assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn a_refusal_is_signed_and_says_little() {
    let mut agent = Agent::new();
    let mut draft = agent.draft(
        "deploy/key",
        OperationName::Sign,
        json!({"message": "aGVsbG8="}),
    );
    draft.ticket = Some("CHG-1".to_owned());
    let mut told = Vec::new();
    for (nonce, secret) in [(1, "deploy/key"), (2, "no/such/secret")] {
        draft.secret = secret.parse().unwrap();
        let sent = sign(&draft, nonce);
        let checked = agent.answer(&sent).check(&sent, &agent.keys()).unwrap();
        let CheckedAnswer::Refused(refusal) = checked else {
            panic!("not refused")
        };
        assert_eq!(refusal.status, StatusCode::FORBIDDEN);
        assert_eq!(refusal.problem, "urn:strongroom:problem:denied");
        told.push(refusal);
    }
    assert_eq!(told.first(), told.last());
}

#[test]
fn a_use_that_failed_has_a_receipt() {
    let mut agent = Agent::new();
    let input =
        json!({"ciphertext": "AAAA", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA=="});
    let mut draft = agent.draft("data/key", OperationName::Decrypt, input);
    draft.reply_to = Some(age::x25519::Identity::generate().to_public());
    let sent = sign(&draft, 1);
    let checked = agent.answer(&sent).check(&sent, &agent.keys()).unwrap();
    let CheckedAnswer::Refused(refusal) = checked else {
        panic!("not refused")
    };
    assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(matches!(
        refusal.proof.unwrap().entry.event,
        Event::Use { .. }
    ));
}

#[test]
fn a_request_is_good_once() {
    let mut agent = Agent::new();
    let sent = agent.signing(1);
    assert!(matches!(
        agent.answer(&sent).check(&sent, &agent.keys()),
        Ok(CheckedAnswer::Result { .. })
    ));
    let checked = agent.answer(&sent).check(&sent, &agent.keys()).unwrap();
    let CheckedAnswer::Refused(refusal) = checked else {
        panic!("not refused")
    };
    assert_eq!(
        (refusal.status, refusal.proof),
        (StatusCode::CONFLICT, None)
    );
}

#[test]
fn an_answer_belongs_to_one_request() {
    let mut agent = Agent::new();
    let (one, two) = (agent.signing(1), agent.signing(2));
    let received = agent.answer(&one);
    assert_eq!(
        received.check(&two, &agent.keys()).unwrap_err(),
        BadAnswer::BadSignature
    );
    // Nor is one taken that is signed, but for no request.
    let answer = Answer::refusal(Problem::Locked, "", None);
    let unbound = agent.sign(&answer, None);
    let refused = unbound.check(&one, &agent.keys()).unwrap_err();
    assert_eq!(refused, BadAnswer::NotCovered("the request's signature"));
    let keys = agent.keys();
    let unbound_is_signed = super::check_signature(
        unbound.status,
        &unbound.headers,
        &unbound.body,
        &keys.answers,
        None,
    );
    assert_eq!(unbound_is_signed, Ok(()));
}

#[test]
fn an_entry_about_another_request_is_no_proof() {
    let mut agent = Agent::new();
    let (one, two) = (agent.signing(1), agent.signing(2));
    let answer = agent.decide(&one);
    let received = agent.sign(&answer, Some(&two));
    assert_eq!(
        received.check(&two, &agent.keys()).unwrap_err(),
        BadAnswer::AnotherEntry
    );
}

#[test]
fn only_this_agents_word_counts() {
    let mut agent = Agent::new();
    let sent = agent.signing(1);
    let received = agent.answer(&sent);
    let other = Identity::generate("vault.example.com").unwrap();
    let keys = AgentKeys {
        answers: other.answer_public().clone(),
        checkpoints: other.checkpoint_vkey(),
    };
    assert!(matches!(
        received.check(&sent, &keys),
        Err(BadAnswer::AnotherKey(_))
    ));
    let keys = AgentKeys {
        checkpoints: other.checkpoint_vkey(),
        ..agent.keys()
    };
    assert!(matches!(
        received.check(&sent, &keys),
        Err(BadAnswer::Receipt(BadReceipt::Checkpoint(_)))
    ));
}

#[test]
fn what_was_changed_on_the_way_is_noticed() {
    let mut agent = Agent::new();
    let sent = agent.signing(1);
    let good = agent.answer(&sent);
    let keys = agent.keys();
    let refused = |change: &dyn Fn(&mut Received)| {
        let mut received = good.clone();
        change(&mut received);
        received.check(&sent, &keys).unwrap_err()
    };
    assert_eq!(
        refused(&|r| r.status = StatusCode::CREATED),
        BadAnswer::BadSignature
    );
    assert_eq!(
        refused(&|r| r.set("content-type", "text/html")),
        BadAnswer::BadSignature
    );
    assert!(matches!(
        refused(&|r| r.body.push(b' ')),
        BadAnswer::Digest(_)
    ));
    let digest = crate::request::digest::content_digest(b"{}");
    assert_eq!(
        refused(&|r| r.set("content-digest", &digest)),
        BadAnswer::BadSignature
    );
    for name in ["signature", "signature-input"] {
        assert_eq!(
            refused(&|r| _ = r.headers.remove(name)),
            BadAnswer::NotSigned
        );
    }
    for (from, to, expected) in [
        ("\"@status\" ", "", BadAnswer::NotCovered("@status")),
        (
            "\"content-digest\" ",
            "",
            BadAnswer::NotCovered("content-digest"),
        ),
        (
            ";key=\"strongroom\"",
            "",
            BadAnswer::NotCovered("the request's signature"),
        ),
        (
            ";req;key=",
            ";key=",
            BadAnswer::NotCovered("the request's signature"),
        ),
        ("tag=\"strongroom\"", "tag=\"x\"", BadAnswer::NotSigned),
        ("created=1", "created=2", BadAnswer::BadSignature),
    ] {
        let input = good.header("signature-input");
        assert!(input.contains(from), "{input}");
        assert_eq!(
            refused(&|r| r.set("signature-input", &input.replace(from, to))),
            expected
        );
    }
}

#[test]
fn a_key_that_cannot_sign_requests_says_so() {
    let rsa = Material::generate_rsa(2048).unwrap().to_stored();
    let refused = SigningKey::parse(&rsa).unwrap_err().to_string();
    assert_eq!(
        refused,
        "requests are signed with Ed25519 or P-256 keys, and this one is of kind `rsa`"
    );
    let (key, pem) = SigningKey::generate().unwrap();
    assert_eq!(
        SigningKey::parse(&pem).unwrap().thumbprint(),
        key.thumbprint()
    );
    assert!(format!("{key:?}").ends_with("[secret])"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Nothing that the agent's key signs panics the service, whatever it is.
    #[test]
    fn no_answer_panics(
        status in 200_u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "[ -~]{0,40}".prop_map(|line| json!({"result": 1, "entry": line, "receipt": line, "type": "", "title": ""}).to_string().into_bytes()),
        ],
        problem: bool,
        fields in proptest::collection::vec((
            proptest::sample::select(&["content-type", "content-digest", "signature", "signature-input"][..]),
            "[ -~]{0,40}",
        ), 0..3),
    ) {
        let identity = Identity::generate("a").unwrap();
        let agent = AgentKeys { answers: identity.answer_public().clone(), checkpoints: identity.checkpoint_vkey() };
        let draft = Draft {
            agent: agent.answers.thumbprint(),
            secret: "a".parse().unwrap(),
            operation: OperationName::Release,
            input: Value::Null,
            purpose: None,
            ticket: None,
            reply_to: None,
        };
        let sent = sign(&draft, 1);
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            content_type: if problem { crate::answer::PROBLEM_JSON } else { crate::answer::JSON },
            body,
            retry_after: None,
        };
        let mut headers: HeaderMap =
            answer.sign(&identity, Some(sent.signature()), at(NOW)).into_iter().collect();
        _ = check(&sent, answer.status, &headers, &answer.body, &agent);
        for (name, value) in fields {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        _ = check(&sent, answer.status, &headers, &answer.body, &agent);
    }
}
