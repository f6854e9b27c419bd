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
//! What makes something new (`sign`, `mac`, `encrypt`, `ssh-sign`, `release`, …) uses the current version: the
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
//! Random IVs are safe for 2³² encryptions by one version (NIST SP 800-38D section 8.3). The
//! agent does not count them: rotate the secret in time.
//!
//! # `decrypt`
//!
//! `ciphertext`, `iv` and `tag` are needed; `aad` and `version` as they were. The result has
//! `plaintext`, and is sealed to `reply_to`. Nothing is said of why something does not decrypt.
//! Policy sees `size`, `aad` and, if it is named, `version`.
//!
//! # `data-key`
//!
//! | input | |
//! | --- | --- |
//! | `size` | 16, 32 (the default) or 64: the length of the data key in bytes |
//! | `aad` | as in `encrypt`; needed again to open it |
//!
//! Envelope encryption: encrypt data of any size with `plaintext`, keep `ciphertext`, `iv`, `tag` and
//! `version` beside it, and forget `plaintext`; `decrypt` opens it again. The result has all of them,
//! and is sealed to `reply_to`. Whoever decrypts the data later needs a permit to `decrypt`, and each
//! time is in the audit log; what is done with an opened data key is not. A data key counts as one
//! encryption by this version of the secret. Policy sees `size` and, if it is there, `aad`.
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
//! | input | |
//! | --- | --- |
//! | `message` or `digest` | one of the two; a digest has the length of the hash |
//! | `namespace` | what the signature is for: `git`, `file`, … (1 to 255 printable ASCII characters) |
//! | `hash` | `sha512` (the default) or `sha256` |
//!
//! An SSH signature (SSHSIG, OpenSSH's `PROTOCOL.sshsig`), as `ssh-keygen -Y sign` makes it and
//! `ssh-keygen -Y verify` checks it; RSA keys sign `rsa-sha2-512`. Result: `signature`, armored text,
//! `namespace` and `hash`. Policy sees `namespace`, `hash`, `input` (`message` or `digest`) and `size`.
//!
//! Nothing is signed for SSH with a key whose binding does not name the namespace:
//!
//! ```json
//! {"ssh": {"sign": {"namespaces": ["git"]}}}
//! ```
//!
//! | `ssh.sign` | |
//! | --- | --- |
//! | `namespaces` | at least one; compared exactly |
//! | `hashes` | both if left out |
//!
//! git signs with it: `gpg.format` is `ssh`, `user.signingkey` the public key, and `gpg.ssh.program`
//! a script that calls `strongroom request ssh-sign KEY --namespace git --message-file FILE --out
//! FILE.sig` when its second argument is `sign`, and else `ssh-keygen` with all arguments.
//!
//! A key whose binding has a section `ssh` and no section `sign` does not [`sign`](#sign) any more:
//! what is signed there could be a signature in another namespace, or a certificate. Name the
//! algorithms in `sign` if that is meant.
//!
//! # `ssh-certificate`
//!
//! | input | |
//! | --- | --- |
//! | `public_key` | the key to certify, as an OpenSSH line; its private half stays with the caller |
//! | `principals` | 1 to 64 names, each once: who the holder may log in as |
//! | `lifetime` | in seconds |
//! | `key_id` | what `sshd` logs; the serial number if left out |
//! | `critical_options` | an object: `force-command`, `source-address`, `verify-required` (its value is `""`) |
//! | `extensions` | a list, such as `permit-pty`; none if left out |
//!
//! An SSH user certificate (OpenSSH's `PROTOCOL.certkeys`). It begins 60 seconds before the request,
//! because clocks differ, and ends `lifetime` seconds after it; `sshd` refuses it from then on. RSA
//! authorities sign `rsa-sha2-512`. Host certificates, and certificates without a principal, which
//! would be good for every user, are not made.
//!
//! Result: `certificate` (a line, for `CertificateFile`), `serial` (a number of 64 bits, as text),
//! `key_id`, `valid_after` and `valid_before` (RFC 3339). It is not sealed: a certificate is public.
//!
//! Policy sees, and the audit log keeps, what will stand in the certificate: `principals`,
//! `lifetime`, `key_id` (with the binding's prefix), `critical_options` (the binding's and the
//! caller's), `extensions`, `serial`, and of the certified key `public_key`, its fingerprint
//! (`SHA256:…`), and `key_type` (`ssh-ed25519`, …). The serial number is random and drawn before the
//! entry is written. So a certificate can be revoked by what the log says (`RevokedKeys`, `ssh-keygen
//! -k`); with short lifetimes that is rarely needed.
//!
//! ```cedar
//! permit (
//!     principal == Service::"atlas",
//!     action == Action::"ssh-certificate",
//!     resource == Secret::"ssh-ca"
//! )
//! when {
//!     ["deploy", "backup"].containsAll(context.ssh_certificate.principals) &&
//!     context.ssh_certificate.lifetime <= 600 &&
//!     context.ssh_certificate.critical_options.hasTag("source-address")
//! };
//! ```
//!
//! No key certifies anything unless its binding makes it an authority:
//!
//! ```json
//! {"ssh": {"certificate": {
//!     "principals": ["deploy", "web-*"],
//!     "max_lifetime": 3600,
//!     "critical_options": {"source-address": "10.0.0.0/8"},
//!     "extensions": ["permit-pty"],
//!     "key_id_prefix": "strongroom:"
//! }}}
//! ```
//!
//! | `ssh.certificate` | |
//! | --- | --- |
//! | `principals` | at least one; in a pattern `*` stands for any text |
//! | `max_lifetime` | in seconds, at most 86400: a day |
//! | `critical_options` | in every certificate; a caller can't change them, but may narrow `source-address`, and add those that are not there, because each only narrows |
//! | `extensions` | those that a caller may ask for; none if left out |
//! | `key_types` | the types that are certified, by their SSH names; if left out Ed25519 and ECDSA on P-256, both also in a FIDO token (`sk-…`), ECDSA on P-384, and RSA |
//! | `min_rsa_bits` | 3072 if left out |
//! | `key_id_prefix` | what every key id begins with; nothing if left out |
//!
//! A key with `ssh.certificate` and no `ssh.sign` makes no SSH signatures, and the other way round; it
//! does both if its owner writes both. Servers trust the authority by its public key:
//! `TrustedUserCAKeys` in `sshd_config`.
//!
//! # `totp`
//!
//! No input. The code (RFC 6238) of the period in which the agent received the request. The result has
//! `code`, a string of digits, and `valid_until`, when the period ends (RFC 3339); it is sealed to
//! `reply_to`. Ask again after that for another one: a verifier takes each code once. Policy sees that
//! it is `totp`, and no fields.
//!
//! A secret of kind `totp` is a base32 seed, in groups and in either case as providers show it (SHA-1,
//! six digits, 30 seconds), or an `otpauth://totp/…` URI, which also says `algorithm` (`SHA1`,
//! `SHA256`, `SHA512`), `digits` (6 to 8) and `period` (15 to 120 seconds). It is kept as such a URI,
//! so `strongroom secret reveal` prints what a phone or another program imports: that is how a seed
//! made by `strongroom secret generate --kind totp` (160 bits) is enrolled.
//!
//! # `release`
//!
//! No input. The result has `value`, the secret itself as it is stored (PKCS#8 PEM for key pairs),
//! and is sealed to `reply_to`. Only for secrets that the owner marked releasable, and always an
//! urgent notification: it is the exception. Policy sees that it is `release`, and no fields.
//!
//! [`Operation::suits`]: crate::operation::Operation::suits
