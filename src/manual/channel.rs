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
//! # How a channel does
//!
//! The log is a channel's queue. Nothing is read of it while something waits to be delivered, so an
//! outage of days costs no memory, and a channel that is ill costs next to nothing. A try, of whatever
//! kind, may take 30 seconds. After one that failed it pauses for a quarter of a second, and twice as
//! long each time, up to a minute, less up to a half by chance; a receiver may ask to be left alone for
//! up to an hour. Unlocking the vault, changing it, and a test that goes through end the pause. The
//! position is durable after 64 deliveries or one second, and when the agent stops: that much a crash
//! repeats at the most. An agent that stops has 5 seconds to tell of that.
//!
//! `strongroom status` and `strongroom notify list` show how each does; with `--json`, `state` is
//!
//! | state | |
//! | --- | --- |
//! | `well` | it has told everything, or does so now; `holds` says until when it holds what it has read, for a digest or in quiet hours |
//! | `trying` | it could not deliver: `problem` says why, `since` since when, `tries` how often, `next` when it tries again |
//! | `waiting` | its credential is in the vault, which is locked |
//! | `idle` | no agent runs |
//!
//! with `delivered` (entries before this one need no telling any more), `behind` (how many have come
//! since) and `last` (when it delivered last). `strongroom notify test` sends a test through each of
//! them at once and says what each answered.
//!
//! # mail
//!
//! One message (RFC 5322) for each notification, to a mail server (RFC 5321). TLS protects it on the way
//! there: that server, and each one behind it, reads who used which secret and what for.
//!
//! | setting | |
//! | --- | --- |
//! | `host`, `port` | the mail server; without `port` 465, 587 or 25, as `tls` says |
//! | `tls` | `implicit` (TLS from the first byte, RFC 8314), `starttls` (RFC 3207; nothing but `EHLO` is said before it, and what somebody on the way adds to the answer ends the connection), or `none`, which is taken only for 127.0.0.1 and ::1, written as such |
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
//! | `Strongroom-Marks` | what is out of the ordinary, if anything is: `first-use, new-address` |
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
//! A POST of JSON for each notification, in one of three forms.
//!
//! | setting | |
//! | --- | --- |
//! | `format` | `standard` if left out, `slack` or `teams` |
//! | `url` | for `standard`: where it goes, `https://…`; `http://` is taken for 127.0.0.1 and `[::1]` only |
//! | `secrets` | for `standard`: the secrets that it is signed with, at most 8, of kind `token` (`whsec_…`) or `hmac` (the bytes themselves, 24 to 64) |
//! | `secret` | for `slack` and `teams`: the secret, of kind `token`, whose value is the webhook's URL |
//!
//! Each secret's binding has a section [`channel`](super::binding#channel) that names this channel and
//! the origin that it sends to, and the authorities to trust there.
//!
//! **`standard`** is [Standard Webhooks](https://www.standardwebhooks.com) 1.0: `type` is
//! `strongroom.` and the notification's kind, `timestamp` the entry's time, `data` the whole of the
//! notification; `webhook-id` is its id. `webhook-signature` has a signature (`v1`) for every secret
//! and every version of it that is not retired. So a signing secret is changed without an outage: rotate
//! it, have the receivers change over, retire the old version.
//!
//! **`slack`** is the body of an incoming webhook: text objects of type `plain_text`, with `&`, `<` and
//! `>` escaped, nothing unfurled. **`teams`** is for the webhook of a workflow: a message with an Adaptive
//! Card, version 1.4, all of whose text stands in `TextRun`s, where Markdown is not read. Both say the
//! sentence, what stands beside it, and the time, kind and id, cut to what the receiver takes; where
//! something is cut it says so. Addresses are broken (`https[://]…`), so that nothing becomes a link.
//!
//! **Delivered** is any 2xx answer within 15 seconds. Redirects are not followed. `Retry-After` of a 429
//! or 503 is kept, for an hour at most; a receiver that answers 410 is asked again every hour, and
//! health says so. Nothing of what a receiver writes is told, and no URL: either may be a secret.
//!
//! # ntfy
//!
//! A message on a topic of a public or self-hosted [ntfy](https://ntfy.sh) server, published as JSON.
//!
//! | setting | |
//! | --- | --- |
//! | `url` | the server: `https://ntfy.example.com` |
//! | `topic` | 1 to 64 letters, digits, `-` and `_` |
//! | `secret` | to log in: an access token (kind `token`) or a user name and password (kind `basic`); its binding's section [`channel`](super::binding#channel) names this channel and the server |
//! | `cacert` | without a secret: a file of PEM certificates to trust instead of the platform's |
//!
//! The message is plain text of at most 3600 bytes, cut and with addresses broken as in a chat. The
//! priority is 5 for what is urgent, 3 for what is normal and 2 for what is quiet; the kind is a tag. It
//! has no click action, no buttons and no attachment. `sequence_id` is SHA-256 of the notification's
//! id in base64url: a repeat takes the place of what is shown. Delivered is a 2xx answer; the rest is as
//! with webhooks.
//!
//! # syslog
//!
//! RFC 5424 messages, over TLS as RFC 5425 describes it, or to a socket on this machine.
//!
//! | setting | |
//! | --- | --- |
//! | `server` | the receiver over TLS, `logs.example.com` or `logs.example.com:6514` |
//! | `cacert` | a file of PEM certificates to trust instead of the platform's |
//! | `fingerprints` | instead of that, the certificates that the receiver may show, `sha-256:4A:0F:…` (`openssl x509 -noout -fingerprint -sha256`), whatever their names and dates; SHA-1 is not taken |
//! | `certificate` | the secret, of kind `mtls`, whose certificate is shown to the receiver; its binding's section [`channel`](super::binding#channel) names this channel, `host:port`, and the authorities to trust there |
//! | `socket` | where a syslog daemon on this machine reads datagrams; `/dev/log` if there is no `server` |
//! | `facility` | `authpriv` if left out; `user`, `mail`, `daemon`, `auth`, `syslog`, `lpr`, `news`, `uucp`, `cron`, `ftp`, `ntp`, `audit`, `alert`, `clock`, `local0` to `local7` |
//! | `hostname` | HOSTNAME; what the machine calls itself if left out |
//! | `enterprise` | your own private enterprise number |
//! | `max_bytes` | the longest message, 2048 to 65536; 8192 if left out, which RFC 5425 asks every receiver to take |
//!
//! ```text
//! <85>1 2026-03-01T10:00:00.123Z vault.example strongroom 812 use [strongroom@4242 id="vault.example/7" index="7" kind="use" urgency="normal" service="atlas" operation="sign" secret="deploy-key" purpose="release 5"][origin software="strongroom" swVersion="0.1.0"][meta sequenceId="3"] atlas signed with deploy-key for 'release 5' (vault.example/7)
//! ```
//!
//! The severity is `alert` (1, action must be taken immediately) for what is urgent, `notice` (5) for
//! what is normal, `info` (6) for what is quiet. TIMESTAMP is the entry's own time, MSGID the
//! notification's kind, PROCID changes when the agent starts anew, and then `sequenceId` begins with 1
//! again: a receiver can see that a message is missing. MSG is UTF-8 with its BOM: the sentence, cut to a
//! third of the longest message, and the notification's id, which stands there because relays and files
//! drop structured data.
//!
//! **The enterprise number.** A name of structured data that IANA did not register has to end in the
//! private enterprise number of who made it up (RFC 5424 section 6.3.2), and this program's makers have
//! none. 32473 is for examples in documents (RFC 5612), and somebody else's number is theirs. So the
//! element `strongroom@…`, with all that a notification's facts say, is there when you set `enterprise` to
//! a number that IANA assigned to your organisation; without one, a message has the elements `origin` and
//! `meta`, which are registered, and the id at its end. In the element, `"`, `\` and `]` are escaped, a
//! value has at most 1024 bytes, characters that a name can't have are `_`, `marks` says what is out
//! of the ordinary, and `more` how many facts there was no room for.
//!
//! **Delivered over TLS.** The receiver's certificate is checked for its name and against the platform's
//! authorities or `cacert`, or by its fingerprint, in TLS 1.2 or 1.3. Syslog itself answers nothing: what was written to a connection may be lost
//! with it, and nobody would know. But the receiver has to answer the sender's `close_notify` with its
//! own (RFC 5425 section 4.4), and has then read everything that was sent before it. So each
//! notification has a connection of its own, and is delivered when the receiver has ended that well. A
//! connection that breaks, or that is cut off without `close_notify`, proves nothing: the notification is
//! sent again, with the same id, by which a receiver drops the repeat. That the receiver has
//! read it does not say that it keeps it; that is its own duty (queues on disk).
//!
//! **Delivered at a socket.** The kernel has put the datagram into the daemon's queue, and the daemon takes
//! it when it comes to it; a full queue is waited for, and a socket that is missing, or that nobody
//! reads, is an outage. A daemon that ends without reading its queue loses what is in it, but for sockets
//! that systemd holds. At most 8,000 messages go out in 30 s (see [journald](#journald)).
//!
//! `/dev/log` is the journal's on most machines, which does not understand RFC 5424 and shows the header as
//! text: there, take the channel `journald`. rsyslog reads RFC 5424 at a socket with
//! `input(type="imuxsock" Socket="…" useSpecialParser="off" parseHostname="on")`, and over TLS with `imtcp`;
//! syslog-ng with `unix-dgram("…" flags(syslog-protocol))` and `syslog(transport("tls") …)`.
//!
//! # journald
//!
//! Entries of the systemd journal, by its native protocol: no text can end a field or begin another one, and
//! what is too large for a datagram goes in a sealed memory file. `socket` is another path than
//! `/run/systemd/journal/socket`.
//!
//! | field | |
//! | --- | --- |
//! | `MESSAGE` | the sentence |
//! | `MESSAGE_ID` | the id of the kind, see below |
//! | `PRIORITY` | 1, 5 or 6, as for syslog |
//! | `SYSLOG_IDENTIFIER`, `SYSLOG_FACILITY` | `strongroom`, 10 (`authpriv`) |
//! | `STRONGROOM_ID` | the notification's id, by which a reader drops repeats |
//! | `STRONGROOM_INDEX`, `STRONGROOM_TIME` | the entry's index and time |
//! | `STRONGROOM_KIND`, `STRONGROOM_URGENCY` | its kind and urgency |
//! | `STRONGROOM_MARK` | what is out of the ordinary, once for each |
//! | `STRONGROOM_…` | each fact under its label in capital letters: `STRONGROOM_SERVICE`, `STRONGROOM_PURPOSE`, `STRONGROOM_FIELD_PATH` |
//! | `STRONGROOM_ENTRY` | the entry, as JSON |
//!
//! | kind | `MESSAGE_ID` |
//! | --- | --- |
//! | `use` | `31b49f9917e84907bd9e33f4487860e7` |
//! | `outcome` | `7faf880085774d31854548cd1511247d` |
//! | `refusal` | `fe73eecd52ee4f61b2845e54cfc12137` |
//! | `pending` | `4affc5c9f66842a9948469aeda512c56` |
//! | `decision` | `4f907528fbb84fe5bccee5d155f91de7` |
//! | `noise` | `3c4e6e3a0a9044acb6e173473da8548c` |
//! | `administration` | `e2b0caac865742909fa55c3941136211` |
//! | `unreadable` | `d891ac52b9ad489182302523839ac7d3` |
//! | `digest` | `068722d7e63f41aa9b072e1f426f39bf` |
//!
//! ```text
//! journalctl MESSAGE_ID=4affc5c9f66842a9948469aeda512c56      all that waited for an approval
//! journalctl -t strongroom -p alert                           all that is urgent
//! ```
//!
//! **Delivered** means that the entry waits in the journal's socket, which systemd keeps open while
//! `systemd-journald` is started again. The journal answers nothing. It makes urgent entries durable at once and
//! others within 5 minutes (`SyncIntervalSec=`), and it throws away what one unit sends beyond 10,000 messages in
//! 30 s (`RateLimitBurst=`, `RateLimitIntervalSec=`), so that the channel sends at most 8,000 in that time and takes longer
//! to catch up. Where the journal is set to less, what is beyond that is lost; the audit log has it.
//!
//! # file
//!
//! One JSON object on each line of the file at `path`: the notification (`format = "json"`), or an OCSF event
//! (`format = "ocsf"`). Characters that are not plainly printable are written `\uXXXX`.
//!
//! The file is made for its owner only (0600) and grows at its end only. **Delivered** means that the
//! line is on the disk (fsync; after the file was opened, its directory too). A full disk is an outage. What a crash or
//! a full disk left of a line is completed when the same notification comes again; anything else that has no
//! newline at its end, and that somebody else wrote, gets one, so that no two lines are glued. The file is
//! opened anew when its name means another one: `logrotate` needs no signal, only `create` and `delaycompress`.
//! `copytruncate` can lose lines; don't use it.
//!
//! OCSF events keep to version 1.3.0 of the schema. `metadata.uid` is the notification's id, `metadata.correlation_uid`
//! that of the use or pending request that an outcome or a decision is about, and `metadata.labels` the marks.
//! `severity_id` is 1 for quiet, 2 for normal, 4 for urgent. The whole notification goes along under
//! `unmapped.strongroom`.
//!
//! | what is told | class | activity |
//! | --- | --- | --- |
//! | use, outcome, refusal, pending | API Activity (6003) | Read for `release`, `public-key`, `totp`; Create for `token`, `ssh-certificate`, `data-key`; else Other, named after the operation. `status_id` is Success, Failure, or Other (`Pending`) |
//! | decision | API Activity (6003) | Other, `decision`; the actor is who decided |
//! | secrets, aliases, services, approvers, policies, the passphrase | Entity Management (3004), profile `host` | Create, Read, Update, Enroll, Unenroll, Deactivate, Suspend, Resume; else Other |
//! | unlock, lock | Authentication (3002) | Logon, Logoff |
//! | the agent, a panic and its end, channels | Application Lifecycle (6002) | Install, Start, Stop, Enable, Disable; else Other |
//! | noise, what cannot be read | Detection Finding (2004) | Create |
//! | digest, and kinds of later versions | Base Event (0) | Other |
//!
//! # command
//!
//! A program of yours (`program`, a list: the program and its arguments; no shell) that gets the notification as one line of JSON on
//! standard input. **Delivered** means that it ended with 0. Otherwise its exit status and the last line that it
//! wrote to standard error, escaped and cut to 200 characters, are shown by `strongroom notify list`. After
//! `timeout_seconds` (1 to 3600; 30 if left out) it is stopped, and what it started with it.
//!
//! Of the agent's environment it gets `PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`, `TMPDIR`, the language and time zone, and where the desktop is
//! (`DISPLAY`, `WAYLAND_DISPLAY`, `XAUTHORITY`, `XDG_RUNTIME_DIR`, `XDG_CURRENT_DESKTOP`, `DBUS_SESSION_BUS_ADDRESS`), and nothing else: what started the agent may have put secrets there.
