//! The tables, and the triggers by which the database itself keeps what must not be lost.
//!
//! **Invariant: nothing is deleted.** Records, entries with their tree hashes, nonces, counted uses,
//! and requests that waited for an approval with what was said to them and how they ended,
//! are only added, and only at the end: UPDATE, DELETE, and INSERT in place of a row are refused, also from
//! another program. Totals only grow. Somebody who may write the file can drop the triggers; that
//! is what the signatures and the Merkle tree are for.
//!
//! A store of format 1 or 2 is brought to format 3 when it is opened for writing. Programs that know
//! only an older format refuse it from then on: they would use keys without counting, or would not
//! know of what waits.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::problem::machine;
use crate::store::StoreError;

/// `application_id`: "Strg".
const APPLICATION: i32 = 0x5374_7267;
/// `user_version`: the version of this schema.
const VERSION: i32 = 3;
/// The one before it, which had no approvals.
const WITHOUT_APPROVALS: i32 = 2;
/// The one before that, which had no counters either.
const WITHOUT_COUNTERS: i32 = 1;

// An entry's row holds the Merkle tree's hashes that the entry completes, from the leaf up: one
// insert instead of three. One checkpoint is kept, not a history: old ones on the disk would let somebody who can edit
// the file roll the log back to one of them.
const SCHEMA: &str = "
CREATE TABLE record (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, signature TEXT NOT NULL) STRICT;
CREATE TABLE slot (name TEXT PRIMARY KEY, kind TEXT NOT NULL, created TEXT NOT NULL, root BLOB NOT NULL) STRICT;
CREATE TABLE entry (idx INTEGER PRIMARY KEY, line TEXT NOT NULL, hashes BLOB NOT NULL CHECK (length(hashes) >= 32)) STRICT;
CREATE TABLE nonce (service TEXT NOT NULL, nonce BLOB NOT NULL, PRIMARY KEY (service, nonce)) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), size INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE channel (name TEXT PRIMARY KEY, delivered INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TRIGGER record_update BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'vault records are never changed'); END;
CREATE TRIGGER record_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'vault records are never deleted'); END;
CREATE TRIGGER record_insert BEFORE INSERT ON record
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM record)
BEGIN SELECT RAISE(ABORT, 'vault records are only added at the end'); END;

CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'audit log entries are never changed'); END;
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT RAISE(ABORT, 'audit log entries are never deleted'); END;
CREATE TRIGGER entry_insert BEFORE INSERT ON entry
WHEN NEW.idx IS NOT (SELECT coalesce(max(idx), -1) + 1 FROM entry)
BEGIN SELECT RAISE(ABORT, 'audit log entries are only added at the end'); END;

CREATE TRIGGER nonce_update BEFORE UPDATE ON nonce BEGIN SELECT RAISE(ABORT, 'nonces are never changed'); END;
CREATE TRIGGER nonce_delete BEFORE DELETE ON nonce BEGIN SELECT RAISE(ABORT, 'nonces are never deleted'); END;

CREATE TRIGGER checkpoint_insert BEFORE INSERT ON checkpoint
WHEN EXISTS (SELECT 1 FROM checkpoint WHERE size > NEW.size)
BEGIN SELECT RAISE(ABORT, 'the checkpoint never goes back'); END;
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint
WHEN NEW.size < OLD.size
BEGIN SELECT RAISE(ABORT, 'the checkpoint never goes back'); END;
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'the checkpoint is never deleted'); END;
";

// The uses that policies limit, numbered from 1 for each counter and service, so that the N-th
// newest is found in one look however many there are. Time never goes back in it.
const COUNTERS: &str = "
CREATE TABLE counted (counter TEXT NOT NULL, service TEXT NOT NULL, number INTEGER NOT NULL, time INTEGER NOT NULL, PRIMARY KEY (counter, service, number)) STRICT, WITHOUT ROWID;

CREATE TRIGGER counted_update BEFORE UPDATE ON counted BEGIN SELECT RAISE(ABORT, 'counted uses are never changed'); END;
CREATE TRIGGER counted_delete BEFORE DELETE ON counted BEGIN SELECT RAISE(ABORT, 'counted uses are never deleted'); END;
CREATE TRIGGER counted_insert BEFORE INSERT ON counted
WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM counted WHERE counter = NEW.counter AND service = NEW.service)
  OR NEW.time < (SELECT time FROM counted WHERE counter = NEW.counter AND service = NEW.service ORDER BY number DESC LIMIT 1)
BEGIN SELECT RAISE(ABORT, 'counted uses are only added at the end'); END;
";

// How often each version of a secret was used, by the number of its record, and which limits the
// owner was told that it passed.
const USAGE: &str = "
CREATE TABLE usage (record INTEGER PRIMARY KEY, uses INTEGER NOT NULL, encryptions INTEGER NOT NULL CHECK (encryptions >= 0 AND encryptions <= uses)) STRICT;
CREATE TABLE due (record INTEGER NOT NULL, passed TEXT NOT NULL, PRIMARY KEY (record, passed)) STRICT, WITHOUT ROWID;

CREATE TRIGGER usage_insert BEFORE INSERT ON usage
WHEN EXISTS (SELECT 1 FROM usage WHERE record = NEW.record)
BEGIN SELECT RAISE(ABORT, 'counts of uses never go back'); END;
CREATE TRIGGER usage_update BEFORE UPDATE ON usage
WHEN NEW.record IS NOT OLD.record OR NEW.uses < OLD.uses OR NEW.encryptions < OLD.encryptions
BEGIN SELECT RAISE(ABORT, 'counts of uses never go back'); END;
CREATE TRIGGER usage_delete BEFORE DELETE ON usage BEGIN SELECT RAISE(ABORT, 'counts of uses are never deleted'); END;

CREATE TRIGGER due_update BEFORE UPDATE ON due BEGIN SELECT RAISE(ABORT, 'what was told is never changed'); END;
CREATE TRIGGER due_delete BEFORE DELETE ON due BEGIN SELECT RAISE(ABORT, 'what was told is never deleted'); END;
";

// The audit log of a format 1 store has every use that was not counted then.
const COUNT_WHAT_WAS: &str = "
INSERT INTO usage (record, uses, encryptions)
SELECT version.seq, count(*), coalesce(sum(json_extract(line, '$.ask.operation') = 'encrypt'), 0)
FROM entry JOIN (
    SELECT seq, json_extract(body, '$.record.secret') AS secret, json_extract(body, '$.record.version') AS number
    FROM record WHERE json_extract(body, '$.record.type') = 'secret-version'
) AS version ON version.secret = json_extract(line, '$.secret') AND version.number = json_extract(line, '$.version')
WHERE json_extract(line, '$.kind') = 'use' AND json_extract(line, '$.ask.operation') <> 'public-key'
GROUP BY version.seq;
";

// Requests that wait for an approval, by the index of their entry. The primary keys are what holds
// under the write lock: an approver says the same at most once, and a request ends once.
const APPROVALS: &str = "
CREATE TABLE pending (id INTEGER PRIMARY KEY, service TEXT NOT NULL, secret TEXT NOT NULL, same BLOB NOT NULL CHECK (length(same) = 32), expires INTEGER NOT NULL, received INTEGER NOT NULL, request BLOB NOT NULL) STRICT;
CREATE INDEX pending_same ON pending (same);
CREATE INDEX pending_expires ON pending (expires);
CREATE TABLE decision (id INTEGER NOT NULL, approver TEXT NOT NULL, decided TEXT NOT NULL CHECK (decided IN ('approved', 'denied')), entry INTEGER NOT NULL, minutes INTEGER, time INTEGER NOT NULL, PRIMARY KEY (id, approver, decided)) STRICT, WITHOUT ROWID;
CREATE TABLE settled (id INTEGER PRIMARY KEY, how TEXT NOT NULL CHECK (how IN ('used', 'denied', 'cancelled', 'expired')), entry INTEGER NOT NULL) STRICT;

CREATE TRIGGER pending_update BEFORE UPDATE ON pending BEGIN SELECT RAISE(ABORT, 'requests that wait are never changed'); END;
CREATE TRIGGER pending_delete BEFORE DELETE ON pending BEGIN SELECT RAISE(ABORT, 'requests that waited are never deleted'); END;
CREATE TRIGGER pending_insert BEFORE INSERT ON pending
WHEN NEW.id IS NOT (SELECT max(idx) FROM entry) OR EXISTS (SELECT 1 FROM pending WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'requests that wait are only added with their entry'); END;

CREATE TRIGGER decision_update BEFORE UPDATE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER decision_delete BEFORE DELETE ON decision BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;
CREATE TRIGGER decision_insert BEFORE INSERT ON decision
WHEN NEW.entry IS NOT (SELECT max(idx) FROM entry)
  OR NOT EXISTS (SELECT 1 FROM pending WHERE id = NEW.id)
  OR EXISTS (SELECT 1 FROM decision WHERE id = NEW.id AND approver = NEW.approver AND decided = NEW.decided)
BEGIN SELECT RAISE(ABORT, 'decisions are only added with their entry, and once'); END;

CREATE TRIGGER settled_update BEFORE UPDATE ON settled BEGIN SELECT RAISE(ABORT, 'how a request ended is never changed'); END;
CREATE TRIGGER settled_delete BEFORE DELETE ON settled BEGIN SELECT RAISE(ABORT, 'how a request ended is never deleted'); END;
CREATE TRIGGER settled_insert BEFORE INSERT ON settled
WHEN NOT EXISTS (SELECT 1 FROM pending WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM settled WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a request ends once'); END;
";

/// Makes the tables in an empty database, all or none.
pub(super) fn create(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(COUNTERS)?;
    transaction.execute_batch(USAGE)?;
    transaction.execute_batch(APPROVALS)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Adds the tables that a store of an earlier version lacks, all or none.
pub(super) fn upgrade(connection: &mut Connection) -> Result<(), rusqlite::Error> {
    if version(connection)? == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it just now.
    let found = version(&transaction)?;
    if found == WITHOUT_COUNTERS {
        transaction.execute_batch(COUNTERS)?;
        transaction.execute_batch(USAGE)?;
        transaction.execute_batch(COUNT_WHAT_WAS)?;
    }
    if matches!(found, WITHOUT_COUNTERS | WITHOUT_APPROVALS) {
        transaction.execute_batch(APPROVALS)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}

fn version(connection: &Connection) -> Result<i32, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Fails unless this version wrote the database, or one that it can take over from.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(|error| machine(path, error))
    };
    let problem = match (pragma("application_id")?, pragma("user_version")?) {
        (APPLICATION, VERSION | WITHOUT_APPROVALS | WITHOUT_COUNTERS) => return Ok(()),
        (APPLICATION, other) => format!(
            "has format {other}, and this program knows only format {VERSION}; use the `strongroom` that wrote it, or a newer one"
        ),
        _ => "is not a Strongroom store".to_owned(),
    };
    Err(StoreError::Machine {
        path: path.to_owned(),
        problem,
    })
}
