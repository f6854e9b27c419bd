//! `strongroom secret …` and `strongroom alias …`.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
};

use anyhow::bail;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use strongroom::{name::Name, vault::due::Age};
use zeroize::Zeroizing;

use super::{Alias, ChannelFlags, HttpFlags, Secret, binding, door::Door, kill, prompt, rotate};
use crate::{
    administration::Command,
    hidden::Hidden,
    home::Home,
    listing::{AliasRow, SecretRow},
    show::{self, BAD, MILD, STRONG, say},
};

/// What a change answers.
#[derive(Debug, Deserialize)]
pub(super) struct Altered {
    pub version: Option<u32>,
    /// What the owner should know of the value.
    #[serde(default)]
    pub advice: Option<String>,
}

pub async fn secret(door: &Door, home: &Home, command: Secret, json: bool) -> anyhow::Result<()> {
    match command {
        Secret::Add {
            name,
            kind,
            file,
            options,
            http,
            channel,
        } => {
            let binding = binding::over(&http, &channel, None)?;
            let binding = binding.map(|binding| binding.to_string());
            let value = Hidden::of_bytes(&prompt::value(
                file.as_deref(),
                &format!("Value of `{name}`"),
            )?);
            let altered: Altered = door
                .ask(|| Command::AddSecret {
                    name: name.clone(),
                    kind,
                    value: Some(value.clone()),
                    labels: options.labels.clone(),
                    releasable: options.releasable,
                    binding: binding.clone(),
                })
                .await?;
            stored(door, &name, &altered, json).await
        }
        Secret::Generate {
            name,
            kind,
            options,
        } => {
            let altered: Altered = door
                .ask(|| Command::AddSecret {
                    name: name.clone(),
                    kind: Some(kind),
                    value: None,
                    labels: options.labels.clone(),
                    releasable: options.releasable,
                    binding: None,
                })
                .await?;
            stored(door, &name, &altered, json).await
        }
        Secret::Bind {
            name,
            file,
            http,
            channel,
        } => bind(door, &name, file, (&http, &channel), json).await,
        Secret::Rotate { name, flags } => rotate::rotate(door, home, name, flags, json).await,
        Secret::Retire { name, version } => {
            let _: Altered = door
                .ask(|| Command::RetireSecret {
                    name: name.clone(),
                    version,
                })
                .await?;
            match version {
                Some(version) => {
                    say!("version {version} of `{name}` is retired; it stays on record")?
                }
                None => say!("`{name}` is retired; it stays on record")?,
            }
            Ok(())
        }
        Secret::Suspend { name } => kill::suspend_secret(door, name).await,
        Secret::Resume { name } => kill::resume_secret(door, name).await,
        Secret::Reveal { name, version } => reveal(door, &name, version, json).await,
        Secret::List => {
            let rows: Vec<SecretRow> = door.ask(|| Command::ListSecrets).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark("no secrets yet; add one with `strongroom secret add NAME`");
                return Ok(());
            }
            show::table(
                &["name", "kind", "version", "for", "aliases", "labels", "age"],
                rows.into_iter().map(|row| {
                    let mut version = row
                        .current
                        .map_or_else(|| "retired".to_owned(), |number| number.to_string());
                    if row.suspended {
                        version.push_str(", suspended");
                    }
                    let age = age(&row);
                    vec![
                        row.name,
                        row.kind,
                        version,
                        row.bound
                            .as_ref()
                            .map(binding::in_short)
                            .unwrap_or_default(),
                        row.aliases.join(", "),
                        row.labels.join(", "),
                        age,
                    ]
                }),
            )
        }
        Secret::Show { name } => {
            let row = find(door, &name).await?;
            if json { show::json(&row) } else { print(&row) }
        }
    }
}

async fn bind(
    door: &Door,
    name: &Name,
    file: Option<PathBuf>,
    (http, channel): (&HttpFlags, &ChannelFlags),
    json: bool,
) -> anyhow::Result<()> {
    let before = find(door, name).await?.bound;
    let said = before.as_ref().map(|bound| &bound.binding);
    let says = match file {
        Some(path) => Some(binding::read(&path)?),
        None => binding::over(http, channel, said)?,
    };
    let Some(says) = says else {
        bail!(
            "say what `{name}` is for: `--base-url URL` and how it is attached, `--channel NAME --to URL`, or all of it as JSON with `--file FILE`"
        )
    };
    let _: Altered = door
        .ask(|| Command::BindSecret {
            name: name.clone(),
            binding: says.to_string(),
            after: before.as_ref().map_or(0, |bound| bound.number),
        })
        .await?;
    let row = find(door, name).await?;
    match &row.bound {
        _ if json => show::json(&row),
        Some(bound) => binding::told(&row.name, bound),
        None => Ok(()),
    }
}

pub(super) async fn find(door: &Door, name: &Name) -> anyhow::Result<SecretRow> {
    let rows: Vec<SecretRow> = door.ask(|| Command::ListSecrets).await?;
    rows.into_iter()
        .find(|row| row.is_called(name))
        .ok_or_else(|| {
            anyhow::anyhow!(
                "there is no secret or alias `{name}`; `strongroom secret list` shows them"
            )
        })
}

pub(super) async fn stored(
    door: &Door,
    name: &Name,
    altered: &Altered,
    json: bool,
) -> anyhow::Result<()> {
    let row = find(door, name).await?;
    if let Some(advice) = &altered.advice {
        show::remark(format!("`{name}`: {advice}"));
    }
    if json {
        return show::json(&row);
    }
    let version = altered.version.unwrap_or(1);
    say!(
        "stored `{STRONG}{}{STRONG:#}`, {} version {version}",
        row.name,
        row.kind
    )?;
    if let Some(bound) = &row.bound
        && version == 1
    {
        binding::print(bound)?;
    }
    if let Some(public) = row
        .versions
        .iter()
        .find(|row| row.version == version)
        .and_then(|row| row.ssh.as_ref())
    {
        say!("{public}")?;
    }
    Ok(())
}

/// The current version's age, and whether the next one is due.
fn age(row: &SecretRow) -> String {
    let current = row
        .versions
        .iter()
        .find(|version| row.current == Some(version.version));
    match (current, row.due.is_empty()) {
        (None, _) => String::new(),
        (Some(version), true) => old(version.created).to_string(),
        (Some(version), false) => format!("{}, due", old(version.created)),
    }
}

fn old(created: Timestamp) -> Age {
    Age(Timestamp::now().duration_since(created))
}

fn used(uses: u64) -> String {
    match uses {
        0 => "never used".to_owned(),
        1 => "used once".to_owned(),
        uses => format!("used {uses} times"),
    }
}

fn print(row: &SecretRow) -> anyhow::Result<()> {
    say!("{STRONG}{}{STRONG:#}  {}", row.name, row.kind)?;
    if !row.aliases.is_empty() {
        say!("aliases     {}", row.aliases.join(", "))?;
    }
    if !row.labels.is_empty() {
        say!("labels      {}", row.labels.join(", "))?;
    }
    say!(
        "releasable  {}",
        if row.releasable {
            "yes, where a policy allows `release`"
        } else {
            "no"
        }
    )?;
    if row.suspended {
        say!(
            "{BAD}suspended   every use of it is refused{BAD:#}; `strongroom secret resume {}`",
            row.name
        )?;
    }
    if !row.due.is_empty() {
        say!(
            "{BAD}due         {}{BAD:#}: `strongroom secret rotate {}`",
            row.due.join(", "),
            row.name
        )?;
    }
    if let Some(bound) = &row.bound {
        binding::print(bound)?;
    }
    for version in &row.versions {
        let state = match (version.retired, row.current == Some(version.version)) {
            (true, _) => "retired",
            (false, true) => "current",
            (false, false) => "old: for decrypt, verify-mac and public-key",
        };
        say!(
            "version {:<3} {}  {MILD}{state}; {} old, {}{MILD:#}",
            version.version,
            version.created,
            old(version.created),
            used(version.uses)
        )?;
        if let Some(ssh) = &version.ssh {
            say!("{ssh}")?;
        }
        if let Some(pem) = &version.public_key {
            say!("{}", pem.trim_end())?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Revealed {
    version: u32,
    value: Hidden,
}

async fn reveal(door: &Door, name: &Name, version: Option<u32>, json: bool) -> anyhow::Result<()> {
    let revealed: Revealed = door
        .ask(|| Command::RevealSecret {
            name: name.clone(),
            version,
        })
        .await?;
    let mut out = io::stdout().lock();
    if json {
        let line = Zeroizing::new(serde_json::to_string(&serde_json::json!({
            "name": name, "version": revealed.version, "value": revealed.value.expose(),
        }))?);
        writeln!(out, "{}", &*line)?;
        return Ok(());
    }
    let value = Zeroizing::new(STANDARD.decode(revealed.value.expose())?);
    out.write_all(&value)?;
    if io::stdout().is_terminal() {
        if !value.ends_with(b"\n") {
            writeln!(out)?;
        }
        show::remark(format!(
            "version {} of `{name}`; this was recorded, and everyone who is notified was told",
            revealed.version
        ));
    }
    Ok(())
}

pub async fn alias(door: &Door, command: Alias, json: bool) -> anyhow::Result<()> {
    match command {
        Alias::Set { name, secret } => {
            let _: Altered = door
                .ask(|| Command::SetAlias {
                    name: name.clone(),
                    secret: secret.clone(),
                })
                .await?;
            say!("`{name}` points at `{secret}`")?;
            Ok(())
        }
        Alias::List => {
            let rows: Vec<AliasRow> = door.ask(|| Command::ListAliases).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark(
                    "no aliases yet; point one at a secret with `strongroom alias set NAME SECRET`",
                );
                return Ok(());
            }
            show::table(
                &["alias", "secret"],
                rows.into_iter().map(|row| vec![row.name, row.secret]),
            )
        }
    }
}
