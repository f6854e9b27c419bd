//! A new value from a provider: sealed before anything else, and put in once.

use zeroize::Zeroizing;

use super::fixture::{Kept, NOW, name};
use crate::{
    audit::{Action, Event},
    operation::Kind,
    vault::{NewValue, Put, VaultError, material::Material},
};

const PROGRAM: &str = "rotate-heroku";

fn new_value(value: &[u8]) -> NewValue {
    NewValue {
        secret: name("heroku/prod"),
        replaces: 1,
        value: Zeroizing::new(value.to_vec()),
    }
}

fn put(kept: &mut Kept, new: &NewValue) -> Result<u32, VaultError> {
    match kept.vault.put_new_value(new, PROGRAM, NOW)? {
        Put::Already(version) => Ok(version),
        Put::New(change) => Ok(kept.keep(|_| Ok(*change)).version().unwrap()),
    }
}

#[test]
fn what_is_sealed_is_opened_by_this_vault_alone() {
    let kept = Kept::furnished();
    let sealed = new_value(b"line\0\xff")
        .seal(&kept.vault.recipient().unwrap())
        .unwrap();
    let opened = kept.vault.open_sealed(&sealed).unwrap();
    assert_eq!(*opened.value, b"line\0\xff");
    assert_eq!((opened.secret, opened.replaces), (name("heroku/prod"), 1));

    let other = Kept::new();
    assert!(matches!(
        other.vault.open_sealed(&sealed),
        Err(VaultError::NotSealedHere(_))
    ));
    let cut = &sealed[..sealed.len() / 2];
    for bad in ["", "rubbish", cut] {
        assert!(matches!(
            kept.vault.open_sealed(bad),
            Err(VaultError::NotSealedHere(_))
        ));
    }
    kept.vault.lock();
    assert!(matches!(
        kept.vault.open_sealed(&sealed),
        Err(VaultError::Locked)
    ));
}

#[test]
fn a_new_value_is_put_in_once_however_often_it_comes() {
    let mut kept = Kept::furnished();
    let new = new_value(b"hunter3-of-the-vault\n");
    assert_eq!(put(&mut kept, &new).unwrap(), 2);
    assert_eq!(put(&mut kept, &new).unwrap(), 2);
    // Also when somebody rotated by hand meanwhile.
    let by_hand = Material::import(Some(Kind::Token), b"hunter4").unwrap();
    kept.keep(|vault| vault.rotate_secret(&name("heroku/prod"), &by_hand, NOW));
    assert_eq!(put(&mut kept, &new).unwrap(), 2);
    assert_eq!(put(&mut kept, &new_value(b"hunter5")).unwrap(), 4);
}

#[test]
fn what_is_no_new_value_is_refused_and_changes_nothing() {
    let mut kept = Kept::furnished();
    let records = kept.records().len();
    assert!(matches!(
        put(&mut kept, &new_value(b"hunter2-of-the-vault\n")),
        Err(VaultError::SameValue(_))
    ));
    let two_lines = put(&mut kept, &new_value(b"made a key\nhunter3")).unwrap_err();
    assert_eq!(
        two_lines.to_string(),
        "this is no new value of secret `heroku/prod`: a secret of kind `token` must be one line of text that is not empty; for other bytes use `opaque`"
    );
    kept.keep(|vault| vault.retire(&name("heroku/prod"), None, NOW));
    assert!(matches!(
        put(&mut kept, &new_value(b"hunter3")),
        Err(VaultError::Retired(_))
    ));
    assert_eq!(kept.records().len(), records + 1);
}

#[test]
fn handing_a_value_over_is_recorded_as_revealing_it() {
    let mut kept = Kept::furnished();
    let prod = name("heroku/prod");
    let changed = kept.keep(|vault| vault.hand_over_intent(&prod, 1, PROGRAM));
    let Event::Administration { action, detail, .. } = changed.event() else {
        panic!()
    };
    assert_eq!(*action, Action::SecretRevealed);
    assert_eq!(
        detail.as_deref(),
        Some("handed to `rotate-heroku`, to rotate it")
    );
    assert_eq!(
        *kept.vault.reveal(&changed).unwrap(),
        b"hunter2-of-the-vault"
    );

    let refused = |wanted, version| {
        let intent = kept.vault.hand_over_intent(&name(wanted), version, PROGRAM);
        intent.unwrap_err().to_string()
    };
    assert_eq!(
        refused("release", 1),
        "`release` is an alias; the secret is `deploy`"
    );
    assert_eq!(
        refused("heroku/prod", 2),
        "secret `heroku/prod` has no version 2"
    );
    assert!(refused("nothing", 1).contains("there is no secret"));
}
