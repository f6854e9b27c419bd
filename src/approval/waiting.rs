//! A request while it waits: kept whole and encrypted, parsed and authenticated again when it is
//! collected.
//!
//! What is encrypted to the root is a line of JSON, then the body as it came:
//!
//! ```text
//! {"headers":[["content-type","application/json"],…],"target":"/v1/access"}
//! <body>
//! ```
//!
//! **Invariant: what is collected is what was asked.** The digest in the pending entry, which is
//! in the signed tree, is that of the request that is opened, or nothing is done with it.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Asked;
use crate::{
    policy::Proposal,
    request::{
        MAX_BODY, Malformed, NotAuthenticated, Request,
        digest::CONTENT_DIGEST,
        signature::{SIGNATURE, SIGNATURE_INPUT, covered_fields},
    },
    service::{Authenticated, Services, Thumbprint},
};

/// The longest head, in bytes: as much as anybody's headers.
const MAX_HEAD: usize = 64 * 1024;

/// A request as it came, with the headers that its signature is about.
pub struct Waiting {
    target: String,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
}

/// A request that asks to be approved, on its way to the audit log.
#[derive(Debug)]
pub struct Asking {
    pub(crate) proposal: Proposal,
    pub(crate) sealed: Sealed,
    pub(crate) expires: Timestamp,
}

/// A request, encrypted to the root: [`Vault::seal_request`](crate::vault::Vault::seal_request)
/// makes one.
pub struct Sealed(pub(crate) Vec<u8>);

/// Why a request can't wait, or what is stored is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWaiting {
    /// More than is kept.
    #[error(
        "a request that waits for an approval has at most {MAX_BODY} bytes of body and {MAX_HEAD} of headers"
    )]
    TooLarge,
    /// Not what was stored.
    #[error("the stored request is damaged")]
    Malformed,
}

/// Why a request that waited is none any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAgain {
    /// Its key was retired, or its service suspended.
    #[error(transparent)]
    NotAuthenticated(#[from] NotAuthenticated),
    /// This version reads it otherwise than the one that took it.
    #[error("the stored request can't be read any more: {0}")]
    Malformed(#[from] Malformed),
    /// It is not the request that was asked about.
    #[error(
        "the stored request is not the one that the audit log tells of; run `strongroom audit verify`"
    )]
    Other,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    headers: Vec<(String, String)>,
    target: String,
}

impl Waiting {
    /// A request as it came: of the headers, those that its signature covers, and itself.
    pub fn of(target: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, BadWaiting> {
        if body.len() > MAX_BODY {
            return Err(BadWaiting::TooLarge);
        }
        let mut kept = HeaderMap::new();
        let mut keep = |name: &HeaderName| {
            for value in headers.get_all(name) {
                kept.append(name, value.clone());
            }
        };
        let mut names = vec![
            SIGNATURE,
            SIGNATURE_INPUT,
            CONTENT_DIGEST,
            header::CONTENT_TYPE,
        ];
        let covered = covered_fields(headers).map_err(|_| BadWaiting::Malformed)?;
        for name in covered {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.iter().for_each(&mut keep);
        let waiting = Self {
            target: target.to_owned(),
            headers: kept,
            body: Zeroizing::new(body.to_vec()),
        };
        match waiting.head()?.len() > MAX_HEAD {
            true => Err(BadWaiting::TooLarge),
            false => Ok(waiting),
        }
    }

    /// Reads what was stored, once it is opened.
    pub fn parse(stored: &[u8]) -> Result<Self, BadWaiting> {
        use BadWaiting::Malformed;
        let end = memchr::memchr(b'\n', stored).ok_or(Malformed)?;
        let (head, body) = stored.split_at_checked(end).ok_or(Malformed)?;
        let body = body.get(1..).ok_or(Malformed)?;
        if head.len() > MAX_HEAD || body.len() > MAX_BODY {
            return Err(BadWaiting::TooLarge);
        }
        let head: Head = serde_json::from_slice(head).map_err(|_| Malformed)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &head.headers {
            let name = HeaderName::from_lowercase(name.as_bytes()).map_err(|_| Malformed)?;
            let value = HeaderValue::from_str(value).map_err(|_| Malformed)?;
            headers.try_append(name, value).map_err(|_| Malformed)?;
        }
        Ok(Self {
            target: head.target,
            headers,
            body: Zeroizing::new(body.to_vec()),
        })
    }

    /// What is stored, before it is sealed.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, BadWaiting> {
        let head = self.head()?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + 1 + self.body.len()));
        bytes.extend_from_slice(head.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&self.body);
        Ok(bytes)
    }

    fn head(&self) -> Result<String, BadWaiting> {
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            // What is signed is ASCII, or it could not be signed.
            let value = value.to_str().map_err(|_| BadWaiting::Malformed)?;
            Ok((name.as_str().to_owned(), value.to_owned()))
        };
        let head = Head {
            headers: self.headers.iter().map(header).collect::<Result<_, _>>()?,
            target: self.target.clone(),
        };
        serde_json::to_string(&head).map_err(|_| BadWaiting::Malformed)
    }

    /// The request again: whose it is by the keys that are enrolled now, for what is decided now.
    /// That it came just in time, and once, is what its entry proves.
    pub fn authenticate_again(
        self,
        asked: &Asked,
        services: &Services,
        audience: &Thumbprint,
        now: Timestamp,
    ) -> Result<Authenticated, NotAgain> {
        let request = Request::parse(&Method::POST, &self.target, &self.headers, &self.body)?;
        request.authenticate_again(asked, services, audience, now)
    }
}

impl Asking {
    /// A proposal that waits until `expires`.
    pub fn new(proposal: Proposal, sealed: Sealed, expires: Timestamp) -> Self {
        Self {
            proposal,
            sealed,
            expires,
        }
    }
}

/// Says where it was posted to, and hides the body: it may be a plaintext.
impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

/// It is ciphertext, and long.
impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
