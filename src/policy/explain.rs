//! Why a request would pass or not: every statement that is about it, with each of its conditions
//! and the values that the condition saw.
//!
//! What is allowed is not decided here: that comes from [`Policies::say`], which decides for real.

use std::{ops::Range, str::FromStr};

use cedar_policy::{
    ActionConstraint, Effect, Entities, EntityTypeName, EntityUid, EvalResult, Expression, Policy,
    PrincipalConstraint, Request, ResourceConstraint, eval_expression,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Policies, PolicyText, Question, Saying,
    check::{STACK, Statement},
    obligation::Obliging,
    question::{Looks, NotAskable},
};
use crate::{name::Name, notification::Urgency, store::StoreError};

mod source;

use source::Clause;

/// Why policy says what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// What it says.
    #[serde(flatten)]
    pub saying: Saying,
    /// The statements that are about the request, and those that miss it in one part of their
    /// scope only; those first that decided.
    pub statements: Vec<Explained>,
    /// How many statements are about something else.
    pub others: usize,
}

/// One statement, held against the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// As the audit log names it.
    pub statement: String,
    /// The policy that it stands in.
    pub policy: Name,
    /// The line of the text that it begins at.
    pub line: usize,
    /// `permit` or `forbid`.
    pub effect: String,
    /// Whether it matches the request.
    pub matches: bool,
    /// What in its scope is about something else.
    pub misses: Vec<Miss>,
    /// Its conditions, in the order of the text; none are looked at if the scope misses.
    pub conditions: Vec<Condition>,
    /// Its limits, for a permit that matches.
    pub limits: Vec<LimitState>,
    /// How soon a person should look, if it says it.
    pub notify: Option<Urgency>,
    /// Who has to say yes, if it asks for somebody.
    pub approve: Option<String>,
}

/// A part of the scope that is about something else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    /// What the statement says: `action == Action::"sign"`.
    pub wants: String,
    /// What the request has.
    pub is: String,
}

/// One condition: a whole `unless`, or one of those that `&&` joins in a `when`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `when` or `unless`.
    pub clause: String,
    /// As it is written.
    pub source: String,
    /// Whether it lets the statement match; `None` if it can't be said, because what it asks
    /// about is not there.
    pub holds: Option<bool>,
    /// What it looked at.
    pub saw: Vec<Seen>,
}

/// A value that a condition saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// `context.purpose`
    pub what: String,
    /// In Cedar's words; `None` if the request has none.
    pub value: Option<String>,
}

/// How far a limit is used up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitState {
    /// `20 per hour`
    pub limit: String,
    /// How many uses are in the window that ends now.
    pub used: u32,
    /// How many more are possible now.
    pub left: u32,
    /// If none: when the next one is.
    pub free_at: Option<Timestamp>,
}

impl Policies {
    /// Holds every statement against the question. The limits are those at `now`; `counted` is
    /// [`Reader::counted`](crate::store::Reader::counted).
    pub fn explain(
        &self,
        question: &Question<'_>,
        counted: impl Fn(&str, &str, u32) -> Result<Vec<i64>, StoreError>,
        now: Timestamp,
    ) -> Result<Explanation, ExplainError> {
        let saying = self.say(question);
        let (request, entities) = question.put(Looks::ALL)?;
        let mut statements = Vec::new();
        let mut others = 0;
        for text in self.iter() {
            for statement in text.statements() {
                let misses = misses(&statement.policy, &request);
                if misses.len() > 1 {
                    others += 1;
                    continue;
                }
                let mut explained =
                    stacker::grow(STACK, || held(text, statement, misses, &request, &entities));
                if let Some(obliging) = &statement.obliging
                    && explained.matches
                {
                    explained.limits = limits(obliging, question.service, &counted, now)?;
                }
                statements.push(explained);
            }
        }
        statements.sort_by_key(|one| (!one.matches, one.misses.len()));
        Ok(Explanation {
            saying,
            statements,
            others,
        })
    }
}

/// Why a request can't be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It can't be put to policy at all; it would be refused.
    #[error(transparent)]
    NotAskable(#[from] NotAskable),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn held(
    text: &PolicyText,
    statement: &Statement,
    misses: Vec<Miss>,
    request: &Request,
    entities: &Entities,
) -> Explained {
    let before = text.text().get(..statement.span.start).unwrap_or_default();
    let conditions: Vec<Condition> = if misses.is_empty() {
        let clauses = source::clauses(text.text(), statement.span.clone());
        clauses
            .iter()
            .map(|clause| condition(text.text(), clause, request, entities))
            .collect()
    } else {
        Vec::new()
    };
    let duty = statement.obliging.as_ref().map(|obliging| &obliging.duty);
    Explained {
        statement: statement.policy.id().to_string(),
        policy: text.name().clone(),
        line: before.matches('\n').count() + 1,
        effect: match statement.policy.effect() {
            Effect::Permit => "permit".to_owned(),
            Effect::Forbid => "forbid".to_owned(),
        },
        matches: misses.is_empty()
            && conditions
                .iter()
                .all(|condition| condition.holds == Some(true)),
        misses,
        conditions,
        limits: Vec::new(),
        notify: duty.and_then(|duty| duty.urgency),
        approve: duty.and_then(|duty| Some(duty.approval.as_ref()?.to_string())),
    }
}

fn condition(text: &str, clause: &Clause, request: &Request, entities: &Entities) -> Condition {
    let source = text.get(clause.span.clone()).unwrap_or_default();
    let value = evaluate(source, request, entities);
    let truth = match value {
        Some(EvalResult::Bool(truth)) => Some(truth),
        _ => None,
    };
    Condition {
        clause: if clause.unless { "unless" } else { "when" }.to_owned(),
        source: source.to_owned(),
        holds: truth.map(|truth| truth != clause.unless),
        saw: saw(text, clause.span.clone(), request, entities),
    }
}

fn saw(text: &str, span: Range<usize>, request: &Request, entities: &Entities) -> Vec<Seen> {
    let mut all: Vec<Seen> = Vec::new();
    for what in source::paths(text, span) {
        if !all.iter().any(|seen| seen.what == what) {
            let value = evaluate(&what, request, entities).map(|value| value.to_string());
            all.push(Seen { what, value });
        }
    }
    all
}

/// `None` if it fails: an attribute or a tag is not there.
fn evaluate(source: &str, request: &Request, entities: &Entities) -> Option<EvalResult> {
    let expression = Expression::from_str(source).ok()?;
    eval_expression(request, entities, &expression).ok()
}

fn limits(
    obliging: &Obliging,
    service: &Name,
    counted: impl Fn(&str, &str, u32) -> Result<Vec<i64>, StoreError>,
    now: Timestamp,
) -> Result<Vec<LimitState>, StoreError> {
    let now = now.as_millisecond();
    let state = |limit: &super::Limit| {
        let times = counted(&obliging.counter, service.as_str(), limit.uses)?;
        let in_window = times
            .iter()
            .filter(|time| limit.free_at(Some(**time), now).is_some());
        let used = u32::try_from(in_window.count()).unwrap_or(u32::MAX);
        let left = limit.uses.saturating_sub(used);
        let nth = times.last().copied().filter(|_| left == 0);
        let free_at = limit.free_at(nth, now);
        Ok(LimitState {
            limit: limit.to_string(),
            used,
            left,
            free_at: free_at.and_then(|time| Timestamp::from_millisecond(time).ok()),
        })
    };
    obliging.duty.limits.iter().map(state).collect()
}

/// Where the scope is about something else. Services and secrets have no parents, so `in` means
/// the same as `==`.
fn misses(policy: &Policy, request: &Request) -> Vec<Miss> {
    let mut misses = Vec::new();
    let mut miss = |hits: bool, wants: String, is: Option<&EntityUid>| {
        if !hits {
            let is = is.map(ToString::to_string).unwrap_or_default();
            misses.push(Miss { wants, is });
        }
    };
    let principal = request.principal();
    match policy.principal_constraint() {
        PrincipalConstraint::Any => {}
        PrincipalConstraint::Is(kind) => {
            miss(
                is_a(principal, &kind),
                format!("principal is {kind}"),
                principal,
            );
        }
        PrincipalConstraint::Eq(uid)
        | PrincipalConstraint::In(uid)
        | PrincipalConstraint::IsIn(_, uid) => {
            miss(
                principal == Some(&uid),
                format!("principal == {uid}"),
                principal,
            );
        }
    }
    let action = request.action();
    match policy.action_constraint() {
        ActionConstraint::Any => {}
        ActionConstraint::Eq(uid) => {
            miss(action == Some(&uid), format!("action == {uid}"), action);
        }
        ActionConstraint::In(uids) => {
            let list: Vec<_> = uids.iter().map(ToString::to_string).collect();
            let hits = uids.iter().any(|uid| action == Some(uid));
            miss(hits, format!("action in [{}]", list.join(", ")), action);
        }
    }
    let resource = request.resource();
    match policy.resource_constraint() {
        ResourceConstraint::Any => {}
        ResourceConstraint::Is(kind) => {
            miss(
                is_a(resource, &kind),
                format!("resource is {kind}"),
                resource,
            );
        }
        ResourceConstraint::Eq(uid)
        | ResourceConstraint::In(uid)
        | ResourceConstraint::IsIn(_, uid) => {
            miss(
                resource == Some(&uid),
                format!("resource == {uid}"),
                resource,
            );
        }
    }
    misses
}

fn is_a(uid: Option<&EntityUid>, kind: &EntityTypeName) -> bool {
    uid.is_some_and(|uid| uid.type_name() == kind)
}

#[cfg(test)]
mod tests;
