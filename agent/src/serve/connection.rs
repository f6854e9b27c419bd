//! One HTTP connection, whatever carries it: limits before anything is authenticated.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::Watcher},
};
use strongroom::{
    answer::{Answer, Problem},
    errand::Route,
    request::{Arrival, prefer::MAX_WAIT},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::api::{self, Large};
use crate::host::Host;

/// HTTP/2 streams that one connection may have open.
const STREAMS: u32 = 64;

/// Serves HTTP/1.1 and HTTP/2 until the peer leaves, a limit is hit, or the agent stops.
pub async fn serve<S>(host: Arc<Host>, arrival: Arrival, stream: S, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = host.config().limits.clone();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // Also the time that an idle connection may stay between two requests.
        .header_read_timeout(limits.first_byte().max(limits.request()))
        .max_buf_size(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.headers).unwrap_or(u32::MAX))
        .keep_alive_interval(Some(limits.request()))
        .keep_alive_timeout(limits.first_byte());

    // Told when a large answer is not taken: it would hold its memory for as long as the caller likes.
    let stalled = CancellationToken::new();
    let stall = stalled.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        let (host, stall) = (Arc::clone(&host), stall.clone());
        async move {
            let limits = &host.config().limits;
            // Above what the steps of an access request have each (see `pipeline`).
            let deadline = 2 * limits.request() + Route::LONGEST + MAX_WAIT;
            let (parts, mut body) = request.into_parts();
            // Asked first whether it may send a body of this length (RFC 9110 section 10.1.1).
            let waits = [header::EXPECT, header::CONTENT_LENGTH]
                .iter()
                .all(|name| parts.headers.contains_key(name));
            let answer =
                tokio::time::timeout(deadline, api::answer(&host, arrival, parts, &mut body)).await;
            let mut reply = answer.unwrap_or_else(|_| {
                let detail = "the request did not arrive, or could not be answered, in time";
                api::plain(Answer::refusal(Problem::TooSlow, detail, None))
            });
            let in_time = reply.status() != Problem::TooSlow.status();
            if in_time && !waits && !body.is_end_stream() {
                let rest = throw_away(&mut body, limits.large_body);
                let _ = tokio::time::timeout(limits.first_byte(), rest).await;
            }
            if let Some(Large { sent }) = reply.extensions_mut().remove() {
                let patience = limits.request();
                tokio::spawn(async move {
                    if tokio::time::timeout(patience, sent.cancelled())
                        .await
                        .is_err()
                    {
                        stall.cancel();
                    }
                });
            }
            Ok::<_, std::convert::Infallible>(reply.map(|answer| Sending {
                answer,
                _unread: body,
            }))
        }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .into_owned();
    tokio::select! {
        ended = watcher.watch(connection) => if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        },
        () = stalled.cancelled() => tracing::debug!("an answer was not taken in time"),
    }
}

/// Whoever is still sending may find the connection closed before it reads the reply: a little
/// more than is taken is read, and thrown away.
async fn throw_away(body: &mut Incoming, mut most: usize) {
    while let Some(Ok(frame)) = body.frame().await {
        match most.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(left) => most = left,
            None => return,
        }
    }
}

/// A reply's body on its way. What was not read of the request goes along until the reply is
/// sent: HTTP/2 resets a stream when its request is dropped, and that would overtake the reply
/// that says why (RFC 9113 section 8.1 has the reset come after it).
struct Sending {
    answer: Full<Bytes>,
    _unread: Incoming,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.answer).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}
