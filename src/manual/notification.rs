//! What the owner is told, how soon, and what is folded together.
//!
//! Everything that happens is an entry of the audit log ([`log_format`](super::log_format)), and all
//! of it stays there. This page says what a channel makes of it: the rules are exact, so that somebody
//! else could work out from the log what was told. The channels themselves are in
//! [`channel`](super::channel).
//!
//! # How soon a person should look
//!
//! | urgency | entries |
//! | --- | --- |
//! | `urgent` | `use` of `release`; `pending`; `refusal` for `locked`, `used-up`, `suspended`, `secret-suspended`, `vault-suspended`, `too-many-pending` or `replay`; `noise` for one of these or of 100 requests or more; `outcome` `not-kept`; `administration` `secret-revealed`, `unlock-failed`, `rotation-failed`, `panicked`; what cannot be read |
//! | `quiet` | `use` of `public-key` or `verify-mac`; `outcome` `answered` or `issued`; `administration` `agent-started`, `agent-stopped`, `channel-opened`, and `secret-rotated` by the agent |
//! | `normal` | everything else |
//!
//! `@notify` of a [`policy`](super::policy) says something else of a `use` that is no `release`, and of
//! an `outcome` that went wrong. What has a [mark](#marks) is `normal` at least.
//!
//! # Settings
//!
//! `[notify.tell]` of a channel in `agent.toml`. "Persons" are the kinds `desktop`, `mail` and `ntfy`, and
//! `webhook` with a body for a chat; "programs" are all others.
//!
//! | setting | meaning | programs | persons |
//! | --- | --- | --- | --- |
//! | `kinds` | tells only these kinds of entries | all | all |
//! | `services` | tells only what these services asked, or what was done to them | all | all |
//! | `secrets` | tells only what is about these secrets, by their own name or the alias that was asked for | all | all |
//! | `urgency` | tells only what is at least `quiet`, `normal`, `urgent` | `quiet` | `normal` |
//! | `digest` | folds what repeats in windows of so many minutes, at most 1440; 0 folds nothing | 0 | 10 |
//! | `quiet_hours` | `"22:00-07:00"`: tells only what is urgent | none | none |
//! | `time_zone` | the IANA time zone of `quiet_hours` | the machine's | the machine's |
//! | `catch_up` | `each` or `digest`: what becomes of what is late | `each` | `digest` |
//!
//! An entry is told if it passes all of `kinds`, `services`, `secrets` and `urgency`. An entry that cannot
//! be read passes always. What does not pass is as if it were not there, but that the marks are worked out
//! from all entries.
//!
//! Nothing is thinned but here: the audit log and the counts in it stay whole, whatever is set.
//!
//! # What is never folded
//!
//! - What is urgent. It is never held either: it is told as soon as the channel can.
//! - What has a mark.
//! - In windows and quiet hours: `decision`, and `administration` that is not quiet.
//!
//! # Windows
//!
//! Each entry that is told belongs to at most one window. The first of these that holds is it:
//!
//! 1. **Late**, if `catch_up` is `digest` and the entry is read more than an hour after it could have
//!    been told: after its time, or after the end of the quiet hours in which its time lies.
//! 2. **The quiet hours** in which its time lies: from the first time of day to the second, on the clocks
//!    of the time zone. A time of day that is skipped when clocks are changed is as much later
//!    as is skipped; of one that comes twice, the first counts.
//! 3. **The minutes** in which its time lies, if `digest` is not 0: windows begin at multiples of `digest`
//!    minutes since 1970-01-01T00:00Z.
//! 4. Otherwise none: it is told by itself.
//!
//! One window is open at a time. An entry that belongs to another one, or to none, ends it; so does, when
//! there is no more entry to read, the time: one second after the end of the minutes or of the quiet
//! hours, or at once for what is late. An entry whose time is before the open window by 60 seconds at
//! most counts in that (the clocks of several agents differ). A window that begins more than 60 seconds from
//! now ends when there is no more to read: its clock was wrong.
//!
//! In a window, an entry that may be folded is
//!
//! - late: counted;
//! - in quiet hours: counted;
//! - in minutes: counted if it is quiet, if one of its group was told by itself in this window,
//!   or if 20 entries of the window were told for being the first of their group; otherwise it is told by itself.
//!
//! A **group** is kind, service, operation and secret; for an `outcome` also `ending`, for a `decision`
//! also `decided`. For a `refusal` it is service, operation, name asked for and reason, but without the name
//! if the reason is `unknown-secret`; for `noise` service and reason; for `administration` the action.
//! Of the groups that were told by themselves in a window the first 256 are known.
//!
//! When a window ends, what it counted is told:
//!
//! - one entry: as if it had not been folded;
//! - several: as one notification of the kind `digest`, with the `id` `<origin>/<first>-<last>`, by the first
//!   and the last entry that it counts; it is `quiet` if all of them are, otherwise `normal`.
//!
//! 64 groups are told apart in a digest; what is of no other is counted as `others`. The sentence
//! has the three with the most entries, the facts 20. A digest of what is late says how many entries
//! there are of which kinds and urgencies, and by which command they are shown; in its facts what
//! people did stands first.
//!
//! > atlas signed with deploy-key 42 more times in 10 minutes, all for 'release'
//!
//! "More" is said where one of the group was told by itself in the same window.
//!
//! # Quiet hours
//!
//! While it is quiet by the clock, only what is urgent is told. The log is read on for that, and the rest is
//! not kept but read again when the quiet hours are over: as late if it is, as a digest of the quiet
//! hours if its time is in them, and otherwise like any other. So they cost no memory, however much happens.
//!
//! # Order, outages and crashes
//!
//! What is told by itself comes in the order of the log, but for urgent entries in quiet hours. A digest
//! comes when its window ends. The next entries are read when all before them are delivered, so
//! that an outage of days costs no memory.
//!
//! A channel keeps two numbers in the store: before the first one, all entries are told; before the second one,
//! all urgent ones are. The first one stands still while its entry is counted in an open window or held in quiet hours.
//!
//! **Invariant: what passes is told, by itself or counted in a digest; without a crash exactly once.**
//! A crash repeats what was told after the number that was kept, with the same `id`; a digest may then
//! count other entries. An agent that is stopped ends open windows before their time; one that is stopped in
//! quiet hours may repeat what was told by itself in the window before them.
//! Tests: `without_a_crash_everything_is_told_once`, `a_crash_repeats_and_never_loses`.
//!
//! # Marks
//!
//! A mark says that a `use`, or a `pending` request for one, is out of the ordinary. It stands in the
//! sentence and in the member `marks`. Marks are the same on all channels.
//!
//! The **memory** of an entry are the `use` entries before it, of its own day and of the 30 days before
//! that; days are UTC. It is cut to whole days so that it begins within the 100,000 entries (of any kind)
//! before the first entry of the entry's own day. It is *long* if it is not cut, or goes back
//! seven days at least. Without a long memory nothing is marked: what happens once a week would be each time.
//!
//! A **place** is the client's address, or the way in if there is none. Of an IPv6 address only the first 64 bits
//! count, and an IPv4 address in IPv6 form is an IPv4 address.
//!
//! | mark | rule |
//! | --- | --- |
//! | `first-use` | no use in the memory has the same service, operation and secret |
//! | `new-address` | the memory has uses by the service, from 8 places at most, and none from this place. A service with more places, as they have that run in a cloud, has none of its own, and this mark tells nothing of it |
//! | `unusual-hour` | the service has used the secret at least 50 times on at least 7 days of the memory before today, and in the whole memory never in the same hour of the day (UTC), the hour before it or the one after it |
//! | `unusual-rate` | with this `use` there are at least 20 of the secret by the service in this hour (UTC), and for the first time in the hour more than three times as many as in any earlier hour of the memory; the memory has uses on at least 3 days before today. A `pending` entry never has it |
//!
//! So each of them is told once: what was marked is known the next time. A `pending` entry is not
//! part of the memory, as it may be denied.
//!
//! Exceptions, which bound what is kept in memory:
//!
//! - After 100,000 entries of one day the others of that day are neither marked nor remembered, and their
//!   sentences do not say the how-manieth use of the day they are.
//! - Of pairs of a service and a secret 20,000 are remembered at the same time, of places for each service
//!   the newest 9. What is beyond the pairs is treated in the same way.
//! - An entry whose time is on the day before the newest one's is treated in the same way. One that is older
//!   than that begins a new memory on its day, which is cut there: the clock was set back.
//!
//! **Invariant: a restart changes no mark.** The memory is read back from the log.
//! Tests: `a_pattern_read_back_is_the_one_that_grew`.
