//! The README holds: its commands run exactly as they are written there, and what comes out is
//! what was put in.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{DirBuilderExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::support::{PASSPHRASE, eventually, program, provider::Provider, succeed, text};

/// The shell blocks under a heading of the README, in order.
fn blocks(heading: &str) -> Vec<String> {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let section = readme
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .expect("the section is there");
    let shell = section.split("```console\n").skip(1);
    shell
        .map(|block| block.split_once("```").unwrap().0.to_owned())
        .collect()
}

/// Somebody's machine: a home directory, and `strongroom` on the path.
struct Machine {
    directory: TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self {
            directory: TempDir::new().unwrap(),
        };
        fs::create_dir(machine.path("bin")).unwrap();
        symlink(program(), machine.path("bin/strongroom")).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the README says that the vault is.
    fn vault(&self) -> PathBuf {
        self.path(".local/share/strongroom")
    }

    fn command(&self, name: impl AsRef<std::ffi::OsStr>) -> Command {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(name);
        command
            .env("HOME", self.directory.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env_remove("STRONGROOM_HOME")
            .env_remove("XDG_DATA_HOME")
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a block as a person would who stops at the first mistake; its standard output.
    fn run(&self, block: &str) -> String {
        let mut bash = self.command("bash");
        bash.args(["-euo", "pipefail", "-c", block]);
        succeed(bash)
    }

    fn strongroom(&self, arguments: &[&str]) -> String {
        let mut command = self.command("strongroom");
        succeed({
            command.args(arguments);
            command
        })
    }
}

/// `strongroom up` in its window; ended with the test.
struct Up {
    child: Child,
    recovery_key: String,
}

impl Up {
    fn start(machine: &Machine) -> Self {
        // Another port than the README's, so that tests can run beside each other.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(machine.vault())
            .unwrap();
        fs::write(
            machine.vault().join("agent.toml"),
            "[listen]\ntls = \"127.0.0.1:0\"\n",
        )
        .unwrap();
        fs::write(machine.path("passphrase"), PASSPHRASE).unwrap();
        let mut up = machine.command("strongroom");
        up.args(["up", "--passphrase-file", "passphrase"])
            .stdout(Stdio::piped());
        let mut child = up.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let recovery_key = lines
            .by_ref()
            .map(|line| line.unwrap().trim().to_owned())
            .find(|line| line.starts_with("AGE-SECRET-KEY-1"))
            .expect("the recovery key is shown");
        // The feed is read to its end, or the agent would wait for somebody who reads it.
        std::thread::spawn(move || lines.for_each(drop));
        let status = || {
            let output = machine
                .command("strongroom")
                .args(["status", "--json"])
                .output()
                .unwrap();
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_default()
        };
        eventually("the agent runs, unlocked", || {
            status()["unlocked"] == true && status()["listening"].is_string()
        });
        Self {
            child,
            recovery_key,
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_first_real_use_and_leaving_work_as_they_are_written() {
    let machine = Machine::new();
    let first_use = blocks("First real use");
    let [install, use_it] = first_use.as_slice() else {
        panic!("{first_use:#?}")
    };
    assert_eq!(
        install, "cargo install --locked --path agent\nstrongroom up\n",
        "this test does it in its own way"
    );
    let up = Up::start(&machine);

    // In the second window. Nobody is asked for the passphrase again: it was typed just now.
    let status: serde_json::Value =
        serde_json::from_str(&machine.strongroom(&["status", "--json"])).unwrap();
    let address = format!("https://{}", status["listening"].as_str().unwrap());
    assert!(use_it.contains("https://127.0.0.1:7443"), "{use_it}");
    let told = machine.run(&use_it.replace("https://127.0.0.1:7443", &address));
    assert!(told.contains("\"algorithm\": \"Ed25519\""), "{told}");
    // "Ask with another purpose and see it refused."
    let (_, ask) = use_it.split_once("strongroom request").unwrap();
    let ask = format!("strongroom request{ask}")
        .replace("https://127.0.0.1:7443", &address)
        .replace("release 4f2a", "curiosity");
    let refused = machine.command("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    let shown = machine.run("strongroom audit show; strongroom audit verify");
    for expected in [
        "atlas signed with deploy-key for 'release 4f2a'",
        "atlas was refused: sign with deploy-key",
        "valid: ",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }

    // A root key: a part of it for the service, at a provider that runs here.
    let provider = Provider::start_in(machine.directory.path(), &[]);
    let stories = blocks("One root key");
    let [story] = stories.as_slice() else {
        panic!("{stories:#?}")
    };
    fs::write(machine.path("root-key.txt"), "the-root-key-of-this-test\n").unwrap();
    let here = format!("--network 127.0.0.1/32 --cacert {} ", provider.cacert);
    let story = story
        .replace(
            "https://api.heroku.com",
            &format!("{} {here}", provider.url()),
        )
        .replace("https://127.0.0.1:7443", &address);
    machine.run(&story);
    let got = provider.last();
    assert_eq!(
        (&got["method"], &got["target"]),
        (&"POST".into(), &"/apps/web/releases".into())
    );
    assert_eq!(got["body"], r#"{"slug":"4f2a"}"#);
    assert!(
        got["headers"]
            .to_string()
            .contains("Bearer the-root-key-of-this-test"),
        "{got}"
    );
    // "Ask for another path and see it refused: the provider never hears of it."
    let (_, ask) = story.split_once("strongroom request").unwrap();
    let ask =
        format!("strongroom request{ask}").replace("/apps/web/releases", "/apps/web/config-vars");
    let refused = machine.command("bash").args(["-c", &ask]).output().unwrap();
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert_eq!(provider.got().len(), 1);
    // "Let services ask for an alias."
    machine.strongroom(&["alias", "set", "deploy", "heroku/prod"]);
    let (_, ask) = story.split_once("strongroom request").unwrap();
    let told = machine.run(&format!("strongroom request{ask}").replace("heroku/prod", "deploy"));
    assert_eq!((told.trim(), provider.got().len()), ("{}", 2));

    // Days go by: a rotation, an alias, another secret. Then somebody leaves, with stock programs only.
    machine.strongroom(&[
        "secret",
        "rotate",
        "deploy-key",
        "--generate",
        "--passphrase-file",
        "passphrase",
    ]);
    machine.strongroom(&["alias", "set", "sign", "deploy-key"]);
    machine.strongroom(&["secret", "generate", "another", "--kind", "token"]);
    let value = machine.strongroom(&[
        "secret",
        "reveal",
        "deploy-key",
        "--passphrase-file",
        "passphrase",
    ]);
    let leaving = blocks("Leaving Strongroom");
    let [leave] = leaving.as_slice() else {
        panic!("{leaving:#?}")
    };
    fs::write(machine.vault().join("recovery.txt"), &up.recovery_key).unwrap();
    let came_out = machine.run(leave);
    assert!(
        came_out.ends_with(&value) && value.starts_with("-----BEGIN PRIVATE KEY-----"),
        "{came_out}"
    );

    // Any other reader of private keys takes it, and it is the key whose public half was shown.
    fs::write(machine.path("left.pem"), &value).unwrap();
    let public = machine.run("openssl pkey -in left.pem -pubout");
    assert!(
        machine
            .strongroom(&["secret", "show", "deploy-key"])
            .contains(&public),
        "{public}"
    );

    // "The audit log is one JSON line per entry."
    let lines = machine
        .run("cd ~/.local/share/strongroom && sqlite3 strongroom.db 'select line from entry'");
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(lines.contains("\"purpose\":\"release 4f2a\""), "{lines}");
}

#[test]
fn saying_yes_first_works_as_it_is_written() {
    let machine = Machine::new();
    let _up = Up::start(&machine);
    let status: serde_json::Value =
        serde_json::from_str(&machine.strongroom(&["status", "--json"])).unwrap();
    let address = format!("https://{}", status["listening"].as_str().unwrap());
    machine.strongroom(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    machine.run(
        "ssh-keygen -q -t ed25519 -N '' -f atlas; strongroom service add atlas --key atlas.pub",
    );
    let stories = blocks("Say yes first");
    let [story] = stories.as_slice() else {
        panic!("{stories:#?}")
    };
    let story = story.replace("https://127.0.0.1:7443", &address);
    let told = std::thread::scope(|scope| {
        let asked = scope.spawn(|| machine.run(&story));
        let mut id = String::new();
        eventually("a request waits", || {
            let rows = machine.strongroom(&["pending", "--json"]);
            let rows: serde_json::Value = serde_json::from_str(&rows).unwrap();
            id = rows[0]["id"].as_str().unwrap_or_default().to_owned();
            !id.is_empty()
        });
        machine.strongroom(&["approve", &id, "--sign-with", "ana", "--yes"]);
        asked.join().unwrap()
    });
    assert!(told.contains("\"algorithm\": \"Ed25519\""), "{told}");
}

#[test]
fn the_demo_tells_the_whole_story_and_leaves_nothing() {
    let machine = Machine::new();
    fs::create_dir(machine.path("tmp")).unwrap();
    let mut demo = machine.command("strongroom");
    demo.arg("demo").env("TMPDIR", machine.path("tmp"));
    let told = succeed(demo);
    for chapter in [
        "1. You create a vault",
        "2. You run the agent beside it",
        "3. You put a key in, enrol a service, and say what it may do",
        "4. ",
        "allowed",
        "denied",
        "replayed",
        "5. You know each time",
        "atlas signed with deploy-key for 'release 4f2a'; 1st time today",
        "6. Nobody can make that record disappear",
        "valid: ",
        "strongroom up",
    ] {
        assert!(told.contains(chapter), "{chapter}: {told}");
    }
    let mut left: Vec<_> = fs::read_dir(machine.directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["bin", "tmp"], "nothing in the home directory");
    assert_eq!(
        fs::read_dir(machine.path("tmp")).unwrap().count(),
        0,
        "nothing where temporary files go"
    );
}
