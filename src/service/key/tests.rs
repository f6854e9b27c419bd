use proptest::prelude::*;

use super::{BadKey, KeyAlgorithm, PublicKey};

/// RFC 9421 appendix B.1.4.
const ED25519_PEM: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----
";
/// RFC 9421 appendix B.1.3.
const P256_PEM: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
";
/// RFC 9421 appendix B.1.2.
const RSA_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----
";
const P384_PEM: &str = "-----BEGIN PUBLIC KEY-----
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE1lBjPObpReCGtRP73BmElaX4/VNyTmIH
Z3CHn9RpKbZOKLaFi/WKYJ26XmOY0ljuQABO8s+YcQvIpJCuFEL+W5KT6wi/lf3E
Vbh1wGYSz8Dp1snpDsYMd9o5f0W/FdJf
-----END PUBLIC KEY-----
";

#[test]
fn the_published_thumbprints() {
    // RFC 7638 section 3.1.
    let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
    let key = PublicKey::parse(rsa).unwrap();
    assert_eq!(
        key.thumbprint().as_str(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    // RFC 8037 appendix A.3.
    let ed25519 =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let key = PublicKey::parse(ed25519).unwrap();
    assert_eq!(
        key.thumbprint().as_str(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn a_key_is_the_same_in_every_form() {
    for (pem, algorithm) in [
        (ED25519_PEM, KeyAlgorithm::Ed25519),
        (P256_PEM, KeyAlgorithm::P256),
        (P384_PEM, KeyAlgorithm::P384),
        (RSA_PEM, KeyAlgorithm::Rsa),
    ] {
        let key = PublicKey::parse(pem).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.spki_pem(), pem);
        for form in [
            key.jwk().to_string(),
            key.ssh(""),
            key.ssh("a@b  c"),
            format!("\n{pem}\n"),
        ] {
            let again = PublicKey::parse(&form).unwrap();
            assert_eq!(again, key, "{form}");
            assert_eq!(again.thumbprint(), key.thumbprint());
        }
        assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
        assert_eq!(key.ssh("x\ny").lines().count(), 1);
    }
}

#[test]
fn an_openssh_line_as_ssh_keygen_writes_it() {
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti user@example.com";
    let key = PublicKey::parse(&format!("  {line}\n")).unwrap();
    assert_eq!(key.ssh("user@example.com"), line);
    assert!(key.can_sign_requests());
}

#[test]
fn what_is_no_key_is_refused_with_a_reason() {
    let private_jwk = r#"{"kty":"OKP","crv":"Ed25519","d":"n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
    assert_eq!(PublicKey::parse(private_jwk).unwrap_err(), BadKey::Private);
    let private_pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
    assert_eq!(PublicKey::parse(private_pem).unwrap_err(), BadKey::Private);
    let short = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    assert_eq!(PublicKey::parse(short).unwrap_err(), BadKey::RsaSize(17));
    let off_curve = r#"{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F4"}"#;
    assert!(matches!(
        PublicKey::parse(off_curve),
        Err(BadKey::Invalid(_))
    ));
    for unknown in [
        "sk-ssh-ed25519@openssh.com AAAA",
        "ssh-dss AAAA",
        r#"{"kty":"oct"}"#,
    ] {
        assert!(
            matches!(PublicKey::parse(unknown), Err(BadKey::UnknownType(_))),
            "{unknown}"
        );
    }
    for bad in [
        "",
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "{}",
        "{\"kty\":1}",
        "-----BEGIN ",
    ] {
        assert!(PublicKey::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn der_must_be_a_whole_spki() {
    let key = PublicKey::parse(ED25519_PEM).unwrap();
    let raw = key.spki_der().split_at(12).1;
    assert!(PublicKey::from_spki_der(raw).is_err());
    assert!(PublicKey::from_spki_der(&[key.spki_der(), &[0]].concat()).is_err());
    assert!(PublicKey::from_spki_der(&[0x30; 32]).is_err());
    assert!(PublicKey::from_spki_der(&[]).is_err());
}

#[test]
fn a_small_rsa_key_is_refused_in_der_too() {
    let pair = aws_lc_rs::rsa::PublicKeyComponents {
        n: vec![0xc5; 128],
        e: vec![1, 0, 1],
    };
    let der = aws_lc_rs::encoding::AsDer::as_der(&pair);
    if let Ok(der) = der {
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = der;
        assert!(PublicKey::from_spki_der(der.as_ref()).is_err());
    }
}

proptest! {
    #[test]
    fn no_text_panics(text: String, tail in "[ -~\n]{0,80}") {
        _ = PublicKey::parse(&text);
        for head in ["ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp256 ", "{\"kty\":\"EC\",", "-----BEGIN PUBLIC KEY-----\n"] {
            _ = PublicKey::parse(&format!("{head}{tail}"));
        }
    }

    #[test]
    fn no_der_panics(mut der in proptest::collection::vec(any::<u8>(), 0..100)) {
        _ = PublicKey::from_spki_der(&der);
        der.insert(0, 0x30);
        _ = PublicKey::from_spki_der(&der);
    }

    /// What is changed in a key's DER either breaks it or makes a key that reads back as itself.
    #[test]
    fn changed_der_reads_back(at in 0_usize..91, bit in 0_u8..8) {
        let key = PublicKey::parse(P256_PEM).unwrap();
        let mut der = key.spki_der().to_vec();
        der[at] ^= 1 << bit;
        if let Ok(other) = PublicKey::from_spki_der(&der) {
            prop_assert_ne!(&other, &key);
            prop_assert_eq!(PublicKey::parse(&other.ssh("")).unwrap(), other);
        }
    }
}
