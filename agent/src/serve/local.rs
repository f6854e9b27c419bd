//! The local socket: the same API, and administration, for the owner's own user only.

use std::{io, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use hyper_util::server::graceful::GracefulShutdown;
use interprocess::local_socket::{
    GenericFilePath, ListenerOptions, ToFsName as _,
    tokio::{Listener, Stream, prelude::*},
};
use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
use strongroom::request::{Arrival, WayIn};
use tokio_util::sync::CancellationToken;

use super::connection;
use crate::host::Host;

/// Creates the socket inside the 0700 directory. The caller holds the directory's lock, so a
/// socket that is still there belongs to an agent that is gone.
pub fn bind(path: &Path) -> anyhow::Result<Listener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("cannot remove the old socket `{}`", path.display()));
        }
        _ => {}
    }
    if path.as_os_str().len() > 107 {
        bail!(
            "`{}` is too long for a socket (107 bytes at most); choose a shorter `--home DIR`",
            path.display()
        );
    }
    let name = path.to_fs_name::<GenericFilePath>()?;
    ListenerOptions::new()
        .name(name)
        .mode(0o600)
        .create_tokio()
        .with_context(|| format!("cannot create the local socket `{}`", path.display()))
}

/// Accepts connections until told to stop, then waits for the requests in flight.
pub async fn run(host: Arc<Host>, listener: Listener, stop: CancellationToken) {
    let graceful = GracefulShutdown::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a local connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        if !is_owner(&stream) {
            tracing::warn!("another user tried the local socket");
            continue;
        }
        let (host, watcher) = (Arc::clone(&host), graceful.watcher());
        tokio::spawn(async move {
            let arrival = Arrival {
                way_in: WayIn::Local,
                address: None,
            };
            connection::serve(host, arrival, stream, watcher).await;
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// The directory's mode keeps others out already; this holds where modes were changed.
fn is_owner(stream: &Stream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream
        .peer_creds()
        .ok()
        .and_then(|peer| peer.euid())
        .is_some_and(|uid| uid == own)
}
