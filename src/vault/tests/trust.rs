//! What the owner did not sign is not there.

use proptest::prelude::*;

use super::fixture::*;
use crate::{
    store::StoredRecord,
    vault::{chain::RecordProblem, record::Record, root::Root, slot::PASSPHRASE, *},
};

fn problem(records: &[StoredRecord]) -> (u64, RecordProblem) {
    match Vault::open(records) {
        Err(VaultError::BadRecord(BadRecord { number, problem })) => (number, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_that_the_owner_did_not_sign_is_refused_by_its_number() {
    let records = Kept::furnished().records();
    for at in 0..records.len() {
        let number = at as u64 + 1;
        let mut edited = records.clone();
        edited[at].body = edited[at].body.replace(":00:00Z", ":00:01Z");
        assert_eq!(problem(&edited), (number, RecordProblem::NotSigned));

        let mut resigned = records.clone();
        let stranger = Root::generate().unwrap();
        let alias = Record::Alias {
            name: name("x"),
            secret: name("deploy"),
        };
        resigned[at].signature = stranger.sign(None, NOW, alias).unwrap().signature;
        assert_eq!(problem(&resigned), (number, RecordProblem::NotSigned));
    }
    assert_eq!(problem(&[]), (1, RecordProblem::NoBeginning));
}

#[test]
fn the_chain_has_no_gap_and_no_other_order() {
    let records = Kept::furnished().records();
    for at in 1..records.len() - 1 {
        let mut dropped = records.clone();
        dropped.remove(at);
        assert_eq!(problem(&dropped).1, RecordProblem::OutOfOrder);
        let mut swapped = records.clone();
        swapped.swap(at, at + 1);
        assert_eq!(problem(&swapped).1, RecordProblem::OutOfOrder);
        let mut doubled = records.clone();
        doubled.insert(at, records[at].clone());
        assert_eq!(problem(&doubled).1, RecordProblem::OutOfOrder);
    }
    let mut headless = records;
    headless.remove(0);
    assert_eq!(problem(&headless).1, RecordProblem::NoBeginning);
}

#[test]
fn a_value_swapped_in_from_another_secret_is_refused() {
    let mut kept = Kept::furnished();
    kept.keep(|vault| vault.add_secret(&name("other"), &key(), &SecretOptions::default(), NOW));
    let value = |record: &StoredRecord| {
        let body: serde_json::Value = serde_json::from_str(&record.body).unwrap();
        serde_json::to_string(&body["record"]["value"]).unwrap()
    };
    let mut records = kept.records();
    let (own, others) = (value(&records[1]), value(&records[6]));
    records[1].body = records[1].body.replace(&own, &others);
    assert_eq!(problem(&records), (2, RecordProblem::NotSigned));
}

#[test]
fn a_chain_of_another_owner_is_not_unlocked() {
    let (own, others) = (Kept::furnished(), Kept::furnished());
    // Somebody replaced all records, but could not make a slot that the passphrase opens.
    let vault = Vault::open(&others.records()).unwrap();
    assert_eq!(
        vault.unlock(&own.slots(), &passphrase()),
        Err(UnlockError::OtherOwner)
    );
    assert!(!vault.is_unlocked());
    // Nor does one chain go on with the other's records.
    assert!(
        own.vault.extend(&others.records()).is_ok(),
        "known numbers are passed over"
    );
    let mut longer = others;
    longer.keep(|vault| vault.suspend(&Scope::Service(name("atlas")), NOW));
    assert!(matches!(
        own.vault.extend(&longer.records()),
        Err(VaultError::BadRecord(BadRecord {
            number: 7,
            problem: RecordProblem::NotSigned
        }))
    ));
}

#[test]
fn a_slot_of_another_vault_does_not_unlock() {
    let (own, other) = (Kept::new(), Kept::new());
    own.vault.lock();
    let planted: Vec<_> = other
        .slots()
        .into_iter()
        .filter(|slot| slot.name == PASSPHRASE)
        .collect();
    assert_eq!(
        own.vault.unlock(&planted, &passphrase()),
        Err(UnlockError::OtherOwner)
    );
    assert_eq!(
        own.vault.check_passphrase(&planted, &passphrase()),
        Err(UnlockError::OtherOwner)
    );
}

#[test]
fn a_chain_or_log_whose_end_was_cut_off_is_refused() {
    let mut kept = Kept::furnished();
    kept.keep(|vault| vault.suspend(&Scope::Service(name("atlas")), NOW));
    kept.vault.check_complete(&kept.reader).unwrap();
    // The suspension's record is gone, its entry is not.
    let shortened = Vault::open(&kept.records()[..6]).unwrap();
    assert!(matches!(
        shortened.check_complete(&kept.reader),
        Err(VaultError::CutOff { newest: 6, told: 7 })
    ));
    // The other way around: a log from before the record.
    let older = Kept::furnished();
    assert!(matches!(
        kept.vault.check_complete(&older.reader),
        Err(VaultError::CutOff { newest: 7, told: 6 })
    ));
}

proptest! {
    #[test]
    fn loading_never_panics(seq: u64, body in "\\PC{0,200}", signature in "(— )?\\PC{0,80}") {
        let stored = StoredRecord { seq, body, signature };
        prop_assert!(Catalog::load(std::slice::from_ref(&stored)).is_err());
        prop_assert!(Catalog::load(&[stored.clone(), stored]).is_err());
    }
}
