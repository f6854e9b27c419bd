//! The identity file: three PEM blocks under comments that say what they are for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::BadIdentity;

pub(super) const ANSWERS: &str = "answers";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const TLS: &str = "tls";
pub(super) const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
pub(super) const END: &str = "-----END PRIVATE KEY-----";

/// The file, taken apart: each block stands under the comment that names its purpose.
#[derive(Default)]
pub(super) struct File<'a> {
    pub(super) origin: Option<&'a str>,
    pub(super) answers: Option<Zeroizing<String>>,
    pub(super) checkpoints: Option<Zeroizing<String>>,
    pub(super) tls: Option<Zeroizing<String>>,
}

impl<'a> File<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let mut file = Self::default();
        let mut purpose = "";
        let mut block: Option<Zeroizing<String>> = None;
        for line in text.lines().map(str::trim) {
            if let Some(body) = &mut block {
                if line == END {
                    let body = block.take();
                    match purpose {
                        ANSWERS => file.answers = body,
                        CHECKPOINTS => file.checkpoints = body,
                        TLS => file.tls = body,
                        _ => {}
                    }
                } else {
                    body.push_str(line);
                }
            } else if line == BEGIN {
                // As long as the whole, so that growing leaves no copy of a key behind.
                block = Some(Zeroizing::new(String::with_capacity(text.len())));
            } else if let Some(origin) = line.strip_prefix("# origin: ") {
                file.origin = Some(origin);
            } else if let Some(named) = line.strip_prefix("# purpose: ") {
                purpose = named;
            }
        }
        file
    }
}

pub(super) fn write(
    origin: &str,
    answers: &[u8],
    checkpoints: &[u8],
    tls: &[u8],
) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(4096));
    text.push_str(
        "# Private keys of a Strongroom agent: they prove who answers, and open nothing.\n",
    );
    text.push_str(&format!("# origin: {origin}\n"));
    for (purpose, der) in [(ANSWERS, answers), (CHECKPOINTS, checkpoints), (TLS, tls)] {
        text.push_str(&format!("# purpose: {purpose}\n{BEGIN}\n"));
        let body = Zeroizing::new(STANDARD.encode(der));
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
            text.push_str(line);
            text.push('\n');
            rest = after;
        }
        text.push_str(END);
        text.push('\n');
    }
    text
}

pub(super) fn der(
    purpose: &'static str,
    block: Option<Zeroizing<String>>,
) -> Result<Zeroizing<Vec<u8>>, BadIdentity> {
    let block = block.ok_or(BadIdentity::Missing(match purpose {
        ANSWERS => "key for answers",
        CHECKPOINTS => "key for checkpoints",
        _ => "key for tls",
    }))?;
    let der = STANDARD
        .decode(block.as_str())
        .map_err(|_| BadIdentity::Damaged(purpose))?;
    Ok(Zeroizing::new(der))
}
