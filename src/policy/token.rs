//! Cedar text as tokens: enough to find the place of an annotation, and to see how deep a text
//! goes before it is parsed.
//!
//! Cedar's parser recurses without a bound, and its validator lets pass what is too deep for the
//! stack that is left. So a text has bounds here that no honest policy meets, and
//! [`check`](super::check) runs with a stack that is ample for them.

use std::ops::Range;

/// The most tokens in one statement. Each binary operator may be one level of the syntax tree.
pub(super) const MAX_TOKENS: usize = 1_000;

/// How deep brackets may be nested. Each is a dozen levels of the grammar.
pub(super) const MAX_NESTING: usize = 24;

/// A word, a string literal or one other character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) span: Range<usize>,
}

/// What is too much for the parser, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TooComplex {
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

/// The tokens of a text, in order; white space and comments are left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..)?;
            let first = rest.chars().next()?;
            let len = if rest.starts_with("//") {
                rest.find(['\n', '\r']).unwrap_or(rest.len())
            } else {
                match first {
                    '"' => string_len(rest),
                    c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                    c => c.len_utf8(),
                }
            };
            let span = at..at + len;
            at = span.end;
            if !first.is_whitespace() && !rest.starts_with("//") {
                return Some(Token {
                    text: text.get(span.clone())?,
                    span,
                });
            }
        }
    })
}

/// Whether the text is small enough to be parsed.
pub(super) fn bounded(text: &str) -> Result<(), TooComplex> {
    let (mut count, mut depth) = (0_usize, 0_usize);
    for token in tokens(text) {
        count += 1;
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            ";" => (count, depth) = (0, 0),
            _ => {}
        }
        let message = if count > MAX_TOKENS {
            format!("a statement may have at most {MAX_TOKENS} words and signs")
        } else if depth > MAX_NESTING {
            format!("brackets may be nested at most {MAX_NESTING} deep")
        } else {
            continue;
        };
        return Err(TooComplex {
            span: token.span,
            message,
        });
    }
    Ok(())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the string literal that the text begins with; one that does not end goes on to
/// the end of the text.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{MAX_NESTING, MAX_TOKENS, bounded, tokens};

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).map(|token| token.text).collect()
    }

    #[test]
    fn strings_and_comments_hide_what_is_in_them() {
        assert_eq!(
            texts(r#"@id("a\"@b // c") // @d"#),
            ["@", "id", "(", r#""a\"@b // c""#, ")"]
        );
        assert_eq!(texts("a // b\n/ c_1 é"), ["a", "/", "c_1", "é"]);
        assert_eq!(texts("// a\r@b"), ["@", "b"]);
        assert_eq!(texts("\"open @a"), ["\"open @a"]);
        assert_eq!(texts(""), [""; 0]);
    }

    #[test]
    fn bounds_are_for_each_statement() {
        let wide = format!("{};", "a ".repeat(MAX_TOKENS));
        assert_eq!(bounded(&wide.repeat(3)), Ok(()));
        assert!(bounded(&format!("a {wide}")).is_err());
        let deep = format!(
            "{}{};",
            "([".repeat(MAX_NESTING / 2),
            "])".repeat(MAX_NESTING / 2)
        );
        assert_eq!(bounded(&deep.repeat(3)), Ok(()));
        let error = bounded(&format!("\"((\"({deep})")).unwrap_err();
        assert_eq!(error.message, "brackets may be nested at most 24 deep");
    }
}
