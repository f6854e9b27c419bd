//! Counting uses: in the transaction that records them, so that the counts hold across restarts
//! and for everything that shares the store, and cost no sync of their own.
//!
//! **Invariant: a count is never less than what happened.** It is durable with the entry, and the
//! entry comes before the use.

use std::collections::BTreeMap;

use crate::{
    operation::OperationName,
    policy::Permit,
    store::{StoreError, Transaction, Usage},
    vault::due::{Due, MAX_ENCRYPTIONS, counts_passed},
};

/// The uses of one batch: one row is written for each version, however often it was used.
#[derive(Default)]
pub(super) struct Counts {
    by_record: BTreeMap<u64, Count>,
}

#[derive(Default)]
struct Count {
    /// What the store says, once somebody had to know.
    stored: Option<Usage>,
    new: Usage,
}

/// What became of counting a use.
pub(super) enum Counted {
    /// It counts; these limits are passed, whether the owner was told before or not.
    Yes(Vec<Due>),
    /// The key has made as many encryptions as it may: the use must not happen.
    UsedUp,
}

impl Counts {
    /// Counts the use that is about to be recorded.
    pub(super) fn count(
        &mut self,
        transaction: &impl Transaction,
        permit: &Permit,
    ) -> Result<Counted, StoreError> {
        let operation = permit.authenticated().request().operation();
        let (name, version) = (operation.name(), permit.version());
        // Hands out what is no secret: no use of the key.
        if name == OperationName::PublicKey {
            return Ok(Counted::Yes(Vec::new()));
        }
        let bound = permit.bound().map(AsRef::as_ref);
        let encrypts = matches!(name, OperationName::Encrypt | OperationName::DataKey);
        // A request that names a version may be about an old one, which is not due any more.
        let is_limited = operation.version().is_none()
            && bound
                .and_then(|bound| bound.binding.rotation.as_ref())
                .is_some_and(|rotation| rotation.max_uses.is_some());
        let count = self.by_record.entry(version.record).or_default();
        if !encrypts && !is_limited {
            // Nobody has to know how many there are: the common case reads nothing.
            count.new.uses += 1;
            return Ok(Counted::Yes(Vec::new()));
        }
        let stored = match count.stored {
            Some(stored) => stored,
            None => transaction.usage(version.record)?,
        };
        count.stored = Some(stored);
        if encrypts && stored.encryptions + count.new.encryptions >= MAX_ENCRYPTIONS {
            return Ok(Counted::UsedUp);
        }
        count.new.uses += 1;
        count.new.encryptions += u64::from(encrypts);
        let now = Usage {
            uses: stored.uses + count.new.uses,
            encryptions: stored.encryptions + count.new.encryptions,
        };
        Ok(Counted::Yes(counts_passed(bound, version, now).collect()))
    }

    /// Puts the counts into the transaction.
    pub(super) fn keep(self, transaction: &mut impl Transaction) -> Result<(), StoreError> {
        for (record, Count { new, .. }) in self.by_record {
            if new != Usage::default() {
                transaction.add_usage(record, new)?;
            }
        }
        Ok(())
    }
}

/// Why the use is refused: for the audit log, and for the caller, whom policy permits it.
pub(super) fn used_up(permit: &Permit) -> String {
    let version = permit.version();
    format!(
        "version {} of secret `{}` has made {MAX_ENCRYPTIONS} encryptions, as many as one AES-256-GCM key may; its owner has to rotate it",
        version.number, version.secret
    )
}
