//! What can be said, where there is much of it: one file per noun.

mod approval;
mod decide;
mod policy;
mod request;
mod secret;

pub use approval::Approver;
pub use decide::{Approve, Deny, Pending, Which, Word};
pub use policy::{Grant, Policy};
pub use request::{HttpAsk, Later, Request};
pub use secret::{Alias, Attach, ChannelFlags, HttpFlags, RotateFlags, Secret};
