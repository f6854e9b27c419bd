//! How the program ends: exit codes that scripts can rely on.

use std::{fmt, process::ExitCode};

/// The exit codes beside 0 (done) and 1 (failed). Usage mistakes are clap's, with code 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A file that was given is not what it has to be, where 1 says something else.
    Usage,
    /// Policy or an approver said no.
    Refused,
    /// The vault is locked.
    Locked,
}

impl Exit {
    /// An error with this code.
    pub fn with(self, message: impl Into<String>) -> anyhow::Error {
        Ending {
            exit: self,
            message: message.into(),
        }
        .into()
    }
}

#[derive(Debug)]
struct Ending {
    exit: Exit,
    message: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Ending {}

/// The code that an error ends the program with.
pub fn code(error: &anyhow::Error) -> ExitCode {
    match error.downcast_ref::<Ending>().map(|ending| ending.exit) {
        Some(Exit::Usage) => ExitCode::from(2),
        Some(Exit::Refused) => ExitCode::from(3),
        Some(Exit::Locked) => ExitCode::from(4),
        None => ExitCode::FAILURE,
    }
}
