//! Unlocking, using and locking.

use serde_json::json;

use super::fixture::*;
use crate::{
    answer::Problem,
    audit::{Action, By, Entry, Event, verify},
    operation::Kind,
    vault::{material::Material, *},
};

#[test]
fn a_vault_is_opened_locked_and_unlocked_with_either_key() {
    let kept = Kept::furnished();
    let vault = Vault::open(&kept.records()).unwrap();
    assert!(!vault.is_unlocked());
    assert_eq!(vault.is_memory_locked(), None);
    let catalog = vault.catalog();
    assert_eq!(catalog.newest_record(), 6);
    assert_eq!(catalog.secrets().count(), 2);
    assert_eq!(
        catalog.resolve(&name("release")).unwrap().name,
        name("deploy")
    );
    assert_eq!(catalog.enrolled().count(), 1);
    assert_eq!(catalog.policies().iter().count(), 1);

    vault.unlock(&kept.slots(), &passphrase()).unwrap();
    assert!(vault.is_unlocked());
    vault.lock();
    assert!(!vault.is_unlocked());
    let typed = kept.recovery_key.reveal().parse().unwrap();
    vault
        .unlock_with_recovery_key(&kept.slots(), &typed)
        .unwrap();
    assert!(vault.is_unlocked());
    assert!(vault.is_memory_locked().is_some());
}

#[test]
fn a_wrong_passphrase_leaves_the_vault_locked_and_says_so() {
    let kept = Kept::new();
    kept.vault.lock();
    let refused = kept
        .vault
        .unlock(&kept.slots(), &Passphrase::from("wrong horse"))
        .unwrap_err();
    assert_eq!(refused, UnlockError::WrongPassphrase);
    assert!(refused.to_string().starts_with("the passphrase is wrong"));
    assert!(!kept.vault.is_unlocked());
    // Proving it does not unlock.
    kept.vault
        .check_passphrase(&kept.slots(), &passphrase())
        .unwrap();
    assert!(!kept.vault.is_unlocked());
}

#[test]
fn lock_wipes_everything_that_was_opened() {
    let mut kept = Kept::furnished();
    let version = kept.version("deploy", 1);
    for _ in 0..2 {
        assert_eq!(kept.ask("deploy", "sign", message())["version"], 1);
    }
    let shield_holds = |vault: &Vault| {
        let unlocked = vault.unlocked();
        unlocked
            .as_ref()
            .map(|open| open.shield.open(&version).is_some())
    };
    assert_eq!(shield_holds(&kept.vault), Some(true));
    kept.vault.lock();
    assert!(matches!(sign(&kept.vault, &version), Err(NotUsed::Locked)));
    let vault = &kept.vault;
    assert!(matches!(
        vault.reveal_intent(&name("deploy"), None),
        Err(VaultError::Locked)
    ));
    assert!(matches!(
        vault.set_alias(&name("a"), &name("deploy"), NOW),
        Err(VaultError::Locked)
    ));
    vault.unlock(&kept.slots(), &passphrase()).unwrap();
    assert_eq!(
        shield_holds(vault),
        Some(false),
        "nothing is carried over a lock"
    );
    assert!(sign(&kept.vault, &version).is_ok());
}

#[test]
fn lock_waits_for_uses_that_have_begun() {
    let kept = Kept::furnished();
    let version = kept.version("deploy", 1);
    std::thread::scope(|scope| {
        let vault = &kept.vault;
        let uses = || loop {
            match sign(vault, &version) {
                Ok(_) => {}
                Err(NotUsed::Locked) => break,
                Err(other) => panic!("{other}"),
            }
        };
        let users = [scope.spawn(uses), scope.spawn(uses)];
        kept.vault.lock();
        for user in users {
            user.join().unwrap();
        }
    });
    assert!(!kept.vault.is_unlocked());
}

#[test]
fn old_versions_stay_readable_after_rotation() {
    let mut kept = Kept::furnished();
    let aes = || Material::generate(Kind::Aes256).unwrap();
    kept.keep(|vault| vault.add_secret(&name("disk"), &aes(), &SecretOptions::default(), NOW));
    let sealed = kept.ask("disk", "encrypt", json!({ "plaintext": "aGk=" }));
    let changed = kept.keep(|vault| vault.rotate_secret(&name("disk"), &aes(), NOW));
    assert_eq!(changed.version(), Some(2));

    let member = |member: &str| sealed[member].clone();
    let input = json!({
        "ciphertext": member("ciphertext"), "iv": member("iv"), "tag": member("tag"), "version": 1,
    });
    let permit = kept.permit("disk", "decrypt", input);
    assert_eq!(permit.version().number, 1);
    assert!(kept.spend(permit).is_ok());
    assert_eq!(
        kept.ask("disk", "encrypt", json!({ "plaintext": "aGk=" }))["version"],
        2
    );

    let refused = kept.vault.rotate_secret(&name("disk"), &key(), NOW);
    assert!(matches!(
        refused,
        Err(VaultError::OtherKind {
            given: Kind::Ed25519,
            ..
        })
    ));
}

#[test]
fn a_retired_version_is_not_used_even_with_an_older_permit() {
    let mut kept = Kept::furnished();
    kept.keep(|vault| vault.rotate_secret(&name("deploy"), &key(), NOW));
    let permit = kept.permit("deploy", "sign", message());
    kept.keep(|vault| vault.retire(&name("deploy"), Some(2), NOW));
    let refused = kept.spend(permit).unwrap_err();
    assert!(matches!(
        refused.cause(),
        NotUsed::Retired { version: 2, .. }
    ));
    assert_eq!(refused.problem(), Problem::Unsuitable);
    // The version before is the current one now, and the public key still verifies signatures.
    assert_eq!(kept.ask("deploy", "sign", message())["version"], 1);
    assert_eq!(
        kept.ask("deploy", "public-key", json!({ "version": 2 }))["version"],
        2
    );
    let again = kept.vault.retire(&name("deploy"), Some(2), NOW);
    assert!(matches!(
        again,
        Err(VaultError::VersionRetired { version: 2, .. })
    ));

    kept.keep(|vault| vault.retire(&name("deploy"), None, NOW));
    assert!(
        kept.vault
            .catalog()
            .secret(&name("deploy"))
            .unwrap()
            .current()
            .is_none()
    );
    let refused = kept.vault.rotate_secret(&name("deploy"), &key(), NOW);
    assert!(matches!(refused, Err(VaultError::Retired(_))));
    // Nothing is deleted: the owner still sees it.
    let shown = kept.keep(|vault| vault.reveal_intent(&name("deploy"), None));
    assert_eq!(shown.version(), Some(2));
    assert!(kept.vault.reveal(&shown).is_ok());
}

#[test]
fn a_suspended_service_uses_nothing_even_with_an_older_permit() {
    let mut kept = Kept::furnished();
    let permit = kept.permit("deploy", "sign", message());
    kept.keep(|vault| vault.suspend(&Scope::Service(name("atlas")), NOW));
    let refused = kept.spend(permit).unwrap_err();
    assert!(matches!(refused.cause(), NotUsed::Suspended(_)));
    assert_eq!(refused.problem(), Problem::NotAuthenticated);
    assert!(
        kept.vault
            .catalog()
            .service(&name("atlas"))
            .unwrap()
            .suspended,
        "it stays enrolled"
    );
    kept.keep(|vault| vault.resume(&Scope::Service(name("atlas")), NOW));
    assert_eq!(kept.ask("deploy", "sign", message())["version"], 1);
}

#[test]
fn a_use_is_recorded_before_it_happens_even_if_it_then_does_not() {
    let mut kept = Kept::furnished();
    let permit = kept.permit("release", "sign", message());
    kept.vault.lock();
    let refused = kept.spend(permit).unwrap_err();
    assert!(matches!(refused.cause(), NotUsed::Locked));
    assert_eq!(refused.problem(), Problem::Locked);
    let entry = Entry::parse(&refused.noted().entry).unwrap();
    let Event::Use {
        ask,
        secret,
        version,
        ..
    } = entry.event
    else {
        panic!("{entry:?}");
    };
    assert_eq!(
        (ask.asked, secret, version),
        (name("release"), name("deploy"), 1)
    );
    let verified = verify(&kept.reader, &kept.identity.checkpoint_vkey()).unwrap();
    assert_eq!(verified.size, refused.noted().index + 1);
}

#[test]
fn a_value_is_revealed_only_for_a_durable_entry_about_it() {
    let mut kept = Kept::furnished();
    let intent = kept.keep(|vault| vault.reveal_intent(&name("heroku/prod"), None));
    assert!(matches!(
        intent.event(),
        Event::Administration {
            action: Action::SecretRevealed,
            by: By::Owner,
            version: Some(1),
            ..
        }
    ));
    assert_eq!(
        **kept.vault.reveal(&intent).unwrap(),
        *b"hunter2-of-the-vault"
    );
    // A key comes as PEM, an alias is followed.
    let intent = kept.keep(|vault| vault.reveal_intent(&name("release"), Some(1)));
    assert!(
        kept.vault
            .reveal(&intent)
            .unwrap()
            .starts_with(b"-----BEGIN PRIVATE KEY-----")
    );

    let other = kept.keep(|vault| vault.rotate_secret(&name("deploy"), &key(), NOW));
    assert!(matches!(
        kept.vault.reveal(&other),
        Err(VaultError::NotARevelation)
    ));
}
