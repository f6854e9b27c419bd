//! Approvals on a real vault, store and log, with signers that know nothing of this code.

mod crash;
mod ended;
mod fixture;
mod flow;
mod race;
mod signatures;
mod signer;
mod standing;
mod tamper;
mod vectors;
