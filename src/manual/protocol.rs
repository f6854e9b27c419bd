//! The wire protocol: a signed POST, and a signed answer. Only standards; nothing invented.
//!
//! # Paths
//!
//! | path | method | for |
//! | --- | --- | --- |
//! | `/v1/access` | POST | using a secret: this page |
//! | `/v1/access/result` | POST | collecting what [waited](#waiting-for-an-approval) |
//! | `/v1/access/cancel` | POST | giving it up |
//! | `/v1/approval` | POST | handing in what an [approver](super::approval) signed |
//! | `/v1/agent` | GET | who answers here: `name`, `version`, `thumbprint`, `keys`, `unlocked` |
//! | `/healthz` | GET | 200: the process is alive |
//! | `/readyz` | GET | 200: unlocked, not suspended as a whole, and entries become durable; else 503 |
//!
//! The same API is served over TLS 1.3 (HTTP/1.1 or HTTP/2; with client certificates if the owner
//! wants them) and over the local socket, which also has `/v1/admin` for the owner's own command.
//! `strongroom openapi` prints all of it as an OpenAPI document. TLS is for privacy; authority
//! comes from request signatures alone.
//!
//! `keys` in `/v1/agent` has `answer`, the key that answers are signed with, as a JWK, and
//! `checkpoint`, the audit log's key, as a C2SP verifier key. Take them over a connection that
//! you trust, or from the owner, once, and keep them.
//!
//! # The request
//!
//! The body is one JSON object. Members that are not in this table are refused.
//!
//! | member | | |
//! | --- | --- | --- |
//! | `agent` | needed | the thumbprint of the agent's key for answers: whom the request is meant for |
//! | `secret` | needed | the [name](crate::name::Name) of a secret or an alias |
//! | `operation` | needed | see [`operation`](super::operation) |
//! | `input` | | the operation's input; left out or `null` where it has none |
//! | `purpose` | | why, in one line of at most 512 characters; policies may demand it |
//! | `ticket` | | under which ticket, in one line of at most 128 characters |
//! | `reply_to` | for `decrypt` and `release` | an age X25519 recipient, `age1…` |
//!
//! The audience is `agent` and not the host name, so that relays and load balancers may rewrite
//! the host.
//!
//! # The request's signature
//!
//! HTTP Message Signatures (RFC 9421) in a strict profile; parsing is [`Request::parse`]. One
//! signature counts, the one labelled `strongroom`. Others may be there and are not looked at.
//!
//! It covers at least `@method`, `@path`, `content-type` and `content-digest`, in any order. More
//! may be covered: `@query`, `@authority`, other fields, and members of dictionary fields (`key`).
//! What can't be rebuilt without a guess, such as `@target-uri` or the parameter `sf`, is refused.
//!
//! All six parameters are needed, in any order, and no others may be there:
//!
//! | parameter | |
//! | --- | --- |
//! | `created` | seconds since 1970; at most 60 s ahead of the agent's clock |
//! | `expires` | 1 to 300 s after `created`, and not over |
//! | `nonce` | 22 to 128 characters, at least 16 random bytes in base64url or hexadecimal; never used twice by one service |
//! | `keyid` | the RFC 7638 thumbprint of the service's key (SHA-256, base64url) |
//! | `alg` | `ed25519` or `ecdsa-p256-sha256`, and the one that the key is for |
//! | `tag` | `strongroom` |
//!
//! `content-digest` is that of RFC 9530 with `sha-256`; other algorithms may stand beside it.
//! `content-type` is `application/json`. ECDSA signatures are r and s in a row, as RFC 9421 has
//! them, and not ASN.1.
//!
//! The agent looks at the audience first, then at the times, then for the key, then at the
//! algorithm, and last at the signature. That the nonce is new shows only when the request is
//! recorded.
//!
//! # Limits
//!
//! | what | default | in `agent.toml` |
//! | --- | --- | --- |
//! | body, for every operation but `http` | 1 MiB, which is also the most | `limits.body` |
//! | body, for `http` | 14 MiB (10 MiB in base64 and what is around it), which is also the most | `limits.large_body` |
//! | bodies of more than 64 KiB and providers' answers, of all requests together | 256 MiB | `limits.held` |
//! | header fields | 16 KiB | `limits.headers` |
//! | connections over TLS | 1024 | `limits.connections` |
//! | TLS handshake, arrival of the header fields | 10 s | `limits.first_byte_seconds` |
//! | a whole request, until its key is used; and a large answer, until it is taken | 30 s | `limits.request_seconds` |
//! | a provider, all calls of one request together | 300 s, and 30 s for each call | the binding's `timeout_seconds` |
//! | requests that wait for an approval | 16 of one service, 256 in all, each at most 1 MiB | |
//! | how long one waits | 3600 s | `approvals.expire_seconds` |
//! | calls that are held for an approval | 256, each at most 120 s | `limits.waiting` |
//! | body, for a call about what waits | 4 KiB | |
//! | body, for a signed decision | 64 KiB; 1 MiB over the local socket | |
//! | HTTP/2 streams of one connection | 64 | |
//! | covered components | 32 | |
//!
//! More than 64 KiB of a body is read only when the fields before it show an enrolled service's
//! signature: what is signed includes the digest of the body. So a request that nobody signed, or
//! an unknown key, is refused before its body has arrived, and uses up none of `limits.held`. Where
//! that is used up the answer is 429, and the body is not kept.
//!
//! # The answer
//!
//! | member | |
//! | --- | --- |
//! | `result` | what came of the operation |
//! | `sealed` | in place of `result` for `decrypt`, `data-key`, `aws-sign`, `token`, `totp` and `release`: an age file, in ASCII armor, to `reply_to`, that holds the result |
//! | `entry` | the line of the audit log that was durable before the key was used |
//! | `receipt` | a C2SP tlog-proof that the line is in the log |
//!
//! [`log_format`](super::log_format) says how to check a receipt. The entry has the request's
//! digest: the SHA-256 of its signature base.
//!
//! The answer is signed with RFC 9421, label `strongroom`, by the agent's key for answers
//! (`ed25519`), over `@status`, `content-type`, `content-digest` and
//! `"signature";req;key="strongroom"`: the request's own signature. So an answer can't be passed
//! off as the answer to another request. The parameters are `created`, `alg`, `keyid` (the
//! agent's thumbprint) and `tag="strongroom"`. A refusal is signed in the same way. What comes
//! before a request is read (404, 405) is not signed; and if the request had no signature
//! that could be found, the answer is bound to none.
//!
//! [`client::check()`](crate::client::check()) does all of these checks.
//!
//! # Waiting for an approval
//!
//! Where a policy asks for an [approval](super::approval), the answer to a request is 202, signed
//! like any:
//!
//! | member | |
//! | --- | --- |
//! | `id` | by which to ask what became of it: the number of its entry |
//! | `expires` | when it is over if nobody decided, and until when it can be collected |
//! | `entry`, `receipt` | the line of the audit log by which it waits, and its tlog-proof |
//!
//! With `Prefer: wait=60` (RFC 7240) the agent holds the call up to so many seconds, 120 at most, and
//! answers as soon as somebody has decided: with the result, or with why there is none. If that time
//! is over, the answer is 202. `Preference-Applied: wait=60` says that the call was held; where as
//! many are held as may, the answer is 202 at once, without that. `Prefer` is not signed, and every
//! other preference is ignored. When the agent stops, it answers 202 to all that it holds.
//!
//! Later, `POST /v1/access/result` asks what became of the request, and `POST /v1/access/cancel`
//! gives it up: both signed like a request, with a nonce of their own, over this body:
//!
//! ```json
//! {"agent": "thumbprint of the agent's key for answers", "id": "12"}
//! ```
//!
//! | the request | `result` | `cancel` |
//! | --- | --- | --- |
//! | waits | 202; with `Prefer: wait`, when it is decided | 200, `{"id": "12", "cancelled": true}` |
//! | is approved | 200, with what the request itself would have been answered: **this uses the key** | 200, and no key is used |
//! | was denied | 403 | 410 |
//! | is past `expires`, or was given up | 410 | 410 |
//! | was answered in the last five minutes | 200, the same again: a broken connection loses nothing | 410 |
//! | was answered before | 410 | 410 |
//! | is another service's, or never was | 404 | 404 |
//!
//! The signature of the answer is over the signature of the call that got it. A sealed result is
//! sealed to the `reply_to` of the request. Answers are kept in memory only, at most 1 MiB each and
//! 16 MiB of all, and none is given again after the vault was locked or something was suspended.
//!
//! `POST /v1/approval` takes `{"statement": "…", "signature": "…"}`: the line that an approver signed,
//! and the SSHSIG over it. No service signs that, and it does not matter who hands it in. The answer
//! is 200 with `entry` and `receipt` of the decision, signed by the agent; or a problem: 400 for what
//! is no statement or no signature, 403 for one that does not count, 404 for an unknown `id`, 410 for
//! a request that has ended. `detail` says why.
//!
//! # Problems
//!
//! A refusal is a problem of RFC 9457, `application/problem+json`, with `type`, `title`, `status`
//! and sometimes `detail`. The `type` is stable; `title` and `detail` are for people.
//!
//! | status | `type` | `title` |
//! | --- | --- | --- |
//! | 400 | `urn:strongroom:problem:malformed` | this is not a well-formed request |
//! | 401 | `urn:strongroom:problem:not-authenticated` | no enrolled service signed this request, for this agent, just now |
//! | 403 | `urn:strongroom:problem:denied` | not allowed |
//! | 404 | `urn:strongroom:problem:not-found` | there is nothing at this path |
//! | 404 | `urn:strongroom:problem:unknown-id` | no request of this service's has this id |
//! | 405 | `urn:strongroom:problem:method-not-allowed` | this path has another method |
//! | 408 | `urn:strongroom:problem:too-slow` | the request took too long |
//! | 409 | `urn:strongroom:problem:replay` | this request was made before; sign a new one |
//! | 410 | `urn:strongroom:problem:approval-expired` | nobody approved the request in time; make a new one |
//! | 410 | `urn:strongroom:problem:cancelled` | the service that made this request gave it up |
//! | 410 | `urn:strongroom:problem:answered` | this request was answered; make a new one |
//! | 413 | `urn:strongroom:problem:too-large` | the request is too large |
//! | 422 | `urn:strongroom:problem:unsuitable` | the operation is not possible with this secret |
//! | 423 | `urn:strongroom:problem:locked` | the vault is locked; its owner has been told |
//! | 423 | `urn:strongroom:problem:suspended` | suspended by its owner; nothing is used until the owner resumes it |
//! | 429 | `urn:strongroom:problem:too-many-requests` | too many requests; try again later |
//! | 500 | `urn:strongroom:problem:internal` | the agent failed; its owner can see why |
//! | 502 | `urn:strongroom:problem:provider-failed` | the provider did not give a usable answer |
//! | 503 | `urn:strongroom:problem:cannot-record` | the request could not be recorded, so nothing was used; try again later |
//! | 504 | `urn:strongroom:problem:provider-too-slow` | the provider did not answer in time |
//!
//! - `detail` is about the caller's own bytes (400, 422), its clock or the agent that it named
//!   (401), or says nothing new. 422 comes only after policy allowed the request.
//! - 403 also stands for a name that does not exist.
//! - A refusal has no `entry` and no `receipt`: its entry has the detail, and would tell which
//!   names exist. There is one exception: a use that was recorded and then failed (a ciphertext
//!   that does not decrypt, a vault that was locked meanwhile) has both.
//! - After any answer but 408 and 503 the nonce of an authenticated request is spent. After those
//!   two it may be: sign anew.
//! - 429 comes where other requests hold all the memory that bodies may take, or after policy
//!   allowed the request: as many were made as it allows. Then the member `retry_after` says in how
//!   many seconds the same would be allowed, and so does the header `Retry-After`, which the
//!   signature does not cover.
//! - 502 and 504 come after a use that was recorded, and have its `entry` and `receipt`. What was
//!   asked of the provider may be done all the same; a second entry tells the owner how it ended.
//!
//! # An example
//!
//! The keys are those of RFC 9421 appendix B.1.4 (the service) and RFC 8032 section 7.1 (the
//! agent). The request:
//!
//! ```text
//! POST /v1/access HTTP/1.1
//! content-type: application/json
//! content-digest: sha-256=:AWBNKyS4FzHK9M1xxDudl1pXqMgj7zdlc0PdUGChVyE=:
//! signature-input: strongroom=("@method" "@path" "content-type" "content-digest");created=1767225600;expires=1767225660;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";tag="strongroom"
//! signature: strongroom=:DtdYZfyt1XEBwMneyOWiWF9rub7xiq4C/jqDBx4q6wFJ477n837MSYw3i8Hv/GuB8yUN+bLvl5jO5tZ1WIj9Dw==:
//!
//! {"agent":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","secret":"deploy/key","operation":"sign","purpose":"release 1.2","input":{"message":"aGVsbG8="}}
//! ```
//!
//! What was signed, its signature base, without a newline at the end:
//!
//! ```text
//! "@method": POST
//! "@path": /v1/access
//! "content-type": application/json
//! "content-digest": sha-256=:AWBNKyS4FzHK9M1xxDudl1pXqMgj7zdlc0PdUGChVyE=:
//! "@signature-params": ("@method" "@path" "content-type" "content-digest");created=1767225600;expires=1767225660;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";tag="strongroom"
//! ```
//!
//! The answer's fields, and the member `result` of its body. Its `entry` and `receipt` are the
//! example of [`log_format`](super::log_format).
//!
//! ```text
//! HTTP/1.1 200 OK
//! content-type: application/json
//! content-digest: sha-256=:xGpxc4AR3YoBjJxGzETcXCOt3M26ADE9fLrb4s+iyC4=:
//! signature-input: strongroom=("@status" "content-type" "content-digest" "signature";req;key="strongroom");created=1767225600;alg="ed25519";keyid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";tag="strongroom"
//! signature: strongroom=:kluU3nNyWyH0tdVMyYt14Y9cg0B3iTCw+jes6kkXn8bUB89RUsUn5NUJKrfCRSzanU0inK9ZR7bpc9aikDbqCg==:
//! ```
//!
//! ```json
//! {"signature":"gR5Ac+Sz4ATS3s9DizgNcjBRRG4HkK9qvO/ntWmqhUTqPstXVf3ZnGW6cQ+5qxXyTA0MRBFebj0+M2QP14lQAQ==","algorithm":"Ed25519","version":1}
//! ```
//!
//! [`Request::parse`]: crate::request::Request::parse
