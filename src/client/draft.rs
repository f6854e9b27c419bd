//! What to ask, and the signed request that asks it.

use std::time::Duration;

use age::x25519::Recipient;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sfv::Item;

use super::key::{BadSigningKey, SigningKey};
use crate::{
    answer::JSON,
    name::Name,
    operation::OperationName,
    request::{
        PATH, RequestSignature,
        base::{Message, serialise, signature_base},
        digest::{CONTENT_DIGEST, content_digest, sha256},
        field::{components, line, seconds, text},
        signature::{COVERED, LABEL, MAX_VALIDITY, SIGNATURE, SIGNATURE_INPUT, TAG},
    },
    service::key::Thumbprint,
};

/// A request that is not yet signed.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The agent that it is meant for.
    pub agent: Thumbprint,
    /// The secret or alias.
    pub secret: Name,
    /// What to do with it.
    pub operation: OperationName,
    /// The operation's input.
    pub input: Value,
    /// Why.
    pub purpose: Option<String>,
    /// Under which ticket.
    pub ticket: Option<String>,
    /// Whom a secret answer is sealed to.
    pub reply_to: Option<Recipient>,
}

/// A signed request: a POST of a body to a path with these headers. It is good for one answer.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    path: &'static str,
    headers: HeaderMap,
    body: Vec<u8>,
    digest: [u8; 32],
    signature: RequestSignature,
    about: About,
}

/// Which entries of the audit log are about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// Those that have its own digest.
    Itself,
    /// That of the waiting request with this id, and that of its use.
    Waiting(u64),
}

/// Why a draft was not signed.
#[derive(Debug, thiserror::Error)]
pub enum NotSigned {
    /// The key refused.
    #[error(transparent)]
    Key(#[from] BadSigningKey),
    /// There is no JSON for it.
    #[error("the request cannot be written as JSON")]
    Json,
}

/// The body, in the order in which people read it.
#[derive(Serialize)]
struct Body<'a> {
    agent: &'a Thumbprint,
    secret: &'a Name,
    operation: OperationName,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    input: &'a Value,
}

impl Draft {
    /// Signs it. `nonce` is random and never used twice; `validity` is cut to
    /// [`MAX_VALIDITY`].
    pub fn sign(
        &self,
        key: &SigningKey,
        nonce: [u8; 16],
        validity: Duration,
        now: Timestamp,
    ) -> Result<SignedRequest, NotSigned> {
        let body = serde_json::to_vec(&Body {
            agent: &self.agent,
            secret: &self.secret,
            operation: self.operation,
            purpose: self.purpose.as_deref(),
            ticket: self.ticket.as_deref(),
            reply_to: self.reply_to.as_ref().map(ToString::to_string),
            input: &self.input,
        })
        .map_err(|_| NotSigned::Json)?;
        Post {
            path: PATH,
            body,
            about: About::Itself,
        }
        .sign(key, nonce, validity, now)
    }
}

/// A body on its way to a path.
pub(super) struct Post {
    pub path: &'static str,
    pub body: Vec<u8>,
    pub about: About,
}

impl Post {
    pub(super) fn sign(
        self,
        key: &SigningKey,
        nonce: [u8; 16],
        validity: Duration,
        now: Timestamp,
    ) -> Result<SignedRequest, NotSigned> {
        let Self { path, body, about } = self;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(CONTENT_DIGEST, line(content_digest(&body)));

        let expires = now + validity.clamp(Duration::from_secs(1), MAX_VALIDITY);
        let covered = COVERED.map(|name| Item::new(text(name)));
        let parameters = [
            // In this order because some verifiers wrongly take it for the only one.
            ("created", seconds(now)),
            ("expires", seconds(expires)),
            ("nonce", text(&URL_SAFE_NO_PAD.encode(nonce))),
            ("alg", text(key.algorithm())),
            ("keyid", text(key.thumbprint().as_str())),
            ("tag", text(TAG)),
        ];
        let input = components(covered.into(), parameters);
        #[expect(clippy::expect_used, reason = "each component was put there above")]
        let base = signature_base(&input, &Message::request(&Method::POST, path, &headers))
            .expect("the components are there");
        let signature = RequestSignature::new(key.sign(base.as_bytes())?);
        headers.insert(
            SIGNATURE_INPUT,
            line(format!("{LABEL}={}", serialise(&input))),
        );
        headers.insert(SIGNATURE, signature.to_header());
        Ok(SignedRequest {
            path,
            headers,
            body,
            digest: sha256(base.as_bytes()),
            signature,
            about,
        })
    }
}

impl SignedRequest {
    /// Where to post it.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The headers to send.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body to send.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The request's digest as its entry in the audit log has it.
    pub fn digest(&self) -> String {
        STANDARD.encode(self.digest)
    }

    /// What the answer is bound to.
    pub fn signature(&self) -> &RequestSignature {
        &self.signature
    }

    pub(super) fn about(&self) -> About {
        self.about
    }
}
