//! Google Cloud service account tokens: a JWT by the account's key is exchanged for an access
//! token or an ID token (RFC 7523, section 2.1, as Google's "server to server" page has it).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Plan, TokenInput,
    grant::{self, Granted},
    issued, jws,
    oauth2::within,
};
use crate::{
    binding::{BaseUrl, Gcp, JwtAlgorithm},
    errand::{Failure, Reply, Report, Step},
    operation::{Kind, OperationError, Setting, Unsuitable, input::bounded, list},
    outgoing::Credential,
    vault::material::{Material, gcp::ServiceAccount, oauth2::MAX_TEXT, text::SecretText},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// The longest that Google takes an assertion, and makes a token good.
const HOUR: i64 = 3600;
/// By how much clocks may differ.
const SKEW: i64 = 60;

/// What the token is for.
#[derive(Clone)]
enum Wanted {
    /// An access token with these scopes.
    Access(Vec<String>),
    /// An ID token for this audience.
    Id(String),
}

/// A token of a service account.
struct Account<'a> {
    binding: &'a Gcp,
    wanted: Wanted,
}

/// Settles what will be asked for, or says why it is not allowed.
pub(super) fn plan<'a>(
    input: &'a TokenInput,
    kind: Kind,
    binding: &'a Gcp,
) -> Result<Box<dyn Plan + 'a>, Unsuitable> {
    input.only(kind, &["scopes", "audience"])?;
    let wanted = match (&input.audience, &input.scopes, binding.audience.as_slice()) {
        (Some(_), Some(_), _) => {
            return Err(Unsuitable::NotBound(
                "issue a token with `scopes` and `audience`: it is an access token or an ID token"
                    .to_owned(),
            ));
        }
        (Some(asked), None, allowed) if allowed.contains(asked) => Wanted::Id(asked.clone()),
        (Some(asked), None, allowed) => {
            return Err(Unsuitable::NotBound(format!(
                "issue an ID token for the audience `{}`; it allows {}",
                bounded(asked),
                match allowed {
                    [] => "none".to_owned(),
                    some => list(some),
                }
            )));
        }
        (None, None, [only]) if binding.scopes.is_empty() => Wanted::Id(only.clone()),
        (None, None, several) if binding.scopes.is_empty() => {
            return Err(Unsuitable::NotBound(format!(
                "issue an ID token without `audience`; it allows {}",
                list(several)
            )));
        }
        (None, asked, _) => Wanted::Access(within(asked.as_deref(), &binding.scopes, "scope")?),
    };
    Ok(Box::new(Account { binding, wanted }))
}

impl Plan for Account<'_> {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("type", "gcp".into());
        let scopes = match &self.wanted {
            Wanted::Access(scopes) => scopes.clone(),
            Wanted::Id(audience) => {
                put("audience", audience.as_str().into());
                Vec::new()
            }
        };
        put("scopes", scopes.into());
        put("claims", Value::Object(Map::new()));
        put("lifetime", self.binding.max_lifetime.into());
        fields
    }

    /// `{"token", "type": "gcp", "expires", "token_type"?, "scope"?, "version"}`.
    fn perform(&self, material: &Material, setting: Setting<'_>) -> Result<Step, OperationError> {
        const FAILED: OperationError = OperationError::Machine("read the key file");
        let endpoint = self.binding.endpoint().ok_or(FAILED)?;
        let account = ServiceAccount::of(material).ok_or(FAILED)?;
        // The binding is what the owner wrote. A key file is what somebody handed the owner.
        if account.token_uri.parse::<BaseUrl>().as_ref() != Ok(&endpoint.url) {
            return Err(Unsuitable::NotBound(
                "call the token endpoint that the key file names (`token_uri`)".to_owned(),
            )
            .into());
        }
        let now = setting.now.as_second();
        let mut claims = Map::new();
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", account.client_email.as_str().into());
        put("aud", account.token_uri.as_str().into());
        put("iat", now.into());
        put("exp", (now + HOUR).into());
        match &self.wanted {
            Wanted::Access(scopes) => put("scope", scopes.join(" ").into()),
            Wanted::Id(audience) => put("target_audience", audience.as_str().into()),
        };
        let mut header = Map::new();
        header.insert("typ".to_owned(), "JWT".into());
        header.insert("kid".to_owned(), account.private_key_id.as_str().into());
        let key = account.key().map_err(|_| FAILED)?;
        let assertion = jws::compact(&key, JwtAlgorithm::Rs256, header, &claims)?;
        let form = [("grant_type", GRANT), ("assertion", assertion.as_str())];
        let call = grant::post(&endpoint, setting, "", Credential::default(), &form)?;
        let (wanted, longest) = (self.wanted.clone(), self.binding.max_lifetime);
        let (version, now) = (setting.version, setting.now);
        Ok(Step::Call(
            call,
            Box::new(move |reply| {
                let token = match wanted {
                    Wanted::Access(scopes) => access(&reply, &scopes)?,
                    Wanted::Id(audience) => id(&reply, &audience, now)?,
                };
                token.report(&reply, longest, version, now)
            }),
        ))
    }
}

/// What Google issued.
struct Issued {
    token: SecretText,
    lifetime: i64,
    rest: Map<String, Value>,
}

fn access(reply: &Reply, scopes: &[String]) -> Result<Issued, Failure> {
    let granted = Granted::of(reply)?;
    let bad = |detail: &str| grant::bad_answer(reply, detail.to_owned());
    let lifetime = granted
        .expires_in()
        .and_then(|seconds| i64::try_from(seconds).ok());
    let lifetime = lifetime.ok_or_else(|| bad("Google does not say how long the token is good"))?;
    let given = granted.scopes().unwrap_or_default();
    if given
        .iter()
        .any(|scope| !scopes.iter().any(|asked| asked == scope))
    {
        return Err(bad("the token has a scope that was not asked for"));
    }
    let mut rest = Map::new();
    rest.insert("token_type".to_owned(), "Bearer".into());
    rest.insert("scope".to_owned(), scopes.join(" ").into());
    Ok(Issued {
        token: granted.into_access_token(),
        lifetime,
        rest,
    })
}

fn id(reply: &Reply, audience: &str, now: Timestamp) -> Result<Issued, Failure> {
    grant::succeeded(reply)?;
    let bad =
        |why: &str| grant::bad_answer(reply, format!("the answer of the token endpoint {why}"));
    let IdToken { token, aud, exp } =
        IdToken::read(&reply.body).ok_or_else(|| bad("is not one with an ID token"))?;
    if aud != audience {
        return Err(bad(
            "has an ID token for another audience than was asked for",
        ));
    }
    Ok(Issued {
        lifetime: exp.saturating_sub(now.as_second()),
        token,
        rest: Map::new(),
    })
}

/// An answer with an ID token. When that expires stands in the token, and nowhere else.
pub struct IdToken {
    token: SecretText,
    aud: String,
    exp: i64,
}

impl IdToken {
    /// Reads an answer; `None` if it is none.
    pub fn read(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Answer {
            id_token: SecretText,
        }
        #[derive(Deserialize)]
        struct Claims {
            aud: String,
            exp: i64,
        }
        let token = serde_json::from_slice::<Answer>(json).ok()?.id_token;
        if !token.is_printable() || token.as_str().len() > MAX_TEXT {
            return None;
        }
        let mut parts = token.as_str().split('.');
        let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims).ok()?);
        let Claims { aud, exp } = serde_json::from_slice(&claims).ok()?;
        Some(Self { token, aud, exp })
    }

    /// For whom it is, and when it expires, in seconds since 1970.
    pub fn claims(&self) -> (&str, i64) {
        (&self.aud, self.exp)
    }
}

impl Issued {
    fn report(
        self,
        reply: &Reply,
        longest: u32,
        version: u32,
        now: Timestamp,
    ) -> Result<Step, Failure> {
        let lifetime = self.lifetime;
        // Counted by Google's clock in an ID token, and a minute more is not more.
        if lifetime > i64::from(longest) + SKEW {
            let detail =
                format!("the token is good for {lifetime} s, and the binding allows {longest} s");
            return Err(grant::bad_answer(reply, detail));
        }
        let failed = |error: &dyn std::fmt::Display| grant::bad_answer(reply, error.to_string());
        let expires = now
            .checked_add(SignedDuration::from_secs(lifetime))
            .map_err(|error| failed(&error))?;
        let done = issued(
            self.token.as_str(),
            "gcp",
            Some(expires),
            version,
            self.rest,
        )
        .map_err(|error| failed(&error))?;
        Ok(Step::Report(Report::issued(
            done,
            Some(reply.status),
            expires,
        )))
    }
}
