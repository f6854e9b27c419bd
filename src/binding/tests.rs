use serde_json::json;

use super::{BadBinding, Binding};
use crate::operation::{Kind, SignAlgorithm};

mod http;

fn parse(kind: Kind, json: serde_json::Value) -> Result<Binding, BadBinding> {
    Binding::parse(kind, &json.to_string())
}

#[test]
fn a_section_fits_its_kinds_and_no_other() {
    let algorithms = json!({"sign": {"algorithms": ["PS256", "RS512"]}});
    let binding = parse(Kind::Rsa, algorithms.clone()).unwrap();
    assert!(binding.sign.unwrap().allows(SignAlgorithm::Rs512));
    assert_eq!(
        parse(Kind::Ed25519, algorithms.clone())
            .unwrap_err()
            .to_string(),
        "a key of kind `ed25519` can't sign with `PS256`"
    );
    assert_eq!(
        parse(Kind::Opaque, algorithms).unwrap_err().to_string(),
        "a secret of kind `opaque` has no use for the section `sign`; it has `rotation`"
    );
}
