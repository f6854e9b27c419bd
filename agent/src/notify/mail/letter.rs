//! A notification as a message (RFC 5322): headers that filters can go by, and the same text twice,
//! plain and as HTML.

use anyhow::Context as _;
use jiff::tz::TimeZone;
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, Mailboxes, MultiPart, SinglePart,
        header::{self, ContentType, HeaderName, HeaderValue},
    },
};
use strongroom::{
    name::Name,
    notification::{Fact, Notification, Urgency, escaped},
};

use super::{
    super::{cut::cut_to_characters as cut, unlinked::unlinked},
    html::Html,
};

/// The most characters of a subject, of the sentence, of one fact, and of all facts together: what is
/// longer is in the audit log.
const SUBJECT: usize = 150;
const SENTENCE: usize = 4_000;
const FACT: usize = 4_000;
const FACTS: usize = 50_000;

/// What a message is made of.
pub struct Letter<'a> {
    pub notification: &'a Notification,
    /// The channel's name.
    pub channel: &'a Name,
    /// The agent's name.
    pub origin: &'a str,
    pub from: &'a Mailbox,
    pub to: &'a [Mailbox],
    /// The approvers that are asked.
    pub cc: &'a [Address],
    /// What an approver needs who decides on another machine.
    pub file: Option<&'a str>,
}

impl Letter<'_> {
    /// The whole message.
    pub fn whole(&self) -> anyhow::Result<Vec<u8>> {
        let text = self.text();
        let both = MultiPart::alternative()
            .singlepart(SinglePart::plain(text.plain()))
            .singlepart(SinglePart::html(text.html()));
        let message = match self.file {
            None => self.headers().multipart(both),
            Some(file) => {
                let attachment = Attachment::new(self.file_name())
                    .body(format!("{file}\n"), ContentType::parse("application/json")?);
                let mixed = MultiPart::mixed().multipart(both).singlepart(attachment);
                self.headers().multipart(mixed)
            }
        };
        Ok(message.context("the message can't be written")?.formatted())
    }

    /// A message without anything that came from outside, for a server that does not take the whole
    /// one: that something happened must be told, whatever a filter thinks of its words.
    pub fn bare(&self, refusal: &str) -> anyhow::Result<Vec<u8>> {
        let text = format!(
            "The mail server did not take the whole message ({refusal}).\n\nWhat happened is in the audit log, from entry {} on:\n\n    strongroom audit show\n\n{}\n",
            self.notification.index,
            self.footer(),
        );
        let message = self
            .headers_with("a notification that the mail server did not take")
            .singlepart(SinglePart::plain(text));
        Ok(message.context("the message can't be written")?.formatted())
    }

    fn headers(&self) -> lettre::message::MessageBuilder {
        self.headers_with(&unlinked(&self.notification.sentence))
    }

    fn headers_with(&self, subject: &str) -> lettre::message::MessageBuilder {
        let Notification { kind, urgency, .. } = self.notification;
        let domain = self.from.email.domain();
        let urgent = match urgency {
            Urgency::Urgent => "urgent: ",
            _ => "",
        };
        let subject = cut(&format!("[Strongroom] {urgent}{subject}"), SUBJECT).into_owned();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .mailbox(header::To::from(
                self.to.iter().cloned().collect::<Mailboxes>(),
            ))
            .subject(subject)
            // The same at each try: by it a mailbox drops a repeat.
            .message_id(Some(format!(
                "<{}@{domain}>",
                dot_atom(&self.notification.id)
            )))
            // Nobody's absence note answers this (RFC 3834 section 5; the other one is Exchange's).
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("X-Auto-Response-Suppress", "All"))
            // RFC 2919: what mail programs sort by.
            .raw_header(raw(
                "List-Id",
                &format!(
                    "Strongroom notifications <{}.strongroom.{}>",
                    dot_atom(self.channel.as_str()),
                    dot_atom(domain)
                ),
            ))
            .raw_header(raw("Strongroom-Kind", &cut(kind, 64)))
            .raw_header(raw("Strongroom-Urgency", word(*urgency)))
            .raw_header(raw("Strongroom-Id", &self.notification.id));
        let marks: Vec<&str> = self.notification.marks.iter().map(|m| m.as_str()).collect();
        if !marks.is_empty() {
            builder = builder.raw_header(raw("Strongroom-Marks", &marks.join(", ")));
        }
        for address in self.cc {
            builder = builder.cc(Mailbox::new(None, address.clone()));
        }
        match urgency {
            Urgency::Urgent => builder
                .raw_header(raw("Importance", "high"))
                .raw_header(raw("X-Priority", "1 (Highest)")),
            Urgency::Normal => builder,
            Urgency::Quiet => builder
                .raw_header(raw("Importance", "low"))
                .raw_header(raw("X-Priority", "5 (Lowest)")),
        }
    }

    fn text(&self) -> Text {
        let mut facts = Vec::new();
        let mut commands = None;
        let mut room = FACTS;
        for Fact { label, text } in &self.notification.facts {
            if label == "decide" {
                commands = Some(text.clone());
                continue;
            }
            let (label, text) = (cut(label, FACT), cut(text, FACT));
            let length = label.chars().count() + text.chars().count();
            if length > room {
                facts.push(("…".to_owned(), "more is in the audit log".to_owned()));
                break;
            }
            room -= length;
            facts.push((label.into_owned(), text.into_owned()));
        }
        Text {
            sentence: cut(&self.notification.sentence, SENTENCE).into_owned(),
            decide: commands.map(|commands| Decide {
                commands,
                file: self.file.map(|_| self.file_name()),
            }),
            facts,
            footer: self.footer(),
        }
    }

    fn file_name(&self) -> String {
        format!("pending-{}.json", self.notification.index)
    }

    fn footer(&self) -> String {
        let Notification { id, time, kind, .. } = self.notification;
        // An entry that can't be read has no time.
        let when = match kind.as_str() {
            "unreadable" => String::new(),
            _ => time
                .to_zoned(TimeZone::system())
                .strftime(", %a %-d %b %Y %H:%M:%S %:z")
                .to_string(),
        };
        format!(
            "Audit log {}{when}. Told by the channel {} of the Strongroom agent {}, which never asks for a passphrase by mail.",
            escaped(id),
            self.channel,
            escaped(self.origin),
        )
    }
}

/// What both texts say.
struct Text {
    sentence: String,
    decide: Option<Decide>,
    facts: Vec<(String, String)>,
    footer: String,
}

/// How it is decided.
struct Decide {
    commands: String,
    /// The attached entry.
    file: Option<String>,
}

const ON_THE_MACHINE: &str = "To decide, on the machine of the vault:";
const ELSEWHERE: &str = "On another machine, with your approver key and the attached file:";

impl Decide {
    fn elsewhere(&self) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(format!("strongroom approve --from {file} --sign-with KEY"))
    }
}

impl Text {
    fn plain(&self) -> String {
        let mut text = format!("{}\n\n", unlinked(&self.sentence));
        if let Some(decide) = &self.decide {
            text += &format!("{ON_THE_MACHINE}\n\n    {}\n\n", decide.commands);
            if let Some(command) = decide.elsewhere() {
                text += &format!("{ELSEWHERE}\n\n    {command}\n\n");
            }
        }
        let widths = self.facts.iter().map(|(label, _)| label.chars().count());
        let width = widths.max().unwrap_or_default().min(24);
        for (label, fact) in &self.facts {
            text += &format!("{:width$}  {}\n", unlinked(label), unlinked(fact));
        }
        if !self.facts.is_empty() {
            text.push('\n');
        }
        // What signatures are set off by.
        text + &format!("-- \n{}\n", self.footer)
    }

    fn html(&self) -> String {
        let mut html = Html::new();
        html.sentence(&self.sentence);
        if let Some(decide) = &self.decide {
            html.command(ON_THE_MACHINE, &decide.commands);
            if let Some(command) = decide.elsewhere() {
                html.command(ELSEWHERE, &command);
            }
        }
        html.table(&self.facts);
        html.end(&self.footer)
    }
}

fn word(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Quiet => "quiet",
        Urgency::Normal => "normal",
        Urgency::Urgent => "urgent",
    }
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Any text as a dot-atom (RFC 5322 section 3.2.3), different ones for different texts: what may not
/// stand there is written `=` and two hexadecimal digits.
fn dot_atom(text: &str) -> String {
    let mut atom = String::new();
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        let dot_may_stand = at != 0 && at + 1 != text.len() && !atom.ends_with('.');
        match byte {
            b'.' if dot_may_stand => atom.push('.'),
            b'/' | b'-' | b'_' => atom.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => atom.push(char::from(byte)),
            byte => atom += &format!("={byte:02X}"),
        }
    }
    atom
}

#[cfg(test)]
mod tests;
