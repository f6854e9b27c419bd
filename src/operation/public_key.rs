//! `public-key`: the public half of a key pair, as SPKI PEM, an SSH line or a JWK.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{
    BadInput, Done, OperationError, OperationName, SignAlgorithm, Unsuitable, input::Fields,
};
use crate::vault::material::Material;

/// Which public key, in which form.
#[derive(Debug)]
pub struct PublicKeyInput {
    format: PublicKeyFormat,
    pub(super) version: Option<u32>,
}

/// The forms of a public key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PublicKeyFormat {
    /// X.509 SubjectPublicKeyInfo in PEM (RFC 7468, section 13).
    #[default]
    Pem,
    /// A line of `authorized_keys` (RFC 4253, section 6.6).
    Ssh,
    /// A JSON Web Key (RFC 7517).
    Jwk,
}

impl PublicKeyFormat {
    const ALL: [Self; 3] = [Self::Pem, Self::Ssh, Self::Jwk];
}

impl PublicKeyInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        Ok(Self {
            format: fields
                .choice("format", &PublicKeyFormat::ALL)?
                .unwrap_or_default(),
            version: fields.version()?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("format".to_owned(), self.format.to_string().into());
        if let Some(version) = self.version {
            fields.insert("version".to_owned(), version.into());
        }
        fields
    }

    /// `{"public_key", "format", "algorithm"?, "thumbprint", "version"}`. RSA keys have no
    /// `algorithm`: the same key signs with several.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
    ) -> Result<Done, OperationError> {
        let kind = material.kind();
        let operation = OperationName::PublicKey;
        let key = material
            .public_key()
            .ok_or(Unsuitable::Kind { kind, operation })?;
        let public_key = match self.format {
            PublicKeyFormat::Pem => key.spki_pem().into(),
            PublicKeyFormat::Ssh => key.ssh("").trim_end().into(),
            PublicKeyFormat::Jwk => key.jwk(),
        };
        let mut result = json!({
            "public_key": public_key,
            "format": self.format.to_string(),
            "thumbprint": key.thumbprint().to_string(),
            "version": version,
        });
        if let ([algorithm], Some(members)) = (SignAlgorithm::of(kind), result.as_object_mut()) {
            members.insert("algorithm".to_owned(), algorithm.to_string().into());
        }
        Ok(Done::Plain(result))
    }
}

impl fmt::Display for PublicKeyFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pem => "pem",
            Self::Ssh => "ssh",
            Self::Jwk => "jwk",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        operation::{Kind, Operation, tests::run},
        vault::material::{Material, tests::openssl},
    };

    #[test]
    fn the_public_half_comes_in_three_forms() {
        let key = Material::generate(Kind::P256).unwrap();
        let expected = openssl(&["pkey", "-pubout"], &key.to_stored());
        let pem = run(&key, "public-key", json!({}));
        assert_eq!(pem["public_key"], String::from_utf8(expected).unwrap());
        assert_eq!(pem["format"], "pem");
        assert_eq!(pem["algorithm"], "ES256");
        assert_eq!(pem["version"], 1);
        let ssh = run(&key, "public-key", json!({"format": "ssh"}));
        assert!(
            ssh["public_key"]
                .as_str()
                .unwrap()
                .starts_with("ecdsa-sha2-nistp256 AAAA")
        );
        let jwk = run(&key, "public-key", json!({"format": "jwk"}));
        assert_eq!(jwk["public_key"]["crv"], "P-256");
        assert_eq!(jwk["public_key"].get("d"), None);
        assert_eq!(pem["thumbprint"], jwk["thumbprint"]);
    }

    #[test]
    fn an_rsa_key_names_no_algorithm() {
        let key = Material::generate_rsa(2048).unwrap();
        assert_eq!(run(&key, "public-key", json!({})).get("algorithm"), None);
    }

    #[test]
    fn fields_hold_the_format() {
        let operation = Operation::parse("public-key", json!({"version": 2})).unwrap();
        assert_eq!(
            Value::Object(operation.fields()),
            json!({"format": "pem", "version": 2})
        );
    }
}
