//! A call about a request that waits for an approval: to collect its result, or to give it up.
//!
//! It is a signed POST like any request, with a body of its own:
//!
//! ```json
//! {"agent": "thumbprint of the agent's key", "id": "12"}
//! ```
//!
//! **Invariant: a call is made once.** Its nonce is spent, so that whoever saw a call for a result
//! can't collect with it.

use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Arrival, Malformed, NotAuthenticated, SignedMessage};
use crate::{
    audit::Reason,
    name::Name,
    service::{Services, Thumbprint},
};

/// Where a result is collected.
pub const RESULT_PATH: &str = "/v1/access/result";
/// Where a request is given up.
pub const CANCEL_PATH: &str = "/v1/access/cancel";
/// The longest body, in bytes.
pub const MAX_CALL: usize = 4 * 1024;

/// What a service wants of a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// Its result.
    Result,
    /// That it ends.
    Cancel,
}

/// A well-formed call, not yet authenticated.
pub struct Call {
    message: SignedMessage,
    agent: Thumbprint,
    id: u64,
    wanted: Wanted,
}

/// A call that an enrolled service signed just now. Whether it is the first time is for the audit
/// log's commit to say.
#[derive(Debug)]
pub struct AuthenticatedCall {
    pub(crate) service: Name,
    pub(crate) nonce: String,
    pub(crate) arrival: Arrival,
    id: u64,
    wanted: Wanted,
}

/// Proof that a service made this call, just now and for the first time.
///
/// There is one constructor, in [`Log::commit`](crate::audit::Log::commit).
#[derive(Debug)]
pub struct Called(AuthenticatedCall);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    agent: Thumbprint,
    id: String,
}

impl Wanted {
    /// The one that is posted to this path, without its query.
    pub fn at(path: &str) -> Option<Self> {
        match path {
            RESULT_PATH => Some(Self::Result),
            CANCEL_PATH => Some(Self::Cancel),
            _ => None,
        }
    }
}

impl Call {
    /// Reads a call; the arguments are those of [`Request::parse`](super::Request::parse).
    pub fn parse(
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Malformed> {
        let path = target.split('?').next().unwrap_or_default();
        let wanted = Wanted::at(path).filter(|_| method == Method::POST);
        let wanted = wanted.ok_or_else(|| {
            Malformed::new(format!(
                "a call is a POST to `{RESULT_PATH}` or `{CANCEL_PATH}`"
            ))
        })?;
        if body.len() > MAX_CALL {
            return Err(Malformed {
                reason: Reason::TooLarge,
                ..Malformed::new(format!("the body has more than {MAX_CALL} bytes"))
            });
        }
        let message = SignedMessage::parse(method, target, headers, body)?;
        let Body { agent, id } = serde_json::from_slice(body)
            .map_err(|problem| Malformed::new(format!("the body is not a call: {problem}")))?;
        let number = id
            .parse()
            .ok()
            .filter(|number: &u64| number.to_string() == id);
        let id = number
            .ok_or_else(|| Malformed::new("`id` is not the id of a request: send it as it came"))?;
        Ok(Self {
            message,
            agent,
            id,
            wanted,
        })
    }

    /// The request that it is about.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What is wanted of it.
    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// The agent that it is meant for.
    pub fn agent(&self) -> &Thumbprint {
        &self.agent
    }

    /// The signed message that carried it.
    pub fn message(&self) -> &SignedMessage {
        &self.message
    }

    /// Finds out whose call it is; `audience` is the thumbprint of this agent's identity.
    pub fn authenticate(
        self,
        services: &Services,
        audience: &Thumbprint,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<AuthenticatedCall, NotAuthenticated> {
        let service = services.authenticate(&self.message, &self.agent, audience, now)?;
        Ok(AuthenticatedCall {
            service,
            nonce: self.message.nonce().to_owned(),
            arrival,
            id: self.id,
            wanted: self.wanted,
        })
    }
}

impl Called {
    /// Called when the nonce is durably spent.
    pub(crate) fn new(call: AuthenticatedCall) -> Self {
        Self(call)
    }

    /// Who calls.
    pub fn service(&self) -> &Name {
        &self.0.service
    }

    /// How the call came.
    pub fn arrival(&self) -> Arrival {
        self.0.arrival
    }

    /// The request that it is about.
    pub fn id(&self) -> u64 {
        self.0.id
    }

    /// What is wanted of it.
    pub fn wanted(&self) -> Wanted {
        self.0.wanted
    }
}
