use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tempfile::TempDir;

use super::*;
use crate::store::Transaction as _;

struct Place {
    _directory: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("strongroom.db");
    Place {
        _directory: directory,
        path,
    }
}

/// A store with a row in every table.
fn filled() -> (Place, SqliteStore) {
    let place = place();
    let mut store = SqliteStore::create(&place.path).unwrap();
    let mut transaction = store.begin().unwrap();
    transaction.append_record(&record(1)).unwrap();
    transaction.put_slot(&slot("old root")).unwrap();
    transaction.append_entry(0, "{}", &[[7; 32]]).unwrap();
    assert!(transaction.spend_nonce("atlas", b"nonce").unwrap());
    transaction.put_checkpoint(1, "note").unwrap();
    transaction.advance("phone", 1).unwrap();
    transaction.add_usage(1, USAGE).unwrap();
    assert!(transaction.mark_due(1, "uses").unwrap());
    transaction.count("p#1", "atlas", 1_000).unwrap();
    transaction.put_pending(&pending(0)).unwrap();
    assert!(
        transaction
            .put_decision(&decision(None, "approved"))
            .unwrap()
    );
    assert!(transaction.settle(0, "denied", 0).unwrap());
    transaction.commit().unwrap();
    (place, store)
}

fn pending(id: u64) -> StoredPending {
    StoredPending {
        id,
        service: "atlas".to_owned(),
        secret: "deploy".to_owned(),
        same: [7; 32],
        expires: 5_000,
        received: 1_000,
        request: b"age".to_vec(),
    }
}

fn decision(approver: Option<&str>, decided: &str) -> StoredDecision {
    StoredDecision {
        id: 0,
        approver: approver.map(str::to_owned),
        decided: decided.to_owned(),
        entry: 0,
        minutes: Some(1),
        time: 1_000,
    }
}

const USAGE: Usage = Usage {
    uses: 5,
    encryptions: 3,
};

fn record(seq: u64) -> StoredRecord {
    StoredRecord {
        seq,
        body: "{}".to_owned(),
        signature: "— strongroom-owner AAAA".to_owned(),
    }
}

fn slot(root: &str) -> StoredSlot {
    StoredSlot {
        name: "passphrase".to_owned(),
        kind: "passphrase".to_owned(),
        created: "2026-03-01T00:00:00Z".to_owned(),
        root: root.as_bytes().to_vec(),
    }
}

fn problem(result: Result<impl std::fmt::Debug, StoreError>) -> String {
    match result.unwrap_err() {
        StoreError::Machine { problem, .. } => problem,
        StoreError::Conflict => panic!("a conflict"),
    }
}

#[test]
fn what_is_committed_is_read_back() {
    let (place, store) = filled();
    drop(store);
    let store = SqliteStore::open(&place.path).unwrap();
    let reader = SqliteReader::open(&place.path).unwrap();
    for reader in [&store as &dyn Reader, &reader] {
        assert_eq!(reader.records(0).unwrap(), [record(1)]);
        assert_eq!(reader.records(1).unwrap(), []);
        assert_eq!(reader.slots().unwrap(), [slot("old root")]);
        assert_eq!(reader.log_size().unwrap(), 1);
        assert_eq!(
            reader.entries(0, 9).unwrap(),
            [StoredEntry {
                index: 0,
                line: "{}".to_owned()
            }]
        );
        assert_eq!(reader.entries(1, 9).unwrap(), []);
        assert_eq!(reader.hashes(&[0]).unwrap(), [[7; 32]]);
        assert_eq!(reader.checkpoint().unwrap().as_deref(), Some("note"));
        assert_eq!(reader.position("phone").unwrap(), Some(1));
        assert_eq!(reader.position("mail").unwrap(), None);
        assert_eq!(reader.usage().unwrap(), [(1, USAGE)].into());
        assert_eq!(reader.counted("p#1", "atlas", 9).unwrap(), [1_000]);
        assert_eq!(reader.counted("p#1", "borg", 9).unwrap(), [] as [i64; 0]);
        assert_eq!(reader.pending(0).unwrap(), Some(pending(0)));
        assert_eq!(reader.pending(1).unwrap(), None);
        assert_eq!(reader.decisions(0).unwrap(), [decision(None, "approved")]);
        assert_eq!(reader.decisions(1).unwrap(), []);
        assert_eq!(reader.settled(0).unwrap(), Some(("denied".to_owned(), 0)));
        assert_eq!(reader.settled(1).unwrap(), None);
        assert_eq!(reader.waiting().unwrap(), [] as [u64; 0]);
    }
}

/// Through a connection that is not ours, as another program would try.
#[test]
fn nothing_is_deleted() {
    let (place, _store) = filled();
    let raw = Connection::open(&place.path).unwrap();
    for refused in [
        "UPDATE record SET body = 'x'",
        "DELETE FROM record",
        "REPLACE INTO record VALUES (1, 'x', 'x')",
        "INSERT INTO record VALUES (3, 'x', 'x')",
        "UPDATE entry SET line = 'x'",
        "UPDATE entry SET idx = 5",
        "UPDATE entry SET hashes = zeroblob(32)",
        "DELETE FROM entry",
        "REPLACE INTO entry VALUES (0, 'x', zeroblob(32))",
        "INSERT INTO entry VALUES (2, 'x', zeroblob(32))",
        "INSERT INTO entry (line, hashes) VALUES ('x', zeroblob(32))",
        "UPDATE nonce SET nonce = x'00'",
        "DELETE FROM nonce",
        "UPDATE counted SET time = 0",
        "DELETE FROM counted",
        "REPLACE INTO counted VALUES ('p#1', 'atlas', 1, 0)",
        "INSERT INTO counted VALUES ('p#1', 'atlas', 3, 1000)",
        "INSERT INTO counted VALUES ('p#1', 'atlas', 2, 999)",
        "UPDATE checkpoint SET size = 0",
        "DELETE FROM checkpoint",
        "REPLACE INTO checkpoint VALUES (1, 0, 'x')",
        "INSERT INTO checkpoint VALUES (2, 9, 'x')",
        "UPDATE usage SET uses = 4",
        "UPDATE usage SET encryptions = 2",
        "UPDATE usage SET encryptions = 6",
        "UPDATE usage SET record = 2",
        "DELETE FROM usage",
        "REPLACE INTO usage VALUES (1, 0, 0)",
        "REPLACE INTO usage VALUES (1, 9, 9)",
        "UPDATE due SET record = 2",
        "UPDATE due SET passed = 'x'",
        "DELETE FROM due",
        "UPDATE pending SET expires = 9000",
        "UPDATE pending SET request = x'00'",
        "DELETE FROM pending",
        "REPLACE INTO pending VALUES (0, 'atlas', 'deploy', zeroblob(32), 9000, 0, x'00')",
        "INSERT INTO pending VALUES (1, 'atlas', 'deploy', zeroblob(32), 9000, 0, x'00')",
        "UPDATE decision SET decided = 'denied'",
        "UPDATE decision SET minutes = 1440",
        "UPDATE decision SET approver = 'bob'",
        "DELETE FROM decision",
        "REPLACE INTO decision VALUES (0, '', 'approved', 0, 1440, 1000)",
        "INSERT INTO decision VALUES (0, 'bob', 'approved', 1, 1440, 1000)",
        "INSERT INTO decision VALUES (1, 'bob', 'approved', 0, 1440, 1000)",
        "INSERT INTO decision VALUES (0, 'bob', 'perhaps', 0, 1440, 1000)",
        "UPDATE settled SET how = 'used'",
        "UPDATE settled SET id = 1",
        "DELETE FROM settled",
        "REPLACE INTO settled VALUES (0, 'used', 0)",
        "INSERT INTO settled VALUES (1, 'used', 0)",
    ] {
        assert!(raw.execute(refused, []).is_err(), "{refused}");
        // REPLACE deletes without asking the DELETE triggers unless told to.
        raw.pragma_update(None, "recursive_triggers", true).unwrap();
        assert!(raw.execute(refused, []).is_err(), "{refused}");
        raw.pragma_update(None, "recursive_triggers", false)
            .unwrap();
    }
    raw.execute(
        "REPLACE INTO nonce VALUES ('atlas', CAST('nonce' AS BLOB))",
        [],
    )
    .unwrap();
    let nonces: u32 = raw
        .query_row("SELECT count(*) FROM nonce", [], |row| row.get(0))
        .unwrap();
    assert_eq!(nonces, 1, "a replaced nonce is still spent");
}

#[test]
fn slots_and_positions_may_change() {
    let (_place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    transaction.put_slot(&slot("new root")).unwrap();
    transaction.advance("phone", 5).unwrap();
    transaction.advance("phone", 3).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.slots().unwrap(), [slot("new root")]);
    assert_eq!(
        store.position("phone").unwrap(),
        Some(5),
        "a position never goes back"
    );
}

#[test]
fn uses_are_counted_apart_and_in_order() {
    let (_place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    // Where a clock was set back, time stands still.
    for (counter, service, time) in [
        ("p#1", "atlas", 500),
        ("p#1", "atlas", 3_000),
        ("p#1", "borg", 2_000),
        ("p#2", "atlas", 4_000),
    ] {
        transaction.count(counter, service, time).unwrap();
    }
    let back = |back| transaction.counted("p#1", "atlas", back).unwrap();
    assert_eq!(
        [back(1), back(2), back(3), back(4), back(u32::MAX)],
        [Some(3_000), Some(1_000), Some(1_000), None, None]
    );
    assert_eq!(transaction.counted("p#1", "borg", 1).unwrap(), Some(2_000));
    assert_eq!(transaction.counted("p#3", "atlas", 1).unwrap(), None);
    transaction.commit().unwrap();
    assert_eq!(store.counted("p#1", "atlas", 2).unwrap(), [3_000, 1_000]);
    assert_eq!(store.counted("p#2", "atlas", 2).unwrap(), [4_000]);
}

/// A store as the version before counters wrote it.
#[test]
fn a_store_without_counters_is_taken_over() {
    let (place, store) = filled();
    drop(store);
    let raw = Connection::open(&place.path).unwrap();
    raw.execute_batch(
        "DROP TABLE counted; DROP TABLE usage; DROP TABLE due;
         DROP TABLE settled; DROP TABLE decision; DROP TABLE pending; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(raw);
    assert_eq!(
        SqliteReader::open(&place.path).unwrap().log_size().unwrap(),
        1
    );
    for _ in 0..2 {
        let mut store = SqliteStore::open(&place.path).unwrap();
        let mut transaction = store.begin().unwrap();
        transaction.count("p#1", "atlas", 5).unwrap();
        transaction.commit().unwrap();
    }
    let reader = SqliteReader::open(&place.path).unwrap();
    assert_eq!(reader.counted("p#1", "atlas", 9).unwrap(), [5, 5]);
    assert_eq!(reader.records(0).unwrap(), [record(1)]);
}

#[test]
fn a_nonce_is_spent_once_for_each_service() {
    let (place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    assert!(!transaction.spend_nonce("atlas", b"nonce").unwrap());
    assert!(transaction.spend_nonce("borg", b"nonce").unwrap());
    assert!(transaction.spend_nonce("atlas", b"other").unwrap());
    assert!(!transaction.spend_nonce("atlas", b"other").unwrap());
    drop(transaction);
    drop(store);
    let mut store = SqliteStore::open(&place.path).unwrap();
    let mut transaction = store.begin().unwrap();
    assert!(!transaction.spend_nonce("atlas", b"nonce").unwrap());
    assert!(
        transaction.spend_nonce("atlas", b"other").unwrap(),
        "was rolled back"
    );
}

#[test]
fn counts_grow_and_a_limit_is_passed_once() {
    let (place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    transaction.add_usage(1, USAGE).unwrap();
    transaction.add_usage(2, USAGE).unwrap();
    let twice = Usage {
        uses: 10,
        encryptions: 6,
    };
    assert_eq!(transaction.usage(1).unwrap(), twice);
    assert_eq!(transaction.usage(3).unwrap(), Usage::default());
    assert!(!transaction.mark_due(1, "uses").unwrap());
    assert!(transaction.mark_due(1, "age").unwrap());
    assert!(transaction.mark_due(2, "uses").unwrap());
    assert!(!transaction.mark_due(2, "uses").unwrap());
    transaction.commit().unwrap();
    drop(store);
    let reader = SqliteReader::open(&place.path).unwrap();
    assert_eq!(reader.usage().unwrap(), [(1, twice), (2, USAGE)].into());
}

/// What a program of the time before counts wrote: its uses are in the audit log.
#[test]
fn a_store_of_the_first_format_is_brought_up_to_date_with_its_uses_counted() {
    let place = place();
    let mut store = SqliteStore::create(&place.path).unwrap();
    let mut transaction = store.begin().unwrap();
    for (seq, secret, version) in [(1, "box", 1), (2, "other", 1), (3, "box", 2)] {
        let body = format!(
            r#"{{"record":{{"type":"secret-version","secret":"{secret}","version":{version}}}}}"#
        );
        let record = StoredRecord {
            body,
            ..record(seq)
        };
        transaction.append_record(&record).unwrap();
    }
    let entries = [
        ("use", "encrypt", "box", 1),
        ("use", "encrypt", "box", 1),
        ("use", "decrypt", "box", 1),
        ("use", "public-key", "other", 1),
        ("refusal", "encrypt", "box", 1),
        ("use", "encrypt", "box", 2),
        ("use", "sign", "other", 1),
    ];
    for (index, (kind, operation, secret, version)) in entries.into_iter().enumerate() {
        let line = format!(
            r#"{{"ask":{{"operation":"{operation}"}},"kind":"{kind}","secret":"{secret}","version":{version}}}"#
        );
        transaction
            .append_entry(index as u64, &line, &[[7; 32]])
            .unwrap();
    }
    transaction.commit().unwrap();
    store
        .connection
        .execute_batch(
            "DROP TABLE counted; DROP TABLE usage; DROP TABLE due;
             DROP TABLE settled; DROP TABLE decision; DROP TABLE pending; PRAGMA user_version = 1",
        )
        .unwrap();
    drop(store);

    let reader = SqliteReader::open(&place.path).unwrap();
    assert_eq!(reader.log_size().unwrap(), 7, "it is read as it is");
    drop(SqliteStore::open(&place.path).unwrap());
    let store = SqliteStore::open(&place.path).unwrap();
    let counted = |uses, encryptions| Usage { uses, encryptions };
    assert_eq!(
        store.usage().unwrap(),
        [(1, counted(3, 2)), (2, counted(1, 0)), (3, counted(1, 1))].into()
    );
    let version: i32 = store
        .connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 3);
    assert_eq!(store.waiting().unwrap(), [] as [u64; 0]);
}

/// What a program of the time before approvals wrote.
#[test]
fn a_store_of_the_second_format_is_brought_up_to_date() {
    let (place, store) = filled();
    store
        .connection
        .execute_batch(
            "DROP TABLE settled; DROP TABLE decision; DROP TABLE pending; PRAGMA user_version = 2",
        )
        .unwrap();
    drop(store);
    let reader = SqliteReader::open(&place.path).unwrap();
    assert_eq!(reader.log_size().unwrap(), 1, "it is read as it is");
    for _ in 0..2 {
        drop(SqliteStore::open(&place.path).unwrap());
    }
    let mut store = SqliteStore::open(&place.path).unwrap();
    assert_eq!(store.usage().unwrap(), [(1, USAGE)].into());
    assert_eq!(store.counted("p#1", "atlas", 9).unwrap(), [1_000]);
    assert_eq!(Reader::waiting(&store).unwrap(), [] as [u64; 0]);
    let mut transaction = store.begin().unwrap();
    transaction.put_pending(&pending(0)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(Reader::waiting(&store).unwrap(), [0]);
    // The same schema as that of a new one.
    let schema = |path: &Path| -> Vec<String> {
        let raw = Connection::open(path).unwrap();
        let mut read = raw
            .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY type, name")
            .unwrap();
        let rows = read.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let (new, _store) = filled();
    assert_eq!(schema(&place.path), schema(&new.path));
}

/// What waits is found by its operation, counted by its service, and ends once.
#[test]
fn what_waits_is_counted_and_ends_once() {
    let place = place();
    let mut store = SqliteStore::create(&place.path).unwrap();
    let mut transaction = store.begin().unwrap();
    let later = StoredPending {
        service: "borg".to_owned(),
        same: [8; 32],
        expires: 9_000,
        ..pending(1)
    };
    for waiting in [pending(0), later] {
        transaction
            .append_entry(waiting.id, "{}", &[[7; 32]])
            .unwrap();
        transaction.put_pending(&waiting).unwrap();
    }
    let count = |transaction: &SqliteTransaction<'_>, now, since| {
        let of = |service| transaction.waiting(service, now, since).unwrap();
        assert_eq!(of("atlas").1, of("borg").1);
        (of("atlas").0, of("borg").0, of("atlas").1)
    };
    assert_eq!(count(&transaction, 4_999, 0), (1, 1, 2));
    assert_eq!(count(&transaction, 5_000, 0), (0, 1, 1));
    assert_eq!(transaction.waits_until(1).unwrap(), Some(9_000));
    assert_eq!(transaction.waits_until(2).unwrap(), None);
    assert!(transaction.settle(1, "cancelled", 1).unwrap());
    assert!(!transaction.settle(1, "used", 1).unwrap());
    assert_eq!(
        transaction.settled(1).unwrap().as_deref(),
        Some("cancelled")
    );
    // It counts as long as it would have waited, until it came long enough ago.
    assert_eq!(count(&transaction, 4_000, 999), (1, 1, 2));
    assert_eq!(count(&transaction, 4_000, 1_000), (1, 0, 1));

    let bobs = StoredDecision {
        entry: 1,
        minutes: None,
        ..decision(Some("bob"), "approved")
    };
    assert!(transaction.put_decision(&bobs).unwrap());
    assert!(!transaction.put_decision(&bobs).unwrap());
    assert!(transaction.has_decided(0, Some("bob"), "approved").unwrap());
    assert!(!transaction.has_decided(0, Some("bob"), "denied").unwrap());
    assert!(!transaction.has_decided(0, None, "approved").unwrap());
    assert!(!transaction.is_denied(0).unwrap());
    assert_eq!(transaction.denied_at(&[7; 32]).unwrap(), None);
    transaction.commit().unwrap();
    assert_eq!(store.standing(&[7; 32], 0).unwrap(), [] as [u64; 0], "once");

    let mut transaction = store.begin().unwrap();
    let standing = StoredDecision {
        entry: 1,
        ..decision(Some("carol"), "approved")
    };
    assert!(transaction.put_decision(&standing).unwrap());
    transaction.commit().unwrap();
    assert_eq!(store.standing(&[7; 32], 60_999).unwrap(), [0]);
    assert_eq!(store.standing(&[7; 32], 61_000).unwrap(), [] as [u64; 0]);
    assert_eq!(store.standing(&[8; 32], 0).unwrap(), [] as [u64; 0]);

    let mut transaction = store.begin().unwrap();
    let no = StoredDecision {
        entry: 1,
        minutes: None,
        ..decision(None, "denied")
    };
    assert!(transaction.put_decision(&no).unwrap());
    assert!(transaction.is_denied(0).unwrap());
    assert_eq!(transaction.denied_at(&[7; 32]).unwrap(), Some(1_000));
    transaction.commit().unwrap();
    assert_eq!(store.standing(&[7; 32], 60_999).unwrap(), [] as [u64; 0]);
    assert_eq!(Reader::waiting(&store).unwrap(), [0]);
}

#[test]
fn a_record_number_that_is_taken_is_a_conflict_and_harms_nothing() {
    let (_place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    for seq in [1, 0, 3] {
        assert!(
            matches!(
                transaction.append_record(&record(seq)),
                Err(StoreError::Conflict)
            ),
            "{seq}"
        );
    }
    transaction.append_record(&record(2)).unwrap();
    transaction.append_entry(1, "{}", &[[7; 32]]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.records(0).unwrap().len(), 2);
}

#[test]
fn an_unfinished_transaction_leaves_nothing() {
    let (place, mut store) = filled();
    let mut transaction = store.begin().unwrap();
    transaction.append_entry(1, "{}", &[[7; 32]]).unwrap();
    // The process dies: nobody runs a destructor.
    std::mem::forget(transaction);
    std::mem::forget(store);
    let reader = SqliteReader::open(&place.path).unwrap();
    assert_eq!(reader.log_size().unwrap(), 1);
}

#[test]
fn a_reader_does_not_wait_for_the_writer() {
    let (place, mut store) = filled();
    let reader = SqliteReader::open(&place.path).unwrap();
    let mut transaction = store.begin().unwrap();
    transaction.append_entry(1, "{}", &[[7; 32]]).unwrap();
    assert_eq!(reader.log_size().unwrap(), 1);
    transaction.commit().unwrap();
    assert_eq!(reader.log_size().unwrap(), 2);
}

#[test]
fn a_commit_is_synced_to_the_disk() {
    let (_place, store) = filled();
    let pragma = |name| {
        store
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
    };
    assert_eq!(pragma("synchronous").unwrap(), 2, "FULL");
    let mode: String = store
        .connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn only_the_owner_can_read_the_files() {
    let (place, _store) = filled();
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", place.path.display());
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path}");
    }
}

#[test]
fn problems_say_what_to_do() {
    let place = place();
    assert!(problem(SqliteStore::open(&place.path)).contains("strongroom init"));

    fs::write(&place.path, "").unwrap();
    assert!(problem(SqliteStore::create(&place.path)).contains("exists already"));
    assert_eq!(
        problem(SqliteStore::open(&place.path)),
        "is not a Strongroom store"
    );
    assert_eq!(
        problem(SqliteReader::open(&place.path)),
        "is not a Strongroom store"
    );

    fs::write(
        &place.path,
        "this is no database, but it is long enough to have a header".repeat(99),
    )
    .unwrap();
    let damaged = problem(SqliteReader::open(&place.path));
    assert!(
        damaged.contains("copy its whole directory away"),
        "{damaged}"
    );
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let (place, store) = filled();
    store
        .connection
        .pragma_update(None, "user_version", 4)
        .unwrap();
    drop(store);
    let problem = problem(SqliteStore::open(&place.path));
    assert!(
        problem.contains("format 4") && problem.contains("format 3"),
        "{problem}"
    );
}

#[test]
fn a_missing_hash_is_damage() {
    let (_place, store) = filled();
    assert!(problem(store.hashes(&[0, 1])).contains("damaged"));
}

#[test]
fn somebody_else_s_database_is_left_as_it_is() {
    let place = place();
    let other = Connection::open(&place.path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(other);
    let before = fs::read(&place.path).unwrap();
    assert_eq!(
        problem(SqliteStore::open(&place.path)),
        "is not a Strongroom store"
    );
    assert_eq!(fs::read(&place.path).unwrap(), before);
}

#[test]
fn a_full_disk_is_said_and_survived() {
    let (_place, mut store) = filled();
    let limit = |store: &SqliteStore, pages: u32| {
        store
            .connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    };
    limit(&store, 1);
    let long = "x".repeat(1 << 20);
    let mut transaction = store.begin().unwrap();
    let full = problem(transaction.append_entry(1, &long, &[[7; 32]]));
    assert!(full.contains("full disk"), "{full}");
    drop(transaction);
    assert_eq!(store.log_size().unwrap(), 1);

    limit(&store, u32::MAX - 1);
    let mut transaction = store.begin().unwrap();
    transaction.append_entry(1, &long, &[[7; 32]]).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.log_size().unwrap(), 2);
}

#[test]
fn a_second_writer_waits_and_then_says_so() {
    let (place, mut store) = filled();
    let mut second = SqliteStore::open(&place.path).unwrap();
    second.connection.busy_timeout(Duration::ZERO).unwrap();
    let first = store.begin().unwrap();
    let locked = problem(second.begin().map(drop));
    assert!(locked.contains("another process"), "{locked}");
    drop(first);
    assert!(second.begin().is_ok());
}
