//! What stands beside the sentence: each thing that a person wants to know before deciding, in full.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sentence::escaped_in_full;
use crate::audit::entry::{Ask, Entry, Event};

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
        Event::Outcome { .. }
        | Event::Decision { .. }
        | Event::Noise { .. }
        | Event::Administration { .. } => {}
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
