//! The body for a webhook of Teams' workflows: a message with one Adaptive Card.
//!
//! Everything from outside stands in `TextRun`s of a `RichTextBlock`, which is the one place of a card
//! where text is never read as Markdown: nothing there is a link, an image or a mention.

use serde_json::{Value, json};
use strongroom::notification::{Notification, Urgency};

use crate::notify::chat::{Words, words};

/// The most bytes of text: with what is around it, below the 28 KB that Teams takes.
const ROOM: usize = 9_000;

/// What is posted.
pub fn body(notification: &Notification) -> anyhow::Result<Vec<u8>> {
    let Words {
        sentence,
        facts,
        foot,
    } = words(notification, ROOM);
    let color = match notification.urgency {
        Urgency::Urgent => "Attention",
        Urgency::Quiet | Urgency::Normal => "Default",
    };
    let mut paragraphs = vec![paragraph(&[
        json!({"type": "TextRun", "text": sentence, "weight": "Bolder", "color": color}),
    ])];
    for (label, text) in facts {
        paragraphs.push(paragraph(&[
            json!({"type": "TextRun", "text": format!("{label}: "), "isSubtle": true}),
            json!({"type": "TextRun", "text": text}),
        ]));
    }
    paragraphs.push(paragraph(&[
        json!({"type": "TextRun", "text": foot, "isSubtle": true, "size": "Small"}),
    ]));
    Ok(serde_json::to_vec(&json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": paragraphs,
            },
        }],
    }))?)
}

fn paragraph(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::notify::chat::tests::{borrowed, long_facts, notification};

    #[test]
    fn text_from_outside_stands_only_where_markdown_is_not_read() {
        let hostile = "[click](https://evil.example) <at>everyone</at> **bold**";
        let told = notification(hostile, &[("purpose", hostile)]);
        let body: Value = serde_json::from_slice(&body(&told).unwrap()).unwrap();
        let card = &body["attachments"][0]["content"];
        let mut seen = 0;
        for block in card["body"].as_array().unwrap() {
            assert_eq!(block["type"], "RichTextBlock");
            for run in block["inlines"].as_array().unwrap() {
                assert_eq!(run["type"], "TextRun");
                assert!(run.get("selectAction").is_none());
                let as_seen = hostile.replace("://", "[://]");
                seen += usize::from(run["text"] == as_seen.as_str());
            }
        }
        assert_eq!(seen, 2);
        assert!(card.get("msteams").is_none(), "no entities, so no mentions");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_fits(facts in long_facts(), piece in "[\"\\\\a😀]{1,9}") {
            let told = notification(&piece.repeat(5000), &borrowed(&facts));
            let body = body(&told).unwrap();
            prop_assert!(body.len() <= 28 * 1000, "{}", body.len());
        }
    }
}
