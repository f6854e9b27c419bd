//! The owner is told by mail: over TLS, to a real mail server, and read there by another library.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    Agent, Vault,
    authority::Authority,
    eventually,
    mail::{MailServer, header},
    peer::Peer,
    python, script, text,
};

const USER: &str = "strongroom@vault.example";
const PASSWORD: &str = "a mail server's own password";
const LOGIN: [&str; 4] = ["--user", USER, "--password", PASSWORD];
const OPS: &str = "to = [\"Ops Team <ops@vault.example>\"]";

/// A vault that has one key and one service that may sign with it.
fn vault() -> (Vault, PathBuf) {
    let vault = Vault::create();
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "sign", "deploy-key"]);
    (vault, key)
}

fn configure(vault: &Vault, channels: &str) {
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{channels}"));
}

/// Keeps the password that the channel `ops` logs in with, bound to this server.
fn keep_password(vault: &Vault, server: &MailServer, password: &str) {
    let to = format!("127.0.0.1:{}", server.port);
    let add = ["secret", "add", "mail/login", "--kind", "basic"];
    let bound = [
        "--channel",
        "ops",
        "--to",
        &to,
        "--channel-cacert",
        &server.cacert,
    ];
    let login = format!("{USER}:{password}");
    vault.run_with_input(&[&add[..], &bound[..]].concat(), login.as_bytes());
}

/// Signs, with this as the purpose; must be allowed.
fn sign(agent: &Agent<'_>, key: &Path, purpose: &str) {
    let answered = agent.request(
        key,
        &["sign", "deploy-key", "--message", "m", "--purpose", purpose],
    );
    assert!(answered.status.success(), "{}", text(&answered));
}

/// Waits until a message with this in its text has arrived.
fn until(server: &MailServer, part: &str) -> Value {
    let mut found = None;
    eventually(part, || {
        let got = server.got();
        let with = |message: &&Value| message["plain"].as_str().unwrap().contains(part);
        found = got.iter().find(with).cloned();
        found.is_some()
    });
    found.unwrap()
}

/// Waits until the list of channels says this.
fn says(vault: &Vault, part: &str) -> String {
    let mut said = String::new();
    eventually(part, || {
        said = vault.run(&["notify", "list", "--json"]);
        said.contains(part)
    });
    said
}

/// Each entry once, in order, and to the log's end.
fn assert_complete(vault: &Vault, server: &MailServer) {
    eventually("everything is delivered", || {
        vault.json(&["notify", "list"])[0]["behind"] == 0
    });
    let index = |id: String| id.rsplit('/').next().unwrap().parse::<usize>().unwrap();
    let indices: Vec<usize> = server.received().into_iter().map(index).collect();
    let expected: Vec<_> = (indices[0]..vault.entries().len()).collect();
    assert_eq!(indices, expected);
}

#[test]
fn a_message_says_what_happened_twice() {
    let (vault, key) = vault();
    let server = MailServer::start(vault.path(), "implicit", &LOGIN);
    keep_password(&vault, &server, PASSWORD);
    let channel = server.settings("ops", &format!("{OPS}\ncredential = \"mail/login\""));
    configure(&vault, &channel);
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    let message = until(&server, "release 5");

    assert_eq!(message["tls"], true);
    assert_eq!(message["user"], USER);
    assert_eq!(message["from"], "strongroom@vault.example");
    assert_eq!(message["to"], json!(["ops@vault.example"]));
    assert_eq!(
        message["defects"],
        json!([]),
        "mail as the standards have it"
    );
    assert_eq!(
        message["structure"],
        json!(["multipart/alternative", "text/plain", "text/html"])
    );
    let sentence = "atlas signed with deploy-key for 'release 5'";
    let said = |name: &str| header(&message, name).unwrap_or_default();
    assert!(said("Subject").starts_with(&format!("[Strongroom] {sentence}")));
    assert_eq!(said("From"), "Strongroom <strongroom@vault.example>");
    assert_eq!(said("To"), "Ops Team <ops@vault.example>");
    assert_eq!(said("Auto-Submitted"), "auto-generated");
    assert_eq!(
        said("List-Id"),
        "Strongroom notifications <ops.strongroom.vault.example>"
    );
    assert_eq!(said("Strongroom-Kind"), "use");
    assert_eq!(header(&message, "Importance"), None);
    let id = said("Strongroom-Id");
    let (_, index) = id.rsplit_once('/').unwrap();
    let entry = &vault.entries()[index.parse::<usize>().unwrap()];
    assert_eq!(entry["ask"]["purpose"], "release 5");
    assert!(said("Message-ID").ends_with(&format!("/{index}@vault.example>")));

    let plain = message["plain"].as_str().unwrap();
    assert!(plain.starts_with(sentence), "{plain}");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plain.lines().any(|line| words(line) == "secret deploy-key"),
        "{plain}"
    );
    let rows = message["html"]["rows"].as_array().unwrap();
    for row in [
        ["service", "atlas"],
        ["operation", "sign"],
        ["secret", "deploy-key"],
        ["purpose", "release 5"],
    ] {
        assert!(rows.contains(&json!(row)), "{rows:?}");
    }
    assert!(message["html"]["text"].as_str().unwrap().contains(sentence));

    vault.run(&["secret", "reveal", "deploy-key"]);
    let urgent = until(&server, "was shown to the owner");
    assert_eq!(header(&urgent, "Importance").unwrap(), "high");
    assert_eq!(header(&urgent, "X-Priority").unwrap(), "1 (Highest)");
    let subject = header(&urgent, "Subject").unwrap();
    assert!(subject.starts_with("[Strongroom] urgent: "), "{subject}");
    assert_eq!(
        message["connection"], urgent["connection"],
        "one connection for one message after the other"
    );
    let all = json!(server.got()).to_string();
    assert!(!all.contains("PRIVATE KEY") && !all.contains(PASSWORD));
    assert_complete(&vault, &server);
}

#[test]
fn hostile_text_is_only_text() {
    let (vault, key) = vault();
    let server = MailServer::start(vault.path(), "none", &[]);
    configure(&vault, &server.settings("ops", OPS));
    let agent = vault.agent();
    let hostile = "</td></table><script>alert(1)</script><img src=\"https://evil.example/x.png\"> <a href='https://evil.example/login'>approve</a> &amp; =?utf-8?q?Bcc=3A?= \\r\\nBcc: eve@evil.example é 🔑";
    // A backslash is doubled already when a channel gets the text.
    let harmless = hostile.replace('\\', "\\\\");
    sign(&agent, &key, hostile);
    let message = until(&server, "atlas signed");

    assert_eq!(message["defects"], json!([]));
    assert_eq!(message["to"], json!(["ops@vault.example"]));
    let html = &message["html"];
    assert_eq!(
        html["tags"],
        json!([
            "body", "head", "html", "meta", "p", "span", "strong", "table", "td", "th", "title",
            "tr"
        ])
    );
    assert_eq!(
        html["attributes"],
        json!(["charset", "content", "lang", "name", "scope", "style"])
    );
    // Who reads it reads what the service wrote, in full.
    let rows = html["rows"].as_array().unwrap();
    assert!(rows.contains(&json!(["purpose", harmless])), "{rows:?}");
    let plain = message["plain"].as_str().unwrap();
    assert!(!plain.contains("s://"), "no links: {plain}");
    let unlinked = harmless.replace("://evil.example/", "[://]evil[.]example/");
    assert!(plain.contains(&unlinked), "{plain}");
    let names: Vec<&str> = message["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| header[0].as_str().unwrap())
        .collect();
    assert!(!names.contains(&"Bcc"), "{names:?}");

    // As long as a purpose may be.
    sign(&agent, &key, &"<é>".repeat(500));
    let message = until(&server, "<é><é>");
    assert!(header(&message, "Subject").unwrap().chars().count() < 200);
    assert!(message["longest"].as_u64().unwrap() <= 998, "RFC 5322");
    assert_eq!(message["defects"], json!([]));
}

#[test]
fn a_server_that_is_gone_is_caught_up_with() {
    let (vault, key) = vault();
    let mut server = MailServer::down(vault.path(), "starttls");
    let channel = server.settings("ops", &format!("{OPS}\n{}", server.trusted()));
    configure(&vault, &channel);
    let agent = vault.agent();
    sign(&agent, &key, "while the server is down");
    let said = says(&vault, "Connection refused");
    assert!(said.contains(&format!(
        "the mail server `127.0.0.1:{}` can't be used",
        server.port
    )));

    server.start_again(&[]);
    let message = until(&server, "while the server is down");
    assert_eq!(message["tls"], true);
    server.stop();
    sign(&agent, &key, "while it is gone again");
    says(&vault, "can't be used");
    // Restarted in between.
    agent.stop();
    let agent = vault.agent();
    server.start_again(&["--busy", "2"]);
    until(&server, "while it is gone again");
    sign(&agent, &key, "at the end");
    until(&server, "at the end");
    assert_complete(&vault, &server);
}

#[test]
fn a_certificate_of_somebody_else_is_refused() {
    let (vault, key) = vault();
    let servers = ["implicit", "starttls"].map(|tls| MailServer::start(vault.path(), tls, &[]));
    let stranger = Authority::create(vault.path(), "stranger").certificate();
    let [implicit, starttls] = &servers;
    let strange = format!("{OPS}\ncacert = \"{stranger}\"");
    configure(
        &vault,
        &format!(
            "{}{}{}",
            implicit.settings("one", &strange),
            starttls.settings("two", &strange),
            // Nothing but the platform's authorities.
            implicit.settings("three", OPS),
        ),
    );
    let agent = vault.agent();
    sign(&agent, &key, "in vain");
    eventually("none of the channels delivers", || {
        let rows = vault.json(&["notify", "list"]);
        rows.as_array().unwrap().iter().all(|row| {
            row["state"] == "trying" && row["problem"].as_str().unwrap().contains("certificate")
        })
    });
    for server in &servers {
        assert_eq!(server.got(), Vec::<Value>::new());
    }
}

#[test]
fn nothing_is_said_before_tls() {
    let (vault, key) = vault();
    // One that offers no TLS, and one whose answers somebody on the way adds to.
    let without = MailServer::start(vault.path(), "none", &[]);
    let server = MailServer::start(vault.path(), "starttls", &[]);
    let middle = Peer::start(
        python()
            .arg(script("smtp_middle.py"))
            .args(["--to", &server.port.to_string()]),
    );
    let starttls = without
        .settings("plain", OPS)
        .replace("\"none\"", "\"starttls\"");
    let added = server
        .settings("added", &format!("{OPS}\n{}", server.trusted()))
        .replace(&server.port.to_string(), &middle.port.to_string());
    configure(&vault, &(starttls + &added));
    let agent = vault.agent();
    sign(&agent, &key, "in vain");
    says(&vault, "it does not offer STARTTLS");
    eventually("what was added ends the connection", || {
        let rows = vault.json(&["notify", "list"]);
        rows[1]["state"] == "trying"
    });
    assert!(!middle.got().is_empty(), "something was added");
    assert_eq!(without.got(), Vec::<Value>::new());
    assert_eq!(server.got(), Vec::<Value>::new());
    assert_eq!(
        vault.json(&["notify", "list"])[1]["last"],
        Value::Null,
        "nothing counts as delivered"
    );
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    const WRONG: &str = "not the password at all";
    let (vault, key) = vault();
    let server = MailServer::start(vault.path(), "implicit", &LOGIN);
    keep_password(&vault, &server, WRONG);
    let channel = server.settings("ops", &format!("{OPS}\ncredential = \"mail/login\""));
    configure(&vault, &channel);
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    let said = says(&vault, "does not take the user name and password (535)");
    // The server repeats it.
    for text in [said, agent.log(), vault.run(&["audit", "show", "--json"])] {
        assert!(!text.contains(WRONG), "{text}");
    }
    // The right one is taken without anybody starting anything.
    let login = format!("{USER}:{PASSWORD}");
    vault.run_with_input(&["secret", "rotate", "mail/login"], login.as_bytes());
    until(&server, "release 5");
    assert_complete(&vault, &server);
}

#[test]
fn a_password_goes_only_where_its_owner_said() {
    let (vault, key) = vault();
    let server = MailServer::start(vault.path(), "implicit", &LOGIN);
    let other = MailServer::start(vault.path(), "implicit", &LOGIN);
    keep_password(&vault, &server, PASSWORD);
    // Whoever can write `agent.toml` names another server.
    let channel = other.settings("ops", &format!("{OPS}\ncredential = \"mail/login\""));
    configure(&vault, &channel);
    let agent = vault.agent();
    sign(&agent, &key, "in vain");
    says(&vault, &format!("127.0.0.1:{}", server.port));
    assert_eq!(other.got(), Vec::<Value>::new());
}

#[test]
fn an_owner_is_told_while_the_vault_is_locked() {
    let (vault, _) = vault();
    let server = MailServer::start(vault.path(), "implicit", &LOGIN);
    keep_password(&vault, &server, PASSWORD);
    let channel = server.settings("ops", &format!("{OPS}\ncredential = \"mail/login\""));
    configure(&vault, &channel);
    let _agent = vault.locked_agent();
    eventually("the channel waits", || {
        vault.json(&["notify", "list"])[0]["state"] == "waiting"
    });
    vault.run(&["unlock"]);
    until(&server, "unlocked");
    vault.run(&["lock"]);
    until(&server, "was locked");
    assert_complete(&vault, &server);
}

#[test]
fn one_recipient_who_is_refused_costs_nobody_anything() {
    let (vault, key) = vault();
    let mut server = MailServer::start(
        vault.path(),
        "none",
        &["--refuse", "gone@vault.example=550"],
    );
    let to = "to = [\"ops@vault.example\", \"gone@vault.example\"]";
    configure(&vault, &server.settings("ops", to));
    let agent = vault.agent();
    sign(&agent, &key, "one is gone");
    let message = until(&server, "one is gone");
    assert_eq!(message["to"], json!(["ops@vault.example"]));
    let said = says(&vault, "the mail server refuses `gone@vault.example` since");
    assert!(said.contains("550 not this one"), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
    let rows = vault.json(&["notify", "list"]);
    assert_eq!(rows[0]["state"], "well");
    assert!(
        vault
            .run(&["status"])
            .contains("well; but the mail server refuses")
    );

    // The mailbox is there again.
    server.start_again(&[]);
    sign(&agent, &key, "nobody is gone");
    let message = until(&server, "nobody is gone");
    assert_eq!(
        message["to"],
        json!(["gone@vault.example", "ops@vault.example"])
    );
    eventually("nothing is remarked any more", || {
        vault.json(&["notify", "list"])[0]["remark"].is_null()
    });
    assert_complete(&vault, &server);

    // Refused only for now: the one who has it does not get it twice.
    server.start_again(&["--refuse", "gone@vault.example=450"]);
    sign(&agent, &key, "one has to wait");
    says(&vault, "does not take it for `gone@vault.example` now: 450");
    until(&server, "one has to wait");
    server.start_again(&[]);
    eventually("both have it", || {
        let got = server.got();
        let message = got.last().unwrap();
        message["plain"]
            .as_str()
            .unwrap()
            .contains("one has to wait")
            && message["to"] == json!(["gone@vault.example"])
    });
    let times = |message: &&Value| {
        message["plain"]
            .as_str()
            .unwrap()
            .contains("one has to wait")
            && message["to"]
                .as_array()
                .unwrap()
                .contains(&json!("ops@vault.example"))
    };
    assert_eq!(server.got().iter().filter(times).count(), 1);
}

#[test]
fn a_channel_whose_recipients_are_all_refused_waits_for_them() {
    let (vault, key) = vault();
    let mut server =
        MailServer::start(vault.path(), "none", &["--refuse", "ops@vault.example=550"]);
    configure(&vault, &server.settings("ops", OPS));
    let agent = vault.agent();
    sign(&agent, &key, "nobody hears");
    says(&vault, "nobody whom this channel tells gets mail");
    assert_eq!(server.got(), Vec::<Value>::new());
    server.start_again(&[]);
    until(&server, "nobody hears");
    assert_complete(&vault, &server);
}

#[test]
fn what_a_server_does_not_take_is_told_without_its_words() {
    let (vault, key) = vault();
    let mut server = MailServer::start(vault.path(), "none", &[]);
    configure(&vault, &server.settings("ops", OPS));
    let agent = vault.agent();
    sign(&agent, &key, "before");
    until(&server, "before");
    eventually("all of it is told", || {
        vault.json(&["notify", "list"])[0]["behind"] == 0
    });
    server.start_again(&["--refuse-messages", "1"]);
    sign(&agent, &key, "buy pills now");
    let bare = until(&server, "554 looks like spam");
    assert!(!bare.to_string().contains("pills"));
    assert!(
        bare["plain"]
            .as_str()
            .unwrap()
            .contains("strongroom audit show")
    );
    sign(&agent, &key, "after");
    until(&server, "after");
    assert_complete(&vault, &server);
}

#[test]
fn a_mistake_in_the_settings_is_said_at_the_start() {
    let (vault, _) = vault();
    let server = MailServer::down(vault.path(), "none");
    let plain = server
        .settings("ops", OPS)
        .replace("127.0.0.1", "192.0.2.1");
    configure(&vault, &plain);
    let mut command: Command = vault.command(&["agent"]);
    let refused = command.output().unwrap();
    assert!(!refused.status.success());
    let said = text(&refused);
    assert!(
        said.contains("`tls = \"none\"` is for a mail server on this machine only"),
        "{said}"
    );
    assert!(fs::exists(vault.store()).unwrap());
}
