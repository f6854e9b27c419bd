//! `audit verify` names what was tampered with.

use super::fixture::{Home, note, now, vkey, written};
use crate::{
    audit::{
        BadCheckpoint, Broken, Tampered,
        remembered::{self, RolledBack},
        verify,
    },
    store::Reader as _,
};

fn broken(home: &Home) -> Broken {
    verify(&home.reader(), &vkey(1)).unwrap_err()
}

/// After `sql` on a log of ten entries, this entry is named, for this reason.
fn names(sql: &str, first_bad: u64, reason: Tampered) {
    let home = written(10);
    home.tamper(sql);
    match broken(&home) {
        Broken::Entry { index, what } => assert_eq!((index, what), (first_bad, reason), "{sql}"),
        other => panic!("{sql}: {other}"),
    }
}

#[test]
fn an_untouched_log_is_whole() {
    for size in 0..20 {
        let home = written(size);
        let verified = verify(&home.reader(), &vkey(1)).unwrap();
        assert_eq!(verified.size, size);
    }
}

#[test]
fn an_edited_line_is_named() {
    names(
        "UPDATE entry SET line = replace(line, '4', '5') WHERE idx = 4",
        4,
        Tampered::Line,
    );
    names(
        "UPDATE entry SET line = line || ' ' WHERE idx IN (7, 9)",
        7,
        Tampered::Line,
    );
}

#[test]
fn swapped_lines_are_named() {
    let line = |index| format!("(SELECT line FROM entry WHERE idx = {index})");
    names(
        &format!(
            "CREATE TABLE old AS SELECT {} AS three, {} AS six;
             UPDATE entry SET line = (SELECT six FROM old) WHERE idx = 3;
             UPDATE entry SET line = (SELECT three FROM old) WHERE idx = 6",
            line(3),
            line(6)
        ),
        3,
        Tampered::Line,
    );
    // With their hashes, which only shows in the hashes above.
    let swap = |one, other| {
        format!(
            "UPDATE entry SET idx = -1 WHERE idx = {one};
             UPDATE entry SET idx = {one} WHERE idx = {other};
             UPDATE entry SET idx = {other} WHERE idx = -1"
        )
    };
    names(&swap(2, 4), 2, Tampered::Among { last: 3 });
    names(&swap(3, 6), 2, Tampered::Among { last: 3 });
}

#[test]
fn removed_last_entries_are_named() {
    names(
        "DELETE FROM entry WHERE idx >= 8",
        8,
        Tampered::Missing { signed: 10 },
    );
    names("DELETE FROM entry", 0, Tampered::Missing { signed: 10 });
    names(
        "DELETE FROM entry WHERE idx >= 8; DELETE FROM nonce",
        8,
        Tampered::Missing { signed: 10 },
    );
}

#[test]
fn an_entry_removed_from_the_middle_is_named() {
    names("DELETE FROM entry WHERE idx = 5", 5, Tampered::Gap);
}

/// The signed root tells a changed hash from a changed line.
#[test]
fn an_edited_tree_hash_is_named() {
    for (edit, entry) in [
        ("zeroblob(32)", 4),
        // The root over the first four entries is stored with the fourth.
        ("CAST(substr(hashes, 1, 64) || zeroblob(32) AS BLOB)", 3),
        ("substr(hashes, 1, 64)", 3),
    ] {
        let sql = format!("UPDATE entry SET hashes = {edit} WHERE idx = {entry}");
        names(&sql, entry, Tampered::Hash);
    }
    names(
        "UPDATE entry SET hashes = zeroblob(32) WHERE idx = 4; DELETE FROM entry WHERE idx = 9",
        4,
        Tampered::Line,
    );
}

/// The first one counts, whatever came after it.
#[test]
fn the_first_of_several_is_named() {
    names(
        "UPDATE entry SET line = '{}' WHERE idx = 2; DELETE FROM entry WHERE idx >= 7",
        2,
        Tampered::Line,
    );
    names(
        "UPDATE entry SET line = '{}' WHERE idx = 2; DELETE FROM entry WHERE idx = 5",
        2,
        Tampered::Line,
    );
}

#[test]
fn an_added_entry_is_named() {
    names(
        "DELETE FROM checkpoint",
        0,
        Tampered::Unsigned { signed: 0 },
    );
    let home = written(9);
    let old = written(8);
    use crate::store::Reader as _;
    let note = old.reader().checkpoint().unwrap().unwrap();
    home.tamper(&format!("UPDATE checkpoint SET size = 8, note = '{note}'"));
    assert_eq!(broken(&home).first_bad(), Some(8));
}

#[test]
fn an_edited_checkpoint_vouches_for_nothing() {
    for edit in [
        "replace(note, '10', '11')",
        "replace(note, 'strongroom.test', 'else.test')",
        "'x'",
        "note || 'x'",
    ] {
        let home = written(10);
        home.tamper(&format!("UPDATE checkpoint SET note = {edit}"));
        let broken = broken(&home);
        assert!(
            matches!(broken, Broken::Checkpoint { size: 10, .. }),
            "{edit}: {broken}"
        );
        assert_eq!(broken.first_bad(), Some(0));
    }
}

#[test]
fn another_key_vouches_for_nothing() {
    let home = written(10);
    let broken = verify(&home.reader(), &vkey(2)).unwrap_err();
    assert!(matches!(
        broken,
        Broken::Checkpoint {
            why: BadCheckpoint::Signature,
            ..
        }
    ));
}

/// Somebody who rebuilds the whole tree over an edited line still has no signature for its root.
#[test]
fn a_rewritten_tree_is_found() {
    let home = written(10);
    let forged = Home::new();
    let mut log = forged.log();
    for n in 0..10 {
        use super::fixture::{note, now};
        let detail = if n == 4 { 99 } else { n };
        log.commit(vec![note(detail)], now()).remove(0).unwrap();
    }
    home.tamper(&format!(
        "ATTACH '{}' AS forged;
         DELETE FROM entry; INSERT INTO entry SELECT * FROM forged.entry;",
        forged.path.display()
    ));
    assert!(matches!(broken(&home), Broken::Rewritten { size: 10 }));
}

#[test]
fn an_older_copy_and_a_fork_are_noticed_by_whoever_remembers() {
    let holds = |home: &Home, seen: &str| remembered::holds(&home.reader(), seen, &vkey(1));
    let home = written(10);
    let seen = home.reader().checkpoint().unwrap().unwrap();
    holds(&home, &seen).unwrap();
    home.log().commit(vec![note("later")], now());
    holds(&home, &seen).unwrap();

    let older = holds(&written(5), &seen);
    assert!(matches!(
        older,
        Err(RolledBack::Shorter { now: 5, then: 10 })
    ));
    let fork = written(5);
    let others = (0..9)
        .map(|number| note(format!("other {number}")))
        .collect();
    fork.log().commit(others, now());
    assert!(matches!(
        holds(&fork, &seen),
        Err(RolledBack::Forked { then: 10 })
    ));
    let foreign = remembered::holds(&home.reader(), &seen, &vkey(2));
    assert!(matches!(foreign, Err(RolledBack::Checkpoint(_))));
}
