//! Bytes → Request: parsed once, at the edge; what comes back is well-formed.
//!
//! A request is a signed POST ([`signature`]) whose body is the JSON below. Being a [`Request`]
//! says nothing about who sent it: [`crate::service`] finds that out.
//!
//! ```json
//! {"agent": "thumbprint of the agent's key", "secret": "deploy/key", "operation": "sign",
//!  "purpose": "deploy 4f2a", "ticket": "CHG-1234", "reply_to": "age1…", "input": {"message": "…"}}
//! ```

use std::{fmt, net::IpAddr};

use age::x25519::Recipient;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{audit::Reason, name::Name, operation::Operation, service::key::Thumbprint};

pub mod base;
pub mod call;
pub mod digest;
pub(crate) mod field;
pub mod prefer;
pub mod signature;

pub use call::{AuthenticatedCall, Call, Called, Wanted};
pub use signature::{RequestSignature, SignedMessage};

/// Where requests are posted to.
pub const PATH: &str = "/v1/access";
/// The longest body, in bytes, of a request whose operation takes no large one.
pub const MAX_BODY: usize = 1 << 20;
/// The longest body of any request, in bytes: 10 MiB in base64 with what is around it. Whoever
/// reads from a socket stops there, or earlier.
pub const MAX_LARGE_BODY: usize = 14 << 20;
/// The longest purpose, in characters.
pub const MAX_PURPOSE: usize = 512;
/// The longest ticket, in characters.
pub const MAX_TICKET: usize = 128;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WayIn {
    /// Over the TLS listener.
    Tls,
    /// Over the local socket.
    Local,
}

/// How a request came, and from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Through which door.
    pub way_in: WayIn,
    /// The client's address, where there is one.
    pub address: Option<IpAddr>,
}

/// A well-formed request, not yet authenticated.
pub struct Request {
    message: SignedMessage,
    agent: Thumbprint,
    secret: Name,
    operation: Operation,
    purpose: Option<String>,
    ticket: Option<String>,
    reply_to: Option<Recipient>,
}

/// Why bytes are not a request: 400, or 413 if there are too many. The sender may see the detail; it is about its own bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    reason: Reason,
    detail: String,
}

/// Why nobody is known to have made this request: 401. The detail is for the audit log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct NotAuthenticated {
    reason: Reason,
    detail: String,
    service: Option<Name>,
}

/// The body, before its parts are looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    agent: Thumbprint,
    secret: Name,
    operation: String,
    purpose: Option<String>,
    ticket: Option<String>,
    reply_to: Option<String>,
    #[serde(default)]
    input: Value,
}

impl Request {
    /// Reads a request. `target` is the path as the agent sees it, with the query if there is
    /// one; `headers` are those of the message as it came.
    pub fn parse(
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Malformed> {
        if method != Method::POST || target.split('?').next() != Some(PATH) {
            return Err(Malformed::new(format!("a request is a POST to `{PATH}`")));
        }
        let within = |most: usize| match body.len() > most {
            true => Err(Malformed {
                reason: Reason::TooLarge,
                ..Malformed::new(format!("the body has more than {most} bytes"))
            }),
            false => Ok(()),
        };
        within(MAX_LARGE_BODY)?;
        let message = SignedMessage::parse(method, target, headers, body)?;
        let Body {
            agent,
            secret,
            operation,
            purpose,
            ticket,
            reply_to,
            input,
        } = serde_json::from_slice(body)
            .map_err(|problem| Malformed::new(format!("the body is not a request: {problem}")))?;
        let operation = Operation::parse(&operation, input).map_err(Malformed::new)?;
        if !operation.takes_large_body() {
            within(MAX_BODY)?;
        }
        Ok(Self {
            message,
            agent,
            secret,
            operation,
            purpose: line("purpose", purpose, MAX_PURPOSE)?,
            ticket: line("ticket", ticket, MAX_TICKET)?,
            reply_to: reply_to.as_deref().map(recipient).transpose()?,
        })
    }

    /// The name asked for: a secret or an alias.
    pub fn secret(&self) -> &Name {
        &self.secret
    }

    /// What is to be done with it.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Why, as the service states it.
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// The ticket that the service names.
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// Whom a secret answer is sealed to.
    pub fn reply_to(&self) -> Option<&Recipient> {
        self.reply_to.as_ref()
    }

    /// Whether there is somebody to seal the answer to, if it must be sealed. If not, the
    /// request can't be answered: 422.
    pub fn can_answer(&self) -> bool {
        self.reply_to.is_some() || !self.operation.wants_sealed()
    }

    /// The agent that it is meant for.
    pub fn agent(&self) -> &Thumbprint {
        &self.agent
    }

    /// The signed message that carried it.
    pub fn message(&self) -> &SignedMessage {
        &self.message
    }

    /// The key that claims to have signed it.
    pub fn keyid(&self) -> &Thumbprint {
        self.message.keyid()
    }

    /// The nonce as it was sent.
    pub fn nonce(&self) -> &str {
        self.message.nonce()
    }

    /// The SHA-256 of the RFC 9421 signature base: stands for the request in the audit log.
    pub fn digest(&self) -> &[u8; 32] {
        self.message.digest()
    }

    /// What the answer is bound to.
    pub fn signature(&self) -> &RequestSignature {
        self.message.signature()
    }
}

/// Says what is asked for, and hides the input: it may be a plaintext.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("secret", &self.secret)
            .field("operation", &self.operation.name())
            .field("purpose", &self.purpose)
            .field("ticket", &self.ticket)
            .field("keyid", self.keyid())
            .finish_non_exhaustive()
    }
}

impl Malformed {
    /// The longest detail, in characters: parts of it come from outside.
    const MAX_DETAIL: usize = 400;

    pub(crate) fn new(detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let detail = detail.chars().take(Self::MAX_DETAIL);
        Self {
            reason: Reason::Malformed,
            detail: detail
                .map(|c| if c.is_control() { '\u{fffd}' } else { c })
                .collect(),
        }
    }

    /// Why, for the audit log.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What is wrong with it.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl NotAuthenticated {
    pub(crate) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            service: None,
        }
    }

    /// For a signature that did hold.
    pub(crate) fn by(self, service: Name) -> Self {
        Self {
            service: Some(service),
            ..self
        }
    }

    /// Why, for the audit log.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Why, in a sentence: for the audit log.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the remote is told. A service that is in order needs to know that a clock is wrong or
    /// that it asked the wrong agent; which keys are enrolled or suspended is nobody's business.
    pub fn told(&self) -> &str {
        match self.reason {
            Reason::WrongAudience | Reason::NotYetValid | Reason::Expired => &self.detail,
            _ => "no service that may ask signed this request",
        }
    }

    /// The service whose key signed it; `None` if that is not known.
    pub fn service(&self) -> Option<&Name> {
        self.service.as_ref()
    }
}

fn recipient(text: &str) -> Result<Recipient, Malformed> {
    text.parse().map_err(|problem| {
        Malformed::new(format!(
            "`reply_to` is not an age X25519 recipient (`age1…`): {problem}"
        ))
    })
}

/// One line of text for a person: what is blank or has control characters is not.
fn line(what: &str, text: Option<String>, longest: usize) -> Result<Option<String>, Malformed> {
    let Some(text) = text else { return Ok(None) };
    if text.trim().is_empty() {
        return Err(Malformed::new(format!("`{what}` is blank; leave it out")));
    }
    if text.chars().count() > longest {
        return Err(Malformed::new(format!(
            "`{what}` has more than {longest} characters"
        )));
    }
    if text.contains(disturbs) {
        return Err(Malformed::new(format!(
            "`{what}` has control characters in it"
        )));
    }
    Ok(Some(text))
}

/// What ends a line, drives a terminal, or shows text in another order than it stands in.
fn disturbs(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
pub(crate) mod tests;
