//! How a credential is attached to a request.

use std::{fmt, str::FromStr as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, header};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use zeroize::Zeroizing;

use crate::{operation::Kind, outgoing::Credential};

/// Where in a request the credential is put.
///
/// In JSON: `"bearer"`, `"basic"`, `"mtls"`, `{"header": "X-Api-Key"}`, `{"header":
/// "Authorization", "prefix": "Token "}`, `{"query": "api_key"}`, `{"cookie": "session"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attach {
    /// `Authorization: Bearer …`, RFC 6750.
    Bearer,
    /// `Authorization: Basic …`, RFC 7617, of `user:password`.
    Basic,
    /// The client certificate of the TLS connection; nothing in the request itself.
    Mtls,
    /// A header of its own.
    Header {
        /// Its name.
        name: HeaderName,
        /// What stands before the credential, with its space if there is one.
        prefix: String,
    },
    /// A parameter of the query.
    Query(String),
    /// A cookie, RFC 6265.
    Cookie(String),
}

/// Why a credential can't be attached. It says nothing of the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the credential has characters in it that can't stand {0}")]
pub struct CannotAttach(&'static str);

impl Attach {
    /// How secrets of this kind are attached unless the owner says otherwise; `None` for those
    /// that are not attached to requests, or not in a way that could be chosen.
    pub fn default_for(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Token | Kind::Oauth2 => Some(Self::Bearer),
            Kind::Basic => Some(Self::Basic),
            Kind::Mtls => Some(Self::Mtls),
            _ => None,
        }
    }

    /// The header that is the credential's own: no caller may set it.
    pub fn header(&self) -> Option<&HeaderName> {
        match self {
            Self::Bearer | Self::Basic => Some(&header::AUTHORIZATION),
            Self::Cookie(_) => Some(&header::COOKIE),
            Self::Header { name, .. } => Some(name),
            Self::Query(_) | Self::Mtls => None,
        }
    }

    /// The parameter of the query that is the credential's own: no caller may set it.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Query(name) => Some(name),
            _ => None,
        }
    }

    /// What attaching `secret` adds to a request. For [`Attach::Basic`] it is `user:password`.
    pub(crate) fn credential(&self, secret: &str) -> Result<Credential, CannotAttach> {
        let mut credential = Credential::default();
        credential.keep_back(secret.as_bytes());
        let joined = |parts: [&str; 2]| {
            let mut whole = Zeroizing::new(String::with_capacity(parts[0].len() + parts[1].len()));
            parts.into_iter().for_each(|part| whole.push_str(part));
            whole
        };
        let attached = match self {
            Self::Mtls => Some(()),
            Self::Bearer => credential.header(header::AUTHORIZATION, joined(["Bearer ", secret])),
            Self::Basic => {
                let encoded = Zeroizing::new(STANDARD.encode(secret));
                credential.keep_back(encoded.as_bytes());
                credential.header(header::AUTHORIZATION, joined(["Basic ", &encoded]))
            }
            Self::Header { name, prefix } => {
                credential.header(name.clone(), joined([prefix, secret]))
            }
            Self::Query(name) => {
                credential.query(name, secret);
                Some(())
            }
            Self::Cookie(name) => {
                // RFC 6265, section 4.1.1: cookie-octet.
                let is_octet = |byte: u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
                if !secret.bytes().all(is_octet) {
                    return Err(CannotAttach("in a cookie"));
                }
                credential.header(header::COOKIE, joined([&format!("{name}="), secret]))
            }
        };
        attached
            .map(|()| credential)
            .ok_or(CannotAttach("in a header"))
    }
}

/// The members of the object.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Attach")]
struct Members {
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cookie: Option<String>,
}

const FORMS: &str = "`\"bearer\"`, `\"basic\"`, `\"mtls\"`, `{\"header\": NAME}` (and `prefix`), \
                     `{\"query\": NAME}` or `{\"cookie\": NAME}`";

impl TryFrom<Members> for Attach {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        match members {
            Members {
                header: Some(name),
                prefix,
                query: None,
                cookie: None,
            } => {
                let name = HeaderName::from_str(&name).map_err(|_| {
                    format!("`{}` is not the name of a header", name.escape_debug())
                })?;
                let prefix = prefix.unwrap_or_default();
                let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
                if prefix.len() > 128 || !prefix.bytes().all(is_plain) {
                    return Err("`prefix` may be at most 128 printable ASCII characters".to_owned());
                }
                Ok(Self::Header { name, prefix })
            }
            Members {
                header: None,
                prefix: None,
                query: Some(name),
                cookie: None,
            } => match name.len() {
                1..=256 if !name.contains(char::is_control) => Ok(Self::Query(name)),
                _ => Err("`query` must be the name of a parameter".to_owned()),
            },
            Members {
                header: None,
                prefix: None,
                query: None,
                cookie: Some(name),
            } => match HeaderName::from_str(&name) {
                // A cookie's name is a token, as a header's is, but keeps its case.
                Ok(_) => Ok(Self::Cookie(name)),
                Err(_) => Err("`cookie` must be the name of a cookie".to_owned()),
            },
            _ => Err(format!("use one of {FORMS}")),
        }
    }
}

impl Serialize for Attach {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Members::default();
        match self {
            Self::Bearer => return serializer.serialize_str("bearer"),
            Self::Basic => return serializer.serialize_str("basic"),
            Self::Mtls => return serializer.serialize_str("mtls"),
            Self::Header { name, prefix } => {
                members.header = Some(name.to_string());
                members.prefix = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
            }
            Self::Query(name) => members.query = Some(name.clone()),
            Self::Cookie(name) => members.cookie = Some(name.clone()),
        }
        members.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Attach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Attach;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORMS)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Attach, E> {
                match word {
                    "bearer" => Ok(Attach::Bearer),
                    "basic" => Ok(Attach::Basic),
                    "mtls" => Ok(Attach::Mtls),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Attach, A::Error> {
                let members = Members::deserialize(MapAccessDeserializer::new(map))?;
                members.try_into().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
