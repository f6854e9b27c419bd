//! GitHub App installation tokens.
//!
//! A JWT by the App's key, good for minutes, is exchanged for a token of one installation
//! (GitHub's REST API, `POST /app/installations/{id}/access_tokens`).

use std::collections::BTreeMap;

use ::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Plan, TokenInput, grant, issued, jws, oauth2::within, texts};
use crate::{
    audit::Ending,
    binding::{Access, Attach, GithubApp, JwtAlgorithm},
    errand::{Failure, Reply, Report, Step},
    operation::{Kind, OperationError, Setting, Unsuitable, input::bounded, list},
    vault::material::{Material, text::SecretText},
};

/// The most bytes of an answer: it describes each repository at length.
const MAX_ANSWER: usize = 2 * 1024 * 1024;
/// How long the App's own JWT is good. GitHub takes ten minutes, counted by its own clock.
const ASSERTION: i64 = 9 * 60;
/// GitHub's advice against clocks that differ.
const SKEW: i64 = 60;

/// A token of one installation.
struct Installation<'a> {
    binding: &'a GithubApp,
    installation: u64,
    repositories: Vec<String>,
    permissions: BTreeMap<String, String>,
}

/// What GitHub answers; it has more members than are of use here.
#[derive(Deserialize)]
pub struct Answer {
    token: SecretText,
    expires_at: Timestamp,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    #[serde(default)]
    repositories: Vec<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    name: String,
}

/// Settles what will be asked for, or says why it is not allowed.
pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    binding: &'a GithubApp,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    input.only(kind, &["installation", "repositories", "permissions"])?;
    let repositories = match (&input.repositories, binding.repositories.as_slice()) {
        // The binding names none: the installation is the bound, and a caller may ask for fewer.
        (Some(asked), []) if !asked.is_empty() => asked.clone(),
        (asked, allowed) => within(asked.as_deref(), allowed, "repository")?,
    };
    Ok(Box::new(Installation {
        binding,
        installation: installation(input, binding)?,
        repositories,
        permissions: permissions(input, binding)?,
    }))
}

fn installation(input: &TokenInput, binding: &GithubApp) -> Result<u64, Unsuitable> {
    let allowed = &binding.installations;
    match (input.installation, allowed.as_slice()) {
        (None, [only]) => Ok(*only),
        (None, _) => Err(Unsuitable::NotBound(format!(
            "issue a token without `installation`; it allows {}",
            list(allowed)
        ))),
        (Some(asked), _) if allowed.contains(&asked) => Ok(asked),
        (Some(asked), _) => Err(Unsuitable::NotBound(format!(
            "issue a token for the installation `{asked}`; it allows {}",
            list(allowed)
        ))),
    }
}

fn permissions(
    input: &TokenInput,
    binding: &GithubApp,
) -> Result<BTreeMap<String, String>, Unsuitable> {
    let written = |(name, access): (&String, &Access)| (name.clone(), access.as_str().to_owned());
    if input.permissions.is_empty() {
        return Ok(binding.permissions.iter().map(written).collect());
    }
    for (name, asked) in &input.permissions {
        let known = [Access::Read, Access::Write, Access::Admin];
        let access = known.into_iter().find(|access| access.as_str() == asked);
        let allowed = binding.permissions.get(name);
        // The binding names none: the installation is the bound, and a caller may ask for fewer.
        let is_allowed = |access| match binding.permissions.is_empty() {
            true => true,
            false => allowed.is_some_and(|most| access <= *most),
        };
        if !access.is_some_and(is_allowed) {
            let all: Vec<String> = (binding.permissions.iter().map(written))
                .map(|(name, access)| format!("{name}: {access}"))
                .collect();
            return Err(Unsuitable::NotBound(format!(
                "issue a token with the permission `{}: {}`; it allows {}",
                bounded(name),
                bounded(asked),
                match all.as_slice() {
                    [] => "`read`, `write` and `admin`".to_owned(),
                    some => list(some),
                }
            )));
        }
    }
    Ok(input.permissions.clone())
}

impl Plan for Installation<'_> {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", "github-app".into());
        put("issuer", self.binding.app.as_str().into());
        put("installation", self.installation.into());
        put("repositories", self.repositories.clone().into());
        put("permissions", texts(&self.permissions));
        put("scopes", Value::Array(Vec::new()));
        put("claims", Value::Object(Map::new()));
        put("lifetime", self.binding.max_lifetime.into());
        fields
    }

    /// `{"token", "type": "github-app", "expires", "permissions", "repositories", "version"}`.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError> {
        const FAILED: OperationError = OperationError::Machine("prepare the request");
        let endpoint = self.binding.endpoint().ok_or(FAILED)?;
        let key = material
            .secret_bytes()
            .and_then(|pem| Material::import(Some(Kind::Rsa), pem).ok())
            .ok_or(OperationError::Machine("read the key"))?;
        let now = setting.now.as_second();
        let claims = json!({
            "iss": self.binding.app,
            "iat": now - SKEW,
            "exp": now + ASSERTION,
        });
        let claims = claims.as_object().cloned().unwrap_or_default();
        let mut header = Map::new();
        header.insert("typ".to_owned(), "JWT".into());
        let assertion = jws::compact(&key, JwtAlgorithm::Rs256, header, &claims)?;
        let credential = Attach::Bearer.credential(&assertion).map_err(|_| FAILED)?;

        let mut headers = HeaderMap::new();
        let json_type = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json_type);
        let github_type = HeaderValue::from_static("application/vnd.github+json");
        headers.insert(header::ACCEPT, github_type);
        let api = HeaderValue::from_static("2022-11-28");
        headers.insert("x-github-api-version", api);
        let path = format!("/app/installations/{}/access_tokens", self.installation);
        let body = Bytes::from(self.body().to_string());
        let draft = grant::draft(&endpoint, setting, &path, headers, body)?;

        let asked = (self.repositories.clone(), self.permissions.clone());
        let (longest, version, now) = (self.binding.max_lifetime, setting.version, setting.now);
        Ok(Step::Call(
            Box::new(draft.attach(credential)),
            Box::new(move |reply| {
                let answer = answer(&reply)?;
                within_what_was_asked(&answer, &asked.0, &asked.1, &reply)?;
                report(&answer, &reply, longest, version, now)
            }),
        ))
    }
}

impl Installation<'_> {
    fn body(&self) -> Value {
        let mut body = Map::new();
        if !self.repositories.is_empty() {
            body.insert("repositories".to_owned(), self.repositories.clone().into());
        }
        if !self.permissions.is_empty() {
            body.insert("permissions".to_owned(), texts(&self.permissions));
        }
        Value::Object(body)
    }
}

fn answer(reply: &Reply) -> Result<Answer, Failure> {
    if matches!(reply.status, 401 | 403 | 404 | 422) {
        return Err(Failure::new(
            Ending::Refused,
            "GitHub refused: the App, the installation, or what was asked for is not as it thinks",
            "the provider refused to issue a token",
        )
        .with_status(reply.status));
    }
    if reply.status != 201 {
        return Err(grant::bad_answer(
            reply,
            "GitHub did not issue a token".to_owned(),
        ));
    }
    let bad = "GitHub's answer is not one with a token";
    Answer::read(&reply.body).ok_or_else(|| grant::bad_answer(reply, bad.to_owned()))
}

impl Answer {
    /// Reads an answer; `None` if it is none.
    pub fn read(json: &[u8]) -> Option<Self> {
        if json.len() > MAX_ANSWER {
            return None;
        }
        let answer: Self = serde_json::from_slice(json).ok()?;
        let token = &answer.token;
        (token.is_printable() && token.as_str().len() <= 4096).then_some(answer)
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What it may do, and to which repositories.
    pub fn reach(&self) -> (&BTreeMap<String, String>, Vec<&str>) {
        let names = self
            .repositories
            .iter()
            .map(|repository| repository.name.as_str());
        (&self.permissions, names.collect())
    }
}

/// More than policy saw is not handed out.
fn within_what_was_asked(
    answer: &Answer,
    repositories: &[String],
    permissions: &BTreeMap<String, String>,
    reply: &Reply,
) -> Result<(), Failure> {
    let more = |what: String| {
        let detail = format!("GitHub's token reaches more than was asked for: {what}");
        Err(grant::bad_answer(reply, detail))
    };
    if !repositories.is_empty() {
        let mut names = answer
            .repositories
            .iter()
            .map(|repository| &repository.name);
        if let Some(other) = names.find(|name| !repositories.contains(name)) {
            return more(format!("the repository `{}`", bounded(other)));
        }
    }
    // Every App may read metadata; GitHub adds that by itself.
    let is_asked = |name: &String, access: &String| {
        permissions.get(name) == Some(access) || (name == "metadata" && access == "read")
    };
    if !permissions.is_empty() {
        let mut given = answer.permissions.iter();
        if let Some((name, access)) = given.find(|(name, access)| !is_asked(name, access)) {
            let (name, access) = (bounded(name), bounded(access));
            return more(format!("the permission `{name}: {access}`"));
        }
    }
    Ok(())
}

fn report(
    answer: &Answer,
    reply: &Reply,
    longest: u32,
    version: u32,
    now: Timestamp,
) -> Result<Step, Failure> {
    // Counted from when GitHub made it, so a minute more than the hour is not more.
    let lifetime = answer.expires_at.as_second() - now.as_second();
    if lifetime > i64::from(longest) + SKEW {
        let detail =
            format!("the token is good for {lifetime} s, and the binding allows {longest} s");
        return Err(grant::bad_answer(reply, detail));
    }
    let mut rest = Map::new();
    let (permissions, names) = answer.reach();
    rest.insert("permissions".to_owned(), texts(permissions));
    if !names.is_empty() {
        rest.insert("repositories".to_owned(), names.into());
    }
    let expires = answer.expires_at;
    let done = issued(
        answer.token.as_str(),
        "github-app",
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
