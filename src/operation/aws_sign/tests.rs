//! Signatures against botocore's and AWS's own test suite: `tests/python/sigv4.py` makes both files.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    binding::{Binding, Bound},
    errand::Step,
    operation::{Done, Kind, Operation, Setting, perform},
    vault::material::Material,
};

#[derive(Deserialize)]
struct Case {
    about: String,
    key: Value,
    time: String,
    input: Value,
    headers: Option<BTreeMap<String, String>>,
    url: Option<String>,
    signature: Option<String>,
}

fn bound(aws: Value) -> Bound {
    Bound {
        number: 1,
        record: 1,
        created: Timestamp::UNIX_EPOCH,
        binding: Binding::parse(Kind::Aws, &json!({ "aws": aws }).to_string()).unwrap(),
    }
}

/// A binding that allows what is asked.
fn wide(input: &Value) -> Bound {
    let host = match input.get("url") {
        Some(url) => url.as_str().unwrap().split('/').nth(2).unwrap(),
        None => input["host"].as_str().unwrap(),
    };
    let host = host.split('?').next().unwrap();
    bound(json!({
        "regions": [input["region"]], "services": [input["service"]],
        "hosts": [host], "presigned_seconds": 604_800,
    }))
}

fn sign(key: &Value, input: &Value, bound: &Bound, now: Timestamp) -> Value {
    let material = Material::import(Some(Kind::Aws), key.to_string().as_bytes()).unwrap();
    let operation = Operation::parse("aws-sign", input.clone())
        .unwrap_or_else(|error| panic!("{input}: {error}"));
    assert!(operation.wants_sealed());
    let setting = Setting {
        version: 7,
        binding: Some(bound),
        now,
    };
    match perform(&material, &operation, setting).unwrap() {
        Step::Done(Done::Secret(json)) => serde_json::from_slice(&json).unwrap(),
        _ => panic!("it is done at once, and secret"),
    }
}

/// `20150830T123600Z`
fn at(stamp: &str) -> Timestamp {
    let part = |from: usize, to: usize| &stamp[from..to];
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(9, 11),
        part(11, 13),
        part(13, 15)
    );
    text.parse().unwrap()
}

fn parameters(url: &str) -> (String, BTreeMap<String, String>) {
    let (front, query) = url.split_once('?').unwrap();
    (
        front.to_owned(),
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
    )
}

fn check(vectors: &str) -> usize {
    let mut seen = 0;
    for line in vectors.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let about = &case.about;
        let answer = sign(&case.key, &case.input, &wide(&case.input), at(&case.time));
        assert_eq!(answer["version"], 7);
        let url = answer["url"].as_str().unwrap();
        if let Some(headers) = case.headers {
            let found: BTreeMap<String, String> =
                serde_json::from_value(answer["headers"].clone()).unwrap();
            assert_eq!(found, headers, "{about}: {}", case.input);
            assert!(answer.get("expires").is_none());
        }
        if let Some(expected) = case.url {
            assert_eq!(parameters(url), parameters(&expected), "{about}");
            assert!(answer.get("headers").is_none());
        }
        if let Some(signature) = case.signature {
            assert_eq!(parameters(url).1["X-Amz-Signature"], signature, "{about}");
        }
        seen += 1;
    }
    seen
}

#[test]
fn botocore_signs_the_same() {
    let vectors = include_str!("../../../tests/vectors/sigv4/botocore.jsonl");
    assert_eq!(check(vectors), 300);
}

#[test]
fn published_vectors_hold() {
    let vectors = include_str!("../../../tests/vectors/sigv4/published.jsonl");
    assert!(check(vectors) > 40);
}

/// "Examples: Signature Calculations in AWS Signature Version 4", Amazon S3 API Reference.
#[test]
fn the_examples_of_the_s3_reference_hold() {
    let key = json!({
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    });
    let examples = [
        (
            json!({"method": "GET", "path": "/test.txt", "headers": {"Range": "bytes=0-9"}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            json!({
                "method": "PUT", "path": "/test$file.text", "body": "V2VsY29tZSB0byBBbWF6b24gUzMu",
                "headers": {"Date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            }),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            json!({"method": "GET", "query": {"lifecycle": ""}}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            json!({"method": "GET", "query": {"max-keys": "2", "prefix": "J"}}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        (
            json!({"method": "GET", "path": "/test.txt", "presign": {"expires": 86400}}),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
        ),
    ];
    for (mut input, signature) in examples {
        input["host"] = "examplebucket.s3.amazonaws.com".into();
        input["region"] = "us-east-1".into();
        input["service"] = "s3".into();
        let answer = sign(&key, &input, &wide(&input), at("20130524T000000Z"));
        match answer.get("headers") {
            Some(headers) => {
                let authorization = headers["authorization"].as_str().unwrap();
                assert!(authorization.ends_with(signature), "{input}");
            }
            None => {
                let url = answer["url"].as_str().unwrap();
                assert_eq!(parameters(url).1["X-Amz-Signature"], signature);
                assert_eq!(answer["expires"], "2013-05-25T00:00:00Z");
            }
        }
    }
}

fn fields(input: Value) -> Value {
    Value::Object(Operation::parse("aws-sign", input).unwrap().fields())
}

#[test]
fn policy_sees_what_is_signed() {
    let url = "https://Bucket.S3.eu-west-1.amazonaws.com:443/a%2eb//c%c3%a9?prefix=a%20b&acl";
    let seen = fields(json!({
        "service": "s3", "region": "eu-west-1", "method": "PUT", "url": url,
        "headers": {"X-Amz-Acl": " public-read  now"}, "presign": {"expires": 60},
    }));
    assert_eq!(
        seen,
        json!({
            "service": "s3", "region": "eu-west-1", "method": "PUT",
            "host": "bucket.s3.eu-west-1.amazonaws.com", "path": "/a.b//c%C3%A9",
            "query": {"acl": "", "prefix": "a b"}, "headers": {"x-amz-acl": "public-read now"},
            "presigned": true, "expires": 60, "unsigned_payload": true,
        })
    );
    let call = |more: Value| {
        let mut input = json!({
            "service": "sqs", "region": "eu-west-1", "method": "POST",
            "host": "sqs.eu-west-1.amazonaws.com", "path": "/a/%2e%2e//b/./",
        });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        fields(input)
    };
    let seen = call(json!({}));
    assert_eq!((&seen["path"], seen.get("action")), (&json!("/b/"), None));
    assert_eq!(seen["unsigned_payload"], false);
    assert_eq!(call(json!({"query": {"Action": "Send"}}))["action"], "Send");
    let target = json!({"headers": {"X-Amz-Target": "AmazonSQS.SendMessage"}});
    assert_eq!(call(target)["action"], "AmazonSQS.SendMessage");
    // `Act%69on=Send+It&Version=1`, as a form and as something else.
    let body = "QWN0JTY5b249U2VuZCtJdCZWZXJzaW9uPTE=";
    let form = |media_type: &str| {
        call(json!({"body": body, "headers": {"Content-Type": media_type}}))
            .get("action")
            .cloned()
    };
    let found = form("Application/X-WWW-Form-Urlencoded; charset=utf-8");
    assert_eq!(found, Some(json!("Send It")));
    assert_eq!(form("application/json"), None);
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let refused = |more: Value, message: &str| {
        let mut input = json!({
            "service": "s3", "region": "eu-west-1", "method": "GET",
            "url": "https://bucket.s3.eu-west-1.amazonaws.com/key",
        });
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => input.as_object_mut().unwrap().remove(name),
                value => input
                    .as_object_mut()
                    .unwrap()
                    .insert(name.clone(), value.clone()),
            };
        }
        let told = Operation::parse("aws-sign", input.clone())
            .unwrap_err()
            .to_string();
        assert!(told.contains(message), "{input}: {told}");
    };
    let url = |rest: &str, message: &str| {
        let url = format!("https://bucket.s3.eu-west-1.amazonaws.com{rest}");
        refused(json!({ "url": url }), message);
    };
    url("/a/../b", "dot segments");
    url("/a/%2E%2e", "dot segments");
    url("/a%2fb", "encoded slashes");
    url("/a b", "percent-encoded");
    url("/a%zz", "two hexadecimal digits");
    url("/a%", "two hexadecimal digits");
    url("/%ff", "UTF-8");
    url("/%00", "control characters");
    url("/é", "no place in a URL");
    url("/a#b", "fragment");
    url("/a?b=c+d", "write a space as `%20`");
    url("/a?b=1&b=2", "each name in it once");
    url("/a?X-AMZ-date=1", "what signing adds");
    url(":0/", "`https://host/path?query`");
    url("@evil/", "`https://host/path?query`");
    refused(
        json!({"url": "ftp://a.amazonaws.com/"}),
        "`https://host/path?query`",
    );
    refused(json!({"path": "/"}), "`url` or `path`, not both");
    refused(
        json!({"host": "a.amazonaws.com"}),
        "`url` or `host`, not both",
    );
    refused(json!({"url": null}), "needs the field `url` or `host`");
    refused(json!({"url": null, "host": "a.amazonaws.com/x"}), "a host");
    refused(
        json!({"url": null, "host": "a", "query": {"b": 1}}),
        "an object of strings",
    );
    refused(json!({"method": "get"}), "`get` is not a value");
    refused(json!({"region": "eu west"}), "a name as in signatures");
    refused(json!({"service": null}), "needs the field `service`");
    refused(json!({"headers": {"Host": "x"}}), "leave out `host`");
    refused(
        json!({"headers": {"Authorization": "x"}}),
        "what signing adds",
    );
    refused(
        json!({"headers": {"x-amz-security-token": "x"}}),
        "what signing adds",
    );
    refused(json!({"headers": {"Cookie": "x"}}), "without secrets");
    refused(json!({"headers": {"A": "x", "a": "y"}}), "stands once");
    refused(json!({"headers": {"a": "x\r\nb: c"}}), "printable ASCII");
    refused(json!({"headers": {"a b": "x"}}), "names of headers");
    refused(
        json!({"headers": {"x-amz-content-sha256": "00"}}),
        "the hash of the body",
    );
    refused(
        json!({"body": "", "body_sha256": "00"}),
        "`body` or `body_sha256`, not both",
    );
    refused(json!({"body_sha256": "00"}), "64 hexadecimal digits");
    refused(
        json!({"body_sha256": "UNSIGNED-PAYLOAD", "service": "sqs"}),
        "only S3",
    );
    refused(
        json!({"body": "aGk=", "presign": {"expires": 1}}),
        "do not cover the body",
    );
    for presign in [
        json!({}),
        json!({"expires": 0}),
        json!({"expires": 604_801}),
        json!(1),
    ] {
        refused(json!({ "presign": presign }), "1 to 604800");
    }
    refused(json!({"base_url": "x"}), "takes no field `base_url`");
    let two = json!({"url": "https://sqs.eu-west-1.amazonaws.com/?Action=A", "headers": {"x-amz-target": "B"}});
    refused(two, "one action");
    let form = json!({"content-type": "application/x-www-form-urlencoded"});
    refused(
        json!({"body": "QWN0aW9uPUEmQWN0aW9uPUI=", "headers": form}),
        "one action",
    );
}

#[test]
fn the_binding_is_the_bound() {
    let aws =
        bound(json!({"regions": ["eu-west-1"], "services": ["s3"], "presigned_seconds": 300}));
    let refused = |more: Value| {
        let mut input = json!({
            "service": "s3", "region": "eu-west-1", "method": "GET",
            "url": "https://bucket.s3.eu-west-1.amazonaws.com/key",
        });
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let operation = Operation::parse("aws-sign", input).unwrap();
        let suits = operation.suits(Kind::Aws, false, Some(&aws.binding));
        suits.err().map(|unsuitable| unsuitable.to_string())
    };
    let not = "the binding of the secret does not allow to ";
    assert_eq!(refused(json!({})), None);
    assert_eq!(refused(json!({"presign": {"expires": 300}})), None);
    assert_eq!(
        refused(json!({"presign": {"expires": 301}})),
        Some(format!(
            "{not}make a URL that is good for 301 s; it allows 300 s"
        ))
    );
    assert_eq!(
        refused(json!({"region": "eu-west-2"})),
        Some(format!(
            "{not}sign for the region `eu-west-2`; it allows `eu-west-1`"
        ))
    );
    assert_eq!(
        refused(json!({"service": "iam"})),
        Some(format!("{not}sign for the service `iam`; it allows `s3`"))
    );
    assert_eq!(
        refused(json!({"url": "https://bucket.evil.example/key"})),
        Some(format!(
            "{not}sign for the host `bucket.evil.example`; it allows the hosts of AWS itself"
        ))
    );
    let operation = Operation::parse(
        "aws-sign",
        json!({
            "service": "s3", "region": "eu-west-1", "method": "GET", "host": "s3.amazonaws.com",
        }),
    )
    .unwrap();
    let unbound = operation.suits(Kind::Aws, false, None).unwrap_err();
    assert!(
        unbound.to_string().contains("`strongroom secret bind`"),
        "{unbound}"
    );
    assert!(operation.suits(Kind::Token, false, None).is_err());
}

proptest! {
    /// What is signed says the same when it is asked for again as it was spelled.
    #[test]
    fn a_spelling_is_final(path in "(/[ -~é]{0,6}){1,4}", is_s3: bool) {
        let ask = |path: &str| Operation::parse("aws-sign", json!({
            "service": if is_s3 { "s3" } else { "sqs" }, "region": "x", "method": "GET",
            "host": "a.amazonaws.com", "path": path,
        }));
        if let Ok(operation) = ask(&path) {
            let seen = operation.fields()["path"].as_str().unwrap().to_owned();
            prop_assert!(seen.split('/').all(|segment| segment != "." && segment != ".."));
            let again = ask(&seen).unwrap();
            prop_assert_eq!(again.fields()["path"].clone(), Value::from(seen));
        }
    }
}
