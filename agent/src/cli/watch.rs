//! `strongroom watch`: the live feed in a terminal of its own, while an agent runs elsewhere.

use std::time::Instant;

use super::{
    door,
    feed::{CHANNELS, Feed, LOOK},
};
use crate::{
    administration::Command,
    home::Home,
    notify::ChannelRow,
    show::{self, MILD, say},
};

/// Shows the feed until it is interrupted.
pub async fn watch(home: &Home, json: bool) -> anyhow::Result<()> {
    home.check()?;
    if channels(home).await?.is_none() {
        show::remark("no agent runs here; the feed begins when one does");
        while channels(home).await?.is_none() {
            tokio::time::sleep(LOOK).await;
        }
    }
    if !json {
        say!("{MILD}What happens is shown here. Ctrl-C ends this; the agent goes on.{MILD:#}")?;
    }
    let mut feed = Feed::open(home, json)?;
    feed.begin()?;
    let mut looked: Option<Instant> = None;
    let mut runs = true;
    loop {
        feed.entries()?;
        if looked.is_none_or(|at| at.elapsed() >= CHANNELS) {
            let rows = channels(home).await?;
            if let Some(rows) = &rows {
                feed.channels(rows)?;
            } else if runs {
                show::remark("no agent runs here now; the feed goes on when one does");
            }
            runs = rows.is_some();
            looked = Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// How the channels do; `None` if no agent runs.
async fn channels(home: &Home) -> anyhow::Result<Option<Vec<ChannelRow>>> {
    door::ask_running(home, Command::ListChannels).await
}
