//! How things look on a terminal: colour only there, tables that fit, text from outside escaped.

use std::{io, os::fd::AsFd};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use jiff::{Timestamp, tz::Offset};
use serde::Serialize;

/// Below so many columns, a table that fits is harder to read than one that is wrapped.
const NARROW: u16 = 40;

pub const GOOD: Style = AnsiColor::Green.on_default();
pub const BAD: Style = AnsiColor::Red.on_default().bold();
pub const MILD: Style = Style::new().dimmed();
pub const STRONG: Style = Style::new().bold();

/// One line on standard output; colours are left out unless it is a terminal.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        writeln!(anstream::stdout().lock(), $($text)*)
    }};
}
pub(crate) use say;

/// An error with its causes on standard error, in one line each.
pub fn error(error: &anyhow::Error) {
    anstream::eprintln!("{BAD}strongroom:{BAD:#} {error}");
    for cause in error.chain().skip(1) {
        anstream::eprintln!("  {MILD}because{MILD:#} {cause}");
    }
}

/// A remark beside the output, on standard error, so that pipes get data only.
pub fn remark(text: impl std::fmt::Display) {
    anstream::eprintln!("{MILD}{text}{MILD:#}");
}

/// A time of today or later: `19:45 UTC`, with the day if it is another.
pub fn minute(time: Timestamp) -> String {
    let (time, now) = <(_, _)>::from([time, Timestamp::now()].map(|t| Offset::UTC.to_datetime(t)));
    let day = match time.date() == now.date() {
        true => String::new(),
        false => format!("{} ", time.date()),
    };
    format!("{day}{:02}:{:02} UTC", time.hour(), time.minute())
}

/// How many columns this terminal has; `None` if it is none, or does not say.
pub fn columns(terminal: impl AsFd) -> Option<usize> {
    let columns = rustix::termios::tcgetwinsize(terminal).ok()?.ws_col;
    (columns >= NARROW).then_some(columns.into())
}

/// A text in lines of at most so many columns. What is not ASCII counts twice: it may be as wide.
pub fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let (mut lines, mut used) = (vec![String::new()], 0);
    for character in text.chars() {
        let width = if character.is_ascii() { 1 } else { 2 };
        if used + width > columns.max(2) {
            lines.push(String::new());
            used = 0;
        }
        used += width;
        if let Some(line) = lines.last_mut() {
            line.push(character);
        }
    }
    lines
}

/// A table with a heading.
pub fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> anyhow::Result<()> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heading.iter().map(|cell| cell.to_uppercase()));
    // Some terminals (serial lines, scripts) say that they are 0 columns wide.
    if table.width().is_some_and(|width| width < NARROW) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    for row in rows {
        table.add_row(row);
    }
    for line in table.lines() {
        say!("{}", line.strip_prefix(' ').unwrap_or(&line).trim_end())?;
    }
    Ok(())
}

/// JSON for a program to read, indented for a person who looks.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string_pretty(value)?)?;
    Ok(())
}

/// `head` closed the pipe: no reason to complain.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_long_text_is_wrapped_and_nothing_of_it_is_lost() {
        for (text, columns, lines) in [
            ("", 4, &[""][..]),
            ("abcd", 4, &["abcd"]),
            ("abcdef", 4, &["abcd", "ef"]),
            ("a  b  c", 3, &["a  ", "b  ", "c"]),
            ("\u{6f22}\u{5b57}x", 4, &["\u{6f22}\u{5b57}", "x"]),
            ("\u{6f22}\u{6f22}", 0, &["\u{6f22}", "\u{6f22}"]),
        ] {
            assert_eq!(wrapped(text, columns), lines, "{text}");
        }
    }
}
