//! `ssh-sign`: makes an SSH signature (SSHSIG).

use serde_json::{Map, Value};

use super::{BadInput, Done, Kind, OperationError, Setting, Unsuitable, input::Fields};
use crate::{binding::Binding, vault::material::Material};

/// The input of `ssh-sign`.
#[derive(Debug)]
pub struct SshSignInput {
    _private: (),
}

impl SshSignInput {
    pub(super) fn read(_fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self { _private: () })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        Map::new()
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
