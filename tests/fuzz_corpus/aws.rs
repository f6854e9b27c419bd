//! AWS: access keys, what they are bound to, requests to sign, and temporary credentials.

use serde_json::{Value, json};

use super::{Seed, seed};

const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>ARO123EXAMPLE123:ci-7</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/demo/ci-7</Arn></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <SessionToken>AQoDYXdzEPT&#47;&amp;x==</SessionToken>
      <Expiration>2026-07-15T23:28:33.359Z</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"#;

pub(super) fn answers() -> Vec<Seed> {
    let answer =
        |name: &str, xml: &str| seed(&format!("sts_answer/{name}"), format!("AssumeRole\n{xml}"));
    let changed = |from: &str, to: &str| ANSWER.replacen(from, to, 1);
    vec![
        answer("good-role", ANSWER),
        seed(
            "sts_answer/good-session",
            format!(
                "GetSessionToken\n{}",
                ANSWER.replace("AssumeRoleRes", "GetSessionTokenRes")
            ),
        ),
        answer(
            "bad-entity",
            &changed(
                "<AssumeRoleResponse",
                "<!DOCTYPE a [<!ENTITY b \"c\">]><AssumeRoleResponse",
            ),
        ),
        answer(
            "bad-twice",
            &changed(
                "</Credentials>",
                "<AccessKeyId>B</AccessKeyId></Credentials>",
            ),
        ),
        answer("bad-half", &ANSWER[..ANSWER.len() / 2]),
        answer("bad-time", &changed("2026-07-15T", "")),
        answer("bad-depth", &changed("<Credentials>", &"<a>".repeat(20))),
        answer(
            "bad-error",
            "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
        ),
    ]
}

pub(super) fn bindings() -> Vec<Seed> {
    let binding =
        |name: &str, json: Value| seed(&format!("binding/{name}"), format!("aws\n{json}"));
    let role = |arn: &str| {
        json!({"token": {"aws": {
            "region": "eu-west-1", "roles": [arn], "session": "ci-*", "external_id": "acme-42",
            "policy": {"Version": "2012-10-17", "Statement": []}, "max_lifetime": 900,
        }}})
    };
    vec![
        binding(
            "good-aws",
            json!({"aws": {
                "regions": ["eu-west-1"], "services": ["s3", "execute-api"],
                "hosts": ["*.amazonaws.com", "minio.example:9443", "http://10.0.0.7:9000"],
                "presigned_seconds": 60,
            }}),
        ),
        binding(
            "good-aws-http",
            json!({
                "aws": {"regions": ["eu-west-1", "us-east-1"], "services": ["sqs"]},
                "http": {"base_url": "https://sqs.eu-west-1.amazonaws.com"},
            }),
        ),
        binding(
            "good-token-aws",
            role("arn:aws:iam::123456789012:role/ci/deploy"),
        ),
        binding(
            "bad-token-aws",
            role("arn:aws:iam::123456789012:user/\u{202e}"),
        ),
        binding(
            "bad-aws-host",
            json!({"aws": {"regions": ["x"], "services": ["y"], "hosts": ["*.\u{202e}"]}}),
        ),
        binding(
            "bad-aws-region",
            json!({"aws": {"regions": ["\u{1b}[31m"], "services": ["y"]}}),
        ),
        binding(
            "bad-aws-http",
            json!({
                "aws": {"regions": ["eu-west-1", "us-east-1"], "services": ["sqs"]},
                "http": {"base_url": "https://sqs.amazonaws.com"},
            }),
        ),
    ]
}

pub(super) fn materials() -> Vec<Seed> {
    let material =
        |name: &str, text: &str| seed(&format!("material/{name}"), format!("aws\n{text}"));
    let json = r#"{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"wJalrXUtnFEMI\/K7MDENG+bPxRfiCYEXAMPLEKEY","session_token":"a\u0022b"}"#;
    let profile = "[prod]\r\n# mine\naws_access_key_id = AKIAIOSFODNN7EXAMPLE ; new\naws_secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\nregion=x\n";
    vec![
        material("good-aws.json", json),
        material(
            "good-aws-created.json",
            r#"{"AccessKey":{"UserName":"a","AccessKeyId":"AKIAIOSFODNN7EXAMPLE","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}}"#,
        ),
        material("good-aws.ini", profile),
        material(
            "bad-aws-member.json",
            &json.replace("session_token", "token"),
        ),
        material("bad-aws-two.ini", &profile.repeat(2)),
        material("bad-aws-half.ini", "aws_access_key_id=AKIAIOSFODNN7EXAMPLE"),
    ]
}

pub(super) fn operations() -> Vec<Seed> {
    let operation = |name: &str, more: Value| {
        let mut input = json!({
            "service": "s3", "region": "eu-west-1", "method": "PUT",
            "url": "https://bucket.s3.eu-west-1.amazonaws.com/a//b%20c!%c3%a9?list-type=2&acl",
        });
        let members = input.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        seed(&format!("operation/{name}"), format!("aws-sign\n{input}"))
    };
    let form = json!({
        "service": "sqs", "url": "https://sqs.eu-west-1.amazonaws.com/a/../b/%2f/",
        "body": "QWN0aW9uPVNlbmRNZXNzYWdl", "headers": {"Content-Type": "application/x-www-form-urlencoded"},
    });
    vec![
        operation(
            "good-aws-sign",
            json!({"headers": {"X-Amz-Acl": " private "}, "body": "aGk="}),
        ),
        operation("good-aws-sign-form", form),
        operation("good-aws-sign-presign", json!({"presign": {"expires": 60}})),
        operation(
            "good-aws-sign-unsigned",
            json!({"body_sha256": "UNSIGNED-PAYLOAD"}),
        ),
        operation(
            "bad-aws-sign-dots",
            json!({"url": "https://a.amazonaws.com/a/%2e%2e/b"}),
        ),
        operation(
            "bad-aws-sign-plus",
            json!({"url": "https://a.amazonaws.com/?a=b+c"}),
        ),
        operation(
            "bad-aws-sign-header",
            json!({"headers": {"x-amz-date": "1"}}),
        ),
        operation(
            "bad-aws-sign-expires",
            json!({"presign": {"expires": 604_801}}),
        ),
        operation(
            "bad-aws-sign-action",
            json!({"url": "https://a.amazonaws.com/?Action=A", "headers": {"x-amz-target": "B"}}),
        ),
    ]
}
