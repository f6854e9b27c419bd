//! What SQLite's errors mean to a person, and the numbers it cannot hold.

use std::path::Path;

use rusqlite::{Error, ErrorCode, Row, ffi};

use crate::store::StoreError;

/// Puts an error of SQLite into words that say what to do next.
pub(super) fn machine(path: &Path, error: Error) -> StoreError {
    let problem = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            "is on a full disk; free some space, what was recorded before is safe".to_owned()
        }
        Some(ErrorCode::ReadOnly) => {
            "cannot be written; check the owner of the file and its directory, and that the file system is not mounted read-only".to_owned()
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "is damaged; copy its whole directory away before anything else, then run `strongroom audit verify` on the copy".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "is locked by another process; end that one or try again".to_owned()
        }
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            "may not be opened by this user; check the owner and mode of the file".to_owned()
        }
        Some(ErrorCode::CannotOpen) if !path.exists() => {
            "does not exist; create a vault with `strongroom init`".to_owned()
        }
        Some(ErrorCode::CannotOpen) => {
            "cannot be opened; check the owner and mode of the file and its directory".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => {
            format!("cannot be read or written ({error}); check the disk and the system's log")
        }
        Some(ErrorCode::ConstraintViolation) => format!("refuses this change: {error}"),
        _ => format!("failed: {error}"),
    };
    StoreError::Machine {
        path: path.to_owned(),
        problem,
    }
}

/// A row that must be there and is not is damage, not an empty answer.
pub(super) fn is_damaged(error: Error) -> Error {
    match error {
        Error::QueryReturnedNoRows
        | Error::FromSqlConversionFailure(..)
        | Error::InvalidColumnType(..) => {
            Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None)
        }
        other => other,
    }
}

/// SQLite's integers are signed.
pub(super) fn integer(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|error| Error::ToSqlConversionFailure(Box::new(error)))
}

/// A column that is never negative unless somebody edited the file.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}
