//! `strongroom up`: the first run, and every day after: vault, agent and live feed in one window.

use std::{io::IsTerminal as _, path::Path, time::Duration};

use super::{
    audit::{Feed, sentence},
    prompt, vault,
};
use crate::{
    home::Home,
    serve,
    show::{self, GOOD, MILD, STRONG, say},
};

/// How often the feed looks for more; a person does not see the difference.
const LOOK: Duration = Duration::from_millis(100);

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
    say!(
        "{MILD}Everything that happens is shown here. Ctrl-C stops the agent and locks the vault.{MILD:#}"
    )?;
    // The last few entries give the picture when one comes back.
    let size = *agent.host().writer().size().borrow();
    let mut feed = Feed::open(home, size.saturating_sub(10))?;
    let stop = agent.asked_to_stop();
    tokio::pin!(stop);
    loop {
        while let Some(page) = feed.next_page()? {
            for (_, notification) in page {
                sentence(&notification)?;
            }
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
