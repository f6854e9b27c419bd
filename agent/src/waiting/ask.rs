//! Proposal → what waits: or a permit, where a yes that was said before still stands.

use std::sync::Arc;

use http::request::Parts;
use jiff::Timestamp;
use strongroom::{
    approval::{Asked, Asking, Missing, Quorum, Settled, Waiting, waiting::BadWaiting},
    audit::{Committed, Noted, Reason, Submission, receipt::receipt_for},
    name::Name,
    policy::{Permit, Proposal},
    vault::{Catalog, VaultError},
};

use super::Waits;
use crate::{
    host::Host,
    pipeline::{Stop, target},
};

/// What was approved a while ago for this same operation may still stand. If not, the proposal comes
/// back.
pub fn standing(
    host: &Host,
    proposal: Proposal,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Result<Permit, Box<Proposal>>, Stop> {
    match quorum(host, &proposal, catalog, now)? {
        Ok(quorum) => Ok(Ok(proposal.approved_by(quorum)?)),
        Err(_) => Ok(Err(Box::new(proposal))),
    }
}

/// Counts who has said yes: to the request itself, if it waits, and to others for the same operation.
pub fn quorum(
    host: &Host,
    proposal: &Proposal,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Result<Quorum, Missing>, Stop> {
    let vkey = host.identity().checkpoint_vkey();
    let asked = host.read(|store| Asked::about(store, &vkey, proposal, now))?;
    let agent = host.identity().thumbprint();
    Ok(Quorum::of(proposal, &asked, catalog, agent, now))
}

/// Makes the request wait: durably, and encrypted. `whole` is its body, if it is not too large.
pub async fn ask(
    host: &Arc<Host>,
    parts: &Parts,
    whole: Option<Vec<u8>>,
    proposal: Proposal,
    now: Timestamp,
) -> Result<Waits, Stop> {
    let service = proposal.authenticated().service().clone();
    // Whole milliseconds, as its entry has it.
    let expires = now + host.config().approvals.expire();
    let expires = Timestamp::from_millisecond(expires.as_millisecond()).unwrap_or(expires);
    let sealed = whole
        .ok_or(VaultError::CannotWait(BadWaiting::TooLarge))
        .and_then(|body| {
            let waiting = Waiting::of(target(parts), &parts.headers, &body);
            host.vault()
                .seal_request(&waiting.map_err(VaultError::CannotWait)?)
        });
    let sealed = match sealed {
        Ok(sealed) => sealed,
        Err(VaultError::Locked) => {
            return Err(proposal
                .refuse(Reason::Locked, "the vault is locked")
                .into());
        }
        Err(why @ VaultError::CannotWait(BadWaiting::TooLarge)) => {
            return Err(proposal.refuse(Reason::TooLarge, why.to_string()).into());
        }
        Err(other) => return Err(Stop::Unreadable(other.to_string())),
    };
    let asking = Asking::new(proposal, sealed, expires);
    match host.record(Submission::Ask(Box::new(asking))).await? {
        Committed::Pending(noted) => {
            host.waiting().asked.notify_one();
            Ok(Waits {
                id: noted.index,
                service,
                expires,
                noted,
            })
        }
        Committed::Refused(refused) => Err(Stop::RefusedOnRecord(refused)),
        Committed::Replay(event) => Err(Stop::Replayed(Box::new(event))),
        _ => Err(Stop::NotRecorded),
    }
}

/// The request with this id, if it is one of this service.
pub fn asked_by(host: &Host, id: u64, service: &Name) -> Result<Asked, Stop> {
    let vkey = host.identity().checkpoint_vkey();
    let asked = host.read(|store| Asked::read(store, &vkey, id))?;
    let own = asked.filter(|asked| asked.ask.service == *service);
    own.ok_or_else(|| Stop::UnknownId {
        id,
        service: service.clone(),
    })
}

/// The same while it waits: with the entry that says so.
pub fn still_waits(host: &Host, id: u64, service: &Name) -> Result<Waits, Stop> {
    let asked = asked_by(host, id, service)?;
    if let Some(how) = ended(&asked, Timestamp::now()) {
        return Err(Stop::Over(how));
    }
    let receipt = host.read(|store| receipt_for(store, id));
    let (entry, receipt) = receipt.map_err(|error| Stop::Unreadable(error.to_string()))?;
    Ok(Waits {
        id,
        service: service.clone(),
        expires: asked.expires,
        noted: Noted {
            index: id,
            entry,
            receipt,
        },
    })
}

/// How it ended; a request whose time is over has ended, also before that is on record.
pub fn ended(asked: &Asked, now: Timestamp) -> Option<Settled> {
    let settled = asked.settled.map(|(how, _)| how);
    settled.or_else(|| (asked.expires <= now).then_some(Settled::Expired))
}
