//! What waits for an approval: the statements on `pending`, `decision` and `settled`.

use rusqlite::{Connection, Error, OptionalExtension as _, params};

use super::problem::{integer, unsigned};
use crate::store::{StoredDecision, StoredPending};

/// The approver of a decision of the owner's.
const OWNER: &str = "";

pub(super) fn pending(connection: &Connection, id: u64) -> Result<Option<StoredPending>, Error> {
    connection
        .prepare_cached(
            "SELECT service, secret, same, expires, received, request FROM pending WHERE id = ?1",
        )?
        .query_row([integer(id)?], |row| {
            Ok(StoredPending {
                id,
                service: row.get(0)?,
                secret: row.get(1)?,
                same: row.get(2)?,
                expires: row.get(3)?,
                received: row.get(4)?,
                request: row.get(5)?,
            })
        })
        .optional()
}

pub(super) fn waiting(connection: &Connection) -> Result<Vec<u64>, Error> {
    // Over the index, which has the ids too: a request's row is long.
    connection
        .prepare_cached(
            "SELECT id FROM pending INDEXED BY pending_expires
             WHERE NOT EXISTS (SELECT 1 FROM settled WHERE settled.id = pending.id) ORDER BY id",
        )?
        .query_map([], |row| unsigned(row, 0))?
        .collect()
}

pub(super) fn decisions(connection: &Connection, id: u64) -> Result<Vec<StoredDecision>, Error> {
    connection
        .prepare_cached(
            "SELECT approver, decided, entry, minutes, time FROM decision WHERE id = ?1 ORDER BY entry",
        )?
        .query_map([integer(id)?], |row| {
            let approver: String = row.get(0)?;
            Ok(StoredDecision {
                id,
                approver: (approver != OWNER).then_some(approver),
                decided: row.get(1)?,
                entry: unsigned(row, 2)?,
                minutes: row.get(3)?,
                time: row.get(4)?,
            })
        })?
        .collect()
}

pub(super) fn standing(
    connection: &Connection,
    same: &[u8; 32],
    now: i64,
) -> Result<Vec<u64>, Error> {
    connection
        .prepare_cached(
            "SELECT id FROM pending WHERE same = ?1
             AND EXISTS (SELECT 1 FROM decision WHERE decision.id = pending.id
                         AND decided = 'approved' AND time + minutes * 60000 > ?2)
             AND NOT EXISTS (SELECT 1 FROM decision WHERE decision.id = pending.id
                             AND decided = 'denied')
             ORDER BY id",
        )?
        .query_map(params![same, now], |row| unsigned(row, 0))?
        .collect()
}

pub(super) fn settled(connection: &Connection, id: u64) -> Result<Option<(String, u64)>, Error> {
    connection
        .prepare_cached("SELECT how, entry FROM settled WHERE id = ?1")?
        .query_row([integer(id)?], |row| Ok((row.get(0)?, unsigned(row, 1)?)))
        .optional()
}

pub(super) fn put_pending(connection: &Connection, pending: &StoredPending) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO pending (id, service, secret, same, expires, received, request)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            integer(pending.id)?,
            pending.service,
            pending.secret,
            pending.same,
            pending.expires,
            pending.received,
            pending.request
        ])?;
    Ok(())
}

pub(super) fn waits_until(connection: &Connection, id: u64) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached("SELECT expires FROM pending WHERE id = ?1")?
        .query_row([integer(id)?], |row| row.get(0))
        .optional()
}

pub(super) fn count_waiting(
    connection: &Connection,
    service: &str,
    now: i64,
    since: i64,
) -> Result<(u64, u64), Error> {
    // What expires is bounded, so that the index leads to the rows of one day at most.
    connection
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE service = ?1), count(*) FROM pending
             LEFT JOIN settled ON settled.id = pending.id
             WHERE expires > ?2 AND (how IS NULL OR (how = 'cancelled' AND received > ?3))",
        )?
        .query_row(params![service, now, since], |row| {
            Ok((unsigned(row, 0)?, unsigned(row, 1)?))
        })
}

pub(super) fn has_decided(
    connection: &Connection,
    id: u64,
    approver: Option<&str>,
    decided: &str,
) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM decision WHERE id = ?1 AND approver = ?2 AND decided = ?3)",
        )?
        .query_row(params![integer(id)?, approver.unwrap_or(OWNER), decided], |row| row.get(0))
}

pub(super) fn put_decision(
    connection: &Connection,
    decision: &StoredDecision,
) -> Result<bool, Error> {
    let new = connection
        .prepare_cached(
            "INSERT INTO decision (id, approver, decided, entry, minutes, time)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS
             (SELECT 1 FROM decision WHERE id = ?1 AND approver = ?2 AND decided = ?3)",
        )?
        .execute(params![
            integer(decision.id)?,
            decision.approver.as_deref().unwrap_or(OWNER),
            decision.decided,
            integer(decision.entry)?,
            decision.minutes,
            decision.time
        ])?;
    Ok(new == 1)
}

pub(super) fn is_denied(connection: &Connection, id: u64) -> Result<bool, Error> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM decision WHERE id = ?1 AND decided = 'denied')",
        )?
        .query_row([integer(id)?], |row| row.get(0))
}

pub(super) fn denied_at(connection: &Connection, same: &[u8; 32]) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached(
            "SELECT max(time) FROM decision JOIN pending ON pending.id = decision.id
             WHERE same = ?1 AND decided = 'denied'",
        )?
        .query_row([same], |row| row.get(0))
}

pub(super) fn settle(
    connection: &Connection,
    id: u64,
    how: &str,
    entry: u64,
) -> Result<bool, Error> {
    let new = connection
        .prepare_cached(
            "INSERT INTO settled (id, how, entry) SELECT ?1, ?2, ?3
             WHERE NOT EXISTS (SELECT 1 FROM settled WHERE id = ?1)",
        )?
        .execute(params![integer(id)?, how, integer(entry)?])?;
    Ok(new == 1)
}
