//! How secrets get new versions: when one is due, and how a provider's key is changed for another
//! without a moment in which none works.
//!
//! A version is never changed: rotation adds one, and new uses take it at once. The older ones stay
//! for what was made with them (`decrypt`, `verify-mac`, `public-key`) until they are retired.
//!
//! # When a new version is due
//!
//! The section `rotation` of the [binding](super::binding#rotation) says how old a version may
//! become, and how often it may be used. Nothing stops when a limit is passed. The agent records
//! `secret-due`, once for each version and limit, and so everybody who is notified is told; `secret
//! list`, `secret show` and `status` say it for as long as it is so. Uses are counted in the
//! transaction that records them. Limits on age are looked at when they are passed, and once a day.
//!
//! A key of kind `aes256` that has made 2³¹ encryptions is due too: at 2³² − 1 it stops encrypting
//! ([`MAX_ENCRYPTIONS`](crate::vault::due::MAX_ENCRYPTIONS)).
//!
//! **Invariant: a count is never less than what happened.** It is durable together with the entry of
//! the use, before the key is used, also where several agents share a store.
//! Tests: `a_fleet_encrypts_exactly_as_often_as_one_key_may`,
//! `every_use_of_a_key_is_counted_with_its_entry`.
//!
//! # `strongroom secret rotate`
//!
//! | | where the new version comes from |
//! | --- | --- |
//! | `NAME`, `--file FILE` | standard input, a hidden prompt, or the file |
//! | `NAME --generate` | made in the vault: keys, `hmac`, `aes256`, `token`, `opaque` |
//! | `NAME --with COMMAND …` | made at the provider by a program of the owner's, as below |
//! | `NAME --recipe` | the same by the program that the binding names (`rotation.command`) |
//! | `--due` | for all that is due: the binding's program; without one, keys are made in the vault, and the rest is listed as needing a hand |
//!
//! # The owner's program
//!
//! It is run by the command, as the owner, and never by the agent: no request can cause it. For each
//! of its two phases it gets one line of JSON on standard input:
//!
//! ```json
//! {"phase":"create","secret":{"name":"heroku/prod","kind":"token"},"old":{"version":3,"value":"HRKU-1…","value_base64":"SFJLVS0x…"}}
//! {"phase":"revoke","secret":{"name":"heroku/prod","kind":"token"},"old":{"version":3,"value":"HRKU-1…","value_base64":"SFJLVS0x…"},"new":{"version":4,"value":"HRKU-2…","value_base64":"SFJLVS0y…"}}
//! ```
//!
//! `value` is left out if the bytes are no text. Values are as they are stored: PKCS#8 PEM for
//! key pairs. Nothing secret is in its arguments or environment.
//!
//! - **`create`** makes a new value at the provider, with the old one as the credential, and prints
//!   the new one on standard output, and nothing else; it is read like standard input of `secret add`.
//!   The old one must go on working where the provider allows that.
//! - **`revoke`** comes when the new version is durable and in use, and no use has the old value under
//!   way to a provider. It does well to try the new value first. It may come again for a value that
//!   is revoked already, and must succeed then.
//!
//! It succeeds by ending with 0 within `timeout_seconds` (120 unless the binding says otherwise).
//! What it says on standard error goes to the terminal.
//!
//! # What happens, and what if it stops there
//!
//! | step | if it stops here |
//! | --- | --- |
//! | the intent is written to `rotation/NAME.pending`, with room for the new value | nothing was done |
//! | the old value is handed over: `secret-revealed` in the log, an urgent notification | the old version is in use |
//! | `create` | the old version is in use; what was printed by then is kept; if nothing was, the provider may have a value that nobody knows, and `--resume` says so |
//! | what it printed is sealed to the root and written to that file, before anything looks at it | the same |
//! | it becomes a version: `secret-rotated` | the old version is in use; `--resume` makes it one, once |
//! | `revoke` | the new version is in use, and the old value may still work; `--resume` revokes it |
//! | `secret-revoked`, with `--retire-old` also `secret-retired`; the file is removed | the new version is in use; `--resume` ends it |
//!
//! A step that fails is recorded as `rotation-failed`, an urgent notification. `--resume` goes on
//! from the file, also with another program (`--with`); `--abandon` removes it. Until one of them
//! is done, the secret gets no second rotation by a program.
//!
//! **Invariant: at every moment a version works, and the new value is in one place at least.**
//! Tests: `an_agent_that_is_killed_in_the_middle_costs_nothing`, `a_full_disk_costs_no_new_key`.
//!
//! # The pending file
//!
//! Its first line is JSON and says what is going on; after that comes the new value, once there is
//! one, as an armored age file to the root, and spaces. With the root in `root.txt` (see
//! [`vault_format`](super::vault_format)) stock `age` opens it:
//!
//! ```text
//! sed -n '/BEGIN AGE/,/END AGE/p' heroku+prod.pending | age --decrypt --identity root.txt
//! ```
//!
//! It holds `{"secret", "replaces", "value"}`, with the value in base64. A `/` in the secret's
//! name is a `+` in the file's.
