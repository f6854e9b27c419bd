//! Nothing secret is stored in the clear, shown, or in an error; and age opens it all.

use secrecy::ExposeSecret as _;

use super::fixture::*;
use crate::vault::{root::Root, *};

#[test]
fn the_store_holds_nothing_in_the_clear_and_debug_redacts() {
    let kept = Kept::furnished();
    let root_file = kept.vault.unlocked().as_ref().unwrap().root.to_file();
    let mut secrets: Vec<&str> = root_file
        .lines()
        .skip(1)
        .map(|line| line.trim_start_matches("# owner-key: "))
        .collect();
    let passphrase = passphrase();
    secrets.extend([
        "hunter2-of-the-vault",
        passphrase.expose_secret(),
        kept.recovery_key.reveal(),
    ]);

    let unlocked = kept.vault.unlocked();
    let shown = [
        format!("{:?}", kept.vault),
        format!(
            "{:?} {:?}",
            unlocked.as_ref().unwrap().root,
            unlocked.as_ref().unwrap().shield
        ),
        format!("{:?}", kept.vault.catalog()),
        format!("{:?} {:?} {:?}", kept.recovery_key, passphrase, key()),
        format!("{:?}", kept.records()),
        kept.slots()
            .iter()
            .map(|slot| format!("{slot:?} {}", String::from_utf8_lossy(&slot.root)))
            .collect(),
    ];
    for secret in secrets {
        assert!(
            shown.iter().all(|text| !text.contains(secret)),
            "a secret is shown"
        );
    }
}

#[test]
fn nothing_secret_is_in_an_error() {
    let kept = Kept::furnished();
    let typed = "hunter2 typed by hand";
    let errors = [
        kept.vault
            .unlock(&kept.slots(), &Passphrase::from(typed))
            .unwrap_err()
            .to_string(),
        typed.parse::<RecoveryKey>().unwrap_err().to_string(),
        Root::parse(typed.as_bytes()).unwrap_err().to_string(),
        format!("{:?}", Root::parse(typed.as_bytes()).unwrap_err()),
    ];
    assert!(
        errors.iter().all(|error| !error.contains("hunter2")),
        "{errors:?}"
    );
}

/// The promise of the file format: with the recovery key and stock `age`, no program of ours.
#[test]
fn stock_age_opens_the_vault() {
    let age = std::process::Command::new("age").arg("--version").output();
    if !age.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no `age` on the PATH");
        return;
    }
    let kept = Kept::furnished();
    let home = tempfile::tempdir().unwrap();
    let path = |file: &str| home.path().join(file);
    let decrypt = |identity: &str, from: &str| {
        let output = std::process::Command::new("age")
            .args(["-d", "-i"])
            .args([path(identity), path(from)])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    std::fs::write(path("recovery.txt"), &**kept.recovery_key.reveal()).unwrap();
    let recovery = kept
        .slots()
        .into_iter()
        .find(|slot| slot.name == slot::RECOVERY)
        .unwrap();
    std::fs::write(path("root.age"), &recovery.root).unwrap();
    std::fs::write(path("root.txt"), decrypt("recovery.txt", "root.age")).unwrap();
    std::fs::write(path("value.age"), kept.version("heroku/prod", 1).value()).unwrap();
    assert_eq!(decrypt("root.txt", "value.age"), b"hunter2-of-the-vault");
}
