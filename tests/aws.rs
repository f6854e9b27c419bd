//! An AWS access key that its user never sees: signatures that botocore checks, and moto in AWS's
//! place, behind a check of every signature that reaches it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{
    Agent, Vault, authority::Authority, peer::Peer, provider::Provider, python, script, succeed,
    text, with_input,
};

const ID: &str = "AKIAIOSFODNN7PLANTED";
const SECRET: &str = "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";
const ROLE: &str = "arn:aws:iam::123456789012:role/ci/deploy";

/// A running AWS; it ends with the test.
struct Aws {
    peer: Peer,
    cacert: String,
}

impl Aws {
    /// One that knows these keys: `{ID: {"secret_access_key", "session_token"?}}`.
    fn start(vault: &Vault, keys: &Value) -> Self {
        let directory = vault.path().join("aws");
        fs::create_dir(&directory).unwrap();
        let authority = Authority::create(&directory, "aws-authority");
        let (certificate, key) = authority.sign("aws", "subjectAltName=IP:127.0.0.1");
        let mut command = python();
        command.arg(script("moto_aws.py")).args([
            "--cert",
            &certificate,
            "--key",
            &key,
            &keys.to_string(),
        ]);
        Self {
            peer: Peer::start(&mut command),
            cacert: authority.certificate(),
        }
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.peer.port)
    }

    fn endpoint(&self) -> Value {
        json!({
            "url": format!("https://{}", self.host()),
            "networks": ["127.0.0.1/32"],
            "cacert": fs::read_to_string(&self.cacert).unwrap(),
        })
    }

    /// The last request that it got.
    fn last(&self) -> Value {
        self.peer.last()
    }

    /// Asks it directly, with nothing of ours: status and body.
    fn curl(&self, arguments: &[&str]) -> (String, String) {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--noproxy", "*", "--path-as-is"])
            .args(["--write-out", "\n%{http_code}", "--cacert", &self.cacert])
            .args(arguments);
        let told = succeed(command);
        let (body, status) = told.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    }
}

/// A vault with an access key, bound so, and a service that may do all with it.
fn vault(session_token: Option<&str>) -> (Vault, PathBuf) {
    let vault = Vault::create();
    let mut profile = format!(
        "[prod]\naws_access_key_id = {ID}\naws_secret_access_key = {SECRET} ; rotate in May\n"
    );
    if let Some(token) = session_token {
        profile.push_str(&format!("aws_session_token = {token}\n"));
    }
    let named = ["secret", "add", "aws/prod", "--kind", "aws"];
    vault.run_with_input(&named, profile.as_bytes());
    let key = vault.enrol("atlas");
    (vault, key)
}

fn bind(vault: &Vault, binding: &Value) {
    let bind = ["secret", "bind", "aws/prod", "--file", "-"];
    vault.run_with_input(&bind, binding.to_string().as_bytes());
}

fn policy(vault: &Vault, text: &str) {
    let path = vault.path().join("policy.cedar");
    fs::write(&path, text).unwrap();
    vault.run(&["policy", "set", "aws", path.to_str().unwrap()]);
}

/// What the service gets, through our own client: the result, opened.
fn asked(agent: &Agent<'_>, key: &Path, operation: &str, input: &Value) -> Value {
    let input = input.to_string();
    let output = agent.request(key, &[operation, "aws/prod", "--input", &input]);
    assert!(output.status.success(), "{input}: {}", text(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["result"].clone()
}

/// Status, problem and detail of a refusal.
fn refused(agent: &Agent<'_>, key: &Path, secret: &str, operation: &str, input: &Value) -> Value {
    let body = json!({"secret": secret, "operation": operation, "input": input});
    agent.python(key, &body, &[])
}

#[test]
fn botocore_signs_the_same_requests_the_same_way() {
    for session_token in [None, Some("IQoJb3JpPLANTED+/session=token==")] {
        let (vault, key) = vault(session_token);
        bind(
            &vault,
            &json!({"aws": {
                "regions": ["eu-west-1", "us-east-1"], "services": ["s3", "sqs", "dynamodb"],
                "hosts": ["*.amazonaws.com", "http://127.0.0.1:9000"], "presigned_seconds": 3600,
            }}),
        );
        vault.run(&["grant", "atlas", "aws-sign", "aws/prod"]);
        let agent = vault.agent();
        let s3 = "https://bucket.s3.eu-west-1.amazonaws.com";
        let of = |service: &str, method: &str, url: String, more: Value| {
            let mut input = json!({
                "service": service, "region": "eu-west-1", "method": method, "url": url,
            });
            let members = input.as_object_mut().unwrap();
            members.extend(more.as_object().unwrap().clone());
            input
        };
        let inputs = [
            of("s3", "GET", format!("{s3}/"), json!({})),
            of(
                "s3",
                "GET",
                format!("{s3}/a//b%20c!(1)'/%c3%a9?list-type=2&prefix=a%2Fb&acl"),
                json!({}),
            ),
            of(
                "s3",
                "PUT",
                format!("{s3}/key"),
                json!({"body": "aGVsbG8=", "headers": {"X-Amz-Acl": " private "}}),
            ),
            of(
                "s3",
                "PUT",
                format!("{s3}/key"),
                json!({"body_sha256": "UNSIGNED-PAYLOAD"}),
            ),
            of(
                "s3",
                "GET",
                format!("{s3}/key"),
                json!({"presign": {"expires": 60}}),
            ),
            of(
                "s3",
                "PUT",
                format!("{s3}/key?x=%2B"),
                json!({"presign": {"expires": 3600}, "headers": {"content-type": "text/plain"}}),
            ),
            of(
                "s3",
                "GET",
                "http://127.0.0.1:9000/bucket/key".to_owned(),
                json!({}),
            ),
            of(
                "sqs",
                "POST",
                "https://sqs.eu-west-1.amazonaws.com/1/q".to_owned(),
                json!({"body": "QWN0aW9uPVNlbmRNZXNzYWdl", "headers": {"content-type": "application/x-www-form-urlencoded"}}),
            ),
            of(
                "sqs",
                "GET",
                "https://sqs.eu-west-1.amazonaws.com/a/../1/q%3a/?Action=ListQueues".to_owned(),
                json!({}),
            ),
            of(
                "sqs",
                "GET",
                "https://sqs.eu-west-1.amazonaws.com/?Action=ListQueues".to_owned(),
                json!({"presign": {"expires": 900}}),
            ),
            of(
                "dynamodb",
                "POST",
                "https://dynamodb.eu-west-1.amazonaws.com".to_owned(),
                json!({"body": "e30=", "headers": {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}}),
            ),
        ];
        let cases: Vec<Value> = inputs
            .iter()
            .map(|input| json!({"input": input, "answer": asked(&agent, &key, "aws-sign", input)}))
            .collect();
        let mut secret = json!({"access_key_id": ID, "secret_access_key": SECRET});
        if let Some(token) = session_token {
            secret["session_token"] = token.into();
        }
        let told = json!({"key": secret, "cases": cases}).to_string();
        let mut command = python();
        command.arg(script("sigv4.py")).arg("check");
        let output = with_input(command, told.as_bytes());
        assert!(output.status.success(), "{}", text(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(told, json!({"cases": 11, "wrong": []}), "{told:#}");

        // A client with nothing of ours opens the sealed answer; the log has the request, and
        // nothing that was signed with or given out.
        let told = refused(&agent, &key, "aws/prod", "aws-sign", &inputs[4]);
        assert_eq!(told["status"], 200, "{told}");
        assert!(told["answer"].get("result").is_none());
        let url = told["answer"]["opened"]["url"].as_str().unwrap();
        assert!(
            url.contains("&X-Amz-Signature=") || url.contains("?X-Amz-"),
            "{url}"
        );
        agent.stop();
        let log = vault.run(&["audit", "show", "--json"]);
        for planted in ["PLANTEDKEY", "IQoJb3Jp", "X-Amz-Signature", "Signature="] {
            assert!(!log.contains(planted), "{planted} is in the log");
        }
        let used = vault.entries().into_iter().find(|entry| {
            entry["kind"] == "use" && entry["ask"]["fields"]["action"] == "SendMessage"
        });
        let fields = &used.unwrap()["ask"]["fields"];
        assert_eq!(fields["path"], "/1/q");
        assert_eq!(fields["host"], "sqs.eu-west-1.amazonaws.com");
        let told = vault.run(&["audit", "show"]);
        assert!(
            told.contains("atlas had a request to s3 signed with aws/prod: GET bucket.s3.eu-west-1.amazonaws.com/key in eu-west-1, as a URL good for 60 s"),
            "{told}"
        );
        assert!(
            told.contains("had a request to sqs signed with aws/prod: SendMessage, POST sqs"),
            "{told}"
        );
    }
}

#[test]
fn a_presigned_url_is_good_for_who_has_it() {
    let (vault, key) = vault(None);
    let aws = Aws::start(&vault, &json!({ ID: {"secret_access_key": SECRET} }));
    bind(
        &vault,
        &json!({
            "aws": {"regions": ["us-east-1"], "services": ["s3"], "hosts": [aws.host()]},
            "http": {"base_url": aws.endpoint()},
        }),
    );
    vault.run(&["grant", "atlas", "aws-sign,http", "aws/prod"]);
    let agent = vault.agent();
    let made = asked(
        &agent,
        &key,
        "http",
        &json!({"method": "PUT", "path": "/deployments"}),
    );
    assert_eq!(made["status"], 200, "{made}");
    // Names in which some characters may stand as they are, and are signed encoded.
    let odd =
        json!({"method": "PUT", "path": "/deployments/a!b'(c):@é,$&=*~", "body_base64": "aGk="});
    let made = asked(&agent, &key, "http", &odd);
    assert_eq!(made["status"], 200, "{made}");
    let sent = aws.last()["target"].as_str().unwrap().to_owned();
    assert!(sent.contains("a!b'(c):@%C3%A9"), "{sent}");

    let url = format!("https://{}/deployments/4f2a/a%20(b)+c.txt", aws.host());
    let url = url.replace('+', "%2B");
    let sign = |method: &str, more: Value| {
        let mut input =
            json!({"service": "s3", "region": "us-east-1", "method": method, "url": url});
        let members = input.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        asked(&agent, &key, "aws-sign", &input)
    };
    let put = sign("PUT", json!({"presign": {"expires": 60}}));
    let put = put["url"].as_str().unwrap();
    let upload = [
        "--request",
        "PUT",
        "--data-binary",
        "built at noon",
        "--header",
        "content-type:",
    ];
    let (status, body) = aws.curl(&[&upload[..], &[put]].concat());
    assert_eq!(status, "200", "{body}");
    assert_eq!(aws.last()["who"]["presigned"], true);
    // It is for this method, this name and this while only.
    assert_eq!(aws.curl(&[put]).0, "403");
    assert_eq!(
        aws.curl(&[&upload[..], &[&put.replace("4f2a", "4f2b")]].concat())
            .0,
        "403"
    );

    // The same with headers.
    let got = sign("GET", json!({"headers": {"Range": "bytes=0-4"}}));
    let mut arguments = vec!["--header".to_owned(), "Range: bytes=0-4".to_owned()];
    for (name, value) in got["headers"].as_object().unwrap() {
        let line = format!("{name}: {}", value.as_str().unwrap());
        arguments.extend(["--header".to_owned(), line]);
    }
    arguments.push(got["url"].as_str().unwrap().to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (status, body) = aws.curl(&arguments);
    assert_eq!((status.as_str(), body.as_str()), ("206", "built"));
    let other: Vec<&str> = arguments
        .iter()
        .map(|argument| {
            if *argument == "Range: bytes=0-4" {
                "Range: bytes=0-9"
            } else {
                argument
            }
        })
        .collect();
    assert_eq!(aws.curl(&other).0, "403");
}

#[test]
fn requests_are_signed_and_sent() {
    let token = "IQoJb3JpPLANTED+/session=token==";
    for session_token in [None, Some(token)] {
        let (vault, key) = vault(session_token);
        let mut known = json!({"secret_access_key": SECRET});
        if let Some(token) = session_token {
            known["session_token"] = token.into();
        }
        let aws = Aws::start(&vault, &json!({ ID: known }));
        bind(
            &vault,
            &json!({
                "aws": {"regions": ["eu-west-1"], "services": ["sqs"]},
                "http": {"base_url": aws.endpoint(), "body_fields": ["/Action"]},
            }),
        );
        policy(
            &vault,
            r#"permit (principal == Service::"atlas", action == Action::"http", resource == Secret::"aws/prod")
               when { context.http.path == "/" }
               unless { context.http.body.hasTag("/Action") && context.http.body.getTag("/Action") like "Delete*" };"#,
        );
        let agent = vault.agent();
        let call = |action: &str| {
            let form = json!({"Action": action, "Version": "2012-11-05", "QueueName": "jobs"});
            json!({"method": "POST", "path": "/", "form": form})
        };
        let made = asked(&agent, &key, "http", &call("CreateQueue"));
        assert_eq!(made["status"], 200, "{made}");
        let got = aws.last();
        assert_eq!(
            got["who"],
            json!({"key": ID, "region": "eu-west-1", "service": "sqs", "presigned": false})
        );
        assert_eq!(
            got["headers"].get("x-amz-security-token").cloned(),
            session_token.map(Value::from)
        );
        let sent = asked(&agent, &key, "http", &call("ListQueues"));
        assert!(sent.to_string().contains("/jobs"), "{sent}");
        let denied = refused(&agent, &key, "aws/prod", "http", &call("DeleteQueue"));
        assert_eq!(denied["status"], 403, "{denied}");

        // What signing adds is not a caller's to set, and another path is denied.
        let own = json!({"method": "GET", "path": "/", "headers": {"X-Amz-Security-Token": "x"}});
        assert_eq!(
            refused(&agent, &key, "aws/prod", "http", &own)["status"],
            422
        );
        let own = json!({"method": "GET", "path": "/", "query": {"X-Amz-Signature": "x"}});
        assert_eq!(
            refused(&agent, &key, "aws/prod", "http", &own)["status"],
            422
        );
        let other = json!({"method": "GET", "path": "/jobs"});
        assert_eq!(
            refused(&agent, &key, "aws/prod", "http", &other)["status"],
            403
        );
        agent.stop();
        let log = vault.run(&["audit", "show", "--json"]);
        assert!(
            !log.contains("PLANTED+") && !log.contains("PLANTEDKEY"),
            "{log}"
        );
    }
}

#[test]
fn what_a_request_was_signed_with_does_not_come_back() {
    let token = "IQoJb3JpPLANTED+/session=token==";
    let (vault, key) = vault(Some(token));
    let provider = Provider::start(&vault);
    bind(
        &vault,
        &json!({
            "aws": {"regions": ["x"], "services": ["execute-api"]},
            "http": {"base_url": provider.endpoint()},
        }),
    );
    vault.run(&["grant", "atlas", "http", "aws/prod"]);
    let agent = vault.agent();
    let echoed = asked(
        &agent,
        &key,
        "http",
        &json!({"method": "GET", "path": "/echo"}),
    )
    .to_string();
    let sent = provider.last();
    let header = |name: &str| {
        let headers = sent["headers"].as_array().unwrap();
        let header = headers.iter().find(|header| header[0] == name);
        header.unwrap()[1].as_str().unwrap().to_owned()
    };
    assert_eq!(header("x-amz-security-token"), token);
    let authorization = header("authorization");
    let (_, signature) = authorization.split_once("Signature=").unwrap();
    for secret in [token, signature, authorization.as_str(), SECRET] {
        assert!(!echoed.contains(secret), "{secret} came back: {echoed}");
    }
    // What is no secret does.
    assert!(
        echoed.contains("eC1hbXotZGF0ZQ") || echoed.contains("x-amz-date"),
        "{echoed}"
    );
}

#[test]
fn a_role_is_taken_on_for_a_while() {
    let (vault, key) = vault(None);
    let aws = Aws::start(&vault, &json!({ ID: {"secret_access_key": SECRET} }));
    let section = json!({"token": {"aws": {
        "region": "us-east-1", "endpoint": aws.endpoint(), "roles": [ROLE], "session": "ci-*",
        "external_id": "acme-42", "max_lifetime": 1800,
        "policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]},
    }}});
    bind(&vault, &section);
    policy(
        &vault,
        &format!(
            r#"permit (principal == Service::"atlas", action == Action::"token", resource == Secret::"aws/prod")
               when {{ context.token has role && context.token.role == "{ROLE}" && context.token has session
                   && context.token.session like "ci-*" && context.token.lifetime <= 1800 }};"#
        ),
    );
    let agent = vault.agent();
    let body = json!({"secret": "aws/prod", "operation": "token", "input": {"session": "ci-7", "lifetime": 900}});
    let told = agent.python(&key, &body, &[]);
    assert_eq!(told["status"], 200, "{told}");
    assert!(told["answer"].get("result").is_none(), "it is sealed");
    let issued = told["answer"]["opened"].clone();
    assert_eq!(
        (&issued["type"], &issued["version"]),
        (&json!("aws"), &json!(1))
    );
    let form = aws.last()["body"].as_str().unwrap().to_owned();
    assert!(
        form.starts_with("Action=AssumeRole&Version=2011-06-15&DurationSeconds=900&"),
        "{form}"
    );
    for part in [
        "RoleSessionName=ci-7",
        "ExternalId=acme-42",
        "Policy=%7B%22",
    ] {
        assert!(form.contains(part), "{form}");
    }

    // What was issued is good with AWS's own client, and is who it should be.
    let who = boto(
        &aws,
        &issued,
        "print(client('sts').get_caller_identity()['Arn'])",
    );
    assert_eq!(
        who.trim(),
        "arn:aws:sts::123456789012:assumed-role/deploy/ci-7"
    );
    agent.stop();
    let entries = vault.entries();
    let used = entries.iter().find(|entry| entry["kind"] == "use").unwrap();
    assert_eq!(used["ask"]["fields"]["role"], ROLE);
    assert_eq!(used["ask"]["fields"]["session"], "ci-7");
    let outcome = entries
        .iter()
        .find(|entry| entry["kind"] == "outcome")
        .unwrap();
    assert_eq!(
        (&outcome["ending"], &outcome["status"]),
        (&json!("issued"), &json!(200))
    );
    let seconds = |text: &Value| text.as_str().unwrap()[..19].to_owned();
    assert_eq!(seconds(&outcome["expires"]), seconds(&issued["expires"]));
    let log = vault.run(&["audit", "show", "--json"]);
    for secret in ["access_key_id", "secret_access_key", "session_token"] {
        assert!(
            !log.contains(issued[secret].as_str().unwrap()),
            "{secret} is in the log"
        );
    }
}

/// A line of Python with boto3 and these credentials.
fn boto(aws: &Aws, issued: &Value, line: &str) -> String {
    let mut command = python();
    command.args([
        "-c",
        "import boto3, json, sys\n\
         key, url, ca = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]\n\
         client = lambda service: boto3.client(service, region_name='us-east-1', endpoint_url=url, verify=ca,\n    \
             aws_access_key_id=key['access_key_id'], aws_secret_access_key=key['secret_access_key'],\n    \
             aws_session_token=key['session_token'])\n\
         exec(sys.argv[4])",
        &issued.to_string(),
        &format!("https://{}", aws.host()),
        &aws.cacert,
        line,
    ]);
    command.env("NO_PROXY", "*");
    succeed(command)
}

#[test]
fn the_key_itself_is_good_for_a_while() {
    let (vault, key) = vault(None);
    let aws = Aws::start(&vault, &json!({ ID: {"secret_access_key": SECRET} }));
    let section = json!({"region": "us-east-1", "endpoint": aws.endpoint(), "max_lifetime": 3600});
    bind(&vault, &json!({"token": {"aws": section}}));
    vault.run(&["grant", "atlas", "token", "aws/prod"]);
    let agent = vault.agent();
    let issued = asked(&agent, &key, "token", &json!({}));
    let form = aws.last()["body"].as_str().unwrap().to_owned();
    assert_eq!(
        form,
        "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=3600"
    );
    boto(&aws, &issued, "client('s3').create_bucket(Bucket='while')");
    assert_eq!(aws.last()["who"]["key"], issued["access_key_id"]);

    // What the binding has no use for, or does not allow.
    for input in [
        json!({"role": ROLE}),
        json!({"lifetime": 3601}),
        json!({"lifetime": 899}),
        json!({"audience": "x"}),
    ] {
        let told = refused(&agent, &key, "aws/prod", "token", &input);
        assert_eq!(told["status"], 422, "{input}: {told}");
    }
    let told = refused(
        &agent,
        &key,
        "aws/prod",
        "token",
        &json!({"lifetime": "long"}),
    );
    assert_eq!(told["status"], 400, "{told}");
}

#[test]
fn a_refusal_of_aws_is_on_record() {
    let (vault, key) = vault(None);
    let aws = Aws::start(&vault, &json!({}));
    let section = json!({"region": "us-east-1", "endpoint": aws.endpoint(), "max_lifetime": 900});
    bind(&vault, &json!({"token": {"aws": section}}));
    vault.run(&["grant", "atlas", "token", "aws/prod"]);
    let agent = vault.agent();
    let told = refused(&agent, &key, "aws/prod", "token", &json!({}));
    assert_eq!(told["status"], 502, "{told}");
    assert_eq!(
        told["answer"]["detail"],
        "the provider refused to issue a token"
    );
    agent.stop();
    let entries = vault.entries();
    let outcome = entries
        .iter()
        .find(|entry| entry["kind"] == "outcome")
        .unwrap();
    assert_eq!(
        (&outcome["ending"], &outcome["status"]),
        (&json!("refused"), &json!(403))
    );
    assert_eq!(
        outcome["detail"],
        "the Security Token Service refused: `InvalidClientTokenId`"
    );
}

#[test]
fn what_the_owner_did_not_mean_is_refused() {
    let (vault, key) = vault(None);
    bind(
        &vault,
        &json!({"aws": {"regions": ["eu-west-1"], "services": ["s3"], "presigned_seconds": 300}}),
    );
    vault.run_with_input(
        &["secret", "add", "plain", "--kind", "token"],
        b"not-an-aws-key",
    );
    policy(
        &vault,
        r#"permit (principal == Service::"atlas", action == Action::"aws-sign", resource)
           when { context.aws_sign.method == "GET" && context.aws_sign.path like "/public/*"
               && !context.aws_sign.query.hasTag("acl") };"#,
    );
    let agent = vault.agent();
    let input = |path: &str, more: Value| {
        let mut input = json!({
            "service": "s3", "region": "eu-west-1", "method": "GET",
            "host": "bucket.s3.eu-west-1.amazonaws.com", "path": path,
        });
        let members = input.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        input
    };
    let status = |secret: &str, path: &str, more: Value| {
        let told = refused(&agent, &key, secret, "aws-sign", &input(path, more));
        (
            told["status"].as_i64().unwrap(),
            told["answer"]["detail"].to_string(),
        )
    };
    assert_eq!(status("aws/prod", "/public/a", json!({})).0, 200);
    // Policy
    assert_eq!(status("aws/prod", "/private/a", json!({})).0, 403);
    assert_eq!(
        status("aws/prod", "/public/a", json!({"method": "PUT"})).0,
        403
    );
    assert_eq!(
        status("aws/prod", "/public/a", json!({"query": {"acl": ""}})).0,
        403
    );
    assert_eq!(status("aws/prod", "/%70rivate/a", json!({})).0, 403);
    // Malformed
    assert_eq!(status("aws/prod", "/public/../private/a", json!({})).0, 400);
    assert_eq!(
        status("aws/prod", "/public/a", json!({"presign": true})).0,
        400
    );
    assert_eq!(
        status(
            "aws/prod",
            "/public/a",
            json!({"headers": {"x-amz-date": "1"}})
        )
        .0,
        400
    );
    // Another kind
    let (code, detail) = status("plain", "/public/a", json!({}));
    assert_eq!(code, 422);
    assert!(
        detail.contains("not possible with a secret of kind `token`"),
        "{detail}"
    );
    // Outside the binding
    for more in [
        json!({"region": "us-east-1"}),
        json!({"service": "sqs"}),
        json!({"host": "bucket.example.com"}),
        json!({"host": "bucket.s3.eu-west-1.amazonaws.com:8443"}),
        json!({"presign": {"expires": 301}}),
    ] {
        let (code, detail) = status("aws/prod", "/public/a", more.clone());
        assert_eq!(code, 422, "{more}");
        assert!(
            detail.contains("the binding of the secret does not allow"),
            "{detail}"
        );
    }
    agent.stop();
    let uses = vault
        .entries()
        .iter()
        .filter(|entry| entry["kind"] == "use")
        .count();
    assert_eq!(uses, 1);

    // A binding that can't be meant.
    let path = vault.path().join("binding.json");
    fs::write(&path, r#"{"aws": {"regions": [], "services": ["s3"]}}"#).unwrap();
    let told = vault.fail(
        1,
        &[
            "secret",
            "bind",
            "aws/prod",
            "--file",
            path.to_str().unwrap(),
        ],
    );
    assert!(told.contains("aws.regions: name at least one"), "{told}");
    let told = with_input(
        vault.command(&["secret", "add", "bad", "--kind", "aws"]),
        SECRET.as_bytes(),
    );
    assert!(!told.status.success());
    assert!(
        text(&told).contains("aws iam create-access-key"),
        "{}",
        text(&told)
    );
    assert!(!text(&told).contains(SECRET));
}
