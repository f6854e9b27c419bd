//! `audit verify`: the whole log, from the lines up, against the signed checkpoint.

use tlog_tiles::{EMPTY_HASH, Hash, stored_hash_index};

use crate::{
    audit::{
        checkpoint::{BadCheckpoint, LogKey},
        tree::Edge,
    },
    store::{Reader, StoreError},
};

/// Entries read at once.
const PAGE: u32 = 1024;

/// The log is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries.
    pub size: u64,
    /// The root of the tree, in base64.
    pub root: String,
    /// The newest checkpoint: a signed note.
    pub checkpoint: String,
}

/// The log is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// An entry was tampered with; those before it are as they were recorded, unless they were
    /// changed together with all of their hashes, which an older receipt or checkpoint shows.
    #[error("entry {index} of the audit log is not as it was recorded: {what}")]
    Entry {
        /// The first bad entry.
        index: u64,
        /// What is wrong with it.
        what: Tampered,
    },
    /// Lines and hashes fit together, but their root is not the one that was signed.
    #[error(
        "the audit log was rewritten: its {size} entries and hashes fit together, but the signed checkpoint has another root; compare it with an older copy or receipts to find the entry"
    )]
    Rewritten {
        /// How many entries the checkpoint speaks for.
        size: u64,
    },
    /// Lines and hashes fit together, but the checkpoint does not vouch for any of them.
    #[error("none of the {size} entries of the audit log is proven: {why}")]
    Checkpoint {
        /// How many entries there are.
        size: u64,
        /// What is wrong with the checkpoint.
        why: BadCheckpoint,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tampered {
    /// The line is not the one that was hashed when it was recorded.
    #[error("its line is not the one that was hashed when it was recorded")]
    Line,
    /// A line was changed together with its hash, or lines changed places with their hashes: it
    /// is this entry or one of those up to `last`.
    #[error("its line, or another one up to entry {last}, was changed or moved")]
    Among {
        /// The last entry that it may be.
        last: u64,
    },
    /// All lines are as they were signed, but a hash that is stored with this one is not.
    #[error("all lines are as they were signed, but a tree hash stored with this one was changed")]
    Hash,
    /// The line is not there, though a checkpoint was signed over it.
    #[error("it is missing; the signed checkpoint is for {signed} entries")]
    Missing {
        /// The checkpoint's size.
        signed: u64,
    },
    /// The line is not there, but later ones are.
    #[error("it is missing, and later entries are there")]
    Gap,
    /// No checkpoint was signed over it.
    #[error("it was added without a signature; the signed checkpoint is for {signed} entries")]
    Unsigned {
        /// The checkpoint's size.
        signed: u64,
    },
}

/// Checks every line and every stored hash, the size, the root and the signature of the newest
/// checkpoint. It may run while the log grows.
pub fn verify(reader: &impl Reader, vkey: &str) -> Result<Verified, Broken> {
    let mut walk = Walk {
        reader,
        edge: Edge::empty(),
        odd: None,
    };
    let outcome = walk.against_checkpoint(vkey);
    let Some(odd) = walk.odd else { return outcome };
    // The signed root says whether the lines are to blame, or only the hashes beside them.
    let (index, what) = match outcome {
        Err(Broken::Store(error)) => return Err(error.into()),
        Ok(_) => (odd.index, Tampered::Hash),
        Err(_) if odd.level == 0 => (odd.index, Tampered::Line),
        Err(_) => (odd.first(), Tampered::Among { last: odd.index }),
    };
    match outcome {
        Err(Broken::Entry { index: earlier, .. }) if earlier < index => outcome,
        _ => Err(Broken::Entry { index, what }),
    }
}

impl Broken {
    /// The index of the first entry that is bad or not proven, where it can be told.
    pub fn first_bad(&self) -> Option<u64> {
        match self {
            Self::Entry { index, .. } => Some(*index),
            Self::Checkpoint { .. } => Some(0),
            Self::Rewritten { .. } | Self::Store(_) => None,
        }
    }
}

/// The first stored hash that does not follow from the lines: with which entry it is stored, and
/// how high above it.
#[derive(Clone, Copy, Debug)]
struct Odd {
    index: u64,
    level: u8,
}

impl Odd {
    /// The first of the entries that the hash is over.
    fn first(self) -> u64 {
        self.index + 1 - (1 << self.level)
    }
}

/// The tree, computed from the lines alone, as far as they were read.
struct Walk<'a, R> {
    reader: &'a R,
    edge: Edge,
    odd: Option<Odd>,
}

impl<R: Reader> Walk<'_, R> {
    fn against_checkpoint(&mut self, vkey: &str) -> Result<Verified, Broken> {
        // Read in this order, because a commit moves both together: the checkpoint is never for
        // fewer entries than were there a moment before, unless somebody tampered.
        let size = self.reader.log_size()?;
        self.up_to(size)?;
        let Some(checkpoint) = self.reader.checkpoint()? else {
            let (root, checkpoint) = (EMPTY_HASH.to_string(), String::new());
            return match size {
                0 => Ok(Verified {
                    size,
                    root,
                    checkpoint,
                }),
                _ => Err(Broken::Entry {
                    index: 0,
                    what: Tampered::Unsigned { signed: 0 },
                }),
            };
        };
        let head = LogKey::parse(vkey)
            .and_then(|key| key.open(&checkpoint))
            .map_err(|why| Broken::Checkpoint { size, why })?;
        let signed = head.size();
        if signed < size {
            return Err(Broken::Entry {
                index: signed,
                what: Tampered::Unsigned { signed },
            });
        }
        self.up_to(signed)?;
        if self.edge.size() < signed {
            let index = self.edge.size();
            return Err(Broken::Entry {
                index,
                what: Tampered::Missing { signed },
            });
        }
        match self.edge.root() {
            Ok(root) if root == *head.hash() => Ok(Verified {
                size: signed,
                root: root.to_string(),
                checkpoint,
            }),
            _ => Err(Broken::Rewritten { size: signed }),
        }
    }

    /// Reads on, up to `size` entries in all or as many as there are.
    fn up_to(&mut self, size: u64) -> Result<(), Broken> {
        while self.edge.size() < size {
            let left = u32::try_from(size - self.edge.size()).unwrap_or(PAGE);
            let entries = self.reader.entries(self.edge.size(), left.min(PAGE))?;
            if entries.is_empty() {
                break;
            }
            let mut growth = self.edge.grow();
            for entry in entries {
                let index = growth.size();
                if entry.index != index {
                    return Err(Broken::Entry {
                        index,
                        what: Tampered::Gap,
                    });
                }
                let computed = growth
                    .push(&entry.line)
                    .map_err(|_| Broken::Rewritten { size })?;
                if self.odd.is_none() {
                    let level = first_difference(self.reader, index, computed.1);
                    self.odd = level.map(|level| Odd { index, level });
                }
            }
            let grown = growth.settle().map_err(|_| Broken::Rewritten { size })?;
            self.edge = grown;
        }
        Ok(())
    }
}

/// The level of the first hash stored with the entry that is not the computed one, or not there.
fn first_difference(reader: &impl Reader, index: u64, computed: &[Hash]) -> Option<u8> {
    let stored = |index| reader.hashes(&[index]).ok()?.pop().map(Hash);
    let first = stored_hash_index(0, index);
    let mut levels = (0..).zip(first..).zip(computed);
    levels
        .find(|((_, index), computed)| stored(*index) != Some(**computed))
        .map(|((level, _), _)| level)
}
