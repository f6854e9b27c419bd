//! An older copy of everything, put back: signed, whole, and noticed all the same.

use std::process::Command;

use crate::support::{Vault, succeed};

#[test]
fn an_older_copy_of_the_vault_is_refused() {
    let vault = Vault::create();
    vault.enrol("atlas");
    let backup = vault.path().join("backup");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        let mut command = Command::new("cp");
        command.arg("-a").arg(from).arg(to);
        succeed(command);
    };
    copy(&vault.home(), &backup);

    // What an attacker would want undone.
    vault.run(&["service", "suspend", "atlas"]);
    std::fs::remove_dir_all(vault.home()).unwrap();
    copy(&backup, &vault.home());

    for arguments in [
        &["agent"][..],
        &["service", "list"],
        &["secret", "generate", "k", "--kind", "hmac"],
    ] {
        let said = vault.fail(1, arguments);
        assert!(
            said.contains("an older copy was put in its place"),
            "{said}"
        );
        assert!(
            said.contains("if you put back a backup on purpose, remove `"),
            "{said}"
        );
    }

    // The owner who did it on purpose does what the message says.
    std::fs::remove_dir_all(vault.path().join("state")).unwrap();
    assert_eq!(vault.json(&["service", "list"])[0]["suspended"], false);
}

#[test]
fn cutting_the_newest_records_off_is_noticed_without_any_memory() {
    let vault = Vault::create();
    vault.enrol("atlas");
    vault.run(&["service", "suspend", "atlas"]);
    std::fs::remove_dir_all(vault.path().join("state")).unwrap();
    let mut sqlite = Command::new("sqlite3");
    sqlite.arg(vault.store()).arg(
        "drop trigger record_delete; delete from record where seq = (select max(seq) from record);",
    );
    succeed(sqlite);
    let said = vault.fail(1, &["service", "list"]);
    assert!(said.contains("record"), "{said}");
}
