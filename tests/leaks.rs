//! Planted secrets are used in every way and then looked for: in the store, the audit log, the
//! agent's log at its most talkative, all that commands print, the agent's memory and its core.
//! The search is shown to find what is there, so that finding nothing means something.

use std::{
    cell::RefCell,
    fs::{self, File},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Map, Value, json};

use crate::support::{
    self, Agent, PASSPHRASE, Vault, eventually,
    hook::{EACH, Hook, give},
    program, python, script, succeed, text,
};

/// A vault with secrets whose values the test knows, and the service that may use them.
struct Planted {
    vault: Vault,
    key: PathBuf,
    /// What to look for, in the form that `search.py` takes.
    secrets: RefCell<Map<String, Value>>,
    /// All that commands printed.
    printed: PathBuf,
}

impl Planted {
    fn prepare() -> Self {
        let vault = Vault::create();
        let printed = vault.path().join("printed");
        let key = vault.enrol("atlas");
        vault.configure("[listen]\ntls = \"127.0.0.1:0\"\n[log]\nlevel = \"trace\"\n");
        let mut secrets = Map::new();
        secrets.insert("passphrase".to_owned(), json!({"text": PASSPHRASE}));
        secrets.insert(
            "recovery key".to_owned(),
            json!({"age": vault.recovery_key}),
        );
        Self {
            vault,
            key,
            secrets: RefCell::new(secrets),
            printed,
        }
    }

    /// Channels with planted credentials, each with a receiver that refuses at first and takes it then,
    /// and one whose receiver is not there.
    fn tell(&self) -> Vec<Hook> {
        let signing = "whsec_cGxhbnRlZC1zaWduaW5nLTlmM2MxZTc3YTBiMjVkNDg=";
        let (path, token) = (
            "/services/planted-url-9f3c1e77a0b25d48",
            "tk_planted_9f3c1e77a0b25d48",
        );
        let bearer = format!("Bearer {token}");
        let answers = ["--answers", "400,302,503:1,500"];
        let hooks = [
            ("standard", &["--secret", signing][..]),
            ("slack", &["--path", path]),
            ("teams", &["--path", path]),
            ("ntfy", &["--topic", "t", "--authorization", &bearer]),
        ];
        let hooks = hooks.map(|(format, more)| Hook::start(format, &[more, &answers].concat()));
        let mut channels = String::new();
        let mut channel = |name: &str, value: &str, to: &str, settings: String| {
            let secret = format!("hooks/{name}");
            give(&self.vault, &secret, "token", value, name, to);
            let planted = json!({"text": value.rsplit('/').next().unwrap()});
            self.secrets.borrow_mut().insert(secret, planted);
            channels += &format!("[[notify]]\nname = \"{name}\"\n{settings}\n{EACH}");
        };
        let at = |hook: &Hook| format!("http://127.0.0.1:{}", hook.port);
        let [standard, slack, teams, ntfy] = &hooks;
        channel(
            "signed",
            signing,
            &at(standard),
            format!(
                "kind = \"webhook\"\nurl = \"{}/\"\nsecrets = [\"hooks/signed\"]",
                at(standard)
            ),
        );
        for (name, hook) in [("slack", slack), ("teams", teams)] {
            channel(
                name,
                &format!("{}{path}", at(hook)),
                &at(hook),
                format!("kind = \"webhook\"\nformat = \"{name}\"\nsecret = \"hooks/{name}\""),
            );
        }
        channel(
            "ntfy",
            token,
            &at(ntfy),
            format!(
                "kind = \"ntfy\"\nurl = \"{}\"\ntopic = \"t\"\nsecret = \"hooks/ntfy\"",
                at(ntfy)
            ),
        );
        let nobody = "http://127.0.0.1:1";
        channel(
            "dead",
            &format!("{nobody}/planted-dead-9f3c1e77a0b25d48"),
            nobody,
            "kind = \"webhook\"\nformat = \"slack\"\nsecret = \"hooks/dead\"".to_owned(),
        );
        // What is no URL, and no signing secret: the problem is told without it.
        channel(
            "wrong",
            "planted-wrong-9f3c1e77a0b25d48",
            nobody,
            "kind = \"webhook\"\nformat = \"teams\"\nsecret = \"hooks/wrong\"".to_owned(),
        );
        channel(
            "unsigned",
            "planted-unsigned-9f3c1e77a0b25d48",
            nobody,
            format!("kind = \"webhook\"\nurl = \"{nobody}\"\nsecrets = [\"hooks/unsigned\"]"),
        );
        self.vault.configure(&format!(
            "[listen]\ntls = \"127.0.0.1:0\"\n[log]\nlevel = \"trace\"\n{channels}"
        ));
        hooks.into()
    }

    /// Runs a command that must succeed, and keeps what it prints.
    fn run(&self, arguments: &[&str], input: &[u8]) {
        let output = support::with_input(self.vault.command(arguments), input);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        self.keep(&text(&output));
    }

    fn keep(&self, told: &str) {
        let mut all = fs::read_to_string(&self.printed).unwrap_or_default();
        all.push_str(told);
        fs::write(&self.printed, all).unwrap();
    }

    /// Plants one secret of each sort; `when` is a part of their names and values.
    fn plant(&self, when: &str) {
        for kind in ["token", "hmac", "opaque"] {
            let value = format!("planted-{kind}-{when}-9f3c1e77a0b25d48");
            let name = format!("{kind}-{when}");
            self.run(
                &["secret", "add", &name, "--kind", kind, "--releasable"],
                value.as_bytes(),
            );
            self.secrets
                .borrow_mut()
                .insert(name, json!({"text": value}));
        }
        for (kind, algorithm) in [
            ("ed25519", &["ed25519"][..]),
            ("p256", &["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            ("rsa", &["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ] {
            let name = format!("{kind}-{when}");
            let path = self.vault.path().join(format!("{name}.pem"));
            let mut command = Command::new("openssl");
            command
                .args(["genpkey", "-quiet", "-out"])
                .arg(&path)
                .arg("-algorithm")
                .args(algorithm);
            succeed(command);
            // One by its file, the others through a pipe.
            if kind == "rsa" {
                self.run(
                    &["secret", "add", &name, "--file", path.to_str().unwrap()],
                    b"",
                );
            } else {
                self.run(&["secret", "add", &name], &fs::read(&path).unwrap());
            }
            self.secrets.borrow_mut().insert(name, json!({"pem": path}));
        }
        // A new version, and a grant of everything.
        let rotated = format!("planted-rotated-{when}-5b86d1c90e3f7a24");
        self.run(
            &["secret", "rotate", &format!("token-{when}")],
            rotated.as_bytes(),
        );
        self.secrets
            .borrow_mut()
            .insert(format!("rotated-{when}"), json!({"text": rotated}));
        for (operations, kinds) in [
            ("release", "token"),
            ("release", "opaque"),
            ("mac,verify-mac", "hmac"),
        ] {
            self.run(
                &["grant", "atlas", operations, &format!("{kinds}-{when}")],
                b"",
            );
        }
        for kind in ["ed25519", "p256", "rsa"] {
            self.run(
                &[
                    "grant",
                    "atlas",
                    "sign,public-key",
                    &format!("{kind}-{when}"),
                ],
                b"",
            );
        }
    }

    /// Uses all of them, more than once: the second use may take another way than the first.
    fn use_all(&self, agent: &Agent<'_>, when: &str) {
        for _ in 0..2 {
            for (kind, operation, input) in [
                ("token", "release", json!({})),
                ("opaque", "release", json!({})),
                ("hmac", "mac", json!({"message": "aGk="})),
                ("ed25519", "sign", json!({"message": "aGk="})),
                ("p256", "sign", json!({"message": "aGk="})),
                ("rsa", "sign", json!({"message": "aGk="})),
                ("rsa", "public-key", json!({})),
            ] {
                let body = json!({"secret": format!("{kind}-{when}"), "operation": operation, "input": input});
                let told = agent.python(&self.key, &body, &[]);
                assert_eq!(told["status"], 200, "{body}: {told}");
            }
        }
        // Through our own client too; its words are kept, as no value is in them.
        for (kind, operation) in [("hmac", "mac"), ("rsa", "sign")] {
            let output = agent.request(
                &self.key,
                &[operation, &format!("{kind}-{when}"), "--message", "hi"],
            );
            assert!(output.status.success(), "{}", text(&output));
            self.keep(&text(&output));
        }
        // The owner's own look at a value is the exception: it is printed, so it is not kept.
        for kind in ["token", "rsa"] {
            self.vault
                .run(&["secret", "reveal", &format!("{kind}-{when}")]);
        }
    }

    /// What the owner can look at without a value being in it.
    fn look_around(&self) {
        for command in [
            &["status"][..],
            &["status", "--json"],
            &["secret", "list", "--json"],
            &["secret", "show", "token-before"],
            &["service", "list"],
            &["policy", "show"],
            &["audit", "show"],
            &["audit", "show", "--json"],
            &["audit", "verify"],
            &["notify", "list"],
        ] {
            self.run(command, b"");
        }
        // Mistakes are told without the value that they were made with.
        for (arguments, input) in [
            (
                &["secret", "add", "token-before", "--kind", "token"][..],
                "planted-token-before-9f3c1e77a0b25d48",
            ),
            (
                &["secret", "add", "other", "--kind", "aes256"],
                "planted-token-before-9f3c1e77a0b25d48",
            ),
            (
                &["secret", "add", "other", "--kind", "token"],
                "planted-token-before-9f3c1e77a0b25d48\nplanted-token-before-9f3c1e77a0b25d48",
            ),
            (
                &["secret", "add", "other"],
                "planted-token-before-9f3c1e77a0b25d48",
            ),
        ] {
            let output = support::with_input(self.vault.command(arguments), input.as_bytes());
            assert_eq!(output.status.code(), Some(1), "{}", text(&output));
            self.keep(&text(&output));
        }
    }

    /// The root that opens everything, by the recovery key and stock tools alone.
    fn root(&self) -> Map<String, Value> {
        let [key, file, root] =
            ["recovery.txt", "root.age", "root.txt"].map(|name| self.vault.path().join(name));
        fs::write(&key, &self.vault.recovery_key).unwrap();
        let mut sqlite = Command::new("sqlite3");
        sqlite.arg("-readonly").arg(self.vault.store());
        sqlite.arg("SELECT CAST(root AS TEXT) FROM slot WHERE name = 'recovery'");
        fs::write(&file, succeed(sqlite)).unwrap();
        let mut age = Command::new("age");
        age.arg("--decrypt")
            .arg("--identity")
            .arg(&key)
            .arg("--output")
            .arg(&root)
            .arg(&file);
        succeed(age);
        let root = fs::read_to_string(root).unwrap();
        let line = |start: &str| {
            root.lines()
                .find_map(|line| line.strip_prefix(start))
                .unwrap()
                .to_owned()
        };
        let mut found = Map::new();
        found.insert(
            "root identity".to_owned(),
            json!({"age": format!("AGE-SECRET-KEY-1{}", line("AGE-SECRET-KEY-1"))}),
        );
        found.insert(
            "owner key".to_owned(),
            json!({"base64": line("# owner-key: ")}),
        );
        found
    }

    /// Every file of the vault, the agent's log, and what was printed.
    fn files(&self) -> Vec<PathBuf> {
        let in_home = fs::read_dir(self.vault.home())
            .unwrap()
            .map(|file| file.unwrap().path());
        in_home
            .filter(|path| path.is_file())
            .chain([self.vault.path().join("agent.log"), self.printed.clone()])
            .collect()
    }
}

/// What `search.py` finds in these files.
fn search(secrets: &Map<String, Value>, files: &[PathBuf]) -> Vec<Value> {
    let mut command = python();
    command.arg(script("search.py")).args(files);
    let output = support::with_input(command, Value::from(secrets.clone()).to_string().as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assert_nowhere(secrets: &Map<String, Value>, files: &[PathBuf]) {
    let found = search(secrets, files);
    let told: Vec<String> = found.iter().map(Value::to_string).collect();
    assert!(found.is_empty(), "secrets were found:\n{}", told.join("\n"));
}

/// The search finds each planted secret where it is, so it would find it elsewhere.
fn assert_the_search_works(planted: &Planted) {
    let file = planted.vault.path().join("control");
    for (name, secret) in planted.secrets.borrow().iter() {
        let only: Map<_, _> = [(name.clone(), secret.clone())].into_iter().collect();
        let content = match (&secret["text"], &secret["pem"], &secret["age"]) {
            (Value::String(text), _, _) | (_, _, Value::String(text)) => format!("x{text}"),
            (_, Value::String(path), _) => fs::read_to_string(path).unwrap(),
            _ => panic!("{secret}"),
        };
        fs::write(&file, &content).unwrap();
        assert!(
            !search(&only, std::slice::from_ref(&file)).is_empty(),
            "{name}"
        );
        if let Some(text) = secret["text"].as_str() {
            // As part of something larger that is in base64.
            let mut openssl = Command::new("openssl");
            openssl.args(["base64", "-A"]);
            let encoded = support::with_input(openssl, format!("{{\"v\":\"{text}\"}}").as_bytes());
            fs::write(&file, encoded.stdout).unwrap();
            assert!(
                !search(&only, std::slice::from_ref(&file)).is_empty(),
                "{name}"
            );
        }
    }
}

/// A core of a running process, taken by a debugger that may; with `everything`, also the pages
/// that the process asked to leave out. `None` if nobody may be debugged on this machine.
fn core(pid: u32, at: &Path, everything: bool) -> Option<PathBuf> {
    let take = |pid: u32| {
        let mut command = Command::new("gcore");
        if everything {
            command.arg("-a");
        }
        command
            .arg("-o")
            .arg(at)
            .arg(pid.to_string())
            .output()
            .expect("`gcore` is missing; run the tests with `tests/run`")
    };
    let path = |pid: u32| PathBuf::from(format!("{}.{pid}", at.display()));
    let output = take(pid);
    if path(pid).exists() {
        return Some(path(pid));
    }
    // A process of no account can be debugged where anything can.
    let mut other = Command::new("sleep").arg("600").spawn().unwrap();
    take(other.id());
    let possible = path(other.id()).exists();
    let _ = fs::remove_file(path(other.id()));
    other.kill().unwrap();
    other.wait().unwrap();
    if possible && is_root() {
        panic!("no core of the agent: {}", text(&output));
    }
    // A user without privileges is meant to be refused here: the agent lets no debugger in.
    eprintln!(
        "not checked: the agent's memory, which this user may not read (as root it is): {}",
        text(&output)
    );
    None
}

fn is_root() -> bool {
    succeed({
        let mut id = Command::new("id");
        id.arg("-u");
        id
    })
    .trim()
        == "0"
}

#[test]
fn no_secret_is_in_files_logs_or_what_commands_print() {
    let planted = Planted::prepare();
    let hooks = planted.tell();
    planted.plant("before");
    let agent = planted.vault.agent();
    planted.plant("live");
    assert_the_search_works(&planted);
    for when in ["before", "live"] {
        planted.use_all(&agent, when);
    }
    for hook in &hooks {
        // Refused in every way, and then told.
        hook.until("administration");
    }
    for channel in ["dead", "wrong", "unsigned"] {
        eventually("it shows what is wrong", || {
            !support::hook::problem(&planted.vault, channel).is_empty()
        });
    }
    planted.look_around();
    let log = agent.log();
    assert!(log.contains("TRACE"), "the log was not talkative");
    // While it runs the write-ahead log is there; afterwards all is in one file.
    assert!(planted.vault.home().join("strongroom.db-wal").exists());
    assert_nowhere(&planted.secrets.borrow(), &planted.files());
    agent.stop();
    assert_nowhere(&planted.secrets.borrow(), &planted.files());
}

#[test]
fn no_secret_is_left_in_the_agents_memory() {
    let planted = Planted::prepare();
    planted.plant("before");
    let agent = planted.vault.agent();
    planted.plant("live");
    planted.run(&["lock"], b"");
    let key = planted.vault.path().join("recovery-key");
    fs::write(&key, format!("{}\n", planted.vault.recovery_key)).unwrap();
    let mut unlock = Command::new(program());
    unlock
        .arg("--home")
        .arg(planted.vault.home())
        .arg("--passphrase-file")
        .arg(&key)
        .args(["unlock", "--recovery"]);
    succeed(unlock);
    for when in ["before", "live"] {
        planted.use_all(&agent, when);
    }
    planted.look_around();
    let renewed = planted.vault.path().join("renewed");
    fs::write(&renewed, "renewed passphrase 31d8").unwrap();
    planted.run(
        &["passwd", "--new-passphrase-file", renewed.to_str().unwrap()],
        b"",
    );
    fs::rename(&renewed, planted.vault.passphrase_file()).unwrap();
    planted.secrets.borrow_mut().insert(
        "renewed passphrase".to_owned(),
        json!({"text": "renewed passphrase 31d8"}),
    );
    let root = planted.root();
    let mut all = planted.secrets.borrow().clone();
    all.extend(root.clone());

    let pid = agent.child.id();
    let Some(dumped) = core(pid, &planted.vault.path().join("core"), false) else {
        return;
    };
    // What must be in it is found, so what is not found is not in it.
    let mut known = Map::new();
    known.insert(
        "the store's path".to_owned(),
        json!({"text": planted.vault.store().to_str().unwrap()}),
    );
    assert!(!search(&known, std::slice::from_ref(&dumped)).is_empty());
    assert_nowhere(&all, &[dumped]);

    // The root is in locked pages alone, and in no page at all once the vault is locked.
    let whole = core(pid, &planted.vault.path().join("whole"), true).unwrap();
    let found = search(&root, std::slice::from_ref(&whole));
    assert!(
        found.iter().any(|found| found["secret"] == "owner key"),
        "the search does not find what is there"
    );
    assert_nowhere(&planted.secrets.borrow(), &[whole]);
    planted.run(&["lock"], b"");
    let locked = core(pid, &planted.vault.path().join("locked"), true).unwrap();
    assert_nowhere(&all, &[locked]);
    agent.stop();
}

#[test]
fn a_crash_leaves_no_core_file() {
    let vault = Vault::create();
    let place = vault.path().join("working-directory");
    fs::create_dir(&place).unwrap();
    // As much as this user may allow.
    let unlimited = |program: &std::ffi::OsStr| {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"ulimit -c "$(ulimit -H -c)"; exec "$@""#, "sh"])
            .arg(program)
            .current_dir(&place);
        command.stdin(Stdio::null());
        command
    };
    let mut other = unlimited("sleep".as_ref()).arg("600").spawn().unwrap();
    eventually("the other program runs", || {
        fs::read_to_string(format!("/proc/{}/comm", other.id())).unwrap() == "sleep\n"
    });
    signal("ABRT", other.id());
    if !other.wait().unwrap().core_dumped() {
        eprintln!(
            "this machine allows no core files at all, so the agent's refusal was not put to the test"
        );
    }
    for file in fs::read_dir(&place).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }

    for name in ["ABRT", "SEGV"] {
        let start = vault.command(&["agent", "--unlock"]);
        let mut command = unlimited(start.get_program());
        let log = File::create(vault.path().join("agent.log")).unwrap();
        command
            .args(start.get_args())
            .env("XDG_STATE_HOME", vault.path().join("state"))
            .stdout(Stdio::null())
            .stderr(log);
        let mut agent = command.spawn().unwrap();
        eventually("the agent is unlocked", || {
            assert!(
                agent.try_wait().unwrap().is_none(),
                "{}",
                fs::read_to_string(vault.path().join("agent.log")).unwrap()
            );
            fs::read_to_string(vault.path().join("agent.log"))
                .unwrap()
                .contains("unlocked")
        });
        // Rust's own handler takes the first SIGSEGV for a stack overflow, and looks again.
        eventually("the agent ends", || {
            signal(name, agent.id());
            agent.try_wait().unwrap().is_some()
        });
        let status = agent.wait().unwrap();
        assert!(
            status.signal().is_some() && !status.core_dumped(),
            "{status:?}"
        );
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "a core file");
    }
    vault.run(&["audit", "verify"]);
}

fn signal(name: &str, pid: u32) {
    let mut command = Command::new("kill");
    command.args(["-s", name, &pid.to_string()]);
    succeed(command);
}

#[test]
fn no_secret_is_in_the_arguments_or_the_environment() {
    let planted = Planted::prepare();
    let agent = planted.vault.agent();
    // A command that still waits for its value.
    let mut adding = planted
        .vault
        .command(&["secret", "add", "late", "--kind", "token"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let seen = planted.vault.path().join("seen");
    let mut shown = Vec::new();
    for pid in [agent.child.id(), adding.id()] {
        let arguments = || fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        eventually("the program runs", || {
            arguments().starts_with(program().to_str().unwrap().as_bytes())
        });
        shown.extend(arguments());
        // Another process of a normal user is not even let in.
        shown.extend(fs::read(format!("/proc/{pid}/environ")).unwrap_or_default());
    }
    fs::write(&seen, shown).unwrap();
    assert_nowhere(&planted.secrets.borrow(), &[seen]);
    drop(adding.stdin.take());
    adding.wait().unwrap();
    agent.stop();
}
