//! Disks that are full, read-only, damaged or edited; files that are not as they should be. The
//! owner is told what to do, nothing is made worse, and no key is used without its entry.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Agent, PASSPHRASE, Vault, eventually, python, script, succeed, text};

/// Where the test finds its own small file system, once it runs inside it.
const SMALL_DISK: &str = "STRONGROOM_TEST_SMALL_DISK";

/// Runs a test's story on a file system of its own with so many MiB: the test starts itself again
/// in a mount namespace, which needs no root and is gone with the last process in it.
pub(crate) fn on_a_small_disk(test: &str, mebibytes: u32, story: impl FnOnce(&Path)) {
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return story(Path::new(&disk));
    }
    let place = TempDir::new().unwrap();
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(format!(
            r#"mount -t tmpfs -o size={mebibytes}m,mode=700 tmpfs "$1" && shift && exec "$@""#
        ))
        .arg("sh")
        .arg(place.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(SMALL_DISK, place.path())
        .output()
        .expect("`unshare` is missing; run the tests with `tests/run`");
    let told = text(&output);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "the test on a small disk did not pass; it needs user namespaces or root to mount one:\n{told}"
    );
}

/// Writes until there is no space left.
pub(crate) fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for block in [1 << 16, 1 << 12, 1] {
        let zeros = vec![0; block];
        let full = loop {
            if let Err(error) = file.write_all(&zeros) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::StorageFull, "{full}");
    }
}

/// A vault with a key that `atlas` may sign with; the service's private key.
fn ready(vault: &Vault) -> PathBuf {
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    key
}

/// Requests one after the other, or those of `resend` again; what became of each.
fn ask(agent: &Agent<'_>, key: &Path, count: u32, resend: Option<&Path>, out: &Path) -> Vec<Value> {
    let mut command = python();
    command
        .arg(script("load.py"))
        .args(["--agent", &agent.url(), "--cacert"])
        .arg(agent.vault.certificate());
    command
        .arg("--key")
        .arg(key)
        .args(["--count", &count.to_string()]);
    if let Some(earlier) = resend {
        command.arg("--resend").arg(earlier);
    }
    command.arg(
        json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGk="}})
            .to_string(),
    );
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    fs::write(out, &output.stdout).unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn readiness(agent: &Agent<'_>) -> String {
    let output = agent.curl(
        "/readyz",
        &["--output", "/dev/null", "--write-out", "%{http_code}"],
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Somebody who can write the file, with a tool that is not ours.
fn sqlite(vault: &Vault, sql: &str) -> std::process::Output {
    let mut command = Command::new("sqlite3");
    command.arg(vault.store()).arg(sql).stdin(Stdio::null());
    command
        .output()
        .expect("`sqlite3` is missing; run the tests with `tests/run`")
}

fn edit(vault: &Vault, sql: &str) {
    let output = sqlite(vault, sql);
    assert!(output.status.success(), "{}", text(&output));
}

/// Every file in the vault's directory, with its mode and content.
fn snapshot(vault: &Vault) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    fs::read_dir(vault.home())
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| {
            (
                path.clone(),
                (
                    fs::metadata(&path).unwrap().permissions().mode(),
                    fs::read(path).unwrap(),
                ),
            )
        })
        .collect()
}

fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
}

#[test]
fn on_a_full_disk_no_key_is_used_and_nothing_is_lost() {
    on_a_small_disk(
        "disk::on_a_full_disk_no_key_is_used_and_nothing_is_lost",
        24,
        |disk| {
            // The agent's own log is on that disk too, as it often is.
            let vault = Vault::create_in(TempDir::new_in(disk).unwrap());
            let elsewhere = TempDir::new().unwrap();
            let [before, during, again, after] =
                ["1", "2", "3", "4"].map(|name| elsewhere.path().join(name));
            let key = ready(&vault);
            let agent = vault.agent();
            assert!(
                ask(&agent, &key, 3, None, &before)
                    .iter()
                    .all(|line| line["status"] == 200)
            );
            assert_eq!(readiness(&agent), "200");

            let filler = disk.join("filler");
            fill(&filler);
            // What is written beside the log may find a last gap; then there is none.
            let full = ask(&agent, &key, 40, None, &during);
            assert!(
                full.iter()
                    .all(|line| line["status"] == 200 || line["status"] == 503),
                "{full:?}"
            );
            let refused: Vec<_> = full.iter().filter(|line| line["status"] == 503).collect();
            assert!(
                full.last().unwrap()["status"] == 503,
                "the disk was not full: {full:?}"
            );
            for line in &refused {
                assert_eq!(
                    line["answer"]["type"], "urn:strongroom:problem:cannot-record",
                    "{line}"
                );
                assert!(
                    line["answer"].get("result").is_none()
                        && line["answer"].get("sealed").is_none(),
                    "{line}"
                );
            }
            assert_eq!(readiness(&agent), "503");
            assert_says(&vault.run(&["status"]), &["could not be recorded"]);
            assert_says(
                &vault.fail(1, &["secret", "generate", "another", "--kind", "hmac"]),
                &["full disk", "free some space"],
            );

            fs::remove_file(&filler).unwrap();
            eventually("the agent is ready again by itself", || {
                readiness(&agent) == "200"
            });
            // What was refused was not spent: the same bytes are good now. What was answered was.
            let first: BTreeMap<_, _> = full
                .iter()
                .map(|line| (line["nonce"].to_string(), line["status"].clone()))
                .collect();
            for line in ask(&agent, &key, 0, Some(&during), &again) {
                let expected = if first[&line["nonce"].to_string()] == 503 {
                    200
                } else {
                    409
                };
                assert_eq!(line["status"], expected, "{line}");
            }
            assert!(
                ask(&agent, &key, 3, None, &after)
                    .iter()
                    .all(|line| line["status"] == 200)
            );
            agent.stop();

            let entries = vault.entries();
            let uses = entries
                .iter()
                .filter(|entry| entry["kind"] == "use")
                .count();
            assert_eq!(uses, 3 + full.len() + 3);
            vault.run(&["audit", "verify"]);
        },
    );
}

#[test]
fn an_init_on_a_full_disk_says_so_and_can_be_done_again() {
    on_a_small_disk(
        "disk::an_init_on_a_full_disk_says_so_and_can_be_done_again",
        1,
        |disk| {
            let elsewhere = TempDir::new().unwrap();
            let passphrase = elsewhere.path().join("passphrase");
            fs::write(&passphrase, "battery staple").unwrap();
            let init = || {
                let mut command = Command::new(crate::support::program());
                command
                    .arg("--home")
                    .arg(disk.join("home"))
                    .arg("--passphrase-file")
                    .arg(&passphrase)
                    .arg("init");
                command.output().unwrap()
            };
            fill(&disk.join("filler"));
            let full = init();
            assert_eq!(full.status.code(), Some(1), "{}", text(&full));
            assert_says(&text(&full), &["No space left"]);
            assert!(!disk.join("home/strongroom.db").exists());
            fs::remove_file(disk.join("filler")).unwrap();
            let done = init();
            assert!(done.status.success(), "{}", text(&done));
        },
    );
}

#[test]
fn a_read_only_disk_is_said_and_can_still_be_read() {
    on_a_small_disk(
        "disk::a_read_only_disk_is_said_and_can_still_be_read",
        24,
        |disk| {
            let vault = Vault::create_in(TempDir::new_in(disk).unwrap());
            ready(&vault);
            let before = vault.entries();
            let remount = |how: &str| {
                let mut command = Command::new("mount");
                command
                    .args(["-o", &format!("remount,bind,{how}")])
                    .arg(disk);
                succeed(command);
            };
            remount("ro");
            for command in [
                &["agent"][..],
                &["secret", "list"],
                &["secret", "generate", "a", "--kind", "hmac"],
            ] {
                assert_says(&vault.fail(1, command), &["Read-only file system", "home"]);
            }
            // A copy of the vault on a medium that nobody can change is just what an auditor wants.
            vault.run(&["audit", "verify"]);
            assert_eq!(vault.entries(), before);
            remount("rw");
            vault.agent().stop();
        },
    );
}

#[test]
fn a_damaged_store_is_named_and_left_as_it_is() {
    // The header, the records, the entries.
    for page in [0, 1, 4] {
        let vault = Vault::create();
        ready(&vault);
        // All of the store is in its one file once the last command has closed it.
        assert!(!vault.home().join("strongroom.db-wal").exists());
        let store = File::options().write(true).open(vault.store()).unwrap();
        store.write_all_at(&[0xA5; 4096], page * 4096).unwrap();
        let damaged = fs::read(vault.store()).unwrap();
        for command in [
            &["agent"][..],
            &["status"],
            &["secret", "list"],
            &["secret", "generate", "new", "--kind", "hmac"],
        ] {
            let told = vault.fail(1, command);
            assert_says(
                &told,
                &["strongroom.db", "damaged", "copy its whole directory away"],
            );
        }
        if page != 1 {
            assert_says(&vault.fail(1, &["audit", "verify"]), &["damaged"]);
        }
        assert_says(
            &vault.fail(1, &["init"]),
            &["already", "nothing was changed"],
        );
        assert!(
            fs::read(vault.store()).unwrap() == damaged,
            "page {page} was written over"
        );
    }
}

#[test]
fn a_wrong_passphrase_is_said_and_recorded() {
    let vault = Vault::create();
    ready(&vault);
    fs::write(vault.passphrase_file(), "not the passphrase\n").unwrap();
    for (failures, command) in [
        (1, &["agent", "--unlock"][..]),
        (2, &["secret", "generate", "a", "--kind", "hmac"]),
    ] {
        let told = vault.fail(1, command);
        assert_says(&told, &["the passphrase is wrong", "recovery key"]);
        assert!(!told.contains("not the passphrase"), "{told}");
        assert_eq!(failed_unlocks(&vault), failures);
    }
    let agent = vault.locked_agent();
    for (failures, command) in [(3, &["unlock"][..]), (4, &["unlock", "--recovery"])] {
        vault.fail(1, command);
        assert_eq!(failed_unlocks(&vault), failures, "{command:?}");
    }
    assert_eq!(vault.json(&["status"])["unlocked"], false);

    // An unlocked vault asks all the same before it shows a value.
    fs::write(vault.passphrase_file(), PASSPHRASE).unwrap();
    vault.run(&["unlock"]);
    fs::write(vault.passphrase_file(), "not the passphrase\n").unwrap();
    assert_says(
        &vault.fail(1, &["secret", "reveal", "deploy-key"]),
        &["the passphrase is wrong"],
    );
    assert_eq!(failed_unlocks(&vault), 5);
    agent.stop();
}

fn failed_unlocks(vault: &Vault) -> usize {
    vault
        .entries()
        .iter()
        .filter(|entry| entry["action"] == "unlock-failed")
        .count()
}

#[test]
fn a_record_that_the_owner_did_not_sign_is_refused_by_its_number() {
    // The key of another service, a policy that allows more, a signature from elsewhere.
    for (number, edit_of) in [
        (
            3,
            "UPDATE record SET body = replace(body, '\"atlas\"', '\"hydra\"') WHERE seq = 3",
        ),
        (
            4,
            "UPDATE record SET body = replace(body, 'Action::\\\"sign', 'Action::\\\"release') WHERE seq = 4",
        ),
        (
            2,
            "UPDATE record SET signature = (SELECT signature FROM record WHERE seq = 3) WHERE seq = 2",
        ),
        (
            5,
            "INSERT INTO record SELECT 5, replace(body, '\"seq\":4', '\"seq\":5'), signature FROM record WHERE seq = 4",
        ),
    ] {
        let vault = Vault::create();
        ready(&vault);
        let count =
            String::from_utf8(sqlite(&vault, "SELECT max(seq) FROM record").stdout).unwrap();
        assert_eq!(count.trim(), "4", "created, secret, service, policy");
        let before = sqlite(&vault, "SELECT * FROM record").stdout;
        edit(
            &vault,
            &format!("DROP TRIGGER record_update; DROP TRIGGER record_insert; {edit_of}"),
        );
        assert!(
            sqlite(&vault, "SELECT * FROM record").stdout != before,
            "{edit_of}"
        );
        for command in [&["agent"][..], &["secret", "list"], &["service", "list"]] {
            let told = vault.fail(1, command);
            assert_says(
                &told,
                &[
                    "cannot be trusted",
                    &format!("record {number} "),
                    "owner key",
                    "restore the vault from a copy",
                ],
            );
        }
    }
}

#[test]
fn a_setting_that_is_not_known_is_named_with_its_line() {
    let vault = Vault::create();
    vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n\n[limits]\nbodyy = 5000\n");
    for command in [&["agent"][..], &["status"]] {
        assert_says(
            &vault.fail(1, command),
            &["agent.toml", "line 5", "bodyy", "`body`"],
        );
    }
    vault.configure("[listen]\ntls = \"localhost\"\n");
    assert_says(
        &vault.fail(1, &["agent"]),
        &["line 2", "localhost", "127.0.0.1:7443"],
    );
}

#[test]
fn a_changed_audit_log_is_told_by_its_first_bad_entry() {
    let vault = Vault::create();
    ready(&vault);
    let size = vault.entries().len();
    assert_eq!(size, 4);
    let pristine = fs::read(vault.store()).unwrap();
    for (sql, words) in [
        (
            "UPDATE entry SET line = replace(line, 'deploy-key', 'harmless') WHERE idx = 1",
            "entry 1 ",
        ),
        (
            "UPDATE entry SET line = line || ' ' WHERE idx >= 2",
            "entry 2 ",
        ),
        (
            "UPDATE entry SET hashes = zeroblob(length(hashes)) WHERE idx = 3",
            "entry 3 ",
        ),
        ("DELETE FROM entry WHERE idx = 3", "entry 3 "),
        ("DELETE FROM entry WHERE idx = 0", "entry 0 "),
        (
            "INSERT INTO entry SELECT 4, line, hashes FROM entry WHERE idx = 2",
            "entry 4 ",
        ),
    ] {
        for name in ["entry_update", "entry_delete", "entry_insert"] {
            edit(&vault, &format!("DROP TRIGGER {name}"));
        }
        edit(&vault, sql);
        let told = vault.fail(1, &["audit", "verify"]);
        assert_says(&told, &["does not verify", words]);
        fs::write(vault.store(), &pristine).unwrap();
        vault.run(&["audit", "verify"]);
    }
}

#[test]
fn the_database_itself_refuses_to_change_or_delete_what_was_recorded() {
    let vault = Vault::create();
    let key = ready(&vault);
    let agent = vault.agent();
    assert!(
        agent
            .request(&key, &["sign", "deploy-key", "--message", "hi"])
            .status
            .success()
    );
    for sql in [
        "UPDATE entry SET line = '{}' WHERE idx = 1",
        "DELETE FROM entry",
        "REPLACE INTO entry SELECT idx, '{}', hashes FROM entry WHERE idx = 1",
        "UPDATE record SET body = '{}'",
        "DELETE FROM record WHERE seq = 4",
        "DELETE FROM nonce",
        "UPDATE nonce SET service = 'other'",
        "DELETE FROM checkpoint",
        "UPDATE checkpoint SET size = size - 1",
    ] {
        let refused = sqlite(&vault, sql);
        assert!(!refused.status.success(), "{sql}");
        let told = text(&refused);
        assert!(
            told.contains("never") || told.contains("only added at the end"),
            "{told}"
        );
    }
    vault.run(&["audit", "verify"]);
    agent.stop();
}

#[test]
fn files_that_others_can_read_are_refused() {
    let vault = Vault::create();
    let identity = vault.home().join("identity");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&identity, 0o644);
    assert_says(
        &vault.fail(1, &["agent"]),
        &["identity", "0644", "chmod 600"],
    );
    mode(&identity, 0o600);
    mode(&vault.home(), 0o755);
    assert_says(&vault.fail(1, &["agent"]), &["0755", "chmod 700"]);
    mode(&vault.home(), 0o700);
    vault.agent().stop();
}

#[test]
fn a_second_agent_is_refused_and_the_first_goes_on() {
    let vault = Vault::create();
    let agent = vault.agent();
    assert_says(
        &vault.fail(1, &["agent"]),
        &["holds", "already", "strongroom status"],
    );
    assert_eq!(vault.json(&["status"])["running"], true);
    assert!(agent.curl("/healthz", &["--fail"]).status.success());
    agent.stop();
}

#[test]
fn commands_wait_for_each_other() {
    let vault = Vault::create();
    let adding: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("key-{number}");
            vault
                .command(&["secret", "generate", &name, "--kind", "hmac"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut each in adding {
        assert!(each.wait().unwrap().success());
    }
    assert_eq!(vault.json(&["secret", "list"]).as_array().unwrap().len(), 4);
}

#[test]
fn an_init_on_a_vault_changes_nothing() {
    let vault = Vault::create();
    ready(&vault);
    let before = snapshot(&vault);
    assert_says(
        &vault.fail(1, &["init"]),
        &["already", "nothing was changed"],
    );
    assert!(snapshot(&vault) == before);
    let agent = vault.agent();
    assert_says(
        &vault.fail(1, &["init"]),
        &["already", "nothing was changed"],
    );
    agent.stop();
}

#[test]
fn an_init_that_is_killed_half_way_can_be_done_again() {
    // Killed when a file of the vault shows up, from the first to the last.
    for sign in [
        "lock",
        "identity",
        "certificate.pem",
        "agent.toml",
        "strongroom.db.new",
        "strongroom.db.new-wal",
    ] {
        let place = TempDir::new().unwrap();
        let home = place.path().join("home");
        let passphrase = place.path().join("passphrase");
        fs::write(&passphrase, "battery staple\n").unwrap();
        let strongroom = |arguments: &[&str]| {
            let mut command = Command::new(crate::support::program());
            command
                .arg("--home")
                .arg(&home)
                .arg("--passphrase-file")
                .arg(&passphrase)
                .args(arguments);
            command
                .env("XDG_STATE_HOME", place.path().join("state"))
                .stdout(Stdio::null());
            command
        };
        let mut first = strongroom(&["init"]).spawn().unwrap();
        while !home.join(sign).exists() && first.try_wait().unwrap().is_none() {
            std::hint::spin_loop();
        }
        first.kill().unwrap();
        first.wait().unwrap();

        // Half a vault is no vault; a whole one is whole.
        let made = home.join("strongroom.db").exists();
        assert!(
            !made || sign != "lock",
            "the passphrase's key takes longer than that"
        );
        let again = strongroom(&["init"]).output().unwrap();
        assert_eq!(again.status.success(), !made, "{sign}: {}", text(&again));
        succeed(strongroom(&["secret", "generate", "key", "--kind", "hmac"]));
        succeed(strongroom(&["audit", "verify"]));
    }
}
