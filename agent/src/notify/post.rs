//! One POST to a receiver: over TLS, without following redirects, within bounds of size and time.
//!
//! The receiver's wish to be left alone for a while (`Retry-After`) is kept, and one that is gone
//! (410) is asked again only now and then. What is told of a failure never repeats the URL, a header
//! or anything that the receiver wrote: any of these may be a secret.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::bail;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::RETRY_AFTER};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

use crate::outbound::no_reply;

/// How long one delivery may take: what Standard Webhooks recommends.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest that a receiver is left alone, whatever it asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// What is read of an answer, so that the connection can be used again.
const MAX_ANSWER: usize = 64 * 1024;
/// The most that the head of an answer may have.
const MAX_HEAD: usize = 32 * 1024;

type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// What is posted, and to whom.
pub struct Letter<'a> {
    pub url: Uri,
    /// PEM certificates of the authorities to trust instead of the platform's.
    pub cacert: Option<&'a str>,
    /// Beside the content type, which is JSON.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
}

/// The way to one receiver.
#[derive(Default)]
pub struct Post {
    /// The client, with the authorities that it trusts.
    client: Mutex<Option<(Option<String>, Client)>>,
    /// Which receiver wants to be left alone, until when, and why.
    alone_until: Mutex<Option<(Uri, Instant, NotNow)>>,
}

/// The receiver wants to be left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NotNow {
    status: StatusCode,
    after: Duration,
}

/// For how long the receiver that failed so wants to be left alone, if it said that.
pub fn pause(error: &anyhow::Error) -> Option<Duration> {
    let asked: &NotNow = error.downcast_ref()?;
    Some(asked.after)
}

impl Post {
    /// Returns when the receiver has taken it.
    pub async fn send(&self, letter: Letter<'_>) -> anyhow::Result<()> {
        // Another address is another receiver: the owner may have put it in because of this answer.
        if let Some((url, until, why)) = &*self.alone_until()
            && *url == letter.url
        {
            let after = until.saturating_duration_since(Instant::now());
            if !after.is_zero() {
                let status = why.status;
                return Err(NotNow { status, after }.into());
            }
        }
        let client = self.client(letter.cacert)?;
        let mut request = http::Request::post(letter.url.clone())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::USER_AGENT, "strongroom")
            .body(Full::new(Bytes::from(letter.body)))?;
        request.headers_mut().extend(letter.headers);
        let exchange = async {
            let answer = client.request(request).await.map_err(|error| {
                let connecting = error.is_connect();
                anyhow::Error::new(no_reply(&error, connecting))
            })?;
            let (head, body) = answer.into_parts();
            // Read, within reason, so that the connection can be used again; what is in it is nobody's
            // concern, and it may have the secret in it that the receiver was sent.
            let _ = Limited::new(body, MAX_ANSWER).collect().await;
            anyhow::Ok(head)
        };
        let Ok(head) = tokio::time::timeout(PATIENCE, exchange).await else {
            bail!("no answer within {} s", PATIENCE.as_secs())
        };
        let head = head?;
        let taken = judge(head.status, &head.headers, Timestamp::now());
        if let Err(error) = &taken
            && let Some(why) = error.downcast_ref::<NotNow>()
        {
            *self.alone_until() = Some((letter.url, Instant::now() + why.after, why.clone()));
        }
        taken
    }

    /// The client that trusts these; another one when the owner has bound the secret anew.
    fn client(&self, cacert: Option<&str>) -> anyhow::Result<Client> {
        let mut held = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((trusted, client)) = &*held
            && trusted.as_deref() == cacert
        {
            return Ok(client.clone());
        }
        let client = legacy::Client::builder(TokioExecutor::new())
            .http1_max_buf_size(MAX_HEAD)
            .build(crate::tls::receiver(cacert)?);
        *held = Some((cacert.map(str::to_owned), client.clone()));
        Ok(client)
    }

    fn alone_until(&self) -> MutexGuard<'_, Option<(Uri, Instant, NotNow)>> {
        let held = self.alone_until.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an answer means, as Standard Webhooks 1.0 says of the statuses.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> anyhow::Result<()> {
    if status.is_success() {
        return Ok(());
    }
    if status.is_redirection() {
        bail!(
            "the receiver answered {status}, which is not followed: a secret must not be led \
             elsewhere; give its new address"
        )
    }
    let after = match status {
        StatusCode::GONE => Some(LONGEST_PAUSE),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => headers
            .get(RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, now)),
        _ => None,
    };
    match after {
        Some(after) if !after.is_zero() => Err(NotNow { status, after }.into()),
        _ => bail!("the receiver answered {status}"),
    }
}

/// `Retry-After`, RFC 9110 section 10.2.3: seconds, or a date in the one form that is sent today.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wanted = match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are as long as it gets.
        true if !text.is_empty() => Duration::from_secs(text.parse().unwrap_or(u64::MAX)),
        true => return None,
        false => {
            let date = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wanted.min(LONGEST_PAUSE))
}

impl fmt::Display for NotNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, seconds) = (self.status, self.after.as_secs().max(1));
        match status {
            StatusCode::GONE => write!(
                f,
                "the receiver answered {status}: it wants no more; give another address, or take the \
                 channel out of `agent.toml`"
            ),
            _ => write!(
                f,
                "the receiver answered {status}, and wants to be left alone for {seconds} s"
            ),
        }
    }
}

impl std::error::Error for NotNow {}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_445_412_420, 0);

    fn judged(status: u16, wish: Option<&str>) -> Result<(), (String, Option<u64>)> {
        let mut headers = HeaderMap::new();
        if let Some(wish) = wish {
            headers.insert(RETRY_AFTER, wish.parse().unwrap());
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers, NOW)
            .map_err(|error| (error.to_string(), pause(&error).map(|wait| wait.as_secs())))
    }

    #[test]
    fn only_success_is_delivered() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, None), Ok(()), "{status}");
        }
        for status in [301, 302, 307, 308] {
            let (told, wait) = judged(status, Some("5")).unwrap_err();
            assert!(told.contains("is not followed"), "{told}");
            assert_eq!(wait, None);
        }
        for (status, wish, wait) in [
            (400, Some("5"), None),
            (404, None, None),
            (500, None, None),
            (429, None, None),
            (429, Some("7"), Some(7)),
            (503, Some("120"), Some(120)),
            (503, Some("0"), None),
            (503, Some("Wed, 21 Oct 2015 07:28:00 GMT"), Some(60)),
            (503, Some("Wed, 21 Oct 2015 07:20:00 GMT"), None),
            (503, Some("99999999999999999999999"), Some(3600)),
            (503, Some("Fri, 01 Jan 2100 00:00:00 GMT"), Some(3600)),
            (503, Some("soon"), None),
            (503, Some("-5"), None),
            (410, None, Some(3600)),
        ] {
            let (told, waits) = judged(status, wish).unwrap_err();
            assert_eq!(waits, wait, "{status} {wish:?}: {told}");
            assert!(told.contains(&status.to_string()), "{told}");
        }
    }

    #[test]
    fn a_receiver_that_is_gone_is_told_with_what_to_do() {
        let (told, _) = judged(410, None).unwrap_err();
        assert!(
            told.contains("it wants no more") && told.contains("agent.toml"),
            "{told}"
        );
    }

    /// Posts twice to a receiver that answers so; how the second failed, and how often it was asked.
    async fn posted_twice(answer: &'static str) -> (anyhow::Error, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"POST / HTTP/1.1"));
                counted.fetch_add(1, Ordering::SeqCst);
                // A receiver may hang up at whatever it gets too much of.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let post = Post::default();
        let mut last = None;
        for _ in 0..2 {
            let letter = Letter {
                url: url.parse().unwrap(),
                cacert: None,
                headers: Vec::new(),
                body: b"{}".to_vec(),
            };
            last = post.send(letter).await.err();
        }
        server.abort();
        (last.unwrap(), asked.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn a_receiver_that_wants_to_be_left_alone_is() {
        let (error, asked) = posted_twice(
            "HTTP/1.1 503 Busy\r\nRetry-After: 600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(pause(&error).is_some(), "{error}");
        assert_eq!(asked, 1);
        let (error, asked) =
            posted_twice("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        assert!(pause(&error).is_none(), "{error}");
        assert_eq!(asked, 2);
    }

    #[tokio::test]
    async fn what_a_receiver_writes_is_not_told() {
        for answer in [
            "HTTP/1.1 400 hunter2\r\nX-Secret: hunter2\r\nContent-Length: 7\r\nConnection: close\r\n\r\nhunter2",
            "HTTP/1.1 302 hunter2\r\nLocation: http://127.0.0.1:1/hunter2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "hunter2 is no HTTP\r\n\r\n",
        ] {
            let (error, asked) = posted_twice(answer).await;
            let told = format!("{error:#} {error:?}");
            assert!(!told.contains("hunter2"), "{told}");
            assert_eq!(asked, 2, "nothing is followed, and nothing repeated");
        }
    }

    proptest! {
        #[test]
        fn no_wish_is_too_long_or_does_harm(text in "\\PC{0,40}|[0-9]{0,30}") {
            if let Some(wait) = retry_after(&text, NOW) {
                prop_assert!(wait <= LONGEST_PAUSE);
            }
        }
    }
}
