//! `token`: issues a short-lived credential, sealed.
//!
//! What may be in it is settled once, from the input, the kind of the secret and its binding: a
//! `Plan`. Policy sees the plan, and the plan is carried out.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    BadInput, Done, Kind, OperationError, OperationName, Setting, Unsuitable, input::Fields,
};
use crate::{
    binding::{Binding, Token},
    errand::Step,
    vault::material::{Material, text},
};

pub mod aws;
pub mod gcp;
pub mod github_app;
pub mod grant;
mod jws;
mod jwt;
pub(crate) mod oauth2;

/// The longest that anything issued may be good, in seconds: 24 hours.
pub const LONGEST: u32 = 24 * 60 * 60;

/// The longest text in the input, in bytes.
const MAX_TEXT: usize = 1024;
/// The most members of a list or an object in the input.
const MAX_MEMBERS: usize = 64;

/// What to issue. Every field may be left out; which ones a secret has a use for, its kind says.
#[derive(Default)]
pub struct TokenInput {
    /// The fields that are there.
    given: Vec<&'static str>,
    audience: Option<String>,
    subject: Option<String>,
    claims: BTreeMap<String, String>,
    scopes: Option<Vec<String>>,
    lifetime: Option<u32>,
    installation: Option<u64>,
    repositories: Option<Vec<String>>,
    permissions: BTreeMap<String, String>,
    role: Option<String>,
    session: Option<String>,
}

/// What will be issued, with nothing left open: within the binding, and all that policy sees.
trait Plan {
    /// What policy sees of it, and the audit log keeps.
    fn fields(&self) -> Map<String, Value>;

    /// Issues it, or begins to.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError>;
}

impl TokenInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let mut reader = Reader {
            fields,
            given: Vec::new(),
        };
        Ok(Self {
            audience: reader.text("audience")?,
            subject: reader.text("subject")?,
            claims: reader.object("claims")?,
            scopes: reader.list("scopes")?,
            lifetime: reader.lifetime()?,
            installation: reader.installation()?,
            repositories: reader.list("repositories")?,
            permissions: reader.object("permissions")?,
            role: reader.text("role")?,
            session: reader.text("session")?,
            given: reader.given,
        })
    }

    /// What was asked for, where nothing can be said of what would be issued.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut text = |name: &str, value: &Option<String>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value.as_str().into());
            }
        };
        text("audience", &self.audience);
        text("subject", &self.subject);
        let scopes = self.scopes.clone().unwrap_or_default();
        fields.insert("scopes".to_owned(), scopes.into());
        fields.insert("claims".to_owned(), texts(&self.claims));
        if let Some(lifetime) = self.lifetime {
            fields.insert("lifetime".to_owned(), lifetime.into());
        }
        fields
    }

    pub(super) fn fields_for(&self, kind: Kind, binding: Option<&Binding>) -> Map<String, Value> {
        match self.plan(kind, binding) {
            Ok(plan) => plan.fields(),
            // What is not possible is refused, and recorded as it was asked.
            Err(_) => {
                let mut fields = self.fields();
                let of = binding.and_then(|binding| binding.token.as_ref());
                fields.insert("type".to_owned(), of.map_or("none", Token::name).into());
                fields
            }
        }
    }

    pub(super) fn suits(&self, kind: Kind, binding: Option<&Binding>) -> Result<(), Unsuitable> {
        self.plan(kind, binding).map(|_| ())
    }

    pub(super) fn perform(
        &self,
        material: &Material,
        setting: Setting<'_>,
    ) -> Result<Step, OperationError> {
        self.plan(material.kind(), setting.binding())?
            .perform(material, setting)
    }

    fn plan<'a>(
        &'a self,
        kind: Kind,
        binding: Option<&'a Binding>,
    ) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
        let token = binding.and_then(|binding| binding.token.as_ref());
        let Some(token) = token else {
            return Err(Unsuitable::NotBound(
                "issue tokens: it has no section `token`".to_owned(),
            ));
        };
        match token {
            Token::Jwt(jwt) => jwt::plan(self, kind, jwt),
            Token::Oauth2(oauth2) => oauth2::plan(self, kind, oauth2),
            Token::GithubApp(app) => github_app::plan(self, kind, app),
            Token::Gcp(gcp) => gcp::plan(self, kind, gcp),
            Token::Aws(aws) => aws::plan(self, kind, aws),
        }
    }

    /// Refuses fields that this kind of secret has no use for.
    fn only(&self, kind: Kind, takes: &'static [&'static str]) -> Result<(), Unsuitable> {
        match self.given.iter().find(|field| !takes.contains(field)) {
            None => Ok(()),
            Some(field) => Err(Unsuitable::Field {
                kind,
                operation: OperationName::Token,
                field,
                takes,
            }),
        }
    }

    /// How long it is to be good, in seconds: what is asked for, else the longest allowed.
    fn lifetime(&self, longest: u32) -> Result<u32, Unsuitable> {
        match self.lifetime {
            None => Ok(longest),
            Some(asked) if asked <= longest => Ok(asked),
            Some(asked) => Err(Unsuitable::NotBound(format!(
                "issue a token for {asked} s; it allows {longest} s"
            ))),
        }
    }
}

/// `{"token", "type", "expires"?, …, "version"}`: the answer, in memory that is wiped.
///
/// `rest` holds nothing secret.
fn issued(
    token: &str,
    kind: &str,
    expires: Option<Timestamp>,
    version: u32,
    rest: Map<String, Value>,
) -> Result<Done, OperationError> {
    #[derive(Serialize)]
    struct Issued<'a> {
        token: &'a str,
        r#type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires: Option<String>,
        #[serde(flatten)]
        rest: Map<String, Value>,
        version: u32,
    }
    let rest_length = Value::Object(rest.clone()).to_string().len();
    let issued = Issued {
        token,
        r#type: kind,
        expires: expires.map(|time| format!("{time:.0}")),
        rest,
        version,
    };
    text::write(&issued, token.len() + rest_length)
        .map(Done::Secret)
        .map_err(|_| OperationError::Machine("write the answer"))
}

fn texts(texts: &BTreeMap<String, String>) -> Value {
    let texts = texts.iter();
    Value::Object(
        texts
            .map(|(name, text)| (name.clone(), text.as_str().into()))
            .collect(),
    )
}

/// Reads the fields, bounded, and remembers which were there.
struct Reader<'a> {
    fields: &'a mut Fields,
    given: Vec<&'static str>,
}

impl Reader<'_> {
    fn take(&mut self, field: &'static str) -> Option<Value> {
        let value = self.fields.value(field)?;
        self.given.push(field);
        Some(value)
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, BadInput> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) if is_plain(&text) => Ok(Some(text)),
            Some(_) => Err(BadInput::Form {
                field,
                expected: "a text of 1 to 1024 bytes without control characters",
            }),
        }
    }

    /// Sorted, each once.
    fn list(&mut self, field: &'static str) -> Result<Option<Vec<String>>, BadInput> {
        const EXPECTED: &str = "a list of at most 64 texts without control characters";
        let bad = BadInput::Form {
            field,
            expected: EXPECTED,
        };
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let Value::Array(members) = value else {
            return Err(bad);
        };
        if members.len() > MAX_MEMBERS {
            return Err(bad);
        }
        let texts = members.into_iter().map(|member| match member {
            Value::String(text) if is_plain(&text) => Some(text),
            _ => None,
        });
        let mut texts = texts.collect::<Option<Vec<_>>>().ok_or(bad)?;
        texts.sort_unstable();
        texts.dedup();
        Ok(Some(texts))
    }

    fn object(&mut self, field: &'static str) -> Result<BTreeMap<String, String>, BadInput> {
        let bad = BadInput::Form {
            field,
            expected: "an object of at most 64 texts without control characters",
        };
        match self.take(field) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(members)) if members.len() <= MAX_MEMBERS => {
                let texts = members.into_iter().map(|(name, value)| match value {
                    Value::String(text) if is_plain(&name) && is_plain(&text) => Some((name, text)),
                    _ => None,
                });
                texts.collect::<Option<_>>().ok_or(bad)
            }
            Some(_) => Err(bad),
        }
    }

    fn lifetime(&mut self) -> Result<Option<u32>, BadInput> {
        let Some(value) = self.take("lifetime") else {
            return Ok(None);
        };
        match value.as_u64().map(u32::try_from) {
            Some(Ok(seconds @ 1..=LONGEST)) => Ok(Some(seconds)),
            _ => Err(BadInput::Form {
                field: "lifetime",
                expected: "a whole number of seconds from 1 to 86400",
            }),
        }
    }

    fn installation(&mut self) -> Result<Option<u64>, BadInput> {
        let Some(value) = self.take("installation") else {
            return Ok(None);
        };
        // Exact in every JSON reader, and a whole number that policy knows.
        match value.as_u64() {
            Some(id) if (1..1 << 53).contains(&id) => Ok(Some(id)),
            _ => Err(BadInput::Form {
                field: "installation",
                expected: "the number of an installation",
            }),
        }
    }
}

fn is_plain(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && !text.contains(char::is_control)
}

/// Some of it may be about the caller's own users; the audit log has it, a debug line need not.
impl fmt::Debug for TokenInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenInput({})", self.given.join(", "))
    }
}

#[cfg(test)]
mod tests;
