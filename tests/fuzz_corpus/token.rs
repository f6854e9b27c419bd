//! Tokens: their bindings, the secrets behind them, what is asked for and what is answered.

use serde_json::{Value, json};
use strongroom::vault::material::Material;

use super::{Seed, seed};

pub(super) fn answers() -> Vec<Seed> {
    let of = |kind: &str, name: &str, json: &str| {
        seed(&format!("token_answer/{name}"), format!("{kind}\n{json}"))
    };
    let answer = |name: &str, json: &str| of("oauth2", name, json);
    vec![
        answer(
            "good-rfc6749",
            r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600,"refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#,
        ),
        answer(
            "good-escapes",
            r#"{"token_type":"BEARER","scope":"read  write","access_token":"\u0061\/\"\\"}"#,
        ),
        answer("bad-type", r#"{"access_token":"a","token_type":"mac"}"#),
        answer(
            "bad-twice",
            r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#,
        ),
        answer(
            "bad-surrogate",
            r#"{"access_token":"\ud800","token_type":"bearer"}"#,
        ),
        answer(
            "bad-scope",
            r#"{"access_token":"a","token_type":"bearer","scope":"\u202e"}"#,
        ),
        of(
            "github-app",
            "good-github",
            r#"{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"2016-07-11T22:14:10Z","permissions":{"contents":"read"},"repository_selection":"selected","repositories":[{"id":1296269,"name":"Hello-World"}]}"#,
        ),
        of(
            "github-app",
            "bad-github-time",
            r#"{"token":"ghs_a","expires_at":"soon"}"#,
        ),
        of(
            "gcp",
            "good-gcp",
            r#"{"id_token":"eyJhbGciOiJub25lIn0.eyJhdWQiOiJodHRwczovL3J1bi5leGFtcGxlIiwiZXhwIjoxNzY3MjI1NjAwfQ.c2ln"}"#,
        ),
        of("gcp", "bad-gcp-parts", r#"{"id_token":"a.b"}"#),
        of("gcp", "bad-gcp-claims", r#"{"id_token":"a.e30.c"}"#),
        of("saml", "bad-kind", "{}"),
        answer("bad-form", "access_token=a&token_type=bearer"),
    ]
}

pub(super) fn bindings() -> Vec<Seed> {
    let binding = |name: &str, kind: &str, token: Value| {
        let json = json!({ "token": token });
        seed(&format!("binding/{name}"), format!("{kind}\n{json}"))
    };
    let jwt = |subject: &str, claims: Value| {
        json!({"jwt": {"issuer": "https://ci.example", "audience": ["api.example"],
            "subject": [subject], "claims": claims, "allow": {"env": ["prod", "test-*"]},
            "max_lifetime": 900, "typ": "at+jwt", "key_id": "main"}})
    };
    vec![
        binding(
            "good-token-jwt",
            "p256",
            jwt("ci-*", json!({"roles": ["a"]})),
        ),
        binding(
            "good-token-oauth2",
            "oauth2",
            json!({"oauth2": {"endpoint": "https://login.example/token", "grant": "refresh_token",
                "authentication": "post", "scopes": ["read"], "resource": ["https://api.example"],
                "max_lifetime": 3600, "documented_lifetime": 600}}),
        ),
        binding(
            "good-token-github",
            "github-app",
            json!({"github-app": {"app": "Iv1.app", "installations": [42], "repositories": ["web"],
                "permissions": {"contents": "read"}}}),
        ),
        binding(
            "good-token-gcp",
            "gcp",
            json!({"gcp": {"audience": ["https://run.example"]}}),
        ),
        binding("bad-token-backslash", "p256", jwt(r"ci\", json!({}))),
        binding("bad-token-claim", "p256", jwt("ci", json!({"exp": 1}))),
        binding("bad-token-kind", "hmac", jwt("ci", json!({}))),
        binding(
            "bad-token-unseen",
            "p256",
            jwt("\u{202e}\u{1b}[2J\n", json!({})),
        ),
    ]
}

pub(super) fn materials() -> Vec<Seed> {
    let rsa = Material::generate_rsa(2048).unwrap().to_stored();
    let pem = str::from_utf8(&rsa).unwrap();
    let account = |of: &str| {
        json!({"type": of, "client_email": "robot@acme.iam.example", "private_key": pem,
            "private_key_id": "01", "token_uri": "https://oauth2.googleapis.com/token",
            "project_id": "acme"})
    };
    let client = r#"{"client_id":"a","client_secret":"\u0062\/","refresh_token":"c d"}"#;
    vec![
        seed("material/good-oauth2", format!("oauth2\n{client}")),
        seed(
            "material/bad-oauth2-member",
            "oauth2\n{\"client_id\":\"a\",\"client_secret\":\"b\",\"sudo\":1}",
        ),
        seed(
            "material/bad-oauth2-neither",
            "oauth2\n{\"client_id\":\"a\"}",
        ),
        seed(
            "material/bad-oauth2-unseen",
            "oauth2\n{\"client_id\":\"a\",\"client_secret\":\"\\u202e\"}",
        ),
        seed("material/good-github-app.pem", format!("github-app\n{pem}")),
        seed("material/bad-github-app", "github-app\nnot a key"),
        seed(
            "material/good-gcp",
            format!("gcp\n{}", account("service_account")),
        ),
        seed(
            "material/bad-gcp-type",
            format!("gcp\n{}", account("authorized_user")),
        ),
    ]
}

pub(super) fn operations() -> Vec<Seed> {
    let token =
        |name: &str, input: Value| seed(&format!("operation/{name}"), format!("token\n{input}"));
    vec![
        token(
            "good-token-jwt",
            json!({"audience": "api.example", "subject": "ci-7", "claims": {"env": "prod"}, "lifetime": 60}),
        ),
        token(
            "good-token-scopes",
            json!({"scopes": ["write", "read", "read"]}),
        ),
        token(
            "good-token-github",
            json!({"installation": 42, "repositories": ["web"], "permissions": {"contents": "read"}}),
        ),
        token("bad-token-claims", json!({"claims": {"level": 3}})),
        token("bad-token-lifetime", json!({"lifetime": 86401})),
        token("bad-token-control", json!({"subject": "a\u{1b}[2J"})),
    ]
}
