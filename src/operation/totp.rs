//! `totp`: computes the current one-time code, sealed.

use super::{BadInput, Done, OperationError, Setting, input::Fields};
use crate::vault::material::Material;

/// The input of `totp`.
#[derive(Debug)]
pub struct TotpInput {
    _private: (),
}

impl TotpInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    pub(super) fn perform(
        &self,
        _material: &Material,
        _setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        Err(OperationError::Machine("begin"))
    }
}
