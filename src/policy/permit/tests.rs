//! Real requests, signed, against a real catalog.

use std::{collections::BTreeSet, sync::LazyLock};

use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Permit, Refused};
use crate::{
    answer::Problem,
    audit::Reason,
    name::Name,
    operation::{Kind, Operation},
    policy::{PolicyText, Subject},
    request::{Arrival, Request, WayIn},
    service::{Authenticated, EnrolledKey, PublicKey, Services},
    vault::{Catalog, Change, Parameters, Passphrase, SecretOptions, Vault, material::Material},
};

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

fn name(name: &str) -> Name {
    name.parse().unwrap()
}

fn now() -> Timestamp {
    "2026-01-01T09:30:00Z".parse().unwrap()
}

/// `key` has the versions 1 (retired), 2 and 3; `main` is an alias of it. All that `gone` has is
/// retired. `token` may leave, `opaque` may not.
static CATALOG: LazyLock<std::sync::Arc<Catalog>> = LazyLock::new(|| {
    let passphrase = Passphrase::from("correct horse");
    let (vault, _, _) = Vault::create_with(&passphrase, Parameters::FLOOR, now()).unwrap();
    let apply = |change: Change| vault.extend(&change.records).unwrap();
    let add = |of: &str, kind: Kind, releasable: bool| {
        let labels = BTreeSet::from(["prod".to_owned()]);
        let material = Material::generate(kind).unwrap();
        apply(
            vault
                .add_secret(
                    &name(of),
                    &material,
                    &SecretOptions { labels, releasable },
                    now(),
                )
                .unwrap(),
        );
    };
    add("key", Kind::P256, false);
    add("gone", Kind::P256, false);
    add("mac", Kind::Hmac, false);
    add("cipher", Kind::Aes256, false);
    add("token", Kind::Token, true);
    add("opaque", Kind::Opaque, false);
    for _ in 0..2 {
        for (of, kind) in [
            ("key", Kind::P256),
            ("mac", Kind::Hmac),
            ("cipher", Kind::Aes256),
        ] {
            let material = Material::generate(kind).unwrap();
            apply(vault.rotate_secret(&name(of), &material, now()).unwrap());
        }
    }
    for of in ["key", "mac", "cipher"] {
        apply(vault.retire(&name(of), Some(1), now()).unwrap());
    }
    apply(vault.retire(&name("gone"), None, now()).unwrap());
    apply(vault.set_alias(&name("main"), &name("key"), now()).unwrap());
    for (policy, text) in [
        (
            "atlas",
            r#"permit (principal == Service::"atlas", action, resource);"#,
        ),
        (
            "borg",
            r#"permit (principal == Service::"borg", action == Action::"sign", resource)
               when { context.sign.algorithm == Algorithm::"ES256" };
               forbid (principal == Service::"borg", action, resource == Secret::"key")
               when { context.asked != "main" };"#,
        ),
    ] {
        apply(
            vault
                .set_policy(&PolicyText::check(name(policy), text).unwrap(), now())
                .unwrap(),
        );
    }
    vault.catalog()
});

/// A signed request of this service, authenticated.
fn authenticated(
    service: &str,
    operation: &str,
    of: &str,
    input: Value,
    reply_to: Option<&str>,
) -> Authenticated {
    let pair = Ed25519KeyPair::generate().unwrap();
    let mut spki = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    spki.extend_from_slice(pair.public_key().as_ref());
    let key = PublicKey::from_spki_der(&spki).unwrap();
    let audience = key.thumbprint();
    let mut body = json!({"agent": audience.to_string(), "secret": of, "operation": operation, "input": input});
    if let Some(reply_to) = reply_to {
        body["reply_to"] = reply_to.into();
    }
    let body = body.to_string();
    let content_digest = format!(
        "sha-256=:{}:",
        STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes()))
    );
    let created = now().as_second();
    let parameters = format!(
        r#"("@method" "@path" "content-type" "content-digest");created={created};expires={};nonce="0123456789abcdefghijkl";keyid="{audience}";alg="ed25519";tag="strongroom""#,
        created + 60
    );
    let base = format!(
        "\"@method\": POST\n\"@path\": /v1/access\n\"content-type\": application/json\n\"content-digest\": {content_digest}\n\"@signature-params\": {parameters}"
    );
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers.insert("content-digest", content_digest.parse().unwrap());
    headers.insert(
        "signature-input",
        format!("strongroom={parameters}").parse().unwrap(),
    );
    let signature = STANDARD.encode(pair.sign(base.as_bytes()));
    headers.insert(
        "signature",
        format!("strongroom=:{signature}:").parse().unwrap(),
    );
    let services = Services::new([EnrolledKey {
        service: name(service),
        key,
        suspended: false,
    }]);
    let arrival = Arrival {
        way_in: WayIn::Local,
        address: None,
    };
    Request::parse(&Method::POST, "/v1/access", &headers, body.as_bytes())
        .unwrap()
        .authenticate(&services, &audience, arrival, now())
        .unwrap()
}

#[expect(
    clippy::result_large_err,
    reason = "a refusal carries the request on, as a permit does"
)]
fn ask(service: &str, operation: &str, of: &str, input: Value) -> Result<Permit, Refused> {
    let authenticated = authenticated(service, operation, of, input, Some(RECIPIENT));
    let authorized = authenticated.authorize(&CATALOG)?;
    Ok(authorized.into_permit().unwrap())
}

#[track_caller]
fn allow(operation: &str, of: &str, input: Value, version: u32) {
    let permit = ask("atlas", operation, of, input).unwrap();
    assert_eq!(permit.version().number, version);
    assert_eq!(permit.policies(), ["atlas"]);
}

#[track_caller]
fn refuse(operation: &str, of: &str, input: Value, reason: Reason, detail: &str) {
    let refused = ask("atlas", operation, of, input).unwrap_err();
    assert_eq!((refused.reason(), refused.detail()), (reason, detail));
    assert_eq!(refused.problem(), Problem::Unsuitable);
    assert_eq!(refused.told(), detail);
    assert_eq!(refused.policies(), ["atlas"]);
}

fn message() -> Value {
    json!({"message": "aGVsbG8="})
}

fn mac(version: Option<u32>) -> Value {
    json!({"message": "aGVsbG8=", "mac": "AAAA", "version": version})
}

fn ciphertext(version: Option<u32>) -> Value {
    let mut input = json!({"ciphertext": "AAAA", "iv": STANDARD.encode([0; 12]), "tag": STANDARD.encode([0; 16])});
    if let Some(version) = version {
        input["version"] = version.into();
    }
    input
}

#[test]
fn what_is_made_new_is_made_with_the_current_version() {
    allow("sign", "key", message(), 3);
    allow("mac", "mac", message(), 3);
    allow("encrypt", "cipher", json!({"plaintext": "AAAA"}), 3);
    allow("public-key", "key", Value::Null, 3);
    allow("decrypt", "cipher", ciphertext(None), 3);
    allow("release", "token", Value::Null, 1);
}

#[test]
fn old_versions_read_what_was_made_with_them() {
    allow("decrypt", "cipher", ciphertext(Some(2)), 2);
    allow("verify-mac", "mac", mac(Some(2)), 2);
    allow("public-key", "key", json!({"version": 2}), 2);
}

#[test]
fn a_retired_version_only_shows_its_public_key() {
    allow("public-key", "key", json!({"version": 1}), 1);
    allow("public-key", "gone", Value::Null, 1);
    refuse(
        "decrypt",
        "cipher",
        ciphertext(Some(1)),
        Reason::Retired,
        "version 1 of secret `cipher` is retired",
    );
    refuse(
        "verify-mac",
        "mac",
        mac(Some(1)),
        Reason::Retired,
        "version 1 of secret `mac` is retired",
    );
    refuse(
        "sign",
        "gone",
        message(),
        Reason::Retired,
        "secret `gone` is retired",
    );
}

#[test]
fn what_the_secret_cannot_do_is_refused() {
    refuse(
        "decrypt",
        "cipher",
        ciphertext(Some(4)),
        Reason::UnknownVersion,
        "secret `cipher` has no version 4",
    );
    refuse(
        "release",
        "opaque",
        Value::Null,
        Reason::NotPossible,
        "the secret is not marked releasable",
    );
    let refused = ask("atlas", "mac", "key", message()).unwrap_err();
    assert_eq!(
        (refused.reason(), refused.problem()),
        (Reason::NotPossible, Problem::Unsuitable)
    );
    let unsealed = authenticated("atlas", "release", "token", Value::Null, None)
        .authorize(&CATALOG)
        .unwrap_err();
    assert_eq!(
        unsealed.told(),
        "the answer to `release` is sealed: send `reply_to`"
    );
}

#[test]
fn an_alias_is_put_to_policy_as_what_it_points_at() {
    let permit = ask("borg", "sign", "main", message()).unwrap();
    assert_eq!(
        (permit.secret().as_str(), permit.ask().asked.as_str()),
        ("key", "main")
    );
    assert_eq!(permit.policies(), ["borg#1"]);
}

#[test]
fn the_audit_log_keeps_what_policy_saw() {
    let fields = ask("borg", "sign", "main", message()).unwrap().ask().fields;
    assert_eq!(fields.get("algorithm"), Some(&json!("ES256")));
}

#[test]
fn who_is_not_permitted_learns_nothing() {
    let table = [
        (
            "borg",
            "sign",
            "key",
            Reason::Denied,
            "a policy forbids it",
            &["borg#2"][..],
        ),
        (
            "borg",
            "public-key",
            "main",
            Reason::Denied,
            "no policy permits it",
            &[],
        ),
        // Not "unsuitable", which would tell that there is such a secret.
        (
            "borg",
            "release",
            "opaque",
            Reason::Denied,
            "no policy permits it",
            &[],
        ),
        (
            "borg",
            "sign",
            "nothing",
            Reason::UnknownSecret,
            "no secret or alias is named `nothing`",
            &[],
        ),
        (
            "atlas",
            "sign",
            "nothing",
            Reason::UnknownSecret,
            "no secret or alias is named `nothing`",
            &[],
        ),
        (
            "curl",
            "sign",
            "key",
            Reason::Denied,
            "no policy permits it",
            &[],
        ),
    ];
    for (service, operation, of, reason, detail, policies) in table {
        let input = if operation == "sign" {
            message()
        } else {
            Value::Null
        };
        let refused = ask(service, operation, of, input).unwrap_err();
        assert_eq!(
            (refused.reason(), refused.detail(), refused.policies()),
            (
                reason,
                detail,
                &policies.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
            )
        );
        assert_eq!(
            (refused.problem(), refused.told()),
            (Problem::Denied, "policy does not allow this request")
        );
    }
    // There is no algorithm for the policy to look at.
    let odd = ask("borg", "sign", "mac", message()).unwrap_err();
    assert_eq!(
        (odd.reason(), odd.problem()),
        (Reason::Denied, Problem::Denied)
    );
    assert!(
        odd.detail()
            .contains("`sign` is not possible with a secret of kind `hmac`"),
        "{}",
        odd.detail()
    );
}

#[test]
fn a_permit_can_be_given_up() {
    let refused = ask("atlas", "sign", "key", message())
        .unwrap()
        .refuse(Reason::Locked, "the vault is locked");
    assert_eq!(
        (refused.reason(), refused.problem(), refused.policies()),
        (Reason::Locked, Problem::Locked, &["atlas".to_owned()][..])
    );
}

/// Whatever an operation shows of itself has its place in the schema.
#[test]
fn every_field_of_every_operation_fits_the_schema() {
    let digest = |size| json!({"digest": STANDARD.encode(vec![0; size]), "algorithm": "ES256", "encoding": "raw"});
    for (operation, inputs) in [
        (
            "public-key",
            vec![Value::Null, json!({"format": "jwk", "version": 2})],
        ),
        (
            "sign",
            vec![
                message(),
                digest(32),
                json!({"message": "", "algorithm": "PS512"}),
            ],
        ),
        (
            "mac",
            vec![message(), json!({"message": "", "algorithm": "HS512"})],
        ),
        (
            "verify-mac",
            vec![json!({"message": "", "mac": ""}), mac(Some(2))],
        ),
        (
            "encrypt",
            vec![
                json!({"plaintext": ""}),
                json!({"plaintext": "", "aad": "AAAA"}),
            ],
        ),
        ("decrypt", vec![ciphertext(None), ciphertext(Some(2))]),
        ("release", vec![Value::Null]),
    ] {
        for input in inputs {
            let parsed = Operation::parse(operation, input.clone()).unwrap();
            let asker = authenticated("atlas", operation, "key", input, Some(RECIPIENT));
            for kind in Kind::ALL
                .into_iter()
                .filter(|kind| kind.operations().contains(&parsed.name()))
            {
                let subject = Subject::new(&name("key"), kind, &BTreeSet::new(), false);
                asker
                    .question(&subject, &parsed.fields_for(kind, None))
                    .fits()
                    .unwrap();
            }
        }
    }
}
