//! Uses that wait for a provider: whoever gives up a credential can wait for those that have it,
//! and what the owner stops is cut off.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use strongroom::name::Name;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The uses that are under way at a moment.
#[derive(Debug, Default)]
pub struct UnderWay {
    uses: Mutex<Uses>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Uses {
    next: u64,
    begun: BTreeMap<u64, Begun>,
}

#[derive(Debug)]
struct Begun {
    service: Name,
    secret: Name,
    cut: CancellationToken,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub struct OneUse {
    all: Arc<UnderWay>,
    number: u64,
    cut: CancellationToken,
}

impl UnderWay {
    /// A use of this secret by this service begins.
    pub fn begin(self: &Arc<Self>, service: Name, secret: Name) -> OneUse {
        let cut = CancellationToken::new();
        let mut uses = self.uses();
        let number = uses.next;
        uses.next += 1;
        let begun = Begun {
            service,
            secret,
            cut: cut.clone(),
        };
        uses.begun.insert(number, begun);
        OneUse {
            all: Arc::clone(self),
            number,
            cut,
        }
    }

    /// Cuts off those that this is true of, by their service and secret, and says how many.
    pub fn cut_off(&self, is_meant: impl Fn(&Name, &Name) -> bool) -> usize {
        let uses = self.uses();
        let meant = uses
            .begun
            .values()
            .filter(|begun| is_meant(&begun.service, &begun.secret));
        meant.map(|begun| begun.cut.cancel()).count()
    }

    /// Waits for those that have begun by now; later ones do not matter.
    pub async fn wait_for_those_of_now(&self) {
        let next = self.uses().next;
        loop {
            // Before the look, so that an end right after it is not missed.
            let ended = self.ended.notified();
            let first = self.uses().begun.first_key_value().map(|(first, _)| *first);
            if first.is_none_or(|first| first >= next) {
                return;
            }
            ended.await;
        }
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OneUse {
    /// Told when the owner has stopped it.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
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

    fn begin(all: &Arc<UnderWay>, service: &str, secret: &str) -> OneUse {
        all.begin(service.parse().unwrap(), secret.parse().unwrap())
    }

    #[tokio::test]
    async fn those_of_now_are_waited_for_and_later_ones_are_not() {
        let all = Arc::new(UnderWay::default());
        all.wait_for_those_of_now().await;
        let (first, second) = (begin(&all, "atlas", "crm"), begin(&all, "atlas", "crm"));
        let waiting = tokio::spawn({
            let all = Arc::clone(&all);
            async move { all.wait_for_those_of_now().await }
        });
        while begin(&all, "atlas", "crm").number < 10 {
            tokio::task::yield_now().await;
        }
        let _later = begin(&all, "atlas", "crm");
        drop(second);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .unwrap()
            .unwrap();
    }

    #[test]
    fn only_what_is_meant_is_cut_off() {
        let all = Arc::new(UnderWay::default());
        let uses = [("atlas", "crm"), ("atlas", "erp"), ("boreas", "crm")]
            .map(|(service, secret)| begin(&all, service, secret));
        let is_cut = || uses.each_ref().map(|one| one.cut().is_cancelled());
        assert_eq!(all.cut_off(|service, _| service.as_str() == "nobody"), 0);
        assert_eq!(is_cut(), [false, false, false]);
        assert_eq!(all.cut_off(|_, secret| secret.as_str() == "erp"), 1);
        assert_eq!(is_cut(), [false, true, false]);
        assert_eq!(all.cut_off(|service, _| service.as_str() == "boreas"), 1);
        assert_eq!(is_cut(), [false, true, true]);
    }
}
