//! How much of bodies is held at the same time, all requests together.
//!
//! One [`Held`] goes with a request through all of it: the body that came in, the provider's answer,
//! and the answer on its way out, until the last byte of that is with the caller. What decoding
//! holds beside it for a moment is bounded by the number of threads.

use std::sync::{
    Arc,
    atomic::{AtomicIsize, AtomicUsize, Ordering},
};

/// The bytes that are left to hold.
#[derive(Debug)]
pub struct Room {
    left: AtomicIsize,
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: AtomicUsize,
}

impl Room {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: AtomicIsize::new(signed(bytes)),
        }
    }
}

impl Held {
    /// Nothing yet.
    pub fn new(room: &Arc<Room>) -> Arc<Self> {
        Arc::new(Self {
            room: Arc::clone(room),
            bytes: AtomicUsize::new(0),
        })
    }

    /// Takes so many bytes more, if there are as many left. It never waits: several that wait for
    /// each other with a part each would wait for ever.
    pub fn more(&self, bytes: usize) -> bool {
        let taken = self
            .room
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub_unsigned(bytes).filter(|left| *left >= 0)
            })
            .is_ok();
        if taken {
            self.bytes.fetch_add(bytes, Ordering::AcqRel);
        }
        taken
    }

    /// Whether anything is held.
    pub fn is_anything(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > 0
    }

    /// From now on it is just so many bytes. What there is already can't be refused any more: if
    /// it is more than is left, others find no room until it is given back.
    pub fn settle(&self, bytes: usize) {
        let before = self.bytes.swap(bytes, Ordering::AcqRel);
        let change = signed(before).saturating_sub(signed(bytes));
        self.room.left.fetch_add(change, Ordering::AcqRel);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.settle(0);
    }
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Held, Room};

    #[test]
    fn what_is_held_is_given_back() {
        let room = Arc::new(Room::new(10));
        let first = Held::new(&room);
        assert!(first.more(4) && first.more(3));
        let second = Held::new(&room);
        assert!(!second.more(4));
        assert!(second.more(3));
        assert!(!first.more(1));
        drop(first);
        assert!(second.more(7));
        drop(second);
        assert!(Held::new(&room).more(10));
    }

    #[test]
    fn what_is_there_already_counts_even_past_the_bound() {
        let room = Arc::new(Room::new(10));
        let first = Held::new(&room);
        assert!(first.more(9));
        first.settle(12);
        let second = Held::new(&room);
        assert!(!second.more(1));
        first.settle(4);
        assert!(second.more(6) && !second.more(1));
        drop((first, second));
        let third = Held::new(&room);
        assert!(third.more(10) && !third.more(1));
    }
}
