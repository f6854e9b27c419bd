use jiff::Timestamp;
use serde_json::Value;

use super::*;

fn notification(sentence: &str, facts: &[(&str, &str)]) -> Notification {
    Notification {
        id: "vault.example.com/12".to_owned(),
        index: 12,
        time: "2026-11-25T12:00:00Z".parse::<Timestamp>().unwrap(),
        urgency: Urgency::Urgent,
        kind: "pending".to_owned(),
        sentence: sentence.to_owned(),
        marks: Vec::new(),
        facts: facts
            .iter()
            .map(|(label, text)| Fact {
                label: (*label).to_owned(),
                text: (*text).to_owned(),
            })
            .collect(),
        entry: Value::Null,
    }
}

fn written(notification: &Notification, to: &[&str]) -> String {
    let to: Vec<Mailbox> = to.iter().map(|to| to.parse().unwrap()).collect();
    let letter = Letter {
        notification,
        channel: &"ops".parse().unwrap(),
        origin: "vault.example.com",
        from: &"Strongroom <strongroom@example.com>".parse().unwrap(),
        to: &to,
        cc: &[],
        file: Some("{}"),
    };
    String::from_utf8(letter.whole().unwrap()).unwrap()
}

/// The header lines, unfolded.
fn headers(message: &str) -> Vec<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    head.replace("\r\n ", " ")
        .split("\r\n")
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_line_in_a_text_begins_no_header() {
    let text = "done\r\nBcc: eve@evil.example\r\n\r\n<html>";
    let message = written(&notification(text, &[(text, text)]), &["a@example.com"]);
    let headers = headers(&message);
    assert!(
        !headers.iter().any(|line| line.starts_with("Bcc")),
        "{headers:#?}"
    );
    let names: Vec<_> = headers
        .iter()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "From",
            "To",
            "Subject",
            "Message-ID",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "List-Id",
            "Strongroom-Kind",
            "Strongroom-Urgency",
            "Strongroom-Id",
            "Importance",
            "X-Priority",
            "MIME-Version",
            "Date",
            "Content-Type",
        ]
    );
}

#[test]
fn no_line_is_longer_than_mail_allows() {
    let long = "🔑 é long ".repeat(50_000);
    let to: Vec<String> = (0..50)
        .map(|n| format!("Somebody With A Name {n} <a{n}@example.com>"))
        .collect();
    let to: Vec<&str> = to.iter().map(String::as_str).collect();
    let message = written(
        &notification(&long, &[("label", &long), (&long, &long)]),
        &to,
    );
    assert!(message.is_ascii());
    for line in message.split("\r\n") {
        assert!(line.len() <= 998, "RFC 5322 section 2.1.1: {line}");
        assert!(!line.contains(['\r', '\n']));
    }
    assert!(message.len() < 1_000_000, "{}", message.len());
}

#[test]
fn an_id_is_a_dot_atom_and_stays_distinct() {
    for (text, atom) in [
        ("vault.example.com/12", "vault.example.com/12"),
        ("a<b>@\"c\"/1-2", "a=3Cb=3E=40=22c=22/1-2"),
        (".a..b.", "=2Ea.=2Eb=2E"),
        ("a=3C", "a=3D3C"),
    ] {
        assert_eq!(dot_atom(text), atom);
    }
}
