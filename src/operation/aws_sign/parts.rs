//! Method, headers and body of a request to sign, and what it calls.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::{
    binding::Aws,
    operation::{BadInput, input::Fields},
    outgoing::{aws::OWN, target::Query},
};

/// The methods of AWS's interfaces.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// What says that nothing is said of the body.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// The header that states the hash of the body.
const STATED_HASH: &str = "x-amz-content-sha256";

/// Headers that change on the way or belong to one connection: no SDK signs them.
const NOT_SIGNED: [&str; 13] = [
    "connection",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amz-user-agent",
    "x-amzn-trace-id",
];

/// Headers that hold a secret, which would be in the audit log.
const SECRET: [&str; 3] = [
    "cookie",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key",
];

const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// What the signature says of the body.
pub(super) enum Body {
    /// Its SHA-256 in lower-case hexadecimal digits.
    Hash(String),
    /// Nothing.
    Unsigned,
}

/// Whether signing adds it itself.
pub(super) fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| name.eq_ignore_ascii_case(own))
}

pub(super) fn method(fields: &mut Fields) -> Result<&'static str, BadInput> {
    let method = fields.choice("method", &METHODS)?;
    method.ok_or_else(|| fields.missing(&["method"]))
}

/// `headers`: lower-case names, values as they are signed (white space at the ends and in rows
/// does not count).
pub(super) fn headers(fields: &mut Fields) -> Result<BTreeMap<String, String>, BadInput> {
    let wrong = |expected| {
        Err(BadInput::Form {
            field: "headers",
            expected,
        })
    };
    let members = match fields.value("headers") {
        None => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return wrong("an object of strings"),
    };
    let mut headers = BTreeMap::new();
    let mut bytes = 0;
    for (name, value) in members {
        let Value::String(value) = value else {
            return wrong("an object of strings");
        };
        let name = name.to_ascii_lowercase();
        bytes += name.len() + value.len();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return wrong("an object whose names are names of headers");
        }
        if !value
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
        {
            return wrong("an object whose values are printable ASCII");
        }
        if is_own(&name) {
            return wrong("without what signing adds (`authorization`, `x-amz-date` and the like)");
        }
        if NOT_SIGNED.contains(&name.as_str()) {
            return wrong(
                "headers that are signed: leave out `host`, `user-agent`, and what is about the connection",
            );
        }
        if SECRET.contains(&name.as_str()) {
            return wrong("without secrets: policy sees them, and the audit log keeps them");
        }
        let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
        if headers.insert(name, words.join(" ")).is_some() {
            return wrong("an object in which each header stands once");
        }
    }
    match headers.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        true => wrong("up to 64 headers with up to 8192 bytes"),
        false => Ok(headers),
    }
}

/// `presign`: how many seconds the URL is good.
pub(super) fn presign(fields: &mut Fields) -> Result<Option<u32>, BadInput> {
    let Some(presign) = fields.value("presign") else {
        return Ok(None);
    };
    let expires = match &presign {
        Value::Object(members) if members.len() == 1 => members.get("expires"),
        _ => None,
    };
    let seconds = expires
        .and_then(Value::as_u64)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| (1..=Aws::LONGEST_PRESIGNED).contains(seconds));
    match seconds {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(BadInput::Form {
            field: "presign",
            expected: "an object with `expires`, in seconds: 1 to 604800",
        }),
    }
}

/// What is called, where it can be seen: the parameter `Action` of the query or of a form, or the
/// header `x-amz-target`. A request with two of them could be taken for either.
pub(super) fn action(
    query: &Query,
    headers: &BTreeMap<String, String>,
    body: Option<&[u8]>,
) -> Result<Option<String>, BadInput> {
    let in_query = query.pairs().filter(|(name, _)| *name == "Action");
    let in_headers = headers.get("x-amz-target");
    let is_form = headers.get("content-type").is_some_and(|media_type| {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    let form = body.filter(|_| is_form).unwrap_or_default();
    let in_body = form_urlencoded::parse(form).filter(|(name, _)| name == "Action");
    let mut actions: Vec<String> = in_query
        .map(|(_, action)| action.to_owned())
        .chain(in_headers.cloned())
        .chain(in_body.map(|(_, action)| action.into_owned()))
        .collect();
    let action = actions.pop();
    match actions.is_empty() {
        true => Ok(action),
        false => Err(BadInput::Form {
            field: "body",
            expected: "a request with one action, in the query, in the form or in `x-amz-target`",
        }),
    }
}

impl Body {
    /// From `body` or `body_sha256`; without either the body is empty.
    pub(super) fn read(
        fields: &mut Fields,
        bytes: Option<&[u8]>,
        is_s3: bool,
        is_presigned: bool,
    ) -> Result<Self, BadInput> {
        let wrong = |expected| {
            Err(BadInput::Form {
                field: "body_sha256",
                expected,
            })
        };
        let hash = fields.string("body_sha256")?;
        match (bytes, hash.as_deref()) {
            (Some(_), Some(_)) => Err(fields.both("body", "body_sha256")),
            // S3's presigned URLs say nothing of the body, and nobody could check it.
            (None, None | Some(UNSIGNED)) if is_s3 && is_presigned => Ok(Self::Unsigned),
            (Some(_), None) if is_s3 && is_presigned => Err(BadInput::Form {
                field: "body",
                expected: "left out: presigned URLs of S3 do not cover the body",
            }),
            (None, Some(_)) if is_s3 && is_presigned => {
                wrong("left out: presigned URLs of S3 do not cover the body")
            }
            (None, Some(UNSIGNED)) if is_s3 => Ok(Self::Unsigned),
            (None, Some(UNSIGNED)) => wrong("a hash: only S3 takes requests with an unsigned body"),
            (None, Some(hash))
                if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
            {
                Ok(Self::Hash(hash.to_ascii_lowercase()))
            }
            (None, Some(_)) => wrong("64 hexadecimal digits, or for S3 `UNSIGNED-PAYLOAD`"),
            (bytes, None) => Ok(Self::Hash(hex(
                digest(&SHA256, bytes.unwrap_or_default()).as_ref()
            ))),
        }
    }

    /// Takes out the header that states the hash: signing adds it. Whether it was there.
    pub(super) fn take_header(
        &self,
        headers: &mut BTreeMap<String, String>,
        is_presigned: bool,
    ) -> Result<bool, BadInput> {
        let stated = match self {
            Self::Hash(hash) => hash,
            Self::Unsigned => UNSIGNED,
        };
        match headers.remove(STATED_HASH) {
            None => Ok(false),
            Some(hash) if hash.eq_ignore_ascii_case(stated) && !is_presigned => Ok(true),
            Some(_) => Err(BadInput::Form {
                field: "headers",
                expected: "without `x-amz-content-sha256`, or with the hash of the body in it",
            }),
        }
    }

    pub(super) fn is_unsigned(&self) -> bool {
        matches!(self, Self::Unsigned)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
