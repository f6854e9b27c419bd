//! The credential of a request to AWS: Signature Version 4.

use crate::{
    binding::Binding,
    operation::{OperationError, Setting, Unsuitable},
    outgoing::{Credential, Draft},
    vault::material::Material,
};

/// Whether requests can be signed with this binding.
pub(crate) fn suits(_binding: Option<&Binding>) -> Result<(), Unsuitable> {
    Ok(())
}

/// What signing adds to a request whose method, path, query, headers and body are settled.
pub(crate) fn credential(
    _draft: &Draft,
    _material: &Material,
    _setting: Setting<'_>,
) -> Result<Credential, OperationError> {
    Err(OperationError::Machine("sign the request"))
}
