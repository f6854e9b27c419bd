//! Approvals: from the vectors, and calls about requests that wait.

use std::{fs, path::Path, time::Duration};

use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;
use strongroom::{
    approval::Waiting,
    client::{Call, SignedRequest, SigningKey},
    identity::Identity,
    request::PATH,
};

use super::{ATLAS_PRIVATE, IDENTITY, NOW, SENT, Seed, seed, wire::message};

/// What was signed, and the signatures, of some vectors.
pub(super) fn signed() -> Vec<Seed> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/approval");
    let read = |vector: &str, member: &str| {
        let text = fs::read_to_string(vectors.join(vector).with_extension("json")).unwrap();
        let of: Value = serde_json::from_str(&text).unwrap();
        of[member].as_str().unwrap().to_owned()
    };
    let statements = [
        ("good-once", "accept-ed25519"),
        ("good-deny", "accept-deny"),
        ("good-minutes", "accept-minutes"),
        ("good-altered", "altered-purpose"),
        ("bad-newline", "newline-in-statement"),
        ("bad-minutes-of-a-no", "minutes-of-a-no"),
        ("bad-minutes-of-days", "minutes-of-days"),
        ("bad-member", "unknown-member"),
    ];
    let signatures = [
        ("good-ed25519", "accept-ed25519"),
        ("good-p256", "accept-p256"),
        ("good-rsa", "accept-ssh-keygen-rsa"),
        ("good-sk-ed25519", "accept-sk-ed25519"),
        ("good-sk-p256", "accept-sk-p256"),
        ("good-sha256", "accept-sha256"),
        ("good-namespace", "foreign-namespace"),
        ("bad-cut-off", "signature-cut-off"),
    ];
    let statements = statements
        .map(|(name, vector)| seed(&format!("statement/{name}"), read(vector, "statement")));
    let signatures = signatures
        .map(|(name, vector)| seed(&format!("ssh_signature/{name}"), read(vector, "signature")));
    let begin = "-----BEGIN SSH SIGNATURE-----\n";
    let bad = [
        seed(
            "ssh_signature/bad-empty",
            format!("{begin}-----END SSH SIGNATURE-----\n"),
        ),
        seed(
            "ssh_signature/bad-armor",
            read("accept-p256", "signature").replace("SSH", "PGP"),
        ),
    ];
    statements
        .into_iter()
        .chain(signatures)
        .chain(bad)
        .collect()
}

/// The request of the published service while it waits.
pub(super) fn waiting() -> Vec<Seed> {
    let waiting = Waiting::of(PATH, SENT.headers(), SENT.body()).unwrap();
    let good = String::from_utf8(waiting.to_bytes().unwrap().to_vec()).unwrap();
    let (head, body) = good.split_once('\n').unwrap();
    vec![
        seed("waiting/good-request", &good),
        seed("waiting/good-empty", "{\"headers\":[],\"target\":\"\"}\n"),
        seed("waiting/bad-no-body", head),
        seed(
            "waiting/bad-member",
            format!("{}\n{body}", head.replace("target", "path")),
        ),
        seed(
            "waiting/bad-header",
            format!("{}\n{body}", head.replace("content-type", "Content-Type")),
        ),
        seed(
            "waiting/bad-value",
            format!("{}\n{body}", head.replace("application/json", "\\u0000")),
        ),
    ]
}

/// Calls of the published service.
pub(super) fn calls() -> Vec<Seed> {
    let call = Call {
        agent: Identity::from_pem(IDENTITY).unwrap().thumbprint().clone(),
        id: 12,
    };
    let key = SigningKey::parse(ATLAS_PRIVATE.as_bytes()).unwrap();
    let (now, validity) = (
        Timestamp::from_second(NOW).unwrap(),
        Duration::from_secs(60),
    );
    let result = call.sign_result(&key, [8; 16], validity, now).unwrap();
    let cancel = call.sign_cancel(&key, [9; 16], validity, now).unwrap();
    let foreign = Call {
        agent: key.thumbprint(),
        ..call
    };
    let foreign = foreign.sign_result(&key, [10; 16], validity, now).unwrap();
    let late = now + Duration::from_secs(3_600);
    let late = call.sign_result(&key, [11; 16], validity, late).unwrap();
    let text = |sent: &SignedRequest| text(sent.path(), sent.headers(), sent.body());
    let good = text(&result);
    vec![
        seed("call/good-result", &good),
        seed("call/good-cancel", text(&cancel)),
        seed("call/bad-agent", text(&foreign)),
        seed("call/bad-future", text(&late)),
        seed("call/bad-path", good.replace("/result", "/cancel")),
        seed("call/bad-method", good.replacen("POST", "PUT", 1)),
        seed("call/bad-id", good.replace("\"12\"", "\"13\"")),
    ]
}

fn text(path: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let fields = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let body = std::str::from_utf8(body).unwrap();
    message(&format!("POST {path}"), fields, body)
}
