//! The service's side: sign a request, check an answer and its receipt. Sans-IO.
//!
//! A [`Draft`] says what to ask; signing it makes the headers and the body to send. A [`Call`] asks
//! for what became of a request that waits for an approval, or gives it up. What comes
//! back goes through [`check()`], which believes nothing that the agent's keys did not sign: the
//! answer belongs to this request, and the audit log has an entry that tells of it.

use crate::service::key::PublicKey;

mod call;
mod check;
mod draft;
mod key;

pub use call::Call;
pub use check::{
    BadAnswer, CheckedAnswer, NotOpened, Pending, Proof, Refusal, SealedAnswer, check,
    check_signature,
};
pub use draft::{Draft, NotSigned, SignedRequest};
pub use key::{BadSigningKey, SigningKey};

/// What a service knows of an agent: given to it once by the owner, or read from
/// `GET /v1/agent` over a connection that it trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentKeys {
    /// The key that answers are signed with; its thumbprint is what requests name as `agent`.
    pub answers: PublicKey,
    /// The signed-note verifier key of the audit log's checkpoints.
    pub checkpoints: String,
}

#[cfg(test)]
mod tests;
