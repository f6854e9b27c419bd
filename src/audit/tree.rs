//! The Merkle tree's growing edge, in memory.
//!
//! To add entries, and to prove the added ones, it takes only the roots of the old tree's largest
//! complete subtrees (at most 64 hashes) and what was hashed since: a left sibling on a new leaf's
//! path either was complete in the old tree, and then its parent was not, which makes it one of
//! those roots; or it became complete with a new leaf. So the hot path reads nothing from the store.

use tlog_tiles::{
    Error, Hash, HashReader, RecordProof, prove_record, record_hash, stored_hash_count,
    stored_hashes_for_record_hash, sub_tree_index, tree_hash,
};

/// A tree of `size` entries, reduced to the roots of its largest complete subtrees.
#[derive(Clone, Debug)]
pub(crate) struct Edge {
    size: u64,
    /// Stored hash index and hash, by index.
    roots: Vec<(u64, Hash)>,
}

/// An [`Edge`] and what is added to it.
#[derive(Debug)]
pub(crate) struct Growth<'a> {
    edge: &'a Edge,
    size: u64,
    /// The stored hashes from index `first` on.
    first: u64,
    added: Vec<Hash>,
}

impl Edge {
    /// The empty tree.
    pub fn empty() -> Self {
        Self {
            size: 0,
            roots: Vec::new(),
        }
    }

    /// The tree of `size` entries; `read` fetches stored hashes by index.
    pub fn read<E>(
        size: u64,
        read: impl FnOnce(&[u64]) -> Result<Vec<[u8; 32]>, E>,
    ) -> Result<Self, E> {
        let indexes = sub_tree_index(0, size, Vec::new());
        let hashes = read(&indexes)?;
        Ok(Self {
            size,
            roots: indexes
                .into_iter()
                .zip(hashes.into_iter().map(Hash))
                .collect(),
        })
    }

    /// How many entries.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub fn root(&self) -> Result<Hash, Error> {
        self.grow().root()
    }

    /// Begins to add to it.
    pub fn grow(&self) -> Growth<'_> {
        let first = stored_hash_count(self.size);
        Growth {
            edge: self,
            size: self.size,
            first,
            added: Vec::new(),
        }
    }
}

impl Growth<'_> {
    /// How many entries there are now.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a line; gives its index in the log and the hashes that are stored for it.
    pub fn push(&mut self, line: &str) -> Result<(u64, &[Hash]), Error> {
        let index = self.size;
        let hashes = stored_hashes_for_record_hash(index, record_hash(line.as_bytes()), self)?;
        let before = self.added.len();
        self.added.extend(hashes);
        self.size += 1;
        Ok((index, self.added.get(before..).unwrap_or_default()))
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Result<Hash, Error> {
        tree_hash(self.size, self)
    }

    /// The proof that the entry at `index`, which was added here, is in the tree as it is now.
    pub fn prove(&self, index: u64) -> Result<RecordProof, Error> {
        prove_record(self.size, index, self)
    }

    /// The edge of the tree as it is now.
    pub fn settle(&self) -> Result<Edge, Error> {
        let indexes = sub_tree_index(0, self.size, Vec::new());
        let hashes = self.read_hashes(&indexes)?;
        Ok(Edge {
            size: self.size,
            roots: indexes.into_iter().zip(hashes).collect(),
        })
    }

    fn hash(&self, index: u64) -> Option<Hash> {
        if let Some(added) = index.checked_sub(self.first) {
            return self.added.get(usize::try_from(added).ok()?).copied();
        }
        let at = self
            .edge
            .roots
            .binary_search_by_key(&index, |(index, _)| *index)
            .ok()?;
        self.edge.roots.get(at).map(|(_, hash)| *hash)
    }
}

impl HashReader for Growth<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes
            .iter()
            .map(|index| self.hash(*index).ok_or(Error::IndexesNotInTree))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use ct_merkle::{InclusionProof, mem_backed_tree::MemoryBackedTree};
    use tlog_tiles::check_record;

    use super::*;

    /// An independent implementation of RFC 6962 agrees on every root and every proof, however
    /// the entries fall into batches.
    #[test]
    fn roots_and_proofs_agree_with_ct_merkle() {
        let mut oracle = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        let mut edge = Edge::empty();
        for batch in [1, 1, 2, 3, 1, 8, 5, 16, 31, 64, 1, 7, 100] {
            let mut growth = edge.grow();
            for _ in 0..batch {
                let line = format!("{{\"n\":{}}}", growth.size());
                growth.push(&line).unwrap();
                oracle.push(line.into_bytes());
            }
            let (root, old) = (growth.root().unwrap(), edge.size());
            assert_eq!(root.0.as_slice(), oracle.root().as_bytes().as_slice());
            for index in old..growth.size() {
                let proof = growth.prove(index).unwrap();
                let line = format!("{{\"n\":{index}}}");
                check_record(
                    &proof,
                    growth.size(),
                    root,
                    index,
                    record_hash(line.as_bytes()),
                )
                .unwrap();
                let bytes: Vec<u8> = proof.iter().flat_map(|hash| hash.0).collect();
                let at = usize::try_from(index).unwrap();
                assert_eq!(bytes, oracle.prove_inclusion(at).as_bytes());
                let theirs = InclusionProof::<sha2::Sha256>::try_from_bytes(bytes).unwrap();
                oracle
                    .root()
                    .verify_inclusion(&line.into_bytes(), index, &theirs)
                    .unwrap();
            }
            edge = growth.settle().unwrap();
        }
    }

    /// What a new process reads from the store is what the old one held in memory.
    #[test]
    fn an_edge_read_back_is_the_same_edge() {
        let mut stored = Vec::new();
        let mut edge = Edge::empty();
        for n in 0..70 {
            let mut growth = edge.grow();
            let (_, hashes) = growth.push(&n.to_string()).unwrap();
            stored.extend(hashes.iter().map(|hash| hash.0));
            let settled = growth.settle().unwrap();
            edge = settled;
            let read = Edge::read(edge.size(), |indexes| {
                let hash = |index: &u64| stored.get(usize::try_from(*index).unwrap()).copied();
                indexes
                    .iter()
                    .map(hash)
                    .collect::<Option<Vec<_>>>()
                    .ok_or(())
            })
            .unwrap();
            assert_eq!(read.roots, edge.roots);
            assert_eq!(read.root().unwrap(), edge.root().unwrap());
        }
    }
}
