//! What stands beside the sentence: each thing that a person wants to know before deciding, in full.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::escape::escaped_in_full;
use crate::{
    audit::entry::{Ask, Entry, Event},
    name::Name,
    operation::OperationName,
    request::WayIn,
};

/// One thing that is known of an entry: `secret`, `deploy-key`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about: a member of the entry, or `field.` and a field of the operation's.
    pub label: String,
    /// What is known, escaped as [`escaped`](super::escaped) does it, and not cut.
    pub text: String,
}

/// What is known of the entry with this index. For a request: all that policy saw and all that the
/// caller stated. For one that waits: who has to decide, until when, and by which command.
pub fn facts(index: u64, entry: &Entry) -> Vec<Fact> {
    let mut facts = Facts::default();
    match &entry.event {
        Event::Use { ask, secret, .. } => facts.ask(ask, Some(secret.as_str())),
        Event::Refusal {
            ask,
            reason,
            detail,
            ..
        } => {
            facts.ask(ask, None);
            facts.add("reason", reason.as_str());
            facts.add("detail", detail);
        }
        Event::Pending {
            ask,
            secret,
            version,
            needs,
            expires,
            ..
        } => {
            facts.ask(ask, Some(secret.as_str()));
            facts.add("version", &version.to_string());
            facts.add("needs", &needs.join(" and "));
            facts.add("expires", &expires.to_string());
            facts.add("request", &ask.digest);
            facts.add(
                "decide",
                &format!("strongroom approve {index} or strongroom deny {index}"),
            );
        }
        Event::Outcome {
            entry,
            service,
            secret,
            version,
            operation,
            ending,
            status,
            expires,
            detail,
            ..
        } => {
            facts.of_whom(service, *operation, secret);
            facts.add("version", &version.to_string());
            facts.add("use", &entry.to_string());
            facts.add("ending", ending.as_str());
            facts.maybe("status", status.as_ref());
            facts.maybe("expires", expires.as_ref());
            facts.maybe("detail", detail.as_ref());
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
            key,
            detail,
            ..
        } => {
            facts.of_whom(service, *operation, secret);
            facts.add("pending", &entry.to_string());
            facts.add("decided", decided.as_str());
            facts.add("by", by.as_str());
            facts.maybe("approver", approver.as_ref());
            facts.maybe("key", key.as_ref());
            facts.maybe("minutes", minutes.as_ref());
            facts.maybe("detail", detail.as_ref());
        }
        Event::Noise {
            reason,
            way_in,
            address,
            service,
            count,
            since,
            detail,
        } => {
            facts.add("reason", reason.as_str());
            facts.add("requests", &count.to_string());
            facts.add("since", &since.to_string());
            facts.maybe("service", service.as_ref());
            facts.maybe("address", address.as_ref());
            let way_in = match way_in {
                WayIn::Tls => "tls",
                WayIn::Local => "local",
            };
            facts.add("way in", way_in);
            facts.add("detail", detail);
        }
        Event::Administration {
            action,
            subject,
            version,
            detail,
            by,
            record,
        } => {
            facts.add("action", action.as_str());
            facts.maybe("subject", subject.as_ref());
            facts.maybe("version", version.as_ref());
            facts.add("by", by.as_str());
            facts.maybe("record", record.as_ref());
            facts.maybe("detail", detail.as_ref());
        }
    }
    facts.0
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn add(&mut self, label: &str, text: &str) {
        self.0.push(Fact {
            label: escaped_in_full(label),
            text: escaped_in_full(text),
        });
    }

    fn maybe(&mut self, label: &str, text: Option<&impl ToString>) {
        if let Some(text) = text {
            self.add(label, &text.to_string());
        }
    }

    fn of_whom(&mut self, service: &Name, operation: OperationName, secret: &Name) {
        self.add("service", service.as_str());
        self.add("operation", &operation.to_string());
        self.add("secret", secret.as_str());
    }

    fn ask(&mut self, ask: &Ask, secret: Option<&str>) {
        self.add("service", ask.service.as_str());
        self.add("operation", &ask.operation.to_string());
        self.add("secret", secret.unwrap_or(ask.asked.as_str()));
        if secret.is_some_and(|secret| secret != ask.asked.as_str()) {
            self.add("asked for as", ask.asked.as_str());
        }
        if let Some(purpose) = &ask.purpose {
            self.add("purpose", purpose);
        }
        if let Some(ticket) = &ask.ticket {
            self.add("ticket", ticket);
        }
        if let Some(address) = &ask.address {
            self.add("address", &address.to_string());
        }
        for (name, value) in &ask.fields {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            self.add(&format!("field.{name}"), &text);
        }
    }
}
