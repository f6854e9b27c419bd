use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, prelude::*};

use super::{
    super::tests::{Lines, ask},
    Mark::{FirstUse, NewAddress, UnusualHour, UnusualRate},
    *,
};

/// A log that is learned from as it grows.
struct Days {
    pattern: Pattern,
    log: Lines,
}

impl Days {
    fn new() -> Self {
        Self {
            pattern: Pattern::default(),
            log: Lines::default(),
        }
    }

    fn learn(&mut self, time: Timestamp, event: Event) -> Seen {
        let stored = self.log.push(time, event);
        let entry = Entry::parse(&stored.line).unwrap();
        self.pattern.learn(stored.index, &entry)
    }

    /// A use of a key by `atlas` from an address.
    fn used_from(&mut self, time: &str, address: &str) -> Vec<Mark> {
        let asking = Ask {
            address: Some(address.parse().unwrap()),
            ..ask(OperationName::Sign)
        };
        self.learn(time.parse().unwrap(), using(asking)).marks.marks
    }

    fn used(&mut self, time: &str) -> Vec<Mark> {
        self.used_from(time, "203.0.113.9")
    }
}

fn using(ask: Ask) -> Event {
    Event::Use {
        secret: ask.asked.clone(),
        ask,
        version: 1,
        policies: Vec::new(),
        approvals: Vec::new(),
        pending: None,
        urgency: None,
    }
}

#[test]
fn the_first_of_its_kind_is_marked() {
    let mut days = Days::new();
    assert_eq!(days.used("2026-03-01T10:00:00Z"), [FirstUse]);
    assert_eq!(days.used("2026-03-01T10:00:00Z"), []);
    let other = Ask {
        operation: OperationName::Release,
        address: Some("203.0.113.9".parse().unwrap()),
        ..ask(OperationName::Sign)
    };
    let mut once = |time: &str| {
        days.learn(time.parse().unwrap(), using(other.clone()))
            .marks
            .marks
    };
    assert_eq!(once("2026-03-01T10:00:00Z"), [FirstUse]);
    // 30 days are remembered, and the day itself.
    assert_eq!(once("2026-03-31T23:59:59Z"), []);
    assert_eq!(once("2026-05-01T00:00:00Z"), [FirstUse]);
}

#[test]
fn a_new_address_is_marked_unless_the_service_has_none_of_its_own() {
    let mut days = Days::new();
    days.used_from("2026-03-01T10:00:00Z", "203.0.113.9");
    assert_eq!(
        days.used_from("2026-03-01T10:00:01Z", "203.0.113.10"),
        [NewAddress]
    );
    assert_eq!(days.used_from("2026-03-01T10:00:02Z", "203.0.113.9"), []);
    assert_eq!(
        days.used_from("2026-03-01T10:00:02Z", "::ffff:203.0.113.9"),
        []
    );
    assert_eq!(
        days.used_from("2026-03-01T10:00:03Z", "2001:db8::1"),
        [NewAddress]
    );
    assert_eq!(days.used_from("2026-03-01T10:00:04Z", "2001:db8::2:1"), []);
    let local = ask(OperationName::Sign);
    let seen = days.learn("2026-03-01T10:00:05Z".parse().unwrap(), using(local));
    assert_eq!(seen.marks.marks, [NewAddress], "no address is a place too");
    // Four places by now. With the ninth the service is taken for one that has none of its own.
    for last in 1..=5 {
        let address = format!("198.51.100.{last}");
        assert_eq!(
            days.used_from("2026-03-01T11:00:00Z", &address),
            [NewAddress]
        );
    }
    for last in 6..=60 {
        assert_eq!(
            days.used_from("2026-03-20T11:00:00Z", &format!("198.51.100.{last}")),
            []
        );
    }
    // A month later it has one place again, the last one that was used.
    assert_eq!(days.used_from("2026-04-15T11:00:00Z", "198.51.100.60"), []);
    assert_eq!(
        days.used_from("2026-04-21T11:00:00Z", "198.51.100.61"),
        [NewAddress]
    );
}

#[test]
fn an_unusual_hour_is_marked_once() {
    let mut days = Days::new();
    let mut marked = 0;
    for day in 1..=8 {
        for hour in 9..16 {
            marked += days.used(&format!("2026-03-0{day}T{hour:02}:30:00Z")).len();
        }
        if day == 7 {
            // 49 uses are no habit.
            assert_eq!(days.used("2026-03-07T23:00:00Z"), []);
        }
    }
    assert_eq!(marked, 1, "but for the first use");
    assert_eq!(days.used("2026-03-09T08:00:00Z"), [], "beside a usual hour");
    assert_eq!(days.used("2026-03-09T16:59:59Z"), []);
    assert_eq!(days.used("2026-03-09T18:00:00Z"), [UnusualHour]);
    assert_eq!(days.used("2026-03-09T18:10:00Z"), [], "it is known now");
    assert_eq!(days.used("2026-03-10T00:10:00Z"), [], "beside 23:00");
    assert_eq!(days.used("2026-03-10T03:10:00Z"), [UnusualHour]);
}

#[test]
fn an_unusual_rate_is_marked_once_an_hour() {
    let mut days = Days::new();
    let mut uses = |day: u32, hour: u32, count: u32| -> Vec<u32> {
        let time = format!("2026-03-{day:02}T{hour:02}:00:00Z");
        (1..=count)
            .filter(|_| days.used(&time).contains(&UnusualRate))
            .collect()
    };
    assert_eq!(uses(1, 10, 5), [0; 0]);
    assert_eq!(uses(2, 10, 40), [0; 0], "two days say nothing");
    assert_eq!(uses(3, 10, 8), [0; 0]);
    assert_eq!(uses(4, 9, 10), [0; 0]);
    assert_eq!(uses(4, 10, 300), [121], "40 is the highest");
    assert_eq!(uses(4, 11, 899), [0; 0]);
    assert_eq!(uses(4, 12, 5000), [2698], "899 is");
    // With a highest hour of 2, less than 20 are not unusual.
    let mut few = Days::new();
    for day in 1..=4 {
        few.used(&format!("2026-03-0{day}T10:00:00Z"));
        few.used(&format!("2026-03-0{day}T10:00:00Z"));
    }
    let marked: Vec<u32> = (1..=60)
        .filter(|_| few.used("2026-03-05T10:00:00Z").contains(&UnusualRate))
        .collect();
    assert_eq!(marked, [20]);
}

#[test]
fn a_request_that_waits_is_marked_and_leaves_no_trace() {
    let mut days = Days::new();
    let waiting = |secret: &str| Event::Pending {
        ask: ask(OperationName::Sign),
        secret: secret.parse().unwrap(),
        version: 1,
        policies: Vec::new(),
        needs: Vec::new(),
        expires: Timestamp::UNIX_EPOCH,
        urgency: None,
    };
    let time: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
    for _ in 0..2 {
        let seen = days.learn(time, waiting("deploy-key"));
        assert_eq!((seen.marks.marks, seen.times), (vec![FirstUse], None));
    }
    days.used("2026-03-01T10:00:00Z");
    let seen = days.learn(time, waiting("deploy-key"));
    assert_eq!(seen.marks.marks, [NewAddress], "it has none");
    assert_eq!(days.used("2026-03-01T10:00:00Z"), []);
}

/// In a memory of less than seven days what happens once a week would be marked each time.
#[test]
fn a_short_memory_marks_nothing() {
    let mut days = Days::new();
    days.pattern = Pattern::within(20);
    let mut day = |day: u32, uses: u32| {
        let time = format!("2026-03-{day:02}T10:00:00Z");
        let mut secrets = (0..uses).map(|secret| {
            let asking = Ask {
                asked: format!("key-{day}-{secret}").parse().unwrap(),
                ..ask(OperationName::Sign)
            };
            days.learn(time.parse().unwrap(), using(asking))
        });
        let first = secrets.next().unwrap();
        secrets.for_each(drop);
        (first.marks.marks.contains(&FirstUse), first.times)
    };
    // All that there is, is remembered.
    assert_eq!(day(1, 10), (true, Some(1)));
    assert_eq!(day(2, 10), (true, Some(1)));
    assert_eq!(day(3, 2), (true, Some(1)));
    // The first day begins more than 20 entries ago.
    for quiet in 4..=8 {
        assert_eq!(day(quiet, 1), (false, Some(1)));
    }
    assert_eq!(
        day(9, 1),
        (true, Some(1)),
        "the second day is seven days ago"
    );
}

/// What a clock that was wrong recorded does not stay in the way.
#[test]
fn a_clock_that_is_set_back_starts_a_new_memory() {
    let mut days = Days::new();
    days.used("2026-03-01T10:00:00Z");
    days.used("2099-01-01T10:00:00Z");
    let sign = || using(ask(OperationName::Sign));
    let seen = days.learn("2026-03-01T10:00:00Z".parse().unwrap(), sign());
    assert_eq!(
        (seen.times, seen.marks.marks),
        (Some(1), vec![]),
        "and it is short"
    );
    let seen = days.learn("2026-03-01T10:01:00Z".parse().unwrap(), sign());
    assert_eq!(seen.times, Some(2));
    // Set back over midnight, it only takes a moment.
    let seen = days.learn("2026-02-28T23:59:59Z".parse().unwrap(), sign());
    assert_eq!(seen, Seen::default());
    let seen = days.learn("2026-03-01T00:00:01Z".parse().unwrap(), sign());
    assert_eq!(seen.times, Some(3));
    assert_eq!(
        days.used_from("2026-03-08T10:00:00Z", "203.0.113.10"),
        [NewAddress]
    );
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut pattern = Pattern::default();
    let time: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut asking = ask(OperationName::Sign);
    for secret in 0..MOST_PAIRS {
        asking.asked = format!("key-{secret}").parse().unwrap();
        pattern.learn(0, &Entry::new(time, using(asking.clone())));
    }
    asking.asked = "one-more".parse().unwrap();
    let seen = pattern.learn(0, &Entry::new(time, using(asking.clone())));
    assert_eq!(seen, Seen::default());
    assert_eq!(pattern.pairs, MOST_PAIRS);
    // A day that has passed makes room.
    let later = time + SignedDuration::from_hours(24 * 40);
    let seen = pattern.learn(1, &Entry::new(later, using(asking)));
    assert_eq!(seen.times, Some(1));
    assert_eq!(pattern.pairs, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// A restart must not change what is marked, nor what is counted.
    #[test]
    fn a_pattern_read_back_is_the_one_that_grew(
        uses in vec((0..240i64, 0..200u8, 0..2u8, 0..2u8, 0..12u8), 1..400),
        depth in prop_oneof![Just(5), Just(60), Just(200), Just(1000)],
        parts in vec(any::<prop::sample::Index>(), 3),
    ) {
        let mut log = Lines::default();
        let mut time: Timestamp = "2026-03-01T10:00:00Z".parse().unwrap();
        for (minutes, rare, service, secret, address) in uses {
            time += SignedDuration::from_mins(match rare {
                0 => 24 * 60 * 12,
                1 => -24 * 60 * 20,
                2 => 24 * 60 * 3,
                3..=5 => -90,
                _ => minutes,
            });
            let asking = Ask {
                service: format!("service-{service}").parse().unwrap(),
                asked: format!("key-{secret}").parse().unwrap(),
                address: Some([10, 0, 0, address].into()),
                ..ask(OperationName::ALL[usize::from(rare % 4)])
            };
            match rare {
                6..=9 => log.push_line("not one of ours".to_owned()),
                _ => log.push(time, using(asking)),
            };
        }
        let mut grown = Pattern::within(depth);
        let mut at: Vec<usize> = parts.iter().map(|part| part.index(log.0.len() + 1)).collect();
        at.sort_unstable();
        for (index, stored) in log.0.iter().enumerate() {
            while at.first().is_some_and(|at| *at == index) {
                at.remove(0);
                let mut read = Pattern::read_back(&log, index as u64, depth).unwrap();
                let mut grown = grown.clone();
                for stored in &log.0[index..] {
                    let Ok(entry) = Entry::parse(&stored.line) else { continue };
                    prop_assert_eq!(
                        read.learn(stored.index, &entry),
                        grown.learn(stored.index, &entry),
                        "{} after {}", stored.index, index
                    );
                }
            }
            if let Ok(entry) = Entry::parse(&stored.line) {
                grown.learn(stored.index, &entry);
            }
        }
    }
}
