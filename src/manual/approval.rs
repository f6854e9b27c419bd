//! Approvals: who is asked, what they sign, what a yes is good for, and how a request ends.
//!
//! ```cedar
//! @approve("2 of security")
//! permit (principal == Service::"atlas", action == Action::"sign", resource == Secret::"deploy/key");
//! ```
//!
//! # The flow
//!
//! ```text
//! Authenticated → authorize → Permit                 (nobody has to be asked)
//!                           → Proposal → waits       (an entry `pending`; 202 with its id)
//!                                        …           (entries `decision`)
//!                                        collected → authenticated and authorised again
//!                             Proposal + Quorum → Permit → Recorded → the key is used
//! ```
//!
//! 1. A request that policy permits only with an approval becomes an entry of kind `pending` in the
//!    [audit log](super::log_format), and its nonce is spent. The entry's number is the request's
//!    id. Until then it is like any request: policy, the kind of the secret and a lock refuse it
//!    first.
//! 2. The request itself is kept in the store, encrypted to the root, because it may hold a
//!    plaintext: the target, the headers that its signature covers, and at most 1 MiB of body.
//! 3. Whoever decides says yes or no; each is an entry `decision`.
//! 4. When the caller collects the result, in a call that waited or in a later one, the stored
//!    request is opened and read again. Its signature is verified with the keys that its service has
//!    *now*, policy decides with the statements, bindings and aliases of *now*, and what was said
//!    is counted with the approvers of *now*. Then the use is recorded, and the key is used.
//!
//! The key is used when the caller collects, never behind its back: a caller that is gone uses
//! nothing, and one that changes its mind can cancel.
//!
//! # Who counts
//!
//! - An **approver** is enrolled by the owner with SSH public keys and groups. `@approve("2 of
//!   security")` takes two of the group `security`; one approver counts once, with however many keys.
//! - The **owner** at the local socket, with the passphrase proved, counts as one of every group: so
//!   the owner alone is `1 of security`, and `2 of security` takes somebody else too.
//! - All that is asked for by all statements that match must be there.
//! - **Nobody approves what they asked for themselves.** An approver who `operates` a service has no
//!   say in its requests, and a key of a service is never one of an approver.
//! - **One no ends it**, whoever says it, of whichever group that is asked. Nobody is asked for the
//!   same operation again for 10 minutes; the service is refused with `needs-approval` and told in
//!   how many seconds to try again. So nobody is worn down by prompts.
//! - A yes and a no are said at most once by each. Who said yes can still say no.
//!
//! # What an approver signs
//!
//! One line of canonical JSON (RFC 8785) without a newline, printed by `strongroom pending ID
//! --statement approve`:
//!
//! ```json
//! {"agent":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U","decision":"approve","entry":"{\"ask\":{…},…}","id":"12","minutes":15}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `agent` | the thumbprint of the agent's key for answers: no other agent takes it |
//! | `decision` | `approve` or `deny` |
//! | `entry` | the line of the `pending` entry, byte for byte: all that policy saw, purpose, ticket, the request's digest, who has to say yes and until when |
//! | `id` | the entry's number |
//! | `minutes` | for how long the yes stands for the same operation, 1 to 1440; left out for once, and with a no |
//!
//! The signature is an SSHSIG in the namespace `approval@strongroom` over SHA-512 or SHA-256, as
//! `ssh-keygen` makes it with a key in a file, in an ssh-agent or on a security key:
//!
//! ```text
//! strongroom pending 12 --statement approve > statement
//! ssh-keygen -Y sign -n approval@strongroom -f ~/.ssh/id_ed25519 statement
//! ```
//!
//! The keys are Ed25519, P-256, RSA of 2048 bits or more (only with SHA-2), and both kinds on
//! security keys, which must say that somebody touched them, under an application that begins with
//! `ssh:`. The line that was stored is the line that is signed, so who signs needs no trust in the
//! machine that showed it to the agent: an altered line is another line. The entry of the decision
//! has the signature, so anybody can check it later with `ssh-keygen -Y verify`.
//!
//! # The same operation
//!
//! A yes with `minutes` stands from when it was recorded for requests that are the same in this:
//! the service, the name that it asks for and the secret behind that, the operation, and the fields that
//! policy sees. [`Same`] is the SHA-256 of these in canonical JSON. **The rest may differ**: purpose and
//! ticket, as far as policy permits them, and what policy does not see, such as the message under
//! `sign`, as long as its form and length are the same. Who wants to see each message says yes once.
//!
//! It ends with its time, with a no to its request (also after that was used), and when its approver
//! has no say any more; and when its service, its secret or everything is suspended, also once that is
//! resumed. An alias that is pointed at another secret takes no yes along. Such requests
//! wait for nobody, and their entries name the decisions that they rely on. A request can also be
//! approved in part by what stands, and for the rest by a yes of its own.
//!
//! # How a request ends
//!
//! | how | by | the caller gets |
//! | --- | --- | --- |
//! | used | the caller collects it, approved | 200, once |
//! | denied | one no | 403 |
//! | cancelled | its service | 410 |
//! | expired | its time is over, `[approvals] expire_seconds` after it came | 410 |
//!
//! A request whose entry would have more than 16 KiB is not asked about, and refused with 413: nobody
//! could read it in full.
//!
//! Exactly one of these, settled in the transaction that records it. Approved requests can be
//! collected until they expire. At most 16 requests of one service wait, and 256 in all; beyond
//! that, 429 with the reason `too-many-pending`. What a service gives up counts for another ten
//! minutes.
//!
//! # Invariants
//!
//! **Invariant: a key is used at most once for a request that waited, and only after a quorum.** How
//! a request ends is settled under the writer's lock, also between the agents of a fleet: whoever
//! approves, denies, cancels, lets it expire, suspends or collects at the same moment, one of them
//! is first, and the log says which.
//! Tests: `a_key_is_used_at_most_once_and_only_after_a_quorum`, `any_order_ends_as_it_must`,
//! `of_two_permits_for_one_request_one_counts`, `one_no_ends_it`, `its_time_is_over`.
//!
//! **Invariant: what was shown is what is signed, and what is used.** A statement has the entry's
//! line in it. The request that is opened has the digest in that entry, and what its name stands
//! for is what was shown, or nothing is done with it.
//! Tests: `every_vector`, `ssh_keygen_agrees_about_the_signatures`,
//! `another_request_in_its_place_is_not_used`, `what_the_name_stands_for_must_be_what_was_shown`,
//! `it_stands_for_the_same_operation_and_nothing_else`, `an_alias_takes_no_yes_to_another_secret`.
//!
//! **Invariant: a yes counts at the moment of use.** Every signature is verified again then, with
//! the approvers, keys and groups of that moment, and policy decides again.
//! Tests: `approvers_are_those_of_the_moment_of_use`,
//! `policy_is_asked_again_when_the_result_is_collected`, `a_suspended_service_collects_nothing`,
//! `an_approver_who_retired_stands_for_nothing`, `it_ends_before_the_entry_is_made_or_there_is_none`.
//!
//! **Invariant: only what is in the signed tree counts.** Requests and decisions are read from
//! entries that are proved against the newest checkpoint: a row in a table is no yes of anybody's.
//! Tests: `a_yes_that_is_only_in_the_table_is_none`, `a_line_that_was_changed_is_not_believed`,
//! `whose_yes_it_is_and_how_long_it_stands_is_what_the_entry_says`.
//!
//! **Invariant: what waits survives.** A request, what was said to it and how it ended become
//! durable together with their entries or not at all, and are there after a restart.
//! Tests: `what_waits_survives_a_restart`, `a_request_waits_with_its_entry_or_not_at_all`,
//! `a_decision_counts_with_its_entry_or_not_at_all`, `an_end_comes_with_its_entry_or_not_at_all`,
//! `a_use_ends_what_waited_with_its_entry_or_not_at_all`.
//!
//! **Invariant: a call is made once.** The nonce of a call for a result, or to cancel, is spent, so
//! that nobody who saw it can collect with it. Calls make no entries.
//! Tests: `a_call_is_made_once`, `a_request_that_waits_was_made_once`,
//! `only_the_service_that_asked_gives_its_request_up`.
//!
//! # Locked, suspended
//!
//! While the vault is locked nobody is asked, and nothing can be collected; what waits goes on
//! waiting, and can be decided on. What is suspended is not collected either.
//!
//! [`Same`]: crate::approval::Same
