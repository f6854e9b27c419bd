//! The token endpoint of OAuth 2: what is sent there, and what it answers (RFC 6749, sections 3.2
//! and 5).

use std::fmt;

use ::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    audit::Ending,
    binding::{Endpoint, Purpose},
    errand::{Call, Failure, Reply},
    operation::{OperationError, Setting},
    outgoing::{
        Credential, Draft,
        target::{Path, Query, encode},
    },
    vault::material::{
        oauth2::MAX_TEXT,
        text::{self, SecretText},
    },
};

/// The most bytes of an answer; a token has at most 16 KiB.
const MAX_ANSWER: usize = 64 * 1024;

/// What may be repeated of an answer that refuses: a word from a standard, and nothing that the
/// other side made up.
const ERRORS: [&str; 12] = [
    // RFC 6749, sections 4.1.2.1 and 5.2
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "server_error",
    "temporarily_unavailable",
    // RFC 8707, section 2
    "invalid_target",
    // RFC 9449, section 5
    "invalid_dpop_proof",
    "use_dpop_nonce",
];

/// A successful answer (RFC 6749, section 5.1).
#[derive(Serialize, Deserialize)]
pub struct Granted {
    access_token: SecretText,
    token_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<SecretText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Why an answer is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer of the token endpoint {0}")]
pub struct BadGrant(&'static str);

impl Granted {
    /// Reads an answer. Members that no standard knows are passed over, as section 5.1 demands.
    pub fn read(json: &[u8]) -> Result<Self, BadGrant> {
        if json.len() > MAX_ANSWER {
            return Err(BadGrant("has more than 65536 bytes"));
        }
        let granted: Self = serde_json::from_slice(json)
            .map_err(|_| BadGrant("is not JSON with `access_token` and `token_type`"))?;
        let fits = |token: &SecretText| token.is_printable() && token.as_str().len() <= MAX_TEXT;
        if !fits(&granted.access_token) || !granted.refresh_token.as_ref().is_none_or(fits) {
            return Err(BadGrant(
                "has a token that is not 1 to 16384 printable ASCII characters",
            ));
        }
        // How another type is used, this program does not know (section 7.1).
        if !granted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(BadGrant("has a token of another type than `Bearer`"));
        }
        let is_scope = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if !granted
            .scope
            .as_ref()
            .is_none_or(|scope| scope.len() <= MAX_TEXT && scope.bytes().all(is_scope))
        {
            return Err(BadGrant("has a `scope` that is none"));
        }
        Ok(granted)
    }

    /// The answer that a call got, or why there is no token in it.
    pub(super) fn of(reply: &Reply) -> Result<Self, Failure> {
        succeeded(reply)?;
        Self::read(&reply.body).map_err(|bad| bad_answer(reply, bad.to_string()))
    }

    /// The same in JSON, with what was passed over left out.
    pub fn to_json(&self) -> Option<Zeroizing<Vec<u8>>> {
        text::write(self, 3 * MAX_ANSWER).ok()
    }

    pub(super) fn access_token(&self) -> &str {
        self.access_token.as_str()
    }

    pub(super) fn into_access_token(self) -> SecretText {
        self.access_token
    }

    pub(super) fn refresh_token(&self) -> Option<&SecretText> {
        self.refresh_token.as_ref()
    }

    /// How many seconds it is good, if the provider says.
    pub fn expires_in(&self) -> Option<u64> {
        self.expires_in
    }

    /// The scopes that it has, if the provider says.
    pub fn scopes(&self) -> Option<Vec<&str>> {
        let scope = self.scope.as_deref()?;
        Some(scope.split(' ').filter(|scope| !scope.is_empty()).collect())
    }
}

/// Says that there is one, and nothing of it.
impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Granted([secret])")
    }
}

/// Refuses what says that nothing was issued.
pub(super) fn succeeded(reply: &Reply) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    if reply.status == 200 {
        return Ok(());
    }
    // Section 5.2: 400, and 401 where the client is not known.
    let refused = serde_json::from_slice::<Refused>(&reply.body);
    let code = refused.ok().and_then(|refused| {
        let known = ERRORS.into_iter();
        known.into_iter().find(|known| *known == refused.error)
    });
    Err(match code {
        Some(code) => Failure::new(
            Ending::Refused,
            format!("the token endpoint refused: `{code}`"),
            "the provider refused to issue a token",
        )
        .with_status(reply.status),
        None => bad_answer(
            reply,
            "the token endpoint refused, without an error code of RFC 6749".to_owned(),
        ),
    })
}

/// An answer that can't be used.
pub(super) fn bad_answer(reply: &Reply, detail: String) -> Failure {
    let told = "the provider's answer can't be used";
    Failure::new(Ending::BadAnswer, detail, told).with_status(reply.status)
}

/// A form for the token endpoint.
pub(super) fn post(
    endpoint: &Endpoint,
    setting: Setting<'_>,
    path: &str,
    credential: Credential,
    form: &[(&str, &str)],
) -> Result<Box<Call>, OperationError> {
    let longest = form
        .iter()
        .map(|(name, value)| 3 * (name.len() + value.len()) + 2)
        .sum();
    // Reserved whole: what is in it is often secret.
    let mut body = Zeroizing::new(String::with_capacity(longest));
    for (at, (name, value)) in form.iter().enumerate() {
        if at > 0 {
            body.push('&');
        }
        encode(name, &mut body);
        body.push('=');
        encode(value, &mut body);
    }
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form);
    draft(endpoint, setting, path, headers, Bytes::from_owner(body))
        .map(|draft| Box::new(draft.attach(credential)))
}

/// A POST to a path under an endpoint that answers JSON.
pub(super) fn draft(
    endpoint: &Endpoint,
    setting: Setting<'_>,
    path: &str,
    mut headers: HeaderMap,
    body: Bytes,
) -> Result<Draft, OperationError> {
    let path = match [endpoint.url.path(), path].concat() {
        empty if empty.is_empty() => "/".to_owned(),
        path => path,
    };
    let json = HeaderValue::from_static("application/json");
    headers.entry(header::ACCEPT).or_insert(json);
    let agent = HeaderValue::from_static("strongroom");
    headers.insert(header::USER_AGENT, agent);
    Ok(Draft {
        method: Method::POST,
        path: Path::parse(&path).map_err(|_| OperationError::Machine("write the request"))?,
        query: Query::default(),
        headers,
        body,
        route: endpoint.route(setting.route_key(Purpose::Token), None),
        version: setting.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Granted, BadGrant> {
        Granted::read(json.as_bytes())
    }

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            headers: HeaderMap::new(),
            body: Zeroizing::new(body.as_bytes().to_vec()),
        }
    }

    /// RFC 6749, section 5.1.
    #[test]
    fn the_example_of_the_rfc_is_read() {
        let granted = read(r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example"}"#);
        assert!(granted.unwrap_err().to_string().contains("another type"));
        let granted = read(
            r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"bearer","expires_in":3600,
                "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#,
        )
        .unwrap();
        assert_eq!(granted.access_token(), "2YotnFZFEjr1zCsicMWpAA");
        assert_eq!(granted.expires_in(), Some(3600));
        assert_eq!(
            granted.refresh_token().unwrap().as_str(),
            "tGzv3JOkF0XG5Qx2TlKWIA"
        );
        assert_eq!(granted.scopes(), None);
        assert_eq!(format!("{granted:?}"), "Granted([secret])");
    }

    #[test]
    fn what_is_not_an_answer_is_refused() {
        for json in [
            "",
            "[]",
            "access_token=a&token_type=bearer",
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"","token_type":"bearer"}"#,
            r#"{"access_token":"a\nb","token_type":"bearer"}"#,
            r#"{"access_token":"a","access_token":"b","token_type":"bearer"}"#,
            r#"{"access_token":7,"token_type":"bearer"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
            r#"{"access_token":"a","token_type":"bearer","expires_in":"3600"}"#,
            r#"{"access_token":"a","token_type":"bearer","expires_in":-1}"#,
            r#"{"access_token":"a","token_type":"bearer","refresh_token":"\u0000"}"#,
            r#"{"access_token":"a","token_type":"bearer","scope":"a\"b"}"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        let long = "a".repeat(MAX_TEXT + 1);
        let json = format!(r#"{{"access_token":"{long}","token_type":"bearer"}}"#);
        assert!(read(&json).is_err());
    }

    #[test]
    fn only_words_of_a_standard_are_repeated() {
        let detail = |status, body| succeeded(&reply(status, body)).unwrap_err().to_string();
        assert_eq!(
            detail(
                400,
                r#"{"error":"invalid_grant","error_description":"planted"}"#
            ),
            "the token endpoint refused: `invalid_grant`"
        );
        for (status, body) in [
            (400, r#"{"error":"planted"}"#),
            (502, "planted"),
            (302, ""),
            (204, ""),
        ] {
            let failure = succeeded(&reply(status, body)).unwrap_err();
            assert_eq!(failure.ending(), Ending::BadAnswer);
            assert!(!failure.to_string().contains("planted"));
            assert!(!failure.told().contains("planted"));
        }
    }
}
