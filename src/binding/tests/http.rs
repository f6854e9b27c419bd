//! The section `http`, endpoints, base URLs and how credentials are attached.

use serde_json::{Value, json};

use super::parse;
use crate::{
    binding::{Attach, BaseUrl, Binding},
    operation::Kind,
};

fn url(text: &str) -> BaseUrl {
    text.parse().unwrap_or_else(|bad| panic!("{bad}"))
}

#[test]
fn base_urls_are_normalised() {
    let table = [
        ("https://api.heroku.com", "https://api.heroku.com"),
        ("HTTPS://API.Heroku.com./", "https://api.heroku.com"),
        ("https://example.com:443/v2/", "https://example.com/v2"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("http://10.0.0.7:80/x", "http://10.0.0.7/x"),
        ("https://[FD00::0:1]:9000/%7ea", "https://[fd00::1]:9000/~a"),
        (
            "https://xn--bcher-kva.example/a_b",
            "https://xn--bcher-kva.example/a_b",
        ),
        ("https://a-b.c_d.example", "https://a-b.c_d.example"),
    ];
    for (text, normal) in table {
        assert_eq!(url(text).to_string(), normal);
        assert_eq!(url(normal), url(text));
    }
    let parts = url("https://[fd00::1]/v2");
    assert_eq!(
        (parts.host(), parts.port(), parts.path()),
        ("fd00::1", 443, "/v2")
    );
    assert_eq!(parts.authority(), "[fd00::1]");
}

#[test]
fn hosts_that_resolvers_read_differently_are_refused() {
    let host = "its host is not a domain name or an address; write international names in their `xn--` form";
    let number = "its host looks like an address; write all four numbers of it in decimal";
    let table = [
        ("api.heroku.com", "write it as `https://host/path`"),
        ("ftp://example.com", "it must begin with `https://`"),
        ("https://", host),
        (
            "https://user:pw@example.com",
            "it has a user name or password in it; that is what the secret is for",
        ),
        (
            "https://example.com?x=1",
            "it has a query or a fragment; leave it out",
        ),
        (
            "https://example.com/#x",
            "it has a query or a fragment; leave it out",
        ),
        ("https://example.com:0", "its port must be 1 to 65535"),
        ("https://example.com:", "its port must be 1 to 65535"),
        ("https://example.com:+80", "its port must be 1 to 65535"),
        ("https://example.com:65536", "its port must be 1 to 65535"),
        ("https://exa mple.com", host),
        ("https://example..com", host),
        ("https://-a.example", host),
        ("https://b\u{fc}cher.example", host),
        ("https://127.1", number),
        ("https://0x7f.0.0.1", number),
        ("https://0x7f000001", number),
        ("https://2130706433", number),
        ("https://0177.0.0.1", number),
        ("https://127.0.0.1.5", number),
        ("https://[::1", "what is in brackets is not an IPv6 address"),
        (
            "https://[fe80::1%25eth0]",
            "what is in brackets is not an IPv6 address",
        ),
        ("https://::1", "its port must be 1 to 65535"),
        (
            "https://example.com/a/../b",
            "a path must be without dot segments (`.` and `..`)",
        ),
        (
            "https://example.com//a",
            "a path must be without empty segments (`//`)",
        ),
        (
            "https://example.com\\@10.0.0.1/",
            "it has a user name or password in it; that is what the secret is for",
        ),
        ("https://example.com\\.evil.example/", host),
    ];
    for (text, problem) in table {
        let bad = text.parse::<BaseUrl>().unwrap_err().to_string();
        assert!(
            bad.ends_with(&format!("is not a base URL: {problem}")),
            "{bad}"
        );
    }
}

/// What [`Binding::parse`] says of a section `http` that is `https://example.com` and this.
fn refused(kind: Kind, more: Value) -> String {
    match bind(kind, more) {
        Ok(binding) => panic!("{binding:?}"),
        Err(bad) => bad,
    }
}

fn bind(kind: Kind, more: Value) -> Result<Binding, String> {
    let mut http = json!({"base_url": "https://example.com"});
    for (name, value) in more.as_object().unwrap() {
        http[name] = value.clone();
    }
    let mut binding = json!({ "http": http });
    if kind == Kind::Aws {
        binding["aws"] =
            json!({"regions": ["eu-west-1"], "services": ["s3"], "hosts": ["example.com"]});
    }
    parse(kind, binding).map_err(|bad| bad.to_string())
}

#[test]
fn a_binding_is_written_as_it_was_read() {
    let table = [
        (Kind::Token, json!({})),
        (Kind::Token, json!({"attach": "bearer"})),
        (Kind::Token, json!({"attach": {"header": "x-api-key"}})),
        (
            Kind::Token,
            json!({"attach": {"header": "authorization", "prefix": "Token token="}}),
        ),
        (Kind::Token, json!({"attach": {"query": "api_key"}})),
        (Kind::Oauth2, json!({"attach": {"cookie": "session"}})),
        (Kind::Basic, json!({"attach": "basic", "public_user": true})),
        (Kind::Mtls, json!({"attach": "mtls"})),
        (Kind::Aws, json!({"allow_headers": ["x-amz-acl"]})),
        (
            Kind::Token,
            json!({"headers": {"heroku-version": "3", "User-Agent": "atlas"}, "allow_headers": ["X-Heroku-Actor"],
                "body_fields": ["/slug", "/a~1b/0", "/"]}),
        ),
        (
            Kind::Token,
            json!({"base_url": {"url": "https://10.0.0.7:8443/v2", "networks": ["10.0.0.0/8", "fd00::/8"],
                "cacert": include_str!("authority.pem"), "timeout_seconds": 300, "max_reply": 10_485_760}}),
        ),
        (
            Kind::Token,
            json!({"base_url": {"url": "http://10.0.0.7", "allow_http": true, "networks": ["10.0.0.7/32"]}}),
        ),
    ];
    for (kind, more) in table {
        let binding = bind(kind, more.clone()).unwrap_or_else(|bad| panic!("{more}: {bad}"));
        let mut written = serde_json::to_value(&binding).unwrap();
        assert_eq!(Binding::parse(kind, &written.to_string()).unwrap(), binding);
        written = written["http"].take();
        for (name, value) in more.as_object().unwrap() {
            assert_eq!(&written[name], value);
        }
    }
}

#[test]
fn what_contradicts_itself_is_refused_and_says_what_would_be_right() {
    let to = |endpoint: Value| json!({ "base_url": endpoint });
    let table = [
        (
            Kind::Token,
            to(json!("http://example.com")),
            "http.url: the credential would be sent unencrypted: use `https://`, or, inside a network of your own, add `\"allow_http\": true` and name it in `networks`",
        ),
        (
            Kind::Token,
            to(json!({"url": "http://example.com", "allow_http": true})),
            "http.networks: `allow_http` is for networks of your own: name them, as in `[\"10.0.0.0/8\"]`",
        ),
        (
            Kind::Token,
            to(json!({"url": "https://example.com", "allow_http": true})),
            "http.allow_http: the URL begins with `https://`; leave it out",
        ),
        (
            Kind::Token,
            to(json!({"url": "https://example.com", "timeout_seconds": 0})),
            "http.timeout_seconds: a call may take 1 to 300 seconds",
        ),
        (
            Kind::Token,
            to(json!({"url": "https://example.com", "timeout_seconds": 301})),
            "http.timeout_seconds: a call may take 1 to 300 seconds",
        ),
        (
            Kind::Token,
            to(json!({"url": "https://example.com", "max_reply": 10_485_761})),
            "http.max_reply: a reply may have 1 to 10485760 bytes",
        ),
        (
            Kind::Token,
            to(json!({"url": "https://example.com", "cacert": "x"})),
            "http.cacert: there is no certificate in it; give PEM",
        ),
        (
            Kind::Mtls,
            to(json!({"url": "http://10.0.0.1", "allow_http": true, "networks": ["10.0.0.0/8"]})),
            "http.attach: a client certificate needs TLS: use `https://`",
        ),
        (
            Kind::Basic,
            json!({"attach": "bearer"}),
            "http.attach: a user name and password is attached as `basic`",
        ),
        (
            Kind::Mtls,
            json!({"attach": {"query": "k"}}),
            "http.attach: a client certificate is attached as `mtls`",
        ),
        (
            Kind::Token,
            json!({"attach": "basic"}),
            "http.attach: a secret of kind `token` is attached as `bearer`, `header`, `query` or `cookie`",
        ),
        (
            Kind::Aws,
            json!({"attach": "bearer"}),
            "http.attach: requests are signed with a secret of kind `aws`; leave it out",
        ),
        (
            Kind::Token,
            json!({"attach": {"header": "Host"}}),
            "http.attach: `host` is no header for a credential",
        ),
        (
            Kind::Token,
            json!({"attach": {"header": "X-Forwarded-For"}}),
            "http.attach: `x-forwarded-for` is no header for a credential",
        ),
        (
            Kind::Token,
            json!({"headers": {"Authorization": "x"}}),
            "http.headers: `authorization` is the credential's; leave it out",
        ),
        (
            Kind::Token,
            json!({"headers": {"Transfer-Encoding": "x"}}),
            "http.headers: `transfer-encoding` can't be set; leave it out",
        ),
        (
            Kind::Token,
            json!({"headers": {"a b": "x"}}),
            "http.headers: `a b` is not the name of a header",
        ),
        (
            Kind::Token,
            json!({"headers": {"X-A": "x\r\ny"}}),
            "http.headers: the value of `x-a` is not one line of ASCII",
        ),
        (
            Kind::Token,
            json!({"headers": {"X-A": "1", "x-a": "2"}}),
            "http.headers: `x-a` stands there twice",
        ),
        (
            Kind::Token,
            json!({"attach": {"header": "X-Key"}, "allow_headers": ["x-key"]}),
            "http.allow_headers: `x-key` is the credential's; leave it out",
        ),
        (
            Kind::Token,
            json!({"allow_headers": ["Cookie"]}),
            "http.allow_headers: `cookie` can't be set; leave it out",
        ),
        (
            Kind::Aws,
            json!({"allow_headers": ["X-Amz-Security-Token"]}),
            "http.allow_headers: `x-amz-security-token` is the credential's; leave it out",
        ),
        (
            Kind::Token,
            json!({"body_fields": ["slug"]}),
            "http.body_fields: `slug` is not a JSON pointer; write it as `/app/name`",
        ),
        (
            Kind::Token,
            json!({"body_fields": ["/a~2"]}),
            "http.body_fields: `/a~2` is not a JSON pointer; write it as `/app/name`",
        ),
        (
            Kind::Token,
            json!({"body_fields": ["/a", "/a"]}),
            "http.body_fields: `/a` stands there twice",
        ),
        (
            Kind::Token,
            json!({"public_user": true}),
            "http.public_user: a secret of kind `token` has no user name; leave it out",
        ),
    ];
    for (kind, more, message) in table {
        assert_eq!(refused(kind, more), message);
    }
    let malformed = [
        (json!({"base_uri": "x"}), "unknown field `base_uri`"),
        (
            to(json!({"url": "https://example.com", "proxy": "x"})),
            "unknown field `proxy`",
        ),
        (to(json!(7)), "expected a URL, or an object with `url`"),
        (
            to(json!({"url": "https://example.com", "networks": ["10.0.0.1/8"]})),
            "it begins at `10.0.0.0/8`; write that",
        ),
        (
            json!({"attach": "token"}),
            "expected `\"bearer\"`, `\"basic\"`, `\"mtls\"`",
        ),
        (
            json!({"attach": {"header": "X-A", "query": "x"}}),
            "use one of `\"bearer\"`",
        ),
        (
            json!({"attach": {"query": "x", "prefix": "y"}}),
            "use one of `\"bearer\"`",
        ),
        (
            json!({"attach": {"cookie": "a b"}}),
            "`cookie` must be the name of a cookie",
        ),
        (
            json!({"attach": {"header": "X-A", "prefix": "a\r\nb"}}),
            "`prefix` may be at most 128 printable ASCII characters",
        ),
        (json!({"attach": {"body": "x"}}), "unknown field `body`"),
    ];
    for (more, message) in malformed {
        let bad = refused(Kind::Token, more);
        assert!(
            bad.starts_with("this is not a binding: ") && bad.contains(message),
            "{bad}"
        );
    }
    let no_section = parse(
        Kind::Ed25519,
        json!({"http": {"base_url": "https://example.com"}}),
    );
    assert!(
        no_section
            .unwrap_err()
            .to_string()
            .contains("has no use for the section `http`")
    );
}

#[test]
fn what_a_header_or_cookie_cannot_hold_is_not_attached() {
    let cookie = Attach::Cookie("s".to_owned());
    for secret in ["a b", "a;b", "a,b", "a\"b", "a\\b", "\u{e9}"] {
        let error = cookie.credential(secret).err().unwrap().to_string();
        assert_eq!(
            error,
            "the credential has characters in it that can't stand in a cookie"
        );
    }
    assert!(cookie.credential("abc-._~!#$%&'()*+/:<=>?@[]^`{|}").is_ok());
    let error = Attach::Bearer.credential("a\nb").err().unwrap().to_string();
    assert_eq!(
        error,
        "the credential has characters in it that can't stand in a header"
    );
}
