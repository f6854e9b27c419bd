//! The words of the audit log: each enum's variants have one kebab-case name, the same in JSON, in
//! filters and on the screen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The one list from which the enum, its JSON and its text are made.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The word for it in the audit log.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// Which kind of [`Event`](super::Event).
    Kind {
        /// A key is used.
        Use = "use",
        /// What became of a use that had to call a provider.
        Outcome = "outcome",
        /// A known service was refused.
        Refusal = "refusal",
        /// Refused requests of unknown senders, folded.
        Noise = "noise",
        /// A request waits for somebody to approve it.
        Pending = "pending",
        /// Somebody decided on a request that waits, or its time was over.
        Decision = "decision",
        /// The owner or the agent did something.
        Administration = "administration",
    }
}

words! {
    /// Why a request was refused.
    Reason {
        /// The bytes are no request.
        Malformed = "malformed",
        /// More bytes than a request may have.
        TooLarge = "too-large",
        /// Signed with a key that nobody enrolled.
        UnknownKey = "unknown-key",
        /// The signature does not fit.
        BadSignature = "bad-signature",
        /// The stated algorithm is not the key's.
        WrongAlgorithm = "wrong-algorithm",
        /// Meant for another agent.
        WrongAudience = "wrong-audience",
        /// Signed in the future.
        NotYetValid = "not-yet-valid",
        /// Too old.
        Expired = "expired",
        /// The service is suspended.
        Suspended = "suspended",
        /// The (service, nonce) was used before.
        Replay = "replay",
        /// No policy allows it, or one forbids it.
        Denied = "denied",
        /// No secret or alias has this name.
        UnknownSecret = "unknown-secret",
        /// The secret has no such version.
        UnknownVersion = "unknown-version",
        /// The version is retired.
        Retired = "retired",
        /// The key made as many encryptions as it may.
        UsedUp = "used-up",
        /// Not with a secret of this kind.
        NotPossible = "not-possible",
        /// The vault is locked.
        Locked = "locked",
        /// The caller asks too often.
        TooManyRequests = "too-many-requests",
        /// As many uses as a policy allows were made.
        Limit = "limit",
        /// A policy asks for an approval, and it has none any more, or nobody is asked so soon.
        NeedsApproval = "needs-approval",
        /// As many requests wait for an approval as may.
        TooManyPending = "too-many-pending",
        /// The secret is suspended.
        SecretSuspended = "secret-suspended",
        /// The whole vault is suspended.
        VaultSuspended = "vault-suspended",
    }
}

words! {
    /// How a use ended that had to call a provider.
    Ending {
        /// The provider answered, whatever the answer says.
        Answered = "answered",
        /// The provider, or the agent after asking it, issued a credential.
        Issued = "issued",
        /// Nobody could be reached.
        Unreachable = "unreachable",
        /// The binding does not allow the address that the name stands for.
        TargetRefused = "target-refused",
        /// No whole answer in the time that the binding gives.
        TimedOut = "timed-out",
        /// The answer has more bytes than the binding allows.
        TooLarge = "too-large",
        /// Other answers took all the memory that answers may take.
        NoRoom = "no-room",
        /// The provider refused to issue anything, and said why.
        Refused = "refused",
        /// The answer is not what it has to be.
        BadAnswer = "bad-answer",
        /// The provider answered with a new value that could not be stored.
        NotKept = "not-kept",
        /// The owner locked the vault, or suspended what it takes, before the answer was there.
        CutOff = "cut-off",
        /// The owner changed something before the provider was called.
        Stopped = "stopped",
    }
}

words! {
    /// What became of a request that waits for an approval, or what one approver said.
    Decided {
        /// One approver said yes. That is enough only when as many did as policy asks for.
        Approved = "approved",
        /// One approver said no, which ends it; it also ends a yes that stands for a while.
        Denied = "denied",
        /// The service does not want it any more.
        Cancelled = "cancelled",
        /// Nobody decided in time.
        Expired = "expired",
    }
}

words! {
    /// What the owner or the agent did.
    Action {
        /// The vault came into being.
        VaultCreated = "vault-created",
        /// The agent began to answer.
        AgentStarted = "agent-started",
        /// The agent stopped.
        AgentStopped = "agent-stopped",
        /// The vault was unlocked.
        Unlocked = "unlocked",
        /// Somebody tried to unlock it and could not.
        UnlockFailed = "unlock-failed",
        /// The vault was locked.
        Locked = "locked",
        /// The passphrase was changed.
        PassphraseChanged = "passphrase-changed",
        /// A secret was added.
        SecretAdded = "secret-added",
        /// A secret got a new version.
        SecretRotated = "secret-rotated",
        /// A secret, or one version of it, was retired.
        SecretRetired = "secret-retired",
        /// A secret's version passed the age or the number of uses that its binding allows.
        SecretDue = "secret-due",
        /// A secret's old value was revoked at its provider.
        SecretRevoked = "secret-revoked",
        /// A new value could not be made at the provider, stored, or the old one not revoked.
        RotationFailed = "rotation-failed",
        /// The owner looked at a secret's value.
        SecretRevealed = "secret-revealed",
        /// It was set what a secret is for.
        SecretBound = "secret-bound",
        /// A secret was suspended.
        SecretSuspended = "secret-suspended",
        /// A secret may be used again.
        SecretResumed = "secret-resumed",
        /// An alias was pointed at a secret.
        AliasSet = "alias-set",
        /// A service was enrolled.
        ServiceAdded = "service-added",
        /// A service got another key.
        ServiceKeyAdded = "service-key-added",
        /// A service may not sign with a key any more.
        ServiceKeyRetired = "service-key-retired",
        /// A service was suspended.
        ServiceSuspended = "service-suspended",
        /// A service may ask again.
        ServiceResumed = "service-resumed",
        /// An approver was enrolled.
        ApproverAdded = "approver-added",
        /// An approver's keys, groups or address were changed.
        ApproverChanged = "approver-changed",
        /// An approver has no say any more.
        ApproverRetired = "approver-retired",
        /// A policy was written.
        PolicySet = "policy-set",
        /// A policy was taken out of force.
        PolicyRetired = "policy-retired",
        /// The owner stopped everything at once.
        Panicked = "panicked",
        /// The vault may be used again after that.
        Resumed = "resumed",
        /// A notification channel took its credential out of the vault.
        ChannelOpened = "channel-opened",
        /// A notification channel was tried.
        NotificationTest = "notification-test",
    }
}

words! {
    /// Who administers, or decides.
    By {
        /// The owner, through the command.
        Owner = "owner",
        /// An approver, with a signature.
        Approver = "approver",
        /// The service that asked.
        Service = "service",
        /// The agent, by itself.
        Agent = "agent",
    }
}
