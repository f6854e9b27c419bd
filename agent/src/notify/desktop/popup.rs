//! The words of a popup: short, and harmless in whatever the daemon makes of them.

use strongroom::notification::{Fact, Notification, Urgency};

use super::super::{cut::cut_to_characters as cut, markup::reference, unlinked::unlinked};

/// The most characters of the sentence, of one fact, and of all facts together. A popup is a hint:
/// everything is in the audit log.
const SENTENCE: usize = 600;
const FACT: usize = 160;
const FACTS: usize = 1600;

/// What is shown.
pub struct Popup {
    /// One line, which no daemon reads as markup.
    pub summary: String,
    /// Lines; markup only for a daemon that says that it reads it.
    pub body: String,
}

impl Popup {
    /// For a daemon that has these capabilities.
    pub fn new(notification: &Notification, capabilities: &[String]) -> Self {
        let has = |capability: &str| capabilities.iter().any(|known| known == capability);
        let sentence = cut(&unlinked(&notification.sentence), SENTENCE).into_owned();
        if !has("body") {
            return Self {
                summary: sentence,
                body: String::new(),
            };
        }
        let mut lines = vec![sentence];
        // Everything else is in the sentence. Who has to decide wants to see what about.
        if notification.kind == "pending" {
            lines.extend(decide_on(&notification.facts));
        }
        let body = lines.join("\n");
        Self {
            summary: title(notification).to_owned(),
            body: if has("body-markup") {
                without_markup(&body)
            } else {
                body
            },
        }
    }
}

fn title(notification: &Notification) -> &'static str {
    match (notification.kind.as_str(), notification.urgency) {
        ("pending", _) => "Strongroom: an approval is asked for",
        (_, Urgency::Urgent) => "Strongroom: urgent",
        _ => "Strongroom",
    }
}

/// The facts, as far as they fit, and the command that decides, which always does.
fn decide_on(facts: &[Fact]) -> Vec<String> {
    let mut lines = Vec::new();
    let (decide, others): (Vec<&Fact>, Vec<&Fact>) =
        facts.iter().partition(|fact| fact.label == "decide");
    let mut room = FACTS;
    for (at, fact) in others.iter().enumerate() {
        let line = format!("{}: {}", cut(&fact.label, FACT), cut(&fact.text, FACT));
        let line = unlinked(&line);
        let length = line.chars().count();
        if length > room {
            lines.push(format!(
                "… and {} more: see `strongroom pending`",
                others.len() - at
            ));
            break;
        }
        room -= length;
        lines.push(line);
    }
    lines.extend(decide.iter().map(|fact| fact.text.clone()));
    lines
}

/// The specification's markup is a part of HTML: in text these characters stand for themselves only
/// as references.
fn without_markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match reference(character) {
            Some(reference) => safe.push_str(reference),
            None => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn pending(sentence: &str, facts: &[(&str, &str)]) -> Notification {
        Notification {
            id: "vault/12".to_owned(),
            index: 12,
            time: Timestamp::UNIX_EPOCH,
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
            entry: serde_json::Value::Null,
        }
    }

    fn popup(notification: &Notification, capabilities: &[&str]) -> Popup {
        let capabilities: Vec<String> = capabilities.iter().map(|&c| c.to_owned()).collect();
        Popup::new(notification, &capabilities)
    }

    #[test]
    fn markup_is_escaped_for_who_reads_it_and_for_nobody_else() {
        let notification = pending("<b>now</b> & 'then'", &[]);
        let escaped = popup(&notification, &["body", "body-markup"]);
        assert_eq!(escaped.body, "&lt;b&gt;now&lt;/b&gt; &amp; &#39;then&#39;");
        let plain = popup(&notification, &["body"]);
        assert_eq!(plain.body, "<b>now</b> & 'then'");
        let summary = popup(&notification, &[]);
        assert_eq!(
            (summary.summary.as_str(), summary.body.as_str()),
            ("<b>now</b> & 'then'", "")
        );
    }

    #[test]
    fn the_command_is_there_however_much_stands_before_it() {
        let long = "x".repeat(100_000);
        let mut facts = vec![("secret", "deploy-key")];
        facts.extend((0..1000).map(|_| ("field", long.as_str())));
        facts.push(("decide", "strongroom approve 12 or strongroom deny 12"));
        let popup = popup(&pending(&long, &facts), &["body"]);
        assert!(popup.body.chars().count() < SENTENCE + FACTS + 300);
        assert!(popup.body.contains("\nsecret: deploy-key\n"));
        assert!(
            popup.body.ends_with(
                "more: see `strongroom pending`\nstrongroom approve 12 or strongroom deny 12"
            ),
            "{}",
            popup.body
        );
    }
}
