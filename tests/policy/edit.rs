//! `policy edit`, with editors that are scripts, and what stays of it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::{Command, Output},
};

use super::vault_with;
use crate::support::{Vault, program, text, with_input};

const BEFORE: &str = "permit (principal, action == Action::\"sign\", resource);\n";

/// An editor that runs this script with the file as `$1`.
fn editor(vault: &Vault, script: &str) -> String {
    let path = vault.path().join("editor");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.to_str().unwrap().to_owned()
}

fn edit(vault: &Vault, name: &str, editor: &str) -> Output {
    let mut command = vault.command(&["policy", "edit", name]);
    command
        .env_remove("VISUAL")
        .env("EDITOR", editor)
        .env("TMPDIR", vault.path())
        .output()
        .unwrap()
}

fn versions(vault: &Vault, name: &str) -> usize {
    vault
        .json(&["policy", "history", name])
        .as_array()
        .unwrap()
        .len()
}

#[test]
fn a_policy_is_edited_and_its_old_text_stays() {
    let (vault, _) = vault_with(BEFORE);
    // With options, as in `EDITOR='code --wait'`; the directory is closed to others.
    let script = editor(
        &vault,
        "[ \"$1\" = --wait ] || exit 1\nstat -c %a \"$(dirname \"$2\")\" > \"$0.mode\"\nsed -i 's/sign/mac/' \"$2\"",
    );
    let output = edit(&vault, "deployers", &format!("{script} --wait"));
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(
        fs::read_to_string(format!("{script}.mode")).unwrap(),
        "700\n"
    );
    assert_eq!(versions(&vault, "deployers"), 2);
    let shown = |version: &str| vault.json(&["policy", "show", "deployers", "--version", version]);
    assert_eq!(shown("1")["text"], BEFORE);
    assert_eq!(shown("2")["text"], BEFORE.replace("sign", "mac"));
    let history = vault.run(&["policy", "history", "deployers"]);
    assert!(
        history.contains("replaced ") && history.contains("in force"),
        "{history}"
    );
    vault.run(&["policy", "retire", "deployers"]);
    assert!(
        vault
            .run(&["policy", "history", "deployers"])
            .contains("retired ")
    );
    for (arguments, says) in [
        (
            &["policy", "show", "deployers", "--version", "3"][..],
            "has the versions 1 to 2",
        ),
        (
            &["policy", "show", "nothing", "--version", "1"],
            "there is no policy `nothing`",
        ),
        (
            &["policy", "history", "nothing"],
            "there is no policy `nothing`",
        ),
    ] {
        let told = vault.fail(1, arguments);
        assert!(told.contains(says), "{told}");
    }
    // Nothing of the text is left lying about.
    assert_eq!(drafts(&vault), [""; 0]);
}

/// The drafts that were left.
fn drafts(vault: &Vault) -> Vec<String> {
    let files = fs::read_dir(vault.path()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.starts_with("strongroom-policy-"))
        .collect()
}

#[test]
fn what_is_not_changed_is_not_stored() {
    let (vault, _) = vault_with(BEFORE);
    for (name, script) in [("deployers", "exit 0"), ("a/new-one", "touch \"$1\"")] {
        let output = edit(&vault, name, &editor(&vault, script));
        assert!(output.status.success(), "{}", text(&output));
        assert!(
            text(&output).contains("nothing was changed"),
            "{}",
            text(&output)
        );
    }
    let failed = edit(
        &vault,
        "deployers",
        &editor(&vault, "echo x >> \"$1\"; exit 3"),
    );
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).contains("failed, so nothing was stored"),
        "{}",
        text(&failed)
    );
    assert_eq!(versions(&vault, "deployers"), 1);
    assert_eq!(vault.json(&["policy", "show"]).as_array().unwrap().len(), 1);
}

#[test]
fn a_new_policy_begins_as_a_template_with_what_there_is() {
    let (vault, _) = vault_with(BEFORE);
    let script = editor(
        &vault,
        "grep -q 'strongroom policy schema' \"$1\" || exit 1\nsed -i -e 's,^// \\(permit\\|    \\|)\\|when\\|}\\),\\1,' -e 's/SERVICE/atlas/; s/SECRET/deploy-key/' \"$1\"",
    );
    let output = edit(&vault, "new", &script);
    assert!(output.status.success(), "{}", text(&output));
    let stored = vault.json(&["policy", "show", "new"]);
    assert_eq!(
        stored["summary"],
        "`atlas` may `http` with `deploy-key`, on conditions"
    );
}

#[test]
fn a_mistake_loses_nothing() {
    let (vault, _) = vault_with(BEFORE);
    // Without a terminal there is nobody to ask whether to go on.
    let output = edit(
        &vault,
        "deployers",
        &editor(&vault, "sed -i s/permit/pemit/ \"$1\""),
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("1 | pemit (principal"), "{said}");
    let kept = said
        .split("your text is in `")
        .nth(1)
        .unwrap()
        .split('`')
        .next()
        .unwrap();
    assert_eq!(
        fs::read_to_string(kept).unwrap(),
        BEFORE.replace("permit", "pemit")
    );
    let mode = fs::metadata(Path::new(kept).parent().unwrap())
        .unwrap()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(versions(&vault, "deployers"), 1);
}

#[test]
fn a_locked_vault_loses_nothing_either() {
    let (vault, _) = vault_with(BEFORE);
    let _agent = vault.locked_agent();
    let output = edit(
        &vault,
        "deployers",
        &editor(&vault, "sed -i s/sign/mac/ \"$1\""),
    );
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("your text is in `"), "{said}");
    assert!(said.contains("because the vault is locked"), "{said}");
}

#[test]
fn a_mistake_is_shown_and_mended_at_the_terminal() {
    let (vault, _) = vault_with(BEFORE);
    let script = editor(
        &vault,
        "if [ -e \"$0.once\" ]; then sed -i s/pemit/forbid/ \"$1\"; else touch \"$0.once\"; sed -i s/permit/pemit/ \"$1\"; fi",
    );
    let line = format!(
        "'{}' --home '{}' --passphrase-file '{}' policy edit deployers",
        program().display(),
        vault.home().display(),
        vault.passphrase_file().display()
    );
    let mut command = Command::new("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("EDITOR", &script)
        .env("XDG_STATE_HOME", vault.path().join("state"))
        .env("NO_COLOR", "1")
        .env_remove("VISUAL")
        .env_remove("STRONGROOM_HOME");
    let output = with_input(command, b"y\n");
    assert!(output.status.success(), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("edit again? [Y/n]") && said.contains("stored policy `deployers`"),
        "{said}"
    );
    assert_eq!(
        vault.json(&["policy", "show", "deployers"])["text"],
        BEFORE.replace("permit", "forbid")
    );
}

#[test]
fn a_change_by_somebody_else_meanwhile_is_not_lost() {
    let (vault, _) = vault_with(BEFORE);
    let other = vault.path().join("other.cedar");
    fs::write(&other, BEFORE.replace("sign", "encrypt")).unwrap();
    // While the editor is open, other commands go on.
    let script = editor(
        &vault,
        &format!(
            "'{}' --home '{}' --passphrase-file '{}' policy set deployers '{}' || exit 1\nsed -i s/sign/mac/ \"$1\"",
            program().display(),
            vault.home().display(),
            vault.passphrase_file().display(),
            other.display()
        ),
    );
    let output = edit(&vault, "deployers", &script);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains("was changed by somebody else meanwhile"),
        "{said}"
    );
    assert!(said.contains("your text is in `"), "{said}");
    assert_eq!(
        vault.json(&["policy", "show", "deployers"])["text"],
        BEFORE.replace("sign", "encrypt")
    );
}
