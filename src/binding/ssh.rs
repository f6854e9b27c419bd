//! The section `ssh`: the namespaces and certificates that a key signs.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ssh {}

impl Ssh {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        Ok(())
    }
}
