//! A datagram socket of a daemon on this machine: never faster than the daemon takes it.
//!
//! journald reads its own socket, and on most machines `/dev/log` too. What one unit sends beyond
//! 10,000 messages in 30 s (`RateLimitBurst=`, at its default) it throws away, and the sender never
//! hears of it. So a channel that catches up after an outage sends at most 8,000 in any 30 s;
//! the rest is for what the agent writes to its own log.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::UnixDatagram, time::Instant};

/// How long a daemon may leave its queue full.
const PATIENCE: Duration = Duration::from_secs(15);
/// One message each 4 ms, and as many as 500 at once: at most 500 + 30 s / 4 ms = 8,000 in 30 s.
const INTERVAL: Duration = Duration::from_millis(4);
const AT_ONCE: u32 = 500;

/// The way to a daemon's socket.
pub struct Local {
    path: PathBuf,
    pace: Mutex<Pace>,
}

impl Local {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            pace: Mutex::new(Pace { next: None }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connected socket. A new one for each message: a daemon that was started again has another
    /// socket under the same path.
    pub async fn connect(&self) -> io::Result<UnixDatagram> {
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.wait(Instant::now())
        };
        tokio::time::sleep(wait).await;
        let socket = UnixDatagram::unbound()?;
        socket.connect(&self.path)?;
        Ok(socket)
    }

    /// Waits for room in the daemon's queue, but not forever.
    pub async fn patiently<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(done) => done,
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("its queue stays full for {} s", PATIENCE.as_secs()),
            )),
        }
    }
}

/// When the next message is due if none came early.
struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// How long the message that comes now has to wait.
    fn wait(&mut self, now: Instant) -> Duration {
        let due = self.next.map_or(now, |next| next.max(now));
        self.next = Some(due + INTERVAL);
        (due - now).saturating_sub(INTERVAL * (AT_ONCE - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn no_30_seconds_have_more_than_8_000_messages() {
        let mut pace = Pace { next: None };
        let mut now = Instant::now();
        let mut window = VecDeque::new();
        for number in 0..50_000_u32 {
            // Some come as fast as they can, and some after a rest.
            if number % 9_000 == 0 {
                now += Duration::from_secs(u64::from(number / 9_000));
            }
            now += pace.wait(now);
            window.push_back(now);
            while window[0] + Duration::from_secs(30) <= now {
                window.pop_front();
            }
            assert!(window.len() <= 8_000, "{number}");
        }
    }

    #[test]
    fn a_few_are_not_kept_waiting() {
        let mut pace = Pace { next: None };
        let now = Instant::now();
        for _ in 0..AT_ONCE {
            assert_eq!(pace.wait(now), Duration::ZERO);
        }
        assert_eq!(pace.wait(now), INTERVAL);
    }
}
