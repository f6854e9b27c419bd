//! Lines at the end of a file, each whole and durable before it counts.
//!
//! A crash or a full disk may leave the beginning of a line. The same notification comes again, so
//! its line begins with what is there already and is completed; what is there and does not fit
//! gets an end of its own. Nothing that was written is ever taken away.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

/// A file that grows by lines.
pub struct Lines {
    path: PathBuf,
    file: Option<File>,
}

impl Lines {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
        }
    }

    /// Returns when the line is on the disk. It must end with a newline, and have no other.
    pub fn append(&mut self, line: &[u8]) -> anyhow::Result<()> {
        // Whatever goes wrong, the next try opens the file anew and looks at how it ends.
        let file = match self.file.take() {
            Some(file) if is_at(&file, &self.path) => file,
            _ => self.open()?,
        };
        write(&file, line)?;
        self.file = Some(file);
        Ok(())
    }

    /// Opens or creates it. Its name is made durable too: a file that a crash takes out of its
    /// directory takes every line with it.
    fn open(&self) -> anyhow::Result<File> {
        // A pipe without a reader would hold whoever opens it.
        let no_wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(no_wait)
            .open(&self.path)?;
        if !file.metadata()?.is_file() {
            bail!("it is not a file");
        }
        let directory = self.path.parent().context("it has no directory")?;
        File::open(directory)?.sync_all()?;
        Ok(file)
    }
}

/// Whether this file is still the one with this name: `logrotate` gives it another.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => open.ino() == named.ino() && open.dev() == named.dev(),
        _ => false,
    }
}

/// One write call as a rule, so that lines of two writers don't mix.
fn write(mut file: &File, line: &[u8]) -> io::Result<()> {
    let unfinished = unfinished(file, line.len())?;
    match line.strip_prefix(unfinished.as_slice()) {
        Some(rest) => file.write_all(rest)?,
        None => file.write_all(&[b"\n", line].concat())?,
    }
    file.sync_data()
}

/// What stands after the last newline; at most as many bytes as tell whether it begins a line of
/// this length.
fn unfinished(file: &File, length: usize) -> io::Result<Vec<u8>> {
    let end = file.metadata()?.len();
    let begin = end.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
    let count = usize::try_from(end - begin).map_err(io::Error::other)?;
    // One byte tells it as a rule.
    let mut last = [b'\n'];
    if end > 0 {
        file.read_exact_at(&mut last, end - 1)?;
    }
    if last == *b"\n" {
        return Ok(Vec::new());
    }
    let mut tail = vec![0; count];
    file.read_exact_at(&mut tail, begin)?;
    if let Some(newline) = tail.iter().rposition(|byte| *byte == b'\n') {
        tail.drain(..=newline);
    }
    Ok(tail)
}
