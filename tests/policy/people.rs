//! `grant`, `policy explain`, `policy test` and `policy diff`: for people who have to answer for it.

use std::fs;

use serde_json::json;

use super::{SIGN, vault_with};
use crate::support::{Vault, text};

const RELEASES: &str = "\
permit (principal == Service::\"atlas\", action == Action::\"sign\", resource == Secret::\"deploy-key\")
when { context has purpose && context.purpose like \"release *\" };
";

#[test]
fn every_operation_is_granted_with_its_own_conditions() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "key", "--kind", "ed25519"]);
    let dry = |operation: &str, more: &[&str]| {
        let arguments = [&["grant", "atlas", operation, "key", "--dry-run"], more].concat();
        vault.run(&arguments)
    };
    for (operation, options, conditions) in [
        (
            "http",
            &[
                "--method",
                "POST",
                "--path",
                "/apps/*/releases",
                "--body",
                "/slug=web-*",
            ][..],
            &[
                "context.http.method == \"POST\"",
                "(context.http.path like \"/apps/*/releases\" && !(context.http.path like \"*/*/*/*/*\"))",
                "context.http.body.hasTag(\"/slug\") && context.http.body.getTag(\"/slug\") like \"web-*\"",
            ][..],
        ),
        (
            "aws-sign",
            &["--region", "eu-west-1", "--aws-service", "s3"],
            &[
                "context.aws_sign.region == \"eu-west-1\"",
                "context.aws_sign.service == \"s3\"",
            ],
        ),
        (
            "ssh-certificate",
            &["--principal", "deploy", "--lifetime", "15m"],
            &[
                "[\"deploy\"].containsAll(context.ssh_certificate.principals)",
                "context.ssh_certificate.lifetime <= 900",
            ],
        ),
        (
            "ssh-sign",
            &["--namespace", "git"],
            &["context.ssh_sign.namespace == \"git\""],
        ),
        (
            "token",
            &["--audience", "https://api.example", "--scope", "read"],
            &[
                "context.token.audience == \"https://api.example\"",
                "[\"read\"].containsAll(context.token.scopes)",
            ],
        ),
        (
            "release",
            &[
                "--hours",
                "9-17",
                "--days",
                "mon-fri",
                "--until",
                "2999-01-01",
            ],
            &[
                "context.hour >= 9 && context.hour < 17",
                "[1, 2, 3, 4, 5].contains(context.weekday)",
                "context.time < datetime(\"2999-01-01T00:00:00Z\")",
            ],
        ),
        (
            "sign",
            &[
                "--limit",
                "20 per hour, 100 per day",
                "--notify",
                "quiet",
                "--approve",
                "1 of security",
            ],
            &[
                "@limit(\"20 per hour, 100 per day\")",
                "@notify(\"quiet\")",
                "@approve(\"1 of security\")",
            ],
        ),
    ] {
        let granted = dry(operation, options);
        for condition in conditions {
            assert!(granted.contains(condition), "{granted}");
        }
    }
    for (arguments, says) in [
        (
            &["grant", "atlas", "sign", "key", "--path", "/x"][..],
            "`--path` is not a condition on `sign`; it is one on `http` and `aws-sign`",
        ),
        (
            &["grant", "atlas", "sign", "key", "--limit", "many"],
            "annotation `@limit` can't be understood",
        ),
        (
            &["grant", "atlas", "sign", "key", "--until", "2020-01-01"],
            "`2020-01-01` is over already",
        ),
        (
            &["grant", "atlas", "http", "key", "--path", "apps"],
            "`apps` is not a path",
        ),
        (
            &["grant", "atlas", "token", "key", "--lifetime", "long"],
            "`long` is not a while",
        ),
    ] {
        let told = vault.fail(1, arguments);
        assert!(told.contains(says), "{told}");
    }
    for usage in [["--hours", "9"], ["--days", "monday"], ["--notify", "loud"]] {
        vault.fail(2, &["grant", "atlas", "sign", "key", usage[0], usage[1]]);
    }
    assert_eq!(
        vault.json(&["policy", "show"]),
        json!([]),
        "nothing was stored"
    );
}

#[test]
fn a_request_and_an_entry_are_explained_condition_by_condition() {
    let (vault, key) = vault_with(RELEASES);
    vault.run(&["alias", "set", "main", "deploy-key"]);
    // A locked vault is enough: nothing is used.
    let agent = vault.locked_agent();
    let file = vault.path().join("request.json");
    let ask = |question: serde_json::Value| {
        fs::write(&file, question.to_string()).unwrap();
        vault.run(&["policy", "explain", file.to_str().unwrap()])
    };
    let question = |purpose: &str| {
        json!({
            "service": "atlas", "operation": "sign", "secret": "main", "purpose": purpose,
            "input": {"message": "aGVsbG8="}, "time": "2026-01-01T00:00:00Z",
        })
    };
    assert_eq!(
        ask(question("release 1")),
        "\
allowed by `deployers`

✓ permit deployers (line 1 of `deployers`)
    ✓ when context has purpose  context.purpose is \"release 1\"
    ✓ when context.purpose like \"release *\"  context.purpose is \"release 1\"
"
    );
    let denied = ask(question("curiosity \u{1b}[31m"));
    assert_eq!(
        denied,
        "\
denied: no policy permits it

· permit deployers does not match (line 1 of `deployers`)
    ✓ when context has purpose  context.purpose is \"curiosity \\u{1b}[31m\"
    ✗ when context.purpose like \"release *\"  context.purpose is \"curiosity \\u{1b}[31m\"
"
    );
    let other = ask(json!({"service": "atlas", "operation": "public-key", "secret": "deploy-key"}));
    assert!(
        other.contains("    ✗ action == Action::\"sign\"  it is Action::\"public-key\"\n"),
        "{other}"
    );
    // Policy permits it, and the key can't.
    vault.run(&["unlock"]);
    vault.run_with_input(
        &["policy", "set", "all", "-"],
        b"permit (principal, action, resource);",
    );
    let impossible = ask(json!({
        "service": "atlas", "operation": "sign", "secret": "deploy-key",
        "input": {"message": "", "algorithm": "ES256"},
    }));
    assert!(
        impossible.starts_with(
            "not possible: permitted by `all`, but a key of kind `ed25519` can't sign with `ES256`"
        ),
        "{impossible}"
    );
    vault.run(&["policy", "retire", "all"]);

    // What happened is explained with the policies of today.
    let refused = agent.request(&key, &SIGN);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    let entries = vault.entries();
    let index = entries
        .iter()
        .rposition(|entry| entry["kind"] == "refusal")
        .unwrap()
        .to_string();
    let told = vault.run(&["policy", "explain", "--entry", &index]);
    assert!(
        told.contains("at the time: denied: no policy permitted it\n"),
        "{told}"
    );
    assert!(
        told.contains("✗ when context has purpose  context.purpose is absent\n"),
        "{told}"
    );
    let told = vault.json(&["policy", "explain", "--entry", &index]);
    assert_eq!(
        (
            &told["outcome"],
            &told["secret"],
            &told["statements"][0]["conditions"][0]["holds"]
        ),
        (&json!("denied"), &json!("deploy-key"), &json!(false))
    );
    for (arguments, says) in [
        (
            &["policy", "explain", "--entry", "0"][..],
            "entry 0 tells of no request that was put to policy",
        ),
        (
            &["policy", "explain", "--entry", "9999"],
            "the audit log has no entry 9999",
        ),
    ] {
        let told = vault.fail(1, arguments);
        assert!(told.contains(says), "{told}");
    }
    for (question, says) in [
        (json!({"service": "atlas"}), "is not a request"),
        (
            json!({"service": "atlas", "operation": "sign", "secret": "nothing"}),
            "there is no secret or alias `nothing`, so it would be denied",
        ),
        (
            json!({"service": "atlas", "operation": "sign", "secret": "main", "input": {}}),
            "the input is not one of `sign`",
        ),
    ] {
        fs::write(&file, question.to_string()).unwrap();
        let told = vault.fail(1, &["policy", "explain", file.to_str().unwrap()]);
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn a_table_of_cases_is_held_against_the_policies() {
    let (vault, _) = vault_with(RELEASES);
    let file = |name: &str, text: &str| {
        let path = vault.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let case = |service: &str, purpose: &str| {
        format!(
            "{{ service = \"{service}\", operation = \"sign\", secret = \"deploy-key\", input = {{ message = \"\" }}, purpose = \"{purpose}\" }}"
        )
    };
    let good = file(
        "good.toml",
        &format!(
            "allow = [{}]\ndeny = [{}, {}]\n",
            case("atlas", "release 1"),
            case("atlas", "test"),
            case("borg", "release 1")
        ),
    );
    let table = vault.run(&["policy", "test", &good]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "EXPECTED",
            "SERVICE",
            "OPERATION",
            "SECRET",
            "POLICY",
            "SAYS",
            "NOTE"
        ]
    );
    assert_eq!(
        rows[1],
        [
            "ok",
            "allow",
            "atlas",
            "sign",
            "deploy-key",
            "allow",
            "by",
            "`deployers`"
        ]
    );
    assert_eq!(
        rows[3],
        ["ok", "deny", "borg", "sign", "deploy-key", "deny"]
    );
    assert!(table.ends_with("ok: 3 cases\n"), "{table}");

    // 1: a case missed. 2: it is no file of tests.
    let missed = file(
        "missed.toml",
        &format!("deny = [{}]\n", case("atlas", "release 1")),
    );
    let output = vault
        .command(&["policy", "test", &missed])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("MISS  deny"), "{}", text(&output));
    assert!(
        text(&output).contains("1 of 1 case missed"),
        "{}",
        text(&output)
    );
    for (text, says) in [
        ("alow = []", "unknown field `alow`"),
        ("allow = []", "it has no case"),
        (
            "[[allow]]\nservice = \"atlas\"\noperation = \"sign\"\nsecret = \"nothing\"\ninput = { message = \"\" }",
            "case 1 of `allow`: there is no secret or alias `nothing`",
        ),
        (
            "policies = [\"no-such.cedar\"]\n[[deny]]\nservice = \"a\"\noperation = \"sign\"\nsecret = \"deploy-key\"",
            "no-such.cedar",
        ),
    ] {
        let told = vault.fail(2, &["policy", "test", &file("bad.toml", text)]);
        assert!(told.contains(says), "{told}");
    }

    // Before anything is stored, and with no vault at all.
    file(
        "team.cedar",
        "permit (principal == Service::\"borg\", action, resource);",
    );
    let alone = file(
        "alone.json",
        &json!({
            "policies": ["team.cedar"], "secrets": {"other": {"kind": "token", "releasable": true}},
            "allow": [{"service": "borg", "operation": "release", "secret": "other"}],
        })
        .to_string(),
    );
    let output = std::process::Command::new(crate::support::program())
        .args([
            "--home",
            "/no/such/vault",
            "policy",
            "test",
            &alone,
            "--json",
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let tested: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&tested[0]["passed"], &tested[0]["policies"]),
        (&json!(true), &json!(["team"]))
    );
}

#[test]
fn a_change_is_held_against_what_was_asked() {
    let (vault, key) = vault_with(RELEASES);
    let agent = vault.agent();
    let ask = |purpose: &str, expected| {
        let output = agent.request(&key, &[&SIGN[..], &["--purpose", purpose]].concat());
        assert_eq!(output.status.code(), Some(expected), "{}", text(&output));
    };
    ask("release 1", 0);
    ask("release 2", 0);
    ask("hotfix 1", 3);
    let unknown = agent.request(&key, &["sign", "gone", "--message", "x"]);
    assert_eq!(unknown.status.code(), Some(3));

    let file = vault.path().join("deployers.cedar");
    fs::write(&file, RELEASES.replace("release *", "hotfix *")).unwrap();
    let file = file.to_str().unwrap();
    let told = vault.run(&["policy", "diff", file]);
    let rows: Vec<Vec<&str>> = told
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "ENTRY",
            "TIME",
            "NOW",
            "THEN",
            "SERVICE",
            "OPERATION",
            "SECRET",
            "WHAT"
        ]
    );
    assert_eq!(rows.len(), 6, "{told}");
    assert_eq!(
        rows[1][2..],
        [
            "allow",
            "by",
            "`deployers`",
            "deny",
            "atlas",
            "sign",
            "deploy-key",
            "release",
            "1"
        ]
    );
    assert_eq!(
        rows[3][2..],
        [
            "deny",
            "allow",
            "by",
            "`deployers`",
            "atlas",
            "sign",
            "deploy-key",
            "hotfix",
            "1"
        ]
    );
    assert!(
        told.contains("of the last 4 requests, with this text of policy `deployers` 1 more would be allowed and 2 fewer\n"),
        "{told}"
    );
    assert!(told.contains("1 could not be replayed: entry "), "{told}");
    assert!(
        told.contains("there is no secret or alias `gone`"),
        "{told}"
    );

    // Taken out of force; only the newest; under another name it only adds.
    let report = vault.json(&["policy", "diff", "deployers"]);
    assert_eq!(
        (
            &report["looked_at"],
            &report["would_be_allowed"],
            &report["would_not_be_allowed"]
        ),
        (&json!(4), &json!(0), &json!(2))
    );
    assert_eq!(
        vault.json(&["policy", "diff", "deployers", "--last", "2"])["differences"],
        json!([])
    );
    let report = vault.json(&["policy", "diff", file, "--name", "hotfixes"]);
    assert_eq!(
        (&report["would_be_allowed"], &report["would_not_be_allowed"]),
        (&json!(1), &json!(0))
    );

    // An older text.
    vault.run(&["policy", "set", "deployers", file]);
    let report = vault.json(&["policy", "diff", "deployers", "--version", "1"]);
    assert_eq!(
        (&report["would_be_allowed"], &report["would_not_be_allowed"]),
        (&json!(2), &json!(1))
    );
    let told = vault.fail(1, &["policy", "diff", "nothing"]);
    assert!(
        told.contains("there is no file and no policy `nothing`"),
        "{told}"
    );
}
