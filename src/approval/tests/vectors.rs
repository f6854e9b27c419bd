//! One file for each approval that must be refused, in `tests/vectors/approval`, and some for what
//! counts. Each is complete: the entry that it is about, who may decide, and what was signed.
//!
//! `cargo test -p strongroom --lib write_approval_vectors -- --ignored` writes them from the recipes
//! here; those of `accept-ssh-keygen-…` are signed by `ssh-keygen`, with keys of its making.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};

use super::{
    fixture::*,
    signer::{How, Key},
};
use crate::{
    approval::{
        ApproverKey, Asked, Decision, NAMESPACE, NotDecided, Settlement, Statement, Verdict,
    },
    audit::{Committed, Submission},
    vault::ApproverOptions,
};

/// One file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    about: String,
    /// The stage that must refuse it; `null` if it counts.
    refuse: Option<String>,
    /// What the refusal says, among other things.
    detail: String,
    /// The agent that verifies.
    agent: String,
    /// Seconds after the request when it is handed in.
    at: i64,
    policy: String,
    /// The line of a service's key, as OpenSSH has it, by the service's name.
    services: BTreeMap<String, String>,
    approvers: Vec<Enrolled>,
    /// The pending entry, and its index in the log.
    id: u64,
    entry: String,
    /// What was handed in before, and counted.
    before: Vec<Before>,
    statement: String,
    signature: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolled {
    name: String,
    key: String,
    groups: Vec<String>,
    operates: Vec<String>,
    retired: bool,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum Before {
    Signed {
        statement: String,
        signature: String,
    },
    Owner(Verdict),
    Used,
    Cancelled,
    Expired,
}

/// What a refusal is called in the files.
fn stage(why: &NotDecided) -> &'static str {
    match why {
        NotDecided::Statement(_) => "statement",
        NotDecided::Signature(_) => "signature-form",
        NotDecided::ForeignAgent(_) => "foreign-agent",
        NotDecided::UnknownId(_) => "unknown-id",
        NotDecided::Altered(_) => "altered",
        NotDecided::Over { .. } => "over",
        NotDecided::Expired(_) => "expired",
        NotDecided::ForeignNamespace(_) => "foreign-namespace",
        NotDecided::KeyOfService { .. } => "key-of-service",
        NotDecided::UnknownKey(_) => "unknown-key",
        NotDecided::Retired(_) => "retired",
        NotDecided::NotAsked { .. } => "not-asked",
        NotDecided::Operates { .. } => "operates",
        NotDecided::NotSigned(_) => "not-signed",
        NotDecided::Already { .. } => "already",
        NotDecided::OtherService { .. } | NotDecided::NotYet(_) => "another",
    }
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/approval")
}

/// The world of a file: its approvers, and the one request.
fn desk(approvers: &[Enrolled]) -> (Desk, u64) {
    let desk = Desk::bare(TWO);
    for approver in approvers {
        let options = ApproverOptions {
            keys: vec![ApproverKey::parse(&approver.key).unwrap()],
            groups: approver.groups.iter().map(|group| name(group)).collect(),
            operates: approver.operates.iter().map(|of| name(of)).collect(),
            mail: None,
        };
        desk.keep(|vault| vault.add_approver(&name(&approver.name), &options, at(0)));
        if approver.retired {
            desk.keep(|vault| vault.retire_approver(&name(&approver.name), at(0)));
        }
    }
    let id = desk.ask(0);
    (desk, id)
}

/// Hands in what was signed, as it comes from outside.
fn hand_in(desk: &Desk, statement: &str, signature: &str, seconds: i64) -> Result<(), NotDecided> {
    let statement = Statement::parse(statement)?;
    let asked = Asked::read(&desk.reader(), &desk.vkey(), statement.id()).unwrap();
    let catalog = desk.vault.catalog();
    let decision = Decision::by_approver(
        &statement,
        signature,
        asked.as_ref(),
        &catalog,
        &desk.agent,
        at(seconds),
    )?;
    let submission = Submission::Decide(Box::new(decision));
    match desk.submit(submission, at(seconds)).unwrap() {
        Committed::Decided(_) => Ok(()),
        Committed::NotDecided(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

fn happen(desk: &Desk, id: u64, before: &Before) {
    let settle = |settlement: Settlement, seconds| {
        let submission = Submission::Settle(Box::new(settlement));
        let settled = desk.submit(submission, at(seconds)).unwrap();
        assert!(matches!(settled, Committed::Settled(_)));
    };
    match before {
        Before::Signed {
            statement,
            signature,
        } => hand_in(desk, statement, signature, 1).unwrap(),
        Before::Owner(verdict) => {
            desk.try_say("owner", id, *verdict, None, 1).unwrap();
        }
        Before::Used => {
            desk.use_it(desk.collect(id, 1).unwrap(), 1).unwrap();
        }
        Before::Cancelled => {
            let called = desk.called(false, id, 1);
            settle(Settlement::cancelled(&desk.asked(id), &called).unwrap(), 1);
        }
        Before::Expired => {
            settle(
                Settlement::expired(&desk.asked(id), at(HOUR)).unwrap(),
                HOUR,
            );
        }
    }
}

#[test]
fn every_vector() {
    let recipes: Vec<_> = cases().into_iter().map(|case| case.file).collect();
    let mut files = 0;
    for file in fs::read_dir(directory()).unwrap() {
        let path = file.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(recipes.contains(&file.as_str()), "`{file}` has no recipe");
        let vector: Vector = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        files += 1;
        let (desk, id) = desk(&vector.approvers);
        assert_eq!(
            (vector.policy.as_str(), vector.agent),
            (TWO, agent().to_string())
        );
        assert_eq!(
            (id, desk.asked_line(id)),
            (vector.id, vector.entry),
            "{file}"
        );
        for before in &vector.before {
            happen(&desk, id, before);
        }
        let size = desk.size();
        match (
            hand_in(&desk, &vector.statement, &vector.signature, vector.at),
            vector.refuse,
        ) {
            (Ok(()), None) => assert_eq!(desk.size(), size + 1, "{file}"),
            (Err(why), Some(expected)) => {
                assert_eq!(stage(&why), expected, "{file}: {why}");
                let detail = why.to_string();
                assert!(detail.contains(&vector.detail), "{file}: {detail}");
                assert_eq!(desk.size(), size, "{file}: nothing is recorded");
            }
            (Ok(()), Some(expected)) => panic!("{file} counted; {expected} must refuse it"),
            (Err(why), None) => panic!("{file} was refused: {why}"),
        }
    }
    assert_eq!(files, recipes.len(), "a vector is not written; see above");
}

/// The signatures of the vectors by OpenSSH: those that are refused for what they say are good
/// signatures, and those that are refused for themselves are none for it either.
#[test]
fn ssh_keygen_agrees_about_the_signatures() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for file in fs::read_dir(self::directory()).unwrap() {
        let file = file.unwrap().path();
        let vector: Vector = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let keys = vector.approvers.iter().map(|one| (&one.name, &one.key));
        let lines: Vec<_> = keys
            .chain(&vector.services)
            .map(|(name, key)| format!("{name} {key}\n"))
            .collect();
        fs::write(path("allowed"), lines.concat()).unwrap();
        fs::write(path("signature"), &vector.signature).unwrap();
        fs::write(path("statement"), &vector.statement).unwrap();
        let verifies = |who: &str| {
            let mut keygen = Command::new("ssh-keygen");
            keygen
                .args(["-Y", "verify", "-n", NAMESPACE, "-I", who, "-f"])
                .arg(path("allowed"))
                .arg("-s")
                .arg(path("signature"))
                .stdin(fs::File::open(path("statement")).unwrap());
            keygen.output().unwrap().status.success()
        };
        let names = vector.approvers.iter().map(|one| &one.name);
        let good = names
            .chain(vector.services.keys())
            .any(|name| verifies(name));
        let expected = match vector.refuse.as_deref() {
            Some("foreign-namespace" | "unknown-key" | "signature-form") => false,
            // OpenSSH leaves it to the caller whether somebody has to be there.
            Some("not-signed") => {
                vector.detail.contains("touched") || vector.detail.contains("ssh:")
            }
            _ => true,
        };
        assert_eq!(good, expected, "{}", file.display());
    }
}

struct Case {
    file: &'static str,
    about: &'static str,
    refuse: Option<&'static str>,
    detail: &'static str,
    at: i64,
    approvers: Vec<Enrolled>,
    before: Vec<Before>,
    statement: String,
    signature: String,
}

/// Where a recipe begins: the request of the approvers that are usual, and what `alice` signs.
struct Recipe {
    approvers: Vec<Enrolled>,
    agent: crate::service::Thumbprint,
    id: u64,
    line: String,
}

impl Recipe {
    fn with(approvers: Vec<Enrolled>) -> Self {
        let (desk, id) = desk(&approvers);
        Self {
            approvers,
            agent: agent(),
            id,
            line: desk.asked_line(id),
        }
    }

    fn statement(&self, verdict: Verdict, minutes: Option<u32>) -> String {
        let (agent, line) = (self.agent.clone(), self.line.clone());
        Statement::new(agent, self.id, line, verdict, minutes)
            .unwrap()
            .to_line()
    }

    fn yes(&self) -> String {
        self.statement(Verdict::Approve, None)
    }

    fn before(&self, approver: &str, verdict: Verdict) -> Before {
        let statement = self.statement(verdict, None);
        Before::Signed {
            signature: key_of(approver).sign(&statement),
            statement,
        }
    }

    fn case(&self, file: &'static str, about: &'static str, statement: String, key: &Key) -> Case {
        Case {
            file,
            about,
            refuse: None,
            detail: "",
            at: 2,
            approvers: self.approvers.clone(),
            before: Vec::new(),
            signature: key.sign(&statement),
            statement,
        }
    }
}

impl Case {
    fn refused(self, stage: &'static str, detail: &'static str) -> Self {
        Self {
            refuse: Some(stage),
            detail,
            ..self
        }
    }

    fn after(self, before: Vec<Before>) -> Self {
        Self { before, ..self }
    }

    fn so(self, key: &Key, how: How) -> Self {
        Self {
            signature: key.sign_so(&self.statement, &how),
            ..self
        }
    }
}

fn enrolled(approver: &str, groups: &[&str], operates: &[&str]) -> Enrolled {
    let texts = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect();
    Enrolled {
        name: approver.to_owned(),
        key: key_of(approver).line(),
        groups: texts(groups),
        operates: texts(operates),
        retired: false,
    }
}

fn usual() -> Vec<Enrolled> {
    vec![
        enrolled("alice", &["security"], &[]),
        enrolled("bob", &["security"], &[]),
        enrolled("carol", &["security"], &[]),
        enrolled("dave", &["security"], &["borg"]),
    ]
}

fn cases() -> Vec<Case> {
    use Verdict::{Approve, Deny};
    let usual = Recipe::with(usual());
    let (alice, bob, carol, dave) = (
        key_of("alice"),
        key_of("bob"),
        key_of("carol"),
        key_of("dave"),
    );
    let yes = usual.yes();
    let mut cases = vec![
        usual.case(
            "accept-ed25519",
            "a yes, once, with Ed25519",
            yes.clone(),
            &alice,
        ),
        usual.case("accept-p256", "with P-256", yes.clone(), &bob),
        usual.case(
            "accept-sk-ed25519",
            "with Ed25519 on a security key",
            yes.clone(),
            &carol,
        ),
        usual.case(
            "accept-sk-p256",
            "with P-256 on a security key, under another application for SSH",
            yes.clone(),
            &dave,
        ),
        usual
            .case("accept-sha256", "over a SHA-256 hash", yes.clone(), &alice)
            .so(
                &alice,
                How {
                    hash: "sha256",
                    ..How::default()
                },
            ),
        usual
            .case(
                "accept-sk-verified",
                "the security key has verified its user too",
                yes.clone(),
                &carol,
            )
            .so(
                &carol,
                How {
                    flags: 5,
                    ..How::default()
                },
            ),
        usual.case("accept-deny", "a no", usual.statement(Deny, None), &alice),
        usual.case(
            "accept-minutes",
            "a yes that stands for a while",
            usual.statement(Approve, Some(15)),
            &alice,
        ),
        usual
            .case(
                "accept-deny-after-use",
                "a no after the use ends what stands",
                usual.statement(Deny, None),
                &alice,
            )
            .after(vec![
                usual.before("bob", Approve),
                Before::Owner(Approve),
                Before::Used,
            ]),
        usual
            .case(
                "accept-deny-after-approve",
                "who said yes may say no",
                usual.statement(Deny, None),
                &alice,
            )
            .after(vec![usual.before("alice", Approve)]),
        usual
            .case(
                "replayed",
                "the same signed approval is handed in again",
                yes.clone(),
                &alice,
            )
            .after(vec![usual.before("alice", Approve)])
            .refused("already", "alice has said this"),
        usual
            .case(
                "duplicate",
                "one approver says yes a second time, with another signature",
                usual.statement(Approve, Some(15)),
                &alice,
            )
            .after(vec![usual.before("alice", Approve)])
            .refused("already", "alice has said this"),
        usual
            .case(
                "denied-then-approved",
                "somebody has said no",
                yes.clone(),
                &alice,
            )
            .after(vec![usual.before("bob", Deny)])
            .refused("over", "it was denied"),
        usual
            .case(
                "denied-by-the-owner",
                "the owner has said no",
                yes.clone(),
                &alice,
            )
            .after(vec![Before::Owner(Deny)])
            .refused("over", "it was denied"),
        usual
            .case("used", "the key was used already", yes.clone(), &carol)
            .after(vec![
                usual.before("alice", Approve),
                usual.before("bob", Approve),
                Before::Used,
            ])
            .refused("over", "it was used"),
        usual
            .case("cancelled", "its service gave it up", yes.clone(), &alice)
            .after(vec![Before::Cancelled])
            .refused("over", "it was cancelled"),
        Case {
            at: HOUR,
            ..usual
                .case("expired", "its time is over", yes.clone(), &alice)
                .refused("expired", "is over")
        },
        Case {
            at: HOUR,
            ..usual
                .case(
                    "expired-and-settled",
                    "its time is over, and the log says so",
                    yes.clone(),
                    &alice,
                )
                .after(vec![Before::Expired])
                .refused("over", "it was expired")
        },
    ];

    let altered = |from: &str, to: &str| {
        let line = usual.line.replace(from, to);
        assert_ne!(line, usual.line, "{from}");
        Statement::new(usual.agent.clone(), usual.id, line, Approve, None)
            .unwrap()
            .to_line()
    };
    for (file, about, from, to) in [
        (
            "altered-purpose",
            "another purpose was shown",
            "release 4f2a",
            "release 4f2b",
        ),
        (
            "altered-secret",
            "another secret was shown",
            "\"secret\":\"deploy-key\"",
            "\"secret\":\"other-key\"",
        ),
        (
            "altered-fields",
            "other fields were shown",
            "\"size\":12",
            "\"size\":13",
        ),
        (
            "altered-needs",
            "fewer approvers were shown",
            "2 of security",
            "1 of security",
        ),
        (
            "altered-digest",
            "another request was shown",
            "\"digest\":\"",
            "\"digest\":\"A",
        ),
        (
            "altered-expires",
            "a later end was shown",
            "T15:02:03.123Z",
            "T16:02:03.123Z",
        ),
    ] {
        cases.push(
            usual
                .case(file, about, altered(from, to), &alice)
                .refused("altered", "as the audit log has it"),
        );
    }
    let other_id = |id| {
        Statement::new(usual.agent.clone(), id, usual.line.clone(), Approve, None)
            .unwrap()
            .to_line()
    };
    let foreign = Statement::new(key_of_agent(), usual.id, usual.line.clone(), Approve, None)
        .unwrap()
        .to_line();
    cases.extend([
        usual
            .case("foreign-agent", "meant for another agent", foreign, &alice)
            .refused("foreign-agent", "another one"),
        usual
            .case(
                "unknown-id",
                "there is no such request",
                other_id(usual.id + 1),
                &alice,
            )
            .refused("unknown-id", "there is no request"),
        usual
            .case(
                "not-a-request",
                "the index of another entry",
                other_id(0),
                &alice,
            )
            .refused("unknown-id", "there is no request"),
        usual
            .case("foreign-namespace", "signed as a file", yes.clone(), &alice)
            .so(
                &alice,
                How {
                    namespace: "file",
                    ..How::default()
                },
            )
            .refused("foreign-namespace", "`file`"),
        usual
            .case(
                "foreign-namespace-git",
                "signed as a commit",
                yes.clone(),
                &bob,
            )
            .so(
                &bob,
                How {
                    namespace: "git",
                    ..How::default()
                },
            )
            .refused("foreign-namespace", "`git`"),
        usual
            .case(
                "wrong-key",
                "nobody has this key",
                yes.clone(),
                &key_of("mallory"),
            )
            .refused("unknown-key", "no approver has the key"),
        usual
            .case(
                "key-of-the-service",
                "the service approves its own request",
                yes.clone(),
                &key_of("atlas"),
            )
            .refused("key-of-service", "service `atlas`"),
        usual
            .case(
                "sk-ed25519-not-touched",
                "nobody touched the security key",
                yes.clone(),
                &carol,
            )
            .so(
                &carol,
                How {
                    flags: 0,
                    ..How::default()
                },
            )
            .refused("not-signed", "nobody touched"),
        usual
            .case(
                "sk-p256-not-touched",
                "nobody touched the security key",
                yes.clone(),
                &dave,
            )
            .so(
                &dave,
                How {
                    flags: 4,
                    ..How::default()
                },
            )
            .refused("not-signed", "nobody touched"),
        Case {
            statement: usual.statement(Approve, Some(1440)),
            ..usual.case(
                "minutes-altered",
                "signed for a quarter of an hour, handed in for a day",
                usual.statement(Approve, Some(15)),
                &alice,
            )
        }
        .refused("not-signed", "does not fit"),
        Case {
            statement: usual.statement(Approve, Some(60)),
            ..usual.case(
                "minutes-added",
                "signed for once, handed in for an hour",
                yes.clone(),
                &carol,
            )
        }
        .refused("not-signed", "does not fit"),
        Case {
            statement: yes.clone(),
            ..usual.case(
                "deny-turned-into-approve",
                "signed as a no, handed in as a yes",
                usual.statement(Deny, None),
                &bob,
            )
        }
        .refused("not-signed", "does not fit"),
        Case {
            signature: alice.sign(&format!("{yes}\n")),
            ..usual.case(
                "newline-signed",
                "a newline was signed with it",
                yes.clone(),
                &alice,
            )
        }
        .refused("not-signed", "does not fit"),
        usual
            .case(
                "newline-in-statement",
                "a newline at the end",
                format!("{yes}\n"),
                &alice,
            )
            .refused("statement", "canonical"),
    ]);
    let with_member = |member: &str| format!("{},{member}}}", yes.strip_suffix('}').unwrap());
    cases.extend([
        usual
            .case(
                "minutes-of-a-no",
                "a no for a while",
                with_member("\"minutes\":5").replacen("\"approve\"", "\"deny\"", 1),
                &alice,
            )
            .refused("statement", "a no has no `minutes`"),
        usual
            .case(
                "minutes-of-days",
                "a yes for more than a day",
                with_member("\"minutes\":1441"),
                &alice,
            )
            .refused("statement", "1 to 1440 minutes"),
        usual
            .case(
                "unknown-member",
                "a member that nobody knows",
                with_member("\"x\":1"),
                &alice,
            )
            .refused("statement", "not a statement"),
        Case {
            signature: "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
                .to_owned(),
            ..usual.case(
                "signature-cut-off",
                "not a whole signature",
                yes.clone(),
                &alice,
            )
        }
        .refused("signature-form", "not an SSH signature"),
    ]);

    let mut retired = self::usual();
    retired[0].retired = true;
    let retired = Recipe::with(retired);
    cases.push(
        retired
            .case(
                "retired-approver",
                "who signed is retired",
                retired.yes(),
                &alice,
            )
            .refused("retired", "`alice` is retired"),
    );
    let mut moved = self::usual();
    moved[0].groups = vec!["on-call".to_owned()];
    let moved = Recipe::with(moved);
    cases.push(
        moved
            .case(
                "not-in-the-group",
                "who signed is in another group",
                moved.yes(),
                &alice,
            )
            .refused("not-asked", "groups that are asked: security"),
    );
    let mut operator = self::usual();
    operator[0].operates = vec!["atlas".to_owned()];
    let operator = Recipe::with(operator);
    cases.push(
        operator
            .case(
                "operates-the-service",
                "who signed runs the service that asks",
                operator.yes(),
                &alice,
            )
            .refused("operates", "operates service `atlas`"),
    );
    let mut web = self::usual();
    web.push(enrolled("web", &["security"], &[]));
    let web = Recipe::with(web);
    cases.push(
        web.case(
            "sk-of-a-web-site",
            "a security key's credential of a web site",
            web.yes(),
            &key_of("web"),
        )
        .refused("not-signed", "not `ssh:`"),
    );

    // Signed by OpenSSH, with keys that are made for it.
    for (file, kind, bits) in [
        ("accept-ssh-keygen-ed25519", "ed25519", "256"),
        ("accept-ssh-keygen-p256", "ecdsa", "256"),
        ("accept-ssh-keygen-rsa", "rsa", "3072"),
    ] {
        cases.push(Case {
            file,
            about: "signed with `ssh-keygen -Y sign`",
            refuse: None,
            detail: "",
            at: 2,
            approvers: Vec::new(),
            before: Vec::new(),
            statement: kind.to_owned(),
            signature: bits.to_owned(),
        });
    }
    cases
}

/// Another agent's.
fn key_of_agent() -> crate::service::Thumbprint {
    service_key().thumbprint()
}

/// What `ssh-keygen` makes of a recipe for it.
fn by_ssh_keygen(case: Case) -> Case {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    let run = |arguments: &[&str], file: &Path| {
        let mut keygen = Command::new("ssh-keygen");
        let output = keygen.args(arguments).arg(file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let (kind, bits) = (&case.statement, &case.signature);
    run(
        &["-q", "-t", kind, "-b", bits, "-N", "", "-C", "", "-f"],
        &key,
    );
    let line = fs::read_to_string(key.with_extension("pub")).unwrap();
    let mut approvers = usual();
    approvers[0].key = line.trim().to_owned();
    let recipe = Recipe::with(approvers);
    let statement = recipe.yes();
    let file = directory.path().join("statement");
    fs::write(&file, &statement).unwrap();
    let key = key.to_str().unwrap();
    run(&["-q", "-Y", "sign", "-n", NAMESPACE, "-f", key], &file);
    Case {
        signature: fs::read_to_string(file.with_extension("sig")).unwrap(),
        approvers: recipe.approvers,
        statement,
        ..case
    }
}

#[test]
#[ignore = "writes the vectors"]
fn write_approval_vectors() {
    fs::create_dir_all(directory()).unwrap();
    for case in cases() {
        let path = directory().join(case.file).with_extension("json");
        // These are other keys each time.
        let is_by_ssh_keygen = case.approvers.is_empty();
        if is_by_ssh_keygen && path.exists() {
            continue;
        }
        let case = match is_by_ssh_keygen {
            true => by_ssh_keygen(case),
            false => case,
        };
        let (desk, id) = desk(&case.approvers);
        let vector = Vector {
            about: case.about.to_owned(),
            refuse: case.refuse.map(str::to_owned),
            detail: case.detail.to_owned(),
            agent: agent().to_string(),
            at: case.at,
            policy: TWO.to_owned(),
            services: [("atlas".to_owned(), service_key().ssh(""))].into(),
            approvers: case.approvers,
            id,
            entry: desk.asked_line(id),
            before: case.before,
            statement: case.statement,
            signature: case.signature,
        };
        let text = serde_json::to_string_pretty(&vector).unwrap() + "\n";
        fs::write(path, text).unwrap();
    }
}
