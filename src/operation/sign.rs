//! `sign`: Ed25519, ECDSA, RSA-PSS and RSA PKCS#1 v1.5 over a message or its digest.

use std::fmt;

use aws_lc_rs::{
    digest::{self, Digest},
    rsa::KeyPair as RsaKeyPair,
    signature::RsaEncoding,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{BadInput, Done, Kind, OperationError, OperationName, Unsuitable, input::Fields, list};
use crate::{
    binding::Binding,
    vault::material::{KeyPair, Material},
};

mod algorithm;

pub use algorithm::{Encoding, SignAlgorithm};

/// What to sign, and how. The algorithm left out is the kind's first (see [`SignAlgorithm::of`]).
pub struct SignInput {
    input: ToSign,
    algorithm: Option<SignAlgorithm>,
    encoding: Option<Encoding>,
}

enum ToSign {
    Message(Vec<u8>),
    Digest(Vec<u8>),
}

/// What will be done, with nothing left to default.
pub(super) struct Choice {
    algorithm: SignAlgorithm,
    encoding: Option<Encoding>,
}

impl SignInput {
    pub(super) fn read(fields: &mut Fields) -> Result<Self, BadInput> {
        let message = fields.optional_bytes("message")?;
        let digest = fields.optional_bytes("digest")?;
        let input = match (message, digest) {
            (Some(message), None) => ToSign::Message(message.to_vec()),
            (None, Some(digest)) => ToSign::Digest(digest.to_vec()),
            (None, None) => return Err(fields.missing(&["message", "digest"])),
            (Some(_), Some(_)) => return Err(fields.both("message", "digest")),
        };
        Ok(Self {
            input,
            algorithm: fields.choice("algorithm", &SignAlgorithm::ALL)?,
            encoding: fields.choice("encoding", &Encoding::ALL)?,
        })
    }

    pub(super) fn fields(&self) -> Map<String, Value> {
        self.context(self.algorithm, self.encoding)
    }

    pub(super) fn fields_for(&self, kind: Kind, binding: Option<&Binding>) -> Map<String, Value> {
        match self.choose(kind, binding) {
            Ok(choice) => self.context(Some(choice.algorithm), choice.encoding),
            // What is not possible is refused, and recorded as it was asked.
            Err(_) => self.fields(),
        }
    }

    /// Settles algorithm and encoding for a kind of key and its binding, or says why they do not
    /// fit.
    pub(super) fn choose(
        &self,
        kind: Kind,
        binding: Option<&Binding>,
    ) -> Result<Choice, Unsuitable> {
        let operation = OperationName::Sign;
        let bound = binding.and_then(|binding| binding.sign.as_ref());
        // The bare message could be a certificate, or a signature in another namespace.
        if bound.is_none() && binding.is_some_and(|binding| binding.ssh.is_some()) {
            return Err(Unsuitable::NotBound(
                "sign bare messages: the key is for SSH; it would name the algorithms in `sign`"
                    .to_owned(),
            ));
        }
        let possible = bound.map_or(SignAlgorithm::of(kind), |sign| &sign.algorithms);
        let default = possible
            .first()
            .ok_or(Unsuitable::Kind { kind, operation })?;
        let algorithm = self.algorithm.unwrap_or(*default);
        if !SignAlgorithm::of(kind).contains(&algorithm) {
            return Err(Unsuitable::Algorithm { kind, algorithm });
        }
        if !possible.contains(&algorithm) {
            return Err(Unsuitable::NotBound(format!(
                "sign with `{algorithm}`; it allows {}",
                list(possible)
            )));
        }
        if let ToSign::Digest(digest) = &self.input {
            let hash = algorithm.hash().ok_or(Unsuitable::NoDigest(algorithm))?;
            let (expected, found) = (hash.output_len(), digest.len());
            if found != expected {
                return Err(Unsuitable::DigestLength {
                    algorithm,
                    expected,
                    found,
                });
            }
        }
        let encoding = match (algorithm.is_ecdsa(), self.encoding) {
            (true, encoding) => Some(encoding.unwrap_or_default()),
            (false, None) => None,
            (false, Some(_)) => return Err(Unsuitable::NoEncoding(algorithm)),
        };
        Ok(Choice {
            algorithm,
            encoding,
        })
    }

    /// `{"signature", "algorithm", "encoding"?, "version"}`.
    pub(super) fn perform(
        &self,
        material: &Material,
        version: u32,
        binding: Option<&Binding>,
    ) -> Result<Done, OperationError> {
        let choice = self.choose(material.kind(), binding)?;
        let signature = self.sign(material, &choice)?;
        let mut result = json!({
            "signature": STANDARD.encode(signature),
            "algorithm": choice.algorithm.to_string(),
            "version": version,
        });
        if let (Some(encoding), Some(members)) = (choice.encoding, result.as_object_mut()) {
            members.insert("encoding".to_owned(), encoding.to_string().into());
        }
        Ok(Done::Plain(result))
    }

    fn sign(&self, material: &Material, choice: &Choice) -> Result<Vec<u8>, OperationError> {
        const FAILED: OperationError = OperationError::Machine("sign");
        let digest = || self.digest(choice.algorithm).ok_or(FAILED);
        match (material.key_pair(), &self.input) {
            (Some(KeyPair::Ed25519(key)), ToSign::Message(message)) => {
                let signature = key.try_sign(message).map_err(|_| FAILED)?;
                Ok(signature.as_ref().to_vec())
            }
            (Some(KeyPair::Ecdsa(key)), _) => {
                let signature = key.sign_digest(&digest()?).map_err(|_| FAILED)?;
                Ok(match choice.encoding.unwrap_or_default() {
                    Encoding::Raw => signature.as_ref().to_vec(),
                    Encoding::Der => ecdsa_der(signature.as_ref()),
                })
            }
            (Some(KeyPair::Rsa(key)), _) => {
                let padding = choice.algorithm.rsa_padding().ok_or(FAILED)?;
                sign_rsa(key, padding, &digest()?)
            }
            (Some(KeyPair::Ed25519(_)), ToSign::Digest(_)) => {
                Err(Unsuitable::NoDigest(choice.algorithm).into())
            }
            (None, _) => Err(FAILED),
        }
    }

    fn digest(&self, algorithm: SignAlgorithm) -> Option<Digest> {
        let hash = algorithm.hash()?;
        match &self.input {
            ToSign::Message(message) => Some(digest::digest(hash, message)),
            // "Less safe": whoever sends the digest vouches for it. Here that is the caller, and
            // the audit log says that it was a digest.
            ToSign::Digest(digest) => Digest::import_less_safe(digest, hash).ok(),
        }
    }

    fn context(
        &self,
        algorithm: Option<SignAlgorithm>,
        encoding: Option<Encoding>,
    ) -> Map<String, Value> {
        let (input, size) = match &self.input {
            ToSign::Message(message) => ("message", message.len()),
            ToSign::Digest(digest) => ("digest", digest.len()),
        };
        let mut fields = Map::new();
        fields.insert("input".to_owned(), input.into());
        fields.insert("size".to_owned(), size.into());
        if let Some(algorithm) = algorithm {
            fields.insert("algorithm".to_owned(), algorithm.to_string().into());
        }
        if let Some(encoding) = encoding {
            fields.insert("encoding".to_owned(), encoding.to_string().into());
        }
        fields
    }
}

/// A signature as JOSE writes it (RFC 7518, section 3; RFC 8037): ECDSA as r and s in a row.
pub(super) fn jose(
    material: &Material,
    algorithm: SignAlgorithm,
    message: &[u8],
) -> Result<Vec<u8>, OperationError> {
    let encoding = algorithm.is_ecdsa().then_some(Encoding::Raw);
    let input = SignInput {
        input: ToSign::Message(message.to_vec()),
        algorithm: Some(algorithm),
        encoding,
    };
    let choice = Choice {
        algorithm,
        encoding,
    };
    input.sign(material, &choice)
}

pub(super) fn sign_rsa(
    key: &RsaKeyPair,
    padding: &'static dyn RsaEncoding,
    digest: &Digest,
) -> Result<Vec<u8>, OperationError> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign_digest(padding, digest, &mut signature)
        .map_err(|_| OperationError::Machine("sign"))?;
    Ok(signature)
}

/// `SEQUENCE { r INTEGER, s INTEGER }` from r and s at full length. Both curves' signatures are
/// shorter than 128 bytes, so every length is one byte.
fn ecdsa_der(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    let body = [der_integer(r), der_integer(s)].concat();
    [&[0x30, body.len() as u8], body.as_slice()].concat()
}

fn der_integer(big_endian: &[u8]) -> Vec<u8> {
    let leading = big_endian.iter().take_while(|byte| **byte == 0).count();
    let digits = big_endian.get(leading..).unwrap_or_default();
    // A set top bit would make it negative; a zero byte in front keeps it positive.
    let sign: &[u8] = match digits.first() {
        None | Some(0x80..) => &[0],
        Some(_) => &[],
    };
    let length = (sign.len() + digits.len()) as u8;
    [&[0x02, length], sign, digits].concat()
}

impl fmt::Debug for SignInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignInput({})", Value::Object(self.fields()))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::digest;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use p256::ecdsa::signature::Verifier as _;
    use serde_json::{Value, json};

    use super::{der_integer, ecdsa_der};
    use crate::{
        operation::{Kind, Operation, tests::run},
        vault::material::{
            Material,
            tests::{openssl, openssl_verifies},
        },
    };

    const MESSAGE: &[u8] = b"deploy 4f2a";

    fn sign(key: &Material, mut input: Value) -> (Value, Vec<u8>) {
        if input.get("digest").is_none() {
            input["message"] = STANDARD.encode(MESSAGE).into();
        }
        let answer = run(key, "sign", input);
        let signature = STANDARD
            .decode(answer["signature"].as_str().unwrap())
            .unwrap();
        (answer, signature)
    }

    fn sha(algorithm: &'static digest::Algorithm) -> String {
        STANDARD.encode(digest::digest(algorithm, MESSAGE))
    }

    #[test]
    fn ed25519_signatures_verify_elsewhere() {
        let key = Material::generate(Kind::Ed25519).unwrap();
        let (answer, signature) = sign(&key, json!({}));
        assert_eq!(answer["algorithm"], "Ed25519");
        assert_eq!(answer.get("encoding"), None);
        let spki = openssl(&["pkey", "-pubout", "-outform", "DER"], &key.to_stored());
        let public = spki.last_chunk::<32>().unwrap();
        let public = ed25519_dalek::VerifyingKey::from_bytes(public).unwrap();
        let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        public.verify_strict(MESSAGE, &signature).unwrap();
    }

    #[test]
    fn p256_signatures_verify_elsewhere_in_both_encodings() {
        let key = Material::generate(Kind::P256).unwrap();
        let spki = openssl(&["pkey", "-pubout", "-outform", "DER"], &key.to_stored());
        let public =
            p256::ecdsa::VerifyingKey::from_sec1_bytes(spki.last_chunk::<65>().unwrap()).unwrap();
        for input in [json!({}), json!({"digest": sha(&digest::SHA256)})] {
            // Often enough for r and s to need a leading zero, or to have one.
            for _ in 0..40 {
                let (answer, der) = sign(&key, input.clone());
                assert_eq!(
                    (&answer["algorithm"], &answer["encoding"]),
                    (&json!("ES256"), &json!("der"))
                );
                let der = p256::ecdsa::Signature::from_der(&der).unwrap();
                public.verify(MESSAGE, &der).unwrap();
                let mut input = input.clone();
                input["encoding"] = "raw".into();
                let (answer, raw) = sign(&key, input);
                assert_eq!(answer["encoding"], "raw");
                let raw = p256::ecdsa::Signature::from_slice(&raw).unwrap();
                public.verify(MESSAGE, &raw).unwrap();
            }
        }
    }

    #[test]
    fn p384_signatures_verify_with_openssl() {
        let key = Material::generate(Kind::P384).unwrap();
        for input in [json!({}), json!({"digest": sha(&digest::SHA384)})] {
            let (answer, der) = sign(&key, input);
            assert_eq!(answer["algorithm"], "ES384");
            assert!(openssl_verifies(&key, &["-sha384"], MESSAGE, &der));
            assert!(!openssl_verifies(&key, &["-sha384"], b"deploy 4f2b", &der));
        }
        let (_, raw) = sign(&key, json!({"encoding": "raw"}));
        assert_eq!(raw.len(), 96);
        assert!(openssl_verifies(
            &key,
            &["-sha384"],
            MESSAGE,
            &ecdsa_der(&raw)
        ));
    }

    #[test]
    fn rsa_signatures_verify_with_openssl() {
        let key = Material::generate_rsa(2048).unwrap();
        for (hash, bits) in [
            (&digest::SHA256, "256"),
            (&digest::SHA384, "384"),
            (&digest::SHA512, "512"),
        ] {
            let option = format!("-sha{bits}");
            let pss = [
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ];
            for (name, options) in [("PS", &pss[..]), ("RS", &[])] {
                let algorithm = format!("{name}{bits}");
                let options = [&[option.as_str()], options].concat();
                for input in [
                    json!({"algorithm": algorithm}),
                    json!({"algorithm": algorithm, "digest": sha(hash)}),
                ] {
                    let (answer, signature) = sign(&key, input);
                    assert_eq!(answer["algorithm"], algorithm);
                    assert!(
                        openssl_verifies(&key, &options, MESSAGE, &signature),
                        "{algorithm}"
                    );
                    assert!(
                        !openssl_verifies(&key, &options, b"", &signature),
                        "{algorithm}"
                    );
                }
            }
        }
        assert_eq!(sign(&key, json!({})).0["algorithm"], "PS256");
    }

    #[test]
    fn what_does_not_fit_is_refused_before_anything_is_used() {
        let digest = |len: usize| STANDARD.encode(vec![0; len]);
        let table = [
            (
                Kind::Ed25519,
                json!({"digest": digest(32)}),
                "`Ed25519` signs a message, not a digest; send `message`",
            ),
            (
                Kind::Ed25519,
                json!({"message": "", "encoding": "der"}),
                "a signature by `Ed25519` has one encoding only; leave `encoding` out",
            ),
            (
                Kind::Rsa,
                json!({"message": "", "encoding": "raw"}),
                "a signature by `PS256` has one encoding only; leave `encoding` out",
            ),
            (
                Kind::P256,
                json!({"digest": digest(48)}),
                "`ES256` signs a digest of 32 bytes, and this one has 48",
            ),
            (
                Kind::Rsa,
                json!({"digest": digest(64)}),
                "`PS256` signs a digest of 32 bytes, and this one has 64",
            ),
            (
                Kind::P256,
                json!({"message": "", "algorithm": "ES384"}),
                "a key of kind `p256` can't sign with `ES384`; it can with `ES256`",
            ),
            (
                Kind::Hmac,
                json!({"message": ""}),
                "`sign` is not possible with a secret of kind `hmac`; it can do `mac`, `verify-mac`, `release`",
            ),
        ];
        for (kind, input, message) in table {
            let operation = Operation::parse("sign", input).unwrap();
            assert_eq!(
                operation.suits(kind, true, None).unwrap_err().to_string(),
                message
            );
        }
        let refused = |input| Operation::parse("sign", input).unwrap_err().to_string();
        assert_eq!(
            refused(json!({})),
            "`sign` needs the field `message` or `digest`"
        );
        assert_eq!(
            refused(json!({"message": "", "digest": ""})),
            "`sign` takes `message` or `digest`, not both"
        );
        assert!(
            refused(json!({"message": "", "algorithm": "EdDSA"}))
                .starts_with("`EdDSA` is not a value")
        );
    }

    #[test]
    fn fields_are_what_policy_may_rely_on() {
        let operation = Operation::parse("sign", json!({"message": "aGk="})).unwrap();
        assert_eq!(
            Value::Object(operation.fields()),
            json!({"input": "message", "size": 2})
        );
        assert_eq!(
            Value::Object(operation.fields_for(Kind::P256, None)),
            json!({"input": "message", "size": 2, "algorithm": "ES256", "encoding": "der"})
        );
        assert_eq!(
            Value::Object(operation.fields_for(Kind::Rsa, None)),
            json!({"input": "message", "size": 2, "algorithm": "PS256"})
        );
        assert_eq!(operation.fields_for(Kind::Hmac, None), operation.fields());
    }

    #[test]
    fn der_integers_are_positive_and_short() {
        assert_eq!(der_integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(der_integer(&[0, 1]), [2, 1, 1]);
        assert_eq!(der_integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(der_integer(&[0x7f, 0xff]), [2, 2, 0x7f, 0xff]);
        assert_eq!(ecdsa_der(&[0xff; 96]).len(), 2 + 2 * (2 + 49));
    }
}
