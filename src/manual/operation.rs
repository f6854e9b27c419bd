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
//! The agent sends an HTTPS request with the secret attached, and gives back the answer. Where it
//! goes and how the secret is attached is the secret's [binding](super::binding#http); without
//! one no request is sent.
//!
//! | input | |
//! | --- | --- |
//! | `method` | `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS` |
//! | `path` | below the binding's base URL; begins with `/`; percent-encoded or plain text |
//! | `query` | an object of strings, in plain text: each name once |
//! | `headers` | an object of strings; which ones is the binding's to say |
//! | `body` | any JSON |
//! | `form` | instead: an object of strings, sent as `application/x-www-form-urlencoded` |
//! | `body_base64` | instead: any other bytes, with their type in `headers` as `content-type` |
//!
//! A body has at most 10 MiB; `GET` and `HEAD` have none.
//!
//! Result: `status`, `headers` (an object; each name with the array of its values), and the body:
//! `body`, as JSON where the answer's media type says that it is (with all digits of its numbers,
//! and nested at most 100 deep), else as a string; or `body_base64` if it is no UTF-8; or neither
//! if it is empty. A redirect is an answer like any other: it is not followed.
//!
//! **What policy sees is what is sent.** The path is brought into its one spelling first (RFC 3986,
//! section 6.2.2: what need not be encoded is not, hexadecimal digits are upper-case), and policy
//! sees that spelling, from the root of the host; `;` and `+` stay as they are written, since some
//! servers read them differently when they are encoded. Refused is what servers are known to read
//! differently from each other: dot segments, empty segments (`//`), backslashes, encoded slashes,
//! `?` and `#` in a path, control characters, what is no UTF-8, and all of that also where it is
//! encoded several times over. Path and query have at most 8192 bytes each. JSON and forms are
//! written by the agent from what it read: a repeated member is one, the last; numbers are 64-bit
//! integers or IEEE 754 doubles, so send others as strings. A member `_method`, which some
//! frameworks take for the method, is refused.
//!
//! Policy sees `method`, `host` (with the port, if it is not the scheme's own), `path`, `query`
//! (`context.http.query.getTag("force")`), `headers` (what `allow_headers` lets a caller set, by
//! names in lower case), `body` (what is at the binding's `body_fields`), `size`
//! of the body in bytes, and `content_type` if there is a body.
//!
//! **The credential does not come back.** It is looked for in names and values of headers and in
//! the body: as it is, as it was sent (`Bearer …`, `Basic …`), as base64 (standard or URL-safe, also
//! inside a longer text, at each place where it may begin, and wrapped), as hexadecimal digits, and
//! all of this also with percent, JSON, JavaScript or HTML escapes, mixed, partial, and up to three
//! times over. `[credential]` stands in its place; a header with it in its name is left out; the
//! outcome's entry says that it was there. Of `user:password` both parts are looked for, and the
//! user name not if the binding says `public_user`. A text of fewer than 8 bytes is looked for only
//! in what it was sent in: give a provider's secrets more. An answer with a `Content-Encoding` can't
//! be searched (none is asked for), and is refused: `bad-answer`.
//!
//! The answer's headers that belong to one connection are left out, and so is `set-cookie`: a
//! session that was opened with the credential is a credential.
//!
//! Every request has a second entry before it is answered: `answered` with the provider's status,
//! whatever that is, or how it failed. A provider that can't be reached, or whose answer can't be
//! used, is 502; one that does not answer in time is 504.
//!
//! # `aws-sign`
//!
//! Signature Version 4 for one request that the caller sends itself, or a presigned URL for whoever
//! is given it. What may be signed for is the binding's section [`aws`](super::binding#aws); without
//! it nothing is.
//!
//! | input | |
//! | --- | --- |
//! | `service`, `region` | needed; by their names in signatures: `s3`, `eu-west-1` |
//! | `method` | `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS` |
//! | `url` | `https://host/path?query`, percent-encoded; a space in the query is `%20`, a plus `%2B` |
//! | `host`, `path`, `query` | instead: `path` percent-encoded (`/` if left out), `query` an object of strings in plain text |
//! | `headers` | an object of strings; all of them are signed |
//! | `body` or `body_sha256` | the body, or its SHA-256 in hexadecimal digits, or, for S3, `UNSIGNED-PAYLOAD`; without either the body is empty |
//! | `presign` | `{"expires": 300}`: a URL that is good for so many seconds, at most 604800 and at most what the binding allows |
//!
//! Result: `url`, and `headers` to send with it beside those of the input (`authorization`,
//! `x-amz-date`, and where they are needed `x-amz-content-sha256` and `x-amz-security-token`); for a
//! presigned URL `expires` (RFC 3339) in place of `headers`. The time is the agent's.
//!
//! It is always sealed to `reply_to`. A signature is good for whoever has it, for 15 minutes or as
//! long as the URL says. And a key of the owner's may be a temporary one, with a session token, which
//! is a secret and goes with every signature: a caller sees no change when the owner moves from one
//! to the other.
//!
//! **What policy sees is what is signed.** The request is brought into one spelling first, in which
//! every byte of path and query is percent-encoded that is not unreserved (RFC 3986, section 2.3),
//! and `url` has that spelling: send it as it is. As AWS reads them, paths of S3 (`s3`, `s3express`,
//! `s3-outposts`, `s3-object-lambda`) stay as they are and are signed as they are sent, where dot
//! segments and encoded slashes are refused; paths of other services are normalised (dot segments
//! and empty segments go away) and encoded once more for the signature. Names in the query and in the
//! headers stand there once. Refused are headers that change on the way or belong to one connection
//! (`user-agent`, `transfer-encoding`, …), those that hold a secret (`cookie`, the customer's keys of
//! S3's encryption), and what signing adds.
//!
//! Policy sees `service`, `region`, `method`, `host` (with the port, if it is not the scheme's own),
//! `path`, `query` and `headers` (as plain text, by name), `presigned`, with `expires` if it is,
//! `unsigned_payload` (the body may be any: always so for presigned URLs of S3), and `action` where
//! it can be seen: the parameter `Action` of the query or of a form in `body`, or the header
//! `x-amz-target`; a request with two of them is refused. A caller that sends `body_sha256` hides a
//! form, so permit by `action`, and do not forbid by it:
//!
//! ```text
//! permit (principal == Service::"atlas", action == Action::"aws-sign", resource == Secret::"aws/prod")
//! when { context.aws_sign.service == "s3" && context.aws_sign.method == "GET" &&
//!   context.aws_sign.host == "builds.s3.eu-west-1.amazonaws.com" && context.aws_sign.path like "/nightly/*" };
//! ```
//!
//! A signature holds for its service and region whatever the host's name leads to, and S3 takes the
//! bucket from the host or from the path: look at both.
//!
//! # `token`
//!
//! A short-lived credential, made or fetched within the secret's binding, and sealed to `reply_to`.
//! The binding's section `token` says what is issued; without one nothing is.
//!
//! | input | for | |
//! | --- | --- | --- |
//! | `audience` | `jwt`, `oauth2`, `gcp` | whom it is for; may be left out where the binding allows one only |
//! | `subject` | `jwt` | the claim `sub`; may be left out where the binding names one |
//! | `claims` | `jwt` | texts for the claims that the binding lets a caller set |
//! | `lifetime` | `jwt`, `aws` | seconds; as long as the binding allows if left out |
//! | `scopes` | `oauth2`, `gcp` | fewer than the binding allows; all of them if left out |
//! | `role`, `session` | `aws` | the ARN of a role and the name of the session; may be left out where the binding allows one only |
//! | `installation` | `github-app` | its number; may be left out where the binding allows one only |
//! | `repositories`, `permissions` | `github-app` | fewer than the binding allows; all of them if left out |
//!
//! Result, sealed: `token`, `type` (what is issued, as the binding's section has it), `expires`
//! (RFC 3339) and what the issuer says of it: `token_type` and `scope` (OAuth 2, Google access
//! tokens), `permissions` and `repositories` (GitHub). Policy sees `type`, `issuer`, `audience`,
//! `subject`, `scopes`, `claims`, `lifetime`, `installation`, `repositories` and `permissions` as
//! they will be in it, or as they will be asked for: also where the caller left them to the binding.
//! What a provider gives beyond what it was asked for is not handed out, and no more is what it made
//! good for longer than `max_lifetime`.
//!
//! Every token has a second entry before it is answered, with `expires`: `issued`, or how it failed.
//! A provider that refuses (`refused`) is quoted with the error code that RFC 6749 gives it, and with
//! nothing else that it says.
//!
//! ## JSON Web Tokens
//!
//! Of kinds `ed25519`, `p256` and `rsa`:
//!
//! ```json
//! {"token": {"jwt": {"issuer": "https://ci.example", "audience": ["api.example"], "subject": ["robot", "ci-*"],
//!   "claims": {"tenant": "acme"}, "allow": {"env": ["prod", "test-*"]}, "max_lifetime": 900}}}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `issuer` | the claim `iss` |
//! | `audience` | what a caller may ask for as `aud`; with `[]` there is no such claim |
//! | `subject` | what a caller may ask for as `sub`: `*` stands for any text, `\*` for a star; the one without a star is taken if none is asked for |
//! | `claims` | claims that are the same in every token, any JSON |
//! | `allow` | claims that a caller may set, each with the texts that it may have |
//! | `max_lifetime` | seconds, at most 86400 |
//! | `algorithm` | `EdDSA`, `ES256`, `RS256` (of an RSA key, unless `PS256` is named) |
//! | `key_id`, `typ` | the header's `kid` (the RFC 7638 thumbprint if left out) and `typ` (`JWT`) |
//!
//! `iat` and `nbf` are when the agent received the request, `jti` is random. None of the registered
//! claims can be set by anybody else. Verifiers get the public key with `public-key`.
//!
//! ## OAuth 2
//!
//! Of kind `oauth2`: JSON with `client_id`, and `client_secret`, `refresh_token` or both.
//!
//! ```json
//! {"token": {"oauth2": {"endpoint": "https://login.example/oauth/token", "grant": "refresh_token",
//!   "scopes": ["read", "write"], "max_lifetime": 3600}}}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `endpoint` | the token endpoint, like the base URL of [`http`](#http) |
//! | `path` | what stands behind its path: `/` for an endpoint that ends with a slash |
//! | `grant` | `client_credentials` (RFC 6749, section 4.4) or `refresh_token` (section 6) |
//! | `authentication` | `basic` (the default) or `post`; a client without a secret only says its id |
//! | `scopes` | what may be asked for; without any, no `scope` is sent |
//! | `resource` or `audience` | what may be asked for as that parameter (RFC 8707) |
//! | `max_lifetime` | seconds; a token that is good for longer is not handed out |
//! | `documented_lifetime` | seconds, where the provider documents them and does not answer them |
//!
//! A refresh token that the provider gives in place of the old one is stored as the secret's next
//! version before the access token is used for anything. If that fails, the outcome is `not-kept`,
//! an urgent notification: the grant may be lost. Uses of one secret that exchange its refresh token
//! take turns, and each works with the version that is current when its turn comes; the outcome
//! names it. A value that the owner put in meanwhile counts, and is not replaced. `strongroom lock`
//! does not wait for an exchange: the outcome is `cut-off`, and what the provider gave in it is lost.
//!
//! With `http`, the agent fetches an access token for all scopes of the binding and attaches it. It
//! uses it again until 30 seconds before it expires, keeps it sealed in memory only while the vault
//! is unlocked, and forgets it when the provider answers 401, or when the secret has a new value or
//! binding.
//!
//! ## GitHub Apps
//!
//! Of kind `github-app`: the App's private key, PEM as GitHub hands it out.
//!
//! ```json
//! {"token": {"github-app": {"app": "Iv1.8a61f9b3a7aba766", "installations": [42], "repositories": ["web"],
//!   "permissions": {"contents": "read"}}}}
//! ```
//!
//! `app` is the App's client id or number, `endpoint` the API where it is not
//! `https://api.github.com`. Without `repositories` or `permissions`, a token has what the
//! installation has, and a caller may ask for fewer.
//!
//! ## Google Cloud service accounts
//!
//! Of kind `gcp`: the JSON key file as Google hands it out.
//!
//! ```json
//! {"token": {"gcp": {"scopes": ["https://www.googleapis.com/auth/devstorage.read_only"], "audience": ["https://run.example"]}}}
//! ```
//!
//! A caller that names an `audience` gets an ID token for it, and otherwise an access token with
//! `scopes`. `endpoint` is the token endpoint where it is not `https://oauth2.googleapis.com/token`;
//! a key file whose `token_uri` is another one is not used.
//!
//! ## Temporary credentials of AWS
//!
//! Of kind `aws`: an access key, as JSON (`access_key_id`, `secret_access_key` and perhaps
//! `session_token`), as `aws iam create-access-key` prints it, or as one profile of a credentials
//! file.
//!
//! ```json
//! {"token": {"aws": {"region": "eu-west-1", "roles": ["arn:aws:iam::123456789012:role/deploy"],
//!   "session": "deploy-*", "external_id": "acme-42", "max_lifetime": 3600}}}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `region` | whose Security Token Service is asked, at `https://sts.REGION.amazonaws.com` or at `endpoint` |
//! | `roles` | the ARNs of the roles that may be assumed (`AssumeRole`); the only one is taken if none is asked for. Without any, the credentials are the key's own (`GetSessionToken`) |
//! | `session` | what a caller may ask for as the session's name: `*` stands for any text; one without a star is taken if none is asked for; `strongroom` if left out |
//! | `external_id` | what the role's trust policy asks for |
//! | `policy` | a session policy as JSON, at most 2048 characters: the credentials have no more rights than it gives |
//! | `max_lifetime` | seconds, from 900 on; for a role at most 43200 |
//!
//! Result: `access_key_id`, `secret_access_key`, `session_token`, `type` (`aws`) and `expires`.
//! Policy sees `region` and `lifetime`, and of a role `role` and `session`. A refusal is quoted with
//! the code of the error, if it is one that AWS documents.
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
//! Nothing is signed for SSH with a key whose binding does not name the namespace
//! ([`ssh.sign`](super::binding#ssh)).
//!
//! git signs with it: `gpg.format` is `ssh`, `user.signingkey` the public key, and `gpg.ssh.program`
//! a script that calls `strongroom request ssh-sign KEY --namespace git --message-file FILE --out
//! FILE.sig` when its second argument is `sign`, and else `ssh-keygen` with all arguments.
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
//! No key certifies anything unless its binding makes it an authority, and says for whom and for how
//! long at most ([`ssh.certificate`](super::binding#ssh)). Servers trust it by its public key:
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
