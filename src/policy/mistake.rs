//! What is wrong in a policy's text, shown with its line and a caret under the place.

use std::{fmt, ops::Range};

use miette::Diagnostic;

use crate::{name::Name, operation::OperationName};

/// How many mistakes one report shows.
const SHOWN: usize = 5;

/// The longest list of what Cedar would have accepted, in bytes; longer ones help nobody.
const MAX_LABEL: usize = 60;

/// How much of a long line is shown before the place, and in all, in characters.
const BEFORE: usize = 40;
const MAX_LINE: usize = 120;

/// Why a text is no policy: every mistake with its line, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    policy: Name,
    mistakes: Vec<Mistake>,
}

/// One mistake and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    message: String,
    place: Option<Place>,
    hint: Option<String>,
}

/// A span within one line; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    number: usize,
    line: String,
    column: usize,
    width: usize,
    label: Option<String>,
}

impl PolicyError {
    /// The mistakes in the order of the text. Of those at one place the first is kept: Cedar
    /// checks a statement once for each action that it may apply to.
    pub(super) fn new(policy: Name, mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort_by_key(|mistake| {
            let place = mistake
                .place
                .as_ref()
                .map(|place| (place.number, place.column));
            (place, mistake.message.clone())
        });
        mistakes.dedup_by(|a, b| a.place.is_some() && a.place == b.place);
        Self { policy, mistakes }
    }
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            place: None,
            hint: None,
        }
    }

    /// What Cedar says, in our form.
    pub(super) fn of(diagnostic: &(impl Diagnostic + ?Sized), text: &str) -> Self {
        let mut mistake = Self::new(plain(&diagnostic.to_string()));
        if let Some(label) = diagnostic.labels().and_then(|mut labels| labels.next()) {
            mistake = mistake.at(
                text,
                label.offset()..label.offset().saturating_add(label.len()),
            );
            let short = label
                .label()
                .filter(|label| label.len() <= MAX_LABEL)
                .map(plain);
            mistake.place = mistake.place.map(|place| Place {
                label: short,
                ..place
            });
        }
        mistake.hint = hint(&mistake.message)
            .or_else(|| diagnostic.help().map(|help| plain(&help.to_string())));
        mistake
    }

    pub(super) fn at(self, text: &str, span: Range<usize>) -> Self {
        Self {
            place: Some(Place::find(text, span)),
            ..self
        }
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            ..self
        }
    }
}

/// Whether a character is shown as nothing or reorders what is around it (the "Trojan Source"
/// attack, CVE-2021-42574).
pub(super) fn misleads(c: char) -> bool {
    let plain = matches!(c, '\n' | '\r' | '\t');
    let hidden = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
    hidden || (c.is_control() && !plain)
}

/// A message without the name of the policy, which the report says anyway, on one line, and with
/// nothing in it that misleads: Cedar shows `\u{202e}` as the character that it stands for.
fn plain(message: &str) -> String {
    let rest = message
        .strip_prefix("for policy `")
        .and_then(|rest| rest.split_once('`'))
        .map_or(message, |(_, rest)| {
            rest.trim_start_matches([',', ':', ' '])
        });
    let mut plain = String::new();
    for c in rest.trim_end_matches('.').chars() {
        match c {
            c if misleads(c) || c.is_control() => plain.extend(c.escape_unicode()),
            c => plain.push(c),
        }
    }
    plain
}

/// A hint where Cedar's own would not say what to write here.
fn hint(message: &str) -> Option<String> {
    let closed = ["Kind", "WayIn", "Algorithm"];
    let field = |operation: &OperationName| operation.to_string().replace('-', "_");
    if message.starts_with("unable to guarantee safety of access to optional attribute") {
        Some("not every request has it: ask first, as in `context has purpose && context.purpose like …`".to_owned())
    } else if message.starts_with("policy is impossible") {
        Some("no request can ever match it: correct the conditions, or remove it".to_owned())
    } else if message.starts_with("unrecognized action") {
        // Cedar's guess differs from one time to the next.
        let actions: Vec<_> = OperationName::ALL
            .iter()
            .map(|operation| format!("`Action::\"{operation}\"`"))
            .collect();
        Some(format!("the actions are {}", actions.join(", ")))
    } else if message.starts_with("unable to find an applicable action") {
        Some("the principal is a `Service`, the resource is a `Secret`".to_owned())
    } else if message.starts_with("the types ")
        && closed.iter().any(|closed| message.contains(closed))
    {
        Some(r#"compare with a name of that type: `Kind::"rsa"`, `WayIn::"tls"`, `Algorithm::"ES256"`"#.to_owned())
    } else {
        // The fields of one operation in a statement that is about others too.
        OperationName::ALL
            .iter()
            .find(|operation| message.starts_with(&format!("attribute `{}` in context", field(operation))))
            .map(|own| {
                format!("only `{own}` has it: write `action == Action::\"{own}\"` in the scope of the policy")
            })
    }
}

impl Place {
    fn find(text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let end = text.floor_char_boundary(span.end);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = text
            .get(line_start..)
            .and_then(|rest| rest.lines().next())
            .unwrap_or_default();
        // A span that goes on below is underlined to the end of its first line.
        let spanned = text
            .get(start..end)
            .and_then(|span| span.lines().next())
            .unwrap_or_default();
        let column = text
            .get(line_start..start)
            .unwrap_or_default()
            .chars()
            .count();
        let skipped = if line.chars().count() > MAX_LINE {
            column.saturating_sub(BEFORE)
        } else {
            0
        };
        let column = column - skipped;
        Self {
            number: before.matches('\n').count() + 1,
            line: line
                .chars()
                .skip(skipped)
                .take(MAX_LINE)
                .map(shown)
                .collect(),
            column,
            width: spanned
                .chars()
                .count()
                .clamp(1, MAX_LINE.saturating_sub(column).max(1)),
            label: None,
        }
    }
}

/// One column for each character: a tab is as wide as the terminal likes.
fn shown(c: char) -> char {
    match c {
        '\t' => ' ',
        c if misleads(c) || c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

impl std::error::Error for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, mistake) in self.mistakes.iter().take(SHOWN).enumerate() {
            if n > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "policy `{}`{mistake}", self.policy)?;
        }
        match self.mistakes.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n\nand {more} more"),
        }
    }
}

/// What follows the policy's name.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut margin = 1;
        if let Some(Place {
            number,
            line,
            column,
            width,
            label,
        }) = &self.place
        {
            margin = number.to_string().len();
            write!(f, ", line {number}: {}", self.message)?;
            write!(f, "\n{:margin$} |\n{number} | {line}", "")?;
            write!(f, "\n{:margin$} | {:column$}{}", "", "", "^".repeat(*width))?;
            if let Some(label) = label {
                write!(f, " {label}")?;
            }
        } else {
            write!(f, ": {}", self.message)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n{:margin$} = {hint}", ""),
            None => Ok(()),
        }
    }
}
