//! The vault's format, and how to open it with nothing of ours.
//!
//! # The directory
//!
//! `--home DIR`, else `$STRONGROOM_HOME`, else `strongroom` in the platform's data directory
//! (`~/.local/share` on Linux). Mode 0700; the agent refuses one that is open to others.
//!
//! | file | mode | |
//! | --- | --- | --- |
//! | `strongroom.db` | 0600 | SQLite, in WAL mode: ciphertext, signed records, the audit log |
//! | `identity` | 0600 | the agent's own keys, see [`identity`](crate::identity): they prove who answers, and open nothing |
//! | `certificate.pem` | 0644 | the agent's TLS certificate, for `--cacert` |
//! | `agent.toml` | 0600 | settings |
//! | `rotation/` | 0700 | rotations by a program that are not over, see [`rotation`](super::rotation#the-pending-file): new values, sealed |
//! | `agent.sock` | 0600 | the local socket, while an agent runs |
//! | `lock` | 0600 | held by the process that may write |
//!
//! Outside of it, in the platform's state directory (`~/.local/state/strongroom`), there is
//! `<thumbprint>.checkpoint`: the newest checkpoint of the audit log that this machine saw. A log
//! that is older than it, or another one, is refused. Who puts back a backup on purpose removes
//! this file, and the message says so.
//!
//! # The root
//!
//! What opens the vault is an age identity, to which all values are encrypted, and the owner key
//! (Ed25519), which signs every record. Together they are the root. Its plaintext is an age
//! identity file, so that stock `age` takes it:
//!
//! ```text
//! # the root of a strongroom vault: it opens every secret and signs every change
//! # owner-key: <the Ed25519 seed, 32 bytes in base64>
//! AGE-SECRET-KEY-1…
//! ```
//!
//! # Slots
//!
//! A slot is the root as an age file, once for each way to unlock. The table `slot` has `name`,
//! `kind`, `created` and `root`.
//!
//! | `name` | encrypted to | stock `age` |
//! | --- | --- | --- |
//! | `passphrase` | an `argon2id` stanza | can't open it: the stanza is of this program |
//! | `recovery` | the recovery key, a plain age identity that is shown once and kept nowhere | `age --decrypt --identity recovery.txt` |
//!
//! The stanza ([`argon2id`](crate::vault::argon2id)) is age's scrypt stanza with Argon2id
//! (RFC 9106) in its place:
//!
//! ```text
//! -> argon2id $argon2id$v=19$m=65536,t=3,p=4$<salt, 16 bytes in base64 without padding>
//! <16 bytes of file key and 16 of tag: ChaCha20-Poly1305 under the derived key, nonce zero>
//! ```
//!
//! The argument is a PHC string without the hash, and has one spelling. Parameters in a file are
//! somebody's claim, so they are held between a floor (19 MiB, 2 passes, 1 lane) and a ceiling
//! (1 GiB, 16 passes, 16 lanes) before any memory is taken. New slots have 64 MiB, 3 passes and
//! 4 lanes. The stanza must be the only one in its file, age's grease aside.
//!
//! A slot is not signed. Whoever can write to the disk can put back an old slot, and with it an
//! old passphrase of this same vault; a slot with another root is refused.
//!
//! # Records
//!
//! The table `record` has `seq`, `body` and `signature`. A body is one line of canonical JSON
//! (RFC 8785):
//!
//! ```json
//! {"previous":"<SHA-256 of the body before, in hex>","record":{"name":"release","secret":"deploy/key","type":"alias"},"seq":7,"time":"2026-01-02T03:04:05.678Z"}
//! ```
//!
//! Body, newline, newline and `signature` are a C2SP signed-note by the key `strongroom-owner`.
//! The first record has no `previous`, creates the vault, and names the owner key; unlocking
//! checks that it is the root's. What the records add up to is the
//! [`Catalog`](crate::vault::Catalog), and reading it takes no key.
//!
//! | `type` | members | |
//! | --- | --- | --- |
//! | `vault-created` | `format` (1), `owner`, `recipient` | the first; the owner key as a verifier key, the root's age recipient |
//! | `secret-version` | `secret`, `version`, `kind`, `releasable`, `value`, `labels`?, `public_key`? | a new secret, or the next version of one; `value` is an armored age file to the root |
//! | `binding` | `secret`, `version`, `binding` | what a secret is for ([`Binding`](crate::binding::Binding)); the newest counts, for all versions |
//! | `retirement` | `secret`, `version`? | a version, or the whole secret, is not used any more |
//! | `alias` | `name`, `secret` | points a second name at a secret; the newest counts |
//! | `service` | `name`, `keys` | enrols a service with its public keys (SPKI PEM) |
//! | `service-key` | `service`, `key` | another key for it |
//! | `service-key-retirement` | `service`, `key` | by its thumbprint; no service gets that key again |
//! | `service-status` | `service`, `suspended` | suspends it, or lets it ask again |
//! | `secret-status` | `secret`, `suspended` | refuses every use of it, or lets it be used again |
//! | `vault-status` | `suspended` | refuses every use of everything, or lets it be used again |
//! | `approver` | `name`, `version`, `keys`, `groups`, `operates`?, `mail`? | enrols an approver with OpenSSH public keys, or says what is true from now on |
//! | `approver-retirement` | `name` | the approver has no say any more |
//! | `policy` | `name`, `version`, `text` | puts a Cedar text in force |
//! | `policy-retirement` | `name` | takes it out of force |
//!
//! A type or member that is not in this table refuses the whole vault: it could be the one that
//! takes something away. A body has at most 960 KiB, a secret at most 256 KiB.
//!
//! Values are plain: PKCS#8 PEM for key pairs, the bytes themselves for the other kinds; an AWS
//! access key is JSON without white space: `access_key_id`, `secret_access_key` and, if it has one,
//! `session_token`, in this order.
//!
//! # Where the chain ends
//!
//! Nobody but the owner can add a record, and a missing one breaks the chain. That its end was
//! cut off shows in the audit log: each record is written in one transaction with an entry that
//! names it, and entries of the agent's own name the newest. A vault whose records and log do not
//! end with the same record is refused.
//!
//! # Recovery
//!
//! With the recovery key in `recovery.txt`, stock `age` and `sqlite3`:
//!
//! ```text
//! sqlite3 strongroom.db "select writefile('root.age', root) from slot where name = 'recovery'"
//! age --decrypt --identity recovery.txt --output root.txt root.age
//! sqlite3 strongroom.db "select json_extract(body, '$.record.value') from record
//!     where json_extract(body, '$.record.type') = 'secret-version'
//!     and json_extract(body, '$.record.secret') = 'deploy-key' order by seq desc limit 1" > value.age
//! age --decrypt --identity root.txt value.age
//! ```
//!
//! With a running agent, `strongroom unlock --recovery` takes the recovery key in place of the
//! passphrase.
//!
//! # A backup
//!
//! A copy of the directory made by `sqlite3 strongroom.db ".backup …"` (or with the agent
//! stopped), with the file `identity`. Without `identity` the program does not open the vault,
//! because nobody could continue its audit log; the secrets can still be recovered as above.
