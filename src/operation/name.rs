//! The operations by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{BadInput, input};

/// The name of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationName {
    /// Hands out the public half of a key.
    PublicKey,
    /// Signs a message or a digest.
    Sign,
    /// Computes a MAC.
    Mac,
    /// Says whether a MAC is right.
    VerifyMac,
    /// Encrypts with AES-256-GCM.
    Encrypt,
    /// Decrypts with AES-256-GCM; the plaintext leaves sealed.
    Decrypt,
    /// Makes a data key for envelope encryption: sealed, and encrypted under the secret.
    DataKey,
    /// Sends an HTTPS request with the credential attached, and gives back the answer.
    Http,
    /// Signs one AWS request (SigV4), or makes a presigned URL.
    AwsSign,
    /// Issues a short-lived credential, sealed.
    Token,
    /// Makes an SSH signature (SSHSIG).
    SshSign,
    /// Issues a short-lived SSH user certificate.
    SshCertificate,
    /// Computes the current one-time code, sealed.
    Totp,
    /// Hands out the value itself, sealed.
    Release,
}

impl OperationName {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::PublicKey,
        Self::Sign,
        Self::Mac,
        Self::VerifyMac,
        Self::Encrypt,
        Self::Decrypt,
        Self::DataKey,
        Self::Http,
        Self::AwsSign,
        Self::Token,
        Self::SshSign,
        Self::SshCertificate,
        Self::Totp,
        Self::Release,
    ];

    /// The operation's name, as in requests, policies and the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublicKey => "public-key",
            Self::Sign => "sign",
            Self::Mac => "mac",
            Self::VerifyMac => "verify-mac",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::DataKey => "data-key",
            Self::Http => "http",
            Self::AwsSign => "aws-sign",
            Self::Token => "token",
            Self::SshSign => "ssh-sign",
            Self::SshCertificate => "ssh-certificate",
            Self::Totp => "totp",
            Self::Release => "release",
        }
    }

    /// Whether the answer is a secret, so that it leaves only sealed.
    pub fn wants_sealed(self) -> bool {
        matches!(
            self,
            Self::Decrypt
                | Self::DataKey
                | Self::AwsSign
                | Self::Token
                | Self::Totp
                | Self::Release
        )
    }
}

impl FromStr for OperationName {
    type Err = BadInput;

    fn from_str(text: &str) -> Result<Self, BadInput> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| BadInput::UnknownOperation(input::bounded(text)))
    }
}

impl fmt::Display for OperationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
