//! SQLite: the embedded store, one file that stock tools can read.
//!
//! WAL with `synchronous=FULL`: a commit that returned is on the disk. The database itself
//! refuses what must never happen (see `sqlite/schema.rs`), also through somebody else's connection.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io,
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior, config::DbConfig,
    params,
};
use tlog_tiles::split_stored_hash_index;

use super::{
    Reader, Store, StoreError, StoredDecision, StoredEntry, StoredPending, StoredRecord,
    StoredSlot, Usage,
};

mod approval;
mod problem;
mod schema;
mod transaction;

pub use transaction::SqliteTransaction;

use problem::{integer, is_damaged, machine, unsigned};

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Room for every statement of this module, so that none is compiled twice.
const STATEMENTS: usize = 48;

/// One connection to the database; `Access` says what it is for.
#[derive(Debug)]
pub struct Sqlite<Access> {
    connection: Connection,
    path: PathBuf,
    access: PhantomData<Access>,
}

/// The access of a [`SqliteStore`].
#[derive(Debug)]
pub enum ReadWrite {}

/// The access of a [`SqliteReader`].
#[derive(Debug)]
pub enum ReadOnly {}

/// The writer's connection.
pub type SqliteStore = Sqlite<ReadWrite>;

/// A reader's connection: it sees what is committed and never waits for the writer.
pub type SqliteReader = Sqlite<ReadOnly>;

impl SqliteStore {
    /// Makes a new, empty store that only its owner can read (mode 0600). Fails if the file is there.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|file| file.sync_all());
        made.map_err(|error| not_created(path, &error))?;
        let mut store = Self::with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        store.set_up()?;
        schema::create(&mut store.connection).map_err(|error| machine(path, error))?;
        // The file's name must survive a power cut as well as its content.
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))
            .and_then(|directory| directory.sync_all())
            .map_err(|error| not_created(path, &error))?;
        Ok(store)
    }

    /// Opens the store for writing.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut store = Self::with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // First of all: somebody else's database is left as it is.
        schema::check(&store.connection, path)?;
        store.set_up()?;
        schema::upgrade(&mut store.connection).map_err(|error| machine(path, error))?;
        Ok(store)
    }

    fn set_up(&self) -> Result<(), StoreError> {
        self.run(|connection| {
            // WAL is a property of the file; the rest, of the connection.
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            // A slot's old root must not linger in free pages after the passphrase is changed.
            connection.pragma_update(None, "secure_delete", true)?;
            connection.pragma_update(None, "cache_size", -16_384)
        })
    }
}

impl SqliteReader {
    /// Opens the store for reading, next to a writer or without one.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let reader = Self::with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::check(&reader.connection, path)?;
        Ok(reader)
    }
}

impl<Access> Sqlite<Access> {
    fn with_flags(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            // The file may have been edited by somebody hostile: its schema may call no function
            // of consequence, and damaged pages are noticed before they are followed.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
            connection.pragma_update(None, "cell_size_check", true)?;
            Ok(connection)
        };
        let connection = open().map_err(|error| machine(path, error))?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            access: PhantomData,
        })
    }

    fn run<T>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        run(&self.connection).map_err(|error| machine(&self.path, error))
    }
}

impl<Access> Reader for Sqlite<Access> {
    fn records(&self, after: u64) -> Result<Vec<StoredRecord>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT seq, body, signature FROM record WHERE seq > ?1 ORDER BY seq",
                )?
                .query_map([integer(after)?], |row| {
                    Ok(StoredRecord {
                        seq: unsigned(row, 0)?,
                        body: row.get(1)?,
                        signature: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    fn slots(&self) -> Result<Vec<StoredSlot>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT name, kind, created, root FROM slot ORDER BY name")?
                .query_map([], |row| {
                    Ok(StoredSlot {
                        name: row.get(0)?,
                        kind: row.get(1)?,
                        created: row.get(2)?,
                        root: row.get(3)?,
                    })
                })?
                .collect()
        })
    }

    fn log_size(&self) -> Result<u64, StoreError> {
        self.run(log_size)
    }

    fn entries(&self, from: u64, limit: u32) -> Result<Vec<StoredEntry>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT idx, line FROM entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2",
                )?
                .query_map(params![integer(from)?, limit], |row| {
                    Ok(StoredEntry {
                        index: unsigned(row, 0)?,
                        line: row.get(1)?,
                    })
                })?
                .collect()
        })
    }

    fn hashes(&self, indexes: &[u64]) -> Result<Vec<[u8; 32]>, StoreError> {
        self.run(|connection| hashes(connection, indexes))
    }

    fn checkpoint(&self) -> Result<Option<String>, StoreError> {
        self.run(checkpoint)
    }

    fn position(&self, channel: &str) -> Result<Option<u64>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT delivered FROM channel WHERE name = ?1")?
                .query_row([channel], |row| unsigned(row, 0))
                .optional()
        })
    }

    fn usage(&self) -> Result<BTreeMap<u64, Usage>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached("SELECT uses, encryptions, record FROM usage")?
                .query_map([], |row| Ok((unsigned(row, 2)?, usage(row)?)))?
                .collect()
        })
    }

    fn counted(&self, counter: &str, service: &str, limit: u32) -> Result<Vec<i64>, StoreError> {
        self.run(|connection| {
            connection
                .prepare_cached(
                    "SELECT time FROM counted WHERE counter = ?1 AND service = ?2
                     ORDER BY number DESC LIMIT ?3",
                )?
                .query_map(params![counter, service, limit], |row| row.get(0))?
                .collect()
        })
    }

    fn pending(&self, id: u64) -> Result<Option<StoredPending>, StoreError> {
        self.run(|connection| approval::pending(connection, id))
    }

    fn waiting(&self) -> Result<Vec<u64>, StoreError> {
        self.run(approval::waiting)
    }

    fn decisions(&self, id: u64) -> Result<Vec<StoredDecision>, StoreError> {
        self.run(|connection| approval::decisions(connection, id))
    }

    fn standing(&self, same: &[u8; 32], now: i64) -> Result<Vec<u64>, StoreError> {
        self.run(|connection| approval::standing(connection, same, now))
    }

    fn settled(&self, id: u64) -> Result<Option<(String, u64)>, StoreError> {
        self.run(|connection| approval::settled(connection, id))
    }
}

impl Store for SqliteStore {
    type Transaction<'a> = SqliteTransaction<'a>;

    fn begin(&mut self) -> Result<SqliteTransaction<'_>, StoreError> {
        // IMMEDIATE takes the write lock now, so that what is read here stays true until commit.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| machine(&self.path, error))?;
        Ok(SqliteTransaction::new(transaction, &self.path))
    }
}

fn log_size(connection: &Connection) -> Result<u64, rusqlite::Error> {
    connection
        .prepare_cached("SELECT coalesce(max(idx) + 1, 0) FROM entry")?
        .query_row([], |row| unsigned(row, 0))
}

fn hashes(connection: &Connection, indexes: &[u64]) -> Result<Vec<[u8; 32]>, rusqlite::Error> {
    let mut one =
        connection.prepare_cached("SELECT substr(hashes, ?2, 32) FROM entry WHERE idx = ?1")?;
    indexes
        .iter()
        .map(|index| {
            // The root of a subtree is stored with the last entry in it, after the roots below.
            let (level, nth) = split_stored_hash_index(*index);
            let last = ((nth + 1) << level) - 1;
            one.query_row(params![integer(last)?, 32 * u32::from(level) + 1], |row| {
                row.get(0)
            })
        })
        .map(|hash| hash.map_err(is_damaged))
        .collect()
}

fn checkpoint(connection: &Connection) -> Result<Option<String>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT note FROM checkpoint")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// The columns `uses` and `encryptions`, which are the first two.
fn usage(row: &Row<'_>) -> Result<Usage, rusqlite::Error> {
    Ok(Usage {
        uses: unsigned(row, 0)?,
        encryptions: unsigned(row, 1)?,
    })
}

fn not_created(path: &Path, error: &io::Error) -> StoreError {
    let problem = match error.kind() {
        io::ErrorKind::AlreadyExists => "exists already; nothing was changed".to_owned(),
        _ => format!("cannot be created: {error}"),
    };
    StoreError::Machine {
        path: path.to_owned(),
        problem,
    }
}

#[cfg(test)]
mod tests;
