use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use proptest::prelude::*;
use signed_note::{Note, StandardVerifier, VerifierList};

use super::{
    BadIdentity, Identity,
    file::{BEGIN, END},
};

#[test]
fn the_file_reads_back_as_the_same_identity() {
    let identity = Identity::generate("vault.example.com").unwrap();
    let text = identity.to_pem();
    let again = Identity::from_pem(text).unwrap();
    assert_eq!(again.to_pem(), text);
    assert_eq!(again.origin(), "vault.example.com");
    assert_eq!(again.thumbprint(), identity.thumbprint());
    assert_eq!(again.checkpoint_vkey(), identity.checkpoint_vkey());
    assert_eq!(again.tls_public(), identity.tls_public());
    assert!(
        identity
            .answer_public()
            .verify(b"x", &again.sign_answer(b"x"))
    );
    // Stock PEM readers pass over the comments.
    assert_eq!(pem::parse_many(text.as_bytes()).unwrap().len(), 3);
}

#[test]
fn no_two_keys_are_the_same() {
    let identity = Identity::generate("a").unwrap();
    assert_ne!(
        identity.sign_answer(b"x"),
        identity.checkpoint_signer().sign(b"x").unwrap()
    );
    let tls =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, identity.tls_pkcs8()).unwrap();
    let random = aws_lc_rs::rand::SystemRandom::new();
    let signature = tls.sign(&random, b"x").unwrap();
    assert!(identity.tls_public().verify(b"x", signature.as_ref()));
}

#[test]
fn notes_verify_with_the_standard_verifier() {
    let identity = Identity::generate("vault.example.com/log").unwrap();
    let mut note = Note::new(b"vault.example.com/log\n1\nAAAA\n", &[]).unwrap();
    let signer: Box<dyn signed_note::Signer> = identity.checkpoint_signer();
    note.add_sigs(&[&*signer]).unwrap();
    let verifier = StandardVerifier::new(&identity.checkpoint_vkey()).unwrap();
    let note = Note::from_bytes(&note.to_bytes()).unwrap();
    let (verified, _) = note
        .verify(&VerifierList::new(vec![Box::new(verifier)]))
        .unwrap();
    assert_eq!(verified.len(), 1);
}

#[test]
fn a_damaged_file_says_what_is_wrong() {
    let identity = Identity::generate("a").unwrap();
    let text = identity.to_pem();
    let problem = |text: &str| Identity::from_pem(text).unwrap_err();
    assert_eq!(problem(""), BadIdentity::Missing("origin"));
    assert_eq!(
        problem("# origin: a\n"),
        BadIdentity::Missing("key for answers")
    );
    assert_eq!(
        problem(&text.replace("checkpoints", "x")),
        BadIdentity::Missing("key for checkpoints")
    );
    let swapped = text.replace("purpose: tls", "purpose: answers");
    assert_eq!(problem(&swapped), BadIdentity::Damaged("answers"));
    assert!(matches!(
        problem(&text.replace("origin: a", "origin: a b")),
        BadIdentity::Origin(_)
    ));
    for origin in ["", "a b", "a+b", "ä", "a\nb"] {
        assert!(Identity::generate(origin).is_err(), "{origin}");
    }
}

#[test]
fn debug_shows_no_key() {
    let identity = Identity::generate("a").unwrap();
    let shown = format!("{identity:?}");
    assert!(
        shown.contains(identity.thumbprint().as_str()) && shown.len() < 120,
        "{shown}"
    );
}

proptest! {
    #[test]
    fn no_text_panics(text: String, lines in proptest::collection::vec(
        proptest::sample::select(&["# origin: a", "# purpose: answers", BEGIN, END, "AAAA", "é"][..]), 0..12)) {
        _ = Identity::from_pem(&text);
        _ = Identity::from_pem(&lines.join("\n"));
    }
}
