//! Text from outside for receivers that make links of what looks like one.
//!
//! A service writes its purpose itself. A link in it, in a message that the owner trusts, would be
//! the best bait there is: so it is broken, visibly, and stays readable.

use std::iter::Peekable;

/// The text with what makes a link of its parts in brackets: `https[://]example[.]com/x`.
///
/// Those are `://`, the first dot after `www`, and the dot before a last label that a `/` follows.
/// A plain file name or version number stays as it is.
pub fn unlinked(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("://") {
            safe.push_str("[://]");
            rest = after;
            continue;
        }
        let (_, after) = rest.split_at(first.len_utf8());
        if first == '.' && (ends_in_www(&safe) || is_last_label(after.chars().peekable())) {
            safe.push_str("[.]");
        } else {
            safe.push(first);
        }
        rest = after;
    }
    safe
}

fn ends_in_www(before: &str) -> bool {
    let mut last = before.chars().rev();
    let www = last.by_ref().take(3).collect::<String>();
    www.eq_ignore_ascii_case("www") && !last.next().is_some_and(char::is_alphanumeric)
}

/// Whether this is the last label of a host, with a path or a port behind it.
fn is_last_label(mut after: Peekable<impl Iterator<Item = char>>) -> bool {
    let mut letters = 0;
    while after
        .next_if(|character| character.is_alphabetic() || *character == '-')
        .is_some()
    {
        letters += 1;
    }
    letters >= 2 && matches!(after.peek(), Some('/' | ':' | '?' | '#'))
}

#[cfg(test)]
mod tests {
    use super::unlinked;

    #[test]
    fn nothing_is_left_that_becomes_a_link() {
        for (text, safe) in [
            ("https://evil.example/x", "https[://]evil[.]example/x"),
            ("see ftp://a.b", "see ftp[://]a.b"),
            ("www.evil.example", "www[.]evil.example"),
            ("(WWW.evil.example)", "(WWW[.]evil.example)"),
            ("evil.co.example/login", "evil.co[.]example/login"),
            ("evil.example:8443", "evil[.]example:8443"),
            ("évil.éxample/", "évil[.]éxample/"),
            ("://://", "[://][://]"),
        ] {
            assert_eq!(unlinked(text), safe);
        }
    }

    #[test]
    fn what_is_no_link_stays() {
        for text in [
            "release 4.2.1 of app.toml, for 'deploy'",
            "/apps/web/releases",
            "vault.example.com",
            "wwww.x",
            "12:30",
            "",
        ] {
            assert_eq!(unlinked(text), text);
        }
    }
}
