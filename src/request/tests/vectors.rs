//! One file for each refusal, in `tests/vectors/request`, and a few for what is accepted. Each is
//! complete: any implementation can read it.
//!
//! `cargo test -p strongroom --lib write_vectors -- --ignored` writes them from the recipes here.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AGENT, By, NOW, Recipe, Sent, body};
use crate::audit::Reason;

/// One file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    about: String,
    /// The reason that must refuse it; `null` if it is accepted.
    refuse: Option<Reason>,
    /// What the detail of the refusal says, among other things.
    detail: String,
    now: i64,
    agent: String,
    services: Vec<Enrolled>,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Serialize, Deserialize)]
struct Enrolled {
    service: String,
    key: Value,
    suspended: bool,
}

struct Case {
    file: &'static str,
    about: &'static str,
    refuse: Option<Reason>,
    detail: &'static str,
    sent: Sent,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/request")
}

#[test]
fn every_vector() {
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
    for case in &recipes {
        assert!(
            files.contains_key(case.file),
            "`{}` is not written; see above",
            case.file
        );
    }
    assert_eq!(files.len(), recipes.len(), "a vector has no recipe");
    for (file, vector) in files {
        assert_eq!((vector.now, vector.agent.as_str()), (NOW, AGENT), "{file}");
        let sent = Sent {
            method: vector.method,
            target: vector.target,
            headers: vector.headers,
            body: vector.body,
        };
        match (sent.arrives(), vector.refuse) {
            (Ok(authenticated), None) => {
                assert_eq!(authenticated.service().as_str(), "atlas", "{file}");
            }
            (Err((reason, detail)), Some(expected)) => {
                assert_eq!(reason, expected, "{file}: {detail}");
                assert!(detail.contains(&vector.detail), "{file}: {detail}");
            }
            (Ok(_), Some(expected)) => panic!("{file} was accepted; {expected} must refuse it"),
            (Err((reason, detail)), None) => panic!("{file} was refused: {reason}: {detail}"),
        }
    }
}

#[test]
#[ignore = "writes the vectors"]
fn write_vectors() {
    fs::create_dir_all(directory()).unwrap();
    for case in cases() {
        let enrolled = |service: &str, by: By, suspended| Enrolled {
            service: service.to_owned(),
            key: by.public().jwk(),
            suspended,
        };
        let vector = Vector {
            about: case.about.to_owned(),
            refuse: case.refuse,
            detail: case.detail.to_owned(),
            now: NOW,
            agent: AGENT.to_owned(),
            services: vec![
                enrolled("atlas", By::Ed25519, false),
                enrolled("atlas", By::P256, false),
                enrolled("borg", By::Suspended, true),
            ],
            method: case.sent.method,
            target: case.sent.target,
            headers: case.sent.headers,
            body: case.sent.body,
        };
        let text = serde_json::to_string_pretty(&vector).unwrap() + "\n";
        fs::write(directory().join(case.file).with_extension("json"), text).unwrap();
    }
}

fn accept(file: &'static str, about: &'static str, sent: Sent) -> Case {
    Case {
        file,
        about,
        refuse: None,
        detail: "",
        sent,
    }
}

fn refuse(
    reason: Reason,
    file: &'static str,
    about: &'static str,
    detail: &'static str,
    sent: Sent,
) -> Case {
    Case {
        file,
        about,
        refuse: Some(reason),
        detail,
        sent,
    }
}

fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(signature_fields());
    cases.extend(parameters());
    cases.extend(bodies());
    cases.extend(unknown_senders());
    cases
}

fn good() -> Recipe {
    Recipe::new(By::Ed25519)
}

fn but(change: impl FnOnce(&mut Recipe)) -> Sent {
    good().but(change).signed()
}

fn after_signing(change: impl FnOnce(&mut Sent)) -> Sent {
    let mut sent = good().signed();
    change(&mut sent);
    sent
}

impl Sent {
    fn header(&mut self, name: &str) -> &mut String {
        &mut self
            .headers
            .iter_mut()
            .find(|(known, _)| known == name)
            .unwrap()
            .1
    }

    fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }
}

fn accepted() -> Vec<Case> {
    vec![
        accept("accept-ed25519", "signed with Ed25519", good().signed()),
        accept(
            "accept-p256",
            "signed with ECDSA on P-256",
            Recipe::new(By::P256).signed(),
        ),
        accept(
            "accept-other-order",
            "components and parameters in another order, and more of them",
            but(|r| {
                r.headers.push(("host", "Vault.Example.com:443".to_owned()));
                r.headers.push(("x-trace", "1".to_owned()));
                r.headers.push(("x-trace", "2".to_owned()));
                r.target = "/v1/access?x=1";
                r.covered = r#""x-trace" "content-digest" "@query" "@path" "content-type" "@authority" "@method""#;
                r.parameters.reverse();
            }),
        ),
        accept(
            "accept-other-labels",
            "a relay added a signature of its own",
            after_signing(|s| {
                s.header("signature-input")
                    .insert_str(0, "relay=(\"@target-uri\";req);x=1, ");
                s.header("signature").push_str(", relay=:AAAA:");
            }),
        ),
        accept(
            "accept-several-lines",
            "the fields come in several lines",
            after_signing(|s| {
                s.headers
                    .push(("signature".to_owned(), "other=:AAAA:".to_owned()));
                s.headers
                    .insert(0, ("signature-input".to_owned(), "other=()".to_owned()));
            }),
        ),
        accept(
            "accept-white-space",
            "white space that structured fields allow",
            after_signing(|s| {
                let line = s.header("signature-input");
                *line = line
                    .replace("\" \"", "\"   \"")
                    .replace(";nonce", ";  nonce");
            }),
        ),
        accept(
            "accept-more-digests",
            "another digest beside sha-256",
            but(|r| r.headers[1].1.insert_str(0, "sha-512=:AAAA:, ")),
        ),
        accept(
            "accept-charset",
            "a content type with a charset",
            but(|r| r.headers[0].1 = "Application/JSON; charset=UTF-8".to_owned()),
        ),
        accept(
            "accept-clock-ahead",
            "the signer's clock is 60 s ahead",
            but(|r| {
                r.set("created", NOW + 60);
                r.set("expires", NOW + 61);
            }),
        ),
        accept(
            "accept-last-second",
            "it expires now",
            but(|r| {
                r.set("created", NOW - 300);
                r.set("expires", NOW);
            }),
        ),
        accept(
            "accept-hex-nonce",
            "a nonce in hexadecimal",
            but(|r| {
                r.set("nonce", "\"000102030405060708090a0b0c0d0e0f\"");
            }),
        ),
    ]
}

fn signature_fields() -> Vec<Case> {
    let malformed =
        |file, about, detail, sent| refuse(Reason::Malformed, file, about, detail, sent);
    let covered = |covered: &'static str| but(|r| r.covered = covered);
    vec![
        malformed(
            "no-signature",
            "no signature",
            "no signature labelled",
            after_signing(|s| s.remove("signature")),
        ),
        malformed(
            "no-signature-input",
            "no signature input",
            "no `signature-input`",
            after_signing(|s| s.remove("signature-input")),
        ),
        malformed(
            "other-label",
            "only signatures with other labels",
            "no signature labelled",
            after_signing(|s| {
                for name in ["signature", "signature-input"] {
                    let line = s.header(name);
                    *line = line.replacen("strongroom=", "sig1=", 1);
                }
            }),
        ),
        malformed(
            "label-in-upper-case",
            "labels are case-sensitive, and upper case is not one",
            "no signature labelled",
            after_signing(|s| {
                *s.header("signature") =
                    s.header("signature")
                        .replacen("strongroom=", "Strongroom=", 1);
            }),
        ),
        malformed(
            "signature-not-bytes",
            "the signature is a string",
            "no signature labelled",
            after_signing(|s| {
                *s.header("signature") = "strongroom=\"AAAA\"".to_owned();
            }),
        ),
        malformed(
            "signature-with-parameters",
            "the signature has parameters",
            "no signature labelled",
            after_signing(|s| s.header("signature").push_str(";a")),
        ),
        malformed(
            "signature-input-not-a-list",
            "the signature input is a string",
            "not a list of components",
            after_signing(|s| {
                *s.header("signature-input") = "strongroom=\"@method\"".to_owned();
            }),
        ),
        malformed(
            "signature-input-broken",
            "the signature input is no structured field",
            "not a dictionary",
            after_signing(|s| s.header("signature-input").push_str(", =")),
        ),
        malformed(
            "method-not-covered",
            "the method is not covered",
            "`@method`",
            covered(r#""@path" "content-type" "content-digest""#),
        ),
        malformed(
            "path-not-covered",
            "the path is not covered",
            "`@path`",
            covered(r#""@method" "content-type" "content-digest""#),
        ),
        malformed(
            "content-type-not-covered",
            "the content type is not covered",
            "`content-type`",
            covered(r#""@method" "@path" "content-digest""#),
        ),
        malformed(
            "content-digest-not-covered",
            "the digest, and so the body, is not covered",
            "`content-digest`",
            covered(r#""@method" "@path" "content-type""#),
        ),
        malformed(
            "digest-of-another-message-covered",
            "the digest of a request before this one is covered",
            "`content-digest`",
            covered(r#""@method" "@path" "content-type" "content-digest";req"#),
        ),
        malformed(
            "member-of-digest-covered",
            "only a member of the digest is covered",
            "`content-digest`",
            covered(r#""@method" "@path" "content-type" "content-digest";key="sha-512""#),
        ),
        malformed(
            "component-twice",
            "a component is covered twice",
            "covered twice",
            covered(r#""@method" "@path" "content-type" "content-digest" "@path""#),
        ),
        malformed(
            "component-in-upper-case",
            "a field's name is not in lower case",
            "can't be covered",
            covered(r#""@method" "@path" "content-type" "content-digest" "X-Trace""#),
        ),
        malformed(
            "component-missing",
            "a covered field is not there",
            "not in the message",
            covered(r#""@method" "@path" "content-type" "content-digest" "x-trace""#),
        ),
        malformed(
            "target-uri-covered",
            "a relay may change the target URI",
            "can't be covered",
            covered(r#""@method" "@path" "content-type" "content-digest" "@target-uri""#),
        ),
        malformed(
            "status-covered",
            "a request has no status",
            "not in the message",
            covered(r#""@method" "@path" "content-type" "content-digest" "@status""#),
        ),
        malformed(
            "unknown-component-parameter",
            "a component has a parameter that nobody knows",
            "can't be covered",
            covered(r#""@method" "@path" "content-type";x "content-type" "content-digest""#),
        ),
        malformed(
            "unknown-derived-component",
            "a derived component that nobody knows",
            "can't be covered",
            covered(r#""@method" "@path" "@x" "content-type" "content-digest""#),
        ),
        malformed(
            "get",
            "a request is no GET",
            "a POST to",
            but(|r| r.method = "GET"),
        ),
        malformed(
            "other-path",
            "another path",
            "a POST to",
            but(|r| r.target = "/v1/access/"),
        ),
        malformed(
            "other-content-type",
            "another content type",
            "`content-type` must be",
            but(|r| r.headers[0].1 = "text/json".to_owned()),
        ),
        malformed(
            "two-content-types",
            "two content types",
            "`content-type` must be",
            but(|r| {
                r.headers
                    .push(("content-type", "application/json".to_owned()))
            }),
        ),
        malformed(
            "no-sha-256",
            "only another digest",
            "has no `sha-256`",
            but(|r| r.headers[1].1 = "sha-512=:AAAA:".to_owned()),
        ),
        malformed(
            "short-sha-256",
            "a shortened digest",
            "has no `sha-256`",
            but(|r| r.headers[1].1 = "sha-256=:AAAA:".to_owned()),
        ),
        malformed(
            "other-body",
            "the body was changed after signing",
            "does not have the sha-256",
            after_signing(|s| s.body = s.body.replace("deploy/key", "deploy/other")),
        ),
    ]
}

fn parameters() -> Vec<Case> {
    let malformed =
        |file, about, detail, sent| refuse(Reason::Malformed, file, about, detail, sent);
    let without = |name: &'static str| but(move |r| r.without(name));
    let with = |name: &'static str, value: &str| but(|r| r.set(name, value));
    vec![
        malformed(
            "no-created",
            "`created` is missing",
            "`created` is missing",
            without("created"),
        ),
        malformed(
            "no-expires",
            "`expires` is missing",
            "`expires` is missing",
            without("expires"),
        ),
        malformed(
            "no-nonce",
            "`nonce` is missing",
            "`nonce` is missing",
            without("nonce"),
        ),
        malformed(
            "no-keyid",
            "`keyid` is missing",
            "`keyid` is missing",
            without("keyid"),
        ),
        malformed(
            "no-alg",
            "`alg` is missing",
            "`alg` is missing",
            without("alg"),
        ),
        malformed(
            "no-tag",
            "`tag` is missing",
            "`tag` must be",
            without("tag"),
        ),
        malformed(
            "other-tag",
            "signed for another protocol",
            "`tag` must be",
            with("tag", "\"web-bot-auth\""),
        ),
        malformed(
            "created-a-string",
            "`created` is a string",
            "wrong type",
            with("created", "\"1767225600\""),
        ),
        malformed(
            "created-a-date",
            "`created` is a date of RFC 9651",
            "wrong type",
            with("created", "@1767225600"),
        ),
        malformed(
            "expires-a-decimal",
            "`expires` is a decimal",
            "wrong type",
            with("expires", "1767225660.5"),
        ),
        malformed(
            "nonce-a-token",
            "`nonce` is a token",
            "wrong type",
            with("nonce", "AAECAwQFBgcICQoLDA0ODw"),
        ),
        malformed(
            "expires-with-created",
            "it is good for no time",
            "after `created`",
            with("expires", "1767225600"),
        ),
        malformed(
            "expires-before-created",
            "it expires before it is made",
            "after `created`",
            with("expires", "1767225599"),
        ),
        malformed(
            "good-too-long",
            "it is good for 301 s",
            "after `created`",
            with("expires", "1767225901"),
        ),
        malformed(
            "expires-never",
            "it is good for ever",
            "after `created`",
            with("expires", "999999999999999"),
        ),
        malformed(
            "short-nonce",
            "a nonce of 21 characters",
            "`nonce` must be",
            with("nonce", "\"AAECAwQFBgcICQoLDA0OD\""),
        ),
        malformed(
            "long-nonce",
            "a nonce of 129 characters",
            "`nonce` must be",
            with("nonce", &format!("\"{}\"", "A".repeat(129))),
        ),
        malformed(
            "keyid-no-thumbprint",
            "`keyid` is a name",
            "`keyid` is not a key thumbprint",
            with("keyid", "\"atlas\""),
        ),
        malformed(
            "unknown-parameter",
            "a parameter that nobody knows",
            "unknown signature parameter",
            with("x", "1"),
        ),
    ]
}

fn bodies() -> Vec<Case> {
    let malformed =
        |file, about, detail, sent| refuse(Reason::Malformed, file, about, detail, sent);
    let text = |body: &str| Recipe::with_body(By::Ed25519, body.to_owned()).signed();
    let with = |member: &str, value: Value| {
        let mut changed = body();
        changed[member] = value;
        text(&changed.to_string())
    };
    let without = |member: &str| {
        let mut changed = body();
        changed.as_object_mut().unwrap().remove(member);
        text(&changed.to_string())
    };
    let duplicate = body().to_string().replacen('{', r#"{"secret":"other","#, 1);
    vec![
        malformed("empty-body", "no body", "not a request", text("")),
        malformed(
            "body-not-json",
            "the body is no JSON",
            "not a request",
            text("secret=deploy"),
        ),
        malformed(
            "body-a-list",
            "the body is a list",
            "not a request",
            text("[]"),
        ),
        malformed(
            "two-bodies",
            "something follows the JSON",
            "trailing characters",
            text(&format!("{0}{0}", body())),
        ),
        malformed(
            "member-twice",
            "a member is there twice",
            "duplicate field `secret`",
            text(&duplicate),
        ),
        malformed(
            "unknown-member",
            "a member that nobody knows",
            "unknown field `reason`",
            with("reason", json!("x")),
        ),
        malformed(
            "no-agent",
            "no agent is named",
            "missing field `agent`",
            without("agent"),
        ),
        malformed(
            "agent-no-thumbprint",
            "the agent is named by its host",
            "not a key thumbprint",
            with("agent", json!("vault.example.com")),
        ),
        malformed(
            "no-secret",
            "no secret is named",
            "missing field `secret`",
            without("secret"),
        ),
        malformed(
            "secret-no-name",
            "the secret's name goes up a directory",
            "is not a name",
            with("secret", json!("../root")),
        ),
        malformed(
            "no-operation",
            "no operation is named",
            "missing field `operation`",
            without("operation"),
        ),
        malformed(
            "unknown-operation",
            "an operation that there is not",
            "`reveal`",
            with("operation", json!("reveal")),
        ),
        malformed(
            "unknown-input",
            "an input that the operation has not",
            "`key`",
            with("input", json!({"message": "aGVsbG8=", "key": "x"})),
        ),
        malformed(
            "input-not-base64",
            "the message is no base64",
            "`message`",
            with("input", json!({"message": "hello"})),
        ),
        malformed(
            "blank-purpose",
            "a purpose that is none",
            "`purpose` is blank",
            with("purpose", json!(" ")),
        ),
        malformed(
            "long-purpose",
            "a purpose of 513 characters",
            "more than 512",
            with("purpose", json!("x".repeat(513))),
        ),
        malformed(
            "purpose-of-two-lines",
            "a purpose that would forge a line in a log",
            "control characters",
            with("purpose", json!("deploy\nallowed")),
        ),
        malformed(
            "long-ticket",
            "a ticket of 129 characters",
            "more than 128",
            with("ticket", json!("x".repeat(129))),
        ),
        malformed(
            "ticket-with-escape",
            "a ticket that would colour a terminal",
            "control characters",
            with("ticket", json!("\u{1b}[31m1")),
        ),
        malformed(
            "ticket-in-another-order",
            "a ticket that is shown in another order than it stands in",
            "control characters",
            with("ticket", json!("CHG-\u{202e}1")),
        ),
        malformed(
            "reply-to-no-recipient",
            "no age recipient",
            "`reply_to` is not",
            with("reply_to", json!("age1x")),
        ),
        malformed(
            "reply-to-ssh",
            "an SSH key is no age X25519 recipient",
            "`reply_to` is not",
            with(
                "reply_to",
                json!(
                    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti"
                ),
            ),
        ),
    ]
}

fn unknown_senders() -> Vec<Case> {
    let other_agent = {
        let mut changed = body();
        changed["agent"] = json!("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        Recipe::with_body(By::Ed25519, changed.to_string()).signed()
    };
    let bad = |file, about, sent| refuse(Reason::BadSignature, file, about, "does not fit", sent);
    let wrong_algorithm =
        |file, about, sent| refuse(Reason::WrongAlgorithm, file, about, "`alg` is", sent);
    vec![
        refuse(
            Reason::WrongAudience,
            "other-agent",
            "meant for another agent",
            "meant for the agent",
            other_agent,
        ),
        refuse(
            Reason::UnknownKey,
            "unknown-key",
            "signed with a key that nobody enrolled",
            "no service has",
            Recipe::new(By::Stranger).signed(),
        ),
        refuse(
            Reason::NotYetValid,
            "from-the-future",
            "signed 61 s in the future",
            "61 s in the future",
            but(|r| {
                r.set("created", NOW + 61);
                r.set("expires", NOW + 90);
            }),
        ),
        refuse(
            Reason::Expired,
            "expired",
            "expired a second ago",
            "1 s ago",
            but(|r| {
                r.set("created", NOW - 60);
                r.set("expires", NOW - 1);
            }),
        ),
        refuse(
            Reason::Expired,
            "expired-long-ago",
            "made before 1970",
            "s ago",
            but(|r| {
                r.set("created", -999_999_999_999_999_i64);
                r.set("expires", -999_999_999_999_998_i64);
            }),
        ),
        refuse(
            Reason::Suspended,
            "suspended",
            "its service is suspended",
            "`borg` is suspended",
            Recipe::new(By::Suspended).signed(),
        ),
        wrong_algorithm(
            "alg-of-another-key-type",
            "`alg` is not that of the key",
            but(|r| r.set("alg", "\"ecdsa-p256-sha256\"")),
        ),
        wrong_algorithm(
            "alg-in-upper-case",
            "names of algorithms are case-sensitive",
            but(|r| r.set("alg", "\"Ed25519\"")),
        ),
        wrong_algorithm(
            "alg-hmac",
            "a public key taken for a shared secret",
            but(|r| r.set("alg", "\"hmac-sha256\"")),
        ),
        wrong_algorithm(
            "alg-none",
            "no algorithm at all",
            but(|r| r.set("alg", "\"none\"")),
        ),
        bad(
            "signed-by-another",
            "signed by somebody else",
            but(|r| r.by = By::Stranger),
        ),
        bad(
            "changed-content-type",
            "the content type was changed",
            after_signing(|s| s.header("content-type").push_str("; charset=utf-8")),
        ),
        bad("changed-query", "a covered query was changed", {
            let mut sent = but(|r| {
                r.target = "/v1/access?x=1";
                r.covered = r#""@method" "@path" "@query" "content-type" "content-digest""#;
            });
            sent.target = "/v1/access?x=2".to_owned();
            sent
        }),
        bad(
            "changed-nonce",
            "sent again with another nonce",
            after_signing(|s| {
                *s.header("signature-input") =
                    s.header("signature-input").replace("AAECAwQ", "BAECAwQ");
            }),
        ),
        bad(
            "changed-expires",
            "its time was prolonged",
            after_signing(|s| {
                *s.header("signature-input") = s
                    .header("signature-input")
                    .replace("1767225660", "1767225661");
            }),
        ),
        bad(
            "changed-order-of-parameters",
            "the parameters were put into another order",
            after_signing(|s| {
                let line = s.header("signature-input");
                *line = line
                    .replace(";tag=\"strongroom\"", "")
                    .replace(";created", ";tag=\"strongroom\";created");
            }),
        ),
        bad(
            "changed-order-of-components",
            "the components were put into another order",
            after_signing(|s| {
                *s.header("signature-input") = s
                    .header("signature-input")
                    .replace("\"@method\" \"@path\"", "\"@path\" \"@method\"");
            }),
        ),
        bad(
            "short-signature",
            "a part of a signature",
            after_signing(|s| *s.header("signature") = "strongroom=:AAAA:".to_owned()),
        ),
        bad(
            "p256-asn1",
            "ECDSA signatures are r and s in a row, not ASN.1",
            Recipe::new(By::P256Asn1).signed(),
        ),
        bad("p256-zeros", "an ECDSA signature of zeros", {
            let mut sent = Recipe::new(By::P256).signed();
            *sent.header("signature") = format!("strongroom=:{}==:", "A".repeat(86));
            sent
        }),
        bad(
            "ed25519-zeros",
            "an Ed25519 signature of zeros",
            after_signing(|s| {
                *s.header("signature") = format!("strongroom=:{}==:", "A".repeat(86));
            }),
        ),
    ]
}
