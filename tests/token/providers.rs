//! GitHub Apps and Google service accounts, against a server that checks what they document with
//! PyJWT. The real ones can't be had in a test.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::{Issuer, add, ask, assert_nowhere, bind, issued, outcome, refuses};
use crate::support::{Vault, succeed, with_input};

/// An RSA key and the file with its public half.
fn rsa(vault: &Vault, name: &str, options: &[&str]) -> (Vec<u8>, String) {
    let path = vault.path().join(name);
    let public = vault.path().join(format!("{name}.pub"));
    let (path, public) = (path.to_str().unwrap(), public.to_str().unwrap());
    let mut command = Command::new("openssl");
    command
        .args(["genrsa"])
        .args(options)
        .args(["-out", path, "2048"]);
    succeed(command);
    let mut command = Command::new("openssl");
    command.args(["rsa", "-in", path, "-pubout", "-out", public]);
    succeed(command);
    (fs::read(path).unwrap(), public.to_owned())
}

#[test]
fn a_github_app_gives_tokens_of_its_installations() {
    let vault = Vault::create();
    // PKCS#1, as GitHub hands it out.
    let (pem, public) = rsa(&vault, "app", &["-traditional"]);
    assert!(pem.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    let issuer = Issuer::start(&vault, &["--github-key", &public]);
    let binding = json!({"token": {"github-app": {
        "app": "Iv1.app", "endpoint": issuer.endpoint(""), "installations": [42, 43, 44],
        "repositories": ["api", "web"], "permissions": {"contents": "write", "issues": "read"},
    }}});
    add(&vault, "app", "github-app", &pem, &binding);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "app"]);
    let agent = vault.agent();

    let input =
        json!({"installation": 42, "repositories": ["web"], "permissions": {"contents": "read"}});
    let told = ask(&agent, &key, "app", input);
    let answer = issued(&told);
    assert_eq!(answer["type"], "github-app");
    assert!(answer["token"].as_str().unwrap().starts_with("ghs_"));
    assert_eq!(answer["repositories"], json!(["web"]));
    assert_eq!(
        answer["permissions"],
        json!({"contents": "read", "metadata": "read"})
    );
    assert_eq!(
        issuer.said(),
        [json!({"endpoint": "github", "installation": 42, "body":
            {"repositories": ["web"], "permissions": {"contents": "read"}}})]
    );
    let ended = outcome(&vault);
    assert_eq!(
        (&ended["ending"], &ended["status"]),
        (&json!("issued"), &json!(201))
    );
    let expires: jiff::Timestamp = ended["expires"].as_str().unwrap().parse().unwrap();
    assert_eq!(answer["expires"], format!("{expires:.0}"));

    // All of what is allowed, if nothing is named.
    issued(&ask(&agent, &key, "app", json!({"installation": 42})));
    assert_eq!(
        issuer.said()[1]["body"],
        json!({"repositories": ["api", "web"], "permissions": {"contents": "write", "issues": "read"}})
    );
    for outside in [
        json!({}),
        json!({"installation": 7}),
        json!({"installation": 42, "repositories": ["infra"]}),
        json!({"installation": 42, "permissions": {"issues": "write"}}),
        json!({"installation": 42, "permissions": {"administration": "read"}}),
        json!({"installation": 42, "audience": "x"}),
    ] {
        refuses(&agent, &key, "app", outside);
    }
    // More than was asked for is not handed out; an installation that is not there is refused.
    let more = ask(
        &agent,
        &key,
        "app",
        json!({"installation": 43, "repositories": ["web"]}),
    );
    assert_eq!(more["status"], 502, "{more}");
    let ended = outcome(&vault);
    assert_eq!(ended["ending"], "bad-answer");
    assert!(
        ended["detail"].as_str().unwrap().contains("`stray`"),
        "{ended}"
    );
    assert_eq!(
        ask(&agent, &key, "app", json!({"installation": 44}))["status"],
        502
    );
    assert_eq!(outcome(&vault)["ending"], "refused");
    assert_nowhere(&vault, &agent, &["ghs_", "eyJ"]);
}

#[test]
fn a_service_account_gives_access_and_id_tokens() {
    let vault = Vault::create();
    let (pem, public) = rsa(&vault, "gcp", &[]);
    let issuer = Issuer::start(&vault, &["--gcp-key", &public]);
    let file = |token_uri: &str| {
        json!({
            "type": "service_account", "project_id": "acme", "private_key_id": "0123456789abcdef",
            "private_key": String::from_utf8(pem.clone()).unwrap(),
            "client_email": "robot@acme.iam.example", "client_id": "1",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/robot",
            "universe_domain": "googleapis.com",
        })
        .to_string()
    };
    let binding = json!({"token": {"gcp": {
        "endpoint": issuer.endpoint("/gcp/token"), "scopes": ["scope/a", "scope/b"],
        "audience": ["https://run.example"],
    }}});
    add(
        &vault,
        "robot",
        "gcp",
        file(&issuer.url("/gcp/token")).as_bytes(),
        &binding,
    );
    let stray = issuer.url("/odd/html");
    vault.run_with_input(
        &["secret", "add", "stray", "--kind", "gcp"],
        file(&stray).as_bytes(),
    );
    bind(&vault, "stray", &binding);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "token", "robot"]);
    vault.run(&["grant", "atlas", "token", "stray"]);
    let agent = vault.agent();

    let told = ask(&agent, &key, "robot", json!({"scopes": ["scope/a"]}));
    let answer = issued(&told);
    assert!(answer["token"].as_str().unwrap().starts_with("ya29."));
    assert_eq!(
        (&answer["type"], &answer["scope"]),
        (&json!("gcp"), &json!("scope/a"))
    );
    let ended = outcome(&vault);
    assert_eq!(
        (&ended["ending"], &ended["status"]),
        (&json!("issued"), &json!(200))
    );
    assert!(ended["expires"].as_str() > ended["time"].as_str());
    let id = ask(
        &agent,
        &key,
        "robot",
        json!({"audience": "https://run.example"}),
    );
    assert!(issued(&id)["token"].as_str().unwrap().starts_with("eyJ"));
    issued(&ask(&agent, &key, "robot", json!({})));
    let asked: Vec<Value> = issuer.said();
    assert_eq!(
        asked,
        [
            json!({"endpoint": "gcp", "scope": "scope/a", "audience": null}),
            json!({"endpoint": "gcp", "scope": null, "audience": "https://run.example"}),
            json!({"endpoint": "gcp", "scope": "scope/a scope/b", "audience": null}),
        ]
    );
    for outside in [
        json!({"scopes": ["scope/c"]}),
        json!({"audience": "https://other.example"}),
        json!({"scopes": ["scope/a"], "audience": "https://run.example"}),
        json!({"lifetime": 60}),
    ] {
        refuses(&agent, &key, "robot", outside);
    }
    // A key file that names another endpoint is not used, whatever it is worth there.
    let told = ask(&agent, &key, "stray", json!({}));
    assert_eq!(told["status"], 422, "{told}");
    assert_eq!(issuer.said().len(), 3);
    assert_nowhere(
        &vault,
        &agent,
        &["ya29.", "PRIVATE KEY", answer["token"].as_str().unwrap()],
    );

    for (value, why) in [
        ("{}", "service account key file"),
        (
            &file("x").replace("BEGIN", "BEGUN"),
            "service account key file",
        ),
    ] {
        let command = vault.command(&["secret", "add", "broken", "--kind", "gcp"]);
        let output = with_input(command, value.as_bytes());
        assert!(!output.status.success(), "{why}");
    }
}
