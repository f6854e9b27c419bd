//! Receipts.

use proptest::prelude::*;

use super::fixture::{Home, note, noted, now, vkey, written};
use crate::audit::{
    BadCheckpoint, BadReceipt, NoReceipt, Receipt,
    receipt::{self, receipt_for},
};

/// The example in the C2SP specification, with the data that it leaves out filled in.
const EXAMPLE: &str = "\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJwAAAAA=
";

#[test]
fn every_old_entry_has_a_receipt() {
    let home = written(20);
    let reader = home.reader();
    for index in 0..20 {
        let (line, receipt) = receipt_for(&reader, index).unwrap();
        assert_eq!(receipt::verify(&line, &receipt, &vkey(1)), Ok(index));
    }
    assert!(matches!(
        receipt_for(&reader, 20),
        Err(NoReceipt::NoSuchEntry { size: 20, .. })
    ));
    assert!(matches!(
        receipt_for(&Home::new().reader(), 0),
        Err(NoReceipt::NoSuchEntry { size: 0, .. })
    ));
}

#[test]
fn a_receipt_under_an_old_checkpoint_stays_good() {
    let home = Home::new();
    let mut log = home.log();
    let first = noted(log.commit(vec![note("first")], now()).remove(0).unwrap());
    for n in 0..5 {
        noted(log.commit(vec![note(n)], now()).remove(0).unwrap());
    }
    assert_eq!(
        receipt::verify(&first.entry, &first.receipt, &vkey(1)),
        Ok(0)
    );
    let (line, newer) = receipt_for(&home.reader(), 0).unwrap();
    assert_eq!(line, first.entry);
    assert_ne!(newer, first.receipt);
}

#[test]
fn a_receipt_proves_its_own_entry_and_log_only() {
    let home = written(9);
    let (line, text) = receipt_for(&home.reader(), 4).unwrap();
    let (other, _) = receipt_for(&home.reader(), 5).unwrap();
    assert_eq!(
        receipt::verify(&other, &text, &vkey(1)),
        Err(BadReceipt::NotThisEntry)
    );
    assert_eq!(
        receipt::verify(&line, &text, &vkey(2)),
        Err(BadReceipt::Checkpoint(BadCheckpoint::Signature))
    );
    assert_eq!(
        receipt::verify(&line, &text, "no key"),
        Err(BadReceipt::Checkpoint(BadCheckpoint::Key))
    );
    let moved = text.replace("index 4", "index 5");
    assert_eq!(
        receipt::verify(&line, &moved, &vkey(1)),
        Err(BadReceipt::NotThisEntry)
    );
    let regrown = text.replace("\n9\n", "\n10\n");
    assert_eq!(
        receipt::verify(&line, &regrown, &vkey(1)),
        Err(BadReceipt::Checkpoint(BadCheckpoint::Signature))
    );
}

/// Every single character counts.
#[test]
fn an_edited_receipt_proves_nothing() {
    let home = written(7);
    let (line, text) = receipt_for(&home.reader(), 3).unwrap();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        if let Ok(edited) = String::from_utf8(bytes) {
            assert!(
                receipt::verify(&line, &edited, &vkey(1)).is_err(),
                "{edited}"
            );
        }
    }
}

#[test]
fn a_damaged_log_hands_out_no_receipt() {
    for sql in [
        "UPDATE entry SET line = '{}' WHERE idx = 2",
        "UPDATE entry SET hashes = zeroblob(64) WHERE idx = 1",
        "DELETE FROM entry WHERE idx = 2",
    ] {
        let home = written(4);
        home.tamper(sql);
        assert!(
            matches!(receipt_for(&home.reader(), 2), Err(NoReceipt::Damaged)),
            "{sql}"
        );
        let _ = receipt_for(&home.reader(), 3);
    }
}

#[test]
fn the_specification_s_example_is_read_and_written() {
    assert_eq!(Receipt::parse(EXAMPLE).unwrap().to_text(), EXAMPLE);
    for (what, with) in [
        ("proof@v1", "proof@v2"),
        ("index 73894", "index 073894"),
        ("index 73894", "index +73894"),
        ("index 73894", "index 99999999999999999999"),
        ("index 73894", "indx 73894"),
        ("gSKyXoYZUgZ6", "gSKy"),
        ("extra YWdl", "extra Y"),
        ("\n\nexample", "\nexample"),
    ] {
        let bad = EXAMPLE.replace(what, with);
        assert!(
            matches!(Receipt::parse(&bad), Err(BadReceipt::Malformed(_))),
            "{with}"
        );
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = Receipt::parse(&text);
        let _ = receipt::verify("", &text, &vkey(1));
    }

    /// What parses is written back as it was.
    #[test]
    fn a_bent_receipt_never_panics(
        at in any::<prop::sample::Index>(),
        removed in 0..9_usize,
        inserted in "[\\PC\\n]{0,9}",
    ) {
        let mut characters: Vec<char> = EXAMPLE.chars().collect();
        let at = at.index(characters.len());
        let end = (at + removed).min(characters.len());
        characters.splice(at..end, inserted.chars());
        let text: String = characters.into_iter().collect();
        if let Ok(receipt) = Receipt::parse(&text) {
            prop_assert_eq!(receipt.to_text(), text);
            let _ = receipt.verify("", &vkey(1));
        }
    }

    /// Indexes and sizes far beyond any log.
    #[test]
    fn absurd_numbers_never_panic(index in any::<u64>(), size in any::<u64>(), depth in 0..80_usize) {
        use super::fixture::signer;
        use crate::audit::checkpoint;
        use tlog_tiles::Hash;

        let note = checkpoint::sign(&*signer(1), size, Hash([1; 32])).unwrap();
        let text = receipt::write(index, &vec![Hash([2; 32]); depth], &note);
        prop_assert!(receipt::verify("", &text, &vkey(1)).is_err());
    }
}
