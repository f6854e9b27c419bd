//! `httpsig`, an independent implementation of RFC 9421: what it signs verifies here, and what is
//! signed here verifies there.

use std::time::Duration;

use httpsig::prelude::{
    AlgorithmName, HttpSignatureBase, HttpSignatureHeaders, HttpSignatureParams,
    PublicKey as TheirPublicKey, SecretKey,
    message_component::{HttpMessageComponent, HttpMessageComponentId},
};
use jiff::Timestamp;
use serde_json::json;

use super::{AGENT, ARRIVAL, By, Sent, body, services};
use crate::{
    client::{Draft, SigningKey},
    operation::OperationName,
    request::digest::content_digest,
};

const ED25519_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
";
/// `test-key-ecc-p256` as PKCS#8, which is the form that `httpsig` reads.
const P256_PEM: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUpuF81l+kOxbjf7T
4mNSv0r5tN67Gim7rnf6EFpcYDuhRANCAASohVhlUsKs9kcYeM/XsJNbT/4P0t/D
QSSOoXvEHgWK8DHOJzfS0wzgYX6FHoPGHvVnnRUYZ2V2SQNdkKdM2ehd
-----END PRIVATE KEY-----
";

const KEYS: [(By, &str, AlgorithmName); 2] = [
    (By::Ed25519, ED25519_PEM, AlgorithmName::Ed25519),
    (By::P256, P256_PEM, AlgorithmName::EcdsaP256Sha256),
];

/// The components of our profile, as `httpsig` is given them.
fn components(headers: &[(String, String)], extra: &[&str]) -> Vec<HttpMessageComponent> {
    let mut lines = vec![
        "\"@method\": POST".to_owned(),
        "\"@path\": /v1/access".to_owned(),
    ];
    for name in ["content-type", "content-digest"].iter().chain(extra) {
        let (_, value) = headers.iter().find(|(known, _)| known == name).unwrap();
        lines.push(format!("\"{name}\": {value}"));
    }
    lines
        .iter()
        .map(|line| HttpMessageComponent::try_from(line.as_str()).unwrap())
        .collect()
}

#[test]
fn what_they_sign_verifies_here() {
    let now = Timestamp::now();
    for (by, pem, algorithm) in &KEYS {
        for extra in [&[][..], &["x-trace"]] {
            let body = body().to_string();
            let mut headers = vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("content-digest".to_owned(), content_digest(body.as_bytes())),
                ("x-trace".to_owned(), "a, b".to_owned()),
            ];
            let lines = components(&headers, extra);
            let ids: Vec<HttpMessageComponentId> =
                lines.iter().map(|line| line.id.clone()).collect();
            let created = u64::try_from(now.as_second()).unwrap();
            let mut params = HttpSignatureParams::try_new(&ids).unwrap();
            params
                .set_created(created)
                .set_expires(created + 60)
                .set_random_nonce()
                .set_alg(algorithm)
                .set_keyid(by.public().thumbprint().as_str())
                .set_tag("strongroom");
            let base = HttpSignatureBase::try_new(&lines, &params).unwrap();
            let key = SecretKey::from_pem(algorithm, pem).unwrap();
            let signed = base
                .build_signature_headers(&key, Some("strongroom"))
                .unwrap();
            headers.push((
                "signature-input".to_owned(),
                signed.signature_input_header_value(),
            ));
            headers.push(("signature".to_owned(), signed.signature_header_value()));
            let sent = Sent {
                method: "POST".to_owned(),
                target: "/v1/access".to_owned(),
                headers,
                body,
            };
            let request = sent.parse().unwrap();
            let agent = AGENT.parse().unwrap();
            let authenticated = request
                .authenticate(&services(), &agent, ARRIVAL, now)
                .unwrap();
            assert_eq!(authenticated.service().as_str(), "atlas");
        }
    }
}

#[test]
fn what_is_signed_here_verifies_there() {
    for (by, pem, algorithm) in &KEYS {
        let key = SigningKey::parse(pem.as_bytes()).unwrap();
        assert_eq!(key.public_key(), &by.public());
        let draft = Draft {
            agent: AGENT.parse().unwrap(),
            secret: "deploy/key".parse().unwrap(),
            operation: OperationName::Sign,
            input: json!({"message": "aGVsbG8="}),
            purpose: None,
            ticket: None,
            reply_to: None,
        };
        let sent = draft
            .sign(&key, [7; 16], Duration::from_secs(60), Timestamp::now())
            .unwrap();
        let field = |name: &str| {
            sent.headers()
                .get(name)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        let headers: Vec<(String, String)> = ["content-type", "content-digest"]
            .map(|name| (name.to_owned(), field(name)))
            .into();
        let signed =
            HttpSignatureHeaders::try_parse(&field("signature"), &field("signature-input"))
                .unwrap();
        let signed = signed.get("strongroom").unwrap();
        let base =
            HttpSignatureBase::try_new(&components(&headers, &[]), signed.signature_params())
                .unwrap();
        let public = TheirPublicKey::from_pem(algorithm, &by.public().spki_pem()).unwrap();
        base.verify_signature_headers(&public, signed).unwrap();
    }
}
