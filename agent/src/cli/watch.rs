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
    let mut feed = Feed::open(home, json)?;
    if !json {
        say!(
            "{MILD}Everything that happens is shown here. Ctrl-C ends this; the agent goes on.{MILD:#}"
        )?;
    }
    feed.begin()?;
    let mut looked: Option<Instant> = None;
    let mut runs = true;
    loop {
        feed.entries()?;
        if looked.is_none_or(|at| at.elapsed() >= CHANNELS) {
            let rows: Option<Vec<ChannelRow>> =
                door::ask_running(home, Command::ListChannels).await?;
            if let Some(rows) = &rows {
                feed.channels(rows)?;
            }
            if runs && rows.is_none() {
                show::remark("no agent runs here now; what happens when one does is shown");
            }
            runs = rows.is_some();
            looked = Some(Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}
