//! A resolver that lies: what it says is told to the dialler once for each connection, and nowhere
//! else. The listeners are real.

use std::{
    net::{IpAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use strongroom::{
    errand::{NoReply, Route},
    outgoing::address::Networks,
};

use super::{Resolver, dial, no_reply};

fn route(networks: &str, port: u16) -> Route {
    Route {
        key: (1, 1),
        tls: true,
        host: "api.example.com".to_owned(),
        port,
        networks: serde_json::from_str::<Networks>(networks).unwrap(),
        cacert: None,
        certificate: None,
        timeout: Duration::from_secs(30),
        max_reply: 1024,
    }
}

/// Says one thing after the other, and the last one for ever; counts how often it is asked.
fn in_turn(answers: &[&[&str]]) -> (Resolver, Arc<AtomicUsize>) {
    let answers: Vec<Vec<IpAddr>> = answers
        .iter()
        .map(|one| one.iter().map(|text| text.parse().unwrap()).collect())
        .collect();
    let (asked, left) = (Arc::new(AtomicUsize::new(0)), Mutex::new(answers));
    let count = Arc::clone(&asked);
    let resolver = Resolver::new(move |host, _| {
        assert_eq!(host, "api.example.com");
        count.fetch_add(1, Ordering::SeqCst);
        let mut left = left.lock().unwrap();
        Ok(match left.len() {
            1 => left[0].clone(),
            _ => left.remove(0),
        })
    });
    (resolver, asked)
}

#[tokio::test]
async fn the_address_checked_is_the_address_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // A second look-up for the same connection would lead somewhere else.
    let (resolver, asked) = in_turn(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let route = route(r#"["127.0.0.1/32"]"#, port);
    let stream = dial(&route, &resolver).await.unwrap();
    assert_eq!(
        stream.peer_addr().unwrap().to_string(),
        format!("127.0.0.1:{port}")
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    // The next connection is checked by itself: the name has moved to where it may not lead.
    let refused = dial(&route, &resolver).await.unwrap_err();
    assert!(matches!(refused, NoReply::TargetRefused(_)), "{refused:?}");
    assert!(refused.to_string().contains("127.0.0.2"), "{refused}");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn one_address_that_is_not_public_spoils_them_all() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for answers in [
        &["127.0.0.1"][..],
        &["93.184.215.14", "127.0.0.1"],
        &["127.0.0.1", "93.184.215.14"],
        &["::ffff:127.0.0.1"],
        &["::1"],
        &["169.254.169.254"],
        &["64:ff9b::7f00:1"],
        &["fe80::1"],
    ] {
        let (resolver, _) = in_turn(&[answers]);
        let refused = dial(&route("[]", port), &resolver).await.unwrap_err();
        assert!(
            matches!(refused, NoReply::TargetRefused(_)),
            "{answers:?}: {refused:?}"
        );
    }
    let nobody = listener.accept().unwrap_err();
    assert_eq!(
        nobody.kind(),
        std::io::ErrorKind::WouldBlock,
        "nobody was dialled"
    );
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (resolver, asked) = in_turn(&[&["127.0.0.1", "127.0.0.2"]]);
    let stream = dial(&route(r#"["127.0.0.0/8"]"#, port), &resolver)
        .await
        .unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.2");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let resolver = Resolver::new(|_, _| Err(std::io::Error::other("no such name")));
    let told = dial(&route("[]", 443), &resolver).await.unwrap_err();
    assert_eq!(
        told,
        NoReply::Unreachable("`api.example.com` can't be looked up: no such name".to_owned())
    );
    let (resolver, _) = in_turn(&[&[]]);
    let told = dial(&route("[]", 443), &resolver).await.unwrap_err();
    assert_eq!(
        told,
        NoReply::Unreachable("`api.example.com` has no address".to_owned())
    );
}

#[test]
fn a_certificate_that_fails_is_told_with_what_to_do() {
    use rustls::{CertificateError, Error, OtherError};
    let told = |why| no_reply(&Error::InvalidCertificate(why), true).to_string();
    assert!(told(CertificateError::UnknownIssuer).contains("`cacert`"));
    let of_an_authority = std::io::Error::other("CaUsedAsEndEntity");
    let other = CertificateError::Other(OtherError(Arc::new(of_an_authority)));
    assert!(told(other).contains("an authority's certificate as its own"));
    assert!(told(CertificateError::Expired).contains("Expired"));
}
