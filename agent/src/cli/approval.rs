//! `strongroom pending`, `approve` and `deny`.
//!
//! **What was shown is what is decided.** A person sees the whole request, escaped, before a word is
//! said about it, and only `yes`, typed in full, is a yes.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use serde_json::json;
use strongroom::{
    approval::{Statement, Verdict},
    client::AgentKeys,
    notification::escaped,
};

use super::{
    door::Door,
    words::{Pending, Which, Word},
};
use crate::{
    administration::Command,
    caller::{self, Caller},
    decide::{OnRecord, PendingRow},
    show::{self, GOOD, MILD, STRONG, say},
};

mod file;
mod shown;
mod sign;

/// `strongroom pending`.
pub async fn pending(door: &Door, what: &Pending, json: bool) -> anyhow::Result<()> {
    let Some(id) = what.id else {
        let rows: Vec<PendingRow> = door.ask(|| Command::ListPending).await?;
        if json {
            return show::json(&rows);
        }
        if rows.is_empty() {
            show::remark("nothing waits for an approval");
            return Ok(());
        }
        return shown::table(&rows);
    };
    let row = row(door, id).await?;
    if let Some(say) = what.statement {
        let line = statement(&row, say.into(), what.minutes)?;
        // Nothing behind it: what is signed is exactly this.
        let mut out = io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.flush()?;
        return Ok(());
    }
    if json {
        return show::json(&row);
    }
    for line in shown::whole(&row, show::columns(io::stdout()))? {
        say!("{line}")?;
    }
    if row.ended.is_none() {
        say!()?;
        say!(
            "{STRONG}strongroom approve {id}{STRONG:#} or {STRONG}strongroom deny {id}{STRONG:#}"
        )?;
    }
    Ok(())
}

/// `strongroom approve` and `deny`, at this machine's vault.
pub async fn decide(
    door: &Door,
    word: Word,
    which: &Which,
    passphrase_file: Option<&Path>,
    as_json: bool,
) -> anyhow::Result<()> {
    if let Some(path) = &which.signed {
        let signed = file::signed(path)?;
        let id = Statement::parse(&signed.statement)?.id();
        let on_record: OnRecord = door.ask(|| Command::HandIn(signed.clone())).await?;
        return told(door, id, &on_record, as_json).await;
    }
    let id = which
        .id
        .context("say which request: `strongroom pending` lists them")?;
    let row = row(door, id).await?;
    if let Some(how) = row
        .ended
        .as_ref()
        .filter(|how| word.verdict == Verdict::Approve || *how != "used")
    {
        bail!("request {id} has ended: it was {how}");
    }
    let may_skip = passphrase_file.is_some() || which.sign_with.is_some();
    ask(&row, word, may_skip)?;
    let on_record: OnRecord = match &which.sign_with {
        Some(key) => {
            let signed = sign::sign(key, &statement(&row, word.verdict, word.minutes)?)?;
            door.ask(|| Command::HandIn(signed.clone())).await?
        }
        None => {
            door.ask(|| Command::Decide {
                id,
                verdict: word.verdict,
                minutes: word.minutes,
            })
            .await?
        }
    };
    told(door, id, &on_record, as_json).await
}

/// The same with no vault on this machine.
pub async fn elsewhere(word: Word, which: &Which, as_json: bool) -> anyhow::Result<()> {
    let agent = match &which.agent {
        Some(url) => {
            let caller = Caller::new(url, which.cacert.as_deref())?;
            let keys = caller::keys(&caller.introduction().await?)?;
            Some((caller, keys))
        }
        None => None,
    };
    let signed = match (&which.signed, &which.from, &which.sign_with) {
        (Some(path), _, _) => file::signed(path)?,
        (None, Some(path), Some(key)) => {
            let keys = agent.as_ref().map(|(_, keys)| keys);
            let row = file::pending(path, thumbprint(which, keys)?)?;
            // The key is the approver's own: whoever has it may say so.
            ask(&row, word, true)?;
            sign::sign(key, &statement(&row, word.verdict, word.minutes)?)?
        }
        _ => bail!("say what to sign, and with which key: `--from FILE --sign-with KEY`"),
    };
    let Some((caller, keys)) = agent else {
        show::json(&signed)?;
        show::remark("hand this in where the agent is: `strongroom approve --signed FILE`");
        return Ok(());
    };
    let on_record = caller.hand_in(&signed, &keys).await?;
    if as_json {
        return show::json(&on_record);
    }
    let (decision, id) = match Statement::parse(&signed.statement) {
        Ok(statement) => (statement.decision(), statement.id()),
        Err(error) => bail!(error),
    };
    anstream::eprintln!("{} request {id}; it is on record", done(decision));
    Ok(())
}

/// The agent's thumbprint, if it is said twice, the same both times.
fn thumbprint(which: &Which, keys: Option<&AgentKeys>) -> anyhow::Result<Option<String>> {
    let shown = keys.map(|keys| keys.answers.thumbprint().to_string());
    match (&which.thumbprint, shown) {
        (Some(expected), Some(shown)) if *expected != shown => {
            bail!("another agent answers there: its thumbprint is {shown}, not {expected}")
        }
        (expected, shown) => Ok(expected.clone().or(shown)),
    }
}

async fn row(door: &Door, id: u64) -> anyhow::Result<PendingRow> {
    door.ask(|| Command::ShowPending { id }).await
}

fn statement(row: &PendingRow, verdict: Verdict, minutes: Option<u32>) -> anyhow::Result<String> {
    let (id, agent) = (row.id.parse()?, row.agent.parse()?);
    let statement = Statement::new(agent, id, row.entry.clone(), verdict, minutes)?;
    Ok(statement.to_line())
}

/// Shows the request, and lets a person say no: to approve takes `yes`, typed in full.
fn ask(row: &PendingRow, word: Word, may_skip: bool) -> anyhow::Result<()> {
    // Said before it is shown what would be approved for how long.
    statement(row, word.verdict, word.minutes)?;
    for line in shown::whole(row, show::columns(io::stderr()))? {
        anstream::eprintln!("{line}");
    }
    anstream::eprintln!();
    if word.verdict == Verdict::Deny {
        return Ok(());
    }
    anstream::eprintln!("{}", shown::scope(row, word.minutes));
    if word.yes {
        if !may_skip {
            bail!(
                "`--yes` goes with `--passphrase-file` or `--sign-with`: who approves shows who they are"
            );
        }
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        bail!(
            "no terminal to ask at; in a script use `--yes` with `--passphrase-file FILE` or `--sign-with KEY`"
        );
    }
    anstream::eprint!("Type {STRONG}yes{STRONG:#} to approve: ");
    let mut line = String::new();
    io::stdin().lock().take(64).read_line(&mut line)?;
    match line.trim_end_matches(['\r', '\n']) {
        "yes" => Ok(()),
        _ => bail!("nothing was approved; request {} still waits", row.id),
    }
}

/// What came of it: also whether anybody else is needed.
async fn told(door: &Door, id: u64, on_record: &OnRecord, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return show::json(&json!(on_record));
    }
    let row = row(door, id).await?;
    let last = row.said.last().map(|said| said.decision);
    let did = done(last.unwrap_or(Verdict::Deny));
    let missing = shown::missing(&row);
    let then = match (last, missing.is_empty()) {
        (Some(Verdict::Approve), true) => format!(
            "that is enough: {} collects it until {}",
            escaped(&row.service),
            show::minute(row.expires)
        ),
        (Some(Verdict::Approve), false) => format!("it still needs {missing}"),
        _ => format!("{} gets nothing", escaped(&row.service)),
    };
    anstream::eprintln!("{did} request {id}; {MILD}{then}{MILD:#}");
    Ok(())
}

fn done(verdict: Verdict) -> String {
    match verdict {
        Verdict::Approve => format!("{GOOD}approved{GOOD:#}"),
        Verdict::Deny => format!("{STRONG}denied{STRONG:#}"),
    }
}
