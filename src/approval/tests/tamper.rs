//! Whoever can write to the disk still can't approve.

use rusqlite::{Connection, params};

use super::fixture::*;
use crate::{
    approval::{Asked, NotAgain, Unreadable},
    audit::{Decided, Entry, Event},
    store::Reader as _,
};

/// With every trigger gone.
fn raw(desk: &Desk) -> Connection {
    let raw = Connection::open(desk.path()).unwrap();
    let triggers: Vec<String> = raw
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for trigger in triggers {
        raw.execute_batch(&format!("DROP TRIGGER {trigger}"))
            .unwrap();
    }
    raw
}

fn read(desk: &Desk, id: u64) -> Result<Option<Asked>, Unreadable> {
    Asked::read(&desk.reader(), &desk.vkey(), id)
}

#[test]
fn a_yes_that_is_only_in_the_table_is_none() {
    let desk = Desk::new(ONE);
    let id = desk.ask(0);
    let insert = "INSERT INTO decision VALUES (?1, '', 'approved', ?2, NULL, 0)";
    // The entry of something else, and one that is not there.
    for entry in [0, id as i64, 99] {
        let raw = raw(&desk);
        raw.execute(insert, params![id as i64, entry]).unwrap();
        assert!(matches!(read(&desk, id), Err(Unreadable::Damaged { .. })));
        raw.execute("DELETE FROM decision", []).unwrap();
    }
}

/// A no becomes a yes: the line says it, and the tree does not.
#[test]
fn a_line_that_was_changed_is_not_believed() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    let yes = desk.approve("alice", id, 1);
    let no = desk.deny("owner", id, 2);
    let mut entry = Entry::parse(&desk.reader().entries(no, 1).unwrap()[0].line).unwrap();
    let Event::Decision { decided, .. } = &mut entry.event else {
        panic!()
    };
    *decided = Decided::Approved;
    let raw = raw(&desk);
    let update = "UPDATE entry SET line = ?1 WHERE idx = ?2";
    raw.execute(update, params![entry.to_line(), no as i64])
        .unwrap();
    assert!(matches!(read(&desk, id), Err(Unreadable::Damaged { .. })));

    // Of the request itself, too.
    let mut entry = Entry::parse(&desk.asked_line(id)).unwrap();
    let Event::Pending { needs, .. } = &mut entry.event else {
        panic!()
    };
    *needs = vec!["1 of security".to_owned()];
    raw.execute(update, params![entry.to_line(), id as i64])
        .unwrap();
    assert!(matches!(read(&desk, id), Err(Unreadable::Damaged { .. })));
    assert!(yes > id);
}

/// Anybody can encrypt to the root: a request that was seen on the wire before, say.
#[test]
fn another_request_in_its_place_is_not_used() {
    let desk = Desk::new(ONE);
    let (one, other) = (desk.ask(0), desk.ask(0));
    desk.approve("alice", one, 1);
    let request = desk.reader().pending(other).unwrap().unwrap().request;
    let catalog = desk.vault.catalog();
    let swapped = desk
        .vault
        .open_request(&request)
        .unwrap()
        .authenticate_again(&desk.asked(one), catalog.services(), &desk.agent, at(2));
    assert!(matches!(swapped, Err(NotAgain::Other)));
    assert!(desk.vault.open_request(b"age-encryption.org/v1\n").is_err());
    assert!(
        desk.vault
            .open_request(&request[..request.len() - 1])
            .is_err()
    );
}

/// An approver's yes is in the tree, and the row says that it was another's.
#[test]
fn whose_yes_it_is_and_how_long_it_stands_is_what_the_entry_says() {
    let desk = Desk::new(TWO);
    let id = desk.ask(0);
    desk.approve_for("alice", id, 1, 0);
    let raw = raw(&desk);
    raw.execute("UPDATE decision SET minutes = 1440", [])
        .unwrap();
    raw.execute(
        "INSERT INTO decision SELECT id, 'bob', decided, entry, minutes, time FROM decision",
        [],
    )
    .unwrap();
    // Twice the same entry is still one voice.
    desk.collect(id, 30).unwrap_err();
    let desk_one = desk;
    desk_one.set_policy(ONE);
    let (proposal, _) = desk_one.propose(&desk_one.draft(), 30);
    desk_one.approved(proposal, 30).unwrap();
    let (proposal, _) = desk_one.propose(&desk_one.draft(), 61);
    desk_one.approved(proposal, 61).unwrap_err();
}
