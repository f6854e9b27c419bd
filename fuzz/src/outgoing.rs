//! What goes out to a provider and what comes back: bindings, paths and queries, and answers that
//! hold the credential.

use std::str;

use http::uri::PathAndQuery;
use serde_json::{Map, Value};
use strongroom::{
    binding::Binding,
    operation::Kind,
    outgoing::{
        scrub::{MIN_LEN, REPLACEMENT, Scrubber},
        target::{Path, Query},
    },
};

use super::{assert_harmless, first_line};

/// The name of a kind on a line, then a binding in JSON.
pub fn binding(data: &[u8]) -> bool {
    let Some((kind, json)) = first_line(data) else {
        return false;
    };
    let (Ok(kind), Ok(json)) = (kind.parse::<Kind>(), str::from_utf8(json)) else {
        return false;
    };
    let binding = match Binding::parse(kind, json) {
        Ok(binding) => binding,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    assert_harmless(&binding.summary(), false);
    let written = serde_json::to_string(&binding).unwrap();
    assert_eq!(Binding::parse(kind, &written).unwrap(), binding);
    true
}

/// A path on a line, then a query as a JSON object of strings.
pub fn target(data: &[u8]) -> bool {
    let Some((text, query)) = first_line(data) else {
        return false;
    };
    let Ok(Value::Object(members)) = serde_json::from_slice(query) else {
        return false;
    };
    let Ok(path) = Path::parse(text) else {
        return false;
    };
    assert_eq!(Path::parse(path.as_str()).as_ref(), Ok(&path));
    check_segments(path.as_str());
    let Ok(query) = named(members) else {
        return false;
    };
    let pairs: Vec<(String, String)> = query
        .to_string()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            let plain = |text: &str| String::from_utf8(percent(text.as_bytes())).unwrap();
            (plain(name), plain(value))
        })
        .collect();
    assert!(
        query.pairs().eq(pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())))
    );
    // What policy sees is what a client writes.
    let target = format!("{}?{query}", path.under("/v2"));
    assert_eq!(PathAndQuery::try_from(&target).unwrap().as_str(), target);
    true
}

/// However often a server decodes: no segment that leads elsewhere, and none more or less.
fn check_segments(path: &str) {
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
    let slashes = path.matches('/').count();
    let mut level = path.as_bytes().to_vec();
    loop {
        let text = String::from_utf8_lossy(&level).into_owned();
        assert_eq!(text.matches('/').count(), slashes, "{text}");
        assert!(!text.contains(['\\', '?', '#']), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        for segment in text.split('/') {
            let name = segment.split(';').next().unwrap().trim();
            assert!(name != "." && name != "..", "{text}");
        }
        let next = percent(&level);
        if next == level {
            break;
        }
        level = next;
    }
}

fn named(members: Map<String, Value>) -> Result<Query, ()> {
    let pairs = members.into_iter().map(|(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        _ => Err(()),
    });
    Query::new(pairs.collect::<Result<Vec<_>, ()>>()?).map_err(|_| ())
}

/// A secret on a line, then a text: each control character in it stands for the secret in one of
/// its forms. Taken if the secret is one that is looked for; it must not be left in the text.
pub fn scrub(data: &[u8]) -> bool {
    let Some((secret, text)) = first_line(data) else {
        return false;
    };
    let is_odd = |c: char| c.is_control() || matches!(c, '[' | ']');
    if secret.len() < MIN_LEN || secret.contains(is_odd) || REPLACEMENT.contains(secret) {
        return false;
    }
    let forms = forms(secret);
    // An escape just before a secret that itself looks escaped takes a part of it along, for every
    // reader: then it is not that secret any more.
    let apart: &[u8] = match secret.contains(['%', '\\', '&']) {
        true => b" ",
        false => b"",
    };
    let mut echo = Vec::new();
    for byte in text {
        match byte {
            0..=31 => {
                let form = &forms[usize::from(*byte) % forms.len()];
                echo.extend([apart, form, apart].concat());
            }
            other => echo.push(*other),
        }
    }
    let scrubber = Scrubber::new(&[secret]);
    let clean = match scrubber.scrub_text(&echo) {
        Some(clean) => clean.to_vec(),
        None => echo,
    };
    for decoded in [clean.clone(), percent(&clean), percent(&percent(&clean))] {
        assert!(!contains(&decoded, secret.as_bytes()), "{secret}");
    }
    for form in forms {
        assert!(!contains(&clean, &form), "{secret}");
    }
    true
}

/// Forms that are told from any other text without context.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let each = |escape: &dyn Fn(u8) -> String| secret.bytes().map(escape).collect::<String>();
    let json = serde_json::to_string(secret).unwrap();
    let inner = json[1..json.len() - 1].to_owned();
    let html = |c: char| format!("&#{};", u32::from(c));
    let mut forms = vec![
        secret.to_owned(),
        inner,
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%25{byte:02X}")),
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("\\x{byte:02x}")),
        secret.chars().map(html).collect(),
    ];
    for before in 0..3 {
        let whole = ["???", secret].concat().split_off(3 - before);
        forms.push(base64(whole.as_bytes(), before, b"+/"));
        forms.push(base64(whole.as_bytes(), before, b"-_"));
    }
    forms.into_iter().map(String::into_bytes).collect()
}

/// RFC 4648 without padding; only the characters that hold nothing but what comes after `skip`
/// bytes.
fn base64(bytes: &[u8], skip: usize, last: &[u8; 2]) -> String {
    let alphabet: Vec<u8> = (b'A'..=b'Z')
        .chain(b'a'..=b'z')
        .chain(b'0'..=b'9')
        .chain(*last)
        .collect();
    let bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        .collect();
    let digits = bits.chunks_exact(6).skip((skip * 8).div_ceil(6));
    digits
        .map(|digit| {
            digit
                .iter()
                .fold(0, |value, bit| value << 1 | usize::from(*bit))
        })
        .map(|value| char::from(alphabet[value]))
        .collect()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Undoes percent-encoding where there is some.
fn percent(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut plain = Vec::new();
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                plain.push(*byte);
                at += 1;
            }
        }
    }
    plain
}
