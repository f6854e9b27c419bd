//! Who may approve: enrolled with keys that are nobody else's.

use super::fixture::{Kept, NOW, name, public_key};
use crate::{
    approval::ApproverKey,
    audit::Event,
    vault::{ApproverChanges, ApproverOptions, Vault, VaultError},
};

const ANA: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAFHQcBiNgx4W8E7AZrs0QzzX0E9RuZi+yh8gx1VWqQu";
const BEN: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOmJkn8nA0TWnrQHWQApvi8I5Hn/NqvZJSGTgiWtiXEt";

fn key(line: &str) -> ApproverKey {
    ApproverKey::parse(line).unwrap()
}

fn options(line: &str) -> ApproverOptions {
    ApproverOptions {
        keys: vec![key(line)],
        groups: [name("security")].into(),
        operates: [].into(),
        mail: None,
    }
}

fn failure(made: Result<crate::vault::Change, VaultError>) -> String {
    made.unwrap_err().to_string()
}

#[test]
fn an_approver_is_enrolled_changed_and_retired() {
    let mut kept = Kept::furnished();
    let ana = name("ana");
    let changed = kept.keep(|vault| vault.add_approver(&ana, &options(ANA), NOW));
    let Event::Administration { detail, .. } = changed.event() else {
        panic!("{:?}", changed.event())
    };
    let fingerprint = key(ANA).fingerprint();
    assert_eq!(
        detail.as_deref(),
        Some(&*format!("groups `security`; keys `{fingerprint}`"))
    );

    let changes = ApproverChanges {
        groups: Some([name("security"), name("on-call")].into()),
        operates: Some([name("atlas")].into()),
        mail: Some(Some("ana@example.com".to_owned())),
        ..ApproverChanges::default()
    };
    kept.keep(|vault| vault.change_approver(&ana, &changes, NOW));
    assert!(matches!(
        kept.vault.change_approver(&ana, &changes, NOW),
        Err(VaultError::SameApprover(_))
    ));
    // What is not named stays, and what was signed is read back as it was meant.
    let read = Vault::open(&kept.records()).unwrap();
    let catalog = read.catalog();
    let known = catalog.approver(&ana).unwrap();
    assert_eq!((known.version, known.keys.as_slice()), (2, &[key(ANA)][..]));
    assert_eq!(known.groups.len(), 2);
    assert!(known.operates.contains(&name("atlas")));
    assert_eq!(known.mail.as_deref(), Some("ana@example.com"));

    let no_mail = ApproverChanges {
        mail: Some(None),
        ..ApproverChanges::default()
    };
    kept.keep(|vault| vault.change_approver(&ana, &no_mail, NOW));
    assert_eq!(kept.vault.catalog().approver(&ana).unwrap().mail, None);

    kept.keep(|vault| vault.retire_approver(&ana, NOW));
    assert!(kept.vault.catalog().approver(&ana).unwrap().retired);
    for told in [
        failure(kept.vault.retire_approver(&ana, NOW)),
        failure(kept.vault.change_approver(&ana, &changes, NOW)),
        failure(kept.vault.add_approver(&ana, &options(ANA), NOW)),
    ] {
        assert!(told.contains("is retired"), "{told}");
    }
}

#[test]
fn a_key_is_one_approvers_and_no_services() {
    let mut kept = Kept::furnished();
    kept.keep(|vault| vault.add_approver(&name("ana"), &options(ANA), NOW));
    let told = failure(kept.vault.add_approver(&name("ben"), &options(ANA), NOW));
    assert!(told.contains("a key of approver `ana`"), "{told}");
    // A service's key, also one that it may not sign with any more.
    let service = kept.service_key.public_key().clone();
    let told = failure(
        kept.vault
            .add_approver(&name("ben"), &options(&service.ssh("")), NOW),
    );
    assert!(told.contains("a key of service `atlas`"), "{told}");
    kept.keep(|vault| vault.add_service_key(&name("atlas"), &public_key(), NOW));
    kept.keep(|vault| vault.retire_service_key(&name("atlas"), &service.thumbprint(), NOW));
    let told = failure(
        kept.vault
            .add_approver(&name("ben"), &options(&service.ssh("")), NOW),
    );
    assert!(told.contains("a key of service `atlas`"), "{told}");
    // And the other way round.
    let ana = key(ANA).as_plain().unwrap();
    let told = failure(kept.vault.add_service(&name("other"), &[ana], NOW));
    assert!(told.contains("a key of approver `ana`"), "{told}");
}

#[test]
fn what_makes_no_approver_is_refused() {
    let mut kept = Kept::furnished();
    let ben = name("ben");
    let add = |change: &dyn Fn(&mut ApproverOptions)| {
        let mut options = options(BEN);
        change(&mut options);
        failure(kept.vault.add_approver(&ben, &options, NOW))
    };
    for (told, says) in [
        (
            add(&|options| options.keys.clear()),
            "at least one public key",
        ),
        (add(&|options| options.keys.push(key(BEN))), "given twice"),
        (add(&|options| options.groups.clear()), "at least one group"),
        (
            add(&|options| options.operates = [name("nobody")].into()),
            "no service `nobody`",
        ),
        (
            add(&|options| options.mail = Some("a\r\nb@c".to_owned())),
            r"`a\r\nb@c` is not a mail address",
        ),
        (
            failure(kept.vault.retire_approver(&ben, NOW)),
            "no approver `ben`",
        ),
        (
            failure(
                kept.vault
                    .change_approver(&ben, &ApproverChanges::default(), NOW),
            ),
            "no approver `ben`",
        ),
    ] {
        assert!(told.contains(says), "{told}");
    }
    kept.keep(|vault| vault.add_approver(&ben, &options(BEN), NOW));
    let told = failure(kept.vault.add_approver(&ben, &options(ANA), NOW));
    assert!(told.contains("enrolled already"), "{told}");
    kept.vault.lock();
    let told = failure(kept.vault.add_approver(&name("ana"), &options(ANA), NOW));
    assert!(told.contains("locked"), "{told}");
}
