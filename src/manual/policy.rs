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
//! # Annotations
//!
//! `@id("…")` is a note for readers. Every other annotation is refused, so that nobody relies on
//! what is not there: `@approve`, `@limit` and `@notify` are named in the message as not
//! understood yet.
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
//! - In `--purpose` and `--ticket`, `*` stands for any text, `\*` for a star and `\\` for a
//!   backslash.
//! - A secret's name permits that secret by whatever name it is asked for. An alias permits what
//!   it points at, now and later, and only if asked for by the alias.
//! - All conditions must hold; of several addresses, one.
//! - A grant adds to earlier ones: it takes a name that is free.
//!
//! [`Policies::decide`]: crate::policy::Policies::decide
//! [`PolicyText::MAX_LEN`]: crate::policy::PolicyText::MAX_LEN
//! [`SCHEMA`]: crate::policy::SCHEMA
//! [`grant()`]: crate::policy::grant()
