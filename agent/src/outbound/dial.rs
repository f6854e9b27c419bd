//! One connection to a provider: the name is looked up, checked and dialled in one go.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::rt::TokioIo;
use strongroom::{
    errand::{NoReply, Route},
    outgoing::address,
};
use tokio::{net::TcpStream, sync::Semaphore};
use tower_service::Service;

use super::trust;

/// For one address, while there are others to try.
const ONE_ADDRESS: Duration = Duration::from_secs(5);
/// Look-ups at the same time: each has a thread until the system's resolver gives up, also after
/// its call is over.
const LOOK_UPS: usize = 32;

/// Which addresses a name stands for: what the system says.
#[derive(Clone)]
pub struct Resolver {
    look_up: LookUp,
    threads: Arc<Semaphore>,
}

type LookUp = Arc<dyn Fn(&str, u16) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// Opens connections on one route, and on no other.
#[derive(Clone)]
pub struct Dialler {
    route: Arc<Route>,
    resolver: Resolver,
}

/// TLS over the dialler; HTTP/1.1, whose connections are kept and used again.
pub fn connector(
    route: &Arc<Route>,
    resolver: &Resolver,
) -> anyhow::Result<HttpsConnector<Dialler>> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(trust::config(route)?);
    let builder = match route.tls {
        true => builder.https_only(),
        false => builder.https_or_http(),
    };
    Ok(builder.enable_http1().wrap_connector(Dialler {
        route: Arc::clone(route),
        resolver: resolver.clone(),
    }))
}

impl Service<Uri> for Dialler {
    type Response = TokioIo<TcpStream>;
    type Error = NoReply;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NoReply>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoReply>> {
        Poll::Ready(Ok(()))
    }

    /// The route says where to, not the URI: they can't differ.
    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { route, resolver } = self.clone();
        Box::pin(async move { dial(&route, &resolver).await.map(TokioIo::new) })
    }
}

async fn dial(route: &Route, resolver: &Resolver) -> Result<TcpStream, NoReply> {
    let (host, port) = (route.host.as_str(), route.port);
    let resolved = resolver
        .addresses(host, port)
        .await
        .map_err(|error| NoReply::Unreachable(format!("`{host}` can't be looked up: {error}")))?;
    let addresses = address::choose(&resolved, &route.networks)
        .map_err(|refused| NoReply::TargetRefused(format!("`{host}`: {refused}")))?;
    let mut last = format!("`{host}` has no address");
    let mut left = addresses.into_iter().peekable();
    while let Some(address) = left.next() {
        let attempt = TcpStream::connect((address, port));
        let attempt = match left.peek() {
            Some(_) => tokio::time::timeout(ONE_ADDRESS, attempt).await,
            // The call's own deadline is the bound for the last one.
            None => Ok(attempt.await),
        };
        match attempt {
            Ok(Ok(stream)) => {
                // Requests are written whole; waiting for more only costs time.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = format!("{address} port {port}: {error}"),
            Err(_) => last = format!("{address} port {port} does not answer"),
        }
    }
    Err(NoReply::Unreachable(last))
}

impl Resolver {
    /// The resolver of the system: `/etc/hosts`, DNS, and whatever else the owner configured.
    pub fn of_the_system() -> Self {
        Self::new(|host, port| {
            let found = (host, port).to_socket_addrs()?;
            Ok(found.map(|found: SocketAddr| found.ip()).collect())
        })
    }

    fn new(look_up: impl Fn(&str, u16) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self {
            look_up: Arc::new(look_up),
            threads: Arc::new(Semaphore::new(LOOK_UPS)),
        }
    }

    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<IpAddr>> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let (look_up, host) = (Arc::clone(&self.look_up), host.to_owned());
        let place = Arc::clone(&self.threads).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            // Given back when the thread is free again, not when its caller has lost patience.
            let _place = place;
            look_up(&host, port)
        })
        .await
        .map_err(io::Error::other)?
    }
}

/// What the layers above made of a failure: the innermost cause says it all. None of them repeats
/// anything of the request.
pub fn no_reply(error: &(dyn Error + 'static), connecting: bool) -> NoReply {
    let mut cause = error;
    loop {
        if let Some(known) = cause.downcast_ref::<NoReply>() {
            return known.clone();
        }
        let inner = match cause.downcast_ref::<io::Error>() {
            // An I/O error that was made from another one calls that one's source its own.
            Some(error) => error.get_ref().map(|inner| inner as _),
            None => cause.source(),
        };
        match inner {
            Some(inner) => cause = inner,
            None if connecting => return NoReply::Unreachable(told(cause)),
            None => return NoReply::Broken(told(cause)),
        }
    }
}

/// With what the owner can do, where it is the provider's certificate that fails.
fn told(cause: &(dyn Error + 'static)) -> String {
    use rustls::{CertificateError, Error::InvalidCertificate};
    let text = cause.to_string();
    match cause.downcast_ref() {
        Some(InvalidCertificate(CertificateError::UnknownIssuer)) => {
            format!("{text}; name its authority in the binding: `cacert`")
        }
        Some(InvalidCertificate(_)) if text.contains("CaUsedAsEndEntity") => {
            "the provider shows an authority's certificate as its own; it needs one that the authority has signed".to_owned()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests;
