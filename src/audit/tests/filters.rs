//! What `audit show` shows.

use super::{
    caller::World,
    fixture::{Home, event, now},
};
use crate::{
    audit::{Action, By, Entry, Event, Filter, Kind, Submission},
    store::Reader as _,
};

/// A use, a refusal, a rotation of the secret, a suspension of the service, a note.
fn entries() -> Vec<Entry> {
    let world = World::new();
    let home = Home::new();
    let administration = |action, subject: &str| {
        Submission::Note(Event::Administration {
            action,
            subject: Some(subject.to_owned()),
            version: None,
            detail: None,
            by: By::Owner,
            record: None,
        })
    };
    let batch = vec![
        world.permitted("nonce-one-0123456789ab"),
        world.refused("nonce-two-0123456789ab"),
        administration(Action::SecretRotated, "deploy-key"),
        administration(Action::ServiceSuspended, "atlas"),
        Submission::Note(event("x")),
    ];
    for committed in home.log().commit(batch, now()) {
        committed.unwrap();
    }
    let stored = home.reader().entries(0, 9).unwrap();
    let parse = |stored: &crate::store::StoredEntry| Entry::parse(&stored.line).unwrap();
    stored.iter().map(parse).collect()
}

#[test]
fn all_that_is_set_must_hold() {
    let entries = entries();
    let shown = |filter: Filter| -> Vec<usize> {
        let wanted = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| filter.matches(entry));
        wanted.map(|(position, _)| position).collect()
    };
    let any = Filter::default;
    let service = |name: &str| Filter {
        service: name.parse().ok(),
        ..any()
    };
    let secret = |name: &str| Filter {
        secret: name.parse().ok(),
        ..any()
    };
    let kind = |kind| Filter {
        kind: Some(kind),
        ..any()
    };
    let since = |since| Filter {
        since: Some(since),
        ..any()
    };
    let nothing: [usize; 0] = [];
    assert_eq!(shown(any()), [0, 1, 2, 3, 4]);
    assert_eq!(shown(service("atlas")), [0, 1, 3]);
    assert_eq!(shown(service("deploy-key")), nothing);
    assert_eq!(shown(secret("deploy-key")), [0, 2]);
    assert_eq!(shown(secret("another-key")), [1]);
    assert_eq!(shown(kind(Kind::Administration)), [2, 3, 4]);
    let both = Filter {
        kind: Some(Kind::Use),
        ..secret("deploy-key")
    };
    assert_eq!(shown(both), [0]);
    assert_eq!(shown(since(now())).len(), 5);
    let later = now() + jiff::SignedDuration::from_millis(1);
    assert_eq!(shown(since(later)), nothing);
}
