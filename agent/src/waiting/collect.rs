//! Collecting: what waited goes the way of every request again, with the keys, policies, approvers
//! and suspensions of now.
//!
//! Read [`used`] aloud beside the pipeline's `access`: open, parse, authenticate, authorise, count
//! who has said yes, record, use the key.

use std::sync::Arc;

use jiff::Timestamp;
use strongroom::{
    answer::Answer,
    approval::{Missing, Settled, Waiting},
    audit::Reason,
    name::Name,
    policy::Authorized,
    request::Arrival,
    store::Reader as _,
    vault::{UseError, Used, VaultError},
};

use super::ask::{asked_by, ended, quorum};
use crate::{
    host::Host,
    outbound::Held,
    pipeline::{self, Stop},
};

/// The answer to the request with this id, if it is approved; `None` while it waits.
///
/// It goes on by itself once it has begun: what a key was used for is kept a while for a caller
/// whose connection breaks.
pub async fn collect(
    host: &Arc<Host>,
    arrival: Arrival,
    id: u64,
    service: &Name,
    held: &Arc<Held>,
) -> Result<Option<Answer>, Stop> {
    let collecting = answered(
        Arc::clone(host),
        arrival,
        id,
        service.clone(),
        Arc::clone(held),
    );
    let collected = host.errands().spawn(collecting).await;
    // A panic was logged; nothing is answered that is not on record.
    collected.unwrap_or(Err(Stop::NotRecorded))
}

async fn answered(
    host: Arc<Host>,
    arrival: Arrival,
    id: u64,
    service: Name,
    held: Arc<Held>,
) -> Result<Option<Answer>, Stop> {
    // Of several calls for one result, one uses the key, and the others get what came of it.
    let _turn = host.waiting().turns.wait(&id).await;
    if let Some(answer) = host.waiting().kept.find(id, &service) {
        return Ok(Some(answer));
    }
    let Some(used) = used(&host, id, &service).await? else {
        return Ok(None);
    };
    let finished = match used {
        Ok(used) => pipeline::finish(&host, used, &held).await,
        Err(error) => Err(error.into()),
    };
    let answer = match finished {
        Ok(answer) => answer,
        Err(stop) => stop.refuse(&host, arrival).await,
    };
    host.waiting().kept.keep(id, &service, &answer);
    Ok(Some(answer))
}

/// Request → Authenticated → Proposal → Quorum → Permit → Recorded → a use. `None` while somebody's
/// yes is missing.
async fn used(
    host: &Arc<Host>,
    id: u64,
    service: &Name,
) -> Result<Option<Result<Used, UseError>>, Stop> {
    // What the owner changes comes before all of this or after it.
    let _unchanged = host.unchanged().await;
    let now = Timestamp::now();
    let catalog = host.vault().catalog();
    let asked = asked_by(host, id, service)?;
    if let Some(how) = ended(&asked, now) {
        return Err(Stop::Over(how));
    }
    let waiting = open(host, id, service)?;
    let agent = host.identity().thumbprint();
    let authenticated = waiting.authenticate_again(&asked, catalog.services(), agent, now)?;
    let permit = match authenticated.authorize(&catalog)? {
        // Policy asks nobody any more.
        Authorized::Permit(permit) => permit,
        Authorized::Proposal(proposal) => match quorum(host, &proposal, &catalog, now)? {
            Ok(quorum) => proposal.approved_by(quorum)?,
            Err(Missing::Yes(_)) => return Ok(None),
            Err(Missing::Denied) => return Err(Stop::Over(Settled::Denied)),
            Err(missing) => {
                let why = missing.to_string();
                return Err(proposal.refuse(Reason::NeedsApproval, why).into());
            }
        },
    };
    let recorded = pipeline::record(host, permit).await?;
    Ok(Some(host.vault().use_key(recorded)))
}

fn open(host: &Host, id: u64, service: &Name) -> Result<Waiting, Stop> {
    let stored = host
        .read(|store| store.pending(id))
        .map_err(|error| Stop::Unreadable(error.to_string()))?;
    let stored = stored.ok_or_else(|| Stop::Unreadable(format!("request `{id}` is not stored")))?;
    host.vault()
        .open_request(&stored.request)
        .map_err(|error| match error {
            VaultError::Locked => Stop::LockedMeanwhile {
                id,
                service: service.clone(),
            },
            other => Stop::Unreadable(other.to_string()),
        })
}
