//! What makes another request the same operation.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{audit::Ask, name::Name, operation::OperationName, request::digest::sha256};

/// The SHA-256 of what a yes that stands for a while stands for: the service, the name it asked
/// for and the secret behind it, the operation, and the fields that policy sees, in canonical JSON
/// (RFC 8785). Purpose and ticket may differ, and so may what policy does not see: the message
/// under `sign`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Same([u8; 32]);

/// In the order of RFC 8785.
#[derive(Serialize)]
struct Operation<'a> {
    asked: &'a Name,
    fields: &'a Map<String, Value>,
    operation: OperationName,
    /// An alias that is pointed at another secret takes no yes along.
    secret: &'a Name,
    service: &'a Name,
}

impl Same {
    /// Of what was asked for; `secret` is what the name asked for stands for.
    pub fn of(ask: &Ask, secret: &Name) -> Self {
        let operation = Operation {
            asked: &ask.asked,
            fields: &ask.fields,
            operation: ask.operation,
            secret,
            service: &ask.service,
        };
        #[expect(
            clippy::expect_used,
            reason = "names, strings and the numbers of JSON always serialise"
        )]
        let text = serde_json_canonicalizer::to_vec(&operation).expect("an operation is JSON");
        Self(sha256(&text))
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Same {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Same(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}
