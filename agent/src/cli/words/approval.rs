//! What can be said of approvers and of what waits for them.

use std::path::PathBuf;

use clap::Subcommand;
use strongroom::name::Name;

#[derive(Debug, Subcommand)]
pub enum Approver {
    /// Enrol somebody who may approve, by their SSH public keys: in a file, in ssh-agent, or on a
    /// security key
    Add {
        name: Name,
        /// The file with the public key (`id_ed25519.pub`, `id_ed25519_sk.pub`), `-` for standard
        /// input; may be given several times
        #[arg(long = "key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
        /// A group that policies name in `@approve("2 of GROUP")`; may be given several times
        #[arg(long = "group", value_name = "GROUP", required = true)]
        groups: Vec<Name>,
        /// A service that the approver runs, and so can't approve for; may be given several times
        #[arg(long, value_name = "SERVICE")]
        operates: Vec<Name>,
        /// Where mail channels write to
        #[arg(long, value_name = "ADDRESS")]
        mail: Option<String>,
    },
    /// Change an approver: each option replaces all that was given for it before
    #[command(group(clap::ArgGroup::new("what").required(true).multiple(true)))]
    Set {
        name: Name,
        /// The files with all public keys from now on
        #[arg(long = "key", value_name = "FILE", group = "what")]
        keys: Vec<PathBuf>,
        /// All groups from now on
        #[arg(long = "group", value_name = "GROUP", group = "what")]
        groups: Vec<Name>,
        /// All services that the approver runs, from now on
        #[arg(
            long,
            value_name = "SERVICE",
            group = "what",
            conflicts_with = "operates_nothing"
        )]
        operates: Vec<Name>,
        /// The approver runs no service any more
        #[arg(long, group = "what")]
        operates_nothing: bool,
        /// Where mail channels write to from now on; `` for nowhere
        #[arg(long, value_name = "ADDRESS", group = "what")]
        mail: Option<String>,
    },
    /// Take an approver's say away, for good
    Retire { name: Name },
    /// List the approvers, their groups and their keys
    List,
}
