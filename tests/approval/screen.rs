//! What a person sees before deciding, and what counts as a yes.

use serde_json::json;

use super::{ask, entries, vault_that_asks, waiting};
use crate::{
    command::screen::on_a_terminal,
    support::{PASSPHRASE, text},
};

#[test]
fn only_yes_is_yes() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    let home = vault.home();
    let approve = ["--home", home.to_str().unwrap(), "approve", &id];
    for typed in [
        "\n",
        "y\n",
        "Yes\n",
        "yes please\n",
        "no\n",
        " yes\n",
        "\u{4}",
    ] {
        let (screen, code) = on_a_terminal(&approve, &[], typed);
        assert_eq!(code, Some(1), "{typed:?}: {screen}");
        assert!(
            screen.contains("nothing was approved"),
            "{typed:?}: {screen}"
        );
    }
    assert!(entries(&vault, "decision").is_empty());
    // Neither is what comes through a pipe, nor `--yes` of somebody who shows nothing.
    let mut command = vault.command(&["approve", &id]);
    command.stdin(std::process::Stdio::piped());
    let told = text(&crate::support::with_input(command, b"yes\n"));
    assert!(told.contains("no terminal to ask at"), "{told}");
    let (screen, code) = on_a_terminal(&[&approve[..], &["--yes"]].concat(), &[], "");
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.contains("`--yes` goes with"), "{screen}");
    assert!(entries(&vault, "decision").is_empty());
    // All of it is shown first.
    let (screen, code) = on_a_terminal(&approve, &[("NO_COLOR", "1")], "yes\n");
    assert_eq!(code, Some(0), "{screen}");
    for shown in [
        "service    atlas",
        "operation  sign",
        "secret     deploy-key",
        "purpose    release 1",
        "algorithm  Ed25519",
        "size       5",
        "needs      1 of security",
        "Once: this request, and no other.",
        "that is enough",
    ] {
        assert!(screen.contains(shown), "{shown}: {screen}");
    }
    assert_eq!(entries(&vault, "decision").len(), 1);
}

#[test]
fn the_passphrase_is_asked_for_when_it_was_not_proved() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 1");
    agent.stop();
    let home = vault.home();
    let approve = [
        "--home",
        home.to_str().unwrap(),
        "approve",
        &id,
        "--minutes",
        "15",
    ];
    let (screen, code) = on_a_terminal(&approve, &[], "yes\na wrong one\n");
    assert_eq!(code, Some(1), "{screen}");
    assert!(entries(&vault, "decision").is_empty());
    let (screen, code) = on_a_terminal(
        &approve,
        &[("NO_COLOR", "1")],
        &format!("yes\n{PASSPHRASE}\n"),
    );
    assert_eq!(code, Some(0), "{screen}");
    assert!(
        screen.contains("For 15 min: every request of atlas"),
        "{screen}"
    );
    assert_eq!(entries(&vault, "decision")[0]["entry"]["minutes"], 15);
}

#[test]
fn what_a_service_says_is_shown_as_what_it_is() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let hostile = "\u{200b}<b>bold</b> &amp; %s ${HOME} `id`\u{e0041}  needs      0 of nobody";
    let long = "\u{df}".repeat(500);
    for purpose in [hostile, &long] {
        let body = json!({"secret": "deploy-key", "operation": "sign", "purpose": purpose, "input": {"message": ""}});
        assert_eq!(agent.python(&key, &body, &[])["status"], 202);
    }
    let ids = waiting(&vault, 2);
    let home = vault.home();
    let on_screen = |arguments: &[&str]| {
        let arguments = [&["--home", home.to_str().unwrap()], arguments].concat();
        let (screen, _) = on_a_terminal(&arguments, &[("NO_COLOR", "1")], "\n");
        assert!(
            screen.chars().all(|c| c == '\n' || !c.is_control()),
            "{screen:?}"
        );
        screen
    };
    let shown = on_screen(&["approve", &ids[0]]);
    assert!(
        shown.contains(r"purpose    \u{200b}<b>bold</b> &amp; %s ${HOME} `id`\u{e0041}"),
        "{shown}"
    );
    // It begins no line of its own.
    assert!(
        shown
            .lines()
            .all(|line| !line.trim_start().starts_with("needs      0")),
        "{shown}"
    );
    // However long it is, all of it is there.
    let shown = on_screen(&["approve", &ids[1]]);
    assert_eq!(shown.matches('\u{df}').count(), 500, "{shown}");
    let listed = on_screen(&["pending"]);
    assert!(listed.contains(r"\u{200b}<b>bold"), "{listed}");
}
