//! The section `http`: where the credential goes, and how it is attached.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {}

impl Http {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        Ok(())
    }
}
