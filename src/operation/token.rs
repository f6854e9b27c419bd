//! `token`: issues a short-lived credential, sealed.

use serde_json::{Map, Value};

use super::{BadInput, Kind, OperationError, Setting, Unsuitable, input::Fields};
use crate::{binding::Binding, errand::Step, vault::material::Material};

pub(crate) mod oauth2;

/// The input of `token`.
#[derive(Debug)]
pub struct TokenInput {
    _private: (),
}

impl TokenInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        Map::new()
    }

    pub(super) fn fields_for(&self, _kind: Kind, _binding: Option<&Binding>) -> Map<String, Value> {
        self.fields()
    }

    pub(super) fn suits(&self, _kind: Kind, _binding: Option<&Binding>) -> Result<(), Unsuitable> {
        Ok(())
    }

    pub(super) fn perform(
        &self,
        _material: &Material,
        _setting: Setting<'_>,
    ) -> Result<Step, OperationError> {
        Err(OperationError::Machine("begin"))
    }
}
