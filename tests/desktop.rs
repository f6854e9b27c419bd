//! The owner is told on the desktop: over a private D-Bus, by the notification daemon `dunst`, which
//! is asked afterwards what it has shown.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{
    Agent, Vault,
    desktop::{Desktop, Shown},
    eventually, text,
};

/// A vault that has one key, one service that may sign with it, and this desktop.
fn vault_that_shows(start: impl FnOnce(&Path) -> Desktop) -> (Vault, PathBuf, Desktop) {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let desktop = start(vault.path());
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\n{}",
        desktop.settings("screen")
    ));
    (vault, key, desktop)
}

/// Signs, with this as the purpose; must be allowed.
fn sign(agent: &Agent<'_>, key: &Path, purpose: &str) {
    let answered = agent.request(
        key,
        &["sign", "deploy-key", "--message", "m", "--purpose", purpose],
    );
    assert!(answered.status.success(), "{}", text(&answered));
}

/// Waits until the daemon has shown a popup with this in its body.
fn until(desktop: &Desktop, part: &str) -> Shown {
    let mut found = None;
    eventually(part, || {
        found = desktop
            .shown()
            .into_iter()
            .find(|shown| shown.body.contains(part));
        found.is_some()
    });
    found.unwrap()
}

/// The call that has this in its body.
fn call(desktop: &Desktop, part: &str) -> Value {
    let calls = desktop.calls();
    let with = |call: &&Value| call[4].as_str().unwrap().contains(part);
    calls.iter().find(with).unwrap().clone()
}

#[test]
fn a_popup_says_what_happened_and_asks_nothing() {
    let (vault, key, desktop) = vault_that_shows(Desktop::start);
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    let popup = until(&desktop, "release 5");
    assert_eq!(popup.summary, "Strongroom");
    assert_eq!(
        popup.body,
        "atlas signed with deploy-key for &#39;release 5&#39;; 1st time today"
    );
    vault.run(&["secret", "reveal", "deploy-key"]);
    let popup = until(&desktop, "was shown to the owner");
    assert_eq!(popup.summary, "Strongroom: urgent");

    let (normal, urgent) = (
        call(&desktop, "release 5"),
        call(&desktop, "was shown to the owner"),
    );
    for call in [&normal, &urgent] {
        assert_eq!(call[0], "Strongroom");
        assert_eq!(call[5], json!([]), "nothing can be clicked");
        assert_eq!(call[6]["desktop-entry"]["data"], "strongroom");
        assert_eq!(call[7], -1, "how long it stays is the daemon's to say");
    }
    let hint = |call: &Value, name: &str| call[6][name]["data"].clone();
    assert_eq!(
        (hint(&normal, "urgency"), hint(&urgent, "urgency")),
        (json!(1), json!(2))
    );
    assert_eq!(hint(&normal, "category"), "x-strongroom.use");
    assert_eq!(hint(&urgent, "category"), "x-strongroom.administration");
    assert!(
        !desktop
            .calls()
            .iter()
            .any(|call| call.to_string().contains("PRIVATE KEY")),
        "a popup has no secret"
    );
}

/// Markup and links. The agent refuses control characters in a purpose, and what turns the writing
/// direction.
const HOSTILE: &str = "<b>bold</b> <img src=\"https://evil.example/x.png\"/> &lt;i&gt; <a href='www.evil.example'>yes</a>";

#[test]
fn hostile_text_is_only_text() {
    // What is left of it when it has been made harmless, before any daemon's own markup.
    let harmless = "<b>bold</b> <img src=\"https[://]evil[.]example/x.png\"/> &lt;i&gt; <a href=\\'www[.]evil.example\\'>yes</a>";
    for markup in ["full", "no"] {
        let (vault, key, desktop) =
            vault_that_shows(|directory| Desktop::start_with(directory, markup));
        let agent = vault.agent();
        sign(&agent, &key, HOSTILE);
        let popup = until(&desktop, "atlas signed");
        let plain = match markup {
            "full" => {
                assert!(
                    !popup.body.contains(['<', '>', '"', '\'']),
                    "no markup: {}",
                    popup.body
                );
                unescaped(&popup.body)
            }
            _ => popup.body.clone(),
        };
        assert_eq!(
            plain,
            format!("atlas signed with deploy-key for '{harmless}'; 1st time today")
        );
        assert!(
            !desktop.complaints().contains("markup"),
            "the daemon can read it: {}",
            desktop.complaints()
        );
    }
}

/// What is shown for the references of XML.
fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[test]
fn a_desktop_that_is_gone_is_told_when_it_is_back() {
    let (vault, key, mut desktop) =
        vault_that_shows(|directory| Desktop::switched_off(directory, "full"));
    let problem = |part: &str| {
        eventually(part, || {
            vault.run(&["notify", "list", "--json"]).contains(part)
        });
    };
    let agent = vault.agent();
    sign(&agent, &key, "while there is no bus");
    problem("can't be reached");
    let failed = vault.fail(1, &["notify", "test", "screen"]);
    assert!(
        failed.contains("not every channel took the test"),
        "{failed}"
    );

    desktop.start_bus();
    problem("no notification daemon is on the desktop's bus");
    sign(&agent, &key, "while there is no daemon");

    desktop.start_daemon();
    until(&desktop, "while there is no daemon");
    until(&desktop, "while there is no bus");
    desktop.stop_daemon();
    sign(&agent, &key, "while the daemon is gone");
    problem("no notification daemon is on the desktop's bus");
    desktop.start_daemon();
    until(&desktop, "while the daemon is gone");

    desktop.stop_bus();
    sign(&agent, &key, "while the bus is gone");
    problem("can't be reached");
    desktop.start_bus();
    desktop.start_daemon();
    until(&desktop, "while the bus is gone");
    eventually("the channel is well again", || {
        let rows = vault.json(&["notify", "list"]);
        rows[0]["problem"].is_null() && rows[0]["behind"] == 0
    });

    // Each of them, and in order.
    let mut indices: Vec<usize> = desktop
        .received()
        .iter()
        .map(|id| id.rsplit('/').next().unwrap().parse().unwrap())
        .collect();
    indices.dedup();
    let expected: Vec<_> = (indices[0]..).take(indices.len()).collect();
    assert_eq!(indices, expected);
    assert_eq!(*indices.last().unwrap(), vault.entries().len() - 1);
}
