//! The way to providers: every connection goes through a resolver and a dialler of our own.
//!
//! **Invariant: the address checked is the address dialled.** A name is looked up once for a
//! connection, every address that it stands for is checked against the binding, and one of these
//! very addresses is dialled: there is no second look-up for a rebinding server to answer
//! differently. Redirects are answers like any other, and no proxy of the environment's is asked.
//! An answer is held once, within the bounds of its binding and of all answers together, and
//! within one deadline.
//!
//! Connections are HTTP/1.1, and kept for the next call with the very same binding and version:
//! after a rotation or another `secret bind` the old ones are idle, and closed and forgotten, with the
//! client certificate that they may have, within twice [`IDLE_FOR`].
//! A kept connection that its provider closed meanwhile is replaced only if nothing of the request
//! was sent on it: what was sent may have been done.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use http::{
    HeaderValue, Method, Request, Uri,
    header::{CONTENT_LENGTH, HOST},
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use strongroom::{
    errand::{Call, NoReply, Reply, Route},
    vault::Vault,
};
use tokio::sync::watch;
use zeroize::Zeroizing;

mod dial;
mod held;
mod trust;

pub use dial::no_reply;
pub use held::{Held, Room};
pub use trust::roots;

use self::dial::{Dialler, Resolver};

/// Routes whose connections are kept at the same time; then the one used longest ago makes room.
const ROUTES: usize = 256;
/// Idle connections to one provider.
const IDLE: usize = 16;
/// How long a connection may be idle: less than the minute after which many providers close it.
const IDLE_FOR: Duration = Duration::from_secs(50);
/// The most that the head of a provider's answer may take, in bytes; also what is read at once.
const HEAD: usize = 256 * 1024;

type Http = Client<HttpsConnector<Dialler>, Full<bytes::Bytes>>;

/// The connections to providers, and what holds for all of them together.
pub struct Outbound {
    clients: Arc<Mutex<Clients>>,
    resolver: Resolver,
    room: Arc<Room>,
    /// Counts how often everything was cut off.
    cut: watch::Sender<u64>,
}

/// The one used last is the last.
type Clients = Vec<Kept>;

/// The connections on one route.
struct Kept {
    route: Arc<Route>,
    client: Arc<Http>,
    used: Instant,
}

impl Outbound {
    /// `held` bounds the bytes of all bodies that are held at the same time.
    pub fn new(held: usize) -> Self {
        Self {
            clients: Arc::default(),
            resolver: Resolver::of_the_system(),
            room: Arc::new(Room::new(held)),
            cut: watch::Sender::new(0),
        }
    }

    /// What all bodies together may take.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Ends what is under way and closes every connection: the vault was locked.
    pub fn cut_off(&self) {
        // Counted first: whoever adds a connection looks at the count while it has the list.
        self.cut.send_modify(|times| *times += 1);
        self.clients().clear();
    }

    /// Sends a call and reads the reply into what is `held`, both in the time that the binding
    /// gives, and that is left.
    pub async fn send(
        &self,
        vault: &Vault,
        call: Call,
        left: Duration,
        held: &Held,
    ) -> Result<Reply, NoReply> {
        let mut cut = self.cut.subscribe();
        let times = *cut.borrow_and_update();
        // Asked after subscribing: a lock from here on is seen.
        if !vault.is_unlocked() {
            return Err(NoReply::Locked);
        }
        let (route, begun) = (Arc::clone(&call.route), Instant::now());
        let time = route.timeout.min(left);
        let exchange = tokio::time::timeout(time, self.exchange(call, times, held));
        let reply = tokio::select! {
            reply = exchange => reply.unwrap_or(Err(NoReply::TimedOut(time))),
            _ = cut.changed() => Err(NoReply::Locked),
        };
        tracing::debug!(
            host = route.host,
            took_ms = begun.elapsed().as_millis(),
            answered = reply.is_ok(),
            "called a provider"
        );
        reply
    }

    async fn exchange(&self, call: Call, times: u64, held: &Held) -> Result<Reply, NoReply> {
        let route = Arc::clone(&call.route);
        let client = self.client(&route, times)?;
        let response = client
            .request(request(call)?)
            .await
            .map_err(|error| dial::no_reply(&error, error.is_connect()))?;
        let (parts, mut body) = response.into_parts();
        // Known where the provider says how long it is; HTTP itself says so for HEAD and 304.
        let declared = body.size_hint().exact();
        let fits = |length: u64| usize::try_from(length).is_ok_and(|it| it <= route.max_reply);
        if declared.is_some_and(|length| !fits(length)) {
            return Err(NoReply::TooLarge(route.max_reply));
        }
        let mut whole = Zeroizing::new(Vec::new());
        if let Some(length) = declared.and_then(|length| usize::try_from(length).ok()) {
            reserve(&mut whole, length, length, held)?;
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| dial::no_reply(&error, false))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if whole.len().saturating_add(data.len()) > route.max_reply {
                return Err(NoReply::TooLarge(route.max_reply));
            }
            reserve(&mut whole, data.len(), route.max_reply, held)?;
            whole.extend_from_slice(&data);
        }
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: whole,
        })
    }

    /// Connections are shared only by calls with the very same binding and version, to the same
    /// place. `times` is how often everything had been cut off when the call began.
    fn client(&self, route: &Arc<Route>, times: u64) -> Result<Arc<Http>, NoReply> {
        let mut clients = self.clients();
        if *self.cut.borrow() != times {
            return Err(NoReply::Locked);
        }
        let used = Instant::now();
        let known = clients.iter().rposition(|kept| is_same(&kept.route, route));
        if let Some(at) = known {
            let kept = clients.remove(at);
            let client = Arc::clone(&kept.client);
            clients.push(Kept { used, ..kept });
            return Ok(client);
        }
        let connector = dial::connector(route, &self.resolver).map_err(|error| {
            NoReply::Unreachable(format!("TLS to it can't be set up: {error:#}"))
        })?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(IDLE_FOR)
            .http1_max_buf_size(HEAD)
            .build(connector);
        match clients.len() {
            0 => drop(tokio::spawn(forget_idle(Arc::downgrade(&self.clients)))),
            ROUTES.. => drop(clients.remove(0)),
            _ => {}
        }
        let client = Arc::new(client);
        clients.push(Kept {
            route: Arc::clone(route),
            client: Arc::clone(&client),
            used,
        });
        Ok(client)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        lock(&self.clients)
    }
}

/// Runs while there are any: whoever adds the first one starts it.
async fn forget_idle(clients: Weak<Mutex<Clients>>) {
    loop {
        tokio::time::sleep(IDLE_FOR).await;
        let Some(clients) = clients.upgrade() else {
            return;
        };
        if !forget_unused(&mut lock(&clients), Instant::now()) {
            return;
        }
    }
}

/// Whether any are left.
fn forget_unused(clients: &mut Clients, now: Instant) -> bool {
    clients.retain(|kept| now.saturating_duration_since(kept.used) < IDLE_FOR);
    !clients.is_empty()
}

fn lock(clients: &Mutex<Clients>) -> MutexGuard<'_, Clients> {
    clients.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One binding may lead to several places (an API, and where its tokens come from), each with
/// rules of its own: a connection is used again only where every one of them is the same.
fn is_same(one: &Route, other: &Route) -> bool {
    one.key == other.key
        && (one.tls, one.host.as_str(), one.port) == (other.tls, other.host.as_str(), other.port)
        && one.networks == other.networks
        && one.cacert == other.cacert
        && one.certificate.is_some() == other.certificate.is_some()
}

/// Makes room for so many bytes more, first among all that is held, then in memory: at once if the
/// whole length is known, else twice as much each time, but never more than `most`.
fn reserve(whole: &mut Vec<u8>, more: usize, most: usize, held: &Held) -> Result<(), NoReply> {
    let (needed, capacity) = (whole.len().saturating_add(more), whole.capacity());
    if needed <= capacity {
        return Ok(());
    }
    let next = needed.max(capacity.saturating_mul(2).min(most));
    if !held.more(next.saturating_sub(capacity)) {
        return Err(NoReply::NoRoom);
    }
    whole.reserve_exact(next.saturating_sub(whole.len()));
    Ok(())
}

fn request(call: Call) -> Result<Request<Full<bytes::Bytes>>, NoReply> {
    // What can't be put into a request came past the checks of the binding and of the caller's
    // input: it is not repeated, since the credential is in it.
    let broken = || NoReply::Unreachable("the request can't be written as HTTP".to_owned());
    let Call {
        method,
        target,
        headers,
        body,
        route,
    } = call;
    let authority = route.authority();
    let uri = Uri::builder()
        .scheme(if route.tls { "https" } else { "http" })
        .authority(authority.as_str())
        .path_and_query(target.as_str())
        .build()
        .map_err(|_| broken())?;
    // Sent is what was decided on: a fragment, for example, would be cut off in silence.
    if uri.path_and_query().map(|sent| sent.as_str()) != Some(target.as_str()) {
        return Err(broken());
    }
    // An empty body has a length too where a method is expected to have one (RFC 9110 section
    // 8.6): there are servers that insist.
    let says_nothing =
        body.is_empty() && [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    if says_nothing {
        request
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let host = authority.parse().map_err(|_| broken())?;
    request.headers_mut().insert(HOST, host);
    Ok(request)
}

#[cfg(test)]
mod tests;
