//! Keys: public ones that are enrolled, private ones that are imported, the agent's own.

use std::str;

use strongroom::{
    identity::Identity,
    operation::{
        Kind,
        ssh_certificate::{CertifiedKey, SshKeyType},
    },
    service::PublicKey,
    vault::material::Material,
};

use super::{assert_harmless, first_line};

/// An OpenSSH line, PEM or JWK: one key in all of its forms.
pub fn public_key(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let key = match PublicKey::parse(text) {
        Ok(key) => key,
        Err(why) => {
            assert!(!why.to_string().is_empty());
            return false;
        }
    };
    let forms = [key.spki_pem(), key.ssh("a comment"), key.jwk().to_string()];
    for form in forms {
        let again = PublicKey::parse(&form).unwrap();
        assert_eq!(again, key, "{form}");
        assert_eq!(again.thumbprint(), key.thumbprint(), "{form}");
        assert_eq!(again.algorithm(), key.algorithm(), "{form}");
    }
    assert_eq!(PublicKey::from_spki_der(key.spki_der()).as_ref(), Ok(&key));
    true
}

/// An OpenSSH line, as it is certified.
pub fn certified_key(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let key = match CertifiedKey::parse(text) {
        Ok(key) => key,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    let line = key.to_string();
    assert_eq!(CertifiedKey::parse(&line).as_ref(), Ok(&key));
    assert!(text.trim_start().starts_with(&key.key_type().to_string()));
    let is_rsa = key.key_type() == SshKeyType::Rsa;
    assert_eq!(key.rsa_bits().is_some(), is_rsa);
    assert!(
        key.rsa_bits()
            .is_none_or(|bits| (2048..=8192).contains(&bits))
    );
    // A token's key is none that could be enrolled; every other is, and it is the same.
    match PublicKey::parse(&line) {
        Ok(enrolled) => assert_eq!(enrolled.ssh(""), line),
        Err(_) => assert!(line.starts_with("sk-"), "{line}"),
    }
    true
}

/// A kind or `-` on a line, then a secret of that kind.
pub fn material(data: &[u8]) -> bool {
    let Some((kind, bytes)) = first_line(data) else {
        return false;
    };
    let kind: Option<Kind> = match kind {
        "-" => None,
        kind => match kind.parse() {
            Ok(kind) => Some(kind),
            Err(_) => return false,
        },
    };
    let material = match Material::import(kind, bytes) {
        Ok(material) => material,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    assert!(kind.is_none_or(|kind| kind == material.kind()));
    assert_eq!(
        material.public_key().is_some(),
        material.kind().is_asymmetric()
    );
    for stored in [material.to_stored(), material.to_der()] {
        let again = Material::from_stored(material.kind(), &stored).unwrap();
        assert_eq!(*again.to_der(), *material.to_der());
        assert_eq!(*again.to_stored(), *material.to_stored());
        assert_eq!(again.public_key(), material.public_key());
    }
    assert_eq!(
        format!("{material:?}"),
        format!("Material({}, [secret])", material.kind())
    );
    true
}

/// The identity file.
pub fn identity(data: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(data) else {
        return false;
    };
    let identity = match Identity::from_pem(text) {
        Ok(identity) => identity,
        Err(why) => {
            assert_harmless(&why.to_string(), false);
            return false;
        }
    };
    let again = Identity::from_pem(identity.to_pem()).unwrap();
    assert_eq!(again.to_pem(), identity.to_pem());
    assert_eq!(again.origin(), identity.origin());
    assert_eq!(again.thumbprint(), identity.thumbprint());
    assert_eq!(again.checkpoint_vkey(), identity.checkpoint_vkey());
    assert_eq!(again.tls_public(), identity.tls_public());
    true
}
