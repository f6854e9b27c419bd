//! Keys in all of their forms, and what is none.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use strongroom::{operation::Kind, service::PublicKey, vault::material::Material};

use super::{
    super::targets::published::{ATLAS, ATLAS_P256, ATLAS_PRIVATE, IDENTITY},
    Seed, seed,
};

pub(super) fn keys() -> Vec<Seed> {
    let atlas = PublicKey::parse(ATLAS).unwrap();
    let p256 = PublicKey::parse(ATLAS_P256).unwrap();
    let made = |kind| Material::generate(kind).unwrap();
    let (p384, rsa) = (made(Kind::P384), Material::generate_rsa(2048).unwrap());
    let public = |material: &Material| material.public_key().unwrap();
    let text = |bytes: &[u8]| str::from_utf8(bytes).unwrap().to_owned();
    let private = |kind: &str, bytes: &[u8]| [kind.as_bytes(), b"\n", bytes].concat();
    let d = BASE64_URL_SAFE_NO_PAD.encode(hex(
        "9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5",
    ));
    let jwk = ATLAS.replace('}', &format!(r#","d":"{d}"}}"#));
    vec![
        seed("public_key/good-ed25519.jwk", ATLAS),
        seed("public_key/good-ed25519.ssh", atlas.ssh("atlas@example")),
        seed("public_key/good-p256.ssh", p256.ssh("")),
        seed("public_key/good-p256.pem", p256.spki_pem()),
        seed("public_key/good-p384.jwk", public(&p384).jwk().to_string()),
        seed("public_key/good-rsa.ssh", public(&rsa).ssh("rsa")),
        seed("public_key/good-rsa.pem", public(&rsa).spki_pem()),
        seed("public_key/bad-private.pem", ATLAS_PRIVATE),
        seed(
            "public_key/bad-point.jwk",
            ATLAS_P256.replace("Mc4n", "Mc5n"),
        ),
        seed("public_key/bad-type.ssh", "ssh-dss AAAAB3NzaC1kc3M= a"),
        seed(
            "public_key/bad-length.ssh",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIQ== a",
        ),
        seed(
            "material/good-ed25519.pem",
            private("-", ATLAS_PRIVATE.as_bytes()),
        ),
        seed(
            "material/good-ed25519.jwk",
            private("ed25519", jwk.as_bytes()),
        ),
        seed("material/good-p384.pem", private("-", &p384.to_stored())),
        seed("material/good-p384.der", private("p384", &p384.to_der())),
        seed("material/good-rsa.der", private("rsa", &rsa.to_der())),
        seed(
            "material/good-hmac.jwk",
            r#"-
{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr0"}"#,
        ),
        seed(
            "material/good-aes256",
            format!("aes256\n{}", "42".repeat(32)),
        ),
        seed("material/good-token", "token\nnot-a-real-token\n"),
        seed("material/good-opaque", b"opaque\n\0\xff"),
        seed(
            "material/bad-kind",
            private("p256", ATLAS_PRIVATE.as_bytes()),
        ),
        seed(
            "material/bad-end.pem",
            private(
                "-",
                text(ATLAS_PRIVATE.as_bytes())
                    .replace("-----END", "-----ENDE")
                    .as_bytes(),
            ),
        ),
        seed(
            "material/bad-halves.jwk",
            private("-", jwk.replace("JrQ", "JrR").as_bytes()),
        ),
        seed(
            "material/bad.openssh",
            "-\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n",
        ),
        seed("material/bad-short-hmac", "hmac\nshort"),
        seed("identity/good", IDENTITY),
        seed(
            "identity/good-with-white-space",
            IDENTITY.replace('\n', "  \r\n"),
        ),
        seed(
            "identity/bad-origin",
            IDENTITY.replace("vault.example.com", "two words"),
        ),
        seed("identity/bad-half", &IDENTITY[..IDENTITY.len() / 2]),
        seed(
            "identity/bad-kind",
            IDENTITY.replace("purpose: tls", "purpose: none"),
        ),
    ]
}

fn hex(text: &str) -> Vec<u8> {
    let digits = text
        .as_bytes()
        .chunks(2)
        .map(|pair| str::from_utf8(pair).unwrap());
    digits
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}
