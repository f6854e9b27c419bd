//! Bodies of ten mebibytes, both ways, and the bound on all that is held.

use std::{process::Stdio, thread};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Story, get, outcome};

const MOST: usize = 10 << 20;

fn upload(bytes: usize) -> Value {
    let body = STANDARD.encode(vec![0xa5; bytes]);
    json!({
        "secret": "heroku/prod", "operation": "http",
        "input": {"method": "POST", "path": "/sum", "body_base64": body},
    })
}

#[test]
fn ten_mebibytes_go_up_and_come_down() {
    let story = Story::begin();
    let agent = story.vault.agent();
    let told = agent.python_large(&story.service, &upload(MOST));
    assert_eq!(told["status"], 200, "{told}");
    let got = story.provider.last();
    let sent = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &vec![0xa5; MOST]);
    let hex: String = sent
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        (&got["length"], &got["sha256"]),
        (&json!(MOST), &json!(hex))
    );

    let too_large = agent.python_large(&story.service, &upload(MOST + 1));
    assert_eq!(too_large["status"], 400, "{too_large}");
    assert_eq!(story.provider.got().len(), 1);

    for path in ["bytes", "chunks"] {
        let result = story.result(&agent, get(&format!("/{path}/{MOST}")));
        let body = result["body"].as_str().unwrap();
        assert_eq!(body.len(), MOST);
        assert!(
            body.bytes()
                .zip(b"0123456789abcdef".iter().cycle())
                .all(|(is, should)| is == *should)
        );
        let refused = story.refused(&agent, get(&format!("/{path}/{}", MOST + 1)));
        assert_eq!(refused.0, 502);
        assert_eq!(outcome(&story.vault)["ending"], "too-large");
    }
}

#[test]
fn an_answer_that_nobody_takes_is_given_up() {
    let story = Story::begin();
    let limits = "held = 16777216\nrequest_seconds = 15\n";
    let settings = format!("[listen]\ntls = \"127.0.0.1:0\"\n[limits]\n{limits}");
    story.vault.configure(&settings);
    let agent = story.vault.agent();
    let mut idle = crate::support::python();
    idle.arg(crate::support::script("no_reader.py"))
        .args([
            "--agent",
            &agent.url(),
            "--path",
            &format!("/bytes/{MOST}"),
            "--cacert",
        ])
        .arg(story.vault.certificate())
        .arg("--key")
        .arg(&story.service);
    let mut idle = idle.stdin(Stdio::piped()).spawn().unwrap();
    // On record first, and then sent.
    crate::support::eventually("the answer is there", || {
        let entries = story.vault.entries();
        entries.iter().any(|entry| entry["ending"] == "answered")
    });
    // While it is not given up there is no room for another one of this size.
    let status = || {
        let input = get(&format!("/bytes/{MOST}"));
        super::ask(&agent, &story.service, "heroku/prod", input)["status"].clone()
    };
    assert_eq!(status(), 429);
    crate::support::eventually("it is given up", || status() == 200);
    // The one who did not read is still connected: it was the agent that gave up.
    assert!(idle.try_wait().unwrap().is_none());
    drop(idle.stdin.take());
    idle.wait().unwrap();
}

#[test]
fn when_too_much_is_held_a_call_is_refused_and_not_stuck() {
    let story = Story::begin();
    story
        .vault
        .configure("[listen]\ntls = \"127.0.0.1:0\"\n[limits]\nheld = 16777216\n");
    let agent = story.vault.agent();
    thread::scope(|scope| {
        // Ten of the sixteen are taken: the system itself does not hold that much.
        let first = scope.spawn(|| story.result(&agent, get(&format!("/trickle/{MOST}"))));
        story.provider.wait_for(2);
        let refused = story.refused(&agent, get(&format!("/bytes/{MOST}")));
        assert_eq!(refused.0, 429, "{}", refused.1);
        let told = outcome(&story.vault);
        assert_eq!(told["ending"], "no-room", "{told}");
        // A large request finds no room either, before anything is done with it.
        let before = story.provider.got().len();
        assert_eq!(
            agent.python_large(&story.service, &upload(MOST))["status"],
            429
        );
        assert_eq!(story.provider.got().len(), before);
        // What is small goes on.
        assert_eq!(story.result(&agent, get("/echo"))["status"], 200);
        story.provider.open("trickle");
        assert_eq!(first.join().unwrap()["body"].as_str().unwrap().len(), MOST);
    });
    // All of it was given back, more than once.
    for _ in 0..2 {
        story.result(&agent, get(&format!("/bytes/{MOST}")));
        assert_eq!(
            agent.python_large(&story.service, &upload(MOST))["status"],
            200
        );
    }
}
