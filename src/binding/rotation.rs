//! The section `rotation`: when a new version is due, and how it is made.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {}

impl Rotation {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        Ok(())
    }
}
