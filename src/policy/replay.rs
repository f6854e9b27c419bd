//! What a change of the policies would do: requests that the audit log remembers, put to the
//! policies as they are and as they would be.
//!
//! An entry keeps what policy saw of a request. What it does not keep is the secret's labels and
//! kind, and so they are taken as they are now; and how far limits were used up, which are left out.

use jiff::Timestamp;
use serde::Serialize;

use super::{Case, Policies, PolicyText, Saying};
use crate::{audit::Entry, name::Name, operation::OperationName, vault::catalog::Catalog};

/// The policies before a change and after it.
#[derive(Debug)]
pub struct Replay<'a> {
    catalog: &'a Catalog,
    after: Policies,
}

/// One entry, replayed.
#[derive(Debug)]
pub enum Replayed {
    /// It tells of no request that was put to policy.
    NoRequest,
    /// What it takes is not there any more; the text says what.
    NotPossible(String),
    /// Policy would say the same.
    Same,
    /// Policy would say something else.
    Different(Box<Difference>),
}

/// A request to which policy would say something else.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The entry's index.
    pub entry: u64,
    /// When it came.
    pub time: Timestamp,
    /// Who asked.
    pub service: Name,
    /// What for.
    pub operation: OperationName,
    /// With what.
    pub secret: Name,
    /// Why, as the service stated it.
    pub purpose: Option<String>,
    /// What policy saw of the input.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// What policy says today.
    pub before: Saying,
    /// What it would say.
    pub after: Saying,
}

impl<'a> Replay<'a> {
    /// With another text for the policy `name`, or without that policy.
    pub fn new(catalog: &'a Catalog, name: &Name, text: Option<PolicyText>) -> Self {
        let kept = catalog
            .policies()
            .iter()
            .filter(|policy| policy.name() != name);
        let after = Policies::new(kept.cloned().chain(text));
        Self { catalog, after }
    }

    /// Puts the request of an entry to both.
    pub fn replay(&self, index: u64, entry: &Entry) -> Replayed {
        let Some((case, used)) = Case::recorded(entry) else {
            return Replayed::NoRequest;
        };
        let secret = match used {
            Some(used) => self.catalog.secret(used),
            None => self.catalog.resolve(&case.asked),
        };
        let Some(secret) = secret else {
            let asked = &case.asked;
            return Replayed::NotPossible(format!("there is no secret or alias `{asked}`"));
        };
        let question = case.question(secret.subject());
        if let Err(error) = question.fits() {
            return Replayed::NotPossible(error.to_string());
        }
        let (before, after) = (
            self.catalog.policies().say(&question),
            self.after.say(&question),
        );
        if before.said == after.said {
            return Replayed::Same;
        }
        Replayed::Different(Box::new(Difference {
            entry: index,
            time: case.time,
            secret: secret.name.clone(),
            before,
            after,
            service: case.service,
            operation: case.operation,
            purpose: case.purpose,
            fields: case.fields,
        }))
    }
}
