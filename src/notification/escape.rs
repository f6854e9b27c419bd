//! Text from outside in a sentence: it may go to a terminal, a chat or a mail.

/// The longest text from outside in a sentence, in characters.
const LONGEST: usize = 200;

/// Text from outside, made harmless: whatever is not plainly printable (control characters,
/// terminal escapes, characters that turn the writing direction or have no width) is written as
/// an escape, and it is cut to 200 characters.
pub fn escaped(text: &str) -> String {
    let mut safe = escaped_of(text.chars().take(LONGEST));
    if text.chars().nth(LONGEST).is_some() {
        safe.push('…');
    }
    safe
}

/// The same, however long it is.
pub(super) fn escaped_in_full(text: &str) -> String {
    escaped_of(text.chars())
}

fn escaped_of(characters: impl Iterator<Item = char>) -> String {
    let mut safe = String::new();
    for character in characters {
        match character {
            '"' | '\'' => safe.push(character),
            other => safe.extend(other.escape_debug()),
        }
    }
    safe
}

/// The same as a quotation, which nothing in it can end.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text).replace('\'', "\\'"))
}
