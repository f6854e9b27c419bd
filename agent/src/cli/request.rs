//! `strongroom request …`: the service's side. Signs one request, sends it, checks the answer.

use std::{fs, io::Read as _};

use ::http::StatusCode;
use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use strongroom::{
    answer::Problem,
    audit::Event,
    client::{CheckedAnswer, Draft, Proof, Refusal, SigningKey},
    notification::escaped,
    operation::OperationName,
};
use zeroize::Zeroizing;

use super::{Request, prompt};
use crate::{
    caller::{self, Caller},
    exit::Exit,
    show::{self, GOOD, MILD, say},
};

mod http;
mod waiting;

use waiting::{Agent, Identity};

/// The largest input, in bytes of JSON: what an agent takes.
const LARGEST: u64 = strongroom::request::MAX_LARGE_BODY as u64;

pub async fn request(ask: Request, as_json: bool) -> anyhow::Result<()> {
    let key = Zeroizing::new(
        fs::read(&ask.key)
            .with_context(|| format!("cannot read the service's key `{}`", ask.key.display()))?,
    );
    let key = SigningKey::parse(&key)
        .with_context(|| format!("`{}` cannot sign requests", ask.key.display()))?;
    let caller = Caller::new(&ask.agent, ask.cacert.as_deref())?;
    let introduction = caller.introduction().await?;
    match &ask.thumbprint {
        Some(expected) if *expected != introduction.thumbprint => bail!(
            "another agent answers there: its thumbprint is {}, not {expected}",
            escaped(&introduction.thumbprint)
        ),
        Some(_) => {}
        None => show::remark(format!(
            "agent {} (pin it with `--thumbprint {0}`)",
            escaped(&introduction.thumbprint)
        )),
    }
    let keys = caller::keys(&introduction)?;
    let identity = Identity::of(&ask)?;
    let agent = Agent { caller, keys, key };
    let answer = match (&ask.operation, &ask.secret) {
        (Some(operation), Some(secret)) => {
            let draft = Draft {
                agent: agent.keys.answers.thumbprint(),
                secret: secret.clone(),
                operation: *operation,
                input: input(&ask, *operation)?,
                purpose: ask.purpose.clone(),
                ticket: ask.ticket.clone(),
                reply_to: Some(identity.recipient()),
            };
            agent.ask(&draft, &ask.approval).await?
        }
        _ => agent.later(&ask.approval).await?,
    };
    let (result, proof) = match answer {
        CheckedAnswer::Result { result, proof } => (Zeroizing::new(result.to_string()), proof),
        CheckedAnswer::Sealed { sealed, proof } => {
            let opened = sealed
                .open(identity.key())
                .with_context(|| identity.why_not())?;
            let text = std::str::from_utf8(&opened).context("the sealed answer is not JSON")?;
            (Zeroizing::new(text.to_owned()), proof)
        }
        CheckedAnswer::Pending(pending) => return waiting::pending(&ask, &pending, as_json),
        CheckedAnswer::Cancelled => return waiting::cancelled(&ask.approval, as_json),
        CheckedAnswer::Refused(refusal) => return Err(refused(&refusal, as_json)?),
    };
    print(&ask, &result, &proof, as_json)
}

/// The operation's input, from `--input`, `--message` or `--message-file`, or the words of `http`.
fn input(ask: &Request, operation: OperationName) -> anyhow::Result<Value> {
    if ask.http.is_any() {
        if operation != OperationName::Http {
            bail!("`--method`, `--path`, `--query`, `--header` and `--body` are for `http`");
        }
        return ask.http.input();
    }
    let message = match (&ask.message, &ask.message_file) {
        (Some(text), _) => Some(text.as_bytes().to_vec()),
        (None, Some(path)) => Some(prompt::value(Some(path), "Message")?.to_vec()),
        (None, None) => None,
    };
    if let Some(message) = message {
        let field = if operation == OperationName::Encrypt {
            "plaintext"
        } else {
            "message"
        };
        let message = STANDARD.encode(message);
        return Ok(match &ask.namespace {
            Some(namespace) => json!({ field: message, "namespace": namespace }),
            None => json!({ field: message }),
        });
    }
    let text = match ask.input.as_deref() {
        None => return Ok(json!({})),
        Some("-") => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .take(LARGEST)
                .read_to_string(&mut text)?;
            text
        }
        Some(text) => match text.strip_prefix('@') {
            Some(path) => {
                let file = fs::File::open(path).with_context(|| format!("cannot open `{path}`"))?;
                let mut text = String::new();
                file.take(LARGEST).read_to_string(&mut text)?;
                text
            }
            None => text.to_owned(),
        },
    };
    serde_json::from_str(&text).context("the operation's input is not JSON")
}

fn print(ask: &Request, result: &str, proof: &Proof, as_json: bool) -> anyhow::Result<()> {
    let value: Value = serde_json::from_str(result)?;
    let Event::Use { ask: asked, .. } = &proof.entry.event else {
        bail!("the answer is not that to a use");
    };
    let operation = asked.operation;
    let is_http = operation == OperationName::Http;
    if let Some(path) = ask.out.as_ref().filter(|_| is_http) {
        fs::write(path, http::body_of(&value)?)
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    } else if let Some(path) = &ask.out {
        // The one field that is bytes, as bytes; a public key is text already, or a JWK.
        let fields = [
            "signature",
            "mac",
            "plaintext",
            "value",
            "public_key",
            "certificate",
            "code",
        ];
        let field = fields
            .into_iter()
            .find_map(|name| Some((name, value.get(name)?)));
        let bytes = match field {
            Some(("public_key", Value::String(text))) => text.as_bytes().to_vec(),
            Some(("public_key", jwk)) => jwk.to_string().into_bytes(),
            // Text that other programs take as it is.
            Some(("signature", Value::String(armored))) if operation == OperationName::SshSign => {
                armored.as_bytes().to_vec()
            }
            Some(("certificate" | "code", Value::String(line))) => format!("{line}\n").into_bytes(),
            Some((_, bytes)) => STANDARD
                .decode(bytes.as_str().unwrap_or_default())
                .context("the result is not base64")?,
            None => bail!("`{operation}` gives no single value that `--out` could write"),
        };
        fs::write(path, Zeroizing::new(bytes))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    if as_json {
        return show::json(
            &json!({ "result": value, "index": proof.index, "entry": proof.line, "receipt": proof.receipt }),
        );
    }
    if is_http {
        http::print(&value, ask.out.is_none())?;
    } else if ask.out.is_none() {
        say!("{}", serde_json::to_string_pretty(&value)?)?;
    }
    let held = format!(
        "{GOOD}checked{GOOD:#}: signed by the agent for this request; entry {} of its audit log",
        proof.index
    );
    anstream::eprintln!("{held}");
    anstream::eprintln!("{MILD}{}{MILD:#}", escaped(&proof.line));
    Ok(())
}

/// A refusal as an error with the exit code that scripts look at.
fn refused(refusal: &Refusal, as_json: bool) -> anyhow::Result<anyhow::Error> {
    if as_json {
        show::json(&json!({
            "status": refusal.status.as_u16(), "type": refusal.problem,
            "title": refusal.title, "detail": refusal.detail, "retry_after": refusal.retry_after,
        }))?;
    }
    let mut message = format!(
        "refused ({}): {}",
        refusal.status.as_u16(),
        escaped(&refusal.title)
    );
    if let Some(detail) = refusal
        .detail
        .as_deref()
        .filter(|detail| !refusal.title.contains(detail))
    {
        message = format!("{message}: {}", escaped(detail));
    }
    if let Some(seconds) = refusal.retry_after {
        message = format!("{message}; possible again in {seconds} s");
    }
    Ok(match refusal.status {
        StatusCode::LOCKED => Exit::Locked.with(message),
        status if status == Problem::Denied.status() => Exit::Refused.with(message),
        _ => anyhow::anyhow!(message),
    })
}
