//! The section `http`: where the credential goes, how it is attached, and what of a request the
//! caller may choose.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

use super::{Attach, BadBinding, Endpoint};
use crate::{
    operation::Kind,
    outgoing::{
        aws,
        headers::{self, MAX_HEADERS, Reserved},
    },
};

/// `{"base_url": "https://api.heroku.com", "attach": "bearer"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where requests go.
    pub base_url: Endpoint,
    /// How the credential is attached; by the kind of the secret when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<Attach>,
    /// Headers that every request has: no caller sets these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Headers that callers may set beside the harmless ones ([`headers::is_harmless`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_headers: Vec<String>,
    /// RFC 6901 pointers into JSON bodies, and so `/name` into forms: policy sees what is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body_fields: Vec<String>,
    /// For kind `basic`: the user name is known to all, and stays in answers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public_user: bool,
}

impl Http {
    /// The most `body_fields`.
    pub const MAX_BODY_FIELDS: usize = 32;

    /// The longest of the `body_fields`, in bytes.
    pub const MAX_POINTER: usize = 256;

    pub(super) fn check(&self, kind: Kind) -> Result<(), BadBinding> {
        self.base_url.check("http")?;
        self.check_attach(kind)
            .map_err(|problem| wrong("attach", problem))?;
        self.check_headers(kind)?;
        if self.body_fields.len() > Self::MAX_BODY_FIELDS {
            let problem = format!("name at most {}", Self::MAX_BODY_FIELDS);
            return Err(wrong("body_fields", problem));
        }
        for (at, pointer) in self.body_fields.iter().enumerate() {
            let problem = if !is_pointer(pointer) || pointer.len() > Self::MAX_POINTER {
                "is not a JSON pointer; write it as `/app/name`"
            } else if self
                .body_fields
                .iter()
                .skip(at + 1)
                .any(|other| other == pointer)
            {
                "stands there twice"
            } else {
                continue;
            };
            let problem = format!("`{}` {problem}", pointer.escape_debug());
            return Err(wrong("body_fields", problem));
        }
        if self.public_user && kind != Kind::Basic {
            let problem = format!("a secret of kind `{kind}` has no user name; leave it out");
            return Err(wrong("public_user", problem));
        }
        Ok(())
    }

    /// How a credential of this kind is attached; `None` where requests are signed.
    pub fn attach(&self, kind: Kind) -> Option<Attach> {
        self.attach.clone().or_else(|| Attach::default_for(kind))
    }

    /// The headers that every request has.
    pub(crate) fn fixed_headers(&self) -> HeaderMap {
        let parsed = self.headers.iter().filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, headers::value(value)?))
        });
        parsed.collect()
    }

    /// Whether callers may set this header, and if not, why.
    pub(crate) fn allows_header(&self, kind: Kind, name: &HeaderName) -> Result<(), &'static str> {
        if self.is_credential(kind, name) {
            Err("it is the credential's")
        } else if headers::reserved(name).is_some() {
            Err("it is not a caller's to set")
        } else if is_among(self.headers.keys(), name) {
            Err("the binding sets it itself")
        } else if headers::is_harmless(name) || is_among(self.allow_headers.iter(), name) {
            Ok(())
        } else {
            Err("the owner can add it to `allow_headers`")
        }
    }

    /// The first name in a query that is the credential's own.
    pub(crate) fn own_parameter<'a>(
        &self,
        kind: Kind,
        mut names: impl Iterator<Item = &'a str>,
    ) -> Option<&'a str> {
        let attach = self.attach(kind);
        names.find(|name| match &attach {
            // Some servers take names in any case.
            Some(attach) => attach
                .query()
                .is_some_and(|own| name.eq_ignore_ascii_case(own)),
            None => aws::OWN.iter().any(|own| name.eq_ignore_ascii_case(own)),
        })
    }

    fn is_credential(&self, kind: Kind, name: &HeaderName) -> bool {
        match self.attach(kind) {
            Some(attach) => attach.header() == Some(name),
            None => aws::OWN.contains(&name.as_str()) || name == "x-amz-content-sha256",
        }
    }

    fn check_attach(&self, kind: Kind) -> Result<(), String> {
        if kind == Kind::Mtls && !self.base_url.url.is_tls() {
            return Err("a client certificate needs TLS: use `https://`".to_owned());
        }
        let Some(attach) = &self.attach else {
            return Ok(());
        };
        let fits = match kind {
            Kind::Basic => matches!(attach, Attach::Basic),
            Kind::Mtls => matches!(attach, Attach::Mtls),
            Kind::Token | Kind::Oauth2 => !matches!(attach, Attach::Basic | Attach::Mtls),
            _ => false,
        };
        if !fits {
            return Err(match kind {
                Kind::Basic => "a user name and password is attached as `basic`".to_owned(),
                Kind::Mtls => "a client certificate is attached as `mtls`".to_owned(),
                Kind::Token | Kind::Oauth2 => format!(
                    "a secret of kind `{kind}` is attached as `bearer`, `header`, `query` or `cookie`"
                ),
                _ => {
                    format!("requests are signed with a secret of kind `{kind}`; leave it out")
                }
            });
        }
        match attach.header().map(|name| (name, headers::reserved(name))) {
            Some((name, Some(Reserved::Framing | Reserved::Override))) => {
                Err(format!("`{name}` is no header for a credential"))
            }
            _ => Ok(()),
        }
    }

    fn check_headers(&self, kind: Kind) -> Result<(), BadBinding> {
        let readable = |name: &str| {
            name.parse::<HeaderName>()
                .map_err(|_| format!("`{}` is not the name of a header", name.escape_debug()))
        };
        let settable = |name: &HeaderName| match headers::reserved(name) {
            _ if self.is_credential(kind, name) => {
                Err(format!("`{name}` is the credential's; leave it out"))
            }
            Some(_) => Err(format!("`{name}` can't be set; leave it out")),
            None => Ok(()),
        };
        let mut known: Vec<HeaderName> = Vec::new();
        for (name, value) in &self.headers {
            let header = readable(name)
                .and_then(|name| settable(&name).map(|()| name))
                .map_err(|problem| wrong("headers", problem))?;
            if headers::value(value).is_none() {
                let problem = format!("the value of `{header}` is not one line of ASCII");
                return Err(wrong("headers", problem));
            }
            if known.contains(&header) {
                return Err(wrong("headers", format!("`{header}` stands there twice")));
            }
            known.push(header);
        }
        for name in &self.allow_headers {
            readable(name)
                .and_then(|name| settable(&name))
                .map_err(|problem| wrong("allow_headers", problem))?;
        }
        if self.headers.len().max(self.allow_headers.len()) > MAX_HEADERS {
            let problem = format!("name at most {MAX_HEADERS}");
            return Err(wrong("headers", problem));
        }
        Ok(())
    }
}

fn is_among<'a>(mut names: impl Iterator<Item = &'a String>, name: &HeaderName) -> bool {
    names.any(|known| known.eq_ignore_ascii_case(name.as_str()))
}

fn wrong(field: &'static str, problem: String) -> BadBinding {
    BadBinding::Value {
        section: "http",
        field,
        problem,
    }
}

/// RFC 6901, section 3; not the whole document.
fn is_pointer(text: &str) -> bool {
    let mut tildes = text.split('~');
    text.starts_with('/')
        && !text.contains(char::is_control)
        && tildes.next().is_some()
        && tildes.all(|after| after.starts_with(['0', '1']))
}
