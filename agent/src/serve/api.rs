//! The HTTP API, the same on every way in; administration is on the local socket only.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::json;
use strongroom::{
    answer::{Answer, Problem},
    request::{
        Arrival, PATH, WayIn,
        call::{CANCEL_PATH, RESULT_PATH},
    },
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::body;
use crate::{administration, decide, host::Host, outbound::Held, pipeline, waiting};

/// What every way in answers with.
pub type Reply = Response<Full<Bytes>>;

/// Answers one HTTP request. Never fails: what goes wrong is an answer too.
pub async fn answer(
    host: &Arc<Host>,
    arrival: Arrival,
    mut parts: Parts,
    body: &mut Incoming,
) -> Reply {
    // HTTP/2 has the host in the target (RFC 9113 section 8.3.1); signatures know it as `Host`.
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.entry(header::HOST).or_insert(host);
    }
    let allowed = match parts.uri.path() {
        PATH | RESULT_PATH | CANCEL_PATH | "/v1/approval" => Method::POST,
        "/v1/admin" if arrival.way_in == WayIn::Local => Method::POST,
        "/v1/agent" | "/healthz" | "/readyz" => Method::GET,
        _ => return plain(Answer::refusal(Problem::NotFound, "", None)),
    };
    if parts.method != allowed {
        let mut reply = plain(Answer::refusal(
            Problem::MethodNotAllowed,
            &format!("this path takes {allowed} only"),
            None,
        ));
        if let Ok(value) = HeaderValue::from_str(allowed.as_str()) {
            reply.headers_mut().insert(header::ALLOW, value);
        }
        return reply;
    }
    match parts.uri.path() {
        PATH => pipeline::answer(host, arrival, &parts, body).await,
        RESULT_PATH | CANCEL_PATH => waiting::call(host, arrival, &parts, body).await,
        "/v1/approval" => decide::hand_in(host, arrival, body).await,
        "/v1/admin" => administer(host, body).await,
        "/v1/agent" => json_reply(StatusCode::OK, &host.introduction()),
        "/healthz" => json_reply(StatusCode::OK, &json!({"status": "ok"})),
        _ => ready(host).await,
    }
}

async fn administer(host: &Arc<Host>, body: &mut Incoming) -> Reply {
    // A value may be base64 of a 1 MiB secret, and then some. Only the owner gets here.
    match body::read(body, 4 * 1024 * 1024, |_| Ok(())).await {
        Ok(body) => {
            let reply = administration::over_socket(host, &body).await;
            json_reply(StatusCode::OK, &reply)
        }
        Err(unread) => plain(Answer::refusal(unread.problem(), unread.told(), None)),
    }
}

/// Ready means: it can record, the vault is unlocked, and the owner has not stopped everything.
async fn ready(host: &Host) -> Reply {
    let recording = host.can_record().await;
    let unlocked = host.vault().is_unlocked();
    let suspended = host.vault().catalog().is_suspended();
    let status = if recording && unlocked && !suspended {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json_reply(
        status,
        &json!({"recording": recording, "suspended": suspended, "unlocked": unlocked}),
    )
}

/// An answer without a signature: there was no signed request that it could be bound to.
pub fn plain(answer: Answer) -> Reply {
    with_headers(answer, Vec::new())
}

/// An answer as HTTP, with its signature headers.
pub fn with_headers(answer: Answer, headers: Vec<(http::HeaderName, HeaderValue)>) -> Reply {
    reply(
        answer.status,
        answer.content_type,
        answer.body.into(),
        headers,
    )
}

/// The same for a request that holds something: from now on that is the answer, for as long as it
/// is not with the caller.
pub fn keeping(
    answer: Answer,
    mut headers: Vec<(http::HeaderName, HeaderValue)>,
    held: Arc<Held>,
) -> Reply {
    if let Some(seconds) = answer.retry_after {
        headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
    }
    if !held.is_anything() {
        return with_headers(answer, headers);
    }
    held.settle(answer.body.len());
    let sent = CancellationToken::new();
    let body = Bytes::from_owner(Kept {
        bytes: answer.body,
        _held: held,
        _sent: sent.clone().drop_guard(),
    });
    let mut reply = reply(answer.status, answer.content_type, body, headers);
    reply.extensions_mut().insert(Large { sent });
    reply
}

/// Goes with a reply that takes room until it is with the caller.
#[derive(Clone)]
pub struct Large {
    /// Cancelled when nothing of the reply is left in memory.
    pub sent: CancellationToken,
}

/// A body with the room that it takes; both are given back when its last byte was sent.
struct Kept {
    bytes: Vec<u8>,
    _held: Arc<Held>,
    _sent: DropGuard,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
    headers: Vec<(http::HeaderName, HeaderValue)>,
) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        reply.headers_mut().insert(name, value);
    }
    reply
}

pub fn json_reply(status: StatusCode, body: &impl serde::Serialize) -> Reply {
    let body = serde_json::to_vec(body).unwrap_or_default();
    reply(status, "application/json", body.into(), Vec::new())
}
