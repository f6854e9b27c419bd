//! `strongroom up`: the first run, and every day after: vault, agent and live feed in one window.

use std::{io::IsTerminal as _, path::Path, sync::Arc, time::Instant};

use super::{
    feed::{CHANNELS, Feed, LOOK},
    prompt, vault,
};
use crate::{
    home::Home,
    notify, serve,
    show::{self, GOOD, MILD, STRONG, say},
};

pub async fn up(home: &Home, passphrase_file: Option<&Path>) -> anyhow::Result<()> {
    let new = !home.has_vault();
    let passphrase = if new {
        say!(
            "No vault yet: creating one in {STRONG}{}{STRONG:#}.",
            home.directory().display()
        )?;
        say!(
            "Its passphrase unlocks it: when the agent starts, and again before you change something."
        )?;
        let passphrase = prompt::new_passphrase(passphrase_file, "--passphrase-file FILE")?;
        let recovery_key = vault::create(home, &passphrase)?;
        vault::show_recovery_key(&recovery_key)?;
        if std::io::stdin().is_terminal() {
            while !prompt::confirm("Is the recovery key written down?")? {}
        }
        passphrase
    } else {
        home.check()?;
        prompt::passphrase(passphrase_file, "Passphrase of the vault: ")?
    };

    let mut agent = vault::start(home).await?;
    if let Err(error) = vault::unlock_within(&agent, &passphrase).await {
        agent.stop().await;
        return Err(error);
    }
    drop(passphrase);
    let shown = watch(&mut agent, home, new).await;
    agent.stop().await;
    shown
}

async fn watch(agent: &mut serve::Agent, home: &Home, new: bool) -> anyhow::Result<()> {
    match agent.host().address() {
        Some(address) => say!("{GOOD}The agent runs, unlocked,{GOOD:#} on https://{address}")?,
        None => say!("{GOOD}The agent runs, unlocked,{GOOD:#} on the local socket")?,
    }
    if new {
        say!()?;
        say!("In another terminal:")?;
        say!(
            "  strongroom secret generate deploy-key --kind ed25519     {MILD}# or: secret add NAME{MILD:#}"
        )?;
        say!(
            "  strongroom service add atlas --key atlas.pub             {MILD}# the service's public key{MILD:#}"
        )?;
        say!(
            "  strongroom grant atlas sign deploy-key                   {MILD}# what it may do{MILD:#}"
        )?;
        say!()?;
    }
    say!("{MILD}What happens is shown here. Ctrl-C stops the agent and locks the vault.{MILD:#}")?;
    let host = Arc::clone(agent.host());
    let mut feed = Feed::open(home, false)?;
    feed.begin()?;
    let mut looked: Option<Instant> = None;
    let stop = agent.asked_to_stop();
    tokio::pin!(stop);
    loop {
        feed.entries()?;
        if looked.is_none_or(|at| at.elapsed() >= CHANNELS) {
            feed.channels(&notify::rows(&host)?)?;
            looked = Some(Instant::now());
        }
        tokio::select! {
            () = &mut stop => {
                show::remark("stopping");
                return Ok(());
            }
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
