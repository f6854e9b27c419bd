//! A request that waits, for a person to read before deciding: all of it, escaped, and short.

use std::time::Duration;

use jiff::Timestamp;
use strongroom::{
    audit::{Entry, Event},
    notification::{Fact, escaped, facts},
    operation::OperationName,
};

use crate::{
    decide::PendingRow,
    show::{self, BAD, MILD, STRONG},
};

/// What stands beside each other is this far apart.
const INDENT: &str = "  ";

/// The list of those that wait.
pub fn table(rows: &[PendingRow]) -> anyhow::Result<()> {
    show::table(
        &[
            "id",
            "left",
            "service",
            "operation",
            "secret",
            "purpose",
            "needs",
            "yes so far",
        ],
        rows.iter().map(|row| {
            let needs = row.needs.iter().map(|one| one.need.clone());
            let yes = row.needs.iter().flat_map(|one| &one.yes);
            let mut yes: Vec<_> = yes.map(|voice| escaped(voice)).collect();
            yes.sort();
            yes.dedup();
            let yes = match row.is_approved() {
                true => format!("{}: approved", yes.join(", ")),
                false => yes.join(", "),
            };
            vec![
                row.id.clone(),
                left(row.expires),
                escaped(&row.service),
                escaped(&row.operation),
                escaped(&row.secret),
                row.purpose.as_deref().map(escaped).unwrap_or_default(),
                needs.collect::<Vec<_>>().join(", "),
                yes,
            ]
        }),
    )
}

/// All that is known of one, in lines that fit the terminal, if it is known how wide that is: what came
/// from outside never begins a line, so it can't pass for something else.
pub fn whole(row: &PendingRow, columns: Option<usize>) -> anyhow::Result<Vec<String>> {
    let entry = Entry::parse(&row.entry)?;
    let Event::Pending { ask, .. } = &entry.event else {
        anyhow::bail!("entry {} is not that of a request that waits", row.id);
    };
    let facts = facts(row.id.parse()?, &entry);
    // What the program adds stands at the end; what decides is asked below.
    let is_ours = |fact: &Fact| {
        matches!(
            fact.label.as_str(),
            "version" | "needs" | "expires" | "request" | "decide"
        )
    };
    let (fields, rest): (Vec<_>, Vec<_>) = facts
        .into_iter()
        .partition(|fact| fact.label.starts_with("field."));
    let (ours, theirs): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_ours);
    let mut sheet = Sheet::default();
    for fact in theirs {
        sheet.add(&fact.label, fact.text);
    }
    sheet.gap();
    for fact in &fields {
        let label = fact.label.strip_prefix("field.").unwrap_or(&fact.label);
        sheet.add(label, fact.text.clone());
    }
    sheet.gap();
    for one in &row.needs {
        let yes: Vec<_> = one.yes.iter().map(|voice| escaped(voice)).collect();
        let so_far = match yes.is_empty() {
            true => String::new(),
            false => format!(", yes by {}", yes.join(" and ")),
        };
        sheet.add("needs", format!("{}{so_far}", one.need));
    }
    for said in row.said.iter().filter(|said| said.minutes.is_some()) {
        let minutes = said.minutes.unwrap_or_default();
        let by = escaped(&said.by);
        sheet.add(
            "stands",
            format!(
                "the yes of {by}, for {minutes} min from {}",
                show::minute(said.time)
            ),
        );
    }
    sheet.add(
        "until",
        format!(
            "{}{}",
            show::minute(row.expires),
            match row.ended {
                Some(_) => String::new(),
                None => format!(", {} left", left(row.expires)),
            }
        ),
    );
    for fact in ours.into_iter().filter(|fact| fact.label == "request") {
        sheet.add("digest", fact.text);
    }
    let state = match &row.ended {
        Some(how) => format!("{BAD}{}{BAD:#}", escaped(how)),
        None => format!("{MILD}{}{MILD:#}", show::minute(row.time)),
    };
    let title = format!(
        "{STRONG}Request {} of {}{STRONG:#}  {state}",
        row.id,
        escaped(&row.service)
    );
    let mut lines = vec![title, String::new()];
    lines.extend(sheet.lines(columns));
    if hides(ask.operation) {
        let hidden =
            "Policy sees no more than this. The digest covers all of it: a message, a whole body.";
        lines.extend([String::new(), format!("{INDENT}{MILD}{hidden}{MILD:#}")]);
    }
    Ok(lines)
}

/// What a yes would be good for.
pub fn scope(row: &PendingRow, minutes: Option<u32>) -> String {
    match minutes {
        None => format!("{STRONG}Once{STRONG:#}: this request, and no other."),
        Some(minutes) => format!(
            "{BAD}For {minutes} min{BAD:#}: every request of {} that looks like this one. Its purpose, its\n\
            ticket and what is not shown may be different each time.",
            escaped(&row.service)
        ),
    }
}

/// Who is missing: `1 more of security`; nothing if nobody is.
pub fn missing(row: &PendingRow) -> String {
    let missing = row.needs.iter().filter(|one| !one.is_fulfilled());
    let each = missing.map(|one| {
        let group = one.need.split_once(" of ").map_or("", |(_, group)| group);
        format!("{} more of {group}", one.missing())
    });
    each.collect::<Vec<_>>().join(" and ")
}

/// Whether a request of this kind has more in it than policy sees.
fn hides(operation: OperationName) -> bool {
    !matches!(
        operation,
        OperationName::Release | OperationName::Totp | OperationName::PublicKey
    )
}

/// `57 min`, `40 s`.
fn left(expires: Timestamp) -> String {
    let left = Duration::try_from(expires.duration_since(Timestamp::now())).unwrap_or_default();
    match left.as_secs() {
        seconds @ 0..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// Labels and texts beside each other, with gaps between what belongs together.
#[derive(Default)]
struct Sheet {
    rows: Vec<Option<(String, String)>>,
}

impl Sheet {
    fn add(&mut self, label: &str, text: String) {
        self.rows.push(Some((label.to_owned(), text)));
    }

    fn gap(&mut self) {
        if matches!(self.rows.last(), Some(Some(_))) {
            self.rows.push(None);
        }
    }

    fn lines(self, columns: Option<usize>) -> Vec<String> {
        let labels = self.rows.iter().flatten();
        let width = labels.map(|(label, _)| label.chars().count()).max();
        let width = width.unwrap_or(0);
        let before = width + 2 * INDENT.len();
        let mut lines = Vec::new();
        for row in self.rows {
            let Some((label, text)) = row else {
                lines.push(String::new());
                continue;
            };
            let texts = match columns {
                Some(columns) => show::wrapped(&text, columns.saturating_sub(before)),
                None => vec![text],
            };
            for (at, text) in texts.iter().enumerate() {
                let label = if at == 0 { &*label } else { "" };
                lines.push(format!(
                    "{INDENT}{MILD}{label:width$}{MILD:#}{INDENT}{text}"
                ));
            }
        }
        lines
    }
}
