//! RFC 9421 as a strict profile: what a signed POST must look like.
//!
//! One signature counts, the one labelled `strongroom`; others may be there and are not looked
//! at. It covers at least `@method`, `@path`, `content-type` and `content-digest`, and carries
//! `created`, `expires`, `nonce`, `keyid`, `alg` and `tag`, in any order. Parsing checks all that
//! needs neither key nor clock; [`crate::service`] does the rest.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{CONTENT_TYPE, HOST},
};
use jiff::Timestamp;
use sfv::{BareItem, InnerList, Item, ListEntry};

use crate::{
    audit::Reason,
    request::{
        Malformed, NotAuthenticated,
        base::{Message, dictionary, signature_base},
        digest::{self, sha256},
        field,
    },
    service::key::{PublicKey, Thumbprint},
};

/// The label of the one signature that counts.
pub const LABEL: &str = "strongroom";
/// The `tag` parameter, which keeps these signatures apart from those made for other protocols.
pub const TAG: &str = "strongroom";
/// The longest time between `created` and `expires`.
pub const MAX_VALIDITY: Duration = Duration::from_secs(300);
/// How far the signer's clock may be ahead.
pub const MAX_SKEW: Duration = Duration::from_secs(60);
/// The shortest nonce, in characters: 16 random bytes in base64url.
pub const MIN_NONCE: usize = 22;
/// The longest nonce, in characters.
pub const MAX_NONCE: usize = 128;
/// What every request's signature covers.
pub const COVERED: [&str; 4] = ["@method", "@path", "content-type", "content-digest"];

/// The field `Signature`.
pub const SIGNATURE: HeaderName = HeaderName::from_static("signature");
/// The field `Signature-Input`.
pub const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// A signed message of the profile, whole and with the right digest; its signature is not yet
/// verified.
pub struct SignedMessage {
    keyid: Thumbprint,
    algorithm: String,
    created: i64,
    expires: i64,
    nonce: String,
    base: String,
    digest: [u8; 32],
    signature: RequestSignature,
}

/// The signature labelled `strongroom` of a request: what the answer to it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestSignature(Vec<u8>);

/// The parameters of a signature.
struct Parameters {
    created: i64,
    expires: i64,
    nonce: String,
    keyid: Thumbprint,
    algorithm: String,
}

impl RequestSignature {
    /// The longest signature that is looked at, in bytes.
    const MAX_LEN: usize = 1024;

    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Finds it in a request's headers. Nothing is checked: even a refusal is bound to the
    /// request that it refuses.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let members = dictionary(headers, SIGNATURE.as_str()).ok()??;
        match members.get(LABEL)? {
            ListEntry::Item(Item {
                bare_item: BareItem::ByteSequence(bytes),
                params,
            }) if params.is_empty() && !bytes.is_empty() && bytes.len() <= Self::MAX_LEN => {
                Some(Self(bytes.clone()))
            }
            _ => None,
        }
    }

    /// The signature itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The field `Signature` with nothing but this.
    pub(crate) fn to_header(&self) -> HeaderValue {
        field::line(format!("{LABEL}=:{}:", STANDARD.encode(&self.0)))
    }
}

impl SignedMessage {
    /// Reads a signed POST. `target` is the path, with the query if there is one.
    pub fn parse(
        method: &Method,
        target: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Self, Malformed> {
        let message = Self::parse_head(method, target, headers)?;
        digest::check(headers, body).map_err(Malformed::new)?;
        Ok(message)
    }

    /// Reads the head of a signed POST. All that the signature covers is in it, the digest of the
    /// body too, so it can be verified before a byte of the body is read. What comes back is not
    /// known to belong to any body: only [`SignedMessage::parse`] says that.
    pub fn parse_head(
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Malformed> {
        let signature = RequestSignature::of(headers)
            .ok_or_else(|| Malformed::new("there is no signature labelled `strongroom`"))?;
        let input = signature_input(headers)?;
        let Parameters {
            created,
            expires,
            nonce,
            keyid,
            algorithm,
        } = Parameters::parse(&input)?;
        if let Some(missing) = COVERED.into_iter().find(|name| !covers(&input, name)) {
            return Err(Malformed::new(format!(
                "the signature does not cover `{missing}`"
            )));
        }
        let base = signature_base(&input, &Message::request(method, target, headers))
            .map_err(Malformed::new)?;
        check_json(headers)?;
        let digest = sha256(base.as_bytes());
        Ok(Self {
            keyid,
            algorithm,
            created,
            expires,
            nonce,
            base,
            digest,
            signature,
        })
    }

    /// The key that claims to have signed it.
    pub fn keyid(&self) -> &Thumbprint {
        &self.keyid
    }

    /// The nonce as it was sent.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The SHA-256 of the signature base.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What the answer is bound to.
    pub fn signature(&self) -> &RequestSignature {
        &self.signature
    }

    /// Whether it is new enough, and not from the future.
    pub(crate) fn check_time(&self, now: Timestamp) -> Result<(), NotAuthenticated> {
        let now = now.as_second();
        let skew = i64::try_from(MAX_SKEW.as_secs()).unwrap_or(0);
        if self.created > now.saturating_add(skew) {
            let ahead = self.created.saturating_sub(now);
            let detail = format!("it was signed {ahead} s in the future; compare the clocks");
            return Err(NotAuthenticated::new(Reason::NotYetValid, detail));
        }
        if self.expires < now {
            let late = now.saturating_sub(self.expires);
            let detail = format!("the signature expired {late} s ago");
            return Err(NotAuthenticated::new(Reason::Expired, detail));
        }
        Ok(())
    }

    /// Whether the stated algorithm is that of the key.
    pub(crate) fn check_algorithm(&self, key: &PublicKey) -> Result<(), NotAuthenticated> {
        if key.algorithm().signature_name() == Some(self.algorithm.as_str()) {
            return Ok(());
        }
        let detail = format!(
            "`alg` is `{}`, and the key is {}",
            self.algorithm,
            key.algorithm()
        );
        Err(NotAuthenticated::new(Reason::WrongAlgorithm, detail))
    }

    /// Whether `key` signed it: the only costly check.
    pub(crate) fn check_signature(&self, key: &PublicKey) -> Result<(), NotAuthenticated> {
        if key.verify(self.base.as_bytes(), self.signature.as_bytes()) {
            return Ok(());
        }
        Err(NotAuthenticated::new(
            Reason::BadSignature,
            "the signature does not fit the request",
        ))
    }
}

/// The covered components and parameters of the signature that counts.
fn signature_input(headers: &HeaderMap) -> Result<InnerList, Malformed> {
    let members = dictionary(headers, SIGNATURE_INPUT.as_str()).map_err(Malformed::new)?;
    match members.and_then(|mut members| members.swap_remove(LABEL)) {
        Some(ListEntry::InnerList(input)) => Ok(input),
        Some(ListEntry::Item(_)) => Err(Malformed::new(
            "`signature-input` for `strongroom` is not a list of components",
        )),
        None => Err(Malformed::new(
            "there is no `signature-input` for `strongroom`",
        )),
    }
}

/// The header fields that the signature that counts is about.
pub(crate) fn covered_fields(headers: &HeaderMap) -> Result<Vec<HeaderName>, Malformed> {
    let field = |item: &Item| match &item.bare_item {
        BareItem::String(name) if name.as_str() == "@authority" => Some(HOST),
        BareItem::String(name) => HeaderName::from_lowercase(name.as_str().as_bytes()).ok(),
        _ => None,
    };
    let input = signature_input(headers)?;
    Ok(input.items.iter().filter_map(field).collect())
}

/// Whether the whole component is covered: no member of it, and not that of another message.
pub(crate) fn covers(input: &InnerList, name: &str) -> bool {
    input.items.iter().any(|item| {
        item.params.is_empty()
            && matches!(&item.bare_item, BareItem::String(covered) if covered.as_str() == name)
    })
}

impl Parameters {
    fn parse(input: &InnerList) -> Result<Self, Malformed> {
        let (mut created, mut expires) = (None, None);
        let (mut nonce, mut keyid, mut algorithm, mut tag) = (None, None, None, None);
        for (name, value) in &input.params {
            match (name.as_str(), value) {
                ("created", BareItem::Integer(time)) => created = Some(i64::from(*time)),
                ("expires", BareItem::Integer(time)) => expires = Some(i64::from(*time)),
                ("nonce", BareItem::String(text)) => nonce = Some(text.as_str()),
                ("keyid", BareItem::String(text)) => keyid = Some(text.as_str()),
                ("alg", BareItem::String(text)) => algorithm = Some(text.as_str()),
                ("tag", BareItem::String(text)) => tag = Some(text.as_str()),
                ("created" | "expires" | "nonce" | "keyid" | "alg" | "tag", _) => {
                    return Err(Malformed::new(format!(
                        "the signature parameter `{name}` has the wrong type"
                    )));
                }
                // What the signer means by it is unknown, so it is not passed over.
                _ => {
                    return Err(Malformed::new(format!(
                        "unknown signature parameter `{name}`"
                    )));
                }
            }
        }
        if tag != Some(TAG) {
            return Err(Malformed::new(
                "the signature parameter `tag` must be `strongroom`",
            ));
        }
        let (created, expires) = (wanted("created", created)?, wanted("expires", expires)?);
        let longest = i64::try_from(MAX_VALIDITY.as_secs()).unwrap_or(0);
        if !(1..=longest).contains(&expires.saturating_sub(created)) {
            let detail = format!("`expires` must be 1 to {longest} s after `created`");
            return Err(Malformed::new(detail));
        }
        let nonce = wanted("nonce", nonce)?.to_owned();
        if !(MIN_NONCE..=MAX_NONCE).contains(&nonce.len()) {
            return Err(Malformed::new(format!(
                "`nonce` must be at least 16 random bytes in base64 or hexadecimal, {MIN_NONCE} to {MAX_NONCE} characters"
            )));
        }
        let keyid = wanted("keyid", keyid)?
            .parse()
            .map_err(|problem| Malformed::new(format!("`keyid` is {problem}")))?;
        let algorithm = wanted("alg", algorithm)?;
        if algorithm.len() > 64 {
            return Err(Malformed::new("`alg` is not the name of an algorithm"));
        }
        Ok(Self {
            created,
            expires,
            nonce,
            keyid,
            algorithm: algorithm.to_owned(),
        })
    }
}

fn wanted<T>(name: &str, value: Option<T>) -> Result<T, Malformed> {
    value.ok_or_else(|| Malformed::new(format!("the signature parameter `{name}` is missing")))
}

/// One `Content-Type`, and it is JSON.
fn check_json(headers: &HeaderMap) -> Result<(), Malformed> {
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let is_json = match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().is_ok_and(|line| {
            let (essence, parameters) = line.split_once(';').unwrap_or((line, ""));
            let parameters = parameters.trim();
            essence.trim().eq_ignore_ascii_case("application/json")
                && (parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8"))
        }),
        _ => false,
    };
    if is_json {
        Ok(())
    } else {
        Err(Malformed::new("`content-type` must be `application/json`"))
    }
}
