//! Files of cases.

use super::*;
use crate::policy::PolicyText;

const TABLE: &str = r#"
policies = ["atlas.cedar"]
secrets."heroku/prod" = { kind = "token", labels = ["prod"] }
secrets.deploy-key.kind = "ed25519"
aliases.deploy = "deploy-key"

allow = [
    { service = "atlas", operation = "sign", secret = "deploy-key", input = { message = "aGVsbG8=" } },
    { service = "atlas", operation = "sign", secret = "deploy", input = { message = "aGVsbG8=" } },
    { service = "atlas", operation = "release", secret = "heroku/prod", way_in = "local", time = "2026-01-01T09:00:00Z" },
]
deny = [
    { service = "borg", operation = "sign", secret = "deploy-key", input = { message = "aGVsbG8=" } },
    { service = "atlas", operation = "sign", secret = "deploy-key", fields = { input = "digest", size = 32, algorithm = "Ed25519" }, note = "no digests" },
    { service = "atlas", operation = "release", secret = "heroku/prod" },
]
"#;

fn policies(text: &str) -> Policies {
    Policies::new([PolicyText::check("atlas".parse().unwrap(), text).unwrap()])
}

fn atlas() -> Policies {
    policies(
        r#"permit (principal == Service::"atlas", action == Action::"sign", resource)
           when { context.sign.input == "message" };
           permit (principal == Service::"atlas", action == Action::"release", resource)
           when { context.way_in == WayIn::"local" && resource.labels.contains("prod") };"#,
    )
}

fn now() -> Timestamp {
    "2026-01-01T09:30:00Z".parse().unwrap()
}

#[test]
fn a_table_is_held_against_the_policies() {
    let suite = Suite::parse(TABLE).unwrap();
    assert!(suite.is_complete());
    let tested = suite.run(&atlas(), None, now()).unwrap();
    assert_eq!(tested.len(), 6);
    assert!(tested.iter().all(|one| one.passed), "{tested:#?}");
    assert_eq!(tested[0].saying.policies, ["atlas#1"]);
    assert_eq!(tested[4].note.as_deref(), Some("no digests"));

    let none = suite.run(&Policies::default(), None, now()).unwrap();
    let passed: Vec<_> = none.iter().map(|one| one.passed).collect();
    assert_eq!(passed, [false, false, false, true, true, true]);
    // Who still has to ask somebody is not allowed.
    let approve = policies(r#"@approve("1 of security") permit (principal, action, resource);"#);
    let tested = suite.run(&approve, None, now()).unwrap();
    assert!(
        tested
            .iter()
            .all(|one| one.saying.said == Said::NeedsApproval)
    );
    assert!(!tested[0].passed && tested[3].passed);
}

#[test]
fn json_says_the_same() {
    let suite =
        Suite::parse(r#" {"deny": [{"service": "atlas", "operation": "release", "secret": "x"}]}"#)
            .unwrap();
    assert!(!suite.is_complete());
    let problem = suite.run(&atlas(), None, now()).unwrap_err().to_string();
    assert_eq!(problem, "case 1 of `deny`: there is no secret or alias `x`");
}

#[test]
fn a_bad_file_is_said_to_be_one() {
    for (text, says) in [
        ("", "it has no case"),
        ("allow = []", "it has no case"),
        ("allow = [", "it is not a file of tests"),
        ("{\"allow\": [", "it is not a file of tests"),
        (
            "allow = [{ service = \"a\", operation = \"sign\", secret = \"k\", inptu = 1 }]",
            "unknown field `inptu`",
        ),
        (
            "[[allow]]\nservice = \"a\"\noperation = \"sing\"\nsecret = \"k\"",
            "unknown variant `sing`",
        ),
        (
            "[[allow]]\nservice = \"a b\"\noperation = \"sign\"\nsecret = \"k\"",
            "is not a name",
        ),
        ("[[alow]]\nservice = \"a\"", "unknown field `alow`"),
    ] {
        let problem = Suite::parse(text).unwrap_err().to_string();
        assert!(problem.contains(says), "{text}: {problem}");
    }
    assert!(Suite::parse(&" ".repeat(Suite::MAX_LEN + 1)).is_err());
    let declared = "secrets.k.kind = \"ed25519\"\n[[allow]]\nservice = \"a\"\noperation = \"sign\"\nsecret = \"k\"\n";
    for (case, says) in [
        ("", "case 1 of `allow`: the input is not one of `sign`"),
        (
            "input = { message = \"%\" }",
            "the input is not one of `sign`",
        ),
        (
            "fields = { input = 3, size = 1, algorithm = \"ES256\" }",
            "strongroom policy schema",
        ),
        (
            "fields = { input = \"message\", algorithm = \"ES256\" }",
            "`size`",
        ),
        (
            "fields = { inptu = \"message\", size = 1, algorithm = \"ES256\" }",
            "strongroom policy schema",
        ),
        (
            "input = { message = \"\" }\nfields = { size = 1 }",
            "not both",
        ),
    ] {
        let suite = Suite::parse(&format!("{declared}{case}")).unwrap();
        let problem = suite.run(&atlas(), None, now()).unwrap_err().to_string();
        assert!(problem.contains(says), "{case}: {problem}");
    }
}
