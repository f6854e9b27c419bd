//! What services asked for and what became of it: API Activity.

use serde_json::{Value, json};
use strongroom::{
    audit::{Ask, By, Decided, Ending, Event as Told},
    operation::OperationName,
};

use super::{API_ACTIVITY, Event, source};

/// The event of one request, or of something that happened to it.
pub fn write(event: Event, told: &Told) -> Event {
    match told {
        Told::Use {
            ask,
            secret,
            version,
            policies,
            pending,
            ..
        } => asked(event, ask)
            .status(1, "Success")
            .set("actor", actor(ask, "allowed", policies))
            .set("resources", secret_of(secret.as_str(), Some(*version)))
            .belongs_to(*pending),
        Told::Refusal {
            ask,
            reason,
            detail,
            policies,
        } => asked(event, ask)
            .status(2, "Failure")
            .set("status_code", json!(reason.as_str()))
            .set("status_detail", json!(detail))
            .set("actor", actor(ask, "denied", policies))
            .set("resources", secret_of(ask.asked.as_str(), None)),
        Told::Pending {
            ask,
            secret,
            version,
            policies,
            needs,
            ..
        } => asked(event, ask)
            .status(99, "Pending")
            .set("status_code", json!("pending"))
            .set("status_detail", json!(needs.join(" and ")))
            .set("actor", actor(ask, "pending", policies))
            .set("resources", secret_of(secret.as_str(), Some(*version))),
        Told::Outcome {
            entry,
            service,
            secret,
            version,
            operation,
            ending,
            status,
            detail,
            ..
        } => {
            let (status_id, word) = match ending {
                Ending::Answered | Ending::Issued => (1, "Success"),
                _ => (2, "Failure"),
            };
            of_operation(event, *operation)
                .status(status_id, word)
                .set("status_code", json!(ending.as_str()))
                .set("status_detail", json!(detail))
                .set("actor", json!({"user": service_named(service.as_str())}))
                .set(
                    "api",
                    api(*operation, json!({"response": {"code": status}})),
                )
                .set("src_endpoint", agent())
                .set("resources", secret_of(secret.as_str(), Some(*version)))
                .belongs_to(Some(*entry))
        }
        Told::Decision {
            entry,
            service,
            secret,
            operation,
            decided,
            by,
            approver,
            key,
            detail,
            ..
        } => {
            let (status_id, status) = match decided {
                Decided::Approved => (1, "Success"),
                _ => (99, decided.as_str()),
            };
            let who = match (by, approver) {
                (_, Some(approver)) => json!({
                    "name": approver, "type_id": 1, "type": "User", "credential_uid": key,
                }),
                (By::Service, None) => service_named(service.as_str()),
                (By::Owner, None) => json!({"name": by, "type_id": 2, "type": "Admin"}),
                (_, None) => json!({"name": by, "type_id": 3, "type": "System"}),
            };
            event
                .class(API_ACTIVITY, 99, "decision")
                .status(status_id, status)
                .set("status_code", json!(decided.as_str()))
                .set("status_detail", json!(detail))
                .set("actor", json!({"user": who}))
                .set(
                    "api",
                    json!({
                        "operation": "decision",
                        "service": {"name": "strongroom"},
                        "request": {
                            "uid": entry.to_string(),
                            "data": {"operation": operation, "service": service},
                        },
                    }),
                )
                .set("src_endpoint", agent())
                .set("resources", secret_of(secret.as_str(), None))
                .belongs_to(Some(*entry))
        }
        Told::Noise { .. } | Told::Administration { .. } => event,
    }
}

impl Event {
    /// The entry that this is about has the same correlation as its own notification has an id.
    fn belongs_to(self, entry: Option<u64>) -> Self {
        let log = self.0.get("metadata").and_then(|of| of.get("log_name"));
        let log = log.and_then(Value::as_str).unwrap_or_default();
        let id = entry.map(|entry| format!("{log}/{entry}"));
        self.metadata("correlation_uid", json!(id))
    }
}

/// What all requests have that are known in full.
fn asked(event: Event, ask: &Ask) -> Event {
    of_operation(event, ask.operation)
        .set("api", {
            let request = json!({"request": {
                "uid": ask.digest,
                "data": {
                    "asked": ask.asked, "fields": ask.fields,
                    "purpose": ask.purpose, "ticket": ask.ticket,
                },
            }});
            api(ask.operation, request)
        })
        .set("src_endpoint", source(ask.address, ask.way_in))
}

/// What an operation does in the four words that the class has.
fn of_operation(event: Event, operation: OperationName) -> Event {
    let name = operation.to_string();
    let (activity, word) = match operation {
        OperationName::Release | OperationName::PublicKey | OperationName::Totp => (2, "Read"),
        // A credential comes into being.
        OperationName::Token | OperationName::SshCertificate | OperationName::DataKey => {
            (1, "Create")
        }
        _ => (99, name.as_str()),
    };
    event.class(API_ACTIVITY, activity, word)
}

fn api(operation: OperationName, more: Value) -> Value {
    let mut api = json!({
        "operation": operation,
        "version": "v1",
        "service": {"name": "strongroom"},
    });
    if let (Some(api), Value::Object(more)) = (api.as_object_mut(), more) {
        api.extend(more);
    }
    api
}

fn actor(ask: &Ask, decision: &str, policies: &[String]) -> Value {
    let mut user = service_named(ask.service.as_str());
    if let Some(user) = user.as_object_mut() {
        user.insert("credential_uid".to_owned(), json!(ask.key));
    }
    let authorizations: Vec<_> = policies
        .iter()
        .map(|policy| json!({"decision": decision, "policy": {"name": policy}}))
        .collect();
    match authorizations.is_empty() {
        true => json!({"user": user}),
        false => json!({"user": user, "authorizations": authorizations}),
    }
}

fn service_named(name: &str) -> Value {
    json!({"name": name, "type_id": 99, "type": "Service"})
}

fn secret_of(name: &str, version: Option<u32>) -> Value {
    let version = version.map(|version| version.to_string());
    match version {
        Some(version) => json!([{"name": name, "type": "Secret", "version": version}]),
        None => json!([{"name": name, "type": "Secret"}]),
    }
}

/// What has no client at its other end comes from the agent itself.
fn agent() -> Value {
    json!({"svc_name": "strongroom"})
}
