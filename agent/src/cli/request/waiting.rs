//! `strongroom request --wait`, `--result` and `--cancel`: a request that somebody has to approve.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use age::x25519;
use anyhow::{Context as _, bail};
use serde_json::json;
use strongroom::{
    client::{AgentKeys, Call, CheckedAnswer, Draft, Pending, SigningKey},
    operation::OperationName,
    request::prefer::MAX_WAIT,
};
use zeroize::Zeroizing;

use super::super::words::Later;
use super::Request;
use crate::{
    caller::Caller,
    show::{self, GOOD, MILD, say},
};

/// The pause after a call that came back at once though it was to be held.
const PAUSE: Duration = Duration::from_secs(1);

/// The agent that is asked, and the key that it is asked with.
pub struct Agent {
    pub caller: Caller,
    pub keys: AgentKeys,
    pub key: SigningKey,
}

/// What a sealed answer is opened with.
pub struct Identity {
    key: x25519::Identity,
    file: Option<PathBuf>,
}

impl Agent {
    /// Asks, and waits as long as was said.
    pub async fn ask(&self, draft: &Draft, later: &Later) -> anyhow::Result<CheckedAnswer> {
        let until = until(later);
        let signed = Caller::sign(draft, &self.key)?;
        let answer = self.caller.ask_and_wait(&signed, left(until), &self.keys);
        match answer.await.context("the answer is not believed")? {
            CheckedAnswer::Pending(pending) => self.wait(pending, until).await,
            answer => Ok(answer),
        }
    }

    /// Asks what became of an earlier request, or gives it up.
    pub async fn later(&self, later: &Later) -> anyhow::Result<CheckedAnswer> {
        let until = until(later);
        match (later.result, later.cancel) {
            (Some(id), _) => match self.collect(id, left(until)).await? {
                CheckedAnswer::Pending(pending) => self.wait(pending, until).await,
                answer => Ok(answer),
            },
            (None, Some(id)) => {
                let signed = Caller::sign_cancel(&self.call(id), &self.key)?;
                let answer = self.caller.ask(&signed, &self.keys);
                answer.await.context("the answer is not believed")
            }
            (None, None) => bail!("say what to ask for"),
        }
    }

    /// The agent holds a call for a bounded time, so a long wait is several calls.
    async fn wait(&self, mut pending: Pending, until: Instant) -> anyhow::Result<CheckedAnswer> {
        while left(until) > 0 {
            show::remark(format!("waiting: request {} needs an approval", pending.id));
            let asked = Instant::now();
            let answer = self.collect(pending.id, left(until)).await;
            match answer.with_context(|| format!("request {} may still wait", pending.id))? {
                CheckedAnswer::Pending(still) => pending = still,
                answer => return Ok(answer),
            }
            if asked.elapsed() < PAUSE {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(CheckedAnswer::Pending(pending))
    }

    async fn collect(&self, id: u64, wait: u64) -> anyhow::Result<CheckedAnswer> {
        let signed = Caller::sign_result(&self.call(id), &self.key)?;
        let answer = self.caller.ask_and_wait(&signed, wait, &self.keys);
        answer.await.context("the answer is not believed")
    }

    fn call(&self, id: u64) -> Call {
        Call {
            agent: self.keys.answers.thumbprint(),
            id,
        }
    }
}

impl Identity {
    /// That in the file, or a new one.
    pub fn of(ask: &Request) -> anyhow::Result<Self> {
        let Some(path) = &ask.approval.identity else {
            return Ok(Self {
                key: x25519::Identity::generate(),
                file: None,
            });
        };
        let text = fs::read_to_string(path).map(Zeroizing::new);
        let text = text.with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut lines = text.lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        let key = line.and_then(|line| line.parse().ok()).with_context(|| {
            format!(
                "`{}` is not an age identity; make one with `age-keygen --output FILE`",
                path.display()
            )
        })?;
        Ok(Self {
            key,
            file: Some(path.clone()),
        })
    }

    pub fn key(&self) -> &x25519::Identity {
        &self.key
    }

    pub fn recipient(&self) -> x25519::Recipient {
        self.key.to_public()
    }

    /// What to do when a sealed answer does not open.
    pub fn why_not(&self) -> String {
        match &self.file {
            Some(path) => format!("`{}` is not what the request named", path.display()),
            None => "it is sealed to what the request named; give that with `--identity FILE`"
                .to_owned(),
        }
    }
}

fn until(later: &Later) -> Instant {
    Instant::now() + Duration::from_secs(later.wait.unwrap_or(0).into())
}

/// The seconds that are left to wait, as many as the agent grants for one call; begun ones count.
fn left(until: Instant) -> u64 {
    let left = until.saturating_duration_since(Instant::now());
    left.min(MAX_WAIT)
        .as_millis()
        .div_ceil(1000)
        .try_into()
        .unwrap_or(0)
}

/// It waits: how to collect what becomes of it.
pub fn pending(ask: &Request, pending: &Pending, as_json: bool) -> anyhow::Result<()> {
    let Pending { id, expires, proof } = pending;
    let is_lost =
        ask.operation.is_some_and(OperationName::wants_sealed) && ask.approval.identity.is_none();
    if is_lost {
        show::remark(
            "its answer is sealed to a key that ends with this command: cancel it, and ask again with `--identity FILE` or a longer `--wait`",
        );
    }
    if as_json {
        return show::json(&json!({
            "pending": id.to_string(), "expires": expires,
            "entry": proof.line, "receipt": proof.receipt,
        }));
    }
    say!("{id}")?;
    let mut how = format!(
        "strongroom request --result {id} --key {} --agent {}",
        ask.key.display(),
        ask.agent
    );
    for (option, path) in [
        ("--cacert", &ask.cacert),
        ("--identity", &ask.approval.identity),
    ] {
        if let Some(path) = path {
            how.push_str(&format!(" {option} {}", path.display()));
        }
    }
    anstream::eprintln!(
        "{GOOD}pending{GOOD:#}: somebody has to approve it by {}; collect the answer with",
        show::minute(*expires)
    );
    anstream::eprintln!("    {how}");
    Ok(())
}

/// It is given up.
pub fn cancelled(later: &Later, as_json: bool) -> anyhow::Result<()> {
    let id = later.cancel.unwrap_or_default();
    if as_json {
        return show::json(&json!({ "cancelled": id.to_string() }));
    }
    anstream::eprintln!("request {id} is {MILD}cancelled{MILD:#}: nobody has to decide any more");
    Ok(())
}
