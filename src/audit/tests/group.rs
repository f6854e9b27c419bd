//! Group commit.

use super::fixture::{Home, ORIGIN, event, note, noted, now, signer, vkey, written};
use crate::{
    audit::{Committed, Event, Log, NotRecorded, Submission, Untrusted, receipt, verify},
    store::{Reader as _, Store as _, StoredRecord, Transaction as _},
    vault::Change,
};

fn change(records: impl IntoIterator<Item = u64>) -> Submission {
    let record = |seq| StoredRecord {
        seq,
        body: "{}".to_owned(),
        signature: String::new(),
    };
    let records = records.into_iter().map(record).collect();
    Submission::Change(Change {
        event: event("change"),
        records,
        slots: Vec::new(),
    })
}

#[test]
fn a_batch_shares_one_transaction_and_one_checkpoint() {
    let home = Home::new();
    let mut log = home.log();
    let committed = log.commit((0..9).map(note).collect(), now());
    let noted: Vec<_> = committed
        .into_iter()
        .map(|one| noted(one.unwrap()))
        .collect();
    let checkpoint = home.reader().checkpoint().unwrap().unwrap();
    assert!(
        checkpoint.starts_with(&format!("{ORIGIN}\n9\n")),
        "{checkpoint}"
    );
    for (index, noted) in (0..).zip(&noted) {
        assert_eq!(noted.index, index);
        assert!(noted.receipt.ends_with(&checkpoint));
        assert_eq!(
            receipt::verify(&noted.entry, &noted.receipt, &vkey(1)),
            Ok(index)
        );
    }
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 9);
}

#[test]
fn an_empty_batch_writes_nothing() {
    let home = Home::new();
    assert!(home.log().commit(Vec::new(), now()).is_empty());
    assert_eq!(home.reader().checkpoint().unwrap(), None);
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 0);
}

#[test]
fn a_position_moves_without_an_entry() {
    let home = written(3);
    let mut log = home.log();
    let advance = Submission::Advance {
        channel: "phone".to_owned(),
        delivered: 2,
    };
    let committed = log.commit(vec![advance], now()).remove(0).unwrap();
    assert!(matches!(committed, Committed::Advanced));
    assert_eq!(home.reader().position("phone").unwrap(), Some(2));
    assert_eq!((log.size(), home.reader().log_size().unwrap()), (3, 3));
}

#[test]
fn records_are_written_with_their_entry() {
    let home = Home::new();
    let committed = home
        .log()
        .commit(vec![change([1, 2])], now())
        .remove(0)
        .unwrap();
    assert!(matches!(committed, Committed::Changed(_)), "{committed:?}");
    assert_eq!(home.reader().records(0).unwrap().len(), 2);
    assert_eq!(home.reader().log_size().unwrap(), 1);
}

#[test]
fn a_conflict_fails_alone() {
    let home = Home::new();
    let mut log = home.log();
    let batch = vec![
        note("before"),
        change([1]),
        change([1]),
        change([2, 3]),
        change([5]),
        note("after"),
    ];
    let committed = log.commit(batch, now());
    let is_ok: Vec<bool> = committed.iter().map(Result::is_ok).collect();
    assert_eq!(is_ok, [true, true, false, true, false, true]);
    assert!(matches!(committed[2], Err(NotRecorded::Conflict)));
    assert_eq!(home.reader().records(0).unwrap().len(), 3);
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 4);
}

#[test]
fn a_change_whose_records_do_not_follow_each_other_is_refused_whole() {
    let home = Home::new();
    let committed = home
        .log()
        .commit(vec![change([1, 3]), note("after")], now());
    assert!(matches!(committed[0], Err(NotRecorded::Unfit(_))));
    assert!(committed[1].is_ok());
    assert_eq!(home.reader().records(0).unwrap(), []);
}

/// An entry that tells of a use, or of an owner's act, comes the proper way or not at all.
#[test]
fn a_note_is_not_a_way_around() {
    let home = Home::new();
    let noise = Event::Noise {
        reason: crate::audit::Reason::Malformed,
        way_in: crate::request::WayIn::Tls,
        address: None,
        service: None,
        count: 41,
        since: now(),
        detail: String::new(),
    };
    let batch = vec![
        Submission::Note(noise.clone()),
        Submission::Noise(event("x")),
        Submission::Noise(noise),
    ];
    let is_ok: Vec<bool> = home
        .log()
        .commit(batch, now())
        .iter()
        .map(Result::is_ok)
        .collect();
    assert_eq!(is_ok, [false, false, true]);
}

#[test]
fn the_log_goes_on_after_a_restart() {
    let home = written(5);
    let mut log = home.log();
    assert_eq!(log.size(), 5);
    let last = noted(log.commit(vec![note("5")], now()).remove(0).unwrap());
    assert_eq!(receipt::verify(&last.entry, &last.receipt, &vkey(1)), Ok(5));
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 6);
}

/// Two agents on one store: neither assumes that it is alone.
#[test]
fn another_writer_is_noticed() {
    let home = written(3);
    let (mut one, mut other) = (home.log(), home.log());
    for n in 0..5 {
        noted(one.commit(vec![note(n)], now()).remove(0).unwrap());
        noted(
            other
                .commit(vec![note(n), note(n)], now())
                .remove(1)
                .unwrap(),
        );
    }
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 18);
}

/// The agent never signs what somebody else put under its log.
#[test]
fn entries_that_nobody_signed_are_not_built_upon() {
    let home = written(3);
    let mut log = home.log();
    let mut store = home.store();
    let mut transaction = store.begin().unwrap();
    transaction.append_entry(3, "{}", &[[0; 32]; 3]).unwrap();
    transaction.commit().unwrap();
    let refused = log.commit(vec![note("x")], now()).remove(0).unwrap_err();
    assert!(matches!(refused, NotRecorded::Untrusted(_)), "{refused}");
}

#[test]
fn a_log_that_does_not_match_its_checkpoint_is_not_opened() {
    let opened = |home: &Home| Log::open(home.store(), signer(1), &vkey(1)).map(|log| log.size());

    let home = written(5);
    assert!(matches!(
        Log::open(home.store(), signer(2), &vkey(1)),
        Err(Untrusted::OtherKey)
    ));
    assert!(matches!(
        Log::open(home.store(), signer(2), &vkey(2)),
        Err(Untrusted::Checkpoint(_))
    ));
    assert_eq!(opened(&home).unwrap(), 5);

    home.tamper("DELETE FROM entry WHERE idx = 4");
    assert!(matches!(
        opened(&home),
        Err(Untrusted::Size { size: 4, signed: 5 })
    ));

    let home = written(5);
    home.tamper("UPDATE entry SET hashes = zeroblob(96) WHERE idx = 3");
    assert!(matches!(opened(&home), Err(Untrusted::Root)));

    let home = written(5);
    home.tamper("DELETE FROM checkpoint");
    assert!(matches!(
        opened(&home),
        Err(Untrusted::NoCheckpoint { size: 5 })
    ));

    let home = written(5);
    home.tamper("UPDATE checkpoint SET note = replace(note, '5', '4')");
    assert!(matches!(opened(&home), Err(Untrusted::Checkpoint(_))));
}
