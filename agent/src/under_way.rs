//! Uses that wait for a provider: whoever gives up a credential can wait for those that have it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The uses that are under way at a moment.
#[derive(Debug, Default)]
pub struct UnderWay {
    uses: Mutex<Uses>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Uses {
    next: u64,
    begun: BTreeSet<u64>,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct OneUse {
    all: Arc<UnderWay>,
    number: u64,
}

impl UnderWay {
    pub fn begin(self: &Arc<Self>) -> OneUse {
        let mut uses = self.uses();
        let number = uses.next;
        uses.next += 1;
        uses.begun.insert(number);
        OneUse {
            all: Arc::clone(self),
            number,
        }
    }

    /// Waits for those that have begun by now; later ones do not matter.
    pub async fn wait_for_those_of_now(&self) {
        let next = self.uses().next;
        loop {
            // Before the look, so that an end right after it is not missed.
            let ended = self.ended.notified();
            if self.uses().begun.first().is_none_or(|first| *first >= next) {
                return;
            }
            ended.await;
        }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OneUse {
    fn drop(&mut self) {
        self.all.uses().begun.remove(&self.number);
        self.all.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn those_of_now_are_waited_for_and_later_ones_are_not() {
        let all = Arc::new(UnderWay::default());
        all.wait_for_those_of_now().await;
        let (first, second) = (all.begin(), all.begin());
        let waiting = tokio::spawn({
            let all = Arc::clone(&all);
            async move { all.wait_for_those_of_now().await }
        });
        while all.begin().number < 10 {
            tokio::task::yield_now().await;
        }
        let _later = all.begin();
        drop(second);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .unwrap()
            .unwrap();
    }
}
