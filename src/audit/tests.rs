//! The audit log's invariants, on a real store with a real key.

mod caller;
pub(crate) mod crash;
mod entries;
mod filters;
mod fixture;
mod group;
mod limits;
mod receipts;
mod tamper;
mod uses;
