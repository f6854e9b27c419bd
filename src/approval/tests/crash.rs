//! The machine dies at any step: what waits, what was said and how it ended is there with its
//! entry, or not at all.

use super::fixture::*;
use crate::{
    approval::{Settlement, Verdict},
    audit::{
        Committed, Log, Submission,
        tests::crash::{Dying, Fuse},
        verify,
    },
    store::sqlite::SqliteStore,
};

const DAY: i64 = 86_400;

/// The tables say what the log says, and the log is whole.
fn agrees(desk: &Desk) {
    verify(&desk.reader(), &desk.vkey()).unwrap();
    let raw = rusqlite::Connection::open(desk.path()).unwrap();
    let count = |sql: &str| -> i64 { raw.query_row(sql, [], |row| row.get(0)).unwrap() };
    let entries = |which: &str| count(&format!("SELECT count(*) FROM entry WHERE {which}"));
    assert_eq!(
        count("SELECT count(*) FROM pending"),
        entries("line ->> 'kind' = 'pending'")
    );
    assert_eq!(
        count("SELECT count(*) FROM decision"),
        entries("line ->> 'decided' IN ('approved', 'denied')")
    );
    assert_eq!(
        count("SELECT count(*) FROM settled"),
        entries(
            "line ->> 'pending' IS NOT NULL OR line ->> 'decided' IN ('denied', 'cancelled', 'expired')"
        )
    );
    // Each by its own entry.
    assert_eq!(
        count(
            "SELECT count(*) FROM settled JOIN entry ON idx = settled.entry
             WHERE coalesce(line ->> 'pending', line ->> 'entry') = settled.id"
        ),
        count("SELECT count(*) FROM settled")
    );
}

/// Makes a submission, and has the machine die in its first step, then in its second, and so on,
/// until it lives.
fn at_every_step(desk: &Desk, make: impl Fn(i64) -> (u64, Submission)) {
    for late in [false, true] {
        for steps in 0.. {
            let day = (i64::from(steps) + 40 * i64::from(late)) * DAY;
            let (id, submission) = make(day);
            let fuse = Fuse::new(u32::MAX, late);
            let dying = Dying {
                inner: SqliteStore::open(&desk.path()).unwrap(),
                fuse: fuse.clone(),
            };
            let mut log = Log::open(dying, desk.checkpoint_signer(), &desk.vkey()).unwrap();
            fuse.set(steps);
            let committed = log.commit(vec![submission], at(day + 1)).pop().unwrap();
            drop(log);
            agrees(desk);
            if !fuse.is_blown() {
                assert!(!matches!(committed.unwrap(), Committed::NotDecided(_)));
                break;
            }
            assert!(committed.is_err(), "what may not be durable is not told");
            if id > 0 {
                desk.asked(id);
            }
        }
    }
}

#[test]
fn a_request_waits_with_its_entry_or_not_at_all() {
    let desk = Desk::new(ONE);
    at_every_step(&desk, |day| {
        (
            0,
            Submission::Ask(Box::new(desk.asking(&desk.draft(), day))),
        )
    });
}

#[test]
fn a_decision_counts_with_its_entry_or_not_at_all() {
    for verdict in [Verdict::Approve, Verdict::Deny] {
        let desk = Desk::new(ONE);
        at_every_step(&desk, |day| {
            let id = desk.ask(day);
            let decision = desk.decision("alice", id, verdict, None, day).unwrap();
            (id, Submission::Decide(Box::new(decision)))
        });
    }
}

#[test]
fn an_end_comes_with_its_entry_or_not_at_all() {
    let desk = Desk::new(ONE);
    at_every_step(&desk, |day| {
        let id = desk.ask(day);
        let called = desk.called(false, id, day);
        let settlement = Settlement::cancelled(&desk.asked(id), &called).unwrap();
        (id, Submission::Settle(Box::new(settlement)))
    });
}

#[test]
fn a_use_ends_what_waited_with_its_entry_or_not_at_all() {
    let desk = Desk::new(ONE);
    at_every_step(&desk, |day| {
        let id = desk.ask(day);
        desk.approve("alice", id, day);
        (id, Submission::Use(desk.collect(id, day).unwrap()))
    });
}
