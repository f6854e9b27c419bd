//! A request before its credential is attached, and the credential.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use super::target::{Path, Query, encode};
use crate::errand::{Call, Route};

/// A request that is settled but for its credential.
#[derive(Clone)]
pub(crate) struct Draft {
    /// Of the secret: the answer names it.
    pub(crate) version: u32,
    pub(crate) method: Method,
    /// The base URL's path and the caller's, as policy saw it and as it is sent.
    pub(crate) path: Path,
    /// In the order in which it is sent.
    pub(crate) query: Query,
    /// All but `Host` and `Content-Length`, which follow from the rest.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) route: Arc<Route>,
}

/// What attaching a credential adds to a request, and what must never come back.
#[derive(Default)]
pub(crate) struct Credential {
    /// Each takes the place of one with the same name.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Plain text, encoded when it is sent; each takes the place of one with the same name.
    pub(crate) query: Vec<(String, Zeroizing<String>)>,
    /// Every text that is scrubbed from the reply, in whatever form it comes back.
    pub(crate) secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl Draft {
    /// The request with its credential in it.
    pub(crate) fn attach(self, credential: Credential) -> Call {
        let Self {
            method,
            path,
            query,
            mut headers,
            body,
            route,
            ..
        } = self;
        for (name, value) in credential.headers {
            headers.insert(name, value);
        }
        let added = &credential.query;
        let is_replaced = |name: &str| added.iter().any(|(other, _)| other == name);
        let pairs = query.pairs().filter(|(name, _)| !is_replaced(name)).chain(
            added
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        // Reserved whole, so that no part of it is left behind: no byte is encoded as more than 3.
        let longest = |(name, value): (&str, &str)| 3 * (name.len() + value.len()) + 2;
        let room = path.as_str().len() + pairs.clone().map(longest).sum::<usize>();
        let mut target = Zeroizing::new(String::with_capacity(room));
        target.push_str(path.as_str());
        for (at, (name, value)) in pairs.enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            encode(name, &mut target);
            target.push('=');
            encode(value, &mut target);
        }
        Call {
            method,
            target,
            headers,
            body,
            route,
        }
    }
}

impl Credential {
    /// Adds a header, which is marked as sensitive and wiped when the last copy of it is dropped;
    /// `None` if the value can't stand in one.
    pub(crate) fn header(&mut self, name: HeaderName, value: Zeroizing<String>) -> Option<()> {
        self.keep_back(value.as_bytes());
        let bytes = Bytes::from_owner(Wiped(value));
        let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
        value.set_sensitive(true);
        self.headers.push((name, value));
        Some(())
    }

    /// Adds a parameter of the query.
    pub(crate) fn query(&mut self, name: &str, value: &str) {
        self.keep_back(value.as_bytes());
        self.query
            .push((name.to_owned(), Zeroizing::new(value.to_owned())));
    }

    /// Keeps this from coming back.
    pub(crate) fn keep_back(&mut self, secret: &[u8]) {
        if !self.secrets.iter().any(|known| known.as_slice() == secret) {
            self.secrets.push(Zeroizing::new(secret.to_vec()));
        }
    }
}

struct Wiped(Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
