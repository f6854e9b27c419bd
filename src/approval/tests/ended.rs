//! How a request ends, and what nobody can do to it then.

use super::fixture::*;
use crate::{
    answer::Problem,
    approval::{Missing, NotDecided, Settled, Settlement, Verdict},
    audit::{By, Committed, Decided, Event, Reason, Submission},
    binding::Binding,
    operation::Kind,
};

fn settle(desk: &Desk, settlement: Settlement, seconds: i64) -> Result<u64, NotDecided> {
    let submission = Submission::Settle(Box::new(settlement));
    match desk.submit(submission, at(seconds)).unwrap() {
        Committed::Settled(noted) => Ok(noted.index),
        Committed::NotDecided(why) => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_no_ends_it() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    let permit = desk.collect(id, 2).unwrap();
    let no = desk.deny("bob", id, 3);
    assert_eq!(desk.asked(id).settled, Some((Settled::Denied, no)));
    assert!(matches!(desk.collect(id, 4), Err(Missing::Denied)));
    // The permit was given before, and is recorded after.
    let refused = desk.use_it(permit, 4).unwrap_err();
    assert_eq!(refused.problem(), Problem::Denied);
    let over = Err(NotDecided::Over {
        id,
        how: Settled::Denied,
    });
    for (approver, verdict) in [
        ("carol", Verdict::Approve),
        ("carol", Verdict::Deny),
        ("owner", Verdict::Approve),
        ("alice", Verdict::Approve),
    ] {
        assert_eq!(desk.try_say(approver, id, verdict, None, 5), over);
    }
}

#[test]
fn whoever_said_yes_can_say_no_but_nobody_says_it_twice() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    assert!(matches!(
        desk.try_say("alice", id, Verdict::Approve, Some(5), 2),
        Err(NotDecided::Already { .. })
    ));
    desk.deny("alice", id, 3);
}

#[test]
fn its_service_gives_it_up() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.approve("alice", id, 1);
    let permit = desk.collect(id, 2).unwrap();
    let called = desk.called(false, id, 3);
    let index = settle(
        &desk,
        Settlement::cancelled(&desk.asked(id), &called).unwrap(),
        3,
    )
    .unwrap();
    let Event::Decision { decided, by, .. } = desk.event(index) else {
        panic!()
    };
    assert_eq!((decided, by), (Decided::Cancelled, By::Service));
    assert_eq!(
        desk.use_it(permit, 4).unwrap_err().problem(),
        Problem::Cancelled
    );
}

#[test]
fn its_time_is_over() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let asked = desk.asked(id);
    assert!(matches!(
        Settlement::expired(&asked, at(HOUR - 1)),
        Err(NotDecided::NotYet(_))
    ));
    // Whoever's clock is ahead does not end it: the log's own time counts.
    let early = Settlement::expired(&asked, at(HOUR)).unwrap();
    assert_eq!(settle(&desk, early, HOUR - 1), Err(NotDecided::NotYet(id)));
    let decision = desk
        .decision("alice", id, Verdict::Approve, None, 1)
        .unwrap();
    desk.approve("bob", id, HOUR - 1);
    let permit = desk.collect(id, HOUR - 1).unwrap();

    // Nobody has settled it yet, and yet it is over.
    let late = desk.submit(Submission::Decide(Box::new(decision)), at(HOUR));
    assert!(matches!(
        late,
        Ok(Committed::NotDecided(NotDecided::Expired(_)))
    ));
    assert!(matches!(
        desk.try_say("carol", id, Verdict::Deny, None, HOUR),
        Err(NotDecided::Expired(_))
    ));
    assert_eq!(
        desk.use_it(permit, HOUR).unwrap_err().problem(),
        Problem::ApprovalExpired
    );
    let ended = settle(&desk, Settlement::expired(&asked, at(HOUR)).unwrap(), HOUR).unwrap();
    let Event::Decision { decided, by, .. } = desk.event(ended) else {
        panic!()
    };
    assert_eq!((decided, by), (Decided::Expired, By::Agent));
    let again = Settlement::expired(&asked, at(HOUR)).unwrap();
    assert!(matches!(
        settle(&desk, again, HOUR),
        Err(NotDecided::Over { .. })
    ));
}

#[test]
fn nobody_is_asked_again_so_soon_after_a_no() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    desk.deny("alice", id, 30);
    let refused = |committed| match committed {
        Committed::Refused(refused) => (refused.reason(), refused.problem(), refused.retry_after()),
        other => panic!("{other:?}"),
    };
    let mut draft = desk.draft();
    draft.purpose = Some("please".to_owned());
    assert_eq!(
        refused(desk.try_ask(&draft, 40)),
        (Reason::NeedsApproval, Problem::Denied, Some(590))
    );
    let last = desk.event(desk.size() - 1);
    assert!(matches!(
        last,
        Event::Refusal {
            reason: Reason::NeedsApproval,
            ..
        }
    ));
    // Something else is another question.
    draft.input = serde_json::json!({"message": "YW5vdGhlciBsZW5ndGg="});
    desk.ask_for(&draft, 40);
    assert_eq!(
        refused(desk.try_ask(&desk.draft(), 629)).2,
        Some(1),
        "rounded up"
    );
    desk.ask(630);
}

#[test]
fn so_many_wait_and_no_more() {
    let desk = Desk::new(ONE);
    let refused = |seconds| match desk.try_ask(&desk.draft(), seconds) {
        Committed::Refused(refused) => refused,
        other => panic!("{other:?}"),
    };
    let ids: Vec<u64> = (0..16).map(|_| desk.ask(0)).collect();
    let seventeenth = refused(1);
    assert_eq!(
        (seventeenth.reason(), seventeenth.problem()),
        (Reason::TooManyPending, Problem::TooManyRequests)
    );
    // What is used makes room; what is given up does in a while, or a service could ask on and on.
    desk.approve("alice", ids[0], 2);
    desk.use_it(desk.collect(ids[0], 2).unwrap(), 2).unwrap();
    let called = desk.called(false, ids[1], 2);
    settle(
        &desk,
        Settlement::cancelled(&desk.asked(ids[1]), &called).unwrap(),
        2,
    )
    .unwrap();
    desk.ask(3);
    refused(3);
    desk.ask(601);
    refused(601);
    // Their time is over, whether somebody has said so or not.
    desk.ask(HOUR);
}

/// What nobody can read in full, and no approver could hand in, is not asked.
#[test]
fn what_is_too_long_to_be_shown_is_not_asked() {
    let desk = Desk::new(ONE);
    let token =
        crate::vault::material::Material::import(Some(Kind::Token), b"a token of a provider");
    let binding = Binding::parse(
        Kind::Token,
        r#"{"http": {"base_url": "https://api.example.com/", "attach": "bearer"}}"#,
    )
    .unwrap();
    let options = crate::vault::SecretOptions::default();
    desk.keep(|vault| vault.add_secret(&name("token"), &token.unwrap(), &options, at(0)));
    desk.keep(|vault| vault.bind_secret(&name("token"), &binding, at(0)));
    let ask = |length: usize| {
        let mut draft = desk.draft();
        draft.secret = name("token");
        draft.operation = "http".parse().unwrap();
        let (path, query) = (format!("/{}", "p".repeat(length)), "q".repeat(length));
        draft.input = serde_json::json!({"method": "GET", "path": path, "query": {"q": query}});
        desk.try_ask(&draft, 0)
    };
    assert!(matches!(ask(7_000), Committed::Pending(_)));
    let Committed::Refused(refused) = ask(8_000) else {
        panic!()
    };
    assert_eq!(
        (refused.reason(), refused.problem()),
        (Reason::TooLarge, Problem::TooLarge)
    );
    assert!(
        refused.told().contains("16384 are the most"),
        "{}",
        refused.told()
    );
}

#[test]
fn a_no_at_the_owners_hand_says_why() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let suspended = Some("suspended".to_owned());
    let decision = crate::approval::Decision::by_owner(
        &desk.asked(id),
        Verdict::Deny,
        None,
        suspended.clone(),
        at(1),
    );
    let submission = Submission::Decide(Box::new(decision.unwrap()));
    let Committed::Decided(noted) = desk.submit(submission, at(1)).unwrap() else {
        panic!()
    };
    let Event::Decision { by, detail, .. } = desk.event(noted.index) else {
        panic!()
    };
    assert_eq!((by, detail), (By::Owner, suspended));
}

#[test]
fn what_was_never_asked_is_unknown() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let read = |id| {
        crate::approval::Asked::read(&desk.reader(), &desk.vkey(), id)
            .unwrap()
            .is_some()
    };
    assert!(read(id));
    // Another entry, one that is not there yet, and no index at all.
    assert!(!read(0) && !read(id + 1) && !read(u64::MAX));
}
