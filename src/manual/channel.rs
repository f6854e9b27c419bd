//! The channels by which the owner is told: what each of them sends, where, and when it counts as
//! delivered.
//!
//! A channel is a `[[notify]]` in `agent.toml`, with a `name` of its own and a `kind`. What is told
//! and how soon is the same for all kinds (`[notify.tell]`). Each has its own position in the audit
//! log, which moves when the receiver has taken a notification: an outage loses nothing, a crash may
//! repeat one, and each goes out with its `id`, by which a receiver can drop repeats.
//!
//! Text that came from outside is made harmless twice: [`escaped`](crate::notification::escaped) takes
//! the control characters, and each channel escapes what is markup for its receiver. It never
//! becomes a link, an image, a header or a mention.
//!
//! # mail
//!
//! # desktop
//!
//! # webhook
//!
//! # ntfy
//!
//! # syslog
//!
//! # journald
//!
//! # file
//!
//! # command
