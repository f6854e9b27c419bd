//! What a channel tells of, and how soon: the settings that all kinds of channels have.

use serde::Deserialize;

/// `[notify.tell]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tell {}

impl Tell {
    /// Fails for settings that can't be meant.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "there are none yet"
    )]
    pub fn check(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
