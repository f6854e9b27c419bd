//! `release`: the value itself, sealed. The exception: only for secrets marked releasable.

use super::{Done, secret_json};
use crate::vault::material::Material;

/// The empty input of `release`.
#[derive(Debug)]
pub struct ReleaseInput {
    _private: (),
}

impl ReleaseInput {
    pub(super) fn read() -> Self {
        Self { _private: () }
    }

    /// `{"value", "version"}`: the value as stored, so PKCS#8 PEM for key pairs.
    pub(super) fn perform(&self, material: &Material, version: u32) -> Done {
        secret_json("value", &material.to_stored(), version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        operation::{Kind, tests::run},
        vault::material::Material,
    };

    #[test]
    fn the_value_is_what_was_stored() {
        let token = Material::import(Some(Kind::Token), b"hunter2\n").unwrap();
        assert_eq!(
            run(&token, "release", json!({})),
            json!({"value": "aHVudGVyMg==", "version": 1})
        );
    }
}
