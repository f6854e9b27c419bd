//! `strongroom secret rotate`: a new version of a secret, made here, brought along, or made at its
//! provider by the owner's own program.
//!
//! With a program, the steps are
//!
//! 1. the intent is written down, with room for the new value; the old value is handed over, which
//!    is recorded like revealing it;
//! 2. the program creates a new value, which is sealed to the root and written down before
//!    anything looks at it, and becomes a version;
//! 3. uses that have the old value under way are waited for, and the program revokes it.
//!
//! **Invariant: at every moment a version works, and the new value is in one place at least.** Where
//! it stops, the message says which version that is, and `--resume` goes on.

use std::{io::IsTerminal as _, time::Duration};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use strongroom::{
    binding::{Binding, Rotation},
    name::Name,
    operation::Kind,
    vault::{NewValue, material::Material},
};

use super::{
    RotateFlags,
    door::Door,
    prompt,
    secret::{Altered, find, stored},
};
use crate::{
    administration::Command,
    hidden::Hidden,
    home::Home,
    listing::SecretRow,
    rotation::{HandedOver, PutIn, Told},
    show::{self, say},
};

mod overdue;
mod pending;
mod program;

use pending::{Header, Pending};
use program::{About, Program, Step, Value};

/// Does what was asked for.
pub async fn rotate(
    door: &Door,
    home: &Home,
    name: Option<Name>,
    flags: RotateFlags,
    json: bool,
) -> anyhow::Result<()> {
    let Some(name) = name else {
        return overdue::rotate(door, home, flags.dry_run, flags.retire_old, json).await;
    };
    if flags.abandon {
        return abandon(door, home, &name).await;
    }
    if flags.resume {
        return resume(door, home, &name, &flags, json).await;
    }
    if flags.recipe || !flags.with.is_empty() {
        let row = secret_itself(door, &name).await?;
        let program = chosen(&row, &flags)?;
        let passphrase = door.passphrase()?;
        let place = Place {
            door,
            home,
            passphrase: &passphrase,
        };
        let version = place.rotate(&row, program, flags.retire_old).await?;
        return finished(door, &name, version, json).await;
    }
    let nothing_comes = flags.file.is_none() && std::io::stdin().is_terminal();
    let generate = flags.generate
        || nothing_comes && made_here(secret_itself(door, &name).await?.kind.parse()?);
    let value = if generate {
        None
    } else {
        let what = format!("New value of `{name}`");
        Some(Hidden::of_bytes(&prompt::value(
            flags.file.as_deref(),
            &what,
        )?))
    };
    let altered: Altered = door
        .ask(|| Command::RotateSecret {
            name: name.clone(),
            value: value.clone(),
        })
        .await?;
    stored(door, &name, &altered, json).await
}

/// The vault, with the passphrase for all the steps of one rotation: a program may take its time.
struct Place<'a> {
    door: &'a Door,
    home: &'a Home,
    passphrase: &'a Hidden,
}

impl Place<'_> {
    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        make: impl Fn() -> Command,
    ) -> anyhow::Result<T> {
        // The signal is caught since the program ran: it would end nothing by itself.
        tokio::select! {
            answer = self.door.ask_with(self.passphrase, make) => answer,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    }

    /// The whole of it; the new version.
    async fn rotate(
        &self,
        row: &SecretRow,
        program: Program,
        retire_old: bool,
    ) -> anyhow::Result<u32> {
        let name: Name = row.name.parse()?;
        let replaces = row.current.with_context(|| {
            format!(
                "`{name}` is retired; add a new one under another name, and point an alias at it"
            )
        })?;
        let mut pending = Pending::begin(
            self.home,
            Header {
                secret: name.clone(),
                replaces,
                program: program.command.clone(),
                timeout_seconds: program.timeout.as_secs(),
                retire_old,
                began: Timestamp::now(),
            },
        )?;
        let handed = match self.hand_over(&name, replaces, &program).await {
            Ok(handed) => handed,
            Err(error) => {
                // Nothing was asked of the provider, so nothing is left to do.
                pending.end()?;
                return Err(error);
            }
        };
        let old = Value {
            version: replaces,
            bytes: handed.value.bytes()?,
        };
        let about = About {
            name: &name,
            kind: &row.kind,
        };
        let step = Step::Create {
            secret: about,
            old: &old,
        };
        let ran = program.run(&step).await;
        let new = NewValue {
            secret: name.clone(),
            replaces,
            value: ran.printed,
        };
        let called = program.name();
        if new.value.is_empty() {
            let why = ran
                .ended
                .err()
                .unwrap_or_else(|| "it printed nothing".to_owned());
            pending.end()?;
            self.tell_failed(&name, format!("`{called}` made no new value: {why}"))
                .await;
            bail!(
                "`{called}` made no new value: {why}; version {replaces} of `{name}` stays in use"
            );
        }

        // Before anything else, also if it turns out to be rubbish: it is in no other place.
        let root = handed
            .recipient
            .parse()
            .map_err(|error: &str| anyhow::anyhow!(error))?;
        let sealed = new.seal(&root)?;
        let kept = pending.keep(&sealed);
        if let Err(why) = ran.ended {
            self.tell_failed(
                &name,
                format!("`{called}` printed something and failed: {why}"),
            )
            .await;
            let place = self.where_it_is(&pending, kept, &sealed)?;
            bail!(
                "`{called}` failed: {why}; version {replaces} of `{name}` stays in use. What it printed is kept, sealed, {place}: \
                 `strongroom secret rotate {name} --resume` takes it for the new value, `--abandon` forgets it"
            );
        }
        let material = match Material::import(Some(row.kind.parse()?), &new.value) {
            Ok(material) => material,
            Err(why) => {
                let detail = format!("what `{called}` printed is no new value: {why}");
                self.tell_failed(&name, detail).await;
                let place = self.where_it_is(&pending, kept, &sealed)?;
                bail!(
                    "what `{called}` printed is no new value of `{name}`: {why}; version {replaces} stays in use. It is kept, sealed, {place}; \
                     revoke at the provider what it may have made, then `strongroom secret rotate {name} --abandon`"
                );
            }
        };
        let version = match self.put_in(&sealed, &called).await {
            Ok(version) => version,
            Err(error) => {
                let place = self.where_it_is(&pending, kept, &sealed)?;
                return Err(error.context(format!(
                    "the new value of `{name}` could not be stored; version {replaces} stays in use, and the new value is kept, sealed, {place}: \
                     go on with `strongroom secret rotate {name} --resume`"
                )));
            }
        };
        let new = Value {
            version,
            // As it is stored: without the line end that programs print, say.
            bytes: material.to_stored(),
        };
        self.give_up(pending, &program, about, old, new).await?;
        Ok(version)
    }

    /// The last steps: no use has the old value any more, the provider revokes it, it is over.
    async fn give_up(
        &self,
        pending: Pending,
        program: &Program,
        about: About<'_>,
        old: Value,
        new: Value,
    ) -> anyhow::Result<()> {
        let (name, called) = (about.name, program.name());
        let works = format!(
            "version {} of `{name}` is stored and in use, and version {} may still work at the provider",
            new.version, old.version
        );
        let go_on = format!("go on with `strongroom secret rotate {name} --resume`");
        let _: IgnoredAny = self
            .ask(|| Command::Settle)
            .await
            .with_context(|| format!("{works}; {go_on}"))?;
        let step = Step::Revoke {
            secret: about,
            old: &old,
            new: &new,
        };
        if let Err(why) = program.run(&step).await.ended {
            let detail = format!(
                "`{called}` did not revoke version {}: {why}; version {} is in use",
                old.version, new.version
            );
            self.tell_failed(name, detail).await;
            bail!("{works}: `{called}` did not revoke it: {why}; {go_on}");
        }
        let told = || Command::TellRotation {
            name: name.clone(),
            told: Told::Revoked {
                version: old.version,
            },
        };
        let done = async {
            let _: IgnoredAny = self.ask(told).await?;
            if pending.header.retire_old {
                let _: IgnoredAny = self
                    .ask(|| Command::RetireSecret {
                        name: name.clone(),
                        version: Some(old.version),
                    })
                    .await?;
            }
            pending.end()
        };
        done.await.with_context(|| {
            format!(
                "version {} of `{name}` is stored and in use, and version {} is revoked; this could not be recorded: {go_on}",
                new.version, old.version
            )
        })
    }

    async fn hand_over(
        &self,
        name: &Name,
        version: u32,
        program: &Program,
    ) -> anyhow::Result<HandedOver> {
        self.ask(|| Command::HandOver {
            name: name.clone(),
            version,
            program: program.name(),
        })
        .await
    }

    async fn put_in(&self, sealed: &str, program: &str) -> anyhow::Result<u32> {
        let put: PutIn = self
            .ask(|| Command::PutIn {
                sealed: sealed.to_owned(),
                program: program.to_owned(),
            })
            .await?;
        Ok(put.version)
    }

    /// For those who are notified. The person at the terminal is told in any case.
    async fn tell_failed(&self, name: &Name, why: String) {
        let told: anyhow::Result<IgnoredAny> = self
            .ask(|| Command::TellRotation {
                name: name.clone(),
                told: Told::Failed { why: why.clone() },
            })
            .await;
        if let Err(error) = told {
            show::remark(format!("the failure could not be recorded: {error:#}"));
        }
    }

    /// Where the sealed value is. If it could not be written down, it is printed: that is safe, and
    /// the last place that there is.
    fn where_it_is(
        &self,
        pending: &Pending,
        kept: anyhow::Result<()>,
        sealed: &str,
    ) -> anyhow::Result<String> {
        match kept {
            Ok(()) => Ok(format!("in `{}`", pending.path().display())),
            Err(error) => {
                show::remark(format!("{error:#}"));
                say!("{}", sealed.trim_end())?;
                Ok("above: save those lines in a file and add `--file FILE`".to_owned())
            }
        }
    }
}

/// Goes on where a rotation stopped.
async fn resume(
    door: &Door,
    home: &Home,
    name: &Name,
    flags: &RotateFlags,
    json: bool,
) -> anyhow::Result<()> {
    let row = secret_itself(door, name).await?;
    let mut pending = Pending::open(home, name)?
        .with_context(|| format!("no rotation of `{name}` is left to go on with"))?;
    let header = pending.header.clone();
    let (replaces, mut command) = (header.replaces, header.program.clone());
    if flags.recipe || !flags.with.is_empty() {
        command = chosen(&row, flags)?.command;
    }
    pending.header.retire_old |= flags.retire_old;
    let program = Program {
        command,
        timeout: Duration::from_secs(flags.timeout.map_or(header.timeout_seconds, u64::from)),
    };
    let called = program.name();
    let sealed = match &flags.file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?,
        None => pending.sealed.clone().with_context(|| {
            format!(
                "`{called}` was cut off at {} before it printed a new value; version {replaces} of `{name}` stays in use. \
                 Look at the provider for a new value that nobody uses, and revoke it; then `strongroom secret rotate {name} --abandon`, and begin anew",
                header.began
            )
        })?,
    };
    let passphrase = door.passphrase()?;
    let place = Place {
        door,
        home,
        passphrase: &passphrase,
    };
    let version = place.put_in(&sealed, &called).await.with_context(|| {
        format!("the new value of `{name}` could not be stored; version {replaces} stays in use")
    })?;
    let old = place.hand_over(name, replaces, &program).await?;
    let new = place.hand_over(name, version, &program).await?;
    let value = |version, handed: HandedOver| -> anyhow::Result<Value> {
        let bytes = handed.value.bytes()?;
        Ok(Value { version, bytes })
    };
    let about = About {
        name,
        kind: &row.kind,
    };
    place
        .give_up(
            pending,
            &program,
            about,
            value(replaces, old)?,
            value(version, new)?,
        )
        .await?;
    finished(door, name, version, json).await
}

async fn abandon(door: &Door, home: &Home, name: &Name) -> anyhow::Result<()> {
    let row = secret_itself(door, name).await?;
    let pending = Pending::open(home, name)?
        .with_context(|| format!("no rotation of `{name}` is left to forget"))?;
    let _: IgnoredAny = door
        .ask(|| Command::TellRotation {
            name: name.clone(),
            told: Told::Failed {
                why: "the owner gave it up".to_owned(),
            },
        })
        .await?;
    pending.end()?;
    match row.current {
        Some(version) => {
            say!("the rotation is forgotten; version {version} of `{name}` is in use")?
        }
        None => say!("the rotation is forgotten; `{name}` is retired")?,
    }
    Ok(())
}

async fn finished(door: &Door, name: &Name, version: u32, json: bool) -> anyhow::Result<()> {
    let altered = Altered {
        version: Some(version),
        advice: None,
    };
    stored(door, name, &altered, json).await
}

/// The secret's row; an alias is named, not followed.
async fn secret_itself(door: &Door, name: &Name) -> anyhow::Result<SecretRow> {
    let row = find(door, name).await?;
    if row.name != name.as_str() {
        bail!("`{name}` is an alias; the secret is `{}`", row.name);
    }
    Ok(row)
}

/// The program that was named, or the binding's.
fn chosen(row: &SecretRow, flags: &RotateFlags) -> anyhow::Result<Program> {
    let mut program = match flags.recipe {
        true => recipe(row)?
            .and_then(|rotation| Program::of(&rotation))
            .with_context(|| {
                format!(
                    "the binding of `{0}` names no program; set `rotation.command` with `strongroom secret bind {0}`, or name one with `--with`",
                    row.name
                )
            })?,
        false => Program {
            command: flags.with.clone(),
            timeout: Duration::from_secs(Rotation::TIMEOUT_SECONDS.into()),
        },
    };
    if let Some(seconds) = flags.timeout {
        program.timeout = Duration::from_secs(seconds.into());
    }
    Ok(program)
}

/// Whether a new value of this kind is as good as any other: no provider has to know it.
fn made_here(kind: Kind) -> bool {
    kind.is_asymmetric() || matches!(kind, Kind::Hmac | Kind::Aes256)
}

/// What the binding says of rotation.
fn recipe(row: &SecretRow) -> anyhow::Result<Option<Rotation>> {
    let Some(bound) = &row.bound else {
        return Ok(None);
    };
    let binding: Binding = serde_json::from_value(bound.binding.clone())?;
    Ok(binding.rotation)
}
