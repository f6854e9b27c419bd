//! Entry → a sentence for a person.
//!
//! The same rules for every channel. How soon a person should look:
//!
//! - **urgent**: a value left the vault (`release`, `secret reveal`); somebody needs the owner
//!   (an approval, locked, a key that is used up, a rotation that failed); everything was stopped; a provider's new value could not be stored; somebody does what only a thief or a mistake does (a suspended service asks, a
//!   request is replayed, a wrong passphrase, a hundred or more refused requests at once);
//! - **quiet**: what gives nobody anything (`public-key`, `verify-mac`), that a provider answered a
//!   call that was told of already, a new refresh token in the place of the last one, and the
//!   agent's coming and going;
//! - **normal**: everything else.
//!
//! A policy may say something else of the uses that it permits (`@notify`): the entry keeps it, and
//! it counts for the failure of a call too. A value that leaves the vault is urgent whatever a policy says.
//!
//! Text that came from outside is escaped ([`escaped`]) before it is in a sentence: it may go to
//! a terminal, a chat or a mail. The whole entry goes along for whoever wants more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    audit::entry::{Action, By, Ending, Entry, Event, Reason},
    operation::OperationName,
    store::StoredEntry,
};
use mark::Marks;

mod escape;
mod fact;
mod mark;
mod sentence;
mod tally;

// Where that is read back.
mod entries;

// What is told, and how soon.
mod tell;

// What is out of the ordinary.
mod pattern;

// What is told together.
mod digest;

// What is told next.
mod plan;

pub use entries::Entries;
pub use escape::escaped;
pub use fact::{Fact, facts};
pub use mark::Mark;
pub use plan::{Plan, Progress};
pub use sentence::sentence;
pub use tally::Tally;
pub use tell::{Audience, BadTell, CatchUp, QuietHours, Tell, Terms};

/// So many refused requests folded into one entry are more than a slip.
const FLOOD: u64 = 100;

/// What the owner is told about one entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// `<origin>/<index>`, for a digest `<origin>/<first>-<last>`: the same at every try, so that a
    /// receiver can drop repeats.
    pub id: String,
    /// The entry's index in the audit log; the last one's that a digest counts.
    pub index: u64,
    /// The time of that entry.
    pub time: Timestamp,
    /// How soon a person should look.
    pub urgency: Urgency,
    /// The entry's kind: `use`, `outcome`, `refusal`, `pending`, `decision`, `noise`, `administration`; `unreadable` for an entry
    /// that this version does not understand, and `digest` for what stands for several.
    pub kind: String,
    /// What is out of the ordinary about it.
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// One plain sentence.
    pub sentence: String,
    /// What stands beside it, where there is more to know.
    pub facts: Vec<Fact>,
    /// The entry itself; what a digest counts.
    pub entry: Value,
}

/// How soon a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Whenever.
    Quiet,
    /// Today.
    Normal,
    /// Now.
    Urgent,
}

impl Notification {
    /// Tells of an entry, and counts it. An entry that cannot be read makes a notification too:
    /// a channel must neither lose one nor wait forever at it. Marks are a [`Plan`]'s.
    pub fn of(origin: &str, stored: &StoredEntry, tally: &mut Tally) -> Self {
        match Entry::parse(&stored.line) {
            Ok(entry) => {
                let times = tally.count(&entry);
                Self::of_entry(origin, stored, &entry, times, &Marks::default())
            }
            Err(_) => Self::of_unreadable(origin, stored),
        }
    }

    /// Tells of an entry that was read and counted.
    fn of_entry(
        origin: &str,
        StoredEntry { index, line }: &StoredEntry,
        entry: &Entry,
        times: Option<u64>,
        marks: &Marks,
    ) -> Self {
        let mut sentence = sentence(entry, times);
        marks.push_to(&mut sentence);
        Self {
            id: format!("{origin}/{index}"),
            index: *index,
            time: entry.time,
            urgency: marked(urgency(&entry.event), marks),
            kind: entry.event.kind().to_string(),
            marks: marks.marks.clone(),
            sentence,
            facts: facts(*index, entry),
            entry: serde_json::from_str(line).unwrap_or_default(),
        }
    }

    fn of_unreadable(origin: &str, StoredEntry { index, line }: &StoredEntry) -> Self {
        Self {
            id: format!("{origin}/{index}"),
            index: *index,
            time: Timestamp::UNIX_EPOCH,
            urgency: Urgency::Urgent,
            kind: "unreadable".to_owned(),
            marks: Vec::new(),
            sentence: format!(
                "entry {index} of the audit log cannot be read by this version; run `strongroom audit verify`"
            ),
            facts: Vec::new(),
            entry: serde_json::from_str(line).unwrap_or_else(|_| Value::from(line.as_str())),
        }
    }
}

/// What is out of the ordinary is worth a look today, whatever a policy says.
fn marked(urgency: Urgency, marks: &Marks) -> Urgency {
    match marks.is_empty() {
        true => urgency,
        false => urgency.max(Urgency::Normal),
    }
}

/// How soon a person should look at this; the rule is at the top of this module.
pub fn urgency(event: &Event) -> Urgency {
    match event {
        Event::Use { ask, urgency, .. } => match (ask.operation, urgency) {
            (OperationName::Release, _) => Urgency::Urgent,
            (_, Some(urgency)) => *urgency,
            (OperationName::PublicKey | OperationName::VerifyMac, None) => Urgency::Quiet,
            (_, None) => Urgency::Normal,
        },
        Event::Outcome {
            ending, urgency, ..
        } => match ending {
            // The old value may be dead and the new one is lost: somebody has to act.
            Ending::NotKept => Urgency::Urgent,
            Ending::Answered | Ending::Issued => Urgency::Quiet,
            _ => urgency.unwrap_or(Urgency::Normal),
        },
        // Somebody waits for the owner.
        Event::Pending { .. } => Urgency::Urgent,
        Event::Decision { .. } => Urgency::Normal,
        Event::Refusal { reason, .. } if is_alarming(*reason) => Urgency::Urgent,
        Event::Noise { reason, count, .. } if is_alarming(*reason) || *count >= FLOOD => {
            Urgency::Urgent
        }
        Event::Refusal { .. } | Event::Noise { .. } => Urgency::Normal,
        Event::Administration {
            action: Action::SecretRotated,
            by: By::Agent,
            ..
        } => Urgency::Quiet,
        Event::Administration { action, .. } => match action {
            Action::SecretRevealed
            | Action::UnlockFailed
            | Action::RotationFailed
            | Action::Panicked => Urgency::Urgent,
            Action::AgentStarted | Action::AgentStopped | Action::ChannelOpened => Urgency::Quiet,
            _ => Urgency::Normal,
        },
    }
}

fn is_alarming(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Locked
            | Reason::UsedUp
            | Reason::Suspended
            | Reason::SecretSuspended
            | Reason::VaultSuspended
            | Reason::TooManyPending
            | Reason::Replay
    )
}

#[cfg(test)]
mod tests;
