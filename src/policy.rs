//! Authenticated → Permit: Cedar policies decide, and nothing is allowed by default.
//!
//! An owner's [`PolicyText`] is validated against [`SCHEMA`] before it is stored. [`Policies`]
//! holds the policies in force, one Cedar set for each service, because a decision costs time in
//! proportion to the policies it looks at. [`Permit`] is the proof that a request was allowed.
//!
//! **Invariant: default deny.** A request is permitted if at least one `permit` matches, no
//! `forbid` matches, and no policy failed to evaluate: Cedar would pass over a `forbid` that
//! fails, so here any failure refuses.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use cedar_policy::{Authorizer, Decision, Policy, PolicySet, PrincipalConstraint};

use self::{check::Statement, obligation::Obliging, question::Looks};
use crate::name::Name;

pub mod case;
pub mod check;
pub mod describe;
pub mod explain;
pub mod grant;
mod mistake;
pub mod obligation;
pub mod permit;
pub mod question;
pub mod replay;
pub mod suite;
mod token;

pub use case::{BadCase, Case, Said, Saying, Supposed, Target};
pub use check::{Mentions, PolicyText};
pub use describe::PolicyLine;
pub use explain::Explanation;
pub use grant::{BadGrant, Grant, GrantOptions, Particulars, Times, grant};
pub use mistake::PolicyError;
pub use obligation::{Approval, Limit, Obligations};
pub use permit::{Approved, Authorized, Permit, Proposal, Refused};
pub use question::{Question, Subject};
pub use replay::{Replay, Replayed};
pub use suite::Suite;

/// The Cedar schema that every policy is validated against.
pub const SCHEMA: &str = include_str!("policy/schema.cedarschema");

/// The policies in force, sliced by service: built once when the catalog changes.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    texts: BTreeMap<Name, PolicyText>,
    /// For each service that a policy names: what names it, and what is about every service.
    named: HashMap<String, Slice>,
    /// What is about every service.
    common: Slice,
    /// The statements that ask for something, by their ids: most ask for nothing.
    obliging: HashMap<String, Arc<Obliging>>,
}

/// The statements that can decide for one service.
#[derive(Clone, Debug, Default)]
struct Slice {
    set: PolicySet,
    looks: Looks,
}

/// What policy says to a question, and which statements said it: a policy's name, with `#n` for
/// the n-th statement where the policy has several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These permit it, and none forbids it.
    Permitted(Vec<String>),
    /// These forbid it; if there are none, nothing permits it.
    Denied(Vec<String>),
    /// A policy could not be evaluated, so that nothing is permitted; the text says why.
    Failed(String),
}

impl Policies {
    /// Slices the policies in force. Of two with one name the later counts.
    pub fn new(policies: impl IntoIterator<Item = PolicyText>) -> Self {
        let texts = policies
            .into_iter()
            .map(|text| (text.name().clone(), text))
            .collect();
        let mut built = Self {
            texts,
            ..Self::default()
        };
        let mut common = Vec::new();
        let mut named: HashMap<String, Vec<&Statement>> = HashMap::new();
        for statement in built.texts.values().flat_map(PolicyText::statements) {
            if let Some(obliging) = &statement.obliging {
                let id = obliging.statement.clone();
                built.obliging.insert(id, Arc::clone(obliging));
            }
            match service(&statement.policy) {
                Some(service) => named.entry(service).or_default().push(statement),
                None => common.push(statement),
            }
        }
        built.named = named
            .into_iter()
            .map(|(service, own)| (service, Slice::new(own.iter().chain(&common).copied())))
            .collect();
        built.common = Slice::new(common);
        built
    }

    /// The policies in force, by name.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyText> {
        self.texts.values()
    }

    /// The policy of that name.
    pub fn policy(&self, name: &Name) -> Option<&PolicyText> {
        self.texts.get(name)
    }

    /// Whether a request would be allowed, and by what. This is the answer alone; a [`Permit`]
    /// comes only from [`Authenticated::authorize`](crate::service::Authenticated::authorize).
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        let slice = self
            .named
            .get(question.service.as_str())
            .unwrap_or(&self.common);
        slice.decide(question)
    }

    /// What the statements ask for that permitted a request.
    pub fn obligations(&self, permitted: &[String]) -> Obligations {
        if self.obliging.is_empty() {
            return Obligations::default();
        }
        let each = permitted.iter().filter_map(|id| self.obliging.get(id));
        Obligations::new(each.cloned().collect())
    }
}

impl Slice {
    fn new<'a>(statements: impl IntoIterator<Item = &'a Statement>) -> Self {
        let mut slice = Self::default();
        for Statement { policy, looks, .. } in statements {
            #[expect(
                clippy::expect_used,
                reason = "an id is the policy's name, which is a key of `texts`, and a number"
            )]
            slice
                .set
                .add(policy.clone())
                .expect("every statement has an id of its own");
            slice.looks = slice.looks.or(*looks);
        }
        slice
    }

    fn decide(&self, question: &Question<'_>) -> Verdict {
        let (request, entities) = match question.put(self.looks) {
            Ok(put) => put,
            Err(not_askable) => return Verdict::Failed(not_askable.to_string()),
        };
        let response = Authorizer::new().is_authorized(&request, &self.set, &entities);
        let diagnostics = response.diagnostics();
        if let Some(error) = diagnostics.errors().next() {
            return Verdict::Failed(error.to_string());
        }
        let mut reasons: Vec<String> = diagnostics.reason().map(ToString::to_string).collect();
        reasons.sort();
        match response.decision() {
            Decision::Allow => Verdict::Permitted(reasons),
            Decision::Deny => Verdict::Denied(reasons),
        }
    }
}

/// The one service that a statement is about, if its scope says so. A service has no parents, so
/// `in` means the same as `==`.
fn service(statement: &Policy) -> Option<String> {
    match statement.principal_constraint() {
        PrincipalConstraint::Any | PrincipalConstraint::Is(_) => None,
        PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid) => Some(uid.id().unescaped().to_owned()),
    }
}

#[cfg(test)]
mod tests;
