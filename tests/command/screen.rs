//! What is seen on a terminal: colours only there, questions that are answered there, and nothing
//! from a remote that could drive it.

use std::process::Command;

use serde_json::json;

use super::bare;
use crate::support::{PASSPHRASE, Vault, program, with_input};

/// Runs the program on a terminal of its own, with this typed. What the terminal got, and how it
/// ended.
pub fn on_a_terminal(
    arguments: &[&str],
    variables: &[(&str, &str)],
    typed: &str,
) -> (String, Option<i32>) {
    let quoted = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    let line: Vec<String> = [program().to_str().unwrap()]
        .iter()
        .chain(arguments)
        .map(|word| quoted(word))
        .collect();
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--return",
        "--command",
        &line.join(" "),
        "/dev/null",
    ]);
    command
        .env_remove("STRONGROOM_HOME")
        .env_remove("NO_COLOR")
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied());
    let output = with_input(command, typed.as_bytes());
    (
        String::from_utf8(output.stdout)
            .unwrap()
            .replace("\r\n", "\n"),
        output.status.code(),
    )
}

#[test]
fn colours_are_for_terminals_only() {
    let vault = Vault::create();
    let home = vault.home();
    let show = [
        "--home",
        home.to_str().unwrap(),
        "policy",
        "show",
        "nothing",
    ];
    let verify = ["--home", home.to_str().unwrap(), "audit", "verify"];
    for arguments in [&show[..], &verify] {
        let (screen, _) = on_a_terminal(arguments, &[], "");
        assert!(screen.contains("\x1b["), "{screen:?}");
        let (plain, _) = on_a_terminal(arguments, &[("NO_COLOR", "1")], "");
        assert!(!plain.contains('\x1b'), "{plain:?}");
        // The same words with and without.
        let piped = bare(arguments).output().unwrap();
        let piped = [piped.stdout, piped.stderr].concat();
        assert_eq!(String::from_utf8(piped).unwrap(), plain);
    }
}

#[test]
fn a_table_is_readable_on_a_terminal_that_does_not_know_its_width() {
    let vault = Vault::create();
    vault.run(&[
        "secret",
        "generate",
        "a-rather-long-name/for-a-secret",
        "--kind",
        "ed25519",
    ]);
    // `script` without a terminal around it says 0 columns.
    let (screen, _) = on_a_terminal(
        &["--home", vault.home().to_str().unwrap(), "secret", "list"],
        &[],
        "",
    );
    assert_eq!(screen.lines().count(), 2, "{screen}");
    assert!(
        screen.contains("a-rather-long-name/for-a-secret"),
        "{screen}"
    );
}

#[test]
fn a_person_is_asked_on_the_terminal() {
    let directory = tempfile::TempDir::new().unwrap();
    let home = directory.path().join("vault");
    let home = home.to_str().unwrap();
    // Too short, then two that differ, then right.
    let typed = format!("short\n{PASSPHRASE}\nsomething else\n{PASSPHRASE}\n{PASSPHRASE}\n");
    let (screen, code) = on_a_terminal(&["--home", home, "init"], &[], &typed);
    assert_eq!(code, Some(0), "{screen}");
    for said in [
        "the passphrase is too short: use at least 8 characters",
        "the two differ; try again",
        "created the vault in",
        "AGE-SECRET-KEY-1",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }

    let typed = format!("the value\n{PASSPHRASE}\n");
    let (screen, code) = on_a_terminal(
        &[
            "--home",
            home,
            "secret",
            "add",
            "heroku/prod",
            "--kind",
            "token",
        ],
        &[],
        &typed,
    );
    assert_eq!(code, Some(0), "{screen}");
    let (screen, code) = on_a_terminal(
        &["--home", home, "secret", "reveal", "heroku/prod"],
        &[],
        &format!("{PASSPHRASE}\n"),
    );
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("\nthe value\n"), "{screen:?}");
    let (screen, code) = on_a_terminal(
        &["--home", home, "secret", "reveal", "heroku/prod"],
        &[],
        "a wrong one\n",
    );
    assert_eq!(code, Some(1), "{screen}");
    assert!(
        screen.contains("the passphrase is wrong") && !screen.contains("the value\n"),
        "{screen}"
    );
}

#[test]
fn what_a_remote_says_cannot_drive_the_terminal() {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let agent = vault.agent();
    let asks = |purpose: &str| {
        let body = json!({"secret": "deploy-key", "operation": "sign", "purpose": purpose, "input": {"message": ""}});
        agent.python(&key, &body, &[])["status"].as_u64().unwrap()
    };
    // What ends a line, moves the cursor, or turns the writing around is no purpose at all.
    for purpose in [
        "a\u{1b}[2Jb",
        "a\nb",
        "a\rb",
        "a\u{8}b",
        "a\u{7f}b",
        "a\u{9b}2Jb",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{202e}b",
        "a\u{2066}b",
        "a\u{200f}b",
    ] {
        assert_eq!(asks(purpose), 400, "{purpose:?}");
    }
    // What merely cannot be seen is kept as it came, and shown as what it is.
    for purpose in [
        "release\u{200b}1",
        "release\u{ad}2",
        "release\u{e0041}3",
        "release\u{feff}4",
        "release 5'; nothing happened",
        "release ünï 6",
    ] {
        assert_eq!(asks(purpose), 200, "{purpose:?}");
    }
    let (screen, _) = on_a_terminal(
        &[
            "--home",
            vault.home().to_str().unwrap(),
            "audit",
            "show",
            "--kind",
            "use",
        ],
        &[("NO_COLOR", "1")],
        "",
    );
    for shown in [
        r"release\u{200b}1",
        r"release\u{ad}2",
        r"release\u{e0041}3",
        r"release\u{feff}4",
        r"release 5\'; nothing happened",
        "release ünï 6",
    ] {
        assert!(screen.contains(&format!("'{shown}'")), "{shown}: {screen}");
    }
    assert!(
        screen.chars().all(|c| c == '\n' || !c.is_control()),
        "{screen:?}"
    );
    assert_eq!(screen.lines().count(), 6, "{screen}");
}
