//! Bindings, targets, and texts that hold a credential.

use super::{Seed, seed};

pub(super) fn bindings() -> Vec<Seed> {
    let binding = |name: &str, kind: &str, json: &str| {
        seed(&format!("binding/{name}"), format!("{kind}\n{json}"))
    };
    vec![
        binding("good-sign", "rsa", r#"{"sign": {"algorithms": ["PS256"]}}"#),
        binding(
            "good-http",
            "token",
            r#"{"http": {"base_url": "https://api.heroku.com"}}"#,
        ),
        binding(
            "good-http-all",
            "token",
            r#"{"http": {"base_url": {"url": "https://[fd00::1]:8443/v2", "networks": ["fd00::/8", "10.0.0.7"], "timeout_seconds": 5, "max_reply": 4096},
                "attach": {"header": "X-Api-Key", "prefix": "Key "}, "headers": {"accept": "application/json"},
                "allow_headers": ["x-tenant"], "body_fields": ["/app/name", "/a~1b"]}}"#,
        ),
        binding(
            "good-http-plain",
            "basic",
            r#"{"http": {"base_url": {"url": "http://10.0.0.7", "allow_http": true, "networks": ["10.0.0.0/8"]}, "public_user": true}}"#,
        ),
        binding(
            "good-query",
            "oauth2",
            r#"{"http": {"base_url": "https://a.example/", "attach": {"query": "key"}}}"#,
        ),
        binding(
            "good-mtls",
            "mtls",
            r#"{"http": {"base_url": "https://a.example", "attach": "mtls"}}"#,
        ),
        binding("good-empty", "opaque", "{}"),
        binding("bad-kind", "password", "{}"),
        binding(
            "bad-section",
            "opaque",
            r#"{"http": {"base_url": "https://a.example"}}"#,
        ),
        binding(
            "bad-member",
            "token",
            r#"{"http": {"base_url": "https://a.example", "proxy": "x"}}"#,
        ),
        binding("bad-member-unseen", "token", "{\"\u{202e}\u{1b}[2J\": 1}"),
        binding(
            "bad-http",
            "token",
            r#"{"http": {"base_url": "http://a.example"}}"#,
        ),
        binding(
            "bad-host",
            "token",
            r#"{"http": {"base_url": "https://0x7f.1"}}"#,
        ),
        binding(
            "bad-network",
            "token",
            r#"{"http": {"base_url": {"url": "https://a.example", "networks": ["10.1.2.3/8"]}}}"#,
        ),
        binding(
            "bad-attach",
            "token",
            r#"{"http": {"base_url": "https://a.example", "attach": {"header": "Host"}}}"#,
        ),
    ]
}

pub(super) fn targets() -> Vec<Seed> {
    let target = |name: &str, path: &str, query: &str| {
        seed(&format!("target/{name}"), format!("{path}\n{query}"))
    };
    vec![
        target("good-plain", "/apps/web/releases", "{}"),
        target(
            "good-spellings",
            "/%61 b/\u{e9}%c3%a9;v=1+2/%2B%40@",
            r#"{"b": "x&y=1 +", "a[]": ""}"#,
        ),
        target("good-percent", "/100%25/...", r#"{"q": "%41\n"}"#),
        target("bad-dots", "/a/%2e%2e/b", "{}"),
        target("bad-dots-twice", "/a/%252e%252E/b", "{}"),
        target("bad-parameter", "/a/..;x/b", "{}"),
        target("bad-slash", "/a%2fb", "{}"),
        target("bad-empty-segment", "/a//b", "{}"),
        target("bad-escape", "/a%2", "{}"),
        target("bad-utf-8", "/%c0%ae", "{}"),
        target("bad-query", "/a", r#"{"a": ["1", "2"]}"#),
        target("bad-query-name", "/a", r#"{"": "1"}"#),
    ]
}

pub(super) fn scrubs() -> Vec<Seed> {
    vec![
        seed("scrub/good-none", "correct horse\nnothing of it"),
        seed(
            "scrub/good-all",
            b"HRKU-4f2a9c1e-77d0\n\x00 \x01 \x02 \x03 \x04 \x05 \x06 \x07 \x08 \x0b \x0c \x0e \x0f",
        ),
        seed(
            "scrub/good-escapes",
            b"\\\\u0041%%25%41&amp;\n<\x00\x01\x02\x03\x04\x07\x08>\\%&",
        ),
        seed("scrub/good-repeats", b"aaaaaaaa\n\x00a\x00\x05aaaaa%61\x02"),
        seed("scrub/bad-short", "hunter2\nhunter2"),
        seed("scrub/bad-replacement", "credential\n[credential]"),
    ]
}
