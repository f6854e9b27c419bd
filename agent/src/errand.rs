//! Recorded → Outcome, where a provider has to be called: sends what the library prepared, keeps
//! what has to be kept, and records how it ended before anybody is answered.

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use strongroom::{
    audit::{Committed, NotRecorded, Submission},
    errand::{Keeping, Progress, Route},
};

use crate::{host::Host, outbound::Held};

/// Goes on in a task of its own until the end is on record. What the request and the provider's
/// answer take stays `held` for as long.
pub async fn finish(
    host: &Arc<Host>,
    progress: Progress,
    held: &Arc<Held>,
) -> Result<Committed, NotRecorded> {
    let task = run(Arc::clone(host), progress, Arc::clone(held));
    let finished = host.errands().spawn(task).await;
    // A panic was logged; the use is on record, and its caller gets no answer that is not.
    finished.unwrap_or(Err(NotRecorded::Stopped))
}

async fn run(
    host: Arc<Host>,
    mut progress: Progress,
    held: Arc<Held>,
) -> Result<Committed, NotRecorded> {
    let begun = Instant::now();
    let _under_way = host.under_way().begin();
    loop {
        progress = match progress {
            Progress::Errand(errand) => {
                let (call, awaited) = errand.set_out();
                let left = Route::LONGEST.saturating_sub(begun.elapsed());
                let sent = host.outbound().send(host.vault(), *call, left, &held);
                awaited.resume(sent.await)
            }
            Progress::Keep(keeping) => keep(&host, *keeping).await,
            Progress::Finished(finished) => {
                return host.record(Submission::Outcome(finished)).await;
            }
        };
    }
}

/// Durable before the provider's answer is used for anything.
async fn keep(host: &Host, keeping: Keeping) -> Progress {
    let _one_at_a_time = host.changing.lock().await;
    let change = match host.vault().keep(&keeping, Timestamp::now()) {
        Ok(change) => change,
        Err(error) => return keeping.kept(Err(&error.to_string())),
    };
    let _alone = host.alone().await;
    match host.record(Submission::Change(change)).await {
        Ok(Committed::Changed(changed)) => match host.vault().apply(&changed) {
            Ok(()) => keeping.kept(Ok(&changed)),
            Err(error) => keeping.kept(Err(&error.to_string())),
        },
        Ok(_) => keeping.kept(Err("the audit log answered something else than a change")),
        Err(error) => keeping.kept(Err(&error.to_string())),
    }
}
