//! The owner is told over syslog: by `rsyslogd`, over TLS and at a local socket, which says what it
//! understood; and what it read is read once more by a grammar of somebody else's.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{
    Vault,
    authority::Authority,
    eventually,
    peer::Peer,
    python, script,
    syslogd::{Syslogd, id},
    text,
    told::{HOSTILE, complete, ill, long_and_hostile, shown, sign, vault_that_tells},
    with_input,
};

fn vault_that_logs(start: impl FnOnce(&Path) -> Syslogd) -> (Vault, std::path::PathBuf, Syslogd) {
    let mut syslogd = None;
    let (vault, key) = vault_that_tells(|directory| {
        let started = start(&directory.join("logs"));
        let settings = started.settings("siem");
        syslogd = Some(started);
        settings
    });
    (vault, key, syslogd.unwrap())
}

/// Waits for the message about the use with this purpose's beginning.
fn until(syslogd: &Syslogd, part: &str) -> Value {
    let mut found = None;
    eventually(part, || {
        let mut got = syslogd.got().into_iter();
        found = got.find(|message| message["text"].as_str().unwrap().contains(part));
        found.is_some()
    });
    found.unwrap()
}

/// What the other reader finds in the bytes.
fn read_again(messages: &[Value]) -> Vec<Value> {
    let lines: String = messages
        .iter()
        .map(|message| format!("{}\n", message["raw"]))
        .collect();
    let mut command = python();
    command.arg(script("syslog_check.py"));
    let output = with_input(command, lines.as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn over_tls_every_entry_arrives_and_every_reader_understands_it() {
    let (vault, key, syslogd) = vault_that_logs(Syslogd::start);
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    sign(&agent, &key, HOSTILE);
    sign(&agent, &key, &long_and_hostile());
    vault.run(&["secret", "reveal", "deploy-key"]);
    complete(&vault, || syslogd.ids());

    let told = until(&syslogd, "release 5");
    let entries = vault.entries();
    let index = entries
        .iter()
        .position(|entry| entry["ask"]["purpose"] == "release 5")
        .unwrap();
    assert_eq!(told["version"], "1");
    assert_eq!(told["facility"], "authpriv");
    assert_eq!(told["severity"], "notice");
    assert_eq!(told["app"], "strongroom");
    assert_eq!(told["id"], "use");
    assert_eq!(told["process"], agent.child.id().to_string());
    assert_eq!(told["time"], entries[index]["time"]);
    let text = told["text"].as_str().unwrap();
    assert!(text.starts_with("\u{feff}atlas signed with deploy-key for 'release 5'"));
    assert!(id(&told).ends_with(&format!("/{index}")));
    assert_eq!(
        until(&syslogd, "was shown to the owner")["severity"],
        "alert"
    );

    // Each of them by the other reader: the same text, and all that structured data says.
    let messages = syslogd.got();
    let read = read_again(&messages);
    assert_eq!(read.len(), messages.len());
    for (number, (message, read)) in messages.iter().zip(&read).enumerate() {
        assert_eq!(read["msg"], message["text"], "{message}");
        let elements = read["sd"].as_object().unwrap();
        let names: Vec<_> = elements.keys().map(String::as_str).collect();
        assert_eq!(names, ["strongroom@4242", "origin", "meta"], "{message}");
        assert_eq!(read["sd"]["strongroom@4242"]["id"], id(message));
        assert_eq!(read["sd"]["strongroom@4242"]["kind"], message["id"]);
        assert_eq!(read["sd"]["origin"]["software"], "strongroom");
        assert_eq!(
            read["sd"]["meta"]["sequenceId"],
            (number + 1).to_string(),
            "the receiver can see that one is missing"
        );
    }
    // The values as `rsyslogd` reads them, without what keeps them from ending early.
    let elements = |message: &Value| -> Value {
        serde_json::from_str(message["elements"].as_str().unwrap()).unwrap()
    };
    let purposes: Vec<_> = messages
        .iter()
        .map(|message| elements(message)["strongroom@4242"]["purpose"].clone())
        .filter(|purpose| !purpose.is_null())
        .collect();
    let escaped = [HOSTILE.to_owned(), long_and_hostile()].map(|text| shown(&text));
    assert_eq!(
        purposes,
        ["release 5", &escaped[0], &escaped[1]].map(Value::from)
    );
}

#[test]
fn an_outage_a_restart_and_a_crash_lose_nothing() {
    let (vault, key, mut syslogd) = vault_that_logs(Syslogd::start);
    let agent = vault.agent();
    sign(&agent, &key, "before the outage");
    until(&syslogd, "before the outage");
    syslogd.go_down();
    sign(&agent, &key, "in the outage");
    ill(&vault, "cannot connect");
    agent.kill();
    let agent = vault.agent();
    sign(&agent, &key, "after the crash");
    syslogd.come_up();
    until(&syslogd, "after the crash");
    agent.stop();
    let agent = vault.agent();
    sign(&agent, &key, "after the restart");
    complete(&vault, || syslogd.ids());
    agent.stop();
}

#[test]
fn a_receiver_that_has_not_proved_who_it_is_is_told_nothing() {
    let mut others = Vec::new();
    let (vault, _) = vault_that_tells(|directory| {
        let syslogd = Syslogd::start(&directory.join("logs"));
        let other = Authority::create(directory, "another-authority");
        let settings = syslogd.settings("siem");
        let untrusted = settings.replace(&syslogd.authority.certificate(), &other.certificate());
        // Its certificate is for `localhost`.
        let misnamed = settings.replace("localhost", "127.0.0.1");
        others.push(syslogd);
        untrusted + &misnamed.replace("siem", "misnamed")
    });
    let _agent = vault.agent();
    let mut rows = Value::Null;
    eventually("both say what is wrong", || {
        rows = vault.json(&["notify", "list"]);
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["problem"].is_string())
    });
    let problem = |number: usize| rows[number]["problem"].as_str().unwrap();
    assert!(problem(0).contains("UnknownIssuer"), "{rows}");
    assert!(problem(1).contains("not valid for name"), "{rows}");
    assert_eq!(others[0].got(), Vec::<Value>::new());
}

#[test]
fn a_receiver_that_asks_for_a_certificate_is_shown_one_out_of_the_vault() {
    let mut logs = None;
    let (vault, key) = vault_that_tells(|directory| {
        let syslogd = Syslogd::start_with(&directory.join("logs"), "x509/certvalid");
        let settings = syslogd.settings("siem");
        logs = Some(syslogd);
        settings
    });
    let syslogd = logs.unwrap();
    let agent = vault.agent();
    // Without one, nothing is taken. When it finds that out, TLS 1.3 has let it send already.
    eventually("it is refused", || {
        vault.json(&["notify", "list"])[0]["problem"].is_string()
    });
    agent.stop();

    let (certificate, private) = syslogd
        .authority
        .sign("vault", "extendedKeyUsage=clientAuth");
    let mut pem = fs::read(certificate).unwrap();
    pem.extend(fs::read(private).unwrap());
    vault.run_with_input(&["secret", "add", "logs-client", "--kind", "mtls"], &pem);
    let binding = vault.path().join("binding.json");
    let cacert = fs::read_to_string(syslogd.authority.certificate()).unwrap();
    let to = |port: u16| {
        let to = format!("localhost:{port}");
        json!({"channel": {"name": "siem", "to": to, "cacert": cacert}}).to_string()
    };
    let bind = |port: u16| {
        fs::write(&binding, to(port)).unwrap();
        let file = binding.to_str().unwrap();
        vault.run(&["secret", "bind", "logs-client", "--file", file]);
    };
    bind(1);
    let settings = syslogd.settings("siem").replace(
        &format!("cacert = \"{}\"", syslogd.authority.certificate()),
        "certificate = \"logs-client\"",
    );
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{settings}"));

    let agent = vault.locked_agent();
    eventually("it waits for the vault", || {
        vault.json(&["notify", "list"])[0]["state"] == "waiting"
            || vault.json(&["notify", "list"])[0]["problem"].is_string()
    });
    vault.run(&["unlock"]);
    // Its owner said that it goes somewhere else.
    eventually("it goes nowhere else than its owner said", || {
        let rows = vault.json(&["notify", "list"]);
        let problem = rows[0]["problem"].as_str().unwrap_or_default();
        problem.contains("localhost:1")
    });
    assert_eq!(syslogd.got(), Vec::<Value>::new());
    bind(syslogd.port);
    sign(&agent, &key, "release 5");
    until(&syslogd, "release 5");
    vault.run(&["lock"]);
    until(&syslogd, "locked");
    complete(&vault, || syslogd.ids());
    let entries: Value = json!(vault.entries());
    assert!(entries.to_string().contains("channel-opened"));
    assert!(!entries.to_string().contains("PRIVATE KEY"));
    agent.stop();
}

#[test]
fn a_message_counts_when_the_receiver_has_ended_the_connection_well() {
    let mut peer = None;
    let (vault, key) = vault_that_tells(|directory| {
        let authority = Authority::create(directory, "logs-authority");
        let (certificate, private) = authority.sign("logs", "subjectAltName=DNS:localhost");
        let mut command = python();
        command.arg(script("syslog_tls.py")).args([
            "--certificate",
            &certificate,
            "--key",
            &private,
            "--rude",
            "2",
        ]);
        let started = Peer::start(&mut command);
        let settings = format!(
            "[[notify]]\nname = \"siem\"\nkind = \"syslog\"\nserver = \"localhost:{}\"\ncacert = \"{}\"\n",
            started.port,
            authority.certificate()
        );
        peer = Some(started);
        settings
    });
    let peer = peer.unwrap();
    let agent = vault.agent();
    sign(&agent, &key, "release 5");
    let ids = || -> Vec<String> {
        let got = peer.got();
        got.iter()
            .map(|message| id(&json!({"text": message})))
            .collect()
    };
    assert_eq!(complete(&vault, ids), 2, "what was cut off came again");
    let ids = ids();
    assert!(
        ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3],
        "{ids:?}"
    );
    agent.stop();
}

#[test]
fn at_a_local_socket_an_outage_loses_nothing() {
    let mut logs = None;
    let (vault, key) = vault_that_tells(|directory| {
        let syslogd = Syslogd::start(&directory.join("logs"));
        let settings = syslogd.local_settings("local") + "facility = \"local3\"\n";
        logs = Some(syslogd);
        settings
    });
    let mut syslogd = logs.unwrap();
    let agent = vault.agent();
    sign(&agent, &key, &long_and_hostile());
    let told = until(&syslogd, "[x@1");
    assert_eq!(told["version"], "1");
    assert_eq!(told["facility"], "local3");
    assert_eq!(told["id"], "use");
    assert_eq!(read_again(&[told])[0]["appname"], "strongroom");
    syslogd.go_down();
    sign(&agent, &key, "in the outage");
    ill(&vault, "nobody takes it at");
    syslogd.come_up();
    agent.stop();
    let agent = vault.agent();
    sign(&agent, &key, "after the restart");
    complete(&vault, || syslogd.ids());
    agent.stop();
}
