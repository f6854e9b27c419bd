//! Bindings that say which channel takes a secret.

use serde_json::{Value, json};

use super::{Seed, seed};

pub(super) fn bindings() -> Vec<Seed> {
    let binding = |path: &str, kind: &str, channel: Value| {
        seed(
            &format!("binding/{path}"),
            format!("{kind}\n{}", json!({ "channel": channel })),
        )
    };
    let ops = |to: &str| json!({"name": "ops", "to": to});
    vec![
        binding(
            "good-channel",
            "token",
            ops("HTTPS://Hooks.Example.com:443"),
        ),
        binding("good-channel-host", "mtls", ops("[2001:DB8::1]:6514")),
        binding("good-channel-loopback", "hmac", ops("http://[::1]:8080")),
        binding("bad-channel-kind", "opaque", ops("https://a.example")),
        binding("bad-channel-path", "token", ops("https://a.example/x")),
        binding("bad-channel-plain", "token", ops("http://10.0.0.1")),
        binding("bad-channel-port", "basic", ops("mail.example")),
        binding("bad-channel-user", "token", ops("https://me@a.example")),
    ]
}
