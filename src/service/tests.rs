use crate::{
    audit::Reason,
    request::{
        Arrival, WayIn,
        tests::{AGENT, ARRIVAL, By, NOW, Recipe, at, services},
    },
    service::{EnrolledKey, Services},
};

fn enrolled(service: &str, by: By) -> EnrolledKey {
    EnrolledKey {
        service: service.parse().unwrap(),
        key: by.public(),
        suspended: false,
    }
}

fn reason(services: &Services, recipe: Recipe) -> Option<Reason> {
    let request = recipe.signed().parse().unwrap();
    let result = request.authenticate(services, &AGENT.parse().unwrap(), ARRIVAL, at(NOW));
    result.err().map(|refused| refused.reason())
}

#[test]
fn either_key_of_a_service_is_its_own() {
    for by in [By::Ed25519, By::P256] {
        let request = Recipe::new(by).signed().parse().unwrap();
        let arrival = Arrival {
            way_in: WayIn::Local,
            address: Some("192.0.2.1".parse().unwrap()),
        };
        let authenticated = request
            .authenticate(&services(), &AGENT.parse().unwrap(), arrival, at(NOW))
            .unwrap();
        assert_eq!(authenticated.service().as_str(), "atlas");
        assert_eq!(authenticated.arrival(), arrival);
        assert_eq!(authenticated.received(), at(NOW));
        let ask = authenticated.ask(Default::default());
        assert_eq!(ask.key, by.public().thumbprint());
        assert_eq!(ask.asked.as_str(), "deploy/key");
        assert_eq!(ask.nonce, "AAECAwQFBgcICQoLDA0ODw");
        assert_eq!(ask.digest.len(), 44);
        assert_eq!((ask.way_in, ask.address), (WayIn::Local, arrival.address));
    }
}

#[test]
fn a_key_that_two_services_have_proves_neither() {
    let two = Services::new([
        enrolled("atlas", By::Ed25519),
        enrolled("borg", By::Ed25519),
    ]);
    assert_eq!(
        reason(&two, Recipe::new(By::Ed25519)),
        Some(Reason::UnknownKey)
    );
    let once_more = Services::new([
        enrolled("atlas", By::Ed25519),
        enrolled("borg", By::Ed25519),
        enrolled("atlas", By::Ed25519),
    ]);
    assert_eq!(
        reason(&once_more, Recipe::new(By::Ed25519)),
        Some(Reason::UnknownKey)
    );
    let same = Services::new([
        enrolled("atlas", By::Ed25519),
        enrolled("atlas", By::Ed25519),
    ]);
    assert_eq!(reason(&same, Recipe::new(By::Ed25519)), None);
}

#[test]
fn who_is_suspended_shows_only_to_whom_has_the_key() {
    let forged = Recipe::new(By::Suspended).but(|recipe| recipe.by = By::Stranger);
    assert_eq!(reason(&services(), forged), Some(Reason::BadSignature));
    let request = Recipe::new(By::Suspended).signed().parse().unwrap();
    let refused = request
        .authenticate(&services(), &AGENT.parse().unwrap(), ARRIVAL, at(NOW))
        .unwrap_err();
    assert_eq!(refused.reason(), Reason::Suspended);
    assert_eq!(refused.service().unwrap().as_str(), "borg");
}

#[test]
fn the_cheap_checks_come_first() {
    let forged = |change: fn(&mut Recipe)| {
        Recipe::new(By::Ed25519)
            .but(|recipe| recipe.by = By::Stranger)
            .but(change)
    };
    let late = |recipe: &mut Recipe| {
        recipe.set("created", NOW - 20);
        recipe.set("expires", NOW - 10);
    };
    assert_eq!(reason(&services(), forged(late)), Some(Reason::Expired));
    let other = |recipe: &mut Recipe| recipe.set("alg", "\"ecdsa-p256-sha256\"");
    assert_eq!(
        reason(&services(), forged(other)),
        Some(Reason::WrongAlgorithm)
    );
    assert_eq!(
        reason(&services(), forged(|_| ())),
        Some(Reason::BadSignature)
    );
}
