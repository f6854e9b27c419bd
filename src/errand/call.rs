//! What the agent sends for an errand, and what comes back or why nothing does.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method};
use zeroize::Zeroizing;

use crate::outgoing::{address::Networks, target::authority};

/// One HTTP request to a provider, with the credential in it.
pub struct Call {
    /// The method.
    pub method: Method,
    /// Path and query as they are sent; the credential may be in them.
    pub target: Zeroizing<String>,
    /// All headers but `Host` and `Content-Length`, which follow from the rest.
    pub headers: HeaderMap,
    /// The body; shared, not copied.
    pub body: Bytes,
    /// To whom.
    pub route: Arc<Route>,
}

/// To whom a call goes, and within which bounds. Calls with the same `key` may share connections.
pub struct Route {
    /// Tells routes apart: the number of the binding's record; the version and the purpose.
    pub key: (u64, u64),
    /// Whether it is TLS; if not, the owner said so.
    pub tls: bool,
    /// A domain name, an IPv4 address, or an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The addresses that may be dialled though they are not public.
    pub networks: Networks,
    /// PEM certificates to trust instead of the platform's.
    pub cacert: Option<String>,
    /// What the agent shows to a provider that asks for a certificate.
    pub certificate: Option<ClientCertificate>,
    /// For the whole of a call, from the look-up of the name to the last byte of the reply.
    pub timeout: Duration,
    /// The most bytes that the reply's body may have.
    pub max_reply: usize,
}

impl Route {
    /// The longest time that all calls of one use may take together.
    pub const LONGEST: Duration = Duration::from_secs(300);

    /// `host:port` as in URLs and in `Host`, without the scheme's own port.
    pub fn authority(&self) -> String {
        authority(self.tls, &self.host, self.port)
    }
}

/// A TLS client certificate with its key.
pub struct ClientCertificate {
    /// DER, the leaf first.
    pub chain: Vec<Vec<u8>>,
    /// PKCS#8 DER.
    pub key: Zeroizing<Vec<u8>>,
}

/// What a provider answered, as it came.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, never longer than [`Route::max_reply`].
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no reply. The details are for the owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// The name has no address, nobody answers there, or the TLS handshake failed.
    #[error("{0}")]
    Unreachable(String),
    /// An address that the binding does not name, and that is not public.
    #[error("{0}")]
    TargetRefused(String),
    /// The connection ended, or what came is no HTTP.
    #[error("no whole answer came: {0}; what was asked may be done all the same")]
    Broken(String),
    /// The time of the binding was over.
    #[error("no whole answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The reply has more bytes than the binding allows.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// All that may be held of providers' answers at the same time is held.
    #[error("too much is held of other answers at the moment; `limits.held` bounds it")]
    NoRoom,
    /// The vault was locked meanwhile.
    #[error("the vault was locked before the answer was there")]
    Locked,
}

/// Says where it goes, and hides what is in it.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Call({} {}:{}, [secret])",
            self.method, self.route.host, self.route.port
        )
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {} bytes)", self.status, self.body.len())
    }
}
