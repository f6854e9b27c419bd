//! Webhooks of all forms and ntfy, each with a receiver that checks it by the form's own public package;
//! and that a credential goes where its owner signed, and nowhere else.

use serde_json::{Value, json};

use crate::support::{
    Vault,
    authority::Authority,
    eventually,
    hook::{EACH, Hook, assert_complete, configure, give, problem, sign, vault},
};

/// Signing secrets as Standard Webhooks writes them.
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_plJ3nmyCDGBKInavdOK15jslo2LaLaSw";
const NEXT: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDAAAA";
const TOKEN: &str = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2";

/// A receiver, and a channel that tells it.
struct Form {
    format: &'static str,
    channel: &'static str,
    secret: &'static str,
    /// What the receiver is started with.
    peer: &'static [&'static str],
}

const FORMS: [Form; 4] = [
    Form {
        format: "standard",
        channel: "ops",
        secret: OLD,
        peer: &["--path", "/hook", "--secret", OLD],
    },
    Form {
        format: "slack",
        channel: "chat",
        secret: "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        peer: &[
            "--path",
            "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
        ],
    },
    Form {
        format: "teams",
        channel: "team",
        secret: "/workflows/4f2a/triggers/manual/paths/invoke?api-version=2016-06-01&sig=Zm9v-YmFy",
        peer: &[
            "--path",
            "/workflows/4f2a/triggers/manual/paths/invoke?api-version=2016-06-01&sig=Zm9v-YmFy",
        ],
    },
    Form {
        format: "ntfy",
        channel: "phone",
        secret: TOKEN,
        peer: &[
            "--topic",
            "strongroom-4f2a",
            "--authorization",
            "Bearer tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2",
        ],
    },
];

impl Form {
    fn start(&self, port: u16, more: &[&str]) -> Hook {
        Hook::on(port, self.format, &[self.peer, more].concat())
    }

    /// The name of the secret in the vault.
    fn name(&self) -> String {
        format!("hooks/{}", self.channel)
    }

    /// Puts the credential into the vault, for the receiver at this port.
    fn give(&self, vault: &Vault, port: u16) {
        let to = format!("http://127.0.0.1:{port}");
        let value = match self.format {
            "slack" | "teams" => format!("{to}{}", self.secret),
            _ => self.secret.to_owned(),
        };
        give(vault, &self.name(), "token", &value, self.channel, &to);
    }

    /// The channel in `agent.toml`.
    fn settings(&self, port: u16) -> String {
        let (name, secret) = (self.channel, self.name());
        let channel = match self.format {
            "standard" => format!(
                "[[notify]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook\"\nsecrets = [\"{secret}\"]\n"
            ),
            "ntfy" => format!(
                "[[notify]]\nname = \"{name}\"\nkind = \"ntfy\"\nurl = \"http://127.0.0.1:{port}\"\ntopic = \"strongroom-4f2a\"\nsecret = \"{secret}\"\n"
            ),
            format => format!(
                "[[notify]]\nname = \"{name}\"\nkind = \"webhook\"\nformat = \"{format}\"\nsecret = \"{secret}\"\n"
            ),
        };
        channel + EACH
    }
}

/// Makes a channel of every form tell its receiver.
fn tell_all(vault: &Vault, hooks: &[Hook]) {
    let mut channels = String::new();
    for (form, hook) in FORMS.iter().zip(hooks) {
        form.give(vault, hook.port);
        channels += &form.settings(hook.port);
    }
    configure(vault, &channels);
}

#[test]
fn every_form_is_told_of_every_entry_in_order_and_outages_are_waited_out() {
    // The first deliveries fail, in each of the ways that are tried again.
    let hooks = FORMS.map(|form| form.start(0, &["--answers", "500,429:1,503"]));
    let (vault, key) = vault();
    tell_all(&vault, &hooks);
    let agent = vault.agent();
    for release in 0..3 {
        sign(&agent, &key, &format!("release {release}"));
    }
    for hook in &hooks {
        hook.until("release 2");
        assert_complete(&hook.indices());
        let refused = hook
            .got()
            .iter()
            .filter(|told| told.get("answered").is_some())
            .count();
        assert_eq!(refused, 3);
    }

    // Gone for a while, and back at the same place; the agent is killed meanwhile, too.
    let ports: Vec<_> = hooks.iter().map(|hook| hook.port).collect();
    let last: Vec<_> = hooks
        .iter()
        .map(|hook| hook.indices().pop().unwrap())
        .collect();
    drop(hooks);
    sign(&agent, &key, "in the outage");
    for form in &FORMS {
        eventually("the channel is ill", || {
            problem(&vault, form.channel).contains("refused")
        });
    }
    agent.kill();
    let agent = vault.agent();
    let hooks: Vec<_> = FORMS
        .iter()
        .zip(&ports)
        .map(|(form, port)| form.start(*port, &[]))
        .collect();
    sign(&agent, &key, "after the outage");
    for (hook, last) in hooks.iter().zip(last) {
        hook.until("after the outage");
        let mut indices = hook.indices();
        assert!(
            indices[0] <= last + 1,
            "nothing is lost: {indices:?} after {last}"
        );
        indices.dedup();
        assert_complete(&indices);
        hook.until("in the outage");
    }
    for form in &FORMS {
        eventually("the channel is well", || {
            problem(&vault, form.channel).is_empty()
        });
    }
    agent.stop();
}

#[test]
fn text_from_outside_is_only_text() {
    let hooks = FORMS.map(|form| form.start(0, &[]));
    let (vault, key) = vault();
    tell_all(&vault, &hooks);
    let agent = vault.agent();
    // Mentions, links and formats of each, characters without a width; and much of it.
    // (Control characters and other writing directions are refused before anything is told.)
    let hostile = "<!channel> <@U1> <https://evil.example|click> [click](https://evil.example) ![x](https://evil.example/x.png) <at>everyone</at> @here *b* `c` & \u{200b}\u{feff}drawkcab \"},{\"";
    sign(&agent, &key, hostile);
    let long = "&<>\"\\\u{e9}".repeat(85);
    sign(&agent, &key, &long);
    sign(&agent, &key, "the last");
    let as_seen = "<!channel> <@U1> <https[://]evil.example|click> [click](https[://]evil.example) ![x](https[://]evil[.]example/x.png) <at>everyone</at> @here *b* `c` & \\u{200b}\\u{feff}drawkcab \"},{\"";
    for (form, hook) in FORMS.iter().zip(&hooks) {
        hook.until("the last");
        assert_complete(&hook.indices());
        let told: Vec<Value> = hook
            .delivered()
            .into_iter()
            .filter(|told| told.to_string().contains("evil.example"))
            .collect();
        assert_eq!(told.len(), 1, "{}: {told:#?}", form.format);
        if form.format == "standard" {
            // The whole entry, as JSON: what was asked stands in it as it was asked.
            assert_eq!(told[0]["body"]["data"]["entry"]["ask"]["purpose"], hostile);
            continue;
        }
        let seen: Vec<&str> = told[0]["seen"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect();
        assert!(
            seen.iter()
                .any(|line| line.contains(&format!("purpose: {as_seen}"))),
            "{}: {seen:#?}",
            form.format
        );
        assert!(
            seen.iter()
                .all(|line| !line.contains(['\u{200b}', '\u{feff}'])),
            "{}: {seen:#?}",
            form.format
        );
    }
}

/// Every secret that verifies the newest delivery, and how many signatures that has.
fn verified(hook: &Hook) -> (Vec<Value>, u64) {
    let last = hook.delivered().pop().unwrap();
    (
        last["verified"].as_array().unwrap().clone(),
        last["signatures"].as_u64().unwrap(),
    )
}

#[test]
fn a_webhook_is_signed_with_every_secret_and_every_version_in_use() {
    let all = [
        "--any", "--secret", OLD, "--secret", NEW, "--secret", NEXT, "--path", "/hook",
    ];
    let hook = Hook::start("standard", &all);
    let to = format!("http://127.0.0.1:{}", hook.port);
    let (vault, key) = vault();
    give(&vault, "hooks/ops", "token", OLD, "ops", &to);
    // One as a person writes it, and one as the key that it is.
    give(&vault, "hooks/next", "hmac", NEXT, "ops", &to);
    configure(
        &vault,
        &format!(
            "[[notify]]\nname = \"ops\"\nkind = \"webhook\"\nformat = \"standard\"\nurl = \"{to}/hook\"\nsecrets = [\"hooks/ops\", \"hooks/next\"]\n"
        ),
    );
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    hook.until("release 1");
    assert_eq!(verified(&hook), (vec![json!(OLD), json!(NEXT)], 2));

    vault.run_with_input(&["secret", "rotate", "hooks/ops"], NEW.as_bytes());
    sign(&agent, &key, "release 2");
    hook.until("release 2");
    assert_eq!(
        verified(&hook),
        (vec![json!(OLD), json!(NEW), json!(NEXT)], 3)
    );

    // The receivers have changed over.
    vault.run(&["secret", "retire", "hooks/ops", "--version", "1"]);
    sign(&agent, &key, "release 3");
    hook.until("release 3");
    assert_eq!(verified(&hook), (vec![json!(NEW), json!(NEXT)], 2));

    // Each time that a value was taken is an entry, and says where to.
    let taken: Vec<_> = vault
        .entries()
        .into_iter()
        .filter(|entry| entry["action"] == "channel-opened")
        .map(|entry| {
            (
                entry["subject"].clone(),
                entry["version"].clone(),
                entry["detail"].clone(),
            )
        })
        .collect();
    let of = |secret: &str, version: u32| {
        (
            json!(secret),
            json!(version),
            json!(format!("`ops`, to `{to}`")),
        )
    };
    assert_eq!(
        taken,
        [
            of("hooks/ops", 1),
            of("hooks/next", 1),
            of("hooks/ops", 2),
            of("hooks/ops", 1),
            of("hooks/ops", 2),
        ]
    );
    // Still told while locked, with what was taken before.
    vault.run(&["lock"]);
    eventually("the lock is told", || {
        hook.delivered()
            .iter()
            .any(|told| told["body"]["data"]["entry"]["action"] == "locked")
    });
    agent.stop();
}

#[test]
fn a_secret_that_is_rotated_retired_or_bound_elsewhere_is_taken_up_at_the_next_delivery() {
    let form = &FORMS[3];
    let hook = form.start(0, &[]);
    let (vault, key) = vault();
    form.give(&vault, hook.port);
    configure(&vault, &form.settings(hook.port));
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    hook.until("release 1");

    // A token that the server does not know yet, and then does.
    vault.run_with_input(&["secret", "rotate", "hooks/phone"], b"tk_new");
    sign(&agent, &key, "release 2");
    eventually("the new token is sent", || {
        problem(&vault, "phone").contains("400")
    });
    let port = hook.port;
    drop(hook);
    let authorization = [
        "--topic",
        "strongroom-4f2a",
        "--authorization",
        "Bearer tk_new",
    ];
    let hook = Hook::on(port, "ntfy", &authorization);
    hook.until("release 2");

    // Bound elsewhere: not sent here any more.
    vault.run(&[
        "secret",
        "bind",
        "hooks/phone",
        "--channel",
        "phone",
        "--to",
        "https://ntfy.example.com",
    ]);
    sign(&agent, &key, "release 3");
    eventually("it says what to do", || {
        problem(&vault, "phone").contains("it is bound to `phone` at `https://ntfy.example.com`")
    });
    let to = format!("http://127.0.0.1:{port}");
    vault.run(&[
        "secret",
        "bind",
        "hooks/phone",
        "--channel",
        "phone",
        "--to",
        &to,
    ]);
    hook.until("release 3");
    assert_complete(&hook.indices());

    vault.run(&["secret", "retire", "hooks/phone"]);
    eventually("it is not used any more", || {
        problem(&vault, "phone").contains("is retired")
    });
    agent.stop();
}

#[test]
fn a_locked_agent_tells_nothing_and_then_all_of_it() {
    let hooks = FORMS.map(|form| form.start(0, &[]));
    let (vault, key) = vault();
    tell_all(&vault, &hooks);
    let agent = vault.locked_agent();
    let refused = agent.request(&key, &["sign", "deploy-key", "--message", "hello"]);
    assert_eq!(refused.status.code(), Some(4));
    for form in &FORMS {
        eventually("it waits for the owner", || {
            problem(&vault, form.channel).contains("locked")
        });
    }
    for hook in &hooks {
        assert!(hook.got().is_empty());
    }
    vault.run(&["unlock"]);
    sign(&agent, &key, "unlocked");
    let entries = vault.entries();
    let started = entries
        .iter()
        .position(|entry| entry["action"] == "agent-started");
    for hook in &hooks {
        hook.until("unlocked");
        let indices = hook.indices();
        assert_eq!(indices[0], started.unwrap());
        assert_complete(&indices);
    }
    agent.stop();
}

#[test]
fn agent_toml_sends_no_secret_where_its_owner_did_not_sign() {
    let (vault, key) = vault();
    // A receiver of the attacker's for each form, which would print whatever comes.
    let hooks = FORMS.map(|form| form.start(0, &[]));
    let mut channels = String::new();
    for (form, hook) in FORMS.iter().zip(&hooks) {
        let value = match form.format {
            "slack" | "teams" => format!("http://127.0.0.1:{}{}", hook.port, form.secret),
            _ => form.secret.to_owned(),
        };
        give(
            &vault,
            &form.name(),
            "token",
            &value,
            form.channel,
            "https://right.example",
        );
        channels += &form.settings(hook.port);
    }
    // Right by the address, but bound to another channel; and bound to none.
    for (channel, secret) in [("thief", "hooks/ops"), ("taker", "deploy-token")] {
        channels += &format!(
            "[[notify]]\nname = \"{channel}\"\nkind = \"ntfy\"\nurl = \"https://right.example\"\ntopic = \"t\"\nsecret = \"{secret}\"\n"
        );
    }
    vault.run_with_input(
        &["secret", "add", "deploy-token", "--kind", "token"],
        b"hunter2-hunter2",
    );
    configure(&vault, &channels);
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    for (channel, said) in [
        (
            "ops",
            "it is bound to `ops` at `https://right.example`; `strongroom secret bind hooks/ops --channel ops --to http://127.0.0.1:",
        ),
        (
            "chat",
            "the URL in secret `hooks/chat` is not at `https://right.example`, where it is bound to",
        ),
        (
            "team",
            "the URL in secret `hooks/team` is not at `https://right.example`",
        ),
        ("phone", "it is bound to `phone` at `https://right.example`"),
        (
            "thief",
            "secret `hooks/ops` is not for channel `thief` at `https://right.example`",
        ),
        (
            "taker",
            "secret `deploy-token` is not for channel `taker` at `https://right.example`: it is bound to no channel",
        ),
    ] {
        eventually("it is refused", || problem(&vault, channel).contains(said));
    }
    for hook in &hooks {
        assert!(hook.got().is_empty(), "{:?}", hook.got());
    }
    // Nothing was taken for what nothing was bound to.
    for entry in vault.entries() {
        if entry["action"] == "channel-opened" {
            assert!(
                ["hooks/chat", "hooks/team"].contains(&entry["subject"].as_str().unwrap()),
                "{entry}"
            );
        }
    }
    // The URL is a secret: no problem told it.
    let told = vault.run(&["notify", "list"]) + &agent.log() + &vault.run(&["status"]);
    assert!(
        !told.contains("XXXXXXXXXXXX") && !told.contains("Zm9v"),
        "{told}"
    );
    agent.stop();
}

#[test]
fn a_receiver_that_is_gone_or_elsewhere_is_not_followed_and_told() {
    let (vault, key) = vault();
    let [standard, slack, ..] = &FORMS;
    let gone = standard.start(0, &["--answers", "410"]);
    let moved = slack.start(0, &["--answers", &["302"; 200].join(",")]);
    let mut channels = String::new();
    for (form, hook) in [(standard, &gone), (slack, &moved)] {
        form.give(&vault, hook.port);
        channels += &form.settings(hook.port);
    }
    configure(&vault, &channels);
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    eventually("it is told what to do", || {
        problem(&vault, "ops").contains("410 Gone: it wants no more; give another address")
            && problem(&vault, "chat").contains("302 Found, which is not followed")
    });
    // The channel goes on at the same place when its receiver is there again: after a restart at once.
    assert_eq!(gone.got(), [json!({"answered": 410})]);
    agent.stop();
    assert!(
        moved
            .got()
            .iter()
            .all(|told| *told == json!({"answered": 302}))
    );
    let agent = vault.agent();
    gone.until("release 1");
    assert_complete(&gone.indices());
    agent.stop();
}

#[test]
fn a_receiver_of_ones_own_is_trusted_by_the_authority_in_the_binding() {
    let (vault, key) = vault();
    let authority = Authority::create(vault.path(), "authority");
    let (certificate, private) = authority.sign("hook", "subjectAltName=IP:127.0.0.1");
    let tls = ["--certificate", &certificate, "--key", &private];
    let form = &FORMS[0];
    let hook = form.start(0, &tls);
    let to = format!("https://127.0.0.1:{}", hook.port);
    give(&vault, "hooks/ops", "token", OLD, "ops", &to);
    let settings = form.settings(hook.port).replace("http://", "https://");
    configure(&vault, &settings);
    let agent = vault.agent();
    sign(&agent, &key, "release 1");
    eventually("it is told that nobody vouches for it", || {
        problem(&vault, "ops").contains("name its authority in the binding: `cacert`")
    });
    assert!(hook.got().is_empty());
    let own = authority.certificate();
    vault.run(&[
        "secret",
        "bind",
        "hooks/ops",
        "--channel",
        "ops",
        "--to",
        &to,
        "--channel-cacert",
        &own,
    ]);
    hook.until("release 1");
    assert_complete(&hook.indices());
    agent.stop();
}

#[test]
fn a_topic_that_anybody_may_write_to_needs_no_secret() {
    let (vault, key) = vault();
    let hook = Hook::start("ntfy", &["--topic", "open"]);
    configure(
        &vault,
        &format!(
            "[[notify]]\nname = \"phone\"\nkind = \"ntfy\"\nurl = \"http://127.0.0.1:{}\"\ntopic = \"open\"\n",
            hook.port
        ),
    );
    // Not even an unlocked vault.
    let agent = vault.locked_agent();
    let refused = agent.request(
        &key,
        &[
            "sign",
            "deploy-key",
            "--message",
            "hello",
            "--purpose",
            "early",
        ],
    );
    assert_eq!(refused.status.code(), Some(4));
    let told = hook.until("early");
    assert_eq!(told["body"]["priority"], 5, "somebody needs the owner");
    assert_eq!(told["body"]["tags"], json!(["rotating_light", "refusal"]));
    agent.stop();
}

#[test]
fn settings_that_can_not_be_meant_stop_the_agent_with_what_to_do() {
    let (vault, _) = vault();
    let webhook = "name = \"ops\"\nkind = \"webhook\"\n";
    let ntfy = "name = \"phone\"\nkind = \"ntfy\"\ntopic = \"t\"\n";
    for (settings, said) in [
        (
            format!("{webhook}url = \"https://a.example/\"\nsecret_file = \"x\""),
            "`secret_file` is no setting any more",
        ),
        (
            format!("{webhook}url = \"https://a.example/\""),
            "`secrets` must name",
        ),
        (
            format!("{webhook}url = \"http://a.example/\"\nsecrets = [\"s\"]"),
            "must begin with `https://host/`",
        ),
        (
            format!("{webhook}url = \"https://me:pw@a.example/\"\nsecrets = [\"s\"]"),
            "must begin with `https://host/`",
        ),
        (
            format!("{webhook}format = \"slack\"\nurl = \"https://a.example/\""),
            "`secret` is needed, and nothing else",
        ),
        (
            format!("{webhook}format = \"slack\"\nsecret = \"s\"\ncacert = \"x\""),
            "stands in the binding of the secret",
        ),
        (
            format!("{ntfy}url = \"https://a.example/x\""),
            "must be the server's",
        ),
        (
            format!("{ntfy}url = \"https://a.example\"\nsecret = \"s\"\ncacert = \"x\""),
            "stands in the binding of the secret",
        ),
        (
            ntfy.replace("\"t\"", "\"a b\"") + "url = \"https://a.example\"",
            "`topic` must be",
        ),
    ] {
        configure(&vault, &format!("[[notify]]\n{settings}\n"));
        let told = vault.fail(1, &["agent"]);
        assert!(told.contains(said), "{settings}: {told}");
        assert!(!told.contains("me:pw"), "{told}");
    }
}
