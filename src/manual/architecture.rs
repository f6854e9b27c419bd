//! How the program is built: one pipeline of types, and a thin program around it.
//!
//! # The pipeline
//!
//! ```text
//! bytes → Request → Authenticated → Permit → Recorded → Outcome → Answer
//!         parse     signature,      policy    durable    key is    signed, sealed,
//!         once      freshness                 + unique   used      with receipt
//!                                                │
//!                                                └→ notifications follow the audit log
//! ```
//!
//! | step | takes | gives | where |
//! | --- | --- | --- | --- |
//! | parse | an HTTP message | [`Request`] | [`Request::parse`] |
//! | authenticate | [`Request`] | [`Authenticated`] | [`Request::authenticate`] |
//! | authorise | [`Authenticated`] | [`Permit`], or [`Proposal`] | [`Authenticated::authorize`] |
//! | approve | [`Proposal`], [`Quorum`] | [`Permit`] | [`Proposal::approved_by`] |
//! | record | [`Permit`] | [`Recorded`] | [`Log::commit`] |
//! | use | [`Recorded`] | [`Outcome`] | [`Vault::use_key`] |
//! | answer | [`Outcome`] | [`Answer`] | [`Answer::to_outcome`], [`Answer::sign`] |
//!
//! Each step's output is the next step's only input. [`Authenticated`], [`Permit`], [`Quorum`] and
//! [`Recorded`] are proof types: their fields are private, each has one constructor (two have
//! another for requests that waited: a permit can come from a [`Proposal`] and its quorum, and a
//! request that was stored is authenticated again), none of them
//! is `Clone`, `Default` or `Deserialize`, and the next step takes them by value. A request that
//! policy permits only with an approval waits between two of these steps: [`approval`](super::approval). Who searches
//! for the name of one finds all the code that must be right. In the program, the whole of it is
//! `agent/src/pipeline.rs`.
//!
//! A step that says no also gives a value: [`Malformed`], [`NotAuthenticated`], [`Refused`],
//! [`UseError`]. Each knows two things: the reason for the audit log, and what the remote is told.
//!
//! # Invariants
//!
//! **Invariant: recorded before used.** Every use of a key has an earlier durable entry in the
//! audit log. If the entry can't be made durable, the key is not used and the caller gets 503.
//! There is no switch that turns this off.
//! Tests: `every_key_use_has_an_earlier_durable_entry`,
//! `a_failed_commit_fails_the_whole_batch_and_the_next_one_works`, `a_commit_is_synced_to_the_disk`,
//! `a_use_is_recorded_before_it_happens_even_if_it_then_does_not`.
//!
//! **Invariant: once.** A request, told by its service and nonce, is recorded at most once, ever.
//! The nonce is spent in the transaction that records the request, so replay protection is no
//! cache: it outlives restarts, and a refused request is spent too.
//! Tests: `a_request_is_recorded_once`, `a_refused_request_is_spent_too`, `a_request_is_good_once`,
//! `a_nonce_is_spent_once_for_each_service`,
//! `an_agent_that_is_killed_under_load_forgets_nothing_and_repeats_nothing`.
//!
//! **Invariant: refusals count.** A refused request of a known service is an entry of its own.
//! Refused requests of unknown senders, and replays, are folded into counted entries, so that
//! nobody can fill the disk with them: the first from a source is recorded at once, the rest once
//! a minute, and at most 256 sources are told apart in that minute.
//! Tests: `an_entry_says_who_what_and_why`, `a_flood_of_bad_requests_makes_few_entries`.
//!
//! **Invariant: nothing is deleted.** Versions of secrets, policies, services and entries are
//! created and read, never changed. Triggers in the database refuse UPDATE and DELETE, from any
//! program. There are three exceptions: a slot is replaced when the passphrase is changed (the
//! old root under the old passphrase must not stay), the newest checkpoint takes the place of the
//! one before, and a channel's position moves.
//! Tests: `nothing_is_deleted`, `slots_and_positions_may_change`.
//!
//! **Invariant: a secret leaves only sealed.** `decrypt` and `release` answer only to the age
//! recipient in the signed request. Nothing secret is logged, printed or in an error.
//! Tests: `a_secret_comes_sealed_and_only_so`, `a_sealed_answer_needs_somebody_to_seal_it_to`,
//! `nothing_secret_is_in_an_error`, `the_store_holds_nothing_in_the_clear_and_debug_redacts`.
//!
//! **Invariant: default deny, and a coarse reason.** What no policy permits is refused. The remote
//! learns the problem and no more; the audit log has the detail. A name that does not exist looks
//! like one that is forbidden.
//! Tests: `nothing_is_allowed_by_default`, `a_policy_that_fails_refuses_and_is_not_passed_over`,
//! `who_is_not_permitted_learns_nothing`, `the_remote_is_not_told_which_keys_there_are`,
//! `a_refusal_is_signed_and_says_little`.
//!
//! **Invariant: a limit is exact.** A use that a policy limits is counted in the transaction that
//! records it, for each statement and service, and the window slides: at no moment lie more uses
//! than the limit says in the span before it, across restarts, racing requests and a fleet.
//! Tests: `requests_of_one_batch_count_each_other`, `a_limit_holds_across_restarts`,
//! `agents_of_a_fleet_count_together`,
//! `the_window_slides_and_does_not_begin_anew_at_the_full_hour`,
//! `of_requests_that_race_exactly_as_many_pass_as_the_limit_says`.
//!
//! **Invariant: what the owner did not sign is not there.** Every record of the vault is signed
//! by the owner key and holds the hash of the record before it. A vault with one record changed,
//! moved, added or cut off is refused whole, and the record is named.
//! Tests: `a_record_that_the_owner_did_not_sign_is_refused_by_its_number`,
//! `the_chain_has_no_gap_and_no_other_order`, `a_chain_or_log_whose_end_was_cut_off_is_refused`,
//! `a_chain_of_another_owner_is_not_unlocked`.
//!
//! **Invariant: locked is locked.** When `lock` returns, no use is under way, and the root and the
//! key of the shield are wiped.
//! Tests: `lock_wipes_everything_that_was_opened`, `lock_waits_for_uses_that_have_begun`.
//!
//! **Invariant: stopped is stopped.** A suspension becomes durable while no request is between its
//! decision and its use, so no use of a suspended service or secret has a later entry, and none at
//! all after a panic. It is looked at again when a key is used and when a turn comes; calls to
//! providers that are under way are cut off.
//! Tests: `a_suspended_service_uses_nothing_even_with_an_older_permit`,
//! `a_suspended_secret_is_not_used_even_with_an_older_permit`,
//! `nothing_is_used_when_everything_is_suspended`, `the_brake_locks_first_and_signs_then`,
//! `what_is_suspended_under_load_is_not_used_from_the_next_request_on`,
//! `a_panic_under_load_stops_everything_and_a_restart_does_not_end_it`,
//! `suspending_cuts_off_the_calls_that_it_is_about_and_no_others`.
//!
//! Notifications have a promise as well: each channel has a durable position in the audit log
//! that moves after delivery, so that a crash repeats a notification and loses none, and a slow
//! or dead channel delays no answer. The audit log itself is the queue.
//!
//! **Invariant: a channel's credential goes where its owner signed.** It is a secret of the vault,
//! handed out for a durable entry that says to which channel and where, and only if that is what the
//! secret's binding says. `agent.toml` chooses among what is signed.
//! Tests: `a_credential_is_taken_only_for_a_durable_entry_about_it`,
//! `a_channel_takes_no_secret_that_is_not_bound_to_it_there`,
//! `agent_toml_sends_no_secret_where_its_owner_did_not_sign`.
//!
//! # Who may use what
//!
//! The library (this crate) has no sockets and no async: time, storage and keys come in as
//! arguments. The program (`agent/`) has the sockets, the prompts and the tables.
//!
//! | module | knows of | knows nothing of |
//! | --- | --- | --- |
//! | [`request`](crate::request), [`service`](crate::service) | HTTP messages, signatures | policy, the vault, the store |
//! | [`policy`](crate::policy) | the catalog, authenticated requests | keys, the store |
//! | [`approval`](crate::approval) | proposals, approvers' signatures, the audit log's entries | keys, sockets |
//! | [`audit`](crate::audit) | permits, decisions, the store | keys |
//! | [`vault`](crate::vault) | keys, records | HTTP, the engine of the store |
//! | [`operation`](crate::operation) | opened key material | who asks |
//! | [`answer`](crate::answer) | outcomes, the agent's identity | the vault, policy |
//! | [`client`](crate::client) | what a service knows | all of the agent's side but its formats |
//!
//! Only [`vault::memory`](crate::vault::memory) has unsafe code; the lint refuses it elsewhere.
//!
//! # The process
//!
//! One vault directory is held by one process: the agent, or one command when no agent runs. A
//! file lock says which; the kernel gives it back however the process ends.
//!
//! - **The thread `audit-log`** owns the one connection that writes. Whoever wants to record
//!   something sends it a [`Submission`] over a bounded channel (1024 places) and waits. A lone
//!   submission is committed at once. While one commit syncs, others queue up, and the next
//!   commit takes up to 256 of them: one transaction, one checkpoint, one sync.
//! - **Connections** are async tasks. They parse, verify and authorise side by side, against a
//!   [`Catalog`] that never changes: a change makes a new one.
//! - **Errands** are tasks of their own: a use that needs its provider's answer goes on when its
//!   caller hangs up, and ends with an entry of its own. A lock cuts it off; a stop waits for it.
//! - **Connections to providers** are kept for the very same binding and version, at most 50 s
//!   without use. The name is looked up once for each, every address is judged, and one of these
//!   very addresses is dialled ([`outgoing::address`](crate::outgoing::address)). No redirect is
//!   followed and no proxy asked.
//! - **Large bodies** take room of one bound, `limits.held`: the request's body, the provider's
//!   answer, and the answer on its way out until its last byte was sent. Who finds no room is told
//!   so at once. What decoding holds beside that is bounded by the number of threads.
//! - **Argon2id, RSA key generation and imports** run on threads for blocking work.
//! - **Channels** are tasks that read what is committed, each at its own pace.
//! - **Readers** have a read-only connection of their own and never wait for the writer.
//!
//! A change by the owner is made on a copy of the catalog, signed, committed together with its
//! entry, and only then put in force. While it is, no request is between its decision and its use:
//! a change waits for those that are, which takes as long as a commit. So an alias, a binding or a
//! version can be changed under load, no caller notices, and in the log every use stands on the
//! same side of the change as its effect (`an_alias_moves_between_providers_under_load`). Only a
//! lock does not wait, so [`Vault::use_key`] looks again whether the vault is unlocked, and whether
//! the version, the binding and the service are still what they were.
//!
//! The agent starts locked. Unlocked, the root (an age identity and the owner's signing key) is
//! in locked memory. An opened value is kept for its next use only under a random key that lives
//! until the vault is locked, and is wiped after each use.
//!
//! # What is not built
//!
//! Ways in other than TLS and the local socket, slots other than
//! passphrase and recovery key, a new root for an old vault, witnesses, and stores other than
//! SQLite. A policy that speaks of one of these is refused when it is written, and not ignored.
//!
//! [`Answer::sign`]: crate::answer::Answer::sign
//! [`Answer::to_outcome`]: crate::answer::Answer::to_outcome
//! [`Answer`]: crate::answer::Answer
//! [`Authenticated::authorize`]: crate::service::Authenticated::authorize
//! [`Authenticated`]: crate::service::Authenticated
//! [`Catalog`]: crate::vault::Catalog
//! [`Log::commit`]: crate::audit::Log::commit
//! [`Malformed`]: crate::request::Malformed
//! [`NotAuthenticated`]: crate::request::NotAuthenticated
//! [`Outcome`]: crate::vault::Outcome
//! [`Permit`]: crate::policy::Permit
//! [`Proposal::approved_by`]: crate::policy::Proposal::approved_by
//! [`Proposal`]: crate::policy::Proposal
//! [`Quorum`]: crate::approval::Quorum
//! [`Recorded`]: crate::audit::Recorded
//! [`Refused`]: crate::policy::Refused
//! [`Request::authenticate`]: crate::request::Request::authenticate
//! [`Request::parse`]: crate::request::Request::parse
//! [`Request`]: crate::request::Request
//! [`Submission`]: crate::audit::Submission
//! [`UseError`]: crate::vault::UseError
//! [`Vault::use_key`]: crate::vault::Vault::use_key
