//! `suspend`, `resume` and `panic`: stopping is instant and takes no passphrase, letting go on takes
//! it always.

use serde::Deserialize;
use serde::de::IgnoredAny;
use strongroom::name::Name;

use super::door::Door;
use crate::{
    administration::{Command, Panicked},
    exit::Exit,
    listing::Status,
    show::{self, BAD, say},
};

/// What a suspension answers.
#[derive(Debug, Deserialize)]
struct Suspended {
    name: Name,
    cut_off: usize,
    denied: usize,
}

pub async fn suspend_service(door: &Door, name: Name) -> anyhow::Result<()> {
    let done: Suspended = door
        .stop(|| Command::SuspendService { name: name.clone() })
        .await?;
    let name = &done.name;
    say!(
        "`{name}` is refused from its next request on{}; let it in again with `strongroom service resume {name}`",
        ended(done.cut_off, done.denied)
    )?;
    Ok(())
}

pub async fn resume_service(door: &Door, name: Name) -> anyhow::Result<()> {
    let _: IgnoredAny = door
        .ask(|| Command::ResumeService { name: name.clone() })
        .await?;
    say!("`{name}` may ask again")?;
    Ok(())
}

pub async fn suspend_secret(door: &Door, name: Name) -> anyhow::Result<()> {
    let done: Suspended = door
        .stop(|| Command::SuspendSecret { name: name.clone() })
        .await?;
    let secret = &done.name;
    if *secret != name {
        show::remark(format!("`{name}` stands for the secret `{secret}`"));
    }
    say!(
        "every use of `{secret}` is refused from the next request on{}; let it be used again with `strongroom secret resume {secret}`",
        ended(done.cut_off, done.denied)
    )?;
    Ok(())
}

pub async fn resume_secret(door: &Door, name: Name) -> anyhow::Result<()> {
    let _: IgnoredAny = door
        .ask(|| Command::ResumeSecret { name: name.clone() })
        .await?;
    say!("`{name}` may be used again")?;
    Ok(())
}

pub async fn panic(door: &Door, json: bool) -> anyhow::Result<()> {
    let mut done: Panicked = door.ask(|| Command::Panic).await?;
    if !done.suspended {
        if door.is_agent() {
            show::remark(
                "the vault was locked already, so nothing is used now; its passphrase suspends everything, so that nothing is used after it is unlocked either",
            );
        }
        let passphrase = door.passphrase().map_err(|_| {
            Exit::Locked.with(
                "nothing is suspended: the vault was locked already, and suspending takes its passphrase then; nothing is used while it stays locked",
            )
        })?;
        let suspended: Panicked = door.ask_with(&passphrase, || Command::Panic).await?;
        done.suspended = suspended.suspended;
    }
    if json {
        return show::json(&done);
    }
    say!(
        "{BAD}everything is stopped{BAD:#}: the vault is locked and every use of every secret is refused{}",
        ended(done.cut_off, done.denied)
    )?;
    say!(
        "it stays so, also over a restart, until you `strongroom unlock` and `strongroom resume`"
    )?;
    Ok(())
}

pub async fn resume(door: &Door) -> anyhow::Result<()> {
    let _: IgnoredAny = door.ask(|| Command::Resume).await?;
    say!("the vault may be used again")?;
    let status: Status = door.ask(|| Command::Status).await?;
    let each: Vec<String> = status.suspended.each().collect();
    if !each.is_empty() {
        say!("still suspended: {}", each.join(", "))?;
    }
    Ok(())
}

/// What was ended beside, as the end of a sentence.
fn ended(calls: usize, requests: usize) -> String {
    let calls = match calls {
        0 => String::new(),
        1 => ", a call that was under way is cut off".to_owned(),
        calls => format!(", {calls} calls that were under way are cut off"),
    };
    let requests = match requests {
        0 => String::new(),
        1 => ", a request that waited for an approval is denied".to_owned(),
        requests => format!(", {requests} requests that waited for an approval are denied"),
    };
    format!("{calls}{requests}")
}
