//! The owner is told in a file: JSON lines, through `logrotate`, a full disk and a crash; and events
//! of the Open Cybersecurity Schema Framework, held against its schema.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    disk::on_a_small_disk,
    support::{
        Vault, eventually, python, script, succeed, text,
        told::{HOSTILE, complete, ill, long_and_hostile, sign, unpacked, vault_that_tells},
        with_input,
    },
};

fn settings(path: &Path) -> String {
    format!(
        "[[notify]]\nname = \"log\"\nkind = \"file\"\npath = \"{}\"\n",
        path.display()
    )
}

fn vault_that_logs() -> (Vault, PathBuf, PathBuf) {
    let (vault, key) = vault_that_tells(|directory| settings(&directory.join("told.jsonl")));
    let path = vault.path().join("told.jsonl");
    (vault, key, path)
}

/// Every line is whole and JSON; but the last may be half written.
fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn ids(path: &Path) -> Vec<String> {
    let id = |line: &Value| line["id"].as_str().unwrap().to_owned();
    lines(path).iter().map(id).collect()
}

#[test]
fn every_entry_is_a_line_that_a_terminal_shows_unharmed() {
    let (vault, key, path) = vault_that_logs();
    let agent = vault.agent();
    for purpose in ["release 5", HOSTILE, &long_and_hostile()] {
        sign(&agent, &key, purpose);
    }
    assert_eq!(complete(&vault, || ids(&path)), 0);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let entries = vault.entries();
    for line in lines(&path) {
        let index = line["index"].as_u64().unwrap() as usize;
        assert_eq!(line["entry"], entries[index]);
    }
    let raw = fs::read_to_string(&path).unwrap();
    let shown = |c: char| c == '\n' || !(c.is_control() || "\u{200b}\u{feff}\u{e0041}".contains(c));
    assert!(raw.chars().all(shown));
    assert!(
        raw.contains("\u{fc}\u{6f22}\u{1f512}"),
        "others stay as they are"
    );
    agent.stop();
}

#[test]
fn logrotate_takes_the_file_away_and_no_line_is_lost() {
    let (vault, key, path) = vault_that_logs();
    let agent = vault.agent();
    let configuration = vault.path().join("logrotate.conf");
    let rule = "rotate 10\ncreate 0600\nmissingok\nnodateext\n";
    fs::write(&configuration, format!("{} {{\n{rule}}}\n", path.display())).unwrap();
    let state = vault.path().join("logrotate.state");
    for release in 0..4 {
        sign(&agent, &key, &format!("release {release}"));
        if release < 2 {
            eventually("it is told before it is rotated", || !ids(&path).is_empty());
        }
        let (_, mut logrotate) = unpacked("usr/sbin/logrotate");
        logrotate.args(["--force", "--state"]).arg(&state);
        logrotate.arg(&configuration);
        succeed(logrotate);
    }
    sign(&agent, &key, "release 4");
    let all = || -> Vec<String> {
        let parts = (1..=4)
            .rev()
            .map(|part| format!("{}.{part}", path.display()));
        let mut ids_of_all: Vec<_> = parts.flat_map(|part| ids(Path::new(&part))).collect();
        ids_of_all.extend(ids(&path));
        ids_of_all
    };
    assert_eq!(complete(&vault, all), 0);
    assert!(!ids(Path::new(&format!("{}.4", path.display()))).is_empty());
    agent.stop();
}

#[test]
fn a_crash_glues_no_lines_and_loses_none() {
    let (vault, key, path) = vault_that_logs();
    for release in 0..3 {
        let agent = vault.agent();
        sign(&agent, &key, &format!("release {release}"));
        agent.kill();
    }
    let agent = vault.agent();
    complete(&vault, || ids(&path));
    agent.stop();

    // What somebody else wrote there stays, on a line of its own.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"# a remark").unwrap();
    let agent = vault.agent();
    sign(&agent, &key, "the last");
    eventually("it goes on", || {
        let text = fs::read_to_string(&path).unwrap();
        text.contains("\n# a remark\n{") && text.contains("the last")
    });
    agent.stop();
}

#[test]
fn a_full_disk_is_an_outage() {
    on_a_small_disk("file::a_full_disk_is_an_outage", 1, |disk| {
        let ballast = disk.join("ballast");
        let path = disk.join("told.jsonl");
        let (vault, key) = vault_that_tells(|_| settings(&path));
        let agent = vault.agent();
        sign(&agent, &key, "before");
        complete(&vault, || ids(&path));
        // All of the rest but what a line or two need.
        let mut file = fs::File::create(&ballast).unwrap();
        while file.write_all(&[0; 512]).is_ok() {}
        for release in 0..20 {
            sign(
                &agent,
                &key,
                &format!("release {release} {}", long_and_hostile())[..500],
            );
        }
        ill(&vault, "No space left");
        drop(file);
        fs::remove_file(&ballast).unwrap();
        assert_eq!(complete(&vault, || ids(&path)), 0);
        agent.stop();
    });
}

#[test]
fn every_event_is_one_of_its_ocsf_class() {
    let (vault, key) = vault_that_tells(|directory| {
        settings(&directory.join("told.jsonl")) + "format = \"ocsf\"\n"
    });
    let path = vault.path().join("told.jsonl");
    let agent = vault.agent();
    sign(&agent, &key, HOSTILE);
    let refused = agent.request(&key, &["release", "deploy-key", "--purpose", "why not"]);
    assert!(!refused.status.success());
    let stranger = vault.service_key("stranger", "ed25519");
    assert!(
        !agent
            .request(&stranger, &["sign", "deploy-key", "--message", "m"])
            .status
            .success()
    );
    for command in [
        &["secret", "generate", "mac-key", "--kind", "hmac"][..],
        &["alias", "set", "deploy", "deploy-key"],
        &["secret", "rotate", "mac-key", "--generate"],
        &["secret", "reveal", "deploy-key"],
        &["service", "suspend", "atlas"],
        &["service", "resume", "atlas"],
        &["secret", "retire", "mac-key"],
    ] {
        vault.run(command);
    }
    let uid = |line: &Value| line["metadata"]["uid"].as_str().unwrap().to_owned();
    let ids = || -> Vec<String> { lines(&path).iter().map(uid).collect() };
    // A test does not wait for what is not told yet, so it could overtake that.
    complete(&vault, ids);
    vault.run(&["notify", "test"]);
    vault.run(&["lock"]);
    fs::write(vault.passphrase_file(), "not the passphrase\n").unwrap();
    vault.fail(1, &["unlock"]);
    fs::write(
        vault.passphrase_file(),
        format!("{}\n", crate::support::PASSPHRASE),
    )
    .unwrap();
    agent.stop();
    // What came in from strangers is recorded as a whole, when the agent stops at the latest.
    let agent = vault.agent();
    complete(&vault, ids);
    agent.stop();

    let mut command = python();
    command.arg(script("ocsf_check.py"));
    let output = with_input(command, &fs::read(&path).unwrap());
    assert!(output.status.success(), "{}", text(&output));
    let counts: Value = serde_json::from_slice(&output.stdout).unwrap();
    for class in [
        "API Activity",
        "Entity Management",
        "Authentication",
        "Application Lifecycle",
        "Detection Finding",
    ] {
        assert!(
            counts[class].as_u64().is_some_and(|count| count > 0),
            "{class}: {counts}"
        );
    }

    let events = lines(&path);
    let entries = vault.entries();
    let of = |kind: &str, operation: &str| {
        let event = events.iter().find(|event| {
            event["metadata"]["event_code"] == kind && event["api"]["operation"] == operation
        });
        event.unwrap_or_else(|| panic!("{kind} {operation}: {events:#?}"))
    };
    let signed = of("use", "sign");
    assert_eq!(signed["type_uid"], 600_399);
    assert_eq!(signed["severity_id"], 2);
    assert_eq!(signed["status_id"], 1);
    assert_eq!(signed["actor"]["user"]["name"], "atlas");
    assert_eq!(signed["resources"][0]["name"], "deploy-key");
    assert_eq!(signed["resources"][0]["version"], "1");
    assert_eq!(signed["src_endpoint"], json!({"ip": "127.0.0.1"}));
    assert_eq!(signed["api"]["request"]["data"]["purpose"], HOSTILE);
    let index = signed["unmapped"]["strongroom"]["index"].as_u64().unwrap() as usize;
    assert_eq!(signed["unmapped"]["strongroom"]["entry"], entries[index]);
    let refused = of("refusal", "release");
    assert_eq!(
        (&refused["status_id"], &refused["type_uid"]),
        (&json!(2), &json!(600_302))
    );
    assert_eq!(refused["status_code"], "denied");
    let action = |action: &str| {
        let mut of = events.iter();
        of.find(|event| event["metadata"]["event_code"] == action)
            .unwrap_or_else(|| panic!("{action}"))
    };
    for (code, type_uid) in [
        ("agent-started", 600_203),
        ("unlocked", 300_201),
        ("unlock-failed", 300_201),
        ("locked", 300_202),
        ("secret-added", 300_401),
        ("secret-rotated", 300_403),
        ("secret-revealed", 300_402),
        ("service-suspended", 300_412),
        ("service-resumed", 300_413),
        ("notification-test", 600_299),
    ] {
        assert_eq!(action(code)["type_uid"], type_uid, "{code}");
    }
    assert_eq!(action("unlock-failed")["status_id"], 2);
    assert_eq!(action("secret-revealed")["severity_id"], 4);
    assert_eq!(action("secret-added")["entity"]["name"], "mac-key");
}
