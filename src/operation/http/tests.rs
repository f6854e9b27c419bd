use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    audit::Ending,
    binding::{Binding, Bound},
    errand::{Call, Failure, Reply, Report, Step, Then},
    operation::{Done, Kind, Operation, OperationError, OperationName, Setting, perform},
    policy::{Policies, PolicyText, Question, Subject, Verdict},
    request::WayIn,
    vault::material::Material,
};

mod vectors;

const TOKEN: &str = "HRKU-4f2a9c1e-77d0";

fn binding(kind: Kind, more: Value) -> Binding {
    let mut http = json!({"base_url": "https://api.heroku.com"});
    for (name, value) in more.as_object().unwrap() {
        http[name] = value.clone();
    }
    Binding::parse(kind, &json!({ "http": http }).to_string()).unwrap()
}

fn bound(binding: Binding) -> Bound {
    Bound {
        number: 1,
        record: 12,
        created: jiff::Timestamp::UNIX_EPOCH,
        binding,
    }
}

/// The call that comes of a request, and what waits for its reply.
fn begin(
    material: &Material,
    binding: &Binding,
    input: Value,
) -> Result<(Call, Then), OperationError> {
    let operation = Operation::parse("http", input).unwrap();
    operation.suits(material.kind(), false, Some(binding))?;
    let bound = bound(binding.clone());
    let setting = Setting {
        version: 3,
        binding: Some(&bound),
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    match perform(material, &operation, setting)? {
        Step::Call(call, then) => Ok((*call, then)),
        _ => panic!("it calls nobody"),
    }
}

fn token() -> Material {
    Material::import(Some(Kind::Token), TOKEN.as_bytes()).unwrap()
}

fn call(material: &Material, more: Value, input: Value) -> Call {
    begin(material, &binding(material.kind(), more), input)
        .unwrap()
        .0
}

fn header<'a>(call: &'a Call, name: &str) -> Option<&'a str> {
    let mut values = call.headers.get_all(name).iter();
    let value = values.next()?.to_str().unwrap();
    assert_eq!(values.next(), None, "{name}");
    Some(value)
}

/// What comes of an answer.
fn answered(then: Then, reply: Reply) -> Result<(Value, Report), Failure> {
    match then(reply)? {
        Step::Report(report) => {
            let Done::Written(json) = &report.done else {
                panic!("not written")
            };
            Ok((serde_json::from_str(json.get()).unwrap(), report))
        }
        _ => panic!("no report"),
    }
}

fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Reply {
        status,
        headers: map,
        body: Zeroizing::new(body.to_vec()),
    }
}

fn parse_error(input: Value) -> String {
    Operation::parse("http", input).unwrap_err().to_string()
}

#[test]
fn what_policy_sees_is_what_is_sent() {
    let binding = Binding::parse(
        Kind::Token,
        &json!({"http": {
            "base_url": "https://api.example.com:8443/v2/",
            "body_fields": ["/slug", "/size/cpu", "/tags", "/missing", "/a~1b"],
            "allow_headers": ["x-tenant"],
        }})
        .to_string(),
    )
    .unwrap();
    let input = json!({
        "method": "POST",
        "path": "/apps/%77eb/releases",
        "query": {"force": "yes please", "dry": "0"},
        "headers": {"Accept": "application/vnd.heroku+json; version=3", "X-Tenant": "blue"},
        "body": {"slug": "4f2a", "size": {"cpu": 2.50}, "tags": ["a", 1], "a/b": null, "other": "x"},
    });
    let operation = Operation::parse("http", input.clone()).unwrap();
    let (call, _) = begin(&token(), &binding, input).unwrap();
    assert_eq!(
        Value::Object(operation.fields_for(Kind::Token, Some(&binding))),
        json!({
            "method": "POST",
            "host": "api.example.com:8443",
            "path": "/v2/apps/web/releases",
            "query": {"dry": "0", "force": "yes please"},
            "headers": {"x-tenant": "blue"},
            "body": {"/slug": "4f2a", "/size/cpu": "2.5", "/tags": "[\"a\",1]", "/a~1b": "null"},
            "size": call.body.len(),
            "content_type": "application/json",
        })
    );
    assert_eq!(call.method, "POST");
    assert_eq!(
        *call.target,
        "/v2/apps/web/releases?dry=0&force=yes%20please"
    );
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["size"]["cpu"], 2.5);
    assert_eq!(
        header(&call, "accept"),
        Some("application/vnd.heroku+json; version=3")
    );
    assert_eq!(header(&call, "content-type"), Some("application/json"));
    assert_eq!(header(&call, "accept-encoding"), Some("identity"));
    assert_eq!(
        header(&call, "authorization"),
        Some("Bearer HRKU-4f2a9c1e-77d0")
    );
    assert!(
        header(&call, "user-agent")
            .unwrap()
            .starts_with("strongroom/")
    );
    assert!(call.headers["authorization"].is_sensitive());
    assert_eq!(header(&call, "x-tenant"), Some("blue"));
    assert_eq!(call.headers.len(), 6);
    let route = &call.route;
    assert_eq!(
        (route.host.as_str(), route.port, route.tls),
        ("api.example.com", 8443, true)
    );
    assert_eq!(route.key, (12, 3 << 8));
    // Nothing of the credential is in what may be logged.
    assert!(!format!("{call:?}{operation:?}").contains("HRKU"));
}

/// What policy sees of a request that has everything.
pub(crate) fn seen() -> Value {
    let input = json!({
        "method": "POST",
        "path": "/apps/web/releases",
        "query": {"dry": "0"},
        "body": {"slug": "4f2a", "force": false},
    });
    let binding = binding(Kind::Token, json!({"body_fields": ["/slug", "/force"]}));
    let operation = Operation::parse("http", input).unwrap();
    Value::Object(operation.fields_for(Kind::Token, Some(&binding)))
}

#[test]
fn a_policy_looks_into_a_request() {
    let decide = |condition: &str| {
        let text = format!(
            "permit (principal, action == Action::\"http\", resource) when {{ {condition} }};"
        );
        let policy = PolicyText::check("p".parse().unwrap(), &text)
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let (service, asked) = ("atlas".parse().unwrap(), "heroku/prod".parse().unwrap());
        let fields = seen();
        let verdict = Policies::new([policy]).decide(&Question {
            service: &service,
            operation: OperationName::Http,
            fields: fields.as_object().unwrap(),
            asked: &asked,
            secret: &Subject::new(&asked, Kind::Token, &Default::default(), false),
            purpose: None,
            ticket: None,
            way_in: WayIn::Tls,
            address: None,
            time: jiff::Timestamp::UNIX_EPOCH,
        });
        match verdict {
            Verdict::Permitted(_) => true,
            Verdict::Denied(_) => false,
            Verdict::Failed(why) => panic!("{why}"),
        }
    };
    let http = "context.http.";
    let table = [
        ("method == \"POST\"", true),
        ("method == \"GET\"", false),
        ("host == \"api.heroku.com\"", true),
        ("path like \"/apps/*/releases\"", true),
        ("path like \"/account*\"", false),
        (
            "query.hasTag(\"dry\") && context.http.query.getTag(\"dry\") == \"0\"",
            true,
        ),
        ("query.hasTag(\"force\")", false),
        (
            "body.hasTag(\"/slug\") && context.http.body.getTag(\"/slug\") like \"4f*\"",
            true,
        ),
        (
            "body.hasTag(\"/force\") && context.http.body.getTag(\"/force\") == \"true\"",
            false,
        ),
        ("size < 1000", true),
    ];
    for (condition, permitted) in table {
        assert_eq!(
            decide(&format!("{http}{condition}")),
            permitted,
            "{condition}"
        );
    }
    assert!(decide(
        "context.http has content_type && context.http.content_type == \"application/json\""
    ));
}

#[test]
fn a_repeated_member_has_one_value() {
    let text = r#"{"method": "POST", "path": "/", "body": {"app": "web", "app": "db"}}"#;
    let input: Value = serde_json::from_str(text).unwrap();
    let operation = Operation::parse("http", input.clone()).unwrap();
    let binding = binding(Kind::Token, json!({"body_fields": ["/app"]}));
    let seen = operation.fields_for(Kind::Token, Some(&binding));
    assert_eq!(seen["body"], json!({"/app": "db"}));
    let (call, _) = begin(&token(), &binding, input).unwrap();
    assert_eq!(&*call.body, br#"{"app":"db"}"#);
}

#[test]
fn a_form_is_looked_into_as_json_is() {
    let binding = binding(
        Kind::Token,
        json!({"body_fields": ["/amount", "/metadata[app]"]}),
    );
    let input = json!({
        "method": "POST", "path": "/v1/charges",
        "form": {"amount": "100", "metadata[app]": "a&amount=5 \u{e9}", "x": ""},
    });
    let operation = Operation::parse("http", input.clone()).unwrap();
    let seen = operation.fields_for(Kind::Token, Some(&binding));
    assert_eq!(
        seen["body"],
        json!({"/amount": "100", "/metadata[app]": "a&amount=5 \u{e9}"})
    );
    let (call, _) = begin(&token(), &binding, input).unwrap();
    assert_eq!(
        &*call.body,
        b"amount=100&metadata%5Bapp%5D=a%26amount%3D5%20%C3%A9&x="
    );
    assert_eq!(
        header(&call, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[test]
fn credentials_are_attached_as_the_binding_says() {
    let get = || json!({"method": "GET", "path": "/", "query": {"q": "1"}});
    let with = |attach: Value| call(&token(), json!({ "attach": attach }), get());
    let sent = with(json!({"header": "X-Api-Key"}));
    assert_eq!(header(&sent, "x-api-key"), Some(TOKEN));
    assert_eq!(header(&sent, "authorization"), None);
    let sent = with(json!({"header": "Authorization", "prefix": "Token token="}));
    assert_eq!(
        header(&sent, "authorization"),
        Some("Token token=HRKU-4f2a9c1e-77d0")
    );
    let sent = with(json!({"cookie": "session"}));
    assert_eq!(header(&sent, "cookie"), Some("session=HRKU-4f2a9c1e-77d0"));
    let sent = with(json!({"query": "api key"}));
    assert_eq!(*sent.target, "/?q=1&api%20key=HRKU-4f2a9c1e-77d0");
    let basic = Material::import(Some(Kind::Basic), b"Aladdin:open sesame\n").unwrap();
    let sent = call(&basic, json!({}), get());
    // RFC 7617, section 2.
    assert_eq!(
        header(&sent, "authorization"),
        Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    );
    assert_eq!(*sent.target, "/?q=1");
}

#[test]
fn fixed_and_allowed_headers() {
    let more = json!({
        "headers": {"Heroku-Version": "3", "user-agent": "atlas"},
        "allow_headers": ["X-Actor"],
    });
    let sent = call(
        &token(),
        more.clone(),
        json!({"method": "GET", "path": "/", "headers": {"X-ACTOR": "me"}}),
    );
    assert_eq!(header(&sent, "heroku-version"), Some("3"));
    assert_eq!(header(&sent, "user-agent"), Some("atlas"));
    assert_eq!(header(&sent, "x-actor"), Some("me"));
    let refused = |attach: Value, headers: Value| {
        let mut more = more.clone();
        more["attach"] = attach;
        let input = json!({"method": "GET", "path": "/", "headers": headers});
        match begin(&token(), &binding(Kind::Token, more), input) {
            Err(OperationError::Unsuitable(error)) => error.to_string(),
            _ => panic!("it was not refused"),
        }
    };
    let bearer = || json!("bearer");
    let prefix = "the binding of the secret does not allow to set the header";
    assert_eq!(
        refused(bearer(), json!({"X-Other": "1"})),
        format!("{prefix} `x-other`: the owner can add it to `allow_headers`")
    );
    assert_eq!(
        refused(bearer(), json!({"Heroku-Version": "2"})),
        format!("{prefix} `heroku-version`: the binding sets it itself")
    );
    assert_eq!(
        refused(json!({"header": "Range"}), json!({"range": "bytes=0-"})),
        format!("{prefix} `range`: it is the credential's")
    );
}

#[test]
fn inputs_are_read_strictly() {
    let with = |member: &str, value: Value| {
        let mut input = json!({"method": "POST", "path": "/"});
        input[member] = value;
        parse_error(input)
    };
    let table = [
        (
            parse_error(json!({"path": "/"})),
            "`http` needs the field `method`",
        ),
        (
            parse_error(json!({"method": "GET"})),
            "`http` needs the field `path`",
        ),
        (
            with("method", json!("CONNECT")),
            "`CONNECT` is not a value of the field `method`; use `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, `OPTIONS`",
        ),
        (with("method", json!("TRACE")), "`TRACE` is not a value"),
        (with("method", json!("get")), "`get` is not a value"),
        (
            with("path", json!("/a/../b")),
            "the field `path` must be without dot segments (`.` and `..`)",
        ),
        (
            with("path", json!("/a?b=c")),
            "the field `path` must be without `?` and `#`",
        ),
        (
            with("url", json!("https://example.com")),
            "`http` takes no field `url`",
        ),
        (
            with("query", json!("a=b")),
            "the field `query` must be an object of strings",
        ),
        (
            with("query", json!({"a": 1})),
            "the field `query` must be an object of strings",
        ),
        (
            with("query", json!({"a": ["1", "2"]})),
            "the field `query` must be an object of strings",
        ),
        (
            with("query", json!({"": "1"})),
            "the field `query` must be values whose names are not empty",
        ),
        (
            with("query", json!({"_method": "DELETE"})),
            "the field `query` must be without `_method`",
        ),
        (
            with("form", json!({"_Method": "DELETE"})),
            "the field `form` must be without `_method`",
        ),
        (
            with("body", json!({"_method": "DELETE"})),
            "the field `body` must be without `_method`",
        ),
        (
            with("headers", json!(["a"])),
            "the field `headers` must be an object of strings",
        ),
        (
            with("headers", json!({"a": ["b"]})),
            "the field `headers` must be an object of strings",
        ),
        (
            with("headers", json!({"a b": "c"})),
            "the field `headers` must be named with letters, digits and `-`",
        ),
        (
            with("headers", json!({"a\r\nHost": "c"})),
            "the field `headers` must be named with",
        ),
        (
            with("headers", json!({"accept": "a\r\nHost: b"})),
            "the field `headers` must be each one line of printable ASCII",
        ),
        (
            with("headers", json!({"Accept": "a", "accept": "b"})),
            "the field `headers` must be each there once",
        ),
        (
            with("headers", json!({"Host": "evil"})),
            "the field `headers` must be without those that frame or route a message",
        ),
        (
            with("headers", json!({"Content-Length": "1"})),
            "the field `headers` must be without those",
        ),
        (
            with("headers", json!({"Transfer-Encoding": "chunked"})),
            "the field `headers` must be without those",
        ),
        (
            with("headers", json!({"Authorization": "x"})),
            "the field `headers` must be without those",
        ),
        (
            with("headers", json!({"Cookie": "x"})),
            "the field `headers` must be without those",
        ),
        (
            with("headers", json!({"X-HTTP-Method-Override": "DELETE"})),
            "the field `headers` must be without those",
        ),
        (
            with("headers", json!({"content-type": "text/plain"})),
            "the field `headers` must be without `content-type`, since there is no body",
        ),
        (
            with("body_base64", json!("!")),
            "the field `body_base64` must be standard base64",
        ),
        (
            parse_error(json!({"method": "GET", "path": "/", "body": 1})),
            "the field `method` must be another one than `GET` or `HEAD`",
        ),
        (
            parse_error(json!({"method": "POST", "path": "/", "body": 1, "form": {}})),
            "`http` takes `body` or `form`, not both",
        ),
        (
            parse_error(json!({"method": "POST", "path": "/", "body": 1, "body_base64": ""})),
            "`http` takes `body` or `body_base64`, not both",
        ),
        (
            parse_error(json!({"method": "POST", "path": "/", "form": {}, "body_base64": ""})),
            "`http` takes `form` or `body_base64`, not both",
        ),
        (
            parse_error(
                json!({"method": "POST", "path": "/", "body": 1, "headers": {"content-type": "text/plain"}}),
            ),
            "the field `headers` must be with a `content-type` of JSON",
        ),
        (
            parse_error(
                json!({"method": "POST", "path": "/", "body_base64": "e30=", "headers": {"content-type": "application/merge-patch+json"}}),
            ),
            "the field `headers` must be with another `content-type`: send JSON as `body`",
        ),
        (
            parse_error(
                json!({"method": "POST", "path": "/", "body_base64": "YT1i", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
            ),
            "the field `headers` must be with another `content-type`: send JSON as `body`",
        ),
    ];
    for (message, expected) in table {
        assert!(message.starts_with(expected), "{message}");
    }
    let long = STANDARD.encode(vec![0; super::MAX_BODY + 1]);
    assert_eq!(
        with("body_base64", long.into()),
        "the field `body_base64` may hold at most 10485760 bytes"
    );
    assert_eq!(
        with("body", "x".repeat(super::MAX_BODY).into()),
        "the field `body` may hold at most 10485760 bytes"
    );
}

#[test]
fn the_binding_refuses_what_policy_could_not_see() {
    let refused = |kind: Kind, more: Option<Value>, input: Value| {
        let binding = more.map(|more| binding(kind, more));
        let operation = Operation::parse("http", input).unwrap();
        operation
            .suits(kind, false, binding.as_ref())
            .unwrap_err()
            .to_string()
    };
    let fields = || Some(json!({"body_fields": ["/app"]}));
    assert_eq!(
        refused(Kind::Token, None, json!({"method": "GET", "path": "/"})),
        "the binding of the secret does not allow to send requests: set its base URL with `strongroom secret bind`"
    );
    assert_eq!(
        refused(
            Kind::Token,
            fields(),
            json!({"method": "PUT", "path": "/", "body_base64": "AAAA"})
        ),
        "the binding of the secret does not allow to send a body that is neither JSON nor a form: policy looks into it"
    );
    assert_eq!(
        refused(
            Kind::Token,
            fields(),
            json!({"method": "PUT", "path": "/", "body": {"app": "x".repeat(1025)}})
        ),
        "the binding of the secret does not allow to send more than 1024 bytes at `/app` of the body: policy looks at it"
    );
    assert_eq!(
        refused(
            Kind::Token,
            Some(json!({"attach": {"query": "api_key"}})),
            json!({"method": "GET", "path": "/", "query": {"API_KEY": "mine"}})
        ),
        "the binding of the secret does not allow to set `API_KEY` in the query: it is the credential's"
    );
    assert!(
        refused(Kind::Hmac, None, json!({"method": "GET", "path": "/"}))
            .contains("is not possible")
    );
}

fn then() -> Then {
    begin(
        &token(),
        &binding(Kind::Token, json!({})),
        json!({"method": "GET", "path": "/"}),
    )
    .unwrap()
    .1
}

#[test]
fn an_answer_is_passed_on_as_it_is() {
    let json = br#"{"b": 12345678901234567890.10, "a": [1e400]}"#;
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-A", "1"),
        ("x-a", "2"),
        ("Set-Cookie", "session=1"),
        ("Connection", "close"),
        ("Content-Length", "44"),
    ];
    let Ok(Step::Report(report)) = then()(reply(200, &headers, json)) else {
        panic!("no report")
    };
    let Done::Written(written) = &report.done else {
        panic!("not written")
    };
    assert_eq!(
        written.get(),
        r#"{"status":200,"headers":{"content-length":["44"],"content-type":["application/json; charset=utf-8"],"x-a":["1","2"]},"body":{"b": 12345678901234567890.10, "a": [1e400]},"version":3}"#
    );
    assert_eq!(
        (report.ending, report.status, report.detail),
        (Ending::Answered, Some(200), None)
    );

    let body = |headers: &[(&str, &str)], body: &[u8]| {
        answered(then(), reply(404, headers, body)).unwrap().0
    };
    assert_eq!(
        body(&[], b""),
        json!({"status": 404, "headers": {}, "version": 3})
    );
    assert_eq!(body(&[], b"{}")["body"], "{}");
    let json = [("content-type", "application/problem+json")];
    assert_eq!(body(&json, b" {}\n")["body"], json!({}));
    assert_eq!(body(&json, b"{")["body"], "{");
    assert_eq!(body(&json, b"{} {}")["body"], "{} {}");
    assert_eq!(body(&json, b"\xff")["body_base64"], "/w==");
    assert_eq!(body(&json, b"\xff").get("body"), None);
    let deep = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(body(&json, &deep(100))["body"].is_array());
    assert!(body(&json, &deep(101))["body"].is_string());
}

#[test]
fn a_redirect_is_an_answer() {
    let location = [("Location", "http://169.254.169.254/latest")];
    let (answer, report) = answered(then(), reply(302, &location, b"")).unwrap();
    assert_eq!(
        answer["headers"]["location"][0],
        "http://169.254.169.254/latest"
    );
    assert_eq!(
        (report.ending, report.status),
        (Ending::Answered, Some(302))
    );
}

#[test]
fn what_cannot_be_searched_is_not_passed_on() {
    for headers in [
        [("Content-Encoding", "gzip")],
        [("Content-Encoding", "identity, BR")],
        [("Transfer-Encoding", "gzip, chunked")],
    ] {
        let failure = answered(then(), reply(200, &headers, b"x")).err().unwrap();
        assert_eq!(failure.ending(), Ending::BadAnswer);
        assert_eq!(failure.told(), "the provider's answer can't be read");
        assert!(
            failure
                .to_string()
                .contains("though that was not asked for")
        );
        assert!(answered(then(), reply(304, &headers, b"")).is_ok());
    }
    let plain = [
        ("Content-Encoding", "identity"),
        ("Transfer-Encoding", "chunked"),
    ];
    assert!(answered(then(), reply(200, &plain, b"x")).is_ok());
}

#[test]
fn what_came_back_of_the_credential_is_taken_out_and_recorded() {
    let body = format!("{{\"token\": \"{TOKEN}\", \"at\": \"2026\"}}");
    let length = body.len().to_string();
    let headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", length.as_str()),
        ("X-Echo", "Bearer HRKU-4f2a9c1e-77d0"),
    ];
    let (answer, report) = answered(then(), reply(200, &headers, body.as_bytes())).unwrap();
    assert_eq!(
        answer,
        json!({
            "status": 200,
            "headers": {"content-type": ["application/json"], "x-echo": ["[credential]"]},
            "body": {"token": "[credential]", "at": "2026"},
            "version": 3,
        })
    );
    assert_eq!(report.ending, Ending::Answered);
    assert_eq!(
        report.detail.as_deref(),
        Some("the credential was in the answer, and was taken out")
    );
}

#[test]
fn both_parts_of_basic_are_taken_out() {
    let echo = |secret: &[u8], more: Value, text: &str| {
        let material = Material::import(Some(Kind::Basic), secret).unwrap();
        let binding = binding(Kind::Basic, more);
        let (_, then) = begin(&material, &binding, json!({"method": "GET", "path": "/"})).unwrap();
        answered(then, reply(200, &[], text.as_bytes())).unwrap().0["body"].clone()
    };
    let text = "administrator, correct horse, administrator:correct horse, YWRtaW5pc3RyYXRvcjpjb3JyZWN0IGhvcnNl";
    assert_eq!(
        echo(b"administrator:correct horse", json!({}), text),
        "[credential], [credential], [credential], [credential]"
    );
    assert_eq!(
        echo(
            b"administrator:correct horse",
            json!({"public_user": true}),
            text
        ),
        "administrator, [credential], [credential], [credential]"
    );
    // Short parts are taken out in what they were sent in.
    assert_eq!(
        echo(b"me:pw", json!({}), "me, pw, me:pw, Basic bWU6cHc="),
        "me, pw, me:pw, [credential]"
    );
    // Some providers take a key for the user name.
    assert_eq!(
        echo(
            b"sk_live_4f2a9c1e:",
            json!({}),
            "no such key: sk_live_4f2a9c1e"
        ),
        "no such key: [credential]"
    );
}
