//! Rotation: by a provider with a program of the owner's, when it is due, under load; and keys that
//! stop encrypting in time. Whatever fails, a version works.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    disk::{fill, on_a_small_disk},
    support::{Agent, Vault, eventually, python, script, succeed, text},
};

const NAME: &str = "heroku/prod";

/// A provider with one root key, which is in the vault too.
struct Provider {
    keys: PathBuf,
    url: String,
    server: Child,
    _directory: TempDir,
}

impl Provider {
    fn start(vault: &Vault) -> Self {
        let directory = TempDir::new().unwrap();
        let keys = directory.path().join("keys.json");
        fs::write(&keys, json!({"key-of-the-first-day": "works"}).to_string()).unwrap();
        let mut server = python()
            .arg(script("rotating.py"))
            .arg("serve")
            .arg(&keys)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        let added = ["secret", "add", NAME, "--kind", "token"];
        vault.run_with_input(&added, b"key-of-the-first-day\n");
        Self {
            keys,
            url: format!("http://127.0.0.1:{}", port.trim()),
            server,
            _directory: directory,
        }
    }

    /// The owner's program, which misbehaves in this way.
    fn program(&self, mode: &[&str]) -> Vec<String> {
        let python = python().get_program().to_str().unwrap().to_owned();
        let script = script("rotating.py").to_str().unwrap().to_owned();
        let mut command = vec![python, script, "rotate".to_owned(), self.url.clone()];
        command.extend(mode.iter().map(|&word| word.to_owned()));
        command
    }

    /// `secret rotate heroku/prod … --with PROGRAM`, ready to run.
    fn rotate(&self, vault: &Vault, flags: &[&str], mode: &[&str]) -> Command {
        let mut command = vault.command(&["secret", "rotate", NAME]);
        command.args(flags).arg("--with").args(self.program(mode));
        command
    }

    /// The keys that work, and how many were revoked.
    fn state(&self) -> (BTreeSet<String>, usize) {
        let keys: BTreeMap<String, String> =
            serde_json::from_str(&fs::read_to_string(&self.keys).unwrap()).unwrap();
        let revoked = keys.values().filter(|state| *state == "revoked").count();
        let works = keys.into_iter().filter(|(_, state)| state == "works");
        (works.map(|(key, _)| key).collect(), revoked)
    }

    /// The vault's current version is a key that works, and the only one.
    #[track_caller]
    fn knows_only(&self, vault: &Vault, version: u32) {
        let current = current(vault, NAME);
        assert_eq!(current.0, version);
        let (works, revoked) = self.state();
        assert_eq!(works, BTreeSet::from([current.1]));
        assert_eq!(revoked as u32, version - 1);
        assert!(!is_pending(vault));
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// The version that new uses take, and its value.
fn current(vault: &Vault, name: &str) -> (u32, String) {
    let revealed = vault.json(&["secret", "reveal", name]);
    let value = STANDARD
        .decode(revealed["value"].as_str().unwrap())
        .unwrap();
    (
        revealed["version"].as_u64().unwrap() as u32,
        String::from_utf8(value).unwrap(),
    )
}

fn is_pending(vault: &Vault) -> bool {
    let directory = vault.home().join("rotation");
    directory.exists() && fs::read_dir(directory).unwrap().next().is_some()
}

/// `action version detail` of each entry about this secret that its rotation made.
fn told(vault: &Vault, name: &str) -> Vec<(String, Value, String)> {
    vault
        .entries()
        .into_iter()
        .filter(|entry| entry["subject"] == name && entry["action"] != "secret-added")
        .map(|entry| {
            let word = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
            (word("action"), entry["version"].clone(), word("detail"))
        })
        .collect()
}

fn actions(vault: &Vault, name: &str) -> Vec<String> {
    told(vault, name).into_iter().map(|one| one.0).collect()
}

fn bind(vault: &Vault, name: &str, rotation: Value) {
    let binding = json!({ "rotation": rotation }).to_string();
    let bind = ["secret", "bind", name, "--file", "-"];
    vault.run_with_input(&bind, binding.as_bytes());
}

/// What a pending file holds, by stock tools and the recovery key, as the manual says it.
fn opened_by_age(vault: &Vault, file: &str) -> Value {
    fs::write(vault.path().join("recovery.txt"), &vault.recovery_key).unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-ec", r#"
            sqlite3 home/strongroom.db "select writefile('root.age', root) from slot where name = 'recovery'" >/dev/null
            age --decrypt --identity recovery.txt --output root.txt root.age
            sed -n '/BEGIN AGE/,/END AGE/p' "home/rotation/$0" | age --decrypt --identity root.txt
            rm root.txt root.age recovery.txt
        "#])
        .arg(file)
        .current_dir(vault.path());
    serde_json::from_str(&succeed(command)).unwrap()
}

#[track_caller]
fn failed(mut command: Command, words: &[&str]) -> Output {
    let output = command.output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    output
}

#[test]
fn a_key_is_made_anew_at_its_provider_stored_and_then_revoked() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    provider.knows_only(&vault, 1);
    // Without an agent, and with one.
    succeed(provider.rotate(&vault, &[], &[]));
    provider.knows_only(&vault, 2);
    let agent = vault.agent();
    let said = succeed(provider.rotate(&vault, &["--retire-old"], &[]));
    assert!(said.contains("version 3"), "{said}");
    provider.knows_only(&vault, 3);

    let python = python().get_program().to_str().unwrap().to_owned();
    let handed = format!("handed to `{python}`, to rotate it");
    let made = |version: u32| format!("`{python}` made it, in place of version {version}");
    let told: Vec<_> = told(&vault, NAME)
        .into_iter()
        // The test looked at the values itself.
        .filter(|(action, _, detail)| action != "secret-revealed" || !detail.is_empty())
        .collect();
    let entry = |action: &str, version: u32, detail: &str| {
        (action.to_owned(), json!(version), detail.to_owned())
    };
    assert_eq!(
        told,
        [
            entry("secret-revealed", 1, &handed),
            entry("secret-rotated", 2, &made(1)),
            entry("secret-revoked", 1, ""),
            entry("secret-revealed", 2, &handed),
            entry("secret-rotated", 3, &made(2)),
            entry("secret-revoked", 2, ""),
            entry("secret-retired", 2, ""),
        ]
    );
    agent.stop();
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_program_that_makes_no_new_key_leaves_the_old_one_in_use() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let stays = "version 1 of `heroku/prod` stays in use";
    for (mode, flags, why) in [
        ("refuses", &[][..], "it ended with exit status: 1"),
        ("silent", &[], "it printed nothing"),
        ("hangs", &["--timeout", "1"], "it took longer than 1 s"),
        ("killed", &[], "signal: 9"),
    ] {
        let output = failed(provider.rotate(&vault, flags, &[mode]), &[why, stays]);
        if mode == "refuses" {
            assert!(text(&output).contains("the provider said no"), "its words");
        }
        provider.knows_only(&vault, 1);
        let last = told(&vault, NAME);
        let failure = last.iter().rev().find(|one| one.0 == "rotation-failed");
        assert!(failure.unwrap().2.contains(why), "{last:?}");
    }
    let mut missing = vault.command(&["secret", "rotate", NAME, "--with", "/no/such/program"]);
    missing.arg("--flag-of-its-own");
    failed(missing, &["it cannot be started", stays]);
    provider.knows_only(&vault, 1);

    // What was never begun can't be gone on with.
    for flag in ["--resume", "--abandon"] {
        let said = vault.fail(1, &["secret", "rotate", NAME, flag]);
        assert!(
            said.contains("no rotation of `heroku/prod` is left"),
            "{said}"
        );
    }
}

#[test]
fn what_a_program_printed_before_it_went_wrong_is_kept() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    // The new key is good: it is taken after all.
    for (version, mode, flags, why) in [
        (1, "fails-late", &[][..], "exit status: 7"),
        (
            2,
            "hangs-late",
            &["--timeout", "5"],
            "it took longer than 5 s",
        ),
    ] {
        failed(
            provider.rotate(&vault, flags, &[mode]),
            &[why, "is kept, sealed, in `", "--resume"],
        );
        assert_eq!(provider.state().0.len(), 2, "both work");
        assert_eq!(current(&vault, NAME).0, version);
        let again = failed(provider.rotate(&vault, &[], &[]), &["is not over"]);
        assert!(text(&again).contains("--abandon"));
        let sealed = fs::read(vault.home().join("rotation/heroku+prod.pending")).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("key-"), "sealed");
        let opened = opened_by_age(&vault, "heroku+prod.pending");
        let value = STANDARD.decode(opened["value"].as_str().unwrap()).unwrap();
        let value = String::from_utf8(value).unwrap();
        assert!(provider.state().0.contains(value.trim_end()));
        assert_eq!(
            (&opened["secret"], &opened["replaces"]),
            (&json!(NAME), &json!(version))
        );
        succeed(provider.rotate(&vault, &["--resume"], &[]));
        provider.knows_only(&vault, version + 1);
    }
    // It is no key, or the old one, or too much: the owner tidies up and forgets it.
    for (mode, why) in [
        ("chatters", "is no new value of `heroku/prod`"),
        ("same", "is the one that it has already"),
        ("floods", "it printed more than"),
    ] {
        failed(provider.rotate(&vault, &[], &[mode]), &[why, "version 3"]);
        assert!(is_pending(&vault));
        assert_eq!(current(&vault, NAME).0, 3);
        let said = vault.run(&["secret", "rotate", NAME, "--abandon"]);
        assert!(
            said.contains("version 3 of `heroku/prod` is in use"),
            "{said}"
        );
        assert!(!is_pending(&vault));
    }
    vault.run(&["audit", "verify"]);
}

#[test]
fn an_old_key_that_can_not_be_revoked_is_told_of_and_revoked_later() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let _agent = vault.agent();
    failed(
        provider.rotate(&vault, &["--retire-old"], &["keeps"]),
        &[
            "version 2 of `heroku/prod` is stored and in use",
            "version 1 may still work",
            "--resume",
        ],
    );
    assert_eq!((current(&vault, NAME).0, provider.state().0.len()), (2, 2));
    let last = told(&vault, NAME);
    let failure = last.iter().find(|one| one.0 == "rotation-failed").unwrap();
    assert!(
        failure.2.contains("did not revoke version 1"),
        "{failure:?}"
    );

    // The program is known: it fails the same way again, and nothing is made twice.
    let said = vault.fail(1, &["secret", "rotate", NAME, "--resume"]);
    assert!(said.contains("version 1 may still work"), "{said}");
    succeed(provider.rotate(&vault, &["--resume"], &[]));
    provider.knows_only(&vault, 2);
    let retired = told(&vault, NAME);
    assert_eq!(
        retired
            .iter()
            .filter(|one| one.0 == "secret-retired")
            .count(),
        1
    );
}

#[test]
fn an_agent_that_is_killed_in_the_middle_costs_nothing() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    // Between the new key and the vault; then between the provider's revocation and its entry.
    let mut version = 1;
    for (mode, words) in [
        (
            "kills",
            ["could not be stored; version 1 stays in use", "--resume"],
        ),
        (
            "kills-after",
            ["is stored and in use, and version 2 is revoked", "--resume"],
        ),
    ] {
        let agent = vault.agent();
        let pid = agent.child.id().to_string();
        failed(provider.rotate(&vault, &[], &[mode, &pid]), &words);
        drop(agent);
        assert!(is_pending(&vault));
        let _again = vault.agent();
        succeed(provider.rotate(&vault, &["--resume"], &[]));
        version += 1;
        provider.knows_only(&vault, version);
    }
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_command_that_is_killed_leaves_word_of_what_it_did() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let _agent = vault.agent();
    let mut running = provider.rotate(&vault, &[], &["hangs"]).spawn().unwrap();
    eventually("the program runs", || {
        actions(&vault, NAME).contains(&"secret-revealed".to_owned())
    });
    let busy = "another command rotates `heroku/prod` at this moment";
    failed(provider.rotate(&vault, &[], &[]), &[busy]);
    failed(provider.rotate(&vault, &["--resume"], &[]), &[busy]);
    running.kill().unwrap();
    running.wait().unwrap();

    failed(
        provider.rotate(&vault, &[], &[]),
        &["is not over", "--abandon"],
    );
    failed(
        provider.rotate(&vault, &["--resume"], &[]),
        &[
            "was cut off at",
            "Look at the provider",
            "version 1 of `heroku/prod` stays in use",
        ],
    );
    vault.run(&["secret", "rotate", NAME, "--abandon"]);
    succeed(provider.rotate(&vault, &[], &[]));
    provider.knows_only(&vault, 2);
}

#[test]
fn an_interrupted_rotation_says_which_version_works() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    let _agent = vault.agent();
    let mut command = provider.rotate(&vault, &[], &["hangs"]);
    let running = command.stderr(Stdio::piped()).spawn().unwrap();
    eventually("the program runs", || {
        actions(&vault, NAME).contains(&"secret-revealed".to_owned())
    });
    // The handler is there when the program runs, which the entry comes before.
    eventually("the program has started", || {
        let children = format!("/proc/{0}/task/{0}/children", running.id());
        !fs::read_to_string(children).unwrap_or_default().is_empty()
    });
    let mut kill = Command::new("kill");
    kill.args(["-s", "INT", &running.id().to_string()]);
    succeed(kill);
    let output = running.wait_with_output().unwrap();
    let said = text(&output);
    assert!(
        said.contains("interrupted") && said.contains("stays in use"),
        "{said}"
    );
    provider.knows_only(&vault, 1);
}

#[test]
fn a_full_disk_costs_no_new_key() {
    on_a_small_disk("rotation::a_full_disk_costs_no_new_key", 24, |disk| {
        let vault = Vault::create_in(TempDir::new_in(disk).unwrap());
        let provider = Provider::start(&vault);
        let agent = vault.agent();
        let filler = disk.join("filler");
        fill(&filler);
        failed(
            provider.rotate(&vault, &[], &[]),
            &["cannot", "nothing was done at the provider"],
        );
        assert_eq!(provider.state().0.len(), 1);
        fs::remove_file(&filler).unwrap();

        // It is full when the new key is there: the room for it was taken before.
        let path = filler.to_str().unwrap();
        failed(
            provider.rotate(&vault, &[], &["fills", path]),
            &[
                "could not be stored; version 1 stays in use",
                "is kept, sealed, in `",
            ],
        );
        assert_eq!(provider.state().0.len(), 2);
        fs::remove_file(&filler).unwrap();
        succeed(provider.rotate(&vault, &["--resume"], &[]));
        provider.knows_only(&vault, 2);
        agent.stop();
        vault.run(&["audit", "verify"]);
    });
}

#[test]
fn a_value_is_handed_over_only_for_the_passphrase_and_a_locked_vault_hands_over_nothing() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    vault.run(&["alias", "set", "deploy", NAME]);
    let wrong = vault.path().join("wrong");
    fs::write(&wrong, "not the passphrase\n").unwrap();
    let _agent = vault.locked_agent();
    let rotate = |secret: &str, passphrase: &Path| {
        let mut command = Command::new(crate::support::program());
        command
            .arg("--home")
            .arg(vault.home())
            .arg("--passphrase-file")
            .arg(passphrase)
            .args(["secret", "rotate", secret, "--with"])
            .args(provider.program(&[]))
            .env("XDG_STATE_HOME", vault.path().join("state"))
            .stdin(Stdio::null());
        command.output().unwrap()
    };
    let locked = rotate(NAME, &vault.passphrase_file());
    assert_eq!(locked.status.code(), Some(4), "{}", text(&locked));
    vault.run(&["unlock"]);
    let refused = rotate(NAME, &wrong);
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused));
    let alias = rotate("deploy", &vault.passphrase_file());
    assert!(text(&alias).contains("`deploy` is an alias; the secret is `heroku/prod`"));
    provider.knows_only(&vault, 1);
    let by_program = told(&vault, NAME);
    assert!(
        by_program.iter().all(|one| one.2.is_empty()),
        "{by_program:?}"
    );
}

#[test]
fn every_kind_gets_a_new_version_or_says_where_it_comes_from() {
    let vault = Vault::create();
    let _agent = vault.agent();
    for kind in [
        "ed25519", "p256", "p384", "rsa", "hmac", "aes256", "token", "opaque",
    ] {
        vault.run(&["secret", "generate", kind, "--kind", kind]);
        let row = vault.json(&["secret", "rotate", kind, "--generate"]);
        assert_eq!(row["current"], 2, "{kind}");
        assert_eq!(row["versions"].as_array().unwrap().len(), 2);
    }
    vault.run(&["alias", "set", "signer", "ed25519"]);
    let said = vault.fail(1, &["secret", "rotate", "signer", "--generate"]);
    assert!(
        said.contains("`signer` is an alias; the secret is `ed25519`"),
        "{said}"
    );

    let add = ["secret", "add", "login", "--kind", "basic"];
    vault.run_with_input(&add, b"atlas:hunter2");
    let said = vault.fail(1, &["secret", "rotate", "login", "--generate"]);
    assert!(
        said.contains("kind `basic` comes from its provider"),
        "{said}"
    );
    vault.run_with_input(&["secret", "rotate", "login"], b"atlas:hunter3");
    assert_eq!(current(&vault, "login"), (2, "atlas:hunter3".to_owned()));
    let file = vault.path().join("value");
    fs::write(&file, "atlas:hunter4").unwrap();
    vault.run(&[
        "secret",
        "rotate",
        "login",
        "--file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(current(&vault, "login").0, 3);
}

#[test]
fn what_is_due_is_rotated_by_one_command() {
    let vault = Vault::create();
    let provider = Provider::start(&vault);
    vault.run(&["secret", "generate", "signer", "--kind", "ed25519"]);
    vault.run(&["secret", "generate", "young", "--kind", "ed25519"]);
    vault.run_with_input(
        &["secret", "add", "console", "--kind", "token"],
        b"typed-by-hand",
    );
    let due = |row: &Value| row["due"].as_array().unwrap().len();
    let none: Vec<Value> = serde_json::from_value(vault.json(&["secret", "list"])).unwrap();
    assert!(none.iter().all(|row| due(row) == 0));
    assert_eq!(vault.json(&["secret", "rotate", "--due"]), json!([]));

    bind(&vault, "signer", json!({"max_age": "PT1S"}));
    bind(&vault, "young", json!({"max_age": "P90D"}));
    bind(&vault, "console", json!({"max_age": "PT1S"}));
    bind(
        &vault,
        NAME,
        json!({"max_age": "PT1S", "command": provider.program(&["keeps"])}),
    );
    eventually("three are due", || vault.json(&["status"])["due"] == 3);
    assert!(
        vault
            .run(&["status"])
            .contains("3 secrets are due for a new version")
    );
    assert!(vault.run(&["secret", "list"]).contains(", due"));
    assert!(
        vault
            .run(&["secret", "show", "signer"])
            .contains("old, never used")
    );

    let plan = vault.json(&["secret", "rotate", "--due", "--dry-run"]);
    let outcome = |rows: &Value, name: &str| -> String {
        let rows = rows.as_array().unwrap();
        let row = rows.iter().find(|row| row["name"] == name);
        row.map_or("", |row| row["outcome"].as_str().unwrap())
            .to_owned()
    };
    assert_eq!(outcome(&plan, "signer"), "would-rotate");
    assert_eq!(outcome(&plan, "console"), "needs-a-hand");
    assert_eq!(outcome(&plan, NAME), "would-rotate");
    assert_eq!(outcome(&plan, "young"), "");
    assert_eq!(current(&vault, NAME).0, 1);

    // One fails, the others are done all the same, and the exit code says so.
    let mut command = vault.command(&["secret", "rotate", "--due"]);
    let output = command.output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in [
        "rotated, now version 2",
        "needs a hand",
        "failed, see below",
        "version 1 may still work",
        "one secret could not be rotated",
    ] {
        assert!(said.contains(word), "{said}");
    }
    assert_eq!(vault.json(&["secret", "show", "signer"])["current"], 2);
    succeed(provider.rotate(&vault, &["--resume"], &[]));
    provider.knows_only(&vault, 2);

    bind(
        &vault,
        NAME,
        json!({"max_age": "PT1S", "command": provider.program(&[])}),
    );
    bind(&vault, "console", json!({"max_age": "P90D"}));
    eventually("it is due again", || {
        due(&vault.json(&["secret", "show", NAME])) == 1
    });
    let done = vault.json(&["secret", "rotate", "--due"]);
    assert_eq!(outcome(&done, NAME), "rotated", "{done}");
    provider.knows_only(&vault, 3);
    bind(&vault, NAME, json!({"command": provider.program(&[])}));
    vault.run(&["secret", "rotate", NAME, "--recipe"]);
    provider.knows_only(&vault, 4);
    let said = vault.fail(1, &["secret", "rotate", "signer", "--recipe"]);
    assert!(said.contains("names no program"), "{said}");
}

#[test]
fn what_is_due_is_told_once_across_restarts() {
    let vault = Vault::create();
    for name in ["first", "second", "third"] {
        vault.run(&["secret", "generate", name, "--kind", "ed25519"]);
    }
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "third"]);
    let due = |name: &str| -> Vec<String> {
        let told = told(&vault, name).into_iter();
        let due = told.filter(|one| one.0 == "secret-due");
        due.map(|one| one.2).collect()
    };
    bind(&vault, "first", json!({"max_age": "PT1S"}));
    let agent = vault.agent();
    eventually("the agent tells by itself", || due("first").len() == 1);
    let sentences = vault.run(&["audit", "show"]);
    assert!(
        sentences.contains("secret first is due for rotation: "),
        "{sentences}"
    );
    // Set while the agent runs; when it is told, the first was looked at again too.
    bind(&vault, "second", json!({"max_age": "PT1S"}));
    eventually("it looks again when something is set", || {
        due("second").len() == 1
    });
    agent.kill();

    let agent = vault.agent();
    bind(&vault, "third", json!({"max_age": "PT1S", "max_uses": 2}));
    eventually("the age is told", || due("third").len() == 1);
    for _ in 0..4 {
        let signed = agent.request(&key, &["sign", "third", "--message", "hello"]);
        assert!(signed.status.success(), "{}", text(&signed));
    }
    assert_eq!(due("third").len(), 2, "and the uses");
    assert!(due("third").contains(&"used 2 times".to_owned()));
    agent.stop();
    let agent = vault.agent();
    vault.run(&["secret", "rotate", "first", "--generate"]);
    eventually("a new version is told of by itself", || {
        due("first").len() == 2
    });
    assert_eq!((due("second").len(), due("third").len()), (1, 2));
    agent.stop();
    let shown = vault.json(&["secret", "show", "third"]);
    assert_eq!(shown["versions"][0]["uses"], 4);
    vault.run(&["audit", "verify"]);
}

/// Requests of four threads; their answers, one a line.
fn load(agent: &Agent<'_>, key: &Path, count: u32, body: &Value, out: &Path) -> Child {
    let mut command = python();
    command
        .arg(script("load.py"))
        .args(["--agent", &agent.url(), "--cacert"])
        .arg(agent.vault.certificate())
        .arg("--key")
        .arg(key)
        .args(["--threads", "4", "--count", &count.to_string()])
        .arg(body.to_string())
        .stdout(File::create(out).unwrap());
    command.spawn().unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let whole = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    whole.collect()
}

#[test]
fn a_key_stops_encrypting_exactly_when_it_must() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "box", "--kind", "aes256"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "encrypt,decrypt", "box"]);
    // As if it had encrypted 2^32 - 1 - 9 times: counts may be written upwards.
    let mut preset = Command::new("sqlite3");
    preset.arg(vault.store()).arg(
        "INSERT INTO usage SELECT seq, 4294967286, 4294967286 FROM record WHERE body LIKE '%\"secret\":\"box\"%'",
    );
    succeed(preset);

    let agent = vault.agent();
    let body = json!({"secret": "box", "operation": "encrypt", "input": {"plaintext": "aGVsbG8="}});
    let out = vault.path().join("out");
    assert!(load(&agent, &key, 6, &body, &out).wait().unwrap().success());
    let answers = lines(&out);
    let with = |status: u64| answers.iter().filter(move |line| line["status"] == status);
    assert_eq!(
        (with(200).count(), with(422).count()),
        (9, 15),
        "{answers:?}"
    );
    let refused = with(422).next().unwrap();
    assert!(
        refused["answer"]["detail"]
            .as_str()
            .unwrap()
            .contains("its owner has to rotate it")
    );
    let entries = vault.entries();
    let used_up = entries.iter().filter(|entry| entry["reason"] == "used-up");
    assert_eq!(used_up.count(), 15);

    // It is the store that knows: a restart changes nothing, and what was encrypted is read.
    agent.kill();
    let agent = vault.agent();
    let encrypt = ["encrypt", "box", "--message", "hello"];
    assert!(text(&agent.request(&key, &encrypt)).contains("4294967295 encryptions"));
    let sealed = &with(200).next().unwrap()["answer"]["result"];
    let decrypt = |version: u64| {
        let input = json!({
            "ciphertext": sealed["ciphertext"], "iv": sealed["iv"], "tag": sealed["tag"], "version": version,
        });
        let opened = agent.request(&key, &["decrypt", "box", "--input", &input.to_string()]);
        assert!(opened.status.success(), "{}", text(&opened));
    };
    decrypt(1);
    vault.run(&["secret", "rotate", "box", "--generate"]);
    let again = agent.request(&key, &encrypt);
    assert!(again.status.success(), "{}", text(&again));
    decrypt(1);
    agent.stop();
    vault.run(&["audit", "verify"]);
}

#[test]
fn nobody_notices_a_rotation_under_load() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "signer", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "signer"]);
    let agent = vault.agent();
    let body = json!({"secret": "signer", "operation": "sign", "input": {"message": "aGVsbG8="}});
    let out = vault.path().join("out");
    let mut asking = load(&agent, &key, 100_000, &body, &out);
    let answered = || {
        fs::read_to_string(&out)
            .unwrap()
            .matches("\"status\": 200")
            .count()
    };
    for round in 1..=6 {
        let before = answered();
        eventually("requests are answered between rotations", || {
            answered() > before + 20
        });
        let row = vault.json(&["secret", "rotate", "signer", "--generate"]);
        assert_eq!(row["current"], round + 1);
    }
    let before = answered();
    eventually("requests are answered", || answered() > before + 20);
    // Told to stop, the agent finishes what it has begun: who gets no answer was not let in.
    asking.kill().unwrap();
    asking.wait().unwrap();
    agent.stop();

    let shown = vault.json(&["secret", "show", "signer"]);
    let publics: BTreeMap<u64, Vec<u8>> = shown["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| {
            let pem: String = version["public_key"]
                .as_str()
                .unwrap()
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect();
            let spki = STANDARD.decode(pem).unwrap();
            // RFC 8410: the key is the last 32 bytes.
            (
                version["version"].as_u64().unwrap(),
                spki[spki.len() - 32..].to_vec(),
            )
        })
        .collect();
    let mut seen = BTreeSet::new();
    for line in lines(&out) {
        assert_eq!(line["status"], 200, "a caller saw an error: {line}");
        let result = &line["answer"]["result"];
        let version = result["version"].as_u64().unwrap();
        let entry: Value = serde_json::from_str(line["answer"]["entry"].as_str().unwrap()).unwrap();
        assert_eq!(
            entry["version"], version,
            "the entry names the version that was used"
        );
        let signature = STANDARD
            .decode(result["signature"].as_str().unwrap())
            .unwrap();
        UnparsedPublicKey::new(&ED25519, &publics[&version])
            .verify(b"hello", &signature)
            .unwrap_or_else(|_| panic!("version {version} did not sign this: {line}"));
        seen.insert(version);
    }
    assert_eq!(seen, (1..=7).collect(), "every version was used");
    vault.run(&["audit", "verify"]);
}
