//! The section `token`: what may be issued: claims, scopes and the longest lifetime.

use serde::{Deserialize, Serialize};

use super::BadBinding;
use crate::operation::Kind;

/// `{}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {}

impl Token {
    pub(super) fn check(&self, _kind: Kind) -> Result<(), BadBinding> {
        Ok(())
    }
}
