//! Request → Authenticated: an enrolled service signed it, for this agent, just now.
//!
//! The cheap checks come first and a signature is verified once, so that a flood of requests
//! that were never signed costs little. Who is suspended is only told to the audit log, and only
//! once the signature held: till then nobody is known to have asked.

use std::{collections::HashMap, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    approval::{Asked, NotAgain},
    audit::{Ask, Reason},
    name::Name,
    request::{Arrival, NotAuthenticated, Request, SignedMessage},
};

pub mod key;

pub use key::{BadKey, BadThumbprint, KeyAlgorithm, PublicKey, Thumbprint};

/// A key that a service signs its requests with.
#[derive(Clone, Debug)]
pub struct EnrolledKey {
    /// Whose key it is.
    pub service: Name,
    /// The key.
    pub key: PublicKey,
    /// Whether the service is suspended.
    pub suspended: bool,
}

/// The enrolled services, by the thumbprints of their keys.
#[derive(Clone, Debug, Default)]
pub struct Services(HashMap<Thumbprint, Owners>);

#[derive(Clone, Debug)]
enum Owners {
    One(EnrolledKey),
    /// A key that two services have proves neither.
    Several,
}

/// Proof that a service which is enrolled and not suspended signed this request, for this agent,
/// and just now. That it is the first time is proved later, by the audit log.
///
/// There is one constructor for what comes in, [`Request::authenticate`], and one for what waited for an
/// approval, in [`Waiting`](crate::approval::Waiting); policy spends it.
pub struct Authenticated {
    service: Name,
    request: Request,
    arrival: Arrival,
    received: Timestamp,
    /// The index of the entry by which it waited. Its nonce was spent with that.
    waited: Option<u64>,
}

impl Services {
    /// The services whose keys these are.
    pub fn new(keys: impl IntoIterator<Item = EnrolledKey>) -> Self {
        let mut services = HashMap::new();
        for enrolled in keys {
            services
                .entry(enrolled.key.thumbprint())
                .and_modify(|owners| match owners {
                    Owners::One(first) if first.service == enrolled.service => {
                        first.suspended |= enrolled.suspended;
                    }
                    _ => *owners = Owners::Several,
                })
                .or_insert_with(|| Owners::One(enrolled.clone()));
        }
        Self(services)
    }

    /// Finds out whose message this is. `agent` is the thumbprint that the message's body names
    /// as the one it is meant for, `audience` is this agent's own.
    pub fn authenticate(
        &self,
        message: &SignedMessage,
        agent: &Thumbprint,
        audience: &Thumbprint,
        now: Timestamp,
    ) -> Result<Name, NotAuthenticated> {
        if agent != audience {
            let detail = format!("it is meant for the agent `{agent}`");
            return Err(NotAuthenticated::new(Reason::WrongAudience, detail));
        }
        self.vouch(message, now)
    }

    /// Finds out whose message this is, whichever agent it is meant for: as much as its head can
    /// tell ([`SignedMessage::parse_head`]). Enough to decide whether to read a large body, and for
    /// nothing else.
    pub fn vouch(&self, message: &SignedMessage, now: Timestamp) -> Result<Name, NotAuthenticated> {
        message.check_time(now)?;
        self.whose(message)
    }

    /// Whose message this is, whenever it was signed.
    fn whose(&self, message: &SignedMessage) -> Result<Name, NotAuthenticated> {
        let keyid = message.keyid();
        let enrolled = match self.0.get(keyid) {
            Some(Owners::One(enrolled)) => enrolled,
            Some(Owners::Several) => {
                let detail = format!("the key `{keyid}` is enrolled for more than one service");
                return Err(NotAuthenticated::new(Reason::UnknownKey, detail));
            }
            None => {
                let detail = format!("no service has the key `{keyid}`");
                return Err(NotAuthenticated::new(Reason::UnknownKey, detail));
            }
        };
        message.check_algorithm(&enrolled.key)?;
        message.check_signature(&enrolled.key)?;
        if enrolled.suspended {
            let detail = format!("service `{}` is suspended", enrolled.service);
            let refused = NotAuthenticated::new(Reason::Suspended, detail);
            return Err(refused.by(enrolled.service.clone()));
        }
        Ok(enrolled.service.clone())
    }
}

impl Request {
    /// Finds out whose request this is; `audience` is the thumbprint of this agent's identity.
    pub fn authenticate(
        self,
        services: &Services,
        audience: &Thumbprint,
        arrival: Arrival,
        now: Timestamp,
    ) -> Result<Authenticated, NotAuthenticated> {
        let service = services.authenticate(self.message(), self.agent(), audience, now)?;
        Ok(Authenticated {
            service,
            request: self,
            arrival,
            received: now,
            waited: None,
        })
    }

    /// Finds out whose request this is that waited for an approval: the one that was asked about, by
    /// a key that its service has now. It was fresh when its entry was recorded, and `now` is the
    /// time at which policy decides.
    pub(crate) fn authenticate_again(
        self,
        asked: &Asked,
        services: &Services,
        audience: &Thumbprint,
        now: Timestamp,
    ) -> Result<Authenticated, NotAgain> {
        if STANDARD.encode(self.digest()) != asked.ask.digest || self.agent() != audience {
            return Err(NotAgain::Other);
        }
        let service = services.whose(self.message())?;
        if service != asked.ask.service {
            return Err(NotAgain::Other);
        }
        Ok(Authenticated {
            service,
            request: self,
            arrival: Arrival {
                way_in: asked.ask.way_in,
                address: asked.ask.address,
            },
            received: now,
            waited: Some(asked.id),
        })
    }
}

impl Authenticated {
    /// Who asks.
    pub fn service(&self) -> &Name {
        &self.service
    }

    /// For what.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// How it came, and from where.
    pub fn arrival(&self) -> Arrival {
        self.arrival
    }

    /// When it came, or was collected after it waited.
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// The index of the entry by which it waited for an approval, if it did.
    pub fn waited(&self) -> Option<u64> {
        self.waited
    }

    /// The request as the audit log keeps it, with the operation's fields as policy saw them.
    pub fn ask(&self, fields: Map<String, Value>) -> Ask {
        let request = &self.request;
        Ask {
            address: self.arrival.address,
            asked: request.secret().clone(),
            digest: STANDARD.encode(request.digest()),
            fields,
            key: request.keyid().clone(),
            nonce: request.nonce().to_owned(),
            operation: request.operation().name(),
            purpose: request.purpose().map(str::to_owned),
            service: self.service.clone(),
            ticket: request.ticket().map(str::to_owned),
            way_in: self.arrival.way_in,
        }
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("service", &self.service)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
