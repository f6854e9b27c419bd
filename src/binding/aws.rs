//! The section `aws`: the regions and services that a key signs for.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Aws {}

impl Aws {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        Ok(())
    }
}
