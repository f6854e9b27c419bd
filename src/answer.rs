//! Outcome → what the remote sees: the one error map, sealing and signing.
//!
//! **Invariant: a secret leaves only sealed.** What an operation marks as secret is encrypted
//! here to the age recipient in the signed request, or not answered.
//!
//! **Invariant: the remote sees a coarse reason.** [`Problem`] is all that it is told of why it
//! was refused; the audit log has the detail.
//!
//! An answer is signed with the agent's key for answers (RFC 9421 section 2.4) over `@status`,
//! `content-type`, `content-digest` and `"signature";req;key="strongroom"`: the signature of the
//! request that it answers, so that it can't be passed off as the answer to another one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use jiff::Timestamp;
use serde::Serialize;
use sfv::{BareItem, Item};

use crate::{
    audit::Noted,
    identity::Identity,
    operation::Done,
    request::{
        RequestSignature,
        base::{Message, serialise, signature_base},
        digest::{CONTENT_DIGEST, content_digest},
        field::{components, key, line, seconds, text},
        signature::{LABEL, SIGNATURE, SIGNATURE_INPUT, TAG},
    },
    vault::{Outcome, memory::with_clean_stack},
};

mod problem;

pub use problem::Problem;

/// The media type of a result.
pub const JSON: &str = "application/json";
/// The media type of a refusal, RFC 9457.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Room for a result with its entry and receipt, so that the buffer need not grow.
const USUAL: usize = 4096;

/// An answer, not yet signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// The header `Retry-After`, in seconds; what is signed is the member of the body that says
    /// the same.
    pub retry_after: Option<u32>,
}

/// The body of a result.
#[derive(Serialize)]
struct Success<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Plain<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<&'a str>,
    entry: &'a str,
    receipt: &'a str,
}

/// A result that may be read by all.
#[derive(Serialize)]
#[serde(untagged)]
enum Plain<'a> {
    Value(&'a serde_json::Value),
    Written(&'a serde_json::value::RawValue),
}

/// The body for a request that waits.
#[derive(Serialize)]
struct Accepted<'a> {
    id: String,
    expires: Timestamp,
    entry: &'a str,
    receipt: &'a str,
}

/// The body for a request that was given up.
#[derive(Serialize)]
struct GivenUp {
    id: String,
    cancelled: bool,
}

/// The body of a refusal, RFC 9457; `entry`, `receipt` and `retry_after` are our extension members.
#[derive(Serialize)]
struct Details<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl Answer {
    /// The answer to a use: its result, sealed if it is secret, with its entry and receipt.
    pub fn to_outcome(outcome: Outcome) -> Self {
        let noted = outcome.noted();
        let (result, sealed) = match outcome.done() {
            Done::Plain(value) => (Some(Plain::Value(value)), None),
            Done::Written(json) => (Some(Plain::Written(json)), None),
            Done::Secret(secret) => {
                // Policy refuses such a request when it has nobody to seal the answer to.
                let sealed = outcome.reply_to().and_then(|recipient| {
                    with_clean_stack(|| age::encrypt_and_armor(recipient, secret)).ok()
                });
                match sealed {
                    Some(sealed) => (None, Some(sealed)),
                    None => {
                        let detail = "the result could not be sealed";
                        return Self::refusal(Problem::Internal, detail, Some(noted));
                    }
                }
            }
        };
        let success = Success {
            result,
            sealed: sealed.as_deref(),
            entry: &noted.entry,
            receipt: &noted.receipt,
        };
        // A provider's answer of megabytes is written once, into memory that need not grow.
        let written = match outcome.done() {
            Done::Written(json) => json.get().len(),
            _ => 0,
        };
        Self::json_of(StatusCode::OK, &success, written.saturating_add(USUAL))
    }

    /// The answer to a request that waits until somebody approves it: 202, with the id by which to
    /// ask what became of it, and the entry by which it waits.
    pub fn to_waiting(expires: Timestamp, noted: &Noted) -> Self {
        let accepted = Accepted {
            id: noted.index.to_string(),
            expires,
            entry: &noted.entry,
            receipt: &noted.receipt,
        };
        Self::json(StatusCode::ACCEPTED, &accepted)
    }

    /// The answer to a call that gave up the request with this id.
    pub fn to_cancelled(id: u64) -> Self {
        let given_up = GivenUp {
            id: id.to_string(),
            cancelled: true,
        };
        Self::json(StatusCode::OK, &given_up)
    }

    /// A refusal. `detail` is what the remote is told: it is about the remote's own bytes or
    /// says what to do next, and never what policies or secrets there are.
    ///
    /// A use that was recorded and then failed has an entry, and the remote gets it with its
    /// receipt. The entry of a refusal is not for the remote: it says why.
    pub fn refusal(problem: Problem, detail: &str, noted: Option<&Noted>) -> Self {
        Self::refusal_for_now(problem, detail, noted, None)
    }

    /// A refusal of what will be allowed in so many seconds, if that is known.
    pub fn refusal_for_now(
        problem: Problem,
        detail: &str,
        noted: Option<&Noted>,
        retry_after: Option<u32>,
    ) -> Self {
        let details = Details {
            r#type: problem.type_uri(),
            title: problem.title(),
            status: problem.status().as_u16(),
            detail: (!detail.is_empty()).then_some(detail),
            entry: noted.map(|noted| noted.entry.as_str()),
            receipt: noted.map(|noted| noted.receipt.as_str()),
            retry_after,
        };
        Self {
            content_type: PROBLEM_JSON,
            retry_after,
            ..Self::json(problem.status(), &details)
        }
    }

    /// Any other answer in JSON.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self::json_of(status, body, USUAL)
    }

    fn json_of(status: StatusCode, body: &impl Serialize, room: usize) -> Self {
        let mut json = Vec::with_capacity(room);
        match serde_json::to_writer(&mut json, body) {
            Ok(()) => Self {
                status,
                content_type: JSON,
                body: json,
                retry_after: None,
            },
            // Only a map with keys that are no strings gets here.
            Err(_) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                content_type: JSON,
                body: b"{}".to_vec(),
                retry_after: None,
            },
        }
    }

    /// The headers that go with it: `Content-Type`, `Retry-After` if there is one, and those that
    /// sign it and bind it to the request. Without a request's signature there is nothing to bind it to; that is for
    /// answers to requests that need none.
    pub fn sign(
        &self,
        identity: &Identity,
        request: Option<&RequestSignature>,
        now: Timestamp,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.insert(CONTENT_DIGEST, line(content_digest(&self.body)));
        let parameters = [
            ("created", seconds(now)),
            ("alg", text("ed25519")),
            ("keyid", text(identity.thumbprint().as_str())),
            ("tag", text(TAG)),
        ];
        let input = components(covered(request.is_some()), parameters);

        let mut request_headers = HeaderMap::new();
        if let Some(signature) = request {
            request_headers.insert(SIGNATURE, signature.to_header());
        }
        let request = Message::fields(&request_headers);
        let response = Message::response(self.status, &headers).in_reply_to(&request);
        #[expect(clippy::expect_used, reason = "each component was put there above")]
        let base = signature_base(&input, &response).expect("the components are there");
        let signature = STANDARD.encode(identity.sign_answer(base.as_bytes()));
        headers.insert(
            SIGNATURE_INPUT,
            line(format!("{LABEL}={}", serialise(&input))),
        );
        headers.insert(SIGNATURE, line(format!("{LABEL}=:{signature}:")));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // There is one value for each name, so each name comes with its value.
        headers
            .into_iter()
            .filter_map(|(name, value)| Some((name?, value)))
            .collect()
    }
}

/// What the signature of an answer covers.
fn covered(bound: bool) -> Vec<Item> {
    let mut items: Vec<Item> = ["@status", "content-type", "content-digest"]
        .map(|name| Item::new(text(name)))
        .into();
    if bound {
        let mut signature = Item::new(text("signature"));
        signature.params.insert(key("req"), BareItem::Boolean(true));
        signature.params.insert(key("key"), text(LABEL));
        items.push(signature);
    }
    items
}

#[cfg(test)]
mod tests;
