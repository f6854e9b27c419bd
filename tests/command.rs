//! The command as a user meets it: help, exit codes, lists, and what it says when something is
//! wrong.

use std::{fs, process::Command};

use serde_json::Value;

use crate::support::{Vault, program, succeed, text};

mod mistakes;
mod owner;
pub mod screen;

/// The program with nothing around it: no vault, no passphrase.
fn bare(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .env_remove("STRONGROOM_HOME")
        .stdin(std::process::Stdio::null());
    command
}

#[test]
fn every_command_has_help() {
    let mut waiting = vec![Vec::new()];
    let mut seen = 0;
    while let Some(words) = waiting.pop() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = succeed(bare(&[&words[..], &["--help"]].concat()));
        let (summary, usage) = help
            .split_once("\n\nUsage: strongroom")
            .unwrap_or_else(|| panic!("{words:?}: {help}"));
        assert!(!summary.trim().is_empty(), "{words:?}: {help}");
        let mut lines = usage
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1);
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            // A long summary goes on in the next line, indented further.
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                assert!(line.split_whitespace().count() > 1, "{line}");
                waiting.push(
                    [&words[..], &[name]]
                        .concat()
                        .into_iter()
                        .map(str::to_owned)
                        .collect(),
                );
            }
        }
        seen += 1;
    }
    assert!(seen > 30, "{seen} commands were found");
}

#[test]
fn exit_codes_tell_what_happened() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&[
        "grant",
        "atlas",
        "sign",
        "deploy-key",
        "--purpose",
        "release *",
    ]);
    // 1: it was not done. 2: it was not understood.
    vault.fail(1, &["secret", "show", "nothing"]);
    for usage in [
        &["nonsense"][..],
        &[],
        &["secret"],
        &["secret", "generate", "x", "--kind", "pigeon"],
        &["grant", "atlas"],
    ] {
        vault.fail(2, usage);
    }
    // 4: the vault is locked, for the owner and for a service.
    let agent = vault.locked_agent();
    let sign = [
        "sign",
        "deploy-key",
        "--message",
        "hello",
        "--purpose",
        "release 1",
    ];
    assert_eq!(agent.request(&key, &sign).status.code(), Some(4));
    for locked in [
        &["secret", "generate", "other", "--kind", "token"][..],
        &["secret", "reveal", "deploy-key"],
    ] {
        let mut command = bare(locked);
        command.arg("--home").arg(vault.home());
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(4),
            "{locked:?}: {}",
            text(&output)
        );
    }
    // 3: policy says no. 0: it is done.
    vault.run(&["unlock"]);
    assert_eq!(
        agent
            .request(&key, &["sign", "deploy-key", "--message", "hello"])
            .status
            .code(),
        Some(3)
    );
    assert_eq!(agent.request(&key, &sign).status.code(), Some(0));
}

#[test]
fn every_list_is_a_table_for_people_and_json_for_programs() {
    let vault = Vault::create();
    // Nothing there yet: a person is told what to do, a program gets an empty list.
    for (list, hint) in [
        (&["secret", "list"][..], "strongroom secret add NAME"),
        (&["alias", "list"], "strongroom alias set NAME SECRET"),
        (
            &["service", "list"],
            "strongroom service add NAME --key FILE",
        ),
        (&["policy", "show"], "strongroom grant"),
        (&["notify", "list"], "[[notify]]"),
    ] {
        let output = vault.command(list).output().unwrap();
        assert!(
            output.status.success() && output.stdout.is_empty(),
            "{list:?}: {}",
            text(&output)
        );
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(hint),
            "{list:?}: {}",
            text(&output)
        );
        assert_eq!(vault.json(list), Value::Array(Vec::new()), "{list:?}");
    }

    vault.run(&[
        "secret",
        "generate",
        "deploy-key",
        "--kind",
        "ed25519",
        "--label",
        "production",
    ]);
    vault.run(&["alias", "set", "deploy", "deploy-key"]);
    vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n[[notify]]\nname = \"tell-me\"\nkind = \"command\"\nprogram = [\"true\"]\n");
    for (list, heading, row) in [
        (
            &["secret", "list"][..],
            "NAME KIND VERSION FOR ALIASES LABELS AGE",
            "deploy-key ed25519 1 deploy production",
        ),
        (&["alias", "list"], "ALIAS SECRET", "deploy deploy-key"),
        (&["service", "list"], "NAME STATE KEYIDS", "atlas enrolled"),
        (
            &["policy", "show"],
            "NAME VERSION STATE SUMMARY",
            "atlas-sign-deploy-key 1 in force `atlas` may `sign` with `deploy-key`",
        ),
        (
            &["notify", "list"],
            "NAME KIND DELIVERED BEHIND LAST HEALTH",
            "tell-me command",
        ),
    ] {
        let table = vault.run(list);
        let lines: Vec<String> = table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[0], heading);
        assert!(
            lines.len() == 2 && lines[1].starts_with(row),
            "{list:?}: {table}"
        );
        let rows = vault.json(list);
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{list:?}: {rows}");
    }
    assert_eq!(
        vault.json(&["secret", "show", "deploy"])["name"],
        "deploy-key",
        "an alias shows its secret"
    );
    assert_eq!(
        vault.json(&["policy", "show", "atlas-sign-deploy-key"])["version"],
        1
    );
    assert_eq!(vault.json(&["status"])["secrets"], 1);
    assert!(
        vault
            .run(&["status"])
            .contains("1 secret, 1 service, 1 policy; ")
    );
    assert_eq!(vault.json(&["audit", "verify"])["valid"], true);
    assert!(vault.json(&["audit", "receipt", "0"])["receipt"].is_string());
}

#[test]
fn shells_complete_commands_and_man_shows_the_page() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = |name: &str, arguments: &[&str]| {
        let path = directory.path().join(name);
        fs::write(&path, succeed(bare(arguments))).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("MANWIDTH", "100")
            .env("LC_ALL", "C.UTF-8");
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}; run the tests with `tests/run`"));
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{program}: {}",
            text(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let bash = file("bash", &["completions", "bash"]);
    let complete = "COMP_WORDS=(strongroom secret ge); COMP_CWORD=2; _strongroom strongroom ge secret; echo \"${COMPREPLY[@]}\"";
    assert_eq!(
        run("bash", &["-c", &format!("source {bash}; {complete}")]),
        "generate\n"
    );
    let fish = file("fish", &["completions", "fish"]);
    let told = run(
        "fish",
        &[
            "--no-config",
            "-c",
            &format!("source {fish}; complete -C 'strongroom secret ge'"),
        ],
    );
    assert_eq!(told, "generate\tMake a fresh secret inside the vault\n");
    // Completion in zsh needs a terminal: that it is well-formed is as far as this goes.
    run("zsh", &["-n", &file("zsh", &["completions", "zsh"])]);

    let page = run(
        "man",
        &["--warnings", "-l", &file("strongroom.1", &["man"])],
    );
    for heading in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "COMMANDS",
        "strongroom secret add",
        "strongroom audit verify",
    ] {
        assert!(
            page.lines().any(|line| line.trim() == heading),
            "{heading}: {page}"
        );
    }
    assert!(
        !page.contains("strongroom-secret"),
        "there is no other page to point at"
    );
}
