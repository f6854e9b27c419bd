//! OAuth 2 access tokens (RFC 6749, sections 4.4 and 6): handed out sealed, or attached to a
//! request.
//!
//! **Invariant: a refresh token is kept before the access token is used.** The provider has given
//! up the old one by then.

use ::http::header;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Plan, TokenInput,
    grant::{self, Granted},
    issued,
};
use crate::{
    binding::{Binding, ClientAuthentication, Grant, Oauth2, Token},
    errand::{Begun, Call, Failure, Opened, Reply, Report, Step},
    operation::{Kind, OperationError, Setting, Unsuitable, input::bounded, list},
    outgoing::{Credential, target::encode},
    vault::material::{Material, oauth2::Client},
};

mod request;

pub(crate) use request::begin;

/// What the token endpoint will be asked for.
#[derive(Clone)]
struct Exchange {
    scopes: Vec<String>,
    /// The parameter's name, and its value.
    target: Option<(&'static str, String)>,
}

/// A token for a caller.
struct Access<'a> {
    binding: &'a Oauth2,
    exchange: Exchange,
}

/// Settles what will be asked for, or says why it is not allowed.
pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    binding: &'a Oauth2,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    input.only(kind, &["scopes", "audience"])?;
    let scopes = within(input.scopes.as_deref(), &binding.scopes, "scope")?;
    let exchange = Exchange {
        scopes,
        target: target(input.audience.as_deref(), binding)?,
    };
    Ok(Box::new(Access { binding, exchange }))
}

/// Whether requests can be sent with a token under this binding.
pub(crate) fn suits(binding: Option<&Binding>) -> Result<(), Unsuitable> {
    target(None, section(binding)?).map(|_| ())
}

/// What is asked for of what is allowed; all of it if nothing is named.
pub(super) fn within(
    asked: Option<&[String]>,
    allowed: &[String],
    what: &str,
) -> Result<Vec<String>, Unsuitable> {
    let Some(asked) = asked else {
        return Ok(allowed.to_vec());
    };
    match asked.iter().find(|one| !allowed.contains(one)) {
        None if asked.is_empty() && !allowed.is_empty() => Err(Unsuitable::NotBound(format!(
            "issue a token without a {what}: leave them out for all, or name some of {}",
            list(allowed)
        ))),
        None => Ok(asked.to_vec()),
        Some(other) => Err(Unsuitable::NotBound(format!(
            "issue a token with the {what} `{}`; it allows {}",
            bounded(other),
            match allowed {
                [] => "none to be named".to_owned(),
                some => list(some),
            }
        ))),
    }
}

fn target(
    asked: Option<&str>,
    binding: &Oauth2,
) -> Result<Option<(&'static str, String)>, Unsuitable> {
    let possible = binding.target();
    match (asked, possible) {
        (None, None) => Ok(None),
        (None, Some((parameter, [only]))) => Ok(Some((parameter, only.clone()))),
        (None, Some((_, several))) => Err(Unsuitable::NotBound(format!(
            "issue a token without `audience`; it allows {}",
            list(several)
        ))),
        (Some(asked), Some((parameter, several))) if several.iter().any(|one| one == asked) => {
            Ok(Some((parameter, asked.to_owned())))
        }
        (Some(asked), _) => Err(Unsuitable::NotBound(format!(
            "issue a token for the audience `{}`; it allows {}",
            bounded(asked),
            possible.map_or("none".to_owned(), |(_, several)| list(several))
        ))),
    }
}

fn section(binding: Option<&Binding>) -> Result<&Oauth2, Unsuitable> {
    match binding.and_then(|binding| binding.token.as_ref()) {
        Some(Token::Oauth2(oauth2)) => Ok(oauth2),
        _ => Err(Unsuitable::NotBound(
            "fetch access tokens: it has no section `token.oauth2`".to_owned(),
        )),
    }
}

impl Plan for Access<'_> {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", "oauth2".into());
        if let Some((_, target)) = &self.exchange.target {
            put("audience", target.as_str().into());
        }
        put("scopes", self.exchange.scopes.clone().into());
        put("claims", Value::Object(Map::new()));
        put("lifetime", self.binding.max_lifetime.into());
        fields
    }

    /// `{"token", "type": "oauth2", "expires", "token_type", "scope", "version"}`.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError> {
        let exchange = self.exchange.clone();
        match self.binding.grant {
            // Nothing is used up: any number of them at the same time.
            Grant::ClientCredentials => match exchange.hand_out(material, setting)? {
                Begun::Over(step) => Ok(step),
                Begun::Call(call, then) => Ok(Step::Call(call, then)),
            },
            Grant::RefreshToken => Ok(Step::Wait(Box::new(move |opened: Opened<'_>| {
                exchange.hand_out(opened.material, opened.setting)
            }))),
        }
    }
}

impl Exchange {
    /// Gets a token for a caller.
    fn hand_out(self, material: &Material, setting: Setting<'_>) -> Result<Begun, OperationError> {
        let binding = section(setting.binding())?.clone();
        let client = Client::of(material).ok_or(OperationError::Machine("read the client"))?;
        let call = self.call(&binding, &client, setting)?;
        let (version, now) = (setting.version, setting.now);
        Ok(Begun::Call(
            call,
            Box::new(move |reply| {
                let granted = Granted::of(&reply)?;
                let rotated = rotated(&binding, client, &granted, &reply)?;
                let report = move || self.report(&binding, &granted, &reply, version, now);
                match rotated {
                    Some(material) => Ok(Step::Keep(material, Box::new(report))),
                    None => report(),
                }
            }),
        ))
    }

    fn report(
        &self,
        binding: &Oauth2,
        granted: &Granted,
        reply: &Reply,
        version: u32,
        now: Timestamp,
    ) -> Result<Step, Failure> {
        let unusable = |detail| Err(grant::bad_answer(reply, detail));
        let Some(lifetime) = lifetime(binding, granted) else {
            return unusable(
                "the token endpoint does not say how long the token is good; if it is documented, \
                 set `documented_lifetime` in the binding"
                    .to_owned(),
            );
        };
        if lifetime > binding.max_lifetime.into() {
            return unusable(format!(
                "the token is good for {lifetime} s, and the binding allows {} s",
                binding.max_lifetime
            ));
        }
        let asked: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let scopes = granted.scopes().unwrap_or_else(|| asked.clone());
        if !asked.is_empty()
            && let Some(more) = scopes.iter().find(|scope| !asked.contains(scope))
        {
            return unusable(format!(
                "the token has the scope `{}`, which was not asked for",
                bounded(more)
            ));
        }
        // From when the request was sent: the token is not good for less.
        let Some(expires) = later(now, lifetime) else {
            return unusable("the token is good for longer than there is time".to_owned());
        };
        let mut rest = Map::new();
        rest.insert("token_type".to_owned(), "Bearer".into());
        rest.insert("scope".to_owned(), scopes.join(" ").into());
        let done = issued(
            granted.access_token(),
            "oauth2",
            Some(expires),
            version,
            rest,
        )
        .map_err(|error| grant::bad_answer(reply, error.to_string()))?;
        Ok(Step::Report(Report::issued(
            done,
            Some(reply.status),
            expires,
        )))
    }

    /// The call to the token endpoint.
    fn call(
        &self,
        binding: &Oauth2,
        client: &Client,
        setting: Setting<'_>,
    ) -> Result<Box<Call>, OperationError> {
        let missing = |what: &str| {
            Unsuitable::NotBound(format!("use a client without `{what}` with its grant"))
        };
        let mut form: Vec<(&str, &str)> = Vec::new();
        let secret = client.client_secret.as_ref().map(|secret| secret.as_str());
        match binding.grant {
            Grant::ClientCredentials => {
                form.push(("grant_type", "client_credentials"));
                secret.ok_or_else(|| missing("client_secret"))?;
            }
            Grant::RefreshToken => {
                let token = client.refresh_token.as_ref();
                let token = token.ok_or_else(|| missing("refresh_token"))?;
                form.push(("grant_type", "refresh_token"));
                form.push(("refresh_token", token.as_str()));
            }
        }
        let scope = self.scopes.join(" ");
        if !scope.is_empty() {
            form.push(("scope", &scope));
        }
        if let Some((parameter, value)) = &self.target {
            form.push((parameter, value));
        }
        let mut credential = Credential::default();
        let id = client.client_id.as_str();
        match (binding.authentication, secret) {
            (ClientAuthentication::Basic, Some(secret)) => {
                credential
                    .header(header::AUTHORIZATION, basic(id, secret))
                    .ok_or(OperationError::Machine("write the client's credential"))?;
            }
            (ClientAuthentication::Post, Some(secret)) => {
                form.push(("client_id", id));
                form.push(("client_secret", secret));
            }
            // A public client only says who it is (section 3.2.1).
            (_, None) => form.push(("client_id", id)),
        }
        let path = binding.path.as_deref().unwrap_or_default();
        grant::post(&binding.endpoint, setting, path, credential, &form)
    }
}

/// Section 2.3.1: id and secret are encoded like a form's values, and then like HTTP Basic.
fn basic(id: &str, secret: &str) -> Zeroizing<String> {
    const SCHEME: &str = "Basic ";
    let mut pair = Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
    encode(id, &mut pair);
    pair.push(':');
    encode(secret, &mut pair);
    let mut value = Zeroizing::new(String::with_capacity(
        SCHEME.len() + pair.len().div_ceil(3) * 4,
    ));
    value.push_str(SCHEME);
    STANDARD.encode_string(pair.as_bytes(), &mut value);
    value
}

/// The client with its new refresh token, if the provider gave one.
fn rotated(
    binding: &Oauth2,
    mut client: Client,
    granted: &Granted,
    reply: &Reply,
) -> Result<Option<Material>, Failure> {
    let Some(new) = granted.refresh_token() else {
        return Ok(None);
    };
    if binding.grant != Grant::RefreshToken || client.refresh_token.as_ref() == Some(new) {
        return Ok(None);
    }
    client.refresh_token = Some(new.clone());
    let material = client.to_material();
    let material = material.map_err(|error| grant::bad_answer(reply, error.to_string()))?;
    Ok(Some(material))
}

fn lifetime(binding: &Oauth2, granted: &Granted) -> Option<u64> {
    granted
        .expires_in()
        .or(binding.documented_lifetime.map(u64::from))
}

fn later(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    let seconds = i64::try_from(seconds).ok()?;
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}
