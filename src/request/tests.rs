//! The profile, against vectors, an independent implementation and random damage.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use sfv::{Dictionary, ListEntry, Parser};

use super::{
    Arrival, MAX_BODY, MAX_LARGE_BODY, Request, SignedMessage, WayIn,
    base::{Message, signature_base},
    digest::content_digest,
};
use crate::{
    audit::Reason,
    service::{Authenticated, EnrolledKey, PublicKey, Services},
};

mod oracle;
mod vectors;

/// RFC 9421 appendix B.1.4, `test-key-ed25519`.
const ED25519_SEED: &str = "n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=";
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
/// RFC 9421 appendix B.1.3, `test-key-ecc-p256`.
const P256_SCALAR: &str = "UpuF81l+kOxbjf7T4mNSv0r5tN67Gim7rnf6EFpcYDs=";
const P256: &str = r#"{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}"#;
/// RFC 8032 section 7.1, test 2: the key of a suspended service.
const SUSPENDED_SEED: &str = "TM0Imyj/ltqdtsNG7BFOD1uKMZ81q6Yk2oz27U+4pvs=";
const SUSPENDED: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;
/// RFC 8032 section 7.1, test 1: a key that nobody enrolled.
const STRANGER_SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDus88oO1WA=";

/// The thumbprint of RFC 8037 appendix A.3.
pub(crate) const AGENT: &str = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
/// 2026-01-01T00:00:00Z.
pub(crate) const NOW: i64 = 1_767_225_600;
pub(crate) const ARRIVAL: Arrival = Arrival {
    way_in: WayIn::Tls,
    address: None,
};

/// Who signs in a test.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Ed25519,
    P256,
    /// P-256, but with the signature in ASN.1.
    P256Asn1,
    Suspended,
    Stranger,
}

/// A message as it comes from the network.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What a test's message is made of, before it is signed.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) by: By,
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) covered: &'static str,
    /// In order; a value is as it stands in the field.
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// Beside those that sign it.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

pub(crate) fn body() -> Value {
    json!({"agent": AGENT, "secret": "deploy/key", "operation": "sign", "purpose": "release 1.2", "input": {"message": "aGVsbG8="}})
}

impl Recipe {
    /// A good request.
    pub(crate) fn new(by: By) -> Self {
        Self::with_body(by, body().to_string())
    }

    pub(crate) fn with_body(by: By, body: String) -> Self {
        let quoted = |text: &str| format!("\"{text}\"");
        let key = by.public();
        let parameters = vec![
            ("created", NOW.to_string()),
            ("expires", (NOW + 60).to_string()),
            ("nonce", quoted("AAECAwQFBgcICQoLDA0ODw")),
            ("keyid", quoted(key.thumbprint().as_str())),
            ("alg", quoted(key.algorithm().signature_name().unwrap())),
            ("tag", quoted("strongroom")),
        ];
        Self {
            by,
            method: "POST",
            target: "/v1/access",
            covered: r#""@method" "@path" "content-type" "content-digest""#,
            parameters,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("content-digest", content_digest(body.as_bytes())),
            ],
            body,
        }
    }

    pub(crate) fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl ToString) {
        match self.parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value.to_string(),
            None => self.parameters.push((name, value.to_string())),
        }
    }

    pub(crate) fn without(&mut self, name: &str) {
        self.parameters.retain(|(known, _)| *known != name);
        self.headers.retain(|(known, _)| *known != name);
    }

    /// Signs it. What can't be signed, because the base can't be built, gets a signature of 64 zeros.
    pub(crate) fn signed(self) -> Sent {
        let parameters: String = self
            .parameters
            .iter()
            .map(|(name, value)| format!(";{name}={value}"))
            .collect();
        let input = format!("strongroom=({}){parameters}", self.covered);
        let headers = headers(&self.headers);
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        let members = Parser::new(&input).parse::<Dictionary>().unwrap();
        let base = match members.get("strongroom").unwrap() {
            ListEntry::InnerList(list) => {
                signature_base(list, &Message::request(&method, self.target, &headers)).ok()
            }
            ListEntry::Item(_) => None,
        };
        let signature = base.map_or_else(|| vec![0; 64], |base| self.by.sign(base.as_bytes()));
        let mut sent = Sent {
            method: self.method.to_owned(),
            target: self.target.to_owned(),
            headers: Vec::new(),
            body: self.body,
        };
        for (name, value) in self.headers {
            sent.headers.push((name.to_owned(), value));
        }
        sent.headers.push(("signature-input".to_owned(), input));
        let signature = format!("strongroom=:{}:", STANDARD.encode(signature));
        sent.headers.push(("signature".to_owned(), signature));
        sent
    }
}

impl By {
    pub(crate) fn public(self) -> PublicKey {
        let jwk = match self {
            Self::Ed25519 => ED25519.to_owned(),
            Self::P256 | Self::P256Asn1 => P256.to_owned(),
            Self::Suspended => SUSPENDED.to_owned(),
            Self::Stranger => {
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
                    .to_owned()
            }
        };
        PublicKey::parse(&jwk).unwrap()
    }

    fn sign(self, base: &[u8]) -> Vec<u8> {
        let ed25519 = |seed| {
            let pair = Ed25519KeyPair::from_seed_unchecked(&STANDARD.decode(seed).unwrap());
            pair.unwrap().sign(base).as_ref().to_vec()
        };
        let p256 = |algorithm| {
            let spki = PublicKey::parse(P256).unwrap().spki_der().to_vec();
            let point = &spki[spki.len() - 65..];
            let scalar = STANDARD.decode(P256_SCALAR).unwrap();
            let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &scalar, point);
            let random = aws_lc_rs::rand::SystemRandom::new();
            pair.unwrap().sign(&random, base).unwrap().as_ref().to_vec()
        };
        match self {
            Self::Ed25519 => ed25519(ED25519_SEED),
            Self::P256 => p256(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Self::P256Asn1 => p256(&ECDSA_P256_SHA256_ASN1_SIGNING),
            Self::Suspended => ed25519(SUSPENDED_SEED),
            Self::Stranger => ed25519(STRANGER_SEED),
        }
    }
}

fn headers<N: AsRef<str>>(fields: &[(N, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.as_ref().parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

/// `atlas` with an Ed25519 and a P-256 key, and `borg`, which is suspended.
pub(crate) fn services() -> Services {
    let enrolled = |service: &str, by: By, suspended| EnrolledKey {
        service: service.parse().unwrap(),
        key: by.public(),
        suspended,
    };
    Services::new([
        enrolled("atlas", By::Ed25519, false),
        enrolled("atlas", By::P256, false),
        enrolled("borg", By::Suspended, true),
    ])
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

impl Sent {
    pub(crate) fn parse(&self) -> Result<Request, super::Malformed> {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        Request::parse(
            &method,
            &self.target,
            &headers(&self.headers),
            self.body.as_bytes(),
        )
    }

    /// What the agent makes of it at [`NOW`].
    pub(crate) fn arrives(&self) -> Result<Authenticated, (Reason, String)> {
        let request = self
            .parse()
            .map_err(|refused| (refused.reason(), refused.detail().to_owned()))?;
        request
            .authenticate(&services(), &AGENT.parse().unwrap(), ARRIVAL, at(NOW))
            .map_err(|refused| (refused.reason(), refused.detail().to_owned()))
    }
}

#[test]
fn a_request_is_read_whole() {
    let mut body = body();
    body["ticket"] = json!("CHG-1");
    let recipient = age::x25519::Identity::generate().to_public();
    body["reply_to"] = json!(recipient.to_string());
    let sent = Recipe::with_body(By::Ed25519, body.to_string()).signed();
    let request = sent.parse().unwrap();
    assert_eq!(request.secret().as_str(), "deploy/key");
    assert_eq!(request.operation().name().as_str(), "sign");
    assert_eq!(request.purpose(), Some("release 1.2"));
    assert_eq!(request.ticket(), Some("CHG-1"));
    assert_eq!(
        request.reply_to().unwrap().to_string(),
        recipient.to_string()
    );
    assert_eq!(request.agent().as_str(), AGENT);
    assert_eq!(request.nonce(), "AAECAwQFBgcICQoLDA0ODw");
    assert_eq!(request.keyid(), &By::Ed25519.public().thumbprint());
    let signature = super::RequestSignature::of(&headers(&sent.headers)).unwrap();
    assert_eq!(request.signature(), &signature);
}

#[test]
fn a_sealed_answer_needs_somebody_to_seal_it_to() {
    let mut release = json!({"agent": AGENT, "secret": "a", "operation": "release"});
    let can_answer = |body: &Value| {
        Recipe::with_body(By::Ed25519, body.to_string())
            .signed()
            .parse()
            .unwrap()
            .can_answer()
    };
    assert!(!can_answer(&release));
    release["reply_to"] = json!(age::x25519::Identity::generate().to_public().to_string());
    assert!(can_answer(&release));
    assert!(can_answer(&body()));
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let refused = |body: String| {
        let sent = Recipe::with_body(By::Ed25519, body).signed();
        sent.arrives().unwrap_err()
    };
    // For one operation there may be more, so its name is read first.
    let mut long = body();
    long["input"]["message"] = json!("A".repeat(MAX_BODY));
    for (body, most) in [
        (long.to_string(), "1048576"),
        (" ".repeat(MAX_LARGE_BODY + 1), "14680064"),
    ] {
        let (reason, detail) = refused(body);
        assert_eq!(reason, Reason::TooLarge);
        assert!(detail.contains(most), "{detail}");
    }
}

#[test]
fn the_head_alone_says_who_it_is() {
    let vouched = |by: By, body: &str| {
        let sent = Recipe::with_body(by, body.to_owned()).signed();
        let head = headers(&sent.headers);
        let message = SignedMessage::parse_head(&Method::POST, &sent.target, &head).unwrap();
        let vouched = services().vouch(&message, at(NOW));
        vouched.map_err(|refused| refused.reason())
    };
    // Whatever the body is: it has not come yet.
    assert_eq!(
        vouched(By::Ed25519, "not even JSON").unwrap().as_str(),
        "atlas"
    );
    assert_eq!(vouched(By::Suspended, ""), Err(Reason::Suspended));
    assert_eq!(vouched(By::Stranger, ""), Err(Reason::UnknownKey));
}

#[test]
fn debug_hides_the_input() {
    let request = Recipe::new(By::Ed25519).signed().parse().unwrap();
    let shown = format!("{request:?}");
    assert!(
        shown.contains("deploy/key") && !shown.contains("message"),
        "{shown}"
    );
}

#[test]
fn the_remote_is_not_told_which_keys_there_are() {
    let told = |by| {
        let sent = Recipe::new(by).signed();
        let refused = sent.parse().unwrap().authenticate(
            &services(),
            &AGENT.parse().unwrap(),
            ARRIVAL,
            at(NOW),
        );
        refused.unwrap_err().told().to_owned()
    };
    assert_eq!(told(By::Stranger), told(By::Suspended));
    assert_eq!(told(By::Stranger), told(By::P256Asn1));
}

proptest! {
    /// Whatever one character is changed to: either nothing that is signed changed, or it is refused.
    #[test]
    fn one_changed_character_is_noticed(p256: bool, field in 0_usize..4, at: proptest::sample::Index, to in "[ -~]") {
        let sent = Recipe::new(if p256 { By::P256 } else { By::Ed25519 }).signed();
        let digest = *sent.parse().unwrap().digest();
        let mut changed = sent.clone();
        let value = &mut changed.headers[field].1;
        let at = at.index(value.len());
        value.replace_range(at..=at, &to);
        if let Ok(authenticated) = changed.arrives() {
            prop_assert_eq!(authenticated.request().digest(), &digest);
        }
        let mut changed = sent.clone();
        let at = at % changed.body.len();
        changed.body.replace_range(at..=at, &to);
        if changed.body != sent.body {
            prop_assert!(changed.arrives().is_err());
        }
    }

    #[test]
    fn no_bytes_panic(
        fields in proptest::collection::vec((
            proptest::sample::select(&["content-type", "content-digest", "signature", "signature-input", "host"][..]),
            proptest::collection::vec(any::<u8>(), 0..60),
        ), 0..6),
        body in proptest::collection::vec(any::<u8>(), 0..80),
        target in "/v1/access[?]?[ -~]{0,10}",
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        _ = Request::parse(&Method::POST, &target, &headers, &body);
        _ = super::RequestSignature::of(&headers);
    }

    /// Past the signature: any JSON in the body.
    #[test]
    fn no_body_panics(
        operation in "(sign|mac|verify-mac|encrypt|decrypt|release|public-key|[a-z]{0,5})",
        member in "(message|digest|algorithm|plaintext|aad|iv|tag|ciphertext|version|format|encoding)",
        value in prop_oneof![any::<i64>().prop_map(Value::from), "[A-Za-z0-9+/=]{0,40}".prop_map(Value::from), Just(Value::Null), Just(json!([{}]))],
        purpose: String,
    ) {
        let mut body = body();
        body["operation"] = json!(operation);
        body["purpose"] = json!(purpose);
        body["input"][member] = value;
        _ = Recipe::with_body(By::Ed25519, body.to_string()).signed().parse();
    }

    #[test]
    fn no_parameters_panic(parameters in "(;[a-z]{1,7}=(\"[ -!#-Z]{0,30}\"|-?[0-9]{1,15})){0,6}") {
        let mut sent = Recipe::new(By::Ed25519).signed();
        let line = format!("strongroom=(\"@method\" \"@path\" \"content-type\" \"content-digest\"){parameters}");
        for (name, value) in &mut sent.headers {
            if name == "signature-input" {
                *value = line.clone();
            }
        }
        prop_assert!(sent.arrives().is_err());
    }
}
