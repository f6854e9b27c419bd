//! What the Security Token Service answers: XML of AWS's Query protocol.
//!
//! Only what is looked for is kept: text at one path, each at most once. There are no document
//! types, so no entities but XML's own five.

use std::fmt;

use jiff::Timestamp;
use quick_xml::{
    Reader,
    escape::resolve_xml_entity,
    events::{BytesRef, Event},
};
use zeroize::Zeroizing;

/// The most bytes of an answer; a session token may have a few thousand.
const MAX_ANSWER: usize = 64 * 1024;
/// The most bytes of one text that is kept.
const MAX_TEXT: usize = 16 * 1024;
/// How deep elements may be inside each other; four is what it takes.
const MAX_DEPTH: usize = 16;

/// The codes of errors that may be repeated: AWS's own, and nothing that the other side made up.
const CODES: [&str; 22] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InternalFailure",
    "InvalidAction",
    "InvalidClientTokenId",
    "InvalidParameterValue",
    "MalformedPolicyDocument",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "PackedPolicyTooLarge",
    "RegionDisabled",
    "RegionDisabledException",
    "RequestExpired",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "Throttling",
    "ThrottlingException",
    "ValidationError",
];

/// Temporary credentials.
pub struct Issued {
    access_key_id: Zeroizing<String>,
    secret_access_key: Zeroizing<String>,
    session_token: Zeroizing<String>,
    expires: Timestamp,
}

/// Why an answer is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer of the Security Token Service {0}")]
pub struct BadSts(&'static str);

impl Issued {
    /// Reads the answer to `action`: `AssumeRole` or `GetSessionToken`.
    pub fn read(xml: &[u8], action: &str) -> Result<Self, BadSts> {
        let (response, result) = (format!("{action}Response"), format!("{action}Result"));
        let of = |name| [response.as_str(), result.as_str(), "Credentials", name];
        let [id, secret, token, expires] = find(
            xml,
            [
                &of("AccessKeyId"),
                &of("SecretAccessKey"),
                &of("SessionToken"),
                &of("Expiration"),
            ],
        )?;
        let (Some(id), Some(secret), Some(token), Some(expires)) = (id, secret, token, expires)
        else {
            return Err(BadSts("lacks a part of the credentials"));
        };
        let is_printable =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if ![&id, &secret, &token]
            .into_iter()
            .all(|text| is_printable(text))
        {
            return Err(BadSts(
                "has credentials that are not printable ASCII characters",
            ));
        }
        Ok(Self {
            access_key_id: id,
            secret_access_key: secret,
            session_token: token,
            expires: expires
                .parse()
                .map_err(|_| BadSts("has an expiration that is not a time"))?,
        })
    }

    /// Which key it is.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    pub(super) fn secret_access_key(&self) -> &str {
        &self.secret_access_key
    }

    pub(super) fn session_token(&self) -> &str {
        &self.session_token
    }

    /// When it stops being good.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}

/// The code of an error, if it is one that is known.
pub fn error_code(xml: &[u8]) -> Option<&'static str> {
    let [code] = find(xml, [&["ErrorResponse", "Error", "Code"]]).ok()?;
    let code = code?;
    CODES.into_iter().find(|known| *known == code.as_str())
}

/// The texts at some paths, in memory that is wiped.
fn find<const N: usize>(
    xml: &[u8],
    paths: [&[&str]; N],
) -> Result<[Option<Zeroizing<String>>; N], BadSts> {
    const MALFORMED: BadSts = BadSts("is not well-formed XML");
    if xml.len() > MAX_ANSWER {
        return Err(BadSts("has more than 65536 bytes"));
    }
    let xml = std::str::from_utf8(xml).map_err(|_| BadSts("is not UTF-8"))?;
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.expand_empty_elements = true;
    let mut found = [const { None }; N];
    let mut open: Vec<String> = Vec::new();
    let mut is_over = false;
    loop {
        match reader.read_event().map_err(|_| MALFORMED)? {
            Event::Start(start) => {
                if is_over || open.len() == MAX_DEPTH {
                    return Err(BadSts("has more elements than it can have"));
                }
                open.push(start.local_name().into_inner().to_owned());
                if let Some(at) = place(&open, &paths) {
                    let text = found.get_mut(at).ok_or(MALFORMED)?;
                    if text.is_some() {
                        return Err(BadSts("says the same thing twice"));
                    }
                    // Reserved whole: a string that grows leaves its old contents behind.
                    *text = Some(Zeroizing::new(String::with_capacity(MAX_TEXT)));
                }
            }
            Event::End(_) => {
                open.pop().ok_or(MALFORMED)?;
                is_over = open.is_empty();
            }
            Event::Text(text) => {
                add(&mut found, &open, &paths, &text.xml10_content())?;
            }
            Event::GeneralRef(reference) => {
                let text = resolved(&reference).ok_or(MALFORMED)?;
                add(&mut found, &open, &paths, &text)?;
            }
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof if is_over => return Ok(found),
            Event::Eof => return Err(MALFORMED),
            Event::Empty(_) | Event::CData(_) | Event::PI(_) | Event::DocType(_) => {
                return Err(BadSts("has something in it that has no place there"));
            }
        }
    }
}

fn place<const N: usize>(open: &[String], paths: &[&[&str]; N]) -> Option<usize> {
    paths
        .iter()
        .position(|path| open.iter().map(String::as_str).eq(path.iter().copied()))
}

fn add<const N: usize>(
    found: &mut [Option<Zeroizing<String>>; N],
    open: &[String],
    paths: &[&[&str]; N],
    more: &str,
) -> Result<(), BadSts> {
    let at = place(open, paths);
    let text = at.and_then(|at| found.get_mut(at)).and_then(Option::as_mut);
    match text {
        Some(text) if text.len() + more.len() > MAX_TEXT => {
            Err(BadSts("has a text with more than 16384 bytes"))
        }
        Some(text) => {
            text.push_str(more);
            Ok(())
        }
        None => Ok(()),
    }
}

/// A character reference, or one of XML's own entities.
fn resolved(reference: &BytesRef<'_>) -> Option<String> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Some(character.to_string()),
        Ok(None) => resolve_xml_entity(reference).map(str::to_owned),
        Err(_) => None,
    }
}

/// Says which key it is, and nothing of the rest.
impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({}, [secret])", self.access_key_id())
    }
}

#[cfg(test)]
mod tests {
    use super::{BadSts, Issued, error_code};

    /// The example in the reference of `GetSessionToken`, with a name space and entities.
    const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<GetSessionTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <GetSessionTokenResult>
    <Credentials>
      <SessionToken>AQoEXAMPLEH4aoAH0gNCAPyJxz4BlCFFxWNE1OPTgk5TthT+Fv&#x77;qnKwRcOIfrRh3c/L&amp;</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2011-07-11T19:55:29.611Z</Expiration>
      <AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
  </GetSessionTokenResult>
  <ResponseMetadata><RequestId>58c5dbae-abef-11e0-8cfe-09039844ac7d</RequestId><Empty/></ResponseMetadata>
</GetSessionTokenResponse>"#;

    fn read(xml: &str) -> Result<Issued, BadSts> {
        Issued::read(xml.as_bytes(), "GetSessionToken")
    }

    #[test]
    fn the_example_of_the_reference_is_read() {
        let issued = read(ANSWER).unwrap();
        assert_eq!(issued.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
        assert_eq!(
            issued.secret_access_key(),
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY"
        );
        assert!(issued.session_token().ends_with("FvwqnKwRcOIfrRh3c/L&"));
        assert_eq!(issued.expires().to_string(), "2011-07-11T19:55:29.611Z");
        assert_eq!(
            format!("{issued:?}"),
            "Issued(AKIAIOSFODNN7EXAMPLE, [secret])"
        );
    }

    #[test]
    fn what_is_not_such_an_answer_is_refused() {
        let refused = |from: &str, to: &str, message: &str| {
            let xml = ANSWER.replacen(from, to, 1);
            assert_ne!(xml, ANSWER);
            let told = read(&xml).unwrap_err().to_string();
            assert!(told.contains(message), "{to}: {told}");
        };
        refused("<AccessKeyId>", "<AccessKeyID>", "not well-formed");
        refused(
            "<Credentials>",
            "<Credentials><Credentials>",
            "not well-formed",
        );
        refused(
            "GetSessionTokenResponse xmlns",
            "Other xmlns",
            "not well-formed",
        );
        refused("AKIAIOSFODNN7EXAMPLE", "", "printable");
        refused("AKIAIOSFODNN7EXAMPLE", "A KEY", "printable");
        refused("AKIAIOSFODNN7EXAMPLE", "&other;", "not well-formed");
        refused("AKIAIOSFODNN7EXAMPLE", "<![CDATA[A]]>", "no place");
        refused("AKIAIOSFODNN7EXAMPLE", "&#0;", "not well-formed");
        refused("2011-07-11", "tomorrow", "not a time");
        refused("<Empty/>", "<?pi x?>", "no place");
        refused(
            "<GetSessionTokenResponse",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><GetSessionTokenResponse",
            "no place",
        );
        refused("</GetSessionTokenResponse>", "", "not well-formed");
        refused(
            "</GetSessionTokenResponse>",
            "</GetSessionTokenResponse><a/>",
            "more elements",
        );
        refused(
            "</Credentials>",
            "<AccessKeyId>B</AccessKeyId></Credentials>",
            "twice",
        );
        let deep = "<a>".repeat(20);
        refused("<Empty/>", &deep, "more elements");
        let token = "x".repeat(16 * 1024 + 1);
        refused("AQoEXAMPLE", &token, "16384 bytes");
        assert!(read(&" ".repeat(65_537)).is_err());
        assert!(Issued::read(ANSWER.as_bytes(), "AssumeRole").is_err());
        assert!(Issued::read(b"\xff", "AssumeRole").is_err());
        assert!(read("").is_err());
    }

    #[test]
    fn only_codes_of_aws_are_repeated() {
        let code = |code: &str| {
            let xml = format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>planted</Message></Error><RequestId/></ErrorResponse>"
            );
            error_code(xml.as_bytes())
        };
        assert_eq!(code("AccessDenied"), Some("AccessDenied"));
        assert_eq!(code("planted"), None);
        assert_eq!(error_code(b"<html>AccessDenied</html>"), None);
    }
}
