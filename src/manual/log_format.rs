//! The audit log's format, and how to verify it with nothing of ours.
//!
//! # Entries
//!
//! An [`Entry`] is one line of canonical JSON (RFC 8785), UTF-8, stored as it was hashed, and
//! readable without unlocking. It never holds a secret: it has the fields that policy saw, and
//! digests for the rest. Every entry has `kind` and `time` (RFC 3339, UTC, milliseconds).
//! Members that are not in force are left out.
//!
//! ## `use`: a key is about to be used
//!
//! ```json
//! {"ask":{"asked":"deploy/key","digest":"IiKTnwolRrpkYrTvKO7SGQzb1GcBMJL1Taen22Xd7d8=","fields":{"algorithm":"Ed25519","input":"message","size":5},"key":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","nonce":"AAECAwQFBgcICQoLDA0ODw","operation":"sign","purpose":"release 1.2","service":"atlas","way_in":"tls"},"kind":"use","policies":["releases"],"secret":"deploy/key","time":"2026-01-01T00:00:00.000Z","version":1}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `ask` | the request, as below |
//! | `secret`, `version` | what the name stood for, and the version that is used |
//! | `policies` | the statements that permitted it |
//! | `approvals` | the numbers of the `decision` entries that approved it, where one of these statements asks for an approval |
//! | `pending` | the number of the `pending` entry by which it waited for them, if it did |
//! | `urgency` | `urgent`, `normal` or `quiet`, if one of these statements says it with `@notify` |
//!
//! | member of `ask` | |
//! | --- | --- |
//! | `service`, `key` | who asked, and the thumbprint of the key that signed |
//! | `operation`, `asked`, `fields` | what was asked for: the operation, the name, and what policy saw of the input |
//! | `purpose`, `ticket` | why, as the service states it |
//! | `way_in`, `address` | `tls` or `local`; the client's address, if there is one |
//! | `digest` | the SHA-256 of the request's signature base, in base64 |
//! | `nonce` | as it was sent |
//!
//! An entry says that the key was about to be used. A use that then failed is an entry all the
//! same; the caller's answer says that it failed.
//!
//! ## `refusal`: a known service was refused
//!
//! ```json
//! {"ask":{"address":"10.0.0.7","asked":"deploy/key","digest":"IiKTnwolRrpkYrTvKO7SGQzb1GcBMJL1Taen22Xd7d8=","fields":{"algorithm":"Ed25519","input":"message","size":5},"key":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","nonce":"AAECAwQFBgcICQoLDA0ODw","operation":"sign","service":"atlas","way_in":"tls"},"detail":"no policy permits it","kind":"refusal","policies":[],"reason":"denied","time":"2026-01-01T00:00:00.000Z"}
//! ```
//!
//! `reason` is a word of [`Reason`], `detail` a sentence that the remote did not see, and
//! `policies` the statements that forbade it, or that permitted what was refused for another
//! reason: with `limit`, as many uses as one of them permits were recorded; with `needs-approval`,
//! one of them asks for an approval, and there is none any more, or nobody is asked again so soon
//! after a no; with `too-many-pending`, as many requests wait for one as may.
//!
//! ## `noise`: refused requests of nobody known, counted
//!
//! ```json
//! {"address":"203.0.113.9","count":4711,"detail":"no service has the key `NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs`","kind":"noise","reason":"unknown-key","since":"2026-01-01T00:00:00.000Z","time":"2026-01-01T00:01:00.000Z","way_in":"tls"}
//! ```
//!
//! `count` requests with this `reason` came from this `address` since `since`; `detail` is about
//! the newest. `service` is there if its key signed them: replays, and requests of a suspended
//! service.
//!
//! ## `administration`: the owner or the agent did something
//!
//! ```json
//! {"action":"secret-added","by":"owner","detail":"kind `ed25519`","kind":"administration","record":2,"subject":"deploy/key","time":"2026-01-01T00:00:00.000Z","version":1}
//! ```
//!
//! `action` is a word of [`Action`], `by` is `owner` or `agent`, `subject` and `version` say to
//! what it was done. `record` is the number of the vault's newest record, which was written in
//! the same transaction if the action made one.
//!
//! ## `outcome`: what became of a use that had to call a provider
//!
//! ```json
//! {"ending":"answered","entry":7,"kind":"outcome","operation":"http","secret":"heroku/prod","service":"atlas","status":201,"time":"2026-01-01T00:00:00.250Z","version":3}
//! ```
//!
//! `entry` is the index of the `use` that it belongs to, `ending` a word of [`Ending`], `status`
//! the provider's HTTP status if it answered, `expires` when what was issued stops being good, and
//! `detail` what went wrong, which the remote did not see. What went wrong has `urgency` if the use
//! has it. It is durable before the caller is
//! answered.
//!
//! ## `pending`: a request waits for an approval
//!
//! ```json
//! {"ask":{"asked":"deploy/key","digest":"IiKTnwolRrpkYrTvKO7SGQzb1GcBMJL1Taen22Xd7d8=","fields":{"algorithm":"Ed25519","input":"message","size":5},"key":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","nonce":"AAECAwQFBgcICQoLDA0ODw","operation":"sign","purpose":"release 1.2","service":"atlas","way_in":"tls"},"expires":"2026-01-01T01:00:00.000Z","kind":"pending","needs":["1 of security"],"policies":["releases"],"secret":"deploy/key","time":"2026-01-01T00:00:00.000Z","version":1}
//! ```
//!
//! The entry's number is the `id` by which the caller asks for the result and approvers decide.
//! `needs` says who has to say yes, `expires` until when; an approver signs this very line.
//!
//! ## `decision`: what became of it
//!
//! ```json
//! {"by":"owner","decided":"approved","entry":12,"kind":"decision","minutes":15,"operation":"sign","secret":"deploy/key","service":"atlas","time":"2026-01-01T00:03:00.000Z"}
//! ```
//!
//! `entry` is the number of the `pending` entry, `decided` one of `approved`, `denied`, `cancelled`
//! and `expired`, `by` who did it: `owner`, `approver`, `service` or `agent`. A decision by an
//! approver has `approver`, the name, `key`, the fingerprint of the SSH key, and `signature`, the
//! SSHSIG that anybody can check against the line of the `pending` entry. `minutes` says for how long
//! a yes stands for the same operation.
//!
//! ## Words
//!
//! Endings: `answered`, `issued`, `unreachable`, `target-refused`, `timed-out`, `too-large`,
//! `no-room`, `refused`, `bad-answer`, `not-kept`, `cut-off`, `stopped`.
//!
//! Reasons: `malformed`, `too-large`, `unknown-key`, `bad-signature`, `wrong-algorithm`,
//! `wrong-audience`, `not-yet-valid`, `expired`, `suspended`, `replay`, `denied`,
//! `unknown-secret`, `unknown-version`, `retired`, `used-up`, `not-possible`, `locked`, `too-many-requests`,
//! `limit`, `needs-approval`, `too-many-pending`, `secret-suspended`, `vault-suspended`.
//!
//! Actions: `vault-created`, `agent-started`, `agent-stopped`, `unlocked`, `unlock-failed`,
//! `locked`, `passphrase-changed`, `secret-added`, `secret-rotated`, `secret-retired`,
//! `secret-due`, `secret-revoked`, `rotation-failed`, `secret-revealed`, `secret-bound`, `secret-suspended`, `secret-resumed`, `alias-set`, `service-added`, `service-key-added`, `service-key-retired`,
//! `service-suspended`, `service-resumed`, `approver-added`, `approver-changed`,
//! `approver-retired`, `policy-set`, `policy-retired`, `panicked`, `resumed`, `channel-opened`, `notification-test`.
//!
//! # The tree
//!
//! The log is the Merkle tree of RFC 6962 section 2.1 with SHA-256. A leaf is an entry's line
//! without a newline: its hash is `SHA-256(0x00 ‖ line)`, and a node's is
//! `SHA-256(0x01 ‖ left ‖ right)`. Entries are numbered from 0.
//!
//! # Checkpoints
//!
//! A checkpoint is a C2SP tlog-checkpoint in a C2SP signed-note: the origin, the number of
//! entries, the root in base64, an empty line, and a line with the signature by the agent's key
//! for checkpoints (Ed25519). There is one for each commit. Only the newest is kept in the store:
//! an old one beside it would let whoever edits the file roll the log back to it.
//!
//! The key's text form is a C2SP verifier key, `origin+id+key`; `GET /v1/agent` and
//! `strongroom status` show it.
//!
//! # Receipts
//!
//! A receipt is a C2SP tlog-proof: the entry's number, the hashes of an RFC 6962 audit path from
//! the leaf up, and the checkpoint. It proves, offline and for good, that a line was in the log
//! when that checkpoint was signed. This is the one of the `use` above; it is the first entry of
//! its log, so that the path is empty:
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 0
//!
//! vault.example.com
//! 1
//! t4aTqo+gBGnuT022GMQaK5+EJt7G3CIX9g7gFpDqi7s=
//!
//! — vault.example.com gmmsLBAeQOR0vt1OqxtxfdZDiLOtnny1QtPAoXHvTy9XefwZ3E0L7Z9kak03yuLLNwQwNX99EpnuvQu0kKW5j1KXhQk=
//! ```
//!
//! under the verifier key
//!
//! ```text
//! vault.example.com+8269ac2c+AfxRzY5iGKGjjaR+0AIw8FgIFu0TujMDrF3rkRVIkIAl
//! ```
//!
//! # How to verify without this program
//!
//! A receipt, as `tests/python/client.py` does it in forty lines of Python:
//!
//! 1. Check the note's signature: Ed25519 over its text, up to and with the newline before the
//!    empty line. The signature line is `— `, the key's name, and base64 of four bytes of key id
//!    and the signature.
//! 2. Check that the first line of the text is the origin that you expect.
//! 3. Compute the root from the line's leaf hash, the index, the size and the path (RFC 9162
//!    section 2.1.3.2) and compare it with the third line of the text.
//! 4. Compare `ask.digest` with the SHA-256 of the signature base that you signed.
//!
//! The whole log:
//!
//! 1. `sqlite3 strongroom.db "select line from entry order by idx"` gives the lines, and
//!    `"select note from checkpoint"` the newest checkpoint.
//! 2. Compute the root over all lines and compare it with the note's; check the note's signature.
//!
//! `strongroom audit verify` does the same with the verifier key alone, and names the first entry
//! that is not as it was recorded ([`verify()`]).
//!
//! # What a log can't show by itself
//!
//! An older copy of the whole log is signed and whole as well. Only somebody who remembers a
//! later checkpoint notices: this machine's state file, a receipt in a service's hands, a
//! notification. See [`threat_model`](super::threat_model).
//!
//! # In the store
//!
//! Format 3. A store of format 1, which had no counts, or 2, which had no approvals, is brought to it
//! when it is opened for writing; older programs refuse it from then on.
//!
//! | table | columns |
//! | --- | --- |
//! | `entry` | `idx` (from 0), `line`, `hashes`: those of the tree that the entry completes, its own leaf first, 32 bytes each |
//! | `nonce` | `service`, `nonce`: every pair that was ever spent |
//! | `checkpoint` | one row: `size`, `note` |
//! | `usage` | `record`, `uses`, `encryptions`: how often the secret's version with this record was used |
//! | `due` | `record`, `passed`: which limits of its binding the owner was told that a version passed |
//! | `counted` | `counter`, `service`, `number` (from 1), `time` (milliseconds since 1970): the uses that a policy's `@limit` counts; see [`policy`](super::policy) |
//! | `pending` | `id` (the index of the entry), `service`, `secret`, `same` (the SHA-256 of what makes another request the same operation), `expires`, `received` (milliseconds since 1970), `request`: an age file to the root; see [`approval`](super::approval) |
//! | `decision` | `id`, `approver` (empty for the owner), `decided` (`approved` or `denied`), `entry` (the index of the decision's own entry, where the signature is), `minutes`, `time` (milliseconds since 1970); one row for each `id`, `approver` and `decided` |
//! | `settled` | `id`, `how` (`used`, `denied`, `cancelled` or `expired`), `entry`: one row for each request that has ended |
//! | `channel` | `name`, `delivered`: how many entries a notification channel has delivered |
//!
//! [`Action`]: crate::audit::Action
//! [`Entry`]: crate::audit::Entry
//! [`Ending`]: crate::audit::Ending
//! [`Ending`]: crate::audit::Ending
//! [`Reason`]: crate::audit::Reason
//! [`verify()`]: crate::audit::verify()
