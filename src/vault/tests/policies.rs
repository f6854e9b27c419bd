//! What was in force before, and what a change would do to what was asked.

use super::fixture::{Kept, NOW, message, name};
use crate::{
    audit::Entry,
    policy::{PolicyText, Replay, Replayed, Said},
    store::Reader as _,
    vault::chain::RecordProblem,
};

fn set(kept: &mut Kept, text: &str) {
    let policy = PolicyText::check(name("all"), text).unwrap();
    kept.keep(|vault| vault.set_policy(&policy, NOW));
}

const SIGN: &str = "permit (principal, action == Action::\"sign\", resource);";

#[test]
fn every_text_of_a_policy_is_on_record() {
    let mut kept = Kept::furnished();
    set(&mut kept, SIGN);
    kept.keep(|vault| vault.retire_policy(&name("all"), NOW));
    set(&mut kept, "forbid (principal, action, resource);");
    let catalog = kept.vault.catalog();
    let history = catalog
        .policy_history(&kept.records(), &name("all"))
        .unwrap();
    let seen: Vec<_> = history
        .iter()
        .map(|past| {
            (
                past.version,
                past.ended.is_some(),
                past.retired,
                past.text.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (1, true, false, "permit (principal, action, resource);"),
            (2, true, true, SIGN),
            (3, false, false, "forbid (principal, action, resource);"),
        ]
    );
    assert_eq!(
        catalog
            .policy_history(&kept.records(), &name("none"))
            .unwrap(),
        []
    );
    // Whoever edits the file can't write history.
    let mut records = kept.records();
    let last = records.len() - 1;
    records[last].body = records[last].body.replace("forbid", "permit");
    let bad = catalog.policy_history(&records, &name("all")).unwrap_err();
    assert_eq!(bad.problem, RecordProblem::NotSigned);
}

#[test]
fn what_was_asked_is_put_to_a_change() {
    let mut kept = Kept::furnished();
    kept.ask("release", "sign", message());
    kept.ask("deploy", "public-key", serde_json::Value::Null);
    kept.keep(|vault| vault.retire(&name("heroku/prod"), None, NOW));
    let catalog = kept.vault.catalog();
    let entries = kept.reader.entries(0, 99).unwrap();
    let replayed = |text: Option<&str>| {
        let text = text.map(|text| PolicyText::check(name("all"), text).unwrap());
        let replay = Replay::new(&catalog, &name("all"), text);
        let each = entries.iter().map(|stored| {
            let entry = Entry::parse(&stored.line).unwrap();
            match replay.replay(stored.index, &entry) {
                Replayed::NoRequest => "-".to_owned(),
                Replayed::NotPossible(why) => why,
                Replayed::Same => "same".to_owned(),
                Replayed::Different(one) => {
                    assert_eq!((one.entry, one.before.said), (stored.index, Said::Allowed));
                    assert_eq!(one.secret, name("deploy"));
                    format!("{} {:?}", one.operation, one.after.said)
                }
            }
        });
        each.filter(|what| what != "-").collect::<Vec<_>>()
    };
    assert_eq!(replayed(None), ["sign Denied", "public-key Denied"]);
    assert_eq!(replayed(Some(SIGN)), ["same", "public-key Denied"]);
    assert_eq!(
        replayed(Some("permit (principal, action, resource) when { true };")),
        ["same", "same"]
    );
    assert_eq!(
        replayed(Some(
            "@approve(\"1 of security\") permit (principal, action, resource);"
        )),
        ["sign NeedsApproval", "public-key NeedsApproval"]
    );
}
