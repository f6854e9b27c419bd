//! The newest checkpoint that this machine saw, kept outside the vault's directory, so that an
//! older copy of the whole directory is noticed when it is put back.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use strongroom::{
    audit::remembered,
    store::{Reader as _, sqlite::SqliteReader},
};

use crate::{home::Home, host::Host};

/// The file for one vault: named by the agent's thumbprint, which is the vault's for life.
fn file(home: &Home, thumbprint: &str) -> PathBuf {
    home.state().join(format!("{thumbprint}.checkpoint"))
}

/// Refuses a log that is older than, or another than, the one that was seen here before.
pub fn check(
    home: &Home,
    reader: &SqliteReader,
    thumbprint: &str,
    vkey: &str,
) -> anyhow::Result<()> {
    let path = file(home, thumbprint);
    let checkpoint = match fs::read_to_string(&path) {
        Ok(checkpoint) => checkpoint,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
        }
    };
    if let Err(error) = remembered::holds(reader, &checkpoint, vkey) {
        bail!(
            "the audit log in `{}` is not the one that this machine knows: {error}; if you put back a backup on purpose, remove `{}`",
            home.directory().display(),
            path.display()
        );
    }
    Ok(())
}

/// Keeps the newest checkpoint. A machine that can't is told of, and goes on: the log itself is
/// whole without it.
pub fn keep(host: &Host) {
    if let Err(error) = try_keep(host) {
        tracing::warn!(
            error = format!("{error:#}"),
            "the newest checkpoint is not kept outside the vault"
        );
    }
}

fn try_keep(host: &Host) -> anyhow::Result<()> {
    let Some(checkpoint) = host.read(|store| store.checkpoint())? else {
        return Ok(());
    };
    let directory = host.home().state();
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let path = file(host.home(), host.identity().thumbprint().as_str());
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(checkpoint.as_bytes())?;
    file.sync_all()?;
    // Whole or not at all: half a checkpoint would lock the owner out.
    fs::rename(&new, &path).with_context(|| format!("cannot write `{}`", path.display()))
}
