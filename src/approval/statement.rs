//! What an approver signs: one line of canonical JSON (RFC 8785) about one pending entry.
//!
//! ```json
//! {"agent":"<thumbprint>","decision":"approve","entry":"<the entry's line, as stored>","id":"12","minutes":15}
//! ```
//!
//! `minutes` is left out where the yes counts once, and with a no. There is no newline at the end.
//! The signature is an SSHSIG (OpenSSH's `PROTOCOL.sshsig`) in the namespace [`NAMESPACE`]:
//! `ssh-keygen -Y sign -n approval@strongroom` makes it.

use serde::{Deserialize, Serialize};

use crate::service::Thumbprint;

/// The namespace of the signature: one made for anything else is none of a decision.
pub const NAMESPACE: &str = "approval@strongroom";
/// The longest time that a yes stands, in minutes: a day.
pub const MAX_MINUTES: u32 = 24 * 60;
/// The longest statement, in bytes. An entry is shorter by far: a request's fields are bounded.
pub const MAX_STATEMENT: usize = 256 * 1024;

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No, which ends it.
    Deny,
}

/// What an approver says about one request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    agent: Thumbprint,
    decision: Verdict,
    entry: String,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minutes: Option<u32>,
}

/// Why a text is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStatement {
    /// More bytes than any has.
    #[error("a statement has at most {MAX_STATEMENT} bytes")]
    TooLong,
    /// Not the JSON of one.
    #[error("this is not a statement; print one with `strongroom pending ID --statement approve`")]
    Malformed,
    /// Something else would be read than was signed.
    #[error(
        "the statement is not in canonical form (RFC 8785), one line without a newline; sign it exactly as `strongroom pending ID --statement` prints it"
    )]
    NotCanonical,
    /// A yes for no time at all, or for ever.
    #[error("a yes stands for 1 to {MAX_MINUTES} minutes; leave `minutes` out for once")]
    Minutes,
    /// A no ends it for good.
    #[error("a no has no `minutes`; leave them out")]
    MinutesOfDeny,
}

impl Statement {
    /// The statement about the entry with this index, `line` as it is stored.
    pub fn new(
        agent: Thumbprint,
        id: u64,
        line: impl Into<String>,
        decision: Verdict,
        minutes: Option<u32>,
    ) -> Result<Self, BadStatement> {
        check_minutes(decision, minutes)?;
        Ok(Self {
            agent,
            decision,
            entry: line.into(),
            id: id.to_string(),
            minutes,
        })
    }

    /// Reads the line that was signed, strictly: there is one text for each statement.
    pub fn parse(text: &str) -> Result<Self, BadStatement> {
        if text.len() > MAX_STATEMENT {
            return Err(BadStatement::TooLong);
        }
        let statement: Self = serde_json::from_str(text).map_err(|_| BadStatement::Malformed)?;
        check_minutes(statement.decision, statement.minutes)?;
        let is_number = |id: &u64| id.to_string() == statement.id;
        if !statement.id.parse().is_ok_and(|id| is_number(&id)) {
            return Err(BadStatement::Malformed);
        }
        if statement.to_line() != text {
            return Err(BadStatement::NotCanonical);
        }
        Ok(statement)
    }

    /// The line to sign, without a newline.
    pub fn to_line(&self) -> String {
        #[expect(clippy::expect_used, reason = "strings and a number always serialise")]
        // The members are declared in the order of RFC 8785, which writes strings as serde_json does.
        let line = serde_json::to_string(self).expect("a statement is JSON");
        line
    }

    /// The agent that it is meant for, by the thumbprint of its key for answers.
    pub fn agent(&self) -> &Thumbprint {
        &self.agent
    }

    /// Yes or no.
    pub fn decision(&self) -> Verdict {
        self.decision
    }

    /// The line of the pending entry that it is about.
    pub fn entry(&self) -> &str {
        &self.entry
    }

    /// The index of that entry.
    pub fn id(&self) -> u64 {
        // Both constructors have it from a number.
        self.id.parse().unwrap_or(u64::MAX)
    }

    /// For how many minutes the yes stands for the same operation; once if there are none.
    pub fn minutes(&self) -> Option<u32> {
        self.minutes
    }
}

pub(super) fn check_minutes(decision: Verdict, minutes: Option<u32>) -> Result<(), BadStatement> {
    match (decision, minutes) {
        (_, None) => Ok(()),
        (Verdict::Deny, Some(_)) => Err(BadStatement::MinutesOfDeny),
        (Verdict::Approve, Some(1..=MAX_MINUTES)) => Ok(()),
        (Verdict::Approve, Some(_)) => Err(BadStatement::Minutes),
    }
}
