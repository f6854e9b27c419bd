//! OAuth 2: an access token for a request that is drafted already.

use crate::{
    binding::Attach,
    errand::Step,
    operation::{OperationError, Setting},
    outgoing::Draft,
    vault::material::Material,
};

/// Gets an access token, and then sends the draft with it: the last step is
/// `operation::http::send(draft, attach.credential(&token)?)`.
pub(crate) fn begin(
    _draft: Draft,
    _attach: Attach,
    _material: &Material,
    _setting: Setting<'_>,
) -> Result<Step, OperationError> {
    Err(OperationError::Machine("begin"))
}
