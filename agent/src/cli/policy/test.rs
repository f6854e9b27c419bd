//! `strongroom policy test` and `strongroom policy diff`: what policies say to many requests, written
//! down or recorded.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use strongroom::{
    audit::Entry,
    name::Name,
    notification::escaped,
    policy::{Policies, PolicyText, Replay, Replayed, Said, Saying, Suite, replay::Difference},
    store::Reader as _,
};

use super::{super::service::read, dry::Dry, explain::quoted, named_after};
use crate::{
    exit::Exit,
    home::Home,
    show::{self, BAD, GOOD, MILD, say},
};

/// Entries read at once.
const PAGE: u64 = 1024;
/// The longest description of a request in a table, in characters.
const SHORT: usize = 60;

pub fn test(home: &Home, file: &Path, json: bool) -> anyhow::Result<()> {
    let bad_file = |error: anyhow::Error| Exit::Usage.with(format!("{error:#}"));
    let (suite, texts) = cases(file).map_err(bad_file)?;
    let dry = match suite.is_complete() {
        true => None,
        false => Some(Dry::open(home)?),
    };
    let catalog = dry.as_ref().map(|dry| dry.catalog.as_ref());
    let given = Policies::new(texts);
    let policies = match catalog {
        Some(catalog) if suite.policies.is_empty() => catalog.policies(),
        _ => &given,
    };
    let tested = suite
        .run(policies, catalog, Timestamp::now())
        .with_context(|| format!("`{}`", file.display()))
        .map_err(bad_file)?;
    let missed = tested.iter().filter(|one| !one.passed).count();
    if json {
        show::json(&tested)?;
    } else {
        show::table(
            &[
                "",
                "expected",
                "service",
                "operation",
                "secret",
                "policy says",
                "note",
            ],
            tested.iter().map(|one| {
                vec![
                    if one.passed { "ok" } else { "MISS" }.to_owned(),
                    one.expected.to_owned(),
                    one.service.to_string(),
                    one.operation.clone(),
                    one.secret.to_string(),
                    says(&one.saying),
                    escaped(one.note.as_deref().unwrap_or_default()),
                ]
            }),
        )?;
    }
    let cases = plural(tested.len(), "case");
    if missed > 0 {
        anyhow::bail!("{missed} of {cases} missed");
    }
    if !json {
        say!("{GOOD}ok{GOOD:#}: {cases}")?;
    }
    Ok(())
}

/// The cases and the policies that the file names.
fn cases(file: &Path) -> anyhow::Result<(Suite, Vec<PolicyText>)> {
    let suite = Suite::parse(&read(file)?).with_context(|| format!("`{}`", file.display()))?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let mut texts: Vec<PolicyText> = Vec::new();
    for policy in &suite.policies {
        let path = directory.join(policy);
        let text = PolicyText::check(named_after(&path)?, &read(&path)?)?;
        if texts.iter().any(|other| other.name() == text.name()) {
            anyhow::bail!(
                "two files of `policies` are called `{}`; rename one",
                text.name()
            );
        }
        texts.push(text);
    }
    Ok((suite, texts))
}

#[derive(Serialize)]
struct Report {
    looked_at: u64,
    would_be_allowed: usize,
    would_not_be_allowed: usize,
    not_replayed: Vec<NotReplayed>,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct NotReplayed {
    entry: u64,
    why: String,
}

/// What a change is held against the audit log as.
pub struct Change {
    /// A file with another text, or the name of a policy that would be taken out of force.
    pub what: String,
    /// The policy that the file would replace.
    pub name: Option<Name>,
    /// In place of a file: an older version of the policy.
    pub version: Option<u32>,
    /// How many requests are looked at.
    pub last: u64,
}

pub fn diff(home: &Home, change: Change, json: bool) -> anyhow::Result<()> {
    let dry = Dry::open(home)?;
    let (name, text) = changed(&dry, &change)?;
    let taken_out = text.is_none();
    let replay = Replay::new(&dry.catalog, &name, text);
    let report = look(&dry, &replay, change.last)?;
    if json {
        return show::json(&report);
    }
    if !report.differences.is_empty() {
        show::table(
            &[
                "entry",
                "time",
                "now",
                "then",
                "service",
                "operation",
                "secret",
                "what",
            ],
            report.differences.iter().map(|one| {
                vec![
                    one.entry.to_string(),
                    format!("{:.0}", one.time),
                    says(&one.before),
                    says(&one.after),
                    one.service.to_string(),
                    one.operation.to_string(),
                    one.secret.to_string(),
                    what(one),
                ]
            }),
        )?;
    }
    let how = match taken_out {
        true => format!("without policy `{name}`"),
        false => format!("with this text of policy `{name}`"),
    };
    let requests = plural(
        usize::try_from(report.looked_at).unwrap_or(usize::MAX),
        "request",
    );
    say!(
        "of the last {requests}, {how} {GOOD}{} more would be allowed{GOOD:#} and {BAD}{} fewer{BAD:#}",
        report.would_be_allowed,
        report.would_not_be_allowed
    )?;
    if let Some(first) = report.not_replayed.first() {
        say!(
            "{MILD}{} could not be replayed: entry {}: {}{MILD:#}",
            report.not_replayed.len(),
            first.entry,
            escaped(&first.why)
        )?;
    }
    Ok(())
}

/// The policy that changes, and its text then.
fn changed(dry: &Dry, change: &Change) -> anyhow::Result<(Name, Option<PolicyText>)> {
    let file = Path::new(&change.what);
    if change.version.is_none() && (change.what == "-" || file.is_file()) {
        let name = match &change.name {
            Some(name) => name.clone(),
            None => named_after(file)?,
        };
        let text = PolicyText::check(name.clone(), &read(file)?)?;
        return Ok((name, Some(text)));
    }
    let name: Name = change
        .what
        .parse()
        .ok()
        .filter(|_| change.name.is_none())
        .with_context(|| format!("there is no file `{}`", change.what.escape_debug()))?;
    let known = dry.catalog.policy_text(&name).with_context(|| {
        format!(
            "there is no file and no policy `{name}`; `strongroom policy show` lists the policies"
        )
    })?;
    let text = match change.version {
        None if known.retired => anyhow::bail!(
            "policy `{name}` is out of force already; name a file, or one of its versions with `--version N`"
        ),
        None => None,
        Some(version) => {
            let (_, past) = super::past(dry, &name, version)?;
            Some(PolicyText::check(name.clone(), &past.text)?)
        }
    };
    Ok((name, text))
}

/// Looks at the newest requests, in the order in which they came.
fn look(dry: &Dry, replay: &Replay<'_>, last: u64) -> anyhow::Result<Report> {
    let mut report = Report {
        looked_at: 0,
        would_be_allowed: 0,
        would_not_be_allowed: 0,
        not_replayed: Vec::new(),
        differences: Vec::new(),
    };
    let mut end = dry.reader.log_size()?;
    while end > 0 && report.looked_at < last {
        let from = end.saturating_sub(PAGE);
        let page = dry.reader.entries(from, u32::try_from(end - from)?)?;
        for stored in page.iter().rev() {
            let Ok(entry) = Entry::parse(&stored.line) else {
                continue;
            };
            match replay.replay(stored.index, &entry) {
                Replayed::NoRequest => continue,
                Replayed::Same => {}
                Replayed::NotPossible(why) => report.not_replayed.push(NotReplayed {
                    entry: stored.index,
                    why,
                }),
                Replayed::Different(difference) => {
                    match difference.after.said {
                        Said::Allowed => report.would_be_allowed += 1,
                        _ if difference.before.said == Said::Allowed => {
                            report.would_not_be_allowed += 1;
                        }
                        _ => {}
                    }
                    report.differences.push(*difference);
                }
            }
            report.looked_at += 1;
            if report.looked_at == last {
                break;
            }
        }
        end = from;
    }
    report.differences.reverse();
    report.not_replayed.reverse();
    Ok(report)
}

fn says(saying: &Saying) -> String {
    let by = quoted(&saying.policies);
    match (saying.said, &saying.failed) {
        (Said::Allowed, _) => format!("allow by {by}"),
        (Said::NeedsApproval, _) => format!("approval by {by}"),
        (Said::Denied, Some(failed)) => format!("deny: {}", escaped(failed)),
        (Said::Denied, None) if saying.policies.is_empty() => "deny".to_owned(),
        (Said::Denied, None) => format!("deny by {by}"),
    }
}

/// What a recorded request was, as shortly as its fields tell it.
fn what(one: &Difference) -> String {
    let field = |name: &str| one.fields.get(name).and_then(Value::as_str);
    let text = match (field("method"), field("path"), &one.purpose) {
        (Some(method), Some(path), _) => format!("{method} {path}"),
        (_, _, Some(purpose)) => purpose.clone(),
        _ => String::new(),
    };
    let short: String = text.chars().take(SHORT).collect();
    escaped(&short)
}

fn plural(many: usize, what: &str) -> String {
    match many {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}
