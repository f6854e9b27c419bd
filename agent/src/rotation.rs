//! The agent's part in a rotation by the owner's own program: it hands the old value over, puts the
//! new one in, and records what became of the old one. The program itself is run by the command.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strongroom::{
    audit::{Action, By, Event, Submission},
    errand::Route,
    name::Name,
    vault::{Put, VaultError},
};

use crate::{
    administration::{Stop, change},
    hidden::Hidden,
    host::Host,
};

/// A request that was decided before the new version counted sets out within this.
const SETTING_OUT: Duration = Duration::from_millis(100);

/// A value for the owner's program, and what the new one is sealed to.
#[derive(Debug, Serialize, Deserialize)]
pub struct HandedOver {
    /// In base64.
    pub value: Hidden,
    /// The root's age recipient.
    pub recipient: String,
}

/// What became of a new value.
#[derive(Debug, Serialize, Deserialize)]
pub struct PutIn {
    pub version: u32,
}

/// What is recorded of a rotation besides its new version.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Told {
    /// The provider does not take this version's value any more.
    Revoked { version: u32 },
    /// A step failed.
    Failed { why: String },
}

/// Recorded first, like everything that lets a value out.
pub async fn hand_over(
    host: &Arc<Host>,
    name: &Name,
    version: u32,
    program: &str,
) -> Result<Value, Stop> {
    let recipient = host.vault().recipient()?;
    let changed = change(host, |vault| vault.hand_over_intent(name, version, program)).await?;
    let value = host.vault().reveal(&changed)?;
    Ok(json!({ "value": STANDARD.encode(&*value), "recipient": recipient.to_string() }))
}

/// Makes what was sealed a version, if it is none yet.
pub async fn put_in(host: &Arc<Host>, sealed: &str, program: &str) -> Result<Value, Stop> {
    let new = host.vault().open_sealed(sealed)?;
    let now = Timestamp::now();
    if let Put::Already(version) = host.vault().put_new_value(&new, program, now)? {
        return Ok(json!({ "version": version }));
    }
    // Asked again, because only now nothing else can change in between.
    let changed = change(host, |vault| {
        match vault.put_new_value(&new, program, now)? {
            Put::New(change) => Ok(*change),
            Put::Already(_) => Err(VaultError::SameValue(new.secret.clone())),
        }
    })
    .await?;
    Ok(json!({ "version": changed.version() }))
}

/// Waits for the uses that may still have the old value on their way to the provider.
pub async fn settle(host: &Arc<Host>) -> Result<Value, Stop> {
    tokio::time::sleep(SETTING_OUT).await;
    let settled = host.under_way().wait_for_those_of_now();
    Ok(json!({ "settled": tokio::time::timeout(Route::LONGEST, settled).await.is_ok() }))
}

/// Records how it went on.
pub async fn tell(host: &Arc<Host>, name: &Name, told: Told) -> Result<Value, Stop> {
    let (action, version, detail) = match told {
        Told::Revoked { version } => (Action::SecretRevoked, Some(version), None),
        Told::Failed { why } => (Action::RotationFailed, None, Some(why)),
    };
    let event = Event::Administration {
        action,
        subject: Some(name.to_string()),
        version,
        detail,
        by: By::Owner,
        record: None,
    };
    host.record(Submission::Note(event))
        .await
        .map(|_| Value::Null)
        .map_err(|error| Stop::failed(format!("this could not be recorded: {error}")))
}
