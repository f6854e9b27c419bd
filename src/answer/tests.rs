use std::collections::HashSet;

use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::Value;

use super::{Answer, Problem};
use crate::{
    audit::Noted,
    identity::Identity,
    request::{
        RequestSignature,
        tests::{NOW, at},
    },
};

#[test]
fn every_problem_is_its_own() {
    let mut types = HashSet::new();
    for problem in Problem::ALL {
        assert!(types.insert(problem.type_uri()));
        assert!(problem.status().is_client_error() || problem.status().is_server_error());
        let kebab = problem
            .type_uri()
            .strip_prefix("urn:strongroom:problem:")
            .unwrap();
        assert!(
            kebab
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        );
        assert!(!problem.title().ends_with('.'));
    }
    assert!(Problem::ALL.is_sorted_by_key(|problem| problem.status()));
}

#[test]
fn a_refusal_is_a_problem_of_rfc_9457() {
    let noted = Noted {
        index: 1,
        entry: "{}".to_owned(),
        receipt: "c2sp".to_owned(),
    };
    let answer = Answer::refusal(Problem::Locked, "ask again later", Some(&noted));
    assert_eq!(
        (answer.status, answer.content_type),
        (StatusCode::LOCKED, "application/problem+json")
    );
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["type"], "urn:strongroom:problem:locked");
    assert_eq!(body["status"], 423);
    assert_eq!(body["detail"], "ask again later");
    assert_eq!(
        (&body["entry"], &body["receipt"]),
        (&"{}".into(), &"c2sp".into())
    );
    let answer = Answer::refusal(Problem::NotFound, "", None);
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body.as_object().unwrap().len(), 3);
}

#[test]
fn the_signature_names_what_it_covers() {
    let identity = Identity::generate("a").unwrap();
    let answer = Answer::refusal(Problem::Denied, "", None);
    let mut request = HeaderMap::new();
    request.insert(
        "signature",
        "relay=:AAAA:, strongroom=:AQID:".parse().unwrap(),
    );
    let request = RequestSignature::of(&request).unwrap();
    assert_eq!(request.as_bytes(), [1, 2, 3]);
    let headers: HeaderMap = answer
        .sign(&identity, Some(&request), at(NOW))
        .into_iter()
        .collect();
    assert_eq!(headers.len(), 4);
    assert_eq!(headers[CONTENT_TYPE], "application/problem+json");
    let expected = format!(
        r#"strongroom=("@status" "content-type" "content-digest" "signature";req;key="strongroom");created={NOW};alg="ed25519";keyid="{}";tag="strongroom""#,
        identity.thumbprint()
    );
    assert_eq!(headers["signature-input"], expected.as_str());
    // The base that anybody can put together from RFC 9421.
    let base = format!(
        "\"@status\": 403\n\"content-type\": application/problem+json\n\"content-digest\": {}\n\"signature\";req;key=\"strongroom\": :AQID:\n\"@signature-params\": {}",
        headers["content-digest"].to_str().unwrap(),
        expected.strip_prefix("strongroom=").unwrap(),
    );
    let signature = RequestSignature::of(&headers).unwrap();
    assert!(
        identity
            .answer_public()
            .verify(base.as_bytes(), signature.as_bytes())
    );
}

#[test]
fn without_a_request_it_is_signed_all_the_same() {
    let identity = Identity::generate("a").unwrap();
    let answer = Answer::json(StatusCode::OK, &serde_json::json!({"locked": true}));
    let headers: HeaderMap = answer.sign(&identity, None, at(NOW)).into_iter().collect();
    let input = headers["signature-input"].to_str().unwrap();
    assert!(
        input.starts_with(r#"strongroom=("@status" "content-type" "content-digest");created="#)
    );
}
