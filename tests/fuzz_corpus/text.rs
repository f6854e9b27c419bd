//! Inputs of operations, policies, entries and receipts.

use jiff::Timestamp;
use serde_json::{Value, json};
use strongroom::{
    audit::{Ask, Entry, Event, Reason},
    request::WayIn,
};

use super::{super::targets::published::NOW, Seed, Small, name, seed};

pub(super) fn operations() -> Vec<Seed> {
    let operation = |path: &str, name: &str, input: Value| {
        seed(&format!("operation/{path}"), format!("{name}\n{input}"))
    };
    vec![
        operation(
            "good-public-key",
            "public-key",
            json!({"format": "jwk", "version": 2}),
        ),
        operation(
            "good-sign",
            "sign",
            json!({"message": "aGVsbG8=", "algorithm": "ES256", "encoding": "raw"}),
        ),
        operation(
            "good-sign-digest",
            "sign",
            json!({"digest": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}),
        ),
        operation(
            "good-mac",
            "mac",
            json!({"message": "", "algorithm": "HS512"}),
        ),
        operation(
            "good-verify-mac",
            "verify-mac",
            json!({"message": "aGk=", "mac": "aGk=", "version": 1}),
        ),
        operation(
            "good-encrypt",
            "encrypt",
            json!({"plaintext": "aGk=", "aad": "YQ=="}),
        ),
        operation(
            "good-decrypt",
            "decrypt",
            json!({"ciphertext": "", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA=="}),
        ),
        operation(
            "good-http",
            "http",
            json!({"method": "POST", "path": "/apps/%77eb", "query": {"dry": "0"}, "headers": {"prefer": "wait=5"}, "body": {"slug": [1, "x"]}}),
        ),
        operation(
            "good-http-form",
            "http",
            json!({"method": "PUT", "path": "/a b", "form": {"amount": "100", "a[]": "&="}}),
        ),
        operation(
            "good-http-bytes",
            "http",
            json!({"method": "PATCH", "path": "/", "body_base64": "AAEC", "headers": {"content-type": "image/png"}}),
        ),
        operation(
            "bad-http-path",
            "http",
            json!({"method": "GET", "path": "/a/%2e%2e/b"}),
        ),
        operation(
            "bad-http-header",
            "http",
            json!({"method": "GET", "path": "/", "headers": {"X-HTTP-Method-Override": "DELETE"}}),
        ),
        operation(
            "bad-http-body",
            "http",
            json!({"method": "GET", "path": "/", "body": 1}),
        ),
        operation("good-release", "release", Value::Null),
        operation("bad-name", "export", json!({})),
        operation("bad-field", "sign", json!({"message": "", "base_url": "x"})),
        operation("bad-base64", "mac", json!({"message": "%"})),
        operation(
            "bad-version",
            "public-key",
            json!({"version": 4_294_967_296_u64}),
        ),
        operation(
            "bad-iv",
            "decrypt",
            json!({"ciphertext": "", "iv": "AAAA", "tag": ""}),
        ),
    ]
}

pub(super) fn policies() -> Vec<Seed> {
    vec![
        seed(
            "policy/good-plain",
            "permit (principal, action, resource);\n",
        ),
        seed(
            "policy/good-grant",
            r#"// Releases, in working hours, from the office.
@id("releases")
permit (
    principal == Service::"atlas",
    action in [Action::"sign", Action::"public-key"],
    resource == Secret::"deploy/key"
)
when {
    context has purpose && context.purpose like "release *" &&
    context.hour >= 8 && context.weekday < 6 &&
    context has address && context.address.isInRange(ip("10.0.0.0/8"))
}
unless { resource.labels.contains("frozen") };

forbid (principal, action == Action::"sign", resource)
when { context.sign.algorithm == Algorithm::"RS256" || context.sign.size > 4096 };
"#,
        ),
        seed(
            "policy/good-obligations",
            "@limit(\"20 per hour, 5 per 10 minutes\") @notify(\"urgent\") @id(\"x\")\npermit (principal, action, resource) when { context.hour < 25 };\n\n@approve(\"2 of security\") permit (principal, action, resource);\n",
        ),
        seed(
            "policy/good-http",
            r#"permit (principal, action == Action::"http", resource)
when {
    context.http.path like "/apps/*" && !(context.http.path like "*/*/*/*") &&
    context.http.query.hasTag("force") && context.http.query.getTag("force") == "true"
}
unless { context has ticket && context["ticket"] like "*" };
"#,
        ),
        seed(
            "policy/bad-limit",
            "@limit(\"20 per hour,\")\npermit (principal, action, resource);",
        ),
        seed(
            "policy/bad-notify",
            "@notify\npermit (principal, action, resource);",
        ),
        seed(
            "policy/bad-approve",
            "@approve(\"17 of security\") permit (principal, action, resource);",
        ),
        seed(
            "policy/bad-limit-on-forbid",
            "@limit(\"1 per day\") forbid (principal, action, resource);",
        ),
        seed(
            "policy/bad-annotation",
            "@aprove(\"1 of security\")\npermit (principal, action, resource);",
        ),
        seed(
            "policy/bad-attribute",
            "permit (principal, action, resource) when { context.purpos == \"x\" };",
        ),
        seed("policy/bad-syntax", "permit (principal, action resource);"),
        seed(
            "policy/bad-hidden",
            "permit (principal, action, resource); // \u{202e}x",
        ),
        seed(
            "policy/bad-template",
            "permit (principal == ?principal, action, resource);",
        ),
        seed(
            "policy/bad-depth",
            format!(
                "permit (principal, action, resource) when {{ {}true{} }};",
                "(".repeat(30),
                ")".repeat(30)
            ),
        ),
    ]
}

pub(super) fn suites() -> Vec<Seed> {
    vec![
        seed(
            "suite/good-toml",
            r#"policies = ["atlas.cedar"]
secrets."heroku/prod" = { kind = "token", labels = ["prod"], releasable = true }
aliases.prod = "heroku/prod"

allow = [
    { service = "atlas", operation = "release", secret = "prod", address = "10.0.0.7" },
]
deny = [
    { service = "atlas", operation = "http", secret = "heroku/prod", fields = { method = "GET", host = "x", path = "/", query = {}, body = {}, size = 0 } },
]
"#,
        ),
        seed(
            "suite/good-json",
            json!({
                "secrets": {"key": {"kind": "ed25519"}},
                "deny": [{
                    "service": "atlas", "operation": "sign", "secret": "key", "input": {"message": ""},
                    "purpose": "x", "way_in": "local", "time": "2026-01-01T00:00:00Z", "note": "y",
                }],
            })
            .to_string(),
        ),
        seed("suite/bad-empty", "allow = []\n"),
        seed("suite/bad-toml", "allow = [\n"),
        seed("suite/bad-json", "{\"allow\": ["),
        seed(
            "suite/bad-member",
            "[[allow]]\nservice = \"a\"\noperation = \"sign\"\nsecret = \"k\"\nbase_url = \"x\"\n",
        ),
        seed(
            "suite/bad-name",
            "[[allow]]\nservice = \"a b\"\noperation = \"sign\"\nsecret = \"k\"\n",
        ),
    ]
}

pub(super) fn receipts(small: &Small) -> Vec<Seed> {
    let (used, receipt) = (small.used(), small.receipt.as_str());
    let receipt_of = |path: &str, entry: &str, receipt: &str| {
        seed(&format!("receipt/{path}"), format!("{entry}\n{receipt}"))
    };
    vec![
        receipt_of("good", used, receipt),
        receipt_of(
            "good-extra",
            used,
            &receipt.replace("\nindex", "\nextra aGk=\nindex"),
        ),
        receipt_of("bad-other-entry", &small.entries[0].line, receipt),
        receipt_of("bad-index", used, &receipt.replace("index 8", "index 08")),
        receipt_of("bad-size", used, &receipt.replace("\n9\n", "\n8\n")),
        receipt_of(
            "bad-no-checkpoint",
            used,
            receipt.split_once("\n\n").unwrap().0,
        ),
    ]
}

pub(super) fn entries(small: &Small) -> Vec<Seed> {
    let Event::Use { ask, .. } = Entry::parse(small.used()).unwrap().event else {
        panic!("no use")
    };
    let now = Timestamp::from_second(NOW).unwrap();
    let line = |event| Entry::new(now, event).to_line();
    let refusal = Event::Refusal {
        ask: Ask {
            ticket: Some("CHG-1 \u{202e}".to_owned()),
            ..ask
        },
        reason: Reason::Denied,
        detail: "a policy forbids it".to_owned(),
        policies: vec!["all#2".to_owned()],
    };
    let noise = Event::Noise {
        reason: Reason::Replay,
        way_in: WayIn::Local,
        address: None,
        service: Some(name("atlas")),
        count: 123,
        since: now,
        detail: "nonce\n\u{1b}[31m".to_owned(),
    };
    let refusal = line(refusal);
    vec![
        seed("entry/good-use", small.used()),
        seed("entry/good-created", &small.entries[0].line),
        seed("entry/good-secret", &small.entries[1].line),
        seed(
            "entry/good-fields",
            small
                .used()
                .replace(r#""size":5"#, r#""size":1e2,"a":[null,{"é":-0.0}]"#),
        ),
        seed("entry/good-refusal", &refusal),
        seed("entry/good-noise", line(noise)),
        seed(
            "entry/bad-kind",
            refusal.replace("\"refusal\"", "\"surprise\""),
        ),
        seed(
            "entry/bad-reason",
            refusal.replace("\"denied\"", "\"bored\""),
        ),
        seed("entry/bad-json", &refusal[1..]),
    ]
}
