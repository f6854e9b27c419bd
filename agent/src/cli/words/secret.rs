//! What can be said of secrets and aliases.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use strongroom::{name::Name, operation::Kind};

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
        #[command(flatten)]
        channel: ChannelFlags,
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
        after_help = "Flags set the section `http` or `channel` of the binding and leave the others as they are;\n\
        `--file` replaces all of it. `strongroom secret show NAME --json` prints what it says now."
    )]
    Bind {
        name: Name,
        /// The whole binding as JSON, `-` for standard input
        #[arg(long, value_name = "FILE", conflicts_with_all = HttpFlags::NAMES)]
        #[arg(conflicts_with_all = ChannelFlags::NAMES)]
        file: Option<PathBuf>,
        #[command(flatten)]
        http: HttpFlags,
        #[command(flatten)]
        channel: ChannelFlags,
    },
    /// Take a secret, or one version of it, out of use; nothing is deleted
    Retire {
        name: Name,
        /// Only this version
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Refuse every use of a secret from the next request on; takes no passphrase
    Suspend { name: Name },
    /// Let a suspended secret be used again; asks for the passphrase
    Resume { name: Name },
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

/// Which channel of the owner's takes a secret for its credential, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which channel of yours takes it for its credential")]
pub struct ChannelFlags {
    /// The channel's name in agent.toml
    #[arg(long, value_name = "CHANNEL", requires = "to")]
    pub channel: Option<Name>,
    /// Where the channel sends it: `https://host[:port]`, or `host:port` for mail and syslog
    #[arg(long, value_name = "WHERE", requires = "channel")]
    pub to: Option<String>,
    /// The certificates to trust there instead of the platform's (PEM)
    #[arg(long, value_name = "FILE", requires = "channel")]
    pub channel_cacert: Option<PathBuf>,
}

impl ChannelFlags {
    /// What clap calls them.
    const NAMES: [&str; 3] = ["channel", "to", "channel_cacert"];
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
