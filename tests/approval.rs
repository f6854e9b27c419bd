//! Requests that wait until somebody approves them: what a service, the owner and the approvers see.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{Agent, Vault, eventually, program, text};

mod calls;
mod elsewhere;
mod ends;
mod meanwhile;
mod race;
mod screen;

/// A vault in which `atlas` may sign with `deploy-key` once these have said yes, with these settings
/// beside the port; the key of `atlas`.
fn vault_that_asks(needs: &str, settings: &str) -> (Vault, PathBuf) {
    let vault = Vault::create();
    vault.configure(&format!("[listen]\ntls = \"127.0.0.1:0\"\n{settings}"));
    vault.run(&["secret", "generate", "deploy-key", "--kind", "ed25519"]);
    let key = vault.enrol("atlas");
    set_policy(&vault, needs);
    (vault, key)
}

fn set_policy(vault: &Vault, needs: &str) {
    let policy = format!(
        "@approve(\"{needs}\")\npermit (principal == Service::\"atlas\", action == Action::\"sign\", resource == Secret::\"deploy-key\");\n"
    );
    vault.run_with_input(&["policy", "set", "releases", "-"], policy.as_bytes());
}

/// Enrols an approver of `security` with a fresh key; the private key's path.
fn approver(vault: &Vault, name: &str) -> PathBuf {
    let key = vault.service_key(name, "ed25519");
    let public = key.with_extension("pub");
    let public = public.to_str().unwrap();
    vault.run(&[
        "approver", "add", name, "--key", public, "--group", "security",
    ]);
    key
}

/// Asks for a signature, which has to wait; the request's id.
fn ask(agent: &Agent<'_>, key: &Path, purpose: &str) -> String {
    let asked = agent.request(
        key,
        &[
            "sign",
            "deploy-key",
            "--message",
            "hello",
            "--purpose",
            purpose,
        ],
    );
    let answer = answer(&asked);
    answer["pending"].as_str().unwrap().to_owned()
}

/// The JSON of an answer that was allowed, or waits.
fn answer(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The JSON of a refusal, which ends the command with this exit code.
fn refusal(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn collect(agent: &Agent<'_>, key: &Path, id: &str) -> Output {
    agent.request(key, &["--result", id])
}

/// Says yes with an approver's key.
fn approve_with(vault: &Vault, id: &str, key: &Path, more: &[&str]) {
    let arguments = ["approve", id, "--yes", "--sign-with", key.to_str().unwrap()];
    vault.run(&[&arguments, more].concat());
}

/// A request of our own client that goes on until it is answered, or has waited so long.
fn in_the_background(agent: &Agent<'_>, key: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(program());
    command
        .arg("request")
        .args(arguments)
        .args(["--json", "--agent", &agent.url(), "--key"])
        .arg(key)
        .arg("--cacert")
        .arg(agent.vault.certificate())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until so many requests wait; their ids.
fn waiting(vault: &Vault, how_many: usize) -> Vec<String> {
    let mut ids = Vec::new();
    eventually("requests wait", || {
        let rows = vault.json(&["pending"]);
        let rows = rows.as_array().unwrap();
        ids = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        ids.len() == how_many
    });
    ids
}

/// The entries of this kind, each with its index.
fn entries(vault: &Vault, kind: &str) -> Vec<Value> {
    let entries = vault.entries().into_iter().enumerate();
    entries
        .filter(|(_, entry)| entry["kind"] == kind)
        .map(|(index, entry)| json!({"index": index, "entry": entry}))
        .collect()
}

#[test]
fn a_request_waits_until_as_many_have_said_yes_as_policy_asks_for() {
    let (vault, key) = vault_that_asks("2 of security", "");
    let ana = approver(&vault, "ana");
    let agent = vault.agent();
    let id = ask(&agent, &key, "release 4f2a");
    assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);

    let rows = vault.json(&["pending"]);
    let row = &rows[0];
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(
        (&row["id"], &row["secret"]),
        (&json!(id), &json!("deploy-key"))
    );
    assert_eq!(
        row["needs"],
        json!([{"need": "2 of security", "approvers": 2, "yes": []}])
    );

    // The owner counts as one, of any group; once.
    vault.run(&["approve", &id, "--yes"]);
    let told = vault.fail(1, &["approve", &id, "--yes"]);
    assert!(told.contains("already"), "{told}");
    assert_eq!(answer(&collect(&agent, &key, &id))["pending"], *id);
    assert!(entries(&vault, "use").is_empty());

    approve_with(&vault, &id, &ana, &[]);
    let given = answer(&collect(&agent, &key, &id));
    assert!(given["result"]["signature"].is_string(), "{given}");

    // The use tells by whom it was approved, and what waited for it.
    let used = entries(&vault, "use");
    let decisions = entries(&vault, "decision");
    assert_eq!((used.len(), decisions.len()), (1, 2));
    let indexes: Vec<_> = decisions.iter().map(|one| one["index"].clone()).collect();
    assert_eq!(used[0]["entry"]["approvals"], json!(indexes));
    assert_eq!(used[0]["entry"]["pending"].to_string(), id);
    assert_eq!(decisions[0]["entry"]["by"], "owner");
    assert_eq!(decisions[1]["entry"]["approver"], "ana");
    let signature = decisions[1]["entry"]["signature"].as_str().unwrap();
    assert!(
        signature.starts_with("-----BEGIN SSH SIGNATURE-----"),
        "{signature}"
    );

    // A connection that breaks loses nothing: the same answer once more, and no second use.
    let again = answer(&collect(&agent, &key, &id));
    assert_eq!(
        (&again["result"], &again["entry"]),
        (&given["result"], &given["entry"])
    );
    assert_eq!(entries(&vault, "use").len(), 1);
    assert_eq!(vault.json(&["pending"]), json!([]));
    let shown = vault.run(&["pending", &id]);
    assert!(shown.contains("used"), "{shown}");
    vault.run(&["audit", "verify"]);
}

#[test]
fn a_held_call_is_answered_when_it_is_approved() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let held = in_the_background(
        &agent,
        &key,
        &["sign", "deploy-key", "--message", "hello", "--wait", "600"],
    );
    let id = waiting(&vault, 1).remove(0);
    vault.run(&["approve", &id, "--yes"]);
    let given = answer(&held.wait_with_output().unwrap());
    assert!(given["result"]["signature"].is_string(), "{given}");

    // A call for the result is held as well.
    let id = ask(&agent, &key, "release 2");
    let held = in_the_background(&agent, &key, &["--result", &id, "--wait", "600"]);
    vault.run(&["approve", &id, "--yes"]);
    let given = answer(&held.wait_with_output().unwrap());
    assert!(given["result"]["signature"].is_string(), "{given}");
    // Who waits for no time at all is told that it waits.
    let id = ask(&agent, &key, "release 3");
    let asked = agent.request(&key, &["--result", &id, "--wait", "1"]);
    assert_eq!(answer(&asked)["pending"], *id);
}

#[test]
fn curl_waits_too() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let agent = vault.agent();
    let config = vault.path().join("curl.config");
    let mut command = agent.python_command(
        &key,
        &[
            "--prefer",
            "respond-async, wait=60",
            "--curl",
            config.to_str().unwrap(),
        ],
    );
    command.arg(
        json!({"secret": "deploy-key", "operation": "sign", "input": {"message": "aGk="}})
            .to_string(),
    );
    crate::support::succeed(command);
    let answered = std::thread::scope(|scope| {
        let curl = scope.spawn(|| {
            let config = config.to_str().unwrap();
            agent.curl(
                "/v1/access",
                &["--config", config, "--include", "--http1.1"],
            )
        });
        let id = waiting(&vault, 1).remove(0);
        vault.run(&["approve", &id, "--yes"]);
        curl.join().unwrap()
    });
    let answered = text(&answered);
    assert!(answered.contains("HTTP/1.1 200"), "{answered}");
    assert!(
        answered.contains("preference-applied: wait=60"),
        "{answered}"
    );
    assert!(answered.contains("\"signature\""), "{answered}");
}

#[test]
fn a_sealed_answer_is_collected_with_the_identity_that_was_named() {
    let vault = Vault::create();
    vault.run_with_input(
        &[
            "secret",
            "add",
            "heroku/prod",
            "--kind",
            "token",
            "--releasable",
        ],
        b"hunter2-of-heroku",
    );
    let key = vault.enrol("atlas");
    let policy =
        b"@approve(\"1 of security\") permit (principal, action == Action::\"release\", resource);";
    vault.run_with_input(&["policy", "set", "releases", "-"], policy);
    let agent = vault.agent();
    let identity = vault.path().join("identity.txt");
    let mut keygen = Command::new("age-keygen");
    keygen.arg("--output").arg(&identity);
    crate::support::succeed(keygen);
    let identity = identity.to_str().unwrap();
    let id = |output: Output| answer(&output)["pending"].as_str().unwrap().to_owned();
    let with = id(agent.request(&key, &["release", "heroku/prod", "--identity", identity]));
    let without = agent.request(&key, &["release", "heroku/prod"]);
    assert!(
        text(&without).contains("`--identity FILE`"),
        "{}",
        text(&without)
    );
    let without = id(without);
    vault.run(&["approve", &with, "--yes"]);
    vault.run(&["approve", &without, "--yes"]);
    let given = answer(&agent.request(&key, &["--result", &with, "--identity", identity]));
    assert_eq!(given["result"]["value"], "aHVudGVyMi1vZi1oZXJva3U=");
    let told = text(&agent.request(&key, &["--result", &without, "--identity", identity]));
    assert!(told.contains("is not what the request named"), "{told}");
    // What waited, and what was given, is nowhere in the clear.
    let stored = fs::read(vault.store()).unwrap();
    assert!(!stored.windows(7).any(|bytes| bytes == b"hunter2"));
}

#[test]
fn a_yes_may_stand_for_a_while_for_the_same_operation() {
    let (vault, key) = vault_that_asks("1 of security", "");
    let ana = approver(&vault, "ana");
    let agent = vault.agent();
    let first = ask(&agent, &key, "release 1");
    approve_with(&vault, &first, &ana, &["--minutes", "15"]);
    assert!(collect(&agent, &key, &first).status.success());

    // The purpose may differ, and the message, of which policy sees the size.
    let sign = |message: &str| {
        agent.request(
            &key,
            &[
                "sign",
                "deploy-key",
                "--message",
                message,
                "--purpose",
                "release 2",
            ],
        )
    };
    let given = answer(&sign("world"));
    assert!(given["result"]["signature"].is_string(), "{given}");
    let used = entries(&vault, "use");
    assert_eq!(used[1]["entry"]["approvals"], used[0]["entry"]["approvals"]);
    assert_eq!(used[1]["entry"].get("pending"), None);
    // What policy sees to be different waits.
    let other = answer(&sign("a longer message"));
    assert!(other["pending"].is_string(), "{other}");

    // A no ends it, also after its request was answered; then nobody is asked again for a while.
    vault.run(&["deny", &first, "--sign-with", ana.to_str().unwrap()]);
    let refused = refusal(&sign("world"), 3);
    assert!(refused["retry_after"].as_u64().unwrap() > 500, "{refused}");
    assert_eq!(entries(&vault, "use").len(), 2);
}

#[test]
fn approvers_are_listed_changed_and_retired() {
    let vault = Vault::create();
    vault.enrol("atlas");
    let ana = approver(&vault, "ana");
    let rows = vault.json(&["approver", "list"]);
    assert_eq!(rows[0]["groups"], json!(["security"]));
    let mut fingerprint = Command::new("ssh-keygen");
    fingerprint
        .args(["-l", "-f"])
        .arg(ana.with_extension("pub"));
    let fingerprint = crate::support::succeed(fingerprint);
    let shown = rows[0]["keys"][0]["fingerprint"].as_str().unwrap();
    assert!(fingerprint.contains(shown), "{fingerprint}");

    let changed = vault.json(&[
        "approver",
        "set",
        "ana",
        "--operates",
        "atlas",
        "--mail",
        "ana@example.com",
    ]);
    assert_eq!(
        (&changed["operates"], &changed["groups"]),
        (&json!(["atlas"]), &json!(["security"]))
    );
    let changed = vault.json(&["approver", "set", "ana", "--operates-nothing", "--mail", ""]);
    assert_eq!(
        (&changed["operates"], &changed["mail"]),
        (&json!([]), &Value::Null)
    );
    vault.fail(2, &["approver", "set", "ana"]);
    let told = vault.fail(
        1,
        &[
            "approver",
            "add",
            "atlas2",
            "--key",
            vault.path().join("atlas.pub").to_str().unwrap(),
            "--group",
            "security",
        ],
    );
    assert!(told.contains("a key of service `atlas`"), "{told}");
    vault.run(&["approver", "retire", "ana"]);
    assert_eq!(vault.json(&["approver", "list"])[0]["retired"], true);
    assert!(vault.run(&["approver", "list"]).contains("retired"));
}
