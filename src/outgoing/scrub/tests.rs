use std::collections::BTreeMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::{REPLACEMENT, Scrubber};
use crate::errand::Reply;

const SECRET: &str = "s3cr\u{e9}t/\"+%41\\&=x";

fn scrub(secret: &str, text: &str) -> Option<String> {
    let clean = Scrubber::new(&[secret]).scrub_text(text.as_bytes())?;
    Some(String::from_utf8_lossy(&clean).into_owned())
}

/// The forms that the manual names, by their names.
pub(crate) fn forms(secret: &str) -> BTreeMap<&'static str, String> {
    let each = |escape: &dyn Fn(u8) -> String| secret.bytes().map(escape).collect::<String>();
    let each_char =
        |escape: &dyn Fn(char) -> String| secret.chars().map(escape).collect::<String>();
    let with = |before: &str, after: &str| [before, secret, after].concat();
    let wrapped = |text: String| {
        let lines = text.as_bytes().chunks(16).map(String::from_utf8_lossy);
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let json = serde_json::to_string(secret).unwrap();
    let utf16 = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units);
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    let all_percent = each(&|byte| format!("%{byte:02x}"));
    let json_of = |text: &str| serde_json::to_string(text).unwrap();
    BTreeMap::from([
        ("raw", secret.to_owned()),
        ("base64", STANDARD.encode(secret)),
        ("base64, no padding", STANDARD_NO_PAD.encode(secret)),
        ("base64url", URL_SAFE.encode(secret)),
        ("base64url, no padding", URL_SAFE_NO_PAD.encode(secret)),
        ("base64 after 1 byte", STANDARD.encode(with("?", "~"))),
        ("base64 after 2 bytes", STANDARD.encode(with("?>", ""))),
        ("base64 after 3 bytes", URL_SAFE.encode(with("?>?", "~~"))),
        (
            "base64, wrapped",
            wrapped(STANDARD.encode(with("user:", "\n"))),
        ),
        (
            "base64, wrapped, in JSON",
            json_of(&wrapped(STANDARD.encode(with("user:", "\n")))),
        ),
        (
            "base64, percent-encoded",
            STANDARD
                .encode(with("?>", ""))
                .replace('/', "%2f")
                .replace('+', "%2B")
                .replace('=', "%3D"),
        ),
        (
            "base64, slashes escaped",
            STANDARD.encode(secret).replace('/', "\\/"),
        ),
        ("percent, lower case", all_percent.clone()),
        ("percent, upper case", each(&|byte| format!("%{byte:02X}"))),
        (
            "percent, where needed",
            each(&|byte| match byte {
                b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                b => format!("%{b:02X}"),
            }),
        ),
        ("percent, twice", all_percent.replace('%', "%25")),
        ("percent, in JSON", json_of(&all_percent)),
        ("JSON", json.clone()),
        ("JSON, all escaped", each_char(&utf16)),
        (
            "JSON, all escaped, upper case",
            each_char(&utf16).to_uppercase().replace("\\U", "\\u"),
        ),
        ("JSON in JSON", json_of(&json)),
        ("JSON in JSON in JSON", json_of(&json_of(&json))),
        ("JavaScript", each(&|byte| format!("\\x{byte:02x}"))),
        (
            "HTML, decimal",
            each_char(&|c| format!("&#{};", u32::from(c))),
        ),
        (
            "HTML, hexadecimal",
            each_char(&|c| format!("&#x{:X};", u32::from(c))),
        ),
        (
            "HTML, by name",
            each_char(&|c| match c {
                '&' => "&amp;".to_owned(),
                '"' => "&quot;".to_owned(),
                '/' => "&sol;".to_owned(),
                '+' => "&plus;".to_owned(),
                c => c.to_string(),
            }),
        ),
        (
            "HTML in JSON",
            json_of(&each_char(&|c| format!("&#{};", u32::from(c)))),
        ),
        ("hexadecimal", each(&|byte| format!("{byte:02x}"))),
        (
            "hexadecimal, upper case",
            each(&|byte| format!("{byte:02X}")),
        ),
    ])
}

#[test]
fn every_named_form_is_taken_out_and_nothing_else() {
    for secret in [
        SECRET,
        "correct horse",
        "0123456789abcdef",
        "\\\\\\u0041%%25%41&amp;amp;",
        "0\\u0041%25%41&amp;",
    ] {
        for (form, text) in forms(secret) {
            let around = format!("before {text} after");
            let clean = scrub(secret, &around).unwrap_or_else(|| panic!("{form}: {text}"));
            assert!(clean.starts_with("before "), "{form}: {clean}");
            assert!(clean.ends_with(" after"), "{form}: {clean}");
            assert!(clean.contains(REPLACEMENT), "{form}: {clean}");
            // What is left of a longer base64 text is what stood around the credential.
            let left = clean.len() - "before  after".len() - REPLACEMENT.len();
            let most = if secret.starts_with('\\') { 40 } else { 14 };
            assert!(left <= most, "{form}: {clean}");
        }
    }
}

#[test]
fn a_form_encoded_space_is_a_plus() {
    assert_eq!(
        scrub("correct horse", "p=correct+horse&x=1").unwrap(),
        "p=[credential]&x=1"
    );
}

#[test]
fn no_bits_are_left_at_the_edges_of_base64() {
    // Between other bytes the first and the last character hold some bits of the secret.
    let clean = scrub("hunter2!", &STANDARD.encode("user:hunter2!ok")).unwrap();
    assert_eq!(clean, "dXNlcj[credential]9r");
    let same_place = scrub("hunter2!", &STANDARD.encode("abchunter2!")).unwrap();
    assert_eq!(same_place, "YWJj[credential]=");
}

#[test]
fn other_texts_stay_as_they_are() {
    for text in [
        "",
        "%",
        "%4",
        "\\",
        "\\u12",
        "&;",
        "&#;",
        "{\"a\": \"b\\u0041\", \"c\": [1, 2]}\r\n",
        "s3cr\u{e9}t",
        "100% & more",
    ] {
        assert_eq!(scrub(SECRET, text), None, "{text}");
    }
}

#[test]
fn short_texts_are_taken_out_only_in_what_they_were_sent_in() {
    let scrubber = Scrubber::new(&["abc", "Bearer abc"]);
    let clean = scrubber.scrub_text(b"abc, Bearer abc").unwrap();
    assert_eq!(&**clean, b"abc, [credential]");
}

#[test]
fn several_and_overlapping_ones_are_taken_out() {
    let scrubber = Scrubber::new(&["aaaaaaaa", "aaaabbbb", "cccccccc"]);
    let clean = scrubber
        .scrub_text(b"-aaaaaaaaaaaabbbb-cccccccccccccccc-aaaabbbb%61")
        .unwrap();
    assert_eq!(&**clean, b"-[credential]-[credential]-[credential]%61");
}

#[test]
fn headers_lose_it_in_values_and_names() {
    let mut headers = HeaderMap::new();
    headers.insert(
        "location",
        HeaderValue::from_static("/?k=Sesame-Open-1&x=%53esame-Open-1"),
    );
    headers.insert("x-sesame-open-1", HeaderValue::from_static("1"));
    headers.insert("x-sesame", HeaderValue::from_static("2"));
    let mut reply = Reply {
        status: 200,
        headers,
        body: Zeroizing::new(b"fine".to_vec()),
    };
    let scrubber = Scrubber::new(&["Sesame-Open-1"]);
    assert!(scrubber.scrub(&mut reply));
    assert_eq!(reply.headers["location"], "/?k=[credential]&x=[credential]");
    assert!(!reply.headers.contains_key("x-sesame-open-1"));
    assert_eq!(reply.headers["x-sesame"], "2");
    assert!(!scrubber.scrub(&mut reply));
}

/// Undoes every escape that there is, as often as there are some.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut text = Zeroizing::new(text.to_vec());
    for _ in 0..3 {
        text = super::unescape(&text, super::Escapes::ALL);
    }
    text.to_vec()
}

fn contains(text: &[u8], secret: &str) -> bool {
    text.windows(secret.len())
        .any(|window| window == secret.as_bytes())
}

proptest! {
    #[test]
    fn what_is_left_does_not_hold_it(
        secret in "[!-Z^-~]{8,24}",
        picks in prop::collection::vec((0_usize..29, "[ -~]{0,12}"), 1..6),
    ) {
        let forms: Vec<String> = forms(&secret).into_values().collect();
        let text: String = picks
            .iter()
            .map(|(form, between)| format!("{}{between} ", forms[*form % forms.len()]))
            .collect();
        let clean = Scrubber::new(&[secret.as_str()]).scrub_text(text.as_bytes()).unwrap();
        prop_assert!(!contains(&clean, &secret));
        prop_assert!(!contains(&plain(&clean), &secret));
    }

    #[test]
    fn a_text_without_it_comes_through(text in "\\PC{0,200}") {
        prop_assert_eq!(Scrubber::new(&["\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}"]).scrub_text(text.as_bytes()), None);
    }
}
