//! The command line: what can be said, here and in `words`. What it does is in the other modules,
//! one per noun.

use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use jiff::Timestamp;
use strongroom::{name::Name, service::key::Thumbprint};

pub mod approval;
pub mod approver;
pub mod audit;
pub mod binding;
pub mod demo;
pub mod door;
pub mod feed;
pub mod kill;
pub mod man;
pub mod notify;
pub mod policy;
pub mod prompt;
pub mod request;
pub mod rotate;
pub mod secret;
pub mod service;
pub mod up;
pub mod vault;
pub mod watch;
mod words;

use door::Door;
pub use words::{
    Alias, Approve, Approver, Attach, ChannelFlags, Deny, Grant, HttpAsk, HttpFlags, Pending,
    Policy, Request, RotateFlags, Secret,
};

use crate::{home::Home, show::say};

/// Secrets that stay with their owner: a local vault, and an agent that uses them on request.
#[derive(Debug, Parser)]
#[command(
    name = "strongroom",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "First time? `strongroom demo` shows the whole story in a few seconds and leaves nothing behind;\n\
    `strongroom up` creates your vault and starts the agent.\n\n\
    Exit codes: 0 done, 1 failed, 2 usage, 3 refused by policy or approval, 4 locked."
)]
pub struct Cli {
    /// The vault's directory [default: the platform's data directory]
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_HOME",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub home: Option<PathBuf>,
    /// Read the vault's passphrase from the first line of this file (for scripts)
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Print JSON instead of text and tables
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole story with no questions, in a temporary directory
    Demo,
    /// First run and every day: create the vault if there is none, run the agent, show the live feed
    Up,
    /// Show what happens as it happens, what waits for a decision, and how the channels do
    Watch,
    /// Create a vault
    Init,
    /// Unlock the running agent
    Unlock {
        /// Unlock with the recovery key (asked for, or in --passphrase-file) instead of the passphrase
        #[arg(long)]
        recovery: bool,
    },
    /// Lock the running agent: the keys are wiped from its memory at once
    Lock,
    /// Stop everything at once: suspend every use of every secret, deny what waits, cut off what is
    /// under way, and lock; takes no passphrase
    Panic,
    /// Let the vault be used again after a panic; asks for the passphrase
    Resume,
    /// Tell whether an agent runs, is unlocked, and what it holds
    Status,
    /// Change the passphrase
    Passwd {
        /// Read the new passphrase from the first line of this file (for scripts)
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
    },
    /// Run the agent in the foreground (what systemd starts)
    Agent {
        /// Unlock at once, with --passphrase-file or a prompt, instead of starting locked
        #[arg(long)]
        unlock: bool,
    },
    /// Secrets: keys and tokens that are used and never handed out
    #[command(subcommand)]
    Secret(Box<Secret>),
    /// Second names that point at secrets; callers use them, you re-point them
    #[command(subcommand)]
    Alias(Alias),
    /// Remote services that may ask
    #[command(subcommand)]
    Service(Service),
    /// Who may say yes where a policy asks for an approval
    #[command(subcommand)]
    Approver(Approver),
    /// What waits until somebody approves it
    Pending(Pending),
    /// Say yes to a request that waits
    Approve(Approve),
    /// Say no to a request that waits
    Deny(Deny),
    /// Let a service do an operation with a secret
    Grant(Box<Grant>),
    /// Policies: who may do what with which secret (Cedar)
    #[command(subcommand)]
    Policy(Policy),
    /// The audit log: what happened, refusals included
    #[command(subcommand)]
    Audit(Audit),
    /// The channels by which you are told
    #[command(subcommand)]
    Notify(Notify),
    /// The service's side: sign one request, send it, check the answer and its receipt
    Request(Box<Request>),
    /// Print the API as an OpenAPI document
    Openapi,
    /// Print the completions for a shell
    Completions {
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Debug, Subcommand)]
pub enum Service {
    /// Enrol a service by its public key: OpenSSH, PEM or JWK; Ed25519 or P-256
    Add {
        name: Name,
        /// The file with the public key, `-` for standard input; may be given several times
        #[arg(long = "key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
    },
    /// Give a service another key, so that it can change from one to the other
    AddKey {
        name: Name,
        /// The file with the public key, `-` for standard input
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Take a key from a service: what it signs is refused from now on
    RetireKey {
        name: Name,
        /// The key's thumbprint, as `service list` shows it
        #[arg(value_name = "KEYID")]
        key: Thumbprint,
    },
    /// List the services and their keys
    List,
    /// Refuse a service from its next request on; takes no passphrase
    Suspend { name: Name },
    /// Let a suspended service in again; asks for the passphrase
    Resume { name: Name },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Show entries as sentences
    Show {
        /// Stay, and show new entries as they come
        #[arg(long, short)]
        follow: bool,
        /// Only entries since: a time (2026-11-23T10:00Z), a day, or an age (15m, 2h, 7d)
        #[arg(long, value_name = "WHEN")]
        since: Option<String>,
        /// Only entries about this service
        #[arg(long)]
        service: Option<Name>,
        /// Only entries about this secret
        #[arg(long)]
        secret: Option<Name>,
        /// Only this kind of entry: use, outcome, refusal, noise or administration
        #[arg(long)]
        kind: Option<String>,
        /// At most this many, the newest
        #[arg(long, short = 'n', value_name = "N")]
        last: Option<u64>,
    },
    /// Check the whole log against its signed checkpoint, offline
    Verify {
        /// The log's public key (`strongroom status` shows it) instead of this directory's own
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
        /// The store to check instead of this directory's own
        #[arg(long, value_name = "FILE", requires = "key")]
        store: Option<PathBuf>,
    },
    /// Check one receipt, or print the receipt of an entry
    Receipt {
        /// An answer or `{"entry", "receipt"}` as JSON, `-` for standard input; or the number of an entry
        what: String,
        /// The log's public key instead of this directory's own
        #[arg(long, value_name = "VKEY")]
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Notify {
    /// List the channels and how far each has come
    List,
    /// Send a test through every channel, or through one
    Test { channel: Option<Name> },
}

/// Reads `--since`: a time, a day, or an age counted back from `now`.
pub fn since(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        return Ok(day.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp());
    }
    let age = text.parse::<jiff::SignedDuration>().ok().or_else(|| {
        let days = text.strip_suffix('d')?.parse::<i64>().ok()?;
        Some(jiff::SignedDuration::from_hours(days.checked_mul(24)?))
    });
    age.and_then(|age| now.checked_sub(age).ok())
        .ok_or_else(|| {
            anyhow::anyhow!(
                "`{text}` is not a time; write 2026-11-23T10:00:00Z, 2026-11-23, 15m, 2h or 7d"
            )
        })
}

/// Does what was said.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli {
        home,
        passphrase_file,
        json,
        command,
    } = cli;
    // What needs no vault comes first.
    match command {
        Command::Demo => return demo::demo().await,
        Command::Request(ask) => return request::request(*ask, json).await,
        Command::Approve(approve) if approve.which.is_elsewhere() => {
            return approval::elsewhere(approve.word(), &approve.which, json).await;
        }
        Command::Deny(deny) if deny.which.is_elsewhere() => {
            return approval::elsewhere(deny.word(), &deny.which, json).await;
        }
        Command::Openapi => {
            say!("{}", crate::openapi::DOCUMENT.trim_end())?;
            return Ok(());
        }
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "strongroom",
                &mut std::io::stdout(),
            );
            return Ok(());
        }
        Command::Man => {
            man::render(&mut std::io::stdout())?;
            return Ok(());
        }
        Command::Policy(command @ (Policy::Check { .. } | Policy::Schema)) => {
            return policy::alone(command);
        }
        _ => {}
    }
    let home = Home::locate(home)?;
    let file = passphrase_file.as_deref();
    match command {
        Command::Up => return up::up(&home, file).await,
        Command::Watch => return watch::watch(&home, json).await,
        Command::Init => return vault::init(&home, file, json),
        Command::Agent { unlock } => return vault::agent(&home, unlock, file).await,
        Command::Audit(command) => return audit::audit(&home, command, json).await,
        Command::Policy(
            command @ (Policy::Edit { .. }
            | Policy::History { .. }
            | Policy::Explain { .. }
            | Policy::Test { .. }
            | Policy::Diff { .. }
            | Policy::Show {
                version: Some(_), ..
            }),
        ) => return policy::apart(&home, command, file, json).await,
        _ => {}
    }
    let door = Door::open(&home, passphrase_file.clone())?;
    let done = match command {
        Command::Unlock { recovery } => vault::unlock(&door, recovery, file).await,
        Command::Lock => vault::lock(&door).await,
        Command::Panic => kill::panic(&door, json).await,
        Command::Resume => kill::resume(&door).await,
        Command::Status => vault::status(&door, json).await,
        Command::Passwd {
            new_passphrase_file,
        } => vault::passwd(&door, new_passphrase_file.as_deref()).await,
        Command::Secret(command) => secret::secret(&door, &home, *command, json).await,
        Command::Alias(command) => secret::alias(&door, command, json).await,
        Command::Service(command) => service::service(&door, command, json).await,
        Command::Approver(command) => approver::approver(&door, command, json).await,
        Command::Pending(pending) => approval::pending(&door, &pending, json).await,
        Command::Approve(approve) => {
            approval::decide(&door, approve.word(), &approve.which, file, json).await
        }
        Command::Deny(deny) => approval::decide(&door, deny.word(), &deny.which, file, json).await,
        Command::Grant(grant) => policy::grant(&door, *grant, json).await,
        Command::Policy(command) => policy::policy(&door, command, json).await,
        Command::Notify(command) => notify::notify(&door, command, json).await,
        // The others returned above.
        _ => Ok(()),
    };
    door.close().await;
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
        let parsed = Cli::parse_from(["strongroom", "grant", "atlas", "sign,mac", "a", "b/c"]);
        let Command::Grant(grant) = parsed.command else {
            panic!("another command")
        };
        assert_eq!((grant.operations.0.len(), grant.secrets.len()), (2, 2));
    }

    #[test]
    fn since_takes_times_days_and_ages() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("2026-11-22", "2026-11-22T00:00:00Z"),
            ("15m", "2026-11-23T11:45:00Z"),
            ("2h", "2026-11-23T10:00:00Z"),
            ("7d", "2026-11-16T12:00:00Z"),
        ] {
            assert_eq!(
                since(text, now).unwrap(),
                expected.parse().unwrap(),
                "{text}"
            );
        }
        assert!(since("yesterday", now).is_err());
    }
}
