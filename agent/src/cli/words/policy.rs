//! What can be said of grants and policies.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand, ValueEnum};
use strongroom::{name::Name, operation::OperationName, request::WayIn};

use crate::cli::policy::options::Conditions;

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
    pub conditions: Conditions,
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
