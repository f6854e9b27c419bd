//! The manual: what is built, in prose, with the formats to the last byte.
//!
//! | page | for whom |
//! | --- | --- |
//! | [`architecture`] | who wants to read or change the code |
//! | [`protocol`] | who writes a service that asks |
//! | [`operation`] | who wants to know what can be asked for, and what comes back |
//! | [`binding`] | the owner who says what a secret is for |
//! | [`rotation`] | the owner whose keys get old |
//! | [`policy`] | the owner who says who may do what |
//! | [`approval`] | who decides on requests, and the owner who asks for that |
//! | [`notification`] | who is told, and wants to know by which rules |
//! | [`channel`] | the owner who wants to be told |
//! | [`log_format`] | who reads or verifies the audit log without this program |
//! | [`vault_format`] | who takes a secret out without this program |
//! | [`threat_model`] | who decides whether to trust it |
//!
//! The examples, tables and test names on these pages are held against the program by tests.

pub mod architecture;

// What comes over the wire.
pub mod protocol;

// What it asks for.
pub mod operation;

// What each secret is for.
pub mod binding;

// How it gets a new version.
pub mod rotation;

// Who may.
pub mod policy;

// Who says yes to it.
pub mod approval;

// What is written down about it.
pub mod log_format;

// What the owner is told of it.
pub mod notification;

// How the owner is told.
pub mod channel;

// Where the secrets are.
pub mod vault_format;

// What all of it is worth.
pub mod threat_model;

#[cfg(test)]
mod tests;
