//! `secret bind`: what it says, what it refuses, and that it counts from the next request on.

use std::fs;

use serde_json::{Value, json};

use super::{KEY, Story, fail_with_input, get, outcome};
use crate::support::Vault;

#[test]
fn a_binding_is_set_shown_and_counted() {
    let vault = Vault::create();
    vault.run_with_input(
        &["secret", "add", "heroku/prod", "--kind", "token"],
        KEY.as_bytes(),
    );
    assert_eq!(
        vault.json(&["secret", "show", "heroku/prod"])["bound"],
        Value::Null
    );

    let bind = ["secret", "bind", "heroku/prod"];
    let url = ["--base-url", "https://api.heroku.com"];
    let told = vault.run(&[&bind[..], &url].concat());
    assert!(
        told.contains("bound `heroku/prod`") && told.contains("https://api.heroku.com"),
        "{told}"
    );
    vault.run(&[&bind[..], &["--header", "X-Key", "--body-field", "/slug"]].concat());
    let shown = vault.json(&["secret", "show", "heroku/prod"]);
    assert_eq!(shown["bound"]["number"], 2);
    let http = json!({
        "base_url": "https://api.heroku.com",
        "attach": {"header": "x-key"}, "body_fields": ["/slug"],
    });
    assert_eq!(shown["bound"]["binding"], json!({"http": http}));
    assert!(
        vault
            .run(&["secret", "list"])
            .contains("https://api.heroku.com")
    );

    // The whole of it, from a file and from a pipe, as `show` printed it.
    let file = vault.path().join("binding.json");
    fs::write(&file, shown["bound"]["binding"].to_string()).unwrap();
    vault.run(&[&bind[..], &["--file", file.to_str().unwrap()]].concat());
    let pipe = [&bind[..], &["--file", "-"]].concat();
    vault.run_with_input(
        &pipe,
        br#"{"http": {"base_url": "https://api.example.com"}}"#,
    );
    let shown = vault.run(&["secret", "show", "heroku/prod"]);
    assert!(
        shown.contains("binding 4") && shown.contains("https://api.example.com"),
        "{shown}"
    );
    assert!(!shown.contains("x-key"), "{shown}");

    let bound: Vec<_> = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["action"] == "secret-bound")
        .collect();
    assert_eq!(bound.len(), 4);
    assert_eq!(bound[0]["subject"], "heroku/prod");
}

#[test]
fn a_mistake_says_what_to_do() {
    let vault = Vault::create();
    vault.run_with_input(
        &["secret", "add", "token", "--kind", "token"],
        KEY.as_bytes(),
    );
    vault.run(&["secret", "generate", "signing", "--kind", "ed25519"]);
    vault.run(&["alias", "set", "deploy", "token"]);
    let url = "https://api.example.com";
    for (arguments, says) in [
        (&["token"][..], "--base-url"),
        (&["token", "--bearer"], "--base-url"),
        (&["missing", "--base-url", url], "secret list"),
        (&["deploy", "--base-url", url], "the secret is `token`"),
        (
            &["signing", "--base-url", url],
            "no use for the section `http`",
        ),
        (&["token", "--base-url", url, "--basic"], "bearer"),
        (&["token", "--base-url", "api.example.com"], "https"),
        (
            &["token", "--base-url", "https://user:pass@api.example.com"],
            "base",
        ),
        (
            &["token", "--base-url", url, "--network", "10.0.0.1/8"],
            "10.0.0.0/8",
        ),
        (
            &["token", "--base-url", url, "--network", "0.0.0.0/0"],
            "network",
        ),
        (&["token", "--base-url", url, "--timeout", "301"], "300"),
        (
            &["token", "--base-url", url, "--cacert", "/dev/null"],
            "cacert",
        ),
        (
            &["token", "--base-url", url, "--body-field", "slug"],
            "/app/name",
        ),
    ] {
        let told = vault.fail(1, &[&["secret", "bind"], arguments].concat());
        assert!(told.contains(says), "{arguments:?}: {told}");
    }
    for (json, says) in [
        (&b"not json"[..], "not JSON"),
        (br#"{"htp": {}}"#, "htp"),
        (
            br#"{"http": {"base_url": "https://a.example", "attach": "digest"}}"#,
            "bearer",
        ),
    ] {
        let told = fail_with_input(&vault, &["secret", "bind", "token", "--file", "-"], json);
        assert!(told.contains(says), "{told}");
    }
    assert_eq!(
        vault.json(&["secret", "show", "token"])["bound"],
        Value::Null
    );

    // A secret whose binding has a mistake is not added at all.
    let named = [
        "secret",
        "add",
        "another",
        "--kind",
        "token",
        "--base-url",
        "ftp://a.example",
    ];
    fail_with_input(&vault, &named, KEY.as_bytes());
    vault.fail(1, &["secret", "show", "another"]);
}

#[test]
fn a_binding_counts_from_the_next_request_on() {
    let story = Story::begin();
    let agent = story.vault.agent();
    story.result(&agent, get("/apps"));
    let base = format!("{}/v3", story.provider.url());
    story
        .vault
        .run(&["secret", "bind", "heroku/prod", "--base-url", &base]);
    story.result(&agent, get("/apps"));
    assert_eq!(story.provider.last()["target"], "/v3/apps");
    let elsewhere = [
        "secret",
        "bind",
        "heroku/prod",
        "--base-url",
        "https://127.0.0.2:1",
    ];
    story.vault.run(&elsewhere);
    assert_eq!(story.refused(&agent, get("/apps")).0, 502);
    assert_eq!(outcome(&story.vault)["ending"], "target-refused");
}
