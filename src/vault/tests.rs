//! The vault's invariants, each under its name, on a real store and log.

mod approvers;
mod channel;
mod counts;
mod fixture;
mod owner;
mod policies;
mod rotation;
mod secrecy;
mod stop;
mod trust;
mod uses;
