//! What a message holds, byte by byte; the receivers in `tests/syslog.rs` see the rest.

use serde_json::json;
use strongroom::notification::Fact;

use super::*;

pub fn notification(sentence: &str, facts: Vec<Fact>) -> Notification {
    serde_json::from_value(json!({
        "id": "vault.example/7", "index": 7, "time": "2026-03-01T10:00:00.123Z",
        "urgency": "normal", "kind": "use", "sentence": sentence, "facts": facts,
        "entry": {"kind": "use"}, "marks": ["first-use", "unusual-hour"],
    }))
    .unwrap()
}

fn fact(label: &str, text: &str) -> Fact {
    Fact {
        label: label.to_owned(),
        text: text.to_owned(),
    }
}

fn settings(more: &str) -> Settings {
    let text = format!("name = 'siem'\nhostname = 'vault.example'\n{more}");
    let settings: Settings = toml::from_str(&text).unwrap();
    settings.check().unwrap();
    settings
}

fn message(settings: &Settings, notification: &Notification) -> String {
    String::from_utf8(Writer::new(settings).message(notification, 3)).unwrap()
}

#[test]
fn a_message_without_an_enterprise_number_has_registered_elements_only() {
    assert_eq!(
        message(&settings(""), &notification("it was used", Vec::new())),
        format!(
            "<85>1 2026-03-01T10:00:00.123Z vault.example strongroom {} use [origin software=\"strongroom\" swVersion=\"{}\"][meta sequenceId=\"3\"] \u{feff}it was used (vault.example/7)",
            std::process::id(),
            env!("CARGO_PKG_VERSION"),
        )
    );
}

#[test]
fn a_message_with_one_says_everything_and_nothing_ends_a_value_early() {
    let hostile = notification(
        "x",
        vec![
            fact("asked for as", "deploy"),
            fact("id", "another/1"),
            fact(
                "field.a=\"]b\u{e4}",
                "end\"] [x@1 y=\"\\\n\u{1b}[2J\u{85}ok",
            ),
        ],
    );
    let text = message(
        &settings("enterprise = 4242\nfacility = 'local3'"),
        &hostile,
    );
    assert!(text.starts_with("<157>1 "), "19 * 8 + 5: {text}");
    let element = "[strongroom@4242 id=\"vault.example/7\" index=\"7\" kind=\"use\" urgency=\"normal\" \
                   marks=\"first-use,unusual-hour\" asked_for_as=\"deploy\" id_=\"another/1\" \
                   field.a___b_=\"end\\\"\\] [x@1 y=\\\"\\\\\\\\n\\\\u{1b}[2J\\\\u{85}ok\"][origin ";
    assert!(text.contains(element), "{text}");
}

#[test]
fn a_message_is_never_longer_than_the_receiver_takes() {
    for max_bytes in [2048, 8192] {
        let settings = settings(&format!("enterprise = 4242\nmax_bytes = {max_bytes}"));
        for (sentence, value) in [(10, 5000), (60_000, 10), (60_000, 60_000)] {
            let facts =
                (0..400).map(|number| fact(&format!("field.{number}"), &"ü\"".repeat(value)));
            let notification = notification(&"ä\u{7}".repeat(sentence), facts.collect());
            let text = message(&settings, &notification);
            assert!(text.len() <= max_bytes, "{} of {max_bytes}", text.len());
            assert!(text.ends_with(" (vault.example/7)"), "{text}");
            assert!(text.contains(" id=\"vault.example/7\"") && text.contains(" more=\""));
        }
    }
}

#[test]
fn a_header_is_printable_whatever_is_in_it() {
    let mut notification = notification("x", Vec::new());
    for (kind, written) in [("use", "use"), ("a b", "-"), ("", "-"), ("\u{e4}", "-")] {
        notification.kind = kind.to_owned();
        let text = message(&settings(""), &notification);
        let header: Vec<_> = text.split(' ').take(6).collect();
        assert_eq!(header[5], written);
    }
    notification.time = "-000001-01-01T00:00:00Z".parse().unwrap();
    assert!(message(&settings(""), &notification).starts_with("<85>1 - vault.example "));
}

#[test]
fn urgencies_are_severities() {
    for (urgency, severity) in [
        (Urgency::Quiet, 6),
        (Urgency::Normal, 5),
        (Urgency::Urgent, 1),
    ] {
        let mut notification = notification("x", Vec::new());
        notification.urgency = urgency;
        let text = message(&settings("facility = 'user'"), &notification);
        assert!(text.starts_with(&format!("<{}>1 ", 8 + severity)), "{text}");
    }
    assert_eq!(Facility::AuthPriv.code(), 10);
    assert_eq!(Facility::Audit.code(), 13);
    assert_eq!(Facility::Local7.code(), 23);
}

#[test]
fn sequence_numbers_begin_at_1_and_again() {
    let numbers = [0, 1, 0x7fff_fffe, 0x7fff_ffff].map(message::sequence);
    assert_eq!(numbers, [1, 2, 0x7fff_ffff, 1]);
}

#[test]
fn servers_are_read_strictly() {
    for (server, host, port) in [
        ("logs.example.com", "logs.example.com", 6514),
        ("logs.example.com:65", "logs.example.com", 65),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("::1", "::1", 6514),
        ("[::1]:2", "::1", 2),
    ] {
        assert_eq!(host_and_port(server).unwrap(), (host.to_owned(), port));
    }
    for server in [
        "",
        ":1",
        "a:",
        "a:b",
        "a:70000",
        "u@a:1",
        "a/b",
        "tls://a:1",
        "a b",
    ] {
        assert!(host_and_port(server).is_err(), "{server}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for text in [
        "server = 'a'\nsocket = '/dev/log'",
        "socket = 'dev/log'",
        "cacert = 'a.pem'",
        "certificate = 'siem-client'",
        "server = 'a'\ncacert = 'a.pem'\ncertificate = 'siem-client'",
        "hostname = 'a b'",
        "enterprise = 0",
        "enterprise = 32473",
        "max_bytes = 2047",
        "server = 'a b'",
    ] {
        let settings: Settings = toml::from_str(&format!("name = 'siem'\n{text}")).unwrap();
        assert!(settings.check().is_err(), "{text}");
    }
    assert!(toml::from_str::<Settings>("name = 'siem'\nfacility = 'kern'").is_err());
}
