//! `strongroom`: the background agent and the command, in one program.
//!
//! The command talks to the running agent over the local socket, or opens the vault's directory
//! itself when no agent runs ([`cli::door`]). Everything that must be right is in the library;
//! here are sockets, processes, prompts and tables.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;

mod administration;
mod caller;
mod cli;
mod config;
mod decide;
mod due;
mod errand;
mod exit;
mod hidden;
mod home;
mod host;
mod listing;
mod noise;
mod notify;
mod openapi;
mod outbound;
mod pipeline;
mod remembered;
mod rotation;
mod serve;
mod show;
mod tls;
mod turns;
mod under_way;
mod waiting;
mod writer;

/// Every allocation is wiped when it is freed: buffers of libraries hold secrets for a moment too.
#[global_allocator]
static WIPING: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // Before a passphrase is typed: no core file, no debugger of the same user.
    strongroom::vault::memory::harden_process();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("strongroom: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(cli::run(cli));
    // What is still waiting for a peer holds nothing that is not durable.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if show::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            show::error(&error);
            exit::code(&error)
        }
    }
}
