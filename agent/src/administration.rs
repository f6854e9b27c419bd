//! What the owner can do: one enum of commands, carried out by the running agent over the local
//! socket, or by a single command that opened the vault itself. Both go through here.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use strongroom::{
    approval::Verdict,
    audit::{Action, Committed, Noted, Submission},
    name::Name,
    store::Reader,
    vault::{Change, Changed, RecoveryKey, Vault, VaultError},
};

use crate::{
    decide,
    hidden::Hidden,
    host::{Host, Purpose},
    listing, notify, rotation,
};

mod alter;
mod command;
mod kill;

use alter::alter;
pub use command::{Call, Command, Reply};
pub use kill::Panicked;

/// Why a command was not carried out.
#[derive(Debug)]
pub(crate) enum Stop {
    PassphraseNeeded,
    Locked,
    Failed(String),
}

impl Stop {
    pub(crate) fn failed(message: impl std::fmt::Display) -> Self {
        Self::Failed(message.to_string())
    }

    /// With what was done before it stopped.
    fn after(self, done: &str) -> Self {
        match self {
            Self::Failed(message) => Self::Failed(format!("{done}: {message}")),
            other => other,
        }
    }
}

impl From<VaultError> for Stop {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Locked => Self::Locked,
            other => Self::failed(other),
        }
    }
}

/// A call as it comes over the local socket.
pub async fn over_socket(host: &Arc<Host>, body: &[u8]) -> Reply {
    match serde_json::from_slice::<Call>(body) {
        Ok(call) => perform(host, call).await,
        Err(error) => Reply::Failed {
            // The error's own text could quote a value: only its place is told.
            message: format!(
                "the agent does not understand this command (column {}); it may be of another version: restart it",
                error.column()
            ),
        },
    }
}

/// Carries out one call.
///
/// In a task of its own: once begun it is done, also if whoever asked goes away. A change that is
/// durable must count.
pub async fn perform(host: &Arc<Host>, call: Call) -> Reply {
    let carried_out = {
        let host = Arc::clone(host);
        tokio::spawn(async move { attempt(&host, call).await })
    };
    match carried_out
        .await
        .unwrap_or_else(|error| Err(Stop::failed(error)))
    {
        Ok(result) => Reply::Done { result },
        Err(Stop::PassphraseNeeded) => Reply::PassphraseNeeded,
        Err(Stop::Locked) => Reply::Locked,
        Err(Stop::Failed(message)) => Reply::Failed { message },
    }
}

async fn attempt(host: &Arc<Host>, call: Call) -> Result<Value, Stop> {
    let Call {
        passphrase,
        command,
    } = call;
    let command = match kill::stop(host, command, passphrase.as_ref()).await {
        Ok(done) => return done,
        Err(other) => other,
    };
    if let Some(passphrase) = &passphrase {
        prove(host, passphrase).await?;
    }
    match command {
        Command::Status => listing::status(host).map_err(Stop::failed),
        Command::ListSecrets => Ok(json!(listing::secrets(host).map_err(Stop::failed)?)),
        Command::ListAliases => Ok(json!(listing::aliases(&host.vault().catalog()))),
        Command::ListServices => Ok(json!(listing::services(&host.vault().catalog()))),
        Command::ListApprovers => Ok(json!(listing::approvers(&host.vault().catalog()))),
        Command::ListPending => Ok(json!(decide::rows(host).map_err(Stop::failed)?)),
        Command::ShowPending { id } => Ok(json!(decide::row(host, id).map_err(Stop::failed)?)),
        Command::HandIn(signed) => told(decide::signed_by_approver(host, &signed).await),
        // The safe direction takes no passphrase, also while the vault is locked.
        Command::Decide {
            verdict: Verdict::Approve,
            ..
        } if !host.is_proved() => Err(Stop::PassphraseNeeded),
        Command::Decide {
            id,
            verdict,
            minutes,
        } => told(decide::by_owner(host, id, verdict, minutes).await),
        Command::ListPolicies => Ok(json!(listing::policies(&host.vault().catalog()))),
        Command::ListChannels => Ok(json!(notify::rows(host).map_err(Stop::failed)?)),
        Command::Unlock { passphrase } => unlock(host, Key::Passphrase(passphrase)).await,
        Command::UnlockWithRecoveryKey { recovery_key } => {
            unlock(host, Key::Recovery(recovery_key)).await
        }
        Command::Lock => lock(host).await,
        Command::TestChannels { channel } => notify::test(host, channel.as_ref())
            .await
            .map_err(Stop::failed),
        // Said before anybody types a passphrase for nothing.
        Command::RevealSecret { .. }
        | Command::HandOver { .. }
        | Command::ResumeService { .. }
        | Command::ResumeSecret { .. }
        | Command::Resume
            if !host.vault().is_unlocked() =>
        {
            Err(Stop::Locked)
        }
        // Asked for here however recent the last proof is.
        Command::Prove
        | Command::RevealSecret { .. }
        | Command::HandOver { .. }
        | Command::ResumeService { .. }
        | Command::ResumeSecret { .. }
        | Command::Resume
            if passphrase.is_none() =>
        {
            Err(Stop::PassphraseNeeded)
        }
        Command::Prove => Ok(Value::Null),
        Command::RevealSecret { name, version } => reveal(host, name, version).await,
        Command::HandOver {
            name,
            version,
            program,
        } => rotation::hand_over(host, &name, version, &program).await,
        Command::Settle => rotation::settle(host).await,
        change => {
            if !host.vault().is_unlocked() {
                return Err(Stop::Locked);
            }
            if !host.is_proved() {
                return Err(Stop::PassphraseNeeded);
            }
            match change {
                Command::PutIn { sealed, program } => {
                    rotation::put_in(host, &sealed, &program).await
                }
                Command::TellRotation { name, told } => rotation::tell(host, &name, told).await,
                change => alter(host, change).await,
            }
        }
    }
}

fn told(decided: Result<Noted, decide::Undecided>) -> Result<Value, Stop> {
    let noted = decided.map_err(Stop::failed)?;
    Ok(json!(decide::OnRecord::from(noted)))
}

/// Makes a change durable together with its entry, then applies it.
pub(crate) async fn change(
    host: &Host,
    make: impl FnOnce(&Vault) -> Result<Change, VaultError>,
) -> Result<Changed, Stop> {
    let _one_at_a_time = host.changing.lock().await;
    let change = make(host.vault())?;
    let _alone = host.alone().await;
    match host.record(Submission::Change(change)).await {
        Ok(Committed::Changed(changed)) => {
            host.vault().apply(&changed)?;
            host.changed().notify_one();
            // The change may be what a channel waits for: its credential, bound to it.
            host.channels().try_again();
            host.waiting().wake_all();
            Ok(changed)
        }
        Ok(_) => Err(Stop::failed(
            "the audit log answered something else than a change",
        )),
        Err(error) => Err(Stop::failed(format!("nothing was changed: {error}"))),
    }
}

async fn reveal(host: &Arc<Host>, name: Name, version: Option<u32>) -> Result<Value, Stop> {
    let changed = change(host, |vault| vault.reveal_intent(&name, version)).await?;
    let number = changed.version().unwrap_or_default();
    let value = host.vault().reveal(&changed)?;
    Ok(json!({ "name": name, "version": number, "value": STANDARD.encode(&*value) }))
}

enum Key {
    Passphrase(Hidden),
    Recovery(Hidden),
}

async fn unlock(host: &Arc<Host>, key: Key) -> Result<Value, Stop> {
    // No use stands in the audit log before the entry that makes it possible: who asks meanwhile waits.
    let _alone = host.alone().await;
    let opened = blocking(host, move |host| {
        let slots = host.read(Reader::slots).map_err(Stop::failed)?;
        match &key {
            Key::Passphrase(passphrase) => host.vault().unlock(&slots, &passphrase.passphrase()),
            Key::Recovery(recovery_key) => recovery_key
                .expose()
                .parse::<RecoveryKey>()
                .and_then(|key| host.vault().unlock_with_recovery_key(&slots, &key)),
        }
        .map_err(Stop::failed)
    })
    .await;
    match opened {
        Ok(()) => {
            if let Err(stop) = note(host, Action::Unlocked, None).await {
                host.lock();
                return Err(stop);
            }
            host.set_proved(true);
            host.channels().try_again();
            tracing::info!("unlocked");
            Ok(Value::Null)
        }
        Err(stop) => {
            note(host, Action::UnlockFailed, None).await?;
            Err(stop)
        }
    }
}

async fn lock(host: &Arc<Host>) -> Result<Value, Stop> {
    // Locked first and recorded after: the one act that must not wait for the disk.
    host.lock();
    host.set_proved(false);
    // No use that was decided on before stands after it in the audit log.
    let _alone = host.alone().await;
    note(host, Action::Locked, None).await?;
    tracing::info!("locked");
    Ok(Value::Null)
}

/// Checks the passphrase; in a vault that this process opened for one command, unlocks it.
async fn prove(host: &Arc<Host>, passphrase: &Hidden) -> Result<(), Stop> {
    let passphrase = passphrase.passphrase();
    let proved = blocking(host, move |host| {
        let slots = host.read(Reader::slots).map_err(Stop::failed)?;
        match host.purpose() {
            Purpose::Serve => host.vault().check_passphrase(&slots, &passphrase),
            Purpose::OneCommand => host.vault().unlock(&slots, &passphrase),
        }
        .map_err(Stop::failed)
    })
    .await;
    if let Err(stop) = proved {
        note(
            host,
            Action::UnlockFailed,
            Some("administration".to_owned()),
        )
        .await?;
        return Err(stop);
    }
    host.set_proved(true);
    Ok(())
}

/// Records what happened to the agent itself.
async fn note(host: &Host, action: Action, detail: Option<String>) -> Result<(), Stop> {
    host.record(crate::serve::lifecycle(host, action, detail))
        .await
        .map(|_| ())
        .map_err(|error| Stop::failed(format!("this could not be recorded: {error}")))
}

/// Argon2id takes a tenth of a second and 64 MiB: not on an async thread.
async fn blocking<T: Send + 'static>(
    host: &Arc<Host>,
    work: impl FnOnce(&Arc<Host>) -> Result<T, Stop> + Send + 'static,
) -> Result<T, Stop> {
    let host = Arc::clone(host);
    tokio::task::spawn_blocking(move || work(&host))
        .await
        .map_err(Stop::failed)?
}
