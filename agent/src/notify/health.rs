//! How each channel does.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What went wrong last, by channel.
#[derive(Debug, Default)]
pub struct Health {
    problems: Mutex<HashMap<String, String>>,
}

impl Health {
    pub fn well(&self, channel: &str) {
        self.problems().remove(channel);
    }

    pub fn ill(&self, channel: &str, problem: &str) {
        self.problems()
            .insert(channel.to_owned(), problem.to_owned());
    }

    pub fn problem(&self, channel: &str) -> Option<String> {
        self.problems().get(channel).cloned()
    }

    fn problems(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
