//! The vault as a whole: `init`, `unlock`, `lock`, `status`, `passwd`, `agent`.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use strongroom::{
    audit::{Committed, Log, Submission},
    identity::Identity,
    store::sqlite::SqliteStore,
    vault::{RecoveryKey, Vault},
};

use super::{door::Door, prompt};
use crate::{
    administration::{Call, Command, Reply},
    config::{self, Config, LogFormat, LogLevel},
    hidden::Hidden,
    home::Home,
    host::{Host, Purpose},
    listing::Status,
    serve::Agent,
    show::{self, BAD, GOOD, MILD, STRONG, say},
};

/// Creates a vault. The recovery key comes back to be shown once, and is kept nowhere.
pub fn create(home: &Home, passphrase: &Hidden) -> anyhow::Result<RecoveryKey> {
    home.create()?;
    let Some(_held) = home.hold()? else {
        bail!(
            "another process is creating a vault in `{}`",
            home.directory().display()
        );
    };
    let identity = Identity::generate(&origin())?;
    let certificate = crate::tls::self_signed(identity.tls_pkcs8())?;
    let now = Timestamp::now();
    let (_vault, change, recovery_key) = Vault::create(&passphrase.passphrase(), now)?;
    home.write_new(&identity, &certificate, config::COMMENTED)?;

    // The store gets its name when all of it is durable: half a vault is no vault.
    let unfinished = home.directory().join("strongroom.db.new");
    if unfinished.exists() {
        fs::remove_file(&unfinished)?;
    }
    let store = SqliteStore::create(&unfinished)?;
    let mut log = Log::open(
        store,
        identity.checkpoint_signer(),
        &identity.checkpoint_vkey(),
    )?;
    match log.commit(vec![Submission::Change(change)], now).pop() {
        Some(Ok(Committed::Changed(_))) => {}
        Some(Err(error)) => return Err(error).context("no vault was created"),
        _ => bail!("no vault was created: the audit log gave no answer"),
    }
    drop(log);
    fs::rename(&unfinished, home.store())
        .and_then(|()| fs::File::open(home.directory())?.sync_all())
        .with_context(|| {
            format!(
                "cannot finish the vault in `{}`",
                home.directory().display()
            )
        })?;
    Ok(recovery_key)
}

/// The audit log's origin, which is the agent's name: this machine's.
fn origin() -> String {
    format!(
        "strongroom/{}",
        crate::home::machine_name().as_deref().unwrap_or("vault")
    )
}

pub fn init(home: &Home, passphrase_file: Option<&Path>, json: bool) -> anyhow::Result<()> {
    if home.has_vault() {
        bail!(
            "a vault is already in `{}`; nothing was changed",
            home.directory().display()
        );
    }
    let passphrase = prompt::new_passphrase(passphrase_file, "--passphrase-file FILE")?;
    let recovery_key = create(home, &passphrase)?;
    if json {
        let recovery_key = recovery_key.reveal();
        return show::json(
            &serde_json::json!({ "home": home.directory(), "recovery_key": &**recovery_key }),
        );
    }
    say!(
        "created the vault in {STRONG}{}{STRONG:#}",
        home.directory().display()
    )?;
    show_recovery_key(&recovery_key)?;
    say!("next: `strongroom agent` runs the agent, `strongroom secret add NAME` puts a secret in")?;
    Ok(())
}

/// Shows the recovery key, this once.
pub fn show_recovery_key(recovery_key: &RecoveryKey) -> anyhow::Result<()> {
    say!()?;
    say!(
        "{STRONG}Recovery key{STRONG:#}: shown now and never again. Write it down and keep it off this machine;"
    )?;
    say!("it opens the vault when the passphrase is lost, with or without Strongroom.")?;
    say!()?;
    say!("    {}", **recovery_key.reveal())?;
    say!()?;
    Ok(())
}

/// Runs the agent until it is told to stop.
pub async fn agent(
    home: &Home,
    unlock: bool,
    passphrase_file: Option<&Path>,
) -> anyhow::Result<()> {
    home.check()?;
    let config = Config::read(&home.config())?;
    start_log(&config);
    let passphrase = if unlock {
        Some(prompt::passphrase(
            passphrase_file,
            "Passphrase of the vault: ",
        )?)
    } else {
        None
    };
    let mut agent = start(home).await?;
    if let Some(passphrase) = passphrase
        && let Err(error) = unlock_within(&agent, &passphrase).await
    {
        agent.stop().await;
        return Err(error);
    }
    let host = Arc::clone(agent.host());
    let ended = tokio::select! {
        () = agent.asked_to_stop() => Ok(()),
        // Nothing can be recorded, so nothing can be done, until the agent is started anew.
        () = host.writer().gone() => Err(anyhow::anyhow!("the audit log's writer ended, so the agent does")),
    };
    drop(host);
    agent.stop().await;
    ended
}

/// Opens the directory and starts the agent on it.
pub async fn start(home: &Home) -> anyhow::Result<Agent> {
    let Some(held) = home.hold_in_turn()? else {
        bail!(
            "an agent, or another command, holds `{}` already; `strongroom status` tells more",
            home.directory().display()
        );
    };
    let (host, writer) = Host::open(home.clone(), held, Purpose::Serve)?;
    Agent::start(host, writer).await
}

/// Unlocks an agent that runs in this process.
pub async fn unlock_within(agent: &Agent, passphrase: &Hidden) -> anyhow::Result<()> {
    let command = Command::Unlock {
        passphrase: passphrase.clone(),
    };
    match crate::administration::perform(
        agent.host(),
        Call {
            passphrase: None,
            command,
        },
    )
    .await
    {
        Reply::Done { .. } => Ok(()),
        Reply::Failed { message } => bail!(message),
        Reply::Locked | Reply::PassphraseNeeded => bail!("the vault stays locked"),
    }
}

fn start_log(config: &Config) {
    use tracing_subscriber::filter::LevelFilter;
    let level = match config.log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        // A log that cannot be written (its disk is full) is told to nobody: the default, a
        // complaint on that same standard error, panics, and with it the thread that logged.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    match config.log.format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

pub async fn unlock(
    door: &Door,
    recovery: bool,
    passphrase_file: Option<&Path>,
) -> anyhow::Result<()> {
    if !door.is_agent() {
        bail!(
            "no agent runs here, so there is nothing to unlock; start one with `strongroom agent` or `strongroom up`"
        );
    }
    let question = if recovery {
        "Recovery key: "
    } else {
        "Passphrase of the vault: "
    };
    let typed = prompt::passphrase(passphrase_file, question)?;
    let _: IgnoredAny = door
        .ask(|| {
            let text = typed.clone();
            if recovery {
                Command::UnlockWithRecoveryKey { recovery_key: text }
            } else {
                Command::Unlock { passphrase: text }
            }
        })
        .await?;
    say!("{GOOD}unlocked{GOOD:#}")?;
    Ok(())
}

pub async fn lock(door: &Door) -> anyhow::Result<()> {
    if !door.is_agent() {
        bail!("no agent runs here, so nothing is unlocked");
    }
    let _: IgnoredAny = door.ask(|| Command::Lock).await?;
    say!("locked; the keys are wiped from the agent's memory")?;
    Ok(())
}

pub async fn passwd(door: &Door, new_file: Option<&Path>) -> anyhow::Result<()> {
    // The old one is asked for first, as everywhere else.
    door.prove().await?;
    let new = prompt::new_passphrase(new_file, "--new-passphrase-file FILE")?;
    let _: IgnoredAny = door
        .ask(|| Command::ChangePassphrase { new: new.clone() })
        .await?;
    say!("the passphrase is changed; the recovery key stays as it is")?;
    Ok(())
}

fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

pub async fn status(door: &Door, json: bool) -> anyhow::Result<()> {
    let status: Status = door.ask(|| Command::Status).await?;
    let running = door.is_agent();
    if json {
        let mut value = serde_json::to_value(&status)?;
        if let Some(object) = value.as_object_mut() {
            object.insert("running".to_owned(), running.into());
        }
        return show::json(&value);
    }
    let state = match (running, status.unlocked) {
        (false, _) => format!(
            "{BAD}no agent runs{BAD:#}; start one with `strongroom agent` or `strongroom up`"
        ),
        (true, false) => format!("{BAD}locked{BAD:#}; unlock it with `strongroom unlock`"),
        (true, true) => format!("{GOOD}unlocked{GOOD:#}"),
    };
    say!("agent       {state}")?;
    if status.suspended.everything {
        say!("{BAD}suspended   everything, by a panic{BAD:#}; end it with `strongroom resume`")?;
    }
    let each: Vec<String> = status.suspended.each().collect();
    if !each.is_empty() {
        say!("{BAD}suspended   {}{BAD:#}", each.join(", "))?;
    }
    say!("vault       {} ({})", status.home, status.name)?;
    if let Some(address) = &status.listening {
        say!("listening   https://{address}, and the local socket")?;
    } else if running {
        say!("listening   on the local socket only")?;
    }
    say!("thumbprint  {}", status.thumbprint)?;
    say!("log key     {}", status.checkpoint_key)?;
    say!(
        "holds       {}, {}, {}; {}",
        counted(status.secrets as u64, "secret", "secrets"),
        counted(status.services as u64, "service", "services"),
        counted(status.policies as u64, "policy", "policies"),
        counted(status.entries, "audit log entry", "audit log entries"),
    )?;
    if status.due > 0 {
        say!(
            "{BAD}due         {} for a new version{BAD:#}; `strongroom secret rotate --due`",
            counted(status.due as u64, "secret is due", "secrets are due")
        )?;
    }
    if running && !status.recording {
        say!(
            "{BAD}the last entry could not be recorded: no key is used until that works again{BAD:#}"
        )?;
    }
    if status.memory_locked == Some(false) {
        say!(
            "{MILD}memory      could not be locked; raise `ulimit -l` so that keys are never swapped out{MILD:#}"
        )?;
    }
    let now = Timestamp::now();
    for channel in &status.channels {
        super::notify::status_line(channel, now)?;
    }
    Ok(())
}
