//! One group of a digest in words.

use std::fmt;

use serde_json::{Value, json};

use super::{Counted, Group, Why};
use crate::{
    audit::entry::{By, Decided, Kind, Reason},
    name::Name,
    notification::{
        escape::{escaped, quoted},
        sentence::{administered, ended, flaw},
    },
    operation::OperationName,
};

/// The time in which it happened.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    Minutes(i64),
    QuietHours,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(1) => write!(f, "in a minute"),
            Self::Minutes(60) => write!(f, "in an hour"),
            Self::Minutes(minutes) if minutes % 60 == 0 => write!(f, "in {} hours", minutes / 60),
            Self::Minutes(minutes) => write!(f, "in {minutes} minutes"),
            Self::QuietHours => write!(f, "in the quiet hours"),
        }
    }
}

/// `atlas signed with deploy-key 42 times in 10 minutes, all for 'release'`
pub(super) fn said(group: &Group, counted: &Counted, span: Option<Span>) -> String {
    let times = times(counted.entries, counted.is_more);
    let span = span.map(|span| format!(" {span}")).unwrap_or_default();
    let mut text = match group {
        Group::Administration(action) => match &counted.subject {
            _ if counted.entries == 1 => return format!("{}{span}", counted.sentence),
            Some(subject) => {
                let subject = escaped(subject);
                let done = administered(*action, Some(&subject), None, By::Agent);
                format!("{done} {times}{span}")
            }
            None => format!("`{action}` {times}{span}"),
        },
        Group::Use(service, operation, secret) => {
            format!("{service} {} {times}{span}", did(*operation, secret))
        }
        Group::Pending(service, operation, secret) => {
            format!("{service} asked for an approval {times}{span}: {operation} with {secret}")
        }
        Group::Outcome(service, operation, secret, ending) => format!(
            "{service}'s {operation} with {secret} {} {times}{span}",
            ended(*ending)
        ),
        Group::Decision(service, operation, secret, decided) => format!(
            "{service}'s {operation} with {secret} {} {times}{span}",
            match decided {
                Decided::Approved => "was approved",
                Decided::Denied => "was denied",
                Decided::Cancelled => "was given up",
                Decided::Expired => "expired",
            }
        ),
        Group::Refusal(service, operation, Some(asked), reason) => {
            format!("{service} was refused {times}{span}: {operation} with {asked} ({reason})")
        }
        Group::Refusal(service, operation, None, reason) => {
            format!("{service} was refused {times}{span}: {operation} ({reason})")
        }
        Group::Noise(service, reason) => noise(service.as_ref(), *reason, counted, &span),
    };
    match &counted.why {
        Why::Nothing => {}
        Why::All(purpose) => {
            let all = if counted.entries > 1 { "all " } else { "" };
            text.push_str(&format!(", {all}for {}", quoted(purpose)));
        }
        Why::Some(purpose) => {
            text.push_str(&format!(", for {} and others", quoted(purpose)));
        }
    }
    text
}

fn noise(service: Option<&Name>, reason: Reason, counted: &Counted, span: &str) -> String {
    let more = if counted.is_more { " more" } else { "" };
    let of = service
        .map(|name| format!(" of {name}"))
        .unwrap_or_default();
    let requests = match counted.requests {
        1 => format!("one{more} request"),
        many => format!("{many}{more} requests"),
    };
    format!("someone sent {requests}{of} {}{span}", flaw(reason))
}

fn times(count: u64, is_more: bool) -> String {
    match (count, is_more) {
        (1, false) => "once".to_owned(),
        (1, true) => "once more".to_owned(),
        (count, false) => format!("{count} times"),
        (count, true) => format!("{count} more times"),
    }
}

fn did(operation: OperationName, secret: &Name) -> String {
    match operation {
        OperationName::PublicKey => format!("read the public key of {secret}"),
        OperationName::Sign => format!("signed with {secret}"),
        OperationName::Mac => format!("made MACs with {secret}"),
        OperationName::VerifyMac => format!("checked MACs with {secret}"),
        OperationName::Encrypt => format!("encrypted with {secret}"),
        OperationName::Decrypt => format!("decrypted with {secret}"),
        OperationName::DataKey => format!("was given data keys under {secret}"),
        OperationName::AwsSign => format!("had AWS requests signed with {secret}"),
        OperationName::Http => format!("sent requests with {secret}"),
        OperationName::Token => format!("was issued tokens with {secret}"),
        OperationName::SshSign => format!("made SSH signatures with {secret}"),
        OperationName::SshCertificate => format!("was issued SSH certificates by {secret}"),
        OperationName::Totp => format!("was given one-time codes of {secret}"),
        OperationName::Release => format!("was given the value of {secret}"),
    }
}

/// `42 uses`
pub(super) fn of_kind(kind: Kind, count: u64) -> String {
    let (one, many) = match kind {
        Kind::Use => ("use", "uses"),
        Kind::Outcome => ("outcome", "outcomes"),
        Kind::Refusal => ("refusal", "refusals"),
        Kind::Noise => ("entry of noise", "entries of noise"),
        Kind::Pending => ("pending request", "pending requests"),
        Kind::Decision => ("decision", "decisions"),
        Kind::Administration => ("change", "changes"),
    };
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The group for programs, with the members that an entry of its kind has.
pub(super) fn summary(group: &Group, counted: &Counted) -> Value {
    let count = counted.entries;
    match group {
        Group::Use(service, operation, secret) => json!({
            "kind": "use", "count": count,
            "service": service, "operation": operation, "secret": secret,
        }),
        Group::Pending(service, operation, secret) => json!({
            "kind": "pending", "count": count,
            "service": service, "operation": operation, "secret": secret,
        }),
        Group::Outcome(service, operation, secret, ending) => json!({
            "kind": "outcome", "count": count,
            "service": service, "operation": operation, "secret": secret, "ending": ending,
        }),
        Group::Decision(service, operation, secret, decided) => json!({
            "kind": "decision", "count": count,
            "service": service, "operation": operation, "secret": secret, "decided": decided,
        }),
        Group::Refusal(service, operation, asked, reason) => json!({
            "kind": "refusal", "count": count,
            "service": service, "operation": operation, "asked": asked, "reason": reason,
        }),
        Group::Noise(service, reason) => json!({
            "kind": "noise", "count": count, "requests": counted.requests,
            "service": service, "reason": reason,
        }),
        Group::Administration(action) => json!({
            "kind": "administration", "count": count,
            "action": action, "subject": counted.subject,
        }),
    }
}
