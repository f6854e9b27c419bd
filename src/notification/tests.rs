use serde_json::json;

use super::*;
use crate::{
    audit::entry::{Ask, By},
    store::StoreError,
};

mod digests;
mod exactly_once;
mod settings;

/// An audit log in memory.
#[derive(Default)]
pub(super) struct Lines(pub(super) Vec<StoredEntry>);

impl Lines {
    pub(super) fn push(&mut self, time: Timestamp, event: Event) -> StoredEntry {
        self.push_line(Entry::new(time, event).to_line())
    }

    pub(super) fn push_line(&mut self, line: String) -> StoredEntry {
        let index = self.0.len() as u64;
        let stored = StoredEntry { index, line };
        self.0.push(stored.clone());
        stored
    }
}

impl Entries for Lines {
    fn page(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        let from = usize::try_from(from).unwrap().min(self.0.len());
        let end = (from + limit as usize).min(self.0.len());
        Ok(self.0[from..end].to_vec())
    }
}

pub(super) fn ask(operation: OperationName) -> Ask {
    serde_json::from_value(json!({
        "asked": "deploy-key", "digest": "", "fields": {},
        "key": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "nonce": "",
        "operation": operation, "service": "atlas", "way_in": "tls",
    }))
    .unwrap()
}

fn used(ask: Ask, secret: &str) -> Event {
    Event::Use {
        ask,
        secret: secret.parse().unwrap(),
        version: 1,
        policies: vec!["p".to_owned()],
        approvals: Vec::new(),
        pending: None,
        urgency: None,
    }
}

fn refused(operation: OperationName, reason: Reason, detail: &str, policies: &[&str]) -> Event {
    Event::Refusal {
        ask: ask(operation),
        reason,
        detail: detail.to_owned(),
        policies: policies.iter().map(|policy| (*policy).to_owned()).collect(),
    }
}

fn noise(reason: Reason, count: u64, since: &str) -> Event {
    Event::Noise {
        reason,
        way_in: crate::request::WayIn::Tls,
        address: Some([10, 0, 0, 7].into()),
        service: None,
        count,
        since: since.parse().unwrap(),
        detail: "the newest one".to_owned(),
    }
}

fn administration(
    action: Action,
    subject: Option<&str>,
    version: Option<u32>,
    detail: Option<&str>,
) -> Event {
    Event::Administration {
        action,
        subject: subject.map(str::to_owned),
        version,
        detail: detail.map(str::to_owned),
        by: By::Owner,
        record: None,
    }
}

fn stored(index: u64, time: &str, event: Event) -> StoredEntry {
    StoredEntry {
        index,
        line: Entry::new(time.parse().unwrap(), event).to_line(),
    }
}

fn says(event: Event, sentence: &str, urgency: Urgency) {
    let entry = stored(7, "2026-03-01T15:00:00Z", event);
    let notification = Notification::of("strongroom.test/agent", &entry, &mut Tally::default());
    assert_eq!(notification.sentence, sentence);
    assert_eq!(notification.urgency, urgency, "{sentence}");
    assert_eq!(notification.id, "strongroom.test/agent/7");
    assert_eq!(notification.entry["kind"], notification.kind);
}

#[test]
fn a_request_is_told_with_where_it_went() {
    let mut ask = ask(OperationName::Http);
    let fields = json!({"method": "POST", "host": "api.heroku.com", "path": "/apps/web/releases", "size": 15});
    ask.fields = fields.as_object().unwrap().clone();
    ask.purpose = Some("deploy 4f2a".to_owned());
    ask.asked = "heroku/prod".parse().unwrap();
    says(
        used(ask, "heroku/prod"),
        "atlas sent POST api.heroku.com/apps/web/releases with heroku/prod for 'deploy 4f2a'; 1st time today",
        Urgency::Normal,
    );
}

#[test]
fn a_token_is_told_with_whom_it_is_for_and_how_long() {
    let issued = |fields: serde_json::Value| {
        let mut ask = ask(OperationName::Token);
        ask.fields = fields.as_object().unwrap().clone();
        ask
    };
    says(
        used(
            issued(json!({"type": "jwt", "audience": "api\u{1b}.example", "lifetime": 900})),
            "deploy-key",
        ),
        "atlas was issued a token for api\\u{1b}.example by deploy-key, good until 15:15 UTC; 1st time today",
        Urgency::Normal,
    );
    says(
        used(
            issued(json!({"type": "oauth2", "scopes": ["read"], "lifetime": 3600})),
            "deploy-key",
        ),
        "atlas had a token fetched with deploy-key; 1st time today",
        Urgency::Normal,
    );
    // The owner can do nothing about it, and it comes with every exchange.
    let Event::Administration {
        action,
        subject,
        version,
        detail,
        record,
        ..
    } = administration(
        Action::SecretRotated,
        Some("crm"),
        Some(3),
        Some("its provider gave a new value in exchange for version 2"),
    )
    else {
        panic!("it is one")
    };
    says(
        Event::Administration {
            action,
            subject,
            version,
            detail,
            record,
            by: By::Agent,
        },
        "secret crm was rotated and is now at version 3: its provider gave a new value in exchange for version 2",
        Urgency::Quiet,
    );
}

#[test]
fn what_aws_is_asked_for_is_told() {
    let told = |operation, fields: serde_json::Value, sentence: &str| {
        let mut ask = ask(operation);
        ask.fields = fields.as_object().unwrap().clone();
        ask.asked = "aws/prod".parse().unwrap();
        let sentence = format!("{sentence}; 1st time today");
        says(used(ask, "aws/prod"), &sentence, Urgency::Normal);
    };
    let mut fields = json!({
        "service": "s3", "region": "eu-west-1", "method": "GET", "host": "b.s3.amazonaws.com",
        "path": "/key", "query": {}, "headers": {}, "presigned": false, "unsigned_payload": false,
    });
    told(
        OperationName::AwsSign,
        fields.clone(),
        "atlas had a request to s3 signed with aws/prod: GET b.s3.amazonaws.com/key in eu-west-1",
    );
    fields["expires"] = 60.into();
    fields["action"] = "Get\u{202e}".into();
    told(
        OperationName::AwsSign,
        fields,
        "atlas had a request to s3 signed with aws/prod: Get\\u{202e}, GET b.s3.amazonaws.com/key in eu-west-1, as a URL good for 60 s",
    );
    told(
        OperationName::Token,
        json!({"type": "aws", "role": "arn:aws:iam::1:role/ci", "session": "ci-7", "lifetime": 900}),
        "atlas had credentials of the role arn:aws:iam::1:role/ci fetched with aws/prod, as ci-7",
    );
}

#[test]
fn sentences_are_plain() {
    use OperationName::{Decrypt, PublicKey, Release, Sign, SshCertificate, SshSign};
    use Urgency::{Normal, Quiet, Urgent};

    let purpose = Ask {
        purpose: Some("release 4f2a".to_owned()),
        ..ask(Sign)
    };
    says(
        used(purpose, "deploy-key"),
        "atlas signed with deploy-key for 'release 4f2a'; 1st time today",
        Normal,
    );
    says(
        used(ask(PublicKey), "deploy-key"),
        "atlas read the public key of deploy-key; 1st time today",
        Quiet,
    );
    says(
        used(ask(Release), "deploy-key"),
        "atlas was given the value of deploy-key; 1st time today",
        Urgent,
    );
    says(
        used(ask(Decrypt), "k/2026"),
        "atlas decrypted with k/2026 (asked for as deploy-key); 1st time today",
        Normal,
    );
    let with = |operation, fields: serde_json::Value| Ask {
        fields: fields.as_object().unwrap().clone(),
        ..ask(operation)
    };
    for (lifetime, span) in [(300, "5 min"), (7200, "2 h"), (45, "45 s"), (90, "90 s")] {
        let fields = json!({"principals": ["deploy"], "lifetime": lifetime});
        says(
            used(with(SshCertificate, fields), "ssh-ca"),
            &format!(
                "atlas was issued an SSH certificate for deploy, {span}, by ssh-ca (asked for as deploy-key); 1st time today"
            ),
            Normal,
        );
    }
    let many = json!({"principals": ["a", "b", "c", "d\u{202e}"], "lifetime": 60});
    says(
        used(with(SshCertificate, many), "deploy-key"),
        "atlas was issued an SSH certificate for a, b, c and others, 1 min, by deploy-key; 1st time today",
        Normal,
    );
    says(
        used(
            with(SshSign, json!({"namespace": "git\u{1b}"})),
            "deploy-key",
        ),
        "atlas made an SSH signature for 'git\\u{1b}' with deploy-key; 1st time today",
        Normal,
    );
    let ticket = Ask {
        ticket: Some("CHG-1".to_owned()),
        ..ask(Sign)
    };
    says(
        used(ticket, "deploy-key"),
        "atlas signed with deploy-key (ticket 'CHG-1'); 1st time today",
        Normal,
    );

    says(
        refused(Sign, Reason::Denied, "", &[]),
        "atlas was refused: sign with deploy-key is not allowed by any policy",
        Normal,
    );
    let Event::Refusal {
        ask: mut stated, ..
    } = refused(Sign, Reason::Retired, "", &[])
    else {
        panic!()
    };
    stated.purpose = Some("release 1".to_owned());
    let retired = Event::Refusal {
        ask: stated,
        reason: Reason::Retired,
        detail: String::new(),
        policies: Vec::new(),
    };
    says(
        retired,
        "atlas was refused: sign with deploy-key for 'release 1', but it is retired",
        Normal,
    );
    says(
        refused(Sign, Reason::Denied, "", &["nights"]),
        "atlas was refused: sign with deploy-key is forbidden by policy nights",
        Normal,
    );
    says(
        refused(Release, Reason::UnknownSecret, "", &[]),
        "atlas was refused: release of deploy-key, but there is no such secret",
        Normal,
    );
    says(
        refused(Sign, Reason::NotPossible, "a `token` cannot sign", &["p"]),
        "atlas was refused: sign with deploy-key is not possible: a `token` cannot sign",
        Normal,
    );
    says(
        refused(Sign, Reason::Limit, "policy `p` permits 2 per hour", &["p"]),
        "atlas was refused: sign with deploy-key, more often than allowed: policy `p` permits 2 per hour",
        Normal,
    );
    says(
        refused(
            Sign,
            Reason::NeedsApproval,
            "policy `p` asks for `1 of security`",
            &["p"],
        ),
        "atlas was refused: sign with deploy-key needs an approval: policy `p` asks for `1 of security`",
        Normal,
    );
    says(
        refused(Sign, Reason::Locked, "", &[]),
        "atlas was refused: sign with deploy-key has to wait, the vault is locked",
        Urgent,
    );

    says(
        noise(Reason::BadSignature, 41, "2026-03-01T14:02:59Z"),
        "someone at 10.0.0.7 sent 41 requests with a bad signature since 14:02 UTC",
        Normal,
    );
    says(
        noise(Reason::BadSignature, 1, "2026-03-01T14:02:59Z"),
        "someone at 10.0.0.7 sent a request with a bad signature",
        Normal,
    );
    says(
        noise(Reason::Malformed, 100, "2026-02-28T23:59:59Z"),
        "someone at 10.0.0.7 sent 100 requests of bad form since 2026-02-28 23:59 UTC",
        Urgent,
    );
    says(
        noise(Reason::Replay, 2, "2026-03-01T14:02:00Z"),
        "someone at 10.0.0.7 sent 2 requests a second time since 14:02 UTC",
        Urgent,
    );

    says(
        administration(Action::AgentStarted, None, None, None),
        "the agent started",
        Quiet,
    );
    let prod = Some("heroku/prod");
    says(
        administration(Action::SecretDue, prod, Some(3), Some("90 days old")),
        "secret heroku/prod is due for rotation: 90 days old",
        Normal,
    );
    says(
        administration(Action::SecretRevoked, prod, Some(3), None),
        "secret heroku/prod version 3 was revoked at its provider",
        Normal,
    );
    says(
        administration(Action::RotationFailed, prod, None, Some("exit status: 1")),
        "the rotation of secret heroku/prod failed: exit status: 1",
        Urgent,
    );
    says(
        refused(
            OperationName::Encrypt,
            Reason::UsedUp,
            "version 1 is used up",
            &["p"],
        ),
        "atlas was refused: encrypt with deploy-key needs a new version: version 1 is used up",
        Urgent,
    );
    says(
        administration(Action::Unlocked, None, None, None),
        "the vault was unlocked",
        Normal,
    );
    says(
        administration(Action::UnlockFailed, None, None, None),
        "somebody tried to unlock the vault and failed",
        Urgent,
    );
    says(
        administration(Action::SecretRotated, Some("deploy-key"), Some(3), None),
        "secret deploy-key was rotated and is now at version 3",
        Normal,
    );
    says(
        administration(Action::SecretRevealed, Some("deploy-key"), Some(3), None),
        "the value of secret deploy-key version 3 was shown to the owner",
        Urgent,
    );
    says(
        administration(Action::AliasSet, Some("prod"), None, Some("prod/2026")),
        "alias prod was set: prod/2026",
        Normal,
    );
}

#[test]
fn a_policy_says_how_soon_a_person_should_look() {
    use OperationName::{Http, PublicKey, Release, Sign};
    use Urgency::{Normal, Quiet, Urgent};

    let said = |operation, said| {
        let Event::Use {
            ask,
            secret,
            version,
            policies,
            ..
        } = used(ask(operation), "key")
        else {
            panic!()
        };
        urgency(&Event::Use {
            ask,
            secret,
            version,
            policies,
            approvals: Vec::new(),
            pending: None,
            urgency: said,
        })
    };
    for (operation, by_policy, expected) in [
        (Sign, None, Normal),
        (Sign, Some(Urgent), Urgent),
        (Sign, Some(Quiet), Quiet),
        (PublicKey, None, Quiet),
        (PublicKey, Some(Normal), Normal),
        // A value that leaves is urgent whatever is said.
        (Release, Some(Quiet), Urgent),
    ] {
        assert_eq!(
            said(operation, by_policy),
            expected,
            "{operation} {by_policy:?}"
        );
    }
    let ended = |ending, said| {
        urgency(&Event::Outcome {
            entry: 1,
            service: "atlas".parse().unwrap(),
            secret: "key".parse().unwrap(),
            version: 1,
            operation: Http,
            ending,
            status: None,
            expires: None,
            detail: None,
            urgency: said,
        })
    };
    for (ending, by_policy, expected) in [
        (Ending::TimedOut, None, Normal),
        (Ending::TimedOut, Some(Urgent), Urgent),
        (Ending::TimedOut, Some(Quiet), Quiet),
        (Ending::Answered, Some(Urgent), Quiet),
        (Ending::NotKept, Some(Quiet), Urgent),
    ] {
        assert_eq!(ended(ending, by_policy), expected, "{ending} {by_policy:?}");
    }
}

#[test]
fn every_event_has_a_sentence() {
    for reason in Reason::ALL {
        for event in [
            refused(OperationName::Sign, *reason, "why", &["p"]),
            noise(*reason, 2, "2026-03-01T14:02:00Z"),
        ] {
            let sentence = sentence(&Entry::new(Timestamp::UNIX_EPOCH, event), None);
            assert!(sentence.len() > 20, "{sentence}");
        }
    }
    for action in Action::ALL {
        let event = administration(*action, Some("x"), Some(1), None);
        assert!(!sentence(&Entry::new(Timestamp::UNIX_EPOCH, event), None).is_empty());
    }
}

#[test]
fn text_from_outside_is_harmless() {
    for (hostile, safe) in [
        ("plain \"quoted\" ünïcode 鍵", "plain \"quoted\" ünïcode 鍵"),
        ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
        ("a\nb\r\tc\0", "a\\nb\\r\\tc\\0"),
        ("\u{202e}gnp.exe\u{2066}", "\\u{202e}gnp.exe\\u{2066}"),
        (
            "zero\u{200b}width\u{feff}\u{ad}",
            "zero\\u{200b}width\\u{feff}\\u{ad}",
        ),
        ("it can't end", "it can't end"),
        ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
        (
            "line\u{2028}separator \u{e0041}tag",
            "line\\u{2028}separator \\u{e0041}tag",
        ),
    ] {
        assert_eq!(escaped(hostile), safe);
    }
    assert_eq!(escaped(&"x".repeat(999)).chars().count(), 201);
    let purpose = Ask {
        purpose: Some("\u{1b}]0;owned\u{7}'; 3rd time today".to_owned()),
        ..ask(OperationName::Sign)
    };
    let entry = Entry::new(Timestamp::UNIX_EPOCH, used(purpose, "deploy-key"));
    let told = sentence(&entry, None);
    assert!(!told.contains(char::is_control));
    assert!(
        told.ends_with("\\'; 3rd time today'"),
        "the quotation goes on: {told}"
    );
}

#[test]
fn uses_are_counted_by_service_operation_secret_and_day() {
    let mut tally = Tally::default();
    let mut times = |time: &str, event| {
        let sentence = Notification::of("o", &stored(0, time, event), &mut tally).sentence;
        sentence.rsplit("; ").next().unwrap().to_owned()
    };
    let sign = || used(ask(OperationName::Sign), "deploy-key");
    assert_eq!(times("2026-03-01T10:00:00Z", sign()), "1st time today");
    assert_eq!(times("2026-03-01T10:00:01Z", sign()), "2nd time today");
    assert_eq!(
        times(
            "2026-03-01T10:00:02Z",
            used(ask(OperationName::Mac), "deploy-key")
        ),
        "1st time today"
    );
    assert_eq!(
        times(
            "2026-03-01T10:00:03Z",
            used(ask(OperationName::Sign), "other")
        ),
        "1st time today"
    );
    times(
        "2026-03-01T10:00:04Z",
        refused(OperationName::Sign, Reason::Denied, "", &[]),
    );
    assert_eq!(times("2026-03-01T23:59:59Z", sign()), "3rd time today");
    assert_eq!(times("2026-03-02T00:00:00Z", sign()), "1st time today");
}

#[test]
fn a_tally_is_rebuilt_from_the_log() {
    use crate::store::{Store as _, Transaction as _, sqlite::SqliteStore};

    let directory = tempfile::tempdir().unwrap();
    let mut store = SqliteStore::create(&directory.path().join("strongroom.db")).unwrap();
    let mut transaction = store.begin().unwrap();
    let (mut kept, mut at_1500) = (Tally::default(), Tally::default());
    for index in 0..3000_u64 {
        let day = 1 + index / 1400;
        let time = format!("2026-03-0{day}T10:00:00Z");
        let secret = format!("key-{}", index % 7);
        let stored = stored(index, &time, used(ask(OperationName::Sign), &secret));
        transaction
            .append_entry(index, &stored.line, &[[0; 32]])
            .unwrap();
        Notification::of("o", &stored, &mut kept);
        if index == 1499 {
            at_1500 = kept.clone();
        }
    }
    transaction.commit().unwrap();
    assert_eq!(Tally::up_to(&store, 3000).unwrap(), kept);
    assert_eq!(Tally::up_to(&store, 1500).unwrap(), at_1500);
    assert_eq!(Tally::up_to(&store, 0).unwrap(), Tally::default());
}

/// A channel must not wait forever at an entry that it cannot read.
#[test]
fn an_unreadable_entry_makes_a_notification_too() {
    for line in [
        "{}",
        "no json",
        r#"{"kind":"teleport","time":"2026-03-01T10:00:00Z"}"#,
    ] {
        let stored = StoredEntry {
            index: 3,
            line: line.to_owned(),
        };
        let notification = Notification::of("o", &stored, &mut Tally::default());
        assert_eq!(notification.kind, "unreadable");
        assert_eq!(notification.urgency, Urgency::Urgent);
    }
}
