//! JSON Web Tokens, read by PyJWT and jwcrypto.

use std::{fs, process::Command};

use serde_json::{Value, json};

use super::{ask, bind, issued, outcome, refuses};
use crate::support::{Vault, python, script, with_input};

/// What both libraries say of a token; they must take it.
fn read(key: &str, algorithm: &str, token: &str) -> Value {
    let mut command: Command = python();
    command
        .arg(script("jwt_check.py"))
        .args(["--key", key, "--algorithm", algorithm])
        .args([
            "--audience",
            "api.example",
            "--issuer",
            "https://ci.example",
        ]);
    let output = with_input(command, token.as_bytes());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_token_says_what_the_owner_and_the_caller_agreed_on() {
    let vault = Vault::create();
    let key = vault.enrol("atlas");
    let kinds = [
        ("ed25519", "EdDSA"),
        ("p256", "ES256"),
        ("rsa", "RS256"),
        ("rsa", "PS256"),
    ];
    for (kind, algorithm) in kinds {
        let name = algorithm.to_lowercase();
        vault.run(&["secret", "generate", &name, "--kind", kind]);
        let mut jwt = json!({
            "issuer": "https://ci.example", "audience": ["api.example"], "subject": ["ci-*"],
            "claims": {"tenant": "acme", "roles": ["deploy"]}, "allow": {"env": ["prod", "test-*"]},
            "max_lifetime": 900,
        });
        if algorithm == "PS256" {
            jwt["algorithm"] = algorithm.into();
            jwt["key_id"] = "main".into();
            jwt["typ"] = "at+jwt".into();
        }
        bind(&vault, &name, &json!({"token": {"jwt": jwt}}));
        vault.run(&["grant", "atlas", "token", &name]);
    }
    let policy = "forbid (principal, action == Action::\"token\", resource) when {
        context.token.claims.hasTag(\"env\") && context.token.claims.getTag(\"env\") == \"prod\"
        && context.token.lifetime > 60 };";
    let file = vault.path().join("short.cedar");
    fs::write(&file, policy).unwrap();
    vault.run(&["policy", "set", "short", file.to_str().unwrap()]);
    let agent = vault.agent();

    for (_, algorithm) in kinds {
        let name = algorithm.to_lowercase();
        let input = json!({"subject": "ci-7", "claims": {"env": "prod"}, "lifetime": 60});
        let told = ask(&agent, &key, &name, input);
        let answer = issued(&told);
        assert_eq!(
            (&answer["type"], &answer["version"]),
            (&json!("jwt"), &json!(1))
        );
        let public = vault.path().join(format!("{name}.pub"));
        let shown = vault.json(&["secret", "show", &name]);
        let pem = shown["versions"][0]["public_key"].as_str().unwrap();
        fs::write(&public, pem).unwrap();
        let token = answer["token"].as_str().unwrap();
        let read = read(public.to_str().unwrap(), algorithm, token);

        let expected = match algorithm {
            "PS256" => json!({"alg": "PS256", "kid": "main", "typ": "at+jwt"}),
            other => json!({"alg": other, "kid": read["thumbprint"], "typ": "JWT"}),
        };
        assert_eq!(read["header"], expected);
        let claims = &read["claims"];
        for (claim, value) in [
            ("sub", json!("ci-7")),
            ("tenant", json!("acme")),
            ("roles", json!(["deploy"])),
            ("env", json!("prod")),
        ] {
            assert_eq!(claims[claim], value);
        }
        let issued_at = claims["iat"].as_i64().unwrap();
        assert_eq!(claims["exp"], issued_at + 60);
        assert_eq!(claims["nbf"], issued_at);

        // What policy saw and the log keeps is what is in it.
        let entry: Value = serde_json::from_str(told["answer"]["entry"].as_str().unwrap()).unwrap();
        assert_eq!(
            entry["ask"]["fields"],
            json!({
                "type": "jwt", "issuer": "https://ci.example", "audience": "api.example",
                "subject": "ci-7", "scopes": [], "lifetime": 60,
                "claims": {"tenant": "acme", "roles": "[\"deploy\"]", "env": "prod"},
            })
        );
        let outcome = outcome(&vault);
        assert_eq!(outcome["ending"], "issued");
        assert_eq!(outcome.get("status"), None, "nobody was called");
        let expires: jiff::Timestamp = outcome["expires"].as_str().unwrap().parse().unwrap();
        assert_eq!(expires.as_second(), issued_at + 60);
        assert_eq!(answer["expires"], format!("{expires:.0}"));
    }

    let denied = ask(
        &agent,
        &key,
        "eddsa",
        json!({"subject": "ci-7", "claims": {"env": "prod"}, "lifetime": 61}),
    );
    assert_eq!(denied["status"], 403, "{denied}");
    for outside in [
        json!({}),
        json!({"subject": "root"}),
        json!({"subject": "ci-7", "audience": "db.example"}),
        json!({"subject": "ci-7", "lifetime": 901}),
        json!({"subject": "ci-7", "claims": {"iss": "me"}}),
        json!({"subject": "ci-7", "claims": {"tenant": "other"}}),
        json!({"subject": "ci-7", "scopes": ["admin"]}),
    ] {
        refuses(&agent, &key, "eddsa", outside);
    }
    let sentences = vault.run(&["audit", "show"]);
    assert!(
        sentences.contains("atlas was issued a token for api.example by eddsa, good until "),
        "{sentences}"
    );
    vault.run(&["audit", "verify"]);
}
