//! Everybody at once: a key is used at most once, and only after a valid quorum; and what the log
//! says agrees.

use std::{
    collections::BTreeMap,
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use proptest::prelude::*;

use super::fixture::*;
use crate::{
    approval::{NotDecided, Settled, Settlement, Verdict},
    audit::{Committed, Decided, Entry, Event, Log, Submission, verify},
    policy::{Authorized, Permit},
    store::{Reader as _, sqlite::SqliteStore},
    vault::Scope,
};

const DAY: i64 = 86_400;

/// The permit for a request that waits, if there is a quorum and nothing is in the way.
fn permit(desk: &Desk, id: u64, seconds: i64) -> Option<Permit> {
    let stored = desk.reader().pending(id).unwrap()?;
    let catalog = desk.vault.catalog();
    let again = desk.vault.open_request(&stored.request).unwrap();
    let again = again.authenticate_again(
        &desk.asked(id),
        catalog.services(),
        &desk.agent,
        at(seconds),
    );
    match again.ok()?.authorize(&catalog).ok()? {
        Authorized::Proposal(proposal) => desk.approved(*proposal, seconds).ok(),
        Authorized::Permit(_) => panic!("policy asks for an approval"),
    }
}

/// What the log says about one request, in order.
struct Story {
    approved: Vec<u64>,
    denied: Option<u64>,
    ended: Vec<(Decided, u64)>,
    uses: Vec<(u64, Vec<u64>)>,
}

fn story(desk: &Desk, id: u64) -> Story {
    let mut story = Story {
        approved: Vec::new(),
        denied: None,
        ended: Vec::new(),
        uses: Vec::new(),
    };
    for stored in desk.reader().entries(id, 10_000).unwrap() {
        match Entry::parse(&stored.line).unwrap().event {
            Event::Use {
                pending: Some(of),
                approvals,
                ..
            } if of == id => story.uses.push((stored.index, approvals)),
            Event::Decision { entry, decided, .. } if entry == id => match decided {
                Decided::Approved => story.approved.push(stored.index),
                Decided::Denied => story.denied = story.denied.or(Some(stored.index)),
                other => story.ended.push((other, stored.index)),
            },
            _ => {}
        }
    }
    story
}

/// At most one use, after two yes-es that the log has before it, and nothing that ends it before.
fn check(desk: &Desk, id: u64) -> Story {
    let story = story(desk, id);
    assert!(story.uses.len() <= 1, "used twice");
    assert!(story.ended.len() <= 1, "ended twice: {:?}", story.ended);
    let settled = desk.asked(id).settled;
    if let Some((index, approvals)) = story.uses.first() {
        assert_eq!(settled, Some((Settled::Used, *index)));
        assert_eq!(approvals.len(), 2);
        for approval in approvals {
            assert!(story.approved.contains(approval) && approval < index);
        }
        // A no that comes after the use ends what stands, and not the use.
        assert!(story.denied.is_none_or(|denied| denied > *index));
        assert!(story.ended.is_empty());
    } else if let Some((how, index)) = story.ended.first() {
        let expected = match how {
            Decided::Cancelled => Settled::Cancelled,
            _ => Settled::Expired,
        };
        assert_eq!(settled, Some((expected, *index)));
        assert!(story.denied.is_none());
    } else {
        assert_eq!(settled, story.denied.map(|index| (Settled::Denied, index)));
    }
    story
}

/// Each thread is another agent of a fleet: its own connection, and its own log.
#[test]
fn a_key_is_used_at_most_once_and_only_after_a_quorum() {
    const ROUNDS: i64 = 24;
    let desk = Desk::new(TWO);
    let mut tally: BTreeMap<&str, u32> = BTreeMap::new();
    for round in 0..ROUNDS {
        let day = round * DAY;
        let id = desk.ask(day);
        let asked = desk.asked(id);
        let (cancel, used) = (desk.called(false, id, day), AtomicU32::new(0));
        // Two yes-es are there in half of the rounds, so that the use has a chance.
        if round % 2 == 0 {
            desk.approve("alice", id, day);
            desk.approve("bob", id, day);
        }
        let decide = |approver: &'static str, verdict| {
            desk.decision(approver, id, verdict, None, day + 1)
                .map(|decision| (Submission::Decide(Box::new(decision)), day + 1))
        };
        let end = |settlement: Result<Settlement, NotDecided>, seconds| {
            settlement.map(|end| (Submission::Settle(Box::new(end)), seconds))
        };
        let mut submissions = vec![
            decide("alice", Verdict::Approve),
            decide("bob", Verdict::Approve),
        ];
        match round % 4 {
            0 => submissions.push(decide("carol", Verdict::Deny)),
            1 => submissions.push(end(Settlement::cancelled(&asked, &cancel), day + 1)),
            2 => submissions.push(end(Settlement::expired(&asked, at(day + HOUR)), day + HOUR)),
            _ => {
                submissions.push(decide("owner", Verdict::Deny));
                submissions.push(end(Settlement::cancelled(&asked, &cancel), day + 1));
                submissions.push(end(Settlement::expired(&asked, at(day + HOUR)), day + HOUR));
            }
        }
        // The service, the secret, and everything: each in its turn.
        let scopes = [
            Scope::Service(name("atlas")),
            Scope::Secret(name("deploy-key")),
            Scope::Everything,
        ];
        let scope = &scopes[usize::try_from(round / 3).unwrap() % scopes.len()];
        let (collectors, suspends) = (3, usize::from(round % 3 == 2));
        let barrier = Barrier::new(submissions.len() + collectors + suspends);
        thread::scope(|threads| {
            for submission in submissions {
                let (submission, seconds) = submission.unwrap();
                let (desk, barrier) = (&desk, &barrier);
                threads.spawn(move || {
                    let mut log = desk.another_log();
                    barrier.wait();
                    let committed = log.commit(vec![submission], at(seconds)).pop().unwrap();
                    assert!(matches!(
                        committed.unwrap(),
                        Committed::Decided(_) | Committed::Settled(_) | Committed::NotDecided(_)
                    ));
                });
            }
            for _ in 0..collectors {
                threads.spawn(|| {
                    let mut log = desk.another_log();
                    barrier.wait();
                    for _ in 0..6 {
                        if collect(&desk, &mut log, id, day + 1) {
                            used.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            if suspends > 0 {
                threads.spawn(|| {
                    barrier.wait();
                    desk.keep(|vault| vault.suspend(scope, at(day)));
                    // From here on no key is used, whatever was recorded before.
                    assert!(permit(&desk, id, day + 1).is_none());
                });
            }
        });
        let used = used.into_inner();
        let story = check(&desk, id);
        // A use that was recorded before the suspension, and stopped by it, used no key.
        assert!(used as usize <= story.uses.len());
        assert!(suspends > 0 || used as usize == story.uses.len());
        let how = match desk.asked(id).settled {
            Some((how, _)) => how.as_str(),
            None => "waits",
        };
        *tally.entry(how).or_default() += 1;
        if suspends > 0 {
            desk.keep(|vault| vault.resume(scope, at(day)));
        }
    }
    verify(&desk.reader(), &desk.vkey()).unwrap();
    // The test would show nothing if one of them always won.
    assert!(tally.len() >= 2, "{tally:?}");
}

/// Whether a key was used.
fn collect(desk: &Desk, log: &mut Log<SqliteStore>, id: u64, seconds: i64) -> bool {
    let Some(permit) = permit(desk, id, seconds) else {
        return false;
    };
    let committed = log.commit(vec![Submission::Use(permit)], at(seconds)).pop();
    match committed.unwrap().unwrap() {
        Committed::Use(recorded) => desk.vault.use_key(recorded).is_ok(),
        Committed::Refused(_) => false,
        other => panic!("{other:?}"),
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Say(&'static str, Verdict),
    Cancel,
    Expire,
    Collect,
    /// A permit that is given now is recorded at the end.
    CollectLate,
}

fn act() -> impl Strategy<Value = Act> {
    let approver = || prop::sample::select(vec!["alice", "bob", "carol", "owner"]);
    prop_oneof![
        6 => approver().prop_map(|approver| Act::Say(approver, Verdict::Approve)),
        1 => approver().prop_map(|approver| Act::Say(approver, Verdict::Deny)),
        1 => Just(Act::Cancel),
        1 => Just(Act::Expire),
        4 => Just(Act::Collect),
        2 => Just(Act::CollectLate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// One after the other, in any order: what happens is what a short description of it says.
    #[test]
    fn any_order_ends_as_it_must(rounds in prop::collection::vec(prop::collection::vec(act(), 1..12), 1..3)) {
        let desk = Desk::new(TWO);
        for (round, acts) in rounds.into_iter().enumerate() {
            let day = round as i64 * DAY;
            let id = desk.ask(day);
            let asked = desk.asked(id);
            let (mut yes, mut no, mut ended) = (Vec::new(), Vec::new(), None);
            let mut late = Vec::new();
            for act in acts {
                match act {
                    Act::Say(approver, verdict) => {
                        let said = desk.try_say(approver, id, verdict, None, day + 1);
                        let (list, may) = match verdict {
                            Verdict::Approve => (&mut yes, ended.is_none()),
                            Verdict::Deny => (&mut no, matches!(ended, None | Some(Settled::Used))),
                        };
                        let new = may && !list.contains(&approver);
                        prop_assert_eq!(said.is_ok(), new);
                        if new {
                            list.push(approver);
                            if verdict == Verdict::Deny {
                                ended = ended.or(Some(Settled::Denied));
                            }
                        }
                    }
                    Act::Cancel | Act::Expire => {
                        let (settlement, seconds, how) = match act {
                            Act::Cancel => {
                                let called = desk.called(false, id, day + 1);
                                (Settlement::cancelled(&asked, &called), day + 1, Settled::Cancelled)
                            }
                            _ => (Settlement::expired(&asked, at(day + HOUR)), day + HOUR, Settled::Expired),
                        };
                        let submission = Submission::Settle(Box::new(settlement.unwrap()));
                        let committed = desk.submit(submission, at(seconds)).unwrap();
                        prop_assert_eq!(matches!(committed, Committed::Settled(_)), ended.is_none());
                        ended = ended.or(Some(how));
                    }
                    Act::Collect => {
                        let permit = permit(&desk, id, day + 1);
                        let has_quorum = yes.len() >= 2 && no.is_empty();
                        prop_assert_eq!(permit.is_some(), has_quorum);
                        if let Some(permit) = permit {
                            let used = desk.use_it(permit, day + 1);
                            prop_assert_eq!(used.is_ok(), ended.is_none());
                            ended = ended.or(Some(Settled::Used));
                        }
                    }
                    Act::CollectLate => late.extend(permit(&desk, id, day + 1)),
                }
            }
            for permit in late {
                let used = desk.use_it(permit, day + 1);
                prop_assert_eq!(used.is_ok(), ended.is_none());
                ended = ended.or(Some(Settled::Used));
            }
            prop_assert_eq!(desk.asked(id).settled.map(|(how, _)| how), ended);
            check(&desk, id);
        }
    }
}
