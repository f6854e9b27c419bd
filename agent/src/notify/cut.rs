//! Texts that are longer than a receiver takes.

use std::borrow::Cow;

/// The text in at most so many bytes; an ellipsis ends it where something is missing.
pub fn cut(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    let kept = text.get(..end).unwrap_or_default();
    Cow::Owned(format!("{kept}…"))
}

/// The same in at most so many characters, before the ellipsis.
pub fn cut_to_characters(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.split_at(end).0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abc…");
        assert_eq!(cut("äöüß", 7), "äö…");
        assert_eq!(cut("äöüß", 6), "ä…");
        assert_eq!(cut("äöüß", 3), "…");
        assert_eq!(cut_to_characters("äöü", 3), "äöü");
        assert_eq!(cut_to_characters("äöüß", 3), "äöü…");
    }
}
