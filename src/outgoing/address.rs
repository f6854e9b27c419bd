//! Which addresses may be dialled: public ones, and those that a binding names.
//!
//! A name may stand for any address, and whoever answers for it may say another one each time. So
//! every address that it stands for is judged here, and one of these very addresses is dialled.
//! If one of them is refused, all are: an answer that mixes an inner address with a public one
//! wants to be tried again until the inner one is chosen.
//!
//! What is public follows the IANA special-purpose address registries (RFC 6890): what they do not
//! call globally reachable is refused, and so are addresses that carry another address in them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// Networks that a binding names, as `["10.0.0.0/8", "fd12:3456::/32"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Networks {
    named: Vec<Network>,
    /// Whether public addresses are refused too.
    #[serde(skip)]
    only: bool,
}

/// A network in CIDR notation, RFC 4632: an address and how many of its bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// Why a text is not a [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a network: {problem}")]
pub struct BadNetwork {
    text: String,
    problem: String,
}

/// An address that may not be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is {what}, where no provider is; if this one is, name its network in `networks` of the binding"
)]
pub struct Refused {
    address: IpAddr,
    what: &'static str,
}

/// The addresses to dial, in the same order and in their plain form (an IPv4 address that came in
/// an IPv6 one as itself); or the first one that may not be dialled.
pub fn choose(addresses: &[IpAddr], networks: &Networks) -> Result<Vec<IpAddr>, Refused> {
    let judged = addresses.iter().map(|address| {
        let plain = address.to_canonical();
        if networks.contain(plain) {
            return Ok(plain);
        }
        let what = match not_public(*address) {
            Some(what) => what,
            None if networks.only => "in no network that the binding names for calls without TLS",
            None => return Ok(plain),
        };
        Err(Refused {
            address: plain,
            what,
        })
    });
    judged.collect()
}

impl Networks {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The same networks, and no public address beside them.
    pub fn only(self) -> Self {
        Self { only: true, ..self }
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.named.iter().any(|network| network.contains(address))
    }
}

impl Network {
    /// Whether this address is in it; one in its plain form.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => in_v4(address, base, self.bits),
            (IpAddr::V6(base), IpAddr::V6(address)) => in_v6(address, base, self.bits),
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = |problem: String| BadNetwork {
            text: text.chars().take(64).flat_map(char::escape_debug).collect(),
            problem,
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let base: IpAddr = address
            .parse()
            .map_err(|_| bad("write it as `10.0.0.0/8` or `fd00::/8`".to_owned()))?;
        if base != base.to_canonical() {
            return Err(bad(format!(
                "write it as IPv4, `{}/…`",
                base.to_canonical()
            )));
        }
        // Shorter ones would take the check away for the whole internet.
        let (fewest, most) = match base {
            IpAddr::V4(_) => (8, 32),
            IpAddr::V6(_) => (7, 128),
        };
        let bits = match bits {
            None => most,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|bits| {
                    (fewest..=most).contains(bits) && digits.bytes().all(|b| b.is_ascii_digit())
                })
                .ok_or_else(|| bad(format!("after the slash comes {fewest} to {most}")))?,
        };
        let network = Self { base, bits };
        match network.first() {
            first if first == base => Ok(network),
            first => Err(bad(format!("it begins at `{first}/{bits}`; write that"))),
        }
    }
}

impl Network {
    /// The lowest address in it.
    fn first(self) -> IpAddr {
        match self.base {
            IpAddr::V4(base) => Ipv4Addr::from_bits(base.to_bits() & mask_v4(self.bits)).into(),
            IpAddr::V6(base) => Ipv6Addr::from_bits(base.to_bits() & mask_v6(self.bits)).into(),
        }
    }
}

/// What a special address is; `None` for a public one.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => match nat64(address) {
            Some(inner) => special_v4(inner),
            None => special_v6(address),
        },
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    const TABLE: [(Ipv4Addr, u8, &str); 17] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8, "this host"),
        (Ipv4Addr::new(10, 0, 0, 0), 8, "a private address"),
        (
            Ipv4Addr::new(100, 64, 0, 0),
            10,
            "an address behind a carrier's NAT",
        ),
        (Ipv4Addr::new(127, 0, 0, 0), 8, "a loopback address"),
        (Ipv4Addr::new(169, 254, 0, 0), 16, "a link-local address"),
        (Ipv4Addr::new(172, 16, 0, 0), 12, "a private address"),
        (Ipv4Addr::new(192, 0, 0, 0), 24, "an address for protocols"),
        (
            Ipv4Addr::new(192, 0, 2, 0),
            24,
            "an address for documentation",
        ),
        (
            Ipv4Addr::new(192, 88, 99, 0),
            24,
            "a relay between IPv4 and IPv6",
        ),
        (Ipv4Addr::new(192, 168, 0, 0), 16, "a private address"),
        (
            Ipv4Addr::new(198, 18, 0, 0),
            15,
            "an address for benchmarks",
        ),
        (
            Ipv4Addr::new(198, 51, 100, 0),
            24,
            "an address for documentation",
        ),
        (
            Ipv4Addr::new(203, 0, 113, 0),
            24,
            "an address for documentation",
        ),
        (Ipv4Addr::new(224, 0, 0, 0), 4, "a multicast address"),
        (
            Ipv4Addr::new(255, 255, 255, 255),
            32,
            "the broadcast address",
        ),
        (Ipv4Addr::new(240, 0, 0, 0), 4, "a reserved address"),
        // Of cloud providers' metadata services; Azure's is a public address by its number.
        (
            Ipv4Addr::new(168, 63, 129, 16),
            32,
            "a cloud platform's own address",
        ),
    ];
    let found = TABLE
        .iter()
        .find(|(base, bits, _)| in_v4(address, *base, *bits));
    found.map(|(_, _, what)| *what)
}

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>. Only 2000::/3 is global unicast
/// (RFC 4291, section 2.4, and the IANA registry of the IPv6 address space).
fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    const fn at(a: u16, b: u16, c: u16) -> Ipv6Addr {
        Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
    }
    const TABLE: [(Ipv6Addr, u8, &str); 16] = [
        (Ipv6Addr::UNSPECIFIED, 128, "this host"),
        (Ipv6Addr::LOCALHOST, 128, "a loopback address"),
        (
            Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0),
            96,
            "an IPv4 address in an IPv6 one",
        ),
        (at(0, 0, 0), 96, "an IPv4 address in an IPv6 one"),
        (at(0x64, 0xff9b, 1), 48, "a translator of the local network"),
        (at(0x100, 0, 0), 8, "an address for discarding"),
        (at(0x2001, 0, 0), 32, "an IPv4 address in an IPv6 one"),
        (at(0x2001, 0xdb8, 0), 32, "an address for documentation"),
        (at(0x2001, 0, 0), 23, "an address for protocols"),
        (at(0x2002, 0, 0), 16, "an IPv4 address in an IPv6 one"),
        (at(0x3fff, 0, 0), 20, "an address for documentation"),
        (at(0x5f00, 0, 0), 16, "a segment identifier"),
        (at(0xfc00, 0, 0), 7, "a private address"),
        (at(0xfe80, 0, 0), 10, "a link-local address"),
        (at(0xfec0, 0, 0), 10, "a site-local address"),
        (at(0xff00, 0, 0), 8, "a multicast address"),
    ];
    let found = TABLE
        .iter()
        .find(|(base, bits, _)| in_v6(address, *base, *bits))
        .map(|(_, _, what)| *what);
    match found {
        None if !in_v6(address, at(0x2000, 0, 0), 3) => Some("a reserved address"),
        found => found,
    }
}

/// The IPv4 address that a translator reaches, RFC 6052: behind it is the same IPv4 internet, and
/// the same inner networks.
fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let prefix = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
    in_v6(address, prefix, 96).then(|| Ipv4Addr::from_bits(address.to_bits() as u32))
}

fn in_v4(address: Ipv4Addr, base: Ipv4Addr, bits: u8) -> bool {
    (address.to_bits() ^ base.to_bits()) & mask_v4(bits) == 0
}

fn in_v6(address: Ipv6Addr, base: Ipv6Addr, bits: u8) -> bool {
    (address.to_bits() ^ base.to_bits()) & mask_v6(bits) == 0
}

/// The first `bits` bits.
fn mask_v4(bits: u8) -> u32 {
    u32::MAX
        .checked_shl(32_u32.saturating_sub(bits.into()))
        .unwrap_or(0)
}

fn mask_v6(bits: u8) -> u128 {
    u128::MAX
        .checked_shl(128_u32.saturating_sub(bits.into()))
        .unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;

    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests;
