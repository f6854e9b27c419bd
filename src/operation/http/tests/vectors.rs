//! One file for each case in `tests/vectors/http`, naming the stage that must refuse it. Each is
//! complete: any implementation can read it.
//!
//! `cargo test -p strongroom --lib write_http_vectors -- --ignored` writes them from the recipes
//! here.

use std::{collections::BTreeMap, fs, net::IpAddr, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{answered, begin, reply};
use crate::{
    binding::Binding,
    operation::{Kind, Operation, OperationError},
    outgoing::{
        address,
        scrub::{REPLACEMENT, tests::forms},
    },
    vault::material::Material,
};

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    about: String,
    /// Which stage must refuse it; `null` if none.
    refuse: Option<Stage>,
    /// What the refusal says, among other things.
    detail: String,
    kind: Kind,
    secret: String,
    binding: Value,
    input: Value,
    /// What the name in the base URL stands for at each look-up.
    addresses: Vec<IpAddr>,
    /// What is sent: method and target.
    sent: Option<String>,
    reply: Option<Answer>,
    /// What the caller is told of the reply; `null` where it is not told anything.
    answer: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// When the owner sets the binding: nothing is asked yet.
    Binding,
    /// When the input is read: 400.
    Input,
    /// When it is put beside the binding: 422.
    Possible,
    /// When the name was looked up, before anything is dialled.
    Address,
    /// When the reply is there.
    Reply,
}

const SECRET: &str = "HRKU-4f2a9c1e/77d0+\"x\" & \u{e9}";

/// Runs all stages until one refuses.
fn run(vector: &Vector) -> Result<Option<Value>, (Stage, String)> {
    let at = |stage| move |error: &dyn std::fmt::Display| (stage, error.to_string());
    let binding = Binding::parse(vector.kind, &vector.binding.to_string())
        .map_err(|error| at(Stage::Binding)(&error))?;
    Operation::parse("http", vector.input.clone()).map_err(|error| at(Stage::Input)(&error))?;
    let material = Material::import(Some(vector.kind), vector.secret.as_bytes()).unwrap();
    let (call, then) =
        begin(&material, &binding, vector.input.clone()).map_err(|error| match error {
            OperationError::Unsuitable(error) => at(Stage::Possible)(&error),
            other => panic!("{other}"),
        })?;
    if let Some(sent) = &vector.sent {
        assert_eq!(format!("{} {}", call.method, *call.target), *sent);
    }
    address::choose(&vector.addresses, &call.route.networks)
        .map_err(|error| at(Stage::Address)(&error))?;
    let Some(given) = &vector.reply else {
        return Ok(None);
    };
    let headers: Vec<(&str, &str)> = given
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    answered(then, reply(given.status, &headers, given.body.as_bytes()))
        .map(|(answer, _)| Some(answer))
        .map_err(|error| at(Stage::Reply)(&error))
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/http")
}

#[test]
fn every_http_vector() {
    let mut files: BTreeMap<String, Vector> = BTreeMap::new();
    for file in fs::read_dir(directory()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.insert(
            name,
            serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
        );
    }
    let recipes = cases();
    assert!(files.keys().eq(recipes.keys()), "write them; see above");
    for (file, vector) in files {
        assert!(recipes[&file] == vector, "`{file}` has another recipe");
        if file.starts_with("echo-") {
            let told = vector.answer.as_ref().unwrap().to_string();
            assert!(told.contains(REPLACEMENT), "{file}");
            for text in forms(&vector.secret).into_values() {
                assert!(!told.contains(&text), "{file}");
            }
        }
        match (run(&vector), vector.refuse) {
            (Ok(answer), None) => assert_eq!(answer, vector.answer, "{file}"),
            (Err((stage, detail)), Some(expected)) => {
                assert_eq!(stage, expected, "{file}: {detail}");
                assert!(detail.contains(&vector.detail), "{file}: {detail}");
            }
            (outcome, _) => panic!("{file}: {outcome:?}"),
        }
    }
}

#[test]
#[ignore = "writes the vectors"]
fn write_http_vectors() {
    fs::create_dir_all(directory()).unwrap();
    for (file, vector) in cases() {
        let text = serde_json::to_string_pretty(&vector).unwrap() + "\n";
        fs::write(directory().join(file).with_extension("json"), text).unwrap();
    }
}

fn plain(about: &str) -> Vector {
    Vector {
        about: about.to_owned(),
        refuse: None,
        detail: String::new(),
        kind: Kind::Token,
        secret: SECRET.to_owned(),
        binding: json!({"http": {"base_url": "https://provider.example"}}),
        input: json!({"method": "GET", "path": "/"}),
        addresses: vec!["93.184.216.34".parse().unwrap()],
        sent: None,
        reply: None,
        answer: None,
    }
}

fn refuse(stage: Stage, about: &str, detail: &str) -> Vector {
    Vector {
        refuse: Some(stage),
        detail: detail.to_owned(),
        ..plain(about)
    }
}

fn cases() -> BTreeMap<String, Vector> {
    [
        addresses(),
        paths(),
        headers(),
        bindings(),
        replies(),
        echoes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Cases = Vec<(String, Vector)>;

fn addresses() -> Cases {
    let private = [
        ("private", "10.1.2.3", "a private address"),
        ("loopback", "127.0.0.1", "a loopback address"),
        ("metadata", "169.254.169.254", "a link-local address"),
        ("cgnat", "100.64.0.1", "behind a carrier's NAT"),
        ("zero", "0.0.0.0", "this host"),
        ("broadcast", "255.255.255.255", "the broadcast address"),
        ("ipv6-loopback", "::1", "a loopback address"),
        ("ipv6-unique-local", "fd00::1", "a private address"),
        ("ipv6-link-local", "fe80::1", "a link-local address"),
        (
            "ipv4-mapped",
            "::ffff:10.1.2.3",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "ipv4-mapped-public",
            "::ffff:93.184.216.34",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "ipv4-compatible",
            "::127.0.0.1",
            "an IPv4 address in an IPv6 one",
        ),
        ("nat64", "64:ff9b::169.254.169.254", "a link-local address"),
        ("6to4", "2002:a01:203::1", "an IPv4 address in an IPv6 one"),
        (
            "teredo",
            "2001:0:53aa:64c:0:1:f5fe:fdfc",
            "an IPv4 address in an IPv6 one",
        ),
    ];
    let mut cases: Cases = private
        .into_iter()
        .map(|(name, address, what)| {
            let about = format!(
                "The provider's name stands for {address}, which the binding does not name."
            );
            let vector = Vector {
                addresses: vec![address.parse().unwrap()],
                ..refuse(Stage::Address, &about, what)
            };
            (format!("address-{name}"), vector)
        })
        .collect();
    let named = json!({"http": {"base_url": {"url": "https://provider.example", "networks": ["10.0.0.0/8"]}}});
    cases.extend([
        (
            "rebinding-mixed".to_owned(),
            Vector {
                addresses: vec!["93.184.216.34".parse().unwrap(), "127.0.0.1".parse().unwrap()],
                ..refuse(
                    Stage::Address,
                    "DNS rebinding: the name stands for a public address and an inner one. All are refused, whichever would be tried first.",
                    "a loopback address",
                )
            },
        ),
        (
            "rebinding-between-networks".to_owned(),
            Vector {
                binding: named.clone(),
                addresses: vec!["10.1.2.3".parse().unwrap(), "192.168.1.1".parse().unwrap()],
                ..refuse(
                    Stage::Address,
                    "DNS rebinding: one address is in a network that the binding names, the other one is not.",
                    "name its network in `networks`",
                )
            },
        ),
        (
            "accept-named-network".to_owned(),
            Vector {
                binding: named.clone(),
                addresses: vec!["10.1.2.3".parse().unwrap()],
                ..plain("A private address that the binding names.")
            },
        ),
        (
            "accept-named-network-mapped".to_owned(),
            Vector {
                binding: named,
                addresses: vec!["::ffff:10.1.2.3".parse().unwrap()],
                ..plain("The same address in an IPv6 one: a network is matched on the plain form.")
            },
        ),
        (
            "without-tls-public".to_owned(),
            Vector {
                binding: json!({"http": {"base_url": {"url": "http://provider.example", "allow_http": true, "networks": ["10.0.0.0/8"]}}}),
                ..refuse(
                    Stage::Address,
                    "Without TLS only the networks of the binding are dialled, and no public address.",
                    "in no network that the binding names",
                )
            },
        ),
    ]);
    cases
}

fn paths() -> Cases {
    let bad = [
        ("dot-segments", "/apps/../admin", "dot segments"),
        ("dot-segments-encoded", "/apps/%2e%2E/admin", "dot segments"),
        (
            "dot-segments-half-encoded",
            "/apps/.%2e/admin",
            "dot segments",
        ),
        (
            "dot-segments-encoded-twice",
            "/apps/%252e%252e/admin",
            "dot segments",
        ),
        (
            "dot-segments-with-parameter",
            "/apps/..;x/admin",
            "dot segments",
        ),
        ("single-dot", "/apps/./admin", "dot segments"),
        ("double-slash", "/apps//admin", "empty segments"),
        ("network-path", "//evil.example/admin", "empty segments"),
        ("slash-encoded", "/apps%2fadmin", "encoded slashes"),
        ("slash-encoded-twice", "/apps%252fadmin", "encoded slashes"),
        ("backslash", "/apps\\..\\admin", "backslashes"),
        ("backslash-encoded", "/apps%5cadmin", "backslashes"),
        ("query-in-path", "/apps?admin=1", "`?` and `#`"),
        ("query-in-path-encoded", "/apps%3fadmin=1", "`?` and `#`"),
        ("fragment-in-path", "/apps#admin", "`?` and `#`"),
        ("nul", "/apps%00/admin", "control characters"),
        ("line-end", "/apps%0d%0aHost:%20evil", "control characters"),
        (
            "line-end-plain",
            "/apps\r\nHost: evil",
            "control characters",
        ),
        ("escape-cut", "/apps%2", "hexadecimal digits"),
        ("escape-wrong", "/apps%zz", "hexadecimal digits"),
        ("overlong-utf-8", "/apps/%c0%ae%c0%ae/admin", "UTF-8"),
        ("absolute-url", "https://evil.example/", "begins with `/`"),
        ("relative", "apps/admin", "begins with `/`"),
    ];
    let mut cases: Cases = bad
        .into_iter()
        .map(|(name, path, detail)| {
            let vector = Vector {
                input: json!({"method": "GET", "path": path}),
                ..refuse(
                    Stage::Input,
                    "A path that servers are known to read differently from each other.",
                    detail,
                )
            };
            (format!("path-{name}"), vector)
        })
        .collect();
    let good = [
        ("unreserved-encoded", "/%61pps/%77eb", "/apps/web"),
        ("plain-text", "/apps/a b/\u{e9}", "/apps/a%20b/%C3%A9"),
        ("lower-case-escape", "/apps/%c3%a9", "/apps/%C3%A9"),
        ("matrix-parameters", "/apps;v=1/web", "/apps;v=1/web"),
        (
            "at-sign-encoded",
            "/users/a%40example.com",
            "/users/a@example.com",
        ),
    ];
    cases.extend(good.into_iter().map(|(name, path, sent)| {
        let vector = Vector {
            input: json!({"method": "GET", "path": path, "query": {"b": "2", "a": "x&b=3"}}),
            sent: Some(format!("GET {sent}?a=x%26b%3D3&b=2")),
            ..plain("A path in another spelling: what policy sees and what is sent is the one spelling.")
        };
        (format!("accept-path-{name}"), vector)
    }));
    cases
}

fn headers() -> Cases {
    let bad = [
        ("host", "Host", "evil.example", Stage::Input),
        ("content-length", "Content-Length", "0", Stage::Input),
        (
            "transfer-encoding",
            "Transfer-Encoding",
            "chunked",
            Stage::Input,
        ),
        ("connection", "Connection", "X-Api-Key", Stage::Input),
        ("te", "TE", "trailers", Stage::Input),
        ("upgrade", "Upgrade", "h2c", Stage::Input),
        (
            "http2-settings",
            "HTTP2-Settings",
            "AAMAAABkAAQAAP__",
            Stage::Input,
        ),
        ("expect", "Expect", "100-continue", Stage::Input),
        (
            "proxy-authorization",
            "Proxy-Authorization",
            "Basic eDp5",
            Stage::Input,
        ),
        (
            "authorization",
            "Authorization",
            "Bearer mine",
            Stage::Input,
        ),
        ("cookie", "Cookie", "a=b", Stage::Input),
        (
            "method-override",
            "X-HTTP-Method-Override",
            "DELETE",
            Stage::Input,
        ),
        ("original-url", "X-Original-URL", "/admin", Stage::Input),
        ("forwarded", "X-Forwarded-For", "10.0.0.1", Stage::Input),
        ("line-end", "Accept", "a\r\nHost: evil", Stage::Input),
        ("accept-encoding", "Accept-Encoding", "gzip", Stage::Input),
        ("not-allowed", "X-Impersonate-User", "root", Stage::Possible),
    ];
    bad.into_iter()
        .map(|(name, header, value, stage)| {
            let vector = Vector {
                input: json!({"method": "GET", "path": "/", "headers": {header: value}}),
                ..refuse(
                    stage,
                    "A header that frames or routes the message, says who asks, or that the owner did not allow.",
                    "header",
                )
            };
            (format!("header-{name}"), vector)
        })
        .collect()
}

fn bindings() -> Cases {
    let bad = [
        ("http", "http://provider.example", "unencrypted"),
        (
            "userinfo",
            "https://provider.example@evil.example",
            "user name or password",
        ),
        ("address-short", "https://127.1", "all four numbers"),
        (
            "address-hexadecimal",
            "https://0x7f000001",
            "all four numbers",
        ),
        ("address-number", "https://2130706433", "all four numbers"),
        ("address-octal", "https://0177.0.0.1", "all four numbers"),
        ("zone", "https://[fe80::1%25eth0]", "not an IPv6 address"),
        (
            "query",
            "https://provider.example?x=1",
            "a query or a fragment",
        ),
        (
            "dot-segments",
            "https://provider.example/a/../b",
            "dot segments",
        ),
    ];
    bad.into_iter()
        .map(|(name, url, detail)| {
            let vector = Vector {
                binding: json!({"http": {"base_url": url}}),
                ..refuse(
                    Stage::Binding,
                    "A base URL that the check and a resolver could read differently, or that sends the credential in the clear.",
                    detail,
                )
            };
            (format!("base-url-{name}"), vector)
        })
        .collect()
}

fn replies() -> Cases {
    let answer = |status, headers: &[(&str, &str)], body: &str| Answer {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_owned(),
    };
    [
        (
            "redirect",
            Vector {
                reply: Some(answer(307, &[("location", "http://169.254.169.254/")], "")),
                answer: Some(json!({"status": 307, "headers": {"location": ["http://169.254.169.254/"]}, "version": 3})),
                ..plain("A redirect is returned like any other answer, and not followed.")
            },
        ),
        (
            "redirect-with-credential",
            Vector {
                secret: "HRKU-4f2a9c1e-77d0".to_owned(),
                reply: Some(answer(302, &[("location", "https://evil.example/?t=HRKU-4f2a9c1e%2d77d0")], "")),
                answer: Some(json!({"status": 302, "headers": {"location": ["https://evil.example/?t=[credential]"]}, "version": 3})),
                ..plain("A redirect that carries the credential in its query.")
            },
        ),
        (
            "compressed",
            Vector {
                reply: Some(answer(200, &[("content-encoding", "gzip")], "x")),
                ..refuse(
                    Stage::Reply,
                    "A compressed body, though none was asked for: it can't be searched for the credential.",
                    "encoded as `gzip`",
                )
            },
        ),
        (
            "cookie",
            Vector {
                reply: Some(answer(200, &[("set-cookie", "session=1"), ("etag", "\"1\"")], "")),
                answer: Some(json!({"status": 200, "headers": {"etag": ["\"1\""]}, "version": 3})),
                ..plain("A session that the credential opened is not the caller's.")
            },
        ),
    ]
    .map(|(name, vector)| (format!("reply-{name}"), vector))
    .into()
}

/// The provider echoes the credential in its body, in each of the named forms.
fn echoes() -> Cases {
    let mut cases: Cases = forms(SECRET)
        .into_iter()
        .map(|(form, text)| {
            let body = format!("<{text}>");
            let clean =
                crate::outgoing::scrub::Scrubber::new(&[SECRET]).scrub_text(body.as_bytes());
            let clean = String::from_utf8(clean.unwrap().to_vec()).unwrap();
            let vector = Vector {
                reply: Some(Answer {
                    status: 400,
                    headers: Vec::new(),
                    body,
                }),
                answer: Some(json!({"status": 400, "headers": {}, "body": clean, "version": 3})),
                ..plain(&format!("The provider echoes the credential: {form}."))
            };
            let name = form.to_lowercase().replace(", ", "-").replace(' ', "-");
            (format!("echo-{name}"), vector)
        })
        .collect();
    let header = Vector {
        secret: "HRKU-4f2a9c1e-77d0".to_owned(),
        reply: Some(Answer {
            status: 401,
            headers: vec![
                (
                    "www-authenticate".to_owned(),
                    "Bearer error=\"HRKU-4f2a9c1e-77d0\"".to_owned(),
                ),
                ("hrku-4f2a9c1e-77d0".to_owned(), "1".to_owned()),
            ],
            body: "bad token: Bearer HRKU-4f2a9c1e-77d0".to_owned(),
        }),
        answer: Some(json!({
            "status": 401,
            "headers": {"www-authenticate": ["Bearer error=\"[credential]\""]},
            "body": "bad token: [credential]",
            "version": 3,
        })),
        ..plain(
            "The provider echoes the credential in a header's value, in a header's name, and with its scheme in an error text.",
        )
    };
    cases.push(("echo-header".to_owned(), header));
    cases
}
