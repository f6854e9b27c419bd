//! Another time of day, for the programs of one test (`libfaketime`).

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::succeed;

/// A clock that goes as fast as the real one, and can be set. How long something takes is still
/// measured with the real one.
pub struct Clock {
    directory: TempDir,
    library: String,
}

impl Clock {
    /// It is so much before or after the real one: `-2h`, `+11m`.
    pub fn at(offset: &str) -> Self {
        // The wrapper knows where the library is.
        let mut wrapper = Command::new("faketime");
        wrapper.args(["-f", "+0", "sh", "-c", "printf %s \"$LD_PRELOAD\""]);
        let clock = Self {
            directory: TempDir::new().unwrap(),
            library: succeed(wrapper),
        };
        clock.set(offset);
        clock
    }

    pub fn set(&self, offset: &str) {
        // Whoever reads it finds the one or the other.
        let new = self.directory.path().join("new");
        fs::write(&new, offset).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    /// What a program needs to have this clock.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", self.file().to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("offset")
    }
}
