//! Nothing is lost, and nothing is told twice but after a crash: random logs, settings, outages,
//! restarts and crashes, followed as an agent does it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{
    SignedDuration,
    tz::{TimeZone, offset},
};
use proptest::{collection::vec, prelude::*};

use super::{
    super::pattern::{Pattern, Seen},
    *,
};

/// What happens in a log: when, by how much its clock is wrong, and what.
#[derive(Clone, Debug)]
struct Happening {
    after: SignedDuration,
    skew: SignedDuration,
    what: u8,
    secret: u8,
}

/// What happens to the follower.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Time passes.
    Wait(SignedDuration),
    /// The follower sleeps until it is to go on.
    Sleep,
    /// It follows until there is nothing to do.
    Follow,
    /// It follows, and this many deliveries later the receiver is gone.
    Fail(u8),
    /// It follows, and this many deliveries later it is gone: the last one arrived, and it does not know.
    Crash(u8),
    /// It stops as it should and starts again.
    Restart,
    /// It keeps how far it is.
    Keep,
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let after = prop_oneof![
        6 => (0..120i64).prop_map(SignedDuration::from_secs),
        3 => (0..30i64).prop_map(SignedDuration::from_mins),
        1 => (0..30i64).prop_map(SignedDuration::from_hours),
    ];
    let skew = prop_oneof![
        20 => Just(SignedDuration::ZERO),
        2 => (-90..90i64).prop_map(SignedDuration::from_secs),
        1 => (-100..100i64).prop_map(SignedDuration::from_hours),
    ];
    let one = (after, skew, 0..16u8, 0..3u8).prop_map(|(after, skew, what, secret)| Happening {
        after,
        skew,
        what,
        secret,
    });
    vec(one, 0..120)
}

fn acts(with_crashes: bool) -> impl Strategy<Value = Vec<Act>> {
    let wait = prop_oneof![
        (0..600i64).prop_map(SignedDuration::from_secs),
        (0..20i64).prop_map(SignedDuration::from_hours),
    ];
    let act = (0..10u8, wait, 0..30u8).prop_map(move |(act, wait, after)| match act {
        0..=2 => Act::Wait(wait),
        3 => Act::Sleep,
        4 => Act::Fail(after),
        5 if with_crashes => Act::Crash(after),
        5 | 6 => Act::Restart,
        7 => Act::Keep,
        _ => Act::Follow,
    });
    vec(act, 0..80)
}

fn settings() -> impl Strategy<Value = Terms> {
    let kinds = prop_oneof![
        3 => Just(Vec::new()),
        1 => Just(vec!["use", "pending", "administration"]),
    ];
    let secrets = prop_oneof![3 => Just(Vec::new()), 1 => Just(vec!["key-1"])];
    (
        kinds,
        secrets,
        prop_oneof![Just("quiet"), Just("normal"), Just("urgent")],
        prop_oneof![Just(0), Just(1), Just(10), Just(60)],
        proptest::option::of(prop_oneof![Just("22:00-07:00"), Just("12:30-13:00")]),
        prop_oneof![Just("each"), Just("digest")],
    )
        .prop_map(|(kinds, secrets, urgency, digest, quiet_hours, catch_up)| {
            let tell: Tell = serde_json::from_value(json!({
                "kinds": kinds, "secrets": secrets, "urgency": urgency, "digest": digest,
                "quiet_hours": quiet_hours, "catch_up": catch_up,
            }))
            .unwrap();
            tell.terms(Audience::Person, TimeZone::fixed(offset(1)))
                .unwrap()
        })
}

/// What happened as an entry. With `unique`, each has a group of its own.
fn event(happening: &Happening, index: usize, unique: bool) -> Option<Event> {
    use OperationName::{Http, PublicKey, Release, Sign};
    let secret = match unique {
        true => format!("key-{index}"),
        false => format!("key-{}", happening.secret),
    };
    let asking = |operation| Ask {
        asked: secret.parse().unwrap(),
        ..ask(operation)
    };
    let refused = |reason| Event::Refusal {
        ask: asking(Sign),
        reason,
        detail: "no".to_owned(),
        policies: Vec::new(),
    };
    let done = |decided: Value| {
        let decision = json!({"kind": "decision", "entry": 1, "service": "atlas", "secret": secret,
            "operation": "sign", "decided": decided, "by": "owner"});
        serde_json::from_value(decision).unwrap()
    };
    Some(match happening.what {
        0..=3 => used(asking(Sign), &secret),
        4 | 5 => used(asking(PublicKey), &secret),
        6 => used(asking(Release), &secret),
        7 => refused(Reason::Denied),
        8 => refused(Reason::Locked),
        9 | 10 => Event::Outcome {
            entry: 0,
            service: "atlas".parse().unwrap(),
            secret: secret.parse().unwrap(),
            version: 1,
            operation: Http,
            ending: Ending::Answered,
            status: None,
            expires: None,
            detail: None,
            urgency: None,
        },
        11 => {
            let mut event = noise(Reason::BadSignature, 2, "2026-03-01T00:00:00Z");
            if let Event::Noise { service, .. } = &mut event {
                *service = Some(secret.parse().unwrap());
            }
            event
        }
        12 => Event::Pending {
            ask: asking(Sign),
            secret: secret.parse().unwrap(),
            version: 1,
            policies: Vec::new(),
            needs: vec!["1 of security".to_owned()],
            expires: "2026-04-01T00:00:00Z".parse().unwrap(),
            urgency: None,
        },
        13 => done("approved".into()),
        // They are one group, and so not used where each has its own.
        14 if !unique => administration(Action::AgentStarted, None, None, None),
        14 | 15 if happening.secret > 0 => {
            administration(Action::PolicySet, Some(&secret), None, None)
        }
        _ => return None,
    })
}

/// By what a digest's groups and entries are compared.
fn group(entry: &Value) -> String {
    let member = |name: &str| {
        (entry.get(name))
            .or_else(|| entry.get("ask").and_then(|ask| ask.get(name)))
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let kind = member("kind");
    match kind.as_str() {
        "\"refusal\"" => ["kind", "service", "operation", "asked", "reason"]
            .map(member)
            .join(" "),
        "\"noise\"" => ["kind", "service", "reason"].map(member).join(" "),
        "\"administration\"" => ["kind", "action"].map(member).join(" "),
        _ => [
            "kind",
            "service",
            "operation",
            "secret",
            "ending",
            "decided",
        ]
        .map(member)
        .join(" "),
    }
}

/// What is expected of an entry.
struct Expected {
    is_told: bool,
    is_urgent: bool,
    is_marked: bool,
    group: String,
}

impl Expected {
    fn of(pattern: &mut Pattern, terms: &Terms, stored: &StoredEntry) -> Self {
        let Ok(entry) = Entry::parse(&stored.line) else {
            return Self {
                is_told: true,
                is_urgent: true,
                is_marked: false,
                group: stored.index.to_string(),
            };
        };
        let Seen { marks, .. } = pattern.learn(stored.index, &entry);
        let urgency = marked(urgency(&entry.event), &marks);
        Self {
            is_told: terms.is_told(&entry.event, urgency),
            is_urgent: urgency == Urgency::Urgent,
            is_marked: !marks.is_empty(),
            group: group(&serde_json::from_str(&stored.line).unwrap()),
        }
    }
}

struct World {
    log: Lines,
    expected: Vec<Expected>,
    /// When each entry came into the log.
    came: Vec<Timestamp>,
    terms: Terms,
    now: Timestamp,
    plan: Plan,
    kept: Progress,
    told: Vec<Notification>,
    unique: bool,
}

const ORIGIN: &str = "strongroom.test/agent";

impl World {
    fn restore(&mut self) {
        self.plan = Plan::restore(self.terms.clone(), ORIGIN, &self.log, self.kept).unwrap();
        assert_eq!(self.plan.progress(), self.kept);
    }

    /// The end of the log at this moment.
    fn size(&self) -> usize {
        self.came.partition_point(|came| *came <= self.now)
    }

    /// Follows the log until there is nothing to do (`true`) or that many deliveries were made.
    fn follow(&mut self, deliveries: usize) -> bool {
        let mut left = deliveries;
        loop {
            while let Some(notification) = self.plan.next(self.now) {
                assert_eq!(self.plan.next(self.now).as_ref(), Some(&notification));
                if left == 0 {
                    return false;
                }
                left -= 1;
                let is_urgent = notification.urgency == Urgency::Urgent;
                assert!(is_urgent || self.terms.quiet_at(self.now).is_none());
                self.told.push(notification);
                if left == 0 && deliveries < usize::MAX {
                    return false;
                }
                self.plan.delivered();
                self.check_progress();
            }
            let wanted = usize::try_from(self.plan.wanted()).unwrap();
            let page: Vec<_> = (self.log.0)
                .get(wanted..self.size())
                .unwrap_or_default()
                .to_vec();
            if page.is_empty() {
                self.plan.caught_up(self.now);
                let is_over = self.plan.wake(self.now).is_none_or(|wake| wake > self.now);
                if self.plan.next(self.now).is_none() && is_over {
                    return true;
                }
            }
            for entry in page.iter().take(7) {
                self.plan.read(entry, self.now);
            }
            self.check_progress();
        }
    }

    /// How often each entry was told by itself, and each group in digests.
    fn counts(&self) -> (BTreeMap<u64, u64>, BTreeMap<String, u64>) {
        let (mut alone, mut folded) = (BTreeMap::new(), BTreeMap::new());
        for notification in &self.told {
            if notification.kind != "digest" {
                *alone.entry(notification.index).or_default() += 1;
                continue;
            }
            assert_eq!(notification.entry["others"], 0, "there are not so many");
            let mut count = 0;
            for of in notification.entry["groups"].as_array().unwrap() {
                *folded.entry(group(of)).or_default() += of["count"].as_u64().unwrap();
                count += of["count"].as_u64().unwrap();
            }
            assert_eq!(notification.entry["count"], count);
            assert!(count > 1, "one alone is told by itself");
        }
        (alone, folded)
    }

    /// What is kept never passes what is not told.
    fn check_progress(&self) {
        let Progress { told, urgent } = self.plan.progress();
        assert!(told <= urgent && urgent <= self.size() as u64);
        if !self.unique {
            return;
        }
        let (alone, folded) = self.counts();
        for (index, expected) in (0..).zip(&self.expected) {
            let was_told = !expected.is_told
                || alone.contains_key(&index)
                || folded.contains_key(&expected.group);
            assert!(was_told || index >= told, "entry {index} before {told}");
            let is_late = expected.is_urgent && index < urgent;
            assert!(was_told || !is_late, "urgent entry {index} before {urgent}");
        }
    }

    /// Each urgent one that there is was told by itself; `exactly` once.
    fn check_urgent(&self, exactly: bool) {
        let (alone, _) = self.counts();
        for (index, expected) in (0..self.size() as u64).zip(&self.expected) {
            if expected.is_urgent && expected.is_told {
                let times = alone.get(&index).copied().unwrap_or(0);
                assert!(times == 1 || times > 1 && !exactly, "{index}: {times}");
            }
        }
    }

    fn check(&self, exactly: bool) {
        self.check_urgent(exactly);
        let (alone, folded) = self.counts();
        let mut groups: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (index, expected) in (0..).zip(&self.expected) {
            let times = alone.get(&index).copied().unwrap_or(0);
            if !expected.is_told {
                assert_eq!(times, 0, "{index} is filtered out");
                continue;
            }
            assert!(times < 2 || !exactly, "{index} was told {times} times");
            assert!(times > 0 || !expected.is_marked, "{index} is marked");
            let (all, by_itself) = groups.entry(&expected.group).or_default();
            *all += 1;
            *by_itself += times.min(1);
        }
        for (group, (all, by_itself)) in groups {
            let counted = folded.get(group).copied().unwrap_or(0);
            let told = by_itself + counted;
            assert!(
                told >= all && (told == all || !exactly),
                "{group}: {told} of {all}"
            );
        }
        if exactly {
            let ids: BTreeSet<_> = self.told.iter().map(|told| &told.id).collect();
            assert_eq!(ids.len(), self.told.len());
        }
        let mut by_id = BTreeMap::new();
        for told in self.told.iter().filter(|told| told.kind != "digest") {
            assert_eq!(*by_id.entry(&told.id).or_insert(told), told);
        }
    }
}

/// Plays it, and says whether it was without a crash.
fn play(happenings: &[Happening], acts: &[Act], terms: Terms, unique: bool) {
    let begin: Timestamp = "2026-03-01T19:30:00Z".parse().unwrap();
    let mut world = World {
        log: Lines::default(),
        expected: Vec::new(),
        came: Vec::new(),
        plan: Plan::restore(
            terms.clone(),
            ORIGIN,
            &Lines::default(),
            Progress::default(),
        )
        .unwrap(),
        terms,
        now: begin,
        kept: Progress::default(),
        told: Vec::new(),
        unique,
    };
    let mut at = begin;
    for (index, happening) in happenings.iter().enumerate() {
        at += happening.after;
        world.came.push(at);
        match event(happening, index, unique) {
            Some(event) => world.log.push(at + happening.skew, event),
            None => world.log.push_line(format!("unreadable {index}")),
        };
    }
    let mut pattern = Pattern::default();
    world.expected = (world.log.0.iter())
        .map(|stored| Expected::of(&mut pattern, &world.terms, stored))
        .collect();
    let mut exactly = true;
    for act in acts {
        match act {
            Act::Wait(time) => world.now += *time,
            Act::Sleep => {
                let wake = world.plan.wake(world.now);
                let came = world.came.get(world.size()).copied();
                world.now = [wake, came]
                    .into_iter()
                    .flatten()
                    .min()
                    .unwrap_or(world.now)
                    .max(world.now);
            }
            Act::Follow => {
                world.follow(usize::MAX);
                world.check_urgent(exactly);
            }
            Act::Fail(deliveries) => {
                // The receiver has nothing of what is not acknowledged.
                if !world.follow(usize::from(*deliveries) + 1) {
                    world.told.pop();
                }
            }
            Act::Crash(deliveries) => {
                world.follow(usize::from(*deliveries) + 1);
                world.restore();
                exactly = false;
            }
            Act::Restart => {
                world.follow(usize::MAX);
                // What is held at the stop in quiet hours may be told again beside what was told.
                exactly &= world.terms.quiet_at(world.now).is_none();
                world.plan.close();
                world.follow(usize::MAX);
                world.kept = world.plan.progress();
                world.restore();
            }
            Act::Keep => world.kept = world.plan.progress(),
        }
    }
    // In the end everything comes out, at the latest when all hours are over.
    world.now = world.now.max(at) + SignedDuration::from_hours(200);
    for _ in 0..3 {
        world.follow(usize::MAX);
        world.now = world
            .plan
            .wake(world.now)
            .unwrap_or(world.now)
            .max(world.now);
    }
    assert_eq!(world.plan.wake(world.now), None, "there is nothing left");
    let size = happenings.len() as u64;
    assert_eq!(
        world.plan.progress(),
        Progress {
            told: size,
            urgent: size
        }
    );
    world.check(exactly);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_a_crash_everything_is_told_once(
        happenings in happenings(), acts in acts(false), terms in settings(), unique in any::<bool>(),
    ) {
        play(&happenings, &acts, terms, unique);
    }

    #[test]
    fn a_crash_repeats_and_never_loses(
        happenings in happenings(), acts in acts(true), terms in settings(), unique in any::<bool>(),
    ) {
        play(&happenings, &acts, terms, unique);
    }
}
