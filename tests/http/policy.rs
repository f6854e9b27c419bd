//! Access control for a provider that has none: policy sees what is sent, as it is sent.

use serde_json::{Value, json};

use super::{KEY, Story, add, ask, get, outcome, set_policy};
use crate::support::{Vault, provider::Provider};

#[test]
fn a_root_key_is_good_for_what_policy_says_and_nothing_else() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let fields = ["--body-field", "/slug", "--body-field", "/app/stack"];
    add(&vault, &provider, "heroku/prod", KEY, &fields);
    let service = vault.enrol("atlas");
    set_policy(
        &vault,
        "releases",
        &format!(
            r#"
permit (principal == Service::"atlas", action == Action::"http", resource == Secret::"heroku/prod")
when {{
    context.http.method == "POST" && context.http.host == "127.0.0.1:{}" &&
    context.http.path like "/apps/*/releases" &&
    context.http.body.hasTag("/slug") && context.http.body.getTag("/slug") like "slug-*"
}};
permit (principal == Service::"atlas", action == Action::"http", resource == Secret::"heroku/prod")
when {{
    context.http.method == "GET" && context.http.path == "/apps" &&
    !(context.http.query.hasTag("all"))
}};
"#,
            provider.port
        ),
    );
    let agent = vault.agent();
    let release = |path: &str, body: Value| json!({"method": "POST", "path": path, "body": body});
    let slug = json!({"slug": "slug-4f2a"});
    let with_query = |name: &str| json!({"method": "GET", "path": "/apps", "query": {name: "1"}});

    let table = [
        (200, release("/apps/web/releases", slug.clone())),
        (200, get("/apps")),
        (200, with_query("page")),
        // Another method, path, query and body.
        (403, get("/apps/web/releases")),
        (403, json!({"method": "DELETE", "path": "/apps/web"})),
        (403, release("/apps/web/config-vars", slug.clone())),
        (
            403,
            release("/apps/web/releases/../config-vars", slug.clone()),
        ),
        (403, with_query("all")),
        (403, release("/apps/web/releases", json!({"slug": "other"}))),
        (
            403,
            release("/apps/web/releases", json!({"name": "slug-4f2a"})),
        ),
        (403, release("/apps/web/releases", json!(["slug-4f2a"]))),
    ];
    for (expected, input) in table {
        let before = provider.got().len();
        let told = ask(&agent, &service, "heroku/prod", input.clone());
        // What no policy could judge is no request at all.
        let is_dotted = input["path"].as_str().unwrap().contains("..");
        let expected = if is_dotted { 400 } else { expected };
        assert_eq!(told["status"], expected, "{input}: {told}");
        assert_eq!(provider.got().len() - before, usize::from(expected == 200));
    }
    agent.stop();

    // The log has what policy saw, for the denied ones too.
    let entries = vault.entries();
    let used = entries.iter().find(|entry| entry["kind"] == "use").unwrap();
    let fields = &used["ask"]["fields"];
    assert_eq!(fields["method"], "POST", "{used}");
    assert_eq!(fields["path"], "/apps/web/releases");
    assert_eq!(fields["body"], json!({"/slug": "slug-4f2a"}));
    assert_eq!(fields["content_type"], "application/json");
    let refused = entries.iter().find(|entry| entry["kind"] == "refusal");
    assert_eq!(
        refused.unwrap()["ask"]["fields"]["path"],
        "/apps/web/releases"
    );
    assert_eq!(outcome(&vault)["status"], 200);
}

#[test]
fn the_path_that_policy_saw_is_the_path_that_is_sent() {
    let story = Story::begin();
    let agent = story.vault.agent();
    for (asked, sent) in [
        ("/apps/%77eb", "/apps/web"),
        ("/apps/a%20b", "/apps/a%20b"),
        ("/apps/caf\u{e9}", "/apps/caf%C3%A9"),
        ("/apps/web;v=1", "/apps/web;v=1"),
    ] {
        story.result(&agent, get(asked));
        assert_eq!(story.provider.last()["target"], sent);
        let entries = story.vault.entries();
        let used = entries.iter().rfind(|entry| entry["kind"] == "use");
        assert_eq!(used.unwrap()["ask"]["fields"]["path"], sent);
    }
    let before = story.provider.got().len();
    for path in [
        "apps",
        "//apps",
        "/apps//web",
        "/apps/../admin",
        "/apps/%2e%2e/admin",
        "/apps/%2E%2e%2fadmin",
        "/apps%2fweb",
        "/apps/%252e%252e/admin",
        "/apps\\admin",
        "/apps?all=1",
        "/apps#x",
        "/apps/%00",
        "/apps/%zz",
        "/apps\r\nX-Evil: 1",
        "https://elsewhere.example/apps",
    ] {
        assert_eq!(story.refused(&agent, get(path)).0, 400, "{path}");
    }
    assert_eq!(story.provider.got().len(), before);
}

#[test]
fn a_caller_can_not_set_what_frames_or_routes_or_authorises() {
    let story = Story::begin();
    let agent = story.vault.agent();
    for (name, expected) in [
        ("Host", 400),
        ("Content-Length", 400),
        ("Transfer-Encoding", 400),
        ("Connection", 400),
        ("Upgrade", 400),
        ("Proxy-Authorization", 400),
        ("X-Forwarded-For", 400),
        ("X-HTTP-Method-Override", 400),
        ("Authorization", 400),
        ("X-Strange", 422),
    ] {
        let mut input = get("/apps");
        input["headers"] = json!({name: "1"});
        assert_eq!(story.refused(&agent, input).0, expected, "{name}");
    }
    assert!(story.provider.got().is_empty());

    let mut input = get("/apps");
    input["headers"] = json!({"Accept": "application/vnd.heroku+json; version=3"});
    story.result(&agent, input);
    let got = story.provider.last();
    let accept = super::header(&got, "accept");
    assert_eq!(accept.unwrap(), "application/vnd.heroku+json; version=3");
    let host = super::header(&got, "host");
    assert_eq!(host.unwrap(), format!("127.0.0.1:{}", story.provider.port));
}

#[test]
fn what_is_malformed_or_of_the_wrong_kind_is_told_apart() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    add(&vault, &provider, "heroku/prod", KEY, &[]);
    vault.run_with_input(&["secret", "add", "unbound", "--kind", "token"], b"token");
    vault.run(&["secret", "generate", "signing", "--kind", "ed25519"]);
    let service = vault.enrol("atlas");
    vault.run(&[
        "grant",
        "atlas",
        "http",
        "heroku/prod",
        "unbound",
        "signing",
    ]);
    let stranger = vault.enrol("borg");
    let agent = vault.agent();
    let status = |key, secret, input| ask(&agent, key, secret, input)["status"].clone();

    for malformed in [
        json!({}),
        json!({"path": "/"}),
        json!({"method": "GET"}),
        json!({"method": "TRACE", "path": "/"}),
        json!({"method": "get", "path": "/"}),
        json!({"method": "GET", "path": "/", "url": "https://elsewhere.example"}),
        json!({"method": "GET", "path": "/", "body": {}}),
        json!({"method": "POST", "path": "/", "body": {}, "form": {}}),
        json!({"method": "GET", "path": "/", "query": {"a": 1}}),
        json!({"method": "GET", "path": "/", "headers": ["x"]}),
    ] {
        assert_eq!(
            status(&service, "heroku/prod", malformed.clone()),
            400,
            "{malformed}"
        );
    }
    assert_eq!(
        status(&service, "unbound", get("/")),
        422,
        "nobody said what it is for"
    );
    assert_eq!(
        status(&service, "signing", get("/")),
        422,
        "a key is not sent"
    );
    assert_eq!(status(&stranger, "heroku/prod", get("/")), 403);
    assert_eq!(status(&service, "not/there", get("/")), 403);
    assert_eq!(status(&service, "heroku/prod", get("/")), 200);
    assert_eq!(provider.got().len(), 1);
}
