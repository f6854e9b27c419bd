//! Where a request goes: host, path and query in the spelling in which AWS reads them.

use serde_json::Value;

use crate::{
    binding::BaseUrl,
    operation::{BadInput, input::Fields},
    outgoing::target::{Query, encode},
};

/// The longest path and the longest URL, in bytes.
const MAX_LEN: usize = 16 * 1024;

/// A request's target.
pub(super) struct Target {
    /// Scheme, host and port.
    pub(super) origin: BaseUrl,
    /// Every byte but the unreserved characters and `/` is encoded.
    pub(super) path: String,
    pub(super) query: Query,
}

impl Target {
    /// From `url`, or from `host`, `path` and `query`.
    pub(super) fn read(fields: &mut Fields, is_s3: bool) -> Result<Self, BadInput> {
        let url = fields.string("url")?;
        let host = fields.string("host")?;
        let path = fields.string("path")?;
        let query = fields.value("query");
        match (url, host) {
            (Some(url), None) => match (path, query) {
                (None, None) => from_url(&url, is_s3),
                (Some(_), _) => Err(fields.both("url", "path")),
                (None, Some(_)) => Err(fields.both("url", "query")),
            },
            (None, Some(host)) => Ok(Self {
                origin: origin("https", &host).ok_or(form("host", "a host, or `host:port`"))?,
                path: canonical_path(path.as_deref().unwrap_or("/"), is_s3)
                    .map_err(|expected| form("path", expected))?,
                query: query_of(query)?,
            }),
            (Some(_), Some(_)) => Err(fields.both("url", "host")),
            (None, None) => Err(fields.missing(&["url", "host"])),
        }
    }
}

fn form(field: &'static str, expected: &'static str) -> BadInput {
    BadInput::Form { field, expected }
}

fn origin(scheme: &str, authority: &str) -> Option<BaseUrl> {
    match authority.contains('/') {
        true => None,
        false => format!("{scheme}://{authority}").parse().ok(),
    }
}

fn from_url(url: &str, is_s3: bool) -> Result<Target, BadInput> {
    const EXPECTED: &str =
        "`https://host/path?query`, percent-encoded, without a fragment and without a user";
    let wrong = |expected| form("url", expected);
    if url.len() > MAX_LEN || url.contains('#') {
        return Err(wrong(EXPECTED));
    }
    let (scheme, rest) = url.split_once("://").ok_or(wrong(EXPECTED))?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    Ok(Target {
        origin: origin(scheme, authority).ok_or(wrong(EXPECTED))?,
        path: canonical_path(path, is_s3).map_err(wrong)?,
        query: query_from(query)?,
    })
}

/// A percent-encoded path in the one spelling that has every byte encoded but the unreserved
/// characters. For S3 a path is the name of an object and stays as it is; others resolve dot
/// segments and drop empty segments before they look at it, so that is done here.
fn canonical_path(path: &str, is_s3: bool) -> Result<String, &'static str> {
    if path.len() > MAX_LEN {
        return Err("at most 16384 bytes");
    }
    let rest = path
        .strip_prefix('/')
        .ok_or("absolute: it begins with `/`")?;
    let mut kept: Vec<String> = Vec::new();
    let mut ends_in_slash = false;
    for segment in rest.split('/') {
        let segment = decoded(segment)?;
        ends_in_slash = false;
        match segment.as_str() {
            // Clients and proxies resolve them, and then it is not what was signed any more.
            "." | ".." if is_s3 => return Err("without dot segments (`.` and `..`)"),
            _ if is_s3 && segment.contains('/') => {
                return Err("without encoded slashes: S3 takes them for slashes");
            }
            "" | "." if !is_s3 => ends_in_slash = true,
            ".." if !is_s3 => {
                kept.pop();
                ends_in_slash = true;
            }
            _ => kept.push(segment),
        }
    }
    let mut canonical = String::with_capacity(path.len() + 16);
    for segment in &kept {
        canonical.push('/');
        encode(segment, &mut canonical);
    }
    if kept.is_empty() || ends_in_slash {
        canonical.push('/');
    }
    Ok(canonical)
}

/// A part of a URL as plain text.
fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                match (digit(), digit()) {
                    (Some(high), Some(low)) => (high << 4 | low) as u8,
                    _ => return Err("percent-encoded: two hexadecimal digits follow each `%`"),
                }
            }
            // RFC 3986, section 3.3 and 3.4; what delimits is gone by now.
            byte if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) => byte,
            _ => return Err("percent-encoded, with nothing in it that has no place in a URL"),
        });
    }
    let plain = String::from_utf8(plain).map_err(|_| "UTF-8, percent-encoded")?;
    match plain.contains(char::is_control) {
        true => Err("without control characters"),
        false => Ok(plain),
    }
}

/// The query of a URL.
fn query_from(text: &str) -> Result<Query, BadInput> {
    let wrong = |expected| form("url", expected);
    if text.contains('+') {
        return Err(wrong(
            "a URL whose query has no `+`: write a space as `%20`, a plus as `%2B`",
        ));
    }
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((
            decoded(name).map_err(wrong)?,
            decoded(value).map_err(wrong)?,
        ));
    }
    settled(pairs, "url")
}

/// The query as an object of strings.
fn query_of(value: Option<Value>) -> Result<Query, BadInput> {
    const EXPECTED: &str = "an object of strings";
    let members = match value {
        None => return Ok(Query::default()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(form("query", EXPECTED)),
    };
    let pairs = members.into_iter().map(|(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(form("query", EXPECTED)),
    });
    settled(pairs.collect::<Result<_, _>>()?, "query")
}

fn settled(pairs: Vec<(String, String)>, field: &'static str) -> Result<Query, BadInput> {
    let query = Query::new(pairs).map_err(|bad| match field {
        "url" => form(
            "url",
            "a URL whose query has up to 8192 bytes, and each name in it once",
        ),
        _ => form(field, bad.0),
    })?;
    if query.pairs().any(|(name, _)| {
        super::parts::is_own(name) || name.eq_ignore_ascii_case("x-amz-content-sha256")
    }) {
        return Err(form(
            field,
            "without what signing adds (`X-Amz-Date`, `X-Amz-Signature` and the like)",
        ));
    }
    Ok(query)
}
