//! What may be set, and what it means.

use jiff::{SignedDuration, tz::TimeZone};

use super::*;

fn tell(settings: Value) -> Result<Tell, String> {
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

#[test]
fn what_is_left_out_depends_on_who_reads() {
    let terms = |audience| Tell::default().terms(audience, TimeZone::UTC).unwrap();
    let program = terms(Audience::Program);
    assert_eq!(program.urgency, Urgency::Quiet);
    assert_eq!(program.digest, None);
    assert_eq!(program.catch_up, CatchUp::Each);
    let person = terms(Audience::Person);
    assert_eq!(person.urgency, Urgency::Normal);
    assert_eq!(person.digest, Some(SignedDuration::from_mins(10)));
    assert_eq!(person.catch_up, CatchUp::Digest);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (settings, problem) in [
        (json!({"kind": []}), "unknown field `kind`"),
        (json!({"kinds": ["digest"]}), "unknown variant `digest`"),
        (json!({"services": ["a b"]}), "`a b` is not a name"),
        (json!({"quiet_hours": "22-7"}), "`22-7` are no quiet hours"),
        (json!({"quiet_hours": "22:00-22:00"}), "are no quiet hours"),
        (json!({"quiet_hours": "22:00-24:00"}), "are no quiet hours"),
        (json!({"quiet_hours": "22:0-+7:00"}), "are no quiet hours"),
        (json!({"catch_up": "all"}), "unknown variant `all`"),
    ] {
        let error = tell(settings).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
    let terms = |settings| {
        tell(settings)
            .unwrap()
            .terms(Audience::Person, TimeZone::UTC)
            .map(drop)
    };
    assert_eq!(terms(json!({"digest": 1441})), Err(BadTell::Digest(1441)));
    assert_eq!(
        terms(json!({"time_zone": "Europe/Berlin"})),
        Err(BadTell::ZoneOfNothing)
    );
    assert_eq!(
        terms(json!({"digest": 1440, "quiet_hours": "22:00 - 07:00"})),
        Ok(())
    );
}

#[test]
fn quiet_hours_follow_the_clocks_of_their_zone() {
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let around = |hours: &str, time: &str| {
        let hours: QuietHours = hours.parse().unwrap();
        let found = hours.around(time.parse().unwrap(), &berlin);
        found.map(|(begin, end)| format!("{begin} {end}"))
    };
    let night = "2026-01-14T21:00:00Z 2026-01-15T06:00:00Z";
    for (time, expected) in [
        ("2026-01-14T20:59:59Z", None),
        ("2026-01-14T21:00:00Z", Some(night)),
        ("2026-01-14T23:30:00Z", Some(night)),
        ("2026-01-15T05:59:59Z", Some(night)),
        ("2026-01-15T06:00:00Z", None),
        // An hour less, and an hour more.
        (
            "2026-03-29T04:59:59Z",
            Some("2026-03-28T21:00:00Z 2026-03-29T05:00:00Z"),
        ),
        (
            "2026-10-25T05:00:00Z",
            Some("2026-10-24T20:00:00Z 2026-10-25T06:00:00Z"),
        ),
    ] {
        assert_eq!(around("22:00-07:00", time).as_deref(), expected, "{time}");
    }
    // 02:30 is skipped on one night, and comes twice in another.
    assert_eq!(
        around("02:30-04:00", "2026-03-29T01:30:00Z").unwrap(),
        "2026-03-29T01:30:00Z 2026-03-29T02:00:00Z"
    );
    assert_eq!(
        around("02:30-04:00", "2026-10-25T00:45:00Z").unwrap(),
        "2026-10-25T00:30:00Z 2026-10-25T03:00:00Z"
    );
    assert_eq!(
        "9:00-10:00"
            .parse::<QuietHours>()
            .map(|hours| hours.to_string())
            .ok(),
        None
    );
    assert_eq!(
        "09:00-10:00".parse::<QuietHours>().unwrap().to_string(),
        "09:00-10:00"
    );
}

#[test]
fn a_filter_takes_what_it_names() {
    let is_told = |settings, event: &Event| {
        let terms = tell(settings)
            .unwrap()
            .terms(Audience::Program, TimeZone::UTC)
            .unwrap();
        terms.is_told(event, urgency(event))
    };
    let mut asking = ask(OperationName::Sign);
    asking.asked = "alias".parse().unwrap();
    let used = used(asking, "deploy-key");
    let changed = administration(Action::SecretDue, Some("deploy-key"), Some(1), None);
    let started = administration(Action::AgentStarted, None, None, None);
    let suspended = administration(Action::ServiceSuspended, Some("atlas"), None, None);
    for (settings, expected) in [
        (json!({}), [true, true, true, true]),
        (json!({"kinds": ["use"]}), [true, false, false, false]),
        (
            json!({"services": ["atlas", "b"]}),
            [true, false, false, true],
        ),
        (json!({"services": ["b"]}), [false, false, false, false]),
        (
            json!({"secrets": ["deploy-key"]}),
            [true, true, false, false],
        ),
        (json!({"secrets": ["alias"]}), [true, false, false, false]),
        (json!({"urgency": "normal"}), [true, true, false, true]),
        (json!({"urgency": "urgent"}), [false, false, false, false]),
    ] {
        let told =
            [&used, &changed, &started, &suspended].map(|event| is_told(settings.clone(), event));
        assert_eq!(told, expected, "{settings}");
    }
}
