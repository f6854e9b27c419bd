//! One submission becomes one step in the transaction.

use jiff::Timestamp;

use super::{
    NotRecorded, Noted, Submission, Untrusted,
    limits::{self, Full},
    usage::{Counts, UsedUp},
    waiting::{self, NotAsked, Over},
};
use crate::{
    approval::NotDecided,
    audit::{
        entry::{Entry, Event, Reason},
        tree::Growth,
    },
    name::Name,
    policy::Permit,
    request::Arrival,
    service::Authenticated,
    store::{StoreError, Transaction},
    vault::Change,
};

/// What becomes of a submission if the transaction is committed.
pub(super) enum Step {
    /// It is an entry.
    Entry(Noted),
    /// It is a use that is refused, and an entry that says so.
    Refused(Refusal),
    /// Its nonce was spent before.
    Replay(Box<Event>),
    /// The owner was told before.
    ToldBefore,
    /// What was said to a request that waits, or its end, is too late or there already.
    NotDecided(NotDecided),
    /// A call that was never made before.
    Called,
    /// It makes no entry.
    Advanced,
    /// It alone failed, and left nothing in the transaction.
    Not(NotRecorded),
}

/// Why a use is refused while it is being recorded.
pub(super) enum Refusal {
    /// A limit of the policies that permitted it is reached.
    OverLimit(Full),
    /// The key has made as many encryptions as it may.
    UsedUp(UsedUp),
    /// What it waited for has ended, or what was said counts no more.
    Over(Over),
    /// It may not wait.
    NotAsked(NotAsked),
}

impl Refusal {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::OverLimit(_) => Reason::Limit,
            Self::UsedUp(_) => Reason::UsedUp,
            Self::Over(_) => Reason::NeedsApproval,
            Self::NotAsked(not_asked) => not_asked.reason,
        }
    }

    pub(super) fn detail(&self) -> &str {
        match self {
            Self::OverLimit(full) => &full.detail,
            Self::UsedUp(used_up) => &used_up.detail,
            Self::Over(over) => &over.detail,
            Self::NotAsked(not_asked) => &not_asked.detail,
        }
    }
}

/// Puts one submission into the transaction. An error fails the whole batch.
pub(super) fn put(
    transaction: &mut impl Transaction,
    growth: &mut Growth<'_>,
    counts: &mut Counts,
    submission: &Submission,
    now: Timestamp,
) -> Result<Step, NotRecorded> {
    let event = match submission {
        Submission::Use(permit) => {
            let asker = permit.authenticated();
            if !spend(transaction, asker)? {
                return Ok(Step::Replay(Box::new(replay(asker, now))));
            }
            if let Some(refusal) = refuse(transaction, counts, permit, now)? {
                let event = Event::Refusal {
                    ask: permit.ask(),
                    reason: refusal.reason(),
                    detail: refusal.detail().to_owned(),
                    policies: permit.policies().to_vec(),
                };
                append(transaction, growth, event, now)?;
                return Ok(Step::Refused(refusal));
            }
            let approved = permit.approved();
            let event = Event::Use {
                ask: permit.ask(),
                secret: permit.secret().clone(),
                version: permit.version().number,
                policies: permit.policies().to_vec(),
                approvals: approved.map_or_else(Vec::new, |by| by.decisions().to_vec()),
                pending: asker.waited(),
                urgency: permit.obligations().urgency(),
            };
            let noted = append(transaction, growth, event, now)?;
            waiting::used(transaction, permit, noted.index)?;
            for due in counts.count(transaction, permit)? {
                if transaction.mark_due(due.record, &due.mark())? {
                    append(transaction, growth, due.event(), now)?;
                }
            }
            return Ok(Step::Entry(noted));
        }
        Submission::Refusal(refused) => {
            let asker = refused.authenticated();
            if !spend(transaction, asker)? {
                return Ok(Step::Replay(Box::new(replay(asker, now))));
            }
            Event::Refusal {
                ask: refused.ask(),
                reason: refused.reason(),
                detail: refused.detail().to_owned(),
                policies: refused.policies().to_vec(),
            }
        }
        Submission::Outcome(finished) => finished.event(),
        Submission::Ask(asking) => return waiting::ask(transaction, growth, asking, now),
        Submission::Decide(decision) => {
            return waiting::decide(transaction, growth, decision, now);
        }
        Submission::Settle(settlement) => {
            return waiting::settle(transaction, growth, settlement, now);
        }
        Submission::Call(call) => {
            let fresh = transaction.spend_nonce(call.service.as_str(), call.nonce.as_bytes())?;
            return Ok(match fresh {
                true => Step::Called,
                false => Step::Replay(Box::new(replayed(
                    call.arrival,
                    &call.service,
                    &call.nonce,
                    now,
                ))),
            });
        }
        Submission::Due(due) => match transaction.mark_due(due.record, &due.mark())? {
            true => due.event(),
            false => return Ok(Step::ToldBefore),
        },
        Submission::Noise(event @ Event::Noise { .. })
        | Submission::Note(event @ Event::Administration { .. }) => event.clone(),
        // An entry that tells of a use comes from a permit, and from nothing else.
        Submission::Noise(_) => return Ok(Step::Not(NotRecorded::Unfit("noise"))),
        Submission::Note(_) => return Ok(Step::Not(NotRecorded::Unfit("administration"))),
        Submission::Change(change) => {
            if !follow_each_other(change) {
                return Ok(Step::Not(NotRecorded::Unfit("a chain of records")));
            }
            // The records follow each other, so only the first can conflict, and a conflict
            // leaves nothing behind in the transaction.
            for (position, record) in change.records.iter().enumerate() {
                match transaction.append_record(record) {
                    Err(StoreError::Conflict) if position == 0 => {
                        return Ok(Step::Not(NotRecorded::Conflict));
                    }
                    appended => appended?,
                }
            }
            for slot in &change.slots {
                transaction.put_slot(slot)?;
            }
            change.event.clone()
        }
        Submission::Advance { channel, delivered } => {
            transaction.advance(channel, *delivered)?;
            return Ok(Step::Advanced);
        }
    };
    Ok(Step::Entry(append(transaction, growth, event, now)?))
}

/// Puts one entry into the transaction; its receipt comes with the batch's checkpoint.
pub(super) fn append(
    transaction: &mut impl Transaction,
    growth: &mut Growth<'_>,
    event: Event,
    now: Timestamp,
) -> Result<Noted, NotRecorded> {
    let entry = Entry::new(now, event).to_line();
    let (index, hashes) = growth.push(&entry).map_err(|_| Untrusted::Root)?;
    let hashes: Vec<_> = hashes.iter().map(|hash| hash.0).collect();
    transaction.append_entry(index, &entry, &hashes)?;
    Ok(Noted {
        index,
        entry,
        receipt: String::new(),
    })
}

/// Whether the use must not be: seen under the write lock, so that it holds for a fleet too.
fn refuse(
    transaction: &mut impl Transaction,
    counts: &mut Counts,
    permit: &Permit,
    now: Timestamp,
) -> Result<Option<Refusal>, NotRecorded> {
    if let Some(over) = waiting::over(transaction, permit, now)? {
        return Ok(Some(Refusal::Over(over)));
    }
    if let Some(used_up) = counts.used_up(transaction, permit)? {
        return Ok(Some(Refusal::UsedUp(used_up)));
    }
    // Last, because what passes here is counted.
    let full = limits::count(transaction, permit, now)?;
    Ok(full.map(Refusal::OverLimit))
}

pub(super) fn spend(
    transaction: &mut impl Transaction,
    asker: &Authenticated,
) -> Result<bool, StoreError> {
    // Spent with its pending entry, which ends once.
    if asker.waited().is_some() {
        return Ok(true);
    }
    transaction.spend_nonce(asker.service().as_str(), asker.request().nonce().as_bytes())
}

pub(super) fn replay(asker: &Authenticated, now: Timestamp) -> Event {
    let nonce = asker.request().nonce();
    replayed(asker.arrival(), asker.service(), nonce, now)
}

/// A replay proves nobody's presence: whoever saw the bytes can send them, so it is noise.
fn replayed(arrival: Arrival, service: &Name, nonce: &str, now: Timestamp) -> Event {
    Event::Noise {
        reason: Reason::Replay,
        way_in: arrival.way_in,
        address: arrival.address,
        service: Some(service.clone()),
        count: 1,
        since: now,
        detail: format!("nonce `{nonce}` was spent before"),
    }
}

fn follow_each_other(change: &Change) -> bool {
    let numbers = change.records.iter().map(|record| record.seq);
    numbers
        .clone()
        .zip(numbers.skip(1))
        .all(|(one, next)| next.checked_sub(one) == Some(1))
}
