//! Lines: canonical JSON.

use std::net::IpAddr;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    audit::{Action, Ask, By, Decided, Entry, Event, Reason},
    notification::Urgency,
    operation::OperationName,
    request::WayIn,
};

fn ask(fields: Map<String, Value>, purpose: Option<String>, address: Option<IpAddr>) -> Ask {
    Ask {
        address,
        asked: "heroku/prod".parse().unwrap(),
        digest: "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=".to_owned(),
        fields,
        key: serde_json::from_value(json!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")).unwrap(),
        nonce: "0123456789abcdefghijkl".to_owned(),
        operation: OperationName::Sign,
        ticket: purpose.clone(),
        purpose,
        service: "atlas".parse().unwrap(),
        way_in: WayIn::Tls,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn any_ask()(
        fields in prop::collection::vec((any::<String>(), any_json()), 0..4),
        purpose in any::<Option<String>>(),
        address in any::<Option<IpAddr>>(),
    ) -> Ask {
        ask(fields.into_iter().collect(), purpose, address)
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let text = any::<String>;
    let name =
        || prop::sample::select(vec!["atlas", "deploy-key"]).prop_map(|name| name.parse().unwrap());
    prop_oneof![
        (
            any_ask(),
            name(),
            any::<u32>(),
            prop::collection::vec(text(), 0..3),
            prop::sample::select(vec![None, Some(Urgency::Quiet), Some(Urgency::Urgent)]),
        )
            .prop_map(|(ask, secret, version, policies, urgency)| Event::Use {
                ask,
                secret,
                version,
                pending: policies.first().map(|_| u64::from(version)),
                approvals: policies.iter().map(|_| 7).collect(),
                policies,
                urgency,
            }),
        (
            any_ask(),
            name(),
            any::<u32>(),
            prop::collection::vec(text(), 0..3)
        )
            .prop_map(|(ask, secret, version, needs)| Event::Pending {
                ask,
                secret,
                version,
                policies: needs.clone(),
                needs,
                expires: Timestamp::UNIX_EPOCH,
                urgency: None,
            }),
        (
            name(),
            prop::sample::select(Decided::ALL),
            prop::sample::select(By::ALL),
            any::<Option<u32>>(),
            any::<Option<String>>(),
        )
            .prop_map(|(secret, decided, by, minutes, text)| Event::Decision {
                entry: 7,
                service: secret.clone(),
                approver: minutes.map(|_| secret.clone()),
                secret,
                operation: OperationName::Sign,
                decided,
                by,
                minutes,
                key: text.clone(),
                signature: text.clone(),
                detail: text,
            }),
        (
            any_ask(),
            prop::sample::select(Reason::ALL),
            text(),
            prop::collection::vec(text(), 0..3)
        )
            .prop_map(|(ask, reason, detail, policies)| Event::Refusal {
                ask,
                reason,
                detail,
                policies
            }),
        (
            prop::sample::select(Reason::ALL),
            any::<Option<IpAddr>>(),
            prop::option::of(name()),
            any::<u64>(),
            text()
        )
            .prop_map(|(reason, address, service, count, detail)| Event::Noise {
                reason,
                way_in: WayIn::Local,
                address,
                service,
                count,
                since: Timestamp::UNIX_EPOCH,
                detail,
            }),
        (
            prop::sample::select(Action::ALL),
            any::<Option<String>>(),
            any::<Option<u32>>(),
            any::<Option<u32>>()
        )
            .prop_map(|(action, subject, version, record)| Event::Administration {
                action,
                detail: subject.clone(),
                subject,
                version,
                by: By::Owner,
                record: record.map(u64::from),
            }),
    ]
}

proptest! {
    /// The declared order of members is the one of RFC 8785, and so are the bytes.
    #[test]
    fn a_line_is_canonical_json(event in any_event(), millis in 0..4_102_444_800_000_i64) {
        let entry = Entry::new(Timestamp::from_millisecond(millis).unwrap(), event);
        let line = entry.to_line();
        let value: Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(serde_json_canonicalizer::to_string(&value).unwrap(), line.as_str());
        prop_assert!(!line.contains('\n'));
    }

    #[test]
    fn parsing_never_panics(line in any::<String>()) {
        let _ = Entry::parse(&line);
    }

    /// What looks like an entry, cut and bent, does not panic either, and what parses comes
    /// back as an equivalent line.
    #[test]
    fn a_bent_line_never_panics(event in any_event(), at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let mut line: Vec<char> = Entry::new(Timestamp::UNIX_EPOCH, event).to_line().chars().collect();
        let at = at.index(line.len());
        line[at] = byte;
        if let Ok(entry) = Entry::parse(&line.into_iter().collect::<String>()) {
            let again = Entry::parse(&entry.to_line()).unwrap();
            prop_assert_eq!(again.to_line(), entry.to_line());
        }
    }
}

#[test]
fn an_entry_reads_as_documented() {
    let fields = json!({"encoding": "der", "algorithm": "ES256"})
        .as_object()
        .unwrap()
        .clone();
    let event = Event::Use {
        ask: ask(
            fields,
            Some("release 4f2a".to_owned()),
            Some([10, 0, 0, 7].into()),
        ),
        secret: "deploy-key".parse().unwrap(),
        version: 3,
        policies: vec!["deployers".to_owned()],
        approvals: Vec::new(),
        pending: None,
        urgency: None,
    };
    let entry = Entry::new("2026-03-01T14:02:03.123456Z".parse().unwrap(), event);
    let line = entry.to_line();
    assert_eq!(
        line,
        concat!(
            r#"{"ask":{"address":"10.0.0.7","asked":"heroku/prod","digest":"n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=","#,
            r#""fields":{"algorithm":"ES256","encoding":"der"},"key":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs","#,
            r#""nonce":"0123456789abcdefghijkl","operation":"sign","purpose":"release 4f2a","service":"atlas","ticket":"release 4f2a","#,
            r#""way_in":"tls"},"kind":"use","policies":["deployers"],"secret":"deploy-key","time":"2026-03-01T14:02:03.123Z","version":3}"#,
        )
    );
    assert_eq!(Entry::parse(&line).unwrap(), entry);
}
