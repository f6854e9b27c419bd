//! What the owner and the agent did: Entity Management, Authentication, Application Lifecycle.

use serde_json::{Value, json};
use strongroom::audit::{Action, By};

use super::{APPLICATION_LIFECYCLE, AUTHENTICATION, ENTITY_MANAGEMENT, Event};

/// The event of one action.
pub fn write(
    event: Event,
    action: Action,
    subject: Option<&str>,
    version: Option<u32>,
    detail: Option<&str>,
    by: By,
) -> Event {
    let word = action.as_str();
    let event = event
        .metadata("event_code", json!(word))
        .set("status_detail", json!(detail));
    let event = match action {
        Action::UnlockFailed | Action::RotationFailed => event.status(2, "Failure"),
        _ => event.status(1, "Success"),
    };
    match kind(action) {
        What::Session(activity, name) => event
            .class(AUTHENTICATION, activity, name)
            .set("user", user(by))
            .set("service", json!({"name": "strongroom"})),
        What::Agent(activity, name) => event
            .class(APPLICATION_LIFECYCLE, activity, name.unwrap_or(word))
            .set(
                "app",
                json!({
                    "name": "Strongroom",
                    "vendor_name": "Strongroom",
                    "version": env!("CARGO_PKG_VERSION"),
                }),
            ),
        What::Entity(of, activity, name) => {
            let version = version.map(|version| version.to_string());
            event
                .class(ENTITY_MANAGEMENT, activity, name.unwrap_or(word))
                // Who did it is in this class by this profile.
                .metadata("profiles", json!(["host"]))
                .set("actor", json!({"user": user(by)}))
                .set("comment", json!(detail))
                .set(
                    "entity",
                    json!({
                        "name": subject.unwrap_or(of),
                        "type": of,
                        "type_id": if of == "Policy" { 5 } else { 99 },
                        "version": version,
                    }),
                )
        }
    }
}

fn user(by: By) -> Value {
    let (type_id, kind) = match by {
        By::Owner => (2, "Admin"),
        By::Approver => (1, "User"),
        By::Service => (99, "Service"),
        By::Agent => (3, "System"),
    };
    json!({"name": by, "type_id": type_id, "type": kind})
}

/// A class, an activity, and its caption; without one the activity is 99, and the action's own word
/// is its name.
enum What {
    Session(u64, &'static str),
    Agent(u64, Option<&'static str>),
    Entity(&'static str, u64, Option<&'static str>),
}

fn kind(action: Action) -> What {
    use What::{Agent, Entity, Session};
    const SECRET: &str = "Secret";
    const SERVICE: &str = "Service";
    const APPROVER: &str = "Approver";
    const CREATE: (u64, Option<&str>) = (1, Some("Create"));
    const READ: (u64, Option<&str>) = (2, Some("Read"));
    const UPDATE: (u64, Option<&str>) = (3, Some("Update"));
    const ENROLL: (u64, Option<&str>) = (6, Some("Enroll"));
    const UNENROLL: (u64, Option<&str>) = (7, Some("Unenroll"));
    const DEACTIVATE: (u64, Option<&str>) = (11, Some("Deactivate"));
    const SUSPEND: (u64, Option<&str>) = (12, Some("Suspend"));
    const RESUME: (u64, Option<&str>) = (13, Some("Resume"));
    const OTHER: (u64, Option<&str>) = (99, None);
    let entity = |of, (activity, name)| Entity(of, activity, name);
    match action {
        Action::Unlocked | Action::UnlockFailed => Session(1, "Logon"),
        Action::Locked => Session(2, "Logoff"),
        Action::VaultCreated => Agent(1, Some("Install")),
        Action::AgentStarted => Agent(3, Some("Start")),
        Action::AgentStopped => Agent(4, Some("Stop")),
        Action::Resumed => Agent(6, Some("Enable")),
        Action::Panicked => Agent(7, Some("Disable")),
        Action::PassphraseChanged => entity("Passphrase", UPDATE),
        Action::SecretAdded => entity(SECRET, CREATE),
        Action::SecretRevealed => entity(SECRET, READ),
        Action::SecretRotated | Action::SecretBound | Action::RotationFailed => {
            entity(SECRET, UPDATE)
        }
        Action::SecretRetired => entity(SECRET, DEACTIVATE),
        Action::SecretSuspended => entity(SECRET, SUSPEND),
        Action::SecretResumed => entity(SECRET, RESUME),
        Action::SecretDue | Action::SecretRevoked => entity(SECRET, OTHER),
        Action::AliasSet => entity("Alias", UPDATE),
        Action::ServiceAdded => entity(SERVICE, ENROLL),
        Action::ServiceKeyAdded | Action::ServiceKeyRetired => entity(SERVICE, UPDATE),
        Action::ServiceSuspended => entity(SERVICE, SUSPEND),
        Action::ServiceResumed => entity(SERVICE, RESUME),
        Action::ApproverAdded => entity(APPROVER, ENROLL),
        Action::ApproverChanged => entity(APPROVER, UPDATE),
        Action::ApproverRetired => entity(APPROVER, UNENROLL),
        Action::PolicySet => entity("Policy", UPDATE),
        Action::PolicyRetired => entity("Policy", DEACTIVATE),
        // A notification test, a channel's credential, and whatever else the agent does by itself.
        _ => Agent(99, None),
    }
}
