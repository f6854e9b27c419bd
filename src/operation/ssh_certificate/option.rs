//! What a certificate demands and grants beside its principals: critical options and extensions.
//!
//! Every critical option narrows what a certificate is good for, so a caller may add one. Those
//! that the owner fixed stay as they are; only `source-address` may be narrowed further.

use std::{collections::BTreeMap, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::operation::ssh_wire::Wire;

/// The critical options of a certificate, checked. `sshd` refuses a certificate with one that it
/// does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalOptions(BTreeMap<String, String>);

/// What a certificate grants beside a connection that runs one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SshExtension {
    // In the order of their names, in which they have to stand in a certificate.
    /// A FIDO token may sign without being touched.
    #[serde(rename = "no-touch-required")]
    NoTouchRequired,
    /// X11 forwarding.
    #[serde(rename = "permit-X11-forwarding")]
    X11Forwarding,
    /// Agent forwarding.
    #[serde(rename = "permit-agent-forwarding")]
    AgentForwarding,
    /// Port forwarding.
    #[serde(rename = "permit-port-forwarding")]
    PortForwarding,
    /// A terminal.
    #[serde(rename = "permit-pty")]
    Pty,
    /// The user's `~/.ssh/rc`.
    #[serde(rename = "permit-user-rc")]
    UserRc,
}

/// An IP network.
#[derive(Clone, Copy)]
struct Network {
    address: IpAddr,
    prefix: u32,
}

const FORCE_COMMAND: &str = "force-command";
const SOURCE_ADDRESS: &str = "source-address";
const VERIFY_REQUIRED: &str = "verify-required";

impl CriticalOptions {
    /// Checks options by name and value; the error is what they must be.
    pub(crate) fn read(options: BTreeMap<String, String>) -> Result<Self, &'static str> {
        for (name, value) in &options {
            match name.as_str() {
                FORCE_COMMAND if !is_command(value) => {
                    return Err("`force-command` must be one line of 1 to 4096 bytes");
                }
                SOURCE_ADDRESS if networks(value).is_none() => {
                    return Err(
                        "`source-address` must be networks such as `10.0.0.0/8,2001:db8::1`, with no bits set behind the prefix",
                    );
                }
                VERIFY_REQUIRED if !value.is_empty() => {
                    return Err("`verify-required` has no value: it must be \"\"");
                }
                FORCE_COMMAND | SOURCE_ADDRESS | VERIFY_REQUIRED => {}
                _ => {
                    return Err(
                        "each critical option must be `force-command`, `source-address` or `verify-required`",
                    );
                }
            }
        }
        Ok(Self(options))
    }

    /// These, fixed by the owner, together with a caller's. The error says what they are not
    /// allowed to do.
    pub(super) fn narrowed(mut self, asked: &Self) -> Result<Self, &'static str> {
        for (name, value) in &asked.0 {
            let fixed = self.0.get(name).map(String::as_str);
            match (name.as_str(), fixed) {
                (_, None) => {}
                (_, Some(fixed)) if fixed == value => {}
                (SOURCE_ADDRESS, Some(fixed)) if is_within(value, fixed) => {}
                (SOURCE_ADDRESS, Some(_)) => {
                    return Err("widen `source-address`; ask for a part of it, or leave it out");
                }
                (_, Some(_)) => return Err("change a critical option; leave it out"),
            }
            self.0.insert(name.clone(), value.clone());
        }
        Ok(self)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// In the order of their names; a value is a string in a string, and none is an empty one.
    pub(super) fn to_wire(&self) -> Vec<u8> {
        let all = self.iter().fold(Wire::default(), |wire, (name, value)| {
            let value = match value {
                "" => Vec::new(),
                some => Wire::default().string(some).bytes(),
            };
            wire.string(name).string(value)
        });
        all.bytes()
    }
}

fn is_command(value: &str) -> bool {
    (1..=4096).contains(&value.len()) && !value.contains(char::is_control)
}

/// `sshd` takes addresses and CIDR networks, and refuses one with bits behind its prefix.
fn networks(list: &str) -> Option<Vec<Network>> {
    if list.len() > 4096 {
        return None;
    }
    list.split(',').map(Network::parse).collect()
}

fn is_within(asked: &str, fixed: &str) -> bool {
    match (networks(asked), networks(fixed)) {
        (Some(asked), Some(fixed)) => asked
            .iter()
            .all(|one| fixed.iter().any(|network| network.contains(*one))),
        _ => false,
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            // Digits alone: a sign would parse too.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= longest)?
            }
            Some(_) => return None,
        };
        let network = Self { address, prefix };
        (network.masked(address) == network.bits(address)).then_some(network)
    }

    fn contains(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && self.prefix <= other.prefix
            && self.masked(other.address) == self.bits(self.address)
    }

    /// The address as the upper bits of a number.
    fn bits(self, address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
            IpAddr::V6(address) => u128::from(address),
        }
    }

    fn masked(self, address: IpAddr) -> u128 {
        let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
        self.bits(address) & mask
    }
}

impl SshExtension {
    /// Every extension, in the order of their names.
    pub const ALL: [Self; 6] = [
        Self::NoTouchRequired,
        Self::X11Forwarding,
        Self::AgentForwarding,
        Self::PortForwarding,
        Self::Pty,
        Self::UserRc,
    ];
}

impl FromStr for SshExtension {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|one| one.to_string() == text);
        found.ok_or(())
    }
}

impl fmt::Display for SshExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTouchRequired => "no-touch-required",
            Self::X11Forwarding => "permit-X11-forwarding",
            Self::AgentForwarding => "permit-agent-forwarding",
            Self::PortForwarding => "permit-port-forwarding",
            Self::Pty => "permit-pty",
            Self::UserRc => "permit-user-rc",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{CriticalOptions, SshExtension};

    fn options(pairs: &[(&str, &str)]) -> Result<CriticalOptions, &'static str> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        CriticalOptions::read(pairs.iter().map(owned).collect())
    }

    #[test]
    fn options_have_their_form() {
        for (name, value, expected) in [
            ("force-command", "/usr/bin/deploy --now", true),
            ("force-command", "", false),
            ("force-command", "a\nb", false),
            ("source-address", "10.0.0.0/8", true),
            (
                "source-address",
                "10.0.0.0/8,192.0.2.7,2001:db8::/32,::1",
                true,
            ),
            ("source-address", "0.0.0.0/0,::/0", true),
            ("source-address", "10.0.0.1/8", false),
            ("source-address", "10.0.0.0/33", false),
            ("source-address", "10.0.0.0/+8", false),
            ("source-address", "10.0.0.0/", false),
            ("source-address", "10.0.0.0/8, 192.0.2.7", false),
            ("source-address", "!10.0.0.0/8", false),
            ("source-address", "", false),
            ("source-address", "vault.example.com", false),
            ("verify-required", "", true),
            ("verify-required", "yes", false),
            ("permit-pty", "", false),
        ] {
            assert_eq!(
                options(&[(name, value)]).is_ok(),
                expected,
                "{name} {value}"
            );
        }
    }

    #[test]
    fn a_caller_narrows_and_never_widens() {
        let fixed = options(&[
            ("force-command", "deploy"),
            ("source-address", "10.0.0.0/8,2001:db8::/32"),
        ])
        .unwrap();
        let narrowed = |asked: &[(&str, &str)]| fixed.clone().narrowed(&options(asked).unwrap());
        assert_eq!(narrowed(&[]).unwrap(), fixed);
        assert_eq!(narrowed(&[("force-command", "deploy")]).unwrap(), fixed);
        assert!(narrowed(&[("force-command", "sh")]).is_err());
        for (asked, expected) in [
            ("10.1.0.0/16", true),
            ("10.1.2.3,2001:db8::1", true),
            ("10.0.0.0/8", true),
            ("10.0.0.0/7", false),
            ("0.0.0.0/0", false),
            ("10.1.2.3,192.0.2.7", false),
            ("2001:db9::1", false),
            // The same bits in the other family.
            ("a00::/8", false),
        ] {
            let result = narrowed(&[("source-address", asked)]);
            assert_eq!(result.is_ok(), expected, "{asked}");
            if let Ok(options) = result {
                assert!(options.iter().any(|pair| pair == ("source-address", asked)));
            }
        }
        let more = narrowed(&[("verify-required", "")]).unwrap();
        assert_eq!(more.iter().count(), 3);
    }

    #[test]
    fn extensions_stand_in_the_order_of_their_names() {
        let names = SshExtension::ALL.map(|extension| extension.to_string());
        assert!(names.is_sorted(), "{names:?}");
        assert!(SshExtension::ALL.is_sorted());
        for extension in SshExtension::ALL {
            assert_eq!(extension.to_string().parse(), Ok(extension));
            assert_eq!(
                serde_json::to_value(extension).unwrap(),
                extension.to_string()
            );
        }
    }
}
