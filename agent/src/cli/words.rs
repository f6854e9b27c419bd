//! What can be said, where there is much of it: one file per noun.

mod policy;
mod request;
mod secret;

pub use policy::{Grant, Policy};
pub use request::{HttpAsk, Request};
pub use secret::{Alias, Attach, ChannelFlags, HttpFlags, RotateFlags, Secret};
