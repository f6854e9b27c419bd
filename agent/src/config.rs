//! `agent.toml`: every setting, its default, and a clear error for one that is not known.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use strongroom::request::{MAX_BODY, MAX_LARGE_BODY};

use crate::notify::Channel;

/// What `init` writes: each setting with its default and what it does.
pub const COMMENTED: &str = include_str!("agent.toml");

/// The settings of one agent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub listen: Listen,
    pub limits: Limits,
    pub approvals: Approvals,
    pub log: Log,
    pub notify: Vec<Channel>,
}

/// The TLS way in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Where to listen; `None` (written `""`) opens no port.
    #[serde(deserialize_with = "address_or_empty")]
    pub tls: Option<SocketAddr>,
    /// PEM certificate chain; without it the agent's own self-signed certificate is used.
    pub certificate: Option<PathBuf>,
    /// PEM private key of `certificate`.
    pub key: Option<PathBuf>,
    /// PEM certificates of the authorities whose client certificates are demanded.
    pub client_ca: Option<PathBuf>,
}

/// What one caller may cost before it has proved who it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one request body, for every operation but `http`.
    pub body: usize,
    /// Bytes of one request body for `http`.
    pub large_body: usize,
    /// Bytes of one request's headers.
    pub headers: usize,
    /// Bytes of large request bodies and of providers' answers held at the same time.
    pub held: usize,
    /// Connections open at the same time, over TLS.
    pub connections: usize,
    /// Seconds for the TLS handshake and for the headers of a request to arrive.
    pub first_byte_seconds: u64,
    /// Seconds for a whole request to arrive and be answered, a provider's own time apart; and
    /// for a large answer to be taken.
    pub request_seconds: u64,
    /// Seconds that requests in flight get to finish when the agent stops.
    pub stop_seconds: u64,
    /// Calls that are held until somebody decided, at the same time.
    pub waiting: usize,
}

/// Requests that wait until somebody approves them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Approvals {
    /// Seconds after which a request is denied on which nobody decided, and in which an approved one
    /// has to be collected.
    pub expire_seconds: u32,
}

/// The agent's own log (not the audit log), on standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: LogLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            tls: Some(SocketAddr::from(([127, 0, 0, 1], 7443))),
            certificate: None,
            key: None,
            client_ca: None,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: MAX_BODY,
            large_body: MAX_LARGE_BODY,
            headers: 16 * 1024,
            held: 256 * 1024 * 1024,
            connections: 1024,
            first_byte_seconds: 10,
            request_seconds: 30,
            stop_seconds: 30,
            waiting: 256,
        }
    }
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            expire_seconds: 60 * 60,
        }
    }
}

impl Approvals {
    /// How long a request waits.
    pub fn expire(&self) -> Duration {
        Duration::from_secs(self.expire_seconds.into())
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: LogLevel::Info,
        }
    }
}

impl Limits {
    pub fn first_byte(&self) -> Duration {
        Duration::from_secs(self.first_byte_seconds)
    }

    pub fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub fn stop(&self) -> Duration {
        Duration::from_secs(self.stop_seconds)
    }
}

impl Config {
    /// Reads the settings; a file that is not there means the defaults.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        Self::parse(&text).with_context(|| format!("`{}` has a mistake", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if self.listen.certificate.is_some() != self.listen.key.is_some() {
            bail!("`listen.certificate` and `listen.key` go together: set both or neither");
        }
        let limits = &self.limits;
        // A limit that is absurd is a mistake of the file, better said now than met under load.
        for (setting, value, least, most) in [
            ("limits.body", limits.body, 4096, MAX_BODY),
            (
                "limits.large_body",
                limits.large_body,
                limits.body,
                MAX_LARGE_BODY,
            ),
            ("limits.headers", limits.headers, 8192, 1024 * 1024),
            ("limits.held", limits.held, 16 * 1024 * 1024, usize::MAX),
            ("limits.connections", limits.connections, 1, 1_000_000),
            ("limits.waiting", limits.waiting, 0, 1_000_000),
        ] {
            if !(least..=most).contains(&value) {
                bail!("`{setting}` is {value}; it must be from {least} to {most}");
            }
        }
        for (setting, seconds) in [
            ("limits.first_byte_seconds", limits.first_byte_seconds),
            ("limits.request_seconds", limits.request_seconds),
            ("limits.stop_seconds", limits.stop_seconds),
        ] {
            if !(1..=3600).contains(&seconds) {
                bail!("`{setting}` is {seconds}; it must be from 1 to 3600 seconds");
            }
        }
        let seconds = self.approvals.expire_seconds;
        if !(5..=24 * 60 * 60).contains(&seconds) {
            bail!("`approvals.expire_seconds` is {seconds}; it must be from 5 to 86400 seconds");
        }
        for (at, channel) in self.notify.iter().enumerate() {
            let name = channel.name();
            if self
                .notify
                .iter()
                .take(at)
                .any(|earlier| earlier.name() == name)
            {
                bail!("two `[[notify]]` channels are named `{name}`; each needs a name of its own");
            }
            channel.check()?;
        }
        Ok(())
    }
}

fn address_or_empty<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        serde::de::Error::custom(format!(
            "`{text}` is not an address and port such as `127.0.0.1:7443`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_says_the_defaults() {
        let live = Config::parse(COMMENTED).unwrap();
        assert_eq!(format!("{live:?}"), format!("{:?}", Config::default()));
        // Uncommenting every setting must leave a file that is understood: comments don't rot.
        let uncommented: String = COMMENTED
            .lines()
            .map(|line| format!("{}\n", line.strip_prefix("#: ").unwrap_or(line)))
            .collect();
        let all = Config::parse(&uncommented).unwrap();
        assert_eq!(all.notify.len(), 8);
    }

    #[test]
    fn an_unknown_setting_is_named_with_its_line() {
        let error = format!("{:#}", Config::parse("[limits]\nbodyy = 3\n").unwrap_err());
        assert!(
            error.contains("bodyy")
                && error.contains("line 2")
                && error.contains("expected one of"),
            "{error}"
        );
    }

    #[test]
    fn absurd_values_are_refused() {
        for text in [
            "[listen]\ntls = 'nowhere'",
            "[listen]\ncertificate = 'a.pem'",
            "[limits]\nbody = 1",
            "[limits]\nlarge_body = 15000000",
            "[limits]\nbody = 8192\nlarge_body = 8191",
            "[limits]\nrequest_seconds = 0",
            "[approvals]\nexpire_seconds = 4",
            "[approvals]\nexpire_seconds = 86401",
            "[approvals]\nexpire_minutes = 60",
            "[[notify]]\nname = 'a'\nkind = 'command'\nprogram = []",
            "[[notify]]\nname = 'a'\nkind = 'webhook'\nurl = 'http://example.com'\nsecrets = ['x']",
            "[[notify]]\nname = 'a'\nkind = 'pigeon'",
            "[[notify]]\nname = 'a'\nkind = 'command'\nprogram = ['x']\n[notify.tell]\ndigest = 1441",
            "[[notify]]\nname = 'a'\nkind = 'command'\nprogram = ['x']\n[notify.tell]\nquiet_hours = '22:00-07:00'\ntime_zone = 'Moon/Crater'",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }
}
