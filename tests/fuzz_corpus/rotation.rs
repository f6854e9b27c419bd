//! Bindings that say when a new version is due.

use serde_json::{Value, json};

use super::{Seed, seed};

pub(super) fn bindings() -> Vec<Seed> {
    let binding = |path: &str, kind: &str, rotation: Value| {
        seed(
            &format!("binding/{path}"),
            format!("{kind}\n{}", json!({ "rotation": rotation })),
        )
    };
    vec![
        binding(
            "good-rotation",
            "token",
            json!({"max_age": "P90D", "max_uses": 1_000_000, "command": ["rotate", "--team", ""], "timeout_seconds": 60}),
        ),
        binding(
            "good-rotation-age",
            "aes256",
            json!({"max_age": "P1W2DT3H4M5S"}),
        ),
        binding("bad-rotation-months", "token", json!({"max_age": "P3M"})),
        binding(
            "bad-rotation-fraction",
            "token",
            json!({"max_age": "PT1.5S"}),
        ),
        binding(
            "bad-rotation-overflow",
            "token",
            json!({"max_age": "P9999999W"}),
        ),
        binding("bad-rotation-nothing", "opaque", json!({})),
        binding("bad-rotation-program", "token", json!({"command": [""]})),
    ]
}
