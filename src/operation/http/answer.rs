//! What a caller gets of a provider's reply.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    audit::Ending,
    errand::{Failure, Reply, Report},
    operation::Done,
    outgoing::{
        headers::{is_json, keep_end_to_end},
        scrub::Scrubber,
    },
};

/// The result.
#[derive(Serialize)]
struct Answer<'a> {
    status: u16,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    version: u32,
}

/// A body that is text.
#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

/// Every name once, in order, with all of its values.
struct Headers<'a>(&'a HeaderMap);

/// How deep JSON may be nested to be passed on as JSON: what many readers take.
const DEEPEST: usize = 100;

/// Scrubs a reply and makes the result of it.
pub(super) fn report(
    mut reply: Reply,
    scrubber: &Scrubber,
    version: u32,
) -> Result<Report, Failure> {
    if let Some(coding) = coding(&reply) {
        let detail = format!("its body is encoded as `{coding}`, though that was not asked for");
        return Err(Failure::new(
            Ending::BadAnswer,
            detail,
            "the provider's answer can't be read",
        )
        .with_status(reply.status));
    }
    let length = reply.body.len();
    let scrubbed = scrubber.scrub(&mut reply);
    keep_end_to_end(&mut reply.headers);
    if reply.body.len() != length {
        // It tells how long the credential is, and is not true any more.
        reply.headers.remove(CONTENT_LENGTH);
    }
    let failed = |_| {
        Failure::new(
            Ending::BadAnswer,
            "its answer can't be written as JSON",
            "the provider's answer can't be read",
        )
    };
    let body = std::str::from_utf8(&reply.body);
    let json = body
        .ok()
        .filter(|_| is_typed_json(&reply.headers))
        .and_then(json);
    let answer = Answer {
        status: reply.status,
        headers: Headers(&reply.headers),
        body: match (json, body) {
            (Some(json), _) => Some(Text::Json(json)),
            (None, Ok(text)) if !text.is_empty() => Some(Text::Text(text)),
            _ => None,
        },
        body_base64: body.is_err().then(|| STANDARD.encode(&*reply.body)),
        version,
    };
    let text = serde_json::to_string(&answer).map_err(failed)?;
    Ok(Report {
        done: Done::Written(RawValue::from_string(text).map_err(failed)?),
        ending: Ending::Answered,
        status: Some(reply.status),
        expires: None,
        detail: scrubbed.then(|| "the credential was in the answer, and was taken out".to_owned()),
    })
}

/// The coding of a body that is not as it stands: what is compressed can't be searched.
fn coding(reply: &Reply) -> Option<String> {
    if reply.body.is_empty() {
        return None;
    }
    let codings = |name, plain: &'static [&'static str]| {
        let values = reply.headers.get_all(name).iter();
        values
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|coding| String::from_utf8_lossy(coding.trim_ascii()).to_ascii_lowercase())
            .find(move |coding| !coding.is_empty() && !plain.contains(&coding.as_str()))
    };
    let found = codings(CONTENT_ENCODING, &["identity"])
        .or_else(|| codings(TRANSFER_ENCODING, &["chunked", "identity"]));
    found.map(|coding| {
        coding
            .chars()
            .take(32)
            .flat_map(char::escape_debug)
            .collect()
    })
}

fn is_typed_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(is_json)
}

/// JSON as it stands: its numbers keep all of their digits, and its members their order.
fn json(text: &str) -> Option<&RawValue> {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    match deepest <= DEEPEST {
        true => serde_json::from_str(text).ok(),
        false => None,
    }
}

impl Serialize for Headers<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names: Vec<_> = self.0.keys().collect();
        names.sort_unstable_by_key(|name| name.as_str());
        serializer.collect_map(names.into_iter().map(|name| {
            let values = self.0.get_all(name).iter();
            let values: Vec<Cow<'_, str>> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            (name.as_str(), values)
        }))
    }
}
