//! The credential of a request to AWS: Signature Version 4.

use crate::{
    operation::{OperationError, Setting},
    outgoing::{Credential, Draft},
    vault::material::Material,
};

/// What signing adds to a request whose method, path, query, headers and body are settled.
pub(crate) fn credential(
    _draft: &Draft,
    _material: &Material,
    _setting: Setting<'_>,
) -> Result<Credential, OperationError> {
    Err(OperationError::Machine("sign the request"))
}
