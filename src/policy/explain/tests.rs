//! Why a request would pass or not, as it is shown.

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::{
    operation::{Kind, OperationName},
    policy::{Case, Said, Subject},
    request::WayIn,
    store::{Reader, Store as _, Transaction as _, sqlite::SqliteStore},
};

fn name(name: &str) -> Name {
    name.parse().unwrap()
}

fn store() -> (TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&directory.path().join("strongroom.db")).unwrap();
    (directory, store)
}

fn policies(texts: &[(&str, &str)]) -> Policies {
    let checked = texts
        .iter()
        .map(|(of, text)| PolicyText::check(name(of), text).unwrap());
    Policies::new(checked)
}

fn case() -> Case {
    Case {
        service: name("atlas"),
        operation: OperationName::Http,
        asked: name("heroku/prod"),
        fields: json!({
            "method": "POST", "host": "api.heroku.com", "path": "/apps/web/releases",
            "query": {"force": "true"}, "headers": {}, "body": {}, "size": 0,
        })
        .as_object()
        .unwrap()
        .clone(),
        purpose: Some("deploy \u{202e}4f2a".to_owned()),
        ticket: None,
        way_in: WayIn::Tls,
        address: None,
        time: "2026-01-01T09:30:00Z".parse().unwrap(),
    }
}

fn explain(policies: &Policies, case: &Case, store: &SqliteStore) -> Explanation {
    let labels = ["prod".to_owned()].into();
    let secret = Subject::new(&name("heroku/prod"), Kind::Token, &labels, false);
    let question = case.question(&secret);
    question.fits().unwrap();
    let explained = policies
        .explain(
            &question,
            |counter, service, limit| Reader::counted(store, counter, service, limit),
            case.time,
        )
        .unwrap();
    // What is shown and what decides must agree.
    let matching = |effect: &str| {
        let matching = explained
            .statements
            .iter()
            .filter(|one| one.matches && one.effect == effect);
        let mut ids: Vec<_> = matching.map(|one| one.statement.clone()).collect();
        ids.sort();
        ids
    };
    let (permits, forbids) = (matching("permit"), matching("forbid"));
    if explained.saying.failed.is_none() {
        let deciding = if forbids.is_empty() { permits } else { forbids };
        assert_eq!(explained.saying.policies, deciding);
    }
    explained
}

/// `✓ when context.hour >= 8 (context.hour is 9)`
fn shown(one: &Explained) -> Vec<String> {
    let conditions = one.conditions.iter().map(|condition| {
        let mark = match condition.holds {
            Some(true) => "✓",
            Some(false) => "✗",
            None => "?",
        };
        let saw: Vec<_> = condition
            .saw
            .iter()
            .map(|seen| {
                format!(
                    "{} is {}",
                    seen.what,
                    seen.value.as_deref().unwrap_or("absent")
                )
            })
            .collect();
        format!(
            "{mark} {} {} ({})",
            condition.clause,
            condition.source,
            saw.join(", ")
        )
    });
    let misses = one
        .misses
        .iter()
        .map(|miss| format!("✗ {} ({})", miss.wants, miss.is));
    misses.chain(conditions).collect()
}

#[test]
fn every_condition_is_shown_with_what_it_saw() {
    let (_directory, store) = store();
    let p = policies(&[(
        "releases",
        r#"// A comment with when { in it.
permit (principal == Service::"atlas", action == Action::"http", resource == Secret::"heroku/prod")
when { context.http.method == "POST" && context.http.path like "/apps/*/builds" &&
       (context.hour < 8 || context.hour >= 20) }
when { context has ticket && context.ticket like "CHG-*" }
unless { context.http.query.hasTag("force") && context.http.query.getTag("force") == "true" }
when { resource.labels.contains("prod") && principal.name != "root" };"#,
    )]);
    let explained = explain(&p, &case(), &store);
    assert_eq!((explained.saying.said, explained.others), (Said::Denied, 0));
    let one = &explained.statements[0];
    assert_eq!(
        (one.statement.as_str(), one.line, one.matches),
        ("releases", 2, false)
    );
    assert_eq!(
        shown(one),
        [
            r#"✓ when context.http.method == "POST" (context.http.method is "POST")"#,
            r#"✗ when context.http.path like "/apps/*/builds" (context.http.path is "/apps/web/releases")"#,
            "✗ when (context.hour < 8 || context.hour >= 20) (context.hour is 9)",
            "✗ when context has ticket (context.ticket is absent)",
            r#"? when context.ticket like "CHG-*" (context.ticket is absent)"#,
            r#"✗ unless context.http.query.hasTag("force") && context.http.query.getTag("force") == "true" (context.http.query.getTag("force") is "true")"#,
            r#"✓ when resource.labels.contains("prod") (resource.labels is ["prod"])"#,
            r#"✓ when principal.name != "root" (principal.name is "atlas")"#,
        ]
    );
}

#[test]
fn those_that_decided_come_first_then_those_that_nearly_did() {
    let (_directory, store) = store();
    let p = policies(&[
        (
            "a-far",
            r#"permit (principal == Service::"borg", action == Action::"sign", resource);"#,
        ),
        (
            "b-near",
            r#"permit (principal == Service::"borg", action == Action::"http", resource);"#,
        ),
        (
            "c-about",
            r#"permit (principal, action, resource) when { context.way_in == WayIn::"local" };"#,
        ),
        (
            "d-permits",
            r#"permit (principal, action in [Action::"http", Action::"sign"], resource is Secret);"#,
        ),
        (
            "e-forbids",
            r#"forbid (principal is Service, action, resource) when { context has purpose };"#,
        ),
    ]);
    let explained = explain(&p, &case(), &store);
    let order: Vec<_> = explained
        .statements
        .iter()
        .map(|one| one.statement.as_str())
        .collect();
    assert_eq!(order, ["d-permits", "e-forbids", "c-about", "b-near"]);
    assert_eq!((explained.others, explained.saying.said), (1, Said::Denied));
    assert_eq!(explained.saying.policies, ["e-forbids"]);
    assert_eq!(
        shown(&explained.statements[3]),
        [r#"✗ principal == Service::"borg" (Service::"atlas")"#]
    );
    // What a caller said is shown, and does no harm to the terminal that shows it.
    let said = shown(&explained.statements[1]);
    assert_eq!(
        said,
        [r#"✓ when context has purpose (context.purpose is "deploy \u{202e}4f2a")"#]
    );
}

#[test]
fn a_limit_is_shown_with_what_is_left() {
    let (_directory, mut store) = store();
    let p = policies(&[(
        "releases",
        r#"@limit("2 per hour, 9 per day") @notify("urgent") permit (principal, action, resource);"#,
    )]);
    let now = case().time.as_millisecond();
    let minute = 60_000;
    let mut transaction = store.begin().unwrap();
    for ago in [61, 40, 20] {
        transaction
            .count("releases#1", "atlas", now - ago * minute)
            .unwrap();
        transaction
            .count("releases#1", "borg", now - ago * minute)
            .unwrap();
    }
    transaction.commit().unwrap();
    let explained = explain(&p, &case(), &store);
    assert_eq!(explained.saying.said, Said::Allowed);
    let one = &explained.statements[0];
    assert_eq!(one.notify, Some(Urgency::Urgent));
    let state = |limit: &str, used, left, free_at: Option<&str>| LimitState {
        limit: limit.to_owned(),
        used,
        left,
        free_at: free_at.map(|time| time.parse().unwrap()),
    };
    assert_eq!(
        one.limits,
        [
            state("2 per hour", 2, 0, Some("2026-01-01T09:50:00Z")),
            state("9 per day", 3, 6, None),
        ]
    );
}

#[test]
fn an_approval_and_a_failure_are_told() {
    let (_directory, store) = store();
    let p = policies(&[(
        "p",
        r#"@approve("1 of security") permit (principal, action, resource);"#,
    )]);
    let explained = explain(&p, &case(), &store);
    assert_eq!(explained.saying.said, Said::NeedsApproval);
    assert_eq!(
        explained.statements[0].approve.as_deref(),
        Some("1 of security")
    );
    let p = policies(&[
        ("p", r#"permit (principal, action, resource);"#),
        (
            "f",
            "forbid (principal, action, resource) when { context.hour * 9223372036854775807 > 5 };",
        ),
    ]);
    let explained = explain(&p, &case(), &store);
    assert_eq!(explained.saying.said, Said::Denied);
    assert!(explained.saying.failed.unwrap().contains("overflow"));
    assert_eq!(explained.statements[1].conditions[0].holds, None);
}

#[test]
fn a_text_is_split_where_cedar_splits_it() {
    let split = |body: &str| {
        let text = format!("permit (principal, action, resource) when {{ {body} }};");
        source::clauses(&text, 0..text.len())
            .into_iter()
            .map(|clause| text[clause.span].to_owned())
            .collect::<Vec<_>>()
    };
    for (body, parts) in [
        ("a && b&&c", &["a", "b", "c"][..]),
        ("a || b && c", &["a || b && c"]),
        ("a && b || c", &["a && b || c"]),
        ("if a then b else c && d", &["if a then b else c && d"]),
        (
            "(a && b) && {c: d && e}.c && [f && g].contains(h)",
            &["(a && b)", "{c: d && e}.c", "[f && g].contains(h)"],
        ),
        ("\"a && b\" == c // && d\n && e", &["\"a && b\" == c", "e"]),
        ("", &[]),
    ] {
        assert_eq!(split(body), parts, "{body}");
    }
}

#[test]
fn what_an_expression_looks_at() {
    for (source, paths) in [
        (
            "context.a.b == principal",
            &["context.a.b", "principal"][..],
        ),
        (
            "context[\"a\"].b.contains(resource.name)",
            &["context[\"a\"].b", "resource.name"],
        ),
        (
            "context has a && context has \"b\"",
            &["context.a", "context[\"b\"]"],
        ),
        (
            "context.a.hasTag(\"x\") || context.a.getTag(\"y\") like \"*\"",
            &["context.a.getTag(\"x\")", "context.a.getTag(\"y\")"],
        ),
        ("{context: 1}.context == 1 && context == context", &[]),
        (
            "context.address.isInRange(ip(\"::1\"))",
            &["context.address"],
        ),
        ("\"context.a\" == X::\"b\"", &[]),
        ("context.", &[]),
    ] {
        assert_eq!(source::paths(source, 0..source.len()), paths, "{source}");
    }
}

proptest! {
    /// Conditions of which some hold, however they are joined: what is shown agrees with what
    /// decides ([`explain`] asserts it).
    #[test]
    fn what_is_shown_agrees_with_what_decides(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "true", "false", "context.hour == 9", "context has ticket", "context.http.method == \"GET\"",
            "(context.hour < 8 || context.hour > 8)", "context has purpose && context.purpose like \"deploy*\"",
            "!(context.hour == 9)", "if context has ticket then false else true",
        ]), 1..5),
        joins in proptest::collection::vec(proptest::sample::select(vec![" && ", " || ", " } when { ", " } unless { "]), 4),
    ) {
        let mut condition = String::new();
        for (piece, join) in pieces.iter().zip(&joins) {
            condition.push_str(&format!("{}({piece})", if condition.is_empty() { "" } else { join }));
        }
        let text = format!("permit (principal, action == Action::\"http\", resource) when {{ {condition} }};");
        let Ok(policy) = PolicyText::check(name("p"), &text) else { return Ok(()) };
        let (_directory, store) = store();
        explain(&Policies::new([policy]), &case(), &store);
    }
}
