//! Every way in which a signed call ends with nothing, and what becomes of each: an entry, noise, and
//! what the caller is told.

use std::sync::Arc;

use strongroom::{
    answer::{Answer, Problem},
    approval::{NotAgain, Settled, Unreadable},
    audit::{Committed, Event, NotRecorded, Reason, Submission},
    name::Name,
    policy::Refused,
    request::{Arrival, Malformed, NotAuthenticated},
    vault::UseError,
};

use crate::{host::Host, noise::Noise, serve::body::Unread};

/// Every way in which a request ends without an outcome.
#[derive(Debug)]
pub enum Stop {
    Unread(Unread),
    TooSlow,
    Refused(Box<Refused>),
    /// By the audit log itself, which has the entry already.
    RefusedOnRecord(Box<Refused>),
    Replayed(Box<Event>),
    NotRecorded,
    NotUsed(Box<UseError>),
    /// A call about a request of this id, which is not one of this service.
    UnknownId {
        id: u64,
        service: Name,
    },
    /// The request that waited has ended.
    Over(Settled),
    /// The request that is to be given up has ended.
    Ended(Settled),
    /// What waits can't be opened while the vault is locked.
    LockedMeanwhile {
        id: u64,
        service: Name,
    },
    /// What waits can't be read.
    Unreadable(String),
}

impl Stop {
    /// Refusals count: what is known of the sender decides whether it is an entry of its own.
    pub async fn refuse(self, host: &Arc<Host>, arrival: Arrival) -> Answer {
        let noise = |reason, service, detail: &str| {
            let noise = Noise::new(arrival, reason, service, detail);
            host.noise().count(host, noise);
        };
        match self {
            Self::Unread(error) => {
                noise(error.reason(), error.service().cloned(), error.detail());
                Answer::refusal(error.problem(), error.told(), None)
            }
            Self::TooSlow => {
                let detail = "the request did not arrive, or could not be recorded, in time";
                Answer::refusal(Problem::TooSlow, detail, None)
            }
            Self::Refused(refused) => {
                let problem = refused.problem();
                let told = refused.told().to_owned();
                match host.record(Submission::Refusal(*refused)).await {
                    // Without its entry: that has the detail, and would tell which names exist.
                    Ok(Committed::Noted(_)) => Answer::refusal(problem, &told, None),
                    Ok(Committed::Replay(event)) => replayed(host, event),
                    _ => cannot_record(),
                }
            }
            Self::RefusedOnRecord(refused) => Answer::refusal_for_now(
                refused.problem(),
                refused.told(),
                None,
                refused.retry_after(),
            ),
            Self::Replayed(event) => replayed(host, *event),
            Self::NotRecorded => cannot_record(),
            Self::NotUsed(error) => {
                Answer::refusal(error.problem(), &error.told(), Some(error.noted()))
            }
            Self::UnknownId { id, service } => {
                let detail = format!("no request of this service's has the id `{id}`");
                noise(Reason::Denied, Some(service), &detail);
                Answer::refusal(Problem::UnknownId, "", None)
            }
            Self::Over(how) => {
                let told = match how {
                    Settled::Denied => "it was denied",
                    _ => "",
                };
                Answer::refusal(how.problem(), told, None)
            }
            Self::Ended(how) => match how {
                // To be denied and given up is no refusal of this call.
                Settled::Denied => {
                    Answer::refusal(Problem::Answered, "an approver has denied it", None)
                }
                how => Answer::refusal(how.problem(), "", None),
            },
            Self::LockedMeanwhile { id, service } => {
                let detail = format!("the vault is locked, and request `{id}` waits in it");
                noise(Reason::Locked, Some(service), &detail);
                Answer::refusal(Problem::Locked, "", None)
            }
            Self::Unreadable(error) => {
                tracing::error!(%error, "a request that waits can't be read");
                Answer::refusal(Problem::Internal, "", None)
            }
        }
    }
}

fn replayed(host: &Arc<Host>, event: Event) -> Answer {
    if let Some(noise) = Noise::replay(event) {
        host.noise().count(host, noise);
    }
    Answer::refusal(Problem::Replay, "", None)
}

fn cannot_record() -> Answer {
    Answer::refusal(Problem::CannotRecord, "", None)
}

impl From<Unread> for Stop {
    fn from(error: Unread) -> Self {
        Self::Unread(error)
    }
}

impl From<Malformed> for Stop {
    fn from(error: Malformed) -> Self {
        Self::Unread(Unread::Malformed(error))
    }
}

impl From<NotAuthenticated> for Stop {
    fn from(error: NotAuthenticated) -> Self {
        Self::Unread(Unread::NotAuthenticated(error))
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl From<Box<Refused>> for Stop {
    fn from(refused: Box<Refused>) -> Self {
        Self::Refused(refused)
    }
}

impl From<NotRecorded> for Stop {
    fn from(_: NotRecorded) -> Self {
        // The writer has logged why; the caller is told no more than that.
        Self::NotRecorded
    }
}

impl From<UseError> for Stop {
    fn from(error: UseError) -> Self {
        Self::NotUsed(Box::new(error))
    }
}

impl From<NotAgain> for Stop {
    fn from(error: NotAgain) -> Self {
        match error {
            NotAgain::NotAuthenticated(error) => error.into(),
            other => Self::Unreadable(other.to_string()),
        }
    }
}

impl From<Unreadable> for Stop {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error.to_string())
    }
}
