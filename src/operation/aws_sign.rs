//! `aws-sign`: signs one AWS request (SigV4), or makes a presigned URL.
//!
//! The request is read into the one spelling in which AWS reads it; policy sees that, it is what is
//! signed, and the answer says it as a URL. The time is the agent's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{BadInput, Done, OperationError, Setting, Unsuitable, input::Fields};
use crate::{
    binding::{BaseUrl, Binding, is_aws_name},
    outgoing::{
        aws::{Payload, Scope, Signed, ToSign, is_s3},
        target::{Query, encode},
    },
    vault::material::{AccessKey, Material, text},
};

mod parts;
mod target;

use self::{parts::Body, target::Target};

const FAILED: OperationError = OperationError::Machine("sign the request");

/// A request to sign.
pub struct AwsSignInput {
    region: String,
    service: String,
    method: &'static str,
    /// Scheme, host and port.
    origin: BaseUrl,
    path: String,
    query: Query,
    /// All of them are signed.
    headers: BTreeMap<String, String>,
    body: Body,
    /// Whether the hash of the body is a header of its own.
    states_hash: bool,
    /// What is called, where it can be seen.
    action: Option<String>,
    /// For a presigned URL: how long it is good, in seconds.
    expires: Option<u32>,
}

/// What the caller gets; sealed.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<&'a str, &'a str>>,
    url: &'a str,
    version: u32,
}

impl AwsSignInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let region = name(fields, "region")?;
        let service = name(fields, "service")?;
        let method = parts::method(fields)?;
        let Target {
            origin,
            path,
            query,
        } = Target::read(fields, is_s3(&service))?;
        let mut headers = parts::headers(fields)?;
        let expires = parts::presign(fields)?;
        let bytes = fields.optional_bytes("body")?;
        let body = Body::read(
            fields,
            bytes.as_ref().map(|bytes| bytes.as_slice()),
            is_s3(&service),
            expires.is_some(),
        )?;
        let states_hash = body.take_header(&mut headers, expires.is_some())?;
        let action = parts::action(
            &query,
            &headers,
            bytes.as_ref().map(|bytes| bytes.as_slice()),
        )?;
        Ok(Self {
            states_hash: states_hash || is_s3(&service),
            region,
            service,
            method,
            origin,
            path,
            query,
            headers,
            body,
            action,
            expires,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let named = |pairs: &mut dyn Iterator<Item = (&str, &str)>| {
            let members = pairs.map(|(name, value)| (name.to_owned(), Value::from(value)));
            Value::Object(members.collect())
        };
        let mut headers = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut fields = Map::from_iter([
            ("service".to_owned(), self.service.as_str().into()),
            ("region".to_owned(), self.region.as_str().into()),
            ("method".to_owned(), self.method.into()),
            ("host".to_owned(), self.origin.authority().into()),
            ("path".to_owned(), self.path.as_str().into()),
            ("query".to_owned(), named(&mut self.query.pairs())),
            ("headers".to_owned(), named(&mut headers)),
            ("presigned".to_owned(), self.expires.is_some().into()),
            (
                "unsigned_payload".to_owned(),
                self.body.is_unsigned().into(),
            ),
        ]);
        if let Some(expires) = self.expires {
            fields.insert("expires".to_owned(), expires.into());
        }
        if let Some(action) = &self.action {
            fields.insert("action".to_owned(), action.as_str().into());
        }
        fields
    }

    pub(super) fn fields_for(&self, _binding: Option<&Binding>) -> Map<String, Value> {
        self.fields()
    }

    pub(super) fn suits(&self, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        let Some(aws) = binding.and_then(|binding| binding.aws.as_ref()) else {
            return Err(Unsuitable::NotBound(
                "sign for AWS: name its regions and services with `strongroom secret bind`"
                    .to_owned(),
            ));
        };
        aws.allows(self.scope(), &self.origin)?;
        match self.expires {
            Some(expires) if expires > aws.longest_presigned() => {
                Err(Unsuitable::NotBound(format!(
                    "make a URL that is good for {expires} s; it allows {} s",
                    aws.longest_presigned()
                )))
            }
            _ => Ok(()),
        }
    }

    /// `{"url", "headers"}` or, presigned, `{"url", "expires"}`; with `version`.
    ///
    /// Always a secret: a signature is good for some minutes for whoever has it, a presigned URL
    /// for longer, and whether a session token is among them is the owner's business: the caller
    /// sees no change when the owner moves from one kind of key to the other.
    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Done, OperationError> {
        self.suits(setting.binding())?;
        let key = AccessKey::of(material).ok_or(FAILED)?;
        let query = self.query.to_string();
        let authority = self.origin.authority();
        let to_sign = ToSign {
            method: self.method,
            authority: &authority,
            path: &self.path,
            query: &query,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            payload: self.payload(),
        };
        let mut url = String::with_capacity(self.path.len() + query.len() + 512);
        url.push_str(if self.origin.is_tls() {
            "https://"
        } else {
            "http://"
        });
        url.push_str(&authority);
        url.push_str(&self.path);
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        match self.expires {
            None => {
                let signed = to_sign.sign(&key, self.scope(), self.states_hash, setting.now)?;
                let headers = signed
                    .added
                    .iter()
                    .map(|(name, value)| (*name, value.as_str()));
                answer(&Answer {
                    expires: None,
                    headers: Some(headers.collect()),
                    url: &url,
                    version: setting.version,
                })
            }
            Some(expires) => {
                let signed = to_sign.presign(&key, self.scope(), expires, setting.now)?;
                let url = with_parameters(&url, !query.is_empty(), &signed);
                // AWS counts from the second in `X-Amz-Date`.
                let seconds = setting.now.as_second() + i64::from(expires);
                answer(&Answer {
                    expires: Timestamp::from_second(seconds).ok(),
                    headers: None,
                    url: &url,
                    version: setting.version,
                })
            }
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            region: &self.region,
            service: &self.service,
        }
    }

    fn payload(&self) -> Payload<'_> {
        match &self.body {
            Body::Hash(hash) => Payload::Hash(hash),
            Body::Unsigned => Payload::Unsigned,
        }
    }
}

/// A region or a service.
fn name(fields: &mut Fields, field: &'static str) -> Result<String, BadInput> {
    let name = fields
        .string(field)?
        .ok_or_else(|| fields.missing(&[field]))?;
    match is_aws_name(&name) {
        true => Ok(name),
        false => Err(BadInput::Form {
            field,
            expected: "a name as in signatures: up to 64 letters, digits, `-`, `_` or `.`",
        }),
    }
}

/// A URL with what signing adds to its query.
fn with_parameters(url: &str, has_query: bool, signed: &Signed) -> Zeroizing<String> {
    // Reserved whole, so that no part of it is left behind: no byte is encoded as more than 3.
    let added: usize = signed
        .added
        .iter()
        .map(|(name, value)| name.len() + 3 * value.len() + 2)
        .sum();
    let mut whole = Zeroizing::new(String::with_capacity(url.len() + added));
    whole.push_str(url);
    for (at, (name, value)) in signed.added.iter().enumerate() {
        whole.push(if at == 0 && !has_query { '?' } else { '&' });
        whole.push_str(name);
        whole.push('=');
        encode(value, &mut whole);
    }
    whole
}

fn answer(answer: &Answer<'_>) -> Result<Done, OperationError> {
    let headers = answer.headers.iter().flatten();
    let texts: usize = headers
        .map(|(name, value)| name.len() + value.len() + 8)
        .sum();
    text::write(answer, texts + answer.url.len())
        .map(Done::Secret)
        .map_err(|_| OperationError::Machine("write the answer"))
}

impl std::fmt::Debug for AwsSignInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AwsSignInput({})", Value::Object(self.fields()))
    }
}

#[cfg(test)]
mod tests;
