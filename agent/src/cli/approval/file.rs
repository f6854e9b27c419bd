//! A request that waits, or a signed decision, out of a file: for another machine.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use anyhow::{Context as _, bail};
use serde_json::Value;
use strongroom::{approval::Shown, audit::Entry};

use crate::decide::{NeedRow, PendingRow, Signed};

/// What is larger is neither.
const LARGEST: u64 = 1024 * 1024;

/// What was signed elsewhere.
pub fn signed(path: &Path) -> anyhow::Result<Signed> {
    serde_json::from_str(&read(path)?).with_context(|| {
        format!(
            "`{}` is not a signed decision, as `strongroom approve --from FILE --sign-with KEY` prints it",
            path.display()
        )
    })
}

/// The pending entry: out of a notification, whole or as a webhook wraps it, out of an answer, or as
/// `strongroom pending ID --json` prints it. Nothing proves that it is in the log: what is signed is
/// about exactly this line, so if it is another one it counts nowhere.
pub fn pending(path: &Path, thumbprint: Option<String>) -> anyhow::Result<PendingRow> {
    let value: Value = serde_json::from_str(&read(path)?)
        .with_context(|| format!("`{}` is not JSON", path.display()))?;
    // Standard Webhooks have the payload in `data`.
    let value = value.get("data").unwrap_or(&value);
    let Some((id, line)) = entry(value) else {
        bail!(
            "`{}` has no request that waits in it: it takes a notification of one, or what `strongroom pending ID --json` prints",
            path.display()
        );
    };
    let stated = value.get("agent").and_then(Value::as_str);
    let agent = match (thumbprint, stated) {
        (Some(thumbprint), Some(stated)) if thumbprint != stated => bail!(
            "`{}` is of another agent than this one, {thumbprint}",
            path.display()
        ),
        (Some(thumbprint), _) => thumbprint,
        (None, Some(stated)) => stated.to_owned(),
        (None, None) => bail!(
            "say which agent it is for: `--agent URL`, or `--thumbprint` with what `strongroom status` shows there"
        ),
    };
    let asked = Shown::of_line(id, line);
    let asked = asked.context("the entry is not that of a request that waits for an approval")?;
    let need = |need: &strongroom::policy::Approval| NeedRow {
        need: need.to_string(),
        approvers: need.approvers,
        yes: Vec::new(),
    };
    Ok(PendingRow {
        id: id.to_string(),
        agent,
        service: asked.ask.service.to_string(),
        operation: asked.ask.operation.to_string(),
        secret: asked.secret.to_string(),
        purpose: asked.ask.purpose.clone(),
        time: asked.time,
        expires: asked.expires,
        ended: None,
        needs: asked.needs.iter().map(need).collect(),
        said: Vec::new(),
        entry: asked.line,
    })
}

/// Its index and its line, as stored.
fn entry(value: &Value) -> Option<(u64, String)> {
    let index = value.get("index").and_then(Value::as_u64);
    let id = || value.get("id")?.as_str()?.parse().ok();
    let line = match value.get("entry")? {
        Value::String(line) => line.clone(),
        // Canonical again: there is one line for each entry.
        object => Entry::parse(&object.to_string()).ok()?.to_line(),
    };
    Some((index.or_else(id)?, line))
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let from: Box<dyn Read> = match path == Path::new("-") {
        true => Box::new(io::stdin()),
        false => {
            Box::new(File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?)
        }
    };
    from.take(LARGEST)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read `{}` as text", path.display()))?;
    Ok(text)
}
