//! `strongroom secret bind`: what a secret is for, as JSON or as flags, and how it is shown.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::{Attach, ChannelFlags, HttpFlags, service};
use crate::{
    listing::BoundRow,
    show::{MILD, STRONG, say},
};

/// What a binding says with these flags; `None` if there are none.
pub fn over(
    http: &HttpFlags,
    channel: &ChannelFlags,
    binding: Option<&Value>,
) -> anyhow::Result<Option<Value>> {
    let mut says = None;
    if http.is_any() {
        says = Some(http.over(binding)?);
    }
    if channel.channel.is_some() {
        says = Some(channel.over(says.as_ref().or(binding))?);
    }
    Ok(says)
}

impl ChannelFlags {
    /// What a binding says with these as its section `channel`; all else stays.
    fn over(&self, binding: Option<&Value>) -> anyhow::Result<Value> {
        let mut binding = object(binding);
        let mut channel = Map::new();
        channel.insert("name".to_owned(), json!(self.channel));
        channel.insert("to".to_owned(), json!(self.to));
        if let Some(path) = &self.channel_cacert {
            channel.insert("cacert".to_owned(), Value::String(certificates(path)?));
        }
        binding.insert("channel".to_owned(), Value::Object(channel));
        Ok(Value::Object(binding))
    }
}

impl HttpFlags {
    /// Whether any was given.
    pub fn is_any(&self) -> bool {
        let Self {
            base_url,
            attach,
            prefix,
            networks,
            allow_http,
            cacert,
            body_fields,
            timeout,
            max_reply,
        } = self;
        base_url.is_some()
            || attach.is_any()
            || prefix.is_some()
            || !networks.is_empty()
            || *allow_http
            || cacert.is_some()
            || !body_fields.is_empty()
            || timeout.is_some()
            || max_reply.is_some()
    }

    /// What a binding says with these in its section `http`: they take the place of what that said
    /// of the same things; all else stays.
    pub fn over(&self, binding: Option<&Value>) -> anyhow::Result<Value> {
        let mut binding = object(binding);
        let mut http = object(binding.get("http"));
        // A URL alone is short for an endpoint that has nothing but a URL.
        let mut endpoint = match http.get("base_url") {
            Some(Value::Object(endpoint)) => endpoint.clone(),
            Some(url) => Map::from_iter([("url".to_owned(), url.clone())]),
            None if self.base_url.is_some() => Map::new(),
            None => bail!("say where the secret is for: `--base-url https://api.example.com`"),
        };
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                endpoint.insert(name.to_owned(), value);
            }
        };
        set("url", self.base_url.as_ref().map(|url| json!(url)));
        set("allow_http", self.allow_http.then_some(Value::Bool(true)));
        let networks = &self.networks;
        set("networks", (!networks.is_empty()).then(|| json!(networks)));
        set("timeout_seconds", self.timeout.map(Value::from));
        set("max_reply", self.max_reply.map(Value::from));
        if let Some(path) = &self.cacert {
            set("cacert", Some(Value::String(certificates(path)?)));
        }
        http.insert("base_url".to_owned(), Value::Object(endpoint));
        if let Some(attach) = self.attach.to_json(self.prefix.as_deref()) {
            http.insert("attach".to_owned(), attach);
        }
        if !self.body_fields.is_empty() {
            http.insert("body_fields".to_owned(), json!(self.body_fields));
        }
        binding.insert("http".to_owned(), Value::Object(http));
        Ok(Value::Object(binding))
    }
}

impl Attach {
    fn is_any(&self) -> bool {
        self.to_json(None).is_some()
    }

    fn to_json(&self, prefix: Option<&str>) -> Option<Value> {
        let Self {
            bearer,
            basic,
            header,
            query,
            cookie,
            client_certificate,
        } = self;
        Some(match (header, query, cookie) {
            (Some(name), _, _) => match prefix {
                Some(prefix) => json!({"header": name, "prefix": prefix}),
                None => json!({"header": name}),
            },
            (_, Some(name), _) => json!({"query": name}),
            (_, _, Some(name)) => json!({"cookie": name}),
            _ if *bearer => json!("bearer"),
            _ if *basic => json!("basic"),
            _ if *client_certificate => json!("mtls"),
            _ => return None,
        })
    }
}

fn certificates(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path)
        .with_context(|| format!("cannot read the certificates `{}`", path.display()))
}

/// A whole binding from a file, or from standard input for `-`.
pub fn read(path: &Path) -> anyhow::Result<Value> {
    serde_json::from_str(&service::read(path)?).with_context(|| {
        format!(
            "`{}` is not JSON; a binding is an object such as {}",
            path.display(),
            json!({"http": {"base_url": "https://api.example.com", "attach": "bearer"}})
        )
    })
}

/// What a secret is for, for a person to read.
pub fn print(bound: &BoundRow) -> anyhow::Result<()> {
    say!(
        "binding {:<3} {}  {MILD}what it is for{MILD:#}",
        bound.number,
        bound.created
    )?;
    let text = serde_json::to_string_pretty(&shortened(&bound.binding))?;
    for line in text.lines() {
        say!("{line}")?;
    }
    Ok(())
}

/// The same in a few words, for a table.
pub fn in_short(bound: &BoundRow) -> String {
    let Some(sections) = bound.binding.as_object() else {
        return String::new();
    };
    let said = sections.iter().map(|(section, says)| {
        let endpoint = says.get("base_url");
        let url = endpoint.and_then(|endpoint| endpoint.get("url").unwrap_or(endpoint).as_str());
        match (section.as_str(), says.get("name").and_then(Value::as_str)) {
            ("channel", Some(name)) => format!("channel {name}"),
            _ => url.unwrap_or(section).to_owned(),
        }
    });
    said.collect::<Vec<_>>().join(", ")
}

/// After it was set.
pub fn told(name: &str, bound: &BoundRow) -> anyhow::Result<()> {
    say!("bound `{STRONG}{name}{STRONG:#}`")?;
    print(bound)
}

/// Certificates fill the screen and tell a person nothing.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("cacert", Value::String(pem)) => {
                        let count = pem.matches("-----BEGIN CERTIFICATE-----").count();
                        json!(format!("{count} in PEM; `--json` shows it all"))
                    }
                    (_, value) => shortened(value),
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

fn object(value: Option<&Value>) -> Map<String, Value> {
    value
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::super::{Cli, Command, Secret};

    fn over(arguments: &[&str], binding: Option<Value>) -> Result<Value, String> {
        let line = [&["strongroom", "secret", "bind", "a"], arguments].concat();
        let cli = Cli::try_parse_from(line).map_err(|error| error.to_string())?;
        let Command::Secret(command) = cli.command else {
            panic!("another command")
        };
        let Secret::Bind { http, channel, .. } = *command else {
            panic!("another command")
        };
        super::over(&http, &channel, binding.as_ref())
            .map(Option::unwrap_or_default)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn flags_change_what_they_name_and_nothing_else() {
        let new = over(&["--base-url", "https://a.example", "--bearer"], None).unwrap();
        assert_eq!(
            new,
            json!({"http": {"base_url": {"url": "https://a.example"}, "attach": "bearer"}})
        );
        let before = json!({
            "http": {"base_url": "https://a.example", "attach": "bearer"},
            "rotation": {"every_days": 30},
        });
        let network = [
            "--network",
            "10.0.0.0/8",
            "--header",
            "X-Key",
            "--prefix",
            "v1 ",
        ];
        assert_eq!(
            over(&network, Some(before)).unwrap(),
            json!({
                "http": {
                    "base_url": {"url": "https://a.example", "networks": ["10.0.0.0/8"]},
                    "attach": {"header": "X-Key", "prefix": "v1 "},
                },
                "rotation": {"every_days": 30},
            })
        );
    }

    #[test]
    fn a_channel_is_bound_beside_what_was_there() {
        let to = ["--channel", "ops", "--to", "https://a.example"];
        let channel = json!({"name": "ops", "to": "https://a.example"});
        assert_eq!(
            over(&to, Some(json!({"rotation": {"max_age": "P1D"}}))).unwrap(),
            json!({"rotation": {"max_age": "P1D"}, "channel": channel})
        );
        let both = [&to[..], &["--base-url", "https://b.example"]].concat();
        assert_eq!(
            over(&both, None).unwrap(),
            json!({"http": {"base_url": {"url": "https://b.example"}}, "channel": channel})
        );
        assert_eq!(over(&[], None).unwrap(), Value::Null);
        for wrong in [
            &["--channel", "ops"][..],
            &["--to", "https://a.example"],
            &["--channel-cacert", "ca.pem"],
            &[&to[..], &["--file", "-"]].concat(),
        ] {
            let told = over(wrong, None).unwrap_err();
            assert!(told.contains("Usage:"), "{wrong:?}: {told}");
        }
    }

    #[test]
    fn flags_that_can_not_be_meant_are_refused() {
        let no_url = over(&["--bearer"], None).unwrap_err();
        assert!(no_url.contains("--base-url"), "{no_url}");
        let url = ["--base-url", "https://a.example"];
        for wrong in [
            &["--bearer", "--query", "key"][..],
            &["--prefix", "Token "],
            &["--file", "-"],
        ] {
            let told = over(&[&url, wrong].concat(), None).unwrap_err();
            assert!(told.contains("Usage:"), "{wrong:?}: {told}");
        }
    }
}
