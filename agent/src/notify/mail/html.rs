//! The text as HTML: one sentence, commands, a table. No images, no links, no scripts, nothing that is
//! fetched; and nothing from outside is anything but text.

use super::super::markup::reference;

/// A page that grows.
pub struct Html(String);

const HEAD: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\"><title>Strongroom</title></head>\n<body style=\"font-family:sans-serif;font-size:15px;line-height:1.4\">\n";
const CELL: &str = "border:1px solid #999;padding:4px 8px;text-align:left;vertical-align:top";
const CODE: &str = "font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere";

impl Html {
    pub fn new() -> Self {
        Self(HEAD.to_owned())
    }

    pub fn sentence(&mut self, sentence: &str) {
        self.0 += &format!("<p><strong>{}</strong></p>\n", text(sentence));
    }

    pub fn command(&mut self, what: &str, command: &str) {
        self.0 += &format!(
            "<p>{}</p>\n<pre style=\"{CODE}\">{}</pre>\n",
            text(what),
            text(command)
        );
    }

    /// A table of two columns; none if it has no rows.
    pub fn table(&mut self, rows: &[(String, String)]) {
        if rows.is_empty() {
            return;
        }
        self.0 += "<table style=\"border-collapse:collapse\">\n";
        for (label, value) in rows {
            self.0 += &format!(
                "<tr><th scope=\"row\" style=\"{CELL}\">{}</th><td style=\"{CELL};{CODE}\">{}</td></tr>\n",
                text(label),
                text(value)
            );
        }
        self.0 += "</table>\n";
    }

    /// The whole page, with this in small letters at its end.
    pub fn end(self, footer: &str) -> String {
        format!(
            "{}<p style=\"font-size:12px;color:#777\">{}</p>\n</body>\n</html>\n",
            self.0,
            text(footer)
        )
    }
}

/// Text that is only text. A mail program that looks for addresses in it finds none, because what
/// holds them together stands in elements of its own; a reader sees and copies it as it is.
fn text(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        if let Some(reference) = reference(character) {
            html.push_str(reference);
            continue;
        }
        match character {
            '.' | ':' | '@' => {
                html.extend(["<span>", character.encode_utf8(&mut [0; 4]), "</span>"])
            }
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn nothing_is_markup_or_an_address() {
        assert_eq!(
            text("<a href=\"x\">'&amp;'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;&#39;&lt;/a&gt;"
        );
        assert_eq!(
            text("https://a.example"),
            "https<span>:</span>//a<span>.</span>example"
        );
        assert_eq!(text("a@b"), "a<span>@</span>b");
    }
}
