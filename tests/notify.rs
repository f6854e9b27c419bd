//! The owner is told of everything: over a webhook that the public `standardwebhooks` package
//! checks, over a command of the owner's, and live on the screen.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, clock::Clock, eventually, hook::give, python, script, text};

mod every_kind;
mod hanging;
mod peers;
mod times;

/// 32 bytes, as Standard Webhooks writes a secret.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A webhook receiver in Python; it ends with the test.
struct Webhook {
    child: Child,
    port: u16,
    lines: Receiver<String>,
}

impl Webhook {
    /// `failures`: how many deliveries it answers with 503 first.
    fn start(port: u16, failures: u32) -> Self {
        let mut command = python();
        command
            .arg(script("webhook.py"))
            .args(["--secret", SECRET, "--port", &port.to_string()]);
        command
            .args(["--fail", &failures.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = lines_of(&mut child);
        let port = lines.recv().unwrap().parse().unwrap();
        Self { child, port, lines }
    }

    /// Waits until a delivery is about this; all deliveries up to it, in order.
    fn until(&self, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut deliveries = Vec::new();
        loop {
            let line = self
                .lines
                .recv_timeout(std::time::Duration::from_secs(120))
                .unwrap_or_else(|_| panic!("never delivered; what was: {deliveries:#?}"));
            let delivery: Value = serde_json::from_str(&line).unwrap();
            deliveries.push(delivery);
            if is_last(deliveries.last().unwrap()) {
                return deliveries;
            }
        }
    }
}

impl Drop for Webhook {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines that a program prints, as they come.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let out = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in out.lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// A vault that has one key, one service that may sign with it, and this under `[[notify]]`.
fn vault_that_tells(channels: impl FnOnce(&Vault) -> String) -> (Vault, PathBuf) {
    telling(Vault::create(), channels)
}

/// The same at another time of day.
fn vault_at(clock: &Clock, channels: impl FnOnce(&Vault) -> String) -> (Vault, PathBuf) {
    telling(Vault::create_at(clock), channels)
}

fn telling(vault: Vault, channels: impl FnOnce(&Vault) -> String) -> (Vault, PathBuf) {
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    let channels = channels(&vault);
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{channels}"));
    (vault, key)
}

/// The channel that tells the receiver at this port; its signing secret is in the vault.
fn webhook_channel(vault: &Vault, port: u16) -> String {
    let to = format!("http://127.0.0.1:{port}");
    give(vault, "hooks/ops", "token", SECRET, "ops", &to);
    format!(
        "[[notify]]\nname = \"ops\"\nkind = \"webhook\"\nurl = \"{to}/hook\"\nsecrets = [\"hooks/ops\"]\n"
    )
}

/// Signs, with this as the purpose; must be allowed.
fn sign(agent: &Agent<'_>, key: &Path, purpose: &str) {
    let answered = agent.request(
        key,
        &[
            "sign",
            "deploy-key",
            "--message",
            "hello",
            "--purpose",
            purpose,
        ],
    );
    assert!(answered.status.success(), "{}", text(&answered));
}

fn purpose(delivery: &Value) -> &str {
    delivery["body"]["data"]["entry"]["ask"]["purpose"]
        .as_str()
        .unwrap_or_default()
}

fn index(delivery: &Value) -> u64 {
    delivery["body"]["data"]["index"].as_u64().unwrap()
}

/// Every entry from the first that was delivered to the last, each once and in order.
fn assert_complete(deliveries: &[Value]) {
    let indices: Vec<_> = deliveries.iter().map(index).collect();
    let expected: Vec<_> = (indices[0]..).take(indices.len()).collect();
    assert_eq!(indices, expected);
}

#[test]
fn a_webhook_is_told_of_every_entry_in_order() {
    // The first three deliveries fail: nothing is lost, and nothing overtakes what failed.
    let webhook = Webhook::start(0, 3);
    let (vault, key) = vault_that_tells(|vault| webhook_channel(vault, webhook.port));
    let agent = vault.agent();
    for release in 0..5 {
        sign(&agent, &key, &format!("release {release}"));
    }
    let deliveries = webhook.until(|delivery| purpose(delivery) == "release 4");
    assert_complete(&deliveries);

    let entries = vault.entries();
    assert_eq!(
        entries[index(&deliveries[0]) as usize]["action"],
        "agent-started",
        "told from its first run on"
    );
    for delivery in &deliveries {
        let data = &delivery["body"]["data"];
        assert_eq!(
            data["entry"],
            entries[index(delivery) as usize],
            "the entry as it stands in the log"
        );
        assert_eq!(
            delivery["id"], data["id"],
            "the receiver can drop a repeat by its id"
        );
        assert_eq!(
            delivery["body"]["type"],
            format!("strongroom.{}", data["kind"].as_str().unwrap())
        );
    }
    let last = &deliveries.last().unwrap()["body"]["data"];
    assert_eq!(
        last["sentence"],
        "atlas signed with deploy-key for 'release 4'; 5th time today"
    );
    assert_eq!(last["urgency"], "normal");
}

#[test]
fn a_value_that_leaves_the_vault_is_urgent() {
    let webhook = Webhook::start(0, 0);
    let (vault, _) = vault_that_tells(|vault| webhook_channel(vault, webhook.port));
    let _agent = vault.agent();
    vault.run(&["secret", "reveal", "deploy-key"]);
    let deliveries =
        webhook.until(|delivery| delivery["body"]["data"]["entry"]["action"] == "secret-revealed");
    let told = &deliveries.last().unwrap()["body"]["data"];
    assert_eq!(told["urgency"], "urgent");
    assert_eq!(
        told["sentence"],
        "the value of secret deploy-key version 1 was shown to the owner"
    );
    assert!(!told.to_string().contains("PRIVATE KEY"), "{told}");
}

#[test]
fn a_channel_goes_on_where_it_stopped_after_a_restart_and_after_a_crash() {
    let webhook = Webhook::start(0, 0);
    let (vault, key) = vault_that_tells(|vault| webhook_channel(vault, webhook.port));
    let mut deliveries = Vec::new();

    let agent = vault.agent();
    sign(&agent, &key, "before the restart");
    agent.stop();
    // A command that runs without an agent tells the channels too.
    vault.run(&["alias", "set", "deploy", "deploy-key"]);
    let agent = vault.agent();
    sign(&agent, &key, "after the restart");
    deliveries.extend(webhook.until(|delivery| purpose(delivery) == "after the restart"));
    assert_complete(&deliveries);
    assert!(
        deliveries
            .iter()
            .any(|delivery| delivery["body"]["data"]["entry"]["action"] == "alias-set")
    );

    sign(&agent, &key, "before the crash");
    agent.kill();
    let agent = vault.agent();
    sign(&agent, &key, "after the crash");
    deliveries.extend(webhook.until(|delivery| purpose(delivery) == "after the crash"));

    // A crash may repeat a notification, but the same one, and it loses none.
    let mut unique = BTreeMap::new();
    for delivery in &deliveries {
        let first = unique.entry(index(delivery)).or_insert(delivery);
        assert_eq!(first["body"], delivery["body"]);
    }
    assert_complete(&unique.into_values().cloned().collect::<Vec<_>>());
    assert_eq!(
        index(deliveries.last().unwrap()),
        agent.vault.entries().len() as u64 - 1
    );
}

#[test]
fn a_dead_webhook_stops_no_answer_and_misses_nothing() {
    // A port that nobody listens on, until somebody does.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (vault, key) = vault_that_tells(|vault| webhook_channel(vault, port));
    let agent = vault.agent();
    sign(&agent, &key, "while the webhook is dead");
    eventually("the owner can see that the channel is ill", || {
        let rows = vault.json(&["notify", "list"]);
        rows[0]["problem"].is_string() && rows[0]["behind"].as_u64().unwrap() >= 3
    });
    assert!(vault.run(&["status"]).contains("channel     ops (webhook)"));
    assert!(
        vault.run(&["notify", "list"]).contains("refused"),
        "{}",
        vault.run(&["notify", "list"])
    );

    let webhook = Webhook::start(port, 0);
    let deliveries = webhook.until(|delivery| purpose(delivery) == "while the webhook is dead");
    assert_complete(&deliveries);
    eventually("the channel is well again", || {
        let rows = vault.json(&["notify", "list"]);
        rows[0]["problem"].is_null() && rows[0]["behind"] == 0
    });
}

#[test]
fn a_webhook_that_never_answers_stops_no_answer() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (vault, key) =
        vault_that_tells(|vault| webhook_channel(vault, silent.local_addr().unwrap().port()));
    let agent = vault.agent();
    // The channel waits for this one from now on.
    let (_held, _) = silent.accept().unwrap();
    for release in 0..3 {
        sign(&agent, &key, &format!("release {release}"));
    }
    assert_eq!(
        vault.json(&["notify", "list"])[0]["delivered"],
        vault
            .entries()
            .iter()
            .position(|entry| entry["action"] == "agent-started")
            .unwrap()
    );
    agent.stop();
}

#[test]
fn a_command_is_told_of_every_entry() {
    let (vault, key) = vault_that_tells(|vault| {
        // Fails as long as the file is not there, then keeps what it is told.
        format!(
            "[[notify]]\nname = \"desktop\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", \"test -e {0} && cat >> {0}\"]\n",
            vault.path().join("told").display()
        )
    });
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    eventually("the failing command shows", || {
        vault.json(&["notify", "list"])[0]["problem"].is_string()
    });
    let failed = vault.fail(1, &["notify", "test", "desktop"]);
    assert!(
        failed.contains("not every channel took the test"),
        "{failed}"
    );

    let told = vault.path().join("told");
    fs::write(&told, "").unwrap();
    sign(&agent, &key, "release 2");
    let mut notifications = Vec::<Value>::new();
    eventually("all of it is told", || {
        let text = fs::read_to_string(&told).unwrap();
        // The last line may be half written.
        notifications = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        notifications
            .iter()
            .any(|told| told["entry"]["ask"]["purpose"] == "release 2")
    });
    let indices: Vec<_> = notifications
        .iter()
        .map(|told| told["index"].as_u64().unwrap())
        .collect();
    assert_eq!(
        indices,
        (indices[0]..).take(indices.len()).collect::<Vec<_>>()
    );
    assert!(
        notifications
            .iter()
            .any(|told| told["entry"]["ask"]["purpose"] == "release 1")
    );
}

#[test]
fn channels_are_listed_and_tested() {
    let webhook = Webhook::start(0, 0);
    let (vault, _) = vault_that_tells(|vault| {
        let dead =
            "[[notify]]\nname = \"dead\"\nkind = \"command\"\nprogram = [\"/no/such/program\"]\n";
        webhook_channel(vault, webhook.port) + dead
    });
    let _agent = vault.agent();
    webhook.until(|delivery| delivery["body"]["data"]["entry"]["action"] == "unlocked");

    assert!(
        vault
            .run(&["notify", "test", "ops"])
            .starts_with("delivered  ops")
    );
    let deliveries = webhook
        .until(|delivery| delivery["body"]["data"]["entry"]["action"] == "notification-test");
    let told = &deliveries.last().unwrap()["body"]["data"];
    assert_eq!(told["sentence"], "this is a test; nothing happened: ops");

    let both = vault.command(&["notify", "test"]).output().unwrap();
    assert_eq!(both.status.code(), Some(1));
    let said = text(&both);
    assert!(
        said.contains("delivered  ops")
            && said.contains("failed     dead: cannot start `/no/such/program`"),
        "{said}"
    );

    let before = vault.entries().len();
    let unknown = vault.fail(1, &["notify", "test", "pigeon"]);
    assert!(
        unknown.contains("there is no channel `pigeon`; `strongroom notify list` shows them"),
        "{unknown}"
    );
    assert_eq!(vault.entries().len(), before, "no test, no entry");

    let rows = vault.json(&["notify", "list"]);
    let names: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (&row["name"], &row["kind"]))
        .collect();
    assert_eq!(
        names,
        [
            (&json!("ops"), &json!("webhook")),
            (&json!("dead"), &json!("command"))
        ]
    );
}

#[test]
fn the_feed_shows_new_entries_as_they_come() {
    let (vault, key) = vault_that_tells(|_| String::new());
    let agent = vault.agent();
    let mut feeds: Vec<Follower> = [&["--service", "atlas"][..], &["--json", "--kind", "use"]]
        .map(|options| {
            Follower::start(vault.command(&[&["audit", "show", "--follow"], options].concat()))
        })
        .into();
    // What was there already: one line is about atlas, and none is a use.
    let enrolled = feeds[0].line();
    assert!(
        enrolled.contains("service atlas was enrolled"),
        "{enrolled}"
    );

    for release in 1..=3 {
        sign(&agent, &key, &format!("release {release}"));
        let sentence = feeds[0].line();
        assert!(
            sentence.contains(&format!(
                "atlas signed with deploy-key for 'release {release}'"
            )),
            "{sentence}"
        );
        let entry: Value = serde_json::from_str(&feeds[1].line()).unwrap();
        assert_eq!(entry["ask"]["purpose"], format!("release {release}"));
    }
}

/// A command that goes on printing until the test ends.
struct Follower(Child, Receiver<String>);

impl Follower {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(&mut child);
        Self(child, lines)
    }

    fn line(&mut self) -> String {
        self.1
            .recv_timeout(std::time::Duration::from_secs(120))
            .expect("the feed shows nothing")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
