//! The threat model, boundary by boundary: what holds, by what, and what does not.
//!
//! The sentence that all of it serves: you keep the secrets and never give them to the service.
//! It asks to use one; you decide, you know each time, and nobody can make that record disappear.
//!
//! # The remote service
//!
//! It may be taken over.
//!
//! - It can do what policy permits, and nothing else. Each use is recorded before it happens.
//! - Keys stay. It gets signatures, MACs and ciphertexts, which are good without it as well: what
//!   was signed stays signed. Policies that bound purpose, time and address bound the harm.
//! - A secret that was released is gone. Only secrets marked releasable can be, and the owner is
//!   told at once.
//! - An SSH certificate that it was issued is good until it ends, a day later at most; a server can
//!   refuse it earlier by its serial number, which is in the audit log. A data key opens what was
//!   encrypted with it for ever.
//! - `service suspend`, `secret suspend`, `lock` and `panic`, which is all of it at once, act from
//!   the next request on. A call to a provider that is under way is cut off; what the provider did
//!   with it by then is done.
//! - It can ask as often as it is permitted to: there are no budgets yet. Decryption is an oracle
//!   for whoever may ask for it.
//! - `purpose` and `ticket` are what it says, not what is true.
//!
//! # The provider
//!
//! It gets a credential, and may send anything back, or be somebody else.
//!
//! - It is called over TLS, with the platform's authorities or those that the binding names. The
//!   binding says where: a request has a path below that, in one spelling that policy saw.
//! - Inner addresses (private, loopback, link-local, …) are dialled only if the binding names
//!   their network, whatever a name is said to stand for, and however often that changes.
//! - It can't lead the agent elsewhere: a redirect is an answer like any other.
//! - The credential is taken out of what comes back, in the common encodings. A provider that wants
//!   to give it away can: it may encrypt it, or tell the caller in another way.
//! - Its time and size are bounded by the binding, its memory together with all others'.
//! - What it did is known only by its answer. Where none came the request is not sent again, and
//!   the log says that it may have been done.
//!
//! # The network and relays
//!
//! They are hostile.
//!
//! - TLS 1.3 only. The key exchange prefers a hybrid with ML-KEM. There is no session resumption.
//! - Requests are signed, name the agent that they are for, expire after at most 300 s and are
//!   good once, ever. Answers are signed and bound to their request.
//! - A relay that ends TLS sees names, purposes and results that are not sealed, and can drop or
//!   delay; it can't ask, change or repeat. `decrypt` and `release` are sealed to the caller.
//! - Sealing is X25519: who records today's traffic behind TLS and has a quantum computer later
//!   can open it.
//! - Before anything is authenticated, sizes (64 KiB), times and the number of connections are
//!   bounded, and refused requests are folded, so that they do not fill the disk. Who has many machines can
//!   still use up all connections. The local socket has no such limit: it is the owner's own.
//!
//! # Approvers
//!
//! One of them may be tricked, or taken over.
//!
//! - An approver can say yes or no to what a policy asks their group about, and nothing else. What
//!   policy does not permit, no approval does.
//! - What they sign is the entry itself. A notification, a mail server or another machine in
//!   between can't have them approve something else than they were shown; it can only not show it.
//! - Whose key is taken can say yes in their name until the owner retires it: ask for two, or for
//!   security keys, which must be touched. A yes that was given counts no more from then on.
//! - A yes with `minutes` is a yes to messages that nobody has seen yet: see
//!   [`approval`](super::approval#the-same-operation).
//! - `purpose` and `ticket` are what the service says. Whoever decides should know better.
//!
//! # The disk
//!
//! It may be copied or changed.
//!
//! - **Copied**: values and root are age files; the passphrase is behind Argon2id with 64 MiB. A
//!   weak passphrase is weak all the same. Names, labels, public keys, policies and the audit log
//!   are in the clear: they are what the owner reads without unlocking.
//! - **The file `identity` copied**: whoever has it can answer as this agent and sign
//!   checkpoints. It opens no secret.
//! - **A record changed, added or removed**: the vault is refused, by the record's number.
//! - **An entry changed, added or removed**: `audit verify` names it, and the agent does not build
//!   upon a log that its checkpoint does not vouch for.
//! - **Records or entries cut off**: noticed, because each names the other.
//! - **All of it put back to an older state**: noticed by this machine's state file, which is
//!   outside of the directory. Who can change that file as well is noticed only by what is out of
//!   reach: a receipt in a service's hands, a notification that was delivered. Keep some.
//! - **Rewritten with the copied `identity`**: whoever has that file can sign another log. Records
//!   of the vault are not forged so, but entries of uses could be left out. Again, only receipts
//!   and notifications elsewhere show it.
//! - **Counts of uses set back**: the database refuses it, until somebody drops its triggers. The
//!   entries of the uses stay: a key's encryptions can be counted anew from the audit log.
//! - **What waits for an approval**: the requests are age files. A yes of the owner's or an
//!   approver's that is not in the log's signed tree is none. Who drops the triggers can take a no
//!   or the end of a request out of its table, and with the service's help have what was approved
//!   used once more until it expires: each use is an entry, which `audit verify` vouches for.
//! - **`agent.toml` changed**: nobody signs it. Whoever writes it decides what is told to whom, so it
//!   can keep notifications from the owner and show them to others. No secret goes anywhere by it:
//!   where a channel sends its credential is in the secret's binding.
//! - **An old slot put back**: an old passphrase opens the vault again, for who knows it.
//!
//! # Other users of the machine
//!
//! - The directory is 0700, the files in it 0600, the socket is in the directory, and the agent
//!   looks at who is at its other end.
//! - No secret is in an argument, the environment, a log, an error or a core file.
//! - Loopback TLS is open to every user of the machine, as to anybody on the network: it is the
//!   signature that counts.
//!
//! # The same user, and root
//!
//! - Who is root, or is the owner's own user and can get around the process's protection, can read
//!   the memory of an unlocked agent, replace the program, or listen to the passphrase. No program
//!   can change that. `lock` when you leave.
//! - The process is not dumpable and leaves no core file; debuggers of the same user are kept out
//!   of it on Linux. Pages with the root are locked, not dumped, and wiped; if the limit on locked
//!   memory is too low, `status` says so.
//! - The credentials of channels stay in memory after `lock`, so that the owner is told while the vault
//!   is locked, until the agent ends; in pages that may be swapped out, but are not dumped.
//! - Every allocation is wiped when it is freed. Registers and the stack hold copies while a key
//!   is used.
//! - The local socket lets the owner's user administrate: reading lists takes no passphrase,
//!   changes take one that was typed in the last five minutes, and `reveal` takes it each time.
//!   Handing a value to the owner's own rotation program is like `reveal`.
//!   Within those five minutes another program of the same user can make changes too; each is
//!   recorded and notified.
//!
//! # The agent itself
//!
//! It may have bugs.
//!
//! - Unsafe code is in one module, [`vault::memory`](crate::vault::memory). Parsers of outside
//!   bytes have fuzz targets (`fuzz/`), whose corpus runs with the tests.
//! - What must not be forgotten is in the types: see [`architecture`](super::architecture).
//! - It runs with the rights of its user; there is no system-call filter of its own. The systemd
//!   unit in `dist/` takes some rights away.
//!
//! # What a refusal tells
//!
//! - A remote that is not permitted gets the same answer whether a name exists or not, and policy
//!   is asked in both cases. Timing may still differ by a little: no promise is made about it.
//! - A refusal carries no entry and no receipt, because the entry says why. So a service has no
//!   proof that it was refused; the owner has.
//! - A service that is suspended, or whose key is unknown, hears the same as somebody with a bad
//!   signature. That a secret or everything is suspended is told only to whom policy permits the
//!   request.
//!
//! # The owner
//!
//! They are in a hurry.
//!
//! - Nothing can be deleted by mistake; what is retired can still be revealed.
//! - A policy that would not do what it says is refused when it is written.
//! - Stopping takes one word and no passphrase while the vault is unlocked: whoever gets to the
//!   local socket as the owner can stop everything, and that is the harm that they can do. Letting go
//!   on takes the passphrase, however recently it was given. What is suspended is a signed record:
//!   it holds over restarts, and whoever can write to the disk can't end it.
//! - `panic` locks first, which needs no disk, and is recorded then. While the vault is locked its
//!   passphrase suspends and opens nothing, so that nothing is used between unlocking and
//!   suspending.
//! - A value that a service had before, a token that it was issued, and what was signed are not
//!   taken back by any of this.
//! - If passphrase and recovery key are lost, so is the vault. Nobody can help.
//!
//! # Limits of this version
//!
//! - One process for one vault at a time, on one machine. There is no fleet.
//! - Tested on Linux only. Elsewhere, locked memory has less protection.
//! - The audit log grows for ever, and every nonce is kept for ever.
//! - Clocks: a request is judged by the agent's clock, entries carry it, and nobody vouches for it.
