//! Reading the input of an operation: every field by name, none left over.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{OperationName, list};

mod texts;

/// Why an operation's input can't be read. The caller's mistake: 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// There is no operation of that name.
    #[error("`{0}` is not an operation; use {operations}", operations = list(&OperationName::ALL))]
    UnknownOperation(String),
    /// The input is something else than an object.
    #[error("the input of `{0}` must be a JSON object")]
    NotAnObject(OperationName),
    /// A field that this operation does not have.
    #[error("`{operation}` takes no field `{field}`; {}", takes(known))]
    UnknownField {
        /// The operation.
        operation: OperationName,
        /// The field, cut if it is long.
        field: String,
        /// The fields that the operation has.
        known: Vec<&'static str>,
    },
    /// A field that this operation must have.
    #[error("`{operation}` needs the field {}", or(fields))]
    Missing {
        /// The operation.
        operation: OperationName,
        /// One of these was expected.
        fields: Vec<&'static str>,
    },
    /// Fields of which only one may be there.
    #[error("`{operation}` takes `{first}` or `{second}`, not both")]
    Both {
        /// The operation.
        operation: OperationName,
        /// One field.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A field of the wrong form.
    #[error("the field `{field}` must be {expected}")]
    Form {
        /// The field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A text that is not one of those that the field takes.
    #[error("`{value}` is not a value of the field `{field}`; use {choices}")]
    Choice {
        /// The field.
        field: &'static str,
        /// What it was, cut if it is long.
        value: String,
        /// What it may be.
        choices: String,
    },
    /// More bytes than the field may hold.
    #[error("the field `{field}` may hold at most {limit} bytes")]
    TooLong {
        /// The field.
        field: &'static str,
        /// The limit in bytes, after base64 decoding.
        limit: usize,
    },
}

/// An input being read: fields are taken out one by one, and [`Fields::finish`] refuses the rest.
pub(super) struct Fields {
    operation: OperationName,
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(super) fn new(operation: OperationName, input: Value) -> Result<Self, BadInput> {
        let left = match input {
            Value::Object(left) => left,
            Value::Null => Map::new(),
            _ => return Err(BadInput::NotAnObject(operation)),
        };
        Ok(Self {
            operation,
            left,
            known: Vec::new(),
        })
    }

    pub(super) fn finish(self) -> Result<(), BadInput> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(field) => Err(BadInput::UnknownField {
                operation: self.operation,
                field: bounded(field),
                known: self.known,
            }),
        }
    }

    /// Base64 as bytes.
    pub(super) fn bytes(&mut self, field: &'static str) -> Result<Zeroizing<Vec<u8>>, BadInput> {
        self.optional_bytes(field)?
            .ok_or_else(|| self.missing(&[field]))
    }

    /// Base64 as bytes, if the field is there.
    pub(super) fn optional_bytes(
        &mut self,
        field: &'static str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, BadInput> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(_) => Err(BadInput::Form {
                field,
                expected: "standard base64 with padding",
            }),
        }
    }

    /// Base64 of exactly `N` bytes.
    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
        expected: &'static str,
    ) -> Result<[u8; N], BadInput> {
        let bytes = self.bytes(field)?;
        <[u8; N]>::try_from(bytes.as_slice()).map_err(|_| BadInput::Form { field, expected })
    }

    /// One of the values in `choices`, if the field is there.
    pub(super) fn choice<T: Copy + std::fmt::Display>(
        &mut self,
        field: &'static str,
        choices: &[T],
    ) -> Result<Option<T>, BadInput> {
        let Some(text) = self.text(field)? else {
            return Ok(None);
        };
        let found = choices.iter().find(|choice| choice.to_string() == *text);
        found.copied().map(Some).ok_or_else(|| BadInput::Choice {
            field,
            value: bounded(&text),
            choices: list(choices),
        })
    }

    /// The number of a version, if there is one.
    pub(super) fn version(&mut self) -> Result<Option<u32>, BadInput> {
        let Some(value) = self.take("version") else {
            return Ok(None);
        };
        match value.as_u64().map(u32::try_from) {
            Some(Ok(version @ 1..)) => Ok(Some(version)),
            _ => Err(BadInput::Form {
                field: "version",
                expected: "a whole number from 1 on",
            }),
        }
    }

    /// A text, if the field is there.
    pub(super) fn string(&mut self, field: &'static str) -> Result<Option<String>, BadInput> {
        Ok(self.text(field)?.map(|text| text.to_string()))
    }

    /// Anything, if the field is there.
    pub(super) fn value(&mut self, field: &'static str) -> Option<Value> {
        self.take(field)
    }

    pub(super) fn missing(&self, fields: &[&'static str]) -> BadInput {
        BadInput::Missing {
            operation: self.operation,
            fields: fields.to_vec(),
        }
    }

    pub(super) fn both(&self, first: &'static str, second: &'static str) -> BadInput {
        BadInput::Both {
            operation: self.operation,
            first,
            second,
        }
    }

    /// Texts may be secret (a plaintext), so they are wiped when their reader is done.
    fn text(&mut self, field: &'static str) -> Result<Option<Zeroizing<String>>, BadInput> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Zeroizing::new(text))),
            Some(_) => Err(BadInput::Form {
                field,
                expected: "a string",
            }),
        }
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        self.left.remove(field)
    }
}

/// What an error message may repeat of a caller's text.
pub(super) fn bounded(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_debug).collect()
}

fn takes(known: &[&'static str]) -> String {
    if known.is_empty() {
        "its input is empty".to_owned()
    } else {
        format!("it takes {}", list(known))
    }
}

fn or(fields: &[&'static str]) -> String {
    let quoted: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    quoted.join(" or ")
}
