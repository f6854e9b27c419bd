//! How each channel does: what its follower says, for whoever asks.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom::name::Name;
use tokio::sync::Notify;

/// How a channel does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// No agent runs, so nobody delivers.
    #[default]
    Idle,
    /// What it has to tell is delivered, or is on its way for the first time.
    Well,
    /// It did not deliver, and tries again.
    Trying {
        /// What went wrong at the last try.
        problem: String,
        /// When the first try failed that nothing was delivered after.
        since: Timestamp,
        /// How many failed since then.
        tries: u32,
        /// When it tries again.
        next: Timestamp,
    },
    /// Its credential is in the vault, which is locked.
    Waiting,
}

/// A channel as its follower sees it.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub state: State,
    /// How many entries of the audit log need no telling any more.
    pub delivered: u64,
    /// When something was delivered last, in this run of the agent.
    pub last: Option<Timestamp>,
    /// Until when it holds what it has read: the end of a digest, or of quiet hours.
    pub holds: Option<Timestamp>,
    /// What is not as it should be though it delivers.
    pub remark: Option<String>,
}

/// All channels that have a follower.
#[derive(Debug, Default)]
pub struct Health {
    channels: Mutex<HashMap<Name, Condition>>,
    /// Told when it may be worth it to try again at once.
    hope: Notify,
    restoring: tokio::sync::Mutex<()>,
}

impl Health {
    /// How this one does; `None` if nobody follows the audit log for it.
    pub fn of(&self, channel: &Name) -> Option<Condition> {
        self.channels().get(channel).cloned()
    }

    /// Changes what is known of this one.
    pub fn note(&self, channel: &Name, change: impl FnOnce(&mut Condition)) {
        let mut channels = self.channels();
        match channels.get_mut(channel) {
            Some(condition) => change(condition),
            None => change(channels.entry(channel.clone()).or_default()),
        }
    }

    /// Says what is not as it should be with a channel that delivers, or that nothing is. It is kept
    /// only where somebody follows.
    pub fn remark(&self, channel: &Name, remark: Option<String>) {
        if let Some(condition) = self.channels().get_mut(channel) {
            condition.remark = remark;
        }
    }

    /// Has every channel that could not deliver try again at once: the vault was unlocked or
    /// changed, or a test went through.
    pub fn try_again(&self) {
        self.hope.notify_waiters();
    }

    /// Waits for that. What comes before the first poll of it, or an `enable`, is missed.
    pub fn hope(&self) -> tokio::sync::futures::Notified<'_> {
        self.hope.notified()
    }

    /// Whoever has this works out what a channel knew when the agent ended, alone.
    pub async fn restoring(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.restoring.lock().await
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<Name, Condition>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
