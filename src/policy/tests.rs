//! Policies against questions, as tables of what is allowed and what is denied.

use std::{collections::BTreeSet, time::Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Looks, Policies, PolicyText, Question, Slice, Subject, Verdict, token::MAX_NESTING};
use crate::{
    name::Name,
    operation::{Kind, OperationName},
    request::WayIn,
};

fn name(name: &str) -> Name {
    name.parse().unwrap()
}

fn policies(texts: &[(&str, &str)]) -> Policies {
    Policies::new(
        texts
            .iter()
            .map(|(policy, text)| PolicyText::check(name(policy), text).unwrap()),
    )
}

/// A request in a test's words; what is not said is ordinary.
#[derive(Clone, Debug)]
struct Case {
    service: Name,
    operation: OperationName,
    asked: Name,
    secret: Subject,
    fields: Map<String, Value>,
    purpose: Option<&'static str>,
    way_in: WayIn,
    address: Option<&'static str>,
    time: &'static str,
}

fn secret(of: &str, kind: Kind, labels: &[&str]) -> Subject {
    let labels: BTreeSet<String> = labels.iter().map(ToString::to_string).collect();
    Subject::new(&name(of), kind, &labels, false)
}

fn ask(service: &str, operation: OperationName, of: &str) -> Case {
    let fields = match operation {
        OperationName::Sign => {
            json!({"algorithm": "ES256", "encoding": "der", "input": "message", "size": 3})
        }
        OperationName::Mac | OperationName::VerifyMac => {
            json!({"algorithm": "HS256", "size": 3})
        }
        OperationName::PublicKey => json!({"format": "pem"}),
        OperationName::Encrypt | OperationName::Decrypt => json!({"size": 3, "aad": "eA=="}),
        OperationName::Release | OperationName::Totp => json!({}),
        OperationName::DataKey => json!({"size": 32}),
        OperationName::Token => {
            json!({"type": "jwt", "scopes": [], "claims": {"env": "prod"}, "lifetime": 900})
        }
        OperationName::AwsSign => json!({
            "service": "s3", "region": "eu-west-1", "method": "GET", "host": "a.s3.amazonaws.com",
            "path": "/", "query": {"acl": ""}, "headers": {}, "presigned": true, "expires": 60,
            "unsigned_payload": true, "action": "x",
        }),
        OperationName::Http => crate::operation::http::tests::seen(),
        OperationName::SshSign => {
            json!({"namespace": "git", "hash": "sha512", "input": "message", "size": 3})
        }
        OperationName::SshCertificate => json!({
            "public_key": "SHA256:x", "key_type": "ssh-ed25519", "principals": ["deploy"],
            "lifetime": 300, "key_id": "atlas", "extensions": [], "serial": "7",
            "critical_options": {"force-command": "deploy"},
        }),
    };
    Case {
        service: name(service),
        operation,
        asked: name(of),
        secret: secret(of, Kind::P256, &["prod", "web"]),
        fields: fields.as_object().unwrap().clone(),
        purpose: Some("release 1.2"),
        way_in: WayIn::Tls,
        address: Some("10.1.2.3"),
        // A Thursday.
        time: "2026-01-01T09:30:00Z",
    }
}

impl Case {
    fn question(&self) -> Question<'_> {
        Question {
            service: &self.service,
            operation: self.operation,
            fields: &self.fields,
            asked: &self.asked,
            secret: &self.secret,
            purpose: self.purpose,
            ticket: None,
            way_in: self.way_in,
            address: self.address.map(|address| address.parse().unwrap()),
            time: self.time.parse().unwrap(),
        }
    }

    fn but(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

fn allow(policies: &Policies, case: &Case) {
    let verdict = policies.decide(&case.question());
    assert!(
        matches!(verdict, Verdict::Permitted(_)),
        "{verdict:?}: {case:?}"
    );
}

fn deny(policies: &Policies, case: &Case) {
    let verdict = policies.decide(&case.question());
    assert!(
        matches!(verdict, Verdict::Denied(_)),
        "{verdict:?}: {case:?}"
    );
}

use OperationName::{Mac, PublicKey, Release, Sign};

#[test]
fn nothing_is_allowed_by_default() {
    let none = Policies::default();
    for operation in OperationName::ALL {
        deny(&none, &ask("atlas", operation, "key"));
    }
}

#[test]
fn a_permit_allows_what_it_says_and_no_more() {
    let p = policies(&[(
        "atlas-sign",
        r#"permit (principal == Service::"atlas", action == Action::"sign", resource == Secret::"key");"#,
    )]);
    allow(&p, &ask("atlas", Sign, "key"));
    deny(&p, &ask("atlas", PublicKey, "key"));
    deny(&p, &ask("atlas", Release, "key"));
    deny(&p, &ask("atlas", Sign, "key2"));
    deny(&p, &ask("borg", Sign, "key"));
}

#[test]
fn conditions_see_the_whole_request() {
    let p = |condition: &str| {
        let text = format!(
            r#"permit (principal == Service::"atlas", action == Action::"sign", resource) when {{ {condition} }};"#
        );
        policies(&[("p", &text)])
    };
    let sign = || ask("atlas", Sign, "key");
    let table: &[(&str, Case, Case)] = &[
        (
            r#"context has purpose && context.purpose like "release *""#,
            sign(),
            sign().but(|c| c.purpose = Some("test")),
        ),
        (
            r#"context has purpose"#,
            sign(),
            sign().but(|c| c.purpose = None),
        ),
        (
            r#"context.way_in == WayIn::"local""#,
            sign().but(|c| c.way_in = WayIn::Local),
            sign(),
        ),
        (
            r#"context has address && context.address.isInRange(ip("10.0.0.0/8"))"#,
            sign(),
            sign().but(|c| c.address = Some("192.0.2.1")),
        ),
        (
            // An IPv4 client of a listener that speaks both.
            r#"context has address && context.address.isInRange(ip("10.0.0.0/8"))"#,
            sign().but(|c| c.address = Some("::ffff:10.9.9.9")),
            sign().but(|c| c.address = None),
        ),
        (
            r#"context.asked == "main""#,
            sign().but(|c| c.asked = name("main")),
            sign(),
        ),
        (
            r#"context.time < datetime("2026-02-01")"#,
            sign(),
            sign().but(|c| c.time = "2026-02-01T00:00:00Z"),
        ),
        (
            r#"context.weekday <= 5 && context.hour >= 8 && context.hour < 18"#,
            sign(),
            sign().but(|c| c.time = "2026-01-03T09:30:00Z"),
        ),
        (
            r#"context.sign.algorithm == Algorithm::"ES256""#,
            sign(),
            sign().but(|c| _ = c.fields.insert("algorithm".to_owned(), json!("RS256"))),
        ),
        (
            r#"resource.kind == Kind::"p256""#,
            sign(),
            sign().but(|c| c.secret = secret("key", Kind::Rsa, &[])),
        ),
        (
            r#"resource.labels.contains("prod")"#,
            sign(),
            sign().but(|c| c.secret = secret("key", Kind::P256, &["dev"])),
        ),
        (
            r#"principal.name like "at*" && resource.name != "root""#,
            sign(),
            ask("atlas", Sign, "root"),
        ),
    ];
    for (condition, good, bad) in table {
        allow(&p(condition), good);
        deny(&p(condition), bad);
    }
}

#[test]
fn a_forbid_wins_and_is_named() {
    let p = policies(&[
        ("all", r#"permit (principal, action, resource);"#),
        (
            "limits",
            r#"forbid (principal, action == Action::"release", resource);
                   forbid (principal == Service::"atlas", action, resource) unless { context.way_in == WayIn::"tls" };"#,
        ),
    ]);
    let verdict = |case: &Case| p.decide(&case.question());
    assert_eq!(
        verdict(&ask("atlas", Sign, "key")),
        Verdict::Permitted(vec!["all".to_owned()])
    );
    assert_eq!(
        verdict(&ask("borg", Release, "key")),
        Verdict::Denied(vec!["limits#1".to_owned()])
    );
    let local = |operation| ask("atlas", operation, "key").but(|c| c.way_in = WayIn::Local);
    assert_eq!(
        verdict(&local(Sign)),
        Verdict::Denied(vec!["limits#2".to_owned()])
    );
    let both = vec!["limits#1".to_owned(), "limits#2".to_owned()];
    assert_eq!(verdict(&local(Release)), Verdict::Denied(both));
}

#[test]
fn a_policy_that_fails_refuses_and_is_not_passed_over() {
    let p = policies(&[
        ("all", "permit (principal, action, resource);"),
        (
            "overflow",
            "forbid (principal, action, resource) when { context.hour * 9223372036854775807 > 5 };",
        ),
    ]);
    let Verdict::Failed(detail) = p.decide(&ask("atlas", Sign, "key").question()) else {
        panic!("it was not refused as a failure");
    };
    assert!(detail.contains("overflow"), "{detail}");
}

#[test]
fn a_field_that_policy_cannot_see_refuses() {
    let p = policies(&[(
        "all",
        "permit (principal, action == Action::\"sign\", resource) when { context.sign.size >= 0 };",
    )]);
    let odd = ask("atlas", Sign, "key").but(|c| _ = c.fields.insert("x".to_owned(), json!([1])));
    assert!(matches!(p.decide(&odd.question()), Verdict::Failed(_)));
}

#[test]
fn what_is_put_to_policy_fits_the_schema() {
    for operation in OperationName::ALL {
        for (purpose, address) in [(None, None), (Some("x"), Some("2001:db8::1"))] {
            let case = ask("atlas", operation, "key").but(|c| {
                c.purpose = purpose;
                c.address = address;
            });
            case.question().fits().unwrap();
        }
    }
}

#[test]
fn of_two_policies_with_one_name_the_later_counts() {
    let p = policies(&[
        ("p", "permit (principal, action, resource);"),
        ("p", "forbid (principal, action, resource);"),
    ]);
    deny(&p, &ask("atlas", Sign, "key"));
}

/// On a thread of 2 MiB, as the agent has them, no syntax tree that was let in is too deep to
/// be decided with, or is refused with: Cedar measures the stack that is left.
#[test]
fn the_deepest_policy_does_no_harm() {
    for (open, inner, close, times) in [
        ("(", "true", ")", MAX_NESTING - 1),
        ("{a:", "1", "}.a", MAX_NESTING - 1),
        ("if true then ", "true", " else true", 190),
        ("true && ", "true", "", 320),
        ("", "true", " && true", 320),
        ("1 + ", "1", "", 490),
        ("", "1", " + 1", 490),
    ] {
        let (open, close) = (open.repeat(times), close.repeat(times));
        let text = format!(
            "permit (principal, action, resource) when {{ {open}{inner}{close} == {inner} }};"
        );
        let decide = move || {
            let policies = policies(&[("deep", &text)]);
            policies
                .clone()
                .decide(&ask("atlas", Sign, "key").question())
        };
        let verdict = std::thread::spawn(decide).join().unwrap();
        assert!(!matches!(verdict, Verdict::Denied(_)), "{verdict:?}");
    }
}

const STATEMENTS: &[&str] = &[
    r#"permit (principal, action, resource is Secret);"#,
    r#"permit (principal == Service::"atlas", action, resource);"#,
    r#"permit (principal in Service::"borg", action == Action::"sign", resource);"#,
    r#"permit (principal is Service, action == Action::"mac", resource);"#,
    r#"forbid (principal is Service in Service::"atlas", action, resource == Secret::"key");"#,
    r#"forbid (principal, action == Action::"release", resource);"#,
    r#"forbid (principal == Service::"borg", action, resource) when { context.way_in == WayIn::"tls" };"#,
    r#"permit (principal, action, resource) when { principal == Service::"curl" };"#,
    r#"permit (principal, action, resource) when { principal["na\u{6d}e"] like "b*" };"#,
    r#"forbid (principal, action, resource) when { context has address && !context.address.isInRange(ip("10.0.0.0/8")) };"#,
    r#"permit (principal == Service::"atlas", action, resource) when { context.time > datetime("2025-06-01") };"#,
];

proptest! {
    /// A service's slice decides as the whole set would.
    #[test]
    fn slices_decide_like_the_whole(
        chosen in proptest::sample::subsequence(STATEMENTS, 0..=STATEMENTS.len()),
        service in proptest::sample::select(&["atlas", "borg", "curl"][..]),
        operation in proptest::sample::select(&[Sign, Mac, Release][..]),
        of in proptest::sample::select(&["key", "other"][..]),
        tls: bool,
    ) {
        let texts: Vec<_> = chosen.iter().enumerate().map(|(n, text)| (format!("p{n}"), *text)).collect();
        let texts: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let sliced = policies(&texts);
        let whole = Slice {
            looks: Looks::ALL,
            ..Slice::new(sliced.iter().flat_map(PolicyText::statements))
        };
        let case = ask(service, operation, of).but(|c| c.way_in = if tls { WayIn::Tls } else { WayIn::Local });
        prop_assert_eq!(sliced.decide(&case.question()), whole.decide(&case.question()));
    }
}

/// `cargo test --release -- --ignored --nocapture decision_cost`
#[test]
#[ignore = "a measurement, not a check"]
fn decision_cost() {
    let text = |n: usize| {
        format!(
            r#"permit (principal == Service::"s{}", action in [Action::"sign", Action::"public-key"], resource == Secret::"key{n}")
                   when {{ context has purpose && context.purpose like "release *" && context has address && context.address.isInRange(ip("10.0.0.0/8")) }};"#,
            n % 10
        )
    };
    for many in [10, 60, 240] {
        let texts: Vec<_> = (0..many).map(|n| (format!("p{n}"), text(n))).collect();
        let texts: Vec<_> = texts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        let p = policies(&texts);
        let case = ask("s1", Sign, "key1").but(|c| c.time = "2026-01-01T09:30:00.123456Z");
        allow(&p, &case);
        let rounds = 20_000_u32;
        let start = Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(p.decide(&case.question()));
        }
        let each = start.elapsed() / rounds;
        let start = Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(case.question().put(p.named["s1"].looks).unwrap());
        }
        let put = start.elapsed() / rounds;
        println!(
            "{} policies for the service: {each:?} a decision, {put:?} of it to put the question",
            many / 10
        );
    }
}
