//! The calls about a request that waits: for its result, and to give it up.
//!
//! Each is signed like a request and counts once: its nonce is spent before anything else happens, so
//! that whoever saw a call can't collect with it.

use std::sync::Arc;

use http::request::Parts;
use hyper::body::Incoming;
use jiff::Timestamp;
use strongroom::{
    answer::Answer,
    approval::{NotDecided, Settled, Settlement},
    audit::{Committed, Submission},
    request::{Arrival, Call, Called, Wanted, call::MAX_CALL, prefer},
};

use super::{
    Ended,
    ask::{asked_by, still_waits},
    collect::collect,
    hold,
};
use crate::{
    host::Host,
    outbound::Held,
    pipeline::{self, Stop, target},
    serve::{api::Reply, body},
};

/// Answers one call; whatever the answer, it is signed and bound to the call.
pub async fn answer(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
) -> Reply {
    let held = Held::new(host.outbound().room());
    let ended = outcome(host, arrival, parts, body, &held).await;
    pipeline::reply(host, arrival, parts, ended, held).await
}

async fn outcome(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
    held: &Arc<Held>,
) -> Result<Ended, Stop> {
    let calling = called(host, arrival, parts, body);
    let called = tokio::time::timeout(host.config().limits.request(), calling);
    let called = called.await.unwrap_or(Err(Stop::TooSlow))?;
    match called.wanted() {
        Wanted::Result => result(host, parts, &called, held).await,
        Wanted::Cancel => cancel(host, &called).await,
    }
}

async fn called(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    body: &mut Incoming,
) -> Result<Called, Stop> {
    let bytes = body::read(body, MAX_CALL, |_| Ok(())).await?;
    let call = Call::parse(&parts.method, target(parts), &parts.headers, &bytes)?;
    // A service that is suspended meanwhile is refused before this or after it.
    let _unchanged = host.unchanged().await;
    let catalog = host.vault().catalog();
    let audience = host.identity().thumbprint();
    let call = call.authenticate(catalog.services(), audience, arrival, Timestamp::now())?;
    match host.record(Submission::Call(Box::new(call))).await? {
        Committed::Called(called) => Ok(called),
        Committed::Replay(event) => Err(Stop::Replayed(Box::new(event))),
        _ => Err(Stop::NotRecorded),
    }
}

/// The answer to the request, or that it still waits, when the caller has waited as long as it wants.
async fn result(
    host: &Arc<Host>,
    parts: &Parts,
    called: &Called,
    held: &Arc<Held>,
) -> Result<Ended, Stop> {
    let (id, service, arrival) = (called.id(), called.service(), called.arrival());
    if let Some(wait) = prefer::wait(&parts.headers)
        && let Some(ended) = hold(host, arrival, id, service, wait, held).await
    {
        return Ok(ended);
    }
    if let Some(answer) = collect(host, arrival, id, service, held).await? {
        return Ok(Ended::at_once(answer));
    }
    let waits = still_waits(host, id, service)?;
    Ok(Ended::at_once(Answer::to_waiting(
        waits.expires,
        &waits.noted,
    )))
}

async fn cancel(host: &Arc<Host>, called: &Called) -> Result<Ended, Stop> {
    let id = called.id();
    let asked = asked_by(host, id, called.service())?;
    let settlement = match Settlement::cancelled(&asked, called) {
        Ok(settlement) => settlement,
        Err(why) => return Err(over(why)),
    };
    match host
        .record(Submission::Settle(Box::new(settlement)))
        .await?
    {
        Committed::Settled(_) => {
            host.waiting().wake(id);
            Ok(Ended::at_once(Answer::to_cancelled(id)))
        }
        Committed::NotDecided(why) => Err(over(why)),
        _ => Err(Stop::NotRecorded),
    }
}

/// Why it can't be given up.
fn over(why: NotDecided) -> Stop {
    match why {
        NotDecided::Over { how, .. } => Stop::Ended(how),
        NotDecided::Expired(_) => Stop::Ended(Settled::Expired),
        other => Stop::Unreadable(other.to_string()),
    }
}
