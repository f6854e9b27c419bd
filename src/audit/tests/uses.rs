//! Recorded before used, and once.

use super::{
    caller::World,
    crash::{Dying, Fuse},
    fixture::{Home, note, now, signer, vkey},
};
use crate::{
    audit::{Committed, Entry, Event, Log, NotRecorded, Reason, Submission, receipt, verify},
    store::{Reader as _, Store},
    vault::{Used, Vault},
};

/// Uses every key that it may, and gives the entries that came with them.
fn use_keys(
    vault: &Vault,
    committed: Vec<Result<Committed, NotRecorded>>,
) -> Vec<(u64, String, String)> {
    let mut used = Vec::new();
    for committed in committed {
        if let Ok(Committed::Use(recorded)) = committed {
            let Used::Done(outcome) = vault.use_key(recorded).unwrap() else {
                panic!("it calls a provider")
            };
            let noted = outcome.noted();
            used.push((noted.index, noted.entry.clone(), noted.receipt.clone()));
        }
    }
    used
}

fn batch(world: &World) -> Vec<Submission> {
    vec![
        note("before"),
        world.permitted("nonce-one-0123456789ab"),
        world.refused("nonce-two-0123456789ab"),
        world.permitted("nonce-six-0123456789ab"),
        Submission::Advance {
            channel: "phone".to_owned(),
            delivered: 1,
        },
    ]
}

/// The machine dies at every step, before and after the disk has the commit; then a new process
/// opens what is left.
#[test]
fn every_key_use_has_an_earlier_durable_entry() {
    let world = World::new();
    for late in [false, true] {
        let mut deaths = 0;
        for steps in 0.. {
            let home = Home::new();
            let fuse = Fuse::new(steps, late);
            let store = Dying {
                inner: home.store(),
                fuse: fuse.clone(),
            };
            let committed = match Log::open(store, signer(1), &vkey(1)) {
                Ok(mut log) => log.commit(batch(&world), now()),
                Err(_) => Vec::new(),
            };
            let used = use_keys(&world.vault, committed);

            let reader = home.reader();
            let size = verify(&reader, &vkey(1)).unwrap().size;
            for (index, entry, proof) in &used {
                assert_eq!(reader.entries(*index, 1).unwrap()[0].line, *entry);
                assert_eq!(receipt::verify(entry, proof, &vkey(1)), Ok(*index));
            }
            assert_eq!(
                used.len(),
                if fuse.is_blown() { 0 } else { 2 },
                "step {steps}"
            );
            assert!(
                [0, 4].contains(&size),
                "step {steps}: all or nothing, not {size} entries"
            );

            // Whoever got no answer sends the same requests again.
            let again = use_keys(&world.vault, home.log().commit(batch(&world), now()));
            let already = size == 4;
            assert_eq!(
                again.len(),
                if already { 0 } else { 2 },
                "step {steps}: each is used once at most"
            );
            if !fuse.is_blown() {
                break;
            }
            deaths += 1;
        }
        assert!(deaths > 10, "only {deaths} steps were tried");
    }
}

/// The process lives on after the store failed: at once, or with the commit on the disk.
#[test]
fn a_failed_commit_fails_the_whole_batch_and_the_next_one_works() {
    let world = World::new();
    let open_and_all_but_the_commit = 3 + 12;
    for late in [false, true] {
        let home = Home::new();
        let fuse = Fuse::new(open_and_all_but_the_commit, late);
        let store = Dying {
            inner: home.store(),
            fuse: fuse.clone(),
        };
        let mut log = Log::open(store, signer(1), &vkey(1)).unwrap();
        let committed = log.commit(batch(&world), now());
        assert_eq!(committed.len(), 5);
        for one in committed {
            assert!(matches!(one, Err(NotRecorded::Store(_))), "{one:?}");
        }
        let durable = if late { 4 } else { 0 };
        assert_eq!(home.reader().log_size().unwrap(), durable);

        fuse.renew();
        let committed = log.commit(batch(&world), now());
        // What is on the disk all the same counts: its nonces are spent, no key is used.
        assert_eq!(
            use_keys(&world.vault, committed).len(),
            if late { 0 } else { 2 }
        );
        assert_eq!(
            verify(&home.reader(), &vkey(1)).unwrap().size,
            if late { 5 } else { 4 }
        );
    }
}

fn nonce_twice<S: Store>(log: &mut Log<S>, batches: Vec<Vec<Submission>>) -> Vec<&'static str> {
    let committed = batches
        .into_iter()
        .flat_map(|batch| log.commit(batch, now()));
    committed
        .map(|one| match one.unwrap() {
            Committed::Use(_) => "used",
            Committed::Noted(_) => "noted",
            Committed::Replay(Event::Noise {
                reason: Reason::Replay,
                service: Some(_),
                count: 1,
                ..
            }) => "replay",
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_request_is_recorded_once() {
    let world = World::new();
    let home = Home::new();
    let (one, two) = ("nonce-one-0123456789ab", "nonce-two-0123456789ab");
    let mut log = home.log();
    // In one batch.
    let batch = vec![
        world.permitted(one),
        world.permitted(one),
        world.permitted(two),
    ];
    assert_eq!(
        nonce_twice(&mut log, vec![batch]),
        ["used", "replay", "used"]
    );
    // Across batches.
    let batches = vec![vec![world.permitted(one)], vec![world.refused(two)]];
    assert_eq!(nonce_twice(&mut log, batches), ["replay", "replay"]);
    // After a restart.
    drop(log);
    let mut log = home.log();
    assert_eq!(
        nonce_twice(&mut log, vec![vec![world.permitted(one)]]),
        ["replay"]
    );
    // A replay leaves no entry: whoever saw the bytes could fill the disk with them.
    assert_eq!(log.size(), 2);
    assert_eq!(verify(&home.reader(), &vkey(1)).unwrap().size, 2);
}

#[test]
fn a_refused_request_is_spent_too() {
    let world = World::new();
    let home = Home::new();
    let nonce = "nonce-one-0123456789ab";
    let batches = vec![vec![world.refused(nonce)], vec![world.permitted(nonce)]];
    assert_eq!(nonce_twice(&mut home.log(), batches), ["noted", "replay"]);
}

#[test]
fn an_entry_says_who_what_and_why() {
    let world = World::new();
    let home = Home::new();
    home.log().commit(batch(&world), now());
    let entries = home.reader().entries(0, 9).unwrap();
    let entries: Vec<Entry> = entries
        .iter()
        .map(|stored| Entry::parse(&stored.line).unwrap())
        .collect();
    let Event::Use {
        ask,
        secret,
        version,
        policies,
        ..
    } = &entries[1].event
    else {
        panic!()
    };
    assert_eq!(
        (secret.as_str(), *version, policies.len()),
        ("deploy-key", 1, 1)
    );
    assert_eq!(
        (ask.service.as_str(), ask.nonce.as_str()),
        ("atlas", "nonce-one-0123456789ab")
    );
    assert_eq!(
        (ask.purpose.as_deref(), ask.address),
        (Some("release 4f2a"), Some([10, 0, 0, 7].into()))
    );
    assert_eq!(ask.fields["algorithm"], "Ed25519");
    let Event::Refusal { reason, .. } = &entries[2].event else {
        panic!()
    };
    assert_eq!(*reason, Reason::UnknownSecret);
    let line = &home.reader().entries(1, 1).unwrap()[0].line;
    assert!(
        !line.contains("cmVsZWFzZQ=="),
        "the message is not in the log: {line}"
    );
}
