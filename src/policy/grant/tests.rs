//! Grants, word for word.

use proptest::prelude::*;

use super::{BadGrant, GrantOptions, grant, matches};
use crate::{name::Name, operation::OperationName, policy::PolicyText, request::WayIn};

fn name(name: &str) -> Name {
    name.parse().unwrap()
}

fn options() -> GrantOptions {
    GrantOptions {
        service: name("atlas"),
        operations: vec![OperationName::Sign],
        secrets: vec![name("deploy-key")],
        aliases: vec![],
        purpose: None,
        ticket: None,
        way_in: None,
        addresses: vec![],
    }
}

#[track_caller]
fn writes(options: &GrantOptions, suggested: &str, text: &str) {
    let grant = grant(options).unwrap();
    assert_eq!(grant.policy().text(), text.trim_start_matches('\n'));
    assert_eq!(grant.policy().name().as_str(), suggested);
}

#[test]
fn a_grant_reads_like_a_policy_written_by_hand() {
    writes(
        &options(),
        "atlas-sign-deploy-key",
        r#"
permit (
    principal == Service::"atlas",
    action == Action::"sign",
    resource == Secret::"deploy-key"
);
"#,
    );
    writes(
        &GrantOptions {
            purpose: Some("release *".to_owned()),
            ticket: Some("CHG-1".to_owned()),
            way_in: Some(WayIn::Tls),
            addresses: vec!["10.0.0.0/8".to_owned(), "2001:db8::1".to_owned()],
            ..options()
        },
        "atlas-sign-deploy-key",
        r#"
permit (
    principal == Service::"atlas",
    action == Action::"sign",
    resource == Secret::"deploy-key"
)
when {
    context has purpose && context.purpose like "release *" &&
    context has ticket && context.ticket == "CHG-1" &&
    context.way_in == WayIn::"tls" &&
    context has address && (context.address.isInRange(ip("10.0.0.0/8")) || context.address.isInRange(ip("2001:db8::1")))
};
"#,
    );
}

#[test]
fn each_secret_and_alias_has_its_statement() {
    writes(
        &GrantOptions {
            operations: vec![
                OperationName::Sign,
                OperationName::PublicKey,
                OperationName::Sign,
            ],
            secrets: vec![name("heroku/prod")],
            aliases: vec![name("main")],
            way_in: Some(WayIn::Local),
            ..options()
        },
        "atlas-heroku/prod",
        r#"
permit (
    principal == Service::"atlas",
    action in [Action::"sign", Action::"public-key"],
    resource == Secret::"heroku/prod"
)
when {
    context.way_in == WayIn::"local"
};

permit (
    principal == Service::"atlas",
    action in [Action::"sign", Action::"public-key"],
    resource
)
when {
    context.asked == "main" &&
    context.way_in == WayIn::"local"
};
"#,
    );
}

#[test]
fn every_operation_can_be_granted() {
    for operation in OperationName::ALL {
        grant(&GrantOptions {
            operations: vec![operation],
            ..options()
        })
        .unwrap();
    }
    grant(&GrantOptions {
        operations: OperationName::ALL.to_vec(),
        ..options()
    })
    .unwrap();
}

#[test]
fn nothing_is_no_grant() {
    for nothing in [
        GrantOptions {
            operations: vec![],
            ..options()
        },
        GrantOptions {
            secrets: vec![],
            ..options()
        },
    ] {
        assert_eq!(grant(&nothing).unwrap_err(), BadGrant::Nothing);
    }
}

#[test]
fn an_address_is_an_address() {
    let with = |address: &str| {
        grant(&GrantOptions {
            addresses: vec![address.to_owned()],
            ..options()
        })
    };
    for good in [
        "10.1.2.3",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "::1",
        "2001:db8::/32",
    ] {
        assert!(with(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "localhost",
        "10.0.0.0/33",
        "10.0.0.0/",
        "10.0.0/8",
        "10.0.0.0/+8",
        "::/129",
        "1.2.3.4\")) || true",
    ] {
        assert!(
            matches!(with(bad), Err(BadGrant::Address(_) | BadGrant::Policy(_))),
            "{bad}"
        );
    }
}

#[test]
fn patterns_are_escaped() {
    for (pattern, condition) in [
        ("release 1", r#"== "release 1""#),
        ("release *", r#"like "release *""#),
        (r"2 \* 3", r#"== "2 * 3""#),
        (r"2 \* *", r#"like "2 \* *""#),
        (r#""quoted" *"#, r#"like "\"quoted\" *""#),
        (r"C:\\*", r#"like "C:\\*""#),
        ("line\n*", r#"like "line\u{a}*""#),
    ] {
        assert_eq!(matches(pattern).as_deref(), Ok(condition));
    }
    for stray in [r"a\", r"a\n*"] {
        assert_eq!(matches(stray), Err(BadGrant::Pattern(stray.to_owned())));
    }
}

#[test]
fn a_grant_takes_no_name_that_is_taken() {
    let named = |taken: &[&str]| {
        let policy = grant(&options())
            .unwrap()
            .named_apart(|name| taken.contains(&name.as_str()));
        policy.unwrap().name().to_string()
    };
    assert_eq!(named(&[]), "atlas-sign-deploy-key");
    assert_eq!(
        named(&["atlas-sign-deploy-key", "atlas-sign-deploy-key-2"]),
        "atlas-sign-deploy-key-3"
    );
    let long = GrantOptions {
        secrets: vec![name(&"x".repeat(128))],
        ..options()
    };
    let policy = grant(&long)
        .unwrap()
        .named_apart(|name| !name.as_str().ends_with("-2"))
        .unwrap();
    assert_eq!(policy.name().as_str().len(), Name::MAX_LEN);
}

proptest! {
    /// Whatever the purpose, what comes out is one permit for this service and secret; it
    /// can't break out of its string. What Cedar takes for misleading is refused.
    #[test]
    fn no_purpose_breaks_out(purpose in any::<String>()) {
        let purpose = purpose.replace('\\', r"\\");
        match grant(&GrantOptions { purpose: Some(purpose), ..options() }) {
            Ok(grant) => {
                prop_assert_eq!(grant.policy().statements().len(), 1);
                prop_assert_eq!(grant.policy().summary(), "`atlas` may `sign` with `deploy-key`, on conditions");
                prop_assert!(grant.policy().statements().iter().all(|one| one.policy.has_non_scope_constraint()));
                prop_assert!(PolicyText::check(name("again"), grant.policy().text()).is_ok());
            }
            Err(error) => prop_assert!(error.to_string().contains("BIDI"), "{}", error),
        }
    }
}
