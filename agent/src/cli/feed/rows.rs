//! A text in rows that fit, with nothing of it changed.

/// Cuts a text into rows of at most so many columns, between words where that is possible. All of
/// the text is in the rows, but for the spaces at the end of each.
pub fn rows(text: &str, columns: Option<usize>) -> Vec<&str> {
    let Some(columns) = columns else {
        return vec![text];
    };
    let mut rows = Vec::new();
    let (mut begin, mut used) = (0, 0);
    // The last place between two words, and how many columns there are before it.
    let mut gap = None;
    for (at, character) in text.char_indices() {
        let width = width(character);
        if character == ' ' {
            used += width;
            gap = Some((at + 1, used));
            continue;
        }
        if used + width > columns && used > 0 {
            let (end, before) = gap.take().unwrap_or((at, used));
            rows.push(
                text.get(begin..end)
                    .unwrap_or_default()
                    .trim_end_matches(' '),
            );
            begin = end;
            used -= before;
        }
        used += width;
    }
    rows.push(text.get(begin..).unwrap_or_default().trim_end_matches(' '));
    rows
}

/// Columns that a character takes, rather one too many than one too few: from Hangul on there are
/// those that are two wide, and what has no width at all was escaped before.
fn width(character: char) -> usize {
    if character < '\u{1100}' { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_break_between_words_where_they_can() {
        let cut = |text| rows(text, Some(10));
        assert_eq!(cut(""), [""]);
        assert_eq!(cut("ten digits"), ["ten digits"]);
        assert_eq!(cut("two words and more"), ["two words", "and more"]);
        assert_eq!(
            cut("0123456789abcdefghijkl"),
            ["0123456789", "abcdefghij", "kl"]
        );
        assert_eq!(cut("a 0123456789abc"), ["a", "0123456789", "abc"]);
        assert_eq!(cut("spaces             after"), ["spaces", "after"]);
        assert_eq!(cut("漢字漢字漢字"), ["漢字漢字漢", "字"]);
        assert_eq!(rows("as long as it is", None), ["as long as it is"]);
    }

    #[test]
    fn nothing_is_lost_and_every_row_fits() {
        let bare = |text: &str| text.replace(' ', "");
        let texts = [
            "atlas asks for an approval: sign with deploy-key for 'release 4'",
            "      many        spaces     at   both   ends        ",
            "https://api.example.com/a/path/without/any/space/in/it?query=as+well",
            "漢字 and kana カナ, é and ü, mixed with words",
            "",
        ];
        for text in texts {
            for columns in 2..70 {
                let cut = rows(text, Some(columns));
                assert_eq!(bare(&cut.concat()), bare(text), "{columns}");
                for row in cut {
                    let wide = row.chars().map(width).sum::<usize>();
                    assert!(wide <= columns, "{columns}: {row:?}");
                }
            }
        }
    }
}
