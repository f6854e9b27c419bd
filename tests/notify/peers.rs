//! The other ends of the channels, all seen alike: each can be taken down, brought back, and asked
//! what it has received.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::SECRET;
use crate::support::{
    Vault,
    desktop::Desktop,
    hook::{Hook, give},
    journald::Journald,
    mail::MailServer,
    syslogd::Syslogd,
};

/// The other end of one channel.
pub trait Peer {
    /// The channel's `[[notify]]`; what it tells of comes last, and is not minded. Whatever the channel
    /// needs in the vault is put there.
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
pub const PEERS: [(&str, Make); 8] = [
    ("command", |directory| Box::new(Program::new(directory))),
    ("desktop", |directory| Box::new(Desktop::start(directory))),
    ("file", |directory| Box::new(Lines::new(directory))),
    ("journald", |directory| Box::new(Journald::start(directory))),
    ("mail", |directory| {
        Box::new(MailServer::start(directory, "implicit", &[]))
    }),
    ("ntfy", |_| {
        Box::new(Hooked::new("ntfy", &["--topic", "strongroom"]))
    }),
    ("syslog", |directory| Box::new(Syslogd::start(directory))),
    ("webhook", |_| {
        Box::new(Hooked::new("standard", &["--secret", SECRET]))
    }),
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

impl Peer for MailServer {
    fn settings(&self, _: &Vault) -> String {
        let more = format!("to = [\"ops@vault.example\"]\n{}", self.trusted());
        MailServer::settings(self, "mail", &more)
    }

    fn go_down(&mut self) {
        self.stop();
    }

    fn come_up(&mut self) {
        self.start_again(&[]);
    }

    fn received(&self) -> Vec<String> {
        MailServer::received(self)
    }
}

impl Peer for Journald {
    fn settings(&self, _: &Vault) -> String {
        Journald::settings(self, "journald")
    }

    fn go_down(&mut self) {
        Journald::go_down(self);
    }

    fn come_up(&mut self) {
        Journald::come_up(self);
    }

    fn received(&self) -> Vec<String> {
        self.ids()
    }
}

impl Peer for Syslogd {
    fn settings(&self, _: &Vault) -> String {
        Syslogd::settings(self, "syslog")
    }

    fn go_down(&mut self) {
        Syslogd::go_down(self);
    }

    fn come_up(&mut self) {
        Syslogd::come_up(self);
    }

    fn received(&self) -> Vec<String> {
        self.ids()
    }
}

/// A receiver over HTTP.
struct Hooked {
    format: &'static str,
    more: &'static [&'static str],
    hook: Option<Hook>,
    port: u16,
    /// What came before it was taken down last.
    past: Vec<String>,
}

impl Hooked {
    fn new(format: &'static str, more: &'static [&'static str]) -> Self {
        let hook = Hook::start(format, more);
        Self {
            format,
            more,
            port: hook.port,
            hook: Some(hook),
            past: Vec::new(),
        }
    }
}

impl Peer for Hooked {
    fn settings(&self, vault: &Vault) -> String {
        let to = format!("http://127.0.0.1:{}", self.port);
        match self.format {
            "ntfy" => format!(
                "[[notify]]\nname = \"ntfy\"\nkind = \"ntfy\"\nurl = \"{to}\"\ntopic = \"strongroom\"\n"
            ),
            _ => {
                give(vault, "hooks/webhook", "token", SECRET, "webhook", &to);
                format!(
                    "[[notify]]\nname = \"webhook\"\nkind = \"webhook\"\nurl = \"{to}/\"\nsecrets = [\"hooks/webhook\"]\n"
                )
            }
        }
    }

    fn go_down(&mut self) {
        self.past.extend(self.hook.take().unwrap().ids());
    }

    fn come_up(&mut self) {
        self.hook = Some(Hook::on(self.port, self.format, self.more));
    }

    fn received(&self) -> Vec<String> {
        let mut received = self.past.clone();
        received.extend(self.hook.iter().flat_map(Hook::ids));
        received
    }
}

/// A file whose folder is sometimes not there.
struct Lines {
    folder: PathBuf,
    away: PathBuf,
}

impl Lines {
    fn new(directory: &Path) -> Self {
        let folder = directory.join("lines");
        fs::create_dir(&folder).unwrap();
        Self {
            folder,
            away: directory.join("away"),
        }
    }
}

impl Peer for Lines {
    fn settings(&self, _: &Vault) -> String {
        format!(
            "[[notify]]\nname = \"file\"\nkind = \"file\"\npath = \"{}\"\n",
            self.folder.join("told.jsonl").display()
        )
    }

    fn go_down(&mut self) {
        fs::rename(&self.folder, &self.away).unwrap();
    }

    fn come_up(&mut self) {
        fs::rename(&self.away, &self.folder).unwrap();
    }

    fn received(&self) -> Vec<String> {
        let folders = [&self.folder, &self.away];
        let folder = folders.into_iter().find(|folder| folder.exists()).unwrap();
        ids_of_lines(&fs::read_to_string(folder.join("told.jsonl")).unwrap_or_default())
    }
}

/// The ids of notifications, one as JSON on each line; the last one may be half written.
fn ids_of_lines(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|told| told["id"].as_str().unwrap().to_owned())
        .collect()
}
