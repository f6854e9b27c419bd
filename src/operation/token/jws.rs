//! JSON Web Signatures in the compact form (RFC 7515, section 7.1).
//!
//! Only the form is made here. The signature comes from the same code as `sign`'s: a library for
//! tokens would want the private key as bytes of its own, and would parse them for every token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    binding::JwtAlgorithm,
    operation::{OperationError, sign},
    vault::material::Material,
};

/// `header.claims.signature`. The header gets `alg`.
pub(super) fn compact(
    material: &Material,
    algorithm: JwtAlgorithm,
    mut header: Map<String, Value>,
    claims: &Map<String, Value>,
) -> Result<Zeroizing<String>, OperationError> {
    header.insert("alg".to_owned(), algorithm.as_str().into());
    let part = |json: String| URL_SAFE_NO_PAD.encode(json);
    let input = format!(
        "{}.{}",
        part(Value::Object(header).to_string()),
        part(Value::Object(claims.clone()).to_string())
    );
    let signature = sign::jose(material, algorithm.signature(), input.as_bytes())?;
    // Without its signature it is worth nothing: only from here on it is a secret.
    let length = input.len() + 1 + signature.len().div_ceil(3) * 4;
    let mut token = Zeroizing::new(String::with_capacity(length));
    token.push_str(&input);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}
