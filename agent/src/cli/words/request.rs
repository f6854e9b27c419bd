//! What can be said on the service's side.

use std::path::PathBuf;

use clap::Args;
use strongroom::{name::Name, operation::OperationName};

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
