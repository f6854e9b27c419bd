//! Notifications as events of the Open Cybersecurity Schema Framework 1.3.0, <https://schema.ocsf.io>.
//!
//! | what is told | class |
//! | --- | --- |
//! | a key's use, its outcome, a refusal, what waits for an approval, a decision | API Activity (6003) |
//! | the owner's changes | Entity Management (3004) |
//! | unlock, lock | Authentication (3002) |
//! | the agent and its channels | Application Lifecycle (6002) |
//! | refused requests of unknown senders, an entry that cannot be read | Detection Finding (2004) |
//! | a digest, and what a later version tells | Base Event (0) |
//!
//! The whole notification goes along under `unmapped`.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use strongroom::{
    audit::{Entry, Event as Told},
    notification::{Notification, Urgency},
    request::WayIn,
};

use crate::notify::syslog::timestamp;

mod administration;
mod request;

/// The version of the schema that the events keep to.
const VERSION: &str = "1.3.0";

/// A class of events.
#[derive(Clone, Copy)]
struct Class {
    category: (u64, &'static str),
    uid: u64,
    name: &'static str,
}

const BASE_EVENT: Class = Class {
    category: (0, "Uncategorized"),
    uid: 0,
    name: "Base Event",
};
const DETECTION_FINDING: Class = Class {
    category: (2, "Findings"),
    uid: 2004,
    name: "Detection Finding",
};
const AUTHENTICATION: Class = Class {
    category: (3, "Identity & Access Management"),
    uid: 3002,
    name: "Authentication",
};
const ENTITY_MANAGEMENT: Class = Class {
    category: (3, "Identity & Access Management"),
    uid: 3004,
    name: "Entity Management",
};
const APPLICATION_LIFECYCLE: Class = Class {
    category: (6, "Application Activity"),
    uid: 6002,
    name: "Application Lifecycle",
};
const API_ACTIVITY: Class = Class {
    category: (6, "Application Activity"),
    uid: 6003,
    name: "API Activity",
};

/// The event for a notification.
pub fn event(notification: &Notification) -> Value {
    let event = Event::begin(notification);
    let entry: Option<Entry> = serde_json::from_value(notification.entry.clone()).ok();
    let done = match entry.map(|entry| entry.event) {
        Some(
            told @ (Told::Use { .. }
            | Told::Refusal { .. }
            | Told::Pending { .. }
            | Told::Outcome { .. }
            | Told::Decision { .. }),
        ) => request::write(event, &told),
        Some(Told::Administration {
            action,
            subject,
            version,
            detail,
            by,
            ..
        }) => administration::write(
            event,
            action,
            subject.as_deref(),
            version,
            detail.as_deref(),
            by,
        ),
        Some(Told::Noise {
            reason,
            way_in,
            address,
            service,
            count,
            since,
            detail,
        }) => event
            .class(DETECTION_FINDING, 1, "Create")
            .set("status_id", json!(1))
            .set("status", json!("New"))
            .set("status_code", json!(reason.as_str()))
            .set("status_detail", json!(detail))
            .set("count", count_of(count))
            .set("start_time", json!(since.as_millisecond()))
            .set("end_time", json!(notification.time.as_millisecond()))
            .set(
                "finding_info",
                json!({
                    "uid": notification.id,
                    "title": format!("Refused requests: {reason}"),
                    "desc": notification.sentence,
                    "types": [reason.as_str()],
                    "first_seen_time": since.as_millisecond(),
                    "last_seen_time": notification.time.as_millisecond(),
                }),
            )
            .set(
                "evidences",
                json!([{"src_endpoint": source(address, way_in), "data": {"service": service}}]),
            ),
        None if notification.kind == "unreadable" => event
            .class(DETECTION_FINDING, 1, "Create")
            .set("status_id", json!(1))
            .set("status", json!("New"))
            .set(
                "finding_info",
                json!({
                    "uid": notification.id,
                    "title": "An entry of the audit log cannot be read",
                    "desc": notification.sentence,
                    "types": ["unreadable"],
                }),
            ),
        None => event.class(BASE_EVENT, 99, notification.kind.as_str()),
    };
    Value::Object(done.0)
}

/// An event that is being written.
struct Event(Map<String, Value>);

impl Event {
    /// What all classes have.
    fn begin(notification: &Notification) -> Self {
        let Notification {
            id,
            index,
            time,
            urgency,
            kind,
            marks,
            sentence,
            ..
        } = notification;
        let (severity_id, severity) = match urgency {
            Urgency::Quiet => (1, "Informational"),
            Urgency::Normal => (2, "Low"),
            Urgency::Urgent => (4, "High"),
        };
        let log = id.rsplit_once('/').map_or("", |(origin, _)| origin);
        Self(Map::new())
            .set("time", json!(time.as_millisecond()))
            .set("severity_id", json!(severity_id))
            .set("severity", json!(severity))
            .set("message", json!(sentence))
            .set(
                "metadata",
                json!({
                    "version": VERSION,
                    "uid": id,
                    "event_code": kind,
                    "labels": (!marks.is_empty()).then_some(marks),
                    "log_name": log,
                    "log_provider": "strongroom",
                    "sequence": i32::try_from(*index).ok(),
                    "original_time": timestamp(*time),
                    "product": {
                        "name": "Strongroom",
                        "vendor_name": "Strongroom",
                        "version": env!("CARGO_PKG_VERSION"),
                    },
                }),
            )
            .unmapped(notification)
    }

    /// As it is, with whatever null an entry may have.
    fn unmapped(mut self, notification: &Notification) -> Self {
        let whole = json!({"strongroom": notification});
        self.0.insert("unmapped".to_owned(), whole);
        self
    }

    fn class(self, class: Class, activity: u64, activity_name: &str) -> Self {
        let Class {
            category: (category, category_name),
            uid,
            name,
        } = class;
        self.set("category_uid", json!(category))
            .set("category_name", json!(category_name))
            .set("class_uid", json!(uid))
            .set("class_name", json!(name))
            .set("activity_id", json!(activity))
            .set("activity_name", json!(activity_name))
            .set("type_uid", json!(uid * 100 + activity))
            .set("type_name", json!(format!("{name}: {activity_name}")))
    }

    /// 1 is success, 2 is failure, 99 is what the word says.
    fn status(self, id: u64, status: &str) -> Self {
        self.set("status_id", json!(id))
            .set("status", json!(status))
    }

    /// A member; members without a value are left out, however deep.
    fn set(mut self, name: &str, value: Value) -> Self {
        if let Some(value) = present(value) {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// The same in `metadata`.
    fn metadata(mut self, name: &str, value: Value) -> Self {
        if let (Some(metadata), Some(value)) = (
            self.0.get_mut("metadata").and_then(Value::as_object_mut),
            present(value),
        ) {
            metadata.insert(name.to_owned(), value);
        }
        self
    }
}

/// Without members that are null.
fn present(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) => {
            let members = members.into_iter();
            let kept = members.filter_map(|(name, value)| Some((name, present(value)?)));
            Some(Value::Object(kept.collect()))
        }
        other => Some(other),
    }
}

/// `integer_t` has 32 bits.
fn count_of(count: u64) -> Value {
    json!(i32::try_from(count).unwrap_or(i32::MAX))
}

/// Where a request came from.
fn source(address: Option<IpAddr>, way_in: WayIn) -> Value {
    match address {
        Some(address) => json!({"ip": address}),
        None => json!({"name": way_in}),
    }
}
