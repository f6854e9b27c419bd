//! A limit is exact: across batches, restarts, agents of a fleet, and hours.

use jiff::{SignedDuration, Timestamp};

use super::{
    caller::World,
    fixture::{Home, now, vkey},
};
use crate::{
    answer::Problem,
    audit::{Committed, Entry, Event, Log, NotRecorded, Reason, Submission, verify},
    notification::Urgency,
    policy::PolicyText,
    store::{Reader as _, sqlite::SqliteStore},
};

fn world(annotations: &str) -> World {
    World::with_policy(&format!(
        "{annotations} permit (principal, action == Action::\"sign\", resource);"
    ))
}

fn nonce(number: usize) -> String {
    format!("nonce-{number:04}-0123456789ab")
}

/// What became of a use: `None`, or in how many seconds to try again.
fn became(committed: Result<Committed, NotRecorded>) -> Option<u32> {
    match committed.unwrap() {
        Committed::Use(_) => None,
        Committed::Refused(refused) => {
            assert_eq!(
                (refused.reason(), refused.problem()),
                (Reason::Limit, Problem::TooManyRequests)
            );
            refused.retry_after()
        }
        other => panic!("{other:?}"),
    }
}

/// A service that asks again and again; each time with another nonce.
struct Asker<'a> {
    world: &'a World,
    asked: usize,
}

impl<'a> Asker<'a> {
    fn of(world: &'a World) -> Self {
        Self { world, asked: 0 }
    }

    fn permitted(&mut self) -> Submission {
        self.asked += 1;
        self.world.permitted(&nonce(self.asked))
    }

    /// Asks once, so many seconds after the beginning.
    fn at(&mut self, log: &mut Log<SqliteStore>, seconds: i64) -> Option<u32> {
        let committed = log.commit(vec![self.permitted()], after(seconds));
        became(committed.into_iter().next().unwrap())
    }
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

#[test]
fn requests_of_one_batch_count_each_other() {
    let (world, home) = (world("@limit(\"3 per hour\")"), Home::new());
    let mut asker = Asker::of(&world);
    let batch = (0..8).map(|_| asker.permitted()).collect();
    let became: Vec<_> = home
        .log()
        .commit(batch, now())
        .into_iter()
        .map(became)
        .collect();
    let full = Some(3600);
    assert_eq!(became, [None, None, None, full, full, full, full, full]);
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 8);
    let lines = home.reader().entries(2, 2).unwrap();
    let kinds: Vec<_> = lines
        .iter()
        .map(|stored| Entry::parse(&stored.line).unwrap().event)
        .collect();
    assert!(matches!(&kinds[0], Event::Use { urgency: None, .. }));
    assert!(
        matches!(&kinds[1], Event::Refusal { reason: Reason::Limit, detail, policies, .. }
        if detail == "policy `deployers` permits 3 per hour" && policies == &["deployers"])
    );
}

#[test]
fn a_limit_holds_across_restarts() {
    let (world, home) = (world("@limit(\"2 per day\")"), Home::new());
    let mut asker = Asker::of(&world);
    for expected in [None, None, Some(86_400 - 2)] {
        let seconds = i64::try_from(asker.asked).unwrap();
        assert_eq!(asker.at(&mut home.log(), seconds), expected);
    }
}

#[test]
fn agents_of_a_fleet_count_together() {
    let (world, home) = (world("@limit(\"5 per hour\")"), Home::new());
    let used: usize = std::thread::scope(|scope| {
        let agents: Vec<_> = (0..4_usize)
            .map(|agent| {
                let (world, home) = (&world, &home);
                scope.spawn(move || {
                    let mut log = home.log();
                    let asks = (0..6).map(|n| world.permitted(&nonce(agent * 100 + n)));
                    let committed = asks.flat_map(|ask| log.commit(vec![ask], now()));
                    committed
                        .filter(|one| matches!(one, Ok(Committed::Use(_))))
                        .count()
                })
            })
            .collect();
        agents.into_iter().map(|agent| agent.join().unwrap()).sum()
    });
    assert_eq!(used, 5);
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 24);
}

/// The clock says 14:02:03 in the beginning; nothing happens at 15:00.
#[test]
fn the_window_slides_and_does_not_begin_anew_at_the_full_hour() {
    let (world, home) = (world("@limit(\"2 per hour\")"), Home::new());
    let (mut asker, mut log) = (Asker::of(&world), home.log());
    for (seconds, expected) in [
        (3_000, None),
        (3_400, None),
        // Five seconds past three.
        (3_482, Some(3_118)),
        (6_599, Some(1)),
        // The first has left the window, and what was refused never counted.
        (6_600, None),
        (6_601, Some(399)),
        (7_000, None),
        (7_001, Some(3_199)),
    ] {
        assert_eq!(asker.at(&mut log, seconds), expected, "{seconds}");
    }
    // A clock that is set back lets nobody in.
    assert_eq!(asker.at(&mut log, 0), Some(10_200));
}

#[test]
fn every_limit_of_every_statement_holds() {
    let world = World::with_policy(
        "@limit(\"2 per minute, 3 per hour\") permit (principal, action == Action::\"sign\", resource);
         @limit(\"5 per day\") @notify(\"quiet\") permit (principal, action, resource);
         @notify(\"urgent\") permit (principal, action, resource);",
    );
    let home = Home::new();
    let (mut asker, mut log) = (Asker::of(&world), home.log());
    for (seconds, expected) in [
        (0, None),
        (0, None),
        (1, Some(59)),
        (60, None),
        // The minute would allow it, and the hour does not.
        (120, Some(3_480)),
        (3_600, None),
        (3_601, None),
        // Now it is the day.
        (90_000 - 3_601, Some(1)),
        (90_000 - 3_600, None),
    ] {
        assert_eq!(asker.at(&mut log, seconds), expected, "{seconds}");
    }
    let line = &home.reader().entries(0, 1).unwrap()[0].line;
    let Event::Use {
        urgency, policies, ..
    } = Entry::parse(line).unwrap().event
    else {
        panic!("{line}")
    };
    assert_eq!(
        (urgency, policies.len()),
        (Some(Urgency::Urgent), 3),
        "{line}"
    );
    let reader = home.reader();
    assert_eq!(reader.counted("deployers#1", "atlas", 99).unwrap().len(), 6);
    assert_eq!(reader.counted("deployers#2", "atlas", 99).unwrap().len(), 6);
    assert_eq!(reader.counted("deployers#3", "atlas", 99).unwrap().len(), 0);
}

#[test]
fn a_new_text_keeps_the_count() {
    let (world, home) = (world("@limit(\"2 per day\")"), Home::new());
    let (mut asker, mut log) = (Asker::of(&world), home.log());
    assert_eq!(asker.at(&mut log, 0), None);
    let text = "@limit(\"1 per day\") permit (principal, action == Action::\"sign\", resource);
                permit (principal == Service::\"borg\", action, resource);";
    let policy = PolicyText::check("deployers".parse().unwrap(), text).unwrap();
    let change = world.vault.set_policy(&policy, now()).unwrap();
    world.vault.extend(&change.records).unwrap();
    assert_eq!(asker.at(&mut log, 1), Some(86_399));
}

/// What is not limited makes no row; a use that is refused or seen again is not counted.
#[test]
fn only_limited_uses_are_counted() {
    let (world, home) = (world(""), Home::new());
    let (mut asker, mut log) = (Asker::of(&world), home.log());
    assert_eq!(asker.at(&mut log, 0), None);
    assert_eq!(
        home.reader().counted("deployers#1", "atlas", 9).unwrap(),
        [] as [i64; 0]
    );

    let (world, home) = (self::world("@limit(\"9 per day\")"), Home::new());
    let mut log = home.log();
    let batch = vec![
        world.permitted(&nonce(1)),
        world.permitted(&nonce(1)),
        world.refused(&nonce(2)),
    ];
    assert_eq!(log.commit(batch, now()).len(), 3);
    let counted = home.reader().counted("deployers#1", "atlas", 9).unwrap();
    assert_eq!(counted, [now().as_millisecond()]);
}
