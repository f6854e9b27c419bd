//! A yes that stands for a while, for this same operation.

use serde_json::json;

use super::fixture::*;
use crate::{
    approval::{Missing, NotDecided, Settled, Verdict},
    audit::{Committed, Event, Submission},
    vault::Scope,
};

/// A permit for another request by what stands.
fn stands(desk: &Desk, seconds: i64) -> Result<crate::policy::Permit, Missing> {
    let (proposal, _) = desk.propose(&desk.draft(), seconds);
    desk.approved(proposal, seconds)
}

#[test]
fn it_stands_so_many_minutes_from_when_it_was_said() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let yes = desk.approve_for("alice", id, 15, 100);
    // Before its own request is collected, and after.
    let early = desk.use_it(stands(&desk, 101).unwrap(), 101).unwrap();
    desk.use_it(desk.collect(id, 102).unwrap(), 102).unwrap();
    let used = desk.use_it(stands(&desk, 100 + 899).unwrap(), 999).unwrap();
    for index in [early, used] {
        let Event::Use {
            approvals, pending, ..
        } = desk.event(index)
        else {
            panic!()
        };
        assert_eq!((approvals, pending), (vec![yes], None));
    }
    stands(&desk, 100 + 900).unwrap_err();
}

#[test]
fn it_ends_before_the_entry_is_made_or_there_is_none() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve_for("alice", id, 1, 0);
    let permit = stands(&desk, 59).unwrap();
    let refused = desk.use_it(permit, 60).unwrap_err();
    assert_eq!(refused.detail(), "the approval that stood has ended");
}

#[test]
fn once_is_once() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("alice", id, 0);
    stands(&desk, 1).unwrap_err();
    desk.use_it(desk.collect(id, 1).unwrap(), 1).unwrap();
    stands(&desk, 2).unwrap_err();
}

#[test]
fn a_no_ends_what_stands_also_after_the_use() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve_for("alice", id, 60, 0);
    let used = desk.use_it(desk.collect(id, 1).unwrap(), 1).unwrap();
    let permit = stands(&desk, 2).unwrap();
    desk.deny("bob", id, 3);
    // How it ended stays what it was.
    assert_eq!(desk.asked(id).settled, Some((Settled::Used, used)));
    stands(&desk, 4).unwrap_err();
    let refused = desk.use_it(permit, 4).unwrap_err();
    assert!(refused.detail().contains("was taken back"));
    assert!(matches!(
        desk.try_say("bob", id, Verdict::Deny, None, 5),
        Err(NotDecided::Already { .. })
    ));
}

#[test]
fn it_stands_for_the_same_operation_and_nothing_else() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve_for("alice", id, 60, 0);
    let other = |change: &dyn Fn(&mut crate::client::Draft)| {
        let mut draft = desk.draft();
        change(&mut draft);
        let (proposal, _) = desk.propose(&draft, 1);
        desk.approved(proposal, 1).is_ok()
    };
    assert!(other(
        &|draft| draft.purpose = Some("another purpose".to_owned())
    ));
    assert!(other(&|draft| draft.ticket = Some("CHG-1".to_owned())));
    // Policy does not see the message itself, so neither does the yes.
    assert!(other(
        &|draft| draft.input = json!({"message": "cmVsZWFzZSA0ZjJi"})
    ));
    assert!(!other(&|draft| draft.input = json!({"message": "bG9uZ2Vy"})));
    assert!(!other(&|draft| draft.secret = name("other-key")));
    assert!(!other(&|draft| draft.secret = name("release")));
    assert!(!other(&|draft| {
        draft.operation = "public-key".parse().unwrap();
        draft.input = serde_json::Value::Null;
    }));
}

#[test]
fn a_yes_that_stands_does_not_outlive_a_suspension() {
    for scope in [
        Scope::Service(name("atlas")),
        Scope::Secret(name("deploy-key")),
        Scope::Everything,
    ] {
        let desk = Desk::new(ONE);
        let id = desk.ask(0);
        desk.approve_for("alice", id, 60, 0);
        let stands = |seconds| {
            let (proposal, _) = desk.propose(&desk.draft(), seconds);
            desk.approved(proposal, seconds).is_ok()
        };
        assert!(stands(1));
        desk.keep(|vault| vault.suspend(&scope, at(2)));
        desk.keep(|vault| vault.resume(&scope, at(3)));
        assert!(!stands(4), "{scope:?}");
    }
    // What was stopped before the yes, or is something else, ends nothing.
    let desk = Desk::new(ONE);
    desk.keep(|vault| vault.suspend(&Scope::Everything, at(0)));
    desk.keep(|vault| vault.resume(&Scope::Everything, at(1)));
    let id = desk.ask(2);
    desk.approve_for("alice", id, 60, 2);
    desk.keep(|vault| vault.suspend(&Scope::Secret(name("other-key")), at(3)));
    let (proposal, _) = desk.propose(&desk.draft(), 4);
    assert!(desk.approved(proposal, 4).is_ok());
}

#[test]
fn an_alias_takes_no_yes_to_another_secret() {
    let desk = Desk::new(ONE);
    let mut draft = desk.draft();
    draft.secret = name("release");
    let id = desk.ask_for(&draft, 0);
    desk.approve_for("alice", id, 60, 0);
    let stands = |seconds| {
        let (proposal, _) = desk.propose(&draft, seconds);
        desk.approved(proposal, seconds).is_ok()
    };
    assert!(stands(1));
    desk.keep(|vault| vault.set_alias(&name("release"), &name("other-key"), at(2)));
    assert!(!stands(3));
}

/// One approver's yes to this request, the other's still stands from the last one.
#[test]
fn a_quorum_may_stand_on_several_requests() {
    let desk = Desk::new(TWO);
    let first = desk.ask(0);
    let standing = desk.approve_for("alice", first, 60, 0);
    let second = desk.ask(1);
    // The same approver is still one.
    desk.approve("alice", second, 2);
    desk.collect(second, 3).unwrap_err();
    let third = desk.ask(3);
    let yes = desk.approve("bob", third, 4);
    let used = desk.use_it(desk.collect(third, 5).unwrap(), 5).unwrap();
    let Event::Use { approvals, .. } = desk.event(used) else {
        panic!()
    };
    assert_eq!(approvals, [standing, yes]);
}

#[test]
fn an_approver_who_retired_stands_for_nothing() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve_for("alice", id, 60, 0);
    stands(&desk, 1).unwrap();
    desk.keep(|vault| vault.retire_approver(&name("alice"), at(2)));
    stands(&desk, 3).unwrap_err();
}

/// The nonce of a request that did not wait is spent as always.
#[test]
fn a_request_under_a_standing_yes_is_still_made_once() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve_for("owner", id, 60, 0);
    let signed = desk.sign(&desk.draft(), 1);
    let permit = || {
        let authorized = desk
            .authenticated(&signed, 1)
            .authorize(&desk.vault.catalog());
        let crate::policy::Authorized::Proposal(proposal) = authorized.unwrap() else {
            panic!()
        };
        desk.approved(*proposal, 1).unwrap()
    };
    desk.use_it(permit(), 1).unwrap();
    let again = desk.submit(Submission::Use(permit()), at(1)).unwrap();
    assert!(matches!(again, Committed::Replay(_)));
}

#[test]
fn minutes_are_one_to_a_day() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    for bad in [0, 1441, u32::MAX] {
        let refused = desk.decision("owner", id, Verdict::Approve, Some(bad), 0);
        assert!(refused.is_err(), "{bad}");
    }
    assert!(
        desk.decision("owner", id, Verdict::Deny, Some(1), 0)
            .is_err()
    );
    desk.approve_for("owner", id, 1440, 0);
    stands(&desk, 1440 * 60 - 1).unwrap();
}
