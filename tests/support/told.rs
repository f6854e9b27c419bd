//! What the stories of channels have in common.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Agent, Vault, eventually, text};

/// A purpose that tries to be more than a text: to end a value of structured data, to begin another
/// field, to run something, to hide.
pub const HOSTILE: &str = "] \"] [x@1 a=\"b\\\" \\n PRIORITY=0 <b>&amp;</b> $(id) %s {{7*7}} \u{200b}\u{feff}\u{e0041} \u{fc}\u{6f22}\u{1f512}";

/// The same, as long as a purpose may be.
pub fn long_and_hostile() -> String {
    format!("{HOSTILE} {}", "very ".repeat(200))
        .chars()
        .take(512)
        .collect()
}

/// How a notification writes these, so that a person sees all of it.
pub fn shown(text: &str) -> String {
    let mut shown = text.replace('\\', "\\\\");
    for hidden in ['\u{200b}', '\u{feff}', '\u{e0041}'] {
        shown = shown.replace(hidden, &hidden.escape_unicode().to_string());
    }
    shown
}

/// A vault that has one key, one service that may sign with it, and this channel.
pub fn vault_that_tells(channel: impl FnOnce(&Path) -> String) -> (Vault, PathBuf) {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let channel = channel(vault.path());
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{channel}"));
    (vault, key)
}

/// Signs, with this as the purpose; must be allowed.
pub fn sign(agent: &Agent<'_>, key: &Path, purpose: &str) {
    let answered = agent.request(
        key,
        &["sign", "deploy-key", "--message", "m", "--purpose", purpose],
    );
    assert!(answered.status.success(), "{}", text(&answered));
}

/// Waits until the only channel is ill with a problem that says this.
pub fn ill(vault: &Vault, says: &str) {
    let mut rows = serde_json::Value::Null;
    eventually(says, || {
        rows = vault.json(&["notify", "list"]);
        let problem = rows[0]["problem"].as_str().unwrap_or_default();
        assert!(problem.is_empty() || problem.contains(says), "{problem}");
        !problem.is_empty()
    });
}

/// Waits until every entry since the first that was received has been, and looks that none
/// overtook another and how many came twice.
pub fn complete(vault: &Vault, received: impl Fn() -> Vec<String>) -> usize {
    let (mut ids, mut last) = (Vec::new(), 0);
    eventually("everything is told", || {
        ids = received();
        last = vault.entries().len() - 1;
        ids.iter().any(|id| index(id) == last)
    });
    let mut next = index(&ids[0]);
    let mut repeats = 0;
    for id in &ids {
        match index(id) {
            of if of == next => next += 1,
            of if of < next => repeats += 1,
            of => panic!("{of} came before {next}: {ids:?}"),
        }
    }
    assert_eq!(next, last + 1);
    repeats
}

/// The entry that an id is about.
pub fn index(id: &str) -> usize {
    id.rsplit_once('/').unwrap().1.parse().unwrap()
}

/// A program out of a package that the tests unpack and do not install.
pub fn unpacked(program: &str) -> (PathBuf, Command) {
    let folder = std::env::var_os("STRONGROOM_TEST_SYSLOG")
        .expect("STRONGROOM_TEST_SYSLOG is not set: run the tests with `tests/run`");
    let folder = PathBuf::from(folder);
    let mut command = Command::new(folder.join(program));
    command.env("LD_LIBRARY_PATH", libraries(&folder));
    (folder, command)
}

/// The one folder under `usr/lib` that libraries are in, named after the machine's kind.
pub fn libraries(folder: &Path) -> PathBuf {
    let lib = folder.join("usr/lib");
    let mut folders = std::fs::read_dir(&lib).unwrap();
    let is_libraries = |path: &PathBuf| path.to_str().unwrap().ends_with("-linux-gnu");
    folders
        .find_map(|entry| Some(entry.unwrap().path()).filter(is_libraries))
        .unwrap()
}
