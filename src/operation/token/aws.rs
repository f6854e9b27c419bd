//! AWS: temporary credentials of the Security Token Service.

use serde_json::{Map, Value};

use super::{Plan, TokenInput};
use crate::{
    binding::AwsToken,
    errand::Step,
    operation::{Kind, OperationError, Setting, Unsuitable},
    vault::material::Material,
};

/// What will be asked of the Security Token Service.
struct Sts {}

pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    _binding: &'a AwsToken,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    input.only(kind, &["lifetime"])?;
    Ok(Box::new(Sts {}))
}

impl Plan for Sts {
    fn fields(&self) -> Map<String, Value> {
        Map::new()
    }

    fn perform(&self, _material: &Material, _setting: Setting<'_>) -> Result<Step, OperationError> {
        Err(OperationError::Machine("begin"))
    }
}
