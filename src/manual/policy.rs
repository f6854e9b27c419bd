//! Policy: who may do what with which secret, in Cedar, validated before it is stored.
//!
//! A policy is a name and a text with one or more Cedar statements. A request is allowed if at
//! least one `permit` matches, no `forbid` matches, and no statement failed to evaluate. So
//! nothing is allowed by default, and a mistake refuses ([`Policies::decide`]).
//!
//! ```cedar
//! permit (
//!     principal == Service::"atlas",
//!     action == Action::"sign",
//!     resource == Secret::"deploy/key"
//! )
//! when {
//!     context has purpose && context.purpose like "release *" &&
//!     context.hour >= 8 && context.hour < 18 && context.weekday <= 5
//! };
//!
//! // Whatever else is permitted: nobody signs a bare digest with a key labelled `release`.
//! forbid (principal, action == Action::"sign", resource)
//! when { resource.labels.contains("release") && context.sign.input == "digest" };
//! ```
//!
//! # What a policy can speak of
//!
//! [`SCHEMA`] is the whole of it; `strongroom policy schema` prints it.
//!
//! | | |
//! | --- | --- |
//! | `principal` | a `Service`, with `name` |
//! | `action` | an operation, by its name: `Action::"sign"` |
//! | `resource` | a `Secret`, with `name`, `kind` (`Kind::"rsa"`), `labels` and `releasable`; always the secret, never an alias |
//! | `context.asked` | the name in the request: the secret's, or an alias |
//! | `context.purpose`, `context.ticket` | what the caller says that it is doing, if it says: signed, but not proven |
//! | `context.time`, `context.hour`, `context.weekday` | when the agent received it; hour (0 to 23) and weekday (1 is Monday) in UTC |
//! | `context.way_in` | `WayIn::"tls"` or `WayIn::"local"` |
//! | `context.address` | the client's address, over TLS; a relay's, if there is one |
//! | `context.sign`, `context.verify_mac`, … | the operation's own fields, in a statement whose scope names that operation; see [`operation`](super::operation) |
//!
//! A misspelt attribute, action, kind or way in is refused when the policy is written, with its
//! line. So is a statement that can never apply: a `forbid` like that would protect nothing.
//! Attributes with a question mark in the schema are not in every request; Cedar makes a policy
//! ask first (`context has purpose`).
//!
//! An alias is put to policy as the secret that it points at. To permit whatever the alias points
//! at now and later, compare `context.asked`:
//!
//! ```cedar
//! permit (principal == Service::"atlas", action == Action::"sign", resource)
//! when { context.asked == "release" };
//! ```
//!
//! # Obligations
//!
//! An annotation on a `permit` that the agent acts on. The obligations of every permit that matches
//! a request apply.
//!
//! ```cedar
//! @limit("20 per hour, 100 per day")
//! @notify("urgent")
//! permit (principal == Service::"atlas", action == Action::"http", resource == Secret::"heroku/prod")
//! when { context.http.method == "POST" && context.http.path like "/apps/*" };
//! ```
//!
//! | annotation | |
//! | --- | --- |
//! | `@limit("N per minute")`, `hour`, `day` | so many uses in any such span of time; `"N per 10 minutes"` for several; up to four limits, with commas between them; 31 days at most |
//! | `@notify("urgent")`, `normal`, `quiet` | how soon a person should look at the use, and at what goes wrong with it |
//! | `@approve("N of GROUP")` | so many of a group have to say yes first, 16 at most: see [`approval`](super::approval) |
//! | `@id("…")` | a note for readers, without effect |
//!
//! Every other annotation is refused when the policy is written, and so are the first three on a
//! `forbid`, where they would have no effect.
//!
//! **Limits.** Uses are counted for each statement and each service: two services that one
//! statement permits do not take from each other, and neither do two statements. The window
//! slides: at no moment lie more than `N` uses in the span before it, whatever the clock's full hour
//! is. A use is counted in the transaction that records it, so that a limit holds across restarts
//! and for all agents that share the store, and requests that race count each other. One that is
//! refused, for this or another reason, does not count; one that was recorded and then failed does.
//! Over the limit the answer is 429 and says in how many seconds the next use is possible; the
//! entry is a `refusal` with the reason `limit`.
//!
//! A count belongs to the policy's name and the statement's place in its text (`name#1` for the
//! first, also where it is the only one). So a new text goes on with the old count; a statement
//! that is moved takes over the count of the one whose place it takes.
//!
//! **Notifications.** Of several `@notify` the most urgent counts, and a permit without one has
//! nothing to say. The entry keeps it (`urgency`), so that notifications follow from the audit log
//! alone. Without it: [`notification`](crate::notification). A value that leaves the vault
//! (`release`) is urgent whatever a policy says.
//!
//! **Approvals.** A request that such a permit matches waits until as many have said yes as every
//! matching permit asks for, or until somebody says no or its time is over; the caller gets 202 and
//! collects the result. Permits without an approval take nothing away: of two that match, one with
//! and one without, the one with it counts. `policy explain` says `needs-approval` of it.
//!
//! # Bounds
//!
//! A text has at most 64 KiB ([`PolicyText::MAX_LEN`]), a statement at most 1,000 words and signs
//! with brackets 24 deep. Invisible characters and those that turn text around are refused: they
//! can make a policy read differently from what it says. Templates are not policies.
//!
//! # Versions and names
//!
//! A new text for a name takes the old one's place and gets the next version; the old one stays
//! on record. A policy that is retired is out of force. In the audit log a statement is called by
//! its policy's name, with `#2` for the second statement of several.
//!
//! # Grants
//!
//! `strongroom grant` writes common permits for people who do not know Cedar ([`grant()`]). What
//! comes out is plain Cedar, and is shown.
//!
//! ```text
//! strongroom grant atlas sign,public-key deploy-key --purpose 'release *' --address 10.0.0.0/8
//! ```
//!
//! - In patterns, `*` stands for any text, `\*` for a star and `\\` for a backslash. In `--path` a
//!   star stands for any text without a slash, and `**` for any text.
//! - A secret's name permits that secret by whatever name it is asked for. An alias permits what
//!   it points at, now and later, and only if asked for by the alias.
//! - All conditions must hold; of several of one kind, one. Only `--query` and `--body` must all
//!   hold, and say nothing of other parameters and members; `--principal` and `--scope` list what
//!   may be asked for, and something must be.
//! - `--hours` and `--days` are in UTC; `--hours 9-17` ends before 17:00.
//! - With a condition on what an operation looks like, each operation has its own statement: no
//!   other has the field. An option that the operation does not have is an error.
//! - A grant adds to earlier ones: it takes a name that is free.
//!
//! ```text
//! strongroom grant atlas http heroku/prod --method POST --path '/apps/*/releases' --limit '20 per hour'
//! strongroom grant atlas ssh-certificate deploy-ca --principal deploy --lifetime 15m --days mon-fri
//! ```
//!
//! # Writing, trying, changing
//!
//! `strongroom policy edit NAME` opens the text in `$VISUAL`, `$EDITOR`, `vi` or `nano`. It is checked
//! before it is stored; with a mistake it is shown and can be edited again, and a text that is not
//! stored is kept, and said where. Nothing is held while the editor is open; if somebody else changed
//! the policy meanwhile, nothing is stored. `strongroom policy history NAME` lists the versions, and
//! `strongroom policy show NAME --version N` shows one.
//!
//! `strongroom policy explain` says of a request whether it would be allowed, by the code that
//! decides for real, and holds every statement that is about it against the request: what in its
//! scope is about something else, which condition holds (`✓`), which does not (`✗`), which can't be
//! said (`?`), what each of them saw, and how far each limit is used up. The request is JSON, with the
//! operation's `input` as in a request or its `fields` as policy sees them, or `--entry N` of the audit
//! log. An entry is put to the policies of today.
//!
//! ```json
//! {"service": "atlas", "operation": "sign", "secret": "deploy/key", "purpose": "release 1.2", "input": {"message": "aGVsbG8="}}
//! ```
//!
//! `strongroom policy test FILE` holds a table of such requests against the policies: see
//! [`suite`](crate::policy::suite) for the format. It ends with 1 if policy says something else to one
//! of them, and with 2 if the file is none.
//!
//! `strongroom policy diff FILE` puts the last requests of the audit log to the policies as they are
//! and as they would be with this text, and lists those to which they would say something else;
//! `policy diff NAME` as they would be without the policy, with `--version N` as they would be with an
//! older text. An entry keeps what policy saw of the request; the secret's kind and labels are those
//! of today, and limits are left out.
//!
//! None of these needs the vault unlocked, but for storing.
//!
//! [`Policies::decide`]: crate::policy::Policies::decide
//! [`PolicyText::MAX_LEN`]: crate::policy::PolicyText::MAX_LEN
//! [`SCHEMA`]: crate::policy::SCHEMA
//! [`grant()`]: crate::policy::grant()
