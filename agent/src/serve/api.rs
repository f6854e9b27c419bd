//! The HTTP API, the same on every way in; administration is on the local socket only.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::json;
use strongroom::{
    answer::{Answer, Problem},
    audit::Reason,
    request::{Arrival, WayIn},
};

use crate::{administration, host::Host, noise::Noise, pipeline};

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
        "/v1/access" => Method::POST,
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
        "/v1/access" => access(host, arrival, &parts, body).await,
        "/v1/admin" => administer(host, &parts, body).await,
        "/v1/agent" => json_reply(StatusCode::OK, &host.introduction()),
        "/healthz" => json_reply(StatusCode::OK, &json!({"status": "ok"})),
        _ => ready(host).await,
    }
}

async fn access(host: &Arc<Host>, arrival: Arrival, parts: &Parts, body: &mut Incoming) -> Reply {
    match read(host.config().limits.body, parts, body).await {
        Ok(body) => pipeline::answer(host, arrival, parts, &body).await,
        Err(unread) => {
            host.noise().count(
                host,
                Noise::new(arrival, unread.reason(), None, unread.detail()),
            );
            pipeline::sign(
                host,
                parts,
                Answer::refusal(unread.problem(), unread.detail(), None),
            )
        }
    }
}

async fn administer(host: &Arc<Host>, parts: &Parts, body: &mut Incoming) -> Reply {
    // A value may be base64 of a 1 MiB secret, and then some.
    match read(4 * 1024 * 1024, parts, body).await {
        Ok(body) => {
            let reply = administration::over_socket(host, &body).await;
            json_reply(StatusCode::OK, &reply)
        }
        Err(unread) => plain(Answer::refusal(unread.problem(), unread.detail(), None)),
    }
}

/// Ready means: it can record, and the vault is unlocked.
async fn ready(host: &Host) -> Reply {
    let recording = host.can_record().await;
    let unlocked = host.vault().is_unlocked();
    let status = if recording && unlocked {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    json_reply(
        status,
        &json!({"recording": recording, "unlocked": unlocked}),
    )
}

/// Why a body was not read.
enum Unread {
    TooLarge,
    Broken,
}

impl Unread {
    fn problem(&self) -> Problem {
        match self {
            Self::TooLarge => Problem::TooLarge,
            Self::Broken => Problem::Malformed,
        }
    }

    fn reason(&self) -> Reason {
        match self {
            Self::TooLarge => Reason::TooLarge,
            Self::Broken => Reason::Malformed,
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::TooLarge => "the body is larger than this agent takes",
            Self::Broken => "the body did not arrive whole",
        }
    }
}

/// Reads a body, but never more than `limit` bytes, and none at all if its length says more.
async fn read(limit: usize, parts: &Parts, body: &mut Incoming) -> Result<Bytes, Unread> {
    let declared = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(Unread::TooLarge);
    }
    match Limited::new(body, limit).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Broken),
    }
}

/// An answer without a signature: there was no signed request that it could be bound to.
pub fn plain(answer: Answer) -> Reply {
    with_headers(answer, Vec::new())
}

/// An answer as HTTP, with its signature headers.
pub fn with_headers(answer: Answer, headers: Vec<(http::HeaderName, HeaderValue)>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(answer.body)));
    *reply.status_mut() = answer.status;
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = answer.retry_after {
        reply
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in headers {
        reply.headers_mut().insert(name, value);
    }
    reply
}

fn json_reply(status: StatusCode, body: &impl serde::Serialize) -> Reply {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
