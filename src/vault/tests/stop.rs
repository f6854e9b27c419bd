//! The kill switch: suspending secrets and everything, with the root in the vault and with the brake.

use super::fixture::*;
use crate::{
    answer::Problem,
    audit::{Action, By, Event},
    vault::*,
};

fn secret(text: &str) -> Scope {
    Scope::Secret(name(text))
}

#[test]
fn a_suspended_secret_is_not_used_even_with_an_older_permit() {
    let mut kept = Kept::furnished();
    let permit = kept.permit("release", "sign", message());
    let public = kept.permit("deploy", "public-key", serde_json::json!({}));
    kept.keep(|vault| vault.suspend(&secret("deploy"), NOW));
    for permit in [permit, public] {
        let refused = kept.spend(permit).unwrap_err();
        assert!(matches!(refused.cause(), NotUsed::SecretSuspended(_)));
        assert_eq!(refused.problem(), Problem::Suspended);
        assert_eq!(refused.told(), "the owner has suspended this secret");
    }
    // A new version of it is suspended too, and another secret is not.
    kept.keep(|vault| vault.rotate_secret(&name("deploy"), &key(), NOW));
    assert!(
        kept.vault
            .catalog()
            .secret(&name("deploy"))
            .unwrap()
            .suspended
    );
    let catalog = kept.vault.catalog();
    assert!(catalog.stopped(&name("atlas"), &name("deploy")).is_some());
    assert!(
        catalog
            .stopped(&name("atlas"), &name("heroku/prod"))
            .is_none()
    );
    kept.keep(|vault| vault.resume(&secret("deploy"), NOW));
    assert_eq!(kept.ask("deploy", "sign", message())["version"], 2);
}

#[test]
fn nothing_is_used_when_everything_is_suspended() {
    let mut kept = Kept::furnished();
    let permit = kept.permit("deploy", "sign", message());
    let changed = kept.keep(|vault| vault.suspend(&Scope::Everything, NOW));
    assert!(matches!(
        changed.event(),
        Event::Administration {
            action: Action::Panicked,
            subject: None,
            by: By::Owner,
            record: Some(7),
            ..
        }
    ));
    let refused = kept.spend(permit).unwrap_err();
    assert!(matches!(refused.cause(), NotUsed::AllSuspended));
    assert_eq!(refused.problem(), Problem::Suspended);
    // It is in the records, so a restart does not end it.
    let reopened = Vault::open(&kept.records()).unwrap();
    assert!(reopened.catalog().is_suspended());
    kept.keep(|vault| vault.resume(&Scope::Everything, NOW));
    assert_eq!(kept.ask("deploy", "sign", message())["version"], 1);
}

#[test]
fn what_is_so_already_is_no_change() {
    let mut kept = Kept::furnished();
    let vault = &kept.vault;
    assert!(matches!(
        vault.resume(&secret("deploy"), NOW),
        Err(VaultError::SecretNotSuspended(_))
    ));
    assert!(matches!(
        vault.resume(&Scope::Everything, NOW),
        Err(VaultError::AllNotSuspended)
    ));
    assert!(matches!(
        vault.suspend(&secret("nothing"), NOW),
        Err(VaultError::NoSecret(_))
    ));
    assert!(matches!(
        vault.suspend(&secret("release"), NOW),
        Err(VaultError::IsAlias { .. })
    ));
    let resolved = secret("release").resolved(&vault.catalog());
    assert_eq!(resolved, secret("deploy"));
    kept.keep(|vault| vault.suspend(&resolved, NOW));
    kept.keep(|vault| vault.suspend(&Scope::Everything, NOW));
    let vault = &kept.vault;
    assert!(matches!(
        vault.suspend(&secret("deploy"), NOW),
        Err(VaultError::SecretSuspendedAlready(_))
    ));
    assert!(matches!(
        vault.suspend(&Scope::Everything, NOW),
        Err(VaultError::AllSuspendedAlready)
    ));
}

#[test]
fn the_brake_locks_first_and_signs_then() {
    let mut kept = Kept::furnished();
    let permit = kept.permit("deploy", "sign", message());
    let brake = kept.vault.pull_brake().unwrap();
    assert!(!kept.vault.is_unlocked());
    assert!(kept.vault.pull_brake().is_none(), "it was locked already");
    let refused = kept.spend(permit).unwrap_err();
    assert!(matches!(refused.cause(), NotUsed::Locked));

    kept.keep(|vault| brake.suspend(vault, &Scope::Everything, NOW));
    drop(brake);
    assert!(!kept.vault.is_unlocked());
    let reopened = Vault::open(&kept.records()).unwrap();
    assert!(reopened.catalog().is_suspended());
    reopened.unlock(&kept.slots(), &passphrase()).unwrap();
}

#[test]
fn the_brake_waits_for_uses_that_have_begun() {
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
        let _brake = kept.vault.pull_brake().unwrap();
        for user in users {
            user.join().unwrap();
        }
    });
}

#[test]
fn a_locked_vault_is_suspended_with_its_passphrase_and_stays_locked() {
    let mut kept = Kept::furnished();
    kept.vault.lock();
    assert!(matches!(
        kept.vault.suspend(&secret("deploy"), NOW),
        Err(VaultError::Locked)
    ));
    let slots = kept.slots();
    let wrong = kept.vault.brake(&slots, &Passphrase::from("wrong horse"));
    assert!(matches!(wrong.err(), Some(UnlockError::WrongPassphrase)));

    let brake = kept.vault.brake(&slots, &passphrase()).unwrap();
    for scope in [secret("deploy"), Scope::Service(name("atlas"))] {
        kept.keep(|vault| brake.suspend(vault, &scope, NOW));
    }
    assert!(!kept.vault.is_unlocked());
    let catalog = kept.vault.catalog();
    assert!(catalog.secret(&name("deploy")).unwrap().suspended);
    assert!(catalog.service(&name("atlas")).unwrap().suspended);

    // It is this vault's root or none.
    let other = Kept::new();
    let foreign = kept.vault.brake(&other.slots(), &passphrase());
    assert!(matches!(foreign.err(), Some(UnlockError::OtherOwner)));
}
