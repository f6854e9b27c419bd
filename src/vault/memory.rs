//! Memory for keys: kept out of swap, core files and child processes, and wiped. The one module
//! with unsafe code.
//!
//! A [`Locked`] value lives in pages of its own. That is for the few long-lived keys (the root
//! and the shield's key); what is opened for one use is on the heap and wiped by `zeroize`. What
//! this can't do: the stack and the processor's registers hold copies while a key is used
//! (`with_clean_stack` ends that), and a debugger of the same user is kept out only by
//! [`harden_process`].
#![expect(
    unsafe_code,
    reason = "pages are asked for, advised on and given back to the system by address"
)]

use std::{
    ffi::c_void,
    fmt,
    hint::black_box,
    ops::Deref,
    ptr::{self, NonNull},
    slice,
};

use rustix::{
    io,
    mm::{self, MapFlags, ProtFlags},
    process::{self, Resource, Rlimit},
};
use zeroize::{Zeroize as _, Zeroizing};

/// How much stack work with keys may use; some microseconds are the price of writing over it.
const DEPTH: usize = 128 * 1024;

/// A value in pages of its own that are not swapped out, not dumped, empty after a fork, and
/// wiped when it goes.
pub struct Locked<T> {
    value: NonNull<T>,
    length: usize,
    in_ram: bool,
}

/// The system gives nothing to make or keep a key with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No pages.
    #[error("the system gives no memory for the vault's keys: {0}")]
    Memory(io::Errno),
    /// The random number generator failed.
    #[error("the system gives no random numbers")]
    Randomness,
}

impl<T> Locked<T> {
    /// Moves the value into pages of its own. Locking them into RAM may fail, when the limit on
    /// that (`ulimit -l`) is low: the value is kept all the same, and [`Locked::is_in_ram`] tells.
    pub fn new(value: T) -> Result<Self, Unavailable> {
        const {
            assert!(
                align_of::<T>() <= 4096,
                "pages are aligned to at least 4096"
            )
        };
        // A mapping is never empty, so a value without size gets a byte.
        let length = size_of::<T>().max(1);
        // SAFETY: a null address lets the system choose, so no memory in use is touched.
        let pages = unsafe {
            mm::mmap_anonymous(
                ptr::null_mut(),
                length,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )
        }
        .map_err(Unavailable::Memory)?;
        let Some(place) = NonNull::new(pages.cast::<T>()) else {
            return Err(Unavailable::Memory(io::Errno::NOMEM));
        };
        // SAFETY: the mapping above is ours and at least `length` long.
        let in_ram = unsafe { mm::mlock(pages, length) }.is_ok();
        advise(pages, length);
        // SAFETY: the mapping is fresh, writable, long enough for a `T`, and aligned to a page.
        unsafe { place.write(value) };
        Ok(Self {
            value: place,
            length,
            in_ram,
        })
    }

    /// Whether the system promised to keep the pages in RAM.
    pub fn is_in_ram(&self) -> bool {
        self.in_ram
    }
}

impl Locked<[u8; 32]> {
    /// A new random key.
    pub fn random() -> Result<Self, Unavailable> {
        Self::new(*random()?)
    }
}

/// 32 random bytes for a key.
pub(super) fn random() -> Result<Zeroizing<[u8; 32]>, Unavailable> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| Unavailable::Randomness)?;
    Ok(bytes)
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: written in `new`, valid until `drop`; only shared references are ever given out.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        let pages = self.value.as_ptr().cast::<c_void>();
        // SAFETY: nobody else refers to the value: this is `drop`. After `drop_in_place` the
        // bytes belong to no value, so that writing zeros over them is fine, padding included;
        // then the mapping of `new` is given back once, with its length.
        unsafe {
            ptr::drop_in_place(self.value.as_ptr());
            slice::from_raw_parts_mut(pages.cast::<std::mem::MaybeUninit<u8>>(), self.length)
                .zeroize();
            // It can only fail for an address or a length that are not a mapping's.
            let _ = mm::munmap(pages, self.length);
        }
    }
}

// SAFETY: a `Locked` owns its value as a `Box` does; the pages belong to no thread.
unsafe impl<T: Send> Send for Locked<T> {}
// SAFETY: through a shared `Locked` there is only a shared reference to the value.
unsafe impl<T: Sync> Sync for Locked<T> {}

/// Hides the value.
impl<T> fmt::Debug for Locked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Locked(…)")
    }
}

/// Keeps the pages out of core files and child processes, where the system knows how.
#[cfg(target_os = "linux")]
fn advise(pages: *mut c_void, length: usize) {
    for advice in [mm::Advice::LinuxDontDump, mm::Advice::LinuxWipeOnFork] {
        // SAFETY: the caller's own fresh mapping; neither advice changes what it holds now. An
        // old kernel that does not know one refuses, and the pages stay as safe as the heap.
        let _ = unsafe { mm::madvise(pages, length, advice) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_pages: *mut c_void, _length: usize) {}

/// Does work with keys, and then writes over the stack and the registers that it used. Ciphers and curves keep
/// blocks of plaintext, scalars and what follows from them in local variables, which nothing
/// wipes when a function returns: there they stay until another call happens to come as deep.
/// What the work returns must hold secrets on the heap or in [`Locked`] memory, not in itself.
pub(crate) fn with_clean_stack<T>(work: impl FnOnce() -> T) -> T {
    // Neither is inlined: the work's frames lie where the next call's will.
    #[inline(never)]
    fn apart<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    #[inline(never)]
    fn wipe() {
        let mut below = [0_u8; DEPTH];
        let (to, from) = black_box(&mut below).split_at_mut(DEPTH / 2);
        // Copies go through the widest vector registers, which little else touches: the piece of
        // a key that was copied last stays there, and in a core. Each length takes others.
        for length in [64, 128, 256, 512, 1024, 4096] {
            let length = black_box(length);
            if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
                black_box(to).copy_from_slice(black_box(from));
            }
        }
    }
    let done = apart(work);
    wipe();
    done
}

/// Turns off core files and, on Linux, debuggers and `/proc/self/mem` for other processes of the
/// same user. To be called first in `main`. Neither can fail for a process's own limits.
pub fn harden_process() {
    let _ = process::setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    #[cfg(target_os = "linux")]
    let _ = process::set_dumpable_behavior(process::DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;

    #[test]
    fn a_locked_value_is_read_dropped_and_hidden() {
        struct Told<'a>(&'a Cell<bool>, [u8; 32]);
        impl Drop for Told<'_> {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let dropped = Cell::new(false);
        let locked = Locked::new(Told(&dropped, [0xAB; 32])).unwrap();
        assert_eq!(locked.1, [0xAB; 32]);
        assert_eq!(format!("{locked:?}"), "Locked(…)");
        drop(locked);
        assert!(dropped.get());
    }

    #[test]
    fn a_locked_value_may_be_shared() {
        static SEEN: AtomicBool = AtomicBool::new(false);
        let locked = Locked::new([7_u8; 5000]).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| SEEN.store(locked.iter().all(|byte| *byte == 7), Ordering::SeqCst));
        });
        assert!(SEEN.load(Ordering::SeqCst));
    }

    #[test]
    fn nothing_is_a_value_too() {
        assert!(Locked::new(()).is_ok());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_pages_are_not_dumped_and_not_inherited() {
        let locked = Locked::new([1_u8; 32]).unwrap();
        let address = format!("{:x}-", &raw const *locked as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let flags = maps
            .lines()
            .skip_while(|line| !line.starts_with(&address))
            .find(|line| line.starts_with("VmFlags"))
            .unwrap();
        assert!(flags.contains(" dd"), "{flags}");
        assert!(flags.contains(" wf"), "{flags}");
        assert_eq!(flags.contains(" lo"), locked.is_in_ram(), "{flags}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_hardened_process_is_not_dumpable() {
        harden_process();
        assert_eq!(process::getrlimit(Resource::Core).current, Some(0));
        assert_eq!(
            process::dumpable_behavior().unwrap(),
            process::DumpableBehavior::NotDumpable
        );
    }
}
