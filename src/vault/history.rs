//! What was in force before: the texts that a policy had. The catalog keeps the newest of each
//! alone; all of them are in the records.

use jiff::Timestamp;

use super::{
    catalog::Catalog,
    chain::{self, BadRecord},
    record::Record,
};
use crate::{name::Name, store::StoredRecord};

/// One version of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPolicy {
    /// From 1.
    pub version: u32,
    /// When the owner signed it.
    pub set: Timestamp,
    /// When it was put out of force, or another text took its place; `None` if it is in force.
    pub ended: Option<Timestamp>,
    /// Whether it was put out of force with nothing in its place.
    pub retired: bool,
    /// The text; a program of another version may have written it for another schema.
    pub text: String,
}

impl Catalog {
    /// All versions of a policy, oldest first, from all records of this vault. Each record's
    /// signature and place in the chain is checked again.
    pub fn policy_history(
        &self,
        records: &[StoredRecord],
        of: &Name,
    ) -> Result<Vec<PastPolicy>, BadRecord> {
        let mut head = None;
        let mut versions: Vec<PastPolicy> = Vec::new();
        for stored in records {
            let (body, next) = chain::verify(&self.owner, head.as_ref(), stored)?;
            head = Some(next);
            let retired = match &body.record {
                Record::Policy { name, .. } if name == of => false,
                Record::PolicyRetirement { name } if name == of => true,
                _ => continue,
            };
            if let Some(last) = versions.last_mut().filter(|last| last.ended.is_none()) {
                (last.ended, last.retired) = (Some(body.time), retired);
            }
            if let Record::Policy { version, text, .. } = body.record {
                versions.push(PastPolicy {
                    version,
                    set: body.time,
                    ended: None,
                    retired: false,
                    text,
                });
            }
        }
        Ok(versions)
    }
}
