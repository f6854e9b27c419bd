//! How much of bodies is held at the same time, all requests together.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bytes that are left to hold.
#[derive(Debug)]
pub struct Room {
    left: AtomicUsize,
}

/// What one body holds; given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// So many bytes.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: AtomicUsize::new(bytes),
        }
    }
}

impl Held {
    /// Nothing yet.
    pub fn new(room: &Arc<Room>) -> Self {
        Self {
            room: Arc::clone(room),
            bytes: 0,
        }
    }

    /// Takes so many bytes more, if there are as many left. It never waits: several that wait for
    /// each other with a part each would wait for ever.
    pub fn more(&mut self, bytes: usize) -> bool {
        let taken = self
            .room
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| {
                left.checked_sub(bytes)
            })
            .is_ok();
        if taken {
            self.bytes += bytes;
        }
        taken
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Held, Room};

    #[test]
    fn what_is_held_is_given_back() {
        let room = Arc::new(Room::new(10));
        let mut first = Held::new(&room);
        assert!(first.more(4) && first.more(3));
        let mut second = Held::new(&room);
        assert!(!second.more(4));
        assert!(second.more(3));
        assert!(!first.more(1));
        drop(first);
        assert!(second.more(7));
        drop(second);
        assert!(Held::new(&room).more(10));
    }
}
