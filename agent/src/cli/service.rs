//! `strongroom service …`.

use std::{fs, io::Read as _, path::Path};

use anyhow::Context as _;
use serde::de::IgnoredAny;

use super::{Service, door::Door, kill};
use crate::{
    administration::Command,
    listing::ServiceRow,
    show::{self, say},
};

/// A public key or a policy is small; what is larger is a mistake.
const LARGEST: u64 = 256 * 1024;

pub async fn service(door: &Door, command: Service, json: bool) -> anyhow::Result<()> {
    match command {
        Service::Add { name, keys } => {
            let keys = keys
                .iter()
                .map(|path| read(path))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let _: IgnoredAny = door
                .ask(|| Command::AddService {
                    name: name.clone(),
                    keys: keys.clone(),
                })
                .await?;
            let rows: Vec<ServiceRow> = door.ask(|| Command::ListServices).await?;
            let row = rows.iter().find(|row| row.name == name.as_str());
            if json {
                return show::json(&row);
            }
            say!("enrolled `{name}`; it may do nothing until you `strongroom grant {name} …`")?;
            for key in row.iter().flat_map(|row| &row.keys) {
                say!("keyid {key}")?;
            }
            Ok(())
        }
        Service::AddKey { name, key } => {
            let key = read(&key)?;
            let _: IgnoredAny = door
                .ask(|| Command::AddServiceKey {
                    name: name.clone(),
                    key: key.clone(),
                })
                .await?;
            say!(
                "`{name}` may sign with this key too; take the old one away with `strongroom service retire-key {name} KEYID`"
            )?;
            Ok(())
        }
        Service::RetireKey { name, key } => {
            let _: IgnoredAny = door
                .ask(|| Command::RetireServiceKey {
                    name: name.clone(),
                    key: key.clone(),
                })
                .await?;
            say!("what `{name}` signs with {key} is refused from its next request on")?;
            Ok(())
        }
        Service::List => {
            let rows: Vec<ServiceRow> = door.ask(|| Command::ListServices).await?;
            if json {
                return show::json(&rows);
            }
            if rows.is_empty() {
                show::remark(
                    "no services yet; enrol one with `strongroom service add NAME --key FILE`",
                );
                return Ok(());
            }
            show::table(
                &["name", "state", "keyids"],
                rows.into_iter().map(|row| {
                    let state = if row.suspended {
                        "suspended"
                    } else {
                        "enrolled"
                    };
                    vec![row.name, state.to_owned(), row.keys.join("\n")]
                }),
            )
        }
        Service::Suspend { name } => kill::suspend_service(door, name).await,
        Service::Resume { name } => kill::resume_service(door, name).await,
    }
}

/// A small text file, or standard input for `-`.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let from: Box<dyn std::io::Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(fs::File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?)
    };
    from.take(LARGEST)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read `{}` as text", path.display()))?;
    Ok(text)
}
