//! OAuth 2: an access token for a request that is drafted already.

use crate::{
    binding::{Attach, Binding},
    errand::Step,
    operation::{OperationError, Setting, Unsuitable},
    outgoing::Draft,
    vault::material::Material,
};

/// Whether access tokens can be had with this binding.
pub(crate) fn suits(_binding: Option<&Binding>) -> Result<(), Unsuitable> {
    Ok(())
}

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
