//! Why an operation can't be done: before it is recorded, and after.

use super::{Kind, OperationName, SignAlgorithm, list};

/// Why this operation can't be done with this secret. The caller's mistake: 422.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// The kind of secret has no such operation.
    #[error("`{operation}` is not possible with a secret of kind `{kind}`; it can do {}", list(kind.operations()))]
    Kind {
        /// The kind of the secret.
        kind: Kind,
        /// What was asked for.
        operation: OperationName,
    },
    /// The operation has such a field, but not with this kind of secret.
    #[error(
        "`{operation}` with a secret of kind `{kind}` takes no field `{field}`; it takes {}",
        list(takes)
    )]
    Field {
        /// The kind of the secret.
        kind: Kind,
        /// What was asked for.
        operation: OperationName,
        /// The field.
        field: &'static str,
        /// The fields that this kind has a use for.
        takes: &'static [&'static str],
    },
    /// The secret's binding does not allow it.
    #[error("the binding of the secret does not allow to {0}")]
    NotBound(String),
    /// The owner did not mark the secret as one that may leave.
    #[error("the secret is not marked releasable")]
    NotReleasable,
    /// The kind has the operation, but not with this algorithm.
    #[error("a key of kind `{kind}` can't sign with `{algorithm}`; it can with {}", list(SignAlgorithm::of(*kind)))]
    Algorithm {
        /// The kind of the secret.
        kind: Kind,
        /// What was asked for.
        algorithm: SignAlgorithm,
    },
    /// The algorithm signs messages only.
    #[error("`{0}` signs a message, not a digest; send `message`")]
    NoDigest(SignAlgorithm),
    /// The digest is not as long as the algorithm's hash.
    #[error("`{algorithm}` signs a digest of {expected} bytes, and this one has {found}")]
    DigestLength {
        /// The algorithm that would have signed it.
        algorithm: SignAlgorithm,
        /// The length of the algorithm's hash in bytes.
        expected: usize,
        /// The length of the digest in bytes.
        found: usize,
    },
    /// Only ECDSA signatures come in two encodings.
    #[error("a signature by `{0}` has one encoding only; leave `encoding` out")]
    NoEncoding(SignAlgorithm),
}

/// Why an operation failed after it was allowed and recorded.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// The caller's: the operation is not possible with this secret.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
    /// The caller's: wrong key version, or something in it was changed.
    #[error("the ciphertext does not decrypt; check `version`, `iv`, `tag` and `aad`")]
    DoesNotDecrypt,
    /// The machine's: the cryptographic library refused what should have worked.
    #[error("the cryptographic library failed to {0}")]
    Machine(&'static str),
}
