//! `[notify.tell]`: what a channel tells of, and how soon. The settings are the same for all kinds,
//! and the library's; here the machine's time zone is added.

use anyhow::Context as _;
use jiff::tz::TimeZone;
pub use strongroom::notification::{Audience, Tell, Terms};

/// What holds for a channel with this audience. Fails for settings that can't be meant.
pub fn terms(tell: &Tell, audience: Audience) -> anyhow::Result<Terms> {
    let zone = match &tell.time_zone {
        Some(name) => TimeZone::get(name).with_context(|| {
            format!(
                "`time_zone` is `{}`, which is no time zone such as `Europe/Berlin`",
                name.escape_debug()
            )
        })?,
        None => TimeZone::system(),
    };
    Ok(tell.terms(audience, zone)?)
}
