//! The other ends of the channels, all seen alike: each can be taken down, brought back, and asked
//! what it has received.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::{Vault, desktop::Desktop};

/// The other end of one channel.
pub trait Peer {
    /// The channel's `[[notify]]`, without what it tells of. Whatever the channel needs in the vault
    /// is put there.
    fn settings(&self, vault: &Vault) -> String;

    /// From now on nothing is received.
    fn go_down(&mut self);

    /// From now on everything is, again.
    fn come_up(&mut self);

    /// The ids of what was received, in its order.
    fn received(&self) -> Vec<String>;
}

/// Makes the peer of one kind of channel, in a directory of its own; it is up.
pub type Make = fn(&Path) -> Box<dyn Peer>;

/// For every kind of channel the peer that it is tested with. The kind is also its name.
pub const PEERS: [(&str, Make); 2] = [
    ("command", |directory| Box::new(Program::new(directory))),
    ("desktop", |directory| Box::new(Desktop::start(directory))),
];

/// A program that keeps what it is told in a file, and fails while that is not there.
struct Program {
    told: PathBuf,
    away: PathBuf,
}

impl Program {
    fn new(directory: &Path) -> Self {
        let told = directory.join("told");
        fs::write(&told, "").unwrap();
        Self {
            told,
            away: directory.join("away"),
        }
    }
}

impl Peer for Program {
    fn settings(&self, _: &Vault) -> String {
        // Written at once, so that a line is whole or not there.
        let script = r#"line=$(cat); test -e "$0" && printf "%s\n" "$line" >> "$0""#;
        format!(
            "[[notify]]\nname = \"command\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", '{script}', \"{}\"]\n",
            self.told.display()
        )
    }

    fn go_down(&mut self) {
        fs::rename(&self.told, &self.away).unwrap();
    }

    fn come_up(&mut self) {
        fs::rename(&self.away, &self.told).unwrap();
    }

    fn received(&self) -> Vec<String> {
        let file = [&self.told, &self.away]
            .into_iter()
            .find(|file| file.exists());
        ids_of_lines(&fs::read_to_string(file.unwrap()).unwrap())
    }
}

impl Peer for Desktop {
    fn settings(&self, _: &Vault) -> String {
        Desktop::settings(self, "desktop")
    }

    fn go_down(&mut self) {
        self.stop_bus();
    }

    fn come_up(&mut self) {
        self.start_bus();
        self.start_daemon();
    }

    fn received(&self) -> Vec<String> {
        Desktop::received(self)
    }
}

/// The ids of notifications, one as JSON on each line; the last one may be half written.
fn ids_of_lines(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|told| told["id"].as_str().unwrap().to_owned())
        .collect()
}
