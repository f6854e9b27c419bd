//! `strongroom secret rotate --due`: everything that is due and can be rotated without a person.

use anyhow::bail;
use serde::Serialize;
use strongroom::operation::Kind;

use super::{Place, Program, made_here, recipe};
use crate::{
    administration::Command,
    cli::{door::Door, secret::Altered},
    hidden::Hidden,
    home::Home,
    listing::SecretRow,
    show::{self, say},
};

/// How a secret gets its next version.
enum Way {
    /// A fresh key, made inside the vault.
    Generate,
    /// The binding's program.
    Program(Program),
    /// Its owner has to bring it along.
    ByHand,
}

/// What became of one secret.
#[derive(Serialize)]
struct Row {
    name: String,
    due: Vec<String>,
    #[serde(flatten)]
    did: Did,
}

#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Did {
    Rotated { version: u32 },
    WouldRotate { with: String },
    NeedsAHand,
    Failed { problem: String },
}

pub async fn rotate(
    door: &Door,
    home: &Home,
    dry_run: bool,
    retire_old: bool,
    json: bool,
) -> anyhow::Result<()> {
    let secrets: Vec<SecretRow> = door.ask(|| Command::ListSecrets).await?;
    let due = secrets.into_iter().filter(|row| !row.due.is_empty());
    // Asked for once, and only if it is needed.
    let mut passphrase = None;
    let mut rows = Vec::new();
    for secret in due {
        let did = match way(&secret)? {
            Way::ByHand => Did::NeedsAHand,
            Way::Generate if dry_run => Did::WouldRotate {
                with: "a fresh key".to_owned(),
            },
            Way::Program(program) if dry_run => Did::WouldRotate {
                with: format!("`{}`", program.name()),
            },
            way => {
                let passphrase = match &passphrase {
                    Some(known) => known,
                    None => passphrase.insert(door.passphrase()?),
                };
                match one(door, home, passphrase, &secret, way, retire_old).await {
                    Ok(version) => Did::Rotated { version },
                    Err(error) => Did::Failed {
                        problem: format!("{error:#}"),
                    },
                }
            }
        };
        rows.push(Row {
            name: secret.name,
            due: secret.due,
            did,
        });
    }
    if json {
        show::json(&rows)?;
    } else if rows.is_empty() {
        show::remark("nothing is due");
    } else {
        print(&rows)?;
    }
    let failed = rows
        .iter()
        .filter(|row| matches!(row.did, Did::Failed { .. }))
        .count();
    match failed {
        0 => Ok(()),
        1 => bail!("one secret could not be rotated"),
        several => bail!("{several} secrets could not be rotated"),
    }
}

fn way(secret: &SecretRow) -> anyhow::Result<Way> {
    let kind: Kind = secret.kind.parse()?;
    Ok(
        match recipe(secret)?.and_then(|rotation| Program::of(&rotation)) {
            Some(program) => Way::Program(program),
            None if made_here(kind) => Way::Generate,
            None => Way::ByHand,
        },
    )
}

async fn one(
    door: &Door,
    home: &Home,
    passphrase: &Hidden,
    secret: &SecretRow,
    way: Way,
    retire_old: bool,
) -> anyhow::Result<u32> {
    let place = Place {
        door,
        home,
        passphrase,
    };
    let Way::Program(program) = way else {
        let name = secret.name.parse::<strongroom::name::Name>()?;
        // Old versions stay: what was encrypted or authenticated with them has to be read.
        let altered: Altered = place
            .ask(|| Command::RotateSecret {
                name: name.clone(),
                value: None,
            })
            .await?;
        return Ok(altered.version.unwrap_or_default());
    };
    place.rotate(secret, program, retire_old).await
}

fn print(rows: &[Row]) -> anyhow::Result<()> {
    show::table(
        &["name", "due", "what was done"],
        rows.iter().map(|row| {
            let did = match &row.did {
                Did::Rotated { version } => format!("rotated, now version {version}"),
                Did::WouldRotate { with } => format!("would be rotated with {with}"),
                Did::NeedsAHand => "needs a hand: only its provider makes a new value".to_owned(),
                Did::Failed { .. } => "failed, see below".to_owned(),
            };
            vec![row.name.clone(), row.due.join(", "), did]
        }),
    )?;
    for row in rows {
        if let Did::Failed { problem } = &row.did {
            say!("{}: {problem}", row.name)?;
        }
    }
    Ok(())
}
