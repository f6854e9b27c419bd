//! A channel on its way through the audit log.
//!
//! What is told, and when, is the library's [`Plan`]; here it is read, delivered and kept where it
//! is. A channel that is ill costs next to nothing: while something waits to be delivered nothing
//! is read, and nobody wakes up when the log grows.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use jiff::Timestamp;
use strongroom::{
    notification::{Notification, Plan},
    store::Reader as _,
};
use tokio::{sync::watch, task::spawn_blocking, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    channel::Channel,
    credential,
    health::{Condition, State},
    history::History,
    position::Position,
    post,
    retry::Retry,
    route::Route,
};
use crate::host::Host;

/// Entries read at once.
const PAGE: u32 = 256;
/// The shortest time between two reads of less than a page: under load, entries come a few at a
/// time with each commit, and whoever looks a little less often reads many of them together.
const GLANCE: Duration = Duration::from_millis(20);
/// How long a channel may go on after the agent was told to stop.
const FAREWELL: Duration = Duration::from_secs(5);
/// The longest and the shortest sleep until a time of day: clocks are set, and machines sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const SHORTEST_SLEEP: Duration = Duration::from_millis(50);
/// The longest pause of a channel that waits for the vault to be unlocked. It is told when that
/// happens; this is for what nobody thought of.
const LOCKED: Duration = Duration::from_secs(60);

/// A channel on its way through the audit log.
pub struct Follower {
    host: Arc<Host>,
    channel: Channel,
    /// What is to be told, once it is known from the log; on another thread while that reads.
    plan: Option<Plan>,
    /// The way to the receiver, if it is open.
    route: Option<Route>,
    retry: Retry,
    position: Position,
    last_read: Option<Instant>,
    /// Cancelled when this is over: whoever reads back for it stops.
    gone: CancellationToken,
}

impl Follower {
    /// Finds the channel's position; a channel that is new begins with what comes next. Nothing
    /// else happens here: a receiver that hangs, or a long way back through the log, must not hold
    /// up the agent's start.
    pub async fn open(host: &Arc<Host>, channel: &Channel) -> anyhow::Result<Self> {
        let name = channel.name();
        let position = Position::find(host, name).await?;
        host.channels().note(name, |condition| {
            condition.state = State::Well;
            condition.delivered = position.progress().told;
        });
        Ok(Self {
            host: Arc::clone(host),
            channel: channel.clone(),
            plan: None,
            route: None,
            retry: Retry::new(host.origin(), name.as_str()),
            position,
            last_read: None,
            gone: CancellationToken::new(),
        })
    }

    /// Delivers what there is until told to stop, retrying with growing pauses. Told to stop, it
    /// tells of the stop too, as far as that takes no longer than [`FAREWELL`]: a delivery that
    /// is cut off in the middle would be repeated.
    pub async fn run(mut self, stop: CancellationToken) {
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(FAREWELL).await;
        };
        tokio::select! {
            () = self.follow(&stop) => {}
            () = overdue => {}
        }
        self.gone.cancel();
        self.position.settle().await;
    }

    /// Delivers what is due now, as far as that takes no longer than this.
    pub async fn catch_up_once(mut self, patience: Duration) -> anyhow::Result<()> {
        let size = self.host.writer().size();
        let done = tokio::time::timeout(patience, self.catch_up(&size)).await;
        self.gone.cancel();
        self.position.settle().await;
        done.context("it takes too long")?
    }

    async fn follow(&mut self, stop: &CancellationToken) {
        let host = Arc::clone(&self.host);
        let mut size = host.writer().size();
        loop {
            // Asked for before the try: what happens during it counts.
            let hope = host.channels().hope();
            tokio::pin!(hope);
            hope.as_mut().enable();
            let stopping = stop.is_cancelled();
            match self.catch_up(&size).await {
                Ok(()) if stopping => return self.close(&size).await,
                Ok(()) => {
                    self.note(|condition| condition.state = State::Well);
                    tokio::select! {
                        () = stop.cancelled() => {}
                        grown = grown(&mut size, self.wanted()) => if !grown { return },
                        () = self.time_of_day() => {}
                        () = self.position.time_to_settle() => self.position.settle().await,
                    }
                }
                Err(error) => {
                    let pause = self.failed(&error);
                    if stopping {
                        return;
                    }
                    self.position.settle().await;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = hope => {}
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// Tells what a digest holds before its time: nobody would while the agent does not run.
    async fn close(&mut self, size: &watch::Receiver<u64>) {
        if let Some(plan) = &mut self.plan {
            plan.close(Timestamp::now());
        }
        if let Err(error) = self.catch_up(size).await {
            self.failed(&error);
        }
    }

    /// Delivers everything that is due, and reads on whenever nothing is, to the log's end.
    async fn catch_up(&mut self, size: &watch::Receiver<u64>) -> anyhow::Result<()> {
        self.restore().await?;
        loop {
            while let Some(notification) = self.due() {
                self.deliver(&notification).await?;
            }
            let end = *size.borrow();
            if self.wanted() < end {
                self.read_on(end).await?;
                continue;
            }
            if let Some(plan) = &mut self.plan {
                plan.caught_up(Timestamp::now());
            }
            self.moved();
            // The end of a digest, or of quiet hours, may have come.
            if self.due().is_none() && self.wanted() >= *size.borrow() {
                return Ok(());
            }
        }
    }

    fn due(&mut self) -> Option<Notification> {
        self.plan.as_mut()?.next(Timestamp::now())
    }

    /// The entry to read next.
    fn wanted(&self) -> u64 {
        self.plan
            .as_ref()
            .map_or(self.position.progress().told, Plan::wanted)
    }

    async fn deliver(&mut self, notification: &Notification) -> anyhow::Result<()> {
        let route = match &self.route {
            Some(route) => route,
            None => self
                .route
                .insert(Route::open(&self.host, &self.channel).await?),
        };
        if let Err(error) = route.deliver(notification).await {
            // Whatever is wrong with it, the next one is new; but not what its receiver asked for.
            if post::pause(&error).is_none() {
                self.route = None;
            }
            return Err(error);
        }
        self.retry.reset();
        if let Some(plan) = &mut self.plan {
            plan.delivered();
            self.position.delivered(plan.progress()).await;
        }
        self.moved();
        self.note(|condition| {
            condition.state = State::Well;
            condition.last = Some(Timestamp::now());
        });
        Ok(())
    }

    /// Reads a page, on another thread: that takes as long as the disk does, and what is read is
    /// parsed and counted.
    async fn read_on(&mut self, end: u64) -> anyhow::Result<()> {
        if let Some(last) = self.last_read
            && end.saturating_sub(self.wanted()) < PAGE.into()
        {
            tokio::time::sleep_until(last + GLANCE).await;
        }
        let mut plan = self.plan.take().context("it is reading already")?;
        let host = Arc::clone(&self.host);
        let from = plan.wanted();
        let (plan, read) = spawn_blocking(move || {
            let entries = host.read(|store| store.entries(from, PAGE));
            let now = Timestamp::now();
            for entry in entries.iter().flatten() {
                plan.read(entry, now);
            }
            (plan, entries.map(drop))
        })
        .await?;
        let moved = plan.wanted() != from;
        self.plan = Some(plan);
        read?;
        anyhow::ensure!(moved, "entry {from} is missing from the audit log");
        self.last_read = Some(Instant::now());
        self.moved();
        Ok(())
    }

    /// Works out what the channel knew at its position, if that is not known. It may have to read
    /// far back, so it does that on another thread.
    async fn restore(&mut self) -> anyhow::Result<()> {
        if self.plan.is_some() {
            return Ok(());
        }
        // One after the other: the processor is there for answers.
        let host = Arc::clone(&self.host);
        let _turn = host.channels().restoring().await;
        let terms = self.channel.terms()?;
        let history = History::new(Arc::clone(&self.host), self.gone.clone());
        let (origin, progress) = (self.host.origin().to_owned(), self.position.progress());
        let restored =
            spawn_blocking(move || Plan::restore(terms, &origin, &history, progress)).await?;
        self.plan = Some(restored?);
        Ok(())
    }

    /// Takes over how far the plan is.
    fn moved(&mut self) {
        let Some(plan) = &self.plan else { return };
        let progress = plan.progress();
        self.position.moved(progress);
        let holds = plan.wake(Timestamp::now());
        self.note(|condition| {
            condition.delivered = progress.told;
            condition.holds = holds;
        });
    }

    fn note(&self, change: impl FnOnce(&mut Condition)) {
        self.host.channels().note(self.channel.name(), change);
    }

    /// Counts a failure; how long to pause.
    fn failed(&mut self, error: &anyhow::Error) -> Duration {
        let name = self.channel.name();
        if credential::is_locked(error) {
            tracing::info!(channel = %name, "waits for the vault to be unlocked");
            self.note(|condition| condition.state = State::Waiting);
            return LOCKED;
        }
        let now = Timestamp::now();
        // A receiver that wants to be left alone is.
        let (since, pause) = self.retry.failed(post::pause(error), now);
        let problem = format!("{error:#}");
        tracing::warn!(channel = %name, problem, tries = self.retry.tries(), "not delivered; trying again");
        let trying = State::Trying {
            problem,
            since,
            tries: self.retry.tries(),
            next: now.saturating_add(pause).unwrap_or(now),
        };
        self.note(|condition| condition.state = trying);
        pause
    }

    /// Waits until something is due though no entry comes.
    async fn time_of_day(&self) {
        let now = Timestamp::now();
        let Some(wake) = self.plan.as_ref().and_then(|plan| plan.wake(now)) else {
            return std::future::pending().await;
        };
        let left = Duration::try_from(wake.duration_since(now)).unwrap_or_default();
        tokio::time::sleep(left.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)).await;
    }
}

/// Waits until the log has an entry of this index; `false` if the agent ends before, and with it the
/// writer.
async fn grown(size: &mut watch::Receiver<u64>, wanted: u64) -> bool {
    size.wait_for(|size| *size > wanted).await.is_ok()
}
