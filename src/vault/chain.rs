//! The chain of records: each is a C2SP signed note of the owner key over a line that holds the
//! hash of the line before. Nothing can be edited, moved, dropped from the middle or added
//! without the owner key. That the end was not cut off is for
//! [`Vault::check_complete`](super::Vault::check_complete): the audit log names the records.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::Ed25519KeyPair,
};
use jiff::Timestamp;
use signed_note::{Note, Signature};

use super::{
    owner_key::{OwnerKey, OwnerSigner},
    record::{Body, Record},
};
use crate::store::StoredRecord;

/// The longest line, in bytes: what the signed note format's implementations read.
pub const MAX_BODY_LEN: usize = 960 * 1024;

/// The end of the chain: what the next record must follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The newest record's number.
    pub seq: u64,
    /// SHA-256 of its line, in hex.
    pub digest: String,
}

/// A record that is refused, and the whole vault with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vault's record {number} {problem}")]
pub struct BadRecord {
    /// The record's number.
    pub number: u64,
    /// What is wrong with it.
    pub problem: RecordProblem,
}

/// What is wrong with a record; a phrase that follows its number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordProblem {
    /// Changed, or made by somebody else.
    #[error(
        "is not signed by the vault's owner key: somebody changed or added it; restore the vault from a copy"
    )]
    NotSigned,
    /// Moved, doubled, or its neighbour is missing.
    #[error(
        "does not follow the one before it: a record was moved, doubled or removed; restore the vault from a copy"
    )]
    OutOfOrder,
    /// Not the beginning of a vault.
    #[error("does not create a vault, so this is none; restore the vault from a copy")]
    NoBeginning,
    /// Signed by a newer program.
    #[error("is of the type `{}`, which this version does not know; update strongroom", .0.escape_debug())]
    UnknownType(String),
    /// Signed by a newer program.
    #[error("begins a vault of format {0}, which this version does not know; update strongroom")]
    UnknownFormat(u32),
    /// Signed, but not in this version's format.
    #[error("cannot be read by this version, so update strongroom: {0}")]
    Malformed(String),
    /// Signed, but at odds with the records before it.
    #[error("is at odds with the ones before it: {0}")]
    Inconsistent(String),
}

/// Signs the record that follows `head`; `None` if the line is longer than [`MAX_BODY_LEN`] or
/// the machine cannot sign.
pub(super) fn sign(
    pair: &Ed25519KeyPair,
    head: Option<&Head>,
    now: Timestamp,
    record: Record,
) -> Option<StoredRecord> {
    let body = Body {
        seq: head.map_or(1, |head| head.seq + 1),
        previous: head.map(|head| head.digest.clone()),
        time: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now),
        record,
    };
    let line = serde_json_canonicalizer::to_string(&body).ok()?;
    if line.len() > MAX_BODY_LEN {
        return None;
    }
    let signature = signature_of(pair, &line)?;
    Some(StoredRecord {
        seq: body.seq,
        body: line,
        signature,
    })
}

/// The signature line of the note with this one line.
fn signature_of(pair: &Ed25519KeyPair, line: &str) -> Option<String> {
    let signer = OwnerSigner::new(pair)?;
    let mut note = Note::new(text(line).as_bytes(), &[]).ok()?;
    note.add_sigs(&[&signer]).ok()?;
    let whole = String::from_utf8(note.to_bytes()).ok()?;
    whole.lines().next_back().map(str::to_owned)
}

/// The owner key that the first record names and is signed with. Unlocking shows whether it is
/// the right one.
pub(super) fn owner_of(first: &StoredRecord) -> Result<OwnerKey, BadRecord> {
    let bad = |problem| BadRecord {
        number: first.seq,
        problem,
    };
    let body: serde_json::Value =
        serde_json::from_str(&first.body).map_err(|_| bad(RecordProblem::NoBeginning))?;
    // Before anything is verified: a newer format may have another kind of owner key.
    match body
        .pointer("/record/format")
        .and_then(serde_json::Value::as_u64)
    {
        Some(format) if format == u64::from(super::record::FORMAT) => {}
        Some(format) => {
            return Err(bad(RecordProblem::UnknownFormat(
                format.try_into().unwrap_or(u32::MAX),
            )));
        }
        None => return Err(bad(RecordProblem::NoBeginning)),
    }
    body.pointer("/record/owner")
        .and_then(serde_json::Value::as_str)
        .and_then(|key| key.parse().ok())
        .ok_or_else(|| bad(RecordProblem::NoBeginning))
}

/// Checks signature, number and link, and then reads the record.
pub(super) fn verify(
    owner: &OwnerKey,
    head: Option<&Head>,
    stored: &StoredRecord,
) -> Result<(Body, Head), BadRecord> {
    let bad = |problem| BadRecord {
        number: stored.seq,
        problem,
    };
    if !is_signed(owner, stored) {
        return Err(bad(RecordProblem::NotSigned));
    }
    let body: Body = serde_json::from_str(&stored.body)
        .map_err(|error| bad(unreadable(&stored.body, &error)))?;
    let next = head.map_or(1, |head| head.seq + 1);
    let follows = body.seq == next
        && stored.seq == next
        && body.previous.as_deref() == head.map(|head| head.digest.as_str());
    if !follows {
        return Err(bad(RecordProblem::OutOfOrder));
    }
    Ok((
        body,
        Head {
            seq: next,
            digest: hash(&stored.body),
        },
    ))
}

fn is_signed(owner: &OwnerKey, stored: &StoredRecord) -> bool {
    Signature::from_bytes(stored.signature.as_bytes())
        .and_then(|signature| Note::new(text(&stored.body).as_bytes(), &[signature]))
        .and_then(|note| note.verify(owner))
        .is_ok_and(|(verified, _)| !verified.is_empty())
}

fn unreadable(body: &str, error: &serde_json::Error) -> RecordProblem {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match body
        .pointer("/record/type")
        .and_then(serde_json::Value::as_str)
    {
        Some(unknown) if !Record::TYPES.contains(&unknown) => {
            RecordProblem::UnknownType(unknown.to_owned())
        }
        _ => RecordProblem::Malformed(error.to_string()),
    }
}

/// A signed note's text ends with a newline, which is not stored.
fn text(line: &str) -> String {
    format!("{line}\n")
}

fn hash(line: &str) -> String {
    digest(&SHA256, line.as_bytes())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
    }

    fn owner() -> OwnerKey {
        OwnerKey::of(&pair()).unwrap()
    }

    fn chain(length: u64) -> Vec<StoredRecord> {
        let mut head = None;
        (0..length)
            .map(|number| {
                let name = format!("a{number}").parse().unwrap();
                let record = Record::Alias {
                    name,
                    secret: "s".parse().unwrap(),
                };
                let stored = sign(&pair(), head.as_ref(), Timestamp::UNIX_EPOCH, record).unwrap();
                head = Some(verify(&owner(), head.as_ref(), &stored).unwrap().1);
                stored
            })
            .collect()
    }

    fn first_problem(records: &[StoredRecord]) -> Option<(u64, RecordProblem)> {
        let mut head = None;
        for stored in records {
            match verify(&owner(), head.as_ref(), stored) {
                Ok((_, next)) => head = Some(next),
                Err(bad) => return Some((bad.number, bad.problem)),
            }
        }
        None
    }

    #[test]
    fn a_record_is_a_signed_note_of_canonical_json() {
        let stored = &chain(2)[1];
        let value: serde_json::Value = serde_json::from_str(&stored.body).unwrap();
        assert_eq!(
            stored.body,
            serde_json_canonicalizer::to_string(&value).unwrap()
        );
        // An implementation that is not ours accepts it.
        let verifier = signed_note::StandardVerifier::new(&owner().to_string()).unwrap();
        let note = format!("{}\n\n{}\n", stored.body, stored.signature);
        Note::from_bytes(note.as_bytes())
            .unwrap()
            .verify(&signed_note::VerifierList::new(vec![Box::new(verifier)]))
            .unwrap();
    }

    #[test]
    fn an_edited_record_is_refused() {
        let mut records = chain(3);
        records[1].body = records[1].body.replace("a1", "a9");
        assert_eq!(first_problem(&records), Some((2, RecordProblem::NotSigned)));
    }

    #[test]
    fn a_record_of_another_key_is_refused() {
        let stranger = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
        let record = Record::PolicyRetirement {
            name: "p".parse().unwrap(),
        };
        let stored = sign(&stranger, None, Timestamp::UNIX_EPOCH, record).unwrap();
        assert_eq!(
            first_problem(&[stored]),
            Some((1, RecordProblem::NotSigned))
        );
    }

    #[test]
    fn a_signature_from_another_record_is_refused() {
        let mut records = chain(3);
        records[1].signature = records[2].signature.clone();
        assert_eq!(first_problem(&records), Some((2, RecordProblem::NotSigned)));
    }

    #[test]
    fn moved_dropped_and_doubled_records_are_refused() {
        let swapped: Vec<_> = [0, 2, 1].map(|at: usize| chain(3)[at].clone()).into();
        assert_eq!(
            first_problem(&swapped),
            Some((3, RecordProblem::OutOfOrder))
        );

        let mut dropped = chain(3);
        dropped.remove(1);
        assert_eq!(
            first_problem(&dropped),
            Some((3, RecordProblem::OutOfOrder))
        );
        // Numbering the rest anew does not help.
        dropped[1].seq = 2;
        assert_eq!(
            first_problem(&dropped),
            Some((2, RecordProblem::OutOfOrder))
        );

        let mut doubled = chain(2);
        doubled.push(doubled[1].clone());
        assert_eq!(
            first_problem(&doubled),
            Some((2, RecordProblem::OutOfOrder))
        );
    }

    #[test]
    fn an_unknown_type_asks_for_an_update_and_is_not_passed_over() {
        let signed = |body: &str| StoredRecord {
            seq: 1,
            body: body.to_owned(),
            signature: signature_of(&pair(), body).unwrap(),
        };
        let time = "1970-01-01T00:00:00Z";
        let record = |record: &str| format!(r#"{{"record":{record},"seq":1,"time":"{time}"}}"#);
        let unknown = signed(&record(r#"{"type":"hologram"}"#));
        let problem = first_problem(&[unknown]).unwrap().1;
        assert_eq!(problem, RecordProblem::UnknownType("hologram".to_owned()));
        assert!(problem.to_string().ends_with("update strongroom"));

        let more = signed(&record(
            r#"{"type":"policy-retirement","name":"p","until":"noon"}"#,
        ));
        let problem = first_problem(&[more]).unwrap().1;
        assert!(matches!(problem, RecordProblem::Malformed(_)), "{problem}");
    }

    proptest! {
        #[test]
        fn whatever_the_owner_signed_never_panics(body in "\\PC{0,200}") {
            let signature = signature_of(&pair(), &body).unwrap();
            let stored = StoredRecord { seq: 1, body, signature };
            prop_assert!(first_problem(&[stored]).is_some());
        }
    }
}
