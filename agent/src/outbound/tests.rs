use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, header::CONTENT_LENGTH};
use strongroom::errand::{Call, NoReply, Route};

use super::{Held, IDLE_FOR, Outbound, ROUTES, forget_unused, is_same, request, reserve};

fn route(host: &str, key: u64) -> Route {
    Route {
        key: (key, 1),
        tls: true,
        host: host.to_owned(),
        port: 443,
        networks: Default::default(),
        cacert: Some(CERTIFICATE.to_owned()),
        certificate: None,
        timeout: Duration::from_secs(30),
        max_reply: 1024,
    }
}

/// So that no test needs the platform's authorities.
static CERTIFICATE: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
    let names = vec!["localhost".to_owned()];
    rcgen::generate_simple_self_signed(names)
        .unwrap()
        .cert
        .pem()
});

fn call(method: Method, target: &str, body: &'static [u8]) -> Call {
    Call {
        method,
        target: target.to_owned().into(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(body),
        route: Arc::new(route("api.example.com", 1)),
    }
}

#[test]
fn what_was_decided_on_is_sent_or_nothing_is() {
    let sent = request(call(Method::GET, "/apps/a%2Fb?q=1%262", b"")).unwrap();
    assert_eq!(sent.uri(), "https://api.example.com/apps/a%2Fb?q=1%262");
    assert_eq!(sent.headers()["host"], "api.example.com");
    for broken in ["/a#b", "/a b", "a", "/a\r\nhost: other", ""] {
        let told = request(call(Method::GET, broken, b"")).unwrap_err();
        assert!(
            matches!(&told, NoReply::Unreachable(text) if !text.contains("host")),
            "{broken:?}: {told:?}"
        );
    }
}

#[test]
fn an_empty_body_has_a_length_where_one_is_expected() {
    for (method, length) in [
        (Method::POST, Some("0")),
        (Method::PUT, Some("0")),
        (Method::GET, None),
        (Method::DELETE, None),
    ] {
        let sent = request(call(method.clone(), "/", b"")).unwrap();
        let said = sent.headers().get(CONTENT_LENGTH);
        assert_eq!(
            said.map(|value| value.to_str().unwrap()),
            length,
            "{method}"
        );
    }
}

#[tokio::test]
async fn connections_are_shared_where_everything_is_the_same() {
    let outbound = Outbound::new(1024);
    let first = Arc::new(route("a.example", 1));
    let client = outbound.client(&first, 0).unwrap();
    let again = outbound
        .client(&Arc::new(route("a.example", 1)), 0)
        .unwrap();
    assert!(Arc::ptr_eq(&client, &again));

    let same = |change: fn(&mut Route)| {
        let mut other = route("a.example", 1);
        change(&mut other);
        is_same(&first, &other)
    };
    assert!(same(|_| {}) && same(|other| other.max_reply = 1));
    assert!(!same(|other| other.key = (1, 2)));
    assert!(!same(|other| other.host = "b.example".to_owned()));
    assert!(!same(|other| other.port = 8443));
    assert!(!same(|other| other.tls = false));
    assert!(!same(|other| other.cacert = None));
    assert!(!same(|other| {
        other.networks = serde_json::from_str(r#"["10.0.0.0/8"]"#).unwrap();
    }));

    // Those used longest ago make room; a lock makes room of all.
    for key in 2..=ROUTES as u64 + 1 {
        outbound
            .client(&Arc::new(route("a.example", key)), 0)
            .unwrap();
    }
    assert_eq!(outbound.clients().len(), ROUTES);
    let new = outbound.client(&first, 0).unwrap();
    assert!(!Arc::ptr_eq(&client, &new));
    outbound.cut_off();
    assert!(outbound.clients().is_empty());
    let late = outbound.client(&first, 0).err();
    assert_eq!(late, Some(NoReply::Locked), "a call from before the lock");
}

#[tokio::test]
async fn what_is_not_used_is_forgotten() {
    let outbound = Outbound::new(1024);
    for key in [1, 2] {
        outbound
            .client(&Arc::new(route("a.example", key)), 0)
            .unwrap();
    }
    let mut clients = outbound.clients();
    let now = Instant::now();
    clients[0].used = now - IDLE_FOR;
    assert!(forget_unused(&mut clients, now));
    assert_eq!(
        clients
            .iter()
            .map(|kept| kept.route.key.0)
            .collect::<Vec<_>>(),
        [2]
    );
    assert!(!forget_unused(&mut clients, now + IDLE_FOR));
    assert!(clients.is_empty());
}

#[test]
fn an_answer_takes_room_before_memory() {
    let outbound = Outbound::new(100);
    let held = Held::new(outbound.room());
    let mut whole = Vec::new();
    reserve(&mut whole, 60, 60, &held).unwrap();
    assert_eq!(whole.capacity(), 60);
    whole.resize(60, 0);
    // Without a length: twice as much each time, or as much as there may be at most.
    reserve(&mut whole, 1, 90, &held).unwrap();
    assert_eq!(whole.capacity(), 90);
    let other = Held::new(outbound.room());
    assert_eq!(
        reserve(&mut Vec::new(), 11, 11, &other),
        Err(NoReply::NoRoom)
    );
    assert_eq!(reserve(&mut Vec::new(), 10, 10, &other), Ok(()));
}
