//! What the fuzz targets do: one small function for each parser of bytes from outside.
//!
//! Each reads its input, and if it is taken, writes it again, reads that, and compares. It says
//! whether the input was taken, panics where something does not hold, and has neither clock nor
//! randomness that would make an input fail today and pass tomorrow. No socket, no file.
//!
//! `tests/fuzz_corpus.rs` runs the same functions over the committed corpus with stable Rust.

mod approval;
mod aws;
mod keys;
pub mod message;
mod outgoing;
pub mod published;
mod text;
mod token;
pub mod vault;

pub use approval::{ssh_signature, statement, waiting};
pub use aws::sts_answer;
pub use keys::{certified_key, identity, material, public_key};
pub use message::{answer, call, prefer, request, signature_base};
pub use outgoing::{binding, scrub, target};
pub use text::{entry, operation, policy, receipt, suite};
pub use token::token_answer;
pub use vault::{argon2id, records, root};

/// A target: whether the input was taken.
pub type Target = fn(&[u8]) -> bool;

/// Every target by the name of its binary and of its folder in `corpus/`.
pub const TARGETS: [(&str, Target); 25] = [
    ("answer", answer),
    ("argon2id", argon2id),
    ("binding", binding),
    ("call", call),
    ("certified_key", certified_key),
    ("entry", entry),
    ("identity", identity),
    ("material", material),
    ("operation", operation),
    ("policy", policy),
    ("prefer", prefer),
    ("public_key", public_key),
    ("receipt", receipt),
    ("records", records),
    ("request", request),
    ("root", root),
    ("scrub", scrub),
    ("signature_base", signature_base),
    ("ssh_signature", ssh_signature),
    ("statement", statement),
    ("sts_answer", sts_answer),
    ("suite", suite),
    ("target", target),
    ("token_answer", token_answer),
    ("waiting", waiting),
];

/// The text before the first line end, and what comes after it.
fn first_line(data: &[u8]) -> Option<(&str, &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let (line, rest) = data.split_at(end);
    Some((std::str::from_utf8(line).ok()?, &rest[1..]))
}

/// Text for a person's terminal: nothing in it that drives one or turns text around.
fn assert_harmless(text: &str, newlines: bool) {
    let drives = |c: char| c.is_control() && !(newlines && c == '\n');
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(|c| drives(c) || turns(c)), "{text:?}");
}
