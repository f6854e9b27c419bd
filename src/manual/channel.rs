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
//! One message (RFC 5322) for each notification, to a mail server (RFC 5321).
//!
//! | setting | |
//! | --- | --- |
//! | `host`, `port` | the mail server; without `port` 465, 587 or 25, as `tls` says |
//! | `tls` | `implicit` (TLS from the first byte, RFC 8314), `starttls` (RFC 3207; nothing but `EHLO` is said before it), or `none`, which is taken only for 127.0.0.1 and ::1, written as such |
//! | `from`, `to` | an address, and a list of 1 to 50; with names or without. Addresses are ASCII |
//! | `credential` | a secret of kind `basic` to log in with (`PLAIN` or `LOGIN`); it goes only to the `host:port` that its [binding](super::binding#channel) names, and trusts only the certificates there |
//! | `cacert` | without a credential: PEM certificates to trust instead of the platform's |
//!
//! The text is there twice (`multipart/alternative`), plain and as HTML: the sentence, what decides where
//! something is to be decided, and the facts as a table. HTML has no links, images, scripts or anything
//! else that is fetched; what looks like an address in text from outside is held apart by elements of
//! its own, so that a mail program makes no link of it, and reads and copies as it was. In the plain
//! text it is written `https[://]host[.]example/`. The sentence and each fact are cut at 4,000 characters,
//! all facts together at 50,000, the subject at 150.
//!
//! | header | |
//! | --- | --- |
//! | `Message-ID` | made of the notification's `id` and the domain of `from`: the same at each try, so that a repeat can be dropped |
//! | `Date` | when it was sent; when it happened is in the text |
//! | `Auto-Submitted` | `auto-generated` (RFC 3834): no absence note answers it |
//! | `List-Id` | `<CHANNEL.strongroom.DOMAIN>` (RFC 2919): what filters can sort by |
//! | `Strongroom-Kind`, `Strongroom-Urgency`, `Strongroom-Id` | the kind, the urgency and the `id` |
//! | `Importance`, `X-Priority` | `high` and `1 (Highest)` if it is urgent, `low` and `5 (Lowest)` if it is quiet |
//!
//! **A request that waits for an approval** goes also to the address of each approver (`strongroom
//! approver add --mail`) who is in a group that it needs, does not operate the service that asks, and is
//! not retired. The message has a file `pending-ID.json`, with the entry as it stands in the audit log:
//! `strongroom approve --from pending-ID.json --sign-with KEY` shows it in full, asks, and signs. The mail
//! itself proves nothing, and needs not: what is signed is about exactly that entry, and counts nowhere
//! else.
//!
//! **Delivered** means that the server took the message for at least one address in `to`, and then
//! moved on from each other recipient as follows. Recipients are asked for one by one:
//!
//! - one that is refused for good (5yz) is passed over, and tried again with the next notification;
//! - one that is refused for now (4yz) holds the channel for up to six minutes, in which only that one
//!   is tried again, and is then passed over in the same way;
//! - both are said for as long as they last: the channel is `well`, and `notify list` and `status` add
//!   who is refused, since when, and what the server said (`remark` in JSON);
//! - if nobody in `to` is taken, nothing is delivered, and the channel tries for as long as it takes.
//!
//! A message that the server does not take for good at its end (a filter that dislikes its words, a
//! limit on its size) is sent once more without anything that came from outside: that there is an
//! entry, which one, and what the server said. If it does not take that either, the channel is failing.
//!
//! A connection is used for one message after the other. The server has 30 s to be reached, 60 s for a
//! command, 120 s to accept a message, and 5 minutes for all of it. What it says when it refuses a login
//! is never repeated: it may hold the password.
//!
//! # desktop
//!
//! A popup by the notification daemon of a desktop (`org.freedesktop.Notifications`, Desktop
//! Notifications Specification 1.2) on the bus in `bus`, or without it on that of the session that
//! the agent runs in. A session's bus lets only the same user in: an agent that runs as a user of its
//! own reaches no desktop, and is better off with another kind of channel.
//!
//! A popup only tells. It has no actions at all, so that no click decides anything; for a request that
//! waits it has the facts and the command that decides. What a popup is too small for is cut (the
//! sentence at 600 characters, a fact at 160, all facts at 1,600), never the command.
//!
//! Text from outside is in the body only. It is escaped if the daemon says that it reads markup
//! (`body-markup`), and is as it is for one that does not; it has no links, as above. The hints are
//! `urgency` (0 quiet, 1 normal, 2 urgent), `category` (`x-strongroom.KIND`), `desktop-entry`
//! (`strongroom`), and `x-dunst-stack-tag` (the notification's `id`: by it, a daemon that knows the hint
//! replaces a repeat).
//!
//! **Delivered** means that the daemon answered with a number. While there is no bus, or nobody on it
//! who shows notifications, the channel says so and tries again.
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
