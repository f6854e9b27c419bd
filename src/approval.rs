//! Who says yes to a request that policy permits only with an approval, and what a yes counts for.
//!
//! A request that waits is an entry of kind `pending` in the audit log ([`Asked`]); whoever decides
//! signs a [`Statement`] about that entry, and what was said is an entry of kind `decision`. When
//! the caller collects, the [`Quorum`] of what was said is what turns a
//! [`Proposal`](crate::policy::Proposal) into a permit.
//!
//! **Invariant: what was shown is what is signed.** The statement has the entry's line in it, as
//! stored: all that policy saw, and the digest of the request. Who signs it needs no trust in the
//! path by which the line came.
//!
//! **Invariant: a yes counts when the key is used.** Every signature is verified then, again, and
//! counts only if its signer is an approver then; the lines it is about are proved to be in the
//! signed tree of the audit log.

pub mod approver;
pub mod asked;
pub mod decision;
pub mod quorum;
pub mod same;
pub mod sshsig;
pub mod statement;
pub mod waiting;

pub use approver::{Approver, ApproverKey, BadApproverKey};
pub use asked::{Asked, Said, Settled, Shown, Unreadable, Voice};
pub use decision::{Decision, NotDecided, Settlement};
pub use quorum::{Lacking, Missing, Quorum};
pub use same::Same;
pub use sshsig::{BadSshSignature, NotSigned, SshSignature};
pub use statement::{BadStatement, NAMESPACE, Statement, Verdict};
pub use waiting::{Asking, BadWaiting, NotAgain, Sealed, Waiting};

#[cfg(test)]
mod tests;
