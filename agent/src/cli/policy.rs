//! `strongroom grant …` and `strongroom policy …`.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use strongroom::{
    name::Name,
    policy::{self, GrantOptions, PolicyText},
    store::Reader as _,
    vault::history::PastPolicy,
};

use super::{Grant, Policy, door::Door, service::read};
use crate::{
    administration::Command,
    home::Home,
    listing::{PolicyRow, SecretRow, ServiceRow, Status, Suspended},
    show::{self, GOOD, MILD, STRONG, say},
};

mod dry;
mod edit;
mod explain;
pub mod options;
mod test;

use dry::Dry;

pub async fn grant(door: &Door, grant: Grant, json: bool) -> anyhow::Result<()> {
    let (secrets, aliases) = resolve(door, &grant).await?;
    let options = GrantOptions {
        service: grant.service.clone(),
        operations: grant.operations.0,
        secrets,
        aliases,
        purpose: grant.purpose,
        ticket: grant.ticket,
        way_in: grant.way_in.map(Into::into),
        addresses: grant.addresses,
        particulars: Default::default(),
        times: Default::default(),
        limit: None,
        notify: None,
        approve: None,
    };
    let granted = policy::grant(&grant.conditions.add_to(options, Timestamp::now())?)?;
    let stored: Vec<PolicyRow> = door.ask(|| Command::ListPolicies).await?;
    let policy = match grant.name {
        Some(name) => PolicyText::check(name, granted.policy().text())?,
        None => granted.named_apart(|name| stored.iter().any(|row| row.name == name.as_str()))?,
    };
    let (name, text) = (policy.name().clone(), policy.text().to_owned());
    if grant.dry_run {
        say!("{}", text.trim_end())?;
        return Ok(());
    }
    let _: IgnoredAny = door
        .ask(|| Command::SetPolicy {
            name: name.clone(),
            text: text.clone(),
        })
        .await?;
    if json {
        return show::json(&serde_json::json!({ "policy": name, "text": text }));
    }
    say!("stored policy `{name}`:")?;
    say!("{MILD}{}{MILD:#}", text.trim_end())?;
    Ok(())
}

/// Sorts the names into secrets and aliases; one that is neither is most likely a slip of the pen.
async fn resolve(door: &Door, grant: &Grant) -> anyhow::Result<(Vec<Name>, Vec<Name>)> {
    let services: Vec<ServiceRow> = door.ask(|| Command::ListServices).await?;
    if !services
        .iter()
        .any(|row| row.name == grant.service.as_str())
    {
        show::remark(format!(
            "no service `{0}` is enrolled yet; the policy takes effect once it is: `strongroom service add {0} --key FILE`",
            grant.service
        ));
    }
    let secrets: Vec<SecretRow> = door.ask(|| Command::ListSecrets).await?;
    let status: Status = door.ask(|| Command::Status).await?;
    remark_suspended(grant, &status.suspended, &secrets);
    let (known, others): (Vec<Name>, Vec<Name>) = grant
        .secrets
        .iter()
        .cloned()
        .partition(|name| secrets.iter().any(|row| row.name == name.as_str()));
    for name in &others {
        if !secrets.iter().any(|row| row.is_called(name)) {
            anyhow::bail!(
                "there is no secret or alias `{name}`; `strongroom secret list` shows them"
            );
        }
    }
    Ok((known, others))
}

/// What is stopped stays so, whatever a new policy says.
fn remark_suspended(grant: &Grant, suspended: &Suspended, secrets: &[SecretRow]) {
    if suspended.everything {
        show::remark("everything is suspended; the policy takes effect after `strongroom resume`");
    }
    let service = grant.service.as_str();
    if suspended.services.iter().any(|name| name == service) {
        show::remark(format!(
            "service `{service}` is suspended; the policy takes effect after `strongroom service resume {service}`"
        ));
    }
    for name in &grant.secrets {
        let row = secrets.iter().find(|row| row.is_called(name));
        if let Some(SecretRow { name, .. }) = row.filter(|row| row.suspended) {
            show::remark(format!(
                "secret `{name}` is suspended; the policy takes effect after `strongroom secret resume {name}`"
            ));
        }
    }
}

/// The name that a policy has while only its file is checked.
fn named_after(file: &Path) -> anyhow::Result<Name> {
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    Ok(stem.parse().or_else(|_| "policy".parse())?)
}

pub async fn policy(door: &Door, command: Policy, json: bool) -> anyhow::Result<()> {
    match command {
        Policy::Show { name: None, .. } => {
            let rows: Vec<PolicyRow> = door.ask(|| Command::ListPolicies).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark(
                    "no policies yet, so everything is denied; `strongroom grant` writes one",
                );
                return Ok(());
            }
            show::table(
                &["name", "version", "state", "summary"],
                rows.into_iter().map(|row| {
                    let state = if row.retired { "retired" } else { "in force" };
                    vec![
                        row.name,
                        row.version.to_string(),
                        state.to_owned(),
                        row.summary,
                    ]
                }),
            )
        }
        Policy::Show {
            name: Some(name), ..
        } => {
            let rows: Vec<PolicyRow> = door.ask(|| Command::ListPolicies).await?;
            let Some(row) = rows.into_iter().find(|row| row.name == name.as_str()) else {
                anyhow::bail!("there is no policy `{name}`; `strongroom policy show` lists them");
            };
            if json {
                return show::json(&row);
            }
            say!(
                "{STRONG}{}{STRONG:#} version {}{}",
                row.name,
                row.version,
                if row.retired { ", retired" } else { "" }
            )?;
            say!("{}", row.text.trim_end())?;
            Ok(())
        }
        Policy::Set { name, file } => {
            let text = read(&file)?;
            PolicyText::check(name.clone(), &text)?;
            let _: IgnoredAny = door
                .ask(|| Command::SetPolicy {
                    name: name.clone(),
                    text: text.clone(),
                })
                .await?;
            say!("stored policy `{name}`")?;
            Ok(())
        }
        Policy::Retire { name } => {
            let _: IgnoredAny = door
                .ask(|| Command::RetirePolicy { name: name.clone() })
                .await?;
            say!("policy `{name}` is out of force; it stays on record")?;
            Ok(())
        }
        // The others are answered by `alone` and `apart`.
        command => alone(command),
    }
}

/// The policy commands that only look at the vault, or open it by themselves.
pub async fn apart(
    home: &Home,
    command: Policy,
    passphrase_file: Option<&Path>,
    json: bool,
) -> anyhow::Result<()> {
    match command {
        Policy::Edit { name } => edit::edit(home, passphrase_file, &name).await,
        Policy::Explain { file, entry } => explain::explain(home, file.as_deref(), entry, json),
        Policy::Test { file } => test::test(home, &file, json),
        Policy::Diff {
            what,
            name,
            version,
            last,
        } => {
            let change = test::Change {
                what,
                name,
                version,
                last,
            };
            test::diff(home, change, json)
        }
        Policy::History { name } => history(home, &name, json),
        Policy::Show {
            name: Some(name),
            version: Some(version),
        } => old_text(home, &name, version, json),
        command => alone(command),
    }
}

/// One version of a policy, and how many there are.
fn past(dry: &Dry, name: &Name, version: u32) -> anyhow::Result<(usize, PastPolicy)> {
    let mut history = dry.catalog.policy_history(&dry.reader.records(0)?, name)?;
    let versions = history.len();
    let at = history.iter().position(|past| past.version == version);
    let at = at.with_context(|| match versions {
        0 => format!("there is no policy `{name}`; `strongroom policy show` lists them"),
        1 => format!("policy `{name}` has only version 1"),
        _ => format!("policy `{name}` has the versions 1 to {versions}"),
    })?;
    Ok((versions, history.swap_remove(at)))
}

fn old_text(home: &Home, name: &Name, version: u32, json: bool) -> anyhow::Result<()> {
    let (_, past) = past(&Dry::open(home)?, name, version)?;
    if json {
        return show::json(&serde_json::json!({
            "name": name, "version": version, "set": past.set, "ended": past.ended,
            "retired": past.retired, "text": past.text,
        }));
    }
    say!(
        "{STRONG}{name}{STRONG:#} version {version}, {}",
        state(&past)
    )?;
    say!("{}", past.text.trim_end())?;
    Ok(())
}

fn history(home: &Home, name: &Name, json: bool) -> anyhow::Result<()> {
    let dry = Dry::open(home)?;
    let history = dry.catalog.policy_history(&dry.reader.records(0)?, name)?;
    if history.is_empty() {
        anyhow::bail!("there is no policy `{name}`; `strongroom policy show` lists them");
    }
    let summary = |past: &PastPolicy| match PolicyText::check(name.clone(), &past.text) {
        Ok(text) => text.summary(),
        Err(_) => "written for another version of strongroom".to_owned(),
    };
    if json {
        let rows: Vec<_> = history
            .iter()
            .map(|past| {
                serde_json::json!({
                    "version": past.version, "set": past.set, "ended": past.ended,
                    "retired": past.retired, "text": past.text,
                })
            })
            .collect();
        return show::json(&rows);
    }
    show::table(
        &["version", "set", "state", "summary"],
        history.iter().map(|past| {
            vec![
                past.version.to_string(),
                format!("{:.0}", past.set),
                state(past),
                summary(past),
            ]
        }),
    )
}

fn state(past: &PastPolicy) -> String {
    match past.ended {
        None => "in force".to_owned(),
        Some(ended) if past.retired => format!("retired {ended:.0}"),
        Some(ended) => format!("replaced {ended:.0}"),
    }
}

/// The policy commands that need no vault.
pub fn alone(command: Policy) -> anyhow::Result<()> {
    match command {
        Policy::Check { file } => {
            let checked = PolicyText::check(named_after(&file)?, &read(&file)?)?;
            say!("{GOOD}valid{GOOD:#}: {}", checked.summary())?;
        }
        _ => say!("{}", policy::SCHEMA.trim_end())?,
    }
    Ok(())
}
