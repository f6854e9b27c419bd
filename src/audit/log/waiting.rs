//! Requests that wait for an approval: what must hold about them under the write lock.
//!
//! **Invariant: a request that waits ends once.** Whether it is used, denied, cancelled or expired
//! is settled in the transaction that records it, whoever else tries at the same moment. So its key
//! is used at most once, and not after somebody said no.

use jiff::{SignedDuration, Timestamp};

use super::{
    NotRecorded,
    put::{Refusal, Step, append, replay, spend},
};
use crate::{
    approval::{Asking, Decision, NotDecided, Settled, Settlement, Verdict},
    audit::{
        entry::{Entry, Event, Reason},
        tree::Growth,
    },
    policy::Permit,
    store::{StoreError, StoredDecision, StoredPending, Transaction},
};

/// The most requests of one service that wait at a time.
pub(crate) const MAX_WAITING: u64 = 16;
/// The most requests that wait at a time.
pub(crate) const MAX_WAITING_IN_ALL: u64 = 256;
/// The longest entry of a request that waits, in bytes: it is shown in full, and signed.
pub(crate) const MAX_SHOWN: usize = 16 * 1024;
/// For so long nobody is asked again after a no, and what its service gave up counts as waiting:
/// nobody is worn down by prompts.
pub(crate) const REST: SignedDuration = SignedDuration::from_mins(10);

/// What a permit was approved by counts no more.
pub(super) struct Over {
    /// How the request that waited ended, if that is why.
    pub(super) ended: Option<Settled>,
    /// Why, for the audit log.
    pub(super) detail: String,
}

/// Why nobody is asked.
pub(super) struct NotAsked {
    pub(super) reason: Reason,
    pub(super) detail: String,
    /// In how many seconds somebody is asked again.
    pub(super) retry_after: Option<u32>,
}

/// Records that a request waits, if it may.
pub(super) fn ask(
    transaction: &mut impl Transaction,
    growth: &mut Growth<'_>,
    asking: &Asking,
    now: Timestamp,
) -> Result<Step, NotRecorded> {
    let proposal = &asking.proposal;
    let asker = proposal.authenticated();
    if asker.waited().is_some() {
        return Ok(Step::Not(NotRecorded::Unfit("a request that is new")));
    }
    if !spend(transaction, asker)? {
        return Ok(Step::Replay(Box::new(replay(asker, now))));
    }
    let event = Event::Pending {
        ask: proposal.ask(),
        secret: proposal.secret().clone(),
        version: proposal.version(),
        policies: proposal.policies().to_vec(),
        needs: proposal.needs().iter().map(ToString::to_string).collect(),
        expires: asking.expires,
        urgency: proposal.urgency(),
    };
    let length = Entry::new(now, event.clone()).to_line().len();
    let not_asked = match length > MAX_SHOWN {
        true => Some(NotAsked {
            reason: Reason::TooLarge,
            detail: format!(
                "approvers would be shown {length} bytes, and {MAX_SHOWN} are the most"
            ),
            retry_after: None,
        }),
        false => may_wait(transaction, asking, now)?,
    };
    if let Some(not_asked) = not_asked {
        let event = Event::Refusal {
            ask: proposal.ask(),
            reason: not_asked.reason,
            detail: not_asked.detail.clone(),
            policies: proposal.policies().to_vec(),
        };
        append(transaction, growth, event, now)?;
        return Ok(Step::Refused(Refusal::NotAsked(not_asked)));
    }
    let noted = append(transaction, growth, event, now)?;
    transaction.put_pending(&StoredPending {
        id: noted.index,
        service: asker.service().to_string(),
        secret: proposal.secret().to_string(),
        same: *proposal.same().as_bytes(),
        expires: asking.expires.as_millisecond(),
        received: now.as_millisecond(),
        request: asking.sealed.0.clone(),
    })?;
    Ok(Step::Entry(noted))
}

fn may_wait(
    transaction: &impl Transaction,
    asking: &Asking,
    now: Timestamp,
) -> Result<Option<NotAsked>, StoreError> {
    let (now, rest) = (now.as_millisecond(), milliseconds(REST));
    let denied = transaction.denied_at(asking.proposal.same().as_bytes())?;
    let left = denied.map_or(0, |denied| denied.saturating_add(rest).saturating_sub(now));
    if left > 0 {
        let seconds = left / 1000 + i64::from(left % 1000 != 0);
        return Ok(Some(NotAsked {
            reason: Reason::NeedsApproval,
            detail: "the same operation was denied a moment ago; nobody is asked again so soon"
                .to_owned(),
            retry_after: u32::try_from(seconds).ok(),
        }));
    }
    let service = asking.proposal.authenticated().service();
    let (of_service, in_all) =
        transaction.waiting(service.as_str(), now, now.saturating_sub(rest))?;
    let too_many = |detail| NotAsked {
        reason: Reason::TooManyPending,
        detail,
        retry_after: None,
    };
    Ok(if of_service >= MAX_WAITING {
        let detail = format!(
            "{of_service} requests of service `{service}` wait for an approval, or were given up a moment ago"
        );
        Some(too_many(detail))
    } else if in_all >= MAX_WAITING_IN_ALL {
        Some(too_many(format!("{in_all} requests wait for an approval")))
    } else {
        None
    })
}

/// Records what was said to a request, if it still waits. A no ends it; it also ends a yes that
/// stands after its request was used.
pub(super) fn decide(
    transaction: &mut impl Transaction,
    growth: &mut Growth<'_>,
    decision: &Decision,
    now: Timestamp,
) -> Result<Step, NotRecorded> {
    let id = decision.id;
    let waits = waits(transaction, id, now)?;
    let is_no = decision.verdict == Verdict::Deny;
    match waits {
        Ok(()) => {}
        Err(NotDecided::Over {
            how: Settled::Used, ..
        }) if is_no => {}
        Err(why) => return Ok(Step::NotDecided(why)),
    }
    // Looked for before the entry is made, which stays.
    let approver = decision.approver.as_ref().map(ToString::to_string);
    if transaction.has_decided(id, approver.as_deref(), word(decision.verdict))? {
        let by = decision.by();
        return Ok(Step::NotDecided(NotDecided::Already { id, by }));
    }
    let noted = append(transaction, growth, decision.event.clone(), now)?;
    let added = transaction.put_decision(&StoredDecision {
        id,
        approver,
        decided: word(decision.verdict).to_owned(),
        entry: noted.index,
        minutes: decision.minutes,
        time: now.as_millisecond(),
    })?;
    if !added || (is_no && waits.is_ok() && !end(transaction, id, Settled::Denied, noted.index)?) {
        // Seen under the write lock a moment ago.
        return Err(StoreError::Conflict.into());
    }
    Ok(Step::Entry(noted))
}

/// Records that a request ended without a decision.
pub(super) fn settle(
    transaction: &mut impl Transaction,
    growth: &mut Growth<'_>,
    settlement: &Settlement,
    now: Timestamp,
) -> Result<Step, NotRecorded> {
    let id = settlement.id;
    match (waits(transaction, id, now)?, settlement.how) {
        (Ok(()), Settled::Expired) => return Ok(Step::NotDecided(NotDecided::NotYet(id))),
        (Ok(()), _) | (Err(NotDecided::Expired(_)), Settled::Expired) => {}
        (Err(why), _) => return Ok(Step::NotDecided(why)),
    }
    let noted = append(transaction, growth, settlement.event.clone(), now)?;
    if !end(transaction, id, settlement.how, noted.index)? {
        return Err(StoreError::Conflict.into());
    }
    Ok(Step::Entry(noted))
}

/// Whether what the permit was approved by counts no more: seen before the use is recorded.
pub(super) fn over(
    transaction: &impl Transaction,
    permit: &Permit,
    now: Timestamp,
) -> Result<Option<Over>, StoreError> {
    if let Some(id) = permit.authenticated().waited()
        && let Err(why) = waits(transaction, id, now)?
    {
        return Ok(Some(Over {
            ended: match why {
                NotDecided::Over { how, .. } => Some(how),
                _ => Some(Settled::Expired),
            },
            detail: why.to_string(),
        }));
    }
    let Some(approved) = permit.approved() else {
        return Ok(None);
    };
    for id in &approved.relies_on {
        if transaction.is_denied(*id)? {
            return Ok(Some(Over {
                ended: None,
                detail: format!("the approval that stood, of request `{id}`, was taken back"),
            }));
        }
    }
    let is_over = approved.until.is_some_and(|until| until <= now);
    Ok(is_over.then(|| Over {
        ended: None,
        detail: "the approval that stood has ended".to_owned(),
    }))
}

/// The request that waited ends with its use. [`over`] has seen that it had not ended.
pub(super) fn used(
    transaction: &mut impl Transaction,
    permit: &Permit,
    entry: u64,
) -> Result<(), StoreError> {
    match permit.authenticated().waited() {
        Some(id) if !end(transaction, id, Settled::Used, entry)? => Err(StoreError::Conflict),
        _ => Ok(()),
    }
}

/// Whether the request is there, waits, and its time is not over.
fn waits(
    transaction: &impl Transaction,
    id: u64,
    now: Timestamp,
) -> Result<Result<(), NotDecided>, StoreError> {
    let Some(expires) = transaction.waits_until(id)? else {
        return Ok(Err(NotDecided::UnknownId(id)));
    };
    let ended = transaction.settled(id)?;
    Ok(match ended.as_deref().map(Settled::parse) {
        Some(Some(how)) => Err(NotDecided::Over { id, how }),
        // A word of nobody's knowledge ends it as well.
        Some(None) => Err(NotDecided::Expired(id)),
        None if expires <= now.as_millisecond() => Err(NotDecided::Expired(id)),
        None => Ok(()),
    })
}

fn end(
    transaction: &mut impl Transaction,
    id: u64,
    how: Settled,
    entry: u64,
) -> Result<bool, StoreError> {
    transaction.settle(id, how.as_str(), entry)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approved",
        Verdict::Deny => "denied",
    }
}

fn milliseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
