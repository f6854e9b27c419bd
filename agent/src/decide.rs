//! Decisions: what the owner and the approvers say to requests that wait.
//!
//! An approver's word is signed, so it may come from anywhere (`POST /v1/approval`); the owner's
//! comes over the local socket, with the passphrase proved. Both end in [`decide`], which has held
//! calls look again.

use std::{fmt, sync::Arc};

use http::StatusCode;
use hyper::body::Incoming;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom::{
    answer::{Answer, Problem},
    approval::{
        Asked, BadStatement, Decision, NotDecided, Settled, Statement, Unreadable, Verdict,
    },
    audit::{Committed, NotRecorded, Noted, Reason, Submission},
    name::Name,
    request::{Arrival, WayIn},
};

use crate::{
    host::Host,
    noise::Noise,
    serve::{
        api::{self, Reply},
        body,
    },
};

mod row;

pub use row::{NeedRow, PendingRow, row, rows};

/// The largest body of a signed decision over the local socket; over TLS it is what is read of
/// anybody.
const LARGEST_HERE: usize = 1024 * 1024;

/// What an approver signed, as it is handed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// The line that was signed.
    pub statement: String,
    /// The armored SSHSIG over it.
    pub signature: String,
}

/// A decision that is on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnRecord {
    pub entry: String,
    pub receipt: String,
}

/// Why a decision does not count.
#[derive(Debug)]
pub enum Undecided {
    Not(NotDecided),
    Unreadable(Unreadable),
    NotRecorded(NotRecorded),
}

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Not(why) => why.fmt(f),
            Self::Unreadable(why) => why.fmt(f),
            Self::NotRecorded(why) => write!(
                f,
                "the decision could not be recorded, so it does not count: {why}"
            ),
        }
    }
}

impl From<NotDecided> for Undecided {
    fn from(error: NotDecided) -> Self {
        Self::Not(error)
    }
}

impl From<BadStatement> for Undecided {
    fn from(error: BadStatement) -> Self {
        Self::Not(error.into())
    }
}

impl From<Unreadable> for Undecided {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl From<NotRecorded> for Undecided {
    fn from(error: NotRecorded) -> Self {
        Self::NotRecorded(error)
    }
}

/// Answers `POST /v1/approval`.
pub async fn hand_in(host: &Arc<Host>, arrival: Arrival, body: &mut Incoming) -> Reply {
    let answer = match handed_in(host, arrival, body).await {
        Ok(noted) => Answer::json(StatusCode::OK, &OnRecord::from(noted)),
        Err(answer) => answer,
    };
    // Nobody's request is there that it could be bound to; that the agent said it, is signed.
    let headers = answer.sign(host.identity(), None, Timestamp::now());
    api::with_headers(answer, headers)
}

async fn handed_in(
    host: &Arc<Host>,
    arrival: Arrival,
    body: &mut Incoming,
) -> Result<Noted, Answer> {
    let noise = |reason, detail: &str| {
        let noise = Noise::new(arrival, reason, None, detail);
        host.noise().count(host, noise);
    };
    let most = match arrival.way_in {
        WayIn::Local => LARGEST_HERE,
        WayIn::Tls => body::SMALL,
    };
    let reading = body::read(body, most, |_| Ok(()));
    let bytes = match tokio::time::timeout(host.config().limits.request(), reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(unread)) => {
            noise(unread.reason(), unread.detail());
            return Err(Answer::refusal(unread.problem(), unread.told(), None));
        }
        Err(_) => return Err(Answer::refusal(Problem::TooSlow, "", None)),
    };
    let Ok(signed) = serde_json::from_slice::<Signed>(&bytes) else {
        let detail = "the body is not a signed decision: `statement` and `signature`";
        noise(Reason::Malformed, detail);
        return Err(Answer::refusal(Problem::Malformed, detail, None));
    };
    signed_by_approver(host, &signed)
        .await
        .map_err(|why| match why {
            Undecided::Not(why) => {
                noise(reason(&why), &why.to_string());
                Answer::refusal(problem(&why), &why.to_string(), None)
            }
            Undecided::Unreadable(error) => {
                tracing::error!(%error, "a request that waits can't be read");
                Answer::refusal(Problem::Internal, "", None)
            }
            Undecided::NotRecorded(_) => Answer::refusal(Problem::CannotRecord, "", None),
        })
}

/// What an approver signed counts, if it holds.
pub async fn signed_by_approver(host: &Arc<Host>, signed: &Signed) -> Result<Noted, Undecided> {
    let statement = Statement::parse(&signed.statement)?;
    let asked = asked(host, statement.id())?;
    let decision = Decision::by_approver(
        &statement,
        &signed.signature,
        asked.as_ref(),
        &host.vault().catalog(),
        host.identity().thumbprint(),
        Timestamp::now(),
    )?;
    decide(host, decision).await
}

/// What the owner says counts. That it is the owner was proved, where it says yes.
pub async fn by_owner(
    host: &Arc<Host>,
    id: u64,
    verdict: Verdict,
    minutes: Option<u32>,
) -> Result<Noted, Undecided> {
    let asked = asked(host, id)?.ok_or(NotDecided::UnknownId(id))?;
    let decision = Decision::by_owner(&asked, verdict, minutes, None, Timestamp::now())?;
    decide(host, decision).await
}

/// Denies what waits of these services and secrets, by the owner's word: they are suspended. How many
/// those were. No answer that was given before is given again.
pub async fn deny_all(
    host: &Arc<Host>,
    which: impl Fn(&Name, &Name) -> bool,
    detail: &str,
) -> Result<usize, Undecided> {
    host.waiting().stop_all();
    let vkey = host.identity().checkpoint_vkey();
    let waiting = host.read(|store| Asked::all_waiting(store, &vkey))?;
    let now = Timestamp::now();
    let mut denied = 0;
    for asked in &waiting {
        if !which(&asked.ask.service, &asked.secret) {
            continue;
        }
        let detail = Some(detail.to_owned());
        let decision = Decision::by_owner(asked, Verdict::Deny, None, detail, now);
        match decision.map_err(Undecided::from) {
            Ok(decision) => match decide(host, decision).await {
                Ok(_) => denied += 1,
                // Somebody else ended it at the same moment.
                Err(Undecided::Not(_)) => {}
                Err(error) => return Err(error),
            },
            Err(_) => continue,
        }
    }
    Ok(denied)
}

async fn decide(host: &Arc<Host>, decision: Decision) -> Result<Noted, Undecided> {
    let (id, verdict) = (decision.id(), decision.verdict());
    match host.record(Submission::Decide(Box::new(decision))).await? {
        Committed::Decided(noted) => {
            tracing::info!(id, ?verdict, "decided");
            // A yes may stand for others that wait for the same.
            host.waiting().wake_all();
            Ok(noted)
        }
        Committed::NotDecided(why) => Err(why.into()),
        _ => Err(NotRecorded::Stopped.into()),
    }
}

fn asked(host: &Host, id: u64) -> Result<Option<Asked>, Unreadable> {
    let vkey = host.identity().checkpoint_vkey();
    host.read(|store| Asked::read(store, &vkey, id))
}

impl From<Noted> for OnRecord {
    fn from(noted: Noted) -> Self {
        let Noted { entry, receipt, .. } = noted;
        Self { entry, receipt }
    }
}

/// What whoever handed it in is told in a word.
fn problem(why: &NotDecided) -> Problem {
    match why {
        NotDecided::Statement(_) | NotDecided::Signature(_) => Problem::Malformed,
        NotDecided::UnknownId(_) => Problem::UnknownId,
        // To have been denied is no refusal of this.
        NotDecided::Over {
            how: Settled::Denied,
            ..
        } => Problem::Answered,
        NotDecided::Over { how, .. } => how.problem(),
        NotDecided::Expired(_) => Problem::ApprovalExpired,
        NotDecided::ForeignAgent(_)
        | NotDecided::Altered(_)
        | NotDecided::ForeignNamespace(_)
        | NotDecided::KeyOfService { .. }
        | NotDecided::UnknownKey(_)
        | NotDecided::Retired(_)
        | NotDecided::NotAsked { .. }
        | NotDecided::Operates { .. }
        | NotDecided::NotSigned(_)
        | NotDecided::Already { .. }
        | NotDecided::OtherService { .. }
        | NotDecided::NotYet(_) => Problem::Denied,
    }
}

/// What it is counted as.
fn reason(why: &NotDecided) -> Reason {
    match why {
        NotDecided::Statement(_) | NotDecided::Signature(_) => Reason::Malformed,
        NotDecided::ForeignAgent(_) => Reason::WrongAudience,
        NotDecided::KeyOfService { .. } | NotDecided::UnknownKey(_) | NotDecided::Retired(_) => {
            Reason::UnknownKey
        }
        NotDecided::ForeignNamespace(_) | NotDecided::NotSigned(_) => Reason::BadSignature,
        NotDecided::Already { .. } => Reason::Replay,
        NotDecided::Expired(_) | NotDecided::Over { .. } => Reason::Expired,
        NotDecided::UnknownId(_)
        | NotDecided::Altered(_)
        | NotDecided::NotAsked { .. }
        | NotDecided::Operates { .. }
        | NotDecided::OtherService { .. }
        | NotDecided::NotYet(_) => Reason::Denied,
    }
}
