//! Recorded → Outcome, where a provider has to be called: sends what the library prepared, keeps
//! what has to be kept, and records how it ended before anybody is answered.

use std::sync::Arc;

use jiff::Timestamp;
use strongroom::{
    audit::{Committed, NotRecorded, Submission},
    errand::{Errand, InTurn, Keeping, Progress, Turn},
};

use crate::host::Host;

/// Goes on in a task of its own until the end is on record.
pub async fn finish(host: &Arc<Host>, progress: Progress) -> Result<Committed, NotRecorded> {
    let task = run(Arc::clone(host), progress);
    let finished = host.errands().spawn(task).await;
    // A panic was logged; the use is on record, and its caller gets no answer that is not.
    finished.unwrap_or(Err(NotRecorded::Stopped))
}

async fn run(host: Arc<Host>, mut progress: Progress) -> Result<Committed, NotRecorded> {
    loop {
        progress = match progress {
            Progress::Wait(turn) => in_turn(&host, *turn).await,
            Progress::Errand(errand) => send(&host, *errand).await,
            Progress::Keep(keeping) => keep(&host, *keeping).await,
            Progress::Finished(finished) => {
                return host.record(Submission::Outcome(finished)).await;
            }
        };
    }
}

async fn send(host: &Host, errand: Errand) -> Progress {
    let (call, awaited) = errand.set_out();
    awaited.resume(host.outbound().send(host.vault(), *call).await)
}

/// One use of a secret at a time, until what its provider gave in exchange for it is durable: the
/// next one works with that.
async fn in_turn(host: &Host, turn: Turn) -> Progress {
    let _turn = host.turns().wait(turn.secret()).await;
    match host.vault().take_turn(turn, Timestamp::now()) {
        InTurn::Over(progress) => progress,
        InTurn::Errand(errand) => match send(host, *errand).await {
            Progress::Keep(keeping) => keep(host, *keeping).await,
            progress => progress,
        },
    }
}

/// Durable before the provider's answer is used for anything.
async fn keep(host: &Host, keeping: Keeping) -> Progress {
    let _one_at_a_time = host.changing.lock().await;
    let change = match host.vault().keep(&keeping, Timestamp::now()) {
        Ok(change) => change,
        Err(error) => return keeping.kept(Err(&error.to_string())),
    };
    match host.record(Submission::Change(change)).await {
        Ok(Committed::Changed(changed)) => match host.vault().apply(&changed) {
            Ok(()) => keeping.kept(Ok(&changed)),
            Err(error) => keeping.kept(Err(&error.to_string())),
        },
        Ok(_) => keeping.kept(Err("the audit log answered something else than a change")),
        Err(error) => keeping.kept(Err(&error.to_string())),
    }
}
