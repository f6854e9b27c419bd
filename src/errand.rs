//! What can't be done with a key alone: calls to a provider, prepared here and sent by the agent.
//!
//! ```text
//! Recorded → Errand ⇄ (the agent sends its Call and brings the Reply) → Finished → Outcome
//! ```
//!
//! An operation says what to send and what becomes of the reply; sockets are the agent's
//! business. Each reply is turned into the next [`Call`], into a new version of the secret that
//! has to be durable before anything else happens (a provider that hands out a new refresh token
//! has given up the old one), or into the end.
//!
//! **Invariant: one at a time, where a call may use up the secret.** A refresh token is often good
//! once. A use that exchanges it waits for its [`Turn`], and then works with the version that is
//! the current one by then.
//!
//! **Invariant: what happened outside is recorded before it is answered.** [`Finished`] is no
//! answer: only [`Log::commit`](crate::audit::Log::commit) makes an
//! [`Outcome`] of it, together with the second entry, which tells how it ended.

use std::{fmt, sync::Arc};

use age::x25519::Recipient;
use jiff::Timestamp;

use crate::{
    audit::{Ending, Event, Noted},
    binding::Bound,
    name::Name,
    notification::Urgency,
    operation::{Done, OperationName},
    vault::{Changed, NotUsed, Outcome, UseError, material::Material, memory::with_clean_stack},
};

mod call;
mod turn;

pub use call::{Call, ClientCertificate, NoReply, Reply, Route};
pub(crate) use turn::{Begin, Begun, Opened};
pub use turn::{InTurn, Turn};

/// Where an operation stands.
pub(crate) enum Step {
    /// It is done, with no call.
    Done(Done),
    /// The agent has to send this first; then it goes on.
    Call(Box<Call>, Then),
    /// This has to be a durable version of the secret first; then it goes on.
    Keep(Material, Next),
    /// It has to wait for its turn first; then it goes on with the version that is current then.
    Wait(Begin),
    /// It is done, and its outcome is an entry of its own.
    Report(Report),
}

/// What becomes of a reply.
pub(crate) type Then = Box<dyn FnOnce(Reply) -> Result<Step, Failure> + Send>;

/// What comes after a version was kept.
pub(crate) type Next = Box<dyn FnOnce() -> Result<Step, Failure> + Send>;

/// The end of an errand, as the audit log tells it.
pub(crate) struct Report {
    pub(crate) done: Done,
    pub(crate) ending: Ending,
    /// The provider's HTTP status, if one was called.
    pub(crate) status: Option<u16>,
    /// When what was issued stops being good.
    pub(crate) expires: Option<Timestamp>,
    /// What else the owner should know of it.
    pub(crate) detail: Option<String>,
}

impl Report {
    /// A credential was issued; `status` is the provider's, if one was asked.
    pub(crate) fn issued(done: Done, status: Option<u16>, expires: Timestamp) -> Self {
        Self {
            done,
            ending: Ending::Issued,
            status,
            expires: Some(expires),
            detail: None,
        }
    }
}

/// Why an errand came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    ending: Ending,
    status: Option<u16>,
    detail: String,
    told: String,
}

/// A recorded use that has to call a provider.
#[must_use = "the use is recorded, so its outcome has to be too"]
pub struct Errand {
    call: Box<Call>,
    awaited: Awaited,
}

/// What waits for the reply to a call.
#[must_use = "the use is recorded, so its outcome has to be too"]
pub struct Awaited {
    owed: Owed,
    then: Then,
}

/// A recorded use that has a new version of its secret to keep.
#[must_use = "the provider may have given up the old version already"]
pub struct Keeping {
    owed: Owed,
    material: Material,
    next: Next,
}

/// What comes next: after a use has begun, and after each reply.
#[derive(Debug)]
pub enum Progress {
    /// A turn to wait for.
    Wait(Box<Turn>),
    /// Another call.
    Errand(Box<Errand>),
    /// A version to keep.
    Keep(Box<Keeping>),
    /// The end, not yet recorded.
    Finished(Box<Finished>),
}

/// An errand's end, on its way to the audit log.
#[derive(Debug)]
pub struct Finished {
    owed: Owed,
    end: Result<Done, NotUsed>,
    ending: Ending,
    status: Option<u16>,
    expires: Option<Timestamp>,
    detail: Option<String>,
}

/// To whom the answer goes, and what the second entry says of the use.
#[derive(Debug)]
pub(crate) struct Owed {
    pub(crate) noted: Noted,
    pub(crate) reply_to: Option<Recipient>,
    pub(crate) service: Name,
    pub(crate) secret: Name,
    pub(crate) version: u32,
    pub(crate) operation: OperationName,
    /// The secret's binding, as policy saw it.
    pub(crate) bound: Option<Arc<Bound>>,
    /// How soon a person should look, if policy says it.
    pub(crate) urgency: Option<Urgency>,
}

impl Failure {
    /// `detail` is for the owner, `told` for the caller: it says nothing of addresses.
    pub(crate) fn new(ending: Ending, detail: impl Into<String>, told: impl Into<String>) -> Self {
        Self {
            ending,
            status: None,
            detail: detail.into(),
            told: told.into(),
        }
    }

    /// With the status that the provider answered.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// How it ended, in a word.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// What the caller is told.
    pub fn told(&self) -> &str {
        &self.told
    }
}

impl From<NoReply> for Failure {
    fn from(error: NoReply) -> Self {
        let (ending, told) = match &error {
            NoReply::Unreachable(_) => (Ending::Unreachable, "the provider can't be reached"),
            NoReply::TargetRefused(_) => (Ending::TargetRefused, "the provider can't be reached"),
            NoReply::Broken(_) => (
                Ending::BadAnswer,
                "the provider's answer did not arrive whole",
            ),
            NoReply::TimedOut(_) => (Ending::TimedOut, "the provider did not answer in time"),
            NoReply::TooLarge(_) => (Ending::TooLarge, "the provider's answer is too large"),
            NoReply::NoRoom => (Ending::NoRoom, "the agent is busy; try again later"),
            NoReply::Locked => (Ending::CutOff, "the vault was locked meanwhile"),
        };
        Self::new(ending, error.to_string(), told)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Progress {
    fn owed(&self) -> &Owed {
        match self {
            Self::Wait(turn) => &turn.owed,
            Self::Errand(errand) => &errand.awaited.owed,
            Self::Keep(keeping) => &keeping.owed,
            Self::Finished(finished) => &finished.owed,
        }
    }

    /// Who asked.
    pub fn service(&self) -> &Name {
        &self.owed().service
    }

    /// The secret that is used.
    pub fn secret(&self) -> &Name {
        &self.owed().secret
    }
}

impl Errand {
    /// What to send, once, and what waits for the reply.
    pub fn set_out(self) -> (Box<Call>, Awaited) {
        (self.call, self.awaited)
    }
}

impl Awaited {
    /// Goes on with what came back.
    pub fn resume(self, reply: Result<Reply, NoReply>) -> Progress {
        let Self { owed, then } = self;
        let step = reply
            .map_err(Failure::from)
            .and_then(|reply| with_clean_stack(|| then(reply)));
        owed.progress(step)
    }

    /// Ends without the reply: the owner stopped it.
    pub fn cut_off(self, cause: NotUsed) -> Progress {
        self.owed.ended(Ending::CutOff, cause)
    }
}

impl Keeping {
    /// Whose new version it is.
    pub(crate) fn secret(&self) -> &Name {
        &self.owed.secret
    }

    /// The version that the new one takes the place of.
    pub(crate) fn replaces(&self) -> u32 {
        self.owed.version
    }

    pub(crate) fn material(&self) -> &Material {
        &self.material
    }

    /// Goes on, now that the version is durable, or ends because it is not.
    pub fn kept(self, kept: Result<&Changed, &str>) -> Progress {
        let Self { owed, next, .. } = self;
        let step = match kept {
            Ok(_) => with_clean_stack(next),
            Err(why) => Err(Failure::new(
                Ending::NotKept,
                format!(
                    "the provider gave a new value, and it could not be stored: {why}; \
                     version {} may not work any more",
                    owed.version
                ),
                "what the provider answered could not be stored",
            )),
        };
        owed.progress(step)
    }
}

impl Owed {
    pub(crate) fn progress(self, step: Result<Step, Failure>) -> Progress {
        let (end, ending, status, expires, detail) = match step {
            Ok(Step::Call(call, then)) => {
                let awaited = Awaited { owed: self, then };
                return Progress::Errand(Box::new(Errand { call, awaited }));
            }
            Ok(Step::Keep(material, next)) => {
                return Progress::Keep(Box::new(Keeping {
                    owed: self,
                    material,
                    next,
                }));
            }
            Ok(Step::Wait(begin)) => {
                return Progress::Wait(Box::new(Turn { owed: self, begin }));
            }
            Ok(Step::Report(Report {
                done,
                ending,
                status,
                expires,
                detail,
            })) => (Ok(done), ending, status, expires, detail),
            Ok(Step::Done(done)) => (Ok(done), Ending::Answered, None, None, None),
            Err(failure) => {
                let (ending, status) = (failure.ending, failure.status);
                let detail = failure.to_string();
                (
                    Err(NotUsed::Provider(failure)),
                    ending,
                    status,
                    None,
                    Some(detail),
                )
            }
        };
        Progress::Finished(Box::new(Finished {
            owed: self,
            end,
            ending,
            status,
            expires,
            detail,
        }))
    }

    /// The end, before the provider was called.
    pub(crate) fn stopped(self, cause: NotUsed) -> Progress {
        let ending = match cause {
            NotUsed::Locked => Ending::CutOff,
            _ => Ending::Stopped,
        };
        self.ended(ending, cause)
    }

    fn ended(self, ending: Ending, cause: NotUsed) -> Progress {
        Progress::Finished(Box::new(Finished {
            owed: self,
            detail: Some(cause.to_string()),
            end: Err(cause),
            ending,
            status: None,
            expires: None,
        }))
    }
}

impl Finished {
    /// The second entry.
    pub(crate) fn event(&self) -> Event {
        let Self {
            owed,
            ending,
            status,
            expires,
            detail,
            end,
        } = self;
        Event::Outcome {
            entry: owed.noted.index,
            service: owed.service.clone(),
            secret: owed.secret.clone(),
            version: owed.version,
            operation: owed.operation,
            ending: *ending,
            status: *status,
            expires: *expires,
            detail: detail.clone(),
            // That it went well was told with the use itself.
            urgency: owed.urgency.filter(|_| end.is_err()),
        }
    }

    /// Called in [`Log::commit`](crate::audit::Log::commit) after the transaction, nowhere else.
    pub(crate) fn recorded(self) -> Result<Outcome, UseError> {
        let Owed {
            noted, reply_to, ..
        } = self.owed;
        match self.end {
            Ok(done) => Ok(Outcome::new(noted, done, reply_to)),
            Err(cause) => Err(UseError::new(noted, cause)),
        }
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Errand").field(&self.call).finish()
    }
}

impl fmt::Debug for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Awaited").field(&self.owed).finish()
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keeping").field(&self.owed).finish()
    }
}
