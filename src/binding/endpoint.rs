//! Where a provider is, and within which bounds it is called: a part of every section whose secret
//! is sent somewhere.
//!
//! In JSON it is a URL, or an object where more is to be said:
//!
//! ```json
//! {"url": "https://api.internal.example/v2", "networks": ["10.20.0.0/16"], "timeout_seconds": 20}
//! ```

use std::{fmt, sync::Arc, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{BadBinding, BaseUrl, certificates};
use crate::{
    errand::{ClientCertificate, Route},
    outgoing::address::Networks,
};

/// The most bytes that a reply's body may have.
pub const MAX_REPLY: usize = 10 * 1024 * 1024;

/// For the whole of a call, when the binding does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where calls may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// What every path is under: `https://host[:port][/path]`.
    pub url: BaseUrl,
    /// Whether it may be `http://`. What is sent can be read on the way then, so only addresses
    /// in `networks` are dialled.
    pub allow_http: bool,
    /// The addresses that may be dialled though they are not public.
    pub networks: Networks,
    /// PEM certificates of the authorities to trust instead of the platform's.
    pub cacert: Option<String>,
    /// For the whole of a call, in seconds: 1 to 300; 30 when left out.
    pub timeout_seconds: Option<u32>,
    /// The most bytes that the reply's body may have; [`MAX_REPLY`] when left out, and at most.
    pub max_reply: Option<u32>,
}

/// The members of the object.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "Endpoint")]
struct Members {
    url: BaseUrl,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allow_http: bool,
    #[serde(default, skip_serializing_if = "Networks::is_empty")]
    networks: Networks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cacert: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_reply: Option<u32>,
}

impl Endpoint {
    /// A public endpoint, with the usual bounds.
    pub fn new(url: BaseUrl) -> Self {
        Self {
            url,
            allow_http: false,
            networks: Networks::default(),
            cacert: None,
            timeout_seconds: None,
            max_reply: None,
        }
    }

    /// Whether calls can go there; `section` is the binding's section that it stands in.
    pub fn check(&self, section: &'static str) -> Result<(), BadBinding> {
        let wrong = |field, problem: String| {
            Err(BadBinding::Value {
                section,
                field,
                problem,
            })
        };
        if !self.url.is_tls() && !self.allow_http {
            return wrong(
                "url",
                "the credential would be sent unencrypted: use `https://`, or, inside a network \
                 of your own, add `\"allow_http\": true` and name it in `networks`"
                    .to_owned(),
            );
        }
        if self.allow_http && self.url.is_tls() {
            return wrong(
                "allow_http",
                "the URL begins with `https://`; leave it out".to_owned(),
            );
        }
        if self.allow_http && self.networks.is_empty() {
            return wrong(
                "networks",
                "`allow_http` is for networks of your own: name them, as in `[\"10.0.0.0/8\"]`"
                    .to_owned(),
            );
        }
        let longest = Route::LONGEST.as_secs();
        if let Some(seconds) = self.timeout_seconds
            && !(1..=longest).contains(&seconds.into())
        {
            return wrong(
                "timeout_seconds",
                format!("a call may take 1 to {longest} seconds"),
            );
        }
        if let Some(bytes) = self.max_reply
            && !(1..=MAX_REPLY).contains(&(bytes as usize))
        {
            return wrong(
                "max_reply",
                format!("a reply may have 1 to {MAX_REPLY} bytes"),
            );
        }
        match &self.cacert {
            Some(_) if !self.url.is_tls() => wrong(
                "cacert",
                "without TLS there is no certificate to check; leave it out".to_owned(),
            ),
            Some(pem) => certificates(pem).or_else(|problem| wrong("cacert", problem.to_owned())),
            None => Ok(()),
        }
    }

    /// The way there. Calls with the same `key` may share connections, so it must tell apart
    /// everything that the route does: see `Setting::route_key`.
    pub fn route(&self, key: (u64, u64), certificate: Option<ClientCertificate>) -> Arc<Route> {
        let networks = self.networks.clone();
        Arc::new(Route {
            key,
            tls: self.url.is_tls(),
            host: self.url.host().to_owned(),
            port: self.url.port(),
            networks: match self.url.is_tls() {
                true => networks,
                false => networks.only(),
            },
            cacert: self.cacert.clone(),
            certificate,
            timeout: self.timeout_seconds.map_or(TIMEOUT, |seconds| {
                Duration::from_secs(seconds.into()).min(Route::LONGEST)
            }),
            max_reply: self
                .max_reply
                .map_or(MAX_REPLY, |bytes| MAX_REPLY.min(bytes as usize)),
        })
    }
}

impl From<Members> for Endpoint {
    fn from(members: Members) -> Self {
        let Members {
            url,
            allow_http,
            networks,
            cacert,
            timeout_seconds,
            max_reply,
        } = members;
        Self {
            url,
            allow_http,
            networks,
            cacert,
            timeout_seconds,
            max_reply,
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if *self == Self::new(self.url.clone()) {
            return self.url.serialize(serializer);
        }
        let Self {
            url,
            allow_http,
            networks,
            cacert,
            timeout_seconds,
            max_reply,
        } = self.clone();
        let members = Members {
            url,
            allow_http,
            networks,
            cacert,
            timeout_seconds,
            max_reply,
        };
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Endpoint;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or an object with `url`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<Endpoint, E> {
                url.parse().map(Endpoint::new).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Endpoint, A::Error> {
                Members::deserialize(MapAccessDeserializer::new(map)).map(Endpoint::from)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
