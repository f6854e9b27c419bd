//! What is told when, as a person reads it.

use jiff::{SignedDuration, tz::TimeZone};

use super::*;

/// A channel that is always well, with a clock that is set by hand.
struct Channel {
    log: Lines,
    plan: Plan,
    terms: Terms,
    now: Timestamp,
}

impl Channel {
    fn new(settings: Value) -> Self {
        let tell: Tell = serde_json::from_value(settings).unwrap();
        let terms = tell.terms(Audience::Person, TimeZone::UTC).unwrap();
        let log = Lines::default();
        Self {
            plan: Plan::restore(terms.clone(), "o", &log, Progress::default()).unwrap(),
            log,
            terms,
            now: "2026-03-01T14:00:00Z".parse().unwrap(),
        }
    }

    /// A channel that has seen all of this before.
    fn used_to(settings: Value) -> Self {
        let mut channel = Self::new(settings);
        for operation in OperationName::ALL {
            channel.happens("2026-03-01T13:00:00Z", used(ask(operation), "deploy-key"));
        }
        channel.told("2026-03-01T14:00:00Z");
        channel
    }

    fn happens(&mut self, time: &str, event: Event) {
        self.log.push(time.parse().unwrap(), event);
    }

    /// What the channel tells by this time.
    fn told_in_full(&mut self, now: &str) -> Vec<Notification> {
        self.now = now.parse().unwrap();
        let mut told = Vec::new();
        loop {
            while let Some(notification) = self.plan.next(self.now) {
                told.push(notification);
                self.plan.delivered();
            }
            let page = self.log.page(self.plan.wanted(), 256).unwrap();
            if page.is_empty() {
                self.plan.caught_up(self.now);
                if self.plan.next(self.now).is_none() {
                    return told;
                }
            }
            for entry in &page {
                self.plan.read(entry, self.now);
            }
        }
    }

    fn told(&mut self, now: &str) -> Vec<String> {
        (self.told_in_full(now).into_iter())
            .map(|notification| notification.sentence)
            .collect()
    }
}

fn signing(purpose: Option<&str>) -> Event {
    let asking = Ask {
        purpose: purpose.map(str::to_owned),
        ..ask(OperationName::Sign)
    };
    used(asking, "deploy-key")
}

#[test]
fn what_repeats_is_told_in_one_sentence() {
    let mut channel = Channel::used_to(json!({"digest": 10}));
    for second in 10..53 {
        channel.happens(
            &format!("2026-03-01T14:00:{second}Z"),
            signing(Some("release")),
        );
    }
    assert_eq!(
        channel.told("2026-03-01T14:01:00Z"),
        ["atlas signed with deploy-key for 'release'; 2nd time today"]
    );
    assert_eq!(
        channel.plan.progress(),
        Progress {
            told: 15,
            urgent: 57
        }
    );
    let wake = channel.plan.wake(channel.now).unwrap();
    assert_eq!(wake.to_string(), "2026-03-01T14:10:01Z");
    assert_eq!(channel.told("2026-03-01T14:10:00Z"), [""; 0]);
    let told = channel.told_in_full("2026-03-01T14:10:01Z");
    let [digest] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!(
        digest.sentence,
        "atlas signed with deploy-key 42 more times in 10 minutes, all for 'release'"
    );
    assert_eq!(digest.id, "o/15-56");
    assert_eq!((digest.index, digest.kind.as_str()), (56, "digest"));
    assert_eq!(digest.urgency, Urgency::Normal);
    assert_eq!(digest.time.to_string(), "2026-03-01T14:00:52Z");
    assert_eq!(
        digest.entry,
        json!({
            "kind": "digest", "of": "window", "count": 42, "first": 15, "last": 56,
            "since": "2026-03-01T14:00:11Z", "until": "2026-03-01T14:00:52Z",
            "kinds": {"use": 42}, "urgencies": {"quiet": 0, "normal": 42}, "others": 0,
            "groups": [{"kind": "use", "count": 42, "service": "atlas", "operation": "sign", "secret": "deploy-key"}],
        })
    );
    let facts: Vec<_> = (digest.facts.iter())
        .map(|fact| format!("{}: {}", fact.label, fact.text))
        .collect();
    assert_eq!(
        facts,
        [
            "entries: 15 to 56",
            "from: 2026-03-01T14:00:11Z",
            "to: 2026-03-01T14:00:52Z",
            "kinds: 42 uses",
            "counted: atlas signed with deploy-key 42 more times, all for 'release'",
            "show: strongroom audit show --since 2026-03-01T14:00:11Z",
        ]
    );
    assert_eq!(
        channel.plan.progress(),
        Progress {
            told: 57,
            urgent: 57
        }
    );
    assert_eq!(channel.plan.wake(channel.now), None);
}

#[test]
fn what_is_folded_alone_is_told_as_itself() {
    let mut channel = Channel::used_to(json!({}));
    channel.happens("2026-03-01T14:00:00Z", signing(None));
    channel.happens("2026-03-01T14:09:59Z", signing(None));
    channel.happens("2026-03-01T14:10:00Z", signing(None));
    let told = channel.told_in_full("2026-03-01T14:10:00Z");
    let told: Vec<_> = (told.iter())
        .map(|told| (told.id.as_str(), told.sentence.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("o/14", "atlas signed with deploy-key; 2nd time today"),
            ("o/15", "atlas signed with deploy-key; 3rd time today"),
            ("o/16", "atlas signed with deploy-key; 4th time today"),
        ]
    );
}

#[test]
fn several_groups_are_one_notification() {
    let mut channel = Channel::used_to(json!({"digest": 60, "urgency": "quiet"}));
    let at = "2026-03-01T14:00:00Z";
    let secret = Some("crm");
    for purpose in [None, Some("a"), Some("a"), None, Some("b\u{1b}")] {
        channel.happens(at, signing(purpose));
    }
    for _ in 0..3 {
        channel.happens(at, refused(OperationName::Sign, Reason::Denied, "", &[]));
        channel.happens(at, noise(Reason::BadSignature, 30, at));
        channel.happens(at, administration(Action::AgentStarted, None, None, None));
        channel.happens(at, administration(Action::PolicySet, secret, None, None));
    }
    let told = channel.told("2026-03-01T14:00:01Z");
    assert_eq!(
        told,
        [
            "atlas signed with deploy-key; 2nd time today",
            "atlas was refused: sign with deploy-key is not allowed by any policy",
            "someone at 10.0.0.7 sent 30 requests with a bad signature since 14:00 UTC",
            "policy crm was set",
            "policy crm was set",
            "policy crm was set",
        ],
        "what is quiet waits, and what the owner did does not"
    );
    assert_eq!(
        channel.told("2026-03-01T15:00:01Z"),
        [
            "11 more in an hour: atlas signed with deploy-key 4 more times, for 'a' and others; \
             `agent-started` 3 times; atlas was refused 2 more times: sign with deploy-key (denied); and 2 others"
        ]
    );
}

#[test]
fn urgent_and_marked_ones_are_never_folded() {
    let mut channel = Channel::used_to(json!({"catch_up": "digest", "quiet_hours": "00:00-06:00"}));
    for time in ["2026-03-01T14:00:00Z", "2026-03-02T01:00:00Z"] {
        channel.happens(time, used(ask(OperationName::Release), "deploy-key"));
        channel.happens(time, refused(OperationName::Sign, Reason::Locked, "", &[]));
        channel.happens(time, signing(None));
        channel.happens(time, signing(None));
        let asking = Ask {
            address: Some([203, 0, 113, 9].into()),
            ..ask(OperationName::Sign)
        };
        channel.happens(time, used(asking, &format!("key/{}", &time[8..10])));
    }
    // In quiet hours, and much too late.
    assert_eq!(
        channel.told("2026-03-02T02:00:00Z"),
        [
            "atlas was given the value of deploy-key; 2nd time today",
            "atlas was refused: sign with deploy-key has to wait, the vault is locked",
            "atlas was given the value of deploy-key; 1st time today",
            "atlas was refused: sign with deploy-key has to wait, the vault is locked",
        ]
    );
    assert_eq!(
        channel.plan.wake(channel.now).unwrap().to_string(),
        "2026-03-02T06:00:00Z"
    );
    assert_eq!(
        channel.plan.progress(),
        Progress {
            told: 14,
            urgent: 24
        }
    );
    assert_eq!(
        channel.told("2026-03-02T06:00:01Z"),
        [
            "atlas signed with key/01 (asked for as deploy-key); 1st time today; first of its kind; new address 203.0.113.9",
            "2 notifications could not be sent in time: 2 uses (all normal); `strongroom audit show --since 2026-03-01T14:00:00Z` shows them",
            "atlas signed with key/02 (asked for as deploy-key); 1st time today; first of its kind",
            "atlas signed with deploy-key 2 times in the quiet hours",
        ]
    );
}

#[test]
fn after_an_outage_one_digest_says_how_many_and_where() {
    let mut channel = Channel::used_to(json!({"catch_up": "digest", "urgency": "quiet"}));
    for minute in 10..50 {
        channel.happens(&format!("2026-03-01T14:{minute}:00Z"), signing(None));
    }
    let who = Some("atlas");
    channel.happens(
        "2026-03-01T15:00:00Z",
        administration(Action::ServiceKeyAdded, who, None, None),
    );
    channel.happens(
        "2026-03-01T15:00:00Z",
        used(ask(OperationName::PublicKey), "deploy-key"),
    );
    channel.happens("2026-03-03T09:00:00Z", signing(None));
    let told = channel.told_in_full("2026-03-03T09:59:00Z");
    let sentences: Vec<_> = told.iter().map(|told| told.sentence.as_str()).collect();
    assert_eq!(
        sentences,
        [
            "42 notifications could not be sent in time: 41 uses, 1 change (41 normal and 1 quiet); \
             `strongroom audit show --since 2026-03-01T14:10:00Z` shows them",
            "atlas signed with deploy-key; 1st time today",
        ]
    );
    let counted: Vec<_> = (told[0].facts.iter())
        .filter(|fact| fact.label == "counted")
        .map(|fact| fact.text.as_str())
        .collect();
    assert_eq!(
        counted,
        [
            "service atlas got another key",
            "atlas signed with deploy-key 40 times",
            "atlas read the public key of deploy-key once",
        ]
    );
    // A channel that takes each is told each.
    let mut channel = Channel::used_to(json!({"catch_up": "each", "digest": 0}));
    for minute in 10..50 {
        channel.happens(&format!("2026-03-01T14:{minute}:00Z"), signing(None));
    }
    assert_eq!(channel.told("2026-03-03T09:59:00Z").len(), 40);
}

/// A service that asks for one secret after the other is not a flood of its own.
#[test]
fn a_window_tells_few_at_once() {
    let mut channel = Channel::used_to(json!({"digest": 10}));
    for index in 0..200 {
        let mut event = refused(OperationName::Sign, Reason::Denied, "", &[]);
        if let Event::Refusal { ask, .. } = &mut event {
            ask.asked = format!("key-{index}").parse().unwrap();
        }
        channel.happens("2026-03-01T14:00:00Z", event);
    }
    assert_eq!(channel.told("2026-03-01T14:00:01Z").len(), 20);
    let told = channel.told_in_full("2026-03-01T14:11:00Z");
    assert_eq!(told.len(), 1);
    assert!(
        told[0]
            .sentence
            .starts_with("180 in 10 minutes: atlas was refused once")
    );
    assert!(
        told[0].sentence.ends_with("; and 177 others"),
        "{}",
        told[0].sentence
    );
    assert_eq!(told[0].entry["others"], 180 - 64);
    assert_eq!(told[0].facts.len(), 4 + 20 + 2);
    // The names that nobody has are not told apart.
    for index in 0..200 {
        let mut event = refused(OperationName::Sign, Reason::UnknownSecret, "", &[]);
        if let Event::Refusal { ask, .. } = &mut event {
            ask.asked = format!("key-{index}").parse().unwrap();
        }
        channel.happens("2026-03-01T14:20:00Z", event);
    }
    assert_eq!(
        channel.told("2026-03-01T14:31:00Z"),
        [
            "atlas was refused: sign with key-0, but there is no such secret",
            "atlas was refused 199 more times in 10 minutes: sign (unknown-secret)",
        ]
    );
}

/// A clock that was far ahead for a moment must not hold anything back for years.
#[test]
fn a_window_in_the_future_is_over() {
    let mut channel = Channel::used_to(json!({}));
    for _ in 0..3 {
        channel.happens("2099-01-01T00:00:00Z", signing(None));
    }
    let told = channel.told("2026-03-01T14:10:00Z");
    assert_eq!(
        told.last().unwrap(),
        "atlas signed with deploy-key 2 more times in 10 minutes"
    );
}

#[test]
fn a_restart_tells_what_is_open_and_knows_what_was_told() {
    let mut channel = Channel::used_to(json!({}));
    for _ in 0..3 {
        channel.happens("2026-03-01T14:00:00Z", signing(None));
    }
    assert_eq!(channel.told("2026-03-01T14:00:01Z").len(), 1);
    channel.plan.close();
    assert_eq!(
        channel.told("2026-03-01T14:00:01Z"),
        ["atlas signed with deploy-key 2 more times in 10 minutes"]
    );
    let progress = channel.plan.progress();
    assert_eq!(
        progress,
        Progress {
            told: 17,
            urgent: 17
        }
    );
    channel.plan = Plan::restore(channel.terms.clone(), "o", &channel.log, progress).unwrap();
    for _ in 0..2 {
        channel.happens("2026-03-01T14:05:00Z", signing(None));
    }
    assert_eq!(
        channel.told("2026-03-01T14:06:00Z"),
        [""; 0],
        "its group was told"
    );
    assert_eq!(
        channel.told("2026-03-01T14:11:00Z"),
        ["atlas signed with deploy-key 2 more times in 10 minutes"]
    );
}

#[test]
fn a_request_that_waits_is_told_with_what_it_is_about() {
    let mut asking = ask(OperationName::Http);
    let fields = json!({"method": "POST", "host": "api.heroku.com", "path": "/apps/web/releases"});
    asking.fields = fields.as_object().unwrap().clone();
    asking.purpose = Some("deploy 4f2a".to_owned());
    let waiting = |ask, secret: &str| Event::Pending {
        ask,
        secret: secret.parse().unwrap(),
        version: 1,
        policies: Vec::new(),
        needs: vec!["1 of security".to_owned()],
        expires: "2026-03-01T15:30:00Z".parse().unwrap(),
        urgency: None,
    };
    says(
        waiting(asking, "heroku/prod"),
        "atlas asks for an approval: http with deploy-key (which is heroku/prod), POST api.heroku.com/apps/web/releases, \
         for 'deploy 4f2a'; it needs 1 of security, until 15:30 UTC",
        Urgency::Urgent,
    );
    says(
        waiting(ask(OperationName::Sign), "deploy-key"),
        "atlas asks for an approval: sign with deploy-key; it needs 1 of security, until 15:30 UTC",
        Urgency::Urgent,
    );
}

#[test]
fn every_group_has_a_clause() {
    let mut events: Vec<Event> = Vec::new();
    events.extend(
        OperationName::ALL
            .iter()
            .map(|operation| used(ask(*operation), "key")),
    );
    events.extend(
        Reason::ALL
            .iter()
            .map(|reason| refused(OperationName::Sign, *reason, "", &[])),
    );
    events.extend(
        Reason::ALL
            .iter()
            .map(|reason| noise(*reason, 1, "2026-03-01T14:00:00Z")),
    );
    events.extend(
        Action::ALL
            .iter()
            .map(|action| administration(*action, Some("x\u{1b}"), None, None)),
    );
    for event in events {
        let mut digest = None;
        let stored = stored(0, "2026-03-01T14:00:00Z", event);
        let entry = Entry::parse(&stored.line).unwrap();
        let only = Notification::of("o", &stored, &mut Tally::default());
        for count in 1..3 {
            let digest = digest.get_or_insert_with(|| {
                super::super::digest::Digest::of(
                    super::super::digest::Fold::Window(10),
                    &entry,
                    only.clone(),
                    false,
                )
            });
            if count > 1 {
                digest.add(count, &entry, Urgency::Normal, false);
            }
        }
        let told = digest.unwrap().tell("o");
        assert!(told.sentence.contains("2 "), "{}", told.sentence);
        assert!(told.sentence.contains("in 10 minutes"), "{}", told.sentence);
        assert!(
            !told.sentence.contains(char::is_control),
            "{}",
            told.sentence
        );
    }
}

/// What is not to be slow is measured elsewhere; this shows that time does not grow with what is folded.
#[test]
fn much_is_folded_into_little() {
    let mut channel = Channel::used_to(json!({"digest": 1440}));
    for second in 0..3000 {
        let time = channel.now + SignedDuration::from_secs(second);
        channel.log.push(time, signing(None));
    }
    assert_eq!(channel.told("2026-03-01T15:00:00Z"), [""; 0]);
    assert_eq!(
        channel.told("2026-03-02T00:00:01Z"),
        ["atlas signed with deploy-key 3000 more times in 24 hours"]
    );
}
