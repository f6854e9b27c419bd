//! HTTP messages: what a service sends, and what it is answered.

use std::{str, sync::LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use sfv::{List, ListEntry, Parser};
use strongroom::{
    answer::{Answer, JSON, PROBLEM_JSON},
    client::{self, AgentKeys, Draft, SignedRequest, SigningKey},
    identity::Identity,
    operation::OperationName,
    request::{
        Arrival, Call, MAX_PURPOSE, MAX_TICKET, Request, Wanted, WayIn,
        base::{self, Message},
        call::MAX_CALL,
        prefer::{self, MAX_WAIT, PREFER},
        signature::{MAX_NONCE, MIN_NONCE},
    },
    service::{EnrolledKey, PublicKey, Services},
};

use super::{
    assert_harmless, first_line,
    published::{ATLAS, ATLAS_P256, ATLAS_PRIVATE, BORG, IDENTITY, NOW},
};

static SERVICES: LazyLock<Services> = LazyLock::new(|| {
    let enrolled = [(ATLAS, "atlas"), (ATLAS_P256, "atlas"), (BORG, "borg")];
    Services::new(enrolled.map(|(key, service)| EnrolledKey {
        service: service.parse().unwrap(),
        key: PublicKey::parse(key).unwrap(),
        suspended: service == "borg",
    }))
});

static AGENT: LazyLock<Identity> = LazyLock::new(|| Identity::from_pem(IDENTITY).unwrap());

/// The request that every answer here is checked against.
pub static SENT: LazyLock<SignedRequest> = LazyLock::new(|| {
    let draft = Draft {
        agent: AGENT.thumbprint().clone(),
        secret: "deploy/key".parse().unwrap(),
        operation: OperationName::Sign,
        input: json!({"message": "aGVsbG8="}),
        purpose: Some("release 1.2".to_owned()),
        ticket: None,
        reply_to: None,
    };
    let key = SigningKey::parse(ATLAS_PRIVATE.as_bytes()).unwrap();
    let validity = std::time::Duration::from_secs(60);
    draft.sign(&key, [7; 16], validity, now()).unwrap()
});

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A message as text: a line, header fields, an empty line, the body.
struct Text<'a> {
    line: &'a str,
    headers: HeaderMap,
    body: &'a [u8],
}

impl<'a> Text<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (line, mut rest) = first_line(data)?;
        let mut headers = HeaderMap::new();
        loop {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let (field, after) = (&rest[..end], &rest[end + 1..]);
            rest = after;
            if field.is_empty() {
                return Some(Self {
                    line,
                    headers,
                    body: rest,
                });
            }
            let colon = field.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&field[..colon]).ok()?;
            let value = HeaderValue::from_bytes(field[colon + 1..].trim_ascii()).ok()?;
            headers.append(name, value);
        }
    }

    /// The line as `METHOD target`.
    fn request_line(&self) -> Option<(Method, &'a str)> {
        let (method, target) = self.line.split_once(' ')?;
        Some((Method::from_bytes(method.as_bytes()).ok()?, target))
    }
}

/// `METHOD target`, fields, body: taken if an enrolled service signed it.
pub fn request(data: &[u8]) -> bool {
    let Some(text) = Text::read(data) else {
        return false;
    };
    let Some((method, target)) = text.request_line() else {
        return false;
    };
    let Text { headers, body, .. } = text;
    let request = match Request::parse(&method, target, &headers, body) {
        Ok(request) => request,
        Err(malformed) => {
            assert_harmless(malformed.detail(), false);
            assert!(malformed.detail().chars().count() <= 400);
            return false;
        }
    };
    assert_eq!(method, Method::POST);
    assert!((MIN_NONCE..=MAX_NONCE).contains(&request.nonce().len()));
    for (text, longest) in [
        (request.purpose(), MAX_PURPOSE),
        (request.ticket(), MAX_TICKET),
    ] {
        if let Some(text) = text {
            assert_harmless(text, false);
            assert!((1..=longest).contains(&text.chars().count()));
        }
    }
    let arrival = Arrival {
        way_in: WayIn::Tls,
        address: None,
    };
    match request.authenticate(&SERVICES, AGENT.thumbprint(), arrival, now()) {
        Ok(authenticated) => {
            // Nobody can forge these signatures, so only the service in the corpus gets here.
            assert_eq!(authenticated.service().as_str(), "atlas");
            authenticated
                .ask(authenticated.request().operation().fields())
                .operation
                == authenticated.request().operation().name()
        }
        Err(refused) => {
            assert_harmless(refused.told(), false);
            false
        }
    }
}

/// A list of components with its parameters, then a message as for [`request`].
pub fn signature_base(data: &[u8]) -> bool {
    let Some((list, rest)) = first_line(data) else {
        return false;
    };
    let Some(text) = Text::read(rest) else {
        return false;
    };
    let Some((method, target)) = text.request_line() else {
        return false;
    };
    let headers = text.headers;
    let Some(ListEntry::InnerList(input)) = Parser::new(list)
        .parse::<List>()
        .ok()
        .and_then(|mut list| list.pop())
    else {
        return false;
    };
    let request = Message::request(&method, target, &headers);
    let answer = Message::response(StatusCode::OK, &headers).in_reply_to(&request);
    let mut taken = false;
    for message in [request, answer] {
        let Ok(base) = base::signature_base(&input, &message) else {
            continue;
        };
        taken = true;
        // RFC 9421 section 2.5: a line for each component, then the parameters, in plain ASCII.
        let lines: Vec<_> = base.split('\n').collect();
        assert_eq!(lines.len(), input.items.len() + 1, "{base}");
        assert!(
            base.bytes()
                .all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~')),
            "{base:?}"
        );
        let last = lines
            .last()
            .unwrap()
            .strip_prefix("\"@signature-params\": ")
            .unwrap();
        let again = Parser::new(last).parse::<List>().unwrap();
        assert_eq!(again, [ListEntry::InnerList(input.clone())]);
    }
    taken
}

/// An answer to [`SENT`]: `status`, fields and body as they came; or `signed status`, an empty
/// line and a body that the agent signs. Taken if the service believes it.
pub fn answer(data: &[u8]) -> bool {
    let Some(Text {
        line,
        mut headers,
        body,
    }) = Text::read(data)
    else {
        return false;
    };
    let (signed, status) = match line.strip_prefix("signed ") {
        Some(status) => (true, status),
        None => (false, line),
    };
    let Ok(status) = status.parse::<StatusCode>() else {
        return false;
    };
    if signed {
        let content_type = if status == StatusCode::OK {
            JSON
        } else {
            PROBLEM_JSON
        };
        let answer = Answer {
            status,
            content_type,
            body: body.to_vec(),
            retry_after: None,
        };
        headers = answer
            .sign(&AGENT, Some(SENT.signature()), now())
            .into_iter()
            .collect();
    }
    let agent = AgentKeys {
        answers: AGENT.answer_public().clone(),
        checkpoints: AGENT.checkpoint_vkey(),
    };
    match client::check(&SENT, status, &headers, body, &agent) {
        Ok(answer) => {
            drop(format!("{answer:?}"));
            true
        }
        Err(why) => {
            assert!(!why.to_string().is_empty());
            false
        }
    }
}

/// Like [`request`], of a call about a request that waits.
pub fn call(data: &[u8]) -> bool {
    let Some(text) = Text::read(data) else {
        return false;
    };
    let Some((method, target)) = text.request_line() else {
        return false;
    };
    let Text { headers, body, .. } = text;
    let call = match Call::parse(&method, target, &headers, body) {
        Ok(call) => call,
        Err(malformed) => {
            assert_harmless(malformed.detail(), false);
            return false;
        }
    };
    assert_eq!(method, Method::POST);
    assert_eq!(
        target.split('?').next().and_then(Wanted::at),
        Some(call.wanted())
    );
    assert!(body.len() <= MAX_CALL);
    let arrival = Arrival {
        way_in: WayIn::Tls,
        address: None,
    };
    match call.authenticate(&SERVICES, AGENT.thumbprint(), arrival, now()) {
        Ok(_) => true,
        Err(why) => {
            assert_harmless(why.detail(), false);
            false
        }
    }
}

/// The lines of the field `Prefer`: whether the caller would wait.
pub fn prefer(data: &[u8]) -> bool {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Ok(line) = HeaderValue::from_bytes(line) {
            headers.append(PREFER, line);
        }
    }
    let Some(wait) = prefer::wait(&headers) else {
        return false;
    };
    assert!(wait <= MAX_WAIT && wait.as_millis().is_multiple_of(1000));
    // Said in one way it means the same, whatever stands behind it.
    let said = format!("wait={}, wait=1, x;y=\"z\"", wait.as_secs());
    let again = HeaderMap::from_iter([(PREFER, HeaderValue::try_from(said).unwrap())]);
    assert_eq!(prefer::wait(&again), Some(wait));
    true
}
