//! Temporary credentials of AWS: regions, roles, durations.

use serde::{Deserialize, Serialize};

use crate::binding::BadBinding;

/// `{}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsToken {}

impl AwsToken {
    pub(super) fn check(&self) -> Result<(), BadBinding> {
        Ok(())
    }
}
