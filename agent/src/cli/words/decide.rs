//! What can be said of requests that wait for an approval.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strongroom::approval::Verdict;

/// `strongroom pending`, `strongroom pending 12`
#[derive(Debug, Args)]
pub struct Pending {
    /// Show this one in full
    pub id: Option<u64>,
    /// Print exactly what an approver signs, for
    /// `ssh-keygen -Y sign -n approval@strongroom -f KEY`
    #[arg(long, value_name = "DECISION", requires = "id")]
    pub statement: Option<Say>,
    /// With `--statement approve`: for how many minutes the yes stands
    #[arg(long, value_name = "MINUTES", requires = "statement")]
    pub minutes: Option<u32>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Say {
    Approve,
    Deny,
}

impl From<Say> for Verdict {
    fn from(say: Say) -> Self {
        match say {
            Say::Approve => Self::Approve,
            Say::Deny => Self::Deny,
        }
    }
}

/// `strongroom approve 12`
#[derive(Debug, Args)]
#[command(
    after_help = "As the owner, at this machine: `strongroom approve 12`. As an approver whose key is here, in ssh-agent,\n\
    or on a security key: `strongroom approve 12 --sign-with ~/.ssh/id_ed25519_sk`. On another machine:\n\
    `strongroom approve --from FILE --sign-with KEY --agent URL`, where FILE is what a channel told you or what\n\
    `strongroom pending 12 --json` prints; without `--agent` the signed approval is printed, and who has it\n\
    hands it in with `strongroom approve --signed FILE`."
)]
pub struct Approve {
    /// Let the yes stand so long for this same operation: same service, secret and fields, whatever
    /// the purpose and the ticket say [default: this request alone, once]
    #[arg(long, value_name = "MINUTES", conflicts_with = "signed")]
    pub minutes: Option<u32>,
    /// Do not ask: for scripts, with `--passphrase-file` or `--sign-with`
    #[arg(long, conflicts_with = "signed")]
    pub yes: bool,
    #[command(flatten)]
    pub which: Which,
}

/// `strongroom deny 12`
#[derive(Debug, Args)]
#[command(
    after_help = "One no is enough. It also ends a yes that stands for a while. The other forms are those of\n\
    `strongroom approve`."
)]
pub struct Deny {
    #[command(flatten)]
    pub which: Which,
}

/// About which request, and by whom.
#[derive(Debug, Args)]
pub struct Which {
    /// The request, as `strongroom pending` and the notification name it
    #[arg(required_unless_present_any = ["from", "signed"])]
    pub id: Option<u64>,
    /// Decide as the approver who has this SSH key: a private key, or the `.pub` of one that is in
    /// ssh-agent or on a security key
    #[arg(long, value_name = "KEY")]
    pub sign_with: Option<PathBuf>,
    /// The request as JSON (a notification, or what `strongroom pending ID --json` printed), `-` for
    /// standard input
    #[arg(
        long,
        value_name = "FILE",
        requires = "sign_with",
        conflicts_with = "id"
    )]
    pub from: Option<PathBuf>,
    /// Hand in what was signed elsewhere, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["id", "from", "sign_with"])]
    pub signed: Option<PathBuf>,
    /// With `--from` or `--signed`: the agent, `https://host:port` [default: print what was signed, or
    /// hand it in here]
    #[arg(long, value_name = "URL", conflicts_with = "id")]
    pub agent: Option<String>,
    /// The certificates to trust for TLS instead of the platform's
    #[arg(long, value_name = "FILE", requires = "agent")]
    pub cacert: Option<PathBuf>,
    /// With `--from`: the agent's thumbprint, where neither FILE nor `--agent` says it
    #[arg(long, value_name = "THUMBPRINT", requires = "from")]
    pub thumbprint: Option<String>,
}

/// What is to be said, and how.
#[derive(Debug, Clone, Copy)]
pub struct Word {
    pub verdict: Verdict,
    pub minutes: Option<u32>,
    /// Without asking.
    pub yes: bool,
}

impl Approve {
    pub fn word(&self) -> Word {
        Word {
            verdict: Verdict::Approve,
            minutes: self.minutes,
            yes: self.yes,
        }
    }
}

impl Deny {
    pub fn word(&self) -> Word {
        Word {
            verdict: Verdict::Deny,
            minutes: None,
            yes: true,
        }
    }
}

impl Which {
    /// Whether it takes no vault on this machine.
    pub fn is_elsewhere(&self) -> bool {
        self.from.is_some() || self.signed.is_some() && self.agent.is_some()
    }
}
