//! RFC 9530: `Content-Digest`.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, ListEntry};

use super::base::dictionary;

/// The field's name.
pub const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Why a body is not what its `Content-Digest` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDigest {
    /// No such field, or none that can be read.
    #[error("there is no `content-digest` that is a dictionary of structured fields")]
    Missing,
    /// Other algorithms are allowed beside it, and not looked at.
    #[error("`content-digest` has no `sha-256` of 32 bytes")]
    NoSha256,
    /// The body is another one.
    #[error("the body does not have the sha-256 in `content-digest`")]
    Mismatch,
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// The field's value for a body.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256(body)))
}

/// Checks a body against the `sha-256` in its `Content-Digest`.
pub fn check(headers: &HeaderMap, body: &[u8]) -> Result<(), BadDigest> {
    let members = dictionary(headers, CONTENT_DIGEST.as_str())
        .ok()
        .flatten()
        .ok_or(BadDigest::Missing)?;
    let stated = match members.get("sha-256") {
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::ByteSequence(bytes) if bytes.len() == 32 => bytes,
            _ => return Err(BadDigest::NoSha256),
        },
        _ => return Err(BadDigest::NoSha256),
    };
    verify_slices_are_equal(stated, &sha256(body)).map_err(|_| BadDigest::Mismatch)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{BadDigest, CONTENT_DIGEST, check, content_digest};

    fn with(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CONTENT_DIGEST, line.parse().unwrap());
        }
        headers
    }

    /// RFC 9530 appendix D.
    #[test]
    fn the_published_digest() {
        let line = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        assert_eq!(content_digest(b"{\"hello\": \"world\"}\n"), line);
        assert_eq!(check(&with(&[line]), b"{\"hello\": \"world\"}\n"), Ok(()));
    }

    #[test]
    fn sha_256_must_be_there_and_right() {
        let right = content_digest(b"x");
        let other = "sha-512=:AAAA:";
        for lines in [&[&*right][..], &[other, &right], &[&right, "unixsum=1"]] {
            assert_eq!(check(&with(lines), b"x"), Ok(()), "{lines:?}");
        }
        assert_eq!(check(&with(&[&right]), b"y"), Err(BadDigest::Mismatch));
        assert_eq!(check(&with(&[]), b"x"), Err(BadDigest::Missing));
        assert_eq!(
            check(&with(&["sha-256=:*:"]), b"x"),
            Err(BadDigest::Missing)
        );
        for bad in [other, "sha-256=:AAAA:", "sha-256", "sha-256=\"x\"", ""] {
            assert_eq!(
                check(&with(&[bad]), b"x"),
                Err(BadDigest::NoSha256),
                "{bad}"
            );
        }
        // Of two members with one name, a dictionary keeps the last (RFC 9651 section 4.2.2).
        assert_eq!(
            check(&with(&[&right, "sha-256=:AAAA:"]), b"x"),
            Err(BadDigest::NoSha256)
        );
    }
}
