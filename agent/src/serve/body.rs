//! Reading a body: how much of whom.
//!
//! Nobody is known yet, so what is read is little: [`SMALL`] bytes from anybody. More is read only
//! when the head alone shows that an enrolled service signed this request just now (what is signed
//! includes the digest of the body), and only into room that is left of `limits.held`. So somebody
//! who has no key can neither fill the memory nor use up the room of those who have.

use std::sync::Arc;

use http::{request::Parts, uri::PathAndQuery};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use jiff::Timestamp;
use strongroom::{
    answer::Problem,
    audit::Reason,
    name::Name,
    request::{Malformed, NotAuthenticated, SignedMessage},
};

use crate::{host::Host, outbound::Held};

/// The bytes of a body that are read from anybody, and that take no room of `limits.held`.
pub const SMALL: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Debug)]
pub enum Unread {
    TooLarge,
    Broken,
    NoRoom,
    /// Its head says already that it is no request.
    Malformed(Malformed),
    /// Its head says already that no service may have sent it.
    NotAuthenticated(NotAuthenticated),
}

impl Unread {
    pub fn problem(&self) -> Problem {
        match self {
            Self::TooLarge => Problem::TooLarge,
            Self::Malformed(error) if error.reason() == Reason::TooLarge => Problem::TooLarge,
            Self::Broken | Self::Malformed(_) => Problem::Malformed,
            Self::NoRoom => Problem::TooManyRequests,
            Self::NotAuthenticated(_) => Problem::NotAuthenticated,
        }
    }

    pub fn reason(&self) -> Reason {
        match self {
            Self::TooLarge => Reason::TooLarge,
            Self::Broken => Reason::Malformed,
            Self::NoRoom => Reason::TooManyRequests,
            Self::Malformed(error) => error.reason(),
            Self::NotAuthenticated(error) => error.reason(),
        }
    }

    /// For the audit log.
    pub fn detail(&self) -> &str {
        match self {
            Self::TooLarge => "the body is larger than this agent takes",
            Self::Broken => "the body did not arrive whole",
            Self::NoRoom => "too much is held of other requests; `limits.held` bounds it",
            Self::Malformed(error) => error.detail(),
            Self::NotAuthenticated(error) => error.detail(),
        }
    }

    /// For the sender.
    pub fn told(&self) -> &str {
        match self {
            Self::NoRoom => "the agent is busy; try again later",
            Self::NotAuthenticated(error) => error.told(),
            _ => self.detail(),
        }
    }

    /// Who it was, where the signature held.
    pub fn service(&self) -> Option<&Name> {
        match self {
            Self::NotAuthenticated(error) => error.service(),
            _ => None,
        }
    }
}

/// Reads the body of an access request, once, into memory that is `held`.
pub async fn signed(
    host: &Arc<Host>,
    parts: &Parts,
    body: &mut Incoming,
    held: &Held,
) -> Result<Vec<u8>, Unread> {
    let most = host.config().limits.large_body;
    read(body, most, |size| {
        vouch(host, parts)?;
        held.more(size).then_some(()).ok_or(Unread::NoRoom)
    })
    .await
}

/// Reads a body of up to `most` bytes. Before more than [`SMALL`] bytes are kept, and each time that
/// memory for more is taken, `allow` is asked for so many bytes in addition.
pub async fn read(
    body: &mut Incoming,
    most: usize,
    mut allow: impl FnMut(usize) -> Result<(), Unread>,
) -> Result<Vec<u8>, Unread> {
    // Of a body that says how long it is, nothing is read if that is too long.
    let declared = match body.size_hint().exact() {
        Some(length) => match usize::try_from(length) {
            Ok(length) if length <= most => Some(length),
            _ => return Err(Unread::TooLarge),
        },
        None => None,
    };
    let mut whole = Vec::new();
    let mut reserve = |whole: &mut Vec<u8>, needed: usize| {
        let capacity = whole.capacity();
        if needed <= capacity {
            return Ok(());
        }
        let next = match declared {
            Some(length) => length.max(needed),
            None => needed.max(capacity.saturating_mul(2).clamp(4096, most)),
        };
        if next > SMALL {
            let had = if capacity > SMALL { capacity } else { 0 };
            allow(next.saturating_sub(had))?;
        }
        whole.reserve_exact(next.saturating_sub(whole.len()));
        Ok(())
    };
    reserve(&mut whole, declared.unwrap_or(0))?;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else {
            continue;
        };
        let needed = whole.len().saturating_add(data.len());
        if needed > most {
            return Err(Unread::TooLarge);
        }
        reserve(&mut whole, needed)?;
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

/// Whether the head of this request was signed by a service that may ask.
fn vouch(host: &Host, parts: &Parts) -> Result<(), Unread> {
    let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let message = SignedMessage::parse_head(&parts.method, target, &parts.headers)
        .map_err(Unread::Malformed)?;
    host.vault()
        .catalog()
        .services()
        .vouch(&message, Timestamp::now())
        .map(|_| ())
        .map_err(Unread::NotAuthenticated)
}
