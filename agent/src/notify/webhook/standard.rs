//! A webhook as Standard Webhooks 1.0 describes it: the whole notification, signed with each secret.

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use strongroom::{name::Name, notification::Notification, vault::ChannelCredential};

/// What a signing secret begins with when it is shown to a person.
const PREFIX: &str = "whsec_";
/// What the specification allows, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// What is posted.
pub fn body(notification: &Notification) -> anyhow::Result<Vec<u8>> {
    Ok(serde_json::to_vec(&json!({
        "type": format!("strongroom.{}", notification.kind),
        "timestamp": notification.time,
        "data": notification,
    }))?)
}

/// Signs with one secret. The errors say nothing of its value.
pub fn signer(secret: &Name, value: &ChannelCredential) -> anyhow::Result<Webhook> {
    let form = || {
        format!(
            "secret `{secret}` must be `{PREFIX}` and 24 to 64 bytes in base64 (kind `token`), or these \
             bytes themselves (kind `hmac`)"
        )
    };
    let key = match value {
        ChannelCredential::Text(text) => text.strip_prefix(PREFIX).with_context(form)?.as_bytes(),
        // Text that was put in as a key: a receiver's secret is never meant to be these letters.
        ChannelCredential::Key(key) => match key.strip_prefix(PREFIX.as_bytes()) {
            Some(encoded) => encoded,
            None if LENGTHS.contains(&key.len()) => {
                return Webhook::from_bytes(key.to_vec()).map_err(|_| anyhow::anyhow!(form()));
            }
            None => bail!(form()),
        },
        _ => bail!(form()),
    };
    let encoded = std::str::from_utf8(key).ok().with_context(form)?;
    let key = STANDARD.decode(encoded).ok().with_context(form)?;
    if !LENGTHS.contains(&key.len()) {
        bail!(form())
    }
    Webhook::from_bytes(key).map_err(|_| anyhow::anyhow!(form()))
}

/// The three headers; each secret's signature stands in the third.
pub fn headers(
    signers: &[Webhook],
    id: &str,
    now: Timestamp,
    body: &[u8],
) -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
    let seconds = now.as_second();
    let mut signatures = Vec::new();
    for signer in signers {
        let signature = signer
            .sign(id, seconds, body)
            .map_err(|error| anyhow::anyhow!("cannot sign the webhook: {error}"))?;
        signatures.push(signature);
    }
    Ok(vec![
        (HeaderName::from_static(HEADER_WEBHOOK_ID), id.parse()?),
        (
            HeaderName::from_static(HEADER_WEBHOOK_TIMESTAMP),
            seconds.into(),
        ),
        (
            HeaderName::from_static(HEADER_WEBHOOK_SIGNATURE),
            signatures.join(" ").parse()?,
        ),
    ])
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn text(value: &str) -> ChannelCredential {
        ChannelCredential::Text(Zeroizing::new(value.to_owned()))
    }

    fn key(value: &[u8]) -> ChannelCredential {
        ChannelCredential::Key(Zeroizing::new(value.to_vec()))
    }

    fn signed(secret: &ChannelCredential) -> String {
        let signer = signer(&"hooks/ops".parse().unwrap(), secret).unwrap();
        let now = Timestamp::from_second(1_614_265_330).unwrap();
        let headers = headers(
            &[signer],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            now,
            b"{\"test\": 2432232314}",
        );
        headers.unwrap()[2].1.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_published_vector_is_met_with_the_secret_in_any_form() {
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let written = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        assert_eq!(signed(&text(written)), expected);
        assert_eq!(signed(&key(written.as_bytes())), expected);
        let bytes = STANDARD.decode(&written[6..]).unwrap();
        assert_eq!(signed(&key(&bytes)), expected);
    }

    #[test]
    fn what_is_no_signing_secret_is_told_without_its_value() {
        let name: Name = "hooks/ops".parse().unwrap();
        for wrong in [
            text("hunter2"),
            text("whsec_hunter2!"),
            text("whsec_aHVudGVyMg=="),
            key(b"sixteen bytes ok"),
            key(&[7; 65]),
        ] {
            let told = signer(&name, &wrong).err().unwrap().to_string();
            assert!(told.contains("24 to 64 bytes"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
