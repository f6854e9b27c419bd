use std::net::IpAddr;

use super::{Network, Networks, choose};

fn networks(named: &[&str]) -> Networks {
    serde_json::from_value(serde_json::json!(named)).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn refused(address: &str, named: &[&str]) -> Option<&'static str> {
    choose(&[ip(address)], &networks(named))
        .err()
        .map(|refused| refused.what)
}

/// The first and the last address of every network that the IANA registries call special, and
/// the public neighbours on both sides.
#[test]
fn what_is_not_public_is_refused() {
    let table = [
        ("0.0.0.0", "0.255.255.255", "this host"),
        ("10.0.0.0", "10.255.255.255", "a private address"),
        (
            "100.64.0.0",
            "100.127.255.255",
            "an address behind a carrier's NAT",
        ),
        ("127.0.0.0", "127.255.255.255", "a loopback address"),
        ("169.254.0.0", "169.254.255.255", "a link-local address"),
        ("169.254.169.254", "169.254.170.2", "a link-local address"),
        ("172.16.0.0", "172.31.255.255", "a private address"),
        ("192.0.0.0", "192.0.0.255", "an address for protocols"),
        ("192.0.2.0", "192.0.2.255", "an address for documentation"),
        (
            "192.88.99.0",
            "192.88.99.255",
            "a relay between IPv4 and IPv6",
        ),
        ("192.168.0.0", "192.168.255.255", "a private address"),
        ("198.18.0.0", "198.19.255.255", "an address for benchmarks"),
        (
            "198.51.100.0",
            "198.51.100.255",
            "an address for documentation",
        ),
        (
            "203.0.113.0",
            "203.0.113.255",
            "an address for documentation",
        ),
        ("224.0.0.0", "239.255.255.255", "a multicast address"),
        ("240.0.0.0", "255.255.255.254", "a reserved address"),
        (
            "255.255.255.255",
            "255.255.255.255",
            "the broadcast address",
        ),
        (
            "168.63.129.16",
            "168.63.129.16",
            "a cloud platform's own address",
        ),
        ("::", "::", "this host"),
        ("::1", "::1", "a loopback address"),
        ("::2", "::ffff:ffff", "an IPv4 address in an IPv6 one"),
        ("::127.0.0.1", "::8.8.8.8", "an IPv4 address in an IPv6 one"),
        (
            "::ffff:0.0.0.0",
            "::ffff:255.255.255.255",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "::ffff:8.8.8.8",
            "::ffff:10.1.2.3",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "64:ff9b::10.0.0.1",
            "64:ff9b::10.255.255.255",
            "a private address",
        ),
        (
            "64:ff9b::127.0.0.1",
            "64:ff9b::7f00:1",
            "a loopback address",
        ),
        (
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "a translator of the local network",
        ),
        (
            "100::",
            "100::ffff:ffff:ffff:ffff",
            "an address for discarding",
        ),
        (
            "2001::",
            "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "2001:1::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "an address for protocols",
        ),
        (
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "an address for documentation",
        ),
        (
            "2002::",
            "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "an IPv4 address in an IPv6 one",
        ),
        (
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "an address for documentation",
        ),
        (
            "5f00::",
            "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a segment identifier",
        ),
        (
            "fc00::",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a private address",
        ),
        (
            "fe80::",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a link-local address",
        ),
        (
            "fec0::",
            "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a site-local address",
        ),
        (
            "ff00::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "a multicast address",
        ),
        ("4000::", "5eff::", "a reserved address"),
        ("::1:0:0:0", "200::", "a reserved address"),
    ];
    for (first, last, what) in table {
        assert_eq!(refused(first, &[]), Some(what), "{first}");
        assert_eq!(refused(last, &[]), Some(what), "{last}");
    }
    let public = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "8.8.8.8",
        "2000::",
        "2001:200::",
        "2001:4860:4860::8888",
        "2001:db7:ffff::",
        "2001:db9::",
        "2003::1",
        "2606:4700::1111",
        "3ffe:ffff::",
        "3fff:1000::",
        "64:ff9b::8.8.8.8",
    ];
    for address in public {
        assert_eq!(
            choose(&[ip(address)], &networks(&[])).unwrap(),
            [ip(address)]
        );
    }
}

#[test]
fn what_the_binding_names_is_dialled() {
    let named = ["10.20.0.0/16", "127.0.0.1", "fd12:3456::/32"];
    for address in ["10.20.255.1", "127.0.0.1", "fd12:3456:1::1", "9.9.9.9"] {
        assert_eq!(refused(address, &named), None, "{address}");
    }
    for address in [
        "10.21.0.0",
        "127.0.0.2",
        "fd12:3457::1",
        "::1",
        "::127.0.0.1",
    ] {
        assert!(refused(address, &named).is_some(), "{address}");
    }
    // It is matched, and dialled, in its plain form.
    assert_eq!(
        choose(&[ip("::ffff:10.20.0.1")], &networks(&named)).unwrap(),
        [ip("10.20.0.1")]
    );
    // What a translator reaches is not in the network of that number on this side of it.
    assert!(refused("64:ff9b::10.20.0.1", &named).is_some());
}

#[test]
fn one_refused_address_refuses_all_and_says_what_to_do() {
    let both = [ip("8.8.8.8"), ip("::ffff:192.168.1.1"), ip("10.0.0.1")];
    assert_eq!(
        choose(&both, &networks(&["10.0.0.0/8"]))
            .unwrap_err()
            .to_string(),
        "192.168.1.1 is an IPv4 address in an IPv6 one, where no provider is; if this one is, name its network in `networks` of the binding"
    );
    assert_eq!(
        choose(&both, &networks(&["10.0.0.0/8", "192.168.0.0/16"])).unwrap(),
        [ip("8.8.8.8"), ip("192.168.1.1"), ip("10.0.0.1")]
    );
    assert!(choose(&[], &networks(&[])).unwrap().is_empty());
}

#[test]
fn without_tls_only_named_networks_are_dialled() {
    let only = networks(&["10.0.0.0/8"]).only();
    assert!(choose(&[ip("10.0.0.1")], &only).is_ok());
    assert!(choose(&[ip("8.8.8.8")], &only).is_err());
    assert!(choose(&[ip("10.0.0.1"), ip("8.8.8.8")], &only).is_err());
}

#[test]
fn networks_are_read_strictly_and_written_as_they_were() {
    for text in [
        "10.0.0.0/8",
        "192.0.2.7/32",
        "fd00::/8",
        "fc00::/7",
        "::1/128",
    ] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    assert_eq!(
        "127.0.0.1".parse::<Network>().unwrap().to_string(),
        "127.0.0.1/32"
    );
    let table = [
        ("", "write it as `10.0.0.0/8` or `fd00::/8`"),
        ("localhost", "write it as `10.0.0.0/8` or `fd00::/8`"),
        ("10.0.0/8", "write it as `10.0.0.0/8` or `fd00::/8`"),
        ("010.0.0.0/8", "write it as `10.0.0.0/8` or `fd00::/8`"),
        ("10.0.0.0/", "after the slash comes 8 to 32"),
        ("10.0.0.0/+8", "after the slash comes 8 to 32"),
        ("10.0.0.0/33", "after the slash comes 8 to 32"),
        ("0.0.0.0/0", "after the slash comes 8 to 32"),
        ("::/0", "after the slash comes 7 to 128"),
        ("10.1.2.3/8", "it begins at `10.0.0.0/8`; write that"),
        ("fd00::1/64", "it begins at `fd00::/64`; write that"),
        ("::ffff:10.0.0.0/104", "write it as IPv4, `10.0.0.0/…`"),
    ];
    for (text, problem) in table {
        let refused = text.parse::<Network>().unwrap_err().to_string();
        assert_eq!(refused, format!("`{text}` is not a network: {problem}"));
    }
}
