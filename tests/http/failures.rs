//! A provider that is not there, not in time, or not what it should be: the caller is told little, the
//! owner enough, and every use has its outcome.

use std::net::TcpListener;

use serde_json::json;

use super::{KEY, Story, ask, get, outcome};
use crate::support::{Vault, provider::Provider};

/// How it ended: the caller's status, the ending, and that the detail says something.
fn ended(
    story: &Story,
    agent: &crate::support::Agent<'_>,
    path: &str,
    says: &str,
) -> (u64, String) {
    let (status, told) = story.refused(agent, get(path));
    let outcome = outcome(&story.vault);
    let detail = outcome["detail"].as_str().unwrap();
    assert!(detail.contains(says), "{path}: {detail}");
    assert!(
        !detail.contains(KEY) && !told.contains("127.0.0.1"),
        "{told}"
    );
    (status, outcome["ending"].as_str().unwrap().to_owned())
}

#[test]
fn a_provider_that_does_not_answer_well_is_told_apart() {
    // The credential is in the query here: no error may repeat the request.
    let flags = [
        "--query",
        "api_key",
        "--timeout",
        "2",
        "--max-reply",
        "1000",
    ];
    let story = Story::begin_with(&flags);
    let agent = story.vault.agent();
    let table = [
        ("/never", "no whole answer within 2 s", 504, "timed-out"),
        ("/bytes/1001", "more than 1000 bytes", 502, "too-large"),
        ("/chunks/1001", "more than 1000 bytes", 502, "too-large"),
        ("/cut", "no whole answer came", 502, "bad-answer"),
        ("/nothing", "no whole answer came", 502, "bad-answer"),
        ("/no-http", "no whole answer came", 502, "bad-answer"),
        ("/compressed", "gzip", 502, "bad-answer"),
    ];
    for (path, says, status, ending) in table {
        let got = ended(&story, &agent, path, says);
        assert_eq!(got, (status, ending.to_owned()), "{path}");
    }
    for path in ["/bytes/1000", "/chunks/1000"] {
        let result = story.result(&agent, get(path));
        assert_eq!(result["body"].as_str().unwrap().len(), 1000);
    }
    // Each was sent once: what a provider got may have been done.
    assert_eq!(story.provider.got().len(), table.len() + 2);
}

#[test]
fn a_provider_that_is_not_there_can_not_be_reached() {
    let story = Story::begin();
    // A port that nobody listens on: taken, but not listening, while the test runs.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    drop(taken);
    let url = format!("https://127.0.0.1:{port}");
    story
        .vault
        .run(&["secret", "bind", "heroku/prod", "--base-url", &url]);
    let agent = story.vault.agent();
    let dead = ended(&story, &agent, "/", "refused");
    assert_eq!(dead, (502, "unreachable".to_owned()));
    let url = "https://no-such-host.invalid";
    story
        .vault
        .run(&["secret", "bind", "heroku/prod", "--base-url", url]);
    let unknown = ended(
        &story,
        &agent,
        "/",
        "`no-such-host.invalid` can't be looked up",
    );
    assert_eq!(unknown, (502, "unreachable".to_owned()));
}

#[test]
fn a_provider_that_is_somebody_else_gets_nothing() {
    let vault = Vault::create();
    let (provider, other) = (Provider::start(&vault), Provider::start(&vault));
    // Trusted is another authority than the provider's.
    let flags = ["--cacert", &other.cacert, "--network", "127.0.0.1/32"];
    let named = [
        "secret",
        "add",
        "heroku/prod",
        "--kind",
        "token",
        "--base-url",
    ];
    let url = provider.url();
    let all = [&named[..], &[&url], &flags].concat();
    vault.run_with_input(&all, KEY.as_bytes());
    let service = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "http", "heroku/prod"]);
    let agent = vault.agent();
    let told = ask(&agent, &service, "heroku/prod", get("/"));
    assert_eq!(told["status"], 502, "{told}");
    let outcome = outcome(&vault);
    assert_eq!(outcome["ending"], "unreachable");
    let detail = outcome["detail"].as_str().unwrap();
    assert!(detail.contains("certificate"), "{detail}");
    assert!(provider.got().is_empty());
}

#[test]
fn an_inner_address_is_refused_unless_the_binding_names_it() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let service = vault.enrol("atlas");
    let named = [
        "secret",
        "add",
        "inner",
        "--kind",
        "token",
        "--cacert",
        &provider.cacert,
    ];
    let by_name = format!("https://localhost:{}", provider.port);
    let all = [&named[..], &["--base-url", &by_name]].concat();
    vault.run_with_input(&all, KEY.as_bytes());
    vault.run(&["grant", "atlas", "http", "inner"]);
    let agent = vault.agent();
    for host in [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "0.0.0.0",
    ] {
        let url = format!("https://{host}:{}", provider.port);
        let mut bind = vault.command(&["secret", "bind", "inner", "--base-url", &url]);
        if !bind.output().unwrap().status.success() {
            // One spelling of an address is enough for a binding; it was refused there.
            assert!(host.contains("ffff"), "{host}");
            continue;
        }
        let told = ask(&agent, &service, "inner", get("/"));
        assert_eq!(told["status"], 502, "{host}: {told}");
        assert_eq!(told["answer"]["detail"], "the provider can't be reached");
        let outcome = outcome(&vault);
        assert_eq!(outcome["ending"], "target-refused", "{outcome}");
    }
    assert!(provider.got().is_empty(), "nobody was dialled");

    let allowed = ["--network", "127.0.0.1/32", "--network", "::1"];
    vault.run(
        &[
            &["secret", "bind", "inner", "--base-url", &by_name][..],
            &allowed,
        ]
        .concat(),
    );
    // `localhost` may be ::1 too, where nobody listens.
    assert_eq!(ask(&agent, &service, "inner", get("/"))["status"], 200);
    let seen = provider.last();
    assert_eq!(
        super::header(&seen, "host").unwrap(),
        format!("localhost:{}", provider.port)
    );
}

#[test]
fn without_tls_only_networks_that_are_named_are_called() {
    let vault = Vault::create();
    let provider = Provider::start_plain();
    let service = vault.enrol("atlas");
    let url = format!("http://127.0.0.1:{}", provider.port);
    let named = [
        "secret",
        "add",
        "plain",
        "--kind",
        "token",
        "--base-url",
        &url,
    ];
    let refused = super::fail_with_input(&vault, &named, KEY.as_bytes());
    assert!(refused.contains("https"), "{refused}");
    let inside = ["--allow-http", "--network", "127.0.0.0/8"];
    vault.run_with_input(&[&named[..], &inside].concat(), KEY.as_bytes());
    vault.run(&["grant", "atlas", "http", "plain"]);
    let agent = vault.agent();
    let told = ask(&agent, &service, "plain", get("/echo"));
    assert_eq!(told["status"], 200, "{told}");
    assert_eq!(provider.got().len(), 1);
    assert_eq!(outcome(&vault)["status"], json!(200));
}
