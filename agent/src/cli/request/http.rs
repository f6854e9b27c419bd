//! `strongroom request http`: the request in words, and the provider's answer for a person to read.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use strongroom::notification::escaped;

use super::super::HttpAsk;
use crate::show::{BAD, GOOD, MILD};

/// The most bytes of a body.
const LARGEST: u64 = 10 * 1024 * 1024;

impl HttpAsk {
    /// Whether any was given.
    pub fn is_any(&self) -> bool {
        let Self {
            method,
            path,
            query,
            headers,
            body,
        } = self;
        method.is_some()
            || path.is_some()
            || !query.is_empty()
            || !headers.is_empty()
            || body.is_some()
    }

    /// The operation's input.
    pub fn input(&self) -> anyhow::Result<Value> {
        let mut input = Map::new();
        let usual = if self.body.is_some() { "POST" } else { "GET" };
        let method = self.method.as_deref().unwrap_or(usual);
        input.insert("method".to_owned(), json!(method));
        let Some(path) = &self.path else {
            bail!("say what to ask for: `--path /apps`");
        };
        input.insert("path".to_owned(), json!(path));
        let pairs = |field: &str, texts: &[String], between, example| {
            let mut pairs = Map::new();
            for text in texts {
                let Some((name, value)) = text.split_once(between) else {
                    bail!("`{text}` is not `{example}`");
                };
                let twice = pairs.insert(name.to_owned(), json!(value.trim_start()));
                if twice.is_some() {
                    bail!("`{name}` is there twice in `--{field}`");
                }
            }
            Ok(pairs)
        };
        let query = pairs("query", &self.query, '=', "name=value")?;
        if !query.is_empty() {
            input.insert("query".to_owned(), Value::Object(query));
        }
        let headers = pairs("header", &self.headers, ':', "name: value")?;
        if !headers.is_empty() {
            input.insert("headers".to_owned(), Value::Object(headers));
        }
        if let Some(text) = &self.body {
            let (field, body) = body(text)?;
            input.insert(field.to_owned(), body);
        }
        Ok(Value::Object(input))
    }
}

/// JSON; or a file's JSON, or its bytes if it is something else.
fn body(text: &str) -> anyhow::Result<(&'static str, Value)> {
    let Some(path) = text.strip_prefix('@') else {
        let json = serde_json::from_str(text).context(
            "the body is not JSON; put anything else into a file, and name it as `@FILE`",
        )?;
        return Ok(("body", json));
    };
    let file = File::open(path).with_context(|| format!("cannot open `{path}`"))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        bail!("`{path}` is larger than 10 MiB");
    }
    Ok(match serde_json::from_slice(&bytes) {
        Ok(json) => ("body", json),
        Err(_) => ("body_base64", json!(STANDARD.encode(&bytes))),
    })
}

/// The body of an answer, as it came.
pub fn body_of(result: &Value) -> anyhow::Result<Vec<u8>> {
    Ok(match (result.get("body"), result.get("body_base64")) {
        (Some(Value::String(text)), _) => text.as_bytes().to_vec(),
        (Some(json), _) => json.to_string().into_bytes(),
        (_, Some(base64)) => STANDARD
            .decode(base64.as_str().unwrap_or_default())
            .context("the body is not base64")?,
        _ => Vec::new(),
    })
}

/// The status and what matters of the headers beside the output, the body as the output.
pub fn print(result: &Value, with_body: bool) -> anyhow::Result<()> {
    let status = result.get("status").and_then(Value::as_u64);
    let status = status.unwrap_or_default();
    let colour = if status < 400 { GOOD } else { BAD };
    let mut line = format!("{colour}{status}{colour:#}");
    for name in ["content-type", "location", "retry-after"] {
        let value = result.pointer(&format!("/headers/{name}/0"));
        if let Some(value) = value.and_then(Value::as_str) {
            line.push_str(&format!("  {MILD}{name}: {}{MILD:#}", escaped(value)));
        }
    }
    anstream::eprintln!("{line}");
    if with_body {
        let text = match result.get("body") {
            // What a provider says must not drive the terminal; in a pipe it is left as it is.
            Some(Value::String(text)) if io::IsTerminal::is_terminal(&io::stdout()) => {
                text.lines().map(escaped).collect::<Vec<_>>().join("\n")
            }
            Some(Value::String(text)) => text.clone(),
            Some(json) => serde_json::to_string_pretty(json)?,
            None => String::from_utf8_lossy(&body_of(result)?).into_owned(),
        };
        if !text.is_empty() {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                out.write_all(b"\n")?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::{Value, json};

    use super::super::super::{Cli, Command};

    fn input(arguments: &[&str]) -> Result<Value, String> {
        let line = [
            "strongroom",
            "request",
            "http",
            "a",
            "--key",
            "k",
            "--agent",
            "x",
        ];
        let cli = Cli::try_parse_from([&line, arguments].concat()).map_err(|e| e.to_string())?;
        let Command::Request(ask) = cli.command else {
            panic!("another command")
        };
        ask.http.input().map_err(|error| error.to_string())
    }

    #[test]
    fn words_become_a_request() {
        assert_eq!(
            input(&["--path", "/apps"]).unwrap(),
            json!({"method": "GET", "path": "/apps"})
        );
        let all = [
            ["--path", "/apps/web/releases"],
            ["--query", "page=2"],
            ["--query", "q=a=b"],
            ["--header", "Accept: text/plain"],
            ["--body", r#"{"slug": "x"}"#],
        ];
        assert_eq!(
            input(&all.concat()).unwrap(),
            json!({
                "method": "POST", "path": "/apps/web/releases", "query": {"page": "2", "q": "a=b"},
                "headers": {"Accept": "text/plain"}, "body": {"slug": "x"},
            })
        );
    }

    #[test]
    fn what_is_not_meant_is_refused() {
        for (arguments, says) in [
            (&["--method", "GET"][..], "--path"),
            (&["--path", "/", "--query", "page"], "name=value"),
            (
                &["--path", "/", "--query", "a=1", "--query", "a=2"],
                "twice",
            ),
            (&["--path", "/", "--header", "Accept"], "name: value"),
            (&["--path", "/", "--body", "{"], "@FILE"),
            (&["--path", "/", "--body", "@/not/there"], "cannot open"),
            (&["--path", "/", "--input", "{}"], "cannot be used with"),
        ] {
            let told = input(arguments).unwrap_err();
            assert!(told.contains(says), "{arguments:?}: {told}");
        }
    }
}
