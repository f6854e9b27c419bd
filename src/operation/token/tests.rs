//! What the binding allows, what policy sees of it, and that both are one.

use serde_json::{Value, json};

use crate::{
    binding::{Binding, Bound},
    errand::{Report, Step},
    operation::{Done, Kind, Operation, Setting, perform},
    vault::material::{Material, tests::openssl},
};

fn binding(kind: Kind, token: Value) -> Binding {
    let binding = json!({"token": token}).to_string();
    Binding::parse(kind, &binding).unwrap()
}

fn refused(kind: Kind, token: Value) -> String {
    let binding = json!({"token": token}).to_string();
    Binding::parse(kind, &binding).unwrap_err().to_string()
}

fn jwt() -> Value {
    json!({"jwt": {
        "issuer": "https://ci.example", "audience": ["api.example", "db.example"],
        "subject": ["robot", "ci-*"], "claims": {"tenant": "acme", "level": 3},
        "allow": {"env": ["prod", "test-*"]}, "max_lifetime": 900,
    }})
}

fn why_not(kind: Kind, token: Value, input: Value) -> String {
    let operation = Operation::parse("token", input).unwrap();
    let binding = binding(kind, token);
    let refused = operation.suits(kind, false, Some(&binding)).unwrap_err();
    refused.to_string()
}

fn fields(kind: Kind, token: Value, input: Value) -> Value {
    let operation = Operation::parse("token", input).unwrap();
    let binding = binding(kind, token);
    operation.suits(kind, false, Some(&binding)).unwrap();
    Value::Object(operation.fields_for(kind, Some(&binding)))
}

#[test]
fn an_input_that_is_none_is_refused() {
    let refused = |input| Operation::parse("token", input).unwrap_err().to_string();
    for (input, field) in [
        (json!({"audience": ""}), "audience"),
        (json!({"audience": ["a"]}), "audience"),
        (json!({"subject": "a\nb"}), "subject"),
        (json!({"subject": "a".repeat(1025)}), "subject"),
        (json!({"claims": {"level": 3}}), "claims"),
        (json!({"claims": []}), "claims"),
        (json!({"scopes": "read"}), "scopes"),
        (json!({"scopes": vec!["a"; 65]}), "scopes"),
        (json!({"lifetime": 0}), "lifetime"),
        (json!({"lifetime": 86401}), "lifetime"),
        (json!({"lifetime": "900"}), "lifetime"),
        (json!({"installation": 0}), "installation"),
        (json!({"installation": "42"}), "installation"),
        (json!({"permissions": {"contents": true}}), "permissions"),
    ] {
        let message = refused(input);
        let expected = format!("the field `{field}` must be ");
        assert!(message.starts_with(&expected), "{message}");
    }
    assert!(refused(json!({"issuer": "me"})).contains("takes no field `issuer`"));
}

#[test]
fn a_binding_that_cannot_be_meant_is_refused() {
    let with = |member: &str, value: Value| {
        let mut token = jwt();
        token["jwt"][member] = value;
        token
    };
    let table = [
        (with("max_lifetime", json!(0)), "token.jwt.max_lifetime: "),
        (
            with("max_lifetime", json!(86401)),
            "token.jwt.max_lifetime: ",
        ),
        (with("issuer", json!("")), "token.jwt.issuer: "),
        (with("subject", json!([r"a\b"])), "token.jwt.subject: "),
        (
            with("claims", json!({"exp": 1})),
            "token.jwt.claims: `exp` is set by the agent",
        ),
        (
            with("allow", json!({"aud": ["x"]})),
            "token.jwt.allow: `aud` is set by the agent",
        ),
        (
            with("allow", json!({"tenant": ["x"]})),
            "token.jwt.allow: `tenant` is in `claims` too",
        ),
        (with("allow", json!({"env": []})), "token.jwt.allow: "),
        (
            with("algorithm", json!("RS256")),
            "token.jwt.algorithm: a key of kind `ed25519` can't",
        ),
        (with("algorithm", json!("none")), "this is not a binding: "),
        (with("sudo", json!(1)), "this is not a binding: "),
        (
            json!({"jwt": {"issuer": "x", "audience": []}}),
            "this is not a binding: ",
        ),
        (json!({"jwt": {}, "aws": {}}), "this is not a binding: "),
        (json!({"saml": {}}), "this is not a binding: "),
    ];
    for (token, expected) in table {
        let message = refused(Kind::Ed25519, token);
        assert!(message.starts_with(expected), "{message}");
    }
    let other = refused(Kind::Oauth2, jwt());
    assert_eq!(
        other,
        "token.jwt: a secret of kind `oauth2` can't issue that"
    );
    let oauth2 = |more: Value| {
        let mut oauth2 = json!({"endpoint": "https://login.example/token",
            "grant": "client_credentials", "max_lifetime": 3600});
        oauth2
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        refused(Kind::Oauth2, json!({"oauth2": oauth2}))
    };
    assert!(oauth2(json!({"endpoint": "http://login.example/token"})).contains("unencrypted"));
    assert!(oauth2(json!({"scopes": ["a b"]})).contains("`a b` is not one scope"));
    assert!(oauth2(json!({"audience": ["a"], "resource": ["b"]})).contains("either"));
    let app = |app: Value| refused(Kind::GithubApp, json!({"github-app": app}));
    assert!(app(json!({"app": "1", "installations": []})).contains("name 1 to 64"));
    assert!(
        app(json!({"app": "1", "installations": [1], "repositories": ["acme/web"]}))
            .contains("without its owner")
    );
    assert!(app(json!({"app": "1", "installations": [1], "max_lifetime": 60})).contains("3600 s"));
    assert!(refused(Kind::Gcp, json!({"gcp": {}})).contains("name `scopes`"));
}

#[test]
fn a_token_stays_within_its_binding() {
    let cases = [
        (
            json!({}),
            "allow to issue a token without `audience`; it allows `api.example`, `db.example`",
        ),
        (json!({"audience": "api"}), "for the audience `api`"),
        (
            json!({"audience": "api.example", "subject": "root"}),
            "for the subject `root`; it allows `robot`, `ci-*`",
        ),
        (
            json!({"audience": "api.example", "lifetime": 901}),
            "for 901 s; it allows 900 s",
        ),
        (
            json!({"audience": "api.example", "claims": {"env": "stage"}}),
            "set the claim `env` to `stage`; it allows `prod`, `test-*`",
        ),
        (
            json!({"audience": "api.example", "claims": {"tenant": "x"}}),
            "set the claim `tenant`",
        ),
        (
            json!({"audience": "api.example", "claims": {"exp": "9"}}),
            "set the claim `exp`",
        ),
        (
            json!({"audience": "api.example", "scopes": ["a"]}),
            "takes no field `scopes`; it takes `audience`, `subject`, `claims`, `lifetime`",
        ),
    ];
    for (input, expected) in cases {
        let message = why_not(Kind::Ed25519, jwt(), input);
        assert!(message.contains(expected), "{message}");
    }
    let operation = Operation::parse("token", json!({})).unwrap();
    let unbound = operation.suits(Kind::Ed25519, false, None).unwrap_err();
    assert!(unbound.to_string().contains("no section `token`"));
}

#[test]
fn what_a_provider_is_asked_for_stays_within_the_binding() {
    let oauth2 = || {
        json!({"oauth2": {"endpoint": "https://login.example/token", "grant": "client_credentials",
            "scopes": ["read", "write"], "resource": ["https://api.example"], "max_lifetime": 3600}})
    };
    assert_eq!(
        fields(Kind::Oauth2, oauth2(), json!({"scopes": ["read"]})),
        json!({"type": "oauth2", "audience": "https://api.example", "scopes": ["read"],
            "claims": {}, "lifetime": 3600})
    );
    let app = || {
        json!({"github-app": {"app": "Iv1.app", "installations": [42, 43],
            "repositories": ["api", "web"], "permissions": {"contents": "write"}}})
    };
    assert_eq!(
        fields(
            Kind::GithubApp,
            app(),
            json!({"installation": 42, "repositories": ["web"], "permissions": {"contents": "read"}})
        ),
        json!({"type": "github-app", "issuer": "Iv1.app", "installation": 42,
            "repositories": ["web"], "permissions": {"contents": "read"}, "scopes": [],
            "claims": {}, "lifetime": 3600})
    );
    let gcp = || json!({"gcp": {"scopes": ["a", "b"], "audience": ["https://run.example"]}});
    assert_eq!(
        fields(Kind::Gcp, gcp(), json!({"audience": "https://run.example"})),
        json!({"type": "gcp", "audience": "https://run.example", "scopes": [], "claims": {},
            "lifetime": 3600})
    );
    for (kind, token, input, expected) in [
        (
            Kind::Oauth2,
            oauth2(),
            json!({"scopes": ["admin"]}),
            "with the scope `admin`; it allows `read`, `write`",
        ),
        (
            Kind::Oauth2,
            oauth2(),
            json!({"scopes": []}),
            "without a scope",
        ),
        (
            Kind::Oauth2,
            oauth2(),
            json!({"audience": "x"}),
            "for the audience `x`; it allows `https://api.example`",
        ),
        (
            Kind::Oauth2,
            oauth2(),
            json!({"lifetime": 60}),
            "takes no field `lifetime`",
        ),
        (
            Kind::GithubApp,
            app(),
            json!({}),
            "without `installation`; it allows `42`, `43`",
        ),
        (
            Kind::GithubApp,
            app(),
            json!({"installation": 7}),
            "for the installation `7`",
        ),
        (
            Kind::GithubApp,
            app(),
            json!({"installation": 42, "repositories": ["infra"]}),
            "with the repository `infra`",
        ),
        (
            Kind::GithubApp,
            app(),
            json!({"installation": 42, "permissions": {"contents": "admin"}}),
            "with the permission `contents: admin`; it allows `contents: write`",
        ),
        (
            Kind::GithubApp,
            app(),
            json!({"installation": 42, "permissions": {"secrets": "read"}}),
            "with the permission `secrets: read`",
        ),
        (
            Kind::Gcp,
            gcp(),
            json!({"scopes": ["c"]}),
            "with the scope `c`",
        ),
        (
            Kind::Gcp,
            gcp(),
            json!({"audience": "x"}),
            "an ID token for the audience `x`",
        ),
        (
            Kind::Gcp,
            gcp(),
            json!({"audience": "https://run.example", "scopes": ["a"]}),
            "an access token or an ID token",
        ),
    ] {
        let message = why_not(kind, token, input);
        assert!(message.contains(expected), "{message}");
    }
}

/// Verified by openssl and other crates; the end-to-end tests have other readers of tokens.
#[test]
fn policy_sees_what_is_in_the_token() {
    let input = json!({"audience": "api.example", "subject": "ci-7", "claims": {"env": "test-2"},
        "lifetime": 60});
    for kind in [Kind::Ed25519, Kind::P256, Kind::Rsa] {
        let seen = fields(kind, jwt(), input.clone());
        assert_eq!(
            seen,
            json!({"type": "jwt", "issuer": "https://ci.example", "audience": "api.example",
                "subject": "ci-7", "scopes": [], "lifetime": 60,
                "claims": {"tenant": "acme", "level": "3", "env": "test-2"}})
        );
        let material = Material::generate(kind).unwrap();
        let operation = Operation::parse("token", input.clone()).unwrap();
        let bound = Bound {
            number: 1,
            record: 3,
            created: jiff::Timestamp::UNIX_EPOCH,
            binding: binding(kind, jwt()),
        };
        let setting = Setting {
            version: 5,
            binding: Some(&bound),
            now: "2026-01-01T00:00:00.7Z".parse().unwrap(),
        };
        let Step::Report(Report { done, expires, .. }) =
            perform(&material, &operation, setting).unwrap()
        else {
            panic!("nobody is called")
        };
        let Done::Secret(answer) = done else {
            panic!("it is sealed")
        };
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let token = answer["token"].take();
        assert_eq!(
            answer,
            json!({"token": null, "type": "jwt", "expires": "2026-01-01T00:01:00Z", "version": 5})
        );
        assert_eq!(expires.unwrap().to_string(), "2026-01-01T00:01:00Z");
        let (header, mut claims, signed, signature) = parts(token.as_str().unwrap());
        let thumbprint = material.public_key().unwrap().thumbprint().to_string();
        let algorithm = match kind {
            Kind::Ed25519 => "EdDSA",
            Kind::P256 => "ES256",
            _ => "RS256",
        };
        assert_eq!(
            header,
            json!({"alg": algorithm, "kid": thumbprint, "typ": "JWT"})
        );
        assert_eq!(claims["jti"].take().as_str().unwrap().len(), 22);
        let begins = 1_767_225_600;
        assert_eq!(
            claims,
            json!({"iss": "https://ci.example", "sub": "ci-7", "aud": "api.example",
                "iat": begins, "nbf": begins, "exp": begins + 60, "jti": null,
                "tenant": "acme", "level": 3, "env": "test-2"})
        );
        verify(&material, signed.as_bytes(), &signature);
    }
}

fn parts(token: &str) -> (Value, Value, &str, Vec<u8>) {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap();
    (
        json(header),
        json(claims),
        signed,
        BASE64.decode(signature).unwrap(),
    )
}

fn verify(material: &Material, signed: &[u8], signature: &[u8]) {
    let spki = openssl(
        &["pkey", "-pubout", "-outform", "DER"],
        &material.to_stored(),
    );
    match material.kind() {
        Kind::Ed25519 => {
            let key = ed25519_dalek::VerifyingKey::from_bytes(spki.last_chunk::<32>().unwrap());
            let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
            key.unwrap().verify_strict(signed, &signature).unwrap();
        }
        Kind::P256 => {
            use p256::ecdsa::signature::Verifier as _;
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(spki.last_chunk::<65>().unwrap());
            let signature = p256::ecdsa::Signature::from_slice(signature).unwrap();
            key.unwrap().verify(signed, &signature).unwrap();
        }
        _ => assert!(crate::vault::material::tests::openssl_verifies(
            material,
            &["-sha256"],
            signed,
            signature
        )),
    }
}
