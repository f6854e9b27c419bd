//! The way to providers: every connection goes through a resolver and a dialler of our own.
//!
//! **Invariant: the address checked is the address dialled.** A name is looked up once for a
//! connection, every address that it stands for is checked against the binding, and one of these
//! very addresses is dialled: there is no second look-up for a rebinding server to answer
//! differently. Redirects are answers like any other. An answer is held once, within the bounds
//! of its binding and of all answers together, and within one deadline.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use http::{Request, Uri, header::HOST};
use http_body_util::{BodyExt as _, Full};
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

pub use held::{Held, Room};

use self::dial::Dialler;

/// Routes whose connections are kept at the same time; then any one makes room.
const ROUTES: usize = 256;
/// Idle connections to one provider.
const IDLE: usize = 16;

type Http = Client<HttpsConnector<Dialler>, Full<bytes::Bytes>>;

/// The connections to providers, and what holds for all of them together.
pub struct Outbound {
    clients: Mutex<HashMap<(u64, u64), Arc<Http>>>,
    room: Arc<Room>,
    /// Counts how often everything was cut off.
    cut: watch::Sender<u64>,
}

impl Outbound {
    /// `held` bounds the bytes of all bodies that are held at the same time.
    pub fn new(held: usize) -> Self {
        Self {
            clients: Mutex::default(),
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
        self.cut.send_modify(|times| *times += 1);
        self.clients().clear();
    }

    /// Sends a call and reads the reply, both in the time that the binding gives.
    pub async fn send(&self, vault: &Vault, call: Call) -> Result<Reply, NoReply> {
        let mut cut = self.cut.subscribe();
        // Asked after subscribing: a lock from here on is seen.
        if !vault.is_unlocked() {
            return Err(NoReply::Locked);
        }
        let (route, begun) = (Arc::clone(&call.route), Instant::now());
        let exchange = tokio::time::timeout(route.timeout, self.exchange(call));
        let reply = tokio::select! {
            reply = exchange => reply.unwrap_or(Err(NoReply::TimedOut(route.timeout))),
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

    async fn exchange(&self, call: Call) -> Result<Reply, NoReply> {
        let route = Arc::clone(&call.route);
        let client = self.client(&route)?;
        let response = client
            .request(request(call)?)
            .await
            .map_err(|error| dial::no_reply(&error))?;
        let (parts, mut body) = response.into_parts();
        let declared = parts
            .headers
            .get(http::header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if declared.is_some_and(|length| length > route.max_reply) {
            return Err(NoReply::TooLarge(route.max_reply));
        }
        let mut held = Held::new(&self.room);
        let mut whole = Zeroizing::new(Vec::with_capacity(declared.unwrap_or(0)));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| dial::no_reply(&error))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if whole.len().saturating_add(data.len()) > route.max_reply {
                return Err(NoReply::TooLarge(route.max_reply));
            }
            if !held.more(data.len()) {
                return Err(NoReply::NoRoom);
            }
            whole.extend_from_slice(&data);
        }
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: whole,
        })
    }

    /// Connections are shared only by calls with the very same binding and version.
    fn client(&self, route: &Arc<Route>) -> Result<Arc<Http>, NoReply> {
        let mut clients = self.clients();
        if let Some(client) = clients.get(&route.key) {
            return Ok(Arc::clone(client));
        }
        let connector = dial::connector(route).map_err(|error| {
            NoReply::Unreachable(format!("TLS to it can't be set up: {error:#}"))
        })?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE)
            .build(connector);
        if clients.len() >= ROUTES {
            let any = clients.keys().next().copied();
            any.map(|any| clients.remove(&any));
        }
        let client = Arc::new(client);
        clients.insert(route.key, Arc::clone(&client));
        Ok(client)
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<(u64, u64), Arc<Http>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    let host = authority.parse().map_err(|_| broken())?;
    request.headers_mut().insert(HOST, host);
    Ok(request)
}
