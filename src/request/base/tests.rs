//! The published examples of RFC 9421, byte for byte.

use aws_lc_rs::{hmac, signature::Ed25519KeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use sfv::{Dictionary, InnerList, ListEntry, Parser};

use super::{BadBase, Message, serialise, signature_base};
use crate::service::key::PublicKey;

/// Appendix B.1.
const RSA_PSS: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----";
const ECC_P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----";
const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----";
const ED25519_SEED: &str = "n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=";
const SHARED_SECRET: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/// Appendix B.2.
const TARGET: &str = "/foo?param=Value&Pet=dog";
const REQUEST: &[(&str, &str)] = &[
    ("Host", "example.com"),
    ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("Content-Type", "application/json"),
    (
        "Content-Digest",
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ),
    ("Content-Length", "18"),
];
const RESPONSE: &[(&str, &str)] = &[
    ("Date", "Tue, 20 Apr 2021 02:07:56 GMT"),
    ("Content-Type", "application/json"),
    (
        "Content-Digest",
        "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
    ),
    ("Content-Length", "23"),
];

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn input(text: &str) -> InnerList {
    let mut members: Dictionary = Parser::new(&format!("sig={text}")).parse().unwrap();
    match members.swap_remove("sig").unwrap() {
        ListEntry::InnerList(input) => input,
        ListEntry::Item(_) => panic!("not a list"),
    }
}

fn request_base(text: &str) -> Result<String, BadBase> {
    signature_base(
        &input(text),
        &Message::request(&Method::POST, TARGET, &headers(REQUEST)),
    )
}

fn verifies(key: &str, base: &str, signature: &str) -> bool {
    let signature = STANDARD.decode(signature).unwrap();
    PublicKey::parse(key)
        .unwrap()
        .verify(base.as_bytes(), &signature)
}

#[test]
fn b_2_1_nothing_covered() {
    let base = request_base(
        r#"();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
    )
    .unwrap();
    assert_eq!(
        base,
        r#""@signature-params": ();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#
    );
    assert!(verifies(
        RSA_PSS,
        &base,
        "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q=="
    ));
}

#[test]
fn b_2_2_needs_a_component_that_is_not_supported() {
    let refused = request_base(
        r#"("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example""#,
    );
    assert!(matches!(refused, Err(BadBase::Unsupported(_))));
}

#[test]
fn b_2_3_full_coverage() {
    let base = request_base(r#"("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#).unwrap();
    let expected = r#""date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@query": ?param=Value&Pet=dog
"@authority": example.com
"content-type": application/json
"content-digest": sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#;
    assert_eq!(base, expected);
    assert!(verifies(
        RSA_PSS,
        &base,
        "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA=="
    ));
}

#[test]
fn b_2_4_a_response() {
    let input = input(
        r#"("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
    );
    let base = signature_base(
        &input,
        &Message::response(StatusCode::OK, &headers(RESPONSE)),
    )
    .unwrap();
    let expected = r#""@status": 200
"content-type": application/json
"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:
"content-length": 23
"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#;
    assert_eq!(base, expected);
    assert!(verifies(
        ECC_P256,
        &base,
        "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw=="
    ));
}

#[test]
fn b_2_5_with_a_shared_secret() {
    let base = request_base(
        r#"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
    )
    .unwrap();
    let expected = r#""date": Tue, 20 Apr 2021 02:07:55 GMT
"@authority": example.com
"content-type": application/json
"@signature-params": ("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    assert_eq!(base, expected);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(SHARED_SECRET).unwrap());
    let mac = hmac::sign(&key, base.as_bytes());
    assert_eq!(
        STANDARD.encode(mac),
        "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
    );
}

#[test]
fn b_2_6_ed25519() {
    let text = r#"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    let base = request_base(text).unwrap();
    let expected = r#""date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#;
    assert_eq!(base, expected);
    let signature =
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
    assert!(verifies(ED25519, &base, signature));
    // Ed25519 is deterministic: we sign the same.
    let seed = STANDARD.decode(ED25519_SEED).unwrap();
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    assert_eq!(STANDARD.encode(pair.sign(base.as_bytes())), signature);
}

/// Appendix B.3.
#[test]
fn b_3_behind_a_proxy() {
    let certificate = ":MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:";
    let headers = headers(&[
        ("Host", "service.internal.example"),
        ("Client-Cert", certificate),
    ]);
    let input = input(
        r#"("@path" "@query" "@method" "@authority" "client-cert");created=1618884473;keyid="test-key-ecc-p256""#,
    );
    let base = signature_base(&input, &Message::request(&Method::POST, TARGET, &headers)).unwrap();
    assert!(verifies(
        ECC_P256,
        &base,
        "xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw=="
    ));
}

/// Section 2.4: a response bound to its request.
#[test]
fn section_2_4_a_response_bound_to_its_request() {
    let request_headers = headers(REQUEST);
    let request = Message::request(&Method::POST, TARGET, &request_headers);
    let response_headers = headers(&[
        ("Content-Type", "application/json"),
        (
            "Content-Digest",
            "sha-512=:0Y6iCBzGg5rZtoXS95Ijz03mslf6KAMCloESHObfwnHJDbkkWWQz6PhhU9kxsTbARtY2PTBOzq24uJFpHsMuAg==:",
        ),
    ]);
    let response =
        Message::response(StatusCode::SERVICE_UNAVAILABLE, &response_headers).in_reply_to(&request);
    let input = input(
        r#"("@status" "content-digest" "content-type" "@authority";req "@method";req "@path";req "content-digest";req);created=1618884479;keyid="test-key-ecc-p256""#,
    );
    let base = signature_base(&input, &response).unwrap();
    assert!(base.contains("\n\"@path\";req: /foo\n"));
    assert!(verifies(
        ECC_P256,
        &base,
        "dMT/A/76ehrdBTD/2Xx8QuKV6FoyzEP/I9hdzKN8LQJLNgzU4W767HK05rx1i8meNQQgQPgQp8wq2ive3tV5Ag=="
    ));
}

#[test]
fn section_2_1_fields() {
    let headers = headers(&[
        ("Cache-Control", "max-age=60"),
        ("Cache-Control", "   must-revalidate "),
        ("X-Empty", ""),
        ("Example-Dict", "a=1, b=2;x=1;y=2, c=(a   b    c), d"),
        ("Example-Dict", "e=\"\\\\\""),
    ]);
    let message = Message::request(&Method::GET, "/", &headers);
    let base = |text: &str| signature_base(&input(text), &message).unwrap();
    assert!(
        base(r#"("cache-control")"#)
            .starts_with("\"cache-control\": max-age=60, must-revalidate\n")
    );
    assert!(base(r#"("x-empty")"#).starts_with("\"x-empty\": \n"));
    let members = base(
        r#"("example-dict";key="a" "example-dict";key="d" "example-dict";key="b" "example-dict";key="c" "example-dict";key="e")"#,
    );
    let expected = "\"example-dict\";key=\"a\": 1\n\"example-dict\";key=\"d\": ?1\n\"example-dict\";key=\"b\": 2;x=1;y=2\n\"example-dict\";key=\"c\": (a b c)\n\"example-dict\";key=\"e\": \"\\\\\"\n";
    assert!(members.starts_with(expected), "{members}");
    assert!(base(r#"("@query")"#).starts_with("\"@query\": ?\n"));
    assert!(base(r#"("@path")"#).starts_with("\"@path\": /\n"));
}

#[test]
fn the_authority_is_normalised() {
    for (host, expected) in [
        ("Example.COM", "example.com"),
        ("example.com:443", "example.com"),
        ("example.com:8443", "example.com:8443"),
    ] {
        let headers = headers(&[("Host", host)]);
        let message = Message::request(&Method::GET, "/", &headers);
        let base = signature_base(&input(r#"("@authority")"#), &message).unwrap();
        assert!(
            base.starts_with(&format!("\"@authority\": {expected}\n")),
            "{base}"
        );
    }
}

#[test]
fn what_has_no_canonical_form_is_refused() {
    let unsupported = [
        r#"("@target-uri")"#,
        r#"("@scheme")"#,
        r#"("@request-target")"#,
        r#"("@query-param";name="x")"#,
        r#"("@method";key="a")"#,
        r#"("date";sf)"#,
        r#"("date";bs)"#,
        r#"("date";tr)"#,
        r#"("date";req=?0)"#,
        r#"("date";key=a)"#,
        r#"("Date")"#,
        r#"("")"#,
        r#"("a b")"#,
        r#"("@")"#,
    ];
    for text in unsupported {
        assert!(
            matches!(request_base(text), Err(BadBase::Unsupported(_))),
            "{text}"
        );
    }
    for text in [
        r#"("x-not-there")"#,
        r#"("@status")"#,
        r#"("@method";req)"#,
        r#"("content-digest";key="sha-256")"#,
    ] {
        assert!(
            matches!(request_base(text), Err(BadBase::Missing(_))),
            "{text}"
        );
    }
    for text in [
        r#"("@method" "@method")"#,
        r#"("content-digest";key="a";req "content-digest";req;key="a")"#,
    ] {
        let refused = request_base(text);
        assert!(
            matches!(refused, Err(BadBase::Twice(_) | BadBase::Missing(_))),
            "{refused:?}"
        );
    }
    for text in ["(date)", "(1)", r#"("@signature-params")"#] {
        assert!(
            matches!(request_base(text), Err(BadBase::Malformed(_))),
            "{text}"
        );
    }
    assert!(matches!(
        request_base(r#"("date";key="a")"#),
        Err(BadBase::NotADictionary(_))
    ));
    let many = format!("({})", "\"date\" ".repeat(33));
    assert_eq!(request_base(&many), Err(BadBase::TooMany));
}

#[test]
fn the_order_of_parameters_makes_no_other_component() {
    let headers = headers(REQUEST);
    let request = Message::request(&Method::POST, TARGET, &headers);
    let response = Message::response(StatusCode::OK, &headers).in_reply_to(&request);
    let twice = input(r#"("content-digest";key="sha-512";req "content-digest";req;key="sha-512")"#);
    assert!(matches!(
        signature_base(&twice, &response),
        Err(BadBase::Twice(_))
    ));
    // Nor is one form turned into the other.
    let base =
        signature_base(&input(r#"("content-digest";key="sha-512";req)"#), &response).unwrap();
    assert!(
        base.starts_with(r#""content-digest";key="sha-512";req: :WZDP"#),
        "{base}"
    );
}

#[test]
fn values_that_are_not_ascii_are_refused() {
    let mut headers = HeaderMap::new();
    headers.insert("x-bytes", HeaderValue::from_bytes(b"caf\xe9").unwrap());
    let message = Message::request(&Method::GET, "/caf\u{e9}", &headers);
    for text in [r#"("x-bytes")"#, r#"("@path")"#] {
        assert!(
            matches!(
                signature_base(&input(text), &message),
                Err(BadBase::Value(_))
            ),
            "{text}"
        );
    }
    let broken = Message::request(&Method::GET, "/a\nb", &headers);
    assert!(matches!(
        signature_base(&input(r#"("@path")"#), &broken),
        Err(BadBase::Value(_))
    ));
}

proptest! {
    /// A base has one line for each component, and the parameters as they were received.
    #[test]
    fn one_line_for_each_component(
        names in proptest::sample::subsequence(&["\"date\"", "\"@method\"", "\"@path\"", "\"@query\"", "\"host\""][..], 0..=5),
        parameters in proptest::sample::subsequence(&[";created=1", ";expires=2", ";nonce=\"x\"", ";other"][..], 0..=4).prop_shuffle(),
    ) {
        let text = format!("({}){}", names.join(" "), parameters.concat());
        let base = request_base(&text).unwrap();
        prop_assert_eq!(base.lines().count(), names.len() + 1);
        prop_assert!(base.ends_with(&text));
        prop_assert_eq!(serialise(&input(&text)), text);
    }

    #[test]
    fn no_input_panics(text in "[ -~]{0,60}", header in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut headers = headers(REQUEST);
        if let Ok(value) = HeaderValue::from_bytes(&header) {
            headers.append("date", value);
        }
        let parsed = Parser::new(&format!("sig=({text})")).parse::<Dictionary>();
        if let Ok(Some(ListEntry::InnerList(input))) = parsed.map(|mut members| members.swap_remove("sig")) {
            _ = signature_base(&input, &Message::request(&Method::POST, TARGET, &headers));
        }
    }
}
