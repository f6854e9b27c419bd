//! Asked, approved, collected: each step with its entry.

use super::fixture::*;
use crate::{
    answer::Problem,
    approval::{Missing, NotDecided, Settled, Settlement, Verdict, Voice},
    audit::{By, Committed, Decided, Event, Log, Reason, Submission, verify},
    policy::Authorized,
    store::{Reader as _, sqlite::SqliteReader},
    vault::{Scope, VaultError},
};

#[test]
fn a_request_is_asked_approved_and_its_key_used_once() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    let Event::Pending {
        ask,
        secret,
        version,
        policies,
        needs,
        expires,
        ..
    } = desk.event(id)
    else {
        panic!()
    };
    assert_eq!(
        (ask.asked, secret),
        (name("deploy-key"), name("deploy-key"))
    );
    assert_eq!((version, policies), (1, vec!["deployers".to_owned()]));
    assert_eq!(
        (needs, expires),
        (vec!["2 of security".to_owned()], at(HOUR))
    );

    // Nobody, then one of two.
    let lacks = desk.collect(id, 1).unwrap_err();
    assert_eq!(lacks.to_string(), "`2 of security`: nobody said yes so far");
    let first = desk.approve("alice", id, 2);
    let Event::Decision {
        entry,
        decided,
        by,
        approver,
        minutes,
        key,
        signature,
        ..
    } = desk.event(first)
    else {
        panic!()
    };
    assert_eq!((entry, decided, by), (id, Decided::Approved, By::Approver));
    assert_eq!((approver, minutes), (Some(name("alice")), None));
    assert!(key.unwrap().starts_with("SHA256:"));
    assert!(
        signature
            .unwrap()
            .starts_with("-----BEGIN SSH SIGNATURE-----\n")
    );
    let Missing::Yes(lacking) = desk.collect(id, 3).unwrap_err() else {
        panic!()
    };
    assert_eq!(lacking[0].yes, [Voice::Approver(name("alice"))]);
    assert_eq!(
        lacking,
        desk.asked(id).so_far(&desk.vault.catalog(), &desk.agent)
    );

    let second = desk.approve("carol", id, 4);
    let used = desk.use_it(desk.collect(id, 5).unwrap(), 5).unwrap();
    let Event::Use {
        approvals, pending, ..
    } = desk.event(used)
    else {
        panic!()
    };
    assert_eq!((approvals, pending), (vec![first, second], Some(id)));
    assert_eq!(desk.asked(id).settled, Some((Settled::Used, used)));

    // Once: the second one to collect comes too late, and is in the log.
    let late = desk.use_it(desk.collect(id, 6).unwrap(), 6).unwrap_err();
    assert_eq!(
        (late.reason(), late.problem()),
        (Reason::NeedsApproval, Problem::Answered)
    );
    assert!(late.detail().ends_with("it was used"), "{}", late.detail());
    verify(&desk.reader(), &desk.vkey()).unwrap();
}

/// Permits that were given before the first of them was recorded.
#[test]
fn of_two_permits_for_one_request_one_counts() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("owner", id, 1);
    let (one, other) = (desk.collect(id, 2).unwrap(), desk.collect(id, 2).unwrap());
    desk.use_it(one, 3).unwrap();
    desk.use_it(other, 3).unwrap_err();
}

#[test]
fn the_owner_is_one_of_every_group_and_only_one() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    desk.approve("owner", id, 1);
    assert_eq!(
        desk.try_say("owner", id, Verdict::Approve, None, 2),
        Err(NotDecided::Already {
            id,
            by: Voice::Owner
        })
    );
    desk.collect(id, 3).unwrap_err();
    desk.approve("bob", id, 4);
    desk.collect(id, 5).unwrap();
}

#[test]
fn every_need_of_every_statement_holds() {
    let desk = Desk::new(
        "@approve(\"2 of security\") permit (principal, action, resource);
         @approve(\"1 of on-call\") permit (principal, action == Action::\"sign\", resource);
         @approve(\"1 of on-call\") permit (principal == Service::\"atlas\", action, resource);",
    );
    desk.enrol("mallory", &["on-call"], &[]);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    desk.approve("bob", id, 1);
    let lacks = desk.collect(id, 2).unwrap_err().to_string();
    assert_eq!(lacks, "`1 of on-call`: nobody said yes so far");
    desk.approve("mallory", id, 3);
    let used = desk.use_it(desk.collect(id, 4).unwrap(), 4).unwrap();
    let Event::Use { approvals, .. } = desk.event(used) else {
        panic!()
    };
    assert_eq!(approvals.len(), 3);
}

/// What was true when they said yes does not count; what is true when the key is used does.
#[test]
fn approvers_are_those_of_the_moment_of_use() {
    let desk = Desk::new(ONE);
    let retired = desk.ask(0);
    desk.approve("alice", retired, 1);
    desk.collect(retired, 2).unwrap();
    desk.keep(|vault| vault.retire_approver(&name("alice"), at(3)));
    desk.collect(retired, 4).unwrap_err();

    let moved = desk.ask(5);
    desk.approve("bob", moved, 6);
    let change = |change| {
        desk.keep(|vault| vault.change_approver(&name("bob"), &change, at(7)));
    };
    use crate::vault::ApproverChanges;
    change(ApproverChanges {
        groups: Some([name("on-call")].into()),
        ..ApproverChanges::default()
    });
    desk.collect(moved, 8).unwrap_err();
    change(ApproverChanges {
        groups: Some([name("security")].into()),
        ..ApproverChanges::default()
    });
    desk.collect(moved, 8).unwrap();
    change(ApproverChanges {
        operates: Some([name("atlas")].into()),
        ..ApproverChanges::default()
    });
    desk.collect(moved, 8).unwrap_err();
    change(ApproverChanges {
        operates: Some([].into()),
        keys: Some(vec![
            crate::approval::ApproverKey::parse(&key_of("mallory").line()).unwrap(),
        ]),
        ..ApproverChanges::default()
    });
    desk.collect(moved, 8).unwrap_err();
}

#[test]
fn policy_is_asked_again_when_the_result_is_collected() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    desk.set_policy(TWO);
    desk.collect(id, 2).unwrap_err();
    desk.set_policy("permit (principal == Service::\"borg\", action, resource);");
    let refused = desk.again(id, 3).unwrap_err();
    assert_eq!(refused.reason(), Reason::Denied);
    // The nonce was spent when it was asked; a refusal is an entry all the same.
    let before = desk.size();
    let committed = desk.submit(Submission::Refusal(refused), at(3)).unwrap();
    assert!(matches!(committed, Committed::Noted(_)));
    assert_eq!(desk.size(), before + 1);

    // Nobody has to be asked any more: it is still the use of this request, and its only one.
    desk.set_policy("permit (principal, action, resource);");
    let used = desk.use_it(desk.collect(id, 4).unwrap(), 4).unwrap();
    assert_eq!(desk.asked(id).settled, Some((Settled::Used, used)));
    desk.use_it(desk.collect(id, 5).unwrap(), 5).unwrap_err();
}

#[test]
fn what_the_name_stands_for_must_be_what_was_shown() {
    let desk = Desk::new(ONE);
    let mut draft = desk.draft();
    draft.secret = name("release");
    let id = desk.ask_for(&draft, 0);
    desk.approve("alice", id, 1);
    desk.keep(|vault| vault.set_alias(&name("release"), &name("other-key"), at(2)));
    assert!(matches!(desk.collect(id, 3), Err(Missing::Changed)));
}

#[test]
fn a_suspended_service_collects_nothing() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    desk.keep(|vault| vault.suspend(&Scope::Service(name("atlas")), at(2)));
    let stored = desk.reader().pending(id).unwrap().unwrap();
    let catalog = desk.vault.catalog();
    let refused = desk
        .vault
        .open_request(&stored.request)
        .unwrap()
        .authenticate_again(&desk.asked(id), catalog.services(), &desk.agent, at(3))
        .unwrap_err();
    assert_eq!(refused.to_string(), "service `atlas` is suspended");
}

#[test]
fn a_locked_vault_asks_nobody_and_opens_no_request() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let (_, waiting) = desk.propose(&desk.draft(), 1);
    desk.vault.lock();
    let stored = desk.reader().pending(id).unwrap().unwrap();
    assert!(matches!(
        desk.vault.seal_request(&waiting),
        Err(VaultError::Locked)
    ));
    assert!(matches!(
        desk.vault.open_request(&stored.request),
        Err(VaultError::Locked)
    ));
}

#[test]
fn a_limit_is_counted_when_the_key_is_used() {
    let desk = Desk::new(
        "@approve(\"1 of security\") @limit(\"1 per day\") permit (principal, action, resource);",
    );
    let (one, other) = (desk.ask(0), desk.ask(0));
    desk.approve("alice", one, 1);
    desk.approve("alice", other, 1);
    desk.use_it(desk.collect(one, 2).unwrap(), 2).unwrap();
    let refused = desk.use_it(desk.collect(other, 3).unwrap(), 3).unwrap_err();
    assert_eq!(refused.reason(), Reason::Limit);
    // It still waits: the limit is none of its ends.
    assert_eq!(desk.asked(other).settled, None);
}

/// The vault and the log are opened again, and everything is where it was.
#[test]
fn what_waits_survives_a_restart() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    let mut log: Log<_> = desk.another_log();
    let decision = desk.decision("bob", id, Verdict::Approve, None, 2).unwrap();
    let committed = log.commit(vec![Submission::Decide(Box::new(decision))], at(2));
    assert!(matches!(committed[0], Ok(Committed::Decided(_))));
    let permit = desk.collect(id, 3).unwrap();
    let committed = log.commit(vec![Submission::Use(permit)], at(3));
    assert!(matches!(committed[0], Ok(Committed::Use(_))));
    verify(&desk.reader(), &desk.vkey()).unwrap();
}

#[test]
fn the_request_is_not_in_the_clear_on_the_disk() {
    let desk = Desk::new(ONE);
    let mut draft = desk.draft();
    draft.input = serde_json::json!({"message": "cGxhaW50ZXh0IG9mIHRoZSBjYWxsZXI="});
    let id = desk.ask_for(&draft, 0);
    drop(SqliteReader::open(&desk.path()).unwrap());
    let path = desk.path();
    for file in ["strongroom.db", "strongroom.db-wal"] {
        let bytes = std::fs::read(path.with_file_name(file)).unwrap();
        for text in [
            "cGxhaW50ZXh0IG9mIHRoZSBjYWxsZXI=",
            "plaintext of the caller",
        ] {
            assert!(
                memchr::memmem::find(&bytes, text.as_bytes()).is_none(),
                "{file}"
            );
        }
    }
    desk.approve("alice", id, 1);
    desk.use_it(desk.collect(id, 2).unwrap(), 2).unwrap();
}

#[test]
fn a_request_that_waits_was_made_once() {
    let desk = Desk::new(ONE);
    let signed = desk.sign(&desk.draft(), 0);
    let ask = || {
        let Authorized::Proposal(proposal) = desk
            .authenticated(&signed, 0)
            .authorize(&desk.vault.catalog())
            .unwrap()
        else {
            panic!()
        };
        let waiting =
            crate::approval::Waiting::of("/v1/access", signed.headers(), signed.body()).unwrap();
        let sealed = desk.vault.seal_request(&waiting).unwrap();
        let asking = crate::approval::Asking::new(*proposal, sealed, at(HOUR));
        desk.submit(Submission::Ask(Box::new(asking)), at(0))
            .unwrap()
    };
    assert!(matches!(ask(), Committed::Pending(_)));
    assert!(matches!(ask(), Committed::Replay(_)));
}

#[test]
fn a_call_is_made_once() {
    let desk = Desk::new(ONE);
    let call = crate::client::Call {
        agent: desk.agent.clone(),
        id: 3,
    };
    let validity = std::time::Duration::from_secs(60);
    let signed = call
        .sign_result(desk.key(), desk.nonce(), validity, at(0))
        .unwrap();
    let before = desk.size();
    let first = desk.submit(desk.call(&signed, 0), at(0)).unwrap();
    let Committed::Called(called) = first else {
        panic!("{first:?}")
    };
    assert_eq!((called.id(), called.service()), (3, &name("atlas")));
    assert_eq!(called.wanted(), crate::request::Wanted::Result);
    let again = desk.submit(desk.call(&signed, 0), at(0)).unwrap();
    assert!(matches!(again, Committed::Replay(_)));
    assert_eq!(desk.size(), before, "a call makes no entry");
}

#[test]
fn only_the_service_that_asked_gives_its_request_up() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let borg = desk.called(true, id, 1);
    assert!(matches!(
        Settlement::cancelled(&desk.asked(id), &borg),
        Err(NotDecided::OtherService { .. })
    ));
    let other = desk.ask(1);
    let called = desk.called(false, other, 1);
    assert!(Settlement::cancelled(&desk.asked(id), &called).is_err());
    Settlement::cancelled(&desk.asked(other), &called).unwrap();
}
