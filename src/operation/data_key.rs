//! `data-key`: makes a data key for envelope encryption: sealed, and encrypted under the secret.

use serde_json::{Map, Value};

use super::{BadInput, Done, OperationError, input::Fields};
use crate::vault::material::Material;

/// The input of `data-key`.
#[derive(Debug)]
pub struct DataKeyInput {
    _private: (),
}

impl DataKeyInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        Map::new()
    }

    pub(super) fn perform(
        &self,
        _material: &Material,
        _version: u32,
    ) -> Result<Done, OperationError> {
        Err(OperationError::Machine("begin"))
    }
}
