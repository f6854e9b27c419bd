//! The one thread that owns the audit log's store: waiting submissions are committed together.
//!
//! A lone submission is committed at once. While one commit syncs, others queue up, and the next
//! commit takes all of them: the window adapts to the load by itself, with no timer. Waiting a
//! little longer for company was tried: syncs were shared by three times as many at 16
//! connections, which saved a twentieth of the processor's time and cost latency.

use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use strongroom::{
    audit::{Committed, Log, NotRecorded, Submission},
    store::sqlite::SqliteStore,
};
use tokio::sync::{mpsc, oneshot, watch};

/// How many submissions may wait; past that, callers wait to submit, and memory stays bounded.
const QUEUE: usize = 1024;
/// How many submissions one transaction takes.
const BATCH: usize = 256;

/// The way to the audit log, shared by everything that records.
#[derive(Clone, Debug)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
    size: watch::Receiver<u64>,
}

#[derive(Debug)]
struct Job {
    submission: Submission,
    reply: oneshot::Sender<Result<Committed, NotRecorded>>,
}

impl Writer {
    /// Starts the thread. It ends, with everything committed, when the last `Writer` is gone.
    pub fn start(log: Log<SqliteStore>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (grown, size) = watch::channel(log.size());
        let thread = thread::Builder::new()
            .name("audit-log".to_owned())
            .spawn(move || write(log, queue, &grown))?;
        Ok((Self { jobs, size }, thread))
    }

    /// Makes a submission durable, and says what became of it.
    pub async fn submit(&self, submission: Submission) -> Result<Committed, NotRecorded> {
        let (reply, answer) = oneshot::channel();
        let job = Job { submission, reply };
        self.jobs
            .send(job)
            .await
            .map_err(|_| NotRecorded::Stopped)?;
        answer.await.map_err(|_| NotRecorded::Stopped)?
    }

    /// Waits until the thread has ended, which it does only by a panic while a `Writer` is left.
    pub async fn gone(&self) {
        self.jobs.closed().await;
    }

    /// The size of the audit log, to be told of each growth.
    pub fn size(&self) -> watch::Receiver<u64> {
        self.size.clone()
    }
}

fn write(mut log: Log<SqliteStore>, mut queue: mpsc::Receiver<Job>, grown: &watch::Sender<u64>) {
    let mut submissions = Vec::with_capacity(BATCH);
    let mut replies = Vec::with_capacity(BATCH);
    while let Some(first) = queue.blocking_recv() {
        let mut next = Some(first);
        while let Some(job) = next {
            submissions.push(job.submission);
            replies.push(job.reply);
            next = (submissions.len() < BATCH)
                .then(|| queue.try_recv().ok())
                .flatten();
        }
        let results = log.commit(std::mem::take(&mut submissions), Timestamp::now());
        // Before the replies: whoever is answered finds its entry within the size.
        grown.send_if_modified(|size| std::mem::replace(size, log.size()) != log.size());
        for (reply, result) in replies.drain(..).zip(results) {
            if let Err(error) = &result {
                tracing::error!(%error, "not recorded");
            }
            // A caller that hung up meanwhile is no reason to stop: its entry is durable.
            let _ = reply.send(result);
        }
    }
}
