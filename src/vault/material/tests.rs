//! Keys as other tools write them, and other tools on keys as we write them.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{KeyPair, MAX_LEN, Material, MaterialError, pem};
use crate::operation::Kind;

/// What `openssl` prints; it must succeed.
pub(crate) fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let (done, output) = run("openssl", args, input);
    assert!(done, "openssl {args:?}");
    output
}

/// Whether `openssl dgst` takes this for a signature by this key.
pub(crate) fn openssl_verifies(
    key: &Material,
    options: &[&str],
    message: &[u8],
    signature: &[u8],
) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let public = file(
        "public.pem",
        &openssl(&["pkey", "-pubout"], &key.to_stored()),
    );
    let signature = file("signature", signature);
    let args = ["dgst", "-verify", &public, "-signature", &signature];
    run("openssl", &[&args, options].concat(), message).0
}

fn run(program: &str, args: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

/// A private key file by `ssh-keygen`.
fn ssh_keygen(args: &[&str], passphrase: &str) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let file = [
        "-q",
        "-N",
        passphrase,
        "-C",
        "someone",
        "-f",
        path.to_str().unwrap(),
    ];
    assert!(run("ssh-keygen", &[&file, args].concat(), b"").0);
    std::fs::read(path).unwrap()
}

fn genpkey(kind: Kind) -> Vec<u8> {
    let args: &[&str] = match kind {
        Kind::Ed25519 => &["-algorithm", "ED25519"],
        Kind::P256 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        Kind::P384 => &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        _ => &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    };
    openssl(&[&["genpkey"], args].concat(), b"")
}

fn public_by_openssl(pem: &[u8]) -> Vec<u8> {
    openssl(&["pkey", "-pubout", "-outform", "DER"], pem)
}

fn spki(material: &Material) -> Vec<u8> {
    material.pair.as_ref().unwrap().spki().unwrap()
}

/// The reason why it is refused.
fn refused(kind: impl Into<Option<Kind>>, bytes: &[u8]) -> MaterialError {
    Material::import(kind.into(), bytes).unwrap_err()
}

const PAIRS: [Kind; 4] = [Kind::Ed25519, Kind::P256, Kind::P384, Kind::Rsa];

#[test]
fn generated_secrets_come_back_from_both_stored_forms() {
    for kind in Kind::ALL {
        let made = match kind {
            Kind::Rsa => Material::generate_rsa(2048),
            kind => Material::generate(kind),
        };
        let made = match made {
            Err(MaterialError::NotGenerated(_)) => continue,
            made => made.unwrap(),
        };
        assert_eq!(made.kind(), kind);
        assert_eq!(made.public_key().is_some(), kind.is_asymmetric());
        for stored in [made.to_stored(), made.to_der()] {
            let back = Material::from_stored(kind, &stored).unwrap();
            assert_eq!(back.to_der(), made.to_der(), "{kind}");
            assert_eq!(back.public_key(), made.public_key(), "{kind}");
        }
        if kind.is_asymmetric() {
            assert_eq!(public_by_openssl(&made.to_stored()), spki(&made), "{kind}");
        }
        assert_eq!(format!("{made:?}"), format!("Material({kind}, [secret])"));
    }
    assert_eq!(
        Material::generate_rsa(1024).unwrap_err(),
        MaterialError::NoSuchRsaSize(1024)
    );
    let token = Material::generate(Kind::Token).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(token.to_stored()).unwrap().len(), 32);
}

#[test]
fn an_rsa_key_has_3072_bits_unless_asked_otherwise() {
    let made = Material::generate(Kind::Rsa).unwrap();
    let Some(KeyPair::Rsa(pair)) = made.key_pair() else {
        panic!()
    };
    assert_eq!(pair.public_modulus_len() * 8, 3072);
}

#[test]
fn pkcs8_as_openssl_writes_it() {
    for kind in PAIRS {
        let pem = genpkey(kind);
        let material = Material::import(None, &pem).unwrap();
        assert_eq!(material.kind(), kind);
        assert_eq!(spki(&material), public_by_openssl(&pem), "{kind}");
        // With Windows line ends and text around it.
        let text = String::from_utf8(pem.clone())
            .unwrap()
            .replace('\n', "\r\n");
        let text = format!("Bag Attributes\r\n  localKeyID: 01\r\n{text}thanks\r\n");
        let again = Material::import(Some(kind), text.as_bytes()).unwrap();
        assert_eq!(again.to_der(), material.to_der());
        // Bare DER, when the kind is named.
        let der = openssl(&["pkey", "-outform", "DER"], &pem);
        assert_eq!(
            Material::import(Some(kind), &der).unwrap().to_der(),
            material.to_der()
        );
        assert_eq!(refused(None, &der), MaterialError::NeedsKind);
    }
}

#[test]
fn sec1_and_pkcs1_as_openssl_writes_them() {
    for kind in [Kind::P256, Kind::P384, Kind::Rsa] {
        let pkcs8 = genpkey(kind);
        let old = openssl(&["pkey", "-traditional"], &pkcs8);
        assert!(!old.starts_with(b"-----BEGIN PRIVATE"));
        let material = Material::import(None, &old).unwrap();
        assert_eq!(material.kind(), kind);
        assert_eq!(spki(&material), public_by_openssl(&pkcs8));
        assert_eq!(
            openssl(&["pkey", "-traditional"], &material.to_stored()),
            old,
            "{kind}"
        );
        let der = openssl(&["pkey", "-traditional", "-outform", "DER"], &pkcs8);
        assert_eq!(
            Material::import(Some(kind), &der).unwrap().to_der(),
            material.to_der()
        );
    }
    // `openssl ecparam` puts the curve in a block of its own before the key.
    let with_parameters = openssl(&["ecparam", "-name", "secp384r1", "-genkey"], b"");
    assert!(with_parameters.starts_with(b"-----BEGIN EC PARAMETERS"));
    assert_eq!(
        Material::import(None, &with_parameters).unwrap().kind(),
        Kind::P384
    );
}

#[test]
fn openssh_keys_as_ssh_keygen_writes_them() {
    let table: [(&[&str], Kind); 4] = [
        (&["-t", "ed25519"], Kind::Ed25519),
        (&["-t", "ecdsa", "-b", "256"], Kind::P256),
        (&["-t", "ecdsa", "-b", "384"], Kind::P384),
        (&["-t", "rsa", "-b", "2048"], Kind::Rsa),
    ];
    for (args, kind) in table {
        let file = ssh_keygen(args, "");
        let material = Material::import(None, &file).unwrap();
        assert_eq!(material.kind(), kind);
        // The public key stands in the file in the clear too.
        let public = material.public_key().unwrap().ssh("");
        let blob = STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
        let [block] = &pem::blocks(&file).unwrap()[..] else {
            panic!()
        };
        assert!(
            block.der.windows(blob.len()).any(|window| window == blob),
            "{kind}"
        );
        assert_eq!(public_by_openssl(&material.to_stored()), spki(&material));
    }
    assert_eq!(
        refused(None, &ssh_keygen(&["-t", "ecdsa", "-b", "521"], "")),
        MaterialError::UnsupportedKey
    );
    assert_eq!(
        refused(None, &ssh_keygen(&["-t", "ed25519"], "hunter2")).to_string(),
        "the key is protected by a passphrase; take it off first: `ssh-keygen -p -N '' -f COPY_OF_THE_KEY`"
    );
}

/// An `openssh-key-v1` file around the strings of one key.
fn openssh_file(strings: &[&[u8]]) -> Vec<u8> {
    let string = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let strings: Vec<Vec<u8>> = strings.iter().map(|bytes| string(bytes)).collect();
    let key = [&[7; 8], strings.concat().as_slice()].concat();
    let file = [
        b"openssh-key-v1\0".to_vec(),
        [string(b"none"), string(b"none"), string(b"")].concat(),
        1u32.to_be_bytes().to_vec(),
        [string(b""), string(&key)].concat(),
    ];
    pem::write("OPENSSH PRIVATE KEY", &file.concat()).to_vec()
}

#[test]
fn an_openssh_ecdsa_scalar_may_be_short() {
    // OpenSSH drops leading zero bytes: one key in 256 has 31 bytes or fewer.
    let scalar = p256::SecretKey::from_slice(&[&[0; 31][..], &[5]].concat()).unwrap();
    let point = scalar.public_key().to_sec1_bytes();
    let kind: &[u8] = b"ecdsa-sha2-nistp256";
    let file = |point: &[u8], scalar: &[u8]| openssh_file(&[kind, b"nistp256", point, scalar, b""]);
    let material = Material::import(None, &file(&point, &[5])).unwrap();
    assert_eq!(spki(&material).last_chunk::<65>().unwrap(), &*point);
    assert_eq!(
        refused(None, &file(&point, &[6])),
        MaterialError::Inconsistent
    );
    assert!(Material::import(None, &file(&point, &[])).is_err());
    assert!(Material::import(None, &file(&point, &[1; 33])).is_err());
}

#[test]
fn private_jwks_from_the_rfcs() {
    // RFC 8037, appendix A.1.
    let okp = json!({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "any"});
    // RFC 7517, appendix A.2.
    let ec = json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
        "use": "enc"});
    for (jwk, kind) in [(okp, Kind::Ed25519), (ec, Kind::P256)] {
        let material = Material::import(None, jwk.to_string().as_bytes()).unwrap();
        assert_eq!(material.kind(), kind);
        let public = material.public_key().unwrap().jwk();
        assert_eq!((&public["x"], public.get("y")), (&jwk["x"], jwk.get("y")));
        let mut public = jwk.clone();
        public.as_object_mut().unwrap().remove("d");
        assert_eq!(
            refused(None, public.to_string().as_bytes()).to_string(),
            "this is the public half of a JWK, and not a private key"
        );
        let mut swapped = jwk;
        swapped["d"] = URL_SAFE_NO_PAD.encode([9; 32]).into();
        assert_eq!(
            refused(None, swapped.to_string().as_bytes()),
            MaterialError::Inconsistent
        );
    }
}

#[test]
fn an_rsa_jwk_is_the_key_that_openssl_knows() {
    let pem = genpkey(Kind::Rsa);
    let jwk = rsa_jwk(&pem);
    let material = Material::import(None, jwk.to_string().as_bytes()).unwrap();
    assert_eq!(spki(&material), public_by_openssl(&pem));
    // dP and dQ were computed anew.
    assert_eq!(
        material.to_der(),
        Material::import(None, &pem).unwrap().to_der()
    );
    let mut swapped = jwk.clone();
    (swapped["p"], swapped["q"]) = (jwk["q"].clone(), jwk["p"].clone());
    assert_eq!(
        refused(None, swapped.to_string().as_bytes()),
        MaterialError::Inconsistent
    );
    let mut bare = jwk;
    bare.as_object_mut().unwrap().remove("p");
    assert!(matches!(
        refused(None, bare.to_string().as_bytes()),
        MaterialError::Malformed { .. }
    ));
}

/// The numbers of an RSA key as `openssl` prints them.
fn rsa_jwk(pem: &[u8]) -> Value {
    let text = String::from_utf8(openssl(&["pkey", "-noout", "-text"], pem)).unwrap();
    let mut jwk = json!({"kty": "RSA", "e": "AQAB"});
    for (title, member) in [
        ("modulus:", "n"),
        ("privateExponent:", "d"),
        ("prime1:", "p"),
        ("prime2:", "q"),
        ("coefficient:", "qi"),
    ] {
        let (_, after) = text.split_once(&format!("\n{title}\n")).unwrap();
        let hex: String = after
            .lines()
            .take_while(|line| line.starts_with(' '))
            .collect();
        let hex: String = hex.chars().filter(char::is_ascii_hexdigit).collect();
        let bytes = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
        let bytes: Vec<u8> = bytes.skip_while(|byte| *byte == 0).collect();
        jwk[member] = URL_SAFE_NO_PAD.encode(bytes).into();
    }
    jwk
}

#[test]
fn symmetric_jwks_say_what_they_are_for() {
    let jwk = |alg: Option<&str>, len: usize| {
        let key = URL_SAFE_NO_PAD.encode(vec![0xa5; len]);
        json!({"kty": "oct", "k": key, "alg": alg})
            .to_string()
            .into_bytes()
    };
    let kind_of =
        |kind, bytes: &[u8]| Material::import(kind, bytes).map(|material| material.kind());
    assert_eq!(kind_of(None, &jwk(Some("HS256"), 32)), Ok(Kind::Hmac));
    assert_eq!(kind_of(None, &jwk(Some("A256GCM"), 32)), Ok(Kind::Aes256));
    assert_eq!(kind_of(None, &jwk(None, 32)), Err(MaterialError::NeedsKind));
    assert_eq!(kind_of(Some(Kind::Hmac), &jwk(None, 32)), Ok(Kind::Hmac));
    assert_eq!(
        kind_of(Some(Kind::Aes256), &jwk(None, 32)),
        Ok(Kind::Aes256)
    );
    let (expected, found) = (Kind::Aes256, Kind::Hmac);
    let mismatch = MaterialError::KindMismatch { expected, found };
    assert_eq!(
        kind_of(Some(Kind::Aes256), &jwk(Some("HS256"), 32)),
        Err(mismatch)
    );
    assert!(kind_of(None, &jwk(Some("HS256"), 15)).is_err());
    assert!(kind_of(Some(Kind::Ed25519), &jwk(None, 32)).is_err());
}

#[test]
fn keys_whose_halves_do_not_match_are_refused() {
    for kind in [Kind::P256, Kind::P384] {
        let der = openssl(&["pkey", "-traditional", "-outform", "DER"], &genpkey(kind));
        let other = openssl(&["pkey", "-traditional", "-outform", "DER"], &genpkey(kind));
        // The public point stands last in RFC 5915.
        let point = if kind == Kind::P256 { 65 } else { 97 };
        let (head, _) = der.split_at(der.len() - point);
        let mixed = [head, &other[other.len() - point..]].concat();
        assert!(
            Material::import(None, &pem::write("EC PRIVATE KEY", &mixed)).is_err(),
            "{kind}"
        );
        assert!(Material::import(Some(kind), &mixed).is_err(), "{kind}");
    }
    let seed = [1; 32];
    let key = ed25519_dalek::SigningKey::from_bytes(&seed);
    let public = key.verifying_key().to_bytes();
    let file = |public: &[u8]| {
        let private = [&seed, public].concat();
        openssh_file(&[b"ssh-ed25519", public, &private, b""])
    };
    assert_eq!(
        spki(&Material::import(None, &file(&public)).unwrap()).last_chunk(),
        Some(&public)
    );
    assert_eq!(refused(None, &file(&[2; 32])), MaterialError::Inconsistent);
}

#[test]
fn what_is_not_a_usable_private_key_is_named() {
    let pem = genpkey(Kind::P256);
    let public = openssl(&["pkey", "-pubout"], &pem);
    assert_eq!(
        refused(None, &public).to_string(),
        "this is a `PUBLIC KEY`, and not a private key"
    );
    let encrypt = ["-aes-256-cbc", "-passout", "pass:hunter2"];
    let message = "the key is protected by a passphrase; take it off first: `openssl pkey -in KEY`";
    for form in [&["pkey"][..], &["pkey", "-traditional"]] {
        let encrypted = openssl(&[form, &encrypt[..]].concat(), &pem);
        assert_eq!(refused(None, &encrypted).to_string(), message);
    }
    let two = [pem.clone(), pem.clone()].concat();
    assert_eq!(refused(None, &two), MaterialError::SeveralKeys);
    assert_eq!(
        refused(Kind::Ed25519, &pem).to_string(),
        "this is a key of kind `p256`, not `ed25519`"
    );
    assert_eq!(
        refused(Kind::Hmac, &pem),
        MaterialError::KindMismatch {
            expected: Kind::Hmac,
            found: Kind::P256
        }
    );
    for args in [["-algorithm", "X25519"], ["-algorithm", "ED448"]] {
        let pem = openssl(&[&["genpkey"], &args[..]].concat(), b"");
        assert_eq!(refused(None, &pem), MaterialError::UnsupportedKey);
    }
    for curve in ["secp521r1", "secp256k1"] {
        let pem = openssl(&["ecparam", "-name", curve, "-genkey", "-noout"], b"");
        assert_eq!(
            refused(None, &pem),
            MaterialError::UnsupportedKey,
            "{curve}"
        );
    }
    let weak = openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:1024",
        ],
        b"",
    );
    assert_eq!(refused(None, &weak), MaterialError::RsaSize("small"));
    let weak = openssl(&["pkey", "-traditional"], &weak);
    assert_eq!(refused(None, &weak), MaterialError::RsaSize("small"));
    for text in [
        "-----BEGIN PRIVATE KEY-----\nAAAA\n",
        "-----BEGIN PRIVATE KEY-----\n*\n-----END PRIVATE KEY-----",
    ] {
        assert!(matches!(
            refused(None, text.as_bytes()),
            MaterialError::Malformed { .. }
        ));
    }
    for kind in PAIRS {
        assert!(
            matches!(refused(kind, b"no key"), MaterialError::NotOfKind { .. }),
            "{kind}"
        );
    }
}

#[test]
fn plain_bytes_follow_the_rules_of_their_kind() {
    let stored = |kind, bytes: &[u8]| {
        Material::import(Some(kind), bytes).map(|material| material.to_stored().to_vec())
    };
    assert_eq!(refused(None, b"hunter2"), MaterialError::NeedsKind);

    assert_eq!(stored(Kind::Token, b"hunter2\n"), Ok(b"hunter2".to_vec()));
    assert_eq!(stored(Kind::Token, b"hunter2\r\n"), Ok(b"hunter2".to_vec()));
    assert_eq!(
        stored(Kind::Token, "pässword ".as_bytes()),
        Ok("pässword ".into())
    );
    for bad in [&b""[..], b"\n", b"a\nb", b"a\n\n", b"a\0", b"\xff"] {
        assert!(stored(Kind::Token, bad).is_err(), "{bad:?}");
    }

    assert_eq!(stored(Kind::Opaque, b"a\nb\n"), Ok(b"a\nb\n".to_vec()));
    assert!(stored(Kind::Opaque, b"").is_err());
    let pem = genpkey(Kind::P256);
    assert_eq!(stored(Kind::Opaque, &pem), Ok(pem));

    assert_eq!(
        stored(Kind::Hmac, b"0123456789abcdef\n"),
        Ok(b"0123456789abcdef".to_vec())
    );
    let binary = [&[0xff; 31][..], b"\n"].concat();
    assert_eq!(stored(Kind::Hmac, &binary), Ok(binary));
    assert!(stored(Kind::Hmac, b"0123456789abcde\n").is_err());

    let key: [u8; 32] = std::array::from_fn(|at| (at * 7 + 1) as u8);
    let hex: String = key.iter().map(|byte| format!("{byte:02X}")).collect();
    for written in [
        key.to_vec(),
        hex.clone().into_bytes(),
        format!("{hex}\n").into_bytes(),
        STANDARD.encode(key).into_bytes(),
        format!("{}\n", URL_SAFE_NO_PAD.encode(key)).into_bytes(),
    ] {
        assert_eq!(stored(Kind::Aes256, &written), Ok(key.to_vec()));
    }
    for bad in [
        &key[1..],
        b"0123456789abcdef0123456789abcdef",
        b"",
        &hex.as_bytes()[2..],
        "+f".repeat(32).as_bytes(),
    ] {
        assert!(matches!(
            stored(Kind::Aes256, bad),
            Err(MaterialError::NotOfKind { .. })
        ));
    }

    for kind in [None, Some(Kind::Opaque)] {
        assert_eq!(refused(kind, &vec![1; MAX_LEN + 1]), MaterialError::TooLong);
    }
    assert!(stored(Kind::Opaque, &vec![1; MAX_LEN]).is_ok());
}

#[test]
fn pem_is_written_as_openssl_writes_it() {
    for kind in PAIRS {
        let pem = genpkey(kind);
        let [block] = &pem::blocks(&pem).unwrap()[..] else {
            panic!()
        };
        assert_eq!(*pem::write("PRIVATE KEY", &block.der), pem);
    }
}

proptest! {
    #[test]
    fn importing_never_panics(kind in proptest::option::of(0..Kind::ALL.len()), bytes: Vec<u8>) {
        let kind = kind.map(|at| Kind::ALL[at]);
        if let Ok(material) = Material::import(kind, &bytes) {
            let back = Material::from_stored(material.kind(), &material.to_stored()).unwrap();
            prop_assert_eq!(back.to_der(), material.to_der());
        }
        if let Some(kind) = kind {
            let _ = Material::from_stored(kind, &bytes);
        }
    }

    #[test]
    fn importing_damaged_keys_never_panics(at: prop::sample::Index, bit in 0..8u8, label in 0..4usize) {
        let whole = Material::generate(Kind::P256).unwrap().to_der();
        let mut der = whole.to_vec();
        let at = at.index(der.len());
        der[at] ^= 1u8 << bit;
        let label = ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"][label];
        let _ = Material::import(None, &pem::write(label, &der));
        let _ = Material::import(None, &pem::write(label, &der[..at]));
        let _ = Material::from_stored(Kind::P256, &der);
    }

    #[test]
    fn importing_any_openssh_file_or_jwk_never_panics(strings: Vec<Vec<u8>>, members in
        proptest::collection::hash_map("[xyndepqk]|qi|crv|alg", "[A-Za-z0-9_-]{0,90}|P-256|Ed25519", 0..9),
        kty in "OKP|EC|RSA|oct|.{0,3}") {
        for kind in ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"] {
            let mut all = vec![kind.as_bytes()];
            all.extend(strings.iter().map(Vec::as_slice));
            let _ = Material::import(None, &openssh_file(&all));
        }
        let mut jwk = json!(members);
        jwk["kty"] = kty.into();
        let _ = Material::import(None, jwk.to_string().as_bytes());
    }
}

#[test]
fn oauth2_clients_have_one_form() {
    let import = |json: &str| Material::import(Some(Kind::Oauth2), json.as_bytes());
    let spaced = import(
        "{ \"refresh_token\": \"r\\/\\u0031\", \"client_secret\": null,\n \"client_id\": \"a b\" }\n",
    )
    .unwrap();
    let canonical = br#"{"client_id":"a b","refresh_token":"r/1"}"#;
    assert_eq!(*spaced.to_stored(), canonical);
    let client = super::oauth2::Client::of(&spaced).unwrap();
    assert_eq!(client.refresh_token.unwrap().as_str(), "r/1");
    for (json, expected) in [
        ("client_id=a", "it is JSON like"),
        (
            r#"{"client_id":"a","client_secret":"planted","scope":"b"}"#,
            "and nothing else",
        ),
        (
            r#"{"client_id":"a"}"#,
            "neither `client_secret` nor `refresh_token`",
        ),
        (r#"{"client_id":"a","client_secret":""}"#, "printable ASCII"),
        (
            r#"{"client_id":"a","client_secret":"planted\n"}"#,
            "printable ASCII",
        ),
        (r#"{"client_id":"a","client_secret":7}"#, "it is JSON like"),
    ] {
        let message = import(json).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("planted"));
    }
}

#[test]
fn a_github_apps_key_is_rsa_in_either_of_its_forms() {
    let key = Material::generate_rsa(2048).unwrap().to_stored();
    let pkcs1 = openssl(&["rsa", "-traditional"], &key);
    assert!(pkcs1.starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
    for pem in [pkcs1.as_slice(), &key] {
        let material = Material::import(Some(Kind::GithubApp), pem).unwrap();
        assert_eq!(material.kind(), Kind::GithubApp);
        assert_eq!(*material.to_stored(), *key);
        assert!(material.public_key().is_none());
    }
    let other = Material::generate(Kind::Ed25519).unwrap().to_stored();
    assert!(Material::import(Some(Kind::GithubApp), &other).is_err());
    let message = Material::import(Some(Kind::GithubApp), b"planted").unwrap_err();
    assert_eq!(
        message.to_string(),
        "a secret of kind `github-app` must be an RSA key as PEM, as GitHub hands it out"
    );
}

#[test]
fn a_service_account_is_what_its_key_file_says() {
    let key = Material::generate_rsa(2048).unwrap().to_stored();
    let file = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut file = serde_json::json!({
            "type": "service_account", "project_id": "acme", "private_key_id": "01",
            "private_key": str::from_utf8(&key).unwrap(), "client_email": "robot@acme.example",
            "token_uri": "https://oauth2.googleapis.com/token",
        });
        change(&mut file);
        Material::import(Some(Kind::Gcp), file.to_string().as_bytes())
    };
    let material = file(&|_| {}).unwrap();
    let again = Material::import(Some(Kind::Gcp), &material.to_stored()).unwrap();
    assert_eq!(*again.to_stored(), *material.to_stored());
    let account = super::gcp::ServiceAccount::of(&material).unwrap();
    assert_eq!(*account.key().unwrap().to_stored(), *key);
    assert_eq!(account.client_email, "robot@acme.example");
    for (member, value, expected) in [
        ("type", "authorized_user", "`type` is not `service_account`"),
        ("private_key", "planted", "not an RSA key in PEM"),
        ("client_email", "two words", "has spaces in it"),
        ("token_uri", "", "is empty"),
        ("sudo", "1", "with nothing added"),
    ] {
        let message = file(&|file| file[member] = value.into())
            .unwrap_err()
            .to_string();
        assert!(message.contains(expected), "{member}: {message}");
        assert!(!message.contains("planted"));
    }
}
