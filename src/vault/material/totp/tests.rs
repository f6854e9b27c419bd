use super::{canonical, generate};
use crate::{operation::Kind, vault::material::Material};

fn kept(text: &str) -> Result<String, String> {
    let uri = canonical(text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(uri.to_vec()).unwrap())
}

#[test]
fn a_seed_has_one_spelling_however_it_was_written() {
    let plain =
        "otpauth://totp/strongroom?secret=JBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30";
    for text in [
        "JBSWY3DPEHPK3PXP",
        " jbsw y3dp ehpk 3pxp\n",
        "JBSW-Y3DP-EHPK-3PXP",
        "JBSWY3DPEHPK3PXP======",
        "otpauth://totp/?secret=jbswy3dpehpk3pxp",
        "OTPAUTH://TOTP/strongroom?secret=JBSWY3DPEHPK3PXP%3D%3D&image=https%3A%2F%2Fa",
        plain,
    ] {
        assert_eq!(kept(text).as_deref(), Ok(plain), "{text}");
    }
    let full = "otpauth://totp/ACME%20Co:john@example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=ACME%20Co&algorithm=SHA512&digits=8&period=60";
    assert_eq!(kept(full).as_deref(), Ok(full));
    let unordered = "otpauth://totp/ACME Co%3Ajohn%40example.com?period=60&digits=8&issuer=ACME%20Co&algorithm=sha512&secret=jbswy3dpehpk3pxpjbswy3dpehpk3pxp";
    assert_eq!(kept(unordered).as_deref(), Ok(full));
    // Bits that are left over are dropped: 26 characters hold 16 bytes and two bits.
    assert_eq!(
        kept("AAAAAAAAAAAAAAAAAAAAAAAAAB"),
        kept("AAAAAAAAAAAAAAAAAAAAAAAAAA")
    );
}

#[test]
fn what_is_no_seed_is_refused_without_showing_it() {
    let kind = "a secret of kind `totp` must be a base32 seed of 10 to 128 bytes, or an `otpauth://totp/…` URI";
    for text in [
        "",
        "JBSWY3DPEHPK3PX",
        "JBSWY3DPEHPK3PX1",
        "JBSWY3DPEHPK3PXPA",
        &"A".repeat(208),
        "otpauth://totp/a?secret=",
        "http://totp/a?secret=JBSWY3DPEHPK3PXP",
    ] {
        assert_eq!(kept(text).unwrap_err(), kind, "{text}");
    }
    let uri = |rest: &str| {
        let error = kept(&format!("otpauth://{rest}")).unwrap_err();
        assert!(!error.contains("JBSWY3DP"), "{error}");
        error.replace("this is not well-formed `otpauth` URI: ", "")
    };
    let secret = "secret=JBSWY3DPEHPK3PXP";
    for (rest, problem) in [
        ("totp/a".to_owned(), "it has no `secret`"),
        ("totp/a?digits=6".to_owned(), "it has no `secret`"),
        (format!("totp?{secret}"), "it has no label"),
        (
            format!("hotp/a?{secret}&counter=0"),
            "it is not of the type `totp`",
        ),
        (
            format!("totp/a?{secret}&{secret}"),
            "a parameter is there twice",
        ),
        (
            format!("totp/a?{secret}&encoder=steam"),
            "it has a parameter that is not known",
        ),
        (
            format!("totp/a?{secret}&digits"),
            "a parameter has no value",
        ),
        (
            format!("totp/a?{secret}&digits=9"),
            "its `digits` must be 6 to 8",
        ),
        (
            format!("totp/a?{secret}&digits=+6"),
            "its `digits` must be 6 to 8",
        ),
        (
            format!("totp/a?{secret}&period=10"),
            "its `period` must be 15 to 120 seconds",
        ),
        (
            format!("totp/a?{secret}&algorithm=MD5"),
            "its `algorithm` must be SHA1, SHA256 or SHA512",
        ),
        (
            format!("totp/%0a?{secret}"),
            "its label or issuer is not plain text of at most 256 bytes",
        ),
        (
            format!("totp/%ff?{secret}"),
            "its label or issuer is not plain text of at most 256 bytes",
        ),
        (
            format!("totp/%4?{secret}"),
            "a `%` has no two digits behind it",
        ),
        ("a".repeat(4096), "it is longer than any such URI"),
    ] {
        assert_eq!(uri(&rest), problem, "{rest}");
    }
}

#[test]
fn a_generated_seed_is_new_and_can_be_imported() {
    let (one, other) = (generate().unwrap(), generate().unwrap());
    assert_ne!(*one, *other);
    assert_eq!(*canonical(&one).unwrap(), *one);
    // The URI tells what it is.
    let material = Material::import(None, &one).unwrap();
    assert_eq!(material.kind(), Kind::Totp);
    assert_eq!(*material.to_stored(), *one);
    assert_eq!(format!("{material:?}"), "Material(totp, [secret])");
}
