//! Requests that nobody signed: what an owner asks about, what a test expects, and what the audit
//! log remembers. They are put to policy by the code that decides for real.

use std::{collections::BTreeSet, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Policies, Question, Subject, Verdict};
use crate::{
    audit::{Ask, Entry, Event},
    binding::Binding,
    name::Name,
    operation::{BadInput, Kind, Operation, OperationName},
    request::WayIn,
    vault::catalog::{Catalog, Secret},
};

/// A request as an owner writes it down. Only who, what and with which secret must be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supposed {
    /// Who asks.
    pub service: Name,
    /// What for.
    pub operation: OperationName,
    /// The name asked for: a secret or an alias.
    pub secret: Name,
    /// The operation's input, as in a request; nothing stands for `{}`.
    pub input: Option<Value>,
    /// In place of the input: the operation's own fields, as policy sees them.
    pub fields: Option<Map<String, Value>>,
    /// Why, as the service states it.
    pub purpose: Option<String>,
    /// The ticket that the service names.
    pub ticket: Option<String>,
    /// How it comes; over TLS if it is not said.
    pub way_in: Option<WayIn>,
    /// From where.
    pub address: Option<IpAddr>,
    /// When; now if it is not said.
    pub time: Option<Timestamp>,
    /// Anything for a reader.
    pub note: Option<String>,
}

/// A request as far as policy looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Who asks.
    pub service: Name,
    /// What for.
    pub operation: OperationName,
    /// The operation's own fields.
    pub fields: Map<String, Value>,
    /// The name asked for: a secret or an alias.
    pub asked: Name,
    /// Why, as the service states it.
    pub purpose: Option<String>,
    /// The ticket that the service names.
    pub ticket: Option<String>,
    /// How it comes.
    pub way_in: WayIn,
    /// From where.
    pub address: Option<IpAddr>,
    /// When.
    pub time: Timestamp,
}

/// The secret that a case is about.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// As policy sees it.
    pub subject: &'a Subject,
    /// What it is.
    pub kind: Kind,
    /// What it is for.
    pub binding: Option<&'a Binding>,
}

/// Why a case can't be put to policy.
#[derive(Debug, thiserror::Error)]
pub enum BadCase {
    /// Both the input and what is made of it.
    #[error("give `input`, as in a request, or `fields`, as policy sees them; not both")]
    Both,
    /// The operation does not take this input.
    #[error("the input is not one of `{operation}`: {problem}")]
    Input {
        /// The operation.
        operation: OperationName,
        /// What is wrong with it.
        problem: BadInput,
    },
    /// Policy could not be asked.
    #[error("{0}; `strongroom policy schema` shows what an operation has")]
    Fields(String),
    /// Nothing is called that.
    #[error("there is no secret or alias `{0}`")]
    NoSecret(Name),
}

/// What policy says, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// A permit matches and no forbid does.
    Allowed,
    /// The same, once somebody has approved it.
    NeedsApproval,
    /// No permit matches, or a forbid does.
    Denied,
}

/// What policy says, and which statements said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    /// In a word.
    pub said: Said,
    /// The statements that decided; none where nothing permits.
    pub policies: Vec<String>,
    /// Why a policy could not be evaluated, if one could not.
    pub failed: Option<String>,
}

impl Supposed {
    /// The case, and the operation if there was an input.
    pub fn case(
        &self,
        target: Target<'_>,
        now: Timestamp,
    ) -> Result<(Case, Option<Operation>), BadCase> {
        let (fields, operation) = match (&self.input, &self.fields) {
            (Some(_), Some(_)) => return Err(BadCase::Both),
            (None, Some(fields)) => (fields.clone(), None),
            (input, None) => {
                let input = input.clone().unwrap_or_default();
                let operation = Operation::parse(self.operation.as_str(), input);
                let operation = operation.map_err(|problem| BadCase::Input {
                    operation: self.operation,
                    problem,
                })?;
                let fields = operation.fields_for(target.kind, target.binding);
                (fields, Some(operation))
            }
        };
        let case = Case {
            service: self.service.clone(),
            operation: self.operation,
            fields,
            asked: self.secret.clone(),
            purpose: self.purpose.clone(),
            ticket: self.ticket.clone(),
            way_in: self.way_in.unwrap_or(WayIn::Tls),
            address: self.address,
            time: self.time.unwrap_or(now),
        };
        // What an operation makes of its input is put to policy as it is, also where the secret
        // lacks the binding that it takes: that is how it would be refused.
        if operation.is_none() {
            let question = case.question(target.subject);
            question
                .fits()
                .map_err(|error| BadCase::Fields(error.to_string()))?;
        }
        Ok((case, operation))
    }
}

impl Case {
    /// The request that an entry of the audit log tells of, with the secret that was used if one
    /// was; `None` if it tells of none that was put to policy.
    pub fn recorded(entry: &Entry) -> Option<(Self, Option<&Name>)> {
        let (ask, secret) = match &entry.event {
            Event::Use { ask, secret, .. } | Event::Pending { ask, secret, .. } => {
                (ask, Some(secret))
            }
            Event::Refusal { ask, .. } => (ask, None),
            _ => return None,
        };
        let Ask {
            address,
            asked,
            fields,
            operation,
            purpose,
            service,
            ticket,
            way_in,
            ..
        } = ask.clone();
        let case = Self {
            service,
            operation,
            fields,
            asked,
            purpose,
            ticket,
            way_in,
            address,
            time: entry.time,
        };
        Some((case, secret))
    }

    /// The case put as a question about this secret.
    pub fn question<'a>(&'a self, secret: &'a Subject) -> Question<'a> {
        Question {
            service: &self.service,
            operation: self.operation,
            fields: &self.fields,
            asked: &self.asked,
            secret,
            purpose: self.purpose.as_deref(),
            ticket: self.ticket.as_deref(),
            way_in: self.way_in,
            address: self.address,
            time: self.time,
        }
    }
}

impl<'a> Target<'a> {
    /// What a name stands for.
    pub fn named(catalog: &'a Catalog, asked: &Name) -> Result<Self, BadCase> {
        let secret = catalog.resolve(asked);
        secret
            .map(Self::of)
            .ok_or_else(|| BadCase::NoSecret(asked.clone()))
    }

    /// A secret of the vault's.
    pub fn of(secret: &'a Secret) -> Self {
        Self {
            subject: secret.subject(),
            kind: secret.kind,
            binding: secret.bound.as_ref().map(|bound| &bound.binding),
        }
    }
}

impl Policies {
    /// What policy says to a question, with the approvals that it asks for.
    pub fn say(&self, question: &Question<'_>) -> Saying {
        let (said, policies, failed) = match self.decide(question) {
            Verdict::Permitted(policies) => {
                let said = match self.obligations(&policies).approval() {
                    Some(_) => Said::NeedsApproval,
                    None => Said::Allowed,
                };
                (said, policies, None)
            }
            Verdict::Denied(policies) => (Said::Denied, policies, None),
            Verdict::Failed(why) => (Said::Denied, Vec::new(), Some(why)),
        };
        Saying {
            said,
            policies,
            failed,
        }
    }
}

/// A secret that is only in a file of tests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// What it is.
    pub kind: Kind,
    /// Words of the owner's.
    #[serde(default)]
    pub labels: BTreeSet<String>,
    /// Whether its value may leave.
    #[serde(default)]
    pub releasable: bool,
    /// What it is for.
    pub binding: Option<Binding>,
}
