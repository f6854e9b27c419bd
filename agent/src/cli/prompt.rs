//! Questions to a person, and the files that answer them in scripts.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, IsTerminal as _, Read as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use crate::hidden::Hidden;

/// The longest passphrase, in bytes; a larger file is not one.
const LONGEST: u64 = 4096;

/// Asks for the passphrase without showing it, or reads it from the file that was named.
pub fn passphrase(file: Option<&Path>, question: &str) -> anyhow::Result<Hidden> {
    match file {
        Some(path) => first_line(path),
        None => hidden(question, "--passphrase-file FILE"),
    }
}

/// Asks for a new passphrase twice, or reads it once from the file that was named.
pub fn new_passphrase(file: Option<&Path>, option: &str) -> anyhow::Result<Hidden> {
    if let Some(path) = file {
        return first_line(path);
    }
    loop {
        let once = hidden("New passphrase (at least 8 characters): ", option)?;
        if let Err(error) = strongroom::vault::check_new_passphrase(&once.passphrase()) {
            anstream::eprintln!("{error}");
            continue;
        }
        let again = hidden("The same again: ", option)?;
        if once.expose() == again.expose() {
            return Ok(once);
        }
        anstream::eprintln!("the two differ; try again");
    }
}

/// A value for a secret: a file, standard input if something is piped in, or a hidden prompt.
pub fn value(file: Option<&Path>, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    const LARGEST: u64 = 1024 * 1024;
    let read = |from: &mut dyn io::Read| -> anyhow::Result<Zeroizing<Vec<u8>>> {
        // Room for the largest value from the start: a growing vector leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
        from.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            bail!("the value is larger than 1 MiB; a vault holds keys, not files");
        }
        Ok(bytes)
    };
    let value = match file {
        Some(path) if path != Path::new("-") => {
            let mut file =
                File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
            read(&mut file)?
        }
        None if io::stdin().is_terminal() => {
            let typed = hidden(&format!("{what} (not shown): "), "--file FILE")?;
            Zeroizing::new(typed.expose().as_bytes().to_vec())
        }
        _ => read(&mut io::stdin().lock())?,
    };
    if value.is_empty() {
        bail!("nothing came in as the value; pipe it in, or name a file with `--file FILE`");
    }
    Ok(value)
}

/// A yes or no; no unless the person says yes.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    anstream::eprint!("{question} [y/N] ");
    let mut line = String::new();
    io::stdin().lock().take(16).read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

fn hidden(question: &str, option: &str) -> anyhow::Result<Hidden> {
    if !io::stderr().is_terminal() || !io::stdin().is_terminal() && File::open("/dev/tty").is_err()
    {
        bail!("no terminal to ask at; in a script use `{option}`");
    }
    let typed = Zeroizing::new(rpassword::prompt_password(question).context("nothing was typed")?);
    Ok(Hidden::new(&typed))
}

fn first_line(path: &Path) -> anyhow::Result<Hidden> {
    let file = File::open(path)
        .with_context(|| format!("cannot open the passphrase file `{}`", path.display()))?;
    let mut line = Zeroizing::new(String::with_capacity(LONGEST as usize));
    BufReader::new(file.take(LONGEST))
        .read_line(&mut line)
        .with_context(|| format!("cannot read the passphrase file `{}`", path.display()))?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        bail!(
            "the first line of `{}` is empty; the passphrase goes there",
            path.display()
        );
    }
    Ok(Hidden::new(line))
}
