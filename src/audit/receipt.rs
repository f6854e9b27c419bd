//! Receipts: C2SP tlog-proof, text that proves offline that a line is in the log.

use std::{cell::RefCell, fmt::Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tlog_tiles::{Checkpoint, Error, Hash, HashReader, check_record, prove_record, record_hash};

use crate::{
    audit::checkpoint::{BadCheckpoint, LogKey, danger_unverified},
    store::{Reader, StoreError},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";
/// A tree of 2⁶³ entries is deeper than any.
const MAX_PROOF: usize = 63;

/// A parsed receipt; [`Receipt::verify`] says whether it proves anything.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    index: u64,
    extra: Option<Vec<u8>>,
    proof: Vec<Hash>,
    checkpoint: String,
}

/// Why a receipt does not prove a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// Not a tlog-proof.
    #[error("not a receipt (c2sp.org/tlog-proof@v1): {0}")]
    Malformed(&'static str),
    /// Its checkpoint is not believed.
    #[error("not a receipt of this log: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// The line is not the one that the receipt was made for.
    #[error("the receipt does not belong to this entry")]
    NotThisEntry,
}

/// Why there is no receipt for an entry.
#[derive(Debug, thiserror::Error)]
pub enum NoReceipt {
    /// The log is shorter.
    #[error("the audit log has no entry {index}: its newest checkpoint is for {size} entries")]
    NoSuchEntry {
        /// The index asked for.
        index: u64,
        /// The size of the log.
        size: u64,
    },
    /// The store's log does not hang together.
    #[error("the audit log in the store is damaged; run `strongroom audit verify`")]
    Damaged,
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks that `receipt` proves `line` under the log's verifier key; gives the line's index.
pub fn verify(line: &str, receipt: &str, vkey: &str) -> Result<u64, BadReceipt> {
    Receipt::parse(receipt)?.verify(line, vkey)
}

/// The line at `index`, and a receipt for it under the newest checkpoint.
pub fn receipt_for(reader: &impl Reader, index: u64) -> Result<(String, String), NoReceipt> {
    let checkpoint = newest(reader, index)?;
    let head = danger_unverified(&checkpoint).map_err(|_| NoReceipt::Damaged)?;
    let (line, proof) = prove(reader, &head, index)?;
    let receipt = write(index, &proof, &checkpoint);
    Ok((line, receipt))
}

/// The line at `index`, if it is in the tree that `key` has signed.
pub(crate) fn proved_line(
    reader: &impl Reader,
    key: &LogKey,
    index: u64,
) -> Result<String, NoReceipt> {
    let checkpoint = newest(reader, index)?;
    let head = key.open(&checkpoint).map_err(|_| NoReceipt::Damaged)?;
    Ok(prove(reader, &head, index)?.0)
}

fn newest(reader: &impl Reader, index: u64) -> Result<String, NoReceipt> {
    let checkpoint = reader.checkpoint()?;
    checkpoint.ok_or(NoReceipt::NoSuchEntry { index, size: 0 })
}

/// The line at `index`, and the proof that it is in the tree with this head.
fn prove(
    reader: &impl Reader,
    head: &Checkpoint,
    index: u64,
) -> Result<(String, Vec<Hash>), NoReceipt> {
    let size = head.size();
    if index >= size {
        return Err(NoReceipt::NoSuchEntry { index, size });
    }
    let entry = reader
        .entries(index, 1)?
        .pop()
        .filter(|entry| entry.index == index);
    let line = entry.ok_or(NoReceipt::Damaged)?.line;
    let stored = Stored {
        reader,
        failed: RefCell::new(None),
    };
    let proof = match (prove_record(size, index, &stored), stored.failed.take()) {
        (_, Some(error)) => return Err(error.into()),
        (proof, None) => proof.map_err(|_| NoReceipt::Damaged)?,
    };
    // What proves nothing is not handed out.
    check_record(
        &proof,
        size,
        *head.hash(),
        index,
        record_hash(line.as_bytes()),
    )
    .map_err(|_| NoReceipt::Damaged)?;
    Ok((line, proof))
}

/// The text of a receipt without extra data.
pub(crate) fn write(index: u64, proof: &[Hash], checkpoint: &str) -> String {
    // A line of base64 has 44 characters.
    let mut text = String::with_capacity(64 + 45 * proof.len() + checkpoint.len());
    text.push_str(HEADER);
    finish(&mut text, index, proof, checkpoint);
    text
}

fn finish(text: &mut String, index: u64, proof: &[Hash], checkpoint: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "index {index}");
    for hash in proof {
        BASE64_STANDARD.encode_string(hash.0, text);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint);
}

impl Receipt {
    /// Reads a tlog-proof, strictly; what it says is not believed yet.
    pub fn parse(text: &str) -> Result<Self, BadReceipt> {
        use BadReceipt::Malformed;
        let rest = text
            .strip_prefix(HEADER)
            .ok_or(Malformed("its first line is another"))?;
        let (mut line, mut rest) = rest.split_once('\n').ok_or(Malformed("it has no index"))?;
        let mut extra = None;
        if let Some(data) = line.strip_prefix("extra ") {
            let data = BASE64_STANDARD.decode(data);
            extra = Some(data.map_err(|_| Malformed("its extra data is not base64"))?);
            (line, rest) = rest.split_once('\n').ok_or(Malformed("it has no index"))?;
        }
        let digits = line
            .strip_prefix("index ")
            .ok_or(Malformed("it has no index"))?;
        let index: u64 = digits
            .parse()
            .map_err(|_| Malformed("its index is no number"))?;
        if index.to_string() != digits {
            return Err(Malformed("its index has leading zeroes"));
        }
        let mut proof = Vec::new();
        let checkpoint = loop {
            let (line, after) = rest
                .split_once('\n')
                .ok_or(Malformed("it has no checkpoint"))?;
            rest = after;
            if line.is_empty() {
                break rest.to_owned();
            }
            if proof.len() == MAX_PROOF {
                return Err(Malformed("its proof is too long"));
            }
            proof.push(
                Hash::parse_hash(line).map_err(|_| Malformed("its proof is no list of hashes"))?,
            );
        };
        Ok(Self {
            index,
            extra,
            proof,
            checkpoint,
        })
    }

    /// The text of the receipt.
    pub fn to_text(&self) -> String {
        let mut text = HEADER.to_owned();
        if let Some(extra) = &self.extra {
            let _ = writeln!(text, "extra {}", BASE64_STANDARD.encode(extra));
        }
        finish(&mut text, self.index, &self.proof, &self.checkpoint);
        text
    }

    /// Checks that this receipt proves `line` under the log's verifier key; gives the line's index.
    pub fn verify(&self, line: &str, vkey: &str) -> Result<u64, BadReceipt> {
        let head = LogKey::parse(vkey)?.open(&self.checkpoint)?;
        let leaf = record_hash(line.as_bytes());
        check_record(&self.proof, head.size(), *head.hash(), self.index, leaf)
            .map_err(|_| BadReceipt::NotThisEntry)?;
        Ok(self.index)
    }
}

/// Stored hashes for the proof algorithms, which know no [`StoreError`]: it is kept aside.
struct Stored<'a, R> {
    reader: &'a R,
    failed: RefCell<Option<StoreError>>,
}

impl<R: Reader> HashReader for Stored<'_, R> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        match self.reader.hashes(indexes) {
            Ok(hashes) => Ok(hashes.into_iter().map(Hash).collect()),
            Err(error) => {
                self.failed.replace(Some(error));
                Err(Error::IndexesNotInTree)
            }
        }
    }
}
