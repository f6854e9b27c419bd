//! What can be asked of the vault's side, and the form of its answers: as they go over the local
//! socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strongroom::{approval::Verdict, name::Name, operation::Kind, service::key::Thumbprint};

use crate::{decide::Signed, hidden::Hidden, rotation};

/// One ask of the owner.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Proves that the owner is there; good for the five minutes that follow.
    pub passphrase: Option<Hidden>,
    pub command: Command,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    Status,
    Unlock {
        passphrase: Hidden,
    },
    UnlockWithRecoveryKey {
        recovery_key: Hidden,
    },
    Lock,
    /// Only proves the passphrase, for the changes that follow.
    Prove,
    ChangePassphrase {
        new: Hidden,
    },
    AddSecret {
        name: Name,
        kind: Option<Kind>,
        value: Option<Hidden>,
        labels: Vec<String>,
        releasable: bool,
        /// What it is for, as JSON.
        binding: Option<String>,
    },
    BindSecret {
        name: Name,
        /// All of it, as JSON.
        binding: String,
        /// The number of the binding that it was made from; 0 if there was none.
        after: u32,
    },
    RotateSecret {
        name: Name,
        value: Option<Hidden>,
    },
    /// To the owner's own program, which rotates it at its provider.
    HandOver {
        name: Name,
        version: u32,
        program: String,
    },
    /// What that program made, sealed to the root.
    PutIn {
        sealed: String,
        program: String,
    },
    /// Waits until no use has an old value under way to a provider.
    Settle,
    TellRotation {
        name: Name,
        told: rotation::Told,
    },
    RetireSecret {
        name: Name,
        version: Option<u32>,
    },
    RevealSecret {
        name: Name,
        version: Option<u32>,
    },
    ListSecrets,
    SetAlias {
        name: Name,
        secret: Name,
    },
    ListAliases,
    AddService {
        name: Name,
        keys: Vec<String>,
    },
    AddServiceKey {
        name: Name,
        key: String,
    },
    RetireServiceKey {
        name: Name,
        key: Thumbprint,
    },
    ListServices,
    /// Takes no passphrase, but that of a locked vault, which stays locked.
    SuspendService {
        name: Name,
    },
    /// A secret or an alias of it; the same.
    SuspendSecret {
        name: Name,
    },
    /// Everything at once; the same.
    Panic,
    ResumeService {
        name: Name,
    },
    ResumeSecret {
        name: Name,
    },
    Resume,
    AddApprover {
        name: Name,
        /// Lines of OpenSSH.
        keys: Vec<String>,
        groups: Vec<Name>,
        operates: Vec<Name>,
        mail: Option<String>,
    },
    /// What is `None` stays as it is.
    ChangeApprover {
        name: Name,
        keys: Option<Vec<String>>,
        groups: Option<Vec<Name>>,
        operates: Option<Vec<Name>>,
        /// Empty: none any more.
        mail: Option<String>,
    },
    RetireApprover {
        name: Name,
    },
    ListApprovers,
    ListPending,
    ShowPending {
        id: u64,
    },
    /// The owner's word.
    Decide {
        id: u64,
        verdict: Verdict,
        minutes: Option<u32>,
    },
    /// An approver's, who signed it.
    HandIn(Signed),
    SetPolicy {
        name: Name,
        text: String,
    },
    RetirePolicy {
        name: Name,
    },
    ListPolicies,
    ListChannels,
    TestChannels {
        channel: Option<Name>,
    },
}

/// What becomes of a call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Reply {
    Done {
        result: Value,
    },
    /// Say it again with the passphrase.
    PassphraseNeeded,
    Locked,
    Failed {
        message: String,
    },
}
