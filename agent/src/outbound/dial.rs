//! One connection to a provider: the name is looked up, checked and dialled in one go.

use std::{
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
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
use tokio::net::TcpStream;
use tower_service::Service;

use super::trust;

/// For one address, when there are others to try.
const ONE_ADDRESS: Duration = Duration::from_secs(5);

/// Opens connections on one route, and on no other.
#[derive(Clone)]
pub struct Dialler {
    route: Arc<Route>,
}

/// TLS over the dialler; HTTP/1.1, whose connections are kept and used again.
pub fn connector(route: &Arc<Route>) -> anyhow::Result<HttpsConnector<Dialler>> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(trust::config(route)?);
    let builder = match route.tls {
        true => builder.https_only(),
        false => builder.https_or_http(),
    };
    Ok(builder.enable_http1().wrap_connector(Dialler {
        route: Arc::clone(route),
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
        let route = Arc::clone(&self.route);
        Box::pin(async move { dial(&route).await.map(TokioIo::new) })
    }
}

async fn dial(route: &Route) -> Result<TcpStream, NoReply> {
    let (host, port) = (route.host.as_str(), route.port);
    let resolved = resolve(host, port)
        .await
        .map_err(|error| NoReply::Unreachable(format!("`{host}` can't be looked up: {error}")))?;
    let addresses = address::choose(&resolved, &route.networks)
        .map_err(|refused| NoReply::TargetRefused(format!("`{host}`: {refused}")))?;
    let mut last = format!("`{host}` has no address");
    for address in addresses {
        match tokio::time::timeout(ONE_ADDRESS, TcpStream::connect((address, port))).await {
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

async fn resolve(host: &str, port: u16) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    let found = tokio::net::lookup_host((host, port)).await?;
    Ok(found.map(|found: SocketAddr| found.ip()).collect())
}

/// What the layers above made of a failure: the innermost cause says it all.
pub fn no_reply(error: &(dyn Error + 'static)) -> NoReply {
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
            None => return NoReply::Unreachable(cause.to_string()),
        }
    }
}
