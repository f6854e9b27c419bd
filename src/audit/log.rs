//! The one writer: group commit, and the proof that an entry is durable.

use jiff::Timestamp;
use signed_note::Signer;

use crate::{
    audit::{
        checkpoint::{self, LogKey},
        entry::{Entry, Event, Reason},
        receipt,
        tree::{Edge, Growth},
    },
    errand::Finished,
    policy::{Permit, Refused},
    service::Authenticated,
    store::{Store, StoreError, Transaction},
    vault::{Change, Changed, Outcome, UseError, due::Due},
};

mod error;
mod limits;
mod usage;

pub use error::{NotRecorded, Untrusted};

use limits::Full;
use usage::{Counts, UsedUp};

/// What wants to be in the audit log.
#[derive(Debug)]
pub enum Submission {
    /// A permitted request whose key is to be used.
    Use(Permit),
    /// What became of a use that had to call a provider.
    Outcome(Box<Finished>),
    /// A request of a known service that was refused.
    Refusal(Refused),
    /// Folded refusals: an [`Event::Noise`].
    Noise(Event),
    /// Something that changes no record, such as the start of the agent: an
    /// [`Event::Administration`].
    Note(Event),
    /// A version that passed a limit: an entry, unless the owner was told of that before.
    Due(Due),
    /// An administration event with the records and slots that go with it.
    Change(Change),
    /// A notification channel has delivered the first `delivered` entries; this makes no entry.
    Advance {
        /// The channel's name.
        channel: String,
        /// How many entries.
        delivered: u64,
    },
}

/// What became of a submission: it is durable.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "the common one is the large one, and it is handed on at once"
)]
pub enum Committed {
    /// The key may be used now.
    Use(Recorded),
    /// The caller may be answered now.
    Outcome(Result<Outcome, Box<UseError>>),
    /// The refusal, noise or note is in the log.
    Noted(Noted),
    /// The change is in the vault and in the log.
    Changed(Changed),
    /// The use was refused while it was being recorded: a limit of the policies that permitted it
    /// is reached, or its key is used up. The refusal is in the log, and the caller may be told.
    Refused(Box<Refused>),
    /// The owner was told before: nothing was recorded.
    ToldBefore,
    /// The (service, nonce) was spent before: nothing was recorded, and no key may be used. The
    /// event is noise of count 1, for the caller to fold.
    Replay(Event),
    /// The channel's position is kept.
    Advanced,
}

/// Proof that the use of a key has a durable entry.
///
/// There is one constructor, in [`Log::commit`]; [`Vault::use_key`](crate::vault::Vault::use_key)
/// spends it.
#[derive(Debug)]
pub struct Recorded {
    permit: Permit,
    noted: Noted,
}

/// A durable entry and its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The entry's index in the log.
    pub index: u64,
    /// The entry's line, as stored.
    pub entry: String,
    /// A C2SP tlog-proof for the line.
    pub receipt: String,
}

/// The audit log, open for writing.
pub struct Log<S: Store> {
    store: S,
    signer: Box<dyn Signer + Send>,
    key: LogKey,
    /// The tree of what is durable.
    edge: Edge,
}

/// What becomes of a submission if the transaction is committed.
enum Step {
    /// It is an entry.
    Entry(Noted),
    /// It is a use that is refused, and an entry that says so.
    Refused(Refusal),
    /// Its nonce was spent before.
    Replay(Box<Event>),
    /// The owner was told before.
    ToldBefore,
    /// It makes no entry.
    Advanced,
    /// It alone failed, and left nothing in the transaction.
    Not(NotRecorded),
}

/// Why a use is refused while it is being recorded.
enum Refusal {
    /// A limit of the policies that permitted it is reached.
    OverLimit(Full),
    /// The key has made as many encryptions as it may.
    UsedUp(UsedUp),
}

impl Refusal {
    fn reason(&self) -> Reason {
        match self {
            Self::OverLimit(_) => Reason::Limit,
            Self::UsedUp(_) => Reason::UsedUp,
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::OverLimit(full) => &full.detail,
            Self::UsedUp(used_up) => &used_up.detail,
        }
    }
}

impl<S: Store> Log<S> {
    /// Opens the log; refuses a store whose newest checkpoint is not signed with the verifier key
    /// `vkey`, or does not match the tree.
    pub fn open(
        mut store: S,
        signer: Box<dyn Signer + Send>,
        vkey: &str,
    ) -> Result<Self, Untrusted> {
        let key = LogKey::parse(vkey)?;
        if !key.is_of(&*signer) {
            return Err(Untrusted::OtherKey);
        }
        let edge = trusted_edge(&store.begin()?, &key)?;
        Ok(Self {
            store,
            signer,
            key,
            edge,
        })
    }

    /// How many entries are durable.
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Makes a batch durable: one transaction, one signed checkpoint, one sync. The results are
    /// in the batch's order.
    ///
    /// A change that conflicts with another one fails alone. A failure of the store fails the
    /// whole batch: no key of it may be used.
    pub fn commit(
        &mut self,
        batch: Vec<Submission>,
        now: Timestamp,
    ) -> Vec<Result<Committed, NotRecorded>> {
        match self.write(&batch, now) {
            Ok(steps) => batch
                .into_iter()
                .zip(steps)
                .map(|(what, step)| durable(what, step))
                .collect(),
            Err(error) => batch.into_iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Returns steps only after the store said that all of them are durable.
    fn write(&mut self, batch: &[Submission], now: Timestamp) -> Result<Vec<Step>, NotRecorded> {
        let mut transaction = self.store.begin()?;
        if transaction.log_size()? != self.edge.size() {
            // Another agent of the fleet wrote, or a commit that seemed to fail did not.
            self.edge = trusted_edge(&transaction, &self.key)?;
        }
        let mut growth = self.edge.grow();
        let mut counts = Counts::default();
        let mut steps = batch
            .iter()
            .map(|submission| put(&mut transaction, &mut growth, &mut counts, submission, now))
            .collect::<Result<Vec<_>, _>>()?;
        counts.keep(&mut transaction)?;
        if growth.size() > self.edge.size() {
            let checkpoint = seal(&mut transaction, &growth, &*self.signer)?;
            for step in &mut steps {
                if let Step::Entry(noted) = step {
                    let proof = growth.prove(noted.index).map_err(|_| Untrusted::Root)?;
                    noted.receipt = receipt::write(noted.index, &proof, &checkpoint);
                }
            }
        }
        let edge = growth.settle().map_err(|_| Untrusted::Root)?;
        transaction.commit()?;
        self.edge = edge;
        Ok(steps)
    }
}

impl Recorded {
    /// The durable entry and its receipt.
    pub fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Spends the proof: for [`Vault::use_key`](crate::vault::Vault::use_key).
    pub(crate) fn into_parts(self) -> (Permit, Noted) {
        (self.permit, self.noted)
    }
}

/// The edge of the log in the store, if the newest checkpoint vouches for it. Without this check,
/// somebody who can write the file could have the agent sign what the agent never recorded.
fn trusted_edge(transaction: &impl Transaction, key: &LogKey) -> Result<Edge, Untrusted> {
    let size = transaction.log_size()?;
    let Some(checkpoint) = transaction.checkpoint()? else {
        return match size {
            0 => Ok(Edge::empty()),
            _ => Err(Untrusted::NoCheckpoint { size }),
        };
    };
    let head = key.open(&checkpoint)?;
    if head.size() != size {
        return Err(Untrusted::Size {
            size,
            signed: head.size(),
        });
    }
    let edge = Edge::read(size, |indexes| transaction.hashes(indexes))?;
    match edge.root() {
        Ok(root) if root == *head.hash() => Ok(edge),
        _ => Err(Untrusted::Root),
    }
}

/// Puts one submission into the transaction. An error fails the whole batch.
fn put(
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
            let event = Event::Use {
                ask: permit.ask(),
                secret: permit.secret().clone(),
                version: permit.version().number,
                policies: permit.policies().to_vec(),
                approvals: Vec::new(),
                pending: None,
                urgency: permit.obligations().urgency(),
            };
            let noted = append(transaction, growth, event, now)?;
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
fn append(
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
    if let Some(used_up) = counts.used_up(transaction, permit)? {
        return Ok(Some(Refusal::UsedUp(used_up)));
    }
    // Last, because what passes here is counted.
    let full = limits::count(transaction, permit, now)?;
    Ok(full.map(Refusal::OverLimit))
}

fn spend(transaction: &mut impl Transaction, asker: &Authenticated) -> Result<bool, StoreError> {
    transaction.spend_nonce(asker.service().as_str(), asker.request().nonce().as_bytes())
}

/// A replay proves nobody's presence: whoever saw the bytes can send them, so it is noise.
fn replay(asker: &Authenticated, now: Timestamp) -> Event {
    let arrival = asker.arrival();
    Event::Noise {
        reason: Reason::Replay,
        way_in: arrival.way_in,
        address: arrival.address,
        service: Some(asker.service().clone()),
        count: 1,
        since: now,
        detail: format!("nonce `{}` was spent before", asker.request().nonce()),
    }
}

fn follow_each_other(change: &Change) -> bool {
    let numbers = change.records.iter().map(|record| record.seq);
    numbers
        .clone()
        .zip(numbers.skip(1))
        .all(|(one, next)| next.checked_sub(one) == Some(1))
}

/// Signs the one checkpoint of this batch.
fn seal(
    transaction: &mut impl Transaction,
    growth: &Growth<'_>,
    signer: &dyn Signer,
) -> Result<String, NotRecorded> {
    let root = growth.root().map_err(|_| Untrusted::Root)?;
    let checkpoint =
        checkpoint::sign(signer, growth.size(), root).map_err(|_| NotRecorded::Unsigned)?;
    transaction.put_checkpoint(growth.size(), &checkpoint)?;
    Ok(checkpoint)
}

/// Called when the transaction is durable. The one place that makes a [`Recorded`].
fn durable(submission: Submission, step: Step) -> Result<Committed, NotRecorded> {
    Ok(match (submission, step) {
        (_, Step::Not(error)) => return Err(error),
        (_, Step::Replay(event)) => Committed::Replay(*event),
        (_, Step::ToldBefore) => Committed::ToldBefore,
        (Submission::Use(permit), Step::Refused(refusal)) => {
            Committed::Refused(Box::new(match refusal {
                Refusal::OverLimit(full) => permit.over_limit(full.detail, full.retry_after),
                Refusal::UsedUp(UsedUp { detail }) => permit.refuse(Reason::UsedUp, detail),
            }))
        }
        (_, Step::Refused(_)) => return Err(NotRecorded::Unfit("a use")),
        (Submission::Use(permit), Step::Entry(noted)) => Committed::Use(Recorded { permit, noted }),
        // The answer carries the entry of the use itself: that is what the caller can check.
        (Submission::Outcome(finished), Step::Entry(_)) => {
            Committed::Outcome(finished.recorded().map_err(Box::new))
        }
        (Submission::Change(change), Step::Entry(noted)) => {
            Committed::Changed(Changed::new(change, noted))
        }
        (_, Step::Entry(noted)) => Committed::Noted(noted),
        (_, Step::Advanced) => Committed::Advanced,
    })
}
