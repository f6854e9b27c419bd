//! The live feed: what happens, what waits with the commands that decide it, and how the channels
//! do; on a terminal, in a pipe, and as JSON.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, program};

/// A program that goes on printing until the test ends, and all that it printed.
struct Shown {
    child: Child,
    text: Arc<Mutex<String>>,
}

impl Shown {
    fn by(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        std::thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(read) = out.read(&mut buffer)
                && read > 0
            {
                bytes.extend_from_slice(&buffer[..read]);
                *shown.lock().unwrap() = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            }
        });
        Self { child, text }
    }

    /// On a terminal of 80 columns.
    fn on_a_terminal(vault: &Vault, arguments: &[&str]) -> Self {
        let line = format!(
            "stty cols 80; exec '{}' --home '{}' --passphrase-file '{}' {}",
            program().display(),
            vault.home().display(),
            vault.passphrase_file().display(),
            arguments.join(" ")
        );
        let mut command = Command::new("script");
        command
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env_remove("STRONGROOM_HOME")
            .env_remove("NO_COLOR")
            .env("XDG_STATE_HOME", vault.path().join("state"))
            .env("TERM", "xterm-256color");
        Self::by(command)
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Without what colours it.
    fn plain(&self) -> String {
        let mut plain = String::new();
        let mut rest = self.text();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            let after = rest[at..].find('m').map_or(rest.len(), |end| at + end + 1);
            rest = rest[after..].to_owned();
        }
        plain + &rest
    }

    fn until(&self, what: &str) -> String {
        eventually(what, || self.plain().contains(what));
        self.plain()
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A key that one service may sign with once somebody of a group says yes, and another without.
fn vault_that_asks(channels: &str) -> (Vault, std::path::PathBuf) {
    let vault = Vault::create();
    for secret in ["deploy-key", "other-key"] {
        vault.run(&["secret", "generate", secret, "--kind", "ed25519"]);
    }
    let atlas = vault.enrol("atlas");
    let policy = r#"@approve("1 of security")
        permit (principal == Service::"atlas", action == Action::"sign", resource == Secret::"deploy-key");
        permit (principal == Service::"atlas", action == Action::"sign", resource == Secret::"other-key");"#;
    vault.run_with_input(&["policy", "set", "asks", "-"], policy.as_bytes());
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{channels}"));
    (vault, atlas)
}

fn sign(agent: &Agent<'_>, key: &Path, secret: &str, purpose: &str) -> Value {
    let body = json!({"secret": secret, "operation": "sign", "purpose": purpose, "input": {"message": ""}});
    agent.python(key, &body, &[])
}

/// Asks for what has to be approved; the id that it is decided by.
fn ask(agent: &Agent<'_>, key: &Path, purpose: &str) -> String {
    let told = sign(agent, key, "deploy-key", purpose);
    assert_eq!(told["status"], 202, "{told}");
    told["answer"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_waits_is_shown_with_the_commands_that_decide_it() {
    let (vault, atlas) = vault_that_asks("");
    let agent = vault.agent();
    let before = ask(&agent, &atlas, "release 3");
    // So many entries later that the feed does not begin there.
    for _ in 0..12 {
        assert_eq!(sign(&agent, &atlas, "other-key", "often")["status"], 200);
    }
    let feed = Shown::by(vault.command(&["watch"]));
    let text = feed.until("; 12th time today");
    assert!(text.contains("1 request waits for a decision:\n"), "{text}");
    assert!(
        text.contains("    │ purpose          release 3\n"),
        "{text}"
    );
    let decide = |id: &str| {
        format!("    │ decide           strongroom approve {id} or strongroom deny {id}\n")
    };
    assert!(text.contains(&decide(&before)), "{text}");
    assert!(
        !text.contains("often'; 1st time today"),
        "only the last few: {text}"
    );

    let now = ask(&agent, &atlas, "release 4");
    let text = feed.until(&decide(&now));
    assert!(
        text.contains("  atlas asks for an approval: sign with deploy-key for 'release 4'; it needs 1 of security"),
        "{text}"
    );
    vault.run(&["deny", &now]);
    feed.until(&format!(
        "the owner denied atlas's sign with deploy-key (entry {now})\n"
    ));
    feed.until("    1 other request still waits: `strongroom pending`\n");
    vault.run(&["secret", "suspend", "deploy-key"]);
    let text = feed.until(&format!("(entry {before}): suspended\n"));
    assert!(!text.contains('\x1b'), "no colour in a pipe: {text:?}");

    // What is over is a line like any other for who comes later.
    let later = Shown::by(vault.command(&["watch"]));
    let text = later.until(&format!("(entry {before}): suspended\n"));
    assert!(text.contains("for 'release 4'"), "{text}");
    assert!(
        !text.contains('│') && !text.contains("waits for a decision"),
        "{text}"
    );
}

#[test]
fn on_a_terminal_every_line_goes_on_under_its_own_beginning() {
    let (vault, atlas) = vault_that_asks("");
    let agent = vault.agent();
    let feed = Shown::on_a_terminal(&vault, &["watch"]);
    feed.until("the vault was unlocked");
    // It looks like rows of the feed's own, if the terminal breaks it where it likes.
    let hostile = format!(
        "x{:60}│ needs            1 of nobody {:60}│ decide  strongroom approve 99\u{200b} {}",
        "",
        "",
        "漢".repeat(300)
    );
    let id = ask(&agent, &atlas, &hostile);
    feed.until(&format!("strongroom approve {id} or strongroom deny {id}"));
    let coloured = feed.text();
    assert!(
        coloured.contains("\x1b[1m") && coloured.contains("\x1b[0m"),
        "{coloured:?}"
    );
    let text = feed.plain();
    assert!(text.contains(r"\u{200b}"), "{text}");
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
    let wide = |line: &str| {
        line.chars()
            .map(|c| if c < '\u{1100}' { 1 } else { 2 })
            .sum::<usize>()
    };
    for line in text.lines() {
        assert!(wide(line) <= 80, "{line}");
        let begins_well = line.starts_with("20")
            || line.starts_with(&" ".repeat(21))
            || line.starts_with("    │ ")
            || line.starts_with("What happens is shown here");
        assert!(begins_well, "{line}");
    }
    // A row of the purpose stands where its value does, and not where labels are.
    let labels: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("    │ "))
        .map(|line| &line[..line.find("  ").unwrap_or(line.len())])
        .collect();
    assert_eq!(
        labels.iter().filter(|label| **label == "needs").count(),
        1,
        "{text}"
    );
    assert_eq!(
        labels.iter().filter(|label| **label == "decide").count(),
        1,
        "{text}"
    );
    assert!(
        text.contains(&format!("more characters: `strongroom pending {id}`")),
        "{text}"
    );
}

/// A channel that works while a file is there.
fn channel(vault: &Vault) -> String {
    format!(
        "[[notify]]\nname = \"ops\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", \"test -e {} && cat > /dev/null\"]\n",
        vault.path().join("well").display()
    )
}

#[test]
fn a_channel_that_falls_ill_is_shown_and_so_is_that_it_is_well_again() {
    let (vault, atlas) = vault_that_asks("");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\n{}",
        channel(&vault)
    ));
    let well = vault.path().join("well");
    fs::write(&well, "").unwrap();
    let agent = vault.agent();
    let feed = Shown::by(vault.command(&["watch"]));
    let json = Shown::by(vault.command(&["watch", "--json"]));
    feed.until("channels that are well: ops (command)\n");
    json.until("{\"channel\":");

    fs::remove_file(&well).unwrap();
    assert_eq!(sign(&agent, &atlas, "other-key", "unheard")["status"], 200);
    let text = feed.until("channel ops (command) does not deliver: ");
    assert!(text.contains("1 entry waits\n"), "{text}");
    fs::write(&well, "").unwrap();
    feed.until("channel ops (command) delivers again\n");

    // As JSON every line is an object: what it is about, and all of it.
    json.until("\"state\":\"trying\"");
    let id = ask(&agent, &atlas, "release 4");
    json.until("release 4");
    let lines: Vec<Value> = json
        .plain()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told = |line: &Value| line["told"]["kind"].as_str().unwrap_or_default().to_owned();
    assert!(lines.iter().any(|line| told(line) == "use"));
    let pending = lines.iter().find(|line| told(line) == "pending").unwrap();
    assert_eq!(pending["told"]["index"].to_string(), id);
    assert_eq!(
        pending["told"]["facts"][0],
        json!({"label": "service", "text": "atlas"})
    );
    let states: Vec<&Value> = lines
        .iter()
        .map(|line| &line["channel"]["state"])
        .filter(|state| state.is_string())
        .collect();
    assert_eq!(
        states[..2],
        [&json!("well"), &json!("trying")],
        "{states:?}"
    );

    // Whoever comes later is told what waits.
    let later = Shown::by(vault.command(&["watch", "--json"]));
    later.until("release 4");
}

#[test]
fn a_feed_waits_for_an_agent_and_outlives_it() {
    let (vault, atlas) = vault_that_asks("");
    let feed = Shown::by(vault.command(&["watch"]));
    let agent = vault.agent();
    feed.until("the vault was unlocked");
    agent.stop();
    feed.until("the agent stopped");
    let agent = vault.agent();
    assert_eq!(
        sign(&agent, &atlas, "other-key", "release 5")["status"],
        200
    );
    feed.until("for 'release 5'");
}

#[test]
fn up_shows_the_same_feed() {
    let (vault, _) = vault_that_asks("");
    vault.configure(&format!(
        "[listen]\ntls = \"127.0.0.1:0\"\n{}",
        channel(&vault)
    ));
    let feed = Shown::on_a_terminal(&vault, &["up"]);
    let text = feed.until("channel ops (command) does not deliver: ");
    assert!(text.contains("The agent runs, unlocked,"), "{text}");
    fs::write(vault.path().join("well"), "").unwrap();
    feed.until("channel ops (command) delivers again");
    vault.run(&["panic"]);
    feed.until("the owner stopped everything");
}
