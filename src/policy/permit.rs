//! Authenticated → Permit: policy first, then whether the secret can do it at all.
//!
//! A caller whom policy does not permit learns nothing about the secret, not even that there is
//! one: an unknown name is put to policy like a known one and refused in the same words. What a
//! permitted caller may learn, that the kind, the version or the request does not fit, comes
//! after.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Obligations, Question, Subject, Verdict};
use crate::{
    answer::Problem,
    approval::{Quorum, Settled},
    audit::{Ask, Reason},
    binding::Bound,
    name::Name,
    operation::{Kind, Operation, OperationName},
    service::Authenticated,
    vault::catalog::{Catalog, Secret, Version},
};

mod proposal;

pub use proposal::{Approved, Proposal};

/// Proof that policy permits this request, that everybody said yes whom policy asks for, and that
/// the secret can do what is asked.
///
/// There are two constructors: [`Authenticated::authorize`] where no policy asks for an approval,
/// and [`Proposal::approved_by`] a quorum; the audit log's commit spends it. It
/// counts for the catalog that it was given with: what the owner changed since then is checked
/// again when the key is used.
#[derive(Debug)]
pub struct Permit {
    grounds: Grounds,
    /// By whom, if policy asks for it.
    approved: Option<Approved>,
}

/// What policy says to a request that it does not refuse.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the common one is the large one, and it is handed on at once"
)]
pub enum Authorized {
    /// Yes.
    Permit(Permit),
    /// Yes, once it is approved.
    Proposal(Box<Proposal>),
}

/// A request with what policy found.
#[derive(Debug)]
struct Grounds {
    authenticated: Authenticated,
    version: Arc<Version>,
    bound: Option<Arc<Bound>>,
    fields: Map<String, Value>,
    policies: Vec<String>,
    obligations: Obligations,
}

/// A request of a known service that was refused, on its way to the audit log.
#[derive(Debug)]
pub struct Refused {
    authenticated: Authenticated,
    fields: Map<String, Value>,
    reason: Reason,
    detail: String,
    policies: Vec<String>,
    retry_after: Option<u32>,
    /// How it ended before, if it waited for an approval.
    ended: Option<Settled>,
}

impl Authenticated {
    /// Decides: the name stands for a secret, policy permits the request, if only once it is
    /// approved, and the secret has a version that can do it.
    #[expect(
        clippy::result_large_err,
        reason = "a refusal carries the request on, as a permit does"
    )]
    pub fn authorize(self, catalog: &Catalog) -> Result<Authorized, Refused> {
        let asked = self.request().secret().clone();
        let operation = self.request().operation();
        let Some(secret) = catalog.resolve(&asked) else {
            // Put to policy for the time that it takes, whatever it says.
            let nothing = Subject::new(&asked, Kind::Opaque, &Default::default(), false);
            let fields = operation.fields();
            let _ = catalog.policies().decide(&self.question(&nothing, &fields));
            return Err(self.refuse(
                fields,
                Reason::UnknownSecret,
                format!("no secret or alias is named `{asked}`"),
            ));
        };
        let binding = secret.bound.as_ref().map(|bound| &bound.binding);
        let fields = operation.fields_for(secret.kind, binding);
        let suitable = operation.suits(secret.kind, secret.releasable, binding);
        let verdict = catalog
            .policies()
            .decide(&self.question(secret.subject(), &fields));
        let policies = match verdict {
            Verdict::Permitted(policies) => policies,
            Verdict::Denied(policies) => {
                let detail = match policies.is_empty() {
                    true => "no policy permits it",
                    false => "a policy forbids it",
                };
                return Err(Refused {
                    policies,
                    ..self.refuse(fields, Reason::Denied, detail)
                });
            }
            Verdict::Failed(why) => {
                // A key that can't sign has no algorithm for a policy to look at.
                let detail = suitable
                    .err()
                    .map_or(why, |unsuitable| unsuitable.to_string());
                return Err(self.refuse(fields, Reason::Denied, detail));
            }
        };
        let possible = in_use(catalog, secret)
            .and_then(|()| {
                suitable.map_err(|unsuitable| (Reason::NotPossible, unsuitable.to_string()))
            })
            .and_then(|()| version(secret, operation))
            .and_then(|version| match self.request().can_answer() {
                true => Ok(Arc::clone(version)),
                false => Err((
                    Reason::NotPossible,
                    format!(
                        "the answer to `{}` is sealed: send `reply_to`",
                        operation.name()
                    ),
                )),
            });
        match possible {
            Ok(version) => {
                let grounds = Grounds {
                    authenticated: self,
                    version,
                    bound: secret.bound.clone(),
                    fields,
                    obligations: catalog.policies().obligations(&policies),
                    policies,
                };
                Ok(match grounds.obligations.approval() {
                    None => Authorized::Permit(Permit {
                        grounds,
                        approved: None,
                    }),
                    Some(_) => Authorized::Proposal(Box::new(Proposal::new(grounds))),
                })
            }
            Err((reason, detail)) => Err(Refused {
                policies,
                ..self.refuse(fields, reason, detail)
            }),
        }
    }

    fn question<'a>(&'a self, secret: &'a Subject, fields: &'a Map<String, Value>) -> Question<'a> {
        let request = self.request();
        Question {
            service: self.service(),
            operation: request.operation().name(),
            fields,
            asked: request.secret(),
            secret,
            purpose: request.purpose(),
            ticket: request.ticket(),
            way_in: self.arrival().way_in,
            address: self.arrival().address,
            time: self.received(),
        }
    }

    fn refuse(
        self,
        fields: Map<String, Value>,
        reason: Reason,
        detail: impl Into<String>,
    ) -> Refused {
        Refused {
            authenticated: self,
            fields,
            reason,
            detail: detail.into(),
            policies: Vec::new(),
            retry_after: None,
            ended: None,
        }
    }
}

/// What the owner has stopped does nothing for anybody, `public-key` too.
fn in_use(catalog: &Catalog, secret: &Secret) -> Result<(), (Reason, String)> {
    let name = &secret.name;
    match (catalog.is_suspended(), secret.suspended) {
        (true, _) => Err((Reason::VaultSuspended, "everything is suspended".to_owned())),
        (false, true) => Err((
            Reason::SecretSuspended,
            format!("secret `{name}` is suspended"),
        )),
        (false, false) => Ok(()),
    }
}

/// The version to use: the one that the request names, else the current one. Old versions read
/// what was made with them (`decrypt`, `verify-mac`: [`Operation::version`] is `None` for what
/// makes something new). A retired version does nothing any more, but its public key still
/// verifies old signatures.
fn version<'a>(
    secret: &'a Secret,
    operation: &Operation,
) -> Result<&'a Arc<Version>, (Reason, String)> {
    let name = &secret.name;
    let public = operation.name() == OperationName::PublicKey;
    let Some(number) = operation.version() else {
        let newest = || secret.versions().last().filter(|_| public);
        return secret
            .current()
            .or_else(newest)
            .ok_or_else(|| (Reason::Retired, format!("secret `{name}` is retired")));
    };
    match secret.version(number) {
        None => Err((
            Reason::UnknownVersion,
            format!("secret `{name}` has no version {number}"),
        )),
        Some(version) if version.retired && !public => Err((
            Reason::Retired,
            format!("version {number} of secret `{name}` is retired"),
        )),
        Some(version) => Ok(version),
    }
}

/// Whether the secret can do what policy permits: for an owner who asks, in advance.
pub fn possible(secret: &Secret, operation: &Operation) -> Result<(), String> {
    let binding = secret.bound.as_ref().map(|bound| &bound.binding);
    operation
        .suits(secret.kind, secret.releasable, binding)
        .map_err(|unsuitable| unsuitable.to_string())?;
    version(secret, operation)
        .map(|_| ())
        .map_err(|(_, why)| why)
}

impl Authorized {
    /// The permit, if nobody has to be asked.
    pub fn into_permit(self) -> Option<Permit> {
        match self {
            Self::Permit(permit) => Some(permit),
            Self::Proposal(_) => None,
        }
    }
}

impl Permit {
    /// Who asked, and for what.
    pub fn authenticated(&self) -> &Authenticated {
        &self.grounds.authenticated
    }

    /// The request as the audit log keeps it, with the operation's fields as policy saw them.
    pub fn ask(&self) -> Ask {
        self.grounds.ask()
    }

    /// The secret that the name asked for stands for.
    pub fn secret(&self) -> &Name {
        &self.grounds.version.secret
    }

    /// The version that will be used.
    pub fn version(&self) -> &Arc<Version> {
        &self.grounds.version
    }

    /// What the secret is for, as policy saw it.
    pub fn bound(&self) -> Option<&Arc<Bound>> {
        self.grounds.bound.as_ref()
    }

    /// The statements that permit it, by their ids: at least one.
    pub fn policies(&self) -> &[String] {
        &self.grounds.policies
    }

    /// What those statements ask for.
    pub fn obligations(&self) -> &Obligations {
        &self.grounds.obligations
    }

    /// Who said yes, where policy asks for that.
    pub fn approved(&self) -> Option<&Approved> {
        self.approved.as_ref()
    }

    /// Gives the permit up because a limit of its policies is reached: the next use is possible
    /// in so many seconds.
    pub(crate) fn over_limit(self, detail: impl Into<String>, retry_after: u32) -> Refused {
        Refused {
            retry_after: Some(retry_after),
            ..self.refuse(Reason::Limit, detail)
        }
    }

    /// Gives the permit up because the request that waited has ended, or what was said to it
    /// counts no more.
    pub(crate) fn over(self, ended: Option<Settled>, detail: impl Into<String>) -> Refused {
        Refused {
            ended,
            ..self.refuse(Reason::NeedsApproval, detail)
        }
    }

    /// Gives the permit up: the vault is locked, the caller asks too often, …
    pub fn refuse(self, reason: Reason, detail: impl Into<String>) -> Refused {
        self.grounds.refuse(reason, detail)
    }
}

impl Grounds {
    fn ask(&self) -> Ask {
        self.authenticated.ask(self.fields.clone())
    }

    fn refuse(self, reason: Reason, detail: impl Into<String>) -> Refused {
        let Self {
            authenticated,
            fields,
            policies,
            ..
        } = self;
        Refused {
            policies,
            ..authenticated.refuse(fields, reason, detail)
        }
    }
}

impl Refused {
    /// Who asked, and for what.
    pub fn authenticated(&self) -> &Authenticated {
        &self.authenticated
    }

    /// The request as the audit log keeps it, with the operation's fields as policy saw them.
    pub fn ask(&self) -> Ask {
        self.authenticated.ask(self.fields.clone())
    }

    /// Why, in a word, for the audit log.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Why, for the audit log; the remote gets [`Refused::told`].
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The statements that forbade it, or that permitted what was refused for another reason.
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// In how many seconds the same request would be allowed, if time is all that it takes.
    pub fn retry_after(&self) -> Option<u32> {
        self.retry_after
    }

    /// What the remote is told in a word.
    pub fn problem(&self) -> Problem {
        if let Some(ended) = self.ended {
            return ended.problem();
        }
        match self.reason {
            // One problem for both, so that names can't be probed.
            Reason::Denied | Reason::UnknownSecret | Reason::NeedsApproval => Problem::Denied,
            Reason::NotPossible | Reason::UnknownVersion | Reason::Retired | Reason::UsedUp => {
                Problem::Unsuitable
            }
            Reason::Locked => Problem::Locked,
            Reason::SecretSuspended | Reason::VaultSuspended => Problem::Suspended,
            Reason::TooManyRequests | Reason::TooManyPending | Reason::Limit => {
                Problem::TooManyRequests
            }
            Reason::Replay => Problem::Replay,
            Reason::Malformed => Problem::Malformed,
            Reason::TooLarge => Problem::TooLarge,
            Reason::UnknownKey
            | Reason::BadSignature
            | Reason::WrongAlgorithm
            | Reason::WrongAudience
            | Reason::NotYetValid
            | Reason::Expired
            | Reason::Suspended => Problem::NotAuthenticated,
        }
    }

    /// What the remote is told in a sentence: the detail only if policy had permitted the request.
    pub fn told(&self) -> &str {
        match self.problem() {
            _ if self.ended.is_some() => "the request that waited for an approval has ended",
            // Policy permits it as far as it goes, so this tells no stranger anything.
            _ if self.reason == Reason::NeedsApproval && self.retry_after.is_some() => {
                "this was denied a moment ago; nobody is asked again before `retry_after` seconds have passed"
            }
            _ if self.reason == Reason::NeedsApproval => {
                "policy allows this request only with an approval, and it has none; make a new one"
            }
            _ if self.reason == Reason::TooLarge => &self.detail,
            _ if self.reason == Reason::TooManyPending => {
                "as many requests wait for an approval as may; collect or cancel some, or try again later"
            }
            _ if self.reason == Reason::Limit => {
                "as many requests as policy allows were made; try again when `retry_after` seconds have passed"
            }
            Problem::Denied => "policy does not allow this request",
            Problem::Unsuitable => &self.detail,
            Problem::Locked => "the vault is locked",
            _ if self.reason == Reason::SecretSuspended => "the owner has suspended this secret",
            _ if self.reason == Reason::VaultSuspended => "the owner has suspended everything",
            _ => "the request was refused",
        }
    }
}

#[cfg(test)]
mod tests;
