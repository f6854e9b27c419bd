//! What a person reads of a notification in a chat or on a phone: the sentence, what stands beside it,
//! and where to find more, within the room that the receiver has.
//!
//! **Nothing here is markup or a link.** All of it is plain text on one line each, with addresses broken
//! that a receiver would make links of; how it is kept from reading anything else into the text is each
//! channel's own concern.

use strongroom::notification::{Notification, Urgency};

use super::unlinked::unlinked;

/// The most bytes of one fact.
const LONGEST_FACT: usize = 2000;
/// The most bytes of a label.
const LONGEST_LABEL: usize = 100;
/// The most facts.
const MOST_FACTS: usize = 40;

/// A notification, cut to the room that there is.
#[derive(Debug, PartialEq, Eq)]
pub struct Words {
    /// What happened; begins with `urgent: ` if that is what it is.
    pub sentence: String,
    /// A label and a text each.
    pub facts: Vec<(String, String)>,
    /// When, what kind, and which one.
    pub foot: String,
}

/// Says it in at most about so many bytes.
pub fn words(notification: &Notification, room: usize) -> Words {
    let urgent = match notification.urgency {
        Urgency::Urgent => "urgent: ",
        Urgency::Quiet | Urgency::Normal => "",
    };
    let mut sentence = format!("{urgent}{}", unlinked(&notification.sentence));
    let mut was_cut = cut(&mut sentence, room / 2);
    let mut left = room.saturating_sub(sentence.len());
    let mut facts = Vec::new();
    for fact in &notification.facts {
        let (mut label, mut text) = (unlinked(&fact.label), unlinked(&fact.text));
        was_cut |= cut(&mut label, LONGEST_LABEL);
        was_cut |= cut(&mut text, LONGEST_FACT.min(left / 2));
        if facts.len() == MOST_FACTS || label.len() + text.len() > left {
            was_cut = true;
            break;
        }
        left -= label.len() + text.len();
        facts.push((label, text));
    }
    let more = match was_cut {
        true => "; this is cut, `strongroom audit show --json` has all of it",
        false => "",
    };
    Words {
        sentence,
        facts,
        foot: format!(
            "{:.0} · {} · {}{more}",
            notification.time, notification.kind, notification.id
        ),
    }
}

/// Cuts a text to about so many bytes, and says how much is missing.
fn cut(text: &mut String, longest: usize) -> bool {
    if text.len() <= longest {
        return false;
    }
    let end = text.floor_char_boundary(longest);
    let missing = text.split_off(end).chars().count();
    text.push_str(&format!("… ({missing} more)"));
    true
}

#[cfg(test)]
pub mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use strongroom::notification::Fact;

    use super::*;

    /// A notification that says this.
    pub fn notification(sentence: &str, facts: &[(&str, &str)]) -> Notification {
        let json = serde_json::json!({
            "id": "strongroom.test/vault/7", "index": 7, "time": "2026-11-25T10:00:00.123Z",
            "urgency": "normal", "kind": "use", "sentence": sentence, "facts": [], "marks": [],
            "entry": {},
        });
        let mut notification: Notification = serde_json::from_value(json).unwrap();
        notification.facts = facts
            .iter()
            .map(|(label, text)| Fact {
                label: (*label).to_owned(),
                text: (*text).to_owned(),
            })
            .collect();
        notification
    }

    /// Facts with texts of any length, which are quick to make up.
    pub fn long_facts() -> impl Strategy<Value = Vec<(String, String)>> {
        let text = ("\\PC{0,12}", 0usize..400).prop_map(|(piece, times)| piece.repeat(times));
        prop::collection::vec(("\\PC{0,12}", text), 0..60)
    }

    pub fn borrowed(facts: &[(String, String)]) -> Vec<(&str, &str)> {
        let pairs = facts.iter();
        pairs
            .map(|(label, text)| (label.as_str(), text.as_str()))
            .collect()
    }

    #[test]
    fn what_fits_is_said_whole() {
        let mut told = notification("atlas signed", &[("purpose", "release"), ("size", "5")]);
        let said = words(&told, 1000);
        assert_eq!(said.sentence, "atlas signed");
        assert_eq!(said.facts.len(), 2);
        assert_eq!(
            said.foot,
            "2026-11-25T10:00:00Z · use · strongroom.test/vault/7"
        );
        told.urgency = Urgency::Urgent;
        assert_eq!(words(&told, 1000).sentence, "urgent: atlas signed");
        assert_eq!(
            told.time,
            "2026-11-25T10:00:00.123Z".parse::<Timestamp>().unwrap()
        );
    }

    #[test]
    fn what_is_cut_is_told() {
        let long = "é".repeat(5000);
        let told = notification(&long, &[("purpose", &long), ("field.x", "y")]);
        let said = words(&told, 3000);
        assert!(said.sentence.starts_with("éé") && said.sentence.ends_with("… (4250 more)"));
        assert!(said.facts[0].1.ends_with(" more)"), "{said:?}");
        assert_eq!(said.facts[1].1, "y");
        assert!(said.foot.contains("this is cut"), "{said:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn there_is_room_for_what_is_said(
            sentence in "\\PC{0,100}", times in 0usize..20, facts in long_facts(), room in 400usize..20_000,
        ) {
            let told = notification(&sentence.repeat(times), &borrowed(&facts));
            let said = words(&told, room);
            let length: usize = said.facts.iter().map(|(label, text)| label.len() + text.len()).sum();
            prop_assert!(said.sentence.len() + length <= room + 30);
            prop_assert!(said.facts.len() <= MOST_FACTS);
            prop_assert!(said.foot.len() < 200);
        }
    }
}
