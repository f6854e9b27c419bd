//! Recorded → Outcome, where a provider has to be called: sends what the library prepared, keeps
//! what has to be kept, and records how it ended before anybody is answered.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use strongroom::{
    audit::{Committed, NotRecorded, Submission},
    errand::{Errand, InTurn, Keeping, NoReply, Progress, Route, Turn},
    name::Name,
    vault::NotUsed,
};

use crate::{host::Host, outbound::Held, pipeline::apart, serve::body, under_way::OneUse};

/// Goes on in a task of its own until the end is on record. What the request and the provider's
/// answer take stays `held` for as long.
pub async fn finish(
    host: &Arc<Host>,
    progress: Progress,
    held: &Arc<Held>,
) -> Result<Committed, NotRecorded> {
    let (service, secret) = (progress.service().clone(), progress.secret().clone());
    let trip = Trip {
        under_way: host.under_way().begin(service.clone(), secret.clone()),
        host: Arc::clone(host),
        begun: Instant::now(),
        held: Arc::clone(held),
        service,
        secret,
    };
    // Asked once it is among those under way: what is stopped from here on cuts it off.
    if trip.stopped().is_some() {
        trip.under_way.cut().cancel();
    }
    let finished = host.errands().spawn(trip.run(progress)).await;
    // A panic was logged; the use is on record, and its caller gets no answer that is not.
    finished.unwrap_or(Err(NotRecorded::Stopped))
}

/// One use on its way.
struct Trip {
    host: Arc<Host>,
    begun: Instant,
    held: Arc<Held>,
    service: Name,
    secret: Name,
    under_way: OneUse,
}

impl Trip {
    async fn run(self, mut progress: Progress) -> Result<Committed, NotRecorded> {
        loop {
            progress = match progress {
                Progress::Wait(turn) => self.in_turn(*turn).await,
                Progress::Errand(errand) => self.send(*errand).await,
                Progress::Keep(keeping) => keep(&self.host, *keeping).await,
                Progress::Finished(finished) => {
                    return self.host.record(Submission::Outcome(finished)).await;
                }
            };
        }
    }

    async fn send(&self, errand: Errand) -> Progress {
        let (call, awaited) = errand.set_out();
        let outbound = self.host.outbound();
        let reply = tokio::select! {
            biased;
            () = self.under_way.cut().cancelled() => return awaited.cut_off(self.cause()),
            reply = outbound.send(self.host.vault(), *call, self.left(), &self.held) => reply,
        };
        let is_large = reply
            .as_ref()
            .is_ok_and(|reply| reply.body.len() > body::SMALL);
        apart(is_large, || awaited.resume(reply))
    }

    /// One use of a secret at a time, until what its provider gave in exchange for it is durable:
    /// the next one works with that.
    async fn in_turn(&self, turn: Turn) -> Progress {
        let wait = self.host.turns().wait(turn.secret());
        let come = tokio::select! {
            biased;
            () = self.under_way.cut().cancelled() => return turn.cut_off(self.cause()),
            come = tokio::time::timeout(self.left(), wait) => come,
        };
        let Ok(_turn) = come else {
            return turn.give_up(NoReply::TimedOut(Route::LONGEST));
        };
        match self.host.vault().take_turn(turn, Timestamp::now()) {
            InTurn::Over(progress) => progress,
            InTurn::Errand(errand) => match self.send(*errand).await {
                Progress::Keep(keeping) => keep(&self.host, *keeping).await,
                progress => progress,
            },
        }
    }

    fn stopped(&self) -> Option<NotUsed> {
        let catalog = self.host.vault().catalog();
        catalog.stopped(&self.service, &self.secret)
    }

    /// Why it was cut off; what was resumed at once was suspended all the same.
    fn cause(&self) -> NotUsed {
        self.stopped()
            .unwrap_or_else(|| NotUsed::SecretSuspended(self.secret.clone()))
    }

    /// All calls of one use have one time together.
    fn left(&self) -> Duration {
        Route::LONGEST.saturating_sub(self.begun.elapsed())
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
