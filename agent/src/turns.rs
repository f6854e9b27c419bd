//! Who waits for which secret: uses that may use it up take turns.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use strongroom::name::Name;
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};

/// A queue for each secret, or whatever else, that somebody waits for or has.
pub struct Turns<K = Name>(Mutex<HashMap<K, Weak<Queue<()>>>>);

/// A turn; it ends when this is dropped.
pub struct MyTurn {
    _guard: OwnedMutexGuard<()>,
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash> Turns<K> {
    /// Waits until nobody else has this one's turn. First come, first served.
    pub async fn wait(&self, of: &K) -> MyTurn {
        let queue = self.queue(of);
        MyTurn {
            _guard: queue.lock_owned().await,
        }
    }

    fn queue(&self, of: &K) -> Arc<Queue<()>> {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(of).and_then(Weak::upgrade) {
            return queue;
        }
        queues.retain(|_, queue| queue.strong_count() > 0);
        let queue = Arc::new(Queue::new(()));
        queues.insert(of.clone(), Arc::downgrade(&queue));
        queue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn uses_of_one_secret_take_turns_and_others_do_not_wait() {
        let turns = Turns::<Name>::default();
        let (crm, erp): (Name, Name) = ("crm".parse().unwrap(), "erp".parse().unwrap());
        let first = turns.wait(&crm).await;
        let _other = turns.wait(&erp).await;
        let second = turns.wait(&crm);
        tokio::pin!(second);
        assert!(futures_are_pending(second.as_mut()).await);
        drop(first);
        let _second = second.await;
    }

    async fn futures_are_pending<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
        let mut future = Some(future);
        std::future::poll_fn(|context| {
            let pending = future
                .take()
                .is_some_and(|future| future.poll(context).is_pending());
            std::task::Poll::Ready(pending)
        })
        .await
    }
}
