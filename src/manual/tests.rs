//! What the manual says is what the program does.

use std::{fs, path::Path};

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use sfv::{Dictionary, ListEntry, Parser};
use tempfile::TempDir;

use crate::{
    answer::{Answer, Problem},
    audit::{
        Action, By as Who, Committed, Decided, Ending, Entry, Log, Reason, Submission, receipt,
    },
    binding::Binding,
    client::check_signature,
    identity::Identity,
    notification::{Mark, Urgency, urgency},
    operation::{Kind, OperationName},
    policy::PolicyText,
    request::{
        RequestSignature,
        base::{Message, signature_base},
        tests::{By, NOW, Recipe, Sent, at},
    },
    store::sqlite::SqliteStore,
    vault::{
        Change, Parameters, SecretOptions, Used, Vault, VaultError, material::Material,
        record::Record,
    },
};

const PAGES: [(&str, &str); 12] = [
    ("architecture", include_str!("architecture.rs")),
    ("protocol", include_str!("protocol.rs")),
    ("operation", include_str!("operation.rs")),
    ("binding", include_str!("binding.rs")),
    ("rotation", include_str!("rotation.rs")),
    ("policy", include_str!("policy.rs")),
    ("approval", include_str!("approval.rs")),
    ("channel", include_str!("channel.rs")),
    ("log_format", include_str!("log_format.rs")),
    ("notification", include_str!("notification.rs")),
    ("vault_format", include_str!("vault_format.rs")),
    ("threat_model", include_str!("threat_model.rs")),
];

/// A page without the `//!` in front of its lines.
fn page(name: &str) -> String {
    let (_, text) = PAGES.iter().find(|(known, _)| *known == name).unwrap();
    let plain = |line: &str| {
        line.strip_prefix("//!")
            .map(|rest| rest.strip_prefix(' ').unwrap_or(rest).to_owned())
    };
    text.lines()
        .filter_map(plain)
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn says(name: &str, text: &str) {
    assert!(
        page(name).contains(text),
        "the page `{name}` lacks:\n{text}"
    );
}

/// The agent of the examples: its keys are out of RFCs.
fn identity() -> Identity {
    Identity::from_pem(include_str!("../../fuzz/corpus/identity/good")).unwrap()
}

/// The request of the examples: one of the vectors.
fn sent() -> Sent {
    Recipe::new(By::Ed25519).signed()
}

/// What a small vault makes of it, as the first entry of its log.
fn answered() -> Answer {
    let identity = identity();
    let directory = TempDir::new().unwrap();
    let open = |file| {
        let store = SqliteStore::create(&directory.path().join(file)).unwrap();
        Log::open(
            store,
            identity.checkpoint_signer(),
            &identity.checkpoint_vkey(),
        )
        .unwrap()
    };
    let mut changes = open("changes.db");
    let passphrase = "correct horse battery".to_owned().into();
    let (vault, change, _) = Vault::create_with(&passphrase, Parameters::FLOOR, at(NOW)).unwrap();
    changes.commit(vec![Submission::Change(change)], at(NOW));
    let mut keep = |make: &dyn Fn(&Vault) -> Result<Change, VaultError>| {
        let made = changes
            .commit(vec![Submission::Change(make(&vault).unwrap())], at(NOW))
            .pop();
        let Some(Ok(Committed::Changed(changed))) = made else {
            panic!("{made:?}")
        };
        vault.apply(&changed).unwrap();
    };
    let key = Material::import(
        None,
        include_bytes!("../../fuzz/corpus/material/good-ed25519.pem")
            .split_at(2)
            .1,
    );
    let policy = PolicyText::check(
        "releases".parse().unwrap(),
        "permit (principal, action, resource);",
    )
    .unwrap();
    let secret = "deploy/key".parse().unwrap();
    keep(&|vault| {
        vault.add_secret(
            &secret,
            key.as_ref().unwrap(),
            &SecretOptions::default(),
            at(NOW),
        )
    });
    keep(&|vault| vault.set_policy(&policy, at(NOW)));

    let permit = sent()
        .arrives()
        .unwrap()
        .authorize(&vault.catalog())
        .unwrap()
        .into_permit()
        .unwrap();
    let recorded = open("example.db")
        .commit(vec![Submission::Use(permit)], at(NOW))
        .pop();
    let Some(Ok(Committed::Use(recorded))) = recorded else {
        panic!("{recorded:?}")
    };
    match vault.use_key(recorded).unwrap() {
        Used::Done(outcome) => Answer::to_outcome(outcome),
        Used::Begun(progress) => panic!("{progress:?}"),
    }
}

#[test]
fn the_request_in_the_protocol_is_one() {
    let sent = sent();
    let mut text = format!("{} {} HTTP/1.1\n", sent.method, sent.target);
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        text += &format!("{name}: {value}\n");
        headers.append(
            name.parse::<http::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    says("protocol", &format!("{text}\n{}", sent.body));

    let input = Parser::new(headers["signature-input"].to_str().unwrap())
        .parse::<Dictionary>()
        .unwrap();
    let ListEntry::InnerList(input) = &input["strongroom"] else {
        panic!("no list")
    };
    let base = signature_base(
        input,
        &Message::request(&Method::POST, &sent.target, &headers),
    )
    .unwrap();
    says("protocol", &base);
}

#[test]
fn the_answer_in_the_protocol_is_the_one_to_it() {
    let (identity, sent, answer) = (identity(), sent(), answered());
    let headers: HeaderMap = sent
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.parse::<http::HeaderName>().unwrap(),
                value.parse().unwrap(),
            )
        })
        .collect();
    let signature = RequestSignature::of(&headers);
    let signed: HeaderMap = answer
        .sign(&identity, signature.as_ref(), at(NOW))
        .into_iter()
        .collect();
    check_signature(
        StatusCode::OK,
        &signed,
        &answer.body,
        identity.answer_public(),
        signature.as_ref(),
    )
    .unwrap();
    for name in [
        "content-type",
        "content-digest",
        "signature-input",
        "signature",
    ] {
        says(
            "protocol",
            &format!("{name}: {}", signed[name].to_str().unwrap()),
        );
    }
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    says("protocol", &body["result"].to_string());
    let (entry, receipt) = (
        body["entry"].as_str().unwrap(),
        body["receipt"].as_str().unwrap(),
    );
    says("log_format", entry);
    says("log_format", receipt.trim_end());
    says("log_format", &identity.checkpoint_vkey());
    assert_eq!(
        receipt::verify(entry, receipt, &identity.checkpoint_vkey()),
        Ok(0)
    );
}

#[test]
fn every_problem_is_in_the_table() {
    for problem in Problem::ALL {
        let row = format!(
            "| {} | `{}` | {} |",
            problem.status().as_u16(),
            problem.type_uri(),
            problem.title()
        );
        says("protocol", &row);
    }
}

#[test]
fn every_word_of_the_formats_is_there() {
    for reason in Reason::ALL {
        says("log_format", &format!("`{reason}`"));
    }
    for ending in Ending::ALL {
        says("log_format", &format!("`{ending}`"));
    }
    for decided in Decided::ALL {
        says("log_format", &format!("`{decided}`"));
    }
    for by in Who::ALL {
        says("log_format", &format!("`{by}`"));
    }
    for action in Action::ALL {
        says("log_format", &format!("`{action}`"));
    }
    for mark in Mark::ALL {
        says("notification", &format!("\n| `{mark}` |"));
    }
    for kind in Record::TYPES {
        says("vault_format", &format!("| `{kind}` |"));
    }
    for operation in OperationName::ALL {
        says("operation", &format!("# `{operation}`"));
    }
    for kind in Kind::ALL {
        let operations: Vec<_> = kind
            .operations()
            .iter()
            .map(|operation| format!("`{operation}`"))
            .collect();
        says(
            "operation",
            &format!("| `{kind}` | {} |", operations.join(", ")),
        );
    }
}

#[test]
fn entries_in_the_log_format_are_entries() {
    let page = page("log_format");
    let lines: Vec<_> = page
        .lines()
        .filter(|line| line.starts_with('{') && line.contains("\"kind\""))
        .collect();
    assert!(lines.len() >= 4, "one of each kind");
    for line in lines {
        assert_eq!(Entry::parse(line).unwrap().to_line(), line);
    }
}

#[test]
fn policies_in_the_manual_are_valid() {
    let page = page("policy") + "\n" + &page("operation") + "\n" + &page("approval");
    let blocks: Vec<_> = page
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("cedar\n"))
        .collect();
    assert!(blocks.len() >= 2);
    for block in blocks {
        PolicyText::check("manual".parse().unwrap(), block)
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
    }
}

#[test]
fn bindings_in_the_manual_can_be_set() {
    let page = page("binding");
    let blocks: Vec<_> = page
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("json\n"))
        .collect();
    assert!(blocks.len() >= 4);
    for block in blocks {
        let parsed = Kind::ALL.map(|kind| Binding::parse(kind, block));
        assert!(parsed.iter().any(Result::is_ok), "{block}: {parsed:?}");
    }
    for section in ["sign", "http", "aws", "token", "ssh", "rotation", "channel"] {
        says("binding", &format!("\n# `{section}`"));
    }
}

/// A test that is named in an **Invariant** is one, and every invariant names at least one.
#[test]
fn every_invariant_has_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for directory in ["src", "agent/src", "tests"] {
        collect(&root.join(directory), &mut sources);
    }
    let mut invariants = 0;
    for (name, _) in PAGES {
        for paragraph in page(name)
            .split("\n\n")
            .filter(|paragraph| paragraph.starts_with("**Invariant"))
        {
            invariants += 1;
            let paragraph = paragraph.replace('\n', " ");
            let (_, tests) = paragraph
                .split_once("Tests: ")
                .unwrap_or_else(|| panic!("no tests: {paragraph}"));
            for test in tests.trim_end_matches('.').split(", ") {
                let test = test.trim_matches('`');
                assert!(
                    sources.contains(&format!("fn {test}(")),
                    "there is no test `{test}`"
                );
            }
        }
    }
    assert!(invariants >= 7, "{invariants}");
}

fn collect(directory: &Path, into: &mut String) {
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *into += &fs::read_to_string(path).unwrap();
        }
    }
}

/// What the manual says of urgencies is what the code does.
#[test]
fn every_urgency_is_in_the_table() {
    let page = page("notification");
    let row = |urgency: &str| {
        (page
            .lines()
            .find(|line| line.starts_with(&format!("| `{urgency}` |"))))
        .unwrap_or_else(|| panic!("no row of `{urgency}`"))
        .to_owned()
    };
    let rows = [("urgent", Urgency::Urgent), ("quiet", Urgency::Quiet)];
    let rows = rows.map(|(word, urgency)| {
        let row = row(word);
        let (reasons, actions) = row.split_once("`administration`").unwrap();
        (reasons.to_owned(), actions.to_owned(), urgency)
    });
    let time = "2026-03-01T10:00:00Z";
    for action in Action::ALL {
        let line = format!(
            r#"{{"action":"{action}","by":"owner","kind":"administration","time":"{time}"}}"#
        );
        let told = urgency(&Entry::parse(&line).unwrap().event);
        for (_, actions, urgency) in &rows {
            let is_there =
                actions.contains(&format!("`{action}`")) && *action != Action::SecretRotated;
            assert_eq!(is_there, told == *urgency, "{action} {urgency:?}");
        }
    }
    for reason in Reason::ALL {
        let line = format!(
            r#"{{"count":1,"detail":"","kind":"noise","reason":"{reason}","since":"{time}","time":"{time}","way_in":"tls"}}"#
        );
        let told = urgency(&Entry::parse(&line).unwrap().event);
        let is_there = rows[0].0.contains(&format!("`{reason}`"));
        assert_eq!(is_there, told == Urgency::Urgent, "{reason}");
    }
}
