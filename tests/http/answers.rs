//! What comes back: all of the answer, but for the credential.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::json;

use super::{KEY, Story, get, outcome};

#[test]
fn status_headers_and_body_come_back() {
    let story = Story::begin();
    let agent = story.vault.agent();
    let result = story.result(&agent, get("/echo"));
    assert_eq!(result["status"], 200, "{result}");
    assert_eq!(result["headers"]["x-provider"], json!(["weak"]));
    assert_eq!(result["body"]["method"], "GET");
    assert_eq!(result["version"], 1);
    let told = outcome(&story.vault);
    assert_eq!(
        (&told["ending"], &told["status"]),
        (&json!("answered"), &json!(200))
    );

    // An error of the provider's is an answer like any other.
    for status in [400, 404, 429, 500, 503] {
        let result = story.result(&agent, get(&format!("/status/{status}")));
        assert_eq!(result["status"], status);
        assert_eq!(result["body"]["error"], "said so");
        assert_eq!(outcome(&story.vault)["status"], status);
    }

    // Nothing comes after the head of these.
    let head = story.result(&agent, json!({"method": "HEAD", "path": "/bytes/99999999"}));
    assert_eq!(
        head["headers"]["content-length"],
        json!(["99999999"]),
        "{head}"
    );
    assert_eq!(head.get("body"), None, "{head}");
    assert_eq!(story.result(&agent, get("/status/204"))["status"], 204);

    // What is no text comes in base64.
    let binary = story.result(&agent, get("/binary"));
    assert_eq!(binary["body_base64"], "/wD+", "{binary}");
}

#[test]
fn bodies_are_sent_as_they_were_judged() {
    let story = Story::begin();
    let agent = story.vault.agent();
    for (body, content_type, sent) in [
        (
            json!({"body": {"slug": "x", "n": 1.50}}),
            "application/json",
            r#"{"slug":"x","n":1.5}"#,
        ),
        (
            json!({"form": {"b": "1 & 2", "a": "\u{e9}"}}),
            "application/x-www-form-urlencoded",
            "a=%C3%A9&b=1%20%26%202",
        ),
        (
            json!({"body_base64": "cmF3"}),
            "application/octet-stream",
            "raw",
        ),
        (
            json!({"body_base64": "PGEvPg==", "headers": {"Content-Type": "text/xml"}}),
            "text/xml",
            "<a/>",
        ),
    ] {
        let mut input = json!({"method": "POST", "path": "/echo"});
        input
            .as_object_mut()
            .unwrap()
            .extend(body.as_object().unwrap().clone());
        story.result(&agent, input);
        let got = story.provider.last();
        assert_eq!(got["body"], sent, "{got}");
        assert_eq!(super::header(&got, "content-type").unwrap(), content_type);
        let length = super::header(&got, "content-length").unwrap();
        assert_eq!(length, sent.len().to_string());
    }
    // No body at all: where one is expected, its length is said.
    story.result(&agent, json!({"method": "POST", "path": "/echo"}));
    let length = super::header(&story.provider.last(), "content-length");
    assert_eq!(length.as_deref(), Some("0"));
}

#[test]
fn a_redirect_comes_back_and_is_not_followed() {
    let story = Story::begin();
    let agent = story.vault.agent();
    let result = story.result(&agent, get("/redirect"));
    assert_eq!(result["status"], 302, "{result}");
    assert_eq!(result["headers"]["location"], json!(["/landed"]));
    assert_eq!(story.provider.got().len(), 1);
}

#[test]
fn a_credential_that_comes_back_is_taken_out() {
    for attach in [
        &["--bearer"][..],
        &["--header", "X-Api-Key"],
        &["--query", "api_key"],
    ] {
        let story = Story::begin_with(attach);
        let agent = story.vault.agent();
        for how in [
            "plain",
            "base64",
            "base64url",
            "percent",
            "hex",
            "json",
            "split",
            "header",
        ] {
            let result = story.result(&agent, get(&format!("/reflect/{how}")));
            assert_eq!(result["status"], 200, "{result}");
            // The rest of the answer is all there, and still JSON.
            assert_eq!(result["body"]["you"], "sent", "{how}: {result}");
            let shown = result.to_string();
            for piece in form_of(KEY) {
                assert!(
                    !shown.contains(&piece),
                    "{attach:?} {how}: {piece} in {shown}"
                );
            }
            let told = outcome(&story.vault);
            let detail = told["detail"].as_str().unwrap_or_default();
            assert!(detail.contains("credential"), "{how}: {told}");
        }
        story.result(&agent, get("/status/200"));
        assert_eq!(outcome(&story.vault).get("detail"), None, "nothing to tell");
    }
}

/// The forms that the provider sends it in, made without our code.
fn form_of(secret: &str) -> Vec<String> {
    let all = |format: fn(u8) -> String| secret.bytes().map(format).collect::<String>();
    // All but the characters that hold bits of a neighbour too.
    let inner = |text: String| text[4..text.len() - 4].to_owned();
    vec![
        secret.to_owned(),
        inner(STANDARD.encode(secret)),
        inner(STANDARD.encode(format!("x{secret}"))),
        inner(URL_SAFE.encode(secret)),
        "root-key%2Fof%2Bthe~provider%3D0%3F%26x".to_owned(),
        all(|byte| format!("%{byte:02x}")),
        all(|byte| format!("{byte:02x}")),
        all(|byte| format!("\\u{byte:04x}")),
    ]
}

#[test]
fn connections_are_kept_and_replaced() {
    let story = Story::begin();
    let agent = story.vault.agent();
    let connection = |path: &str| {
        story.result(&agent, get(path));
        story.provider.last()["connection"].as_u64().unwrap()
    };
    let first = connection("/echo");
    assert_eq!(connection("/echo"), first, "kept");
    // The provider closes it after an answer; the next call does not fail.
    assert_eq!(connection("/close"), first);
    let second = connection("/echo");
    assert_ne!(second, first);
    // Another version or binding has connections of its own.
    story
        .vault
        .run_with_input(&["secret", "rotate", "heroku/prod"], b"another-root-key");
    let third = connection("/echo");
    assert_ne!(third, second);
    story
        .vault
        .run(&["secret", "bind", "heroku/prod", "--timeout", "20"]);
    let fourth = connection("/echo");
    assert_ne!(fourth, third);
    // After a lock there is none left.
    story.vault.run(&["lock"]);
    story.vault.run(&["unlock"]);
    assert_ne!(connection("/echo"), fourth);
}
