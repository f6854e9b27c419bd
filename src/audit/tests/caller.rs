//! A real service that asks a real vault: what [`Permit`]s come from.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;

use super::fixture::{Home, now};
use crate::{
    audit::{Committed, Submission},
    operation::Kind,
    policy::{Permit, PolicyText, Refused},
    request::{Arrival, Request, WayIn},
    service::{PublicKey, Thumbprint},
    vault::{Change, Parameters, Passphrase, SecretOptions, Vault, material::Material},
};

const SERVICE: &str = "atlas";
pub(super) const SECRET: &str = "deploy-key";

/// An unlocked vault with one secret, one service and one policy, and the service's key.
pub(super) struct World {
    pub vault: Vault,
    key: Ed25519KeyPair,
    agent: Thumbprint,
}

impl World {
    pub fn new() -> Self {
        Self::with_policy(&format!(
            "permit (principal == Service::\"{SERVICE}\", action == Action::\"sign\", resource == Secret::\"{SECRET}\");"
        ))
    }

    /// With this text as the policy `deployers`.
    pub fn with_policy(text: &str) -> Self {
        let home = Home::new();
        let mut log = home.log();
        let mut durable = |change: Change| {
            let committed = log.commit(vec![Submission::Change(change)], now());
            match committed.into_iter().next() {
                Some(Ok(Committed::Changed(changed))) => changed,
                other => panic!("{other:?}"),
            }
        };
        let passphrase = Passphrase::from("correct horse battery staple".to_owned());
        let (vault, created, _) =
            Vault::create_with(&passphrase, Parameters::FLOOR, now()).unwrap();
        durable(created);

        let key = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(key.public_key());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x}).to_string();
        let public = PublicKey::parse(&jwk).unwrap();
        let agent = public.thumbprint();

        let secret = Material::generate(Kind::Ed25519).unwrap();
        let name = |name: &str| name.parse().unwrap();
        let policy = PolicyText::check(name("deployers"), text).unwrap();
        let options = SecretOptions::default();
        vault
            .apply(&durable(
                vault
                    .add_secret(&name(SECRET), &secret, &options, now())
                    .unwrap(),
            ))
            .unwrap();
        vault
            .apply(&durable(
                vault.add_service(&name(SERVICE), &[public], now()).unwrap(),
            ))
            .unwrap();
        vault
            .apply(&durable(vault.set_policy(&policy, now()).unwrap()))
            .unwrap();
        Self { vault, key, agent }
    }

    /// What policy says to a request to sign with `secret`.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal carries the request on, as a permit does"
    )]
    pub fn ask(&self, secret: &str, nonce: &str) -> Result<Permit, Refused> {
        let body = json!({
            "agent": self.agent, "secret": secret, "operation": "sign",
            "purpose": "release 4f2a", "input": {"message": BASE64_STANDARD.encode("release")},
        })
        .to_string();
        let headers = self.signed(&body, nonce);
        let request = Request::parse(&Method::POST, "/v1/access", &headers, body.as_bytes());
        let arrival = Arrival {
            way_in: WayIn::Tls,
            address: Some([10, 0, 0, 7].into()),
        };
        let catalog = self.vault.catalog();
        let authenticated =
            request
                .unwrap()
                .authenticate(catalog.services(), &self.agent, arrival, now());
        let authorized = authenticated.unwrap().authorize(&catalog)?;
        Ok(authorized.into_permit().unwrap())
    }

    pub fn permitted(&self, nonce: &str) -> Submission {
        Submission::Use(self.ask(SECRET, nonce).unwrap())
    }

    pub fn refused(&self, nonce: &str) -> Submission {
        Submission::Refusal(self.ask("another-key", nonce).unwrap_err())
    }

    fn signed(&self, body: &str, nonce: &str) -> HeaderMap {
        let content = BASE64_STANDARD.encode(digest(&SHA256, body.as_bytes()));
        let content = format!("sha-256=:{content}:");
        let created = now().as_second();
        let parameters = format!(
            "(\"@method\" \"@path\" \"content-type\" \"content-digest\");created={created};expires={};nonce=\"{nonce}\";keyid=\"{}\";alg=\"ed25519\";tag=\"strongroom\"",
            created + 60,
            self.agent
        );
        let base = format!(
            "\"@method\": POST\n\"@path\": /v1/access\n\"content-type\": application/json\n\"content-digest\": {content}\n\"@signature-params\": {parameters}"
        );
        let signature = BASE64_STANDARD.encode(self.key.sign(base.as_bytes()));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json".to_owned()),
            ("content-digest", content),
            ("signature-input", format!("strongroom={parameters}")),
            ("signature", format!("strongroom=:{signature}:")),
        ] {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        }
        headers
    }
}
