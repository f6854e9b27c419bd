//! The section `channel`: the one channel of the owner's that may take the secret's value for its
//! credential, and where it may take it.
//!
//! A channel is configured in `agent.toml`, which nobody signs. So whatever stands there, the value
//! goes only where the owner said it in the binding, which is signed.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{BadBinding, BadUrl, BaseUrl, certificates};
use crate::{name::Name, operation::Kind};

/// `{"name": "ops", "to": "https://hooks.example.com"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The channel's name in `agent.toml`.
    pub name: Name,
    /// Where it takes the credential.
    pub to: Destination,
    /// PEM certificates of the authorities to trust instead of the platform's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cacert: Option<String>,
}

/// Where a channel's credential goes: an origin (`https://hooks.example.com`), or a host and its port
/// where another protocol than HTTP is spoken (`mail.example.com:465`). In one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    scheme: Option<Scheme>,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scheme {
    Https,
    /// This machine only: nobody reads on the way.
    Http,
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDestination {
    /// The host or the port can't be read.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// There is no port to take for granted.
    #[error("write it as `https://host` or, for mail and syslog, as `host:port`")]
    Form,
    /// An origin has no path.
    #[error("a credential goes to an origin: leave out what follows the host and port")]
    Path,
    /// It would be sent unencrypted.
    #[error(
        "the credential would be sent unencrypted: use `https://` (`http://` is taken for 127.0.0.1 and [::1] only)"
    )]
    Unencrypted,
}

impl Channel {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        let wrong = |problem: &str| {
            Err(BadBinding::Value {
                section: "channel",
                field: "cacert",
                problem: problem.to_owned(),
            })
        };
        match &self.cacert {
            Some(_) if self.to.scheme == Some(Scheme::Http) => {
                wrong("without TLS there is no certificate to check; leave it out")
            }
            Some(pem) => certificates(pem).or_else(wrong),
            None => Ok(()),
        }
    }
}

impl Destination {
    /// The origin of a URL, whatever its path.
    pub fn of_url(url: &str) -> Result<Self, BadDestination> {
        // What follows the authority is not the origin's, and may be anything.
        let (scheme, rest) = url.split_once("://").ok_or(BadDestination::Form)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at(end);
        format!("{scheme}://{authority}").parse()
    }

    /// A host and its port, where another protocol than HTTP is spoken.
    pub fn of_host(host: &str, port: u16) -> Result<Self, BadDestination> {
        match host.contains(':') {
            true => format!("[{host}]:{port}").parse(),
            false => format!("{host}:{port}").parse(),
        }
    }

    /// A domain name, an IPv4 address, or an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, also where the origin leaves it out.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is this machine, by its address.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Destination {
    type Err = BadDestination;

    fn from_str(text: &str) -> Result<Self, BadDestination> {
        let is_origin = text.contains("://");
        let url: BaseUrl = match is_origin {
            true => text.parse()?,
            false => format!("https://{text}").parse()?,
        };
        if !url.path().is_empty() || text.ends_with('/') {
            return Err(BadDestination::Path);
        }
        // The reader above takes a port for granted where there is none.
        let names_port = text.rsplit_once(':').is_some_and(|(_, port)| {
            !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
        });
        let scheme = match (is_origin, url.is_tls()) {
            (false, _) if !names_port => return Err(BadDestination::Form),
            (false, _) => None,
            (true, true) => Some(Scheme::Https),
            (true, false) => Some(Scheme::Http),
        };
        let destination = Self {
            scheme,
            host: url.host().to_owned(),
            port: url.port(),
        };
        match scheme {
            Some(Scheme::Http) if !destination.is_loopback() => Err(BadDestination::Unencrypted),
            _ => Ok(destination),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = match self.scheme {
            Some(Scheme::Https) => {
                f.write_str("https://")?;
                Some(443)
            }
            Some(Scheme::Http) => {
                f.write_str("http://")?;
                Some(80)
            }
            None => None,
        };
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        match usual == Some(self.port) {
            true => Ok(()),
            false => write!(f, ":{}", self.port),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = BadDestination;

    fn try_from(text: String) -> Result<Self, BadDestination> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Destination;
    use crate::{binding::Binding, operation::Kind};

    #[test]
    fn a_destination_has_one_spelling() {
        for (text, spelling) in [
            ("https://hooks.example.com", "https://hooks.example.com"),
            ("HTTPS://Hooks.Example.com:443", "https://hooks.example.com"),
            ("https://hooks.example.com.", "https://hooks.example.com"),
            ("https://ntfy.example:8443", "https://ntfy.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]", "http://[::1]"),
            ("Mail.example.com:465", "mail.example.com:465"),
            ("[2001:DB8::1]:6514", "[2001:db8::1]:6514"),
            ("10.1.2.3:443", "10.1.2.3:443"),
        ] {
            let destination: Destination = text.parse().unwrap();
            assert_eq!(destination.to_string(), spelling);
            assert_eq!(spelling.parse::<Destination>().unwrap(), destination);
        }
        assert_ne!(
            "example.com:443".parse::<Destination>().unwrap(),
            "https://example.com".parse().unwrap(),
            "another protocol"
        );
    }

    #[test]
    fn the_origin_of_a_url_is_what_the_sender_dials() {
        for (url, origin) in [
            (
                "https://hooks.slack.com/services/T0/B0/x",
                "https://hooks.slack.com",
            ),
            (
                "https://a.example:8443/x?y=http://b.example#z",
                "https://a.example:8443",
            ),
            ("https://a.example?x", "https://a.example"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9"),
        ] {
            assert_eq!(Destination::of_url(url).unwrap().to_string(), origin);
        }
        for url in [
            "https://me:password@a.example/",
            "https://a.example\\@b.example/",
            "http://a.example/",
            "ftp://a.example/",
            "a.example/x",
            "https://0x7f.1/",
            "https://",
        ] {
            assert!(Destination::of_url(url).is_err(), "{url}");
        }
        let host = |host, port| Destination::of_host(host, port).map(|to| to.to_string());
        assert_eq!(host("mail.example", 25).unwrap(), "mail.example:25");
        assert_eq!(host("::1", 25).unwrap(), "[::1]:25");
        assert!(host("a.example/x", 25).is_err());
        assert!(host("a:b", 25).is_err());
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        for (channel, said) in [
            (json!({"name": "ops"}), "missing field `to`"),
            (json!({"to": "https://a.example"}), "missing field `name`"),
            (
                json!({"name": "ops", "to": "a.example"}),
                "write it as `https://host`",
            ),
            (json!({"name": "ops", "to": "a.example:0"}), "1 to 65535"),
            (
                json!({"name": "ops", "to": "https://a.example/x"}),
                "leave out what follows",
            ),
            (
                json!({"name": "ops", "to": "https://a.example/"}),
                "leave out what follows",
            ),
            (
                json!({"name": "ops", "to": "http://a.example"}),
                "sent unencrypted",
            ),
            (
                json!({"name": "ops", "to": "http://localhost"}),
                "sent unencrypted",
            ),
            (
                json!({"name": "ops", "to": "https://a.example", "path": "/"}),
                "unknown field",
            ),
            (
                json!({"name": "ops", "to": "https://a.example", "cacert": "none"}),
                "channel.cacert: there is no certificate",
            ),
            (
                json!({"name": "ops", "to": "http://[::1]:1", "cacert": "none"}),
                "channel.cacert: without TLS",
            ),
        ] {
            let text = json!({ "channel": channel }).to_string();
            let error = Binding::parse(Kind::Token, &text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn only_what_a_channel_can_send_is_bound_to_one() {
        let text = json!({"channel": {"name": "ops", "to": "https://a.example"}}).to_string();
        for kind in Kind::ALL {
            let fits = matches!(kind, Kind::Token | Kind::Basic | Kind::Mtls | Kind::Hmac);
            assert_eq!(Binding::parse(kind, &text).is_ok(), fits, "{kind}");
        }
    }
}
