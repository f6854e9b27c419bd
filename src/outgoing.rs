//! What goes out to a provider, and what comes back.
pub mod address;
