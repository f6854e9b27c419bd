//! An approver's signature, made by OpenSSH: with a key in a file, in ssh-agent, or on a security key.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};
use strongroom::approval::NAMESPACE;

use crate::decide::Signed;

/// The largest signature that is read.
const LARGEST: usize = 64 * 1024;

/// Signs a statement. `key` is a private key, or the `.pub` of one that ssh-agent has or a security
/// key holds; what OpenSSH asks for, it asks at the terminal.
pub fn sign(key: &Path, statement: &str) -> anyhow::Result<Signed> {
    if !key.exists() {
        bail!("there is no key `{}`", key.display());
    }
    let mut child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("`ssh-keygen` cannot be run; it comes with OpenSSH's client")?;
    // It reads all of it before it writes anything.
    let mut stdin = child.stdin.take().context("`ssh-keygen` takes no input")?;
    let written = stdin.write_all(statement.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!(
            "`ssh-keygen` made no signature with `{}`; nothing was decided",
            key.display()
        );
    }
    written.context("`ssh-keygen` did not take the statement")?;
    if output.stdout.len() > LARGEST {
        bail!("what `ssh-keygen` wrote is no signature");
    }
    Ok(Signed {
        statement: statement.to_owned(),
        signature: String::from_utf8(output.stdout)
            .context("what `ssh-keygen` wrote is no signature")?,
    })
}
