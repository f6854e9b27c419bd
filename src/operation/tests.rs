use proptest::prelude::*;
use serde_json::json;

use super::{Done, Kind, Operation, OperationName, Setting, Unsuitable, perform, secret_json};
use crate::{
    binding::{Binding, Bound},
    errand::Step,
    vault::material::Material,
};

/// What comes of an operation that calls nobody, with a secret that has no binding.
pub(crate) fn done(
    material: &Material,
    operation: &Operation,
) -> Result<Done, super::OperationError> {
    let setting = Setting {
        version: 1,
        binding: None,
        now: jiff::Timestamp::UNIX_EPOCH,
    };
    match perform(material, operation, setting)? {
        Step::Done(done) => Ok(done),
        _ => panic!("it calls a provider"),
    }
}

/// A binding as its owner writes it.
pub(crate) fn bound(kind: Kind, binding: &serde_json::Value) -> Binding {
    Binding::parse(kind, &binding.to_string()).unwrap()
}

/// When the operations of [`run_bound`] are asked for: 2026-01-02T03:04:05.678Z.
pub(crate) const NOW: i64 = 1_767_323_045_678;

/// Like [`run`], with a binding.
pub(crate) fn run_bound(
    material: &Material,
    binding: &serde_json::Value,
    name: &str,
    input: serde_json::Value,
) -> serde_json::Value {
    let now = jiff::Timestamp::from_millisecond(NOW).unwrap();
    let binding = Bound {
        number: 1,
        record: 7,
        created: now,
        binding: bound(material.kind(), binding),
    };
    let operation = Operation::parse(name, input).unwrap();
    let suits = operation.suits(material.kind(), true, Some(&binding.binding));
    suits.unwrap();
    let setting = Setting {
        version: 1,
        binding: Some(&binding),
        now,
    };
    match perform(material, &operation, setting).unwrap() {
        Step::Done(Done::Plain(value)) => value,
        other => panic!("{}", matches!(other, Step::Done(_))),
    }
}

/// What a caller sees: the JSON result, opened if it was to be sealed.
pub(crate) fn run(material: &Material, name: &str, input: serde_json::Value) -> serde_json::Value {
    let operation = Operation::parse(name, input).unwrap();
    operation.suits(material.kind(), true, None).unwrap();
    match done(material, &operation).unwrap() {
        Done::Plain(value) => {
            assert!(!operation.wants_sealed());
            value
        }
        Done::Written(json) => serde_json::from_str(json.get()).unwrap(),
        Done::Secret(bytes) => {
            assert!(operation.wants_sealed());
            serde_json::from_slice(&bytes).unwrap()
        }
    }
}

#[test]
fn names_are_the_same_in_json_and_in_text() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
        assert_eq!(kind.to_string().parse::<Kind>(), Ok(kind));
    }
    for name in OperationName::ALL {
        assert_eq!(serde_json::to_value(name).unwrap(), json!(name.as_str()));
        assert_eq!(name.to_string().parse::<OperationName>(), Ok(name));
    }
    assert!("".parse::<Kind>().is_err());
    assert!("Sign".parse::<OperationName>().is_err());
}

#[test]
fn unknown_things_are_refused() {
    let refused = |name: &str, input| Operation::parse(name, input).unwrap_err().to_string();
    assert_eq!(
        refused("export", json!({})),
        "`export` is not an operation; use `public-key`, `sign`, `mac`, `verify-mac`, `encrypt`, `decrypt`, `data-key`, `http`, `aws-sign`, `token`, `ssh-sign`, `ssh-certificate`, `totp`, `release`"
    );
    assert_eq!(
        refused("sign", json!({"message": "", "base_url": "x"})),
        "`sign` takes no field `base_url`; it takes `message`, `digest`, `algorithm`, `encoding`"
    );
    assert_eq!(
        refused("release", json!({"a": 1})),
        "`release` takes no field `a`; its input is empty"
    );
    assert_eq!(
        refused("mac", json!([])),
        "the input of `mac` must be a JSON object"
    );
    assert_eq!(refused("mac", json!({})), "`mac` needs the field `message`");
    assert_eq!(
        refused("mac", json!({"message": "%"})),
        "the field `message` must be standard base64 with padding"
    );
    assert_eq!(
        refused("mac", json!({"message": 7})),
        "the field `message` must be a string"
    );
    assert_eq!(
        refused("mac", json!({"message": "", "algorithm": "HS1"})),
        "`HS1` is not a value of the field `algorithm`; use `HS256`, `HS384`, `HS512`"
    );
    for version in [json!(0), json!(-1), json!("1"), json!(1.5), json!(u64::MAX)] {
        let input = json!({"version": version});
        assert_eq!(
            refused("public-key", input),
            "the field `version` must be a whole number from 1 on"
        );
    }
    assert!(Operation::parse("release", serde_json::Value::Null).is_ok());
}

#[test]
fn a_kind_does_only_its_own_operations() {
    let operations = [
        ("public-key", json!({})),
        ("sign", json!({"message": "aGk="})),
        ("mac", json!({"message": "aGk="})),
        ("verify-mac", json!({"message": "aGk=", "mac": "aGk="})),
        ("encrypt", json!({"plaintext": "aGk="})),
        (
            "decrypt",
            json!({"ciphertext": "", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA=="}),
        ),
        ("data-key", json!({})),
        ("totp", json!({})),
        ("release", json!({})),
    ];
    for (name, input) in operations {
        let operation = Operation::parse(name, input).unwrap();
        for kind in Kind::ALL {
            let expected = kind.operations().contains(&operation.name());
            assert_eq!(
                operation.suits(kind, true, None).is_ok(),
                expected,
                "{name} {kind}"
            );
        }
    }
    let release = Operation::parse("release", json!({})).unwrap();
    assert_eq!(
        release.suits(Kind::Token, false, None),
        Err(Unsuitable::NotReleasable)
    );
}

#[test]
fn secret_answers_do_not_show_in_debug() {
    let done = secret_json("value", b"hunter2", 3);
    assert_eq!(format!("{done:?}"), "Secret([secret])");
    let Done::Secret(json) = done else {
        panic!("sealed")
    };
    assert_eq!(&json[..], br#"{"value":"aHVudGVyMg==","version":3}"#);
}

proptest! {
    #[test]
    fn parsing_never_panics(name in "public-key|sign|mac|verify-mac|encrypt|decrypt|data-key|ssh-sign|ssh-certificate|totp|release|.{0,8}", fields in
        proptest::collection::hash_map(
            "message|digest|algorithm|encoding|mac|version|plaintext|aad|ciphertext|iv|tag|format|size|namespace|hash|public_key|principals|lifetime|.{0,4}",
            prop_oneof![
                "[A-Za-z0-9+/=]{0,64}".prop_map(serde_json::Value::from),
                any::<i64>().prop_map(serde_json::Value::from),
                Just(serde_json::Value::Null),
            ],
            0..5,
        )) {
        let input = serde_json::Value::Object(fields.into_iter().collect());
        if let Ok(operation) = Operation::parse(&name, input) {
            prop_assert_eq!(operation.name().as_str(), name);
            for kind in Kind::ALL {
                let _ = operation.suits(kind, true, None);
                let _ = operation.fields_for(kind, None);
            }
        }
    }
}
