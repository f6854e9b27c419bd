//! What wants to be in the audit log, and what became of it.

use super::Recorded;
use crate::{
    approval::{Asking, Decision, NotDecided, Settlement},
    audit::Event,
    errand::Finished,
    policy::{Permit, Refused},
    request::{AuthenticatedCall, Called},
    vault::{Change, Changed, Outcome, UseError, due::Due},
};

/// What wants to be in the audit log.
#[derive(Debug)]
pub enum Submission {
    /// A permitted request whose key is to be used.
    Use(Permit),
    /// What became of a use that had to call a provider.
    Outcome(Box<Finished>),
    /// A request of a known service that was refused.
    Refusal(Refused),
    /// A request that waits until it is approved.
    Ask(Box<Asking>),
    /// What an approver said to one.
    Decide(Box<Decision>),
    /// The end of one that nobody decided on.
    Settle(Box<Settlement>),
    /// A call about one: its nonce is spent, and this makes no entry.
    Call(Box<AuthenticatedCall>),
    /// Folded refusals: an [`Event::Noise`].
    Noise(Event),
    /// Something that changes no record, such as the start of the agent: an
    /// [`Event::Administration`].
    Note(Event),
    /// A version that passed a limit: an entry, unless the owner was told of that before.
    Due(Due),
    /// An administration event with the records and slots that go with it.
    Change(Change),
    /// A notification channel has delivered the first `delivered` entries; this makes no entry.
    Advance {
        /// The channel's name.
        channel: String,
        /// How many entries.
        delivered: u64,
    },
}

/// What became of a submission: it is durable.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "the common one is the large one, and it is handed on at once"
)]
pub enum Committed {
    /// The key may be used now.
    Use(Recorded),
    /// The caller may be answered now.
    Outcome(Result<Outcome, Box<UseError>>),
    /// The refusal, noise or note is in the log.
    Noted(Noted),
    /// The change is in the vault and in the log.
    Changed(Changed),
    /// The request waits; the entry's index is its id.
    Pending(Noted),
    /// What was said is in the log and counts.
    Decided(Noted),
    /// The request has ended, and the log says so.
    Settled(Noted),
    /// What was said, or the end, comes too late or twice: nothing was recorded.
    NotDecided(NotDecided),
    /// The call counts: it was never made before.
    Called(Called),
    /// The use, or the wish to be approved, was refused while it was being recorded: a limit of the
    /// policies that permitted it is reached, its key is used up, what it waited for has ended, or
    /// as many wait as may. The refusal is in the log, and the caller may be told.
    Refused(Box<Refused>),
    /// The owner was told before: nothing was recorded.
    ToldBefore,
    /// The (service, nonce) was spent before: nothing was recorded, and no key may be used. The
    /// event is noise of count 1, for the caller to fold.
    Replay(Event),
    /// The channel's position is kept.
    Advanced,
}

/// A durable entry and its receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// The entry's index in the log.
    pub index: u64,
    /// The entry's line, as stored.
    pub entry: String,
    /// A C2SP tlog-proof for the line.
    pub receipt: String,
}
