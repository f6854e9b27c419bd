//! What can be said on the service's side.

use std::path::PathBuf;

use clap::Args;
use strongroom::{name::Name, operation::OperationName};

/// `strongroom request sign deploy-key --key atlas.key --agent 127.0.0.1:7443 --message 'hello'`
#[derive(Debug, Args)]
pub struct Request {
    /// What to ask for: sign, http, token, … (README.md lists them)
    #[arg(required_unless_present = "later")]
    pub operation: Option<OperationName>,
    /// The secret or alias
    #[arg(required_unless_present = "later")]
    pub secret: Option<Name>,
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
    pub approval: Later,
    #[command(flatten)]
    pub http: HttpAsk,
}

/// A request that somebody has to approve first.
#[derive(Debug, Args)]
#[command(next_help_heading = "Where policy asks for an approval")]
#[group(skip)]
pub struct Later {
    /// Wait so long until somebody has decided [default: only tell that the request waits]
    #[arg(long, value_name = "SECONDS", conflicts_with = "cancel")]
    pub wait: Option<u32>,
    /// Collect what became of the request with this id
    #[arg(long, value_name = "ID", group = "later", conflicts_with_all = Later::OTHERS)]
    pub result: Option<u64>,
    /// Give up the request with this id
    #[arg(long, value_name = "ID", group = "later", conflicts_with_all = Later::OTHERS)]
    pub cancel: Option<u64>,
    /// The age identity that a sealed answer is opened with, made by `age-keygen`: needed to collect
    /// one later [default: one for this command alone]
    #[arg(long, value_name = "FILE", conflicts_with = "cancel")]
    pub identity: Option<PathBuf>,
}

impl Later {
    /// What belongs to a new request only, as clap calls it.
    const OTHERS: [&str; 8] = [
        "operation",
        "secret",
        "purpose",
        "ticket",
        "input",
        "message",
        "message_file",
        "HttpAsk",
    ];
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
