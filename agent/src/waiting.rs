//! Requests that wait until somebody approves them, and the calls that wait with them.
//!
//! The key is used when the caller collects, in its held call or by a call for the result, and never
//! behind its back: who is gone uses nothing. Whatever may let a held call go on wakes it: a
//! decision, a change of the vault, its lock, the agent's stop.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue, request::Parts};
use jiff::Timestamp;
use strongroom::{
    answer::Answer,
    audit::Noted,
    name::Name,
    request::{
        Arrival,
        prefer::{self, PREFERENCE_APPLIED},
    },
};
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::{host::Host, outbound::Held, turns::Turns};

mod ask;
mod call;
mod collect;
mod expiry;
mod kept;

pub use ask::{ask, ended, standing};
pub use call::answer as call;
pub use expiry::run as expire;

use collect::collect;
use kept::Kept;

/// How many wakes a held call may be behind; past that it looks as if all were for it.
const BEHIND: usize = 64;

/// The calls that are held, and what they wait for.
pub struct Waiting {
    /// A request's id, or `None` for all of them.
    woken: broadcast::Sender<Option<u64>>,
    room: Semaphore,
    /// Cancelled when the agent stops.
    closing: CancellationToken,
    /// Told when another request waits.
    asked: Notify,
    kept: Kept,
    /// Who collects the result of which request.
    turns: Turns<u64>,
}

/// A request that waits.
pub struct Waits {
    pub id: u64,
    pub service: Name,
    pub expires: Timestamp,
    pub noted: Noted,
}

/// What a call is answered with, and for how long it was to be held.
pub struct Ended {
    pub answer: Answer,
    pub waited: Option<Duration>,
}

impl Ended {
    /// Nobody was waited for.
    pub fn at_once(answer: Answer) -> Self {
        Self {
            answer,
            waited: None,
        }
    }
}

impl Waiting {
    /// At most so many calls are held.
    pub fn new(calls: usize) -> Self {
        Self {
            woken: broadcast::Sender::new(BEHIND),
            room: Semaphore::new(calls.min(Semaphore::MAX_PERMITS)),
            closing: CancellationToken::new(),
            asked: Notify::new(),
            kept: Kept::default(),
            turns: Turns::default(),
        }
    }

    /// Has the calls looked again that are held for this request.
    pub fn wake(&self, id: u64) {
        let _ = self.woken.send(Some(id));
    }

    /// Has all held calls looked again.
    pub fn wake_all(&self) {
        let _ = self.woken.send(None);
    }

    /// What has to happen when the vault is locked or something is suspended: answers that were
    /// given are given to nobody again, and held calls look what is still possible.
    pub fn stop_all(&self) {
        self.kept.forget();
        self.wake_all();
    }

    /// Answers all held calls at once, that they still wait: the agent stops.
    pub fn close(&self) {
        self.closing.cancel();
    }
}

/// Answers a request that waits: at once, or when it is decided, if the caller waits for that.
pub async fn wait(
    host: &Arc<Host>,
    arrival: Arrival,
    parts: &Parts,
    waits: Waits,
    held: &Arc<Held>,
) -> Ended {
    // The request itself is stored; nothing of it is held any more.
    held.settle(0);
    let (id, service) = (waits.id, &waits.service);
    match prefer::wait(&parts.headers) {
        None => Ended::at_once(Answer::to_waiting(waits.expires, &waits.noted)),
        Some(wait) => match hold(host, arrival, id, service, wait, held).await {
            Some(ended) => ended,
            None => Ended::at_once(Answer::to_waiting(waits.expires, &waits.noted)),
        },
    }
}

/// Holds a call until there is an answer, and no longer than the caller wants. `None` if it is not
/// held: as many calls are held as may.
async fn hold(
    host: &Arc<Host>,
    arrival: Arrival,
    id: u64,
    service: &Name,
    wait: Duration,
    held: &Arc<Held>,
) -> Option<Ended> {
    let waiting = host.waiting();
    let _place = waiting.room.try_acquire().ok()?;
    let until = tokio::time::Instant::from_std(Instant::now() + wait);
    // Before the look, so that what is decided right after it is not missed.
    let mut woken = waiting.woken.subscribe();
    let answer = loop {
        match collect(host, arrival, id, service, held).await {
            Ok(Some(answer)) => break answer,
            Ok(None) => {}
            Err(stop) => break stop.refuse(host, arrival).await,
        }
        let is_over = tokio::select! {
            () = meant(&mut woken, id) => false,
            () = tokio::time::sleep_until(until) => true,
            () = waiting.closing.cancelled() => true,
        };
        if is_over {
            break match ask::still_waits(host, id, service) {
                Ok(waits) => Answer::to_waiting(waits.expires, &waits.noted),
                Err(stop) => stop.refuse(host, arrival).await,
            };
        }
    };
    Some(Ended {
        answer,
        waited: Some(wait),
    })
}

/// Until a wake is for this request, or might be.
async fn meant(woken: &mut broadcast::Receiver<Option<u64>>, id: u64) {
    while let Ok(Some(other)) = woken.recv().await {
        if other == id {
            return;
        }
    }
}

/// The field that says for how long a call was to be held (RFC 7240 section 3).
pub fn applied(wait: Duration) -> Option<(HeaderName, HeaderValue)> {
    let value = HeaderValue::try_from(format!("wait={}", wait.as_secs())).ok()?;
    Some((PREFERENCE_APPLIED, value))
}
