//! Which headers of a request a caller may set, and which of an answer it gets.
//!
//! By name, and few: what frames a message, routes it, says who asks or overrides what policy looks
//! at is nobody's to set, not even the owner's in a binding.

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        ACCEPT, ACCEPT_LANGUAGE, CONNECTION, CONTENT_TYPE, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, USER_AGENT,
    },
};

/// The most headers that a request may set.
pub const MAX_HEADERS: usize = 64;

/// The most bytes that the value of one may have.
pub const MAX_VALUE: usize = 8 * 1024;

/// Why a header may not be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It frames the message or belongs to one connection (RFC 9110, section 7.6.1; RFC 9112).
    Framing,
    /// It says who asks: that is the credential.
    Credential,
    /// It tells some servers another method, path or origin than the request has.
    Override,
}

/// What only this program may set.
pub fn reserved(name: &HeaderName) -> Option<Reserved> {
    match name.as_str() {
        "connection" | "content-length" | "expect" | "host" | "http2-settings" | "keep-alive"
        | "te" | "trailer" | "transfer-encoding" | "upgrade" | "accept-encoding" => {
            Some(Reserved::Framing)
        }
        "authorization" | "cookie" | "cookie2" => Some(Reserved::Credential),
        "forwarded" | "via" | "x-real-ip" | "x-host" | "x-method-override" | "true-client-ip" => {
            Some(Reserved::Override)
        }
        name if name.starts_with("proxy-") => Some(Reserved::Framing),
        name if ["x-forwarded", "x-original", "x-rewrite", "x-http-"]
            .iter()
            .any(|prefix| name.starts_with(prefix)) =>
        {
            Some(Reserved::Override)
        }
        _ => None,
    }
}

/// What every caller may set: it changes the form of an answer, or makes a request safer.
pub fn is_harmless(name: &HeaderName) -> bool {
    [
        ACCEPT,
        ACCEPT_LANGUAGE,
        CONTENT_TYPE,
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_RANGE,
        IF_UNMODIFIED_SINCE,
        RANGE,
        USER_AGENT,
    ]
    .contains(name)
        || matches!(
            name.as_str(),
            "idempotency-key"
                | "prefer"
                | "traceparent"
                | "tracestate"
                | "x-correlation-id"
                | "x-request-id"
        )
}

/// A value of printable ASCII and spaces. What could end a line is refused, and so is what
/// readers take for different characters.
pub fn value(text: &str) -> Option<HeaderValue> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t');
    if !is_plain || text.len() > MAX_VALUE || text.trim_matches([' ', '\t']) != text {
        return None;
    }
    HeaderValue::from_str(text).ok()
}

/// Takes out of an answer what belongs to one connection, and the cookies: a session that was
/// opened with the credential is one.
pub(crate) fn keep_end_to_end(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let hop_by_hop = [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "set-cookie",
        "set-cookie2",
    ];
    for name in hop_by_hop {
        headers.remove(name);
    }
    for name in named {
        headers.remove(name);
    }
}

/// Whether this media type is JSON: `application/json`, a type with the suffix `+json`
/// (RFC 6839), or one of AWS's JSON protocols.
pub fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    ["json", "x-amz-json-1.0", "x-amz-json-1.1"]
        .iter()
        .any(|subtype| is_application(essence, subtype))
        || essence
            .get(essence.len().saturating_sub(5)..)
            .is_some_and(|suffix| suffix.eq_ignore_ascii_case("+json"))
}

fn is_application(essence: &str, subtype: &str) -> bool {
    essence.split_once('/').is_some_and(|(kind, rest)| {
        kind.eq_ignore_ascii_case("application") && rest.eq_ignore_ascii_case(subtype)
    })
}

/// Whether this media type is that of HTML's forms.
pub fn is_form(content_type: &str) -> bool {
    essence(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Reserved, is_form, is_harmless, is_json, keep_end_to_end, reserved, value};

    fn name(text: &str) -> HeaderName {
        text.parse().unwrap()
    }

    #[test]
    fn what_frames_routes_or_authenticates_is_reserved() {
        let table = [
            ("Host", Reserved::Framing),
            ("Content-Length", Reserved::Framing),
            ("Transfer-Encoding", Reserved::Framing),
            ("Connection", Reserved::Framing),
            ("Keep-Alive", Reserved::Framing),
            ("TE", Reserved::Framing),
            ("Trailer", Reserved::Framing),
            ("Upgrade", Reserved::Framing),
            ("Expect", Reserved::Framing),
            ("HTTP2-Settings", Reserved::Framing),
            ("Proxy-Connection", Reserved::Framing),
            ("Proxy-Authorization", Reserved::Framing),
            ("Accept-Encoding", Reserved::Framing),
            ("Authorization", Reserved::Credential),
            ("Cookie", Reserved::Credential),
            ("Forwarded", Reserved::Override),
            ("Via", Reserved::Override),
            ("X-Forwarded-For", Reserved::Override),
            ("X-Forwarded-Host", Reserved::Override),
            ("X-Original-URL", Reserved::Override),
            ("X-Rewrite-URL", Reserved::Override),
            ("X-HTTP-Method-Override", Reserved::Override),
            ("X-HTTP-Method", Reserved::Override),
            ("X-Method-Override", Reserved::Override),
        ];
        for (header, why) in table {
            assert_eq!(reserved(&name(header)), Some(why), "{header}");
            assert!(!is_harmless(&name(header)), "{header}");
        }
        for header in [
            "Accept",
            "Content-Type",
            "If-Match",
            "Idempotency-Key",
            "Range",
            "Prefer",
        ] {
            assert_eq!(reserved(&name(header)), None, "{header}");
            assert!(is_harmless(&name(header)), "{header}");
        }
        assert_eq!(reserved(&name("X-Api-Version")), None);
        assert!(!is_harmless(&name("X-Api-Version")));
    }

    #[test]
    fn values_are_one_line_of_ascii() {
        for text in ["", "a", "application/json; v=2", "a\tb", "\"x\""] {
            assert_eq!(value(text).unwrap(), text);
        }
        for text in [
            "a\r\nb", "a\nb", "a\rb", "a\0b", "\u{e9}", " a", "a ", "\ta", "a\u{7f}",
        ] {
            assert_eq!(value(text), None, "{text:?}");
        }
        assert!(value(&"a".repeat(8 * 1024)).is_some());
        assert!(value(&"a".repeat(8 * 1024 + 1)).is_none());
    }

    #[test]
    fn an_answer_keeps_what_is_for_its_end() {
        let mut headers = HeaderMap::new();
        for header in [
            "Connection",
            "Set-Cookie",
            "ETag",
            "X-Hop",
            "Keep-Alive",
            "Location",
        ] {
            headers.insert(name(header), HeaderValue::from_static("close, X-Hop"));
        }
        keep_end_to_end(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["etag", "location"]);
    }

    #[test]
    fn media_types_are_told_apart() {
        for text in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
            "application/x-amz-json-1.0",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "",
            "text/json2",
            "application/jsonx",
            "+jso",
            "application/json-seq",
        ] {
            assert!(!is_json(text), "{text}");
        }
        assert!(is_form("application/x-www-form-urlencoded; charset=UTF-8"));
        assert!(!is_form("multipart/form-data; boundary=x"));
    }
}
