//! Why the vault does not do what its owner asks for.

use super::{
    BadRecord, ShortPassphrase,
    administration::secrets::{MAX_LABEL_LEN, MAX_LABELS},
    material::MaterialError,
    memory::Unavailable,
    rotation::NotSealedHere,
};
use crate::{
    approval::waiting::BadWaiting, binding::BadBinding, name::Name, operation::Kind,
    service::key::Thumbprint, store::StoreError,
};

/// Why the vault does not do what its owner asks for.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    // What was asked for.
    /// It takes the root.
    #[error("the vault is locked; `strongroom unlock` opens it")]
    Locked,
    /// A new passphrase that is too easy to guess.
    #[error(transparent)]
    ShortPassphrase(#[from] ShortPassphrase),
    /// A secret or an alias has this name.
    #[error("`{0}` is the name of a secret or alias already; choose another, or rotate the secret")]
    NameTaken(Name),
    /// An alias can't be called like a secret.
    #[error("`{0}` is the name of a secret, so it can't be an alias; choose another name")]
    NameOfSecret(Name),
    /// There is none.
    #[error("there is no secret `{0}`; `strongroom secret list` shows them")]
    NoSecret(Name),
    /// It is an alias.
    #[error("`{alias}` is an alias; the secret is `{secret}`")]
    IsAlias {
        /// What was asked for.
        alias: Name,
        /// What it points at.
        secret: Name,
    },
    /// There is none.
    #[error("secret `{secret}` has no version {version}")]
    NoVersion {
        /// The secret.
        secret: Name,
        /// The version.
        version: u32,
    },
    /// The owner put in another value while a provider was asked for one.
    #[error("version {version} of secret `{secret}` was put in meanwhile, and counts")]
    Overtaken {
        /// The secret.
        secret: Name,
        /// The version that counts.
        version: u32,
    },
    /// Retired for good.
    #[error("secret `{0}` is retired; add a new one under another name, and point an alias at it")]
    Retired(Name),
    /// Retired already.
    #[error("version {version} of secret `{secret}` is retired already")]
    VersionRetired {
        /// The secret.
        secret: Name,
        /// The version.
        version: u32,
    },
    /// All versions of a secret are of one kind.
    #[error(
        "secret `{secret}` is of the kind `{kind}`, and the new value is of the kind `{given}`"
    )]
    OtherKind {
        /// The secret.
        secret: Name,
        /// Its kind.
        kind: Kind,
        /// The new value's kind.
        given: Kind,
    },
    /// What came as a new value is none.
    #[error("this is no new value of secret `{secret}`: {why}")]
    NotAValue {
        /// The secret.
        secret: Name,
        /// What is wrong with it.
        why: MaterialError,
    },
    /// The new value is the old one.
    #[error("the new value of secret `{0}` is the one that it has already")]
    SameValue(Name),
    /// Sealed to another vault, or changed since.
    #[error(transparent)]
    NotSealedHere(#[from] NotSealedHere),
    /// The binding does not fit the secret.
    #[error(transparent)]
    BadBinding(#[from] BadBinding),
    /// Not a word.
    #[error("`{}` is not a label: use 1 to {MAX_LABEL_LEN} characters, none of them a control character", .0.escape_debug())]
    BadLabel(String),
    /// More than [`MAX_LABELS`].
    #[error("a secret has at most {MAX_LABELS} labels")]
    TooManyLabels,
    /// It is enrolled.
    #[error("service `{0}` is enrolled already; `strongroom service list` shows its keys")]
    ServiceExists(Name),
    /// There is none.
    #[error("there is no service `{0}`; `strongroom service list` shows them")]
    NoService(Name),
    /// Nothing to change.
    #[error("service `{0}` is suspended already")]
    SuspendedAlready(Name),
    /// Nothing to change.
    #[error("service `{0}` is not suspended")]
    NotSuspended(Name),
    /// Nothing to change.
    #[error("secret `{0}` is suspended already")]
    SecretSuspendedAlready(Name),
    /// Nothing to change.
    #[error("secret `{0}` is not suspended")]
    SecretNotSuspended(Name),
    /// Nothing to change.
    #[error("everything is suspended already; `strongroom resume` ends that")]
    AllSuspendedAlready,
    /// Nothing to change.
    #[error(
        "the vault is not suspended; `strongroom status` shows which services and secrets are, each with a `resume` of its own"
    )]
    AllNotSuspended,
    /// A service is known by its keys.
    #[error("service `{0}` needs at least one public key")]
    NoKey(Name),
    /// Nobody approves what they asked for.
    #[error("the key `{key}` is a key of approver `{approver}`; a service needs keys of its own")]
    KeyOfApprover {
        /// The key.
        key: Thumbprint,
        /// The approver.
        approver: Name,
    },
    /// A key tells which service asks.
    #[error(
        "the key `{key}` is or was a key of service `{service}`; every service needs keys of its own"
    )]
    KeyTaken {
        /// The key.
        key: Thumbprint,
        /// Whose key it is.
        service: Name,
    },
    /// Nothing to retire.
    #[error("service `{service}` has no key `{key}`; `strongroom service list` shows its keys")]
    NoSuchKey {
        /// The service.
        service: Name,
        /// The key that it does not have.
        key: Thumbprint,
    },
    /// It would have none left.
    #[error(
        "`{key}` is the only key of service `{service}`; add another first, or `strongroom service suspend {service}`"
    )]
    OnlyKey {
        /// The service.
        service: Name,
        /// Its key.
        key: Thumbprint,
    },
    /// The same key twice in one call.
    #[error("the key `{0}` is given twice")]
    KeyTwice(Thumbprint),
    /// Not a key for signing requests.
    #[error(
        "the key `{0}` can't sign requests; use an Ed25519 or P-256 key: `ssh-keygen -t ed25519`"
    )]
    UnfitKey(Thumbprint),
    /// The name is taken.
    #[error(
        "approver `{0}` is enrolled already; `strongroom approver set {0}` changes what is true of them"
    )]
    ApproverExists(Name),
    /// There is none.
    #[error("there is no approver `{0}`; `strongroom approver list` shows them")]
    NoApprover(Name),
    /// Retired for good.
    #[error("approver `{0}` is retired; enrol them again under another name")]
    ApproverRetired(Name),
    /// Nothing to change.
    #[error("nothing of this is new for approver `{0}`")]
    SameApprover(Name),
    /// An approver is known by their signatures.
    #[error("approver `{0}` needs at least one public key")]
    NoApproverKey(Name),
    /// A policy asks for somebody of a group.
    #[error("approver `{0}` needs at least one group: the one that policies name in `@approve`")]
    NoGroup(Name),
    /// The same key twice in one call.
    #[error("the key `{0}` is given twice")]
    ApproverKeyTwice(String),
    /// A key tells who decided, and nobody approves what they asked for.
    #[error("the key `{key}` is or was a key of {holder}; every approver needs keys of their own")]
    ApproverKeyTaken {
        /// The key's fingerprint.
        key: String,
        /// Whose it is: ``service `atlas` ``.
        holder: String,
    },
    /// Not one plain address.
    #[error("`{}` is not a mail address such as `ana@example.com`", .0.escape_debug())]
    BadMail(String),
    /// There is none.
    #[error("there is no policy `{0}` in force; `strongroom policy show` shows them")]
    NoPolicy(Name),
    /// A value is shown only with the entry that says so.
    #[error("this change is not the revelation of a secret's value")]
    NotARevelation,
    /// The owner did not say that the channel may have it, or may send it there.
    #[error(
        "secret `{secret}` is not for channel `{channel}` at `{to}`: {bound}; \
         `strongroom secret bind {secret} --channel {channel} --to {to}` says so"
    )]
    NotForChannel {
        /// The secret.
        secret: Name,
        /// The channel that asks for it.
        channel: Name,
        /// Where it would send it.
        to: String,
        /// What the binding says.
        bound: String,
    },
    /// No channel takes it.
    #[error(
        "secret `{0}` is suspended; `strongroom secret resume {0}` lets channels take it again"
    )]
    SuspendedForChannel(Name),
    /// A credential is taken only with the entry that says so, and as it says.
    #[error("this change is not a channel's wish for its credential, or not any more")]
    NotACredential,

    // What the vault holds.
    /// Refused, and the vault with it.
    #[error(transparent)]
    BadRecord(#[from] BadRecord),
    /// Somebody removed the newest records, or the newest entries.
    #[error(
        "the vault's records end at number {newest}, and the audit log tells of number {told} as the newest: \
         somebody removed records or entries; restore the vault from a copy"
    )]
    CutOff {
        /// The newest record that is there.
        newest: u64,
        /// The newest record that the audit log tells of.
        told: u64,
    },
    /// The value is not what its record says.
    #[error(
        "version {version} of secret `{secret}` cannot be opened: its value is damaged; rotate it"
    )]
    Damaged {
        /// The secret.
        secret: Name,
        /// The version.
        version: u32,
    },

    /// A request is too long to be kept, or what was kept is damaged.
    #[error(transparent)]
    CannotWait(BadWaiting),

    // What the machine can.
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No memory or no randomness for keys.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The library failed.
    #[error("the value could not be encrypted; nothing was changed, try again")]
    NotEncrypted,
    /// The record is too long, or the library failed.
    #[error("the record could not be signed: it is too long; nothing was changed")]
    NotSigned,
}
