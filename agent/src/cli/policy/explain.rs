//! `strongroom policy explain`: why a request would pass or not.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use strongroom::{
    audit::{Entry, Event, Reason},
    name::Name,
    operation::Operation,
    policy::{
        Case, Explanation, Said, Supposed, Target,
        explain::{Condition, Explained, LimitState},
        permit::possible,
    },
    store::Reader as _,
    vault::catalog::Secret,
};

use super::{super::service::read, dry::Dry};
use crate::{
    home::Home,
    show::{self, BAD, GOOD, MILD, STRONG, say},
};

/// What would become of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Outcome {
    Allowed,
    Denied,
    NeedsApproval,
    /// A limit of a policy is reached.
    Limit,
    /// Policy permits it, and the owner has suspended the secret or everything.
    Suspended,
    /// Policy permits it, and the secret can't do it.
    NotPossible,
}

#[derive(Serialize)]
struct Told<'a> {
    outcome: Outcome,
    #[serde(flatten)]
    explanation: &'a Explanation,
    secret: &'a Name,
    /// Why the secret can't do it.
    not_possible: Option<&'a str>,
    /// What became of it, if it is an entry of the audit log.
    recorded: Option<&'a str>,
}

pub fn explain(
    home: &Home,
    file: Option<&Path>,
    entry: Option<u64>,
    json: bool,
) -> anyhow::Result<()> {
    let dry = Dry::open(home)?;
    let now = Timestamp::now();
    let (case, secret, operation, recorded) = match (file, entry) {
        (None, Some(index)) => recorded(&dry, index)?,
        (file, _) => supposed(&dry, file.unwrap_or(Path::new("-")), now)?,
    };
    let question = case.question(secret.subject());
    let explanation = dry.catalog.policies().explain(
        &question,
        |counter, service, limit| dry.reader.counted(counter, service, limit),
        now,
    )?;
    let not_possible = operation.and_then(|operation| possible(secret, &operation).err());
    let outcome = match outcome(&explanation, not_possible.as_deref()) {
        Outcome::Denied => Outcome::Denied,
        // Told first, as to whoever asks.
        _ if dry.catalog.is_suspended() || secret.suspended => Outcome::Suspended,
        other => other,
    };
    if json {
        return show::json(&Told {
            outcome,
            explanation: &explanation,
            secret: &secret.name,
            not_possible: not_possible.as_deref(),
            recorded: recorded.as_deref(),
        });
    }
    remarks(&dry, &case, secret);
    headline(outcome, &explanation, not_possible.as_deref())?;
    if let Some(recorded) = recorded {
        say!("{MILD}at the time: {recorded}{MILD:#}")?;
    }
    for one in &explanation.statements {
        statement(one)?;
    }
    match explanation.others {
        0 => {}
        1 => say!("{MILD}1 other statement is about something else{MILD:#}")?,
        many => say!("{MILD}{many} other statements are about something else{MILD:#}")?,
    }
    Ok(())
}

type Asked<'a> = (Case, &'a Secret, Option<Operation>, Option<String>);

fn supposed<'a>(dry: &'a Dry, file: &Path, now: Timestamp) -> anyhow::Result<Asked<'a>> {
    let text = read(file)?;
    let supposed: Supposed = serde_json::from_str(&text).with_context(|| {
        format!(
            r#"`{}` is not a request; write {{"service": …, "operation": …, "secret": …, "input": …}}"#,
            file.display()
        )
    })?;
    let secret = resolve(dry, &supposed.secret)?;
    let (case, operation) = supposed.case(Target::of(secret), now)?;
    Ok((case, secret, operation, None))
}

fn recorded(dry: &Dry, index: u64) -> anyhow::Result<Asked<'_>> {
    let stored = dry.reader.entries(index, 1)?;
    let stored = stored
        .first()
        .filter(|stored| stored.index == index)
        .with_context(|| format!("the audit log has no entry {index}"))?;
    let entry = Entry::parse(&stored.line)?;
    let Some((case, used)) = Case::recorded(&entry) else {
        anyhow::bail!(
            "entry {index} tells of no request that was put to policy; `strongroom audit show --kind use` and `--kind refusal` show those"
        );
    };
    let told = match &entry.event {
        Event::Use { policies, .. } => format!("allowed by {}", quoted(policies)),
        Event::Refusal {
            reason: Reason::Denied,
            policies,
            ..
        } if policies.is_empty() => "denied: no policy permitted it".to_owned(),
        Event::Refusal {
            reason: Reason::Denied,
            policies,
            ..
        } => {
            format!("denied by {}", quoted(policies))
        }
        Event::Refusal { reason, .. } => format!("refused ({reason})"),
        _ => String::new(),
    };
    let secret = match used.and_then(|used| dry.catalog.secret(used)) {
        Some(secret) => secret,
        None => resolve(dry, &case.asked)?,
    };
    Ok((case, secret, None, Some(told)))
}

fn resolve<'a>(dry: &'a Dry, asked: &Name) -> anyhow::Result<&'a Secret> {
    dry.catalog.resolve(asked).ok_or_else(|| {
        anyhow::anyhow!(
            "there is no secret or alias `{asked}`, so it would be denied; `strongroom secret list` shows them"
        )
    })
}

fn outcome(explanation: &Explanation, not_possible: Option<&str>) -> Outcome {
    let full = |state: &LimitState| state.left == 0;
    let mut deciding = explanation.statements.iter().filter(|one| one.matches);
    match explanation.saying.said {
        Said::Denied => Outcome::Denied,
        _ if not_possible.is_some() => Outcome::NotPossible,
        Said::NeedsApproval => Outcome::NeedsApproval,
        Said::Allowed if deciding.any(|one| one.limits.iter().any(full)) => Outcome::Limit,
        Said::Allowed => Outcome::Allowed,
    }
}

/// What makes the question itself an odd one.
fn remarks(dry: &Dry, case: &Case, secret: &Secret) {
    if case.asked != secret.name {
        show::remark(format!(
            "`{}` stands for the secret `{}`",
            case.asked, secret.name
        ));
    }
    match dry.catalog.service(&case.service) {
        None => show::remark(format!(
            "no service `{}` is enrolled, so nobody can ask in its name",
            case.service
        )),
        Some(service) if service.suspended => show::remark(format!(
            "service `{}` is suspended, so whatever it asks is refused first",
            case.service
        )),
        Some(_) => {}
    }
    if dry.catalog.is_suspended() {
        show::remark(
            "everything is suspended, so nothing is used whatever policy says; `strongroom resume` ends that",
        );
    }
    if secret.suspended {
        show::remark(format!(
            "secret `{0}` is suspended, so it is not used whatever policy says; `strongroom secret resume {0}` ends that",
            secret.name
        ));
    }
}

fn headline(
    outcome: Outcome,
    explanation: &Explanation,
    not_possible: Option<&str>,
) -> anyhow::Result<()> {
    let by = quoted(&explanation.saying.policies);
    match (outcome, &explanation.saying.failed) {
        (Outcome::Allowed, _) => say!("{GOOD}allowed{GOOD:#} by {by}")?,
        (Outcome::NeedsApproval, _) => {
            say!(
                "{BAD}needs an approval{BAD:#}: permitted by {by} once it is approved; until then it waits"
            )?;
        }
        (Outcome::Limit, _) => {
            say!("{BAD}refused for now{BAD:#}: permitted by {by}, and a limit is reached")?
        }
        (Outcome::Suspended, _) => say!("{BAD}suspended{BAD:#}: permitted by {by}")?,
        (Outcome::NotPossible, _) => say!(
            "{BAD}not possible{BAD:#}: permitted by {by}, but {}",
            not_possible.unwrap_or_default()
        )?,
        (Outcome::Denied, Some(failed)) => {
            say!(
                "{BAD}denied{BAD:#}: a policy can't be evaluated: {}",
                failed.escape_debug()
            )?;
        }
        (Outcome::Denied, None) if explanation.saying.policies.is_empty() => {
            say!("{BAD}denied{BAD:#}: no policy permits it")?;
        }
        (Outcome::Denied, None) => say!("{BAD}denied{BAD:#}: {by} forbids it")?,
    }
    Ok(())
}

fn statement(one: &Explained) -> anyhow::Result<()> {
    let (style, mark) = match (one.matches, one.effect.as_str()) {
        (true, "forbid") => (BAD, "✗"),
        (true, _) => (GOOD, "✓"),
        (false, _) => (MILD, "·"),
    };
    let verb = match one.matches {
        true => "",
        false => " does not match",
    };
    say!()?;
    say!(
        "{style}{mark}{style:#} {} {STRONG}{}{STRONG:#}{verb} {MILD}(line {} of `{}`){MILD:#}",
        one.effect,
        one.statement,
        one.line,
        one.policy
    )?;
    for miss in &one.misses {
        say!(
            "    {BAD}✗{BAD:#} {}  {MILD}it is {}{MILD:#}",
            miss.wants,
            miss.is
        )?;
    }
    for one in &one.conditions {
        condition(one)?;
    }
    for state in &one.limits {
        let LimitState {
            limit,
            used,
            left,
            free_at,
        } = state;
        match free_at {
            None => {
                say!("    {GOOD}✓{GOOD:#} limit {limit}  {MILD}{used} used, {left} left{MILD:#}")?
            }
            Some(free_at) => say!(
                "    {BAD}✗{BAD:#} limit {limit}  {MILD}{used} used, the next one is possible at {free_at:.0}{MILD:#}"
            )?,
        }
    }
    if let Some(approve) = &one.approve {
        say!("    {BAD}✗{BAD:#} approval by {approve}")?;
    }
    Ok(())
}

fn condition(one: &Condition) -> anyhow::Result<()> {
    let source = one.source.split_whitespace().collect::<Vec<_>>().join(" ");
    let saw: Vec<_> = one
        .saw
        .iter()
        .map(|seen| match &seen.value {
            Some(value) => format!("{} is {value}", seen.what),
            None => format!("{} is absent", seen.what),
        })
        .collect();
    let saw = saw.join(", ");
    match one.holds {
        Some(true) => say!(
            "    {GOOD}✓{GOOD:#} {} {source}  {MILD}{saw}{MILD:#}",
            one.clause
        )?,
        Some(false) => say!(
            "    {BAD}✗{BAD:#} {} {source}  {MILD}{saw}{MILD:#}",
            one.clause
        )?,
        None => say!(
            "    {MILD}?{MILD:#} {} {source}  {MILD}{saw}{MILD:#}",
            one.clause
        )?,
    }
    Ok(())
}

/// `` `a`, `b` ``
pub fn quoted(policies: &[String]) -> String {
    let quoted: Vec<_> = policies
        .iter()
        .map(|policy| format!("`{}`", policy.escape_debug()))
        .collect();
    quoted.join(", ")
}
