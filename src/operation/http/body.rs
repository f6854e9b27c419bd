//! The body of a request: written once, and looked into as it is written.

use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use super::named_values;
use crate::{
    operation::{BadInput, input::Fields},
    outgoing::headers::{is_form, is_json},
};

/// The most bytes of a body.
pub const MAX_BODY: usize = 10 * 1024 * 1024;

/// The longest value that policy is shown of a body, in bytes.
const MAX_SEEN: usize = 1024;

/// What a member may not be named.
pub(super) const OVERRIDE: &str =
    "without `_method`, which some servers take for another method than the request has";

/// A body, as it is sent.
pub(super) struct Body {
    form: Form,
    bytes: Bytes,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    /// Written by us, so each member is there once.
    Json,
    /// Written by us, so each name is there once.
    Fields,
    /// Taken as it came.
    Raw,
}

impl Body {
    /// `body`, `form` or `body_base64`, with the media type that the caller gives it.
    pub(super) fn read(fields: &mut Fields, headers: &HeaderMap) -> Result<Self, BadInput> {
        let json = fields.value("body");
        let form = fields.value("form");
        let raw = fields.optional_bytes("body_base64")?;
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let is = |test: fn(&str) -> bool| content_type.is_some_and(test);
        let form_of = |expected| BadInput::Form {
            field: "headers",
            expected,
        };
        let (field, body) = match (json, form, raw) {
            (None, None, None) => ("body", Self::new(Form::None, Vec::new())),
            (Some(json), None, None) => {
                if content_type.is_some() && !is(is_json) {
                    return Err(form_of(
                        "with a `content-type` of JSON; send another body as `form` or `body_base64`",
                    ));
                }
                let overridden = json
                    .as_object()
                    .is_some_and(|members| members.keys().any(|name| overrides_method(name)));
                if overridden {
                    return Err(BadInput::Form {
                        field: "body",
                        expected: OVERRIDE,
                    });
                }
                let bytes = serde_json::to_vec(&json).map_err(|_| BadInput::Form {
                    field: "body",
                    expected: "JSON",
                })?;
                ("body", Self::new(Form::Json, bytes))
            }
            (None, Some(form), None) => {
                if content_type.is_some() && !is(is_form) {
                    return Err(form_of(
                        "with no other `content-type` than `application/x-www-form-urlencoded`",
                    ));
                }
                let pairs = named_values("form", Some(form))?;
                (
                    "form",
                    Self::new(Form::Fields, pairs.to_string().into_bytes()),
                )
            }
            (None, None, Some(raw)) => {
                // Policy looks into these, so they are written here.
                if is(is_json) || is(is_form) {
                    return Err(form_of(
                        "with another `content-type`: send JSON as `body`, and a form as `form`",
                    ));
                }
                ("body_base64", Self::new(Form::Raw, raw.to_vec()))
            }
            (Some(_), Some(_), _) => return Err(fields.both("body", "form")),
            (Some(_), _, Some(_)) => return Err(fields.both("body", "body_base64")),
            (_, Some(_), Some(_)) => return Err(fields.both("form", "body_base64")),
        };
        match body.bytes.len() {
            0..=MAX_BODY => Ok(body),
            _ => Err(BadInput::TooLong {
                field,
                limit: MAX_BODY,
            }),
        }
    }

    fn new(form: Form, bytes: Vec<u8>) -> Self {
        Self {
            form,
            bytes: bytes.into(),
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.form != Form::None
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The media type when the caller gives none.
    pub(super) fn content_type(&self) -> &'static str {
        match self.form {
            Form::Json => "application/json",
            Form::Fields => "application/x-www-form-urlencoded",
            Form::None | Form::Raw => "application/octet-stream",
        }
    }

    /// What stands at these pointers, read from what is sent: a string's text, and the JSON of
    /// anything else. Or what the binding does not allow.
    pub(super) fn seen(&self, pointers: &[String]) -> Result<Map<String, Value>, String> {
        let mut seen = Map::new();
        if pointers.is_empty() || self.form == Form::None {
            return Ok(seen);
        }
        let document = match self.form {
            Form::Raw => {
                return Err(
                    "send a body that is neither JSON nor a form: policy looks into it".to_owned(),
                );
            }
            Form::Fields => Value::Object(
                read_form(&self.bytes)
                    .map(|(name, value)| (name, Value::String(value)))
                    .collect(),
            ),
            Form::None | Form::Json => serde_json::from_slice(&self.bytes)
                .map_err(|_| "send a body that can't be read again".to_owned())?,
        };
        for pointer in pointers {
            let Some(value) = document.pointer(pointer) else {
                continue;
            };
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if text.len() > MAX_SEEN {
                return Err(format!(
                    "send more than {MAX_SEEN} bytes at `{}` of the body: policy looks at it",
                    pointer.escape_debug()
                ));
            }
            seen.insert(pointer.clone(), text.into());
        }
        Ok(seen)
    }
}

/// Some frameworks take the method from the query or the body.
pub(super) fn overrides_method(name: &str) -> bool {
    ["_method", "_http_method", "x-http-method-override"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Reads what [`Query`](crate::outgoing::target::Query) wrote.
fn read_form(bytes: &[u8]) -> impl Iterator<Item = (String, String)> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let mut next = || crate::outgoing::target::decoded(parts.next()?);
            Some((next()?, next()?))
        })
}
