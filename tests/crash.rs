//! The agent is killed at its worst moments: what it answered is on record, what is on record
//! happened once, and everybody who is told was told.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, python, script, succeed};

/// A vault with two services that may sign, and a channel that appends to a file.
struct Place {
    vault: Vault,
    keys: Vec<PathBuf>,
    told: PathBuf,
}

impl Place {
    fn prepare() -> Self {
        let vault = Vault::create();
        let told = vault.path().join("told");
        vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
        let keys = vec![vault.enrol("atlas"), vault.enrol("borg")];
        vault.run(&["grant", "atlas", "sign", "deploy-key"]);
        vault.run(&["grant", "borg", "sign", "deploy-key"]);
        vault.configure(&format!(
            "[listen]\ntls = \"127.0.0.1:0\"\n\
             [[notify]]\nname = \"file\"\nkind = \"command\"\nprogram = [\"sh\", \"-c\", \"cat >> {}\"]\n",
            told.display()
        ));
        Self { vault, keys, told }
    }

    /// Services that ask without a pause, or that send again what `resend` holds.
    fn load(&self, agent: &Agent<'_>, out: &Path, resend: Option<&Path>) -> Child {
        let mut command = python();
        command
            .arg(script("load.py"))
            .args(["--agent", &agent.url(), "--cacert"])
            .arg(self.vault.certificate());
        for key in &self.keys {
            command.arg("--key").arg(key);
        }
        match resend {
            Some(earlier) => command.arg("--resend").arg(earlier),
            None => command.args(["--threads", "2"]).arg(ask().to_string()),
        };
        command.stdout(File::create(out).unwrap()).spawn().unwrap()
    }

    fn service(&self, line: &Value) -> String {
        Path::new(line["key"].as_str().unwrap())
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    /// The indexes that the channel was told of; a line that a kill cut short is none.
    fn told(&self) -> BTreeSet<u64> {
        fs::read_to_string(&self.told)
            .unwrap_or_default()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok()?["index"].as_u64())
            .collect()
    }
}

fn ask() -> Value {
    json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGVsbG8="}})
}

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn answered(path: &Path) -> usize {
    fs::read_to_string(path)
        .unwrap()
        .matches("\"status\": 200")
        .count()
}

#[test]
fn an_agent_that_is_killed_under_load_forgets_nothing_and_repeats_nothing() {
    let place = Place::prepare();
    let before = place.vault.entries().len() as u64;
    let mut asked = Vec::new();
    let mut earlier: Option<PathBuf> = None;

    for (round, enough) in [40, 75, 110, 60].into_iter().enumerate() {
        let agent = place.vault.agent();

        // What was asked before the last kill comes again, byte for byte.
        if let Some(earlier) = &earlier {
            let out = place.vault.path().join(format!("again-{round}"));
            assert!(
                place
                    .load(&agent, &out, Some(earlier))
                    .wait()
                    .unwrap()
                    .success()
            );
            let (first, again) = (lines(earlier), lines(&out));
            assert_eq!(first.len(), again.len());
            let status: HashMap<_, _> = again
                .iter()
                .map(|line| (line["nonce"].as_str(), &line["status"]))
                .collect();
            for line in &first {
                match line["status"].as_u64() {
                    Some(200) => assert_eq!(
                        *status[&line["nonce"].as_str()],
                        409,
                        "answered before the kill: {line}"
                    ),
                    None => assert!(
                        *status[&line["nonce"].as_str()] == 409
                            || *status[&line["nonce"].as_str()] == 200
                    ),
                    Some(_) => panic!("neither answered nor cut off: {line}"),
                }
            }
            asked.extend(again);
        }

        let out = place.vault.path().join(format!("load-{round}"));
        let mut load = place.load(&agent, &out, None);
        eventually("the services are answered", || answered(&out) >= enough);
        agent.kill();
        assert!(load.wait().unwrap().success(), "an answer did not hold");
        let lost = lines(&out)
            .iter()
            .filter(|line| line["status"].is_null())
            .count();
        assert!(lost > 0, "the agent was not killed under load");
        asked.extend(lines(&out));
        earlier = Some(out);
        place.vault.run(&["audit", "verify"]);
    }

    let last = place.vault.agent();
    place.vault.run(&["audit", "verify"]);
    let log: Vec<String> = place
        .vault
        .run(&["audit", "show", "--json"])
        .lines()
        .map(str::to_owned)
        .collect();
    let entries: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();

    // Once: no (service, nonce) has two uses.
    let mut uses = HashSet::new();
    for entry in entries.iter().filter(|entry| entry["kind"] == "use") {
        let ask = &entry["ask"];
        let once = (
            ask["service"].as_str().unwrap().to_owned(),
            ask["nonce"].as_str().unwrap().to_owned(),
        );
        assert!(uses.insert(once), "used twice: {entry}");
    }

    // Recorded before used: whoever has an answer has the log's own line, at the receipt's place.
    let mut answers = 0;
    for line in asked.iter().filter(|line| line["status"] == 200) {
        answers += 1;
        assert!(line["answer"]["result"]["signature"].is_string(), "{line}");
        let receipt = line["answer"]["receipt"].as_str().unwrap();
        let index = receipt
            .lines()
            .find_map(|line| line.strip_prefix("index "))
            .unwrap();
        assert_eq!(
            log[index.parse::<usize>().unwrap()],
            line["answer"]["entry"].as_str().unwrap()
        );
        let once = (
            place.service(line),
            line["nonce"].as_str().unwrap().to_owned(),
        );
        assert!(uses.contains(&once), "answered, and not on record: {line}");
    }
    assert!(answers >= 40 + 75 + 110 + 60);

    // Everybody was told of everything, at least once.
    let newest = log.len() as u64 - 1;
    eventually("the channel has caught up", || {
        place.told().contains(&newest)
    });
    let told = place.told();
    let missing: Vec<u64> = (before..=newest)
        .filter(|index| !told.contains(index))
        .collect();
    assert!(
        missing.is_empty(),
        "the channel was never told of {missing:?}"
    );
    last.stop();
}

#[test]
fn an_agent_that_is_told_to_stop_finishes_the_request_that_is_under_way() {
    let place = Place::prepare();
    let agent = place.vault.agent();
    let mut command = python();
    command
        .arg(script("interrupted.py"))
        .args(["--agent", &agent.url(), "--cacert"])
        .arg(place.vault.certificate())
        .arg("--key")
        .arg(&place.keys[0])
        .arg(ask().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut asking = command.spawn().unwrap();
    let mut out = BufReader::new(asking.stdout.take().unwrap());
    let mut half = String::new();
    out.read_line(&mut half).unwrap();
    assert_eq!(half, "half\n");

    agent.signal("TERM");
    eventually("nobody else is let in", || {
        !agent.curl("/healthz", &[]).status.success()
    });
    asking.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    let mut told = String::new();
    out.read_to_string(&mut told).unwrap();
    assert!(asking.wait().unwrap().success());
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["status"], 200, "{told}");
    agent.stop();

    let entries = place.vault.entries();
    assert_eq!(entries.last().unwrap()["action"], "agent-stopped");
    assert_eq!(
        entries
            .iter()
            .filter(|entry| entry["kind"] == "use")
            .count(),
        1
    );
    assert!(!place.vault.home().join("agent.sock").exists());
    place.vault.run(&["audit", "verify"]);
}

#[test]
fn whoever_sees_the_agent_can_stop_it_well() {
    let vault = Vault::create();
    for _ in 0..10 {
        let mut command = vault.command(&["agent"]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // No pause between two looks: the stop has to come in the very first moment.
        while !vault.home().join("agent.sock").exists() {
            assert!(child.try_wait().unwrap().is_none(), "the agent ended");
        }
        let mut kill = Command::new("kill");
        kill.args(["-s", "TERM", &child.id().to_string()]);
        succeed(kill);
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(!vault.home().join("agent.sock").exists());
    }
    vault.run(&["audit", "verify"]);
}
