//! What goes out to a provider, and what comes back.
//!
//! ```text
//! Draft + Credential → Call ⇄ (the agent sends it) → Reply → scrubbed
//! ```
//!
//! **Invariant: what policy saw is what is sent.** A [`target::Path`] and a [`target::Query`] have
//! one spelling, made once; policy sees it, and [`Draft::attach`] writes it.
//!
//! **Invariant: the credential does not come back.** A reply passes through [`scrub::Scrubber`]
//! before anything else looks at it.

pub mod address;
pub(crate) mod aws;
mod draft;
pub mod headers;
pub mod scrub;
pub mod target;

pub(crate) use draft::{Credential, Draft};
