//! The body of an incoming webhook of Slack.
//!
//! Everything from outside stands in text objects of type `plain_text`, where nothing is a mention, a
//! link or a format, with `&`, `<` and `>` written as Slack demands it of all text: these three are what
//! its markup is made of.

use serde_json::{Value, json};
use strongroom::notification::Notification;

use crate::notify::chat::{Words, words};

/// The most characters of one text object in a section, as Slack counts them.
const SECTION: usize = 3000;
/// The most bytes that all of it may have before it is escaped.
const ROOM: usize = 12_000;

/// What is posted.
pub fn body(notification: &Notification) -> anyhow::Result<Vec<u8>> {
    let Words {
        sentence,
        facts,
        foot,
    } = words(notification, ROOM);
    let lines = facts.iter().map(|(label, text)| format!("{label}: {text}"));
    let sections = sections(std::iter::once(sentence.clone())).into_iter();
    let mut blocks: Vec<Value> = sections.chain(self::sections(lines)).collect();
    blocks.push(json!({"type": "context", "elements": [plain(&escape(&foot))]}));
    // `text` is what a phone shows: the same sentence, and no markup in it either.
    Ok(serde_json::to_vec(&json!({
        "text": escape(&sentence),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    }))?)
}

/// As many lines in each section as it has room for.
fn sections(lines: impl Iterator<Item = String>) -> Vec<Value> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        let mut pieces = pieces(&escape(&line)).into_iter();
        let first = pieces.next().unwrap_or_default();
        match texts.last_mut() {
            Some(text) if text.chars().count() + 1 + first.chars().count() <= SECTION => {
                text.push('\n');
                text.push_str(&first);
            }
            _ => texts.push(first),
        }
        texts.extend(pieces);
    }
    let section = |text: &String| json!({"type": "section", "text": plain(text)});
    texts.iter().map(section).collect()
}

/// A text in pieces that each fit into a section; no entity is cut in two.
fn pieces(escaped: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut length = 0;
    for unit in escaped.split_inclusive(';').flat_map(units) {
        let size = unit.chars().count();
        if length + size > SECTION {
            pieces.push(String::new());
            length = 0;
        }
        length += size;
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(unit);
        }
    }
    pieces
}

/// The characters of a text that has at most one entity, at its end, which stays whole.
fn units(text: &str) -> impl Iterator<Item = &str> {
    let entity = ["&amp;", "&lt;", "&gt;"]
        .into_iter()
        .find(|entity| text.ends_with(entity));
    let (before, entity) = text.split_at(text.len() - entity.map_or(0, str::len));
    let characters = before
        .char_indices()
        .map(|(at, character)| before.get(at..at + character.len_utf8()).unwrap_or(""));
    characters.chain((!entity.is_empty()).then_some(entity))
}

fn plain(escaped: &str) -> Value {
    json!({"type": "plain_text", "text": escaped, "emoji": false})
}

/// As Slack demands it of text that is not markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::chat::tests::{borrowed, notification};

    fn written(sentence: &str, facts: &[(&str, &str)]) -> Value {
        serde_json::from_slice(&body(&notification(sentence, facts)).unwrap()).unwrap()
    }

    #[test]
    fn markup_from_outside_is_only_text() {
        let hostile = "<!channel> <https://evil.example|click> & *bold*";
        let body = written(hostile, &[("purpose", hostile)]);
        let escaped = "&lt;!channel&gt; &lt;https[://]evil.example|click&gt; &amp; *bold*";
        assert_eq!(body["text"], escaped);
        assert_eq!(body["mrkdwn"], false);
        assert_eq!(
            body["blocks"],
            json!([
                {"type": "section", "text": plain(escaped)},
                {"type": "section", "text": plain(&format!("purpose: {escaped}"))},
                {"type": "context", "elements": [plain("2026-11-25T10:00:00Z · use · strongroom.test/vault/7")]},
            ])
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn everything_has_room(
            sentence in "[a-z<>&;é]{0,400}",
            facts in prop::collection::vec(
                ("[a-z]{1,9}", ("[a-z<>&;é]{0,9}", 0usize..500).prop_map(|(piece, times)| piece.repeat(times))),
                0..50,
            ),
        ) {
            let body = written(&sentence, &borrowed(&facts));
            let blocks = body["blocks"].as_array().unwrap();
            prop_assert!(blocks.len() <= 50);
            for block in blocks {
                let texts = block["elements"].as_array().cloned().unwrap_or_else(|| vec![block["text"].clone()]);
                for text in texts {
                    let text = text["text"].as_str().unwrap();
                    prop_assert!(text.chars().count() <= SECTION);
                    let whole = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
                    prop_assert!(!whole.contains(['&', '<', '>']), "an entity was cut: {text}");
                }
            }
        }
    }
}
