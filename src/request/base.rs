//! The mechanics of RFC 9421: a message's components, and the signature base over them.
//!
//! Nothing here knows the profile: what must be covered, by whom and for how long is decided in
//! [`super::signature`] for requests and in [`crate::answer`] and [`crate::client`] for answers.
//!
//! Supported are `@method`, `@path`, `@query`, `@authority`, `@status` and header fields, each
//! with the parameters `req` and, for fields, `key`. A component that would need a guess
//! (`@target-uri` behind a relay, `sf` on a field of unknown type, trailers) is refused.

use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use sfv::{
    BareItem, Dictionary, FieldType as _, InnerList, Item, ListEntry, ListSerializer, Parser,
};

/// A message as far as signatures see it.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    method: Option<&'a Method>,
    target: Option<&'a str>,
    status: Option<StatusCode>,
    headers: &'a HeaderMap,
    request: Option<&'a Message<'a>>,
}

/// One covered component.
struct Component<'a> {
    name: &'a str,
    /// Of a dictionary field, this member only.
    key: Option<&'a str>,
    /// Taken from the request that a response answers.
    req: bool,
}

/// Why a signature base can't be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// The list of components is not of the form that RFC 9421 gives it.
    #[error("the list of covered components is not valid: {0}")]
    Malformed(&'static str),
    /// More components than anybody needs.
    #[error("more than {MAX_COMPONENTS} components are covered")]
    TooMany,
    /// A component twice.
    #[error("`{0}` is covered twice")]
    Twice(String),
    /// Not in the message.
    #[error("`{0}` is covered but not in the message")]
    Missing(String),
    /// Not supported, with what to cover in its place if there is such a thing.
    #[error(
        "`{0}` can't be covered here; cover `@method`, `@path`, `@query`, `@authority` or plain header fields"
    )]
    Unsupported(String),
    /// A value that has no canonical form.
    #[error(
        "the value of `{0}` can't be signed: it must be plain ASCII, and a dictionary where `key` is used"
    )]
    Value(String),
    /// A field that should be a dictionary of RFC 9651.
    #[error("the field `{0}` is not a dictionary of structured fields (RFC 9651)")]
    NotADictionary(String),
}

/// The most components in one signature.
pub const MAX_COMPONENTS: usize = 32;

impl<'a> Message<'a> {
    /// A request. `target` is its origin form: the path, with the query if there is one.
    pub fn request(method: &'a Method, target: &'a str, headers: &'a HeaderMap) -> Self {
        Self {
            method: Some(method),
            target: Some(target),
            status: None,
            headers,
            request: None,
        }
    }

    /// A response.
    pub fn response(status: StatusCode, headers: &'a HeaderMap) -> Self {
        Self {
            method: None,
            target: None,
            status: Some(status),
            headers,
            request: None,
        }
    }

    /// A message of which only some fields are known.
    pub fn fields(headers: &'a HeaderMap) -> Self {
        Self {
            method: None,
            target: None,
            status: None,
            headers,
            request: None,
        }
    }

    /// With the request that it answers, for components marked `req`.
    pub fn in_reply_to(self, request: &'a Message<'a>) -> Self {
        Self {
            request: Some(request),
            ..self
        }
    }

    /// The value of a component, if the message has it.
    fn value(&self, component: &Component<'_>, shown: &str) -> Result<String, BadBase> {
        if component.req {
            let plain = Component {
                req: false,
                ..*component
            };
            let request = self
                .request
                .ok_or_else(|| BadBase::Missing(shown.to_owned()))?;
            return request.value(&plain, shown);
        }
        let value = if component.name.starts_with('@') {
            self.derived(component, shown)?
        } else {
            self.field(component, shown)?
        };
        value.ok_or_else(|| BadBase::Missing(shown.to_owned()))
    }

    /// RFC 9421 section 2.2.
    fn derived(&self, component: &Component<'_>, shown: &str) -> Result<Option<String>, BadBase> {
        if component.key.is_some() {
            return Err(BadBase::Unsupported(shown.to_owned()));
        }
        let value = match component.name {
            "@method" => self.method.map(|method| method.as_str().to_owned()),
            "@status" => self.status.map(|status| status.as_str().to_owned()),
            "@path" => self.target.map(|target| match target.split_once('?') {
                Some((path, _)) => path.to_owned(),
                None => target.to_owned(),
            }),
            // Section 2.2.7: an absent query is `?` too.
            "@query" => self.target.map(|target| match target.split_once('?') {
                Some((_, query)) => format!("?{query}"),
                None => "?".to_owned(),
            }),
            "@authority" => match (self.method, self.headers.get(header::HOST)) {
                (Some(_), Some(host)) => host.to_str().ok().map(authority),
                _ => None,
            },
            _ => return Err(BadBase::Unsupported(shown.to_owned())),
        };
        match value {
            Some(value) if !is_plain(&value) => Err(BadBase::Value(shown.to_owned())),
            value => Ok(value),
        }
    }

    /// RFC 9421 section 2.1, and 2.1.2 for members of dictionaries.
    fn field(&self, component: &Component<'_>, shown: &str) -> Result<Option<String>, BadBase> {
        let unsignable = || BadBase::Value(shown.to_owned());
        let Some(key) = component.key else {
            return combined(self.headers, component.name).map_err(|()| unsignable());
        };
        let members = dictionary(self.headers, component.name)?;
        Ok(members.and_then(|members| member(members.get(key)?)))
    }
}

/// The component value of a dictionary's member: without its key, serialised anew.
fn member(entry: &ListEntry) -> Option<String> {
    match entry {
        ListEntry::Item(item) => Some(item.serialize()),
        // A list of one inner list is serialised as that inner list.
        ListEntry::InnerList(_) => vec![entry.clone()].serialize(),
    }
}

/// All lines of a field as one, section 2.1; `None` if there is no such field.
fn combined(headers: &HeaderMap, name: &str) -> Result<Option<String>, ()> {
    let mut value: Option<String> = None;
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| ())?.trim_matches([' ', '\t']);
        match &mut value {
            None => value = Some(line.to_owned()),
            Some(value) => {
                value.push_str(", ");
                value.push_str(line);
            }
        }
    }
    Ok(value)
}

/// A field as a dictionary of structured fields; `None` if there is no such field.
pub(crate) fn dictionary(headers: &HeaderMap, name: &str) -> Result<Option<Dictionary>, BadBase> {
    let broken = || BadBase::NotADictionary(name.to_owned());
    let Some(value) = combined(headers, name).map_err(|()| broken())? else {
        return Ok(None);
    };
    Parser::new(&value).parse().map(Some).map_err(|_| broken())
}

/// Section 2.2.3: lower case, without the default port.
fn authority(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    match host.strip_suffix(":443") {
        Some(host) => host.to_owned(),
        None => host,
    }
}

/// Section 2.5 wants ASCII without newlines.
fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\t')
}

impl<'a> Component<'a> {
    fn parse(item: &'a Item, shown: &str) -> Result<Self, BadBase> {
        let unsupported = || BadBase::Unsupported(shown.to_owned());
        let name = match &item.bare_item {
            BareItem::String(name) => name.as_str(),
            _ => return Err(BadBase::Malformed("a component's name is a string")),
        };
        let mut component = Self {
            name,
            key: None,
            req: false,
        };
        for (parameter, value) in &item.params {
            match (parameter.as_str(), value) {
                ("req", BareItem::Boolean(true)) => component.req = true,
                ("key", BareItem::String(key)) => component.key = Some(key.as_str()),
                _ => return Err(unsupported()),
            }
        }
        let is_field = || {
            // Field names in components are lower case, and `from_lowercase` wants that too.
            HeaderName::from_lowercase(name.as_bytes()).is_ok()
        };
        if name == "@signature-params" {
            return Err(BadBase::Malformed("`@signature-params` is always covered"));
        }
        if !name.starts_with('@') && !is_field() {
            return Err(unsupported());
        }
        Ok(component)
    }
}

/// The signature base of RFC 9421 section 2.5 for the components and parameters in `input`, in
/// the order in which they stand there.
pub fn signature_base(input: &InnerList, message: &Message<'_>) -> Result<String, BadBase> {
    if input.items.len() > MAX_COMPONENTS {
        return Err(BadBase::TooMany);
    }
    let mut base = String::with_capacity(1024);
    let mut seen: Vec<(&str, Option<&str>, bool)> = Vec::with_capacity(input.items.len());
    for item in &input.items {
        let identifier = item.serialize();
        // In messages the quotes around a plain name would only be in the way.
        let shown = identifier.trim_matches('"');
        let component = Component::parse(item, shown)?;
        // The order of parameters does not make a component another one (section 2).
        let identity = (component.name, component.key, component.req);
        if seen.contains(&identity) {
            return Err(BadBase::Twice(shown.to_owned()));
        }
        seen.push(identity);
        let value = message.value(&component, shown)?;
        base.push_str(&identifier);
        base.push_str(": ");
        base.push_str(&value);
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    append(input, &mut base);
    Ok(base)
}

/// An inner list as it stands in `Signature-Input` after its label: with its parameters in the
/// order in which they were received.
pub(crate) fn serialise(input: &InnerList) -> String {
    let mut text = String::with_capacity(512);
    append(input, &mut text);
    text
}

fn append(input: &InnerList, text: &mut String) {
    // A list of one inner list is serialised as that inner list.
    let mut list = ListSerializer::with_buffer(text);
    let mut inner = list.inner_list();
    for item in &input.items {
        inner.bare_item(&item.bare_item).parameters(&item.params);
    }
    inner.finish().parameters(&input.params);
}

#[cfg(test)]
mod tests;
