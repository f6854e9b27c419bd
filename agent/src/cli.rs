//! The command line: what can be said. What it does is in the modules below, one per noun.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use strongroom::{
    name::Name,
    operation::{Kind, OperationName},
    request::WayIn,
    service::key::Thumbprint,
};

pub mod audit;
pub mod binding;
pub mod demo;
pub mod door;
pub mod man;
pub mod policy;
pub mod prompt;
pub mod request;
pub mod rotate;
pub mod secret;
pub mod service;
pub mod up;
pub mod vault;

use door::Door;

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
    Secret(Secret),
    /// Second names that point at secrets; callers use them, you re-point them
    #[command(subcommand)]
    Alias(Alias),
    /// Remote services that may ask
    #[command(subcommand)]
    Service(Service),
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
pub enum Secret {
    /// Put a secret in: from standard input, a file, or a hidden prompt
    Add {
        name: Name,
        /// What it is; found out from PEM, OpenSSH and JWK keys by itself
        #[arg(long)]
        kind: Option<Kind>,
        /// Read the value from this file instead of standard input or the prompt
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        options: SecretOptions,
        #[command(flatten)]
        http: HttpFlags,
    },
    /// Make a fresh secret inside the vault
    Generate {
        name: Name,
        #[arg(long)]
        kind: Kind,
        #[command(flatten)]
        options: SecretOptions,
    },
    /// List the secrets
    List,
    /// Show one secret's versions and public key, never its value
    Show { name: Name },
    /// Add a new version: from standard input, a file, freshly made, or by a program of yours
    #[command(
        after_help = "A program given with `--with` is run twice. It gets one JSON object on standard input: in the phase\n\
        `create` it makes a new value at the provider and prints it; when that is stored, in the phase\n\
        `revoke`, it revokes the old one. `--with` comes last: what follows is the program's."
    )]
    Rotate {
        #[arg(required_unless_present = "due")]
        name: Option<Name>,
        #[command(flatten)]
        flags: RotateFlags,
    },
    /// Say what a secret is for: where its credential goes, how it is attached, what it may do
    #[command(
        after_help = "Flags set the section `http` of the binding and leave the others as they are; `--file`\n\
        replaces all of it. `strongroom secret show NAME --json` prints what it says now."
    )]
    Bind {
        name: Name,
        /// The whole binding as JSON, `-` for standard input
        #[arg(long, value_name = "FILE", conflicts_with_all = HttpFlags::NAMES)]
        file: Option<PathBuf>,
        #[command(flatten)]
        http: HttpFlags,
    },
    /// Take a secret, or one version of it, out of use; nothing is deleted
    Retire {
        name: Name,
        /// Only this version
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Print the value; asks for the passphrase, and is recorded and notified first
    Reveal {
        name: Name,
        /// This version instead of the current one
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
}

/// Where a new version comes from.
#[derive(Debug, Args)]
pub struct RotateFlags {
    /// Make the new version inside the vault (the default for keys, if nothing is piped in)
    #[arg(long, conflicts_with_all = ["file", "with", "recipe"])]
    pub generate: bool,
    /// Read the new value from this file; with `--resume`, the sealed one that was printed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["with", "recipe"])]
    pub file: Option<PathBuf>,
    /// Have this program of yours make it at the provider, and revoke the old one
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true, conflicts_with = "recipe")]
    pub with: Vec<String>,
    /// The same by the program that the binding names (`rotation.command`)
    #[arg(long)]
    pub recipe: bool,
    /// Seconds that the program may take for each step [default: the binding's, or 120]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: Option<u32>,
    /// Retire the old version when the provider has revoked it
    #[arg(long)]
    pub retire_old: bool,
    /// Go on with a rotation by a program that stopped half-way
    #[arg(long, conflicts_with_all = ["generate", "abandon"])]
    pub resume: bool,
    /// Forget a rotation by a program that stopped half-way
    #[arg(long, conflicts_with_all = ["generate", "file", "with", "recipe"])]
    pub abandon: bool,
    /// Rotate every secret that is due and can be: keys, and what has a program
    #[arg(long, conflicts_with_all = ["name", "generate", "file", "with", "recipe", "resume", "abandon"])]
    pub due: bool,
    /// With `--due`: only show what would be done
    #[arg(long, requires = "due")]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct SecretOptions {
    /// A label that policies can speak of; may be given several times
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// Policies may allow `release`: handing out the value itself, sealed
    #[arg(long)]
    pub releasable: bool,
}

/// Where the credential of a secret goes, for `http`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where its credential goes (`http`)")]
pub struct HttpFlags {
    /// What every path is under
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    #[command(flatten)]
    pub attach: Attach,
    /// What stands before the credential in `--header`, with its space: 'Token '
    #[arg(long, value_name = "TEXT", requires = "header")]
    pub prefix: Option<String>,
    /// Addresses that may be dialled though they are not public; may be given several times
    #[arg(long = "network", value_name = "CIDR")]
    pub networks: Vec<String>,
    /// The base URL may be plain `http://`, inside the networks named
    #[arg(long)]
    pub allow_http: bool,
    /// The certificates to trust instead of the platform's (PEM)
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// A field of JSON bodies that policy sees, as a JSON pointer (/app/name); may be given several
    /// times
    #[arg(long = "body-field", value_name = "POINTER")]
    pub body_fields: Vec<String>,
    /// Seconds for a whole call, 1 to 300 [default: 30]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// The most bytes that an answer may have [default: 10 MiB]
    #[arg(long, value_name = "BYTES")]
    pub max_reply: Option<u32>,
}

impl HttpFlags {
    /// What clap calls them.
    const NAMES: [&str; 14] = [
        "base_url",
        "bearer",
        "basic",
        "header",
        "query",
        "cookie",
        "client_certificate",
        "prefix",
        "networks",
        "allow_http",
        "cacert",
        "body_fields",
        "timeout",
        "max_reply",
    ];
}

/// How a credential is attached.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Attach {
    /// Attach it as `Authorization: Bearer …` (the default for a token)
    #[arg(long)]
    pub bearer: bool,
    /// Attach it as `Authorization: Basic …` (for a user name and password)
    #[arg(long)]
    pub basic: bool,
    /// Attach it in a header of this name
    #[arg(long, value_name = "NAME")]
    pub header: Option<String>,
    /// Attach it as a parameter of the query
    #[arg(long, value_name = "NAME")]
    pub query: Option<String>,
    /// Attach it as a cookie
    #[arg(long, value_name = "NAME")]
    pub cookie: Option<String>,
    /// Show it as the TLS client certificate
    #[arg(long)]
    pub client_certificate: bool,
}

#[derive(Debug, Subcommand)]
pub enum Alias {
    /// Point an alias at a secret, or at another one than before
    Set { name: Name, secret: Name },
    /// List the aliases
    List,
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
    /// Refuse a service from its next request on
    Suspend { name: Name },
    /// Let a suspended service in again
    Resume { name: Name },
}

/// `strongroom grant atlas sign deploy-key --purpose 'release *'`
#[derive(Debug, Args)]
pub struct Grant {
    /// The service that may
    pub service: Name,
    /// What it may do; several are separated by commas
    pub operations: Operations,
    /// With which secrets
    #[arg(required = true)]
    pub secrets: Vec<Name>,
    /// Only for a purpose like this; `*` stands for anything
    #[arg(long, value_name = "PATTERN")]
    pub purpose: Option<String>,
    /// Only with a ticket like this
    #[arg(long, value_name = "PATTERN")]
    pub ticket: Option<String>,
    /// Only from this address or network; may be given several times
    #[arg(long = "address", value_name = "CIDR")]
    pub addresses: Vec<String>,
    /// Only over this way in
    #[arg(long, value_enum)]
    pub way_in: Option<Way>,
    #[command(flatten)]
    pub conditions: policy::options::Conditions,
    /// The policy's name [default: made from the service and the operations]
    #[arg(long, value_name = "NAME")]
    pub name: Option<Name>,
    /// Only print the policy
    #[arg(long)]
    pub dry_run: bool,
}

/// Operations in one word, separated by commas.
#[derive(Debug, Clone)]
pub struct Operations(pub Vec<OperationName>);

impl FromStr for Operations {
    type Err = <OperationName as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split(',')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A way in, as a condition.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Way {
    /// The TLS listener
    Tls,
    /// The local socket
    Local,
}

impl From<Way> for WayIn {
    fn from(way: Way) -> Self {
        match way {
            Way::Tls => Self::Tls,
            Way::Local => Self::Local,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Policy {
    /// List the policies, or show one whole
    Show {
        name: Option<Name>,
        /// This version instead of the newest
        #[arg(long, value_name = "N", requires = "name")]
        version: Option<u32>,
    },
    /// Write or change a policy in your editor; it is checked before it is stored
    Edit { name: Name },
    /// List the versions of a policy; all of them stay on record
    History { name: Name },
    /// Tell why a request would pass or not, and which condition fails
    Explain {
        /// The request as JSON ({"service", "operation", "secret", "input" or "fields", and if you like "purpose", "ticket", "way_in", "address", "time"}) [default: standard input]
        file: Option<PathBuf>,
        /// The request that this entry of the audit log tells of
        #[arg(long, value_name = "N", conflicts_with = "file")]
        entry: Option<u64>,
    },
    /// Hold a table of requests, to be allowed or denied, against the policies (exit code 1: a case missed; 2: not a file of tests)
    Test {
        /// TOML or JSON with `allow` and `deny`, lists of requests as for `explain`; `policies`, a list of files, in place of those in force; `secrets`, a table of those that are not in the vault
        file: PathBuf,
    },
    /// Tell which of the last requests a change of the policies would allow or deny
    Diff {
        /// A file with another text for a policy; or the name of a policy, to be taken out of force
        #[arg(value_name = "FILE|NAME")]
        what: String,
        /// The policy that the file would replace [default: the file's name]
        #[arg(long, value_name = "NAME", conflicts_with = "version")]
        name: Option<Name>,
        /// Go back to this version of the policy
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// So many requests are looked at, the newest
        #[arg(long, short = 'n', value_name = "N", default_value_t = 1000)]
        last: u64,
    },
    /// Check a policy file against the schema
    Check {
        /// The file, `-` for standard input
        file: PathBuf,
    },
    /// Store a policy; a new version takes the old one's place, which stays on record
    Set {
        name: Name,
        /// The file, `-` for standard input
        file: PathBuf,
    },
    /// Take a policy out of force; it stays on record
    Retire { name: Name },
    /// Print the schema that policies are written against
    Schema,
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
        /// Only this kind of entry: use, refusal, noise or administration
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

/// `strongroom request sign deploy-key --key atlas.key --agent 127.0.0.1:7443 --message 'hello'`
#[derive(Debug, Args)]
pub struct Request {
    /// What to ask for: sign, http, token, … (README.md lists them)
    pub operation: OperationName,
    /// The secret or alias
    pub secret: Name,
    /// The service's private key: PEM or OpenSSH, Ed25519 or P-256
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The agent: `https://host:port` or the path of its local socket
    #[arg(long, value_name = "URL")]
    pub agent: String,
    /// The certificates to trust for TLS instead of the platform's
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// The agent's thumbprint; without it the one that the agent shows is taken, and said
    #[arg(long, value_name = "THUMBPRINT")]
    pub thumbprint: Option<String>,
    /// Why: kept in the audit log and shown to the owner
    #[arg(long)]
    pub purpose: Option<String>,
    /// The ticket that it belongs to: kept and shown likewise
    #[arg(long)]
    pub ticket: Option<String>,
    /// The operation's input as JSON; `@FILE` reads a file, `-` standard input
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,
    /// Shorthand for `sign`, `ssh-sign`, `mac` and `encrypt`: the message or plaintext as text
    #[arg(long, conflicts_with = "input")]
    pub message: Option<String>,
    /// Shorthand for `sign`, `ssh-sign`, `mac` and `encrypt`: the message or plaintext is this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "message"])]
    pub message_file: Option<PathBuf>,
    /// With a message, for `ssh-sign`: what the signature is for, such as `git` or `file`
    #[arg(long, conflicts_with = "input")]
    pub namespace: Option<String>,
    /// Write only the signature, MAC, public key, certificate, code, plaintext, value or body to this
    /// file, as bytes
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub http: HttpAsk,
}

/// Shorthand for the input of `http`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shorthand for `http`")]
pub struct HttpAsk {
    /// The method [default: GET, or POST with a body]
    #[arg(long, value_name = "METHOD", conflicts_with = "input")]
    pub method: Option<String>,
    /// The path under the binding's base URL
    #[arg(long, value_name = "PATH", conflicts_with = "input")]
    pub path: Option<String>,
    /// A parameter of the query; may be given several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "input")]
    pub query: Vec<String>,
    /// A header; may be given several times
    #[arg(long = "header", value_name = "NAME: VALUE", conflicts_with = "input")]
    pub headers: Vec<String>,
    /// The body as JSON; `@FILE` reads a file, which may be anything
    #[arg(long, value_name = "JSON", conflicts_with = "input")]
    pub body: Option<String>,
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
        Command::Status => vault::status(&door, json).await,
        Command::Passwd {
            new_passphrase_file,
        } => vault::passwd(&door, new_passphrase_file.as_deref()).await,
        Command::Secret(command) => secret::secret(&door, &home, command, json).await,
        Command::Alias(command) => secret::alias(&door, command, json).await,
        Command::Service(command) => service::service(&door, command, json).await,
        Command::Grant(grant) => policy::grant(&door, *grant, json).await,
        Command::Policy(command) => policy::policy(&door, command, json).await,
        Command::Notify(command) => audit::notify(&door, command, json).await,
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
