//! The whole agent on one screen: what happens to a request.
//!
//! Read [`access`] aloud: read, parse, authenticate, authorise, look whether the vault is open,
//! record, use the key. Each step takes the last one's proof by value, so none can be left out, and
//! no key is used before its entry is durable.

use std::sync::Arc;

use http::{request::Parts, uri::PathAndQuery};
use hyper::body::Incoming;
use jiff::Timestamp;
use strongroom::{
    answer::{Answer, Problem},
    audit::{Committed, Event, NotRecorded, Reason, Recorded, Submission},
    errand::Progress,
    policy::{Authorized, Permit, Refused},
    request::{Arrival, Malformed, NotAuthenticated, Request, RequestSignature},
    vault::{Outcome, UseError, Used},
};

use crate::{
    errand,
    host::Host,
    noise::Noise,
    outbound::Held,
    serve::{
        api::{self, Reply},
        body::{self, Unread},
    },
};

/// Answers one access request; whatever the answer, it is signed and bound to the request.
pub async fn answer(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
) -> Reply {
    let held = Held::new(host.outbound().room());
    let answer = match outcome(host, arrival, parts, body, &held).await {
        Ok(outcome) => Ok(outcome),
        Err(stop) => Err(refuse(host, arrival, stop).await),
    };
    apart(held.is_anything(), || {
        let answer = answer.map_or_else(|refusal| refusal, Answer::to_outcome);
        let bound_to = RequestSignature::of(&parts.headers);
        let signature = answer.sign(host.identity(), bound_to.as_ref(), Timestamp::now());
        api::keeping(answer, signature, held)
    })
}

/// Megabytes are decoded, searched and encoded where no other request waits for the thread.
pub fn apart<T>(is_large: bool, work: impl FnOnce() -> T) -> T {
    match is_large {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

/// The request has `limits.request_seconds` until its key is used; a provider has its own time.
async fn outcome(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
    held: &Arc<Held>,
) -> Result<Outcome, Stop> {
    let access = access(host, arrival, parts, body, held);
    match tokio::time::timeout(host.config().limits.request(), access).await {
        Ok(Ok(Used::Done(outcome))) => Ok(outcome),
        Ok(Ok(Used::Begun(progress))) => finish(host, progress, held).await,
        Ok(Err(stop)) => Err(stop),
        Err(_) => Err(Stop::TooSlow),
    }
}

async fn access(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
    held: &Held,
) -> Result<Used, Stop> {
    let bytes = body::signed(host, parts, body, held).await?;
    let request = apart(held.is_anything(), || parse(host, parts, bytes))?;

    // What the owner changes comes before all of this or after it.
    let _unchanged = host.unchanged().await;
    let now = Timestamp::now();
    let catalog = host.vault().catalog();
    let authenticated = request.authenticate(
        catalog.services(),
        host.identity().thumbprint(),
        arrival,
        now,
    )?;
    let permit = match authenticated.authorize(&catalog)? {
        Authorized::Permit(permit) => open(host, permit)?,
        Authorized::Proposal(proposal) => {
            let detail = "nobody can be asked for an approval yet";
            return Err(proposal.refuse(Reason::NeedsApproval, detail).into());
        }
    };
    let recorded = record(host, permit).await?;
    Ok(host.vault().use_key(recorded)?)
}

/// The bytes are given up here: what is large in a request is held once.
fn parse(host: &Host, parts: &Parts, bytes: Vec<u8>) -> Result<Request, Stop> {
    let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let request = Request::parse(&parts.method, target, &parts.headers, &bytes)?;
    let is_large = bytes.len() > host.config().limits.body;
    if is_large && !request.operation().takes_large_body() {
        return Err(Stop::Unread(Unread::TooLarge));
    }
    Ok(request)
}

/// A locked vault answers 423, and the entry tells the owner who asked.
fn open(host: &Host, permit: Permit) -> Result<Permit, Box<Refused>> {
    if host.vault().is_unlocked() {
        Ok(permit)
    } else {
        Err(Box::new(
            permit.refuse(Reason::Locked, "the vault is locked"),
        ))
    }
}

/// Durable first: what comes back is the proof that the key may be used now.
async fn record(host: &Host, permit: Permit) -> Result<Recorded, Stop> {
    match host.record(Submission::Use(permit)).await? {
        Committed::Use(recorded) => Ok(recorded),
        Committed::Refused(refused) => Err(Stop::RefusedOnRecord(refused)),
        Committed::Replay(event) => Err(Stop::Replayed(Box::new(event))),
        _ => Err(Stop::NotRecorded),
    }
}

/// A use that needs its provider's answer goes on by itself, also if the caller hangs up: what
/// happened outside is recorded.
async fn finish(host: &Arc<Host>, progress: Progress, held: &Arc<Held>) -> Result<Outcome, Stop> {
    match errand::finish(host, progress, held).await? {
        Committed::Outcome(outcome) => outcome.map_err(Stop::NotUsed),
        _ => Err(Stop::NotRecorded),
    }
}

/// Every way in which a request ends without an outcome.
enum Stop {
    Unread(Unread),
    TooSlow,
    Refused(Box<Refused>),
    /// By the audit log itself, which has the entry already.
    RefusedOnRecord(Box<Refused>),
    Replayed(Box<Event>),
    NotRecorded,
    NotUsed(Box<UseError>),
}

/// Refusals count: what is known of the sender decides whether it is an entry of its own.
async fn refuse(host: &Arc<Host>, arrival: Arrival, stop: Stop) -> Answer {
    match stop {
        Stop::Unread(error) => {
            let noise = Noise::new(
                arrival,
                error.reason(),
                error.service().cloned(),
                error.detail(),
            );
            host.noise().count(host, noise);
            Answer::refusal(error.problem(), error.told(), None)
        }
        Stop::TooSlow => {
            let detail = "the request did not arrive, or could not be recorded, in time";
            Answer::refusal(Problem::TooSlow, detail, None)
        }
        Stop::Refused(refused) => {
            let problem = refused.problem();
            let told = refused.told().to_owned();
            match host.record(Submission::Refusal(*refused)).await {
                // Without its entry: that has the detail, and would tell which names exist.
                Ok(Committed::Noted(_)) => Answer::refusal(problem, &told, None),
                Ok(Committed::Replay(event)) => replayed(host, event),
                _ => cannot_record(),
            }
        }
        Stop::RefusedOnRecord(refused) => Answer::refusal_for_now(
            refused.problem(),
            refused.told(),
            None,
            refused.retry_after(),
        ),
        Stop::Replayed(event) => replayed(host, *event),
        Stop::NotRecorded => cannot_record(),
        Stop::NotUsed(error) => {
            Answer::refusal(error.problem(), &error.told(), Some(error.noted()))
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
