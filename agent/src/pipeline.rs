//! The whole agent on one screen: what happens to a request.
//!
//! Read [`access`] aloud: read, parse, authenticate, authorise, ask where somebody has to approve,
//! look whether the vault is open, record, use the key. Each step takes the last one's proof by
//! value, so none can be left out, and no key is used before its entry is durable. What waited for
//! an approval goes the same way again when it is collected ([`waiting`](crate::waiting)).

use std::sync::Arc;

use http::{request::Parts, uri::PathAndQuery};
use hyper::body::Incoming;
use jiff::Timestamp;
use strongroom::{
    answer::Answer,
    audit::{Committed, Reason, Recorded, Submission},
    errand::Progress,
    policy::{Authorized, Permit, Refused},
    request::{Arrival, MAX_BODY, Request, RequestSignature},
    vault::{Outcome, Used},
};

use crate::{
    errand,
    host::Host,
    outbound::Held,
    serve::{
        api::{self, Reply},
        body::{self, Unread},
    },
    waiting::{self, Ended, Waits},
};

mod stop;

pub use stop::Stop;

/// Answers one access request; whatever the answer, it is signed and bound to the request.
pub async fn answer(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
) -> Reply {
    let held = Held::new(host.outbound().room());
    let ended = outcome(host, arrival, parts, body, &held).await;
    reply(host, arrival, parts, ended, held).await
}

/// Answers a signed call, with what came of it or with why nothing did.
pub async fn reply(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    ended: Result<Ended, Stop>,
    held: Arc<Held>,
) -> Reply {
    let Ended { answer, waited } = match ended {
        Ok(ended) => ended,
        Err(stop) => Ended::at_once(stop.refuse(host, arrival).await),
    };
    apart(held.is_anything(), || {
        let bound_to = RequestSignature::of(&parts.headers);
        let mut headers = answer.sign(host.identity(), bound_to.as_ref(), Timestamp::now());
        headers.extend(waited.and_then(waiting::applied));
        api::keeping(answer, headers, held)
    })
}

/// Megabytes are decoded, searched and encoded where no other request waits for the thread.
pub fn apart<T>(is_large: bool, work: impl FnOnce() -> T) -> T {
    match is_large {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

/// The request has `limits.request_seconds` until its key is used, or until it waits; a provider has
/// its own time, and so has whoever approves.
async fn outcome(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
    held: &Arc<Held>,
) -> Result<Ended, Stop> {
    let access = access(host, arrival, parts, body, held);
    match tokio::time::timeout(host.config().limits.request(), access).await {
        Ok(Ok(Access::Used(used))) => finish(host, used, held).await.map(Ended::at_once),
        Ok(Ok(Access::Waits(waits))) => Ok(waiting::wait(host, arrival, parts, waits, held).await),
        Ok(Err(stop)) => Err(stop),
        Err(_) => Err(Stop::TooSlow),
    }
}

/// How far a request comes at once.
enum Access {
    Used(Used),
    Waits(Waits),
}

async fn access(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
    held: &Held,
) -> Result<Access, Stop> {
    let bytes = body::signed(host, parts, body, held).await?;
    let (request, whole) = apart(held.is_anything(), || parse(host, parts, bytes))?;

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
        Authorized::Permit(permit) => permit,
        Authorized::Proposal(proposal) => {
            match waiting::standing(host, *proposal, &catalog, now)? {
                Ok(permit) => permit,
                Err(proposal) => {
                    let waits = waiting::ask(host, parts, whole, *proposal, now).await?;
                    return Ok(Access::Waits(waits));
                }
            }
        }
    };
    let permit = open(host, permit)?;
    let recorded = record(host, permit).await?;
    Ok(Access::Used(host.vault().use_key(recorded)?))
}

/// The bytes of a large request are given up here: it is held once, and can't wait for anybody.
fn parse(host: &Host, parts: &Parts, bytes: Vec<u8>) -> Result<(Request, Option<Vec<u8>>), Stop> {
    let request = Request::parse(&parts.method, target(parts), &parts.headers, &bytes)?;
    let is_large = bytes.len() > host.config().limits.body;
    if is_large && !request.operation().takes_large_body() {
        return Err(Stop::Unread(Unread::TooLarge));
    }
    let whole = (bytes.len() <= MAX_BODY).then_some(bytes);
    Ok((request, whole))
}

/// The path as the agent sees it, with the query if there is one.
pub fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("", PathAndQuery::as_str)
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
pub async fn record(host: &Host, permit: Permit) -> Result<Recorded, Stop> {
    match host.record(Submission::Use(permit)).await? {
        Committed::Use(recorded) => Ok(recorded),
        Committed::Refused(refused) => Err(Stop::RefusedOnRecord(refused)),
        Committed::Replay(event) => Err(Stop::Replayed(Box::new(event))),
        _ => Err(Stop::NotRecorded),
    }
}

/// The answer to a use. One that needs its provider's answer goes on by itself, also if the caller
/// hangs up: what happened outside is recorded.
pub async fn finish(host: &Arc<Host>, used: Used, held: &Arc<Held>) -> Result<Answer, Stop> {
    let outcome = match used {
        Used::Done(outcome) => outcome,
        Used::Begun(progress) => provided(host, progress, held).await?,
    };
    Ok(apart(held.is_anything(), || Answer::to_outcome(outcome)))
}

async fn provided(host: &Arc<Host>, progress: Progress, held: &Arc<Held>) -> Result<Outcome, Stop> {
    match errand::finish(host, progress, held).await? {
        Committed::Outcome(outcome) => outcome.map_err(Stop::NotUsed),
        _ => Err(Stop::NotRecorded),
    }
}
