//! `strongroom policy edit`: the owner's editor, and a check before anything is stored.
//!
//! The text is in a directory that only this user can look into. While the editor is open nothing
//! is held, so that the agent and other commands go on; a text that is not stored is kept, and said
//! where.

use std::{
    ffi::OsString,
    fs,
    io::{self, BufRead as _, IsTerminal as _, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command as Program,
};

use anyhow::{Context as _, bail};
use serde::de::IgnoredAny;
use strongroom::{name::Name, policy::PolicyText};
use tempfile::TempDir;

use super::super::door::Door;
use crate::{
    administration::Command,
    home::Home,
    listing::PolicyRow,
    show::{self, say},
};

/// What a new policy begins as.
const TEMPLATE: &str = r#"// A policy is Cedar text. Nothing is allowed unless a `permit` says so, and a `forbid` wins.
// What it can speak of: `strongroom policy schema`. Why a request would pass or not:
// `strongroom policy explain`. This is checked before it is stored.
//
// @limit("20 per hour")
// @notify("urgent")
// permit (
//     principal == Service::"SERVICE",
//     action == Action::"http",
//     resource == Secret::"SECRET"
// )
// when {
//     context.http.method == "GET" &&
//     context has purpose && context.purpose like "deploy *"
// };
"#;

pub async fn edit(home: &Home, passphrase_file: Option<&Path>, name: &Name) -> anyhow::Result<()> {
    let before = stored(home, passphrase_file, name).await?;
    let version = before.as_ref().map(|row| row.version);
    let draft = Draft::new(name, before.as_ref().map_or(TEMPLATE, |row| &row.text))?;
    let text = loop {
        draft.edit()?;
        let text = draft.read()?;
        if text == draft.original {
            show::remark("nothing was changed");
            return Ok(());
        }
        match PolicyText::check(name.clone(), &text) {
            Ok(_) => break text,
            Err(mistakes) => {
                anstream::eprintln!("{mistakes}\n");
                if !again()? {
                    return Err(draft.keep("the policy was not stored"));
                }
            }
        }
    };
    match store(home, passphrase_file, name, version, &text).await {
        Ok(()) => {
            say!("stored policy `{name}`")?;
            Ok(())
        }
        Err(error) => Err(error.context(draft.keep("the policy was not stored"))),
    }
}

async fn stored(
    home: &Home,
    file: Option<&Path>,
    name: &Name,
) -> anyhow::Result<Option<PolicyRow>> {
    let door = Door::open(home, file.map(Path::to_owned))?;
    let rows: anyhow::Result<Vec<PolicyRow>> = door.ask(|| Command::ListPolicies).await;
    door.close().await;
    Ok(rows?.into_iter().find(|row| row.name == name.as_str()))
}

async fn store(
    home: &Home,
    file: Option<&Path>,
    name: &Name,
    version: Option<u32>,
    text: &str,
) -> anyhow::Result<()> {
    let now = stored(home, file, name).await?.map(|row| row.version);
    if now != version {
        bail!(
            "policy `{name}` was changed by somebody else meanwhile; look at `strongroom policy show {name}` first"
        );
    }
    let door = Door::open(home, file.map(Path::to_owned))?;
    let done: anyhow::Result<IgnoredAny> = door
        .ask(|| Command::SetPolicy {
            name: name.clone(),
            text: text.to_owned(),
        })
        .await;
    door.close().await;
    done.map(|_| ())
}

/// The text while it is edited.
struct Draft {
    directory: TempDir,
    path: PathBuf,
    original: String,
}

impl Draft {
    fn new(name: &Name, text: &str) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("strongroom-policy-")
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .context("no directory could be made for the text")?;
        let path = directory
            .path()
            .join(format!("{}.cedar", name.as_str().replace('/', "-")));
        fs::write(&path, text)?;
        Ok(Self {
            directory,
            path,
            original: text.to_owned(),
        })
    }

    /// Runs the editor, and waits until it ends.
    fn edit(&self) -> anyhow::Result<()> {
        let editor = editor()?;
        // Through the shell, because `EDITOR` may have options: `code --wait`.
        let mut line = editor.clone();
        line.push(" \"$@\"");
        let status = Program::new("sh")
            .arg("-c")
            .arg(line)
            .arg("editor")
            .arg(&self.path)
            .status()
            .with_context(|| format!("cannot start the editor `{}`", editor.display()))?;
        if !status.success() {
            bail!(
                "the editor `{}` failed, so nothing was stored",
                editor.display()
            );
        }
        Ok(())
    }

    fn read(&self) -> anyhow::Result<String> {
        super::super::service::read(&self.path)
    }

    /// Keeps the text, and says where.
    fn keep(self, why: &str) -> anyhow::Error {
        let path = self.path;
        let _ = self.directory.keep();
        anyhow::anyhow!("{why}; your text is in `{}`", path.display())
    }
}

/// `$VISUAL`, else `$EDITOR`, else what there is.
fn editor() -> anyhow::Result<OsString> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(std::env::var_os)
        .find(|editor| !editor.is_empty());
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let there =
        |program: &str| std::env::split_paths(&paths).any(|path| path.join(program).is_file());
    chosen
        .or_else(|| ["vi", "nano"].into_iter().find(|editor| there(editor)).map(OsString::from))
        .context("no editor is known; set `EDITOR` to one, or write a file and `strongroom policy set NAME FILE`")
}

/// Whether to go on after a mistake; without a terminal there is nobody to ask.
fn again() -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    anstream::eprint!("edit again? [Y/n] ");
    let mut line = String::new();
    let read = io::stdin().lock().take(16).read_line(&mut line)?;
    Ok(read > 0 && matches!(line.trim(), "" | "y" | "Y" | "yes"))
}
