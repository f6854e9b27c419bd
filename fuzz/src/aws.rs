//! AWS: requests that are signed, and what the Security Token Service answers.

use serde_json::{Value, json};
use strongroom::operation::{
    Operation,
    token::aws::answer::{Issued, error_code},
};

use super::{assert_harmless, first_line};

/// The action on a line, then the answer to it in XML.
pub fn sts_answer(data: &[u8]) -> bool {
    let Some((action, xml)) = first_line(data) else {
        return false;
    };
    if let Some(code) = error_code(xml) {
        assert!(code.bytes().all(|byte| byte.is_ascii_alphabetic()));
    }
    let issued = match Issued::read(xml, action) {
        Ok(issued) => issued,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    let id = issued.access_key_id();
    assert!(!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()));
    assert_eq!(format!("{issued:?}"), format!("Issued({id}, [secret])"));
    // White space and a comment after the end change nothing.
    let more = [xml, b"\n<!-- -->"].concat();
    if more.len() <= 64 * 1024 {
        let again = Issued::read(&more, action).unwrap();
        assert_eq!(
            (again.access_key_id(), again.expires()),
            (id, issued.expires())
        );
    }
    true
}

/// A request to sign: what policy sees of it is its one spelling.
pub fn check_signable(operation: &Operation) {
    let seen = Value::Object(operation.fields());
    let path = seen["path"].as_str().unwrap();
    assert!(path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(
        !path.split('/').any(|segment| matches!(segment, "." | "..")),
        "{path}"
    );
    let mut again = json!({
        "service": seen["service"], "region": seen["region"], "method": seen["method"],
        "host": seen["host"], "path": path, "query": seen["query"], "headers": seen["headers"],
    });
    if let Some(expires) = seen.get("expires") {
        again["presign"] = json!({ "expires": expires });
    } else if seen["unsigned_payload"] == true {
        again["body_sha256"] = "UNSIGNED-PAYLOAD".into();
    }
    let again = match Operation::parse("aws-sign", again) {
        Ok(again) => Value::Object(again.fields()),
        Err(why) => panic!("{seen}: {why}"),
    };
    for (name, value) in seen.as_object().unwrap() {
        // The action may stand in a body, which is not seen, and the port of `http://` in the host.
        if name != "action" && name != "host" {
            assert_eq!(&again[name], value, "{name}");
        }
    }
}
