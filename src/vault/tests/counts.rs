//! Uses are counted with their entries; a key stops encrypting in time; what is due is told once.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::fixture::{Kept, NOW, message, name};
use crate::{
    answer::Problem,
    audit::{Action, Committed, Entry, Event, Reason, Submission},
    binding::Binding,
    operation::Kind,
    store::{Reader as _, Usage},
    vault::{
        SecretOptions,
        due::{Due, MANY_ENCRYPTIONS, MAX_ENCRYPTIONS, Passed, due, next_due},
        material::Material,
    },
};

/// With an AES key `box`.
fn boxed() -> Kept {
    let mut kept = Kept::furnished();
    rotate_or_add(&mut kept, true);
    kept
}

fn rotate_or_add(kept: &mut Kept, add: bool) {
    let key = Material::generate(Kind::Aes256).unwrap();
    kept.keep(|vault| match add {
        true => vault.add_secret(&name("box"), &key, &SecretOptions::default(), NOW),
        false => vault.rotate_secret(&name("box"), &key, NOW),
    });
}

fn bind(kept: &mut Kept, secret: &str, rotation: Value) {
    let binding: Binding = serde_json::from_value(json!({ "rotation": rotation })).unwrap();
    kept.keep(|vault| vault.bind_secret(&name(secret), &binding, NOW));
}

fn encrypt(kept: &mut Kept) -> Submission {
    Submission::Use(kept.permit("box", "encrypt", json!({"plaintext": "aGk="})))
}

fn decrypt(kept: &mut Kept, version: u32) -> Submission {
    let input = json!({"ciphertext": "", "iv": "AAAAAAAAAAAAAAAA", "tag": "AAAAAAAAAAAAAAAAAAAAAA==", "version": version});
    Submission::Use(kept.permit("box", "decrypt", input))
}

fn nearly_used_up(left: u64) -> Usage {
    let encryptions = MAX_ENCRYPTIONS - left;
    Usage {
        uses: encryptions + 1000,
        encryptions,
    }
}

fn allowed(committed: &[Committed]) -> usize {
    committed
        .iter()
        .filter(|one| matches!(one, Committed::Use(_)))
        .count()
}

/// The `secret-due` entries: secret, version, detail.
fn told(kept: &Kept) -> Vec<(String, u32, String)> {
    let entries = kept.reader.entries(0, 10_000).unwrap();
    entries
        .iter()
        .filter_map(|entry| match Entry::parse(&entry.line).unwrap().event {
            Event::Administration {
                action: Action::SecretDue,
                subject,
                version,
                detail,
                ..
            } => Some((subject.unwrap(), version.unwrap(), detail.unwrap())),
            _ => None,
        })
        .collect()
}

#[test]
fn every_use_of_a_key_is_counted_with_its_entry() {
    let mut kept = boxed();
    let batch = vec![
        encrypt(&mut kept),
        decrypt(&mut kept, 1),
        encrypt(&mut kept),
    ];
    kept.submit(batch);
    let other = kept.permit("deploy", "sign", message());
    let public = kept.permit("deploy", "public-key", json!({}));
    kept.submit(vec![Submission::Use(other), Submission::Use(public)]);
    let counted = |uses, encryptions| Usage { uses, encryptions };
    assert_eq!(
        kept.reader.usage().unwrap(),
        [
            (kept.record("box", 1), counted(3, 2)),
            (kept.record("deploy", 1), counted(1, 0))
        ]
        .into()
    );
}

#[test]
fn a_key_encrypts_exactly_as_often_as_it_may() {
    let mut kept = boxed();
    kept.preset(kept.record("box", 1), nearly_used_up(3));
    let batch: Vec<_> = (0..5).map(|_| encrypt(&mut kept)).collect();
    let committed = kept.submit(batch);
    assert_eq!(allowed(&committed), 3);
    let Some(Committed::Refused(refused)) = committed.last() else {
        panic!("{committed:?}")
    };
    assert_eq!(refused.reason(), Reason::UsedUp);
    assert_eq!(refused.problem(), Problem::Unsuitable);
    assert_eq!(
        refused.told(),
        "version 1 of secret `box` has made 4294967295 encryptions, as many as one AES-256-GCM key may; its owner has to rotate it"
    );
    let newest = kept.reader.log_size().unwrap() - 1;
    let line = &kept.reader.entries(newest, 1).unwrap()[0].line;
    assert!(line.contains(r#""kind":"refusal""#) && line.contains(r#""reason":"used-up""#));

    // Also after a restart, for the other operation that encrypts, and for the same request again.
    let mut restarted = kept.another_log();
    let data_key = kept.permit("box", "data-key", json!({}));
    let batch = vec![encrypt(&mut kept), Submission::Use(data_key)];
    for committed in restarted.commit(batch, NOW) {
        assert!(
            matches!(committed, Ok(Committed::Refused(_))),
            "{committed:?}"
        );
    }
    let usage = kept.reader.usage().unwrap()[&kept.record("box", 1)];
    assert_eq!(usage.encryptions, MAX_ENCRYPTIONS, "refusals do not count");

    // What was encrypted is decrypted for ever, and a new version encrypts.
    let batch = vec![decrypt(&mut kept, 1)];
    assert_eq!(allowed(&kept.submit(batch)), 1);
    rotate_or_add(&mut kept, false);
    let batch = vec![encrypt(&mut kept), decrypt(&mut kept, 1)];
    assert_eq!(allowed(&kept.submit(batch)), 2);
    assert_eq!(
        kept.reader.usage().unwrap()[&kept.record("box", 2)].encryptions,
        1
    );
}

#[test]
fn a_fleet_encrypts_exactly_as_often_as_one_key_may() {
    let mut kept = boxed();
    kept.preset(kept.record("box", 1), nearly_used_up(25));
    let batches: Vec<Vec<Submission>> = (0..4)
        .map(|_| (0..16).map(|_| encrypt(&mut kept)).collect())
        .collect();
    let agents: Vec<_> = batches.iter().map(|_| kept.another_log()).collect();
    let passed: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = agents
            .into_iter()
            .zip(batches)
            .map(|(mut log, batch)| {
                scope.spawn(move || {
                    let committed = batch
                        .into_iter()
                        .map(|one| log.commit(vec![one], NOW).pop().unwrap().unwrap());
                    allowed(&committed.collect::<Vec<_>>())
                })
            })
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(passed, 25);
}

#[test]
fn a_limit_of_uses_is_told_once_when_it_is_reached() {
    let mut kept = Kept::furnished();
    bind(&mut kept, "deploy", json!({"max_uses": 3}));
    let signs = |kept: &mut Kept, count: usize| {
        let batch = (0..count).map(|_| Submission::Use(kept.permit("release", "sign", message())));
        let batch = batch.collect();
        assert_eq!(allowed(&kept.submit(batch)), count, "nothing stops");
    };
    signs(&mut kept, 2);
    assert_eq!(told(&kept), []);
    signs(&mut kept, 2);
    let first = ("deploy".to_owned(), 1, "used 3 times".to_owned());
    assert_eq!(told(&kept), std::slice::from_ref(&first));
    signs(&mut kept, 3);
    assert_eq!(told(&kept), std::slice::from_ref(&first), "nothing repeats");

    let found = due(&kept.vault.catalog(), &kept.reader.usage().unwrap(), NOW);
    assert_eq!(
        found,
        [Due {
            secret: name("deploy"),
            version: 1,
            record: kept.record("deploy", 1),
            passed: Passed::Uses { uses: 7, limit: 3 },
        }]
    );
    let committed = kept.submit(vec![Submission::Due(found[0].clone())]);
    assert!(matches!(committed[..], [Committed::ToldBefore]));

    // A new version counts from the start, and is told of by itself.
    let key = Material::generate(Kind::Ed25519).unwrap();
    kept.keep(|vault| vault.rotate_secret(&name("deploy"), &key, NOW));
    assert_eq!(
        due(&kept.vault.catalog(), &kept.reader.usage().unwrap(), NOW),
        []
    );
    signs(&mut kept, 4);
    let second = ("deploy".to_owned(), 2, "used 3 times".to_owned());
    assert_eq!(told(&kept), [first, second]);

    // A limit that the owner sets later is another one.
    bind(&mut kept, "deploy", json!({"max_uses": 2}));
    signs(&mut kept, 2);
    assert_eq!(told(&kept).len(), 3);
}

#[test]
fn the_owner_is_told_halfway_to_the_end_of_a_key() {
    let mut kept = boxed();
    let encryptions = MANY_ENCRYPTIONS - 1;
    let usage = Usage {
        uses: encryptions,
        encryptions,
    };
    kept.preset(kept.record("box", 1), usage);
    let batch = vec![encrypt(&mut kept), encrypt(&mut kept)];
    kept.submit(batch);
    let detail = "2147483648 encryptions of 4294967295 that one key may make".to_owned();
    assert_eq!(told(&kept), [("box".to_owned(), 1, detail)]);
}

#[test]
fn an_age_is_passed_at_its_moment() {
    let mut kept = Kept::furnished();
    bind(&mut kept, "deploy", json!({"max_age": "P90D"}));
    bind(
        &mut kept,
        "heroku/prod",
        json!({"max_age": "P30D", "max_uses": 5}),
    );
    let at = |days: i64| NOW + SignedDuration::from_hours(24 * days);
    let just = |days| at(days) - SignedDuration::from_nanos(1);
    let usage = kept.reader.usage().unwrap();
    let names = |kept: &Kept, now: Timestamp| -> Vec<String> {
        let found = due(&kept.vault.catalog(), &usage, now);
        found
            .iter()
            .map(|due| format!("{} {}", due.secret, due.passed))
            .collect()
    };
    assert_eq!(names(&kept, just(30)), [""; 0]);
    assert_eq!(names(&kept, at(30)), ["heroku/prod 30 days old"]);
    assert_eq!(
        names(&kept, at(91)),
        ["deploy 91 days old", "heroku/prod 91 days old"]
    );
    let next = |kept: &Kept, now| next_due(&kept.vault.catalog(), now);
    assert_eq!(next(&kept, NOW), Some(at(30)));
    assert_eq!(next(&kept, at(30)), Some(at(90)));
    assert_eq!(next(&kept, at(90)), None);

    let overdue = due(&kept.vault.catalog(), &usage, at(91));
    let submissions = || {
        overdue
            .iter()
            .cloned()
            .map(Submission::Due)
            .collect::<Vec<_>>()
    };
    kept.submit(submissions());
    let mut restarted = kept.another_log();
    for committed in restarted.commit(submissions(), at(92)) {
        assert!(matches!(committed, Ok(Committed::ToldBefore)));
    }
    assert_eq!(told(&kept).len(), 2);

    // A retired secret is not due, and a rotated one is young again.
    kept.keep(|vault| vault.retire(&name("deploy"), None, NOW));
    let token = Material::import(Some(Kind::Token), b"another").unwrap();
    kept.keep(|vault| vault.rotate_secret(&name("heroku/prod"), &token, at(91)));
    assert_eq!(names(&kept, at(100)), [""; 0]);
    assert_eq!(next(&kept, at(100)), Some(at(121)));
}
