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

/// The key has made as many encryptions as it may.
pub(super) struct UsedUp {
    /// For the audit log, and for the caller, whom policy permits the use.
    pub(super) detail: String,
}

impl Counts {
    /// Whether the key may make no encryption any more, if that is what it is to make.
    pub(super) fn used_up(
        &mut self,
        transaction: &impl Transaction,
        permit: &Permit,
    ) -> Result<Option<UsedUp>, StoreError> {
        let version = permit.version();
        if !encrypts(permit) || self.now(transaction, version.record)?.encryptions < MAX_ENCRYPTIONS
        {
            return Ok(None);
        }
        Ok(Some(UsedUp {
            detail: format!(
                "version {} of secret `{}` has made {MAX_ENCRYPTIONS} encryptions, as many as one AES-256-GCM key may; its owner has to rotate it",
                version.number, version.secret
            ),
        }))
    }

    /// Counts a use that is recorded; the limits that are passed, whether the owner was told of
    /// them before or not.
    pub(super) fn count(
        &mut self,
        transaction: &impl Transaction,
        permit: &Permit,
    ) -> Result<Vec<Due>, StoreError> {
        let operation = permit.authenticated().request().operation();
        // Hands out what is no secret: no use of the key.
        if operation.name() == OperationName::PublicKey {
            return Ok(Vec::new());
        }
        let (version, encrypts) = (permit.version(), encrypts(permit));
        let new = &mut self.by_record.entry(version.record).or_default().new;
        new.uses += 1;
        new.encryptions += u64::from(encrypts);

        let bound = permit.bound().map(AsRef::as_ref);
        // A request that names a version may be about an old one, which is not due any more.
        let is_limited = operation.version().is_none()
            && bound
                .and_then(|bound| bound.binding.rotation.as_ref())
                .is_some_and(|rotation| rotation.max_uses.is_some());
        // Where nobody has to know how many there are, nothing is read: the common case.
        if !encrypts && !is_limited {
            return Ok(Vec::new());
        }
        let now = self.now(transaction, version.record)?;
        Ok(counts_passed(bound, version, now).collect())
    }

    /// How often a version was used, this batch included.
    fn now(&mut self, transaction: &impl Transaction, record: u64) -> Result<Usage, StoreError> {
        let count = self.by_record.entry(record).or_default();
        let stored = match count.stored {
            Some(stored) => stored,
            None => *count.stored.insert(transaction.usage(record)?),
        };
        Ok(Usage {
            uses: stored.uses + count.new.uses,
            encryptions: stored.encryptions + count.new.encryptions,
        })
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

fn encrypts(permit: &Permit) -> bool {
    let operation = permit.authenticated().request().operation();
    matches!(
        operation.name(),
        OperationName::Encrypt | OperationName::DataKey
    )
}
