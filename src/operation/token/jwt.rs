//! JSON Web Tokens (RFC 7519), signed with the secret itself.

use std::collections::BTreeMap;

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Plan, TokenInput, issued, jws};
use crate::{
    binding::{Jwt, JwtAlgorithm},
    errand::{Report, Step},
    operation::{Kind, OperationError, OperationName, Setting, Unsuitable, input::bounded, list},
    vault::material::Material,
};

/// A token with all of its claims but those of the moment.
struct Claims<'a> {
    binding: &'a Jwt,
    algorithm: JwtAlgorithm,
    audience: Option<&'a str>,
    subject: Option<String>,
    asked: &'a BTreeMap<String, String>,
    lifetime: u32,
}

/// Settles the claims, or says why they are not allowed.
pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    binding: &'a Jwt,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    input.only(kind, &["audience", "subject", "claims", "lifetime"])?;
    let algorithm = binding.algorithm(kind).ok_or(Unsuitable::Kind {
        kind,
        operation: OperationName::Token,
    })?;
    for (name, value) in &input.claims {
        let patterns = binding.allow.get(name);
        if !patterns.is_some_and(|some| some.iter().any(|pattern| pattern.allows(value))) {
            let names: Vec<&String> = binding.allow.keys().collect();
            let allowed = match (patterns, names.as_slice()) {
                (Some(patterns), _) => list(patterns),
                (None, []) => "no claim".to_owned(),
                (None, names) => list(names),
            };
            return Err(Unsuitable::NotBound(format!(
                "set the claim `{}` to `{}`; it allows {allowed}",
                bounded(name),
                bounded(value),
            )));
        }
    }
    Ok(Box::new(Claims {
        binding,
        algorithm,
        audience: audience(input, binding)?,
        subject: subject(input, binding)?,
        asked: &input.claims,
        lifetime: input.lifetime(binding.max_lifetime)?,
    }))
}

fn audience<'a>(input: &TokenInput, binding: &'a Jwt) -> Result<Option<&'a str>, Unsuitable> {
    let possible = &binding.audience;
    match (&input.audience, possible.as_slice()) {
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only)),
        (None, _) => Err(Unsuitable::NotBound(format!(
            "issue a token without `audience`; it allows {}",
            list(possible)
        ))),
        (Some(asked), _) => match possible.iter().find(|one| *one == asked) {
            Some(found) => Ok(Some(found)),
            None => Err(Unsuitable::NotBound(format!(
                "issue a token for the audience `{}`; it allows {}",
                bounded(asked),
                or_none(possible)
            ))),
        },
    }
}

fn subject(input: &TokenInput, binding: &Jwt) -> Result<Option<String>, Unsuitable> {
    let possible = &binding.subject;
    match (&input.subject, possible.as_slice()) {
        (None, []) => Ok(None),
        (None, some) => {
            let mut literals = some.iter().filter_map(|pattern| pattern.literal());
            match (literals.next(), literals.next()) {
                (Some(only), None) => Ok(Some(only)),
                _ => Err(Unsuitable::NotBound(format!(
                    "issue a token without `subject`; it allows {}",
                    list(possible)
                ))),
            }
        }
        (Some(asked), some) if some.iter().any(|pattern| pattern.allows(asked)) => {
            Ok(Some(asked.clone()))
        }
        (Some(asked), _) => Err(Unsuitable::NotBound(format!(
            "issue a token for the subject `{}`; it allows {}",
            bounded(asked),
            or_none(possible)
        ))),
    }
}

fn or_none(words: &[impl std::fmt::Display]) -> String {
    match words {
        [] => "none".to_owned(),
        some => list(some),
    }
}

impl Plan for Claims<'_> {
    /// `claims` has the owner's too; what is not a text stands there as JSON.
    fn fields(&self) -> Map<String, Value> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let fixed = self.binding.claims.iter();
        let mut claims: Map<String, Value> = fixed
            .map(|(name, value)| (name.clone(), text(value).into()))
            .collect();
        claims.extend(
            self.asked
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into())),
        );
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", "jwt".into());
        put("issuer", self.binding.issuer.as_str().into());
        if let Some(audience) = self.audience {
            put("audience", audience.into());
        }
        if let Some(subject) = &self.subject {
            put("subject", subject.as_str().into());
        }
        put("scopes", Value::Array(Vec::new()));
        put("claims", Value::Object(claims));
        put("lifetime", self.lifetime.into());
        fields
    }

    /// `{"token", "type": "jwt", "expires", "version"}`.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError> {
        let issued_at = setting.now.as_second();
        let expires_at = issued_at + i64::from(self.lifetime);
        let mut claims = self.binding.claims.clone();
        for (name, value) in self.asked {
            claims.insert(name.clone(), value.as_str().into());
        }
        // Last, so that nothing else can stand in their place.
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", self.binding.issuer.as_str().into());
        if let Some(subject) = &self.subject {
            put("sub", subject.as_str().into());
        }
        if let Some(audience) = self.audience {
            put("aud", audience.into());
        }
        put("iat", issued_at.into());
        put("nbf", issued_at.into());
        put("exp", expires_at.into());
        put("jti", unique()?.into());

        let mut header = Map::new();
        let typ = self.binding.typ.as_deref().unwrap_or("JWT");
        header.insert("typ".to_owned(), typ.into());
        let thumbprint = || Some(material.public_key()?.thumbprint().to_string());
        let key_id = self.binding.key_id.clone().or_else(thumbprint);
        if let Some(key_id) = key_id {
            header.insert("kid".to_owned(), key_id.into());
        }
        let token = jws::compact(material, self.algorithm, header, &claims)?;
        let expires = Timestamp::from_second(expires_at)
            .map_err(|_| OperationError::Machine("tell the time"))?;
        let done = issued(&token, "jwt", Some(expires), setting.version, Map::new())?;
        Ok(Step::Report(Report::issued(done, None, expires)))
    }
}

/// 128 random bits: no two tokens have the same `jti`.
fn unique() -> Result<String, OperationError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| OperationError::Machine("make a random number"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
