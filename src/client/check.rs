//! Checking an answer: the agent signed it, for this request, and the audit log tells of it.

use std::fmt;

use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sfv::{BareItem, InnerList, Item, ListEntry};
use zeroize::Zeroizing;

use super::{AgentKeys, SignedRequest, draft::About};
use crate::{
    answer::{JSON, PROBLEM_JSON},
    audit::{
        Entry, Event,
        receipt::{self, BadReceipt},
    },
    request::{
        RequestSignature,
        base::{BadBase, Message, dictionary, signature_base},
        call::CANCEL_PATH,
        digest::{self, BadDigest},
        signature::{LABEL, SIGNATURE, SIGNATURE_INPUT, TAG, covers},
    },
    service::key::PublicKey,
};

/// An answer that the agent gave to this request.
#[derive(Clone, Debug)]
pub enum CheckedAnswer {
    /// The key was used, and this came of it.
    Result {
        /// The operation's result.
        result: Value,
        /// That it was recorded.
        proof: Proof,
    },
    /// The key was used; what came of it is sealed to the request's `reply_to`.
    Sealed {
        /// The sealed result.
        sealed: SealedAnswer,
        /// That it was recorded.
        proof: Proof,
    },
    /// It waits for somebody to approve it; [`Call`](super::Call) asks what became of it.
    Pending(Pending),
    /// It was given up, as the service asked.
    Cancelled,
    /// Nothing was handed out.
    Refused(Refusal),
}

/// An entry of the agent's audit log that is about this request, and its receipt.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The entry's index in the log.
    pub index: u64,
    /// What it says.
    pub entry: Entry,
    /// The line as it stands in the log.
    pub line: String,
    /// A C2SP tlog-proof for the line: keep both to show later that it was recorded.
    pub receipt: String,
}

/// A request that waits for an approval.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// By which to ask what became of it: the index of its entry.
    pub id: u64,
    /// When it is denied if nobody decided.
    pub expires: Timestamp,
    /// That it was recorded.
    pub proof: Proof,
}

/// An age file.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedAnswer(String);

/// A problem of RFC 9457.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// Its stable type: [`Problem::type_uri`](crate::answer::Problem::type_uri).
    pub problem: String,
    /// What it is, for a person.
    pub title: String,
    /// More about it.
    pub detail: Option<String>,
    /// In how many seconds the same would be allowed, if that is known.
    pub retry_after: Option<u32>,
    /// The refusal's own entry, if it has one.
    pub proof: Option<Proof>,
}

/// Why an answer is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// It may come from a relay, a load balancer or an attacker.
    #[error("the answer has no signature of the agent")]
    NotSigned,
    /// Another agent's, or somebody's who says so.
    #[error("the answer is signed with `{0}`, which is not this agent's key for answers")]
    AnotherKey(String),
    /// A part that anybody on the way may have changed.
    #[error("the signature of the answer does not cover {0}")]
    NotCovered(&'static str),
    /// The covered components can't be put together.
    #[error("the signature of the answer cannot be checked: {0}")]
    Base(#[from] BadBase),
    /// The signature is not the agent's over this answer to this request.
    #[error("the signature does not fit: the answer was changed, or belongs to another request")]
    BadSignature,
    /// The body was changed.
    #[error("the body of the answer was changed: {0}")]
    Digest(#[from] BadDigest),
    /// The agent signed something that is no answer.
    #[error("the body is not an answer: {0}")]
    Malformed(String),
    /// The receipt proves nothing.
    #[error("the receipt does not hold: {0}")]
    Receipt(#[from] BadReceipt),
    /// The entry is about something else.
    #[error("the entry in the audit log is not about this request")]
    AnotherEntry,
}

/// Why a sealed answer can't be opened.
#[derive(Debug, thiserror::Error)]
#[error("the answer cannot be opened: {0}")]
pub struct NotOpened(#[from] age::DecryptError);

#[derive(Deserialize)]
struct Success {
    result: Option<Value>,
    sealed: Option<String>,
    entry: String,
    receipt: String,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
    entry: String,
    receipt: String,
}

#[derive(Deserialize)]
struct GivenUp {
    id: String,
    cancelled: bool,
}

#[derive(Deserialize)]
struct Details {
    r#type: String,
    title: String,
    detail: Option<String>,
    entry: Option<String>,
    receipt: Option<String>,
    retry_after: Option<u32>,
}

/// Checks an answer to `sent`. Nothing in it is looked at before the signature holds.
pub fn check(
    sent: &SignedRequest,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    agent: &AgentKeys,
) -> Result<CheckedAnswer, BadAnswer> {
    check_signature(
        status,
        headers,
        body,
        &agent.answers,
        Some(sent.signature()),
    )?;
    let malformed = |problem: serde_json::Error| BadAnswer::Malformed(problem.to_string());
    let proof = |line, receipt| Proof::check(line, receipt, sent, agent);
    match headers.get(CONTENT_TYPE).map(|value| value.as_bytes()) {
        Some(kind)
            if kind == JSON.as_bytes()
                && sent.path() == CANCEL_PATH
                && status == StatusCode::OK =>
        {
            let given_up: GivenUp = serde_json::from_slice(body).map_err(malformed)?;
            match sent.about() {
                About::Waiting(id) if given_up.cancelled && given_up.id == id.to_string() => {
                    Ok(CheckedAnswer::Cancelled)
                }
                _ => Err(BadAnswer::Malformed(
                    "it is about another request".to_owned(),
                )),
            }
        }
        Some(kind) if kind == JSON.as_bytes() && status == StatusCode::ACCEPTED => {
            let accepted: Accepted = serde_json::from_slice(body).map_err(malformed)?;
            let proof = proof(accepted.entry, accepted.receipt)?;
            let Event::Pending { expires, .. } = proof.entry.event else {
                return Err(BadAnswer::AnotherEntry);
            };
            if accepted.id != proof.index.to_string() {
                return Err(BadAnswer::Malformed(
                    "its id is not that of its entry".to_owned(),
                ));
            }
            Ok(CheckedAnswer::Pending(Pending {
                id: proof.index,
                expires,
                proof,
            }))
        }
        Some(kind) if kind == JSON.as_bytes() && status == StatusCode::OK => {
            let success: Success = serde_json::from_slice(body).map_err(malformed)?;
            let proof = proof(success.entry, success.receipt)?;
            if !matches!(proof.entry.event, Event::Use { .. }) {
                return Err(BadAnswer::AnotherEntry);
            }
            match (success.result, success.sealed) {
                (Some(result), None) => Ok(CheckedAnswer::Result { result, proof }),
                (None, Some(sealed)) => Ok(CheckedAnswer::Sealed {
                    sealed: SealedAnswer(sealed),
                    proof,
                }),
                _ => Err(BadAnswer::Malformed("it has no result, or two".to_owned())),
            }
        }
        Some(kind) if kind == PROBLEM_JSON.as_bytes() && !status.is_success() => {
            let details: Details = serde_json::from_slice(body).map_err(malformed)?;
            let proof = match (details.entry, details.receipt) {
                (Some(line), Some(receipt)) => Some(proof(line, receipt)?),
                _ => None,
            };
            Ok(CheckedAnswer::Refused(Refusal {
                status,
                problem: details.r#type,
                title: details.title,
                detail: details.detail,
                retry_after: details.retry_after,
                proof,
            }))
        }
        _ => Err(BadAnswer::Malformed(format!(
            "status {status} with an unexpected content type"
        ))),
    }
}

/// Checks that `key` signed this answer, and if there is a request's signature, that it signed
/// it as the answer to that.
pub fn check_signature(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    key: &PublicKey,
    request: Option<&RequestSignature>,
) -> Result<(), BadAnswer> {
    let input = signature_input(headers).ok_or(BadAnswer::NotSigned)?;
    let signature = signature(headers).ok_or(BadAnswer::NotSigned)?;
    let parameter = |name: &str| match input.params.get(name) {
        Some(BareItem::String(text)) => text.as_str(),
        _ => "",
    };
    if parameter("tag") != TAG || Some(parameter("alg")) != key.algorithm().signature_name() {
        return Err(BadAnswer::NotSigned);
    }
    if parameter("keyid") != key.thumbprint().as_str() {
        return Err(BadAnswer::AnotherKey(parameter("keyid").to_owned()));
    }
    for name in ["@status", "content-type", "content-digest"] {
        if !covers(&input, name) {
            return Err(BadAnswer::NotCovered(name));
        }
    }
    let mut request_headers = HeaderMap::new();
    if let Some(request) = request {
        if !input.items.iter().any(is_request_signature) {
            return Err(BadAnswer::NotCovered("the request's signature"));
        }
        request_headers.insert(SIGNATURE, request.to_header());
    }
    let request = Message::fields(&request_headers);
    let response = Message::response(status, headers).in_reply_to(&request);
    let base = signature_base(&input, &response)?;
    if !key.verify(base.as_bytes(), &signature) {
        return Err(BadAnswer::BadSignature);
    }
    digest::check(headers, body)?;
    Ok(())
}

fn signature_input(headers: &HeaderMap) -> Option<InnerList> {
    let mut members = dictionary(headers, SIGNATURE_INPUT.as_str()).ok()??;
    match members.swap_remove(LABEL)? {
        ListEntry::InnerList(input) => Some(input),
        ListEntry::Item(_) => None,
    }
}

fn signature(headers: &HeaderMap) -> Option<Vec<u8>> {
    RequestSignature::of(headers).map(|signature| signature.as_bytes().to_vec())
}

/// `"signature";req;key="strongroom"`, with the parameters in any order.
fn is_request_signature(item: &Item) -> bool {
    let is = |value: Option<&BareItem>, text: &str| matches!(value, Some(BareItem::String(value)) if value.as_str() == text);
    is(Some(&item.bare_item), "signature")
        && item.params.len() == 2
        && item.params.get("req") == Some(&BareItem::Boolean(true))
        && is(item.params.get("key"), LABEL)
}

impl Proof {
    fn check(
        line: String,
        receipt: String,
        sent: &SignedRequest,
        agent: &AgentKeys,
    ) -> Result<Self, BadAnswer> {
        let index = receipt::verify(&line, &receipt, &agent.checkpoints)?;
        let entry =
            Entry::parse(&line).map_err(|problem| BadAnswer::Malformed(problem.to_string()))?;
        let is_about_it = match (sent.about(), &entry.event) {
            (
                About::Itself,
                Event::Use { ask, .. } | Event::Refusal { ask, .. } | Event::Pending { ask, .. },
            ) => ask.digest == sent.digest(),
            (About::Waiting(id), Event::Use { pending, .. }) => *pending == Some(id),
            (About::Waiting(id), Event::Pending { .. }) => index == id,
            _ => false,
        };
        match is_about_it {
            true => Ok(Self {
                index,
                entry,
                line,
                receipt,
            }),
            false => Err(BadAnswer::AnotherEntry),
        }
    }
}

impl SealedAnswer {
    /// The age file, in ASCII armour.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Opens it with the identity whose recipient was the request's `reply_to`: JSON.
    pub fn open(&self, identity: &age::x25519::Identity) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        Ok(Zeroizing::new(age::decrypt(identity, self.0.as_bytes())?))
    }
}

impl fmt::Debug for SealedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedAnswer({} bytes)", self.0.len())
    }
}
