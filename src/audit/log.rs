//! The one writer: group commit, and the proof that an entry is durable.

use jiff::Timestamp;
use signed_note::Signer;

use crate::{
    audit::{
        checkpoint::{self, LogKey},
        entry::Reason,
        receipt,
        tree::{Edge, Growth},
    },
    policy::Permit,
    request::Called,
    store::{Store, Transaction},
    vault::Changed,
};

mod error;
mod limits;
mod put;
mod submission;
mod usage;
mod waiting;

pub use error::{NotRecorded, Untrusted};
pub use submission::{Committed, Noted, Submission};

use put::{Refusal, Step, put};
use usage::{Counts, UsedUp};
use waiting::Over;

/// Proof that the use of a key has a durable entry.
///
/// There is one constructor, in [`Log::commit`]; [`Vault::use_key`](crate::vault::Vault::use_key)
/// spends it.
#[derive(Debug)]
pub struct Recorded {
    permit: Permit,
    noted: Noted,
}

/// The audit log, open for writing.
pub struct Log<S: Store> {
    store: S,
    signer: Box<dyn Signer + Send>,
    key: LogKey,
    /// The tree of what is durable.
    edge: Edge,
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
                Refusal::Over(Over { ended, detail }) => permit.over(ended, detail),
                Refusal::NotAsked(not_asked) => permit.refuse(not_asked.reason, not_asked.detail),
            }))
        }
        (Submission::Ask(asking), Step::Refused(refusal)) => {
            let retry_after = match &refusal {
                Refusal::NotAsked(not_asked) => not_asked.retry_after,
                _ => None,
            };
            let (reason, detail) = (refusal.reason(), refusal.detail().to_owned());
            let refused = asking.proposal.refuse_for_now(reason, detail, retry_after);
            Committed::Refused(Box::new(refused))
        }
        (_, Step::Refused(_)) => return Err(NotRecorded::Unfit("a use")),
        (_, Step::NotDecided(why)) => Committed::NotDecided(why),
        (Submission::Call(call), Step::Called) => Committed::Called(Called::new(*call)),
        (_, Step::Called) => return Err(NotRecorded::Unfit("a call")),
        (Submission::Use(permit), Step::Entry(noted)) => Committed::Use(Recorded { permit, noted }),
        // The answer carries the entry of the use itself: that is what the caller can check.
        (Submission::Outcome(finished), Step::Entry(_)) => {
            Committed::Outcome(finished.recorded().map_err(Box::new))
        }
        (Submission::Change(change), Step::Entry(noted)) => {
            Committed::Changed(Changed::new(change, noted))
        }
        (Submission::Ask(_), Step::Entry(noted)) => Committed::Pending(noted),
        (Submission::Decide(_), Step::Entry(noted)) => Committed::Decided(noted),
        (Submission::Settle(_), Step::Entry(noted)) => Committed::Settled(noted),
        (_, Step::Entry(noted)) => Committed::Noted(noted),
        (_, Step::Advanced) => Committed::Advanced,
    })
}
