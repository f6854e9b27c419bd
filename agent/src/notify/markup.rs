//! Text in HTML, and in the part of it that popups have.

/// What stands for a character that would be markup, in text and in attributes.
pub fn reference(character: char) -> Option<&'static str> {
    Some(match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}
