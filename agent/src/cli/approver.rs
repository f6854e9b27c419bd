//! `strongroom approver …`.

use serde::de::IgnoredAny;
use strongroom::name::Name;

use super::{Approver, door::Door, service::read};
use crate::{
    administration::Command,
    listing::ApproverRow,
    show::{self, say},
};

pub async fn approver(door: &Door, command: Approver, json: bool) -> anyhow::Result<()> {
    match command {
        Approver::Add {
            name,
            keys,
            groups,
            operates,
            mail,
        } => {
            let keys = lines(&keys)?;
            let _: IgnoredAny = door
                .ask(|| Command::AddApprover {
                    name: name.clone(),
                    keys: keys.clone(),
                    groups: groups.clone(),
                    operates: operates.clone(),
                    mail: mail.clone(),
                })
                .await?;
            told(door, &name, "may approve", json).await
        }
        Approver::Set {
            name,
            keys,
            groups,
            operates,
            operates_nothing,
            mail,
        } => {
            let keys = lines(&keys)?;
            // Nobody is left without keys or groups: what was not given stays.
            let given = |names: &[Name]| (!names.is_empty()).then(|| names.to_vec());
            let _: IgnoredAny = door
                .ask(|| Command::ChangeApprover {
                    name: name.clone(),
                    keys: (!keys.is_empty()).then(|| keys.clone()),
                    groups: given(&groups),
                    operates: match operates_nothing {
                        true => Some(Vec::new()),
                        false => given(&operates),
                    },
                    mail: mail.clone(),
                })
                .await?;
            told(door, &name, "may approve", json).await
        }
        Approver::Retire { name } => {
            let _: IgnoredAny = door
                .ask(|| Command::RetireApprover { name: name.clone() })
                .await?;
            told(door, &name, "may not approve any more", json).await
        }
        Approver::List => {
            let rows: Vec<ApproverRow> = door.ask(|| Command::ListApprovers).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark(
                    "no approvers yet, so only you approve; enrol one with `strongroom approver add NAME --key FILE.pub --group GROUP`",
                );
                return Ok(());
            }
            show::table(
                &["name", "groups", "keys", "operates", "mail"],
                rows.into_iter().map(|row| {
                    let keys = row.keys.iter();
                    let keys: Vec<_> = match row.retired {
                        true => vec!["retired".to_owned()],
                        false => keys.map(|key| key.fingerprint.clone()).collect(),
                    };
                    vec![
                        row.name,
                        row.groups.join(", "),
                        keys.join("\n"),
                        row.operates.join(", "),
                        row.mail.unwrap_or_default(),
                    ]
                }),
            )
        }
    }
}

/// The lines of public key files: several keys may be in one, and remarks.
fn lines(files: &[std::path::PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    for file in files {
        let text = read(file)?;
        let keys = text.lines().map(str::trim);
        let keys: Vec<_> = keys
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        if keys.is_empty() {
            anyhow::bail!("`{}` has no key in it", file.display());
        }
        lines.extend(keys);
    }
    Ok(lines)
}

async fn told(door: &Door, name: &Name, what: &str, json: bool) -> anyhow::Result<()> {
    let rows: Vec<ApproverRow> = door.ask(|| Command::ListApprovers).await?;
    let row = rows.iter().find(|row| row.name == name.as_str());
    if json {
        return show::json(&row);
    }
    let Some(row) = row.filter(|row| !row.retired) else {
        say!("`{name}` {what}")?;
        return Ok(());
    };
    say!("`{name}` {what} for {}", row.groups.join(", "))?;
    for key in &row.keys {
        say!("key {}  {}", key.fingerprint, key.kind)?;
    }
    if !row.operates.is_empty() {
        say!("but not what {} asks for", row.operates.join(", "))?;
    }
    Ok(())
}
