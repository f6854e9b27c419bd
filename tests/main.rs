//! The built program, driven from outside: real sockets, real TLS, a real store, real peers.
//!
//! Each module tells stories that a user could tell. They run in parallel: every test has a
//! directory of its own, and every port is one that the kernel chose.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that cannot go on fails"
)]

mod support;

mod approval;
mod aws;
mod command;
mod crash;
mod data_key;
mod desktop;
mod disk;
mod feed;
mod file;
mod first_day;
mod hooks;
mod http;
mod journald;
mod kill;
mod leaks;
mod limits;
mod mail;
mod notify;
mod peers;
mod policy;
mod readme;
mod rollback;
mod rotation;
mod ssh;
mod syslog;
mod token;
mod totp;
