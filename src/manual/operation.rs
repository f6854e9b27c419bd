//! What can be asked for: each operation's input, its result, and what policy sees of it.
//!
//! Binary is standard base64 with padding. Fields that are not in a table are refused. Every
//! result has `version`, the version of the secret that was used.
//!
//! | kind | operations |
//! | --- | --- |
//! | `ed25519` | `public-key`, `sign`, `token`, `ssh-sign`, `ssh-certificate`, `release` |
//! | `p256` | `public-key`, `sign`, `token`, `ssh-sign`, `ssh-certificate`, `release` |
//! | `p384` | `public-key`, `sign`, `release` |
//! | `rsa` | `public-key`, `sign`, `token`, `ssh-sign`, `ssh-certificate`, `release` |
//! | `hmac` | `mac`, `verify-mac`, `release` |
//! | `aes256` | `encrypt`, `decrypt`, `data-key`, `release` |
//! | `token` | `http`, `release` |
//! | `basic` | `http`, `release` |
//! | `aws` | `http`, `aws-sign`, `token`, `release` |
//! | `oauth2` | `http`, `token`, `release` |
//! | `mtls` | `http`, `release` |
//! | `github-app` | `token`, `release` |
//! | `gcp` | `token`, `release` |
//! | `totp` | `totp`, `release` |
//! | `opaque` | `release` |
//!
//! What makes something new (`sign`, `mac`, `encrypt`, `release`) uses the current version: the
//! newest that is not retired. What reads something old (`verify-mac`, `decrypt`, `public-key`)
//! may name a `version`. A retired version does nothing any more, but its public key can still be
//! had, because old signatures have to be verified.
//!
//! An operation that the kind does not have, or an input that does not fit the key, is refused
//! with 422 before anything is recorded as a use ([`Operation::suits`]).
//!
//! # `public-key`
//!
//! | input | |
//! | --- | --- |
//! | `format` | `pem` (SPKI, the default), `ssh` or `jwk` |
//! | `version` | a number from 1 on; the current one if left out |
//!
//! Result: `public_key` (a string, or an object for `jwk`), `format`, `thumbprint` (RFC 7638),
//! and `algorithm` unless the key is RSA, which signs with several. Policy sees `format` and, if
//! it is named, `version`.
//!
//! # `sign`
//!
//! | input | |
//! | --- | --- |
//! | `message` or `digest` | one of the two; a digest has the length of the algorithm's hash |
//! | `algorithm` | one that the kind has; the first of them if left out |
//! | `encoding` | for ECDSA: `der` (the default) or `raw` (r and s in a row) |
//!
//! | kind | algorithms | digest |
//! | --- | --- | --- |
//! | `ed25519` | `Ed25519` | none: messages only |
//! | `p256` | `ES256` | SHA-256 |
//! | `p384` | `ES384` | SHA-384 |
//! | `rsa` | `PS256`, `PS384`, `PS512`, `RS256`, `RS384`, `RS512` | SHA-256, -384, -512 |
//!
//! The names are those of JOSE (RFC 7518, RFC 9864); `PS…` is RSASSA-PSS with a salt as long as
//! the hash, `RS…` is PKCS#1 v1.5. Result: `signature`, `algorithm`, and `encoding` for ECDSA.
//! Policy sees `input` (`message` or `digest`), `size`, `algorithm`, and `encoding` for ECDSA,
//! also where the caller left the choice to the key.
//!
//! Who sends a digest vouches for it: the agent can't know what was hashed. A policy may demand
//! `context.sign.input == "message"`.
//!
//! # `mac`
//!
//! | input | |
//! | --- | --- |
//! | `message` | needed |
//! | `algorithm` | `HS256` (the default), `HS384` or `HS512` |
//!
//! Result: `mac`, never truncated, and `algorithm`. Policy sees `algorithm` and `size`.
//!
//! # `verify-mac`
//!
//! `message`, `algorithm` and `version` as above, and `mac`, the one to check. Result: `valid`,
//! `true` or `false`; compared in constant time. Policy sees `algorithm`, `size` and, if it is
//! named, `version`.
//!
//! # `encrypt`
//!
//! | input | |
//! | --- | --- |
//! | `plaintext` | needed |
//! | `aad` | additional authenticated data, at most 16 KiB; policy and the audit log see all of it |
//!
//! AES-256-GCM. Result: `ciphertext`, `iv` (12 bytes, random, chosen here), `tag` (16 bytes).
//! Keep the `version` of the result with them. Policy sees `size` and `aad`.
//!
//! Random IVs are safe for 2³² encryptions by one version (NIST SP 800-38D section 8.3). The audit
//! log counts `encrypt` and `data-key` in the transaction that records them: the owner is told
//! halfway, and past 2³² − 1 they are refused (422, `used-up` in the log) until the secret is
//! rotated. `decrypt` goes on. What a key encrypted elsewhere before it was put in, nobody counted.
//!
//! # `decrypt`
//!
//! `ciphertext`, `iv` and `tag` are needed; `aad` and `version` as they were. The result has
//! `plaintext`, and is sealed to `reply_to`. Nothing is said of why something does not decrypt.
//! Policy sees `size`, `aad` and, if it is named, `version`.
//!
//! # `data-key`
//!
//! Envelope encryption.
//!
//! # `http`
//!
//! A request to a provider.
//!
//! # `aws-sign`
//!
//! One signed AWS request.
//!
//! # `token`
//!
//! A short-lived credential.
//!
//! # `ssh-sign`
//!
//! An SSH signature.
//!
//! # `ssh-certificate`
//!
//! An SSH certificate.
//!
//! # `totp`
//!
//! A one-time code.
//!
//! # `release`
//!
//! No input. The result has `value`, the secret itself as it is stored (PKCS#8 PEM for key pairs),
//! and is sealed to `reply_to`. Only for secrets that the owner marked releasable, and always an
//! urgent notification: it is the exception. Policy sees that it is `release`, and no fields.
//!
//! [`Operation::suits`]: crate::operation::Operation::suits
