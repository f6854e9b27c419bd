//! Keys out of RFCs: published, so that they are nobody's secret, and the same on every machine.

/// RFC 9421 appendix B.1.4, `test-key-ed25519`: the service `atlas`.
pub const ATLAS: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;

/// Its private half.
pub const ATLAS_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF
-----END PRIVATE KEY-----
";

/// RFC 9421 appendix B.1.3, `test-key-ecc-p256`: `atlas` too.
pub const ATLAS_P256: &str = r#"{"kty":"EC","crv":"P-256","x":"qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA","y":"Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"}"#;

/// RFC 8032 section 7.1, test 2: the suspended service `borg`.
pub const BORG: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;

/// An agent: RFC 8032 section 7.1, tests 1 and 3, and RFC 9421's key on P-256.
pub const IDENTITY: &str = "\
# Private keys of a Strongroom agent: they prove who answers, and open nothing.
# origin: vault.example.com
# purpose: answers
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
# purpose: checkpoints
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIMWqjfQ/n4N77bdELzHct7Fm04U1B28JS4XOOi4LRFj3
-----END PRIVATE KEY-----
# purpose: tls
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgUpuF81l+kOxbjf7T
4mNSv0r5tN67Gim7rnf6EFpcYDuhRANCAASohVhlUsKs9kcYeM/XsJNbT/4P0t/D
QSSOoXvEHgWK8DHOJzfS0wzgYX6FHoPGHvVnnRUYZ2V2SQNdkKdM2ehd
-----END PRIVATE KEY-----
";

/// RFC 8032 section 7.1, test 1024: an owner key, as C2SP signed-note writes them.
pub const OWNER: &str = "strongroom-owner+cc2b28e9+ASeBF/wUTHI0D2fQ8jFug4bO/78rJCjJxR/vfFl/HUJu";

/// Its private half.
pub const OWNER_PRIVATE: &str =
    "PRIVATE+KEY+strongroom-owner+cc2b28e9+AfXldnzxUzGVF2MPImh2uGyBYMxYO8ATdExr8lX1zA7l";

/// Its private half once more, as the root of a vault has it.
pub const OWNER_SEED: &str = "9eV2fPFTMZUXYw8iaHa4bIFgzFg7wBN0TGvyVfXMDuU=";

/// The age identity of 32 times the byte 42, as age's own documentation has it.
pub const AGE: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// 2026-01-01T00:00:00Z.
pub const NOW: i64 = 1_767_225_600;
