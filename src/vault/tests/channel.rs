//! What a channel takes for its credential, and from whom.

use serde_json::json;

use super::fixture::*;
use crate::{
    audit::{Action, By, Event},
    binding::{Binding, Destination},
    operation::Kind,
    vault::{material::Material, *},
};

fn to(text: &str) -> Destination {
    text.parse().unwrap()
}

fn bound(kind: Kind, channel: &str, to: &str) -> Binding {
    let text = json!({"channel": {"name": channel, "to": to}}).to_string();
    Binding::parse(kind, &text).unwrap()
}

fn token(value: &str) -> Material {
    Material::import(Some(Kind::Token), value.as_bytes()).unwrap()
}

const HOOKS: &str = "https://hooks.example.com";

/// With `heroku/prod` bound to channel `ops` at [`HOOKS`].
fn kept() -> Kept {
    let mut kept = Kept::furnished();
    let binding = bound(Kind::Token, "ops", HOOKS);
    kept.keep(|vault| vault.bind_secret(&name("heroku/prod"), &binding, NOW));
    kept
}

fn intent(vault: &Vault, secret: &str, channel: &str, at: &str) -> Result<Change, VaultError> {
    vault.credential_intent(&name(secret), &name(channel), Some(&to(at)), 1)
}

#[test]
fn a_credential_is_taken_only_for_a_durable_entry_about_it() {
    let mut kept = kept();
    kept.keep(|vault| vault.set_alias(&name("hook"), &name("heroku/prod"), NOW));
    for asked in ["heroku/prod", "hook"] {
        let proof = kept.keep(|vault| intent(vault, asked, "ops", HOOKS));
        assert_eq!(
            *proof.event(),
            Event::Administration {
                action: Action::ChannelOpened,
                subject: Some("heroku/prod".to_owned()),
                version: Some(1),
                detail: Some("`ops`, to `https://hooks.example.com`".to_owned()),
                by: By::Agent,
                record: None,
            }
        );
        let credential = kept.vault.credential(proof).unwrap();
        assert_eq!(
            format!("{credential:?}"),
            "ChannelCredential(text, [secret])"
        );
        let ChannelCredential::Text(text) = credential else {
            panic!("{credential:?}")
        };
        assert_eq!(*text, "hunter2-of-the-vault");
    }
    // No other entry is a proof, and this one is none for anything else.
    let shown = kept.keep(|vault| vault.reveal_intent(&name("heroku/prod"), None));
    let refused = kept.vault.credential(shown);
    assert!(matches!(refused, Err(VaultError::NotACredential)));
    let proof = kept.keep(|vault| intent(vault, "hook", "ops", HOOKS));
    let refused = kept.vault.reveal(&proof);
    assert!(matches!(refused, Err(VaultError::NotARevelation)));
}

#[test]
fn a_channel_takes_no_secret_that_is_not_bound_to_it_there() {
    let mut kept = kept();
    for (secret, channel, at, said) in [
        (
            "heroku/prod",
            "ops",
            "https://evil.example",
            "it is bound to `ops` at `https://hooks.example.com`",
        ),
        (
            "heroku/prod",
            "ops",
            "https://hooks.example.com:8443",
            "`strongroom secret bind heroku/prod --channel ops --to https://hooks.example.com:8443`",
        ),
        (
            "heroku/prod",
            "ops",
            "hooks.example.com:443",
            "it is bound to `ops`",
        ),
        ("heroku/prod", "other", HOOKS, "it is bound to `ops`"),
        ("deploy", "ops", HOOKS, "it is bound to no channel"),
        ("nothing", "ops", HOOKS, "there is no secret `nothing`"),
    ] {
        let refused = intent(&kept.vault, secret, channel, at).unwrap_err();
        assert!(refused.to_string().contains(said), "{refused}");
    }
    let no_version = kept
        .vault
        .credential_intent(&name("heroku/prod"), &name("ops"), None, 2);
    assert!(matches!(no_version, Err(VaultError::NoVersion { .. })));

    // What the owner does between the entry and the use counts.
    let proof = kept.keep(|vault| intent(vault, "heroku/prod", "ops", HOOKS));
    let elsewhere = bound(Kind::Token, "ops", "https://elsewhere.example");
    kept.keep(|vault| vault.bind_secret(&name("heroku/prod"), &elsewhere, NOW));
    let refused = kept.vault.credential(proof);
    assert!(matches!(refused, Err(VaultError::NotACredential)));
}

#[test]
fn a_locked_vault_gives_no_credential() {
    let mut kept = kept();
    let proof = kept.keep(|vault| intent(vault, "heroku/prod", "ops", HOOKS));
    kept.vault.lock();
    let refused = intent(&kept.vault, "heroku/prod", "ops", HOOKS);
    assert!(matches!(refused, Err(VaultError::Locked)));
    assert!(matches!(
        kept.vault.credential(proof),
        Err(VaultError::Locked)
    ));
}

#[test]
fn what_may_be_taken_follows_the_versions() {
    let mut kept = kept();
    let versions = |kept: &Kept| {
        let may = kept
            .vault
            .catalog()
            .for_channel(&name("heroku/prod"), &name("ops"), None);
        may.map(|may| may.versions)
    };
    assert_eq!(versions(&kept).unwrap(), [1]);
    kept.keep(|vault| vault.rotate_secret(&name("heroku/prod"), &token("hunter3"), NOW));
    assert_eq!(versions(&kept).unwrap(), [2, 1]);

    let proof = kept.keep(|vault| intent(vault, "heroku/prod", "ops", HOOKS));
    kept.keep(|vault| vault.retire(&name("heroku/prod"), Some(1), NOW));
    assert_eq!(versions(&kept).unwrap(), [2]);
    let refused = kept.vault.credential(proof);
    assert!(matches!(refused, Err(VaultError::NotACredential)));
    kept.keep(|vault| vault.retire(&name("heroku/prod"), None, NOW));
    assert!(matches!(versions(&kept), Err(VaultError::Retired(_))));
}

#[test]
fn each_kind_has_its_form() {
    let mut kept = Kept::new();
    let basic = Material::import(Some(Kind::Basic), b"atlas:a:b").unwrap();
    let hmac = Material::import(Some(Kind::Hmac), &[7; 32]).unwrap();
    for (secret, material) in [("mail", &basic), ("hook", &hmac)] {
        let binding = bound(material.kind(), "ops", "mail.example:465");
        kept.keep(|vault| {
            vault.add_secret(&name(secret), material, &SecretOptions::default(), NOW)
        });
        kept.keep(|vault| vault.bind_secret(&name(secret), &binding, NOW));
    }
    let mut take = |secret| {
        let proof = kept.keep(|vault| intent(vault, secret, "ops", "mail.example:465"));
        kept.vault.credential(proof).unwrap()
    };
    let ChannelCredential::Basic { username, password } = take("mail") else {
        panic!("another form")
    };
    assert_eq!((&**username, &**password), ("atlas", "a:b"));
    let ChannelCredential::Key(key) = take("hook") else {
        panic!("another form")
    };
    assert_eq!(**key, [7; 32]);
}
