//! AWS Signature Version 4: what signing adds to a request, whoever sends it.
//!
//! The signature itself is the crate `aws-sigv4`'s. What is settled here is what it is told: the
//! request in the spelling in which AWS reads it, and which of the two rules for paths holds
//! ([`is_s3`]).

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
        SigningInstructions, SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use http::{HeaderName, HeaderValue, header};
use jiff::Timestamp;
use tracing::subscriber::{NoSubscriber, with_default};
use zeroize::Zeroizing;

use crate::{
    binding::Binding,
    operation::{OperationError, Setting, Unsuitable},
    outgoing::{Credential, Draft},
    vault::material::{AccessKey, Material},
};

/// The service and the region that a signature is for; AWS takes it for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

/// What is signed.
pub(crate) struct ToSign<'a> {
    pub(crate) method: &'a str,
    /// `host[:port]` as the header `host` will have it.
    pub(crate) authority: &'a str,
    /// As it is sent. For S3 every byte but the unreserved characters and `/` is encoded.
    pub(crate) path: &'a str,
    /// As it is sent, without the question mark.
    pub(crate) query: &'a str,
    /// All that are signed, but `host` and those that signing adds; lower-case names.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) payload: Payload<'a>,
}

/// What the signature says of the body.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    Bytes(&'a [u8]),
    /// Its SHA-256 in lower-case hexadecimal digits.
    Hash(&'a str),
    /// Nothing: S3 alone takes that.
    Unsigned,
}

/// What signing adds: headers, or parameters of the query.
pub(crate) struct Signed {
    pub(crate) added: Vec<(&'static str, Zeroizing<String>)>,
    pub(crate) signature: Zeroizing<String>,
}

/// The headers and the parameters that are the signature's own: no caller sets them.
pub(crate) const OWN: [&str; 9] = [
    "authorization",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-s3session-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

const FAILED: OperationError = OperationError::Machine("sign the request");

/// Whether a service has S3's rules: paths are signed as they are sent, not normalised and encoded
/// once more, and requests state the hash of their body in `x-amz-content-sha256`.
pub(crate) fn is_s3(service: &str) -> bool {
    matches!(
        service,
        "s3" | "s3-object-lambda" | "s3-outposts" | "s3express"
    )
}

/// Whether the requests of `http` can be signed with this binding.
pub(crate) fn suits(binding: Option<&Binding>) -> Result<(), Unsuitable> {
    scope(binding).map(|_| ())
}

/// What the requests of `http` are signed for.
fn scope(binding: Option<&Binding>) -> Result<Scope<'_>, Unsuitable> {
    let not_bound = || {
        Unsuitable::NotBound(
            "sign requests: name one region and one service with `strongroom secret bind`"
                .to_owned(),
        )
    };
    let binding = binding.ok_or_else(not_bound)?;
    let (Some(aws), Some(http)) = (&binding.aws, &binding.http) else {
        return Err(not_bound());
    };
    aws.scope_of(http.base_url.url.host())
        .map_err(|_| not_bound())
}

/// What signing adds to a request whose method, path, query, headers and body are settled.
pub(crate) fn credential(
    draft: &Draft,
    material: &Material,
    setting: Setting<'_>,
) -> Result<Credential, OperationError> {
    let key = AccessKey::of(material).ok_or(FAILED)?;
    let scope = scope(setting.binding())?;
    let own = |name: &str| OWN.iter().find(|own| name.eq_ignore_ascii_case(own));
    let names = draft.headers.keys().map(HeaderName::as_str);
    let names = names.chain(draft.query.pairs().map(|(name, _)| name));
    if let Some(name) = names.into_iter().find_map(own) {
        return Err(Unsuitable::NotBound(format!(
            "send `{name}`: the agent signs the request itself"
        ))
        .into());
    }
    credential_for(draft, &key, scope, setting.now)
}

/// The same with everything that the secret and its binding say.
pub(crate) fn credential_for(
    draft: &Draft,
    key: &AccessKey,
    scope: Scope<'_>,
    now: Timestamp,
) -> Result<Credential, OperationError> {
    let mut headers = Vec::with_capacity(draft.headers.len());
    for (name, value) in &draft.headers {
        // What signing adds takes the place of the first; the second says nothing of the request.
        if name == "x-amz-content-sha256" || name == header::ACCEPT_ENCODING {
            continue;
        }
        let value = value.to_str().map_err(|_| {
            Unsuitable::NotBound(format!("sign the header `{name}`: it is not plain ASCII"))
        })?;
        headers.push((name.as_str(), value));
    }
    let path = match is_s3(scope.service) {
        true => encoded(draft.path.as_str()),
        false => draft.path.to_string(),
    };
    let to_sign = ToSign {
        method: draft.method.as_str(),
        authority: &draft.route.authority(),
        path: &path,
        query: &draft.query.to_string(),
        headers,
        payload: Payload::Bytes(&draft.body),
    };
    let with_hash = is_s3(scope.service) || draft.headers.contains_key("x-amz-content-sha256");
    let signed = to_sign.sign(key, scope, with_hash, now)?;
    let mut credential = Credential::default();
    credential.keep_back(key.secret().as_bytes());
    // Whoever sees it can send this very request again for some minutes.
    credential.keep_back(signed.signature.as_bytes());
    for (name, value) in signed.added {
        let name = HeaderName::from_static(name);
        if name == header::AUTHORIZATION || name == "x-amz-security-token" {
            credential.header(name, value).ok_or(FAILED)?;
        } else {
            // The time and the hash of the body are no secrets, and may come back.
            let value = HeaderValue::from_str(&value).map_err(|_| FAILED)?;
            credential.headers.push((name, value));
        }
    }
    Ok(credential)
}

impl ToSign<'_> {
    /// The headers that make it a signed request: `authorization`, `x-amz-date`,
    /// `x-amz-security-token` if the key has one, and `x-amz-content-sha256` `with_hash`.
    pub(crate) fn sign(
        &self,
        key: &AccessKey,
        scope: Scope<'_>,
        with_hash: bool,
        now: Timestamp,
    ) -> Result<Signed, OperationError> {
        let mut settings = settings(scope);
        settings.signature_location = SignatureLocation::Headers;
        settings.payload_checksum_kind = match with_hash {
            true => PayloadChecksumKind::XAmzSha256,
            false => PayloadChecksumKind::NoHeader,
        };
        let (instructions, signature) = self.calculate(key, scope, settings, now)?;
        let (headers, _) = instructions.into_parts();
        let added = headers
            .into_iter()
            .map(|header| (header.name(), Zeroizing::new(header.value().to_owned())))
            .collect();
        Ok(Signed { added, signature })
    }

    /// The parameters that make it a presigned URL, good for this many seconds from now on.
    pub(crate) fn presign(
        &self,
        key: &AccessKey,
        scope: Scope<'_>,
        expires: u32,
        now: Timestamp,
    ) -> Result<Signed, OperationError> {
        let mut settings = settings(scope);
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(std::time::Duration::from_secs(expires.into()));
        let (instructions, signature) = self.calculate(key, scope, settings, now)?;
        let (_, parameters) = instructions.into_parts();
        let added = parameters
            .into_iter()
            .map(|(name, value)| (name, Zeroizing::new(value.into_owned())))
            .collect();
        Ok(Signed { added, signature })
    }

    fn calculate(
        &self,
        key: &AccessKey,
        scope: Scope<'_>,
        settings: SigningSettings,
        now: Timestamp,
    ) -> Result<(SigningInstructions, Zeroizing<String>), OperationError> {
        let credentials = Credentials::new(
            key.id(),
            key.secret(),
            key.session_token().map(str::to_owned),
            None,
            "strongroom",
        );
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(scope.region)
            .name(scope.service)
            .time(SystemTime::from(now))
            .settings(settings)
            .build()
            .map_err(|_| FAILED)?
            .into();
        let question_mark = if self.query.is_empty() { "" } else { "?" };
        // The scheme matters only for which port is left out, and the authority says that already.
        let url = [
            "https://",
            self.authority,
            self.path,
            question_mark,
            self.query,
        ]
        .concat();
        let headers = self
            .headers
            .iter()
            .copied()
            .chain([("host", self.authority)]);
        let body = match self.payload {
            Payload::Bytes(bytes) => SignableBody::Bytes(bytes),
            Payload::Hash(hash) => SignableBody::Precomputed(hash.to_owned()),
            Payload::Unsigned => SignableBody::UnsignedPayload,
        };
        // The crate's tracing has the request in it, and with it session tokens.
        with_default(NoSubscriber::default(), || {
            let request = SignableRequest::new(self.method, url, headers, body);
            let signed = request.and_then(|request| sign(request, &params));
            let (instructions, signature) = signed.map_err(|_| FAILED)?.into_parts();
            Ok((instructions, Zeroizing::new(signature)))
        })
    }
}

fn settings(scope: Scope<'_>) -> SigningSettings {
    let mut settings = SigningSettings::default();
    (
        settings.percent_encoding_mode,
        settings.uri_path_normalization_mode,
    ) = match is_s3(scope.service) {
        true => (
            PercentEncodingMode::Single,
            UriPathNormalizationMode::Disabled,
        ),
        false => (
            PercentEncodingMode::Double,
            UriPathNormalizationMode::Enabled,
        ),
    };
    settings
}

/// A path in S3's canonical form: what may stand in a path as it is and is not unreserved is
/// encoded too.
fn encoded(path: &str) -> String {
    let mut canonical = String::with_capacity(path.len() + 16);
    for character in path.chars() {
        match character {
            // Paths are well-formed: a `%` begins what is encoded already.
            '/' | '%' => canonical.push(character),
            other => super::target::encode(other.encode_utf8(&mut [0; 4]), &mut canonical),
        }
    }
    canonical
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};

    use super::{Draft, Scope, credential_for};
    use crate::{
        binding::Endpoint,
        operation::Kind,
        outgoing::target::{Path, Query},
        vault::material::{AccessKey, Material},
    };

    fn draft() -> Draft {
        let endpoint = Endpoint::new("https://api.example.com:8443".parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/plain"),
            ("x-amz-meta-a", "two  words"),
            ("user-agent", "strongroom"),
            ("accept-encoding", "identity"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let pairs = [("a b", "+/"), ("c", "")];
        Draft {
            version: 1,
            method: Method::POST,
            // What may stand in a path as it is stays so when it is sent.
            path: Path::parse("/v1/a!b'(c):@é,$&=*~;x").unwrap(),
            query: Query::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
                .unwrap(),
            headers,
            body: Bytes::from_static(b"hello"),
            route: endpoint.route((0, 0), None),
        }
    }

    /// The signatures are botocore's (`sign` in `tests/python/sigv4.py`), of the same request.
    #[test]
    fn what_is_sent_as_it_is_is_signed_encoded() {
        let key = r#"{"access_key_id":"AKIDEXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY","session_token":"AQoDYXdz"}"#;
        let material = Material::import(Some(Kind::Aws), key.as_bytes()).unwrap();
        let key = AccessKey::of(&material).unwrap();
        let table = [
            (
                "s3",
                "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-amz-security-token",
                "f3f93f206395b55d83f482ff1092990abf7aaba73e20241cdb5234b766f242b5",
            ),
            (
                "execute-api",
                "content-type;host;x-amz-date;x-amz-meta-a;x-amz-security-token",
                "7088e160cc91ffb1d8ba3aee2ed0d60ab75beafae9297782152e79d1094cef32",
            ),
        ];
        for (service, signed, signature) in table {
            let scope = Scope {
                region: "eu-west-1",
                service,
            };
            let now = "2026-03-01T15:00:00.9Z".parse().unwrap();
            let credential = credential_for(&draft(), &key, scope, now).unwrap();
            let headers: BTreeMap<&str, &str> = credential
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
                .collect();
            assert_eq!(
                headers["authorization"],
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-west-1/{service}/aws4_request, \
                     SignedHeaders={signed}, Signature={signature}"
                )
            );
            assert_eq!(headers["x-amz-date"], "20260301T150000Z");
            assert_eq!(headers["x-amz-security-token"], "AQoDYXdz");
            assert_eq!(
                headers.contains_key("x-amz-content-sha256"),
                service == "s3"
            );
            // What must not come back, and what may.
            let kept = |text: &str| {
                let mut secrets = credential.secrets.iter();
                secrets.any(|secret| secret.as_slice() == text.as_bytes())
            };
            for secret in [
                key.secret(),
                "AQoDYXdz",
                signature,
                headers["authorization"],
            ] {
                assert!(kept(secret), "{secret}");
            }
            assert!(!kept("20260301T150000Z"));
        }
    }
}
