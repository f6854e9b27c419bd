//! What came of a use, with the entry that was there before it.

use std::fmt;

use age::x25519::Recipient;

use crate::{
    answer::Problem,
    audit::{Ending, Noted},
    errand::Failure,
    name::Name,
    operation::{Done, OperationError},
};

/// A key was used. Only [`Vault::use_key`](super::Vault::use_key) makes one.
pub struct Outcome {
    noted: Noted,
    done: Done,
    reply_to: Option<Recipient>,
}

/// A use that is in the audit log but did not come to be.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct UseError {
    noted: Noted,
    cause: NotUsed,
}

/// Why a permitted, recorded use did not come to be. No variant holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum NotUsed {
    /// The owner locked the vault in the meantime.
    #[error("the vault is locked; `strongroom unlock` opens it")]
    Locked,
    /// The owner retired the version in the meantime.
    #[error("version {version} of secret `{secret}` is retired")]
    Retired {
        /// The secret.
        secret: Name,
        /// The version.
        version: u32,
    },
    /// The owner suspended the service in the meantime.
    #[error("service `{0}` is suspended; `strongroom service resume` lets it ask again")]
    Suspended(Name),
    /// The owner suspended the secret in the meantime.
    #[error("secret `{0}` is suspended; `strongroom secret resume` lets it be used again")]
    SecretSuspended(Name),
    /// The owner suspended everything in the meantime.
    #[error("everything is suspended; `strongroom resume` ends that")]
    AllSuspended,
    /// The operation and the key do not go together.
    #[error(transparent)]
    Operation(OperationError),
    /// The owner changed what the secret is for in the meantime.
    #[error("the binding of secret `{0}` was changed at the same moment; ask again")]
    Rebound(Name),
    /// The provider was called, and there is nothing to answer with.
    #[error("{0}")]
    Provider(Failure),
    /// The value is not what its record says, though the owner signed it.
    #[error(
        "version {version} of secret `{secret}` cannot be opened: its value is damaged; rotate it"
    )]
    Damaged {
        /// The secret.
        secret: Name,
        /// The version.
        version: u32,
    },
}

impl Outcome {
    pub(crate) fn new(noted: Noted, done: Done, reply_to: Option<Recipient>) -> Self {
        Self {
            noted,
            done,
            reply_to,
        }
    }

    /// The entry and its receipt.
    pub fn noted(&self) -> &Noted {
        &self.noted
    }

    /// What came out of the operation.
    pub(crate) fn done(&self) -> &Done {
        &self.done
    }

    /// Whom a secret result is sealed to.
    pub(crate) fn reply_to(&self) -> Option<&Recipient> {
        self.reply_to.as_ref()
    }
}

/// Says where the entry is, and hides what came out.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("index", &self.noted.index)
            .field("reply_to", &self.reply_to)
            .finish_non_exhaustive()
    }
}

impl UseError {
    pub(crate) fn new(noted: Noted, cause: NotUsed) -> Self {
        Self { noted, cause }
    }

    /// The entry and its receipt: the use was recorded.
    pub fn noted(&self) -> &Noted {
        &self.noted
    }

    /// Why, for the owner.
    pub fn cause(&self) -> &NotUsed {
        &self.cause
    }

    /// What the remote is told in a sentence: only what is about its own input.
    pub fn told(&self) -> String {
        match &self.cause {
            NotUsed::Operation(error) => error.to_string(),
            NotUsed::Provider(failure) => failure.told().to_owned(),
            NotUsed::Rebound(_) => self.cause.to_string(),
            NotUsed::SecretSuspended(_) => "the owner has suspended this secret".to_owned(),
            NotUsed::AllSuspended => "the owner has suspended everything".to_owned(),
            _ => String::new(),
        }
    }

    /// What the remote sees: coarse.
    pub fn problem(&self) -> Problem {
        match self.cause {
            NotUsed::Locked => Problem::Locked,
            NotUsed::Suspended(_) => Problem::NotAuthenticated,
            NotUsed::SecretSuspended(_) | NotUsed::AllSuspended => Problem::Suspended,
            NotUsed::Operation(OperationError::Machine(_)) | NotUsed::Damaged { .. } => {
                Problem::Internal
            }
            NotUsed::Provider(ref failure) => match failure.ending() {
                Ending::TimedOut => Problem::ProviderTooSlow,
                Ending::CutOff => Problem::Locked,
                Ending::NoRoom => Problem::TooManyRequests,
                Ending::NotKept => Problem::Internal,
                _ => Problem::ProviderFailed,
            },
            NotUsed::Retired { .. } | NotUsed::Rebound(_) | NotUsed::Operation(_) => {
                Problem::Unsuitable
            }
        }
    }
}
