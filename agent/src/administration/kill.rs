//! The kill switch: `suspend`, and `panic`, which is all of it at once.
//!
//! **The safe direction is instant.** Who reaches the local socket is the owner, so stopping takes
//! no passphrase; letting go on takes it always. A vault that is locked has no root in memory to
//! sign a suspension with: its passphrase does that, and the vault stays locked.
//!
//! **What is stopped stops.** A suspension becomes durable while no request is between its decision
//! and its use, so no use of what is suspended stands after it in the audit log. What is under way
//! to a provider is cut off, and what waits for an approval is denied.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom::{
    audit::Action,
    name::Name,
    store::Reader,
    vault::{Brake, Scope},
};

use super::{Command, Stop, blocking, change, note};
use crate::{decide, hidden::Hidden, host::Host};

/// What a `panic` did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Panicked {
    /// Whether everything is suspended. If not, the vault was locked and has to be suspended with
    /// its passphrase.
    pub suspended: bool,
    /// Calls to providers that were cut off.
    pub cut_off: usize,
    /// Requests that waited for an approval, and are denied.
    pub denied: usize,
}

/// Carries out what stops things; gives back any other command.
pub(super) async fn stop(
    host: &Arc<Host>,
    command: Command,
    passphrase: Option<&Hidden>,
) -> Result<Result<Value, Stop>, Command> {
    let scope = match command {
        Command::SuspendService { name } => Scope::Service(name),
        Command::SuspendSecret { name } => Scope::Secret(name),
        Command::Panic => Scope::Everything,
        other => return Err(other),
    };
    let passphrase = passphrase.cloned();
    Ok(match scope {
        Scope::Everything => panic(host, passphrase).await,
        scope => suspend(host, scope, passphrase).await,
    })
}

async fn suspend(
    host: &Arc<Host>,
    scope: Scope,
    passphrase: Option<Hidden>,
) -> Result<Value, Stop> {
    let now = Timestamp::now();
    let scope = scope.resolved(&host.vault().catalog());
    let changed = match passphrase {
        Some(passphrase) if !host.vault().is_unlocked() => {
            let brake = brake(host, passphrase).await?;
            change(host, |vault| brake.suspend(vault, &scope, now)).await?
        }
        _ => change(host, |vault| vault.suspend(&scope, now)).await?,
    };
    let cut_off = cut_off(host, &scope);
    let denied = deny(host, &scope, "suspended").await?;
    tracing::warn!(?scope, cut_off, denied, "suspended");
    let name = match &scope {
        Scope::Service(name) | Scope::Secret(name) => Some(name),
        Scope::Everything => None,
    };
    Ok(json!({ "name": name, "entry": changed.entry(), "cut_off": cut_off, "denied": denied }))
}

async fn panic(host: &Arc<Host>, passphrase: Option<Hidden>) -> Result<Value, Stop> {
    // All that needs no disk comes first: from here on no key is used.
    let pulled = host.pull_brake();
    host.set_proved(false);
    let cut_off = cut_off(host, &Scope::Everything);
    tracing::warn!(cut_off, "stopped everything");
    let suspended = suspend_everything(host, pulled, passphrase).await;
    let denied = deny(host, &Scope::Everything, "everything was stopped").await;
    let (suspended, denied) = (suspended?, denied?);
    Ok(json!(Panicked {
        suspended,
        cut_off,
        denied
    }))
}

/// Whether everything is suspended now; if not, the vault was locked, and no passphrase is there.
async fn suspend_everything(
    host: &Arc<Host>,
    pulled: Option<Brake>,
    passphrase: Option<Hidden>,
) -> Result<bool, Stop> {
    let brake = match (pulled, passphrase) {
        (Some(brake), _) => Some(brake),
        (None, Some(passphrase)) => Some(brake(host, passphrase).await?),
        (None, None) => None,
    };
    match brake {
        _ if host.vault().catalog().is_suspended() => {
            tell(host, "everything was suspended already").await?;
            Ok(true)
        }
        Some(brake) => {
            let now = Timestamp::now();
            change(host, |vault| brake.suspend(vault, &Scope::Everything, now))
                .await
                .map_err(|stop| {
                    stop.after(
                        "the vault is locked and what was under way is cut off, but nothing is suspended",
                    )
                })?;
            Ok(true)
        }
        None => {
            tell(host, "the vault was locked, so nothing is suspended yet").await?;
            Ok(false)
        }
    }
}

/// Ends the calls to providers that began before; how many.
fn cut_off(host: &Host, scope: &Scope) -> usize {
    host.under_way()
        .cut_off(|service, secret| scope.covers(service, secret))
}

/// Denies the requests that wait for an approval; how many.
async fn deny(host: &Arc<Host>, scope: &Scope, detail: &str) -> Result<usize, Stop> {
    let which = |service: &Name, secret: &Name| scope.covers(service, secret);
    decide::deny_all(host, which, detail)
        .await
        .map_err(|error| {
            Stop::failed(format!(
                "it is stopped, but not all that waits for an approval could be denied: {error}"
            ))
        })
}

/// A panic that changes nothing in the vault is on record all the same.
async fn tell(host: &Host, detail: &str) -> Result<(), Stop> {
    let _alone = host.alone().await;
    note(host, Action::Panicked, Some(detail.to_owned())).await
}

async fn brake(host: &Arc<Host>, passphrase: Hidden) -> Result<Brake, Stop> {
    let opened = blocking(host, move |host| {
        let slots = host.read(Reader::slots).map_err(Stop::failed)?;
        host.vault()
            .brake(&slots, &passphrase.passphrase())
            .map_err(Stop::failed)
    })
    .await;
    if opened.is_err() {
        note(host, Action::UnlockFailed, Some("suspension".to_owned())).await?;
    }
    opened
}

#[cfg(test)]
mod tests {
    use strongroom::operation::Kind;

    use super::*;
    use crate::{
        administration::{Call, Reply, perform},
        cli::vault,
        home::Home,
        host::{self, Purpose},
    };

    #[tokio::test]
    async fn stopping_takes_no_passphrase_and_letting_go_on_takes_it_always() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::locate(Some(directory.path().join("home"))).unwrap();
        let passphrase = Hidden::new("battery staple, correct horse");
        let _recovery_key = vault::create(&home, &passphrase).unwrap();
        let held = home.hold().unwrap().unwrap();
        let (host, writer) = Host::open(home, held, Purpose::Serve).unwrap();
        let host = Arc::new(host);
        let say = async |command, passphrase: Option<&Hidden>| {
            let passphrase = passphrase.cloned();
            perform(
                &host,
                Call {
                    passphrase,
                    command,
                },
            )
            .await
        };
        let name: Name = "deploy-key".parse().unwrap();
        let unlock = || Command::Unlock {
            passphrase: passphrase.clone(),
        };
        assert!(matches!(say(unlock(), None).await, Reply::Done { .. }));
        let add = || Command::AddSecret {
            name: name.clone(),
            kind: Some(Kind::Ed25519),
            value: None,
            labels: Vec::new(),
            releasable: false,
            binding: None,
        };
        assert!(matches!(say(add(), None).await, Reply::Done { .. }));

        // As five minutes later: whatever else is changed takes the passphrase again.
        host.set_proved(false);
        assert!(matches!(say(add(), None).await, Reply::PassphraseNeeded));
        let suspend = || Command::SuspendSecret { name: name.clone() };
        assert!(matches!(say(suspend(), None).await, Reply::Done { .. }));
        assert!(!host.is_proved(), "nothing was proved");

        // And just after it was proved.
        host.set_proved(true);
        let resume = || Command::ResumeSecret { name: name.clone() };
        assert!(matches!(say(resume(), None).await, Reply::PassphraseNeeded));
        let wrong = Hidden::new("a wrong one");
        assert!(matches!(
            say(resume(), Some(&wrong)).await,
            Reply::Failed { .. }
        ));
        assert!(host.vault().catalog().secret(&name).unwrap().suspended);
        let done = say(resume(), Some(&passphrase)).await;
        assert!(matches!(done, Reply::Done { .. }));

        assert!(matches!(
            say(Command::Panic, None).await,
            Reply::Done { .. }
        ));
        assert!(!host.vault().is_unlocked() && !host.is_proved());
        assert!(matches!(say(Command::Resume, None).await, Reply::Locked));
        assert!(matches!(say(unlock(), None).await, Reply::Done { .. }));
        assert!(matches!(
            say(Command::Resume, None).await,
            Reply::PassphraseNeeded
        ));
        host::close(host, writer);
    }
}
