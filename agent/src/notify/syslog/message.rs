//! One notification as one RFC 5424 message.
//!
//! A name after the `@` of an SD-ID must be a private enterprise number that IANA assigned (RFC 5424
//! sections 6.3.2 and 7.2.2), and this program has none. So the element with everything in it is there
//! when the owner sets a number of their own, and otherwise the message has the elements that IANA
//! registered only, `origin` and `meta`. The notification's id stands at the end of the text in any
//! case: relays and files drop structured data.

use std::fmt::Write as _;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use strongroom::notification::{Notification, Urgency};

use super::{APP_NAME, Facility, Settings, severity};
use crate::notify::cut::cut;

/// The longest value of one SD-PARAM, before it is escaped.
const LONGEST_VALUE: usize = 1024;
/// Bytes that are kept for the number of facts that there was no room for.
const FOR_MORE: usize = 24;
/// The longest PARAM-NAME.
const LONGEST_NAME: usize = 32;

/// Writes messages of one channel.
pub struct Writer {
    facility: Facility,
    hostname: String,
    process: String,
    enterprise: Option<u32>,
    longest: usize,
}

impl Writer {
    pub fn new(settings: &Settings) -> Self {
        let hostname = settings.hostname.clone().or_else(crate::home::machine_name);
        Self {
            facility: settings.facility,
            hostname: hostname.unwrap_or_else(|| "-".to_owned()),
            process: std::process::id().to_string(),
            enterprise: settings.enterprise,
            longest: settings.max_bytes,
        }
    }

    /// `HEADER SP STRUCTURED-DATA SP MSG`, in at most as many bytes as the receiver takes.
    pub fn message(&self, notification: &Notification, sequence: u32) -> Vec<u8> {
        let mut header = format!(
            "<{}>1 {} {} {APP_NAME} {} {} ",
            self.facility.code() * 8 + severity(notification.urgency),
            timestamp(notification.time),
            self.hostname,
            self.process,
            printable(&notification.kind, 32),
        );
        let registered = format!(
            "[origin software=\"{APP_NAME}\" swVersion=\"{}\"][meta sequenceId=\"{sequence}\"]",
            printable(env!("CARGO_PKG_VERSION"), LONGEST_NAME)
        );
        // The text comes first: it has a third of what there is, if it needs as much.
        let tail = format!(" ({})", harmless(&cut(&notification.id, 255)));
        let sentence = harmless(&notification.sentence);
        let text = format!(" \u{feff}{}{tail}", cut(&sentence, self.longest / 3));
        if let Some(enterprise) = self.enterprise {
            let taken = header.len() + registered.len() + text.len();
            let room = self.longest.saturating_sub(taken);
            header.push_str(&element(enterprise, notification, room));
        }
        header.push_str(&registered);
        header.push_str(&text);
        header.into_bytes()
    }
}

/// The element that says everything, in at most so many bytes.
fn element(enterprise: u32, notification: &Notification, room: usize) -> String {
    let mut element = format!("[{APP_NAME}@{enterprise}");
    let index = notification.index.to_string();
    let urgency = match notification.urgency {
        Urgency::Quiet => "quiet",
        Urgency::Normal => "normal",
        Urgency::Urgent => "urgent",
    };
    let own = [
        ("id", cut(&notification.id, 255)),
        ("index", index.into()),
        ("kind", cut(&notification.kind, LONGEST_NAME)),
        ("urgency", urgency.into()),
    ];
    for (name, value) in own {
        let _ = write!(element, " {name}=\"{}\"", param_value(&value));
    }
    // In one value: many readers keep only the last of several with one name.
    let marks: Vec<_> = notification
        .marks
        .iter()
        .map(|mark| mark.as_str())
        .collect();
    if !marks.is_empty() {
        let _ = write!(element, " marks=\"{}\"", marks.join(","));
    }
    let mut left_out = 0_usize;
    for fact in &notification.facts {
        let value = cut(&fact.text, LONGEST_VALUE);
        let param = format!(" {}=\"{}\"", param_name(&fact.label), param_value(&value));
        if element.len() + param.len() + FOR_MORE <= room {
            element.push_str(&param);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        let _ = write!(element, " more=\"{left_out}\"");
    }
    element.push(']');
    element
}

/// From 1 to 2,147,483,647, then from 1 again (RFC 5424 section 7.3.1).
pub fn sequence(sent: u32) -> u32 {
    sent % 0x7fff_ffff + 1
}

/// RFC 3339 with milliseconds in UTC; the NILVALUE for a year that has not four digits.
pub fn timestamp(time: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let text = PRINTER.timestamp_to_string(&time);
    match text.len() {
        24 => text,
        _ => "-".to_owned(),
    }
}

/// 1 to so many PRINTUSASCII.
pub fn is_printable(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// As a field of the header.
fn printable(text: &str, most: usize) -> &str {
    match is_printable(text, most) {
        true => text,
        false => "-",
    }
}

/// An SD-NAME: printable ASCII but for `=`, `]`, `"` and the space.
fn param_name(label: &str) -> String {
    let name: String = label
        .chars()
        .map(|character| match character {
            '=' | ']' | '"' => '_',
            character if character.is_ascii_graphic() => character,
            _ => '_',
        })
        .take(LONGEST_NAME)
        .collect();
    match name.as_str() {
        "" => "_".to_owned(),
        // What this program says by itself nobody else can say.
        "id" | "index" | "kind" | "urgency" | "marks" | "more" => format!("{name}_"),
        _ => name,
    }
}

/// A PARAM-VALUE: `"`, `\` and `]` with a backslash in front (RFC 5424 section 6.3.3).
fn param_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for character in harmless(text).chars() {
        if matches!(character, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(character);
    }
    value
}

/// Control characters as escapes. There are none in a notification; but what would end a line at
/// a receiver is worth a second look.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => safe.extend(character.escape_default()),
            false => safe.push(character),
        }
    }
    safe
}
