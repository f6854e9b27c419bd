//! The `journald` channel: the journal's native protocol, <https://systemd.io/JOURNAL_NATIVE_PROTOCOL>.
//!
//! Every field goes in the protocol's binary form, in which nothing that a value holds can end it.
//! What is too large for a datagram goes in a sealed memory file. The journal answers nothing:
//! delivered means that the entry waits in its socket, which systemd keeps open across a restart
//! of `systemd-journald`.

use std::{
    io::{self, IoSlice, Write as _},
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use rustix::{
    fs::{MemfdFlags, SealFlags},
    io::Errno,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags},
};
use serde::Deserialize;
use strongroom::{
    name::Name,
    notification::{Notification, Urgency},
};
use tokio::{io::Interest, net::UnixDatagram};

use super::{cut::cut, local::Local, syslog, tell::Tell};

/// The longest text of one field, and the most fields for facts: the journal takes 1,024 fields.
const LONGEST: usize = 64 * 1024;
const FACTS: usize = 256;
/// The longest field name that the journal takes.
const LONGEST_NAME: usize = 64;
/// The longest entry of the audit log that goes along.
const LONGEST_ENTRY: usize = 1024 * 1024;

/// `kind = "journald"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// Another socket than the machine's own journal's.
    #[serde(default = "default_socket")]
    pub socket: PathBuf,
}

fn default_socket() -> PathBuf {
    "/run/systemd/journal/socket".into()
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        if !self.socket.is_absolute() {
            bail!(
                "channel `{}`: `socket` must be a path from the root, such as `{}`",
                self.name,
                default_socket().display()
            )
        }
        Ok(())
    }
}

pub struct Journald {
    journal: Local,
}

impl Journald {
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        settings.check()?;
        Ok(Self {
            journal: Local::new(&settings.socket),
        })
    }

    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let fields = fields(notification)?;
        let send = async {
            let socket = self.journal.connect().await?;
            Local::patiently(async {
                match socket.send(&fields).await {
                    // What is more than the socket's buffer takes.
                    Err(error) if is_too_large(&error) => send_file(&socket, &fields).await,
                    sent => sent.map(|_| ()),
                }
            })
            .await
        };
        send.await.with_context(|| {
            format!(
                "the journal does not take it at `{}`",
                self.journal.path().display()
            )
        })
    }
}

fn is_too_large(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MSGSIZE | Errno::NOBUFS)
    )
}

/// Sends a memory file that nobody can change any more, and an empty datagram around it.
async fn send_file(socket: &UnixDatagram, content: &[u8]) -> io::Result<()> {
    let file = sealed(content)?;
    let descriptors = [file.as_fd()];
    socket
        .async_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            // There is room for one, and it is one.
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
            let sent = rustix::net::sendmsg(
                socket,
                &[IoSlice::new(&[])],
                &mut control,
                SendFlags::NOSIGNAL,
            );
            Ok(sent.map(|_| ())?)
        })
        .await
}

fn sealed(content: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = std::fs::File::from(rustix::fs::memfd_create("strongroom-journal", flags)?);
    file.write_all(content)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// The id of each kind of message, by which a reader finds all of a kind: made once, at random, and
/// never changed.
const MESSAGE_IDS: [(&str, &str); 9] = [
    ("use", "31b49f9917e84907bd9e33f4487860e7"),
    ("outcome", "7faf880085774d31854548cd1511247d"),
    ("refusal", "fe73eecd52ee4f61b2845e54cfc12137"),
    ("pending", "4affc5c9f66842a9948469aeda512c56"),
    ("decision", "4f907528fbb84fe5bccee5d155f91de7"),
    ("noise", "3c4e6e3a0a9044acb6e173473da8548c"),
    ("administration", "e2b0caac865742909fa55c3941136211"),
    ("unreadable", "d891ac52b9ad489182302523839ac7d3"),
    ("digest", "068722d7e63f41aa9b072e1f426f39bf"),
];

/// The notification in the journal's own form.
fn fields(notification: &Notification) -> anyhow::Result<Vec<u8>> {
    let Notification {
        id,
        index,
        time,
        urgency,
        kind,
        sentence,
        facts,
        entry,
        marks,
    } = notification;
    let mut fields = Fields(Vec::with_capacity(2048));
    fields.add("MESSAGE", sentence);
    if let Some((_, message_id)) = MESSAGE_IDS.iter().find(|(known, _)| known == kind) {
        fields.add("MESSAGE_ID", message_id);
    }
    fields.add("PRIORITY", &syslog::severity(*urgency).to_string());
    fields.add("SYSLOG_IDENTIFIER", syslog::APP_NAME);
    fields.add(
        "SYSLOG_FACILITY",
        &syslog::Facility::AuthPriv.code().to_string(),
    );
    fields.add("STRONGROOM_ID", id);
    fields.add("STRONGROOM_INDEX", &index.to_string());
    fields.add("STRONGROOM_TIME", &syslog::timestamp(*time));
    fields.add("STRONGROOM_KIND", kind);
    fields.add("STRONGROOM_URGENCY", word(*urgency));
    for mark in marks {
        fields.add("STRONGROOM_MARK", mark.as_str());
    }
    for fact in facts.iter().take(FACTS) {
        fields.add(&name(&fact.label), &fact.text);
    }
    let entry = serde_json::to_string(entry)?;
    fields.add_within("STRONGROOM_ENTRY", &entry, LONGEST_ENTRY);
    Ok(fields.0)
}

fn word(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Quiet => "quiet",
        Urgency::Normal => "normal",
        Urgency::Urgent => "urgent",
    }
}

/// A field's name has capital letters, digits and `_` only: the journal leaves out any other.
fn name(label: &str) -> String {
    let plain = label.chars().map(|character| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' => character.to_ascii_uppercase(),
        _ => '_',
    });
    "STRONGROOM_"
        .chars()
        .chain(plain)
        .take(LONGEST_NAME)
        .collect()
}

struct Fields(Vec<u8>);

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        self.add_within(name, value, LONGEST);
    }

    /// The name, a newline, the value's length in 64 bits little-endian, the value, a newline.
    fn add_within(&mut self, name: &str, value: &str, longest: usize) {
        let value = cut(value, longest);
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'\n');
        let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use strongroom::{audit::Kind, notification::Fact};

    use super::*;

    /// Reads the protocol's binary form back.
    fn parsed(mut bytes: &[u8]) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
            let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (length, rest) = bytes[end + 1..].split_at(8);
            let length = u64::from_le_bytes(length.try_into().unwrap()) as usize;
            fields.push((name, String::from_utf8(rest[..length].to_vec()).unwrap()));
            assert_eq!(rest[length], b'\n');
            bytes = &rest[length + 1..];
        }
        fields
    }

    #[test]
    fn nothing_that_a_text_holds_ends_its_field_or_makes_another() {
        let notification = syslog::tests::notification(
            "one\nPRIORITY=0\ntwo",
            vec![Fact {
                label: "field.a=b\nPRIORITY".to_owned(),
                text: "x\nPRIORITY\n\u{1}\0\0\0\0\0\0\00\n".to_owned(),
            }],
        );
        let fields = parsed(&fields(&notification).unwrap());
        let of = |name: &str| -> Vec<&str> {
            let of = fields.iter().filter(|(known, _)| known == name);
            of.map(|(_, value)| value.as_str()).collect()
        };
        assert_eq!(of("MESSAGE"), ["one\nPRIORITY=0\ntwo"]);
        assert_eq!(of("PRIORITY"), ["5"]);
        assert_eq!(of("STRONGROOM_MARK"), ["first-use", "unusual-hour"]);
        assert_eq!(
            of("STRONGROOM_FIELD_A_B_PRIORITY"),
            ["x\nPRIORITY\n\u{1}\0\0\0\0\0\0\00\n"]
        );
    }

    #[test]
    fn a_long_text_is_cut_and_a_name_is_one() {
        let notification = syslog::tests::notification(
            "long",
            vec![Fact {
                label: format!("field.{}", "ä".repeat(100)),
                text: "y".repeat(LONGEST + 1),
            }],
        );
        let fields = parsed(&fields(&notification).unwrap());
        let (name, text) = fields
            .iter()
            .find(|(name, _)| name.starts_with("STRONGROOM_FIELD"))
            .unwrap();
        assert_eq!(name.len(), LONGEST_NAME);
        assert!(text.len() <= LONGEST && text.ends_with('…'));
    }

    #[test]
    fn each_kind_has_an_id_that_the_manual_lists() {
        let manual = include_str!("../../../src/manual/channel.rs");
        for (kind, id) in MESSAGE_IDS {
            assert!(id.len() == 32 && u128::from_str_radix(id, 16).is_ok());
            assert!(manual.contains(&format!("| `{kind}` | `{id}` |")), "{kind}");
        }
        for kind in Kind::ALL {
            let known = |(known, _): &(&str, &str)| *known == kind.as_str();
            assert!(MESSAGE_IDS.iter().any(known), "{kind}");
        }
    }
}
