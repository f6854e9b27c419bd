//! The meta key: an alias is moved from one provider's secret to another's while requests keep
//! coming. No caller sees an error or a change, and every entry names what was really used.

use std::{
    collections::{HashMap, HashSet},
    fs,
    process::Stdio,
};

use serde_json::{Value, json};

use super::{Provider, add, header};
use crate::support::{Vault, eventually, script};

#[test]
fn an_alias_moves_between_providers_under_load() {
    let vault = Vault::create();
    let providers = [Provider::start(&vault), Provider::start(&vault)];
    // Other base URLs, other attachments, other credentials.
    add(
        &vault,
        &providers[0],
        "heroku/root",
        "first-root-key-1",
        &[],
    );
    let url = format!("{}/v2/api", providers[1].url());
    let mut other = vec!["--base-url", &url, "--header", "X-Api-Key"];
    other.extend([
        "--network",
        "127.0.0.1/32",
        "--cacert",
        &providers[1].cacert,
    ]);
    let named = ["secret", "add", "render/root", "--kind", "token"];
    vault.run_with_input(&[&named[..], &other].concat(), b"second-root-key-1");
    vault.run(&["alias", "set", "deploy", "heroku/root"]);
    let key = vault.enrol("atlas");
    vault.run(&["grant", "atlas", "http", "heroku/root", "render/root"]);
    let agent = vault.agent();

    let body = json!({
        "secret": "deploy", "operation": "http",
        "input": {"method": "GET", "path": "/items/NONCE"},
    });
    let answers = vault.path().join("answers");
    let mut load = crate::support::python();
    load.arg(script("load.py"))
        .args([
            "--agent",
            &agent.url(),
            "--threads",
            "4",
            "--until-eof",
            "--cacert",
        ])
        .arg(vault.certificate())
        .arg("--key")
        .arg(&key)
        .arg(body.to_string());
    let mut load = load
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&answers).unwrap())
        .spawn()
        .unwrap();
    let lines = || -> Vec<Value> {
        let text = fs::read_to_string(&answers).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let mut answered = 0;
    let mut some_more = || {
        eventually("requests keep coming", || lines().len() > answered + 10);
        answered = lines().len();
    };
    for turn in 2..8 {
        some_more();
        vault.run(&["alias", "set", "deploy", "render/root"]);
        some_more();
        // The one that is in use gets another key, and then another binding.
        let value = format!("second-root-key-{turn}");
        vault.run_with_input(&["secret", "rotate", "render/root"], value.as_bytes());
        vault.run(&[
            "secret",
            "bind",
            "render/root",
            "--timeout",
            &turn.to_string(),
        ]);
        some_more();
        vault.run(&["alias", "set", "deploy", "heroku/root"]);
    }
    some_more();
    drop(load.stdin.take());
    assert!(load.wait().unwrap().success());
    agent.stop();

    // No caller saw an error, or a change.
    let answers = lines();
    for line in &answers {
        assert_eq!(line["status"], 200, "{line}");
        assert_eq!(line["answer"]["result"]["status"], 200, "{line}");
    }
    let seen: HashSet<String> = answers
        .iter()
        .map(|line| line["answer"]["result"]["body"].to_string())
        .collect();
    assert_eq!(seen.len(), 1, "{seen:?}");

    // What each provider got, by the number in the path.
    let mut got: HashMap<String, (usize, String)> = HashMap::new();
    for (number, provider) in providers.iter().enumerate() {
        for request in provider.got() {
            let name = ["authorization", "x-api-key"][number];
            let target = request["target"].as_str().unwrap();
            let nonce = target.strip_prefix(["", "/v2/api"][number]).unwrap();
            let nonce = nonce.strip_prefix("/items/").unwrap().to_owned();
            let credential = header(&request, name).unwrap();
            let twice = got.insert(nonce, (number, credential));
            assert_eq!(twice, None, "each request was sent once");
        }
    }
    assert_eq!(got.len(), answers.len());

    // Every entry names the secret and the version whose credential that provider got.
    let mut used = HashSet::new();
    for line in &answers {
        let entry: Value = serde_json::from_str(line["answer"]["entry"].as_str().unwrap()).unwrap();
        let version = entry["version"].as_u64().unwrap();
        let expected = match entry["secret"].as_str().unwrap() {
            "heroku/root" => (0, format!("Bearer first-root-key-{version}")),
            "render/root" => (1, format!("second-root-key-{version}")),
            other => panic!("{other}"),
        };
        assert_eq!(entry["ask"]["asked"], "deploy");
        assert_eq!(got[line["nonce"].as_str().unwrap()], expected, "{entry}");
        used.insert(expected);
    }
    assert!(
        used.len() >= 7,
        "both providers, and new versions: {used:?}"
    );

    // In the log, no use stands on the wrong side of a change.
    let (mut alias, mut version) = ("heroku/root".to_owned(), 1);
    for entry in vault.entries() {
        match entry["kind"].as_str().unwrap() {
            "administration" if entry["action"] == "alias-set" => {
                let detail = entry["detail"].as_str().unwrap();
                alias = detail.split('`').nth(1).unwrap().to_owned();
            }
            "administration" if entry["action"] == "secret-rotated" => {
                version = entry["version"].as_u64().unwrap();
            }
            "use" => {
                assert_eq!(entry["secret"], alias, "{entry}");
                if alias == "render/root" {
                    assert_eq!(entry["version"], version, "{entry}");
                }
            }
            "refusal" => panic!("{entry}"),
            _ => {}
        }
    }
}
