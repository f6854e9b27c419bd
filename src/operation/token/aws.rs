//! AWS: temporary credentials of the Security Token Service.
//!
//! A signed call of its Query protocol: `AssumeRole` where the binding names roles, else
//! `GetSessionToken`.

use ::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Plan, TokenInput, grant};
use crate::{
    audit::Ending,
    binding::{AwsToken, SHORTEST_AWS_TOKEN, is_aws_session},
    errand::{Failure, Reply, Report, Step},
    operation::{Done, Kind, OperationError, Setting, Unsuitable, input::bounded, list},
    outgoing::{
        aws::{self, Scope},
        target::encode,
    },
    vault::material::{AccessKey, Material, text},
};

pub mod answer;

use self::answer::{BadSts, Issued};

/// The version of the interface; there is no other.
const VERSION: &str = "2011-06-15";

/// Clocks differ, and AWS counts from when it made the credentials.
const SKEW: i64 = 60;

/// What will be asked of the Security Token Service.
struct Sts<'a> {
    binding: &'a AwsToken,
    assume: Option<Assume<'a>>,
    lifetime: u32,
}

/// A role, and under which name it is taken on.
struct Assume<'a> {
    role: &'a str,
    session: String,
}

/// Settles what will be asked for, or says why it is not allowed.
pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    binding: &'a AwsToken,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    let assume = match binding.roles.as_slice() {
        [] => {
            input.only(kind, &["lifetime"])?;
            None
        }
        roles => {
            input.only(kind, &["role", "session", "lifetime"])?;
            Some(Assume {
                role: role(input.role.as_deref(), roles)?,
                session: session(input.session.as_deref(), binding)?,
            })
        }
    };
    let lifetime = input.lifetime(binding.max_lifetime)?;
    if lifetime < SHORTEST_AWS_TOKEN {
        return Err(Unsuitable::NotBound(format!(
            "issue credentials for {lifetime} s: AWS makes them for {SHORTEST_AWS_TOKEN} s or more"
        )));
    }
    Ok(Box::new(Sts {
        binding,
        assume,
        lifetime,
    }))
}

fn role<'a>(asked: Option<&str>, allowed: &'a [String]) -> Result<&'a str, Unsuitable> {
    match (asked, allowed) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Unsuitable::NotBound(format!(
            "issue credentials without `role`; it allows {}",
            list(allowed)
        ))),
        (Some(asked), _) => match allowed.iter().find(|role| *role == asked) {
            Some(role) => Ok(role),
            None => Err(Unsuitable::NotBound(format!(
                "issue credentials of the role `{}`; it allows {}",
                bounded(asked),
                list(allowed)
            ))),
        },
    }
}

fn session(asked: Option<&str>, binding: &AwsToken) -> Result<String, Unsuitable> {
    let allowed = binding
        .session
        .as_ref()
        .map_or_else(|| "strongroom".to_owned(), ToString::to_string);
    match (binding.session(asked), asked) {
        (Some(session), _) if is_aws_session(&session) => Ok(session),
        (_, None) => Err(Unsuitable::NotBound(format!(
            "issue credentials without `session`; it allows `{allowed}`"
        ))),
        (_, Some(asked)) => Err(Unsuitable::NotBound(format!(
            "name a session `{}`; it allows `{allowed}`, in 2 to 64 letters, digits or characters of `_+=,.@-`",
            bounded(asked)
        ))),
    }
}

impl Plan for Sts<'_> {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::from_iter([
            ("type".to_owned(), "aws".into()),
            ("region".to_owned(), self.binding.region.as_str().into()),
            ("lifetime".to_owned(), self.lifetime.into()),
            ("scopes".to_owned(), Value::Array(Vec::new())),
            ("claims".to_owned(), Value::Object(Map::new())),
        ]);
        if let Some(assume) = &self.assume {
            fields.insert("role".to_owned(), assume.role.into());
            fields.insert("session".to_owned(), assume.session.as_str().into());
        }
        fields
    }

    /// `{"access_key_id", "secret_access_key", "session_token", "type": "aws", "expires", "version"}`.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError> {
        const FAILED: OperationError = OperationError::Machine("prepare the request");
        let endpoint = self.binding.endpoint().ok_or(FAILED)?;
        let key = AccessKey::of(material).ok_or(OperationError::Machine("read the access key"))?;
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, form);
        // It would answer in JSON to who asks for that.
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        let body = Bytes::from(self.form());
        let draft = grant::draft(&endpoint, setting, "", headers, body)?;
        let scope = Scope {
            region: &self.binding.region,
            service: "sts",
        };
        let credential = aws::credential_for(&draft, &key, scope, setting.now)?;
        let (longest, version, now) = (self.lifetime, setting.version, setting.now);
        let action = self.action();
        Ok(Step::Call(
            Box::new(draft.attach(credential)),
            Box::new(move |reply| report(&reply, action, longest, version, now)),
        ))
    }
}

impl Sts<'_> {
    fn action(&self) -> &'static str {
        match self.assume {
            Some(_) => "AssumeRole",
            None => "GetSessionToken",
        }
    }

    fn form(&self) -> String {
        let lifetime = self.lifetime.to_string();
        let mut form = vec![
            ("Action", self.action().to_owned()),
            ("Version", VERSION.to_owned()),
            ("DurationSeconds", lifetime),
        ];
        if let Some(assume) = &self.assume {
            form.push(("RoleArn", assume.role.to_owned()));
            form.push(("RoleSessionName", assume.session.clone()));
            if let Some(id) = &self.binding.external_id {
                form.push(("ExternalId", id.clone()));
            }
            if let Some(policy) = &self.binding.policy {
                form.push(("Policy", Value::Object(policy.clone()).to_string()));
            }
        }
        let mut body = String::new();
        for (name, value) in form {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(name);
            body.push('=');
            encode(&value, &mut body);
        }
        body
    }
}

fn report(
    reply: &Reply,
    action: &str,
    longest: u32,
    version: u32,
    now: Timestamp,
) -> Result<Step, Failure> {
    if reply.status != 200 {
        return Err(refused(reply));
    }
    let issued = Issued::read(&reply.body, action)
        .map_err(|bad: BadSts| grant::bad_answer(reply, bad.to_string()))?;
    let lifetime = issued.expires().as_second() - now.as_second();
    if lifetime > i64::from(longest) + SKEW {
        let detail =
            format!("the credentials are good for {lifetime} s, and {longest} s was asked for");
        return Err(grant::bad_answer(reply, detail));
    }
    let done =
        answer(&issued, version).map_err(|error| grant::bad_answer(reply, error.to_string()))?;
    Ok(Step::Report(Report::issued(
        done,
        Some(reply.status),
        issued.expires(),
    )))
}

fn refused(reply: &Reply) -> Failure {
    match answer::error_code(&reply.body) {
        Some(code) => Failure::new(
            Ending::Refused,
            format!("the Security Token Service refused: `{code}`"),
            "the provider refused to issue a token",
        )
        .with_status(reply.status),
        None => grant::bad_answer(
            reply,
            "the Security Token Service refused, without an error code that is known".to_owned(),
        ),
    }
}

/// The answer, in memory that is wiped.
fn answer(issued: &Issued, version: u32) -> Result<Done, OperationError> {
    #[derive(Serialize)]
    struct Answer<'a> {
        access_key_id: &'a str,
        secret_access_key: &'a str,
        session_token: &'a str,
        r#type: &'a str,
        expires: String,
        version: u32,
    }
    let answer = Answer {
        access_key_id: issued.access_key_id(),
        secret_access_key: issued.secret_access_key(),
        session_token: issued.session_token(),
        r#type: "aws",
        expires: format!("{:.0}", issued.expires()),
        version,
    };
    let texts = [
        answer.access_key_id,
        answer.secret_access_key,
        answer.session_token,
    ];
    text::write(&answer, texts.iter().map(|text| text.len()).sum())
        .map(Done::Secret)
        .map_err(|_| OperationError::Machine("write the answer"))
}
