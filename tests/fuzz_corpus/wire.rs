//! HTTP messages and what is in their fields.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{Seed, Small, seed};

/// A line, fields, an empty line, a body.
pub(super) fn message<'a>(
    line: &str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: &str,
) -> String {
    let mut text = format!("{line}\n");
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    text + "\n" + body
}

/// Some of the vectors of requests.
pub(super) fn requests() -> Vec<Seed> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/request");
    let taken = [
        "accept-ed25519",
        "accept-p256",
        "accept-other-order",
        "accept-other-labels",
        "accept-several-lines",
    ];
    let not = [
        "suspended",
        "expired",
        "signature-input-broken",
        "two-content-types",
        "unknown-member",
        "long-purpose",
    ];
    let good = taken.map(|vector| ("good-", vector)).into_iter();
    good.chain(not.map(|vector| ("bad-", vector)))
        .map(|(start, vector)| {
            let text = fs::read_to_string(vectors.join(vector).with_extension("json")).unwrap();
            let vector_of: Value = serde_json::from_str(&text).unwrap();
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            let headers: Vec<(String, String)> = vector_of["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (word(&pair[0]), word(&pair[1])))
                .collect();
            let line = format!(
                "{} {}",
                word(&vector_of["method"]),
                word(&vector_of["target"])
            );
            let fields = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let name = vector.trim_start_matches("accept-");
            seed(
                &format!("request/{start}{name}"),
                message(&line, fields, &word(&vector_of["body"])),
            )
        })
        .collect()
}

pub(super) fn signature_bases() -> Vec<Seed> {
    let headers = "POST /v1/access?a=b\nhost: Vault.Example.com:443\nx-dict: a=1, b=(1 2);c\nx-two: 1\nx-two: 2\n\n";
    let base = |path: &str, list: &str| {
        seed(
            &format!("signature_base/{path}"),
            format!("{list}\n{headers}"),
        )
    };
    vec![
        base(
            "good-all",
            r#"("@method" "@path" "@query" "@authority" "x-two" "x-dict";key="b");created=1;tag="strongroom""#,
        ),
        base(
            "good-answer",
            r#"("@status" "@method";req "x-dict";req;key="a");alg="ed25519";keyid="k""#,
        ),
        base("good-nothing", r#"();created=1.5;x=?1;y=:aGk=:;z=token"#),
        base(
            "bad-twice",
            r#"("x-dict";req;key="a" "x-dict";key="a";req)"#,
        ),
        base("bad-unsupported", r#"("@target-uri")"#),
        base("bad-missing", r#"("x-none")"#),
        base("bad-list", r#"("@method""#),
    ]
}

pub(super) fn preferences() -> Vec<Seed> {
    vec![
        seed("prefer/good-plain", "wait=10"),
        seed("prefer/good-lines", "respond-async\nx=y;z, WAIT = \"100\""),
        seed(
            "prefer/good-quoted",
            r#"foo="wait=3, \" wait=4"; a=b, wait=5"#,
        ),
        seed("prefer/good-much", "wait=99999999999999999999999"),
        seed("prefer/bad-none", "respond-async, return=minimal"),
        seed("prefer/bad-first", "wait=ten, wait=10"),
        seed("prefer/bad-quote", r#"wait="10"#),
        seed("prefer/bad-parameter", "return=minimal; wait=10"),
    ]
}

pub(super) fn answers(small: &Small) -> Vec<Seed> {
    let fields = || {
        small
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
    };
    let body = str::from_utf8(&small.body).unwrap();
    let status = small.status.to_string();
    let unsigned = fields().filter(|(name, _)| *name != "signature");
    let other: Value =
        json!({"result": {}, "entry": small.entries[0].line, "receipt": small.receipt});
    let problem = r#"{"type":"urn:strongroom:problem:denied","title":"not allowed","status":403}"#;
    vec![
        seed("answer/good-result", message(&status, fields(), body)),
        seed(
            "answer/good-signed",
            message("signed 200", [].into_iter(), body),
        ),
        seed(
            "answer/good-refusal",
            message("signed 403", [].into_iter(), problem),
        ),
        seed(
            "answer/bad-changed",
            message(
                &status,
                fields(),
                &body.replace("\"version\":1", "\"version\":2"),
            ),
        ),
        seed("answer/bad-status", message("201", fields(), body)),
        seed("answer/bad-unsigned", message(&status, unsigned, body)),
        seed(
            "answer/bad-entry",
            message("signed 200", [].into_iter(), &other.to_string()),
        ),
        seed(
            "answer/bad-body",
            message("signed 200", [].into_iter(), "[]"),
        ),
    ]
}
