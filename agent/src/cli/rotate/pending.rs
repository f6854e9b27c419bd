//! A rotation that is not over: one file in the vault's directory, from before the provider is asked
//! until the old value is given up.
//!
//! Its first line says what is going on; the rest has room for the new value, sealed to the root,
//! which is taken before the provider is asked: a disk that is full then says so while nothing has
//! happened. The running command holds a lock on it, so that an interrupted rotation is told from
//! one that runs.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom::name::Name;

use crate::home::Home;

/// Room for the largest value: 256 KiB, twice in base64, with what JSON and age add.
const ROOM: usize = 512 * 1024;
/// The longest first line: 64 arguments of 4 KiB, escaped.
const MOST: u64 = 2 * 1024 * 1024;
const END: &str = "-----END AGE ENCRYPTED FILE-----";

/// What is going on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub secret: Name,
    /// The version that the program was to replace.
    pub replaces: u32,
    pub program: Vec<String>,
    pub timeout_seconds: u64,
    pub retire_old: bool,
    pub began: Timestamp,
}

/// The file of one rotation, held by this process.
#[derive(Debug)]
pub struct Pending {
    path: PathBuf,
    file: File,
    /// Where the room for the sealed value begins.
    room: u64,
    pub header: Header,
    /// The new value, if the program got as far as printing one.
    pub sealed: Option<String>,
}

impl Pending {
    /// Writes down that a rotation begins, with room for its new value. Fails if one is not over.
    pub fn begin(home: &Home, header: Header) -> anyhow::Result<Self> {
        let path = path(home, &header.secret);
        let directory = path.parent().context("a file is in a directory")?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("cannot create `{}`", directory.display()))?;
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Says so itself if it runs.
                let earlier = Self::open(home, &header.secret)?;
                bail!(
                    "a rotation of `{}` began at {} and is not over; `--resume` goes on with it, `--abandon` forgets it",
                    header.secret,
                    earlier.map_or(header.began, |earlier| earlier.header.began)
                );
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot create `{}`", path.display()));
            }
        };
        let mut line = serde_json::to_string(&header)?;
        line.push('\n');
        let pending = Self {
            room: line.len() as u64,
            path,
            file,
            header,
            sealed: None,
        };
        let written = pending.lock().and_then(|()| {
            pending.file.write_all_at(line.as_bytes(), 0)?;
            pending.file.write_all_at(&vec![b' '; ROOM], pending.room)?;
            pending.sync()?;
            Ok(())
        });
        if let Err(error) = written {
            let _ = fs::remove_file(&pending.path);
            return Err(error).context(format!(
                "cannot write `{}`; nothing was done at the provider",
                pending.path.display()
            ));
        }
        Ok(pending)
    }

    /// The rotation of this secret that is not over, unless it runs at this moment.
    pub fn open(home: &Home, secret: &Name) -> anyhow::Result<Option<Self>> {
        let path = path(home, secret);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot open `{}`", path.display()));
            }
        };
        let mut text = String::new();
        (&mut file)
            .take(MOST)
            .read_to_string(&mut text)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let parsed = text.split_once('\n').and_then(|(line, rest)| {
            Some((
                line.len() as u64 + 1,
                serde_json::from_str(line).ok()?,
                rest,
            ))
        });
        let Some((room, header, rest)) = parsed else {
            bail!(
                "`{0}` is damaged: a rotation of `{secret}` was cut off before the provider was asked; remove `{0}`",
                path.display()
            );
        };
        let rest = rest.trim();
        let pending = Self {
            // What was cut off in the middle can't be opened: as if it were not there.
            sealed: rest.ends_with(END).then(|| format!("{rest}\n")),
            path,
            file,
            room,
            header,
        };
        pending.lock()?;
        Ok(Some(pending))
    }

    /// Writes the new value down, sealed.
    pub fn keep(&mut self, sealed: &str) -> anyhow::Result<()> {
        self.sealed = Some(sealed.to_owned());
        self.file
            .write_all_at(sealed.as_bytes(), self.room)
            .and_then(|()| self.file.sync_all())
            .with_context(|| format!("cannot write `{}`", self.path.display()))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The rotation is over.
    pub fn end(self) -> anyhow::Result<()> {
        fs::remove_file(&self.path)
            .and_then(|()| self.sync_directory())
            .with_context(|| format!("cannot remove `{}`", self.path.display()))
    }

    fn lock(&self) -> anyhow::Result<()> {
        match self.file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => bail!(
                "another command rotates `{}` at this moment; wait for it",
                self.header.secret
            ),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_all()?;
        self.sync_directory()
    }

    fn sync_directory(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// A name has no `+`, so that no two share a file.
fn path(home: &Home, secret: &Name) -> PathBuf {
    let file = format!("{}.pending", secret.as_str().replace('/', "+"));
    home.directory().join("rotation").join(file)
}
