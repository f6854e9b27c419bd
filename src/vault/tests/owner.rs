//! What the owner does, and what is refused.

use super::fixture::*;
use crate::{
    operation::Kind,
    policy::PolicyText,
    service::key::PublicKey,
    vault::{material::Material, *},
};

#[test]
fn the_passphrase_changes_and_the_recovery_key_stays() {
    let mut kept = Kept::furnished();
    let new = Passphrase::from("battery staple");
    kept.keep(|vault| vault.change_passphrase(&new, NOW));
    let vault = Vault::open(&kept.records()).unwrap();
    assert_eq!(
        vault.unlock(&kept.slots(), &passphrase()),
        Err(UnlockError::WrongPassphrase)
    );
    vault.unlock(&kept.slots(), &new).unwrap();
    vault
        .unlock_with_recovery_key(&kept.slots(), &kept.recovery_key)
        .unwrap();
    let short = vault.change_passphrase(&Passphrase::from("short"), NOW);
    assert!(matches!(short, Err(VaultError::ShortPassphrase(_))));
    vault.lock();
    assert!(matches!(
        vault.change_passphrase(&new, NOW),
        Err(VaultError::Locked)
    ));
}

#[test]
fn an_alias_points_at_a_secret_and_is_pointed_elsewhere_by_one_record() {
    let mut kept = Kept::furnished();
    let before = kept.records().len();
    kept.keep(|vault| vault.set_alias(&name("release"), &name("heroku/prod"), NOW));
    assert_eq!(kept.records().len(), before + 1);
    assert_eq!(
        kept.vault.catalog().resolve(&name("release")).unwrap().name,
        name("heroku/prod")
    );

    let alias = |alias: &str, target: &str| kept.vault.set_alias(&name(alias), &name(target), NOW);
    assert!(
        matches!(alias("second", "release"), Err(VaultError::IsAlias { .. })),
        "no chains"
    );
    assert!(matches!(
        alias("second", "nothing"),
        Err(VaultError::NoSecret(_))
    ));
    assert!(matches!(
        alias("deploy", "heroku/prod"),
        Err(VaultError::NameOfSecret(_))
    ));
    let taken = kept
        .vault
        .add_secret(&name("release"), &key(), &SecretOptions::default(), NOW);
    assert!(matches!(taken, Err(VaultError::NameTaken(_))));
}

#[test]
fn a_key_belongs_to_one_service() {
    let mut kept = Kept::new();
    let shared = public_key();
    kept.keep(|vault| vault.add_service(&name("atlas"), std::slice::from_ref(&shared), NOW));
    let add = |service: &str, keys: &[PublicKey]| kept.vault.add_service(&name(service), keys, NOW);
    assert!(matches!(
        add("atlas", &[public_key()]),
        Err(VaultError::ServiceExists(_))
    ));
    assert!(matches!(
        add("other", std::slice::from_ref(&shared)),
        Err(VaultError::KeyTaken { .. })
    ));
    assert!(matches!(add("other", &[]), Err(VaultError::NoKey(_))));
    let twice = public_key();
    assert!(matches!(
        add("other", &[twice.clone(), twice]),
        Err(VaultError::KeyTwice(_))
    ));
    let p384 = Material::generate(Kind::P384)
        .unwrap()
        .public_key()
        .unwrap();
    assert!(matches!(
        add("other", &[p384]),
        Err(VaultError::UnfitKey(_))
    ));

    kept.keep(|vault| vault.add_service_key(&name("atlas"), &public_key(), NOW));
    assert_eq!(
        kept.vault
            .catalog()
            .service(&name("atlas"))
            .unwrap()
            .keys
            .len(),
        2
    );
}

#[test]
fn a_retired_key_signs_no_more_and_is_nobody_elses() {
    let mut kept = Kept::new();
    let (old, new) = (public_key(), public_key());
    let atlas = name("atlas");
    kept.keep(|vault| vault.add_service(&atlas, std::slice::from_ref(&old), NOW));
    let only = kept
        .vault
        .retire_service_key(&atlas, &old.thumbprint(), NOW);
    assert!(matches!(only, Err(VaultError::OnlyKey { .. })));
    kept.keep(|vault| vault.add_service_key(&atlas, &new, NOW));
    kept.keep(|vault| vault.retire_service_key(&atlas, &old.thumbprint(), NOW));
    let gone = kept
        .vault
        .retire_service_key(&atlas, &old.thumbprint(), NOW);
    assert!(matches!(gone, Err(VaultError::NoSuchKey { .. })));
    let again = kept
        .vault
        .add_service(&name("other"), std::slice::from_ref(&old), NOW);
    assert!(matches!(again, Err(VaultError::KeyTaken { .. })));
    // Read from the start, it comes to the same.
    let read = Vault::open(&kept.records()).unwrap();
    assert_eq!(read.catalog().service(&atlas).unwrap().keys, [new]);
    assert_eq!(read.catalog().service(&atlas).unwrap().retired_keys, [old]);
}

#[test]
fn policies_are_versioned_and_retired() {
    let mut kept = Kept::furnished();
    let text = PolicyText::check(name("all"), "forbid (principal, action, resource);").unwrap();
    let changed = kept.keep(|vault| vault.set_policy(&text, NOW));
    assert_eq!(changed.version(), Some(2));
    kept.keep(|vault| vault.retire_policy(&name("all"), NOW));
    assert_eq!(kept.vault.catalog().policies().iter().count(), 0);
    assert!(
        kept.vault
            .catalog()
            .policy_text(&name("all"))
            .unwrap()
            .retired
    );
    let again = kept.vault.retire_policy(&name("all"), NOW);
    assert!(matches!(again, Err(VaultError::NoPolicy(_))));
    // Read from the start, it comes to the same.
    let read = Vault::open(&kept.records()).unwrap();
    assert_eq!(read.catalog().policies().iter().count(), 0);
    kept.keep(|vault| vault.set_policy(&text, NOW));
    assert_eq!(kept.vault.catalog().policies().iter().count(), 1);
}

#[test]
fn values_and_labels_are_bounded() {
    let kept = Kept::new();
    let large = Material::import(Some(Kind::Opaque), &vec![7; material::MAX_LEN]).unwrap();
    let add = |material: &Material, labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        kept.vault.add_secret(
            &name("s"),
            material,
            &SecretOptions {
                labels,
                releasable: false,
            },
            NOW,
        )
    };
    assert!(
        add(&large, &["prod"]).is_ok(),
        "the largest value fits into a record"
    );
    for bad in ["", "two\nlines", &"x".repeat(65)] {
        assert!(
            matches!(add(&key(), &[bad]), Err(VaultError::BadLabel(_))),
            "{bad}"
        );
    }
    let many: Vec<String> = (0..33).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(matches!(add(&key(), &many), Err(VaultError::TooManyLabels)));
}
