//! The `desktop` channel: popups by the notification daemon of a desktop
//! (`org.freedesktop.Notifications`, Desktop Notifications Specification 1.2), over D-Bus.
//!
//! A popup only tells. It has no actions at all: nothing is decided by a click that was meant for
//! something else.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use serde::Deserialize;
use strongroom::{
    name::Name,
    notification::{Notification, Urgency, escaped},
};
use tokio::sync::Mutex;
use zbus::{Connection, Variant, fdo, names::OwnedUniqueName};

use super::tell::Tell;

mod popup;

use popup::Popup;

const SERVICE: &str = "org.freedesktop.Notifications";
const OBJECT: &str = "/org/freedesktop/Notifications";
/// How long the bus and the daemon may take together.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a popup stays: that is the daemon's to say, by its urgency.
const AS_THE_DAEMON_LIKES: i32 = -1;
/// A popup of its own: what a repeat replaces is said by the hint.
const IN_PLACE_OF_NONE: u32 = 0;

/// `kind = "desktop"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub name: Name,
    #[serde(default)]
    pub tell: Tell,
    /// The address of the bus; without it that of the session that the agent runs in.
    pub bus: Option<String>,
}

impl Settings {
    pub fn check(&self) -> anyhow::Result<()> {
        // A bus that is a program, or somewhere on the network, is not the desktop's.
        if let Some(bus) = &self.bus
            && !bus.split(';').all(|address| address.starts_with("unix:"))
        {
            bail!(
                "channel `{}`: `bus` is the address of a local bus, such as `unix:path=/run/user/1000/bus`",
                self.name
            )
        }
        Ok(())
    }
}

pub struct Desktop {
    bus: Option<String>,
    connection: Mutex<Option<Connection>>,
}

impl Desktop {
    /// Nothing is connected yet: a desktop comes and goes.
    pub fn open(settings: &Settings) -> Self {
        Self {
            bus: settings.bus.clone(),
            connection: Mutex::default(),
        }
    }

    /// Delivered means that the daemon has given the popup a number.
    pub async fn deliver(&self, notification: &Notification) -> anyhow::Result<()> {
        let mut connection = self.connection.lock().await;
        // What fails or is cut off leaves no connection that was used halfway.
        let kept = connection.take();
        let show = async {
            let connection = match kept.filter(|connection| !connection.is_closed()) {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            show(&connection, notification).await?;
            anyhow::Ok(connection)
        };
        let used = tokio::time::timeout(PATIENCE, show)
            .await
            .with_context(|| {
                format!(
                    "the desktop's notification daemon did not answer within {} s",
                    PATIENCE.as_secs()
                )
            })??;
        *connection = Some(used);
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<Connection> {
        let builder = match &self.bus {
            Some(address) => zbus::connection::Builder::address(address.as_str()),
            None => zbus::connection::Builder::session(),
        };
        builder.build().await.map_err(|error| {
            let said = escaped(&error.to_string());
            match &self.bus {
                Some(address) => anyhow!("the desktop's bus `{}` can't be reached: {said}", escaped(address)),
                None => anyhow!(
                    "the session bus of the desktop can't be reached: {said}; an agent that runs outside the session needs `bus`, such as `unix:path=/run/user/1000/bus`"
                ),
            }
        })
    }
}

/// Shows a popup.
async fn show(bus: &Connection, notification: &Notification) -> anyhow::Result<()> {
    // What a daemon understands is asked each time: it may be another one than the last.
    let answer = bus
        .call_method(Some(SERVICE), OBJECT, Some(SERVICE), "GetCapabilities", &())
        .await
        .map_err(said)?;
    let capabilities: Vec<String> = answer.body().deserialize().map_err(said)?;
    let daemon: OwnedUniqueName = answer
        .header()
        .sender()
        .context("the bus does not say who the desktop's notification daemon is")?
        .to_owned()
        .into();
    let popup = Popup::new(notification, &capabilities);
    let category = format!("x-strongroom.{}", notification.kind);
    let hints: BTreeMap<&str, Variant<'_>> = BTreeMap::from([
        ("urgency", Variant::from(level(notification.urgency))),
        ("category", Variant::from(category.as_str())),
        ("desktop-entry", Variant::from("strongroom")),
        // A number is known only to who got it: after a crash, a repeat is put in its own place by
        // this, where the daemon knows it.
        ("x-dunst-stack-tag", Variant::from(notification.id.as_str())),
    ]);
    let actions: [&str; 0] = [];
    // To the one that said what it understands, whoever has the name by now.
    let answer = bus
        .call_method(
            Some(&*daemon),
            OBJECT,
            Some(SERVICE),
            "Notify",
            &(
                "Strongroom",
                IN_PLACE_OF_NONE,
                "dialog-password",
                popup.summary.as_str(),
                popup.body.as_str(),
                actions.as_slice(),
                hints,
                AS_THE_DAEMON_LIKES,
            ),
        )
        .await
        .map_err(said)?;
    let _number: u32 = answer.body().deserialize().map_err(said)?;
    Ok(())
}

/// The specification's urgency levels.
fn level(urgency: Urgency) -> u8 {
    match urgency {
        Urgency::Quiet => 0,
        Urgency::Normal => 1,
        Urgency::Urgent => 2,
    }
}

/// An error as the owner reads it.
fn said(error: zbus::Error) -> anyhow::Error {
    match error {
        zbus::Error::FDO(error)
            if matches!(
                *error,
                fdo::Error::ServiceUnknown(_) | fdo::Error::NameHasNoOwner(_)
            ) =>
        {
            anyhow!("no notification daemon is on the desktop's bus")
        }
        error => anyhow!(
            "the desktop could not be told: {}",
            escaped(&error.to_string())
        ),
    }
}
