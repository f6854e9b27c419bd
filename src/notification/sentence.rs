//! One plain sentence per entry.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp, tz::Offset};
use serde_json::Value;

use super::escape::{escaped, quoted};
use crate::{
    audit::entry::{Action, Ask, By, Decided, Ending, Entry, Event, Reason},
    operation::OperationName,
    request::WayIn,
};

/// The sentence for an entry; `times` says the how-manieth use of its kind it is today.
pub fn sentence(entry: &Entry, times: Option<u64>) -> String {
    let time = entry.time;
    match &entry.event {
        Event::Use { ask, secret, .. } => {
            let mut text = format!("{} {}", ask.service, did(ask, secret.as_str(), time));
            if ask.asked != *secret {
                let _ = write!(text, " (asked for as {})", ask.asked);
            }
            push_why(&mut text, ask);
            if let Some(times) = times {
                let _ = write!(text, "; {} time today", ordinal(times));
            }
            text
        }
        Event::Outcome {
            entry,
            service,
            secret,
            operation,
            ending,
            status,
            expires,
            detail,
            ..
        } => {
            let mut text = format!("{service}'s {operation} with {secret} (entry {entry}) ");
            text.push_str(ended(*ending));
            if let Some(status) = status {
                let _ = write!(text, ", status {status}");
            }
            if let Some(expires) = expires {
                let _ = write!(text, ", good until {}", clock(*expires, time));
            }
            if let Some(detail) = detail {
                let _ = write!(text, ": {}", escaped(detail));
            }
            text
        }
        Event::Refusal {
            ask,
            reason,
            detail,
            policies,
        } => {
            let mut text = format!("{} was refused: ", ask.service);
            text.push_str(&why_not(ask, *reason, detail, policies));
            text
        }
        Event::Pending {
            ask,
            secret,
            needs,
            expires,
            ..
        } => {
            let mut text = format!("{} asks for an approval: {}", ask.service, wanted(ask));
            if ask.asked != *secret {
                let _ = write!(text, " (which is {secret})");
            }
            if let Some(detail) = in_detail(ask) {
                let _ = write!(text, ", {detail},");
            }
            push_why(&mut text, ask);
            let needs: Vec<String> = needs.iter().map(|needed| escaped(needed)).collect();
            let _ = write!(
                text,
                "; it needs {}, until {}",
                needs.join(" and "),
                clock(*expires, time)
            );
            text
        }
        Event::Decision {
            entry,
            service,
            secret,
            operation,
            decided,
            by,
            approver,
            minutes,
            detail,
            ..
        } => {
            let who = match approver {
                Some(approver) => approver.to_string(),
                None => format!("the {by}"),
            };
            let what = format!("{service}'s {operation} with {secret} (entry {entry})");
            let mut text = match decided {
                Decided::Approved => format!("{who} approved {what}"),
                Decided::Denied => format!("{who} denied {what}"),
                Decided::Cancelled => {
                    format!("{service} gave up its {operation} with {secret} (entry {entry})")
                }
                Decided::Expired => format!("{what} expired: nobody decided in time"),
            };
            if let Some(minutes) = minutes {
                let _ = write!(text, ", and the same for {minutes} min");
            }
            if let Some(detail) = detail {
                let _ = write!(text, ": {}", escaped(detail));
            }
            text
        }
        Event::Noise {
            reason,
            way_in,
            address,
            service,
            count,
            since,
            ..
        } => {
            let mut text = match (address, way_in) {
                (Some(address), _) => format!("someone at {address} sent "),
                (None, WayIn::Local) => "someone on this machine sent ".to_owned(),
                (None, WayIn::Tls) => "someone sent ".to_owned(),
            };
            match count {
                1 => text.push_str("a request"),
                count => {
                    let _ = write!(text, "{count} requests");
                }
            }
            if let Some(service) = service {
                let _ = write!(text, " of {service}");
            }
            let _ = write!(text, " {}", flaw(*reason));
            if *count > 1 {
                let _ = write!(text, " since {}", clock(*since, time));
            }
            text
        }
        Event::Administration {
            action,
            subject,
            version,
            detail,
            by,
            ..
        } => {
            let subject = subject.as_deref().map(escaped);
            let mut text = administered(*action, subject.as_deref(), *version, *by);
            if let Some(detail) = detail {
                let _ = write!(text, ": {}", escaped(detail));
            }
            text
        }
    }
}

fn push_why(text: &mut String, ask: &Ask) {
    if let Some(purpose) = &ask.purpose {
        let _ = write!(text, " for {}", quoted(purpose));
    }
    if let Some(ticket) = &ask.ticket {
        let _ = write!(text, " (ticket {})", quoted(ticket));
    }
}

fn did(ask: &Ask, secret: &str, time: Timestamp) -> String {
    match ask.operation {
        OperationName::PublicKey => format!("read the public key of {secret}"),
        OperationName::Sign => format!("signed with {secret}"),
        OperationName::Mac => format!("made a MAC with {secret}"),
        OperationName::VerifyMac => format!("checked a MAC with {secret}"),
        OperationName::Encrypt => format!("encrypted with {secret}"),
        OperationName::Decrypt => format!("decrypted with {secret}"),
        OperationName::DataKey => format!("was given a data key under {secret}"),
        OperationName::AwsSign => aws_signed(ask, secret),
        OperationName::Http => {
            let (method, host) = (field(ask, "method"), field(ask, "host"));
            format!("sent {method} {host}{} with {secret}", field(ask, "path"))
        }
        OperationName::Token => token(ask, secret, time),
        OperationName::SshSign => format!(
            "made an SSH signature for {} with {secret}",
            quoted(
                ask.fields
                    .get("namespace")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            )
        ),
        OperationName::SshCertificate => format!(
            "was issued an SSH certificate for {}, {}, by {secret}",
            names(ask, "principals"),
            span(ask, "lifetime")
        ),
        OperationName::Totp => format!("was given a one-time code of {secret}"),
        OperationName::Release => format!("was given the value of {secret}"),
    }
}

/// Whom it is for, and how long it is good: exactly, where no provider has a say in it.
fn token(ask: &Ask, secret: &str, time: Timestamp) -> String {
    if ask.fields.contains_key("role") {
        let (role, session) = (field(ask, "role"), field(ask, "session"));
        return format!("had credentials of the role {role} fetched with {secret}, as {session}");
    }
    let audience = match ask.fields.contains_key("audience") {
        true => format!(" for {}", field(ask, "audience")),
        false => String::new(),
    };
    let is_jwt = ask.fields.get("type").is_some_and(|of| of == "jwt");
    let lifetime = ask.fields.get("lifetime").and_then(Value::as_i64);
    let expires = lifetime
        .filter(|_| is_jwt)
        .and_then(|seconds| time.checked_add(SignedDuration::from_secs(seconds)).ok());
    match expires {
        Some(expires) => format!(
            "was issued a token{audience} by {secret}, good until {}",
            clock(expires, time)
        ),
        None => format!("had a token{audience} fetched with {secret}"),
    }
}

/// `had a request to s3 signed with aws/prod: GET bucket.s3.amazonaws.com/key in eu-west-1`
fn aws_signed(ask: &Ask, secret: &str) -> String {
    format!(
        "had a request to {} signed with {secret}: {}",
        field(ask, "service"),
        aws_request(ask)
    )
}

/// `GET bucket.s3.amazonaws.com/key in eu-west-1`
fn aws_request(ask: &Ask) -> String {
    let mut text = String::new();
    if ask.fields.contains_key("action") {
        let _ = write!(text, "{}, ", field(ask, "action"));
    }
    let _ = write!(
        text,
        "{} {}{} in {}",
        field(ask, "method"),
        field(ask, "host"),
        field(ask, "path"),
        field(ask, "region")
    );
    if ask.fields.contains_key("expires") {
        let _ = write!(text, ", as a URL good for {} s", field(ask, "expires"));
    }
    text
}

/// What policy saw in a field of the operation's, escaped.
fn field(ask: &Ask, name: &str) -> String {
    match ask.fields.get(name) {
        Some(Value::String(text)) => escaped(text),
        Some(other) => escaped(&other.to_string()),
        None => String::new(),
    }
}

/// The texts in a field, escaped.
fn names(ask: &Ask, name: &str) -> String {
    let texts = ask.fields.get(name).and_then(Value::as_array);
    let texts = texts.into_iter().flatten().filter_map(Value::as_str);
    let listed: Vec<String> = texts.take(SEVERAL + 1).map(escaped).collect();
    match listed.get(..SEVERAL) {
        Some(some) if listed.len() > SEVERAL => format!("{} and others", some.join(", ")),
        _ => listed.join(", "),
    }
}

/// How many names of a list are told.
const SEVERAL: usize = 3;

/// A number of seconds as people say it.
fn span(ask: &Ask, name: &str) -> String {
    match ask.fields.get(name).and_then(Value::as_u64) {
        None => field(ask, name),
        Some(seconds) if seconds > 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        Some(seconds) if seconds > 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        Some(seconds) => format!("{seconds} s"),
    }
}

pub(super) fn ended(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered => "was answered",
        Ending::Issued => "was issued",
        Ending::Unreachable => "reached nobody",
        Ending::TargetRefused => "was stopped: its binding does not allow the address",
        Ending::TimedOut => "took too long",
        Ending::TooLarge => "was answered with too many bytes",
        Ending::NoRoom => "found the agent too busy",
        Ending::Refused => "was refused by the provider",
        Ending::BadAnswer => "was answered in a way that can't be used",
        Ending::NotKept => "brought a new value that is lost",
        Ending::CutOff => "was cut off",
        Ending::Stopped => "was stopped before anybody was called",
    }
}

/// What is asked for, before it is done.
fn wanted(ask: &Ask) -> String {
    let Ask {
        operation, asked, ..
    } = ask;
    match operation {
        OperationName::PublicKey | OperationName::Release => format!("{operation} of {asked}"),
        _ => format!("{operation} with {asked}"),
    }
}

/// The operation's own fields that say most; all of them are in the facts.
fn in_detail(ask: &Ask) -> Option<String> {
    let detail = match ask.operation {
        OperationName::Http => format!(
            "{} {}{}",
            field(ask, "method"),
            field(ask, "host"),
            field(ask, "path")
        ),
        OperationName::AwsSign => aws_request(ask),
        OperationName::Token if ask.fields.contains_key("role") => {
            format!("the role {}", field(ask, "role"))
        }
        OperationName::Token if ask.fields.contains_key("audience") => {
            format!("good for {}", field(ask, "audience"))
        }
        OperationName::SshSign => format!("in the namespace {}", field(ask, "namespace")),
        OperationName::SshCertificate => format!(
            "for {}, {}",
            names(ask, "principals"),
            span(ask, "lifetime")
        ),
        _ => return None,
    };
    Some(detail)
}

fn why_not(ask: &Ask, reason: Reason, detail: &str, policies: &[String]) -> String {
    let mut what = wanted(ask);
    push_why(&mut what, ask);
    match reason {
        Reason::Denied => match policies {
            [] => format!("{what} is not allowed by any policy"),
            some => {
                let some: Vec<String> = some.iter().map(|policy| escaped(policy)).collect();
                format!("{what} is forbidden by policy {}", some.join(", "))
            }
        },
        Reason::Locked => format!("{what} has to wait, the vault is locked"),
        Reason::UnknownSecret => format!("{what}, but there is no such secret"),
        Reason::UnknownVersion => format!("{what}, but it has no such version"),
        Reason::Retired => format!("{what}, but it is retired"),
        Reason::Suspended => format!("{what}, but the service is suspended"),
        Reason::Limit => format!("{what}, more often than allowed: {}", escaped(detail)),
        Reason::NeedsApproval => format!("{what} needs an approval: {}", escaped(detail)),
        Reason::TooManyPending => {
            format!("{what} needs an approval, and too many wait for one already")
        }
        Reason::SecretSuspended => format!("{what}, but the secret is suspended"),
        Reason::VaultSuspended => format!("{what}, but everything is suspended"),
        Reason::UsedUp => format!("{what} needs a new version: {}", escaped(detail)),
        Reason::NotPossible if detail.is_empty() => format!("{what} is not possible"),
        Reason::NotPossible => format!("{what} is not possible: {}", escaped(detail)),
        other if detail.is_empty() => format!("{what} ({other})"),
        other => format!("{what} ({other}: {})", escaped(detail)),
    }
}

/// What was wrong with refused requests; follows "a request" and "41 requests".
pub(super) fn flaw(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => "of bad form",
        Reason::TooLarge => "of more bytes than this agent takes",
        Reason::UnknownKey => "signed with a key that is not enrolled",
        Reason::BadSignature => "with a bad signature",
        Reason::WrongAlgorithm => "with the wrong signature algorithm",
        Reason::WrongAudience => "meant for another agent",
        Reason::NotYetValid => "dated in the future",
        Reason::Expired => "with an expired signature",
        Reason::Suspended => "with the key of a suspended service",
        Reason::Replay => "a second time",
        Reason::TooManyRequests => "beyond the rate limit",
        Reason::Denied
        | Reason::UnknownSecret
        | Reason::UnknownVersion
        | Reason::Retired
        | Reason::UsedUp
        | Reason::NotPossible
        | Reason::Limit
        | Reason::NeedsApproval
        | Reason::TooManyPending
        | Reason::SecretSuspended
        | Reason::VaultSuspended
        | Reason::Locked => "that this agent refused",
    }
}

pub(super) fn administered(
    action: Action,
    subject: Option<&str>,
    version: Option<u32>,
    by: By,
) -> String {
    let subject = subject.unwrap_or("(unnamed)");
    let version = version
        .map(|number| format!(" version {number}"))
        .unwrap_or_default();
    match action {
        Action::VaultCreated => "the vault was created".to_owned(),
        Action::AgentStarted => "the agent started".to_owned(),
        Action::AgentStopped => "the agent stopped".to_owned(),
        Action::Unlocked => "the vault was unlocked".to_owned(),
        Action::UnlockFailed => "somebody tried to unlock the vault and failed".to_owned(),
        Action::Locked => format!("the vault was locked by the {by}"),
        Action::PassphraseChanged => "the passphrase of the vault was changed".to_owned(),
        Action::SecretAdded => format!("secret {subject} was added"),
        Action::SecretRotated => format!("secret {subject} was rotated and is now at{version}"),
        Action::SecretRetired => format!("secret {subject}{version} was retired"),
        Action::SecretDue => format!("secret {subject} is due for rotation"),
        Action::SecretRevoked => format!("secret {subject}{version} was revoked at its provider"),
        Action::RotationFailed => format!("the rotation of secret {subject} failed"),
        Action::SecretRevealed => {
            format!("the value of secret {subject}{version} was shown to the owner")
        }
        Action::SecretBound => format!("the binding of secret {subject} was set"),
        Action::SecretSuspended => format!("secret {subject} was suspended"),
        Action::SecretResumed => format!("secret {subject} may be used again"),
        Action::AliasSet => format!("alias {subject} was set"),
        Action::ServiceAdded => format!("service {subject} was enrolled"),
        Action::ServiceKeyAdded => format!("service {subject} got another key"),
        Action::ServiceKeyRetired => format!("service {subject} lost a key"),
        Action::ServiceSuspended => format!("service {subject} was suspended"),
        Action::ServiceResumed => format!("service {subject} may ask again"),
        Action::ApproverAdded => format!("approver {subject} was enrolled"),
        Action::ApproverChanged => format!("approver {subject} was changed"),
        Action::ApproverRetired => format!("approver {subject} has no say any more"),
        Action::Panicked => "the owner stopped everything".to_owned(),
        Action::Resumed => "the vault may be used again".to_owned(),
        Action::ChannelOpened => format!("secret {subject}{version} is a channel's credential"),
        Action::PolicySet => format!("policy {subject}{version} was set"),
        Action::PolicyRetired => format!("policy {subject} was retired"),
        Action::NotificationTest => "this is a test; nothing happened".to_owned(),
    }
}

fn ordinal(times: u64) -> String {
    let suffix = match (times % 10, times % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{times}{suffix}")
}

/// The time of day in UTC, with the date if it is another day than `now`'s.
pub(super) fn clock(time: Timestamp, now: Timestamp) -> String {
    let (time, now) = (Offset::UTC.to_datetime(time), Offset::UTC.to_datetime(now));
    let day = if time.date() == now.date() {
        String::new()
    } else {
        format!("{} ", time.date())
    };
    format!("{day}{:02}:{:02} UTC", time.hour(), time.minute())
}
