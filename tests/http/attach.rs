//! Each way of attaching a credential, as the provider sees it; the caller never does.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{KEY, add, add_kind, ask, get, header};
use crate::support::{Vault, authority::Authority, provider::Provider};

#[test]
fn the_provider_gets_the_credential_and_the_caller_does_not() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let service = vault.enrol("atlas");
    let basic = "admin-user:p4ss:with colon";
    add(&vault, &provider, "bearer", KEY, &["--bearer"]);
    add(&vault, &provider, "unsaid", KEY, &[]);
    add_kind(
        &vault,
        &provider,
        "basic",
        "basic",
        basic.as_bytes(),
        &["--basic"],
    );
    add(&vault, &provider, "header", KEY, &["--header", "X-Api-Key"]);
    let prefix = ["--header", "Authorization", "--prefix", "Token "];
    add(&vault, &provider, "prefix", KEY, &prefix);
    add(&vault, &provider, "query", KEY, &["--query", "api_key"]);
    let cookie = "cookie-value-0123456789";
    add(
        &vault,
        &provider,
        "cookie",
        cookie,
        &["--cookie", "session"],
    );
    let secrets = [
        "bearer", "unsaid", "basic", "header", "prefix", "query", "cookie",
    ];
    vault.run(&[&["grant", "atlas", "http"], &secrets[..]].concat());
    let agent = vault.agent();

    let encoded = "YWRtaW4tdXNlcjpwNHNzOndpdGggY29sb24=";
    let query = "api_key=root-key%2Fof%2Bthe~provider%3D0%3F%26x";
    for (secret, name, expected) in [
        ("bearer", "authorization", format!("Bearer {KEY}")),
        ("unsaid", "authorization", format!("Bearer {KEY}")),
        ("basic", "authorization", format!("Basic {encoded}")),
        ("header", "x-api-key", KEY.to_owned()),
        ("prefix", "authorization", format!("Token {KEY}")),
        ("cookie", "cookie", format!("session={cookie}")),
        ("query", "", String::new()),
    ] {
        let mut input = get("/echo");
        input["query"] = json!({"page": "2"});
        let told = ask(&agent, &service, secret, input);
        assert_eq!(told["status"], 200, "{told}");
        let got = provider.last();
        match name {
            "" => assert_eq!(got["target"], format!("/echo?page=2&{query}"), "{got}"),
            name => {
                assert_eq!(header(&got, name).unwrap(), expected, "{secret}");
                assert_eq!(got["target"], "/echo?page=2");
            }
        }
        // The answer repeats all that the provider got, and has the credential nowhere.
        let answer = told["answer"]["result"].to_string();
        assert!(answer.contains("/echo"), "{answer}");
        for shown in [KEY, encoded, "p4ss:with colon", "admin-user", cookie, query] {
            assert!(!answer.contains(shown), "{secret}: {shown} in {answer}");
        }
    }

    let log = agent.log();
    agent.stop();
    let entries = json!(vault.entries()).to_string() + &log;
    for shown in [KEY, encoded, "p4ss", cookie, "root-key"] {
        assert!(!entries.contains(shown), "{shown}");
    }
}

/// A certificate of a service account and its key, in one PEM file.
fn certificate(authority: &Authority, name: &str) -> Vec<u8> {
    let (certificate, key) = authority.sign(name, "extendedKeyUsage=clientAuth");
    let mut pem = fs::read(Path::new(&certificate)).unwrap();
    pem.extend(fs::read(Path::new(&key)).unwrap());
    pem
}

#[test]
fn a_client_certificate_is_shown_in_the_handshake() {
    let vault = Vault::create();
    let authority = Authority::create(vault.path(), "clients-authority");
    let ca = vault.path().join("clients-authority.pem");
    let ca = ca.to_str().unwrap();
    let service = vault.enrol("atlas");
    let providers = [
        Provider::start_with(&vault, &["--client-ca", ca]),
        Provider::start_with(&vault, &["--client-ca", ca, "--tls12"]),
    ];
    let name = |number: usize| format!("machine-{number}");
    for (number, provider) in providers.iter().enumerate() {
        let value = certificate(&authority, &format!("account-{number}-first"));
        add_kind(
            &vault,
            provider,
            &name(number),
            "mtls",
            &value,
            &["--client-certificate"],
        );
    }
    let names = [name(0), name(1)];
    vault.run(&["grant", "atlas", "http", &names[0], &names[1]]);
    let agent = vault.agent();
    let common_name = |number: usize| {
        let told = ask(&agent, &service, &name(number), get("/echo"));
        assert_eq!(told["status"], 200, "{told}");
        let subject = &providers[number].last()["certificate"];
        subject["commonName"].as_str().unwrap().to_owned()
    };
    for number in [0, 1] {
        assert_eq!(common_name(number), format!("account-{number}-first"));
        // The connection is kept, but not for another version.
        let value = certificate(&authority, &format!("account-{number}-second"));
        vault.run_with_input(&["secret", "rotate", &name(number)], &value);
        assert_eq!(common_name(number), format!("account-{number}-second"));
    }
    let shown: Value = json!(vault.entries());
    assert!(!shown.to_string().contains("PRIVATE KEY"));
}
