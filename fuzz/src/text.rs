//! Texts: an operation's input, policies, and what the audit log and its receipts are made of.

use std::{str, sync::LazyLock};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Map, Value};
use strongroom::{
    audit::{Entry, Receipt},
    binding::Binding,
    identity::Identity,
    name::Name,
    notification::{Audience, Entries, Notification, Plan, Progress, Tally, Tell, Urgency},
    operation::{Kind, Operation, OperationName},
    policy::{Policies, PolicyText, Question, Said, Subject, Suite, Verdict},
    request::WayIn,
    store::{StoreError, StoredEntry},
};

use super::{
    assert_harmless, first_line,
    published::{IDENTITY, NOW},
};

static LOG_KEY: LazyLock<String> =
    LazyLock::new(|| Identity::from_pem(IDENTITY).unwrap().checkpoint_vkey());

/// Looks at everything that a question may hold.
static CURIOUS: LazyLock<Policies> = LazyLock::new(|| {
    let text = r#"permit (principal, action, resource)
        when { context.time > datetime("2020-01-01") && principal.name != "" && context has address };"#;
    Policies::new([PolicyText::check(name("curious"), text).unwrap()])
});

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn ask<T>(
    kind: Kind,
    operation: OperationName,
    fields: &Map<String, Value>,
    asked: impl FnOnce(&Question<'_>) -> T,
) -> T {
    let subject = Subject::new(&name("deploy/key"), kind, &["blue".to_owned()].into(), true);
    asked(&Question {
        service: &name("atlas"),
        operation,
        fields,
        asked: &name("key"),
        secret: &subject,
        purpose: Some("release 1.2"),
        ticket: None,
        way_in: WayIn::Tls,
        address: Some([10, 0, 0, 7].into()),
        time: now(),
    })
}

fn decide(
    policies: &Policies,
    kind: Kind,
    operation: OperationName,
    fields: &Map<String, Value>,
) -> Verdict {
    ask(kind, operation, fields, |question| {
        policies.decide(question)
    })
}

/// What is shown of a decision agrees with the decision.
fn explain(policies: &Policies, question: &Question<'_>) {
    let explained = policies.explain(question, |_, _, _| Ok(vec![NOW * 1000; 2]), now());
    let explained = explained.unwrap();
    for seen in explained
        .statements
        .iter()
        .flat_map(|one| &one.conditions)
        .flat_map(|one| &one.saw)
    {
        assert_harmless(seen.value.as_deref().unwrap_or_default(), false);
    }
    if explained.saying.failed.is_some() {
        assert_eq!(explained.saying.said, Said::Denied);
        return;
    }
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
    let deciding = if forbids.is_empty() { permits } else { forbids };
    assert_eq!(explained.saying.policies, deciding);
}

/// The operation's name on a line, then its input as JSON.
pub fn operation(data: &[u8]) -> bool {
    let Some((named, input)) = first_line(data) else {
        return false;
    };
    let Ok(input) = serde_json::from_slice::<Value>(input) else {
        return false;
    };
    let operation = match Operation::parse(named, input) {
        Ok(operation) => operation,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    assert_eq!(operation.name().as_str(), named);
    drop(format!("{operation:?}"));
    if named == "aws-sign" {
        super::aws::check_signable(&operation);
        let verdict = decide(&CURIOUS, Kind::Aws, operation.name(), &operation.fields());
        assert!(matches!(verdict, Verdict::Permitted(_)), "{verdict:?}");
    }
    let binding = binding(operation.name());
    for kind in Kind::ALL {
        if operation.suits(kind, true, binding.as_ref()).is_ok() {
            assert!(kind.operations().contains(&operation.name()));
            // What a kind can do can be put to policy.
            let verdict = decide(
                &CURIOUS,
                kind,
                operation.name(),
                &operation.fields_for(kind, binding.as_ref()),
            );
            assert!(matches!(verdict, Verdict::Permitted(_)), "{verdict:?}");
        }
    }
    true
}

/// What the owner would say so that an operation can be done, where something has to be said.
fn binding(operation: OperationName) -> Option<Binding> {
    let ssh = r#"{"ssh": {"sign": {"namespaces": ["file", "git"]}, "certificate": {
        "principals": ["deploy", "web-*"], "max_lifetime": 3600, "key_id_prefix": "vault:",
        "critical_options": {"source-address": "10.0.0.0/8"}, "extensions": ["permit-pty"]}}}"#;
    match operation {
        OperationName::SshSign | OperationName::SshCertificate => {
            Some(Binding::parse(Kind::Ed25519, ssh).unwrap())
        }
        _ => None,
    }
}

/// Cedar text.
pub fn policy(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let policy = match PolicyText::check(name("fuzz"), text) {
        Ok(policy) => policy,
        Err(mistakes) => {
            assert_harmless(&mistakes.to_string(), true);
            return false;
        }
    };
    assert_eq!(policy.text(), text);
    assert_harmless(&policy.summary(), false);
    let policies = Policies::new([policy]);
    for operation in OperationName::ALL {
        let Some(input) = input(operation) else {
            continue;
        };
        let fields = Operation::parse(operation.as_str(), input).unwrap();
        for kind in Kind::ALL
            .into_iter()
            .filter(|kind| fields.suits(*kind, true, None).is_ok())
        {
            let fields = fields.fields_for(kind, None);
            ask(kind, operation, &fields, |question| {
                explain(&policies, question)
            });
        }
    }
    true
}

/// A plain input, for operations that need no binding.
fn input(operation: OperationName) -> Option<Value> {
    let input = match operation {
        OperationName::PublicKey | OperationName::Release => "{}",
        OperationName::Sign | OperationName::Mac => r#"{"message": "aGVsbG8="}"#,
        OperationName::VerifyMac => r#"{"message": "aGVsbG8=", "mac": "aGVsbG8="}"#,
        OperationName::Encrypt => r#"{"plaintext": "aGVsbG8="}"#,
        OperationName::Decrypt => {
            r#"{"ciphertext": "", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA=="}"#
        }
        _ => return None,
    };
    Some(serde_json::from_str(input).unwrap())
}

/// A file of cases for `policy test`.
pub fn suite(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let Ok(suite) = Suite::parse(text) else {
        return false;
    };
    if let Ok(tested) = suite.run(&CURIOUS, None, now()) {
        for one in tested {
            let allowed = one.saying.said == Said::Allowed;
            assert_eq!(one.passed, allowed == (one.expected == "allow"));
        }
    }
    true
}

/// An entry on a line, then a receipt: taken if it proves the entry under the agent's log key.
pub fn receipt(data: &[u8]) -> bool {
    let Some((entry, receipt)) = first_line(data) else {
        return false;
    };
    let Ok(text) = str::from_utf8(receipt) else {
        return false;
    };
    let Ok(receipt) = Receipt::parse(text) else {
        return false;
    };
    assert_eq!(receipt.to_text(), text, "one text for each receipt");
    receipt.verify(entry, &LOG_KEY).is_ok()
}

/// No log before this entry.
struct Nothing;

impl Entries for Nothing {
    fn page(&self, _: u64, _: u32) -> Result<Vec<StoredEntry>, StoreError> {
        Ok(Vec::new())
    }
}

/// A plan tells of one entry as it is, and of several in a digest that does no harm either.
fn assert_planned(line: &str, told: &Notification) {
    let tell = Tell {
        urgency: Some(Urgency::Quiet),
        quiet_hours: "22:00-07:00".parse().ok(),
        ..Tell::default()
    };
    let terms = tell.terms(Audience::Person, TimeZone::UTC).unwrap();
    let mut plan =
        Plan::restore(terms, "vault.example.com", &Nothing, Progress::default()).unwrap();
    let now = told.time;
    for index in 0..4 {
        let line = line.to_owned();
        plan.read(&StoredEntry { index, line }, now);
    }
    // One of them is outside of quiet hours, and all are long after the window.
    let after = |hours| {
        now.saturating_add(SignedDuration::from_hours(hours))
            .unwrap()
    };
    let mut counted = 0;
    for now in [now, after(48), after(60), after(60)] {
        for index in plan.wanted()..4 {
            let line = line.to_owned();
            plan.read(&StoredEntry { index, line }, now);
        }
        plan.caught_up(now);
        plan.close();
        while let Some(notification) = plan.next(now) {
            assert_harmless(&notification.sentence, false);
            let facts = notification.facts.iter().map(|fact| fact.text.as_str());
            facts.for_each(|text| assert_harmless(text, false));
            counted += match notification.kind.as_str() {
                "digest" => notification.entry["count"].as_u64().unwrap(),
                _ => 1,
            };
            plan.delivered();
        }
    }
    // At the very end of time it may be quiet for good.
    assert!(counted == 4 || after(60) == Timestamp::MAX, "{counted}");
}

/// A line of the audit log.
pub fn entry(data: &[u8]) -> bool {
    let Ok(line) = str::from_utf8(data) else {
        return false;
    };
    let stored = StoredEntry {
        index: 7,
        line: line.to_owned(),
    };
    let told = Notification::of("vault.example.com", &stored, &mut Tally::default());
    assert_harmless(&told.sentence, false);
    assert_planned(line, &told);
    let Ok(entry) = Entry::parse(line) else {
        return false;
    };
    let written = entry.to_line();
    let value: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(
        serde_json_canonicalizer::to_string(&value).unwrap(),
        written,
        "RFC 8785"
    );
    assert_eq!(Entry::parse(&written).unwrap().to_line(), written);
    true
}
