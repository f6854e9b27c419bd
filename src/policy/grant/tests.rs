//! Grants, word for word.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BadGrant, Days, GrantOptions, Hours, Particulars, Times, grant, matches};
use crate::{
    name::Name,
    notification::Urgency,
    operation::{Kind, OperationName},
    policy::{Policies, PolicyText, Question, Subject, Verdict},
    request::WayIn,
};

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
        particulars: Particulars::default(),
        times: Times::default(),
        limit: None,
        notify: None,
        approve: None,
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
fn conditions_and_obligations_read_like_a_policy_written_by_hand() {
    writes(
        &GrantOptions {
            operations: vec![OperationName::Http],
            secrets: vec![name("heroku/prod")],
            particulars: Particulars {
                methods: vec!["GET".to_owned(), "POST".to_owned()],
                hosts: vec!["API.heroku.com".to_owned()],
                paths: vec!["/apps/*/releases".to_owned()],
                query: vec!["force=true".to_owned()],
                body: vec!["/slug=web-*".to_owned()],
                ..Particulars::default()
            },
            times: Times {
                until: Some("2026-12-31T00:00:00.5Z".parse().unwrap()),
                hours: Some("9-17".parse().unwrap()),
                days: Some("mon-fri".parse().unwrap()),
            },
            limit: Some("20 per hour".to_owned()),
            notify: Some(Urgency::Urgent),
            approve: Some("1 of security".to_owned()),
            ..options()
        },
        "atlas-http-heroku/prod",
        r#"
@approve("1 of security")
@limit("20 per hour")
@notify("urgent")
permit (
    principal == Service::"atlas",
    action == Action::"http",
    resource == Secret::"heroku/prod"
)
when {
    (context.http.method == "GET" || context.http.method == "POST") &&
    context.http.host == "api.heroku.com" &&
    (context.http.path like "/apps/*/releases" && !(context.http.path like "*/*/*/*/*")) &&
    context.http.query.hasTag("force") && context.http.query.getTag("force") == "true" &&
    context.http.body.hasTag("/slug") && context.http.body.getTag("/slug") like "web-*" &&
    context.time < datetime("2026-12-31T00:00:00Z") &&
    [1, 2, 3, 4, 5].contains(context.weekday) &&
    context.hour >= 9 && context.hour < 17
};
"#,
    );
}

#[test]
fn each_operation_with_particulars_has_its_statement() {
    let granted = grant(&GrantOptions {
        operations: vec![
            OperationName::Http,
            OperationName::AwsSign,
            OperationName::Http,
        ],
        particulars: Particulars {
            paths: vec!["/x".to_owned()],
            ..Particulars::default()
        },
        ..options()
    })
    .unwrap();
    assert_eq!(
        granted.policy().summary(),
        "`atlas` may `http` with `deploy-key`, on conditions; `atlas` may `aws-sign` with `deploy-key`, on conditions"
    );
}

/// What the operation shows, against what was granted.
#[test]
fn particulars_allow_what_they_say_and_no_more() {
    type Set = fn(&mut Particulars);
    let http = |method: &str, path: &str, query: Value, body: Value| json!({"method": method, "host": "api.heroku.com", "path": path, "query": query, "headers": {}, "body": body, "size": 0});
    let get = |path: &str| http("GET", path, json!({}), json!({}));
    let certificate = |principals: Value, lifetime: u32| {
        json!({"principals": principals, "lifetime": lifetime, "key_id": "x", "public_key": "x",
               "key_type": "ssh-ed25519", "serial": "1",
               "extensions": [], "critical_options": {}})
    };
    let token =
        |scopes: Value| json!({"type": "oauth2", "scopes": scopes, "claims": {}, "lifetime": 900});
    let audience = |audience: &str| json!({"type": "jwt", "scopes": [], "claims": {}, "lifetime": 900, "audience": audience});
    let aws = |service: &str, region: &str| json!({"service": service, "region": region, "method": "GET", "host": "x", "path": "/", "query": {}, "headers": {}, "presigned": false, "unsigned_payload": false});
    let ssh = |namespace: &str| json!({"namespace": namespace, "hash": "sha512", "input": "message", "size": 1});
    use OperationName::{AwsSign, Http, SshCertificate, SshSign, Token};
    let table: &[(OperationName, Set, &[Value], &[Value])] = &[
        (
            Http,
            |p| p.methods = vec!["POST".to_owned()],
            &[http("POST", "/", json!({}), json!({}))],
            &[get("/")],
        ),
        (
            Http,
            |p| p.hosts = vec!["*.heroku.com".to_owned()],
            &[get("/")],
            &[
                json!({"method": "GET", "host": "heroku.com.evil", "path": "/", "query": {}, "headers": {}, "body": {}, "size": 0}),
            ],
        ),
        (
            Http,
            |p| p.paths = vec!["/apps/*/releases".to_owned(), "/status".to_owned()],
            &[
                get("/apps/web/releases"),
                get("/apps//releases"),
                get("/status"),
            ],
            &[
                get("/apps/web/x/releases"),
                get("/apps/web/releases/1"),
                get("/apps/releases"),
                get("/status/"),
                get("/apps/a/releases/b/releases"),
            ],
        ),
        (
            Http,
            |p| p.paths = vec!["/a/*/b/*".to_owned()],
            &[get("/a/1/b/2"), get("/a/1/b/")],
            &[get("/a/1/2/b/3"), get("/a/1/b/2/3"), get("/a/b/b/b/b")],
        ),
        (
            Http,
            |p| p.paths = vec!["/apps/**".to_owned()],
            &[get("/apps/"), get("/apps/web/releases/1")],
            &[get("/apps"), get("/teams/apps/")],
        ),
        (
            Http,
            |p| p.paths = vec![r"/glob/\*".to_owned()],
            &[get("/glob/*")],
            &[get("/glob/x")],
        ),
        (
            Http,
            |p| p.query = vec!["force=true".to_owned(), "dry=*".to_owned()],
            &[http(
                "GET",
                "/",
                json!({"force": "true", "dry": "", "more": "1"}),
                json!({}),
            )],
            &[
                get("/"),
                http("GET", "/", json!({"force": "true"}), json!({})),
                http("GET", "/", json!({"force": "false", "dry": "1"}), json!({})),
            ],
        ),
        (
            Http,
            |p| p.body = vec!["/app/name=web-*=1".to_owned()],
            &[http(
                "POST",
                "/",
                json!({}),
                json!({"/app/name": "web-2=1"}),
            )],
            &[
                get("/"),
                http("POST", "/", json!({}), json!({"/app/name": "db"})),
            ],
        ),
        (
            SshSign,
            |p| p.namespaces = vec!["git".to_owned(), "file*".to_owned()],
            &[ssh("git"), ssh("file/a")],
            &[ssh("gitx")],
        ),
        (
            SshCertificate,
            |p| {
                p.principals = vec!["deploy".to_owned(), "web".to_owned()];
                p.lifetime = Some(3600);
            },
            &[
                certificate(json!(["web"]), 3600),
                certificate(json!(["web", "deploy"]), 60),
            ],
            &[
                certificate(json!(["web", "root"]), 60),
                certificate(json!([]), 60),
                certificate(json!(["web"]), 3601),
            ],
        ),
        (
            Token,
            |p| p.scopes = vec!["read".to_owned()],
            &[token(json!(["read"]))],
            &[token(json!(["read", "write"])), token(json!([]))],
        ),
        (
            Token,
            |p| p.audiences = vec!["https://api.*".to_owned(), "other".to_owned()],
            &[audience("https://api.example"), audience("other")],
            &[audience("https://evil"), token(json!([]))],
        ),
        (
            AwsSign,
            |p| {
                p.regions = vec!["eu-west-1".to_owned(), "eu-west-2".to_owned()];
                p.aws_services = vec!["s3".to_owned()];
            },
            &[aws("s3", "eu-west-1"), aws("s3", "eu-west-2")],
            &[aws("iam", "eu-west-1"), aws("s3", "us-east-1")],
        ),
    ];
    for (operation, set, good, bad) in table {
        let mut particulars = Particulars::default();
        set(&mut particulars);
        let granted = grant(&GrantOptions {
            operations: vec![*operation],
            particulars: particulars.clone(),
            ..options()
        });
        let policies = Policies::new([granted.unwrap().policy().clone()]);
        for (fields, expected) in good
            .iter()
            .map(|f| (f, true))
            .chain(bad.iter().map(|f| (f, false)))
        {
            let verdict = decide(&policies, *operation, fields, "2026-01-01T09:30:00Z");
            let allowed = matches!(verdict, Verdict::Permitted(_));
            assert_eq!(allowed, expected, "{particulars:?}: {fields}: {verdict:?}");
            assert!(!matches!(verdict, Verdict::Failed(_)), "{verdict:?}");
        }
    }
}

fn decide(policies: &Policies, operation: OperationName, fields: &Value, time: &str) -> Verdict {
    let (service, asked) = (name("atlas"), name("deploy-key"));
    let secret = Subject::new(&asked, Kind::Token, &Default::default(), false);
    let question = Question {
        service: &service,
        operation,
        fields: fields.as_object().unwrap(),
        asked: &asked,
        secret: &secret,
        purpose: None,
        ticket: None,
        way_in: WayIn::Tls,
        address: None,
        time: time.parse().unwrap(),
    };
    question.fits().unwrap();
    policies.decide(&question)
}

/// The 1st of January 2026 is a Thursday.
#[test]
fn times_allow_what_they_say_and_no_more() {
    for (until, hours, days, good, bad) in [
        (
            None,
            Some("9-17"),
            None,
            &["T09:00:00Z", "T16:59:59Z"][..],
            &["T08:59:59Z", "T17:00:00Z"][..],
        ),
        (
            None,
            Some("22-6"),
            None,
            &["T22:00:00Z", "T05:59:59Z", "T00:00:00Z"],
            &["T06:00:00Z", "T21:59:59Z"],
        ),
        (None, Some("0-6"), None, &["T05:59:59Z"], &["T06:00:00Z"]),
        (None, Some("18-24"), None, &["T23:59:59Z"], &["T17:59:59Z"]),
        (None, None, Some("mon-fri"), &["T00:00:00Z"], &[]),
        (None, None, Some("Thu"), &["T00:00:00Z"], &[]),
        (None, None, Some("sat,sun,mon-wed"), &[], &["T00:00:00Z"]),
        (None, None, Some("sun-thu"), &["T00:00:00Z"], &[]),
        (None, None, Some("fri-wed"), &[], &["T00:00:00Z"]),
        (
            Some("2026-01-01T12:00:00Z"),
            None,
            None,
            &["T11:59:59.999Z"],
            &["T12:00:00Z"],
        ),
    ] {
        let granted = grant(&GrantOptions {
            times: Times {
                until: until.map(|until: &str| until.parse().unwrap()),
                hours: hours.map(|hours| hours.parse().unwrap()),
                days: days.map(|days| days.parse().unwrap()),
            },
            ..options()
        });
        let policies = Policies::new([granted.unwrap().policy().clone()]);
        for (time, expected) in good
            .iter()
            .map(|t| (t, true))
            .chain(bad.iter().map(|t| (t, false)))
        {
            let fields = json!({"algorithm": "ES256", "input": "message", "size": 3});
            let verdict = decide(
                &policies,
                OperationName::Sign,
                &fields,
                &format!("2026-01-01{time}"),
            );
            assert_eq!(
                matches!(verdict, Verdict::Permitted(_)),
                expected,
                "{hours:?} {days:?} {time}"
            );
        }
    }
    for bad in [
        "",
        "9",
        "9-",
        "9-25",
        "24-1",
        "9-9",
        "0-24",
        "-9-17",
        "9:00-17:00",
        "009-17",
    ] {
        assert!(bad.parse::<Hours>().is_err(), "{bad}");
    }
    for bad in ["", "monday", "mon-", "mon,,tue", "1-5"] {
        assert!(bad.parse::<Days>().is_err(), "{bad}");
    }
}

#[test]
fn what_an_operation_does_not_have_is_no_condition_on_it() {
    type Set = fn(&mut Particulars);
    let table: &[(OperationName, Set, &str)] = &[
        (
            OperationName::Sign,
            |p| p.paths = vec!["/x".to_owned()],
            "`--path` is not a condition on `sign`; it is one on `http` and `aws-sign`: grant the other operations apart",
        ),
        (
            OperationName::Http,
            |p| p.lifetime = Some(1),
            "`--lifetime` is not a condition on `http`; it is one on `token` and `ssh-certificate`: grant the other operations apart",
        ),
        (
            OperationName::AwsSign,
            |p| p.body = vec!["/a=b".to_owned()],
            "`--body` is not a condition on `aws-sign`; it is one on `http`: grant the other operations apart",
        ),
        (
            OperationName::Http,
            |p| p.methods = vec!["post".to_owned()],
            "`post` is not an HTTP method: write it in capitals, `POST`",
        ),
        (
            OperationName::Http,
            |p| p.paths = vec!["apps".to_owned()],
            "`apps` is not a path: it begins with a slash, as in `/apps/*/releases`",
        ),
        (
            OperationName::Http,
            |p| p.paths = vec!["/a/*/b/**".to_owned()],
            "`/a/*/b/**` has both `*` (no slash) and `**` (slashes too): write two grants, or a policy by hand",
        ),
        (
            OperationName::Http,
            |p| p.query = vec!["force".to_owned()],
            "`force` is not a name and a value: write `force=true`",
        ),
        (
            OperationName::Http,
            |p| p.body = vec!["slug=x".to_owned()],
            "`slug=x` is not a place in the body and a value: write `/slug=web-*`",
        ),
    ];
    for (operation, set, says) in table {
        let mut particulars = Particulars::default();
        set(&mut particulars);
        let options = GrantOptions {
            operations: vec![*operation],
            particulars,
            ..options()
        };
        assert_eq!(grant(&options).unwrap_err().to_string(), *says);
    }
    let odd = grant(&GrantOptions {
        limit: Some("20 an hour\")".to_owned()),
        ..options()
    });
    assert!(matches!(odd, Err(BadGrant::Policy(_))));
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
