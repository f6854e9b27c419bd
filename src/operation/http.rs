//! `http`: sends an HTTPS request with the credential attached, and gives back the answer.
//!
//! What policy sees is made of the very bytes that are sent: [`HttpInput`] holds the path in its
//! one spelling and the body as it is written, and both the policy's record and the request are
//! made of them.

use std::fmt;

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use serde_json::{Map, Value};

use super::{BadInput, Kind, OperationError, Setting, Unsuitable, input::Fields, token::oauth2};
use crate::{
    binding::{Binding, Http, Purpose},
    errand::Step,
    outgoing::{
        Credential, Draft, aws, headers,
        scrub::Scrubber,
        target::{Path, Query},
    },
    vault::material::{Basic, Material, Mtls},
};

mod answer;
mod body;

use self::body::Body;
pub use self::body::MAX_BODY;

/// The input of `http`.
pub struct HttpInput {
    method: Method,
    path: Path,
    query: Query,
    headers: HeaderMap,
    body: Body,
}

/// The methods that can be asked for. `CONNECT` would open a tunnel, and `TRACE` send the
/// credential back.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl HttpInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let method = fields
            .choice("method", &METHODS)?
            .ok_or_else(|| fields.missing(&["method"]))?;
        let path = fields
            .string("path")?
            .ok_or_else(|| fields.missing(&["path"]))?;
        let path = Path::parse(&path).map_err(|bad| BadInput::Form {
            field: "path",
            expected: bad.0,
        })?;
        let query = named_values("query", fields.value("query"))?;
        let mut headers = read_headers(fields.value("headers"))?;
        let body = Body::read(fields, &headers)?;
        if body.is_there() && matches!(method, "GET" | "HEAD") {
            return Err(BadInput::Form {
                field: "method",
                expected: "another one than `GET` or `HEAD`, which have no body",
            });
        }
        match (body.is_there(), headers.entry(CONTENT_TYPE)) {
            (true, http::header::Entry::Vacant(vacant)) => {
                vacant.insert(HeaderValue::from_static(body.content_type()));
            }
            (false, http::header::Entry::Occupied(_)) => {
                return Err(BadInput::Form {
                    field: "headers",
                    expected: "without `content-type`, since there is no body",
                });
            }
            _ => {}
        }
        Ok(Self {
            method: method.parse().map_err(|_| BadInput::Form {
                field: "method",
                expected: "the name of a method",
            })?,
            path,
            query,
            headers,
            body,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        self.seen("", None, &Value::Object(Map::new()))
    }

    pub(super) fn fields_for(&self, binding: Option<&Binding>) -> Map<String, Value> {
        let Some(http) = binding.and_then(|binding| binding.http.as_ref()) else {
            return self.fields();
        };
        let (url, body) = (&http.base_url.url, self.body.seen(&http.body_fields));
        // What is too much to be shown is refused by `suits`, and recorded as it was asked.
        let body = body.unwrap_or_default();
        self.seen(url.path(), Some(url.authority()), &Value::Object(body))
    }

    /// What policy sees.
    fn seen(&self, base: &str, host: Option<String>, body: &Value) -> Map<String, Value> {
        let query = self
            .query
            .pairs()
            .map(|(name, value)| (name.to_owned(), value.into()));
        let mut fields = Map::from_iter([
            ("method".to_owned(), self.method.as_str().into()),
            ("path".to_owned(), self.path.under(base).as_str().into()),
            ("query".to_owned(), Value::Object(query.collect())),
            ("headers".to_owned(), Value::Object(self.telling_headers())),
            ("body".to_owned(), body.clone()),
            ("size".to_owned(), self.body.bytes().len().into()),
        ]);
        if let Some(host) = host {
            fields.insert("host".to_owned(), host.into());
        }
        if let Some(content_type) = self.content_type() {
            fields.insert("content_type".to_owned(), content_type.into());
        }
        fields
    }

    pub(super) fn suits(&self, kind: Kind, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        let http = section(binding)?;
        let not_bound = |what: String| Err(Unsuitable::NotBound(what));
        for name in self.headers.keys() {
            if let Err(why) = http.allows_header(kind, name) {
                return not_bound(format!("set the header `{name}`: {why}"));
            }
        }
        let names = self.query.pairs().map(|(name, _)| name);
        if let Some(own) = http.own_parameter(kind, names) {
            return not_bound(format!("set `{own}` in the query: it is the credential's"));
        }
        if let Err(why) = self.body.seen(&http.body_fields) {
            return not_bound(why);
        }
        match kind {
            Kind::Aws => aws::suits(binding),
            Kind::Oauth2 => oauth2::suits(binding),
            _ => Ok(()),
        }
    }

    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Step, OperationError> {
        let kind = material.kind();
        let http = section(setting.binding())?;
        let draft = self.draft(http, material, setting)?;
        let Some(attach) = http.attach(kind) else {
            let credential = aws::credential(&draft, material, setting)?;
            return Ok(send(draft, credential));
        };
        if kind == Kind::Oauth2 {
            return Ok(oauth2::begin(draft, attach));
        }
        let credential = match kind {
            Kind::Mtls => Ok(Credential::default()),
            Kind::Basic => {
                let basic = Basic::of(material)?;
                attach.credential(basic.joined()).map(|mut credential| {
                    credential.keep_back(basic.password.as_bytes());
                    if !http.public_user {
                        credential.keep_back(basic.user.as_bytes());
                    }
                    credential
                })
            }
            _ => attach.credential(material.text()?),
        };
        let credential = credential.map_err(|error| {
            Unsuitable::NotBound(format!("attach the credential as it says: {error}"))
        })?;
        Ok(send(draft, credential))
    }

    /// The request, but for its credential.
    fn draft(
        &self,
        http: &Http,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Draft, OperationError> {
        let certificate = match material.kind() {
            Kind::Mtls => Some(Mtls::of(material)?.certificate()?),
            _ => None,
        };
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.extend(self.headers.clone());
        headers.extend(http.fixed_headers());
        // What is compressed can't be searched for the credential.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(Draft {
            version: setting.version,
            method: self.method.clone(),
            path: self.path.under(http.base_url.url.path()),
            query: self.query.clone(),
            headers,
            body: self.body.bytes().clone(),
            route: http
                .base_url
                .route(setting.route_key(Purpose::Http), certificate),
        })
    }

    /// The headers that may change what a request means: they are there because the binding allows
    /// them, and policy decides about them.
    fn telling_headers(&self) -> Map<String, Value> {
        self.headers
            .iter()
            .filter(|(name, _)| !headers::is_harmless(name))
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())))
            .collect()
    }

    fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }
}

/// Who asks, when neither the caller nor the binding says so: some providers demand it.
const AGENT: &str = concat!("strongroom/", env!("CARGO_PKG_VERSION"));

/// Attaches the credential, sends the request, and reports what came back, scrubbed.
pub(crate) fn send(draft: Draft, credential: Credential) -> Step {
    let scrubber = Scrubber::new(&credential.secrets);
    let version = draft.version;
    let call = Box::new(draft.attach(credential));
    Step::Call(
        call,
        Box::new(move |reply| answer::report(reply, &scrubber, version).map(Step::Report)),
    )
}

fn section(binding: Option<&Binding>) -> Result<&Http, Unsuitable> {
    let http = binding.and_then(|binding| binding.http.as_ref());
    http.ok_or_else(|| {
        Unsuitable::NotBound(
            "send requests: set its base URL with `strongroom secret bind`".to_owned(),
        )
    })
}

/// An object of strings.
fn named_values(field: &'static str, value: Option<Value>) -> Result<Query, BadInput> {
    let form = |expected| BadInput::Form { field, expected };
    let Some(value) = value else {
        return Ok(Query::default());
    };
    let Value::Object(members) = value else {
        return Err(form("an object of strings"));
    };
    let mut pairs = Vec::with_capacity(members.len());
    for (name, value) in members {
        let Value::String(value) = value else {
            return Err(form("an object of strings"));
        };
        if body::overrides_method(&name) {
            return Err(form(body::OVERRIDE));
        }
        pairs.push((name, value));
    }
    Query::new(pairs).map_err(|bad| form(bad.0))
}

fn read_headers(value: Option<Value>) -> Result<HeaderMap, BadInput> {
    let form = |expected| BadInput::Form {
        field: "headers",
        expected,
    };
    let mut map = HeaderMap::new();
    let members = match value {
        None => return Ok(map),
        Some(Value::Object(members)) if members.len() <= headers::MAX_HEADERS => members,
        Some(Value::Object(_)) => return Err(form("at most 64")),
        Some(_) => return Err(form("an object of strings")),
    };
    for (name, value) in members {
        let Value::String(value) = value else {
            return Err(form("an object of strings"));
        };
        let name: HeaderName = name
            .parse()
            .map_err(|_| form("named with letters, digits and `-`"))?;
        let value = headers::value(&value).ok_or_else(|| {
            form("each one line of printable ASCII, of at most 8192 bytes, with no space around it")
        })?;
        if headers::reserved(&name).is_some() {
            return Err(form(
                "without those that frame or route a message, say who asks, or override its method",
            ));
        }
        if map.insert(name, value).is_some() {
            return Err(form("each there once, in lower or upper case"));
        }
    }
    Ok(map)
}

impl fmt::Debug for HttpInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpInput({} {})", self.method, self.path)
    }
}

#[cfg(test)]
pub(crate) mod tests;
