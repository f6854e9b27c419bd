//! What the audit log says: one entry is one line of canonical JSON (RFC 8785).
//!
//! An entry never holds a secret: it has the fields that policy saw, and digests for the rest.
//! Members are in the order that RFC 8785 demands because the structs here and in `line` declare them in it;
//! a test holds the result against an independent canonicaliser.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::{Map, Value, value::RawValue};

use crate::{
    name::Name, notification::Urgency, operation::OperationName, request::WayIn,
    service::key::Thumbprint,
};

mod line;
mod words;

pub use words::{Action, By, Decided, Ending, Kind, Reason};

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Entry {
    /// When it was recorded; whole milliseconds.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened. The member `kind` of the JSON object names the variant.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A key is about to be used: the entry comes before the use.
    Use {
        /// Who asked for what.
        ask: Ask,
        /// The secret that the name asked for resolved to.
        secret: Name,
        /// The version that is used.
        version: u32,
        /// The policies that permitted it.
        policies: Vec<String>,
        /// The indexes of the decisions that approved it, where these policies ask for an approval.
        #[serde(default)]
        approvals: Vec<u64>,
        /// The index of the entry by which it waited for them, if it did.
        #[serde(default)]
        pending: Option<u64>,
        /// How soon a person should look, if one of these policies says it.
        #[serde(default)]
        urgency: Option<Urgency>,
    },
    /// What became of a use that had to call a provider: the entry comes before the answer.
    Outcome {
        /// The index of the use's own entry.
        entry: u64,
        /// Who asked.
        service: Name,
        /// The secret that was used.
        secret: Name,
        /// The version that was used.
        version: u32,
        /// What was asked for.
        operation: OperationName,
        /// How it ended, in a word.
        ending: Ending,
        /// The HTTP status that the provider answered, if it answered.
        status: Option<u16>,
        /// When what was issued stops being good.
        expires: Option<Timestamp>,
        /// What went wrong; the remote sees less.
        detail: Option<String>,
        /// How soon a person should look at what went wrong, if a policy says it.
        #[serde(default)]
        urgency: Option<Urgency>,
    },
    /// A known service was refused.
    Refusal {
        /// Who asked for what.
        ask: Ask,
        /// Why, in a word.
        reason: Reason,
        /// Why, in a sentence; the remote sees less.
        detail: String,
        /// The policies that decided, if any did.
        policies: Vec<String>,
    },
    /// A request that policy permits once somebody approves it. Its index is the id by which it is
    /// decided on.
    Pending {
        /// Who asked for what.
        ask: Ask,
        /// The secret that the name asked for stands for.
        secret: Name,
        /// The version that was current.
        version: u32,
        /// The policies that permit it.
        policies: Vec<String>,
        /// Who has to say yes, as policy writes it: `2 of security`. All of them hold.
        needs: Vec<String>,
        /// When it is denied if nobody decided.
        expires: Timestamp,
        /// How soon a person should look, if one of these policies says it.
        #[serde(default)]
        urgency: Option<Urgency>,
    },
    /// What one approver said to a request that waits, or how it ended otherwise.
    Decision {
        /// The index of the pending request's own entry.
        entry: u64,
        /// Who asked.
        service: Name,
        /// The secret that was asked for.
        secret: Name,
        /// What was asked for.
        operation: OperationName,
        /// What was decided.
        decided: Decided,
        /// Who decided.
        by: By,
        /// The approver's name.
        #[serde(default)]
        approver: Option<Name>,
        /// For how many minutes the yes stands for the same operation; once if it is missing.
        #[serde(default)]
        minutes: Option<u32>,
        /// The fingerprint of the approver's key: `SHA256:…`.
        #[serde(default)]
        key: Option<String>,
        /// The approver's SSHSIG over the statement, armored: anybody can check it.
        #[serde(default)]
        signature: Option<String>,
        /// Anything else that a reader wants to know.
        #[serde(default)]
        detail: Option<String>,
    },
    /// Requests that were refused before their sender was known, or that prove nobody's
    /// presence (replays), folded together.
    Noise {
        /// Why, in a word.
        reason: Reason,
        /// How they came.
        way_in: WayIn,
        /// From where.
        address: Option<IpAddr>,
        /// The service whose key they were signed with, if they were.
        service: Option<Name>,
        /// How many.
        count: u64,
        /// When the first of them came.
        since: Timestamp,
        /// What was wrong with the newest one.
        detail: String,
    },
    /// The owner or the agent changed or started something.
    Administration {
        /// What was done.
        action: Action,
        /// To what: the name of a secret, service, policy, slot, …
        subject: Option<String>,
        /// To which version of it.
        version: Option<u32>,
        /// Anything else that a reader wants to know.
        detail: Option<String>,
        /// Who did it.
        by: By,
        /// The number of the vault record that was written with this entry.
        record: Option<u64>,
    },
}

/// A request as the audit log keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The client's address, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The name asked for: a secret or an alias.
    pub asked: Name,
    /// The SHA-256 of the RFC 9421 signature base, in base64.
    pub digest: String,
    /// The operation's own fields, as policy saw them.
    #[serde(serialize_with = "canonical")]
    pub fields: Map<String, Value>,
    /// The key that signed the request.
    pub key: Thumbprint,
    /// The request's nonce, as it was sent.
    pub nonce: String,
    /// What was asked for.
    pub operation: OperationName,
    /// Why, as the service states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Who asks.
    pub service: Name,
    /// The ticket that the service names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// How it came.
    pub way_in: WayIn,
}

impl Entry {
    /// The entry for `event`; times are cut to whole milliseconds, as the line keeps them.
    pub fn new(time: Timestamp, mut event: Event) -> Self {
        match &mut event {
            Event::Noise { since, count, .. } => {
                *since = whole_milliseconds(*since);
                // JSON numbers are exact up to here, and a count past it tells nothing more.
                *count = (*count).min((1 << 53) - 1);
            }
            Event::Outcome { expires, .. } => *expires = expires.map(whole_milliseconds),
            Event::Pending { expires, .. } => *expires = whole_milliseconds(*expires),
            _ => {}
        }
        Self {
            time: whole_milliseconds(time),
            event,
        }
    }

    /// Reads a line of the audit log.
    pub fn parse(line: &str) -> Result<Self, BadEntry> {
        serde_json::from_str(line).map_err(BadEntry)
    }

    /// The line: canonical JSON, without a newline.
    pub fn to_line(&self) -> String {
        // Lines are shorter as a rule: written without growing, which copies and wipes each time.
        let mut line = Vec::with_capacity(1024);
        #[expect(
            clippy::expect_used,
            reason = "string keys, strings, whole numbers and JSON values always serialise"
        )]
        serde_json::to_writer(&mut line, self).expect("an entry is JSON");
        #[expect(clippy::expect_used, reason = "JSON is UTF-8")]
        String::from_utf8(line).expect("JSON is UTF-8")
    }
}

/// A line that is not an entry of this version's audit log.
#[derive(Debug, thiserror::Error)]
#[error("not an audit log entry: {0}")]
pub struct BadEntry(serde_json::Error);

impl Event {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Use { .. } => Kind::Use,
            Self::Outcome { .. } => Kind::Outcome,
            Self::Refusal { .. } => Kind::Refusal,
            Self::Pending { .. } => Kind::Pending,
            Self::Decision { .. } => Kind::Decision,
            Self::Noise { .. } => Kind::Noise,
            Self::Administration { .. } => Kind::Administration,
        }
    }
}

fn whole_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// A `Map` keeps the order of insertion. The fields that operations have are plain values under
/// ASCII names: sorted, they are canonical. Anything else goes through the canonicaliser, which
/// costs more.
fn canonical<S: Serializer>(fields: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    let is_plain = |(name, value): (&String, &Value)| {
        name.is_ascii()
            && match value {
                Value::Bool(_) | Value::String(_) => true,
                // Whole numbers that are exact in JSON.
                Value::Number(number) => number.as_u64().is_some_and(|number| number < 1 << 53),
                _ => false,
            }
    };
    if fields.iter().all(is_plain) {
        return fields
            .iter()
            .collect::<BTreeMap<_, _>>()
            .serialize(serializer);
    }
    let text = serde_json_canonicalizer::to_string(fields).map_err(ser::Error::custom)?;
    RawValue::from_string(text)
        .map_err(ser::Error::custom)?
        .serialize(serializer)
}
