//! Signed tree heads: C2SP tlog-checkpoint inside a C2SP signed note.

use signed_note::{
    Note, NoteError, Signer, StandardVerifier, VerificationError, Verifier, Verifiers,
};
use tlog_tiles::{Checkpoint, Hash};

/// The public key of a log, from its C2SP verifier key (`<origin>+<id>+<base64>`).
pub(crate) struct LogKey(StandardVerifier);

/// Why a checkpoint is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// The verifier key itself cannot be read.
    #[error("the log's key is not a signed-note verifier key (`<origin>+<id>+<base64>`)")]
    Key,
    /// Not a signed note whose text is a checkpoint.
    #[error("the checkpoint is not a signed note with a tree head")]
    Malformed,
    /// It speaks of another log.
    #[error("the checkpoint is of another log")]
    Origin,
    /// The key did not sign it, or it was changed afterwards.
    #[error("the checkpoint is not signed with the log's key, or was changed after it was signed")]
    Signature,
}

impl LogKey {
    /// Reads a verifier key.
    pub fn parse(vkey: &str) -> Result<Self, BadCheckpoint> {
        StandardVerifier::new(vkey)
            .map(Self)
            .map_err(|_| BadCheckpoint::Key)
    }

    /// The log's origin, which is also the key's name.
    pub fn origin(&self) -> &str {
        self.0.name()
    }

    /// Whether `signer` signs in this key's name.
    pub fn is_of(&self, signer: &dyn Signer) -> bool {
        (self.0.name(), self.0.key_id()) == (signer.name(), signer.key_id())
    }

    /// Checks the signature of `note` and gives its tree head.
    pub fn open(&self, note: &str) -> Result<Checkpoint, BadCheckpoint> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| BadCheckpoint::Malformed)?;
        note.verify(self).map_err(|_| BadCheckpoint::Signature)?;
        let head = head(&note)?;
        if head.origin() != self.origin() {
            return Err(BadCheckpoint::Origin);
        }
        Ok(head)
    }
}

impl Verifiers for LogKey {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if (name, id) == (self.0.name(), self.0.key_id()) {
            Ok(&self.0)
        } else {
            Err(VerificationError::UnknownKey {
                name: name.to_owned(),
                id,
            })
        }
    }
}

/// Signs the tree head of `size` entries; the origin is the signer's name.
pub(crate) fn sign(signer: &dyn Signer, size: u64, root: Hash) -> Result<String, NoteError> {
    let head =
        Checkpoint::new(signer.name(), size, root, "").map_err(|_| NoteError::InvalidSigner)?;
    let mut note = Note::new(&head.to_bytes(), &[])?;
    note.add_sigs(&[signer])?;
    String::from_utf8(note.to_bytes()).map_err(|_| NoteError::MalformedNote)
}

/// The tree head of `note`, believed without its signature.
pub(crate) fn danger_unverified(note: &str) -> Result<Checkpoint, BadCheckpoint> {
    let note = Note::from_bytes(note.as_bytes()).map_err(|_| BadCheckpoint::Malformed)?;
    head(&note)
}

fn head(note: &Note) -> Result<Checkpoint, BadCheckpoint> {
    Checkpoint::from_bytes(note.text()).map_err(|_| BadCheckpoint::Malformed)
}
