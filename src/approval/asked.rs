//! A request that waits, or waited, and what was said to it: as the audit log tells it.
//!
//! **Invariant: only what is in the signed tree counts.** The store's rows say which entries to
//! look at. Each line is proved against the newest checkpoint before a word of it is believed: whoever can write
//! the file can put a yes of the owner's into the table, and not into the tree.

use std::{fmt, ops::Deref};

use jiff::{SignedDuration, Timestamp};

use super::{Same, Verdict};
use crate::{
    answer::Problem,
    audit::{Ask, By, Decided, Entry, Event, LogKey, NoReceipt, receipt::proved_line},
    name::Name,
    notification::Urgency,
    policy::{Approval, Proposal},
    store::{Reader, StoreError},
};

/// A request that waits, or waited, as its entry shows it to whoever decides. Of itself it proves
/// nothing: it may come from a notification, on another machine.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The index of its entry in the audit log.
    pub id: u64,
    /// The entry's line, as stored: what a statement is about.
    pub line: String,
    /// When it was recorded.
    pub time: Timestamp,
    /// Who asked for what.
    pub ask: Ask,
    /// The secret that the name asked for stood for.
    pub secret: Name,
    /// The version that was current.
    pub version: u32,
    /// The policies that permit it.
    pub policies: Vec<String>,
    /// Who has to say yes: all of these.
    pub needs: Vec<Approval>,
    /// Until when it waits, and until when it can be collected.
    pub expires: Timestamp,
    /// How soon a person should look, if a policy says it.
    pub urgency: Option<Urgency>,
    /// What makes another request the same operation.
    pub same: Same,
}

/// A request that waits, or waited, which the audit log proves to be in it, and what was said to
/// it.
///
/// [`Asked::read`] makes one, and nothing else does.
#[derive(Clone, Debug)]
pub struct Asked {
    shown: Shown,
    /// What was said to it, in order.
    pub said: Vec<Said>,
    /// How it ended, if it did, and the index of the entry that says so.
    pub settled: Option<(Settled, u64)>,
}

/// What one approver said.
#[derive(Clone, Debug)]
pub struct Said {
    /// The index of its entry in the audit log.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Yes or no.
    pub verdict: Verdict,
    /// Who.
    pub by: Voice,
    /// For how many minutes a yes stands for the same operation; once if there are none.
    pub minutes: Option<u32>,
    /// The fingerprint of the approver's key.
    pub key: Option<String>,
    /// The approver's SSHSIG over the statement, armored.
    pub signature: Option<String>,
    /// Anything else that a reader wants to know.
    pub detail: Option<String>,
}

/// Who decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// The owner, who counts as one of every group.
    Owner,
    /// An approver.
    Approver(Name),
}

/// How a request that waited ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// It was approved and collected: the key was used.
    Used,
    /// Somebody said no.
    Denied,
    /// The service does not want it any more.
    Cancelled,
    /// Nobody decided in time, or nobody collected.
    Expired,
}

/// Why a request that waits can't be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// What the tables say is not what the signed tree has.
    #[error(
        "what the store says about the waiting request `{id}` is not what the audit log has; run `strongroom audit verify`"
    )]
    Damaged {
        /// Which.
        id: u64,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Asked {
    /// The request with this id; `None` if there never was one. `vkey` is the audit log's verifier
    /// key.
    pub fn read(reader: &impl Reader, vkey: &str, id: u64) -> Result<Option<Self>, Unreadable> {
        let key = LogKey::parse(vkey).map_err(|_| Unreadable::Damaged { id })?;
        let line = match proved_line(reader, &key, id) {
            Ok(line) => line,
            Err(NoReceipt::NoSuchEntry { .. }) => return Ok(None),
            Err(NoReceipt::Damaged) => return Err(Unreadable::Damaged { id }),
            Err(NoReceipt::Store(error)) => return Err(error.into()),
        };
        let Some(shown) = Shown::of_line(id, line) else {
            return Ok(None);
        };
        let mut said = Vec::new();
        for decision in reader.decisions(id)? {
            let line = match proved_line(reader, &key, decision.entry) {
                Ok(line) => line,
                Err(NoReceipt::Store(error)) => return Err(error.into()),
                Err(_) => return Err(Unreadable::Damaged { id }),
            };
            let one = Said::of_line(id, decision.entry, &line);
            said.push(one.ok_or(Unreadable::Damaged { id })?);
        }
        let settled = match reader.settled(id)? {
            None => None,
            Some((how, entry)) => {
                let how = Settled::parse(&how).ok_or(Unreadable::Damaged { id })?;
                Some((how, entry))
            }
        };
        Ok(Some(Self {
            shown,
            said,
            settled,
        }))
    }

    /// All requests that nothing has ended, those whose time is over too. What is damaged is left
    /// out, here and below: nobody can decide on it or collect it, and it hides no other.
    pub fn all_waiting(reader: &impl Reader, vkey: &str) -> Result<Vec<Self>, Unreadable> {
        Self::read_all(reader, vkey, reader.waiting()?)
    }

    /// The requests for this same operation that have a yes which stands at `now`.
    pub fn standing(
        reader: &impl Reader,
        vkey: &str,
        same: &Same,
        now: Timestamp,
    ) -> Result<Vec<Self>, Unreadable> {
        let ids = reader.standing(same.as_bytes(), now.as_millisecond())?;
        Self::read_all(reader, vkey, ids)
    }

    /// All that can make a quorum for this proposal: the request itself, if it waited, and what
    /// stands for the same operation.
    pub fn about(
        reader: &impl Reader,
        vkey: &str,
        proposal: &Proposal,
        now: Timestamp,
    ) -> Result<Vec<Self>, Unreadable> {
        let own = proposal.authenticated().waited();
        let mut about = Self::standing(reader, vkey, proposal.same(), now)?;
        about.retain(|one| Some(one.id) != own);
        if let Some(id) = own {
            about.extend(Self::read(reader, vkey, id)?);
        }
        Ok(about)
    }

    fn read_all(reader: &impl Reader, vkey: &str, ids: Vec<u64>) -> Result<Vec<Self>, Unreadable> {
        ids.into_iter()
            .filter_map(|id| match Self::read(reader, vkey, id) {
                Err(Unreadable::Damaged { .. }) => None,
                read => read.transpose(),
            })
            .collect()
    }

    /// Whether somebody said no.
    pub fn is_denied(&self) -> bool {
        self.said.iter().any(|one| one.verdict == Verdict::Deny)
    }
}

/// What the entry shows.
impl Deref for Asked {
    type Target = Shown;

    fn deref(&self) -> &Shown {
        &self.shown
    }
}

impl Shown {
    /// Reads the line of a pending entry.
    pub fn of_line(id: u64, line: impl Into<String>) -> Option<Self> {
        let line = line.into();
        let entry = Entry::parse(&line).ok()?;
        let Event::Pending {
            ask,
            secret,
            version,
            policies,
            needs,
            expires,
            urgency,
        } = entry.event
        else {
            return None;
        };
        let needs = needs.iter().map(|need| need.parse());
        Some(Self {
            id,
            time: entry.time,
            same: Same::of(&ask, &secret),
            ask,
            secret,
            version,
            policies,
            needs: needs.collect::<Result<_, _>>().ok()?,
            expires,
            urgency,
            line,
        })
    }
}

impl Said {
    fn of_line(id: u64, entry: u64, line: &str) -> Option<Self> {
        let parsed = Entry::parse(line).ok()?;
        let Event::Decision {
            entry: about,
            decided,
            by,
            approver,
            minutes,
            key,
            signature,
            detail,
            ..
        } = parsed.event
        else {
            return None;
        };
        let verdict = match decided {
            Decided::Approved => Verdict::Approve,
            Decided::Denied => Verdict::Deny,
            Decided::Cancelled | Decided::Expired => return None,
        };
        let by = match (by, approver) {
            (By::Owner, None) => Voice::Owner,
            (By::Approver, Some(name)) => Voice::Approver(name),
            _ => return None,
        };
        (about == id).then_some(Self {
            entry,
            time: parsed.time,
            verdict,
            by,
            minutes,
            key,
            signature,
            detail,
        })
    }

    /// Until when a yes stands for the same operation, if it stands at all.
    pub fn stands_until(&self) -> Option<Timestamp> {
        let minutes = SignedDuration::from_mins(self.minutes?.into());
        match self.verdict {
            Verdict::Approve => self.time.checked_add(minutes).ok(),
            Verdict::Deny => None,
        }
    }
}

impl Settled {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Used, Self::Denied, Self::Cancelled, Self::Expired];

    /// The word for it in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The one with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// What the service is told that collects.
    pub fn problem(self) -> Problem {
        match self {
            Self::Used => Problem::Answered,
            Self::Denied => Problem::Denied,
            Self::Cancelled => Problem::Cancelled,
            Self::Expired => Problem::ApprovalExpired,
        }
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `the owner`, or the approver's name.
impl fmt::Display for Voice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner => f.pad("the owner"),
            Self::Approver(name) => f.pad(name.as_str()),
        }
    }
}
