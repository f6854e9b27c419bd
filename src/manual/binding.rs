//! Bindings: what the owner says that a secret is for.
//!
//! A request names a secret and an operation; where the secret is used, how it is attached and what
//! may be made with it is the secret's binding, which no request can name. So an alias that is
//! pointed from one provider's secret to another's changes nothing for the caller.
//!
//! A binding is one JSON object with a section for each thing that it says. It is set with
//! `strongroom secret bind`, checked when it is set, kept as a signed record, and shown by
//! `strongroom secret show`. A new one takes the place of the whole of the old one; old ones are
//! kept. A section that the kind of the secret has no use for is refused, and so is a member that
//! is not on this page. A binding has at most 64 KiB.
//!
//! | kind | sections |
//! | --- | --- |
//! | `ed25519`, `p256`, `rsa` | `sign`, `token`, `ssh`, `rotation` |
//! | `p384` | `sign`, `rotation` |
//! | `token`, `basic`, `mtls` | `http`, `rotation`, `channel` |
//! | `aws` | `http`, `aws`, `token`, `rotation` |
//! | `oauth2` | `http`, `token`, `rotation` |
//! | `github-app`, `gcp` | `token`, `rotation` |
//! | `hmac` | `rotation`, `channel` |
//! | `aes256`, `totp`, `opaque` | `rotation` |
//!
//! # Endpoints
//!
//! Wherever a section says that a provider is called, it says so with an endpoint: a URL, or an
//! object where there is more to say.
//!
//! | member | |
//! | --- | --- |
//! | `url` | `https://host[:port][/path]`: what every path is under |
//! | `allow_http` | `true` where the URL begins with `http://`; only addresses in `networks` are dialled then |
//! | `networks` | addresses that may be dialled though they are not public: `["10.20.0.0/16"]` |
//! | `cacert` | PEM: the authorities to trust instead of the platform's |
//! | `timeout_seconds` | for the whole of a call, from the look-up of the name to the last byte: 1 to 300; 30 if left out |
//! | `max_reply` | the most bytes of the reply's body; 10 MiB if left out, and at most |
//!
//! The URL has no user name, query or fragment. Its host is a domain name (international ones in
//! their `xn--` form) or an address in its usual notation: `127.1` and `0x7f000001` are refused.
//!
//! ## Which addresses are dialled
//!
//! The name is looked up for each connection, all of the addresses that it stands for are judged,
//! and one of these very addresses is dialled: there is no second look-up that could be answered
//! differently. If one of them is refused, all are. Public unicast addresses are dialled, and those
//! in `networks`. Refused are, by the IANA special-purpose address registries (RFC 6890):
//!
//! - private (10/8, 172.16/12, 192.168/16, fc00::/7), loopback, link-local (169.254/16, fe80::/10,
//!   and with it the metadata services of clouds; Azure's 168.63.129.16 too), behind a carrier's NAT
//!   (100.64/10), "this host" (0/8, `::`);
//! - for documentation, benchmarks, protocols and segment routing, site-local, multicast, reserved
//!   and broadcast; of IPv6, all that is outside 2000::/3;
//! - IPv6 addresses with an IPv4 address in them: mapped, compatible, 6to4 and Teredo. Behind a NAT64
//!   translator (64:ff9b::/96) the IPv4 address is judged.
//!
//! `networks` are in CIDR notation, at least 8 bits long for IPv4 and 7 for IPv6, and are matched
//! on the plain form of an address: `10.0.0.0/8` names `::ffff:10.1.2.3` too.
//!
//! # `sign`
//!
//! The algorithms, and so the hashes, that a signing key may be used with. The first one is used
//! when a request names none.
//!
//! ```json
//! {"sign": {"algorithms": ["PS256", "PS384"]}}
//! ```
//!
//! # `http`
//!
//! For [`http`](super::operation#http): where requests go, how the credential is attached, and
//! what of a request its caller may choose.
//!
//! ```json
//! {"http": {"base_url": "https://api.heroku.com", "headers": {"accept": "application/vnd.heroku+json; version=3"}}}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `base_url` | an endpoint, see above; needed |
//! | `attach` | how the credential is attached; by the kind of the secret if left out |
//! | `headers` | headers that every request has; no caller sets these |
//! | `allow_headers` | names of headers that a caller may set beside the harmless ones; policy sees them |
//! | `body_fields` | JSON pointers (RFC 6901) into bodies: policy sees what is there, see below |
//! | `public_user` | for kind `basic`: `true` if the user name is no secret, and stays in answers |
//!
//! | `attach` | what is sent | kinds |
//! | --- | --- | --- |
//! | `"bearer"` | `Authorization: Bearer …` (RFC 6750) | `token`, `oauth2`: the default |
//! | `"basic"` | `Authorization: Basic …` (RFC 7617) | `basic`: the default |
//! | `"mtls"` | nothing; the TLS connection shows the certificate | `mtls`: the default |
//! | `{"header": "X-Api-Key"}` | `X-Api-Key: …` | `token`, `oauth2` |
//! | `{"header": "Authorization", "prefix": "Token "}` | `Authorization: Token …` | `token`, `oauth2` |
//! | `{"query": "api_key"}` | `?api_key=…` | `token`, `oauth2` |
//! | `{"cookie": "session"}` | `Cookie: session=…` (RFC 6265) | `token`, `oauth2` |
//!
//! Requests with a secret of kind `aws` are signed (Signature Version 4); `attach` is left out.
//!
//! A provider inside the owner's own network, whose certificate an authority of their own made, with
//! a key in a header, two fields of the body that policies look at, and a short wait:
//!
//! ```json
//! {"http": {
//!   "base_url": {"url": "https://billing.internal.example:8443/v2", "networks": ["10.20.0.0/16"], "timeout_seconds": 5},
//!   "attach": {"header": "X-Api-Key"},
//!   "allow_headers": ["x-tenant"],
//!   "body_fields": ["/amount", "/customer/id"]
//! }}
//! ```
//!
//! A user name that is in every path anyway:
//!
//! ```json
//! {"http": {"base_url": "https://api.twilio.com/2010-04-01", "public_user": true}}
//! ```
//!
//! **`body_fields`.** Policy sees `context.http.body.getTag("/customer/id")`: the text of a string,
//! and the JSON of anything else (`true`, `2.5`, `["a","b"]`), read from the very bytes that are
//! sent. Where nothing is there, there is no tag. In a form, `/name` is the value of that name. So
//! that nothing passes by a policy that looks into bodies, a secret with `body_fields` sends JSON
//! and forms only, and no value of more than 1024 bytes at one of them.
//!
//! **Headers.** Harmless, and so a caller's to set, are `accept`, `accept-language`, `content-type`,
//! `idempotency-key`, `if-match`, `if-modified-since`, `if-none-match`, `if-range`,
//! `if-unmodified-since`, `prefer`, `range`, `traceparent`, `tracestate`, `user-agent`,
//! `x-correlation-id` and `x-request-id`. Policy does not see headers, except `content-type`: allow
//! only those that a policy need not know. Nobody sets what frames or routes a message
//! (`host`, `content-length`, `transfer-encoding`, `connection`, `te`, `upgrade`, `expect`,
//! `proxy-…`, …), what says who asks (`authorization`, `cookie`, or the header that the credential
//! has), or what some servers take for another method, path or origin than the request has
//! (`x-http-method-override`, `x-original-url`, `x-forwarded-…`, `forwarded`, …).
//!
//! # `aws`
//!
//! What a key signs for, with [`aws-sign`](super::operation#aws-sign) and with `http`.
//!
//! ```json
//! {"aws": {"regions": ["eu-west-1"], "services": ["s3", "sqs"], "presigned_seconds": 300}}
//! ```
//!
//! | member | |
//! | --- | --- |
//! | `regions`, `services` | by their names in signatures, at least one each. A signature holds for one region and one service |
//! | `hosts` | the hosts that `aws-sign` signs for: `*.example.com` (any name below, with TLS), `minio.example:9443`, `http://10.0.0.7:9000`. AWS's own names (`*.amazonaws.com`, `*.api.aws`, and those of its other partitions) if left out |
//! | `presigned_seconds` | how long a presigned URL may be good: 900 if left out, at most 604800 (7 days) |
//!
//! With a section `http` beside it, requests are signed for its base URL: for the one region and the
//! one service that there are, or for those that are parts of the host's name
//! (`sqs.eu-west-1.amazonaws.com`). A base URL for which that is not clear is refused. Headers that
//! change what a request means (`X-Amz-Acl`, `X-Amz-Copy-Source`) or say what is called
//! (`X-Amz-Target`) are not a caller's to set unless `allow_headers` names them; then policy sees
//! them in `headers`, as it does with `aws-sign`.
//!
//! ```json
//! {"aws": {"regions": ["eu-west-1"], "services": ["sqs"]},
//!   "http": {"base_url": "https://sqs.eu-west-1.amazonaws.com", "body_fields": ["/Action"]}}
//! ```
//!
//! # `token`
//!
//! What may be issued with the secret, and within which bounds. It has one member, which the kind of
//! the secret has a use for: `jwt` (`ed25519`, `p256`, `rsa`), `oauth2`, `github-app`, `gcp` or `aws`.
//! Each is described with the [operation](super::operation#token) that uses it. An `oauth2` secret
//! needs it for `http` too: that is where the token to attach comes from.
//!
//! # `ssh`
//!
//! What a key signs for SSH. Without this section it signs nothing for SSH: no key becomes an
//! authority because a policy was written too widely.
//!
//! ```json
//! {"ssh": {"sign": {"namespaces": ["git"]}}}
//! ```
//!
//! | `ssh.sign` | for [`ssh-sign`](super::operation#ssh-sign) |
//! | --- | --- |
//! | `namespaces` | at least one; compared exactly |
//! | `hashes` | `sha512`, `sha256`, or both; both if left out |
//!
//! ```json
//! {"ssh": {"certificate": {
//!     "principals": ["deploy", "web-*"],
//!     "max_lifetime": 3600,
//!     "critical_options": {"source-address": "10.0.0.0/8"},
//!     "extensions": ["permit-pty"],
//!     "key_id_prefix": "strongroom:"
//! }}}
//! ```
//!
//! | `ssh.certificate` | for [`ssh-certificate`](super::operation#ssh-certificate) |
//! | --- | --- |
//! | `principals` | at least one; in a pattern `*` stands for any text |
//! | `max_lifetime` | in seconds, at most 86400: a day |
//! | `critical_options` | in every certificate: `force-command`, `source-address`, `verify-required` (its value is `""`); a caller can't change them, but may narrow `source-address`, and add those that are not there, because each only narrows |
//! | `extensions` | those that a caller may ask for (`permit-pty`, `permit-port-forwarding`, `permit-agent-forwarding`, `permit-X11-forwarding`, `permit-user-rc`, `no-touch-required`); none if left out |
//! | `key_types` | the types that are certified, by their SSH names; if left out Ed25519 and ECDSA on P-256, both also in a FIDO token (`sk-…`), ECDSA on P-384, and RSA |
//! | `min_rsa_bits` | the fewest bits of an RSA key that is certified: 2048 to 8192; 3072 if left out |
//! | `key_id_prefix` | what every key id begins with; nothing if left out |
//!
//! A key makes both signatures and certificates only if its owner writes both. And a key with a section
//! `ssh` and no section `sign` does not `sign` any more: a bare message could be a signature in another
//! namespace, or a certificate with nothing of what stands here. Name the algorithms in `sign` if that
//! is meant.
//!
//! # `rotation`
//!
//! When a new version is due, and the owner's program that makes it ([`rotation`](super::rotation)).
//! Every kind has a use for it.
//!
//! ```json
//! {"rotation": {
//!     "max_age": "P90D",
//!     "max_uses": 1000000,
//!     "command": ["/usr/local/bin/rotate-heroku", "--team", "web"],
//!     "timeout_seconds": 60
//! }}
//! ```
//!
//! | field | |
//! | --- | --- |
//! | `max_age` | how long a version is used before the next one is due: RFC 3339 (appendix A), `P90D`, `P12W`, `PT36H`; months and years are of no fixed length, and refused |
//! | `max_uses` | after how many uses it is; `public-key` is no use of the key |
//! | `command` | the program and its arguments. The agent never runs it: `secret rotate` does, with `--recipe` or `--due` |
//! | `timeout_seconds` | how long each of its phases may take, 1 to 3600; 120 if left out |
//!
//! # `channel`
//!
//! The one channel of the owner's (`[[notify]]` in `agent.toml`) that takes the value for its
//! credential, and where it takes it. `agent.toml` is signed by nobody: whoever can write it can
//! change what is told to whom, but no secret goes to another place than its owner signed here.
//!
//! ```json
//! {"channel": {"name": "ops", "to": "https://hooks.example.com"}}
//! ```
//!
//! | field | |
//! | --- | --- |
//! | `name` | the channel's name |
//! | `to` | the origin that it sends to, `https://host[:port]`, or `host:port` for mail and syslog; without TLS (`http://`) only 127.0.0.1 and `[::1]` |
//! | `cacert` | PEM: the authorities to trust there instead of the platform's |
//!
//! | kind | credential |
//! | --- | --- |
//! | `token` | the signing secret of a webhook (`whsec_…`), the URL of a webhook of Slack or Teams, an access token of ntfy |
//! | `hmac` | the signing secret of a webhook: the key itself |
//! | `basic` | a user name and password, for mail and ntfy |
//! | `mtls` | a TLS client certificate, for syslog |
//!
//! The agent takes the value when the channel first has something to tell after the vault was
//! unlocked, and again when there is a newer version or another binding. Each time is an entry first:
//! `channel-opened`. Then the channel keeps it until the agent ends, also after `lock`: the owner is
//! told while the vault is locked, too. Retiring the version, suspending the secret or binding it to
//! something else ends that with the next notification.
