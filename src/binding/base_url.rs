//! A base URL: scheme, host, port and the path that every request stays under.
//!
//! It is read strictly, because the agent and the operating system's resolver must agree on what a
//! host is: `127.1`, `0x7f.0.0.1` and `2130706433` are addresses to some resolvers, and names that
//! no check knows to others.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::outgoing::target::{Path, authority};

/// `https://host[:port][/path]`, normalised: lower-case host, no default port, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl {
    tls: bool,
    host: String,
    port: u16,
    /// Empty, or begins with a slash and does not end with one.
    path: String,
}

/// Why a text is no base URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not a base URL: {problem}")]
pub struct BadUrl {
    url: String,
    problem: String,
}

impl BaseUrl {
    /// The longest URL in bytes.
    pub const MAX_LEN: usize = 2048;

    /// Whether it is `https`.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// A domain name, an IPv4 address, or an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where the URL leaves it out.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What every path is under: empty, or begins with a slash and does not end with one.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `host[:port]` as in URLs, without the scheme's own port.
    pub fn authority(&self) -> String {
        authority(self.tls, &self.host, self.port)
    }
}

impl FromStr for BaseUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        read(text).map_err(|problem| BadUrl {
            url: text
                .chars()
                .take(128)
                .flat_map(char::escape_debug)
                .collect(),
            problem,
        })
    }
}

fn read(text: &str) -> Result<BaseUrl, String> {
    if text.len() > BaseUrl::MAX_LEN {
        return Err(format!("it has more than {} bytes", BaseUrl::MAX_LEN));
    }
    if text.contains(['?', '#']) {
        return Err("it has a query or a fragment; leave it out".to_owned());
    }
    let (scheme, rest) = text
        .split_once("://")
        .ok_or("write it as `https://host/path`")?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => true,
        "http" => false,
        _ => return Err("it must begin with `https://`".to_owned()),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    if authority.contains('@') {
        return Err(
            "it has a user name or password in it; that is what the secret is for".to_owned(),
        );
    }
    let (host, port) = split_port(authority)?;
    let port = match port {
        None => match tls {
            true => 443,
            false => 80,
        },
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or("its port must be 1 to 65535")?,
        Some(_) => return Err("its port must be 1 to 65535".to_owned()),
    };
    let path = path.trim_end_matches('/');
    let path = match path {
        "" => String::new(),
        path => Path::parse(path)
            .map_err(|bad| bad.to_string())?
            .to_string(),
    };
    Ok(BaseUrl {
        tls,
        host: host_name(host)?,
        port,
        path,
    })
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), String> {
    if authority.starts_with('[') && !authority.contains(']') {
        return Err("what is in brackets is not an IPv6 address".to_owned());
    }
    let after_brackets = authority.find(']').map_or(0, |at| at + 1);
    let (brackets, rest) = authority.split_at(after_brackets);
    match rest.split_once(':') {
        None => Ok((authority, None)),
        Some(("", port)) if !brackets.is_empty() => Ok((brackets, Some(port))),
        Some((name, port)) if brackets.is_empty() => Ok((name, Some(port))),
        Some(_) => Err("its host is neither a name nor an address".to_owned()),
    }
}

fn host_name(host: &str) -> Result<String, String> {
    if let Some(inside) = host.strip_prefix('[') {
        let address: Option<Ipv6Addr> = inside
            .strip_suffix(']')
            .and_then(|address| address.parse().ok());
        return address
            .map(|address| address.to_string())
            .ok_or_else(|| "what is in brackets is not an IPv6 address".to_owned());
    }
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.is_empty() || name.len() > 253 || !name.split('.').all(is_label) {
        return Err(
            "its host is not a domain name or an address; write international names in their \
             `xn--` form"
                .to_owned(),
        );
    }
    // As the WHATWG URL standard says of hosts that end in a number: an address or nothing.
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || (last.starts_with("0x") && last.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit()));
    if is_number {
        let address: Ipv4Addr = name.parse().map_err(
            |_| "its host looks like an address; write all four numbers of it in decimal",
        )?;
        return Ok(address.to_string());
    }
    Ok(name.to_owned())
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path)
    }
}

impl TryFrom<String> for BaseUrl {
    type Error = BadUrl;

    fn try_from(text: String) -> Result<Self, BadUrl> {
        text.parse()
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.to_string()
    }
}
