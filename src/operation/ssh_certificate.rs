//! `ssh-certificate`: issues a short-lived SSH user certificate.

use serde_json::{Map, Value};

use super::{BadInput, Done, Kind, OperationError, Setting, Unsuitable, input::Fields};
use crate::{binding::Binding, vault::material::Material};

/// The input of `ssh-certificate`.
#[derive(Debug)]
pub struct SshCertificateInput {
    _private: (),
}

impl SshCertificateInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        Map::new()
    }

    pub(super) fn fields_for(&self, _binding: Option<&Binding>) -> Map<String, Value> {
        self.fields()
    }

    pub(super) fn suits(&self, _kind: Kind, _binding: Option<&Binding>) -> Result<(), Unsuitable> {
        Ok(())
    }

    pub(super) fn perform(
        &self,
        _material: &Material,
        _setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        Err(OperationError::Machine("begin"))
    }
}
